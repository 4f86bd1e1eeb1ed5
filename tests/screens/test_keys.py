"""Keys in turn: what a bad line delivers in one packet does what it does when typed slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import pytest
from path_stage import HOPS, TARGET, Net, PathTab, Simulated, opened
from stage import World, screen, until
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input

from aetui.screens import keys
from aetui.screens.app import AetuiApp
from aetui.screens.path_aim import Aim
from aetui.screens.path_entry import TargetSheet
from aetui.screens.picker import Entry, Picker


def in_one_packet(app: App[int], *typed: str) -> None:
    for key in typed:
        app.post_message(events.Key({".": "full_stop", ":": "colon"}.get(key, key), key if len(key) == 1 else None))


async def at_rest(pilot: object, app: AetuiApp) -> None:
    await until(pilot, lambda: "What does the site have?" in screen(app))
    await pilot.press("escape")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("several", "typed", "chosen"),
    [
        (False, ("down", "down", "enter"), ("three",)),
        (False, ("end", "up", "enter"), ("two",)),
        (True, ("down", "space", "down", "space", "enter"), ("two", "three")),
        (True, ("space", "space", "down", "enter"), ("two",)),
    ],
)
async def test_enter_overtakes_no_arrow_and_no_mark(several: bool, typed: Sequence[str], chosen: tuple[str, ...]) -> None:
    app = AetuiApp(prepare=World().prepare, encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        await at_rest(pilot, app)
        answers: list[tuple[str, ...] | None] = []
        await app.push_screen(Picker("Heading", "Help", [Entry(key, key) for key in ("one", "two", "three")], several=several), answers.append)
        in_one_packet(app, *typed)
        await until(pilot, lambda: bool(answers))
    assert answers == [chosen]


async def test_an_address_and_the_enter_behind_it_go_to_the_page_that_a_key_before_them_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net({None: Simulated(HOPS), 2022: Simulated(HOPS)})
    app = opened(net, monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "PM2000" in screen(app))
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, TargetSheet))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, PathTab))
        in_one_packet(app, "t", *"logger.example:2022", "enter")
        await until(pilot, lambda: bool(net.asked))
    assert [(flow.address, flow.port) for flow in net.asked[:1]] == [(TARGET, 2022)]


async def test_what_is_pasted_is_there_before_the_enter_behind_it() -> None:
    app = AetuiApp(prepare=World().prepare, encoding="utf-8")
    answers: list[Aim | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await at_rest(pilot, app)
        await app.push_screen(TargetSheet(), answers.append)
        app.post_message(events.Paste("logger.example:23"))
        in_one_packet(app, "enter")
        await until(pilot, lambda: bool(answers))
    assert [(aim.host, aim.port) for aim in answers if aim is not None] == [("logger.example", 23)]


class Stage(App[int]):
    """An app with keys in turn, a field that may be stuck, and a list of what was done."""

    BINDINGS: ClassVar[list[tuple[str, str, str]]] = [("f2", "note('two')", "Two"), ("ctrl+c", "note('stop')", "Stop")]

    def __init__(self) -> None:
        super().__init__()
        self.keys = keys.Keys(self, super().on_event)
        self.done: list[str] = []
        self.let_go = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield Input()

    async def on_event(self, event: events.Event) -> None:
        await (self.keys.take(event) if keys.typed(event) else super().on_event(event))

    def action_note(self, what: str) -> None:
        self.done.append(what)


async def settled(app: Stage, done: list[str]) -> None:
    """Wait for it without asking the widgets, one of which is stuck."""
    deadline = asyncio.get_running_loop().time() + 5
    while app.done != done:
        assert asyncio.get_running_loop().time() < deadline, app.done
        await asyncio.sleep(0.01)


async def test_a_widget_that_is_stuck_or_gone_holds_nothing_up_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "LONGEST_S", 0.05)
    app = Stage()
    async with app.run_test():
        field = app.query_one(Input)
        field.call_later(app.let_go.wait)
        in_one_packet(app, "x")
        await asyncio.sleep(0.15)
        app.set_focus(None)
        in_one_packet(app, "f2")
        await settled(app, ["two"])
        app.let_go.set()
        app.set_focus(field)
        await field.remove()
        in_one_packet(app, "y", "f2")
        await settled(app, ["two", "two"])


async def test_ctrl_c_waits_for_nothing_and_takes_back_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "LONGEST_S", 30.0)
    app = Stage()
    async with app.run_test():
        app.query_one(Input).call_later(app.let_go.wait)
        in_one_packet(app, "x", "f2")
        await asyncio.sleep(0.05)
        before = list(app.done)
        app.set_focus(None)
        in_one_packet(app, "ctrl+c")
        await asyncio.sleep(0.2)
        stopped = list(app.done)
        app.let_go.set()
        await settled(app, ["stop"])
        assert (before, stopped) == ([], ["stop"])
        await asyncio.sleep(0.05)
        assert app.done == ["stop"]
