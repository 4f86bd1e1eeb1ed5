"""The palette: every command of the screen by its name, whether its key stands in the bar or not. Nothing in it blinks or pulses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette, SearchIcon
from textual.widgets import Input

from aetui.screens.words import tables

if TYPE_CHECKING:
    from textual.screen import Screen


class Palette(CommandPalette):
    """Textual's palette, still."""

    def __init__(self) -> None:
        super().__init__(id="--command-palette", placeholder="Type a part of a command's name")

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Leave, once: two keys in one packet take no more than this away, as with ``sheet.Sheet``."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def on_mount(self) -> None:
        """No blinking cursor, no picture that is two cells wide."""
        self.query_one(Input).cursor_blink = False
        self.query_one(SearchIcon).icon = ">"


def of_bindings(screen: Screen[Any]) -> Iterator[SystemCommand]:
    """The screen's and the app's bindings that do something now, named in full with their key."""
    named = tables()["commands"]
    offered: set[str] = set()
    for node, binding, enabled, _ in screen.active_bindings.values():
        words = named.get(binding.action)
        if enabled and words is not None and binding.action not in offered:
            offered.add(binding.action)
            title, does = words
            yield SystemCommand(title, f"{does} Key: {screen.app.get_key_display(binding)}", partial(_run, screen, node, binding.action))


async def _run(screen: Screen[Any], node: Any, action: str) -> None:
    await screen.app.run_action(action, node)
