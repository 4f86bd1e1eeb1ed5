"""The engine that needs no privilege: connects, datagrams and pings, and the kernel's error queue. Linux; elsewhere ``open`` says what
is missing.
"""

from __future__ import annotations

import sys

from aetui.path.engine import Channel, Manners, Sink
from aetui.path.queue import available
from aetui.path.records import Flow, Method, Problem, Proto
from aetui.path.socket_tcp import TcpChannel
from aetui.path.socket_udp import open_datagram

AHEAD = 8
"""TTLs tried beyond the furthest answer by TCP: each that reaches the server is a whole connection to it, soon reset."""
TOGETHER = 2
"""TCP probes sent in one go: on a short path the server answers before many have gone beyond it."""


class SocketEngine:
    """Plain sockets."""

    method = Method.SOCKET

    def manners(self, flow: Flow) -> Manners:
        """TCP keeps its five-tuple one TTL at a time; datagrams have all of theirs in flight."""
        if flow.proto is Proto.TCP:
            return Manners(window=AHEAD, ahead=AHEAD, burst=TOGETHER, spread_first=True)
        return Manners()

    async def open(self, flow: Flow, sink: Sink, *, spread: bool = False) -> Channel | Problem:
        """A channel for the flow."""
        if not available():
            return Problem("no-error-queue", sys.platform)
        if flow.proto is Proto.TCP:
            return TcpChannel(flow, sink, spread=spread)
        return open_datagram(flow, sink)

    async def close(self) -> None:
        """Nothing is kept between channels."""
