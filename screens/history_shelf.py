"""The history as the console asks for it: plain functions for a thread, each with its own connection, so that no screen waits for SQLite.

``shelf`` runs one of them; it raises ``StoreError`` with one sentence. A list is read in pages of ``PAGE``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from aetui.catalogue import Catalogue, load
from aetui.display import displayable
from aetui.entries import Kept
from aetui.prepare import own_catalogue
from aetui.store import History, StoreError, Summary, opened
from aetui.strict import DataError

PAGE = 200
"""Sessions read at a time: more than any terminal shows, and there before a key is let go."""

Got = TypeVar("Got")


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a list."""

    sessions: tuple[Summary, ...]
    total: int
    """Sessions in the history, whatever was searched for."""
    more: bool
    """True where the list goes on behind this page."""


async def shelf(work: Callable[[History], Got]) -> Got:
    """Do this with the history, in a thread. Raises StoreError."""

    def do() -> Got:
        with opened() as history:
            return work(history)

    return await asyncio.to_thread(do)


def page(search: str = "", skip: int = 0, most: int = PAGE) -> Callable[[History], Found]:
    """The sessions from ``skip`` on that hold every word of ``search``, the newest first."""

    def read(history: History) -> Found:
        found = history.sessions(search, most + 1, skip)
        return Found(tuple(found[:most]), history.count(), len(found) > most)

    return read


def describe(identity: str, name: str, note: str) -> str:
    """Name a session and note something of it; gives what went wrong, or nothing. For a thread."""
    try:
        with opened() as history:
            history.rename(identity, name)
            history.annotate(identity, note)
    except StoreError as error:
        return displayable(str(error), 400)
    return ""


def forget(identities: Collection[str]) -> Callable[[History], int]:
    """Delete sessions for good; gives how many."""

    def delete(history: History) -> int:
        for identity in identities:
            history.delete(identity)
        return len(identities)

    return delete


def whole(identity: str) -> Callable[[History], tuple[Kept, Catalogue]]:
    """A session, and the catalogue of today to read it with; the shipped one where the user's own is wrong."""

    def read(history: History) -> tuple[Kept, Catalogue]:
        kept = history.open(identity)
        try:
            return kept, load(own_catalogue())
        except DataError:
            return kept, load()

    return read
