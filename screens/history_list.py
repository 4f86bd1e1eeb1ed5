"""What the History tab shows: the list, read in threads and in pages as the cursor goes down, the search above it, the details below.

What cannot be done is one line on top. What is done with a session is in ``history``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from textual.containers import Container, Horizontal
from textual.widget import Widget
from textual.widgets import Input

from aetui.display import displayable
from aetui.screens.frame import TabScreen
from aetui.screens.history_words import say
from aetui.screens.widgets.lines import Line, Lines, line
from aetui.screens.widgets.page import Page
from aetui.screens.widgets.rows import Rows

if TYPE_CHECKING:
    from aetui.screens.history_rows import Book
    from aetui.store import Summary

ENGINE = ("aetui.screens.history_rows", "aetui.screens.history_shelf", "aetui.screens.handing", "aetui.screens.earlier")
"""Imported after the first paint, in a thread."""

AHEAD = 50
"""Rows that are kept loaded below the cursor."""

LONGEST_SEARCH = 120


class HistoryList(TabScreen):
    """See the module."""

    TAB = "history"

    def __init__(self) -> None:
        super().__init__()
        self.book: Book | None = None
        self.found: dict[str, Summary] = {}
        self.total = 0
        self.more = False
        self.reading = False
        self.marked: set[str] = set()
        self.note = ""
        self.note_stays = False
        """True where the next move of the cursor is none of the person's."""
        self.trouble = ""

    def body(self) -> Iterable[Widget]:
        """How much there is, the search, the list, the details."""
        yield Lines(id="summary")
        label = Lines([line((say("list", "search"), "bar-strong"))], id="search-label")
        field = Input(placeholder=say("list", "search_hint"), id="search", max_length=LONGEST_SEARCH, classes="form-input")
        yield Horizontal(label, field, id="search-line")
        yield Lines(id="columns")
        yield Rows(id="rows")
        yield Container(Lines(id="rule"), Page(id="details"), id="pane")

    # ------------------------------------------------------------------------------------------------------------------ loading
    def on_first_paint(self) -> None:
        """Load what reads and what draws, then the first page."""
        self.query_one(Input).cursor_blink = False
        self.query_one(Rows).focus()
        self.draw()
        self.run_worker(self._load(), exit_on_error=True)

    async def _load(self) -> None:
        for name in ENGINE:
            await asyncio.to_thread(import_module, name)
        self.book = await asyncio.to_thread(_book)
        self.console.keeper.ended = self.on_screen_resume
        self.reload()

    def on_screen_resume(self) -> None:
        """Something may have been run meanwhile."""
        if self.book is not None and self.is_current:
            self.reload()

    def reload(self) -> None:
        """Read the list anew, from its beginning to where it had been read."""
        self._read(0, len(self.found))

    def _read(self, skip: int, least: int = 0) -> None:
        if self.book is not None:
            self.reading = True
            self.run_worker(self._fetch(self.query_one(Input).value, skip, least), exclusive=True, group="list")

    async def _fetch(self, search: str, skip: int, least: int) -> None:
        from aetui.screens.history_shelf import PAGE, page, shelf
        from aetui.store import StoreError

        try:
            got = await shelf(page(search, skip, max(PAGE, least)))
        except StoreError as error:
            self.found, self.total, self.more, self.trouble = {}, 0, False, str(error)
        else:
            before = self.found if skip else {}
            self.found = before | {one.id: one for one in got.sessions}
            self.total, self.more, self.trouble = got.total, got.more, ""
            self.marked &= set(self.found)
        self.reading = False
        self.draw()

    # ------------------------------------------------------------------------------------------------------------------ drawing
    @property
    def chosen(self) -> Summary | None:
        """The session under the cursor."""
        return self.found.get(self.query_one(Rows).key) if self.is_mounted else None

    @property
    def pair(self) -> tuple[str, ...]:
        """Ids of the two sessions to compare: both that are marked, or the one that is and the selected one."""
        marked = [identity for identity in self.found if identity in self.marked]
        one = self.chosen
        return tuple(dict.fromkeys([*marked, one.id] if len(marked) == 1 and one is not None else marked))

    def draw(self) -> None:
        """Everything."""
        if not self.is_attached:
            return
        self.place.say(self.console.launch.place)
        self.query_one("#summary", Lines).show([self._head()])
        if self.book is not None:
            from aetui.screens.history_rows import rows, titles

            listed = self.query_one(Rows)
            width = listed.size.width - 1
            self.query_one("#columns", Lines).show([titles(width)])
            listed.show_rows(rows(self.found.values(), self.marked, width, self.book))
            self._draw_details()
        self.refresh_bindings()

    def _head(self) -> Line:
        ink, word, text = self._said()
        return line((f" {word}  " if word else " ", ink), (text, "strong"))

    def _said(self) -> tuple[str, str, str]:
        """Ink, word and sentence of the line on top."""
        if self.note:
            return "busy", "", self.note
        if self.trouble:
            return "fail", f"✗ {say('list', 'trouble')}", displayable(self.trouble, 300)
        if self.book is None or (self.reading and not self.found):
            return "busy", say("list", "reading"), say("list", "reading_line")
        marked = f"; {say('list', 'pair' if len(self.pair) == 2 else 'marked', count=len(self.marked))}" if self.marked else ""
        if not self.found:
            empty = "nothing" if self.query_one(Input).value.strip() else "none"
            return "busy", say("list", empty), say("list", f"{empty}_line")
        return "busy", "", self._count() + marked

    def _count(self) -> str:
        count = len(self.found)
        if self.query_one(Input).value.strip():
            return say("list", "found_more" if self.more else "found", count=count)
        if self.more:
            return say("list", "first", count=count, total=self.total)
        return say("list", "count_one" if count == 1 else "count", count=count)

    def _draw_details(self) -> None:
        from aetui.screens.history_rows import details, heading

        one = self.chosen
        rule = self.query_one("#rule", Lines)
        title = heading(one) if one is not None else ""
        room = max(0, rule.size.width - len(title) - 4)
        spans = (("──", "muted"), (f" {title} ", "head"), ("─" * room, "muted"))
        rule.show([line(*spans) if title else line(("─" * rule.size.width, "muted"))])
        paras = details(one, self.book) if one is not None and self.book is not None else ()
        self.query_one("#details", Page).show_paras(paras, keep=False)

    def on_resize(self) -> None:
        """Columns depend on the width."""
        self.call_after_refresh(self.draw)

    def on_rows_moved(self) -> None:
        """Another session: other details; near the end the next page is read."""
        if self.book is None:
            return
        self.note, self.note_stays = self.note if self.note_stays else "", False
        self.query_one("#summary", Lines).show([self._head()])
        self._draw_details()
        keys = list(self.found)
        if self.more and not self.reading and self.query_one(Rows).key in keys[-AHEAD:]:
            self._read(len(keys))
        self.refresh_bindings()

    # ------------------------------------------------------------------------------------------------------------------- search
    def action_search(self) -> None:
        """Go to the line that is searched for."""
        self.set_focus(self.query_one(Input))

    def action_to_list(self) -> None:
        """Go to the list."""
        self.set_focus(self.query_one(Rows))

    def action_everything(self) -> None:
        """Search for nothing."""
        self.query_one(Input).value = ""
        self.set_focus(self.query_one(Rows))

    def on_input_submitted(self) -> None:
        """Enter in the search: to the list."""
        self.query_one(Rows).focus()

    def on_input_changed(self) -> None:
        """Another letter: another list."""
        self.note = ""
        self.query_one(Rows).forget()
        self._read(0)

    def say(self, note: str) -> None:
        """A line on top, until the cursor moves."""
        self.note = displayable(note, 300)
        self.draw()


def _book() -> Book:
    """The words to read summaries with; the shipped titles where the user's own catalogue is wrong. For a thread."""
    from aetui.catalogue import load
    from aetui.causes import load_causes
    from aetui.prepare import own_catalogue
    from aetui.screens.history_rows import Book
    from aetui.strict import DataError

    try:
        catalogue = load(own_catalogue())
    except DataError:
        catalogue = load()
    return Book(load_causes(), {key: one.title for key, one in catalogue.equipment.items()})
