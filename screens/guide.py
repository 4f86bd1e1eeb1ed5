"""The Guide tab: from 'support cannot reach the logger' to the cause and the right request, step by step.

Draws a ``guide_visit.Visit`` through ``guide_view`` and sends it what a person chose or typed. Letters are keys even while an address or
a port is being typed, which have none; only where words are asked for do they all go into the line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from aetui.screens.frame import TabScreen
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


class GuideTab(TabScreen):
    """See the module."""

    TAB = "guide"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "guide_back", "Back", key_display="Esc"),
        Binding("c", "guide_stop", "Stop"),
        Binding("l", "guide_label", "Label"),
        Binding("y", "guide_copy", "Copy request"),
        Binding("n", "guide_leave", "Other guide"),
        Binding("question_mark", "guide_more", "Why", key_display="?"),
        Binding("w", "guide_way", "Way so far"),
        Binding("r", "guide_again", "Again"),
        Binding("d", "scenario", "Demo site", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.visit: Visit | None = None
        self.note = ""
        self.labelled: tuple[str, ...] | None = None
        """Keys of the guides that the label may mean."""
        self._mark: object = None
        self._ask: object = None

    def body(self) -> Iterable[Widget]:
        """Where one is, the step, its answers, a line to type in, what was seen."""
        yield Lines(id="guide-place")
        yield Lines(id="guide-step")
        yield Rows(id="guide-rows")
        yield Horizontal(Lines([line((SIGN, "strong"))], id="guide-sign"), Answer(id="guide-input", max_length=LONGEST_ANSWER), id="guide-line")
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
        self.visit = Visit(room, lambda: self.console.launch, self.draw_soon)
        self.draw()
        await self.visit.load()

    async def on_unmount(self) -> None:
        """The console ends: what was opened is given back; what is known is kept already."""
        if self.visit is not None:
            await self.visit.leave()

    def on_screen_resume(self) -> None:
        """Another demo site was chosen meanwhile: what is known of this one says nothing of that."""
        visit = self.visit
        if visit is not None and visit.guide is not None and visit.demo != self.console.launch.demo:
            self.action_guide_leave()

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
        if seen.rows:
            rows.focus()
        elif seen.ask is not None:
            field.focus()
        else:
            self.query_one("#guide-page", Page).focus()

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

    # ---------------------------------------------------------------------------------------------------------------- answering
    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Enter on a row."""
        visit, (kind, _, key) = self.visit, event.key.partition(":")
        if visit is None:
            return
        self.note = ""
        match kind:
            case "guide" | "resume":
                self._begin(key, resume=kind == "resume")
            case "answer":
                visit.answer(key)
            case "go-on":
                visit.go_on()
            case "check":
                visit.check()
            case "retry" if visit.guide is not None:
                self._begin(visit.guide.key)
            case _:
                self.action_guide_leave()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the line to type in."""
        event.stop()
        visit = self.visit
        if visit is None:
            return
        self.note = ""
        if visit.guide is not None:
            visit.answer(event.value)
        else:
            self._by_label(event.value.strip())

    def on_input_changed(self) -> None:
        """What was wrong is being mended."""
        if self.visit is not None and (self.visit.wrong is not None or self.note):
            self.visit.wrong, self.note = None, ""
            self.draw()

    def _by_label(self, text: str) -> None:
        from aetui.display import displayable
        from aetui.screens.guide_words import say

        assert self.visit is not None and self.visit.library is not None
        library = self.visit.library
        exact = library.of_model(text.casefold())
        found = (exact,) if exact is not None else library.by_label(text)
        self.labelled = None
        if len(found) == 1:
            self._begin(found[0].key)
        elif found:
            self.note, self.labelled = say("guide", "label_many"), tuple(guide.key for guide in found)
        elif text:
            self.note = say("guide", "label_none", text=displayable(text, 40))
        self.draw()

    def _begin(self, key: str, *, resume: bool = False) -> None:
        visit = self.visit
        assert visit is not None and visit.library is not None
        taken = next((each.taken for each in visit.earlier if each.guide.key == key), ()) if resume else ()
        self.labelled, self.note = None, ""
        self.run_worker(visit.begin(visit.library.guides[key], taken), exclusive=True, group="guide")

    # ------------------------------------------------------------------------------------------------------------------ actions
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what does something now is offered."""
        visit = self.visit
        walking = visit is not None and visit.walker is not None
        match action:
            case "guide_back":
                return walking or self.labelled is not None or self.query_one(Answer).has_focus
            case "guide_more" | "guide_way":
                return walking
            case "guide_again":
                return visit is not None and visit.walker is not None and visit.walker.conclusion is not None
            case "guide_leave":
                return visit is not None and visit.guide is not None
            case "guide_stop":
                return visit is not None and visit.running
            case "guide_label":
                return visit is not None and visit.library is not None and visit.guide is None
            case "guide_copy":
                return bool(self._request())
            case "scenario":
                return self.console.launch.demo is not None
            case _:
                return True

    def action_guide_back(self) -> None:
        """One step back; on the list of guides, back from the label to the list."""
        from aetui.screens.guide_words import say

        visit = self.visit
        if visit is None:
            return
        self.note = ""
        if visit.walker is not None and not visit.back():
            self.note = say("guide", "beginning")
        elif visit.guide is None:
            self.labelled = None
            self.query_one(Answer).value = ""
            self.query_one(Rows).focus()
        self.draw()

    def action_guide_stop(self) -> None:
        """End the test that runs."""
        from aetui.screens.guide_words import say

        if self.visit is not None:
            self.note = say("guide", "stopped")
            self.visit.stop()

    def interrupt(self) -> bool:
        """Ctrl+C: stop the test that runs; False where none does."""
        going = self.visit is not None and self.visit.running
        if going:
            self.action_guide_stop()
        return going

    def action_guide_leave(self) -> None:
        """Back to the list of guides."""
        self.note = ""
        self.run_worker(self._leave(), exclusive=True, group="guide")

    async def _leave(self) -> None:
        if self.visit is not None:
            await self.visit.leave()
            await self.visit.look_back()

    def action_guide_again(self) -> None:
        """The same guide from its first step, on the network as it is now."""
        if self.visit is not None and self.visit.guide is not None:
            self._begin(self.visit.guide.key)

    def action_guide_label(self) -> None:
        """Type what the label says."""
        from aetui.screens.guide_words import say

        field = self.query_one(Answer)
        field.placeholder = say("guide", "label")
        field.focus()

    def action_guide_more(self) -> None:
        """Everything behind what is shown."""
        from aetui.screens.guide_view import more
        from aetui.screens.guide_words import say

        visit = self.visit
        if visit is not None:
            self.app.push_screen(Reader(say("guide", "seen"), lambda: more(visit)))

    def action_guide_way(self) -> None:
        """Every step of the walk."""
        from aetui.screens.guide_view import way
        from aetui.screens.guide_words import say

        visit = self.visit
        if visit is not None:
            self.app.push_screen(Reader(say("guide", "way"), lambda: way(visit)))

    def _request(self) -> str:
        walker = self.visit.walker if self.visit is not None else None
        if walker is None:
            return ""
        from aetui.screens.guide_verdict import request_text

        return request_text(walker)

    def action_guide_copy(self) -> None:
        """What is to be handed over, to the clipboard."""
        from aetui.screens.guide_words import say

        self.app.copy_to_clipboard(self._request())
        self.note = say("guide", "copied")
        self.draw()

    def action_scenario(self) -> None:
        """Choose a demo site; the walk begins anew on it."""
        from aetui.screens.choices import scenario_picker

        self.app.push_screen(scenario_picker(self.console.launch), self._played)

    def _played(self, names: tuple[str, ...] | None) -> None:
        if names:
            self.console.relaunch(demo=names[0])
            self.action_guide_leave()
