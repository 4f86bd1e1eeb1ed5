"""The Site tab: this computer's place in the network; on request who hands out addresses here, who is there, and whether one is free.

Draws a ``SiteLook`` through ``site_view`` and sends it orders. The router alone is asked by itself, for its outer address; whatever else asks
the local network does so by a key, one question at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from aetui.screens.frame import TabScreen
from aetui.screens.reader import Reader
from aetui.screens.widgets.lines import Lines, line
from aetui.screens.widgets.page import Page
from aetui.screens.widgets.rows import Rows

if TYPE_CHECKING:
    from aetui.lan.records import Around
    from aetui.screens.site_look import SiteLook
    from aetui.screens.site_view import View

ENGINE = "aetui.screens.site_view"
"""Imported after the first paint, in a thread: the engine hangs on it."""


class Site(TabScreen):
    """See the module."""

    TAB = "site"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "site_look", "Look again"),
        Binding("d", "site_dhcp", "DHCP"),
        Binding("w", "site_who", "Who is here"),
        Binding("f", "site_free", "Is it free"),
        Binding("c", "site_stop", "Stop"),
        Binding("question_mark", "site_more", "Why", key_display="?"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.view: View | None = None
        self.note = ""
        self._around: Around | None = None
        """Whom the list shows."""

    def body(self) -> Iterable[Widget]:
        """Summary, list, details."""
        yield Lines(id="summary")
        yield Container(Rows(id="rows"), Container(Lines(id="rule"), Page(id="details"), id="pane"), id="middle")

    @property
    def look(self) -> SiteLook | None:
        """What looks; None before it is loaded."""
        return self.view.look if self.view is not None else None

    # ------------------------------------------------------------------------------------------------------- beginning and end
    def on_first_paint(self) -> None:
        """Load what draws and what looks."""
        self.query_one("#rows").focus()
        self.run_worker(self._load(), exit_on_error=True)

    async def _load(self) -> None:
        module = await asyncio.to_thread(import_module, ENGINE)
        from aetui.screens.guide_room import Room
        from aetui.screens.site_look import SiteLook

        room = Room(self.draw_soon, self.console.packets.ready)
        self.view = module.View(SiteLook(room, lambda: self.console.launch, self.draw_soon, self.console.learnt))
        self.draw()
        await self.view.look.begin()

    async def on_unmount(self) -> None:
        """The console ends: nothing goes on."""
        if self.look is not None:
            await self.look.close()

    async def on_screen_resume(self) -> None:
        """Another demo site was chosen meanwhile: look at that one."""
        look = self.look
        if look is not None and look.opened_for != self.console.launch.demo:
            self._begin(look)
        else:
            self.draw()  # another tab may have learnt the public address

    # ------------------------------------------------------------------------------------------------------------------ drawing
    def draw(self) -> None:
        """Everything that may have changed; the widgets send only what did."""
        view = self.view
        if view is None or not self.is_attached:
            return
        self.place.say(self.console.launch.place if self.console.launch.demo is not None else "this computer")
        self.query_one("#summary", Lines).show(view.summary(self.size.width, self.note))
        rows = self.query_one(Rows)
        rows.show_rows(view.rows(rows.size.width - 1))
        self._to_devices(view, rows)
        self._draw_details()
        self.refresh_bindings()
        if isinstance(self.app.screen, Reader):
            self.app.screen.again()

    def _to_devices(self, view: View, rows: Rows) -> None:
        """Whoever was just found comes into sight."""
        around = view.look.around
        if around is not self._around:
            self._around = around
            if around is not None and rows.key == "ask:who":
                rows.select(view.first_device())
                rows.top = next((number for number, one in enumerate(rows.rows) if one.key == "devices"), 0)
                rows.touch()

    def _draw_details(self, keep: bool = True) -> None:
        if self.view is None:
            return
        key, rule = self.query_one(Rows).key, self.query_one("#rule", Lines)
        title = self.view.title(key)
        room = max(0, rule.size.width - len(title) - 4)
        heading = line(("──", "muted"), (f" {title} ", "head"), ("─" * room, "muted"))
        rule.show([heading if title else line(("─" * rule.size.width, "muted"))])
        self.query_one("#details", Page).show_paras(self.view.details(key), keep)

    def on_resize(self) -> None:
        """Columns depend on the width; the widgets know theirs after the layout."""
        self.call_after_refresh(self.draw)

    def on_rows_moved(self) -> None:
        """Another row: other details."""
        self._draw_details(keep=False)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Enter: ask what the row asks, or everything that is known of it on a page."""
        kind, _, name = event.key.partition(":")
        look = self.look
        if kind == "ask" and look is not None and not look.doing and not look.has(name):
            self.call_later(getattr(self, f"action_site_{name}"))
        else:
            self.action_site_more()

    # ------------------------------------------------------------------------------------------------------------------ actions
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what does something now is offered."""
        look = self.look
        match action:
            case "site_stop":
                return look is not None and look.asking
            case "site_look":
                return look is not None and not look.doing
            case "site_dhcp" | "site_who" | "site_free":
                return look is not None and look.own is not None and not look.doing
            case "site_more":
                return look is not None and look.own is not None
            case _:
                return True

    def _begin(self, look: SiteLook) -> None:
        self.note = ""
        self.run_worker(look.begin(), exclusive=True, group="site")

    def _order(self, what: str, address: str = "") -> None:
        self.note = ""
        if self.look is not None:
            self.look.order(what, address)
            rows = self.query_one(Rows)
            rows.select(f"ask:{what}")

    def action_site_look(self) -> None:
        """This computer's own network once more."""
        if self.look is not None and self.look.room.world is None:
            self._begin(self.look)
        else:
            self._order("look")

    def action_site_dhcp(self) -> None:
        """Who hands out addresses here?"""
        self._order("dhcp")

    def action_site_who(self) -> None:
        """Who is on this network?"""
        self._order("who")

    def action_site_free(self) -> None:
        """Is a planned address free?"""
        from aetui.screens.guide_words import say
        from aetui.screens.inbound_form import Field, Form
        from aetui.screens.site_facts import EVERY_ADDRESS, network_of

        look = self.look
        if look is None or look.own is None:
            return
        network, _ = network_of(look.own.link, EVERY_ADDRESS)
        field = Field("address", say("site", "free_field"), say("site", "free_help", network=network or "?"), look.address)
        self.app.push_screen(Form(say("site", "free_title"), (field,), planned), self._planned)

    def _planned(self, address: str | None) -> None:
        if address:
            self._order("free", address)

    def action_site_stop(self) -> None:
        """End what is being asked."""
        from aetui.screens.guide_words import say

        if self.look is not None:
            self.note = say("site", "stopped")
            self.look.stop()

    def interrupt(self) -> bool:
        """Ctrl+C: stop what is being asked; False where nothing is."""
        going = self.look is not None and self.look.asking
        if going:
            self.action_site_stop()
        return going

    def action_site_more(self) -> None:
        """Everything that is known of the selected line."""
        view, key = self.view, self.query_one(Rows).key
        if view is not None and key:
            self.app.push_screen(Reader(view.title(key), lambda: view.details(key)))


def planned(typed: Mapping[str, str]) -> str:
    """The planned address that was typed. Raises Typo."""
    from aetui.guide.interpreter import Wrong, address
    from aetui.guiding.words import say
    from aetui.screens.inbound_typed import Typo

    found = address(typed["address"])
    if isinstance(found, Wrong):
        raise Typo(say("wrong", found.code, **found.values))
    return found
