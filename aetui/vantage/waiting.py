"""Waiting on a non-blocking socket until a deadline, in two ways with one face: ``Ready`` for loops with add_reader, ``Complete`` for all
others.

``Ready`` (Linux, macOS) makes one future and one timer a wait and nothing else, since a sweep has thousands of them. ``Complete``
(Windows' proactor loop, which has no readiness) uses the loop's own sock_ calls. Every call takes an absolute deadline of the loop's
clock, and raises TimeoutError at it and OSError for what the system says. A cancelled call leaves nothing registered; closing the socket
is the caller's.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import suppress
from typing import Protocol

Parked = set["asyncio.Future[bool]"]
"""The waits that are under way on one socket, for ``wake``."""
SockAddr = tuple[str, int] | tuple[str, int, int, int]


class Waits(Protocol):
    """The calls that wait."""

    async def connect(self, sock: socket.socket, to: SockAddr, deadline: float) -> int:
        """Start, and wait until the system has decided. Gives the errno that the call itself said at once, or 0: the socket then tells."""

    async def recv(self, sock: socket.socket, most: int, deadline: float, parked: Parked | None = None) -> bytes:
        """Up to ``most`` bytes, b"" at the end."""

    async def send(self, sock: socket.socket, data: bytes, deadline: float, parked: Parked | None = None) -> None:
        """All of it."""

    async def accept(self, sock: socket.socket, deadline: float, parked: Parked | None = None) -> socket.socket:
        """One connection, non-blocking."""


class Ready:
    """Readiness by add_reader and add_writer."""

    async def connect(self, sock: socket.socket, to: SockAddr, deadline: float) -> int:
        """See ``Waits``."""
        error = sock.connect_ex(to)
        if error != errno.EINPROGRESS:
            return error
        await _until(sock, deadline, None, write=True)
        return 0

    async def recv(self, sock: socket.socket, most: int, deadline: float, parked: Parked | None = None) -> bytes:
        """See ``Waits``."""
        while True:
            await _until(sock, deadline, parked, write=False)
            try:
                return sock.recv(most)
            except (BlockingIOError, InterruptedError):
                continue

    async def send(self, sock: socket.socket, data: bytes, deadline: float, parked: Parked | None = None) -> None:
        """See ``Waits``."""
        rest = memoryview(data)
        while True:
            with suppress(BlockingIOError, InterruptedError):
                rest = rest[sock.send(rest) :]
            if not rest:
                return
            await _until(sock, deadline, parked, write=True)

    async def accept(self, sock: socket.socket, deadline: float, parked: Parked | None = None) -> socket.socket:
        """See ``Waits``."""
        while True:
            await _until(sock, deadline, parked, write=False)
            try:
                taken, _ = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                continue
            taken.setblocking(False)
            return taken


class Complete:
    """Completion by the loop's own calls."""

    async def connect(self, sock: socket.socket, to: SockAddr, deadline: float) -> int:
        """See ``Waits``."""
        async with asyncio.timeout_at(deadline):
            try:
                await asyncio.get_running_loop().sock_connect(sock, to)
            except OSError as error:
                return error.errno or errno.EIO
        return 0

    async def recv(self, sock: socket.socket, most: int, deadline: float, parked: Parked | None = None) -> bytes:
        """See ``Waits``."""
        async with asyncio.timeout_at(deadline):
            return await asyncio.get_running_loop().sock_recv(sock, most)

    async def send(self, sock: socket.socket, data: bytes, deadline: float, parked: Parked | None = None) -> None:
        """See ``Waits``."""
        async with asyncio.timeout_at(deadline):
            await asyncio.get_running_loop().sock_sendall(sock, data)

    async def accept(self, sock: socket.socket, deadline: float, parked: Parked | None = None) -> socket.socket:
        """See ``Waits``."""
        async with asyncio.timeout_at(deadline):
            return (await asyncio.get_running_loop().sock_accept(sock))[0]


def waits() -> Waits:
    """The way that fits the running loop."""
    return Ready() if isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop) else Complete()


def wake(sock: socket.socket, parked: Parked) -> None:
    """End every wait on a socket that is about to be closed: a descriptor must leave the selector before its number is used again."""
    loop = asyncio.get_running_loop()
    for future in parked:
        if not future.done():
            future.set_result(True)
    loop.remove_reader(sock)
    loop.remove_writer(sock)


async def _until(sock: socket.socket, deadline: float, parked: Parked | None, *, write: bool) -> None:
    loop = asyncio.get_running_loop()
    add, remove = (loop.add_writer, loop.remove_writer) if write else (loop.add_reader, loop.remove_reader)
    if loop.time() >= deadline:  # a peer that always has something ready must not keep a wait alive
        raise TimeoutError
    future: asyncio.Future[bool] = loop.create_future()
    descriptor = sock.fileno()
    add(descriptor, _settle, future, True)
    timer = loop.call_at(deadline, _settle, future, False)
    if parked is not None:
        parked.add(future)
    try:
        if not await future:
            raise TimeoutError
    finally:
        timer.cancel()
        if parked is not None:
            parked.discard(future)
        if sock.fileno() >= 0:  # not one that was closed meanwhile, whose number may be another socket's by now
            remove(descriptor)


def _settle(future: asyncio.Future[bool], ready: bool) -> None:
    if not future.done():
        future.set_result(ready)
