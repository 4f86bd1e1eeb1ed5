"""Earlier sessions are found, opened, named, deleted and exported; a list of ten thousand is there at once."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from store_sessions import events_of, renamed

from aetui.entries import About
from aetui.events import SessionStarted
from aetui.store import History, Journal, StoreError, UnknownSession, opened
from aetui.store.schema import connect, transaction
from aetui.store.summary import begin

DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


def save(path: Path, identity: str, scenario: str = "healthy", name: str = "", note: str = "", day: int = 0) -> None:
    def no(why: str) -> None:
        raise AssertionError(why)

    journal = Journal(About("check", name, note), no, path)
    for event in renamed(events_of(scenario), identity):
        journal(replace(event, started=DAY + timedelta(days=day)) if isinstance(event, SessionStarted) else event)
    journal.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "h"
    save(path, "20260301-120000-aaaa", "healthy", "Bärenfarm", "first visit")
    save(path, "20260302-120000-abba", "tls-intercepted", "Bärenfarm", "100% sure, not_a joke", day=1)
    save(path, "20260303-120000-abcd", "port-refused", "Süd!", day=2)
    return path


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    with opened(path) as found:
        yield found


def test_the_newest_stands_first(history: History) -> None:
    assert [s.id[-4:] for s in history.sessions()] == ["abcd", "abba", "aaaa"]
    assert [s.id[-4:] for s in history.sessions(limit=1)] == ["abcd"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("bärenfarm", ["abba", "aaaa"]),
        ("BÄRENFARM ready", ["aaaa"]),
        ("tls-intercepted", ["abba"]),
        ("blocked", ["abcd", "abba"]),
        ("20260303", ["abcd"]),
        ("pm2000 visit", ["aaaa"]),
        ("100%", ["abba"]),
        ("%", ["abba"]),
        ("t_a", ["abba"]),
        ("süd!", ["abcd"]),
        ("nowhere", []),
        ("' OR 1=1 --", []),
    ],
)
def test_a_search_finds_what_holds_every_word(history: History, search: str, found: list[str]) -> None:
    assert [s.id[-4:] for s in history.sessions(search)] == found


@pytest.mark.parametrize(
    ("named", "found"),
    [("latest", "abcd"), ("20260301-120000-aaaa", "aaaa"), ("20260302", "abba"), ("Bärenfarm", "abba"), ("Süd!", "abcd")],
)
def test_a_session_is_found_by_id_beginning_name_or_as_the_latest(history: History, named: str, found: str) -> None:
    assert history.find(named).id.endswith(found)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("202603", "could be 20260303-120000-abcd, 20260302-120000-abba, 20260301-120000-aaaa"),
        ("nowhere", "no session 'nowhere'"),
        ("%", "no session '%'"),
    ],
)
def test_a_word_that_means_no_session_or_several_is_refused(history: History, named: str, words: str) -> None:
    with pytest.raises(UnknownSession, match=words):
        history.find(named)


def test_an_empty_history_says_so(tmp_path: Path) -> None:
    with opened(tmp_path / "new") as history, pytest.raises(UnknownSession, match="the history is empty"):
        history.find()


def test_names_and_notes_can_be_given_later_and_are_searched(history: History) -> None:
    history.rename("20260303-120000-abcd", "North Field")
    history.annotate("20260303-120000-abcd", "after the router was changed")
    found = history.find("North Field")
    assert found.about.note == "after the router was changed"
    assert history.sessions("north ROUTER refused") == [found]
    assert history.sessions("süd!") == []


def test_a_deleted_session_is_gone_from_list_and_file(history: History, path: Path) -> None:
    history.annotate("20260302-120000-abba", "only-here-4711")
    history.delete("20260302-120000-abba")
    assert [s.id[-4:] for s in history.sessions()] == ["abcd", "aaaa"]
    assert history.sessions("intercepted") == []
    with pytest.raises(StoreError):
        history.entries("20260302-120000-abba")
    everything = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"only-here-4711" not in everything
    assert b"Zscaler" not in everything


def test_a_deleted_session_is_not_deleted_twice(history: History) -> None:
    history.delete("20260302-120000-abba")
    with pytest.raises(UnknownSession):
        history.delete("20260302-120000-abba")


def test_an_export_holds_the_whole_journal(history: History) -> None:
    told = json.loads(json.dumps(history.export("20260302-120000-abba")))
    assert told["schema"] == "aetui.session/1"
    assert told["note"] == "100% sure, not_a joke"
    assert [e["kind"] for e in told["entries"]] == [type(e).__name__ for e in history.entries("20260302-120000-abba")]
    assert told["entries"][0]["session"] == "20260302-120000-abba"


def test_ten_thousand_sessions_are_listed_and_searched_without_reading_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "many"
    started = next(e for e in events_of("healthy") if isinstance(e, SessionStarted))
    chance = random.Random(1)
    base = connect(path)
    with transaction(base):
        for number in range(10_000):
            event = replace(started, session=f"{number:08d}", started=DAY + timedelta(minutes=number))
            begin(base, event, About("check", f"Site {chance.randrange(400)}", "a note of usual length, as people write them"), 1)
    plan = " ".join(
        row[-1] for row in base.execute("EXPLAIN QUERY PLAN SELECT id FROM session ORDER BY started DESC, number DESC LIMIT 40")
    )
    base.close()
    assert "session_started" in plan
    assert "TEMP B-TREE" not in plan
    with opened(path) as history:
        assert len(history.sessions(limit=None)) == 10_000
        assert [s.id for s in history.sessions("site 9999")] == ["00009999"]
        assert history.sessions("site pm2000", limit=40)[0].id == "00009999"
