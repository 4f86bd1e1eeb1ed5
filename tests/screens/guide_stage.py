"""What the tests of the Guide and Site tabs stand on: the console on the embedded site, its tab open, and ways to look at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from stage import screen, until
from textual.pilot import Pilot
from textual.widgets import Input

from aetui.screens.app import AetuiApp
from aetui.screens.guide import GuideTab
from aetui.screens.guide_frame import GuideFrame
from aetui.screens.guide_visit import Visit
from aetui.screens.launch import Launch
from aetui.screens.site import Site
from aetui.screens.tabs import TABS
from aetui.screens.widgets.page import Page
from aetui.screens.widgets.rows import Rows

LOGGER = "192.168.50.60"
WHICH = "Which equipment is it about?"
"""The embedded site's logger."""


def key_of(name: str) -> str:
    """The key that opens a tab."""
    return next(tab.key for tab in TABS if tab.name == name)


@asynccontextmanager
async def opened(name: str, demo: str, encoding: str = "utf-8", size: tuple[int, int] = (80, 24), **launch: Any) -> AsyncIterator[Pilot[Any]]:
    """The console with this tab open, the question of the first tab put aside."""
    app = AetuiApp(Launch(demo=demo, **launch), encoding=encoding)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "What does the site have?" in screen(app))
        await pilot.press("escape", key_of(name))
        await until(pilot, lambda: getattr(app.screen, "TAB", "") == name)
        yield pilot


def visit(pilot: Pilot[Any]) -> Visit:
    """The Guide tab's visit."""
    found = next(screen for screen in pilot.app.screen_stack if isinstance(screen, GuideTab)).visit
    assert found is not None
    return found


def site(pilot: Pilot[Any]) -> Site:
    """The Site tab."""
    return next(screen for screen in pilot.app.screen_stack if isinstance(screen, Site))


async def shows(pilot: Pilot[Any], *texts: str) -> str:
    """Wait until all of this is on the screen, words in order whatever the lines; gives the screen as one sentence."""

    def said() -> str:
        return " ".join(screen(pilot.app).split())

    def ready() -> bool:
        """A key counts: the step that is on the screen is the one that it would answer."""
        tab = pilot.app.screen
        return not isinstance(tab, GuideFrame) or tab.visit is None or tab.is_shown()

    await until(pilot, lambda: all(text in said() for text in texts) and ready(), " / ".join(texts))
    await pilot.pause()
    return said()


async def types(pilot: Pilot[Any], text: str) -> None:
    """Type something and take it."""
    await until(pilot, lambda: isinstance(pilot.app.focused, Input), "a line to type in")
    await pilot.press(*text, "enter")


async def to_the_port(pilot: Pilot[Any]) -> None:
    """From the first page to the question of the public port: support cannot reach the PM2000."""
    await shows(pilot, WHICH)
    await pilot.press("enter")
    await shows(pilot, "What is the trouble?")
    await pilot.press("enter")
    await types(pilot, LOGGER)
    await shows(pilot, "The public port")


async def to_the_outside(pilot: Pilot[Any]) -> None:
    """On to the look from outside: the port is the usual one."""
    await to_the_port(pilot)
    await pilot.press("enter")


def paras(pilot: Pilot[Any]) -> str:
    """What stands under the step, whole."""
    page = pilot.app.screen_stack[0].query_one("#guide-page", Page)
    return "\n".join(f"{para.lead}{para.text}" for para in page.paras)


def row(pilot: Pilot[Any]) -> str:
    """Key of the selected row."""
    return pilot.app.screen_stack[0].query_one(Rows).key
