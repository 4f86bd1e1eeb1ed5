"""A walk in the history: every answer, result and step back an entry of the visit's session, on the disk before the next step begins; and
read again.

``Keeper`` is what a walk needs of a journal. A walk that is taken up again begins a new session, which first repeats what is known, so
that the newest session of a guide always holds the whole walk. Raises ``store.StoreError`` for reading only; trouble in writing is the
journal's to tell.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from aetui.entries import Answered, Checked, Concluded, Entry, WentBack
from aetui.guide.interpreter import Answer, Conclusion, Found, Taken, Went
from aetui.guide.records import Seen
from aetui.store import History, Journal, StoreError
from aetui.store.schema import connect

COMMAND = "guide"
"""What a session of a guide says of its command."""
MOST_SOUGHT = 200
"""Sessions of guides that are looked through for the one to take up."""


class Keeper(Protocol):
    """Where a walk is written down."""

    def took(self, guide: str, taken: Taken, question: str) -> None:
        """An input was taken; on return it is safe."""

    def went_back(self, guide: str, step: str) -> None:
        """What was taken from this step on no longer counts."""

    def concluded(self, guide: str, conclusion: Conclusion) -> None:
        """The walk came to its verdict."""


class NoKeeper:
    """Keeps nothing."""

    def took(self, guide: str, taken: Taken, question: str) -> None:
        """See ``Keeper``."""

    def went_back(self, guide: str, step: str) -> None:
        """See ``Keeper``."""

    def concluded(self, guide: str, conclusion: Conclusion) -> None:
        """See ``Keeper``."""


class StoreKeeper:
    """In the history's SQLite file. ``at`` is the session's own time in milliseconds."""

    def __init__(self, journal: Journal, at: Callable[[], float], path: Path | None = None) -> None:
        self._journal = journal
        self._at = at
        self._path = path

    def took(self, guide: str, taken: Taken, question: str) -> None:
        """See ``Keeper``."""
        self._journal.keep(entry_of(self._at(), guide, taken, question))
        self._settle()

    def went_back(self, guide: str, step: str) -> None:
        """See ``Keeper``."""
        self._journal.keep(WentBack(self._at(), guide, step))
        self._settle()

    def concluded(self, guide: str, conclusion: Conclusion) -> None:
        """See ``Keeper``."""
        end = conclusion.end
        hand = tuple((each.to.value, each.what) for each in end.hand)
        self._journal.keep(Concluded(self._at(), guide, end.id, end.outcome, end.title, end.text, end.now, hand))
        self._settle()

    def _settle(self) -> None:
        """Have SQLite write its log through to the disk: a person's answer is worth an fsync, which a check's events are not."""
        if self._journal.saving:
            with suppress(sqlite3.Error, StoreError):
                base = connect(self._path, 0.0)
                try:
                    base.execute("PRAGMA wal_checkpoint(PASSIVE)")
                finally:
                    base.close()


def entry_of(at: float, guide: str, taken: Taken, question: str) -> Entry:
    """An input as the journal has it."""
    match taken:
        case Went():
            return Answered(at, guide, taken.step, question, "")
        case Answer():
            return Answered(at, guide, taken.step, question, taken.text)
        case Found(seen=seen):
            return Checked(at, guide, taken.step, seen.status, seen.signs, seen.told, seen.facts, seen.lines, seen.elapsed_ms, question)


def taken_of(entries: Iterable[Entry | None], guide: str, instructions: frozenset[str]) -> tuple[Taken, ...]:
    """The inputs of a guide's walk, in order, without what was taken back. ``instructions`` are the steps that ask nothing."""
    found: list[Taken] = []
    for entry in entries:
        match entry:
            case Answered() if entry.guide == guide:
                found.append(Went(entry.step) if entry.step in instructions else Answer(entry.step, entry.answer))
            case Checked() if entry.guide == guide:
                seen = Seen(entry.status, entry.signs, entry.told, entry.facts, entry.lines, entry.elapsed_ms)
                found.append(Found(entry.step, seen))
            case WentBack() if entry.guide == guide:
                found = _until(found, entry.step)
            case _:
                pass
    return tuple(found)


def _until(found: list[Taken], step: str) -> list[Taken]:
    """Everything before the last time that a step was taken; a step can be taken more than once where a guide tries again."""
    last = max((number for number, taken in enumerate(found) if taken.step == step), default=len(found))
    return found[:last]


def last_walk(
    history: History, guide: str, instructions: frozenset[str], site: str = "", *, demo: bool = False
) -> tuple[str, tuple[Taken, ...]] | None:
    """The newest session with a walk of this guide (of this site, where one is named), and its inputs; None where there is none. Walks
    through the embedded site are taken up in the demo alone, those of real sites never there.
    """
    for summary in _sessions(history, site, demo):
        taken = taken_of(history.entries(summary), guide, instructions)
        if taken:
            return summary, taken
    return None


def last_guide(history: History, site: str = "", *, demo: bool = False) -> str:
    """Key of the guide that was walked last (at this site, where one is named; in the demo or not); empty where there is none."""
    for summary in _sessions(history, site, demo):
        for entry in history.entries(summary):
            if isinstance(entry, Answered | Checked):
                return entry.guide
    return ""


def _sessions(history: History, site: str, demo: bool) -> Iterator[str]:
    for summary in history.sessions(COMMAND, MOST_SOUGHT):
        made_up = summary.vantage.kind == "demo"
        if summary.about.command == COMMAND and made_up is demo and (not site or summary.about.name == site):
            yield summary.id
