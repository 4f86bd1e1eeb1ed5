"""The machine's own resolver library (getaddrinfo), asked in threads that can hang without holding anything up.

getaddrinfo cannot be cancelled and may take a minute where no resolver answers. It therefore runs in a daemon thread of its own, which
neither a cancelled session nor the end of the program waits for; a limit keeps a dead resolver from piling threads up.
"""

from __future__ import annotations

import asyncio
import socket
import threading

MOST_THREADS = 16
"""Lookups under way at once, hung ones among them."""


class Names:
    """Lookups of one vantage, within one event loop."""

    def __init__(self) -> None:
        self._free = threading.Semaphore(MOST_THREADS)

    async def lookup(self, name: str, deadline: float) -> tuple[str, ...] | None:
        """Addresses in the library's order, () where it has none, None where it gave no answer by the deadline."""
        loop = asyncio.get_running_loop()
        if not self._free.acquire(blocking=False):
            return None
        answer: asyncio.Future[tuple[str, ...]] = loop.create_future()
        threading.Thread(target=self._ask, args=(name, loop, answer), daemon=True, name="lookup").start()
        try:
            async with asyncio.timeout_at(deadline):
                return await answer
        except TimeoutError:
            return None

    def _ask(self, name: str, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[tuple[str, ...]]) -> None:
        try:
            found = addresses(name)
        finally:
            self._free.release()
        try:
            loop.call_soon_threadsafe(_tell, answer, found)
        except RuntimeError:  # the loop is closed, and nobody asks any more
            return


def _tell(answer: asyncio.Future[tuple[str, ...]], found: tuple[str, ...]) -> None:
    if not answer.done():
        answer.set_result(found)


def addresses(name: str) -> tuple[str, ...]:
    """getaddrinfo's addresses, each once; () where it finds none, or the name is none. Blocks."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):  # no such name, no resolver; not encodable; a NUL inside
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
