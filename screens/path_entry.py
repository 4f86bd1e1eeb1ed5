"""The sheet in which a target is typed: host and port, the protocol, and a port to compare with. Gives an ``Aim``, or None.

Nothing is looked up or sent here. Up and down change the protocol, Tab goes between the fields, Enter starts, Esc goes back.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from aetui import hostport
from aetui.screens.path_aim import DEFAULT_PORT, PROTOCOLS, Aim
from aetui.screens.path_words import say
from aetui.screens.sheet import Sheet
from aetui.screens.widgets.bars import KeyBar
from aetui.screens.widgets.lines import Lines, Span, line

LONGEST_TARGET = 300


class TargetSheet(Sheet[Aim | None]):
    """See the module."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "Trace", key_display="Enter", priority=True),
        Binding("down", "protocol(1)", "Protocol", key_display="↓", priority=True),
        Binding("up", "protocol(-1)", "Protocol", show=False, priority=True),
        Binding("tab", "app.focus_next", "Next field", key_display="Tab"),
        Binding("escape", "cancel", "Back", key_display="Esc"),
    ]

    def __init__(self, aim: Aim | None = None) -> None:
        super().__init__()
        self.aim = aim
        self.proto = aim.proto if aim is not None else PROTOCOLS[0]
        self.note = ""

    def compose(self) -> ComposeResult:
        """Fields, protocol, what is wrong, help."""
        aim = self.aim
        with Vertical(id="sheet"):
            yield Lines([line((" ", "bar"), (say("path_entry", "title"), "bar-strong"))], id="sheet-title")
            yield Lines([line((" ", "plain"), (say("path_entry", "target"), "strong"))], classes="sheet-label")
            yield Input(aim.text if aim else "", placeholder="HOST:PORT", max_length=LONGEST_TARGET, id="target-input")
            yield Lines(id="target-proto", classes="sheet-label")
            yield Lines([line((" ", "plain"), (say("path_entry", "compare"), "strong"))], classes="sheet-label")
            yield Input(str(aim.compare) if aim and aim.compare else "", placeholder="auto", max_length=5, id="compare-input")
            yield Lines(id="target-note", classes="sheet-label")
        yield KeyBar()

    def on_mount(self) -> None:
        """Type at once; nothing blinks."""
        for field in self.query(Input):
            field.cursor_blink = False
        self.query_one("#target-input", Input).focus()
        self._tell()

    def _tell(self) -> None:
        spans: list[Span] = [(f" {say('path_entry', 'proto')}  ", "strong")]
        for proto in PROTOCOLS:
            text = say("path_entry", proto)
            spans += [(f"[{text}]", "key") if proto == self.proto else (f" {text} ", "plain"), (" ", "plain")]
        self.query_one("#target-proto", Lines).show([line(*spans)])
        wrong = (self.note, "warn") if self.note else (say("path_entry", f"{self.proto}_help"), "muted")
        self.query_one("#target-note", Lines).show([line((" ", "plain"), wrong)])

    def on_input_changed(self) -> None:
        """What was wrong may be right now."""
        if self.note:
            self.note = ""
            self._tell()

    # ------------------------------------------------------------------------------------------------------------------ actions
    def action_protocol(self, step: int) -> None:
        """TCP, UDP, ping."""
        self.proto = PROTOCOLS[(PROTOCOLS.index(self.proto) + step) % len(PROTOCOLS)]
        self.note = ""
        self._tell()

    def action_accept(self) -> None:
        """Give the aim, or say what is wrong; after the keys that were typed before Enter and still wait for their field."""
        (self.focused or self).call_later(self.call_later, self._accept)

    def _accept(self) -> None:
        made = made_of(self.query_one("#target-input", Input).value, self.proto, self.query_one("#compare-input", Input).value)
        if isinstance(made, Aim):
            self.dismiss(made)
        else:
            self.note = made
            self._tell()

    def action_cancel(self) -> None:
        """Back, nothing chosen."""
        self.dismiss(None)


def made_of(text: str, proto: str, compare: str = "") -> Aim | str:
    """The aim that was typed, or the sentence that says what is wrong with it."""
    found = hostport.split(text.strip())
    if found is None:
        return say("path_entry", "bad_target" if text.strip() else "no_target")
    host, port = found
    if proto == "icmp":
        return Aim(host, None, proto)
    beside = hostport.port(compare.strip())
    if beside is None and compare.strip():
        return say("path_entry", "bad_compare")
    return Aim(host, DEFAULT_PORT if port is None and proto == "tcp" else port, proto, beside)
