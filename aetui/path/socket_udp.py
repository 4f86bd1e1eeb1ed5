"""UDP and ICMP echo probes without privilege: one socket, one flow, every TTL in flight, replies from the error queue (Linux).

Each probe's payload begins with its serial number, which routers quote back with the rest of the datagram. A router that quotes only
the eight bytes that RFC 792 asks for leaves the number out: such a reply is counted as ``unclaimed``, and given to the probe that was
sent ``alone``. A datagram of the target that does not give the number back answers the first open probe beyond the latest that was
answered. ICMP uses the kernel's ping sockets, which need the group to be allowed (net.ipv4.ping_group_range). An answer of the
target itself (a datagram, an echo reply) ends the path as a port-unreachable from it does.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import time
from contextlib import suppress

from aetui.path.engine import Sink
from aetui.path.queue import drain_with_data, own_address, prepare, set_ttl, to_heard
from aetui.path.records import Flow, Heard, Problem, Proto, ReplyKind
from aetui.path.socket_tcp import problem_of
from aetui.wire import errqueue
from aetui.wire.errqueue import QueuedError

MARK = b"aetui-path\x00"
"""What the payload holds after the serial number, so that whoever looks at the wire knows what this is."""
_ECHO = {4: 8, 6: 128}
MOST_SENT = 4096
"""Probes that are remembered; older ones can no longer be answered."""
_HEADERS = {4: 28, 6: 48}
"""IP and UDP (or ICMP) header together, bytes."""


class DatagramChannel:
    """Datagrams or echoes of one flow."""

    def __init__(self, flow: Flow, sink: Sink, sender: socket.socket) -> None:
        self._flow = flow
        self._sink = sink
        self._socket = sender
        self._loop = asyncio.get_running_loop()
        self._started: dict[int, float] = {}
        self._answered = -1
        self._alone: int | None = None
        self.unclaimed = 0
        self.own = own_address(flow)
        self._loop.add_reader(sender, self._readable)

    def send(self, serial: int, ttl: int, *, alone: bool = False) -> None:
        """One datagram with this TTL."""
        self._readable()
        self._alone = serial if alone else None
        self._started[serial] = time.time()
        if len(self._started) > MOST_SENT:
            del self._started[next(iter(self._started))]
        try:
            set_ttl(self._socket, self._flow.version, ttl)
            self._socket.send(self._payload(serial))
        except BlockingIOError:
            return
        except OSError as error:
            self._readable()
            if error.errno == errno.EMSGSIZE or error.errno in _PENDING:
                return
            self._sink.failed(problem_of(error.errno or errno.EIO))

    def close(self) -> None:
        """Stop listening."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _payload(self, serial: int) -> bytes:
        body = struct.pack("!I", serial) + MARK
        body = body.ljust(max(len(body), self._flow.size - _HEADERS[self._flow.version]), b"\x00")
        if self._flow.proto is Proto.ICMP:
            return struct.pack("!BBHHH", _ECHO[self._flow.version], 0, 0, 0, serial & 0xFFFF) + body
        return body

    def _readable(self) -> None:
        for error, quoted in drain_with_data(self._socket):
            self._error(error, quoted)
        with suppress(BlockingIOError, OSError):
            for _ in range(64):
                self._answer(self._socket.recv(2048))

    def _error(self, error: QueuedError, quoted: bytes) -> None:
        if not error.from_network:
            return
        serial = self._serial_of(quoted)
        if serial is None:
            self.unclaimed += 1
        else:
            self._sink.heard(serial, to_heard(error, self._take(serial), self._flow))

    def _answer(self, data: bytes) -> None:
        serial = self._serial_of(data)
        if serial is None and self._flow.proto is Proto.UDP:
            serial = next((one for one in self._started if one > self._answered), None)
        if serial is not None:
            rtt_ms = (time.time() - self._take(serial)) * 1000
            self._sink.heard(serial, Heard(ReplyKind.ANSWER, self._flow.address, rtt_ms))

    def _take(self, serial: int) -> float:
        """When an answered probe was sent."""
        self._answered = max(self._answered, serial)
        return self._started.pop(serial)

    def _serial_of(self, data: bytes) -> int | None:
        body = data[8:] if self._flow.proto is Proto.ICMP else data
        if len(body) >= 4:
            serial: int = struct.unpack_from("!I", body)[0]
            return serial if serial in self._started else None
        return self._alone if self._alone in self._started else None


_PENDING = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOPROTOOPT, errno.EPROTO})
"""Errors of earlier probes, which the kernel reports on the next send."""


def open_datagram(flow: Flow, sink: Sink) -> DatagramChannel | Problem:
    """A channel, or why there is none."""
    family = socket.AF_INET6 if flow.version == 6 else socket.AF_INET
    ping = socket.IPPROTO_ICMPV6 if flow.version == 6 else socket.IPPROTO_ICMP
    try:
        sender = socket.socket(family, socket.SOCK_DGRAM, ping if flow.proto is Proto.ICMP else 0)
    except OSError as error:
        return Problem("ping-denied") if flow.proto is Proto.ICMP else problem_of(error.errno or errno.EIO)
    try:
        sender.setblocking(False)
        prepare(sender, flow.version)
        _set_discovery(sender, flow)
        sender.bind(("::" if flow.version == 6 else "0.0.0.0", flow.source_port))
        sender.connect((flow.address, flow.port or 0))
    except OSError as error:
        sender.close()
        return problem_of(error.errno or errno.EIO)
    return DatagramChannel(flow, sink, sender)


def _set_discovery(sender: socket.socket, flow: Flow) -> None:
    """A probe of a given size is never cut into fragments, whatever the kernel believes of the path."""
    if flow.size and flow.version == 6:
        sender.setsockopt(socket.IPPROTO_IPV6, errqueue.IPV6_MTU_DISCOVER, errqueue.PMTUDISC_PROBE)
    elif flow.size:
        sender.setsockopt(socket.IPPROTO_IP, errqueue.IP_MTU_DISCOVER, errqueue.PMTUDISC_PROBE)
