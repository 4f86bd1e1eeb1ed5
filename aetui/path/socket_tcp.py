"""TCP probes without privilege: one connect a TTL, the refusal and its sender read from the socket's error queue (Linux, IP_RECVERR).

A hop answers 11/0 and the queue names it; the target completes the connection, which is then reset (SO_LINGER 0), or resets it. Two
connects with one source port cannot be in flight at once, so a channel that keeps the five-tuple constant takes one probe at a time; a
spread channel gives each probe its own port. Errors: what the kernel refuses to send is ``failed`` with the errno's symbol. Source:
ip(7), tcp(7); measured on Linux 6.18.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import time
from contextlib import suppress

from aetui.path.engine import Sink
from aetui.path.queue import drain, own_address, prepare, set_ttl, to_heard
from aetui.path.records import Flow, Heard, Problem, ReplyKind

_IN_FLIGHT = frozenset({errno.EINPROGRESS, errno.EALREADY, 0})
_RESETS = frozenset({errno.ECONNREFUSED, errno.ECONNRESET})
_LINGER_RESET = struct.pack("ii", 1, 0)
_TCP_INFO_RTT = 68
"""Offset of tcpi_rtt, microseconds, in Linux's struct tcp_info."""


class TcpChannel:
    """Connects of one flow, or of many where ``spread``."""

    unclaimed = 0

    def __init__(self, flow: Flow, sink: Sink, *, spread: bool) -> None:
        self._flow = flow
        self._sink = sink
        self._spread = spread
        self._port = flow.source_port
        self._loop = asyncio.get_running_loop()
        self._open: dict[int, socket.socket] = {}
        self.own = own_address(flow)

    def send(self, serial: int, ttl: int, *, alone: bool = False) -> None:
        """Start one connect; on a constant flow whatever was in flight is given up first."""
        if not self._spread:
            for other in tuple(self._open):
                self._drop(other)
        started = time.time()
        try:
            probe = self._open[serial] = socket.socket(_family(self._flow), socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            self._shape(probe, ttl)
            code = probe.connect_ex((self._flow.address, self._flow.port))
        except OSError as error:
            code = error.errno or errno.EIO
        if code in _IN_FLIGHT:
            self._loop.add_writer(probe, self._settled, serial, started)
        else:
            self._ended(serial, started, code)

    def close(self) -> None:
        """Reset what is open."""
        for serial in tuple(self._open):
            self._drop(serial)

    def _shape(self, probe: socket.socket, ttl: int) -> None:
        prepare(probe, self._flow.version)
        set_ttl(probe, self._flow.version, ttl)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        if self._spread:
            return
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("::" if self._flow.version == 6 else "0.0.0.0", self._port))
        self._port = probe.getsockname()[1]

    def _settled(self, serial: int, started: float) -> None:
        if serial in self._open:
            self._ended(serial, started, None)

    def _ended(self, serial: int, started: float, code: int | None) -> None:
        """Read how it went; the error queue first, since reading it may clear the socket's own error."""
        probe = self._open.get(serial)
        queued = drain(probe) if probe else []
        if code is None and probe:
            code = probe.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        heard = next((to_heard(error, started, self._flow) for error in queued if error.from_network), None)
        if heard is None and code == 0 and probe:
            heard = Heard(ReplyKind.SYN_ACK, self._flow.address, _rtt_ms(probe, started))
        elif heard is None and code in _RESETS:
            heard = Heard(ReplyKind.RST, self._flow.address, (time.time() - started) * 1000)
        self._drop(serial)
        if heard is not None:
            self._sink.heard(serial, heard)
        elif code != errno.ETIMEDOUT:
            self._sink.failed(problem_of(code or errno.EIO))

    def _drop(self, serial: int) -> None:
        probe = self._open.pop(serial, None)
        if probe is not None:
            self._loop.remove_writer(probe)
            probe.close()


_PROBLEMS: dict[int, str] = {
    errno.ENETUNREACH: "no-route",
    errno.EHOSTUNREACH: "no-route",
    errno.EPERM: "denied",
    errno.EACCES: "denied",
    errno.EMFILE: "too-many-files",
    errno.EAFNOSUPPORT: "no-family",
    errno.EADDRNOTAVAIL: "no-family",
}


def problem_of(code: int) -> Problem:
    """What an errno says about sending at all."""
    return Problem(_PROBLEMS.get(code, "send-failed"), errno.errorcode.get(code, str(code)))


def _family(flow: Flow) -> socket.AddressFamily:
    return socket.AF_INET6 if flow.version == 6 else socket.AF_INET


def _rtt_ms(probe: socket.socket, started: float) -> float:
    """The kernel's own measure of the handshake; our clock's where it gives none."""
    with suppress(OSError, struct.error):
        info = probe.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        microseconds: int = struct.unpack_from("=I", info, _TCP_INFO_RTT)[0]
        if microseconds:
            return microseconds / 1000
    return (time.time() - started) * 1000
