"""A page of a few lines to fill in, over the tab. Gives what was read from them, or None where the person went back.

The caller's ``read`` takes what was typed, by field; where it raises ``Typo`` the page stays and says what is wrong. Up, Down and Tab go
between the lines, Enter accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from aetui.screens.inbound_typed import Typo
from aetui.screens.sheet import Sheet
from aetui.screens.widgets.bars import KeyBar
from aetui.screens.widgets.lines import Lines, line
from aetui.screens.widgets.page import pieces

LONGEST = 400
"""Characters of one line."""

Typed = Mapping[str, str]
"""What was typed, by field, without blanks around it."""

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Field:
    """One line to fill in."""

    key: str
    label: str
    help: str
    value: str = ""


class Form(Sheet[Read | None], Generic[Read]):
    """A heading and lines to fill in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,tab", "go(1)", "Next line", key_display="Tab", priority=True),
        Binding("up,shift+tab", "go(-1)", "Line before", show=False, priority=True),
        Binding("enter", "accept", "Accept", key_display="Enter", priority=True),
        Binding("escape", "cancel", "Back", key_display="Esc"),
    ]

    def __init__(self, heading: str, fields: Sequence[Field], read: Callable[[Typed], Read]) -> None:
        super().__init__()
        self.heading = heading
        self.fields = tuple(fields)
        self.read = read

    def compose(self) -> ComposeResult:
        """Heading, a label and a line for each field, what the line under the cursor takes."""
        with Vertical(id="sheet"):
            yield Lines([line((" ", "bar"), (self.heading, "bar-strong"))], id="sheet-title")
            for field in self.fields:
                yield Lines([line((" ", "plain"), (field.label, "head"))], classes="form-label")
                yield Input(field.value, id=f"field-{field.key}", max_length=LONGEST, classes="form-input", select_on_focus=False)
            yield Lines(id="form-note")
        yield KeyBar()

    def on_mount(self) -> None:
        """Start in the first line; nothing blinks."""
        for field in self.query(Input):
            field.cursor_blink = False
        self.set_focus(self.query(Input).first())

    @property
    def typed(self) -> Typed:
        """What stands in every line."""
        return {field.key: self.query_one(f"#field-{field.key}", Input).value.strip() for field in self.fields}

    def on_descendant_focus(self) -> None:
        """Say what the line takes."""
        self._say("")

    def on_input_changed(self) -> None:
        """What was wrong is being mended."""
        self._say("")

    def on_resize(self) -> None:
        """Wrap anew."""
        self.call_after_refresh(self._say, "")

    def _say(self, wrong: str) -> None:
        note = self.query_one("#form-note", Lines)
        field = next((one for one in self.fields if self.focused is not None and self.focused.id == f"field-{one.key}"), self.fields[0])
        room = max(20, note.size.width - 2)
        note.show([line((" ", "plain"), (piece, "warn" if wrong else "muted")) for piece in pieces(wrong or field.help, room)])

    def action_go(self, step: int) -> None:
        """Another line."""
        inputs = list(self.query(Input))
        at = next((number for number, one in enumerate(inputs) if one is self.focused), 0)
        self.set_focus(inputs[(at + step) % len(inputs)])  # at once: two keys in one packet go two lines

    def action_accept(self) -> None:
        """Give what was read, once the line has taken every key before this one: a slow line brings several in one packet."""
        (self.focused or self).call_later(self._accept)

    def _accept(self) -> None:
        """Unless something is wrong with it."""
        try:
            self.dismiss(self.read(self.typed))
        except Typo as wrong:
            self._say(str(wrong))

    def action_cancel(self) -> None:
        """Back, nothing changed."""
        self.dismiss(None)
