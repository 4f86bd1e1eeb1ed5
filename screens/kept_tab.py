"""A tab whose session is kept: naming its site, a note, a report of it, and the line that says where it is not saved."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.cells import cell_len

from aetui.display import displayable
from aetui.screens.frame import TabScreen
from aetui.screens.widgets.lines import Lines, line

if TYPE_CHECKING:
    from aetui.catalogue import Catalogue
    from aetui.entries import Kept
    from aetui.screens.outbound_view import View
    from aetui.screens.runner import Runner


class KeptTab(TabScreen):
    """See the module. Its body has ``Lines(id="unsaved", classes="unsaved")``."""

    def __init__(self) -> None:
        super().__init__()
        self.view: View | None = None
        self.note = ""
        self.before: Kept | None = None
        """The earlier session that is being repeated in part: when the run has ended, the two are compared."""

    def on_screen_resume(self) -> None:
        """Something may have ended meanwhile."""
        self.show_comparison()

    def show_comparison(self) -> None:
        """What differs from the session that was repeated, once the run has ended and this tab is looked at."""
        runner, before = self.runner, self.before
        state = runner.state if runner.launch is self.console.launch and not runner.busy else None
        if before is not None and state is not None and state.ended is not None and self.is_current:
            self.before = None
            self.run_worker(self._compare(before, self.console.keeper.kept_now(state)), group="compare")

    async def _compare(self, before: Kept, after: Kept) -> None:
        from aetui.screens.comparing import compared
        from aetui.screens.history_words import say
        from aetui.screens.reader import Reader

        told = await asyncio.to_thread(compared, before, after, True)
        if not self.is_current:  # it waits until this tab is looked at again
            self.before = before
            return
        self.app.push_screen(Reader(say("compare", "heading"), lambda: told))

    @property
    def runner(self) -> Runner:
        """The console's engine room."""
        return self.console.runner

    def draw_unsaved(self) -> None:
        """One line that stays, where the run was to be saved and is not."""
        trouble = self.console.keeper.trouble if self.runner is self.console.runner else ""
        unsaved = self.query_one("#unsaved", Lines)
        unsaved.set_class(bool(trouble), "-said")
        if trouble:
            unsaved.show([line((" ! ", "warn"), (_fitted(trouble, self.size.width - 4), "warn"))])

    def action_site(self) -> None:
        """Name the site, note something of this session."""
        from aetui.screens.naming import naming

        keeper = self.console.keeper

        def typed(answer: Mapping[str, str] | None) -> None:
            if answer is not None:
                self.run_worker(self._call(answer["name"], answer["note"]), group="change")

        self.app.push_screen(naming(keeper.name, keeper.note), typed)

    async def _call(self, name: str, note: str) -> None:
        self.note = await self.console.keeper.call(name, note)
        self.draw()

    def action_report(self) -> None:
        """Write a report of this session."""
        from aetui.screens.handing import ask

        ask(self, self.reported)

    async def reported(self) -> tuple[Kept, Catalogue] | str:
        """The session, or why there is none to report."""
        from aetui.screens.history_words import say

        state, view = self.runner.state, self.view
        if state is None or view is None or not state.results:
            return say("report", "nothing")
        return self.console.keeper.kept_now(state), view.catalogue


def _fitted(trouble: str, width: int) -> str:
    """The reason stands at the end: where the line is too long, the directory before it goes."""
    from aetui.store.place import folder

    text = displayable(trouble, 400)
    return text if cell_len(text) <= width else displayable(trouble.replace(str(folder()), "…"), 400)
