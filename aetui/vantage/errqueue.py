"""The socket error queue: which ICMP error ended a connect or a datagram, and who sent it. Linux only, no privilege needed.

Takes a socket, gives a ``Queued`` or None; the control messages themselves are read by ``wire.errqueue``. On other systems ``arm``,
``disarm`` and ``drain`` do nothing, since there is no such queue. What an error means is in ``outcomes``. Source: ip(7), ipv6(7).
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from aetui.observations import Icmp
from aetui.wire.errqueue import IP_RECVERR, IPV6_RECVERR, ORIGIN_ICMP, ORIGIN_ICMP6, parse_control

RECVERR = {socket.AF_INET: (socket.IPPROTO_IP, IP_RECVERR), socket.AF_INET6: (socket.IPPROTO_IPV6, IPV6_RECVERR)}
ON = struct.pack("i", 1)
OFF = struct.pack("i", 0)
TOO_BIG = frozenset({(ORIGIN_ICMP, 3, 4), (ORIGIN_ICMP6, 2, 0)})
"""Origin, type and code of the errors whose info field is the next hop's MTU (RFC 1191, RFC 4443 section 3.2)."""
PAYLOAD_ROOM = 512
CONTROL_ROOM = 512
"""Bytes read of the returned packet, which we do not look at, and of the control messages."""
MOST_ENTRIES = 16
"""Entries read at most; one connect makes one."""


@dataclass(frozen=True, slots=True)
class Queued:
    """One entry of the error queue."""

    errno: int
    icmp: Icmp | None = None
    """None for an error that this machine made itself (origin LOCAL), or whose sender the kernel did not know."""


def parse(controls: Iterable[tuple[int, int, bytes]]) -> Queued | None:
    """The error that one entry's control messages tell of; None where they tell of none. Pure."""
    entry = parse_control(controls)
    if entry is None:
        return None
    if not entry.from_network or entry.offender is None:
        return Queued(entry.errno)
    mtu = entry.info if (entry.origin, entry.type, entry.code) in TOO_BIG and entry.info else None
    return Queued(entry.errno, Icmp(entry.type, entry.code, entry.offender, mtu))


def arm(sock: socket.socket) -> None:
    """Have the kernel queue the ICMP errors of this socket."""
    if sys.platform == "linux":
        level, option = RECVERR[sock.family]
        sock.setsockopt(level, option, ON)


def disarm(sock: socket.socket) -> None:
    """Back to normal: on an established connection a queued error would break the stream, which plain TCP survives (RFC 1122 4.2.3.9)."""
    if sys.platform == "linux":
        level, option = RECVERR[sock.family]
        sock.setsockopt(level, option, OFF)


def drain(sock: socket.socket) -> Queued | None:
    """The first ICMP error of the queue, else the first error of this machine; None where it is empty."""
    found: Queued | None = None
    if sys.platform == "linux":
        for _ in range(MOST_ENTRIES):
            try:
                _, controls, _, _ = sock.recvmsg(PAYLOAD_ROOM, CONTROL_ROOM, socket.MSG_ERRQUEUE)
            except OSError:  # EAGAIN: the queue is empty
                break
            queued = parse(controls)
            if queued is not None and queued.icmp is not None:
                return queued
            found = found or queued
    return found
