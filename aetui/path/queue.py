"""What the unprivileged probes share: socket options that ask for the error queue, and reading it.

Linux only; ``available`` says so elsewhere. Codec: ``aetui.wire.errqueue``.
"""

from __future__ import annotations

import socket
import sys
import time
from contextlib import suppress

from aetui.observations import Icmp
from aetui.path.records import Flow, Heard, ReplyKind
from aetui.wire import errqueue
from aetui.wire.errqueue import QueuedError, parse_control

_MOST_ENTRIES = 64
"""Entries read at one go, so that a flood cannot hold the loop."""
_TIME_EXCEEDED = {(4, 11), (6, 3)}
_TOO_BIG = {(4, 3, 4), (6, 2, 0)}


def available() -> bool:
    """True where this system has an error queue on its sockets."""
    return sys.platform == "linux"


def prepare(probe: socket.socket, version: int) -> None:
    """Ask for ICMP errors with their sender, the TTL that they arrive with and the kernel's time of arrival."""
    if version == 6:
        probe.setsockopt(socket.IPPROTO_IPV6, errqueue.IPV6_RECVERR, 1)
        probe.setsockopt(socket.IPPROTO_IPV6, errqueue.IPV6_RECVHOPLIMIT, 1)
    else:
        probe.setsockopt(socket.IPPROTO_IP, errqueue.IP_RECVERR, 1)
        probe.setsockopt(socket.IPPROTO_IP, errqueue.IP_RECVTTL, 1)
    probe.setsockopt(socket.SOL_SOCKET, errqueue.SO_TIMESTAMPNS, 1)


def set_ttl(probe: socket.socket, version: int, ttl: int) -> None:
    """How far the next packet may go."""
    if version == 6:
        probe.setsockopt(socket.IPPROTO_IPV6, errqueue.IPV6_UNICAST_HOPS, ttl)
    else:
        probe.setsockopt(socket.IPPROTO_IP, errqueue.IP_TTL, ttl)


def drain(probe: socket.socket) -> list[QueuedError]:
    """Everything that the error queue holds now, oldest first."""
    return [error for error, _ in drain_with_data(probe)]


def drain_with_data(probe: socket.socket) -> list[tuple[QueuedError, bytes]]:
    """As ``drain``, each with what the ICMP error quoted of our own datagram's payload."""
    found: list[tuple[QueuedError, bytes]] = []
    with suppress(BlockingIOError, OSError):
        for _ in range(_MOST_ENTRIES):
            data, control, _, _ = probe.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
            error = parse_control(control)
            if error is not None:
                found.append((error, data))
    return found


def to_heard(error: QueuedError, started: float, flow: Flow) -> Heard:
    """A reply, from an entry of the error queue; ``started`` is the system's clock when the probe left."""
    sender = error.offender or flow.address
    mtu = error.info if (flow.version, error.type, error.code) in _TOO_BIG else None
    kind = ReplyKind.TIME_EXCEEDED if (flow.version, error.type) in _TIME_EXCEEDED else ReplyKind.UNREACHABLE
    rtt_ms = max(0.0, ((error.at or time.time()) - started) * 1000)
    return Heard(kind, sender, rtt_ms, Icmp(error.type, error.code, sender, mtu), error.reply_ttl)


def own_address(flow: Flow) -> str | None:
    """The address that packets of this flow leave with; nothing is sent to learn it. None where there is no way there."""
    family = socket.AF_INET6 if flow.version == 6 else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asked:
        asked.connect((flow.address, flow.port or 9))
        return str(asked.getsockname()[0])
    return None
