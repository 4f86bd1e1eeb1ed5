"""Blocking work in a daemon thread of its own, awaited by a coroutine that can leave at once.

Unlike a pool's threads these never hold up the end of the program: a name lookup or a terminal read that does not come back is left behind.
A result that comes after the coroutine has gone is handed to ``discard``. Use for few and rare things: one thread a call.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

T = TypeVar("T")


async def offload(work: Callable[[], T], name: str, discard: Callable[[T], None] | None = None) -> T:
    """What ``work`` returns or raises. On cancellation this returns at once and the thread runs out by itself."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def give(result: T) -> None:
        if not future.done():
            future.set_result(result)
        elif discard is not None:
            discard(result)

    def fail(error: BaseException) -> None:
        if not future.done():
            future.set_exception(error)

    def run() -> None:
        try:
            result = work()
        except BaseException as error:
            _call(loop, partial(fail, error))
        else:
            if not _call(loop, partial(give, result)) and discard is not None:
                discard(result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await future


def _call(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> bool:
    """False where the loop has been closed meanwhile."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(what)
        return True
    return False
