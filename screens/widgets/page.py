"""Paragraphs, wrapped to the width at hand and scrolled by keys: details, explanations, help.

Takes ``Para`` records of plain text; wraps at spaces, and inside a word only where it is longer than the line. Text is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from textual.binding import Binding, BindingType

from aetui.screens.widgets.lines import BLANK, Line, Lines, line


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph: text, ink, what stands before its first line, and how far the others are set in."""

    text: str
    ink: str = "plain"
    lead: str = ""
    lead_ink: str = "muted"
    indent: int = 0
    """Columns before the lead."""


GAP = Para("")
"""An empty line."""


class Page(Lines, can_focus=True):
    """Wrapped paragraphs in a window."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "lines(-1)", "Up", show=False),
        Binding("down,j", "lines(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "pages(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f,space", "pages(1)", "Page down", show=False),
        Binding("home,g", "lines(-100000)", "First", show=False),
        Binding("end,G", "lines(100000)", "Last", show=False),
    ]

    def __init__(self, paras: Iterable[Para] = (), *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.paras: tuple[Para, ...] = tuple(paras)
        self._wrapped: tuple[tuple[Para, ...], int] | None = None

    def show_paras(self, paras: Sequence[Para], keep: bool = True) -> None:
        """Replace the paragraphs; ``keep`` leaves the window where it is."""
        self.paras = tuple(paras)
        if not keep:
            self.top = 0
        self._wrap()

    def _wrap(self) -> None:
        width = self.size.width
        if width > 1 and self._wrapped != (self.paras, width):
            self._wrapped = (self.paras, width)
            self.show(wrapped(self.paras, width - 1))

    def on_resize(self) -> None:
        """Wrap to the new width."""
        self._wrap()

    def action_lines(self, by: int) -> None:
        """Scroll by lines."""
        self.scroll_lines(by)

    def action_pages(self, by: int) -> None:
        """Scroll by windows."""
        self.scroll_lines(by * max(1, self.size.height - 1))


def wrapped(paras: Iterable[Para], width: int) -> Iterator[Line]:
    """The paragraphs as lines of at most ``width`` columns."""
    for para in paras:
        if not para.text and not para.lead:
            yield BLANK
            continue
        margin = " " * para.indent
        inner = max(4, width - para.indent - cell_len(para.lead))
        for number, piece in enumerate(pieces(para.text, inner) or [""]):
            lead = para.lead if number == 0 else " " * cell_len(para.lead)
            yield line((margin, "plain"), (lead, para.lead_ink), (piece, para.ink))


def pieces(text: str, width: int) -> list[str]:
    """Words put into lines; a word that is too long for any line is cut."""
    found: list[str] = []
    current = ""
    for word in text.split():
        parts = chop_cells(word, width) if cell_len(word) > width else [word]
        for part in parts:
            if current and cell_len(current) + 1 + cell_len(part) > width:
                found.append(current)
                current = part
            else:
                current = f"{current} {part}" if current else part
    if current:
        found.append(current)
    return found
