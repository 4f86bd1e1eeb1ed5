"""An event loop whose clock jumps over every wait: what takes seconds is tested in none, and its times are exact on a busy machine."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _Jumping(selectors.SelectSelector):
    """Never waits: what the loop would sleep, its clock jumps."""

    def __init__(self, clock: list[float]) -> None:
        super().__init__()
        self.clock = clock

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.clock[0] += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop in which seconds cost nothing."""

    def __init__(self) -> None:
        self.clock = [1000.0]
        super().__init__(_Jumping(self.clock))

    def time(self) -> float:
        return self.clock[0]


def in_no_time(work: Coroutine[Any, Any, Any]) -> Any:
    """Run it to its end on a jumping clock."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(work)
