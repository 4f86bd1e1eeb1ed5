"""The helper's traces: open flows, send probes, and tell what answers them. Works on the sockets that it is given; holds no right.

Times: a probe's round trip is the kernel's time of arrival (SO_TIMESTAMPNS) less the clock just before it was sent. At most
``MOST_FLOWS`` flows are open.
"""

from __future__ import annotations

import errno
import secrets
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress

from aetui.packet.forge import Forge
from aetui.packet.messages import CloseTrace, OpenTrace, ProbeFailed, ProbeHeard, QuotedPacket, Refused, Reply, SendProbe, TraceOpened
from aetui.packet.sockets import Sockets
from aetui.wire import icmp
from aetui.wire.errqueue import SO_TIMESTAMPNS
from aetui.wire.icmp import IcmpMessage, Quoted, Segment

MOST_FLOWS = 64
_AT_ONCE = 256
_PASSING = frozenset({errno.ENOBUFS, errno.EAGAIN, errno.EMSGSIZE})
"""The packet is not sent and the flow lives on: a full queue, a size that this machine's own link does not take."""
_PROTO_HOP_LIMIT = (41, 52)


class Tracing:
    """All open flows."""

    def __init__(self, sockets: Sockets, tell: Callable[[Reply], None]) -> None:
        self._sockets = sockets
        self._tell = tell
        self._flows: dict[int, Forge] = {}
        self._held: dict[int, socket.socket] = {}

    def open(self, asked: OpenTrace) -> None:
        """Answer with ``TraceOpened`` or ``Refused``. The flow's number is the request's."""
        if len(self._flows) >= MOST_FLOWS or asked.id in self._flows:
            self._tell(Refused(asked.id, "too many traces are open"))
            return
        version = 6 if ":" in asked.address else 4
        if self._sender(version) is None:
            self._tell(Refused(asked.id, f"this system gives no raw IPv{version}", "EAFNOSUPPORT"))
            return
        try:
            own, held = _hold(asked)
        except OSError as error:
            self._tell(Refused(asked.id, "cannot send there", errno.errorcode.get(error.errno or 0, "EIO")))
            return
        port = asked.source_port or 1024 + secrets.randbelow(60000)
        if held is not None:
            self._held[asked.id] = held
            port = held.getsockname()[1]
        self._flows[asked.id] = Forge(asked, own, port, secrets.randbits(32))
        self._flows[asked.id].packet(0, 1)
        self._tell(TraceOpened(asked.id, own, port))

    def send(self, asked: SendProbe) -> None:
        """One probe."""
        flow = self._flows.get(asked.flow)
        if flow is None:
            return
        packet = flow.packet(asked.serial, asked.ttl)
        sender = self._sender(flow.version)
        assert sender is not None
        flow.remember(asked.serial, time.time())
        try:
            sender.sendto(packet, (flow.asked.address, 0))
        except OSError as error:
            if error.errno not in _PASSING:
                self._tell(ProbeFailed(asked.flow, errno.errorcode.get(error.errno or 0, "EIO")))

    def close(self, asked: CloseTrace) -> None:
        """Forget a flow."""
        self._flows.pop(asked.flow, None)
        held = self._held.pop(asked.flow, None)
        if held is not None:
            held.close()

    def held(self) -> dict[int, socket.socket]:
        """Sockets that keep the flows' ports; UDP answers arrive there."""
        return self._held

    def icmp4(self) -> None:
        """Read what came: ICMPv4."""
        for data, _, control in _received(self._sockets.icmp4):
            packet = icmp.parse_ipv4(data)
            message = icmp.parse_icmp4(packet.payload) if packet is not None else None
            if packet is not None and message is not None:
                self._icmp(message, packet.source, packet.ttl, _arrived(control))

    def icmp6(self) -> None:
        """Read what came: ICMPv6."""
        for data, sender, control in _received(self._sockets.icmp6):
            message = icmp.parse_icmp6(data)
            if message is not None:
                self._icmp(message, sender, _hop_limit(control), _arrived(control))

    def tcp4(self) -> None:
        """Read what came: SYN-ACKs and resets over IPv4."""
        for data, _, control in _received(self._sockets.tcp4):
            packet = icmp.parse_ipv4(data)
            segment = icmp.parse_segment(packet.payload) if packet is not None else None
            if packet is not None and segment is not None:
                self._segment(segment, packet.source, packet.ttl, _arrived(control))

    def tcp6(self) -> None:
        """Read what came: SYN-ACKs and resets over IPv6."""
        for data, sender, control in _received(self._sockets.tcp6):
            segment = icmp.parse_segment(data)
            if segment is not None:
                self._segment(segment, sender, _hop_limit(control), _arrived(control))

    def datagram(self, number: int) -> None:
        """Read what came to a flow's own port."""
        flow, held = self._flows.get(number), self._held.get(number)
        if flow is None or held is None:
            return
        with suppress(OSError):
            _, sender = held.recvfrom(2048)
            serial = flow.of_datagram(_plain(sender[0]), sender[1])
            if serial is not None:
                self._heard(number, flow, serial, "answer", _plain(sender[0]), time.time())

    def _sender(self, version: int) -> socket.socket | None:
        return self._sockets.send6 if version == 6 else self._sockets.send4

    def _icmp(self, message: IcmpMessage, sender: str, ttl: int | None, at: float) -> None:
        for number, flow in self._flows.items():
            if message.quoted is not None:
                serial = flow.of_quoted(message.quoted)
            else:
                serial = flow.of_echo(message, sender) if message.version == flow.version and not message.error else None
            if serial is not None:
                self._heard(number, flow, serial, _kind(message), sender, at, message, ttl)
                return

    def _segment(self, segment: Segment, sender: str, ttl: int | None, at: float) -> None:
        for number, flow in self._flows.items():
            serial = flow.of_segment(segment, sender) if segment.syn_ack or segment.rst else None
            if serial is not None:
                self._heard(number, flow, serial, "rst" if segment.rst else "syn-ack", sender, at, None, ttl)
                return

    def _heard(
        self,
        number: int,
        flow: Forge,
        serial: int,
        kind: str,
        sender: str,
        at: float,
        message: IcmpMessage | None = None,
        ttl: int | None = None,
    ) -> None:
        rtt_ms = max(0.0, (at - flow.take(serial)) * 1000)
        if message is None or kind == "answer":
            self._tell(ProbeHeard(number, serial, kind, sender, rtt_ms, reply_ttl=ttl))
        else:
            quoted = _quoted(message.quoted) if message.quoted is not None else None
            self._tell(ProbeHeard(number, serial, kind, sender, rtt_ms, message.type, message.code, message.mtu, ttl, quoted))


def _hold(asked: OpenTrace) -> tuple[str, socket.socket | None]:
    """Own address on the way there, and a socket that keeps the source port ours. Raises OSError where there is no way."""
    family = socket.AF_INET6 if ":" in asked.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.connect((asked.address, asked.port or 9))
        own = str(asking.getsockname()[0])
    if asked.proto == "icmp":
        return own, None
    held = socket.socket(family, socket.SOCK_STREAM if asked.proto == "tcp" else socket.SOCK_DGRAM)
    try:
        held.setblocking(False)
        held.bind((own, asked.source_port))
    except OSError:
        held.close()
        raise
    return own, held


def _received(source: socket.socket | None) -> list[tuple[bytes, str, list[tuple[int, int, bytes]]]]:
    found = []
    with suppress(OSError):
        for _ in range(_AT_ONCE if source is not None else 0):
            assert source is not None
            data, control, _, sender = source.recvmsg(2048, 256)
            found.append((data, _plain(sender[0]), control))
    return found


def _plain(address: str) -> str:
    """Without a zone."""
    return address.partition("%")[0]


def _arrived(control: list[tuple[int, int, bytes]]) -> float:
    for level, kind, data in control:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS) and len(data) >= 16:
            seconds, nanoseconds = struct.unpack_from("=qq", data)
            return float(seconds) + float(nanoseconds) / 1e9
    return time.time()


def _hop_limit(control: list[tuple[int, int, bytes]]) -> int | None:
    found = next((data for level, kind, data in control if (level, kind) == _PROTO_HOP_LIMIT and len(data) >= 4), None)
    return int(struct.unpack_from("=i", found)[0]) if found is not None else None


def _kind(message: IcmpMessage) -> str:
    if not message.error:
        return "answer"
    exceeded = icmp.TIME_EXCEEDED if message.version == 4 else icmp.TIME_EXCEEDED6
    return "time-exceeded" if message.type == exceeded else "unreachable"


def _quoted(quoted: Quoted) -> QuotedPacket:
    return QuotedPacket(
        quoted.version, quoted.source, quoted.destination, quoted.ttl, quoted.protocol, quoted.source_port, quoted.destination_port
    )
