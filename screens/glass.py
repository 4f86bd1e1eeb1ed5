"""What is on the terminal's glass, cell by cell, so that only cells that differ are sent, whichever widget asked for the repaint.

Textual repaints whole widgets, and a whole screen for every page that opens or closes. ``Glass.sift`` takes such an update and gives
the bytes that bring the terminal from what it shows to what it should show: nothing for what is the same, and colours only where they
change. ``forget`` is for when the terminal's contents can no longer be trusted (another size, another program in between, a person who
asks).

Rests on two things of Textual 8.2: an update is a Rich renderable of cursor moves and styled text, and ``App._display`` is where
updates pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.console import Console, RenderableType
from rich.segment import ControlType, Segment
from rich.style import Style
from textual._compositor import CompositorUpdate

GAP = 4
"""Unchanged cells that are sent along rather than jumped over: a cursor move costs about as much."""

Look = tuple[str, str, str]
"""SGR parameters of a cell: attributes, foreground, background."""

Cell = tuple[str, Look]

NO_LOOK: Look = ("", "", "")
UNKNOWN: Cell = ("\0", NO_LOOK)
"""A cell of which nothing is known; equal to no cell that is ever drawn."""

_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "7": "27", "9": "29"}
_ATTRIBUTES = {"bold": "1", "dim": "2", "italic": "3", "underline": "4", "reverse": "7", "strike": "9"}


@lru_cache(4096)
def look(style: Style | None, system: ColorSystem) -> Look:
    """How a style is said to this terminal."""
    if style is None:
        return NO_LOOK
    attributes = ";".join(code for name, code in _ATTRIBUTES.items() if getattr(style, name))
    front = ";".join(style.color.downgrade(system).get_ansi_codes()) if style.color is not None else ""
    back = ";".join(style.bgcolor.downgrade(system).get_ansi_codes(False)) if style.bgcolor is not None else ""
    return attributes, "" if front == "39" else front, "" if back == "49" else back


def change(before: Look | None, after: Look) -> str:
    """The shortest SGR sequence from one look to another; None stands for not known."""
    if before == after:
        return ""
    if before is None:
        return f"\x1b[{';'.join(part for part in ('0', *after) if part)}m"
    had, has = (set(filter(None, each[0].split(";"))) for each in (before, after))
    off = sorted({_OFF[code] for code in had - has})
    on = sorted(code for code in has if code not in had or _OFF[code] in off)
    colours = [new or default for old, new, default in zip(before[1:], after[1:], ("39", "49"), strict=True) if old != new]
    return f"\x1b[{';'.join([*off, *on, *colours])}m"


@lru_cache(4096)
def _marks_blanks(style: Look) -> bool:
    """True where even a space shows more than its background: underlined, reversed, struck out."""
    return not {"4", "7", "9"}.isdisjoint(style[0].split(";"))


@lru_cache(8192)
def _cells(text: str, style: Look) -> tuple[Cell, ...]:
    """The cells that a character with its marks takes in a style; of a space only the background shows, unless the style marks blanks."""
    bare: Look = style if text != " " or _marks_blanks(style) else ("", "", style[2])
    return ((text, bare), ("", style))[: get_character_cell_size(text[0])]


class Ready(CompositorUpdate):
    """An update whose bytes are known already."""

    def __init__(self, text: str) -> None:
        self.text = text

    def render_segments(self, console: Console) -> str:
        """The bytes."""
        return self.text


class Glass:
    """The terminal's contents as far as they are known."""

    def __init__(self) -> None:
        self.size = (0, 0)
        self.rows: list[list[Cell]] = []
        self.sent = 0
        """Characters that had to be sent so far."""

    def forget(self) -> None:
        """Trust nothing that is there: the next update is sent whole."""
        self.size = (0, 0)

    def sift(self, update: RenderableType, console: Console, size: tuple[int, int]) -> Ready:
        """What has to be sent of an update."""
        if size != self.size:
            self.size = size
            self.rows = [[UNKNOWN] * size[0] for _ in range(size[1])]
        touched: dict[int, set[int]] = {}
        system = console._color_system or ColorSystem.TRUECOLOR
        x = y = 0
        for segment in console.render(update):
            if segment.control:
                x, y = _moved(segment, x, y)
            elif segment.text != "\n":
                x = self._write(segment, x, y, system, touched)
        pieces: list[str] = []
        current: Look | None = None
        for line, columns in sorted(touched.items()):
            current = self._line(line, sorted(columns), current, pieces)
        text = "".join(pieces)
        self.sent += len(text)
        return Ready(f"{text}\x1b[0m" if text else "")

    def _write(self, segment: Segment, x: int, y: int, system: ColorSystem, touched: dict[int, set[int]]) -> int:
        """Put a run of text on the glass, noting the cells that it changes; gives the column after it."""
        if y >= len(self.rows):
            return x
        row, width = self.rows[y], self.size[0]
        style = look(segment.style, system)
        pieces = [_cells(text, style) for text in _clusters(segment.text)]
        run = list(chain.from_iterable(pieces))
        if row[x : x + len(run)] == run:  # most of what is painted anew is what stands there
            return x + len(run)
        for new in pieces:
            after = x + len(new)
            if after > width:
                break
            if tuple(row[x:after]) != new:
                touched.setdefault(y, set()).update(self._replace(row, x, new))
            x = after
        return x

    def _replace(self, row: list[Cell], x: int, new: Sequence[Cell]) -> list[int]:
        """Put cells in the place of others; half of a wide character that is left over becomes a blank. Gives the columns that changed."""
        after = x + len(new)
        columns = list(range(x, after))
        if row[x][0] == "" and x:
            row[x - 1] = (" ", row[x - 1][1])
            columns.append(x - 1)
        if after < len(row) and row[after][0] == "":
            row[after] = (" ", row[after][1])
            columns.append(after)
        row[x:after] = new
        return columns

    def _line(self, y: int, columns: list[int], current: Look | None, pieces: list[str]) -> Look | None:
        """Add the bytes for the changed cells of one line, small gaps bridged; gives the look that the terminal is left in."""
        row, at = self.rows[y], -1
        for column in columns:
            if at < 0 or column - at > GAP:
                pieces.append(f"\x1b[{y + 1};{column + 1}H" if at < 0 else f"\x1b[{column - at}C")
                at = column
            while at <= column:
                text, style = row[at]
                if text != " " or current is None or current[2] != style[2] or _marks_blanks(current) or _marks_blanks(style):
                    pieces.append(change(current, style))
                    current = style
                pieces.append(text)
                at += 1
        return current


def _clusters(text: str) -> list[str]:
    """Characters, each with the marks of no width that follow it; a mark that follows nothing is left out."""
    if text.isascii():
        return list(text)
    found: list[str] = []
    for character in text:
        if get_character_cell_size(character):
            found.append(character)
        elif found:
            found[-1] += character
    return found


def _moved(segment: Segment, x: int, y: int) -> tuple[int, int]:
    """Where the cursor goes."""
    for code in segment.control or ():
        kind, *values = code
        if kind is ControlType.CURSOR_MOVE_TO:
            return int(values[0]), int(values[1])
    return x, y
