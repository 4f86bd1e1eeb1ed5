"""A session written down as it happens: a listener of its events, and of what else is found out meanwhile.

Every entry is a transaction of its own, so that the death of the process costs at most the one being written. While another console
holds the file, entries wait in memory and are written with the next one. Trouble (a full disk, a damaged file, a session that another
console deleted) is told once, in one sentence, to ``trouble``; from then on nothing is written and the run goes on unsaved. Nothing
here ever raises into a run.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aetui.entries import About, Entry, Found
from aetui.events import CheckDone, CheckStarted, Diagnosing, Event, SessionEnded, SessionStarted
from aetui.state import State
from aetui.store.codec import VERSION, encode, learn
from aetui.store.place import FILE, StoreError, folder
from aetui.store.schema import PLACES, connect, plainly, transaction
from aetui.store.summary import KINDS, begin, update
from aetui.tally import Tally

PATIENCE_S = 0.05
"""Longest wait, within a run, for another console's transaction: the event loop stands still for it."""

LAST_PATIENCE_S = 3.0
"""The same when the journal is closed, and nothing is left to hold up."""

CHECKPOINT_PAGES = 4000
"""Pages of 4 KiB after which SQLite moves the log into the file: more than a session has, so that no fsync falls into a run."""

_INSERT = "INSERT INTO entry (place, kind, data) SELECT ?, ?, ? WHERE EXISTS (SELECT 1 FROM session WHERE number = ?)"
"""A transaction of its own, as every statement is outside of ``transaction``."""


class _Deleted(Exception):
    """The session's row is gone."""


_dumps = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Journal:
    """Give it to ``Session(listeners=…)``; call ``keep`` for what is no event of a run; ``close`` it in the end."""

    def __init__(self, about: About, trouble: Callable[[str], None], path: Path | None = None) -> None:
        self.about = about
        self.id: str | None = None
        """Of the session being written; None before the first one starts and after trouble."""
        self._trouble = trouble
        self._base: sqlite3.Connection | None = None
        self._number = self._place = 0
        self._state, self._tally = State(), Tally()
        """What the session's line in lists is made of: the results of the single checks are not."""
        self._told: tuple[str, ...] = ()
        self._waiting: list[Entry] = []
        self._path = path or folder() / FILE
        try:
            learn(KINDS.values())
            self._base = connect(path, PATIENCE_S)
            self._base.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        except (StoreError, sqlite3.Error) as error:
            self._give_up(str(error))

    @property
    def saving(self) -> bool:
        """False once there was trouble."""
        return self._base is not None

    def __call__(self, event: Event) -> None:
        """Write an event down."""
        self.keep(event)

    def keep(self, entry: Entry) -> None:
        """Write an entry down; before a session has started there is nothing to write it to, and it is dropped."""
        if self._base is None or (self.id is None and not isinstance(entry, SessionStarted)):
            return
        if isinstance(entry, SessionStarted):
            self.id = entry.session
        self._waiting.append(entry)
        self._write()

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        if self._base is None:
            return
        if self._waiting:
            self._base.execute(f"PRAGMA busy_timeout = {int(LAST_PATIENCE_S * 1000)}")
            self._write()
        if self._waiting and self._base is not None:
            self._give_up("another aetui kept the history busy to the end; this session is not saved whole")
        if self._base is not None:
            self._base.close()
            self._base = None

    def _write(self) -> None:
        try:
            while self._waiting and self._base is not None:
                self._put(self._base, self._waiting[0])
                del self._waiting[:1]
        except _Deleted:
            self._give_up("this session was deleted from the history while it ran")
        except sqlite3.Error as error:
            if "locked" not in str(error):
                self._give_up(str(plainly(error, self._path)))

    def _put(self, base: sqlite3.Connection, entry: Entry) -> None:
        kind = type(entry)
        data = _dumps(encode(kind, entry))
        if isinstance(entry, SessionStarted):
            self._begin(base, entry, data)
        elif isinstance(entry, CheckStarted | CheckDone):
            self._insert(base, kind.__name__, data)
        else:
            with transaction(base):
                self._insert(base, kind.__name__, data)
                self._summarise(base, entry)

    def _begin(self, base: sqlite3.Connection, entry: SessionStarted, data: str) -> None:
        with transaction(base):
            self._number = begin(base, entry, self.about, VERSION)
            self._place, self._told = self._number * PLACES, ()
            self._insert(base, SessionStarted.__name__, data)
        self._state, self._tally = State(), Tally()
        self._state.fold(entry)

    def _insert(self, base: sqlite3.Connection, kind: str, data: str) -> None:
        if base.execute(_INSERT, (self._place, kind, data, self._number)).rowcount != 1:
            raise _Deleted
        self._place += 1

    def _summarise(self, base: sqlite3.Connection, entry: Entry) -> None:
        """The session's line in lists follows when its causes change, when something is found beside its checks, and when it ends."""
        if isinstance(entry, Found):
            self._tally.take(entry)
            changed = True
        else:
            self._state.fold(entry)
            changed = isinstance(entry, SessionEnded) or (isinstance(entry, Diagnosing) and self._news(entry))
        if changed:
            update(base, self._number, self._state, self._tally)

    def _news(self, entry: Diagnosing) -> bool:
        told = (entry.diagnosis.verdict.value, *(f.cause for f in entry.diagnosis.findings))
        changed, self._told = told != self._told, told
        return changed

    def _give_up(self, why: str) -> None:
        if self._base is not None:
            with suppress(sqlite3.Error):
                self._base.close()
        self._base, self.id = None, None
        self._waiting.clear()
        self._trouble(f"not saved to the history: {why}")
