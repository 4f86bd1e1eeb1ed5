"""The pictures of an HTML report as inline SVG: the path with its broken piece, and a hop's round trips. Pure; every text is escaped
here.

The path is drawn twice, side by side for wide pages and one under the other for phones; the style shows one of the two. Colours are the
page's variables, so that a picture is right in light, dark and print; state is also told by words, line style and a cross.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from aetui.report.beside import HopLine
from aetui.report.picture import Piece, alternative

BOX = (204, 118)
"""Width and height of a piece."""

GAP = 40
TITLE_WIDTH = 30
"""Characters of a line inside a box at its font size."""

GLYPHS = {
    "machine": '<rect x="-15" y="-11" width="30" height="19" rx="2"/><path d="M-21 13h42"/>',
    "site": '<rect x="-20" y="-4" width="40" height="14" rx="3"/><path d="M-12-4v-9M12-4v-9M-12 3h1M-4 3h1M4 3h1"/>',
    "provider": '<circle r="14"/><path d="M-14 0h28M0-14c-9 8-9 20 0 28M0-14c9 8 9 20 0 28"/>',
    "cloud": '<path d="M-14 10a8 8 0 0 1 0-16a11 11 0 0 1 21-3a9.500 9.500 0 0 1 7 19z"/>',
}
"""One line drawing a piece, about its middle."""


def path(pieces: tuple[Piece, ...]) -> str:
    """Both pictures, with their words."""
    return f"<figure>{_drawn(pieces, upright=False)}{_drawn(pieces, upright=True)}</figure>"


def _drawn(pieces: tuple[Piece, ...], upright: bool) -> str:
    width, height = BOX
    step_x, step_y = (0, height + GAP) if upright else (width + GAP, 0)
    whole = (width + 8 + step_x * (len(pieces) - 1), height + 8 + step_y * (len(pieces) - 1))
    drawn = [_wire(pieces[n], pieces[n + 1], 4 + n * step_x, 4 + n * step_y, upright) for n in range(len(pieces) - 1)]
    drawn += [_box(piece, 4 + n * step_x, 4 + n * step_y) for n, piece in enumerate(pieces)]
    name = "tall" if upright else "wide"
    size = f' width="{whole[0]}" height="{whole[1]}"' if upright else ""
    words = escape(alternative(pieces))
    frame = f'class="{name}" viewBox="0 0 {whole[0]} {whole[1]}"{size}'
    return f'<svg {frame} role="img" aria-label="{words}">{"".join(drawn)}</svg>'


def _wire(one: Piece, other: Piece, x: int, y: int, upright: bool) -> str:
    """The line between two pieces: whole where both sides of it were seen to work."""
    width, height = BOX
    passing = all(piece.state in {"works", "partly"} for piece in (one, other))
    start = (x + width // 2, y + height) if upright else (x + width, y + height // 2)
    along = f"v{GAP}" if upright else f"h{GAP}"
    return f'<path class="wire {"works" if passing else "unknown"}" d="M{start[0]} {start[1]}{along}"/>'


def _box(piece: Piece, x: int, y: int) -> str:
    width, height = BOX
    middle = x + width // 2
    cross = (
        f'<path class="cross" d="M{x + width - 18} {y - 2}l14 14m0-14l-14 14"/>' if piece.state in {"broken", "suspected", "partly"} else ""
    )
    said = "".join(
        f'<text x="{middle}" y="{y + 97 + 13 * number}" font-size="11" text-anchor="middle">{escape(line)}</text>'
        for number, line in enumerate(_fitted(piece.said))
    )
    return (
        f'<g class="{escape(piece.state)}"><rect class="box" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>'
        f'<g class="glyph" transform="translate({x + 31} {y + 26})">{GLYPHS[piece.key]}</g>'
        f'<text x="{x + 60}" y="{y + 31}" font-size="14" font-weight="600">{escape(piece.title)}</text>'
        f'<text class="quiet" x="{middle}" y="{y + 58}" font-size="12" text-anchor="middle">{escape(piece.detail)}</text>'
        f'<text class="mark" x="{middle}" y="{y + 79}" font-size="14" font-weight="700" text-anchor="middle">{escape(piece.words)}</text>'
        f"{said}{cross}</g>"
    )


def _fitted(text: str) -> Iterator[str]:
    """At most two lines that fit into a box."""
    from textwrap import wrap

    lines = wrap(text, TITLE_WIDTH)
    yield from lines[:1]
    if len(lines) > 1:
        yield lines[1] if len(lines) == 2 else f"{lines[1][: TITLE_WIDTH - 1]}…"


def bars(hop: HopLine, most: float) -> str:
    """A hop's round trips on the trace's own scale: the range as a line, each sample a dot, the median a bar, a lost probe a stroke at the end."""
    if hop.low is None or hop.median is None or hop.high is None:
        return '<span class="quiet">none</span>'
    low, median, high = (2 + 146 * value / most for value in (hop.low, hop.median, hop.high))
    heard = [value for value in hop.samples if value is not None][-24:]
    places = "".join(f"M{2 + 146 * value / most:.4g} 8h0" for value in heard)
    dots = f'<path class="sample" d="{places}"/>'
    lost = "".join(f'<path class="lost" d="M{152 + 4 * n} 3v10"/>' for n in range(min(5, hop.sent - hop.received)))
    words = f"{hop.low:.1f} to {hop.high:.1f} ms, median {hop.median:.1f} ms, {hop.received} of {hop.sent} answered"
    line = f'<path class="range" d="M{low:.1f} 8H{high:.1f}"/>'
    middle = f'<rect class="median" x="{median - 1.5:.1f}" y="2" width="3" height="12"/>'
    frame = 'class="plot" viewBox="0 0 172 16" width="172" height="16"'
    return f'<svg {frame} role="img" aria-label="{words}">{line}{dots}{middle}{lost}</svg>'
