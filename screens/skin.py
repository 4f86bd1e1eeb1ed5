"""How the console looks: its themes, the signs that stand for a status, and plain ASCII for terminals that know no more.

A status is always a sign and a word, never a colour alone. Where the terminal's encoding is not UTF-8 every character that is drawn
goes through ``ascii_only``, sign for sign and cell for cell, so that columns keep their places.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

if TYPE_CHECKING:
    from textual.theme import Theme

STYLES = ("frame.tcss", "outbound.tcss", "path.tcss", "inbound.tcss", "history.tcss", "guide.tcss", "sheets.tcss")
"""Stylesheets in assets/styles, in the order in which they are read."""

COLOURED, LIGHT, COLOURLESS = "aetui", "aetui-light", "aetui-plain"
"""Names of the themes: the usual one, one on white, and the one of terminals with sixteen colours or none."""

_PLAIN = str.maketrans(
    "✓✗▶▸▾─│┃·…•–—’‘“”→←↑↓×≤≥▁▔▂▃▄▅▆▇█▊▎\u00a0µ",
    "+x*>v-|#..---''\"\"><^vx<>_-#######|| u",
)
"""What is drawn, and below it what stands for it in ASCII."""


@dataclass(frozen=True, slots=True)
class Sign:
    """How a state is shown: a sign, a word of at most eight letters, an ink."""

    glyph: str
    word: str
    ink: str

    @property
    def text(self) -> str:
        """Sign and word."""
        return f"{self.glyph} {self.word}"


SIGNS: Mapping[str, Sign] = {
    "pass": Sign("✓", "ok", "pass"),
    "warn": Sign("!", "warning", "warn"),
    "fail": Sign("✗", "failed", "fail"),
    "skip": Sign("–", "not run", "skip"),
    "waits": Sign("–", "waits", "skip"),
    "moot": Sign("–", "n/a", "skip"),
    "unknown": Sign("?", "unknown", "unknown"),
    "info": Sign("i", "remark", "busy"),
    "running": Sign("·", "checking", "busy"),
    "planned": Sign("·", "planned", "muted"),
}
"""By status (``records.Status``), and what only a screen needs to say besides."""

INKS: Mapping[str, tuple[str, str, str]] = {
    "plain": ("foreground", "", ""),
    "strong": ("foreground", "", "bold"),
    "muted": ("muted", "", "muted-style"),
    "head": ("primary", "", "bold"),
    "pass": ("success", "", ""),
    "warn": ("warning", "", "bold"),
    "fail": ("error", "", "bold"),
    "skip": ("muted", "", "muted-style"),
    "unknown": ("warning", "", ""),
    "busy": ("primary", "", ""),
    "key": ("primary", "", "bold"),
    "bar": ("foreground", "", ""),
    "bar-strong": ("foreground", "", "bold"),
    "bar-on": ("primary", "", "bold"),
    "lit": ("lit-text", "lit", "lit-style"),
    "lit-away": ("foreground", "panel", "away-style"),
}
"""By name: the theme's variables for foreground and background, and the attributes or the variable that holds them."""

PLAINEST = {"muted": "#808080", "muted-style": "none", "lit": "#204060", "lit-text": "#ffffff", "lit-style": "bold", "away-style": "none"}
"""The console's own variables, for a theme that is not the console's."""

SIGN_WIDTH = 11
"""Columns of a sign, its word, and the space after it."""


def inks(variables: Mapping[str, str]) -> Mapping[str, Style]:
    """Every ink in one theme."""
    every = PLAINEST | dict(variables)
    return _inks(tuple((name, every[front], every.get(back, ""), every.get(how, how)) for name, (front, back, how) in INKS.items()))


@cache
def _inks(wanted: tuple[tuple[str, str, str, str], ...]) -> Mapping[str, Style]:
    return {
        name: Style.from_color(Color.parse(front).rich_color, Color.parse(back).rich_color if back else None) + Style.parse(how or "none")
        for name, front, back, how in wanted
    }


def ascii_only(text: str) -> str:
    """The same text in as many cells, in ASCII."""
    if text.isascii():
        return text
    text = text.translate(_PLAIN)
    return text if text.isascii() else "".join(c if c.isascii() else "?" * cell_len(c) for c in text)


class AsciiFilter(LineFilter):
    """Every line that is drawn, by whichever widget, in ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same cells in ASCII."""
        return [Segment(ascii_only(text), style, control) for text, style, control in segments]


def fits_utf8(encoding: str | None) -> bool:
    """True where the terminal takes UTF-8."""
    return (encoding or "").lower().replace("-", "").replace("_", "") in {"utf8", "utf8sig"}


def styles() -> str:
    """The stylesheets, from the package's assets."""
    folder = files("aetui.assets").joinpath("styles")
    return "\n".join(folder.joinpath(name).read_text("utf-8") for name in STYLES)


@cache
def themes() -> tuple[Theme, ...]:
    """The console's own themes, from assets/styles/themes.toml, in the order in which the palette goes through them."""
    from textual.theme import BUILTIN_THEMES, Theme

    tables = tomllib.loads(files("aetui.assets").joinpath("styles", "themes.toml").read_text("utf-8"))
    return tuple(
        Theme(
            name=name,
            **{**table, "variables": {**(BUILTIN_THEMES["ansi-dark"].variables if table.get("ansi") else {}), **table["variables"]}},
        )
        for name, table in tables.items()
    )
