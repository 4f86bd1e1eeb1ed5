"""An engine in memory: a path given as data, replies by the event loop's own clock. For the tracer's tests; nothing is sent anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from aetui.observations import Icmp
from aetui.path.engine import Channel, Manners, Sink
from aetui.path.records import Flow, Heard, Method, Problem, ReplyKind


@dataclass
class Simulated:
    """``hops`` are addresses, None for silent ones; the target stands behind them. They may change meanwhile, for our own flow."""

    hops: Sequence[str | None]
    end: ReplyKind | None = ReplyKind.SYN_ACK
    rtt_ms: float = 1.0
    how: Manners = field(default_factory=Manners)
    mute: bool = False
    """Routers quote too little: replies are claimed only when their probe was alone."""
    other_branch: Sequence[str | None] = ()
    """Hops of every flow but the first channel's."""
    problem: Problem | None = None
    lives: int | None = None
    """Probes that it sends before it dies, as the packet helper may."""
    sent: list[int] = field(default_factory=list)
    opened: int = 0
    open_now: int = 0
    method: Method = Method.SCAPY

    def manners(self, flow: Flow) -> Manners:
        return self.how

    async def open(self, flow: Flow, sink: Sink, *, spread: bool = False) -> Channel | Problem:
        if self.problem is not None:
            return self.problem
        self.opened += 1
        self.open_now += 1
        ours = not spread and self.opened == 1 + self.how.spread_first
        return _Channel(self, flow, sink, () if ours else self.other_branch)

    async def close(self) -> None:
        pass


class _Channel:
    def __init__(self, net: Simulated, flow: Flow, sink: Sink, hops: Sequence[str | None]) -> None:
        self.net, self.flow, self.sink, self.other = net, flow, sink, hops
        self.own: str | None = "192.168.50.20"
        self.unclaimed = 0
        self.closed = False

    def send(self, serial: int, ttl: int, *, alone: bool = False) -> None:
        self.net.sent.append(ttl)
        if self.net.lives is not None and len(self.net.sent) > self.net.lives:
            self.sink.failed(Problem("helper", "it was ended by signal 9."))
            return
        heard = self._heard(ttl)
        if heard is not None:
            asyncio.get_running_loop().call_later(self.net.rtt_ms / 1000, self._tell, serial, heard, alone)

    def close(self) -> None:
        self.net.open_now -= not self.closed
        self.closed = True

    def _tell(self, serial: int, heard: Heard, alone: bool) -> None:
        if self.closed:
            return
        if self.net.mute and not alone and heard.kind is ReplyKind.TIME_EXCEEDED:
            self.unclaimed += 1
        else:
            self.sink.heard(serial, heard)

    def _heard(self, ttl: int) -> Heard | None:
        hops = self.other or self.net.hops
        if ttl <= len(hops):
            sender = hops[ttl - 1]
            return Heard(ReplyKind.TIME_EXCEEDED, sender, self.net.rtt_ms, Icmp(11, 0, sender)) if sender else None
        return Heard(self.net.end, self.flow.address, self.net.rtt_ms) if self.net.end else None
