"""The lines at the top and the bottom of every screen: which tab this is and where it looks from, and the keys that do something now.

Both redraw only the cells that change. The bar of keys shows the bindings that are active at the moment, the screen's own first, and at
most eight of them; the rest stands in the help and in the palette.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.binding import Binding

from aetui.screens.widgets.lines import Lines, Span, line

if TYPE_CHECKING:
    from textual import events
    from textual.screen import Screen
    from textual.signal import Signal

MOST_KEYS = 8
"""Bindings that the bar shows."""


ALARM = "!"
"""Behind the name of a tab where something is open that must not be forgotten."""


def _cells(spans: Iterable[Span]) -> int:
    return sum(cell_len(text) for text, _ in spans)


class TopBar(Lines):
    """The name of the program, the tabs, and at the right what is looked at and from where."""

    def __init__(self, tabs: Iterable[tuple[str, str, str]], active: str) -> None:
        super().__init__(id="top-bar")
        self.tabs = tuple(tabs)
        self.active = active
        self.place = ""
        self.alarmed: frozenset[str] = frozenset()
        """Names of the tabs that are marked."""
        self._ends: list[tuple[int, str]] = []

    def on_mount(self) -> None:
        """Follow the marks of the tabs."""
        alarms: Signal[frozenset[str]] | None = getattr(self.app, "alarms", None)
        if alarms is not None:
            alarms.subscribe(self, self._alarmed)
            self._alarmed(getattr(self.app, "alarmed", self.alarmed))

    def _alarmed(self, tabs: frozenset[str]) -> None:
        self.alarmed = tabs
        self.on_resize()

    def say(self, place: str) -> None:
        """Show where the console looks from."""
        self.place = place
        self.on_resize()

    def on_resize(self) -> None:
        """Put the place at the right edge. Where it does not fit, the tabs move together; its end, where from, is what stays longest."""
        spans = self._spans(tight=False)
        if self.size.width - _cells(spans) - 2 < cell_len(self.place):
            spans = self._spans(tight=True)
        used = _cells(spans)
        room = self.size.width - used - 2
        place = self.place if cell_len(self.place) <= room else "…" + self.place[len(self.place) - max(0, room - 1) :].lstrip(" ·")
        gap = max(1, self.size.width - used - cell_len(place) - 1)
        self.show([line(*spans, (" " * gap, "bar"), (place, "bar"), (" ", "bar"))])

    def _spans(self, tight: bool) -> list[Span]:
        """The program's name and the tabs; ``tight`` without the name and with one column between tabs."""
        spans: list[Span] = [] if tight else [(" aetui ", "bar-strong"), (" ", "bar")]
        self._ends = []
        for key, title, name in self.tabs:
            on, marked = title == self.active, name in self.alarmed
            behind = ALARM if marked else "" if tight else " "
            spans.append((f" {key} {title}{behind}", "warn" if marked else "bar-on" if on else "bar"))
            self._ends.append((_cells(spans), name))
        return spans

    def on_click(self, event: events.Click) -> None:
        """Go to a tab."""
        for end, name in self._ends:
            if event.x < end:
                self.app.run_worker(self.app.run_action(f"app.tab('{name}')"))
                return


class KeyBar(Lines):
    """The keys that do something now."""

    def __init__(self) -> None:
        super().__init__(id="key-bar")
        self._ends: list[tuple[int, str]] = []

    def on_mount(self) -> None:
        """Follow the screen's bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, _screen: Screen[object]) -> None:
        self.tell()

    def on_resize(self) -> None:
        """Fit the width."""
        self.tell()

    def tell(self) -> None:
        """Draw the bindings that are active."""
        spans: list[Span] = []
        self._ends = []
        used = 0
        for binding in self._offered():
            key, does = f" {self.app.get_key_display(binding)}", f" {binding.description} "
            used += cell_len(key + does)
            spans += [(key, "key"), (does, "bar")]
            self._ends.append((used, binding.action))
        self.show([line(*spans, (" " * max(0, self.size.width - used), "bar"))])

    def _offered(self) -> list[Binding]:
        """What to show: the screen's own as far as they fit, then the app's; the way out stands last and always. Of several keys that do
        one thing now the shortest is named.
        """
        bindings = self.screen.active_bindings.values()
        active = [(node is self.app, binding) for node, binding, enabled, _ in bindings if binding.show and enabled]
        once: dict[str, tuple[bool, Binding]] = {}
        for of_app, binding in reversed(active):
            there = once.get(binding.action)
            if there is None or len(binding.key) <= len(there[1].key):
                once[binding.action] = (of_app, binding)
        own = [binding for of_app, binding in reversed(once.values()) if not of_app]
        last = sorted((binding for of_app, binding in once.values() if of_app), key=lambda binding: binding.action == "quit")
        own = own[: MOST_KEYS - len(last)]
        while own and sum(self._cells(b) for b in own + last) > self.size.width:
            own.pop()
        return own + last

    def _cells(self, binding: Binding) -> int:
        return cell_len(f" {self.app.get_key_display(binding)} {binding.description} ")

    def on_click(self, event: events.Click) -> None:
        """Do what is shown there: the key itself might be typed into a line."""
        wanted = next((action for end, action in self._ends if event.x < end), None)
        for node, binding, enabled, _ in self.screen.active_bindings.values():
            if enabled and binding.action == wanted:
                self.app.run_worker(self.app.run_action(wanted, node))
                return
