"""The Guide tab's widgets and how a ``guide_visit.Visit`` is drawn on them through ``guide_view``. The keys are in ``guide``.

Letters stay keys even while an address or a port is being typed, which have none; only where words are asked for do they all go into the
line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from textual import events
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from aetui.screens.frame import TabScreen
from aetui.screens.keys import now
from aetui.screens.reader import Reader
from aetui.screens.widgets.lines import Lines, line
from aetui.screens.widgets.page import Page
from aetui.screens.widgets.rows import SIGN, Rows

if TYPE_CHECKING:
    from aetui.screens.guide_view import Picture
    from aetui.screens.guide_visit import Visit

ENGINE = "aetui.screens.guide_view"
"""Imported after the first paint, in a thread: the engine hangs on it."""
LIVE_EVERY_S = 1.0
"""How often the seconds of a running test are drawn."""
LONGEST_ANSWER = 200
NUMBERS = frozenset("0123456789.")


class Answer(Input):
    """A line to type in; while ``numbers`` is set, letters stay keys."""

    numbers = False

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether the key is typed into the line."""
        return super().check_consume_key(key, character) and (not self.numbers or character in NUMBERS)

    async def _on_key(self, event: events.Key) -> None:
        if self.numbers and event.is_printable and event.character not in NUMBERS:
            event.prevent_default()


class GuideFrame(TabScreen):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.visit: Visit | None = None
        self.note = ""
        self.labelled: tuple[str, ...] | None = None
        """Keys of the guides that the label may mean."""
        self._mark: object = None
        """Of the step that the widgets hold."""
        self._shown: object = None
        """Of the step that has been painted."""
        self._shown_at = 0.0

    def body(self) -> Iterable[Widget]:
        """Where one is, the step, its answers, a line to type in, what was seen."""
        yield Lines(id="guide-place")
        yield Lines(id="guide-step")
        yield Rows(id="guide-rows")
        yield Horizontal(
            Lines([line((SIGN, "strong"))], id="guide-sign"), Answer(id="guide-input", max_length=LONGEST_ANSWER), id="guide-line"
        )
        yield Lines(id="guide-rule")
        yield Page(id="guide-page")

    # ------------------------------------------------------------------------------------------------------- beginning and end
    def on_first_paint(self) -> None:
        """Load what draws and what walks."""
        field = self.query_one(Answer)
        field.cursor_blink = False
        self.query_one("#guide-line").display = False
        self.run_worker(self._load(), exit_on_error=True)
        self.set_interval(LIVE_EVERY_S, self._tick)

    async def _load(self) -> None:
        await asyncio.to_thread(import_module, ENGINE)
        from aetui.screens.asking import ScreenAsker
        from aetui.screens.guide_room import Room
        from aetui.screens.guide_visit import Visit

        room = Room(self.draw_soon, self.console.packets.ready, ScreenAsker(self.app))
        self.visit = Visit(room, lambda: self.console.launch, lambda: self.console.keeper.name, self.draw_soon, self.console.learnt)
        self.draw()
        await self.visit.load()

    async def on_unmount(self) -> None:
        """The console ends: what was opened is given back; what is known is kept already."""
        if self.visit is not None:
            await self.visit.leave()

    def _tick(self) -> None:
        if self.visit is not None and self.visit.running:
            self.draw_soon()

    # ------------------------------------------------------------------------------------------------------------------ drawing
    def draw(self) -> None:
        """Everything that may have changed; the widgets send only what did."""
        visit = self.visit
        if visit is None or not self.is_attached:
            return
        from aetui.screens.guide_view import picture

        self.place.say(self.console.launch.place)
        rows, width = self.query_one(Rows), self.size.width
        seen = picture(visit, self._said(visit), self.labelled, rows.key, width)
        self.query_one("#guide-place", Lines).show([seen.place])
        step = self.query_one("#guide-step", Lines)
        step.styles.height = max(1, len(seen.step))
        step.show(seen.step)
        self._draw_rows(seen)
        self._draw_page(seen)
        if seen.mark != self._mark:
            self._mark = seen.mark
            self._arrive(seen)
        self.refresh_bindings()
        if isinstance(self.app.screen, Reader):
            self.app.screen.again()

    def is_shown(self) -> bool:
        """True where the step that an answer would be given to was on the screen when the key was pressed: keys come in packets, repaints are
        paced."""
        if self.visit is None:
            return False
        from aetui.screens.guide_view import mark_of

        return self._shown == mark_of(self.visit, self.labelled) and self._shown_at <= self.console.keys.typed_at

    def _painted(self, mark: object) -> None:
        if mark != self._shown:
            self._shown, self._shown_at = mark, now()

    def _said(self, visit: Visit) -> str:
        if visit.wrong is None:
            return self.note
        from aetui.guiding.words import say

        return say("wrong", visit.wrong.code, **visit.wrong.values)

    def _draw_rows(self, seen: Picture) -> None:
        rows, field = self.query_one(Rows), self.query_one(Answer)
        others = 6 + len(seen.step) + (2 if seen.ask is not None else 0) + seen.least
        rows.display = bool(seen.rows)
        rows.styles.height = max(1, min(len(seen.rows), self.size.height - others))
        if seen.mark != self._mark:
            rows.forget()
        rows.show_rows(seen.rows)
        self.query_one("#guide-line").display = seen.ask is not None
        field.placeholder = seen.hint

    def _draw_page(self, seen: Picture) -> None:
        rule = self.query_one("#guide-rule", Lines)
        room = max(0, self.size.width - len(seen.heading) - 4)
        rule.show([line(("──", "muted"), (f" {seen.heading} ", "head"), ("─" * room, "muted")) if seen.heading else line()])
        self.query_one("#guide-page", Page).show_paras(seen.paras, keep=seen.mark == self._mark)

    def _arrive(self, seen: Picture) -> None:
        """Another step: the cursor goes to where the answer is given."""
        rows, field = self.query_one(Rows), self.query_one(Answer)
        field.value = ""
        field.numbers = seen.ask is not None and seen.ask.value in {"address", "port"}
        if seen.first:
            rows.select(seen.first)
        self._focus()
        self.call_after_refresh(self._painted, seen.mark)

    def _focus(self) -> None:
        """Where a key goes: to the answers, else to the line to type in, else to what was seen."""
        rows, field = self.query_one(Rows), self.query_one(Answer)
        if rows.display:
            self.set_focus(rows)
        elif self.query_one("#guide-line").display:
            self.set_focus(field)
        else:
            self.set_focus(self.query_one("#guide-page", Page))

    def on_resize(self) -> None:
        """Lines are wrapped to the width."""
        self.call_after_refresh(self.draw)

    def on_rows_moved(self) -> None:
        """Another guide: what it is about."""
        if self.visit is not None and self.visit.guide is None:
            self.draw()

    def on_descendant_focus(self) -> None:
        """Which letters are keys depends on the line to type in."""
        self.refresh_bindings()
