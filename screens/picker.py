"""A list to choose from: one entry, or several that Space marks. Gives the chosen keys, or None where the person went back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from aetui.screens.sheet import Sheet
from aetui.screens.tabs import TABS
from aetui.screens.widgets.bars import KeyBar
from aetui.screens.widgets.lines import Lines, cut, line
from aetui.screens.widgets.page import Page, Para, pieces
from aetui.screens.widgets.rows import MARK_WIDTH, Row, Rows

LEAST_TEXT = 12
"""Fewer columns than this are left empty rather than filled with a stump."""
LEAST_CLAUSE = 8
"""A first clause shorter than this says too little by itself."""

MARKED, UNMARKED = "[x] ", "[ ] "


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to choose, its words displayable already."""

    key: str
    title: str
    does: str = ""


class Picker(Sheet[tuple[str, ...] | None]):
    """A list of entries over the tab."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", key_display="Space"),
        Binding("enter", "accept", "Accept", key_display="Enter", priority=True),
        Binding("escape,q", "cancel", "Back", key_display="Esc"),
        *(Binding(tab.key, f"leave('{tab.name}')", tab.title, show=False) for tab in TABS),
    ]

    def __init__(
        self,
        heading: str,
        help_text: str,
        entries: Sequence[Entry],
        chosen: Iterable[str] = (),
        *,
        several: bool = False,
        said: str = "",
        leave: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__()
        self.heading = heading
        self.help_text = help_text
        self.entries = tuple(entries)
        self.marked = {key for key in chosen if any(entry.key == key for entry in entries)}
        self.several = several
        self.said = said
        """What has to be read before choosing; displayable."""
        self.leave = leave
        """Goes to another tab, by its name: its number then works here too. None where the choice comes first."""
        self.note = ""

    def compose(self) -> ComposeResult:
        """Heading, list, what the selected entry is, keys."""
        with Vertical(id="sheet"):
            yield Lines([line((" ", "bar"), (self.heading, "bar-strong"))], id="sheet-title")
            if self.said:
                yield Page([Para(self.said, "strong")], id="sheet-question")
            yield Rows(id="sheet-rows")
            yield Lines(id="sheet-note")
        yield KeyBar()

    def on_mount(self) -> None:
        """Start on what was chosen before."""
        rows = self.query_one(Rows)
        rows.show_rows(self._rows())
        rows.focus()
        first = next((entry.key for entry in self.entries if entry.key in self.marked), None)
        if first is not None:
            rows.select(first)
        self._explain()

    def on_resize(self) -> None:
        """Fit the words to the width."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        self.query_one(Rows).show_rows(self._rows())
        self._explain()

    def _rows(self) -> Iterable[Row]:
        width = max((cell_len(entry.title) for entry in self.entries), default=0) + 2
        for entry in self.entries:
            mark = (MARKED if entry.key in self.marked else UNMARKED) if self.several else ""
            room = self.query_one(Rows).size.width - MARK_WIDTH - len(mark) - width - 2
            does = _short(entry.does, room) if room >= LEAST_TEXT else ""
            spans = ((mark, "key"), (cut(entry.title, width), "strong"), (does, "muted"))
            yield Row(entry.key, tuple(span for span in spans if span[0]))

    def on_rows_moved(self) -> None:
        """Say what the selected entry is."""
        self.note = ""
        self._explain()

    def _explain(self) -> None:
        note = self.query_one("#sheet-note", Lines)
        entry = next((one for one in self.entries if one.key == self.query_one(Rows).key), None)
        text = self.note or (entry.does if entry is not None else "")
        room = max(20, note.size.width - 2)
        lines = [line((" ", "plain"), (piece, "warn" if self.note else "plain")) for piece in pieces(text, room)[:2]]
        note.show([*lines, *[line()] * (2 - len(lines)), line((" ", "plain"), (self.help_text, "muted"))])

    # ------------------------------------------------------------------------------------------------------------------ actions
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Marking is for lists of which several may be chosen; not every list may be left for another tab."""
        return {"mark": self.several, "leave": self.leave is not None}.get(action, True)

    def action_mark(self) -> None:
        """Mark the selected entry, or take the mark away."""
        rows = self.query_one(Rows)
        if self.several and rows.key:
            self.marked ^= {rows.key}
            self.note = ""
            rows.show_rows(self._rows())
            self._explain()

    def action_accept(self) -> None:
        """Give what is marked; of a plain list, what is selected."""
        rows = self.query_one(Rows)
        if not self.several:
            self.dismiss((rows.key,) if rows.key else None)
            return
        chosen = tuple(entry.key for entry in self.entries if entry.key in self.marked)
        self.dismiss(chosen or ((rows.key,) if rows.key else None))

    def on_rows_chosen(self) -> None:
        """A click on the selected row."""
        if self.several:
            self.action_mark()
        else:
            self.action_accept()

    def action_leave(self, name: str) -> None:
        """Another tab, nothing chosen."""
        self.dismiss(None)
        if self.leave is not None:
            self.leave(name)

    def action_cancel(self) -> None:
        """Back, nothing chosen."""
        self.dismiss(None)


def _short(text: str, room: int) -> str:
    """What fits beside the title: the whole sentence, its first clause, or else its beginning. The whole stands under the list."""
    if cell_len(text) <= room:
        return text
    clauses = (text.partition(mark)[0] for mark in ("; ", ": ", ", ") if mark in text)
    return next((clause for clause in clauses if LEAST_CLAUSE <= cell_len(clause) <= room), cut(text, room).rstrip())
