"""What the kernel knows of a TCP connection: state, round trip, resent segments. Linux only (tcp(7) TCP_INFO, struct tcp_info of
linux/tcp.h).

``parse`` is pure; ``read`` gives None where the system has no such option. The offsets have been the same since Linux 2.6.
"""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass

SIZE = 104
"""Up to and with tcpi_total_retrans."""
ESTABLISHED = 1
SYN_SENT = 2
CLOSE_WAIT = 8
CONNECTED = frozenset({ESTABLISHED, CLOSE_WAIT})
"""States (net/tcp_states.h) of a connect that succeeded; in CLOSE_WAIT the peer has closed already."""
FIELDS = struct.Struct("=BxBxxxxx 28x I 28x I 28x I")
"""state, retransmits, retrans (offset 36), rtt (68), total_retrans (100)."""


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """The fields that a probe uses."""

    state: int
    timeouts: int
    """Retransmission timeouts of the segment now waited for."""
    in_flight: int
    """Of the segments sent again, those that really left this machine and are not acknowledged."""
    rtt_ms: float | None
    """Smoothed round trip; right after the handshake it is the handshake's own. None before there is a sample."""
    resent: int
    """Segments sent again, SYNs too, in all."""

    @property
    def connected(self) -> bool:
        """The handshake was completed."""
        return self.state in CONNECTED

    @property
    def held_back(self) -> bool:
        """Every SYN sent again was dropped inside this machine (its own firewall, a full queue).

        The kernel counts each try in ``resent``, and in ``in_flight`` only what the output path took; a timeout clears ``in_flight``
        before the next try. A try put off because the previous copy still waits in a queue (for the neighbour's MAC address) is a timeout
        without a ``resent``, and proves nothing.
        """
        return self.state == SYN_SENT and self.resent == self.timeouts > 0 and self.in_flight == 0


def parse(data: bytes) -> TcpInfo | None:
    """A struct tcp_info, at least SIZE bytes of it; None for less."""
    if len(data) < SIZE:
        return None
    state, timeouts, in_flight, rtt_us, resent = FIELDS.unpack_from(data)
    return TcpInfo(state, timeouts, in_flight, rtt_us / 1000 if rtt_us else None, resent)


def read(sock: socket.socket) -> TcpInfo | None:
    """The kernel's word on this socket; None where it gives none."""
    if sys.platform != "linux":
        return None
    return parse(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, SIZE))
