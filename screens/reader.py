"""A page over the tab: details, an explanation, help. Esc, Enter or q closes it; arrows scroll. It follows the session while it is
open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from aetui.screens.sheet import Sheet
from aetui.screens.widgets.bars import KeyBar
from aetui.screens.widgets.lines import Lines, line
from aetui.screens.widgets.page import Page, Para

Source = Callable[[], Sequence[Para]]


class Reader(Sheet[None]):
    """A heading and a page of paragraphs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,h,f1,question_mark", "dismiss", "Back", key_display="Esc"),
    ]

    def __init__(self, heading: str, source: Source) -> None:
        super().__init__()
        self.heading = heading
        self.source = source

    def compose(self) -> ComposeResult:
        """Heading, page, keys."""
        with Vertical(id="sheet"):
            yield Lines([line((" ", "bar"), (self.heading, "bar-strong"))], id="sheet-title")
            yield Page(self.source(), id="sheet-page")
        yield KeyBar()

    def on_mount(self) -> None:
        """Keys scroll at once."""
        self.query_one(Page).focus()

    def again(self) -> None:
        """Ask the source once more: something has changed."""
        if self.is_mounted:
            self.query_one(Page).show_paras(self.source())
