"""The Inbound tab: does a connection from outside reach the equipment? Listen here, knock through a jump host, or be the outside.

Draws the two halves through ``inbound_view`` and sends them orders; holds only what a person chose (cursor, questions, settings). The
ports are closed when the console ends, however it ends; going to another tab leaves them open, and the bar on top says so.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from aetui.screens.inbound_keys import OutsideKeys, SiteKeys
from aetui.screens.reader import Reader
from aetui.screens.widgets.lines import Lines, line
from aetui.screens.widgets.page import Page
from aetui.screens.widgets.rows import Rows

ENGINE = "aetui.screens.inbound_view"
"""Imported after the first paint, in a thread: the engine hangs on it."""

FLOOD_PACE_S = 1.0
"""Shortest time between two repaints while more knocks come than are listed."""

STARTS = {"way:site": "listen", "way:jump": "jump", "way:here": "from_here"}
"""What Enter does on the rows that say how to begin."""


class Inbound(SiteKeys, OutsideKeys):
    """See the module."""

    TAB = "inbound"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "listen", "Listen"),
        Binding("c", "end_test", "Stop"),
        Binding("c", "shut", "Close ports"),
        Binding("t", "jump", "Jump host"),
        Binding("o", "from_here", "From here"),
        Binding("i", "instead", "High port"),
        Binding("r", "knock_again", "Again"),
        Binding("p", "address", "Address"),
        Binding("n", "another", "Port"),
        Binding("e", "settings", "Settings"),
        Binding("question_mark", "explain", "Why", key_display="?"),
        Binding("T", "hosts", "Jump hosts", show=False),
        Binding("x", "forget", "Empty the list", show=False),
        Binding("d", "scenario", "Demo site", show=False),
    ]

    def body(self) -> Iterable[Widget]:
        """Summary, exposure, list, details."""
        yield Lines(id="summary")
        yield Lines(id="exposure")
        yield Container(Rows(id="rows"), Container(Lines(id="rule"), Page(id="details"), id="pane"), id="middle")

    # ------------------------------------------------------------------------------------------------------- beginning and end
    def on_first_paint(self) -> None:
        """Load what draws and what runs."""
        self.query_one("#rows").focus()
        self.run_worker(self._load(), exit_on_error=True)

    async def _load(self) -> None:
        module = await asyncio.to_thread(import_module, ENGINE)
        from aetui.screens.asking import ScreenAsker

        self.view = module.View(self.draw_soon, self.app.bell, ScreenAsker(self.app), self.console.packets.held, self.console.keeper)
        self.view.outside.known, self.view.outside.learnt = self.told, self.share
        self.opened_for = self.demo
        with suppress(ValueError, RuntimeError, AttributeError):  # no such signal, or not the main thread: then it ends the process
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._hung_up)
        self.draw()

    def _hung_up(self) -> None:
        """A terminal that goes away closes the ports even where the process was told to outlive it."""
        if self.view is not None:
            self.view.site.close("hangup")
        self.app.exit(0)

    async def on_unmount(self) -> None:
        """The console ends: nothing stays open."""
        view, self.view = self.view, None
        if view is not None:
            with suppress(ValueError, RuntimeError, AttributeError):
                asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
            view.site.close()
            await asyncio.gather(view.site.end(), view.outside.close())

    def on_screen_resume(self) -> None:
        """Another demo site was chosen meanwhile: what is known of this one says nothing of that."""
        if self.view is not None and self.opened_for != self.demo:
            self._begin_anew()

    # ------------------------------------------------------------------------------------------------------------------ drawing
    @property
    def pace_s(self) -> float:
        """Under a flood nobody reads along, and keys come first."""
        return FLOOD_PACE_S if self.view is not None and self.view.site.is_flooded else super().pace_s

    def draw(self) -> None:
        """Everything that may have changed; the widgets send only what did."""
        from aetui.screens.inbound_rows import Look

        view = self.view
        if view is None or not self.is_attached:
            return
        self.place.say(self.console.launch.place)
        self.console.alarm(self.TAB, view.site.is_open)
        self.query_one("#summary", Lines).show(view.summary(self.size.width))
        self.query_one("#exposure", Lines).show([view.exposure(self.size.width)])
        rows = self.query_one(Rows)
        rows.show_rows(view.rows(Look(rows.size.width - 1, self.demo is not None)))
        self._draw_details()
        self.refresh_bindings()
        if isinstance(self.app.screen, Reader):
            self.app.screen.again()
        if view.outside.needs_address and self.app.screen is self:
            view.outside.needs_address = False
            self.action_address()

    def _draw_details(self, keep: bool = True) -> None:
        if self.view is None:
            return
        key, rule, page = self.query_one(Rows).key, self.query_one("#rule", Lines), self.query_one("#details", Page)
        title = self.view.title(key)
        room = max(0, rule.size.width - len(title) - 4)
        heading = line(("──", "muted"), (f" {title} ", "head"), ("─" * room, "muted"))
        rule.show([heading if title else line(("─" * rule.size.width, "muted"))])
        page.show_paras(self.view.details(key, page.size.width - 1), keep)

    def on_resize(self) -> None:
        """Columns depend on the width; the widgets know theirs after the layout."""
        self.call_after_refresh(self.draw)

    def on_rows_moved(self) -> None:
        """Another row: other details."""
        self._draw_details(keep=False)
        self.refresh_bindings()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Enter: begin, or the details on a page of their own."""
        view, key = self.view, event.key
        if view is None:
            return
        if key in STARTS:
            getattr(self, f"action_{STARTS[key]}")()
        else:
            self.app.push_screen(Reader(view.title(key), lambda: view.details(key, self._page_width())))

    def _page_width(self) -> int:
        return max(20, min(100, self.app.size.width) - 6)

    # ------------------------------------------------------------------------------------------------------------------ running
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what does something now is offered."""
        view = self.view
        if view is None:
            return False
        site, outside = view.site, view.outside
        match action:
            case "listen" | "settings":
                return not site.is_open
            case "shut":
                return site.is_open and not outside.busy
            case "end_test":
                return outside.busy
            case "another":
                return site.is_open
            case "instead":
                return view.forbidden(self.query_one(Rows).key) is not None
            case "jump" | "hosts" | "from_here" | "address":
                return not outside.busy and self._fits(action)
            case "knock_again":
                return outside.question is not None and not outside.busy
            case "explain":
                return bool(self.query_one(Rows).key)
            case "forget":
                return bool(site.entries)
            case "scenario":
                return self.demo is not None
            case _:
                return True

    def _fits(self, action: str) -> bool:
        """Hosts are none in the demo; an address is for who has a jump host; who listens here is not outside."""
        assert self.view is not None
        match action:
            case "hosts":
                return self.console.launch.demo is None
            case "address":
                return self.view.way(demo=False) is not None
            case "from_here":
                return not self.view.site.is_open
            case _:
                return True

    def interrupt(self) -> bool:
        """Ctrl+C: end the test that runs, or else close the ports; False where there is neither."""
        view = self.view
        if view is not None and view.outside.busy:
            view.outside.stop()
        elif view is not None and view.site.is_open:
            view.site.close("interrupted")
        else:
            return False
        return True

    # ------------------------------------------------------------------------------------------------------------------ looking
    def action_explain(self) -> None:
        """What the selected row means."""
        view, key = self.view, self.query_one(Rows).key
        if view is not None and key:
            self.app.push_screen(Reader(view.title(key), lambda: view.explanation(key, self._page_width())))

    def action_scenario(self) -> None:
        """Choose another demo site."""
        from aetui.screens.choices import scenario_picker

        self.app.push_screen(scenario_picker(self.console.launch), self._played)

    def _played(self, names: tuple[str, ...] | None) -> None:
        if names:
            self.console.relaunch(demo=names[0])
            self._begin_anew()

    def _begin_anew(self) -> None:
        """Close the ports and forget what was found: the site is another."""
        self.opened_for, self.asked = self.demo, None
        if self.view is not None:
            self.view.site.leave()
            self.view.outside.forget()
            self.query_one(Rows).forget()
            self.draw()
