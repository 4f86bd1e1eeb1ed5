"""The console's app: themes, keys that hold everywhere, the palette, and what outlives a tab (the launch and the runner).

``start`` runs it and gives an exit status. The app paints first; a tab loads what it needs afterwards. Ends within 0.1 s of being told
to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import Reactive
from textual.signal import Signal

from aetui.screens.frame import TabScreen
from aetui.screens.glass import Glass
from aetui.screens.keeper import Keeper
from aetui.screens.keys import Keys, typed
from aetui.screens.launch import Launch
from aetui.screens.learnt import Learnt
from aetui.screens.packets import Packets
from aetui.screens.runner import Prepare, Runner, engine
from aetui.screens.skin import COLOURED, COLOURLESS, AsciiFilter, fits_utf8, styles, themes
from aetui.screens.tabs import TABS

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.events import Event
    from textual.filter import LineFilter
    from textual.screen import Screen
    from textual.theme import Theme

    from aetui.entries import Kept
    from aetui.packet.spawning import Spawned
    from aetui.path.engines import Engines
    from aetui.prepare import Prepared
    from aetui.screens.outbound import Outbound
    from aetui.screens.path_aim import Aim


class AetuiApp(App[int]):
    """The console."""

    TITLE = "aetui"
    CSS = styles()
    DEFAULT_MODE = TABS[0].name
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {tab.name: tab.load for tab in TABS}
    theme = Reactive(COLOURED)
    COMMAND_PALETTE_DISPLAY = "Ctrl+P"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,f1", "help", "Help"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+q", "quit", "Quit"),
        Binding("ctrl+c", "stop_or_quit", "Stop, or quit", show=False, priority=True),
        Binding("ctrl+l", "redraw", "Draw anew", show=False),
        *(Binding(tab.key, f"tab('{tab.name}')", tab.title, show=False) for tab in TABS),
    ]

    def __init__(
        self, launch: Launch | None = None, *, prepare: Prepare | None = None, encoding: str | None = None, helper: Spawned | None = None
    ) -> None:
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.animation_level = "none"
        self.launch = launch or Launch()
        self.glass = Glass()
        self.keys = Keys(self, super().on_event)
        self.alarms: Signal[frozenset[str]] = Signal(self, "alarms")
        self.alarmed: frozenset[str] = frozenset()
        """Names of the tabs where something is open that must not be forgotten; the bar on top marks them."""
        self.packets = Packets(helper)
        self.learnt = Learnt()
        """What one tab has learnt of the site and another can use."""
        self.engines: Callable[[], Engines] | None = None
        """What sends the probes of traces, in place of the usual."""
        self.aim: Aim | None = None
        """What the Path tab is to trace when it is opened next."""
        self.runner = Runner(changed=lambda: None, prepare=prepare or self._engine)
        self.keeper = Keeper(lambda: self.launch, self._kept)
        self.runner.keep = self.keeper.kept
        if self.no_color or self.console.color_system in {None, "standard", "windows"}:
            self.theme = COLOURLESS
        self._ascii = [] if fits_utf8(encoding or getattr(sys.__stderr__, "encoding", None)) else [AsciiFilter()]

    def _kept(self) -> None:
        """The keeper has something to say: whoever draws the runner's state draws that too."""
        self.runner.changed()

    def _engine(self, launch: Launch) -> AbstractAsyncContextManager[Prepared]:
        from aetui.screens.asking import ScreenAsker

        return engine(launch, ScreenAsker(self), self.packets.ready)

    @property
    def available_themes(self) -> dict[str, Theme]:
        """The console's own: known before Textual's constructor asks, so that the stylesheet is read once."""
        return {theme.name: theme for theme in themes()}

    def on_mount(self) -> None:
        """What was on the terminal while another program had it is not known."""
        self.app_resume_signal.subscribe(self, lambda _app: self.glass.forget())

    async def on_event(self, event: Event) -> None:
        """What is typed comes in its turn."""
        await (self.keys.take(event) if typed(event) else super().on_event(event))

    def relaunch(self, **changes: Any) -> None:
        """Look at something else from now on."""
        self.launch = replace(self.launch, **changes)

    # -------------------------------------------------------------------------------------------------------------- the terminal
    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Send only what differs from what the terminal shows."""
        sending = renderable is not None and self._running and not self.is_headless and not self._batch_count
        if renderable is not None and sending:
            ready = self.glass.sift(renderable, self.console, self.size)
            super()._display(screen, cast("RenderableType", ready) if ready.text else None)
        else:
            super()._display(screen, renderable)

    @property
    def ascii(self) -> bool:
        """True where the terminal has no more than ASCII."""
        return bool(self._ascii)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and ASCII where the terminal knows no more."""
        return [*super().get_line_filters(), *self._ascii]

    def action_next_theme(self) -> None:
        """Dark, light, the terminal's own colours."""
        names = [theme.name for theme in themes()]
        self.theme = COLOURLESS if self.no_color else names[(names.index(self.theme) + 1) % len(names)]

    def alarm(self, tab: str, on: bool) -> None:
        """Mark a tab in the bar on top of every tab, or take the mark away."""
        alarmed = self.alarmed | {tab} if on else self.alarmed - {tab}
        if alarmed != self.alarmed:
            self.alarmed = alarmed
            self.alarms.publish(alarmed)

    def action_redraw(self) -> None:
        """Send the whole screen anew: something else has written on it."""
        self.glass.forget()
        self.refresh(layout=True)

    # ------------------------------------------------------------------------------------------------------------------ actions
    def action_tab(self, name: str) -> None:
        """Go to a tab."""
        self.switch_mode(name)

    def trace(self, aim: Aim) -> None:
        """Go to the Path tab and trace this."""
        self.aim = aim
        self.switch_mode("path")

    def rerun(self, before: Kept, changes: Mapping[str, Any]) -> None:
        """Go to the Outbound tab, run this part of an earlier session once more, and say what differs."""
        self.switch_mode("outbound")
        outbound = cast("Outbound", self.screen_stack[0])
        while len(self.screen_stack) > 1:  # a sheet that was left open there
            self.pop_screen()
        self.keeper.next(changes.get("site", ""), changes.get("note", ""))
        outbound.start(**changes)
        outbound.before = before

    def action_help(self) -> None:
        """Every key, and what the signs mean."""
        from aetui.screens.help import help_page
        from aetui.screens.reader import Reader

        self.push_screen(Reader("Help", partial(help_page, self.current_mode)))

    async def action_quit(self) -> None:
        """Stop everything and leave."""
        for tab in [*chain.from_iterable(self._screen_stacks.values())]:
            if isinstance(tab, TabScreen):
                await tab.finish()
        await self.runner.close()
        await self.packets.close()
        self.keeper.end()
        self.exit(0)

    async def action_stop_or_quit(self) -> None:
        """What Ctrl+C is used for: stop what runs; where nothing does, leave."""
        if any(screen.interrupt() for screen in self.screen_stack if isinstance(screen, TabScreen)):
            return
        if self.runner.busy:
            self.runner.stop()
        else:
            await self.action_quit()

    def action_command_palette(self) -> None:
        """Every command by its name."""
        from aetui.screens.commands import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers on every tab; a tab's own commands come from its bindings."""
        from aetui.screens.commands import of_bindings

        yield from of_bindings(screen)
        for tab in TABS:
            yield SystemCommand(f"Go to {tab.title}", tab.does, partial(self.action_tab, tab.name))
        yield SystemCommand("Change the colours", "Dark, light, or the terminal's own.", self.action_next_theme)


def start(launch: Launch, helper: Spawned | None = None) -> int:
    """Run the console; gives the exit status. ``helper`` is the packet helper, where it was started already."""
    app = AetuiApp(launch, helper=helper)
    try:
        app.run(mouse=launch.mouse)
    finally:
        app.keeper.end()
    return app.return_code or 0
