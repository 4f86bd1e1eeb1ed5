"""Loopback servers that leave nothing behind: each TCP handler is a task that ``close`` ends, each socket one that ``close`` closes.

Ports are ephemeral ones of 127.0.0.1. A handler that meets a broken connection, or bytes that make no sense, just ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable

LOOPBACK = "127.0.0.1"
LONGEST_LINE = 65536
"""Bytes of one line that a server reads."""
IDLE_S = 60.0
"""Seconds that a conversation with one of our servers may last."""

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Serving:
    """Servers on loopback, and everything that hangs on them."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._transports: list[asyncio.DatagramTransport] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = socket.socket()
        self._closed.bind((LOOPBACK, 0))

    @property
    def closed_port(self) -> int:
        """A port that is ours and where nothing listens: a connect gets a true reset."""
        port: int = self._closed.getsockname()[1]
        return port

    async def tcp(self, handler: Handler, context: ssl.SSLContext | None = None) -> int:
        """Serve, and tell the port. With a context the handler speaks over TLS."""
        speaking = handler if context is None else _secured(handler, context)
        server = await asyncio.start_server(lambda *ends: self._handle(speaking, *ends), LOOPBACK, 0, limit=LONGEST_LINE)
        self._servers.append(server)
        found: int = server.sockets[0].getsockname()[1]
        return found

    async def udp(self, protocol: Callable[[], asyncio.DatagramProtocol]) -> int:
        """Serve datagrams, and tell the port."""
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(protocol, local_addr=(LOOPBACK, 0))
        self._transports.append(transport)
        found: int = transport.get_extra_info("sockname")[1]
        return found

    async def close(self) -> None:
        """End every conversation and close every socket; safe to call twice."""
        self._closed.close()
        for server in self._servers:
            server.close()
        for transport in self._transports:
            transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        self._transports.clear()
        await asyncio.sleep(0)  # transports close their sockets in the loop's next turn

    async def _handle(self, handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._converse(handler, reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
            await asyncio.sleep(0)
        finally:
            self._tasks.discard(task)

    @staticmethod
    async def _converse(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # ValueError: a line longer than the limit. TimeoutError and ssl.SSLError are OSError.
        with contextlib.suppress(OSError, EOFError, ValueError):
            try:
                async with asyncio.timeout(IDLE_S):
                    await handler(reader, writer)
            finally:
                writer.close()
            await writer.wait_closed()


def _secured(handler: Handler, context: ssl.SSLContext) -> Handler:
    """The handler behind a handshake. It is done here, so that a client that stops in the middle of one is ours to end."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.start_tls(context)
        await handler(reader, writer)

    return handle


async def drained(reader: asyncio.StreamReader) -> None:
    """Take whatever comes until the other side closes."""
    while await reader.read(LONGEST_LINE):
        pass
