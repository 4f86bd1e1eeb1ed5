"""Earlier sessions: list, search, open, name, note, delete, export. Raises ``StoreError`` with one sentence,
``UnknownSession`` where a word names none.

A session is found by its id, an unambiguous beginning of it, the name that a user gave it (the latest of that name), or ``latest``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from aetui.display import displayable
from aetui.entries import Entry, Kept, fold
from aetui.events import Diagnosing
from aetui.records import Diagnosis
from aetui.state import NOTHING_YET
from aetui.store.codec import CodecError, decode
from aetui.store.place import UnknownSession
from aetui.store.schema import connect, plainly, transaction
from aetui.store.summary import COLUMNS, Summary, entries, reach, reword, rows, summary

LATEST = "latest"

LISTED = 1000
"""Sessions that a list holds unless told otherwise: more than anybody scrolls through, and read within a few hundredths of a second."""

EXPORT_SCHEMA = "aetui.session/1"
_SELECT = f"SELECT {COLUMNS} FROM session"  # noqa: S608  (our own names)
_NEWEST = " ORDER BY started DESC, number DESC"


class History:
    """The sessions of one file. Made by ``opened``; not for several threads."""

    def __init__(self, base: sqlite3.Connection, path: Path | None = None) -> None:
        self._base = base
        self._path = path

    def sessions(self, search: str = "", limit: int | None = LISTED, skip: int = 0) -> list[Summary]:
        """The newest first, ``skip`` of them passed over; with ``search`` those that hold every word of it in id, name, note, equipment,
        vantage, verdict or causes.
        """
        words = [displayable(word).casefold() for word in search.split()]
        where = " WHERE " + " AND ".join(["words LIKE ? ESCAPE '!'"] * len(words)) if words else ""
        window = (-1 if limit is None else limit, skip)
        with self._plain():
            rows = self._base.execute(f"{_SELECT}{where}{_NEWEST} LIMIT ? OFFSET ?", (*map(_like, words), *window)).fetchall()
        return [summary(row) for row in rows]

    def count(self) -> int:
        """How many there are."""
        with self._plain():
            return int(self._base.execute("SELECT count(*) FROM session").fetchone()[0])

    def find(self, named: str = LATEST) -> Summary:
        """The one session that a word of the user's means."""
        named = displayable(named)  # as names are kept, and as SQLite takes them
        with self._plain():
            for where, value in _WAYS:
                rows = self._base.execute(f"{_SELECT} WHERE {where}{_NEWEST} LIMIT 6", value(named)).fetchall()
                if len(rows) > 1 and where == _BEGINNING:
                    raise UnknownSession(f"'{named[:40]}' could be {', '.join(row[0] for row in rows[:5])}: give more of the id")
                if rows:
                    return summary(rows[0])
        raise UnknownSession("the history is empty" if named == LATEST else f"no session '{named[:40]}' in the history (see aetui history)")

    def open(self, named: str = LATEST) -> Kept:
        """A whole session, folded from its journal."""
        found = self.find(named)
        read = self.entries(found.id)
        return fold((e for e in read if e is not None), found.about, read.count(None))

    def entries(self, identity: str) -> list[Entry | None]:
        """Its journal in order; None for an entry that this version cannot read."""
        with self._plain():
            return list(entries(self._base, self._number(identity)))

    def diagnosis(self, identity: str) -> Diagnosis:
        """What its checks alone came to in the end, without reading the rest of its journal."""
        last = "SELECT data FROM entry WHERE kind = ? AND place >= ? AND place < ? ORDER BY place DESC LIMIT 1"
        with self._plain():
            row = self._base.execute(last, (Diagnosing.__name__, *reach(self._number(identity)))).fetchone()
        with suppress(CodecError, ValueError):
            return cast("Diagnosing", decode(Diagnosing, json.loads(row[0]))).diagnosis if row is not None else NOTHING_YET
        return NOTHING_YET

    def rename(self, identity: str, name: str) -> None:
        """Give a session the site's name."""
        self._set(identity, "name", name)

    def annotate(self, identity: str, note: str) -> None:
        """Give a session a note."""
        self._set(identity, "note", note)

    def delete(self, identity: str) -> None:
        """Forget a session for good: its text leaves the file too."""
        with self._plain():
            self._base.execute("PRAGMA secure_delete = ON")
            with transaction(self._base):
                number = self._number(identity)
                self._base.execute("DELETE FROM session WHERE number = ?", (number,))
                self._base.execute("DELETE FROM entry WHERE place >= ? AND place < ?", reach(number))
            self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def export(self, identity: str) -> dict[str, Any]:
        """The journal as one JSON document, whole."""
        with self._plain():
            number = self._number(identity)
            found = rows(self._base, number).fetchall()
            codec = self._base.execute("SELECT codec FROM session WHERE number = ?", (number,)).fetchone()[0]
        about = self.find(identity).about
        return {
            "schema": EXPORT_SCHEMA, "codec": codec, "session": identity, "command": about.command, "name": about.name, "note": about.note,
            "version": about.tool, "catalogue": {"version": about.catalogue, "sha256": about.sha256, "changes": list(about.changes)},
            "entries": [{"kind": kind, **json.loads(data)} for kind, data in found],
        }  # fmt: skip

    def _set(self, identity: str, column: str, text: str) -> None:
        with self._plain(), transaction(self._base):
            number = self._number(identity)
            self._base.execute(f"UPDATE session SET {column} = ? WHERE number = ?", (text, number))  # noqa: S608  (our own names)
            reword(self._base, number)

    def _number(self, identity: str) -> int:
        row = self._base.execute("SELECT number FROM session WHERE id = ?", (identity,)).fetchone()
        if row is None:
            raise UnknownSession(f"no session '{identity[:40]}' in the history")
        return int(row[0])

    @contextmanager
    def _plain(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise plainly(error, self._path or "history") from None


def _like(word: str) -> str:
    escaped = word.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


_BEGINNING = "id LIKE ? ESCAPE '!'"
_WAYS: tuple[tuple[str, Any], ...] = (
    ("? = 'latest'", lambda named: (named,)),
    ("id = ?", lambda named: (named,)),
    ("name = ?", lambda named: (named,)),
    (_BEGINNING, lambda named: (_like(named)[1:],)),
)
"""How a word is understood, the strictest way first."""


@contextmanager
def opened(path: Path | None = None) -> Iterator[History]:
    """The history for as long as the context lasts; made where there is none yet."""
    base = connect(path)
    try:
        yield History(base, path)
    finally:
        base.close()
