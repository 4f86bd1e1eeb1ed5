"""Time that a busy machine takes from a test: so that a bound on what the code under test may take can stay as tight as it is meant."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

TICK_S = 0.002
NOTICED_S = 0.01
"""Lateness beyond what a timer's slack and another thread's turn at the interpreter explain."""


class HoldUps:
    """``seconds`` in which this process, as far as a thread of it that only sleeps can tell, did not get to run. Code that blocks its own loop
    holds nothing up by this measure."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._over = threading.Event()
        self._ticking = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        self._ticking.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._ticking.join()

    def _tick(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            time.sleep(TICK_S)
            late = time.monotonic() - began - TICK_S
            self.seconds += late if late > NOTICED_S else 0.0
