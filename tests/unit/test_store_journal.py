"""A journal holds all that happened, whatever ends the process, whoever else has the file open, and costs a run nothing but one line of
trouble.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from store_sessions import events_of, renamed, state_of

from aetui.entries import About, Answered, Knocked, TraceDone
from aetui.events import SessionEnded, SessionStarted
from aetui.observations import Outcome
from aetui.path.records import Hop, Method, Proto, ReplyKind, Rtt, Trace
from aetui.probes.base import Credentials
from aetui.reach import Knock
from aetui.store import Journal, StoreError, opened
from aetui.store import journal as journaling
from aetui.store.journal import FOLLOWS
from aetui.store.place import FILE
from aetui.store.schema import MIGRATIONS, PLACES, connect

KILLS = int(os.environ.get("AETUI_KILLS", "20"))
"""Random moments at which a writing process is killed; 200 for the record."""

ABOUT = About("check", "Bärenfarm", "second visit", "0.1.0", "2026.11.1", "ab" * 32, ("www.example.com added for pm2000",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


@pytest.fixture
def troubles() -> list[str]:
    return []


@pytest.fixture
def journal(path: Path, troubles: list[str]) -> Iterator[Journal]:
    made = Journal(ABOUT, troubles.append, path)
    yield made
    made.close()


def test_a_state_folded_from_the_journal_is_the_state_that_was_on_screen(journal: Journal, path: Path) -> None:
    events = events_of("tls-intercepted")
    for event in events:
        journal(event)
    with opened(path) as history:
        kept = history.open("latest")
    assert kept.state == state_of(events)
    assert kept.about == ABOUT
    assert not kept.unread


def test_traces_knocks_and_answers_are_kept_beside_the_run_in_order(journal: Journal, path: Path) -> None:
    started, *rest = events_of("healthy")
    hop = Hop(1, "192.168.50.1", ReplyKind.TIME_EXCEEDED, sent=3, received=3, rtt=Rtt(1, 2, 3, 2, 0.5), samples=(1.0, None, 3.0))
    trace = TraceDone(5.0, Trace("h", "192.0.2.1", 443, Proto.TCP, Method.SOCKET, True, Outcome.OPEN, (hop,)))
    knock = Knocked(6.0, Knock(datetime.now(UTC), "203.0.113.9", 40000, 3389, "rdp", b"\x03\x00", evidence={"cookie": "x"}))
    answer = Answered(7.0, "pm2000", "screen", "Is the screen on?", "yes")
    journal(started)
    for entry in (trace, knock, answer):
        journal.keep(entry)
    for event in rest:
        journal(event)
    with opened(path) as history:
        kept = history.open()
    assert (kept.traces, kept.knocks, kept.walk) == ((trace,), (knock,), (answer,))
    assert kept.state == state_of((started, *rest))


def test_knocks_that_come_together_take_one_transaction_and_stand_there_at_once(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[int] = []
    true_transaction = journaling.transaction

    def counted(base: sqlite3.Connection) -> contextlib.AbstractContextManager[None]:
        began.append(1)
        return true_transaction(base)

    monkeypatch.setattr(journaling, "transaction", counted)
    journal(events_of("healthy")[0])
    began.clear()
    heard = datetime.now(UTC)
    together = [Knocked(6.0, Knock(heard, f"203.0.113.{number}", 40000, 3389, "rdp", b"\x03\x00")) for number in range(40)]
    journal.keep(*together)
    with opened(path) as history:
        assert history.open().knocks == tuple(together)
        assert history.find().knocks == 40
    assert len(began) == 1


def test_what_comes_before_any_session_is_dropped(journal: Journal, path: Path) -> None:
    journal.keep(Answered(0.0, "pm2000", "a", "b", "c"))
    with opened(path) as history:
        assert history.count() == 0


def test_one_journal_writes_one_session_after_another(journal: Journal, path: Path) -> None:
    events = events_of("healthy")
    for identity in ("20260101-000000-aaaa", "20260102-000000-bbbb"):
        for event in renamed(events, identity):
            journal(event)
    with opened(path) as history:
        assert {s.id for s in history.sessions()} == {"20260101-000000-aaaa", "20260102-000000-bbbb"}
        assert all(history.open(s.id).state.ended == "done" for s in history.sessions())


# ------------------------------------------------------------------------------------------------------------------- kill -9
def written_and_killed(path: Path, after_s: float) -> int:
    """A process writes sessions without end and says after each entry that it is kept; it is killed. How many it said."""
    events = events_of("tls-intercepted")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            journal = Journal(ABOUT, lambda why: os._exit(3), path)
            number = 0
            while True:
                for event in renamed(events, f"{number:08d}-{os.getpid()}"):
                    journal(event)
                    os.write(writing, b".")
                number += 1
        finally:
            os._exit(4)
    os.close(writing)
    said = len(os.read(reading, 1))
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    while piece := os.read(reading, 65536):
        said += len(piece)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the writer ended by itself"
    return said


def counted(path: Path) -> int:
    """Entries in the file."""
    base = connect(path)
    found = base.execute("SELECT count(*) FROM entry").fetchone()[0]
    base.close()
    return int(found)


@pytest.mark.timeout(60 + 2 * KILLS)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_at_any_moment_loses_at_most_the_event_being_written(path: Path) -> None:
    events = events_of("tls-intercepted")
    chance = random.Random(7)
    kept = 0
    for _ in range(KILLS):
        said = written_and_killed(path, chance.uniform(0, 0.04))
        with opened(path) as history:
            total = counted(path)
            assert said <= total - kept <= said + 1
            kept = total
            last = history.sessions(limit=None)[0]
            entries = history.entries(last.id)
            assert history.open(last.id).state == state_of(renamed(events, last.id)[: len(entries)])
    base = sqlite3.connect(path)
    assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    base.close()


# ------------------------------------------------------------------------------------------------------------------- two consoles
def test_two_consoles_at_once_do_not_harm_the_file(path: Path, troubles: list[str]) -> None:
    events = events_of("healthy")
    one, other = Journal(ABOUT, troubles.append, path), Journal(ABOUT, troubles.append, path)
    with opened(path) as history:
        for left, right in zip(renamed(events, "one-1"), renamed(events, "two-2"), strict=True):
            one(left)
            other(right)
            history.sessions()
        one.close()
        other.close()
        assert history.open("one-1").state == state_of(renamed(events, "one-1"))
        assert history.open("two-2").state == state_of(renamed(events, "two-2"))
    assert not troubles


def test_entries_wait_while_another_console_holds_the_file_and_are_written_then(journal: Journal, path: Path, troubles: list[str]) -> None:
    events = events_of("healthy")
    journal(events[0])
    other = connect(path)
    other.execute("BEGIN IMMEDIATE")
    for event in events[1:4]:
        journal(event)
    other.execute("ROLLBACK")
    other.close()
    for event in events[4:]:
        journal(event)
    with opened(path) as history:
        assert history.open().state == state_of(events)
    assert not troubles


def test_a_session_that_another_console_deletes_is_told_once_and_no_more_is_written(
    journal: Journal, path: Path, troubles: list[str]
) -> None:
    events = events_of("healthy")
    for event in events[:5]:
        journal(event)
    with opened(path) as history:
        history.delete(history.find().id)
        for event in events[5:]:
            journal(event)
        assert history.count() == 0
    assert troubles == ["not saved to the history: this session was deleted from the history while it ran"]


def test_a_session_that_has_the_number_of_a_deleted_one_holds_nothing_of_it(journal: Journal, path: Path, troubles: list[str]) -> None:
    """The number of the newest session is given again."""
    events = events_of("healthy")
    for event in renamed(events, "gone-1")[:5]:
        journal(event)
    other = Journal(ABOUT, troubles.append, path)
    with opened(path) as history:
        history.delete("gone-1")
        for event in renamed(events_of("tls-intercepted"), "new-2"):
            other(event)
        for event in events[5:]:
            journal(event)
        assert history.open("new-2").state == state_of(renamed(events_of("tls-intercepted"), "new-2"))
        assert history.count() == 1
    other.close()
    assert (journal._number, journal.saving) == (1, False)
    assert troubles == ["not saved to the history: this session was deleted from the history while it ran"]
    assert not list(path.parent.glob("*-tail-*"))


def test_a_newer_version_that_migrates_the_file_meanwhile_is_not_set_back(path: Path, troubles: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def and_then_a_newer_one(*given: object) -> sqlite3.Connection:
        base = connect(*given)  # type: ignore[arg-type]
        newer = sqlite3.connect(path)
        newer.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        newer.close()
        return base

    monkeypatch.setattr("aetui.store.journal.connect", and_then_a_newer_one)
    Journal(ABOUT, troubles.append, path).close()
    base = sqlite3.connect(path)
    assert base.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    base.close()
    assert troubles == [f"not saved to the history: {path}: was written by a newer aetui; update this one to read it"]


# ------------------------------------------------------------------------------------------------------------------- trouble
@pytest.mark.parametrize("follows", [f"; {FOLLOWS}", ""], ids=["with a tail", "without"])
def test_a_full_disk_is_one_line_and_the_run_goes_on(journal: Journal, path: Path, troubles: list[str], follows: str) -> None:
    if not follows and journal._tail is not None:
        journal._tail.close()
        journal._tail = None
    events = events_of("tls-intercepted")
    assert journal._base is not None
    journal._base.execute("PRAGMA max_page_count = 24")
    for event in events:
        journal(event)
    assert troubles == [f"not saved to the history: {path}: the disk is full{follows}"]
    assert not journal.saving
    with opened(path) as history:
        entries = history.entries(history.find().id)
        assert 0 < len(entries) < len(events) + bool(follows)  # the last transaction may be the one that found no room
        assert history.open().state == state_of(events[: len(entries)])
    assert not list(path.parent.glob("*-tail-*"))


def test_what_was_safe_when_the_disk_was_full_or_busy_to_the_end_is_there_at_the_next_start(
    journal: Journal, path: Path, troubles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if journal._tail is None:
        pytest.skip("no tails on this system")
    monkeypatch.setattr("aetui.store.journal.LAST_PATIENCE_S", 0.05)
    events = events_of("tls-intercepted")
    journal(events[0])
    other = connect(path)
    other.execute("BEGIN IMMEDIATE")
    for event in events[1:]:
        journal(event)
    journal.close()
    assert troubles == [f"not saved to the history: another aetui kept the history busy to the end; {FOLLOWS}"]
    other.execute("ROLLBACK")
    assert other.execute("SELECT count(*) FROM entry").fetchone() == (1,)
    other.close()
    with opened(path) as history:
        assert history.open().state == state_of(events)


def test_a_session_that_never_got_its_row_is_not_said_to_follow(
    journal: Journal, path: Path, troubles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aetui.store.journal.LAST_PATIENCE_S", 0.05)
    other = connect(path)
    other.execute("BEGIN IMMEDIATE")
    for event in events_of("healthy"):
        journal(event)
    journal.close()
    other.close()
    assert troubles == ["not saved to the history: another aetui kept the history busy to the end; this session is not saved whole"]
    assert not list(path.parent.glob("*-tail-*"))


def unusable(kind: str, folder: Path) -> Path:
    path = folder / FILE
    match kind:
        case "not-a-database":
            path.write_bytes(b"this is a diary\n" * 400)
        case "damaged":
            connect(path).close()
            path.write_bytes(path.read_bytes()[:5000] + b"\xff" * 9000)
        case "newer":
            base = connect(path)
            base.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
            base.close()
        case "directory":
            path.mkdir()
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("not-a-database", "is no history of aetui"),
        ("damaged", "is damaged"),
        ("newer", "was written by a newer aetui; update this one to read it"),
        ("directory", "cannot be opened"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_and_left_as_it_is(kind: str, words: str, tmp_path: Path, troubles: list[str]) -> None:
    path = unusable(kind, tmp_path)
    before = path.read_bytes() if path.is_file() else b""
    journal = Journal(ABOUT, troubles.append, path)
    for event in events_of("healthy"):
        journal(event)
    journal.close()
    assert troubles == [f"not saved to the history: {path}: {words}"]
    if path.is_file():
        assert path.read_bytes() == before


@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null/aetui"])
def test_a_home_that_cannot_be_written_is_one_line(home: str, monkeypatch: pytest.MonkeyPatch, troubles: list[str]) -> None:
    monkeypatch.setenv("AETUI_HOME", home)
    journal = Journal(ABOUT, troubles.append)
    for event in events_of("healthy"):
        journal(event)
    journal.close()
    assert len(troubles) == 1
    assert troubles[0].startswith("not saved to the history: /")
    with pytest.raises(StoreError), opened():
        pass


# ------------------------------------------------------------------------------------------------------------------- private
@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_directory_and_files_are_their_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, troubles: list[str]) -> None:
    monkeypatch.setenv("AETUI_HOME", str(tmp_path / "new" / "home"))
    old = os.umask(0)
    try:
        journal = Journal(ABOUT, troubles.append)
        journal(events_of("healthy")[0])
        folder = tmp_path / "new" / "home"
        modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in folder.iterdir()}
        assert set(modes.values()) == {0o600}
        assert {FILE, f"{FILE}-wal"} <= set(modes)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        os.umask(old)
        journal.close()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETUI_HOME", str(tmp_path))
    with opened():
        pass
    (tmp_path / FILE).chmod(0o644)
    with opened():
        assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"AETUI_HOME": "/a/b", "XDG_STATE_HOME": "/x"}, "/a/b"),
        ({"XDG_STATE_HOME": "/x"}, "/x/aetui"),
        ({"XDG_STATE_HOME": "relative"}, "/home/t/.local/state/aetui"),
        ({}, "/home/t/.local/state/aetui"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="places of POSIX systems")
def test_where_the_history_lives(environment: dict[str, str], place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from aetui.store.place import folder

    for name in ("AETUI_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/t", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", "linux")
    assert str(folder()) == place


def test_no_password_and_no_user_name_reaches_the_file(journal: Journal, path: Path, tmp_path: Path) -> None:
    login = Credentials("solar-uploader-77", "correct horse battery")
    for event in events_of("healthy", ("sma-ftp",), login):
        journal(event)
    with opened(path) as history:
        results = history.open().state.results
        assert any(getattr(r.observation, "login", None) for r in results.values()), "the login was tried"
    for file in tmp_path.iterdir():
        for secret in (login.password, login.user):
            assert secret.encode() not in file.read_bytes()


# ------------------------------------------------------------------------------------------------------------------- migration
def test_a_file_of_the_first_version_is_brought_up_to_date_and_keeps_everything(path: Path) -> None:
    import json

    from aetui.store.codec import encode

    events = events_of("tls-intercepted")
    started = events[0]
    assert isinstance(started, SessionStarted)
    base = sqlite3.connect(path, isolation_level=None)
    MIGRATIONS[0](base)
    base.execute("PRAGMA user_version = 1")
    base.execute(
        "INSERT INTO session (id, started, equipment, vantage, name, codec) VALUES (?, ?, ?, ?, ?, 1)",
        (started.session, started.started.isoformat(), "pm2000", json.dumps({"kind": "demo", "name": "x"}), "Old Farm"),
    )
    for number, event in enumerate(events):
        kind = type(event)
        place = PLACES + number
        base.execute("INSERT INTO entry VALUES (?, ?, ?)", (place, kind.__name__, json.dumps(encode(kind, event))))
    base.close()
    with opened(path) as history:
        found = history.find("Old Farm")
        assert (found.verdict, found.causes) == ("blocked", ("tls-intercepted",))
        assert history.sessions("farm intercepted") == [found]
        assert history.open(found.id).state == state_of(events)


HISTORIES = Path(__file__).parent / "histories"
WAS_KEPT = {
    "Old Farm": ("check", "blocked", ("dns-failing",), (1, 0, 0, 0, 0)),
    "Old Gate": ("confirm", "blocked", ("forward-missing",), (0, 0, 0, 1, 0)),
    "Old Path": ("trace", "ready", (), (0, 1, 0, 0, 0)),
    "Old Ear": ("listen", "undetermined", (), (0, 0, 5, 0, 0)),
    "Old Walk": ("guide", "blocked", ("forward-missing",), (0, 0, 0, 1, 6)),
}
"""What stands in the files: command, verdict, causes; how many checks, traces, knocks, looks, answers."""


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_file_that_an_earlier_version_wrote_is_read_whole(version: int, tmp_path: Path) -> None:
    """A new migration needs a file of the version before it."""
    path = tmp_path / "old.sqlite3"
    base = sqlite3.connect(path, isolation_level=None)
    base.executescript((HISTORIES / f"version{version}.sql").read_text(encoding="utf-8"))
    assert base.execute("PRAGMA user_version").fetchone()[0] == version
    entries = base.execute("SELECT count(*) FROM entry").fetchone()[0]
    base.close()
    with opened(path) as history:
        found = {s.about.name: s for s in history.sessions()}
        said = {n: (s.about.command, s.verdict, s.causes, (s.checks, s.traces, s.knocks, s.looks, s.answers)) for n, s in found.items()}
        whole = [history.open(s.id) for s in found.values()]
        count = sum(len(history.entries(s.id)) for s in found.values())
    assert said == {n: (("check" if version == 1 else each[0]), *each[1:]) for n, each in WAS_KEPT.items()}  # the first kept no command
    assert not any(kept.unread for kept in whole)
    assert count == entries


def test_the_line_in_the_list_follows_what_is_found_beside_the_checks(journal: Journal, path: Path) -> None:
    from kept_sessions import knock, look, trace, walk

    for event in events_of("healthy"):
        journal(event)
    seen = []
    with opened(path) as history:
        for entry in (trace(), knock(), look(), *walk()):
            journal.keep(entry)
            found = history.find()
            seen.append((found.verdict, found.traces, found.knocks, found.looks, found.answers))
    assert seen == [
        ("ready", 1, 0, 0, 0), ("ready", 1, 1, 0, 0), ("degraded", 1, 1, 1, 0), ("blocked", 1, 1, 1, 1),
        ("degraded", 1, 1, 1, 1), ("blocked", 1, 1, 1, 2), ("blocked", 1, 1, 1, 2), ("blocked", 1, 1, 1, 2),
    ]  # fmt: skip


def test_two_consoles_that_meet_an_older_file_at_once_migrate_it_once(path: Path) -> None:
    base = sqlite3.connect(path, isolation_level=None)
    MIGRATIONS[0](base)
    base.execute("PRAGMA user_version = 1")
    base.close()
    one, other = connect(path), connect(path)
    assert {b.execute("PRAGMA user_version").fetchone()[0] for b in (one, other)} == {len(MIGRATIONS)}
    one.close()
    other.close()


def test_an_entry_of_a_newer_version_is_counted_and_the_rest_is_read(journal: Journal, path: Path) -> None:
    events = events_of("healthy")
    for event in events:
        journal(event)
    base = connect(path)
    base.execute("INSERT INTO entry SELECT max(place) + 1, 'Telepathy', '{}' FROM entry")
    base.execute("INSERT INTO entry SELECT max(place) + 1, 'SessionEnded', '{\"at\": \"soon\"}' FROM entry")
    base.close()
    with opened(path) as history:
        kept = history.open()
    assert kept.unread == 2
    assert kept.state == state_of(events)


def test_a_session_whose_process_was_killed_is_listed_as_not_ended(journal: Journal, path: Path) -> None:
    for event in events_of("tls-intercepted"):
        if not isinstance(event, SessionEnded):
            journal(event)
    with opened(path) as history:
        found = history.find()
    assert found.ended is None
    assert found.causes == ("tls-intercepted",)
