"""Runs of the console in the history: what is saved, what is not, and that trouble is one line beside a run that goes on."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from pathlib import Path

import pytest
from path_stage import HOPS, Net, Simulated, traced
from path_stage import opened as opened_on
from shelves import DROPPED, files
from stage import World, connect, console, finished, screen, summary, tab, until

from aetui.observations import Outcome
from aetui.screens.path_aim import Aim
from aetui.screens.reader import Reader
from aetui.store import opened
from aetui.store.place import FILE, folder


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files are written to a directory of the test's own."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


async def test_a_real_run_is_saved_as_it_happens_and_folds_to_the_state_on_the_screen() -> None:
    app = console(World({DROPPED: connect(Outcome.FILTERED)}), site="Solar North", note="first visit")
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        state = app.runner.state
        with opened() as history:
            kept = history.open()
    assert state is not None
    assert kept.state.results == state.results
    assert kept.state.diagnosis == state.diagnosis
    assert (kept.about.command, kept.about.name, kept.about.note) == ("console", "Solar North", "first visit")
    assert stat.S_IMODE((folder() / FILE).stat().st_mode) == 0o600


async def test_a_second_run_is_a_session_of_its_own_with_the_name_and_without_the_note() -> None:
    app = console(World(), site="Solar North", note="first visit")
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        before = app.runner.state and app.runner.state.session
        await pilot.press("r")
        await until(pilot, lambda: app.runner.state is not None and app.runner.state.session != before)
        await finished(pilot)
    with opened() as history:
        assert [(one.about.name, one.about.note) for one in history.sessions()] == [("Solar North", ""), ("Solar North", "first visit")]


@pytest.mark.parametrize(("demo", "save", "saved"), [("healthy", None, 0), ("healthy", True, 1), (None, False, 0), (None, None, 1)])
async def test_the_rules_of_saving_are_those_of_the_check_command(demo: str | None, save: bool | None, saved: int) -> None:
    app = console(World(), demo=demo, save=save)
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        assert "not saved" not in screen(app)
    with opened() as history:
        assert history.count() == saved


async def test_the_site_is_named_with_one_key_and_stands_in_history_and_title() -> None:
    app = console(World())
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("n", *"Farm 7", "tab", *"ticket 12", "enter")
        await until(pilot, lambda: "Farm 7" in tab(app).place.place)
        await until(pilot, lambda: not list(tab(app).workers))
        with opened() as history:
            about = history.find().about
    assert (about.name, about.note) == ("Farm 7", "ticket 12")


async def test_a_home_that_cannot_be_written_is_one_line_and_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AETUI_HOME", str(tmp_path / "file" / "home"))
    app = console(World())
    async with app.run_test(size=(120, 40)) as pilot:
        await finished(pilot)
        assert summary(app).startswith("✓ Ready")
        assert sum("not saved to the history" in line for line in screen(app).splitlines()) == 1


async def test_a_disk_that_fills_up_is_one_line_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from aetui.store import Journal

    def full(self: Journal, _base: sqlite3.Connection, _entry: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Journal, "_take", full)
    app = console(World())
    async with app.run_test(size=(120, 40)) as pilot:
        await finished(pilot)
        assert summary(app).startswith("✓ Ready")
        lines = [line for line in screen(app).splitlines() if "not saved" in line]
        assert len(lines) == 1
        assert "the disk is full" in lines[0]


REPORTS = [(0, "html", "<!doctype html"), (1, "md", "# "), (2, "csv", ","), (3, "json", '"schema"'), (4, "txt", "BLOCKED")]


@pytest.mark.parametrize(("down", "ending", "holds"), REPORTS, ids=[r[1] for r in REPORTS])
async def test_one_key_writes_a_report_and_shows_where_and_the_summary(here: Path, down: int, ending: str, holds: str) -> None:
    app = console(World({DROPPED: connect(Outcome.FILTERED)}), site="Solar / North #1")
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("p", *(["down"] * down), "enter")
        await until(pilot, lambda: isinstance(app.screen, Reader))
        await pilot.pause()
        seen = screen(app)
    (path,) = files(here)
    assert path.name.startswith("aetui-report-solar-north-1-")
    assert path.suffix == f".{ending}"
    assert os.name != "posix" or path.stat().st_mode & 0o077 == 0, "it is its user's, as everything that is kept"
    assert holds.casefold() in path.read_text("utf-8").casefold()
    assert f"Written: {path.name}" in seen
    assert "BLOCKED" in seen
    assert "maki.alsoenergy.com" in seen


async def test_a_directory_that_cannot_be_written_is_one_line_and_the_summary_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> Path:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("aetui.screens.handing.write", refused)
    app = console(World())
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("p", "enter")
        await until(pilot, lambda: isinstance(app.screen, Reader))
        await pilot.pause()
        assert "Permission denied" in screen(app)
        assert "READY" in screen(app)


async def test_a_trace_of_the_path_tab_stands_in_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened_on(Net({443: Simulated(HOPS)}), monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await traced(pilot, Aim("maki.alsoenergy.com", 443))
        with opened() as history:
            (done,) = history.open().traces
        assert done.trace == app.keeper.kept_now(app.runner.state).traces[0].trace  # type: ignore[arg-type]
        assert [hop.address for hop in done.trace.hops][: len(HOPS)] == HOPS
        assert done.at > 0
