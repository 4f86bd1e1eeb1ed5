"""A session written down as it happens: a listener of its events, and of what else is found out meanwhile.

An entry is safe when ``keep`` returns: the death of the process costs at most the one being written. The results of single checks stand
in the journal's ``tail`` until a transaction takes them together, a fraction of a second later or when there is news; everything else
is a transaction at once. Without a tail every entry is one. While another console holds the file, entries wait and are written with the
next one. Trouble (a full disk, a damaged file, a session that another console deleted) is told once, in one sentence, to ``trouble``;
from then on nothing is written and the run goes on unsaved; what the tail has by then is left to whoever opens the history next. Nothing
here ever raises into a run.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic

from aetui.entries import About, Entry, Found
from aetui.events import CheckDone, CheckStarted, Diagnosing, Event, SessionEnded, SessionStarted
from aetui.state import State
from aetui.store.codec import VERSION, encode, learn
from aetui.store.place import FILE, StoreError, folder
from aetui.store.schema import PLACES, THERE, connect, plainly, record, transaction, warm_up
from aetui.store.summary import KINDS, begin, update
from aetui.store.tail import Tail
from aetui.tally import Tally

PATIENCE_S = 0.05
"""Longest wait, within a run, for another console's transaction: the event loop stands still for it."""

LAST_PATIENCE_S = 3.0
"""The same when the journal is closed, and nothing is left to hold up."""

CHECKPOINT_PAGES = 4000
"""Pages of 4 KiB after which SQLite moves the log into the file: more than a session has, so that no fsync falls into a run."""

TOGETHER_S = 0.2
"""Longest time that results of checks stand in the tail alone while more of them come."""

FOLLOWS = "what was seen until now follows at the next start"
"""Of what stands in the tail: it is safe, and not in the history yet."""

_INSERT = "INSERT INTO entry (place, kind, data) VALUES (?, ?, ?)"


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
        self._session = ""
        """Whose number it is; ``id`` is already the next one's while that waits for its row."""
        self._state, self._tally = State(), Tally()
        """What the session's line in lists is made of: the results of the single checks are not."""
        self._told: tuple[tuple[str, str], ...] = ()
        self._waiting: list[Entry] = []
        """Entries of a session whose row could not be made yet."""
        self._rows: list[tuple[int, str, str]] = []
        """Entries that no transaction has taken yet; the tail has them too."""
        self._stale = self._news = False
        """The session's line in lists has to follow; it has to at once."""
        self._spilt = False
        """The tail has not everything that no transaction has taken."""
        self._written = 0.0
        self._tail: Tail | None = None
        self._path = path or folder() / FILE
        try:
            learn(KINDS.values())
            self._base = connect(path, PATIENCE_S)
            self._base.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            self._warm_up(self._base)
        except (StoreError, sqlite3.Error) as error:
            self._give_up(str(error))

    def _warm_up(self, base: sqlite3.Connection) -> None:
        """What the first entries would have to wait for: SQLite begins its log with an fsync, a new file's pages are met one by one."""
        with suppress(sqlite3.OperationalError):  # another console writes just now, and has begun the log
            warm_up(base, self._path)
        with suppress(OSError):
            self._tail = Tail(self._path)

    @property
    def saving(self) -> bool:
        """False once there was trouble."""
        return self._base is not None

    def __call__(self, event: Event) -> None:
        """Write an event down."""
        self.keep(event)

    def keep(self, *entries: Entry) -> None:
        """Write entries down, those that come together in one transaction at the most. Before a session has started there is nothing to write
        them to, and they are dropped."""
        for entry in entries:
            if isinstance(entry, SessionStarted) and self._base is not None:
                self.id = entry.session
            if self.id is not None:
                self._waiting.append(entry)
        if self._base is not None:
            self._write()

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        if self._base is None:
            return
        if self._waiting or self._rows:
            self._base.execute(f"PRAGMA busy_timeout = {int(LAST_PATIENCE_S * 1000)}")
            self._written = 0.0
            self._write()
        if (self._waiting or self._rows) and self._base is not None:
            self._give_up("another aetui kept the history busy to the end", "this session is not saved whole", mends=True)
        if self._base is not None:
            self._base.close()
            self._base = None
            self._let_go()

    def _write(self) -> None:
        try:
            while self._waiting and self._base is not None:
                self._take(self._base, self._waiting[0])
                del self._waiting[:1]
            if self._base is not None and self._rows and self._due():
                self._flush(self._base)
        except _Deleted:
            if self._tail is not None:
                self._tail.clear()
            self._give_up("this session was deleted from the history while it ran")
        except sqlite3.Error as error:
            if "locked" not in str(error):
                self._give_up(str(plainly(error, self._path)), mends=isinstance(error, sqlite3.OperationalError))

    def _take(self, base: sqlite3.Connection, entry: Entry) -> None:
        kind = type(entry)
        if isinstance(entry, SessionStarted):
            self._flush(base)
            self._begin(base, entry, _dumps(encode(kind, entry)))
            return
        row = (self._place, kind.__name__, _dumps(encode(kind, entry)))
        self._place += 1
        self._rows.append(row)
        self._notice(entry)
        if self._tail is not None and not self._tail.add(record(self._session, *row)):
            self._written, self._spilt = 0.0, True  # no room: a transaction takes everything now

    def _due(self) -> bool:
        """True where a transaction is to take what has been gathered."""
        return self._tail is None or self._news or monotonic() - self._written >= TOGETHER_S

    def _begin(self, base: sqlite3.Connection, entry: SessionStarted, data: str) -> None:
        with transaction(base):
            number = begin(base, entry, self.about, VERSION)
            base.execute(_INSERT, (number * PLACES, SessionStarted.__name__, data))
        self._number, self._session, self._place, self._told = number, entry.session, number * PLACES + 1, ()
        self._state, self._tally = State(), Tally()
        self._state.fold(entry)
        self._written = monotonic()

    def _flush(self, base: sqlite3.Connection) -> None:
        if not self._rows:
            return
        with transaction(base):
            if base.execute(THERE, (self._number, self._session)).fetchone() is None:
                raise _Deleted
            base.executemany(_INSERT, self._rows)
            if self._stale:
                update(base, self._number, self._state, self._tally)
        self._rows.clear()
        self._stale = self._news = self._spilt = False
        self._written = monotonic()
        if self._tail is not None:
            self._tail.clear()

    def _notice(self, entry: Entry) -> None:
        """The session's line in lists follows when its causes change, when something is found beside its checks, and when it ends."""
        if isinstance(entry, CheckStarted | CheckDone):
            return
        if isinstance(entry, Found):
            self._tally.take(entry)
            self._stale = self._news = True
        else:
            self._state.fold(entry)
            self._stale = True
            self._news |= isinstance(entry, SessionEnded) or (isinstance(entry, Diagnosing) and self._other(entry))

    def _other(self, entry: Diagnosing) -> bool:
        """True where a diagnosis says something else than the last one; that nothing is found yet is no news."""
        told = tuple((f.cause, f.severity.value) for f in entry.diagnosis.findings)
        changed, self._told = told != self._told, told
        return changed

    def _let_go(self) -> None:
        """Of the tail; what no transaction has taken stays for whoever opens the history next."""
        tail, self._tail = self._tail, None
        if tail:
            tail.leave()
        elif tail is not None:
            tail.close()

    def _give_up(self, why: str, lost: str = "", mends: bool = False) -> None:
        """For good. ``lost`` is said where something of the session is lost; nothing is where the trouble ``mends`` and the tail has all."""
        follows = mends and bool(self._tail) and not self._waiting and not self._spilt
        if self._base is not None:
            with suppress(sqlite3.Error):
                self._base.close()
        self._base, self.id = None, None
        self._waiting.clear()
        self._rows.clear()
        self._let_go()
        self._trouble("; ".join(filter(None, (f"not saved to the history: {why}", FOLLOWS if follows else lost))))
