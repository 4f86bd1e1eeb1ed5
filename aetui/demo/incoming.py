"""A port of the made-up machine for one incoming connection: a true loopback listener told under the machine's own address."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aetui.demo.line import LineStream
from aetui.demo.serving import LOOPBACK


class DemoAcceptor:
    """See ``vantage.base.Acceptor``."""

    def __init__(self, address: str, home: set[DemoAcceptor]) -> None:
        self._address = address
        self._home = home
        self._server: asyncio.Server | None = None
        self._port = 0
        self._came: asyncio.Queue[LineStream] = asyncio.Queue()

    @classmethod
    async def opened(cls, address: str, stream: Callable[[], LineStream], home: set[DemoAcceptor]) -> DemoAcceptor:
        """Listen on a port that the system picks; ``home`` is told when it closes."""
        acceptor = cls(address, home)

        def coming() -> LineStream:
            came = stream()
            acceptor._came.put_nowait(came)
            return came

        acceptor._server = await asyncio.get_running_loop().create_server(coming, LOOPBACK, 0, backlog=1)
        acceptor._port = acceptor._server.sockets[0].getsockname()[1]
        home.add(acceptor)
        return acceptor

    @property
    def address(self) -> str:
        """See ``vantage.base.Acceptor``."""
        return self._address

    @property
    def port(self) -> int:
        """See ``vantage.base.Acceptor``."""
        return self._port

    async def accept(self, deadline: float) -> LineStream | None:
        """See ``vantage.base.Acceptor``."""
        try:
            async with asyncio.timeout_at(deadline):
                return await self._came.get()
        except TimeoutError:
            return None

    def close(self) -> None:
        """See ``vantage.base.Acceptor``. A connection that nobody took is closed with it."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self._home.discard(self)
        while not self._came.empty():
            self._came.get_nowait().close()
