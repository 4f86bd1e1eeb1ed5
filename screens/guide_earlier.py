"""Walks that were left before their verdict, from the history: the newest of each guide, as far as it still fits the guide. Reads files; for a
thread of its own.

Walks through the embedded site are offered to the demo alone, those of real sites never to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from aetui.entries import Answered, Checked, Entry, WentBack
from aetui.guide import interpreter
from aetui.guide.interpreter import Taken
from aetui.guide.library import Library
from aetui.guide.records import Guide
from aetui.guiding.journal import COMMAND, taken_of
from aetui.guiding.walker import instructions_of
from aetui.store import History, StoreError, opened

MOST_SOUGHT = 60
"""Sessions of guides that are looked through."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A walk to take up again."""

    guide: Guide
    taken: tuple[Taken, ...]
    left: datetime
    """When its visit began, with a zone."""
    site: str = ""
    next: str = ""
    """Title of the step that it was left at."""


def earlier(library: Library, given: Mapping[str, str], *, demo: bool, site: str = "") -> tuple[Earlier, ...]:
    """The newest first; ``given`` is what is known before the first step. Empty where the history cannot be read: that is told where it is
    written.
    """
    try:
        with opened() as history:
            return tuple(_walks(history, library, given, demo=demo, site=site))
    except StoreError:
        return ()


def _walks(history: History, library: Library, given: Mapping[str, str], *, demo: bool, site: str) -> Iterator[Earlier]:
    told: set[str] = set()
    for summary in history.sessions(COMMAND, MOST_SOUGHT):
        fits = summary.about.command == COMMAND and (summary.vantage.kind == "demo") is demo and (not site or summary.about.name == site)
        entries = history.entries(summary.id) if fits else []
        key = next((entry.guide for entry in entries if isinstance(entry, Answered | Checked | WentBack)), "")
        guide = library.guides.get(key)
        if guide is None or key in told:
            continue
        told.add(key)
        found = unfinished(guide, entries, given)
        if found:
            yield Earlier(guide, found, summary.started, summary.about.name, next_title(guide, found, given))


def unfinished(guide: Guide, entries: list[Entry | None], given: Mapping[str, str]) -> tuple[Taken, ...]:
    """What was taken, as far as it fits; empty for nothing, and for a walk that came to its verdict, here or with a place outside that was
    named in the call.
    """
    taken = taken_of(entries, guide.key, instructions_of(guide))
    for known in (given, {**given, "outside": "?"}):
        walk = interpreter.Walk(guide.key, known, taken)
        if interpreter.conclusion(guide, walk) is not None and interpreter.taken_up(guide, walk).taken == taken:
            return ()
    return interpreter.taken_up(guide, interpreter.Walk(guide.key, given, taken)).taken


def next_title(guide: Guide, taken: tuple[Taken, ...], given: Mapping[str, str]) -> str:
    """What would be shown next."""
    return interpreter.here(guide, interpreter.Walk(guide.key, given, taken)).step.title
