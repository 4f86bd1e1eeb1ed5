"""The Outbound tab: what the equipment must reach, checked and read. Pick equipment, run, look, run again, wait until it opens.

Draws the runner's state through ``outbound_view`` and sends the runner orders; holds only what a person chose to see (filter, folds,
cursor).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from aetui.display import displayable
from aetui.screens.kept_tab import KeptTab
from aetui.screens.reader import Reader
from aetui.screens.widgets.lines import Lines, line
from aetui.screens.widgets.page import Page
from aetui.screens.widgets.rows import Rows

if TYPE_CHECKING:
    from textual.worker import WorkType

    from aetui.screens.launch import Launch
    from aetui.screens.outbound_rows import Look

ENGINE = "aetui.screens.outbound_view"
"""Imported after the first paint, in a thread: the engine hangs on it."""


class Outbound(KeptTab):
    """See the module."""

    TAB = "outbound"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "equipment", "Equipment"),
        Binding("r", "run", "Run"),
        Binding("c", "stop", "Stop"),
        Binding("a", "again", "Again"),
        Binding("w", "wait", "Wait"),
        Binding("t", "trace", "Trace"),
        Binding("n", "site", "Site and note", show=False),
        Binding("p", "report", "Report", show=False),
        Binding("question_mark", "why", "Why", key_display="?"),
        Binding("f", "failed_again", "Failed"),
        Binding("v", "filter(1)", "View", show=False),
        Binding("V", "all", "View all", show=False),
        Binding("right,plus", "fold(1)", "Open", show=False),
        Binding("left,minus", "fold(-1)", "Fold", show=False),
        Binding("space", "fold(0)", "Open or fold", show=False),
        Binding("x", "fold_all", "Open or fold everything", show=False),
        Binding("d", "scenario", "Demo site", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.opened: set[str] = set()
        self.filter = "all"
        self._loaded = False
        """Loaded, with no equipment named, and not yet asked for it."""
        self._begun: Launch | None = None
        """What was run last, or is about to be."""

    def body(self) -> Iterable[Widget]:
        """Summary, filters, list, details."""
        yield Lines(id="summary")
        yield Lines(id="unsaved", classes="unsaved")
        yield Lines(id="filters")
        yield Container(Rows(id="rows"), Container(Lines(id="rule"), Page(id="details"), id="pane"), id="middle")

    # ------------------------------------------------------------------------------------------------------------------ loading
    def on_first_paint(self) -> None:
        """Load what draws and what runs, then begin with what the command line said."""
        self.query_one("#rows").focus()
        self.run_worker(self._load(), exit_on_error=True)

    async def _load(self) -> None:
        module = await asyncio.to_thread(import_module, ENGINE)
        self.view = module.View(self.runner)
        self.runner.changed = self.draw_soon
        self.runner.ring = self.app.bell
        self.draw()
        if self.console.launch.equipment:
            self._begin()
        else:
            self._loaded = True
            self._ask_first()

    def on_screen_resume(self) -> None:
        """The first question waits until somebody looks at this tab; where another demo site was chosen meanwhile, what is shown is of none."""
        self._ask_first()
        if self._begun is not None and self._begun.demo != self.console.launch.demo:
            self.start()

    def _ask_first(self) -> None:
        if self._loaded and self.is_current:
            self._loaded = False
            if not self.console.launch.equipment:
                self.action_equipment()

    # ------------------------------------------------------------------------------------------------------------------ drawing
    @property
    def look(self) -> Look:
        """What the person chose to see, as the list has it."""
        from aetui.screens.outbound_rows import Look

        return Look(self.query_one(Rows).size.width - 1, frozenset(self.opened), self.filter)

    def draw(self) -> None:
        """Everything that may have changed; the widgets send only what did."""
        if self.view is None or not self.is_attached:
            return
        self.place.say(self._place())
        self.query_one("#summary", Lines).show(self.view.summary(self.size.width, self.note))
        self.draw_unsaved()
        self.show_comparison()
        self.query_one("#filters", Lines).show([self.view.filters(self.filter)])
        self.query_one(Rows).show_rows(self.view.rows(self.look))
        self._draw_details()
        self.refresh_bindings()
        if isinstance(self.app.screen, Reader):
            self.app.screen.again()

    def _place(self) -> str:
        assert self.view is not None
        launch = self.console.launch
        titles = [self.view.titles.get(key, key) for key in launch.equipment]
        name = displayable(self.console.keeper.name, 30)
        return "  ·  ".join(part for part in (name, ", ".join(titles), launch.place) if part)

    def _draw_details(self, keep: bool = True) -> None:
        if self.view is None:
            return
        key = self.query_one(Rows).key
        rule = self.query_one("#rule", Lines)
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
        self.refresh_bindings()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Enter: the details on a page of their own."""
        view = self.view
        if view is not None:
            self.app.push_screen(Reader(view.title(event.key), lambda: view.details(event.key)))

    # ------------------------------------------------------------------------------------------------------------------ running
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what does something now is offered."""
        view, key = self.view, self.query_one(Rows).key if self.is_mounted else ""
        if action == "stop":
            return self.runner.busy
        if action in {"run", "again", "failed_again", "wait"} and self.runner.busy:
            return False
        if view is None:
            return action not in {"equipment", "run", "again", "failed_again", "wait", "why", "trace", "scenario"}
        match action:
            case "again":
                return bool(view.members(key))
            case "failed_again":
                return bool(view.closed())
            case "wait":
                return bool(view.closed(key))
            case "why":
                return bool(key)
            case "report":
                return view.scene is not None
            case "trace":
                return view.aim(key) is not None
            case "scenario":
                return self.console.launch.demo is not None
            case _:
                return True

    def action_run(self) -> None:
        """Every check."""
        self.note = ""
        if not self.console.launch.equipment:
            self.action_equipment()
        elif self.console.launch.only or not self.runner.whole():
            self.console.relaunch(only=())
            self._begin()

    def action_stop(self) -> None:
        """End what runs."""
        self.runner.stop()

    def action_again(self) -> None:
        """The selected row once more."""
        if self.view is not None:
            self._order(self.view.members(self.query_one(Rows).key))

    def action_failed_again(self) -> None:
        """Only what does not hold."""
        if self.view is not None:
            self._order(self.view.closed())

    def _order(self, ids: tuple[str, ...]) -> None:
        self.note = ""
        if ids:
            self.runner.again(ids)

    def action_wait(self) -> None:
        """Try the selected row until it is open."""
        ids = self.view.closed(self.query_one(Rows).key) if self.view is not None else ()
        self.note = ""
        if ids:
            self.runner.wait(ids[0])

    # ----------------------------------------------------------------------------------------------------------------- choosing
    def action_equipment(self) -> None:
        """Choose equipment, then run."""
        from aetui.screens.choices import equipment_picker
        from aetui.strict import DataError

        try:
            self.app.push_screen(equipment_picker(self.console.launch, self.console.action_tab), self._chosen)
        except DataError as wrong:
            self.runner.fault = str(wrong)
            self.draw()

    def _chosen(self, keys: tuple[str, ...] | None) -> None:
        if keys:
            self.start(equipment=keys)

    def action_scenario(self) -> None:
        """Choose a demo site, then run."""
        from aetui.screens.choices import scenario_picker

        self.app.push_screen(scenario_picker(self.console.launch), self._played)

    def _played(self, names: tuple[str, ...] | None) -> None:
        if names:
            self.start(demo=names[0])

    def _begin(self) -> None:
        launch = self._begun = self.console.launch

        async def run() -> None:
            await self.runner.run(launch)

        work: WorkType[None] = run
        self.run_worker(work, exclusive=True, group="start")

    def start(self, **changes: object) -> None:
        """Run this from now on: every check, unless ``only`` says which."""
        self.before = None
        self.console.relaunch(**{"only": (), **changes})
        self.opened.clear()
        self.filter, self.note = "all", ""
        self.query_one(Rows).forget()
        if self.console.launch.equipment:
            self._begin()
        else:
            self.draw()

    # ------------------------------------------------------------------------------------------------------------------ looking
    def action_filter(self, step: int) -> None:
        """Narrow the list to the next kind."""
        from aetui.screens.outbound_rows import FILTERS

        keys = list(FILTERS)
        self.show_only(keys[(keys.index(self.filter) + step) % len(keys)])

    def action_all(self) -> None:
        """The whole list."""
        self.show_only("all")

    def show_only(self, chosen: str) -> None:
        """Narrow the list to one kind."""
        self.filter = chosen
        self.query_one(Rows).forget()
        self.draw()

    def action_fold(self, way: int) -> None:
        """Open (1), fold (-1) or turn over (0) the line under the cursor; folding a row goes to the line above it."""
        if self.view is None:
            return
        rows = self.query_one(Rows)
        fold = self.view.fold_of(rows.key)
        inside = fold != rows.key
        is_open = (fold in self.opened) != (self.filter != "all" and fold.startswith("host:"))
        if (way > 0 and (is_open or inside)) or (way < 0 and not is_open):
            return
        self.opened ^= {fold}
        if inside:
            rows.select(fold)
        rows.moved = True
        self.draw()

    def action_fold_all(self) -> None:
        """Open everything, or fold everything again."""
        if self.view is not None:
            self.opened = set() if self.opened else set(self.view.folds())
            self.draw()

    def action_trace(self) -> None:
        """The way to the selected row's port, hop by hop, in the Path tab."""
        aim = self.view.aim(self.query_one(Rows).key) if self.view is not None else None
        if aim is not None:
            self.console.trace(aim)

    def action_why(self) -> None:
        """What is required at the selected row and why; what a finding means."""
        view, key = self.view, self.query_one(Rows).key
        if view is not None and key:
            self.app.push_screen(Reader(view.title(key), lambda: view.explanation(key)))
