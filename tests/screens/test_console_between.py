"""Between tabs: what comes late, or while somebody looks at another tab, lands where it belongs or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from shelves import DROPPED, at_history, head, write
from stage import World, console, finished, screen, until
from textual.widgets import Input

from aetui.prepare import Prepared
from aetui.screens import handing
from aetui.screens.history import History
from aetui.screens.launch import Launch
from aetui.screens.picker import Picker


async def test_a_click_on_a_tab_is_no_letter_for_the_line_that_is_typed_in() -> None:
    write(1, "Solar North")
    app = console(World(), ())
    async with app.run_test(size=(100, 24)) as pilot:
        await at_history(pilot)
        await pilot.press("slash")
        history = app.screen
        field = history.query_one(Input)
        await until(pilot, lambda: field.has_focus)
        await pilot.click("#top-bar", offset=(10, 0))
        await until(pilot, lambda: app.current_mode == "outbound")
        assert field.value == ""


async def test_a_click_on_a_key_does_what_the_key_does_though_a_line_is_typed_in() -> None:
    write(1, "Solar North")
    app = console(World(), ())
    async with app.run_test(size=(100, 24)) as pilot:
        await at_history(pilot)
        await pilot.press("slash")
        bar = app.screen.query_one("#key-bar")
        text = bar.lines[0].text  # type: ignore[attr-defined]
        await pilot.click("#key-bar", offset=(text.index("Quit"), 0))
        await until(pilot, lambda: not app.is_running or app.return_code == 0)


async def test_a_session_that_opens_late_does_not_open_over_another_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    write(1, "Solar North", dropped=(DROPPED,))
    read, ready = History._whole, asyncio.Event()

    async def slowly(self: History, identity: str) -> object:
        got = await read(self, identity)
        await ready.wait()
        return got

    monkeypatch.setattr(History, "_whole", slowly)
    app = console(World())
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await at_history(pilot)
        await pilot.press("enter", "1")
        await until(pilot, lambda: app.current_mode == "outbound")
        ready.set()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert len(app.screen_stack) == 1
        await pilot.press("4")
        await pilot.pause()
        assert len(app.screen_stack) == 1
        assert "sessions" in head(app)


async def test_a_rerun_closes_what_was_left_open_in_its_tab_and_keeps_the_sessions_name() -> None:
    write(1, "Solar North", "a note", dropped=(DROPPED,))
    world = World()
    app = console(world, ())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Picker))
        app.action_tab("history")
        await until(pilot, lambda: "1 session" in screen(app) and "Solar North" in screen(app))
        await pilot.press("f")
        await until(pilot, lambda: app.current_mode == "outbound" and bool(world.launches))
        await finished(pilot)
        assert not any(isinstance(each, Picker) for each in app.screen_stack)
        assert app.keeper.name == "Solar North"
        assert DROPPED in world.asked


async def test_another_demo_site_that_was_chosen_elsewhere_is_what_outbound_shows_and_runs() -> None:
    world = World()
    app = console(world, demo="dns-dead")
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("4")
        app.relaunch(demo="healthy")
        await pilot.press("1")
        await until(pilot, lambda: len(world.launches) == 2)
        await finished(pilot)
        assert world.launches[-1].demo == "healthy"
        assert app.runner.launch is app.launch
        assert "demo site: healthy" in screen(app)


async def test_a_folder_that_is_gone_is_said_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Path:
        raise FileNotFoundError

    app = console(World())
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        monkeypatch.setattr(handing.Path, "cwd", gone)
        monkeypatch.setenv("PWD", "/nowhere/at/all")
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, Picker))
        await pilot.press("enter")
        await until(pilot, lambda: "/nowhere/at/all" in screen(app))


async def test_of_two_runs_that_begin_together_one_vantage_is_open_and_none_at_the_end() -> None:
    world, open_now = World(), 0

    @asynccontextmanager
    async def counted(launch: Launch) -> AsyncIterator[Prepared]:
        nonlocal open_now
        open_now += 1
        try:
            async with world.prepare(launch) as prepared:
                yield prepared
        finally:
            open_now -= 1

    app = console(world)
    app.runner.prepare = counted
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await asyncio.gather(*(app.runner.run(app.launch) for _ in range(3)))
        await finished(pilot)
        assert open_now == 1
        await app.runner.close()
        assert open_now == 0


async def test_a_run_that_ends_late_leaves_the_next_runs_journal_open() -> None:
    app = console(World(), save=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        first, second = [app.keeper.kept(app.launch, await _prepared()) for _ in range(2)]
        first.__enter__()
        second.__enter__()
        journal = app.keeper._journal
        first.__exit__(None, None, None)
        assert app.keeper._journal is journal is not None
        assert journal.saving
        second.__exit__(None, None, None)
        assert app.keeper._journal is None


async def _prepared() -> Prepared:
    async with World().prepare(Launch(equipment=("pm2000",))) as prepared:
        return prepared
