"""A block of styled lines that repaints only what changed: the one way in which the console draws text.

Takes ``Line`` records: runs of plain text, each with the name of an ink. Nothing is ever parsed as markup, so text from outside can do
no harm here once ``displayable`` has made it printable. On every change the visible lines are compared with those that were painted,
and only those that differ are painted again. No scrollbar widget: one column at the right shows where the view stands.

Not here: a cursor (``rows``), wrapping of paragraphs (``page``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from aetui.screens.skin import inks

if TYPE_CHECKING:
    from rich.style import Style
    from textual import events

Span = tuple[str, str]
"""Text, and the name of its ink (``skin.INKS``)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the screen."""

    spans: tuple[Span, ...] = ()

    @property
    def text(self) -> str:
        """What it says, without the inks."""
        return "".join(text for text, _ in self.spans)


BLANK = Line()

THUMB, TRACK = "┃", "│"
"""The scroll mark of the part that is visible, and of the rest."""


def line(*spans: Span) -> Line:
    """A line of these spans, empty ones left out."""
    return Line(tuple(span for span in spans if span[0]))


def cut(text: str, width: int) -> str:
    """Text in exactly so many cells, its end marked where it had to go."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, max(0, width - 1)) + "…" if width > 0 else ""


@dataclass(frozen=True, slots=True)
class Painted:
    """What one visible line of the widget looks like on the terminal."""

    line: Line
    lit: bool = False
    """True under the cursor."""
    thumb: str = ""
    """The scroll mark in the last column; empty where nothing scrolls."""


class Lines(Widget):
    """Shows a window of some lines. ``show`` replaces them; ``top`` is the first one visible."""

    def __init__(self, lines: Iterable[Line] = (), *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.lines: Sequence[Line] = tuple(lines)
        self.top = 0
        self._painted: list[Painted] = []
        self._inks: Mapping[str, Style] = {}
        self._plain: Style | None = None

    # ------------------------------------------------------------------------------------------------------------ what is shown
    def show(self, lines: Iterable[Line]) -> None:
        """Replace the lines; what is the same on the terminal is not sent again."""
        self.lines = tuple(lines)
        self.touch()

    def touch(self) -> None:
        """Compare with what was painted, and ask for a repaint of the lines that differ."""
        self.top = max(0, min(self.top, self.most_top))
        if not self.is_mounted or not self.size or len(self._painted) != self.size.height:
            self.refresh()
            return
        changed = [y for y, before in enumerate(self._painted) if before != self.painted(y)]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def painted(self, y: int) -> Painted:
        """How visible line ``y`` should look."""
        index = self.top + y
        return Painted(self.lines[index] if index < len(self.lines) else BLANK, self.is_lit(index), self._thumb(y))

    def is_lit(self, index: int) -> bool:
        """True for the line under the cursor."""
        return False

    @property
    def most_top(self) -> int:
        """The furthest that ``top`` may go."""
        return max(0, len(self.lines) - self.size.height)

    def _thumb(self, y: int) -> str:
        """The scroll mark of line ``y``, where there is more than fits."""
        count, height = len(self.lines), self.size.height
        if count <= height or height < 2:
            return ""
        size = max(1, height * height // count)
        start = round((height - size) * self.top / max(1, self.most_top))
        return THUMB if start <= y < start + size else TRACK

    # ----------------------------------------------------------------------------------------------------------------- drawing
    def render_line(self, y: int) -> Strip:
        """One line of the window, cut or padded to the widget's width."""
        height = self.size.height
        if len(self._painted) != height:
            self._painted = [self.painted(row) for row in range(height)]
        look = self._painted[y] = self.painted(y)
        width = self.size.width
        base = self._base(look.lit)
        room = width - 1 if look.thumb else width
        segments = [Segment(text, base + self.ink(ink) if not look.lit else self.ink(ink) + base) for text, ink in look.line.spans]
        strip = Strip(segments).adjust_cell_length(room, base)
        if look.thumb:
            strip = Strip([*strip, Segment(look.thumb, self._base(False) + self.ink("muted"))], width)
        return strip

    def _base(self, lit: bool) -> Style:
        if not lit:
            self._plain = self._plain or self.rich_style
            return self._plain
        return self.ink("lit" if self.has_focus else "lit-away")

    def ink(self, name: str) -> Style:
        """How an ink looks in the theme of the moment."""
        if not self._inks:
            self._inks = inks(self.app.theme_variables)
        return self._inks[name]

    def notify_style_update(self) -> None:
        """Forget how things look: the theme may have changed."""
        self._inks, self._plain = {}, None
        super().notify_style_update()

    # ---------------------------------------------------------------------------------------------------------------- scrolling
    def scroll_lines(self, by: int) -> None:
        """Move the window."""
        self.top += by
        self.touch()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Wheel, three lines a notch."""
        event.stop()
        self.scroll_lines(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Wheel, three lines a notch."""
        event.stop()
        self.scroll_lines(-3)
