"""The socket error queue: which ICMP error ended a connect or a datagram, and who sent it. Linux only.

Takes a socket, gives a ``Queued`` or None. ``parse`` is pure: one control message's bytes in, a ``Queued`` out, None for anything that is
not an extended error (ip(7) and ipv6(7), IP_RECVERR and IPV6_RECVERR; linux/errqueue.h, struct sock_extended_err followed by the
offender's sockaddr). On other systems ``arm`` and ``drain`` do nothing, since there is no such queue. No privilege is needed.

What is not here: what an error means (``outcomes``).
"""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass

from aetui.observations import Icmp

IP_RECVERR = 11
"""linux/in.h; Python's socket module has no name for it."""
IPV6_RECVERR = 25
"""linux/in6.h."""
RECVERR = {socket.AF_INET: (socket.IPPROTO_IP, IP_RECVERR), socket.AF_INET6: (socket.IPPROTO_IPV6, IPV6_RECVERR)}
SUPPORTED = sys.platform == "linux"
ON = struct.pack("i", 1)
OFF = struct.pack("i", 0)

EXTENDED_ERROR = struct.Struct("=IBBBBII")
"""errno, origin, type, code, padding, info, data."""
ORIGIN_LOCAL = 1
ORIGIN_ICMP = 2
ORIGIN_ICMP6 = 3
OFFENDER = {ORIGIN_ICMP: (socket.AF_INET, 4, 4), ORIGIN_ICMP6: (socket.AF_INET6, 8, 16)}
"""By origin: the family of the offender's sockaddr, and the offset and size of the address in it."""
TOO_BIG = {(ORIGIN_ICMP, 3, 4), (ORIGIN_ICMP6, 2, 0)}
"""Errors whose info field is the next hop's MTU (RFC 1191, RFC 4443 section 3.2)."""
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
    """None for an error that this machine made itself (origin LOCAL)."""


def parse(level: int, kind: int, data: bytes) -> Queued | None:
    """An extended error from one control message ``(level, kind, data)``; None where it is another message or cut short."""
    if (level, kind) not in RECVERR.values() or len(data) < EXTENDED_ERROR.size:
        return None
    errno, origin, icmp_type, code, _, info, _ = EXTENDED_ERROR.unpack_from(data)
    if origin == ORIGIN_LOCAL:
        return Queued(errno)
    sender = _offender(origin, data[EXTENDED_ERROR.size :])
    if sender is None:
        return None
    mtu = info if (origin, icmp_type, code) in TOO_BIG and info else None
    return Queued(errno, Icmp(icmp_type, code, sender, mtu))


def _offender(origin: int, sockaddr: bytes) -> str | None:
    """The address in the sockaddr behind the error; None where the kernel did not know it (AF_UNSPEC) or the bytes are short."""
    if origin not in OFFENDER:
        return None
    family, offset, size = OFFENDER[origin]
    if len(sockaddr) < offset + size or struct.unpack_from("=H", sockaddr)[0] != family:
        return None
    return socket.inet_ntop(family, sockaddr[offset : offset + size])


def arm(sock: socket.socket) -> None:
    """Have the kernel queue the ICMP errors of this socket."""
    if SUPPORTED:
        level, option = RECVERR[sock.family]
        sock.setsockopt(level, option, ON)


def disarm(sock: socket.socket) -> None:
    """Back to normal: on an established connection a queued error would break the stream, which plain TCP survives (RFC 1122 4.2.3.9)."""
    if SUPPORTED:
        level, option = RECVERR[sock.family]
        sock.setsockopt(level, option, OFF)


def drain(sock: socket.socket) -> Queued | None:
    """The first entry of the queue that is an extended error, with an ICMP error before a local one; None where there is none."""
    if sys.platform != "linux":
        return None
    local: Queued | None = None
    for _ in range(MOST_ENTRIES):
        try:
            _, controls, _, _ = sock.recvmsg(PAYLOAD_ROOM, CONTROL_ROOM, socket.MSG_ERRQUEUE)
        except OSError:  # EAGAIN: the queue is empty
            return local
        for control in controls:
            queued = parse(*control)
            if queued is not None and queued.icmp is not None:
                return queued
            local = local or queued
    return local
