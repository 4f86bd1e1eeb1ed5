"""The frame that every tab fills: the bar of tabs above, the tab's own body, the bar of keys below.

A tab subclasses ``TabScreen``, names its ``Tab`` and composes its body. Nothing of the engine is imported before the first paint; a tab
that needs it starts its work from ``on_first_paint``.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, cast

from textual.screen import Screen

from aetui.screens.tabs import TABS
from aetui.screens.widgets.bars import KeyBar, TopBar

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

    from aetui.screens.app import AetuiApp

PAINT_EVERY_S = 0.25
"""Shortest time between two repaints that events ask for: a slow line gets at most four a second."""

WIDE = 110
"""Columns from which details stand beside the list instead of under it."""


class TabScreen(Screen[None]):
    """A tab inside the frame."""

    TAB: ClassVar[str] = ""
    """Name of this tab in ``tabs.TABS``."""

    HORIZONTAL_BREAKPOINTS = [(WIDE, "-wide")]  # noqa: RUF012 - Textual declares it so

    def __init__(self) -> None:
        super().__init__()
        self._drawn_at = 0.0
        self._due = False

    def compose(self) -> ComposeResult:
        """The two bars and what stands between them."""
        title = next((tab.title for tab in TABS if tab.name == self.TAB), "")
        yield TopBar([(tab.key, tab.title, tab.name) for tab in TABS], title)
        yield from self.body()
        yield KeyBar()

    def body(self) -> Iterable[Widget]:
        """The widgets of the tab."""
        return ()

    def on_mount(self) -> None:
        """Let the first picture reach the terminal before anything else is loaded."""
        self.call_after_refresh(self.on_first_paint)

    def on_first_paint(self) -> None:
        """The tab is on the screen: load what it needs."""

    @property
    def place(self) -> TopBar:
        """The bar above."""
        return self.query_one(TopBar)

    @property
    def console(self) -> AetuiApp:
        """The app, as what it is."""
        return cast("AetuiApp", self.app)

    def interrupt(self) -> bool:
        """Ctrl+C: end what runs in this tab; False where nothing does."""
        return False

    async def finish(self) -> None:
        """The console ends, and the history is still open: stop what has something to write down. Others end when they are unmounted."""

    # ------------------------------------------------------------------------------------------------------------------ drawing
    @property
    def pace_s(self) -> float:
        """Shortest time between two repaints that events ask for."""
        return PAINT_EVERY_S

    def draw_soon(self) -> None:
        """Something has changed: draw at once where the last time is long enough ago, else when it is. Cheap; call it for every event."""
        if self._due or not self.is_attached:
            return
        self._due = True
        wait = self._drawn_at + self.pace_s - monotonic()
        if wait > 0:
            self.set_timer(wait, self._draw_due)
        else:
            self.call_later(self._draw_due)

    def _draw_due(self) -> None:
        self._due = False
        self._drawn_at = monotonic()
        self.draw()

    def draw(self) -> None:
        """Draw the state as it is now."""
