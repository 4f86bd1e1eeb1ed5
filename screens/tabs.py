"""The console's tabs, a line each: what is listed here stands in the top bar, has its number as key, and is in the palette.

A tab is a ``frame.TabScreen`` in a module of its own, imported and composed when it is first opened. Only tabs that work are listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from aetui.screens.frame import TabScreen


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab of the frame."""

    name: str
    """Name of the mode that it is; also the id in tests."""
    key: str
    title: str
    does: str
    """One sentence for the palette and the help."""
    factory: str
    """``module:class`` of its screen."""

    def load(self) -> TabScreen:
        """Import it and make it."""
        module, _, name = self.factory.partition(":")
        return cast("TabScreen", getattr(import_module(module), name)())


TABS: tuple[Tab, ...] = (
    Tab(
        "outbound",
        "1",
        "Outbound",
        "What the equipment must reach on the internet, and what stands in the way.",
        "aetui.screens.outbound:Outbound",
    ),
    Tab("path", "2", "Path", "The way to a port, hop by hop, and where it dies.", "aetui.screens.path:Path"),
    Tab(
        "inbound",
        "3",
        "Inbound",
        "Whether a connection from outside reaches the equipment, and what stands in the way.",
        "aetui.screens.inbound:Inbound",
    ),
    Tab(
        "history",
        "4",
        "History",
        "Earlier sessions: search, open, compare, report, run again what failed.",
        "aetui.screens.history:History",
    ),
    Tab(
        "guide",
        "5",
        "Guide",
        "Step by step from the trouble to its cause and to the right request, for each model of logger.",
        "aetui.screens.guide:GuideTab",
    ),
    Tab(
        "site",
        "6",
        "Site",
        "This computer's network; who hands out addresses here, who is there, and is an address free.",
        "aetui.screens.site:Site",
    ),
)
