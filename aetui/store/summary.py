"""The lines that lists show and searches look through: one ``session`` row each, derived from the session's journal and kept beside it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast, get_args

from aetui.entries import About, Entry, Found
from aetui.events import SessionStarted
from aetui.records import Status, VantageInfo, Verdict
from aetui.state import State
from aetui.store.codec import CodecError, decode, encode
from aetui.store.schema import PLACES
from aetui.tally import Tally

KINDS: Mapping[str, type] = {kind.__name__: kind for kind in get_args(Entry)}
"""Every kind of entry by its name in the file."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One session in a list."""

    id: str
    started: datetime
    """UTC."""
    about: About
    equipment: tuple[str, ...]
    vantage: VantageInfo
    verdict: Verdict
    causes: tuple[str, ...]
    passed: int
    checks: int
    """Of those that equipment needs: how many hold, and how many there are."""
    elapsed_ms: float
    ended: str | None
    """As ``State.ended``; None while it runs, and for ever where its process was killed."""
    traces: int = 0
    knocks: int = 0
    looks: int = 0
    """Tries of the site's public address from outside."""
    answers: int = 0
    """Answers given in a guide."""

    @property
    def judged(self) -> bool:
        """True where the verdict is about something: knocks alone prove nothing."""
        return bool(self.checks or self.traces or self.looks or self.answers)


_WRITTEN = "id, started, equipment, vantage, name, note, tool, catalogue, sha256, changes, command"
_DERIVED = "verdict, causes, passed, checks, elapsed_ms, ended, traces, knocks, looks, answers"
COLUMNS = f"{_WRITTEN}, {_DERIVED}"


def summary(row: tuple[Any, ...]) -> Summary:
    """A row of ``COLUMNS``."""
    (
        identity, started, equipment, vantage, name, note, tool, catalogue, sha256, changes,
        command, verdict, causes, passed, checks, elapsed, ended, traces, knocks, looks, answers,
    ) = row  # fmt: skip
    return Summary(
        id=identity, started=datetime.fromisoformat(started),
        about=About(command, name, note, tool, catalogue, sha256, tuple(json.loads(changes)) if changes != "[]" else ()),
        equipment=tuple(equipment.split()), vantage=_vantage(vantage), verdict=Verdict(verdict),
        causes=tuple(causes.split()), passed=passed, checks=checks, elapsed_ms=elapsed, ended=ended,
        traces=traces, knocks=knocks, looks=looks, answers=answers,
    )  # fmt: skip


def begin(base: sqlite3.Connection, event: SessionStarted, about: About, codec: int) -> int:
    """A new row for a session that starts; its number."""
    words = _words(event.session, event.vantage, event.equipment, about.name, about.note, about.command)
    done = base.execute(
        "INSERT INTO session (id, started, equipment, vantage, name, note, tool, catalogue, sha256, changes, codec, command, words, checks)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event.session, event.started.isoformat(), " ".join(event.equipment), json.dumps(encode(VantageInfo, event.vantage)),
            about.name, about.note, about.tool, about.catalogue, about.sha256, json.dumps(about.changes), codec, about.command, words,
            sum(bool(check.equipment) for check in event.checks),
        ),
    )  # fmt: skip
    return int(done.lastrowid or 0)


def update(base: sqlite3.Connection, number: int, state: State, tally: Tally) -> None:
    """What a session says of itself, written to its row."""
    needed = [state.reading(check.id).status for check in state.required()]
    base.execute(
        "UPDATE session SET verdict = ?, causes = ?, passed = ?, checks = ?, elapsed_ms = ?, ended = ?, traces = ?, knocks = ?, looks = ?,"
        " answers = ? WHERE number = ?",
        (
            tally.verdict(state).value, " ".join(tally.causes(state)), needed.count(Status.PASS), len(needed), state.elapsed_ms, state.ended,
            tally.traces, tally.knocks, tally.looks, tally.answers, number,
        ),
    )  # fmt: skip
    reword(base, number)


def reword(base: sqlite3.Connection, number: int) -> None:
    """The text that searches look through, put together anew."""
    row = base.execute(f"SELECT {COLUMNS} FROM session WHERE number = ?", (number,)).fetchone()  # noqa: S608  (our own names)
    if row is not None:
        seen = summary(row)
        words = _words(
            seen.id, seen.vantage, seen.equipment, seen.about.name, seen.about.note, seen.about.command, seen.verdict.value, *seen.causes
        )
        base.execute("UPDATE session SET words = ? WHERE number = ?", (words, number))


def rewrite(base: sqlite3.Connection, number: int) -> None:
    """The row of a session, derived anew from its journal."""
    state, tally = State(), Tally()
    for entry in entries(base, number):
        if isinstance(entry, Found):
            tally.take(entry)
        elif entry is not None:
            state.fold(entry)
    update(base, number, state, tally)


def entries(base: sqlite3.Connection, number: int) -> Iterator[Entry | None]:
    """A session's journal in order; None for an entry that this version cannot read."""
    for kind, data in rows(base, number):
        try:
            yield decode(KINDS[kind], json.loads(data))
        except (CodecError, KeyError, ValueError):
            yield None


def rows(base: sqlite3.Connection, number: int) -> sqlite3.Cursor:
    """Kind and data of a session's entries, in order."""
    return base.execute("SELECT kind, data FROM entry WHERE place >= ? AND place < ? ORDER BY place", reach(number))


def reach(number: int) -> tuple[int, int]:
    """The places of a session's entries: from the first up to, not including, the next session's."""
    return number * PLACES, (number + 1) * PLACES


@lru_cache(maxsize=64)
def _vantage(data: str) -> VantageInfo:
    """A history tells of few vantages, many times."""
    return cast("VantageInfo", decode(VantageInfo, json.loads(data)))


def _words(identity: str, vantage: VantageInfo, equipment: tuple[str, ...], *others: str) -> str:
    return " ".join(filter(None, (identity, vantage.kind, vantage.name, vantage.address, *equipment, *others))).casefold()
