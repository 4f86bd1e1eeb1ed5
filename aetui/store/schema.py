"""The history's SQLite file: its tables, how an older one becomes a newer one, and how it is opened. Raises ``StoreError``.

WAL with ``synchronous=NORMAL``: a committed entry survives the death of the process at once, and the file survives a power cut; what a
power cut may cost is the last moments. ``user_version`` counts the migrations that a file has had; a file that has had more than we
know is left alone.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aetui.store.place import StoreError, private_file
from aetui.store.tail import orphans

BUSY_S = 5.0
"""Longest wait for another console's transaction when reading or changing the history; each takes well under a millisecond."""

_FIRST = """
CREATE TABLE session (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    started TEXT NOT NULL,
    equipment TEXT NOT NULL,
    vantage TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    tool TEXT NOT NULL DEFAULT '',
    catalogue TEXT NOT NULL DEFAULT '',
    sha256 TEXT NOT NULL DEFAULT '',
    changes TEXT NOT NULL DEFAULT '[]',
    codec INTEGER NOT NULL
);
CREATE INDEX session_started ON session (started);
CREATE TABLE entry (
    place INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
);
"""

PLACES = 1 << 32
"""Entries that one session may have: entry n of session s stands at ``s * PLACES + n``, so that a journal is one run of rows and needs no index."""

_SUMMARY = """
ALTER TABLE session ADD COLUMN command TEXT NOT NULL DEFAULT 'check';
ALTER TABLE session ADD COLUMN verdict TEXT NOT NULL DEFAULT 'undetermined';
ALTER TABLE session ADD COLUMN causes TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN passed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN checks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN elapsed_ms REAL NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN ended TEXT;
ALTER TABLE session ADD COLUMN words TEXT NOT NULL DEFAULT '';
"""


_BESIDE = """
ALTER TABLE session ADD COLUMN traces INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN knocks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN answers INTEGER NOT NULL DEFAULT 0;
"""


def _one(base: sqlite3.Connection) -> None:
    _script(base, _FIRST)


def _two(base: sqlite3.Connection) -> None:
    """What lists show and searches look through stands beside each session, so that neither has to read a journal."""
    _script(base, _SUMMARY)


def _three(base: sqlite3.Connection) -> None:
    """Beside it stands too what a session holds besides checks, and its verdict takes that into account. Sessions of checks alone that have
    their line already keep it.
    """
    from aetui.store.summary import rewrite

    _script(base, _BESIDE)
    run_alone = "('SessionStarted', 'ChecksAdded', 'CheckStarted', 'CheckDone', 'BesideDone', 'Diagnosing', 'SessionEnded')"
    more = f"SELECT DISTINCT place / {PLACES} FROM entry WHERE kind NOT IN {run_alone}"  # noqa: S608  (our own names)
    for (number,) in base.execute(f"SELECT number FROM session WHERE words = '' OR number IN ({more})").fetchall():  # noqa: S608
        rewrite(base, number)


def _script(base: sqlite3.Connection, statements: str) -> None:
    for statement in filter(str.strip, statements.split(";")):
        base.execute(statement)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_one, _two, _three)
"""In order; a new one is added at the end, and none is ever changed."""


def plainly(error: sqlite3.Error, path: Path | str) -> StoreError:
    """SQLite's complaint as one sentence."""
    text = str(error)
    for sign, words in _COMPLAINTS:
        if sign in text:
            return StoreError(f"{path}: {words}")
    return StoreError(f"{path}: {text}")


_COMPLAINTS = (
    ("disk is full", "the disk is full"),
    ("disk I/O", "the disk cannot be read or written"),
    ("readonly", "cannot be written"),
    ("unable to open", "cannot be opened"),
    ("locked", "another aetui keeps it busy"),
    ("not a database", "is no history of aetui"),
    ("malformed", "is damaged"),
)


@contextmanager
def transaction(base: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and nobody else writes meanwhile."""
    base.execute("BEGIN IMMEDIATE")
    try:
        yield
        base.execute("COMMIT")
    except BaseException:
        if base.in_transaction:
            base.execute("ROLLBACK")
        raise


def connect(path: Path | None = None, wait_s: float = BUSY_S) -> sqlite3.Connection:
    """The history, brought to this version's form. Every statement outside ``transaction`` is one of its own."""
    path = path or private_file()
    base = None
    try:
        base = sqlite3.connect(path, timeout=wait_s, isolation_level=None)
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=NORMAL")
        base.execute("PRAGMA trusted_schema=OFF")
        _migrate(base, path)
        _take_over(base, path)
    except sqlite3.Error as error:
        if base is not None:
            base.close()
        raise plainly(error, path) from None
    except StoreError:
        if base is not None:
            base.close()
        raise
    return base


def warm_up(base: sqlite3.Connection, path: Path) -> None:
    """A write that changes nothing. Raises ``StoreError`` where a newer version has had the file meanwhile."""
    with transaction(base):
        had = _version(base)
        _refuse_newer(had, path)
        base.execute(f"PRAGMA user_version = {had}")


THERE = "SELECT 1 FROM session WHERE number = ? AND id = ?"
"""A number alone says too little: that of the newest session is given again once the session is deleted."""

_RECORD = re.compile(r"\d{1,19} \S+ [A-Za-z]+ ")


def record(session: str, place: int, kind: str, data: str) -> str:
    """An entry as a tail keeps it."""
    return f"{place} {session} {kind} {data}"


def _take_over(base: sqlite3.Connection, path: Path) -> None:
    """What stands in the tails of processes that died goes where it belongs; where nothing can be written just now (another console is
    busy, the disk is full, the file is read-only), it stays for the next time.
    """
    for tail, records in orphans(path):
        try:
            with transaction(base):
                _add(base, [text.split(" ", 3) for text in records if _RECORD.match(text)])
        except sqlite3.OperationalError:
            return
        tail.unlink(missing_ok=True)


def _add(base: sqlite3.Connection, records: list[list[str]]) -> None:
    from aetui.store.summary import rewrite

    for number, session in {(int(place) // PLACES, session) for place, session, _, _ in records}:
        if base.execute(THERE, (number, session)).fetchone() is not None:
            mine = [(int(place), kind, data) for place, whose, kind, data in records if (int(place) // PLACES, whose) == (number, session)]
            base.executemany("INSERT OR IGNORE INTO entry (place, kind, data) VALUES (?, ?, ?)", mine)
            rewrite(base, number)


def _migrate(base: sqlite3.Connection, path: Path) -> None:
    if _version(base) == len(MIGRATIONS):
        return
    with transaction(base):
        had = _version(base)
        _refuse_newer(had, path)
        for step in MIGRATIONS[had:]:
            step(base)
        base.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _refuse_newer(version: int, path: Path) -> None:
    if version > len(MIGRATIONS):
        raise StoreError(f"{path}: was written by a newer aetui; update this one to read it")


def _version(base: sqlite3.Connection) -> int:
    return int(base.execute("PRAGMA user_version").fetchone()[0])
