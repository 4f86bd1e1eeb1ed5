"""A list of rows with a cursor, for the keyboard first: arrows, page keys, Home, End, j, k; Enter chooses, Space marks.

Rows carry a key that is stable while their text changes. The cursor stays on its key; rows that are headings are stepped over. While
nobody has moved it the cursor keeps to the first row, so that what matters most, when it arrives on top, is what is selected. The
selected row is marked by a sign in the first column as well as by its colours. Messages: ``Moved`` and ``Chosen``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from aetui.screens.widgets.lines import Line, Lines, Span

SIGN = "▶"
"""What marks the selected row, beside its colours."""

MARK_WIDTH = 2
"""Columns that the cursor's sign takes at the left."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a stable key and what it says."""

    key: str
    spans: tuple[Span, ...]
    stop: bool = True
    """False for a heading, where the cursor does not stop."""


class Rows(Lines, can_focus=True):
    """A list of rows and a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(0)", "First", show=False),
        Binding("end,G", "edge(1)", "Last", show=False),
        Binding("enter", "choose", "Choose", show=False),
    ]

    @dataclass
    class Moved(Message):
        """The cursor stands on another row."""

        rows: Rows
        key: str

        @property
        def control(self) -> Rows:
            """The list."""
            return self.rows

    @dataclass
    class Chosen(Message):
        """Enter, or a click on the row that is selected already."""

        rows: Rows
        key: str

        @property
        def control(self) -> Rows:
            """The list."""
            return self.rows

    def __init__(self, rows: Iterable[Row] = (), *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.rows: tuple[Row, ...] = ()
        self.key = ""
        """The key under the cursor; empty where there is no row to stand on."""
        self.moved = False
        """True once a person has moved the cursor."""
        self._index = 0
        if rows:
            self.show_rows(rows)

    # ------------------------------------------------------------------------------------------------------------------ content
    def show_rows(self, rows: Iterable[Row]) -> None:
        """Replace the rows; the cursor stays on its key."""
        above = self._index - self.top
        self.rows = tuple(rows)
        self._index = self._place()
        key = self.rows[self._index].key if self.rows and self.rows[self._index].stop else ""
        self.lines = tuple(self._line(index) for index in range(len(self.rows)))
        if self.moved:
            self.top = self._index - above
        else:
            self.top = 0
        self._keep_visible()
        self.touch()
        self._say(key)

    def forget(self) -> None:
        """Take the cursor back to the first row, as if nobody had moved it."""
        self.moved = False
        self.key = ""

    def _place(self) -> int:
        """Where the cursor belongs among the rows that are there now."""
        stops = [index for index, row in enumerate(self.rows) if row.stop]
        if not stops:
            return 0
        if self.moved:
            for index in stops:
                if self.rows[index].key == self.key:
                    return index
            return min(stops, key=lambda index: abs(index - self._index))
        return stops[0]

    def _line(self, index: int) -> Line:
        sign = SIGN if index == self._index and self.rows[index].stop else " "
        return Line(((sign.ljust(MARK_WIDTH), "strong"), *self.rows[index].spans))

    def is_lit(self, index: int) -> bool:
        """True for the selected row."""
        return index == self._index and index < len(self.rows) and self.rows[index].stop

    def _say(self, key: str) -> None:
        if key != self.key:
            self.key = key
            if self.is_mounted:
                self.post_message(self.Moved(self, key))

    # ------------------------------------------------------------------------------------------------------------------- moving
    def go(self, index: int, step: int = 1) -> None:
        """Put the cursor on the nearest row at or beyond ``index`` where it may stop, seen in the direction of ``step``."""
        if not any(row.stop for row in self.rows):
            return
        index = max(0, min(index, len(self.rows) - 1))
        while 0 <= index < len(self.rows) and not self.rows[index].stop:
            index += 1 if step > 0 else -1
        if not 0 <= index < len(self.rows):
            self.top = 0 if step < 0 else self.most_top
            self.touch()
            return
        self.moved = True
        before, self._index = self._index, index
        lines = list(self.lines)
        lines[before], lines[index] = self._line(before), self._line(index)
        self.lines = tuple(lines)
        self._keep_visible()
        self.touch()
        self._say(self.rows[index].key)

    def select(self, key: str) -> bool:
        """Put the cursor on a key; False where it is not there."""
        found = next((index for index, row in enumerate(self.rows) if row.key == key and row.stop), None)
        if found is not None:
            self.go(found)
        return found is not None

    def action_move(self, step: int) -> None:
        """One row up or down."""
        self.go(self._index + step, step)

    def action_page(self, step: int) -> None:
        """One window up or down."""
        self.go(self._index + step * max(1, self.size.height - 1), -step if self._beyond(step) else step)

    def _beyond(self, step: int) -> bool:
        target = self._index + step * max(1, self.size.height - 1)
        return not 0 <= target < len(self.rows)

    def action_edge(self, last: int) -> None:
        """The first or the last row."""
        self.go(len(self.rows) - 1 if last else 0, -1 if last else 1)

    def action_choose(self) -> None:
        """Enter."""
        if self.key:
            self.post_message(self.Chosen(self, self.key))

    def _keep_visible(self) -> None:
        height = self.size.height
        if height:
            first = self._index if self._index and self.rows[self._index - 1].stop else max(0, self._index - 1)
            self.top = max(min(self.top, first), self._index - height + 1)

    # ------------------------------------------------------------------------------------------------------------------- events
    def on_click(self, event: events.Click) -> None:
        """Select the row; a click on the selected one chooses it."""
        index = self.top + event.y
        if index < len(self.rows) and self.rows[index].stop:
            if index == self._index:
                self.action_choose()
            else:
                self.go(index)

    def on_hide(self, event: events.Hide) -> None:
        """A list that is shown again by the time it hears that it was hidden keeps the keys: Enter must never go nowhere."""
        if self.display:
            event.prevent_default()

    def on_focus(self) -> None:
        """The cursor's colours depend on the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor's colours depend on the focus."""
        self.refresh()

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        if self.rows:
            self._keep_visible()
            self.touch()
