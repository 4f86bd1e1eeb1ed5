"""The engine of raw packets: every TTL in flight on one constant flow, sent and heard by the packet helper. No right is held here.

Beside what plain sockets give, it knows with which TTL a reset or a SYN-ACK arrived, and what routers quote of our packets. Each TCP
probe that reaches the server is a SYN of one and the same connection, which this machine's kernel resets when it is answered: the
application there sees nothing.
"""

from __future__ import annotations

from aetui.observations import Icmp
from aetui.packet.client import Failure, PacketHelper, Trace
from aetui.packet.messages import OpenTrace, ProbeHeard, QuotedPacket, Refused
from aetui.path.engine import Channel, Manners, Sink
from aetui.path.records import Flow, Heard, Method, Problem, ReplyKind
from aetui.wire.icmp import Quoted

_SYMBOLS = {"ENETUNREACH": "no-route", "EHOSTUNREACH": "no-route", "EPERM": "denied", "EACCES": "denied", "EAFNOSUPPORT": "no-family"}


class ScapyChannel:
    """One flow of the helper's."""

    unclaimed = 0

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.own = trace.own

    def send(self, serial: int, ttl: int, *, alone: bool = False) -> None:
        """One probe."""
        self._trace.send(serial, ttl)

    def close(self) -> None:
        """Forget the flow."""
        self._trace.close()


class ScapyEngine:
    """The helper as an engine. ``helper`` is shared where one is given, and then its owner's to close."""

    method = Method.SCAPY

    def __init__(self, helper: PacketHelper | None = None) -> None:
        self._helper = helper or PacketHelper()
        self._owned = helper is None

    def manners(self, flow: Flow) -> Manners:
        """Everything at once."""
        return Manners()

    async def open(self, flow: Flow, sink: Sink, *, spread: bool = False) -> Channel | Problem:
        """A channel; the helper is started by the first."""

        def hear(reply: ProbeHeard) -> None:
            sink.heard(reply.serial, _heard(reply))

        def lost(why: str) -> None:
            sink.failed(_problem(why))

        asked = OpenTrace(0, flow.address, flow.proto.value, flow.port or 0, flow.source_port, flow.size)
        opened = await self._helper.open_trace(asked, hear, lost)
        match opened:
            case Failure():
                return Problem("helper", opened.why)
            case Refused():
                return _problem(opened.errno or opened.why)
        return ScapyChannel(opened)

    async def close(self) -> None:
        """End the helper, where it is our own."""
        if self._owned:
            await self._helper.close()


def _problem(why: str) -> Problem:
    if why in _SYMBOLS:
        return Problem(_SYMBOLS[why], why)
    return Problem("send-failed", why) if why.isupper() else Problem("helper", why)


def _heard(reply: ProbeHeard) -> Heard:
    icmp = None
    if reply.icmp_type is not None and reply.icmp_code is not None:
        icmp = Icmp(reply.icmp_type, reply.icmp_code, reply.sender, reply.mtu)
    return Heard(ReplyKind(reply.kind), reply.sender, reply.rtt_ms, icmp, reply.reply_ttl, _quoted(reply.quoted))


def _quoted(quoted: QuotedPacket | None) -> Quoted | None:
    if quoted is None:
        return None
    return Quoted(
        quoted.version, quoted.source, quoted.destination, quoted.ttl, quoted.protocol,
        source_port=quoted.source_port, destination_port=quoted.destination_port,
    )  # fmt: skip
