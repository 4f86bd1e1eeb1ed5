"""Real peers on loopback, one for each ``Kind``: TCP and UDP servers of the running event loop, IPv4 and, where there is one, IPv6."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import AsyncExitStack, suppress
from typing import ClassVar, cast

from vantage_world import FAREWELL, STRAYS, Kind, Place, big_bytes

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Peer(asyncio.Protocol):
    """Base of the TCP peers; keeps its transports so that the end of the test closes them."""

    def __init__(self, living: set[asyncio.Transport]) -> None:
        self.living = living

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.living.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.living.discard(self.transport)


class Echo(Peer):
    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Closes(Peer):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.write(FAREWELL)
        self.transport.write_eof()


class Resets(Peer):
    def data_received(self, data: bytes) -> None:
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.transport.abort()


class Deaf(Peer):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.pause_reading()


class Big(Peer):
    def data_received(self, data: bytes) -> None:
        self.transport.write(big_bytes())
        self.transport.close()


class DatagramEcho(asyncio.DatagramProtocol):
    strays: ClassVar[int] = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)  # Python 3.11's own class does not say that it is one

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for _ in range(self.strays):
            self.transport.sendto(b"stray", addr)
        self.transport.sendto(data, addr)


class DatagramStray(DatagramEcho):
    strays = STRAYS


STREAMS: dict[Kind, tuple[type[Peer], str]] = {
    Kind.ECHO: (Echo, "127.0.0.1"),
    Kind.CLOSES: (Closes, "127.0.0.1"),
    Kind.RESETS: (Resets, "127.0.0.1"),
    Kind.MUTE: (Peer, "127.0.0.1"),
    Kind.DEAF: (Deaf, "127.0.0.1"),
    Kind.BIG: (Big, "127.0.0.1"),
    Kind.ECHO6: (Echo, "::1"),
}
DATAGRAMS: dict[Kind, tuple[type[asyncio.DatagramProtocol], str]] = {
    Kind.UDP_ECHO: (DatagramEcho, "127.0.0.1"),
    Kind.UDP_STRAY: (DatagramStray, "127.0.0.1"),
    Kind.UDP_MUTE: (asyncio.DatagramProtocol, "127.0.0.1"),
    Kind.UDP_ECHO6: (DatagramEcho, "::1"),
}
CLOSED = {
    Kind.REFUSED: (socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"),
    Kind.REFUSED6: (socket.AF_INET6, socket.SOCK_STREAM, "::1"),
    Kind.UDP_REFUSED: (socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1"),
}


class Peers:
    """All peers, open inside ``async with``."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._places: dict[Kind, Place] = {}
        self._living: set[asyncio.Transport] = set()

    def places(self) -> dict[Kind, Place]:
        """Where each peer really is, on loopback."""
        return dict(self._places)

    async def __aenter__(self) -> Peers:
        for kind, (peer, address) in STREAMS.items():
            with suppress(OSError):  # no IPv6 on this machine
                await self._stream(kind, peer, address)
        for kind, (protocol, address) in DATAGRAMS.items():
            with suppress(OSError):
                await self._datagram(kind, protocol, address)
        for kind, (family, type_, address) in CLOSED.items():
            with suppress(OSError):
                self._closed(kind, family, type_, address)
        self._silent()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()
        for transport in tuple(self._living):
            transport.abort()
        await asyncio.sleep(0)  # the aborted transports close their sockets in the next turn

    async def _stream(self, kind: Kind, peer: type[Peer], address: str) -> None:
        server = await asyncio.get_running_loop().create_server(lambda: peer(self._living), address, 0)
        self._stack.callback(server.close)
        self._places[kind] = Place(address, server.sockets[0].getsockname()[1])

    async def _datagram(self, kind: Kind, protocol: type[asyncio.DatagramProtocol], address: str) -> None:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(protocol, (address, 0))
        self._stack.callback(transport.close)
        self._places[kind] = Place(address, transport.get_extra_info("sockname")[1])

    def _closed(self, kind: Kind, family: int, type_: int, address: str) -> None:
        """A TCP port that is bound and not listening refuses; a UDP one is bound and let go, since it would take the datagram."""
        sock = self._stack.enter_context(socket.socket(family, type_))
        sock.bind((address, 0))
        self._places[kind] = Place(address, sock.getsockname()[1])
        if type_ == socket.SOCK_DGRAM:
            sock.close()

    def _silent(self) -> None:
        """A listener whose accept queue is full drops every further SYN (Linux, tcp_abort_on_overflow 0)."""
        listener = self._stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        filler = self._stack.enter_context(socket.socket())
        filler.connect(listener.getsockname())
        self._places[Kind.SILENT] = Place("127.0.0.1", listener.getsockname()[1])
