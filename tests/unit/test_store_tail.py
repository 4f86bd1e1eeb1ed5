"""A journal's tail holds what SQLite has not taken yet: whoever opens the history next finds it, whole records only, and nothing is left."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_sessions import events_of, renamed, state_of

from aetui.entries import About
from aetui.events import CheckDone, Diagnosing
from aetui.store import Journal, opened
from aetui.store import tail as tail_module
from aetui.store.journal import TOGETHER_S
from aetui.store.tail import SIZE, Tail, _records, orphans

pytestmark = pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="no tails on this system")
ABOUT = About("check", "Farm")


def tails(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}-tail-*"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


def killed_after(path: Path, identity: str, count: int) -> None:
    """A process writes so many entries of a session and is killed."""
    child = os.fork()
    if child == 0:
        try:
            journal = Journal(ABOUT, lambda why: os._exit(3), path)
            for event in renamed(events_of("tls-intercepted"), identity)[:count]:
                journal(event)
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(4)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)


@pytest.mark.parametrize("count", [1, 2, 7, 40, 60])
def test_what_a_killed_process_had_not_handed_over_is_taken_over_by_the_next_one(path: Path, count: int) -> None:
    events = renamed(events_of("tls-intercepted"), "20260101-000000-aaaa")
    killed_after(path, "20260101-000000-aaaa", count)
    assert len(tails(path)) == 1
    with opened(path) as history:
        assert history.open().state == state_of(events[:count])
        assert history.find().elapsed_ms == state_of(events[:count]).elapsed_ms
    assert tails(path) == []
    with opened(path) as history:
        assert len(history.entries("20260101-000000-aaaa")) == count


def test_the_tail_of_a_process_that_lives_is_left_alone(path: Path) -> None:
    events = events_of("healthy")
    journal = Journal(ABOUT, pytest.fail, path)
    for event in events[:5]:
        journal(event)
    with opened(path):
        assert len(tails(path)) == 1
    for event in events[5:]:
        journal(event)
    journal.close()
    assert tails(path) == []
    with opened(path) as history:
        assert history.open().state == state_of(events)


def test_a_transaction_takes_many_results_and_news_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("aetui.store.journal.monotonic", lambda: now[0])
    events = events_of("tls-intercepted")
    journal = Journal(ABOUT, pytest.fail, path)

    def there() -> int:
        with opened(path) as history:
            return len(history.entries(events[0].session))  # type: ignore[union-attr]

    first_news = next(n for n, event in enumerate(events) if isinstance(event, Diagnosing) and event.diagnosis.findings)
    for event in events[:4]:
        journal(event)
    assert there() == 1, "results wait together"
    now[0] += TOGETHER_S
    journal(events[4])
    assert there() == 5, "but not for long"
    for event in events[5:first_news]:
        journal(event)
    journal(events[first_news])
    assert there() == first_news + 1, "news goes at once, with all that was before it"
    journal.close()


def test_more_than_a_tail_holds_goes_to_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.store.tail.SIZE", 4096)
    monkeypatch.setattr("aetui.store.journal.TOGETHER_S", 1e9)
    events = events_of("tls-intercepted")
    journal = Journal(ABOUT, pytest.fail, path)
    for event in events:
        journal(event)
    journal.close()
    with opened(path) as history:
        assert history.open().state == state_of(events)


def test_without_a_tail_every_entry_is_a_transaction_of_its_own(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr("os.posix_fallocate", full)
    events = events_of("tls-intercepted")
    journal = Journal(ABOUT, pytest.fail, path)
    assert tails(path) == []
    for number, event in enumerate(events, 1):
        journal(event)
        with opened(path) as history:
            assert len(history.entries(history.find().id)) == number
    journal.close()


def test_a_tail_is_its_users_alone(path: Path) -> None:
    old = os.umask(0)
    try:
        tail = Tail(path)
        assert stat.S_IMODE(tail.path.stat().st_mode) == 0o600
        assert tail.path.stat().st_size == SIZE
    finally:
        os.umask(old)
    tail.close()
    assert tails(path) == []


@given(st.lists(st.text(max_size=40).filter(bool), max_size=20), st.integers(0, 3))
def test_records_come_back_as_they_were_and_what_was_taken_over_does_not(texts: list[str], old: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        tail = Tail(Path(folder) / "h")
        for number in range(old * 7):
            tail.add(f"an older and much longer record, number {number}")
        tail.clear()
        for text in texts:
            assert tail.add(text)
        found = list(_records(tail.path.read_bytes()))
        tail.close()
    assert found == texts


@given(st.binary(max_size=200))
def test_no_bytes_whatever_are_more_than_whole_records(data: bytes) -> None:
    try:
        list(_records(data))
    except UnicodeDecodeError:
        pytest.fail("a record whose sum fits is text")


def test_a_record_that_was_being_written_is_not_read(path: Path) -> None:
    tail = Tail(path)
    tail.add("whole")
    tail.add("torn")
    data = bytearray(tail.path.read_bytes())
    tail.close()
    place = data.index(b"torn")
    data[place : place + 2] = b"xx"
    orphan = path.with_name(f"{path.name}-tail-1-dead")
    orphan.write_bytes(data)
    assert [records for _, records in orphans(path)] == [["whole"]]


@pytest.mark.parametrize(
    "why", ["database is locked", "database or disk is full", "attempt to write a readonly database", "disk I/O error"]
)
def test_a_tail_that_cannot_be_taken_over_stays_and_the_history_is_read(path: Path, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_after(path, "20260101-000000-aaaa", 20)

    def refused(*_: object) -> None:
        raise sqlite3.OperationalError(why)

    with monkeypatch.context() as patched:
        patched.setattr("aetui.store.schema._add", refused)
        with opened(path) as history:
            assert history.count() == 1
    assert len(tails(path)) == 1
    with opened(path) as history:
        assert history.open().state == state_of(renamed(events_of("tls-intercepted"), "20260101-000000-aaaa")[:20])
    assert tails(path) == []


def test_a_tail_that_was_taken_for_a_dead_processs_before_it_was_locked_is_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a tail's creation and its lock another process may lock it, find it empty and remove it."""
    assert tail_module.fcntl is not None
    flock = tail_module.fcntl.flock

    def after_another(handle: int, how: int) -> None:
        for each in tails(path):
            each.unlink()
        flock(handle, how)

    monkeypatch.setattr(tail_module, "fcntl", SimpleNamespace(flock=after_another, LOCK_EX=2, LOCK_NB=4))
    with pytest.raises(OSError, match="removed"):
        Tail(path)
    assert tails(path) == []


def test_the_tail_of_a_deleted_session_adds_nothing_to_the_one_that_has_its_number_now(path: Path) -> None:
    killed_after(path, "20260101-000000-aaaa", 40)
    left = tails(path)[0]
    kept = left.read_bytes()
    with opened(path) as history:
        history.delete("20260101-000000-aaaa")
    journal = Journal(ABOUT, pytest.fail, path)
    events = renamed(events_of("healthy"), "20260102-000000-bbbb")
    for event in events[:2]:
        journal(event)
    journal.close()
    left.write_bytes(kept)
    with opened(path) as history:
        assert len(history.entries("20260102-000000-bbbb")) == 2
        assert history.open().state == state_of(events[:2])
    assert tails(path) == []


def test_the_tail_of_a_session_that_was_deleted_meanwhile_brings_nothing_back(path: Path) -> None:
    killed_after(path, "20260101-000000-aaaa", 20)
    left = tails(path)[0]
    kept = left.read_bytes()
    with opened(path) as history:
        history.delete("20260101-000000-aaaa")
    left.write_bytes(kept)
    with opened(path) as history:
        assert history.count() == 0
    assert not left.exists()
    assert any(isinstance(event, CheckDone) for event in events_of("tls-intercepted")[:20])
