"""The History tab: what is listed, found, opened, named, deleted, exported and run again, by the keyboard alone."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from inbound_stage import keys
from shelves import DROPPED, at_history, detail, files, head, keep, listed, many, settled, there, write
from stage import World, connect, console, finished, screen, summary, until
from textual.binding import Binding

from aetui.observations import Outcome
from aetui.records import VantageInfo
from aetui.screens.earlier import Earlier
from aetui.screens.history import History
from aetui.screens.history_shelf import PAGE
from aetui.screens.picker import Picker
from aetui.screens.reader import Reader
from aetui.screens.tabs import TABS
from aetui.screens.widgets.rows import Rows
from aetui.screens.words import tables
from aetui.store import StoreError, opened

HOSTILE = "[/] [@click=app.quit]x[/] \x1b]0;owned\x07 \u202egnp.exe {0} %s"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files are written to a directory of the test's own."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


async def test_sessions_are_listed_the_newest_first_with_site_verdict_and_first_cause() -> None:
    write(1, "Solar North")
    write(2, "Solar South", "ticket 4711", (DROPPED,))
    app = console(World(), ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        first, second = listed(app)
        assert "blocked Solar South" in first
        assert "Dropped" in first
        assert "ready   Solar North" in second
        assert head(app) == "2 sessions"
        assert "ticket 4711" in detail(app)
        assert "this computer, 192.168.50.20" in detail(app)


async def test_where_it_looked_from_has_a_column_where_there_is_room() -> None:
    write(1, vantage=VantageInfo("jump", "bastion"))
    app = console(World(), ())
    async with app.run_test(size=(120, 40)) as pilot:
        await at_history(pilot)
        assert "jump host bastion" in listed(app)[0]


async def test_while_letters_are_typed_no_letter_is_offered_as_a_key() -> None:
    app = console(World(), ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        assert keys(app).endswith("h Help  q Quit")
        await pilot.press("slash", "q")
        await settled(pilot)
        assert keys(app).endswith("f1 Help  ^q Quit")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)


async def test_the_search_narrows_the_list_with_every_letter_and_escape_shows_all_again() -> None:
    write(1, "Solar North")
    write(2, "Wind Park", "about the proxy", (DROPPED,))
    app = console(World(), ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        await pilot.press("slash", *"north")
        await settled(pilot)
        assert [("Solar North" in row) for row in listed(app)] == [True]
        assert head(app) == "1 found"
        await pilot.press(*(["backspace"] * 5), *"proxy filtered")
        await settled(pilot)
        assert [("Wind Park" in row) for row in listed(app)] == [True]
        await pilot.press(*"4%zz")
        await settled(pilot)
        assert listed(app) == []
        assert head(app).startswith("Nothing found")
        await pilot.press("escape")
        await settled(pilot)
        assert len(listed(app)) == 2


async def test_an_opened_session_shows_verdict_findings_and_rows_and_runs_nothing() -> None:
    write(1, "Solar South", dropped=(DROPPED,))
    world = World()
    app = console(world, ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Earlier) and "Blocked" in screen(app), "the session")
        seen = screen(app)
        assert "What was found" in seen
        assert "✗ failed   maki.alsoenergy.com" in seen
        assert "Solar South, from this computer, as it was kept" in seen
        await pilot.press("r", "e", "a", "w", "question_mark")
        await until(pilot, lambda: "How we know" in screen(app) or "What it means" in screen(app))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is there(app))
    assert not world.asked


async def test_a_session_that_never_ended_is_shown_as_stopped() -> None:
    write(1, ends=False)
    app = console(World(), ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        assert "it has not ended" in detail(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Earlier) and "www.alsoenergy.com" in screen(app))
        assert "planned" not in screen(app)


async def test_only_what_failed_runs_again_from_the_same_place() -> None:
    write(1, "Solar South", dropped=(DROPPED,), vantage=VantageInfo("jump", "bastion"))
    world = World()
    app = console(world, ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        await pilot.press("f")
        await until(pilot, lambda: app.current_mode == "outbound" and world.launches)
        await finished(pilot)
        launch = world.launches[-1]
        assert launch.vantage == "jump:bastion"
        assert launch.equipment == ("pm2000",)
        assert DROPPED in launch.only
        assert all("maki.alsoenergy.com" in identity for identity in launch.only)
        assert app.keeper.name == "Solar South"
        await until(pilot, lambda: isinstance(app.screen, Reader), "the comparison")
        await pilot.pause()
        assert "2 fixed, 0 broken" in screen(app)
        assert f"{DROPPED}: fail -> pass" in " ".join(screen(app).split())
        await pilot.press("escape", "r")
        await until(pilot, lambda: len(world.launches) == 2)
        assert world.launches[-1].only == ()


async def test_two_marked_sessions_are_compared_the_earlier_first() -> None:
    write(1, "Before")
    write(2, "Between")
    write(3, "After", dropped=(DROPPED,))
    app = console(World(), ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        await pilot.press("c")
        await settled(pilot)
        assert app.screen is there(app)
        await pilot.press("space", "down", "c")
        await until(pilot, lambda: isinstance(app.screen, Reader), "the comparison")
        await pilot.pause()
        seen = screen(app)
        assert "0 fixed, 2 broken" in seen
        assert seen.index("Before,") < seen.index("After,")
        assert f"{DROPPED}: pass -> fail" in " ".join(seen.split())


async def test_every_command_of_the_tab_has_its_name_in_the_palette_and_its_line_in_the_help() -> None:
    named = {binding.action for binding in History.BINDINGS if isinstance(binding, Binding)}
    assert named - set(tables()["commands"]) <= {"everything", "to_list"}
    lines = next(part["lines"] for part in tables()["help"] if part.get("tab") == "history")
    keys = {key for keys, _ in lines for key in keys.replace(",", " ").split()}
    assert {"/", "Enter", "n", "p", "o", "f", "c", "d", "Space"} <= keys


@pytest.mark.parametrize(("encoding", "no_colour"), [("ascii", False), ("utf-8", True)], ids=["ascii", "no colour"])
async def test_it_says_the_same_in_ascii_and_without_colour(encoding: str, no_colour: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    write(1, "Solar South", dropped=(DROPPED,))
    app = console(World(), (), encoding=encoding)
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        seen = screen(app)
    assert "blocked Solar South" in seen
    assert encoding != "ascii" or seen.isascii()


async def test_it_looks_as_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    write(1, "Solar North")
    write(2, "Solar South", "ticket 4711", (DROPPED,))
    write(3, vantage=VantageInfo("jump", "bastion"), ends=False)
    app = console(World(), ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        await pilot.press("down", "space", "up")
        await pilot.pause()
        seen = screen(app).partition("\n")[2] + "\n"
    monkeypatch.undo()
    time.tzset()
    kept = Path(__file__).with_name("snapshots") / "history-80x24.txt"
    if os.environ.get("AETUI_SNAPSHOTS") == "write":
        keep(kept, seen)
    assert seen == kept.read_text("utf-8")


async def test_where_nothing_failed_there_is_nothing_to_run_again() -> None:
    write(1)
    world = World()
    app = console(world, ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        await pilot.press("f")
        await until(pilot, lambda: "Nothing failed" in head(app))
    assert not world.launches


async def test_a_name_and_a_note_are_kept() -> None:
    identity = write(1)
    app = console(World(), ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        await pilot.press("n", *"Farm 7", "tab", *"new fibre", "enter")
        await until(pilot, lambda: "Farm 7" in listed(app)[0])
        assert "new fibre" in detail(app)
    with opened() as history:
        about = history.find(identity).about
    assert (about.name, about.note) == ("Farm 7", "new fibre")


async def test_deleting_asks_and_keeps_unless_told_otherwise() -> None:
    kept, gone = write(1, "Stays"), write(2, "Goes")
    app = console(World(), ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Picker))
        assert "Goes" in screen(app)
        await pilot.press("enter")
        await settled(pilot)
        assert len(listed(app)) == 2
        await pilot.press("d", "down", "enter")
        await until(pilot, lambda: len(listed(app)) == 1)
        assert head(app) == "Deleted."
    with opened() as history:
        assert [one.id for one in history.sessions()] == [kept]
        with pytest.raises(StoreError):
            history.find(gone)


async def test_all_that_are_marked_are_deleted_together() -> None:
    for number in (1, 2, 3):
        write(number, f"Farm {number}")
    app = console(World(), ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        await pilot.press("space", "space")
        assert "2 marked" in head(app)
        await pilot.press("d", "down", "enter")
        await until(pilot, lambda: len(listed(app)) == 1)
        assert "Farm 1" in listed(app)[0]


async def test_an_export_is_a_file_of_its_own_and_never_written_over(here: Path) -> None:
    identity = write(1)
    app = console(World(), ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        for _ in range(2):
            await pilot.press("o")
            await settled(pilot)
        assert "Exported to" in head(app)
    names = [path.name for path in files(here)]
    assert names == [f"aetui-session-{identity}-2.json", f"aetui-session-{identity}.json"]
    assert json.loads((here / names[1]).read_text("utf-8"))["session"] == identity


async def test_hostile_text_in_the_history_is_shown_and_does_nothing() -> None:
    write(1, HOSTILE, HOSTILE, (DROPPED,), VantageInfo("jump", HOSTILE, address=HOSTILE))
    app = console(World(), ())
    async with app.run_test(size=(120, 40)) as pilot:
        await at_history(pilot)
        seen = screen(app)
        assert "[@click=app.quit]x[/]" in seen
        for bad in ("\x1b", "\u202e", "\x07"):
            assert bad not in seen
            assert bad not in detail(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Earlier) and "Blocked" in screen(app))
        assert "\x1b" not in screen(app)
        await pilot.press("escape", "d")
        await until(pilot, lambda: isinstance(app.screen, Picker))
        assert "[/]" in screen(app)
        assert "\x1b" not in screen(app)


@pytest.mark.skipif(os.name != "posix", reason="a file where a directory should be is a matter of POSIX names here")
async def test_a_history_that_cannot_be_had_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("AETUI_HOME", str(blocked / "home"))
    app = console(World(), ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        assert head(app).startswith("✗ No history")
        assert listed(app) == []
        await pilot.press("enter", "d", "p", "o", "n", "f", "space")
        assert app.screen is there(app)


async def test_ten_thousand_sessions_are_read_in_pages_as_the_cursor_goes_down() -> None:
    many(10_000)
    app = console(World(), ())
    async with app.run_test(size=(80, 24)) as pilot:
        tab = await at_history(pilot)
        assert len(tab.found) == PAGE
        assert "of 10000 sessions" in head(app)
        await pilot.press("end")
        await settled(pilot)
        assert len(tab.found) == 2 * PAGE
        key = tab.query_one(Rows).key
        assert key == list(tab.found)[PAGE - 1]
        await pilot.press("slash", *"9999")
        await settled(pilot)
        assert [("Farm 9999" in row) for row in listed(app)] == [True]


async def test_a_run_of_this_console_appears_when_it_has_ended() -> None:
    app = console(World({DROPPED: connect(Outcome.FILTERED)}))
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        assert "Blocked" in summary(app)
        await at_history(pilot)
        assert "blocked" in listed(app)[0]
        assert "console" in detail(app)


async def test_the_tab_is_empty_with_a_sentence_where_nothing_is_kept() -> None:
    app = console(World(), ())
    async with app.run_test(size=(80, 24)) as pilot:
        await at_history(pilot)
        assert head(app).startswith("No sessions yet")


PLACES = [("PM2000  ·  this computer", "PM2000  ·  this computer"), ("a" * 90 + "  ·  demo site: healthy", "demo site: healthy")]


@pytest.mark.parametrize(("place", "shown"), PLACES, ids=["fits", "too long"])
async def test_the_bar_on_top_says_where_from_at_80_columns(place: str, shown: str) -> None:
    app = console(World(), ())
    async with app.run_test(size=(80, 24)) as pilot:
        tab = await at_history(pilot)
        tab.place.say(place)
        await pilot.pause()
        first = screen(app).splitlines()[0]
    assert first.endswith(shown)
    assert all(f"{one.key} {one.title}" in first for one in TABS)
    assert len(first) <= 80
