"""The listener's code for eyes and ears: letters five lines high, and the words to say for each. Pure; the shapes and the words are in
assets/console-inbound.toml.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aetui.screens.inbound_words import tables
from aetui.screens.widgets.page import GAP, Para

HEIGHT = 5
"""Lines of a large letter."""
BLOCK = "█"
GROUP_GAP = "    "
"""Between the two groups of a code, in place of its dash."""


def spelled(code: str) -> str:
    """The words to say: ``seven Kilo three Mike, Quebec nine X-ray Delta``."""
    words = tables()["spelling"]
    return ", ".join(" ".join(words[letter] for letter in group) for group in code.split("-"))


def large(code: str, width: int) -> tuple[str, ...]:
    """The code in large letters: its groups side by side where they fit, else one under the other, else as it is."""
    groups = [_large(group) for group in code.split("-")]
    side = tuple(GROUP_GAP.join(rows).rstrip() for rows in zip(*groups, strict=True))
    if max(map(len, side)) <= width:
        return side
    stacked = tuple(row.rstrip() for number, group in enumerate(groups) for row in ((" ",) if number else ()) + group)
    return stacked if max(map(len, stacked)) <= width else (code,)


def _large(letters: str) -> tuple[str, ...]:
    shapes: Sequence[Sequence[str]] = [tables()["letters"][letter] for letter in letters]
    return tuple(" ".join(shape[row].replace("#", BLOCK) for shape in shapes) for row in range(HEIGHT))


def code_page(code: str, width: int) -> Iterator[Para]:
    """The code, large, and how it is said."""
    for row in large(code, width):
        yield Para("", "plain", row, "strong") if row else GAP
    yield GAP
    yield Para(f"{code}:  {spelled(code)}", "head")
