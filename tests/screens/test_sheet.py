"""A page over the tab leaves once, by itself alone, and not before it is seen again: keys that come together, questions withdrawn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from inbound_stage import QuietLocal
from stage import World, screen, until
from textual import events
from textual.screen import Screen

from aetui.screens.app import AetuiApp
from aetui.screens.asking import ScreenAsker, SecretSheet
from aetui.screens.commands import Palette
from aetui.screens.inbound_form import Field, Form
from aetui.screens.inbound_hosts import JumpHosts
from aetui.screens.inbound_outside import Outside
from aetui.screens.path_aim import Aim
from aetui.screens.path_entry import TargetSheet
from aetui.screens.picker import Entry, Picker
from aetui.screens.reader import Reader
from aetui.screens.sheet import Sheet
from aetui.store.jumphosts import remember
from aetui.vantage.asker import SecretKind, SecretQuestion

PASSWORD = SecretQuestion(SecretKind.PASSWORD, "site-a", "tech")


class Beneath(Sheet[None]):
    """A page that no key closes."""


def outside() -> Outside:
    return Outside(lambda: None, lambda name: QuietLocal(), QuietLocal, now=datetime.now)


SHEETS: list[tuple[str, Callable[[], Screen[Any]]]] = [
    ("enter", lambda: Picker("Heading", "Help", [Entry("one", "One")])),
    ("escape", lambda: Picker("Heading", "Help", [Entry("one", "One")])),
    ("enter", lambda: Form("Heading", [Field("one", "One", "Help")], dict)),
    ("escape", lambda: Form("Heading", [Field("one", "One", "Help")], dict)),
    ("enter", lambda: SecretSheet("Password?", shown=False)),
    ("escape", lambda: SecretSheet("Password?", shown=False)),
    ("enter", lambda: TargetSheet(Aim("logger.example", 443))),
    ("escape", TargetSheet),
    ("enter", lambda: Reader("Heading", list)),
    ("enter", lambda: JumpHosts(outside(), {})),
    ("escape", lambda: JumpHosts(outside(), {})),
    ("escape", Palette),
]


@pytest.mark.parametrize(("key", "make"), SHEETS, ids=[f"{make().__class__.__name__}-{key}" for key, make in SHEETS])
@pytest.mark.parametrize("beneath", [True, False], ids=["over another page", "over the tab"])
async def test_two_keys_in_one_packet_take_one_page_away(key: str, make: Callable[[], Screen[Any]], beneath: bool) -> None:
    remember("noc")
    app = AetuiApp(prepare=World().prepare, encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "What does the site have?" in screen(app))
        await pilot.press("escape")
        if beneath:
            await app.push_screen(Beneath())
        under, answers = app.screen, []
        sheet = make()
        await app.push_screen(sheet, answers.append)
        await pilot.pause()
        for _ in range(2):
            app.post_message(events.Key(key, None))
        await until(pilot, lambda: app.screen is not sheet)
        await pilot.pause(0.1)
        assert app.is_running
        assert under.is_attached
        assert app.screen is under
        assert len(answers) == 1


async def asked(app: AetuiApp, pilot: Any) -> tuple[Any, Screen[Any]]:
    """A password is asked for, by somebody who can be told to stop."""
    await until(pilot, lambda: "What does the site have?" in screen(app))
    await pilot.press("escape")
    task = asyncio.create_task(ScreenAsker(app).secret(PASSWORD))
    await until(pilot, lambda: isinstance(app.screen, SecretSheet))
    return task, app.screen


async def test_a_question_that_is_withdrawn_under_another_page_leaves_when_it_is_seen_again() -> None:
    app = AetuiApp(prepare=World().prepare, encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        task, sheet = await asked(app, pilot)
        await pilot.press("ctrl+p")
        assert isinstance(app.screen, Palette)
        task.cancel()
        await pilot.pause()
        assert isinstance(app.screen, Palette), "what the person looks at stays"
        assert sheet.is_attached
        await pilot.press("escape")
        await until(pilot, lambda: not sheet.is_attached)
        assert len(app.screen_stack) == 1


async def test_a_question_that_is_withdrawn_in_another_tab_leaves_when_that_tab_is_looked_at() -> None:
    app = AetuiApp(prepare=World().prepare, encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        task, sheet = await asked(app, pilot)
        app.action_tab("history")
        await until(pilot, lambda: app.current_mode == "history")
        task.cancel()
        await pilot.pause()
        app.action_tab("outbound")
        await until(pilot, lambda: app.current_mode == "outbound" and not sheet.is_attached)
        assert len(app.screen_stack) == 1
