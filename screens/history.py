"""The History tab: earlier sessions, the newest first. Search as you type, open, name, report, export, delete, run again what failed.

The list itself is ``history_list``'s. SQLite is asked in threads; what cannot be done is one line on top.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from aetui.display import displayable
from aetui.screens.history_list import HistoryList
from aetui.screens.history_words import pair, say
from aetui.screens.reader import Reader
from aetui.screens.widgets.page import Para
from aetui.screens.widgets.rows import Rows

if TYPE_CHECKING:
    from aetui.catalogue import Catalogue
    from aetui.entries import Kept
    from aetui.store import Summary


class History(HistoryList):
    """See the module."""

    TAB = "history"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_session", "Open", key_display="Enter"),
        Binding("slash", "search", "Search", key_display="/", priority=True),
        Binding("n", "site", "Name"),
        Binding("p", "report", "Report"),
        Binding("o", "export", "Export"),
        Binding("d,delete", "forget", "Delete"),
        Binding("f", "failed_then", "Run failed again", show=False),
        Binding("c", "compare", "Compare", show=False),
        Binding("space", "mark", "Mark", show=False),
        Binding("escape", "everything", "Show all", show=False),
        Binding("down", "to_list", "To the list", show=False),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what does something now is offered."""
        typing = self.is_mounted and self.query_one(Input).has_focus
        match action:
            case "open_session" | "site" | "report" | "export" | "mark" | "forget" | "failed_then":
                one = self.chosen if self.book is not None and not typing else None
                return one is not None and (action != "failed_then" or bool(one.checks))
            case "compare":
                return not typing and len(self.pair) == 2
            case "search":
                return not typing
            case "to_list":
                return typing
            case "everything":
                return typing or (self.is_mounted and bool(self.query_one(Input).value))
            case _:
                return True

    def on_rows_chosen(self) -> None:
        """Enter, or a click."""
        self.action_open_session()

    def action_open_session(self) -> None:
        """The session as it was."""
        if self.chosen is not None:
            self.run_worker(self._open(self.chosen), exclusive=True, group="open")

    async def _open(self, summary: Summary) -> None:
        from aetui.screens.earlier import Earlier
        from aetui.screens.earlier_page import page
        from aetui.screens.history_rows import heading

        got = await self._whole(summary.id)
        if not self.is_current:
            return
        if isinstance(got, str):
            self.say(got)
        elif got[0].state.checks and not got[0].walk:
            self.app.push_screen(Earlier(*got))
        else:
            told = await asyncio.to_thread(page, *got)
            self._show(heading(summary), told)

    async def _whole(self, identity: str) -> tuple[Kept, Catalogue] | str:
        from aetui.screens.history_shelf import shelf, whole
        from aetui.store import StoreError

        try:
            return await shelf(whole(identity))
        except StoreError as error:
            return str(error)

    def action_report(self) -> None:
        """Write a report of the session."""
        from aetui.screens.handing import ask

        one = self.chosen
        if one is not None:
            ask(self, lambda: self._whole(one.id))

    def action_failed_then(self) -> None:
        """Only what failed, once more, in the Outbound tab."""
        if self.chosen is not None:
            self.run_worker(self._again(self.chosen.id), exclusive=True, group="open")

    async def _again(self, identity: str) -> None:
        from aetui.screens.earlier import rerun

        got = await self._whole(identity)
        if isinstance(got, str):
            self.say(got)
            return
        changes = await asyncio.to_thread(rerun, *got)
        if changes:
            self.console.rerun(got[0], changes)
        else:
            self.say(say("rerun", "nothing"))

    def action_mark(self) -> None:
        """Mark the session, and go on to the next."""
        if self.chosen is not None:
            self.marked ^= {self.chosen.id}
            self.query_one(Rows).action_move(1)
            self.draw()

    def action_compare(self) -> None:
        """What differs between two sessions."""
        if len(self.pair) == 2:
            self.run_worker(self._compare(*self.pair), exclusive=True, group="open")

    async def _compare(self, one: str, other: str) -> None:
        from aetui.screens.comparing import compared

        first, second = await self._whole(one), await self._whole(other)
        if isinstance(first, str):
            self.say(first)
        elif isinstance(second, str):
            self.say(second)
        else:
            told = await asyncio.to_thread(compared, first[0], second[0])
            self._show(say("compare", "heading"), told)

    def _show(self, heading: str, told: tuple[Para, ...]) -> None:
        """A page, where this tab is still looked at."""
        if self.is_current:
            self.app.push_screen(Reader(heading, lambda: told))

    def action_export(self) -> None:
        """The session whole, as JSON."""
        if self.chosen is not None:
            self.run_worker(self._export(self.chosen.id), group="report")

    async def _export(self, identity: str) -> None:
        from aetui.screens.handing import export, folder
        from aetui.screens.history_shelf import shelf
        from aetui.store import StoreError

        try:
            path = await shelf(export(identity, folder()))
        except StoreError as error:
            self.say(str(error))
        except OSError as error:
            self.say(say("report", "unwritten", why=f"{folder()}: {error.strerror or error}"))
        else:
            self.say(say("report", "exported", path=path))

    # ------------------------------------------------------------------------------------------------------------------ changes
    def action_site(self) -> None:
        """Name the site, note something."""
        from aetui.screens.naming import naming

        one = self.chosen
        if one is None:
            return

        def typed(answer: Mapping[str, str] | None) -> None:
            if answer is not None:
                self.run_worker(self._call(one.id, answer["name"], answer["note"]), group="change")

        self.app.push_screen(naming(one.about.name, one.about.note), typed)

    async def _call(self, identity: str, name: str, note: str) -> None:
        from aetui.screens.history_shelf import describe
        from aetui.screens.keeper import LONGEST_NAME, LONGEST_NOTE

        keeper = self.console.keeper
        name, note = displayable(name, LONGEST_NAME), displayable(note, LONGEST_NOTE)
        if identity == keeper.session:
            wrong = await keeper.call(name, note)
        else:
            wrong = await asyncio.to_thread(describe, identity, name, note)
        if wrong:
            self.say(wrong)
        self.reload()

    def action_forget(self) -> None:
        """Delete what is marked, or the selected session; asks."""
        from aetui.screens.history_rows import heading, moment
        from aetui.screens.picker import Entry, Picker

        one = self.chosen
        if one is None:
            return
        ids = [identity for identity in self.found if identity in self.marked] or [one.id]
        first = self.found[ids[0]]
        said = heading(first) if len(ids) == 1 else say("delete", "several", count=len(ids), when=moment(first))
        entries = [Entry(key, *pair("delete", key)) for key in ("keep", "delete")]

        def answered(keys: tuple[str, ...] | None) -> None:
            if keys == ("delete",):
                self.run_worker(self._delete(ids), group="change")

        self.app.push_screen(Picker(say("delete", "heading"), say("delete", "help"), entries, said=said), answered)

    async def _delete(self, ids: list[str]) -> None:
        from aetui.screens.history_shelf import forget, shelf
        from aetui.store import StoreError

        try:
            count = await shelf(forget(ids))
        except StoreError as error:
            self.say(str(error))
        else:
            self.note_stays = True
            self.say(say("delete", "done_one" if count == 1 else "done", count=count))
        self.reload()
