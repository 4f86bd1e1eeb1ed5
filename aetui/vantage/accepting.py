"""A port of this machine opened for one incoming connection (active FTP). The own address is the one that packets leave with."""

from __future__ import annotations

import asyncio
import socket

from aetui.vantage.stream import SocketStream
from aetui.vantage.waiting import Parked, Waits, wake

FAMILIES = {"ipv4": (socket.AF_INET, "0.0.0.0"), "ipv6": (socket.AF_INET6, "::")}
ELSEWHERE = {socket.AF_INET: ("192.0.2.1", 9), socket.AF_INET6: ("2001:db8::1", 9)}
"""Addresses that nobody has (RFC 5737, RFC 3849); a UDP socket connected there sends nothing and tells the own address."""
LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


def own_address(family: socket.AddressFamily) -> str | None:
    """The address that this machine would send from to the world; None where it has no way there. Sends nothing."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect(ELSEWHERE[family])
            address: str = sock.getsockname()[0]
    except OSError:
        return None
    return address


class SocketAcceptor:
    """See ``Acceptor``. A cancelled ``accept`` closes it."""

    def __init__(self, sock: socket.socket, address: str, waits: Waits) -> None:
        self._sock = sock
        self._address = address
        self._port: int = sock.getsockname()[1]
        self._waits = waits
        self._parked: Parked = set()

    @property
    def address(self) -> str:
        """See ``Acceptor``."""
        return self._address

    @property
    def port(self) -> int:
        """See ``Acceptor``."""
        return self._port

    async def accept(self, deadline: float) -> SocketStream | None:
        """See ``Acceptor``. None too once it is closed."""
        if self._sock.fileno() < 0:
            return None
        try:
            return SocketStream(await self._waits.accept(self._sock, deadline, self._parked), self._waits)
        except OSError:
            return None
        except asyncio.CancelledError:
            self.close()
            raise

    def close(self) -> None:
        """See ``Acceptor``."""
        if self._sock.fileno() < 0:
            return
        if self._parked:
            wake(self._sock, self._parked)
        self._sock.close()


def listen(waits: Waits, family: str) -> SocketAcceptor | None:
    """Open a port that the system picks; None where it gives none (no such family, out of descriptors)."""
    number, anywhere = FAMILIES[family]
    try:
        sock = socket.socket(number, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        sock.setblocking(False)
        sock.bind((anywhere, 0))
        sock.listen(1)
    except OSError:
        sock.close()
        return None
    return SocketAcceptor(sock, own_address(number) or LOOPBACK[number], waits)
