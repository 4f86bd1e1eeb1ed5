"""Between the two halves and the Inbound screen: makes them, and gives rows, summary and details as records to draw.

Imported after the first paint, since everything of the engine hangs on it. Holds no truth: that is in ``inbound_site`` and
``inbound_outside``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aetui.inbound.ports import RightMissing
from aetui.screens import inbound_details
from aetui.screens.inbound_headline import exposure, headline
from aetui.screens.inbound_outside import Here, Jump, OnSite, Outside, Question, Way
from aetui.screens.inbound_rows import Look, numbered, rows
from aetui.screens.inbound_site import Port, Site, no_helper
from aetui.screens.outbound_view import written
from aetui.screens.widgets.lines import Line, cut, line
from aetui.store.jumphosts import SYSTEM, remember
from aetui.store.place import StoreError
from aetui.vantage.choose import VantageSpec, make

if TYPE_CHECKING:
    from aetui.inbound.ports import Opener
    from aetui.screens.keeper import Keeper
    from aetui.screens.widgets.page import Para
    from aetui.screens.widgets.rows import Row
    from aetui.vantage.asker import Asker
    from aetui.vantage.base import Vantage

DEMO_HOST = "outside"
"""What the demo's jump host is called."""


def jump_vantage(name: str, asker: Asker) -> Vantage:
    """A jump host, not open yet; by the system's own ssh where the name says so."""
    own = name.startswith(SYSTEM)
    return make(VantageSpec("ssh" if own else "jump", name.removeprefix(SYSTEM)), asker)


def local_vantage() -> Vantage:
    """This computer, not open yet."""
    return make(VantageSpec("local"))


def keep(name: str) -> None:
    """Remember a jump host's name; where that cannot be, it is asked for again next time."""
    with suppress(StoreError):
        remember(name)


class View:
    """What the screen draws, asked for anew at every repaint."""

    def __init__(
        self,
        changed: Callable[[], None],
        rang: Callable[[], None],
        asker: Asker,
        helper: Callable[[], Awaitable[Opener | None]] = no_helper,
        keeper: Keeper | None = None,
    ) -> None:
        self.site = Site(changed, rang, helper=helper)
        self.outside = Outside(changed, partial(jump_vantage, asker=asker), local_vantage, keep)
        if keeper is not None:
            self.site.keep, self.site.expect = keeper.knocked, keeper.expect
            self.outside.keep = lambda result: keeper.confirmed(result.seen, result.findings)

    # ------------------------------------------------------------------------------------------------------------ what is drawn
    def summary(self, width: int) -> list[Line]:
        """The two lines on top."""
        return written(headline(self.site, self.outside), width)

    def exposure(self, width: int) -> Line:
        """The line that says whether a port is exposed."""
        text, ink = exposure(self.site)
        return line((f" {cut(text, width - 2).rstrip()}", ink))

    def rows(self, look: Look) -> tuple[Row, ...]:
        """The list."""
        return tuple(rows(self.site, self.outside, look))

    def title(self, key: str) -> str:
        """What the details are headed with."""
        return inbound_details.title(self.site, self.outside, key)

    def details(self, key: str, width: int) -> Sequence[Para]:
        """What is known of a row."""
        return inbound_details.details(self.site, self.outside, key, width)

    def explanation(self, key: str, width: int) -> Sequence[Para]:
        """What it means."""
        return inbound_details.explanation(self.site, self.outside, key, width)

    # --------------------------------------------------------------------------------------------------------- what can be done
    def forbidden(self, key: str) -> tuple[Port, RightMissing] | None:
        """The port that takes a right and has a high one to offer: the selected one, or the only one."""
        found = [(port, port.outcome) for port in self.site.ports if isinstance(port.outcome, RightMissing) and port.outcome.instead]
        kind, number = numbered(key)
        selected = [one for one in found if kind == "port" and one[0].wanted == number]
        return next(iter(selected or (found if len(found) == 1 else [])), None)

    @property
    def on_site(self) -> OnSite:
        """What the listener here knows, for the outside half."""
        site = self.site
        if not site.is_open or site.listener is None:
            return OnSite()
        leads = site.forwards
        listening = tuple(leads) if site.is_demo else tuple(leads.values())
        return OnSite(lambda: site.knocks, listening, tuple(map(str, site.settings.allow)), leads if site.is_demo else {})

    def filled(self, question: Question) -> Question:
        """A question with what the listener here adds: its code, and the forwards that would lead to it."""
        site = self.site
        if isinstance(question.way, Here) or not site.is_open:
            return question
        own = tuple((port, port) if site.is_demo else (port, inner) for port, inner in site.forwards.items())
        return replace(question, code=site.code, forwards=question.forwards or own)

    def way(self, demo: bool) -> Way | None:
        """The jump host that was used last, where there is one."""
        if demo:
            return Jump(DEMO_HOST)
        question = self.outside.question
        return question.way if question is not None and isinstance(question.way, Jump) else None
