"""The engine over a vantage: a connect a TTL, wherever the vantage can set one (``Capability.SEGMENT``). So the embedded site is traced
like a network.

TCP only. Each probe is one ``Vantage.connect``, waited for as long as one SYN is: what a second one brings is no round trip. The vantage
chooses source ports, so the flow is not kept constant. A vantage that is lost is the trace's problem.
"""

from __future__ import annotations

import asyncio

from aetui.observations import Icmp, Outcome, TcpSeen
from aetui.path.engine import Channel, Manners, Sink
from aetui.path.records import Flow, Heard, Method, Problem, Proto, ReplyKind
from aetui.path.schedule import WAIT_S
from aetui.vantage.base import Capability, Shape, Vantage, VantageLost

AHEAD = 8
_TIME_EXCEEDED = frozenset({(4, 11), (6, 3)})
_PROBLEMS = {Outcome.NO_ROUTE: "no-route", Outcome.DENIED: "denied", Outcome.FAILED: "send-failed"}
_HOST_UNREACHABLE = {4: (3, 1), 6: (1, 3)}


class VantageChannel:
    """Connects of one flow."""

    unclaimed = 0

    def __init__(self, vantage: Vantage, flow: Flow, sink: Sink) -> None:
        self._vantage = vantage
        self._flow = flow
        self._sink = sink
        self._tasks: set[asyncio.Task[None]] = set()
        self.own = vantage.info.address

    def send(self, serial: int, ttl: int, *, alone: bool = False) -> None:
        """Start one connect."""
        task = asyncio.get_running_loop().create_task(self._connect(serial, ttl))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Cancel what runs."""
        for task in self._tasks:
            task.cancel()

    async def _connect(self, serial: int, ttl: int) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            done = await self._vantage.connect(self._flow.address, self._flow.port or 0, began + WAIT_S, Shape(ttl=ttl))
        except VantageLost as lost:
            self._sink.failed(Problem("vantage-lost", str(lost)))
            return
        if done.stream is not None:
            done.stream.close()
        self._tell(serial, done.seen, (loop.time() - began) * 1000)

    def _tell(self, serial: int, seen: TcpSeen, elapsed_ms: float) -> None:
        heard = _heard(seen, elapsed_ms, self._flow)
        if heard is not None:
            self._sink.heard(serial, heard)
        elif seen.outcome in _PROBLEMS:
            self._sink.failed(Problem(_PROBLEMS[seen.outcome], seen.errno or ""))


class VantageEngine:
    """Connects over a vantage that can set a TTL."""

    method = Method.VANTAGE

    def __init__(self, vantage: Vantage) -> None:
        self._vantage = vantage

    def manners(self, flow: Flow) -> Manners:
        """Each probe that arrives is a connection to the server: few at a time."""
        return Manners(window=AHEAD, ahead=AHEAD)

    async def open(self, flow: Flow, sink: Sink, *, spread: bool = False) -> Channel | Problem:
        """A channel, or why this vantage cannot trace."""
        if Capability.SEGMENT not in self._vantage.capabilities:
            return Problem("no-segment")
        if flow.proto is not Proto.TCP:
            return Problem("tcp-only")
        return VantageChannel(self._vantage, flow, sink)

    async def close(self) -> None:
        """The vantage is its owner's."""


def _heard(seen: TcpSeen, elapsed_ms: float, flow: Flow) -> Heard | None:
    rtt_ms = seen.rtt_ms if seen.rtt_ms is not None else elapsed_ms
    if seen.icmp is not None:
        exceeded = (flow.version, seen.icmp.type) in _TIME_EXCEEDED
        return Heard(ReplyKind.TIME_EXCEEDED if exceeded else ReplyKind.UNREACHABLE, seen.icmp.sender, rtt_ms, seen.icmp)
    match seen.outcome:
        case Outcome.OPEN:
            return Heard(ReplyKind.SYN_ACK, flow.address, rtt_ms)
        case Outcome.REFUSED:
            return Heard(ReplyKind.RST, flow.address, rtt_ms)
        case Outcome.NO_NEIGHBOUR:
            own = seen.local or ""
            return Heard(ReplyKind.UNREACHABLE, own, rtt_ms, Icmp(*_HOST_UNREACHABLE[flow.version], own))
        case _:
            return None
