"""A walk in the history: on the disk before the next step, and found again by guide and site."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aetui.catalogue import load as load_catalogue
from aetui.entries import About
from aetui.events import SessionStarted
from aetui.guide.interpreter import Answer, Found
from aetui.guide.library import load
from aetui.guide.records import Seen
from aetui.guiding.journal import StoreKeeper, last_guide, last_walk
from aetui.guiding.walker import Walker, instructions_of
from aetui.records import Status, VantageInfo
from aetui.store import Journal, opened

KIOSK = load(load_catalogue()).guides["kiosk"]
STARTED = datetime(2026, 6, 1, 12, tzinfo=UTC)


def journal(path: Path, session: str, site: str = "", command: str = "guide", kind: str = "local") -> Journal:
    complaints: list[str] = []
    made = Journal(About(command, site), complaints.append, path)
    made(SessionStarted(0.0, session, STARTED, VantageInfo(kind, "here"), ("kiosk",), (), 10.0))
    assert not complaints
    return made


def walk(path: Path, session: str, *answers: str, site: str = "", command: str = "guide", kind: str = "local") -> Journal:
    made = journal(path, session, site, command, kind)
    walker = Walker(KIOSK, {}, StoreKeeper(made, lambda: 1.0, path))
    for text in answers:
        assert walker.answer(text) is None
    return made


def found(path: Path, site: str = "", demo: bool = False) -> tuple[str, tuple[object, ...]] | None:
    with opened(path) as history:
        return last_walk(history, "kiosk", instructions_of(KIOSK), site, demo=demo)


def test_an_answer_is_in_the_file_itself_before_the_next_step_so_that_a_flat_battery_costs_nothing(tmp_path: Path) -> None:
    """The file alone, without SQLite's log beside it: it has been written through."""
    path = tmp_path / "live.sqlite3"
    running = walk(path, "s1", "both", "static", "192.168.50.30")
    shutil.copy(path, tmp_path / "after.sqlite3")
    running.close()
    assert found(tmp_path / "after.sqlite3") == ("s1", (Answer("power", "both"), Answer("address-how", "static"), Answer("planned", "192.168.50.30")))


def test_the_newest_walk_of_a_guide_is_taken_up_or_that_of_a_site(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite3"
    for session, site, answers in (("s1", "Sunny Hill", ("both",)), ("s2", "Windy Dale", ("both", "dhcp"))):
        walk(path, session, *answers, site=site).close()
    walk(path, "s3", command="check").close()
    journal(path, "s4").close()
    assert found(path) == ("s2", (Answer("power", "both"), Answer("address-how", "dhcp")))
    assert found(path, "Sunny Hill") == ("s1", (Answer("power", "both"),))
    assert found(path, "Elsewhere") is None


@pytest.mark.parametrize("times", [1, 2])
def test_steps_back_are_written_too(tmp_path: Path, times: int) -> None:
    path = tmp_path / "h.sqlite3"
    made = journal(path, "s1")
    walker = Walker(KIOSK, {}, StoreKeeper(made, lambda: 1.0, path))
    walker.answer("both")
    walker.answer("static")
    for _ in range(times):
        assert walker.back()
    made.close()
    assert found(path) == (("s1", walker.walk.taken) if walker.walk.taken else None)


def test_practice_is_not_taken_up_at_a_real_site_nor_a_real_walk_in_practice(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite3"
    walk(path, "s1", "both").close()
    walk(path, "s2", "off", kind="demo").close()
    assert found(path) == ("s1", (Answer("power", "both"),)) and found(path, demo=True) == ("s2", (Answer("power", "off"),))
    with opened(path) as history:
        assert last_guide(history) == last_guide(history, demo=True) == "kiosk"


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    from guide_world import told

    path = tmp_path / "h.sqlite3"
    made = journal(path, "s1")
    seen = Seen(Status.FAIL, ("taken",), (told("address-conflict"),), {"x": "y"}, ("A line [/] \x1b.",), 12.5)
    StoreKeeper(made, lambda: 1.0, path).took("kiosk", Found("free", seen), "Is it free?")
    made.close()
    assert found(path) == ("s1", (Found("free", seen),))


def test_where_nothing_can_be_saved_the_walk_goes_on(tmp_path: Path) -> None:
    told_: list[str] = []
    made = Journal(About("guide"), told_.append, tmp_path / "no" / "folder" / "h.sqlite3")
    walker = Walker(KIOSK, {}, StoreKeeper(made, lambda: 1.0, tmp_path / "no" / "folder" / "h.sqlite3"))
    assert walker.answer("both") is None and not made.saving and len(told_) == 1
