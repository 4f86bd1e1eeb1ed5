"""The helper's low ports: opens a TCP socket that listens on a port under 1024, for the console to accept on. It accepts nothing itself.

The one right that the helper keeps (CAP_NET_BIND_SERVICE) is in effect for the length of one bind. Bounded: ``MOST`` sockets in the
helper's life, ports 1 to 1023 (``messages`` checks), none of them held here once it is handed over. Raises OSError as bind(2) does.
"""

from __future__ import annotations

import errno
import socket

from aetui.packet import privilege
from aetui.packet.messages import BACKLOG, Listen

MOST = 64
"""Sockets; a technician opens two or three, each for IPv4 and IPv6."""


class Ports:
    """Counts what was handed out."""

    def __init__(self) -> None:
        self._opened = 0

    def open(self, asked: Listen) -> socket.socket:
        """Listening, non-blocking; the caller's to pass on and close."""
        if self._opened >= MOST:
            raise OSError(errno.EMFILE, "too many ports were opened")
        family = socket.AF_INET6 if ":" in asked.address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            with privilege.in_effect(privilege.CAP_NET_BIND_SERVICE):
                made.bind((asked.address, asked.port))
            made.listen(BACKLOG)
        except OSError:
            made.close()
            raise
        self._opened += 1
        return made
