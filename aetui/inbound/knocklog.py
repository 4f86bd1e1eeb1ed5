"""The listener's bounded memory: the last knocks, exact counts, and what is handed on to whoever watches, in batches.

Under a flood the log keeps ``LONGEST`` ordinary knocks and ``LONGEST_NOTABLE`` notable ones apart, so that noise cannot push out what
matters: knocks from the allow-list and those that carried a token. A batch holds every notable knock and at most ``BATCH`` others;
``missed`` counts the rest. With no allow-list no source is known, and only tokens are notable. Pure: no clock, no socket.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from aetui.reach import Knock, Token

LONGEST = 500
LONGEST_NOTABLE = 500
BATCH = 40
"""Ordinary knocks handed on at once; ten batches a second are more than anybody reads."""

MOST_KEPT = 2000
"""Knocks of one session that go to the history; under a flood the rest is only counted, those that carry a token excepted."""


class Share:
    """Which knocks of one session go to the history."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._left = most

    def takes(self, knock: Knock) -> bool:
        """True where this one does."""
        self._left -= 1
        return self._left >= 0 or knock.token is not Token.NONE


@dataclass(frozen=True, slots=True)
class Batch:
    """What came since the last one, in order."""

    knocks: tuple[Knock, ...]
    missed: int = 0
    """Ordinary knocks that came too and are only counted."""


class KnockLog:
    """One listener's."""

    def __init__(self) -> None:
        self._ordinary: deque[tuple[int, Knock]] = deque(maxlen=LONGEST)
        self._notable: deque[tuple[int, Knock]] = deque(maxlen=LONGEST_NOTABLE)
        self._pending: list[Knock] = []
        self._ordinary_pending = self._missed = 0
        self.total = 0
        self.by_kind: Counter[tuple[int, str]] = Counter()
        """Exact counts by port and reading."""

    def add(self, knock: Knock, known: bool) -> None:
        """Take one in; ``known`` where the allow-list names its source."""
        self.total += 1
        self.by_kind[knock.port, knock.speaks] += 1
        if known or knock.token is not Token.NONE:
            self._notable.append((self.total, knock))
            self._pending.append(knock)
            return
        self._ordinary.append((self.total, knock))
        if self._ordinary_pending < BATCH:
            self._ordinary_pending += 1
            self._pending.append(knock)
        else:
            self._missed += 1

    @property
    def waiting(self) -> bool:
        """True where a batch is to be taken."""
        return bool(self._pending)

    def take(self) -> Batch:
        """The batch, and begin a new one."""
        batch = Batch(tuple(self._pending), self._missed)
        self._pending, self._ordinary_pending, self._missed = [], 0, 0
        return batch

    @property
    def knocks(self) -> tuple[Knock, ...]:
        """Those still remembered, oldest first."""
        return tuple(knock for _, knock in sorted([*self._ordinary, *self._notable], key=lambda entry: entry[0]))
