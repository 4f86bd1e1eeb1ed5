"""The jump hosts, over the tab: those of the ssh configuration and those used before. One is tried with one key, another named, several
marked; gives the names to knock through, or None where the person went back.

What a jump host asks (password, host key) is asked on the screen by the asker of ``outside``. What was found by trying stays with
``Tried`` for the console's life.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from aetui.display import displayable
from aetui.screens.inbound_form import Field, Form
from aetui.screens.inbound_outside import Outside, fault_of
from aetui.screens.inbound_rows import sign
from aetui.screens.inbound_typed import jump_name
from aetui.screens.inbound_words import say
from aetui.screens.sheet import Sheet
from aetui.screens.skin import SIGN_WIDTH
from aetui.screens.widgets.bars import KeyBar
from aetui.screens.widgets.lines import Lines, cut, line
from aetui.screens.widgets.page import Page, Para
from aetui.screens.widgets.rows import MARK_WIDTH, Row, Rows
from aetui.store.jumphosts import forget, remembered
from aetui.store.place import StoreError
from aetui.vantage.sshconfig import SshConfig
from aetui.vantage.sshfile import ConfigFault

MARKED = "+"
MOST_NAME = 34
"""Columns of a name."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of trying one jump host."""

    standing: str = "untried"
    """``untried``, ``trying``, ``works`` or ``failed``; keys of ``inbound_rows.sign``."""
    said: str = ""
    """One sentence, displayable."""


class JumpHosts(Sheet[tuple[str, ...] | None]):
    """See the module."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "use", "Knock through it", key_display="Enter", priority=True),
        Binding("space", "mark", "Mark", key_display="Space"),
        Binding("t", "try_it", "Try"),
        Binding("a", "add", "Name another"),
        Binding("x", "forget", "Forget"),
        Binding("escape,q", "cancel", "Back", key_display="Esc"),
    ]

    def __init__(self, outside: Outside, tried: dict[str, Tried]) -> None:
        super().__init__()
        self.outside = outside
        self.tried = tried
        self.configured: tuple[str, ...] = ()
        self.used: tuple[str, ...] = ()
        self.marked: dict[str, None] = {}
        """Those to knock through at once, in the order in which they were marked."""
        self.fault = ""
        self._attempt: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        """Heading, list, what is known of the selected one, keys."""
        with Vertical(id="sheet"):
            yield Lines([line((" ", "bar"), (say("hosts", "title"), "bar-strong"))], id="sheet-title")
            yield Rows(id="sheet-rows")
            yield Page(id="hosts-note")
        yield KeyBar()

    def on_mount(self) -> None:
        """Read the names."""
        self._read()
        self.query_one(Rows).focus()
        self.call_after_refresh(self.draw)

    def _read(self) -> None:
        self.used = remembered()
        try:
            self.configured = SshConfig().hosts()
        except ConfigFault as fault:
            self.fault = say("hosts", "config_wrong", why=displayable(str(fault), 300))

    @property
    def names(self) -> tuple[str, ...]:
        """Every known name: those used before first, the last one on top; then the configuration's in its order."""
        return tuple(dict.fromkeys((*self.used, *self.configured)))

    # ------------------------------------------------------------------------------------------------------------------ drawing
    def draw(self) -> None:
        """The list as it is now."""
        if self.is_attached:
            self.query_one(Rows).show_rows(self._rows())
            self._explain()
            self.refresh_bindings()

    def _rows(self) -> Iterator[Row]:
        width = min(MOST_NAME, max((cell_len(displayable(name, MOST_NAME)) for name in self.names), default=0)) + 2
        for name in self.names:
            tried = self.tried.get(name, Tried())
            shown = sign(tried.standing)
            room = self.query_one(Rows).size.width - MARK_WIDTH - SIGN_WIDTH - width - 3
            mark = (f"{MARKED if name in self.marked else ' '} ", "key")
            spans = (mark, (shown.text.ljust(SIGN_WIDTH), shown.ink), (cut(displayable(name, 80), width), "strong"))
            yield Row(name, (*spans, (cut(tried.said or self._origin(name), max(0, room)).rstrip(), "muted")))
        if not self.names:
            yield Row("", ((say("hosts", "none"), "muted"),), stop=False)

    def _origin(self, name: str) -> str:
        if name in self.used:
            return say("hosts", "both" if name in self.configured else "remembered")
        return say("hosts", "config")

    def _explain(self) -> None:
        tried = self.tried.get(self.query_one(Rows).key, Tried())
        said = [Para(self.fault, "warn")] if self.fault else []
        said += [Para(tried.said, "strong" if tried.standing == "failed" else "plain")] if tried.said else []
        self.query_one("#hosts-note", Page).show_paras([*said, Para(say("hosts", "help"), "muted")])

    def on_rows_moved(self) -> None:
        """What is known of another one."""
        self._explain()
        self.refresh_bindings()

    def on_resize(self) -> None:
        """Fit the words to the width."""
        self.call_after_refresh(self.draw)

    # ------------------------------------------------------------------------------------------------------------------ actions
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what does something now is offered."""
        key = self.query_one(Rows).key if self.is_mounted else ""
        match action:
            case "use" | "mark":
                return bool(key)
            case "try_it":
                return bool(key) and not self.trying
            case "forget":
                return key in self.used
            case _:
                return True

    @property
    def trying(self) -> bool:
        """True while a jump host is being tried."""
        return self._attempt is not None and not self._attempt.done()

    def action_use(self) -> None:
        """Take the marked ones and the selected one."""
        key = self.query_one(Rows).key
        self._leave(tuple(dict.fromkeys((*self.marked, key))) if key else None)

    def action_mark(self) -> None:
        """Mark the selected one, or take the mark away."""
        key = self.query_one(Rows).key
        if key in self.marked:
            del self.marked[key]
        else:
            self.marked[key] = None
        self.draw()
        self.query_one(Rows).select(key)

    def on_rows_chosen(self) -> None:
        """A click on the selected row."""
        self.action_use()

    def action_cancel(self) -> None:
        """Back."""
        self._leave(None)

    def _leave(self, chosen: tuple[str, ...] | None) -> None:
        if self._attempt is not None:
            self._attempt.cancel()
        self.dismiss(chosen)

    def action_try_it(self) -> None:
        """Connect to the selected one and say how it went."""
        name = self.query_one(Rows).key
        if name and not self.trying:
            self._attempt = asyncio.create_task(self._try(name), name="aetui-try")

    async def _try(self, name: str) -> None:
        self.tried[name] = Tried("trying", say("hosts", "trying"))
        self.draw()
        try:
            await self.outside.open(name)
            seen = self.outside.seen_as
            self.tried[name] = Tried("works", say("hosts", "works_seen", address=seen) if seen else say("hosts", "works_private"))
            self._read()
        except asyncio.CancelledError:
            self.tried.pop(name, None)
            raise
        except Exception as error:
            self.tried[name] = Tried("failed", fault_of(error))
        finally:
            self.draw()

    def action_add(self) -> None:
        """Name one, and try it."""
        field = Field("name", say("hosts", "add_name"), say("hosts", "add_name_help"))
        self.app.push_screen(Form(say("hosts", "add"), [field], lambda typed: jump_name(typed["name"])), self._named)

    def _named(self, name: str | None) -> None:
        if name is None:
            return
        self.used = (name, *(other for other in self.used if other != name))
        self.draw()
        self.query_one(Rows).select(name)
        self.action_try_it()

    def action_forget(self) -> None:
        """Take the selected one out of those used before."""
        name = self.query_one(Rows).key
        try:
            forget(name)
        except StoreError as error:
            self.fault = displayable(str(error), 300)
        self._read()
        self.tried.pop(name, None)
        self.marked.pop(name, None)
        self.draw()
