"""The Path tab: the way to a port, hop by hop, live, and where the port dies. Type a target, or come from a row of Outbound.

Draws what ``path_trace.Tracing`` holds through ``path_rows`` and ``path_view`` and sends it orders; holds only what a person chose to see.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from aetui.screens.frame import TabScreen
from aetui.screens.path_aim import DEFAULT_PORT, PROTOCOLS, Aim
from aetui.screens.path_trace import Phase, Tracing
from aetui.screens.reader import Reader
from aetui.screens.widgets.lines import Line, Lines, line
from aetui.screens.widgets.page import Page
from aetui.screens.widgets.rows import Rows

if TYPE_CHECKING:
    from aetui.observations import TcpSeen
    from aetui.screens.path_rows import Look
    from aetui.screens.path_view import Shown

ENGINE = ("aetui.screens.path_view", "aetui.screens.path_entry")
"""Imported after the first paint, in a thread."""


class Path(TabScreen):
    """See the module."""

    TAB = "path"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "target", "Target"),
        Binding("r", "retrace", "Again"),
        Binding("p", "pause", "Pause"),
        Binding("l", "live", "Go on"),
        Binding("u", "protocol", "Protocol"),
        Binding("v", "columns", "Columns"),
        Binding("question_mark", "meaning", "Why", key_display="?"),
        Binding("c", "halt", "Stop", show=False),
        Binding("z", "unfold", "Details", show=False),
        Binding("b", "branches", "Several paths", show=False),
        Binding("s", "sizes", "Packet sizes", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.tracing: Tracing | None = None
        self.columns = "overview"
        self._unasked = False
        """Loaded, and not yet asked for a target."""
        self._settled = False
        """True once the cursor was put where the port dies."""

    def body(self) -> Iterable[Widget]:
        """Verdict, target, column titles, hops, details."""
        yield Lines(id="summary")
        yield Lines(id="target")
        yield Lines(id="titles")
        yield Rows(id="hops")
        yield Container(Lines(id="hop-rule"), Page(id="hop-details"), id="hop-pane")

    # ------------------------------------------------------------------------------------------------------------------ loading
    def on_first_paint(self) -> None:
        """Load what draws, then trace what was asked for."""
        self.query_one(Rows).focus()
        self.run_worker(self._load(), exit_on_error=True)

    async def _load(self) -> None:
        for name in ENGINE:
            await asyncio.to_thread(import_module, name)
        if self.tracing is None:
            self.tracing = self.made()
        self.draw()
        if self.console.launch.demo is None and self.console.launch.vantage == "local":
            await self.console.packets.ready()
        self._unasked = self.tracing.aim is None
        self._begin()

    def made(self) -> Tracing:
        """What traces."""
        from aetui.screens.asking import ScreenAsker

        return Tracing(self.draw_soon, self.console.packets, ScreenAsker(self.app), self.console.engines, self.console.keeper.traced)

    def on_screen_resume(self) -> None:
        """Opened again, perhaps from a row of Outbound."""
        if self.tracing is not None:
            self._begin()

    def _begin(self) -> None:
        """Trace what was handed over; where there is nothing, the first question waits until somebody looks at this tab."""
        if self._take():
            self._unasked = False
        elif self._unasked and self.is_current:
            self.action_target()

    def _take(self) -> bool:
        """Trace what another tab has handed over; False where it has nothing."""
        aim, self.console.aim = self.console.aim, None
        if aim is not None:
            self._start(aim)
        return aim is not None

    async def finish(self) -> None:
        """What was found of the path is kept."""
        if self.tracing is not None:
            await self.tracing.end()

    async def on_unmount(self) -> None:
        """Nothing goes on without the console."""
        if self.tracing is not None:
            await self.tracing.close()

    # ------------------------------------------------------------------------------------------------------------------ drawing
    @property
    def shown(self) -> Shown:
        """What there is to show."""
        from aetui.screens.path_view import Shown

        tracing = self.tracing
        return Shown(tracing.phase, tracing.aim, tracing.trace, tracing.fault) if tracing is not None else Shown()

    @property
    def look(self) -> Look:
        """How it is to be shown."""
        from aetui.screens.path_rows import Look

        return Look(
            self.query_one(Rows).size.width - 1, self.columns, self.console.ascii, self.tracing.turn if self.tracing is not None else 0
        )

    def draw(self) -> None:
        """Everything that may have changed; the widgets send only what did."""
        if self.tracing is None or not self.is_attached:
            return
        from aetui.screens import path_rows, path_view

        shown, look, hops = self.shown, self.look, self.query_one(Rows)
        self.place.say(self.console.launch.place)
        self._summarise(path_view.summary(shown, self.size.width))
        self.query_one("#target", Lines).show([path_view.target(shown, self.size.width)])
        self.query_one("#titles", Lines).show([path_rows.titles(shown.trace, look)])
        hops.show_rows(path_rows.rows(shown.trace, look) if shown.trace is not None else ())
        self._settle(hops)
        self._draw_details()
        self.refresh_bindings()
        if isinstance(self.app.screen, Reader):
            self.app.screen.again()

    def _summarise(self, lines: list[Line]) -> None:
        """The verdict, in as many lines as it takes."""
        summary = self.query_one("#summary", Lines)
        if summary.size.height != len(lines):
            summary.styles.height = len(lines)
        summary.show(lines)

    def _settle(self, hops: Rows) -> None:
        """Once the path stands the cursor goes where the port dies, unless somebody has moved it."""
        trace = self.shown.trace
        if self._settled or trace is None or self.tracing is None or self.tracing.busy:
            return
        self._settled = True
        if not hops.moved and trace.dies_after is not None:
            hops.select(f"hop:{trace.dies_after}")

    @property
    def ttl(self) -> int | None:
        """The selected hop."""
        number = self.query_one(Rows).key.removeprefix("hop:")
        return int(number) if number.isdigit() else None

    def _draw_details(self, keep: bool = True) -> None:
        if self.tracing is None:
            return
        from aetui.screens import path_view

        trace, rule = self.tracing.trace, self.query_one("#hop-rule", Lines)
        title = path_view.title(trace, self.ttl)
        heading = line(("──", "muted"), (f" {title} " if title else "", "head"), ("─" * rule.size.width, "muted"))
        rule.show([heading])
        self.query_one("#hop-details", Page).show_paras(path_view.details(trace, self.ttl), keep)

    def on_resize(self) -> None:
        """Columns depend on the width; the widgets know theirs after the layout."""
        self.call_after_refresh(self.draw)

    def on_rows_moved(self) -> None:
        """Another hop: other details."""
        self._draw_details(keep=False)

    def on_rows_chosen(self) -> None:
        """Enter: the details on a page of their own."""
        tracing, ttl = self.tracing, self.ttl
        if tracing is not None:
            from aetui.screens import path_view

            self.app.push_screen(Reader(path_view.title(tracing.trace, ttl), lambda: path_view.details(tracing.trace, ttl)))

    # ------------------------------------------------------------------------------------------------------------------ tracing
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what does something now is offered."""
        tracing = self.tracing
        if tracing is None or tracing.aim is None:
            return action not in {"retrace", "pause", "live", "protocol", "columns", "meaning", "halt", "branches", "sizes"} and (
                action != "target" or tracing is not None
            )
        match action:
            case "pause":
                return tracing.phase is Phase.LIVE
            case "live":
                return tracing.phase is Phase.PAUSED
            case "halt":
                return tracing.going
            case "retrace" | "protocol" | "branches" | "sizes":
                return not tracing.busy
            case _:
                return True

    def _start(self, aim: Aim) -> None:
        if self.tracing is not None:
            self.query_one(Rows).forget()
            self._settled = False
            self.run_worker(self.tracing.start(aim, self.console.launch, self._known()), exclusive=True, group="start")

    def _known(self) -> tuple[TcpSeen, ...]:
        """Every connect that the last run has seen."""
        from aetui.observations import TcpSeen

        state = self.console.runner.state
        found = (result.observation for result in state.results.values()) if state is not None else ()
        return tuple(one for one in found if isinstance(one, TcpSeen))

    def action_target(self) -> None:
        """Type a target."""
        if self.tracing is not None:
            from aetui.screens.path_entry import TargetSheet

            self._unasked = False
            self.app.push_screen(TargetSheet(self.tracing.aim or self._suggested()), self._typed)

    def _suggested(self) -> Aim | None:
        """The first port that the last run found closed."""
        from aetui.screens.outbound_view import View
        from aetui.screens.path_aim import aim_of

        view = View(self.console.runner)
        return aim_of(view.scene, view.closed()) if view.scene is not None else None

    def _typed(self, aim: Aim | None) -> None:
        if aim is not None:
            self._start(aim)

    def _again(self, **changes: object) -> None:
        if self.tracing is not None and self.tracing.aim is not None:
            self._start(replace(self.tracing.aim, **changes))  # type: ignore[arg-type]

    def action_retrace(self) -> None:
        """The same target from the beginning."""
        self._again()

    def action_protocol(self) -> None:
        """The same host by the next protocol."""
        if self.tracing is not None and self.tracing.aim is not None:
            aim = self.tracing.aim
            proto = PROTOCOLS[(PROTOCOLS.index(aim.proto) + 1) % len(PROTOCOLS)]
            self._again(proto=proto, port=DEFAULT_PORT if proto == "tcp" and aim.port is None else aim.port)

    def action_branches(self) -> None:
        """Vary the flow on purpose."""
        self._again(branches=True)

    def action_sizes(self) -> None:
        """Find the size that gets through."""
        self._again(sizes=True)

    def action_pause(self) -> None:
        """Send nothing more for now."""
        if self.tracing is not None:
            self.tracing.pause()

    def action_live(self) -> None:
        """Go on."""
        if self.tracing is not None:
            self.tracing.resume()

    def action_halt(self) -> None:
        """Stop."""
        if self.tracing is not None:
            self.tracing.stop()

    def interrupt(self) -> bool:
        """Ctrl+C: stop the trace, where there is one to stop."""
        going = self.tracing is not None and self.tracing.going
        self.action_halt()
        return going

    # ------------------------------------------------------------------------------------------------------------------ looking
    def action_columns(self) -> None:
        """The next set of columns."""
        from aetui.screens.path_rows import SETS

        self.columns = SETS[(SETS.index(self.columns) + 1) % len(SETS)]
        self.draw()

    def action_unfold(self) -> None:
        """More hops, or the details."""
        self.toggle_class("-unfolded")
        self.call_after_refresh(self.draw)

    def action_meaning(self) -> None:
        """What the trace rests on."""
        from aetui.screens import path_view

        self.app.push_screen(Reader(path_view.headline(self.shown).word, lambda: path_view.explanation(self.shown)))
