"""The page of keys and signs, from assets/console.toml."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from aetui.screens.runner import WAIT_EVERY_S, WAIT_LIMIT_S
from aetui.screens.widgets.page import GAP, Para
from aetui.screens.words import tables


def help_page(tab: str = "") -> Sequence[Para]:
    """Every key and sign, those of one tab first."""
    return tuple(_paras(tab))


def _paras(tab: str) -> Iterator[Para]:
    values = {"every": f"{WAIT_EVERY_S:.0f}", "limit": f"{WAIT_LIMIT_S / 60:.0f}"}
    for part in sorted(tables()["help"], key=lambda part: not tab or part.get("tab") != tab):
        width = max(cell_len(key) for key, _ in part["lines"]) + 3
        yield Para(part["title"], "head")
        for key, does in part["lines"]:
            yield Para(does.format(**values), "plain", key + " " * (width - cell_len(key)), "key", 2)
        yield GAP
