"""A running console's place in a chain: an event loop that lives in the client's namespace, with engines that last."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from aetui.path.engines import Engines

from .chain import Chain

T = TypeVar("T")


class Standpoint:
    """A loop that lives in a chain's client, with engines that last, so that the helper is started once."""

    def __init__(self, chain: Chain) -> None:
        self.loop = asyncio.new_event_loop()
        self._began = threading.Event()
        threading.Thread(target=chain.inside, args=(0, self._run), daemon=True).start()
        self._began.wait()
        self.engines = Engines()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(self._began.set)
        self.loop.run_forever()
        self.loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def close(self) -> None:
        self.do(self.engines.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
