"""Two sessions compared, as paragraphs for a page: what is broken, fixed, seen otherwise, and how much stands as before. Pure.

The words are the report's own (``report.difflines``), so that the console and ``aetui diff`` say the same. Displayable already.
"""

from __future__ import annotations

from collections.abc import Iterator

from aetui.entries import Kept
from aetui.report.diff import compare
from aetui.report.difflines import lines
from aetui.screens.widgets.page import GAP, Para


def compared(one: Kept, other: Kept, partial: bool = False) -> tuple[Para, ...]:
    """The later of two sessions as seen from the earlier. ``partial`` where the later repeated only some checks."""
    first, second = sorted((one, other), key=lambda kept: kept.state.started)
    return tuple(_paras(list(lines(compare(first, second, partial)))))


def _paras(told: list[str]) -> Iterator[Para]:
    for number, text in enumerate(told):
        bare = text.lstrip()
        if not bare:
            yield GAP
        elif number == 0:
            yield Para(bare, "strong")
        elif text.startswith(" "):
            yield Para(bare, "plain", "• ", "muted")
        else:
            yield Para(bare, "head" if not told[number - 1] else "muted")
