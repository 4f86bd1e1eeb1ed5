"""Linux's socket error queue: the control messages of ``recvmsg(..., MSG_ERRQUEUE)``, bytes in, records out.

Source: ip(7) and ipv6(7), IP_RECVERR: ``struct sock_extended_err`` (errno, origin, type, code, pad, info, data) followed by the
offender's ``sockaddr``. Control messages that are too short or of another kind are passed over. No socket is opened here; the numbers
below stand in for names that Python 3.11's ``socket`` module lacks.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

IPPROTO_IP, IPPROTO_IPV6, SOL_SOCKET = 0, 41, 1
IP_TTL, IP_MTU_DISCOVER, IP_RECVERR, IP_RECVTTL, IP_MTU = 2, 10, 11, 12, 14
IPV6_UNICAST_HOPS, IPV6_MTU_DISCOVER, IPV6_MTU, IPV6_RECVERR, IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT = 16, 23, 24, 25, 51, 52
PMTUDISC_DO, PMTUDISC_PROBE = 2, 3
"""Set the don't-fragment flag: and heed the known path MTU, or send whatever the interface takes."""
SO_TIMESTAMPNS = 35
"""Asks for, and marks, the kernel's own time of arrival (struct timespec)."""

ORIGIN_LOCAL, ORIGIN_ICMP, ORIGIN_ICMP6 = 1, 2, 3

_EXTENDED = struct.Struct("=IBBBBII")


@dataclass(frozen=True, slots=True)
class QueuedError:
    """One entry of the error queue."""

    errno: int
    origin: int
    type: int
    code: int
    info: int
    """The next-hop MTU, where ``errno`` is EMSGSIZE."""
    offender: str | None
    """Who sent the ICMP error; for ``ORIGIN_LOCAL`` nobody, or this machine."""
    reply_ttl: int | None = None
    """TTL with which the ICMP error arrived (IP_RECVTTL, IPV6_RECVHOPLIMIT)."""
    at: float | None = None
    """Time of arrival by the system's clock, seconds since 1970 (SO_TIMESTAMPNS)."""

    @property
    def from_network(self) -> bool:
        """True where an ICMP message caused it."""
        return self.origin in (ORIGIN_ICMP, ORIGIN_ICMP6)


def parse_control(messages: Iterable[tuple[int, int, bytes]]) -> QueuedError | None:
    """The error that a list of control messages tells of, or None where it tells of none."""
    error: QueuedError | None = None
    reply_ttl: int | None = None
    at: float | None = None
    for level, kind, data in messages:
        match level, kind:
            case (0, 11) | (41, 25):
                error = _extended(data)
            case (0, 2) | (41, 52) if len(data) >= 4:
                reply_ttl = struct.unpack_from("=i", data)[0]
            case (1, 35) if len(data) >= 16:
                seconds, nanoseconds = struct.unpack_from("=qq", data)
                at = seconds + nanoseconds / 1e9
            case _:
                pass
    if error is None:
        return None
    return QueuedError(error.errno, error.origin, error.type, error.code, error.info, error.offender, reply_ttl, at)


def _extended(data: bytes) -> QueuedError | None:
    if len(data) < _EXTENDED.size:
        return None
    errno, origin, kind, code, _, info, _ = _EXTENDED.unpack_from(data)
    return QueuedError(errno, origin, kind, code, info, _address(data[_EXTENDED.size :]))


def _address(sockaddr: bytes) -> str | None:
    family = struct.unpack_from("=H", sockaddr)[0] if len(sockaddr) >= 2 else 0
    if family == 2 and len(sockaddr) >= 8:
        return str(IPv4Address(sockaddr[4:8]))
    if family == 10 and len(sockaddr) >= 24:
        mapped = IPv6Address(sockaddr[8:24])
        return str(mapped.ipv4_mapped or mapped)
    return None
