"""An earlier session, opened from the history: verdict, findings and rows as they were, drawn by the Outbound tab's own widgets.

Nothing here runs. A session that never ended is shown as one that was stopped: what it had not done by then was not run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import ClassVar

from textual.binding import Binding, BindingType

from aetui.catalogue import Catalogue
from aetui.display import displayable
from aetui.entries import Kept
from aetui.plan import Options, plan
from aetui.screens.history_rows import MOMENT, beside
from aetui.screens.history_words import say, tables
from aetui.screens.outbound import ENGINE, Outbound
from aetui.screens.outbound_view import View
from aetui.screens.reader import Reader
from aetui.screens.runner import Runner
from aetui.screens.verdict import STANDING
from aetui.screens.widgets.lines import Lines, line
from aetui.tally import tally_of


def past(kept: Kept, catalogue: Catalogue) -> Runner:
    """A runner that has run this and runs nothing."""
    runner = Runner(lambda: None)
    state = kept.state
    runner.state = replace(state, ended=state.ended or "cancelled", running=set())
    runner.catalogue = catalogue
    return runner


def rerun(kept: Kept, catalogue: Catalogue) -> Mapping[str, object]:
    """What to change in the launch to run only what failed, from where it failed; empty where there is nothing of that kind."""
    state = kept.state
    equipment = tuple(key for key in state.equipment if key in catalogue.equipment)
    if not equipment:
        return {}
    today = {check.id for check in plan(catalogue, equipment, state.vantage, Options(stated=True)) if check.equipment}
    failed = tuple(identity for identity in View(past(kept, catalogue)).closed() if identity in today)
    if not failed:
        return {}
    note = say("rerun", "only", when=state.started.astimezone().strftime(MOMENT))
    kind, name = state.vantage.kind, state.vantage.name
    where = {"vantage": f"jump:{name}" if kind == "jump" else "local", "demo": name if kind == "demo" else None}
    return {"equipment": equipment, "only": failed, "site": kept.about.name, "note": note, **where}


class Earlier(Outbound, inherit_bindings=False):
    """See the module."""

    TAB = "history"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Back", key_display="Esc"),
        Binding("p", "report", "Report"),
        Binding("f", "failed_then", "Run failed again"),
        Binding("b", "besides", "Besides"),
        Binding("question_mark", "why", "Why", key_display="?"),
        Binding("v", "filter(1)", "View"),
        Binding("V", "all", "View all", show=False),
        Binding("right,plus", "fold(1)", "Open", show=False),
        Binding("left,minus", "fold(-1)", "Fold", show=False),
        Binding("space", "fold(0)", "Open or fold", show=False),
        Binding("x", "fold_all", "Open or fold everything", show=False),
    ]

    def __init__(self, kept: Kept, catalogue: Catalogue) -> None:
        super().__init__()
        self.kept = kept
        self.catalogue = catalogue
        self.past = past(kept, catalogue)
        self.tally = tally_of(kept)

    @property
    def runner(self) -> Runner:
        """The one that has run this."""
        return self.past

    async def _load(self) -> None:
        module = await asyncio.to_thread(import_module, ENGINE)
        self.view = module.View(self.past)
        self.draw()

    def _place(self) -> str:
        name = displayable(self.kept.about.name, 60) or displayable(", ".join(self.kept.state.equipment), 60)
        return say("earlier", "place", site=name, when=self.kept.state.started.astimezone().strftime(MOMENT))

    def draw_unsaved(self) -> None:
        """Which session this is, and that it is none of now."""
        state, name = self.kept.state, displayable(self.kept.about.name, 40)
        when = state.started.astimezone().strftime(MOMENT)
        where: str = tables()["vantages"].get(state.vantage.kind, "{name}").format(name=displayable(state.vantage.name, 30))
        what = self.query_one("#unsaved", Lines)
        what.set_class(True, "-said")
        which = line((" ", "plain"), (say("earlier", "which", when=when, site=f"{name}, " if name else "", where=where), "head"))
        besides = [line((f" {said}", STANDING[self.tally.verdict(state)]))] if (said := self._besides()) else []
        what.styles.height = 1 + len(besides)
        what.show([which, *besides])

    def _besides(self) -> str:
        """What the session holds besides the checks shown, and the verdict over all of it where that is another."""
        said = beside(self.tally)
        verdict = self.tally.verdict(self.kept.state)
        other = verdict is not self.kept.state.diagnosis.verdict
        return say("earlier", "besides_other" if other else "besides", what=said, verdict=say("verdicts", verdict.value)) if said else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What the tab would offer, and always the way back."""
        if action == "besides":
            return bool(beside(self.tally))
        if action == "failed_then":
            return self.view is not None and bool(self.view.closed())
        return True if action in {"leave", "report"} else super().check_action(action, parameters)

    def action_leave(self) -> None:
        """Back to the list."""
        self.app.pop_screen()

    def action_besides(self) -> None:
        """Everything that the session holds, on a page."""
        from aetui.screens.earlier_page import page

        told = page(self.kept, self.catalogue)
        self.app.push_screen(Reader(self._place(), lambda: told))

    async def reported(self) -> tuple[Kept, Catalogue] | str:
        """This one."""
        return self.kept, self.catalogue

    def action_failed_then(self) -> None:
        """Only what failed, once more, in the Outbound tab."""
        changes = rerun(self.kept, self.catalogue)
        if changes:
            self.app.pop_screen()
            self.console.rerun(self.kept, changes)
        else:
            self.note = say("rerun", "nothing")
            self.draw()
