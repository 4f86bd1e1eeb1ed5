"""Writes the console's runs to the history, and knows what a person says of them: the site's name and a note.

The rules are those of ``aetui check``: real runs are saved unless the launch says otherwise, runs against the embedded site only where
it asks for it. What is found beside a run (traces, knocks, looks from outside) stands in the run's session; where none has run at this
place, in a session of its own, which begins with the first thing found. Trouble (a full disk, a home that cannot be written) is one
sentence in ``trouble``, and the run goes on unsaved. The site's name stays for as long as the console runs; a note belongs to the session
during which it was written.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING

from aetui.display import displayable

if TYPE_CHECKING:
    from aetui.entries import About, Found, Kept
    from aetui.events import Event
    from aetui.inbound.knocklog import Share
    from aetui.path.records import Trace
    from aetui.prepare import Prepared
    from aetui.reach import InboundSeen, Knock
    from aetui.records import Diagnosed, VantageInfo
    from aetui.screens.launch import Launch
    from aetui.state import State
    from aetui.store import Journal

LONGEST_NAME = 120
LONGEST_NOTE = 400
"""Characters of a site's name and of a note: what one line of a form takes."""


class Keeper:
    """One console's journal. ``launch`` gives what the console is looking at now."""

    def __init__(self, launch: Callable[[], Launch], changed: Callable[[], None] = lambda: None) -> None:
        self.launch = launch
        self.name = displayable(launch().site, LONGEST_NAME)
        self.note = displayable(launch().note, LONGEST_NOTE)
        self.trouble = ""
        """Why the run is not saved, where it was to be."""
        self.changed = changed
        self.ended: Callable[[], None] = lambda: None
        """Called when a session has ended and stands in the history so."""
        self._journal: Journal | None = None
        """Of the present vantage's runs."""
        self._aside: Aside | None = None
        self._about: About | None = None
        self._begun = self._ran = self._over = False
        """A first session has begun since the console was told what to look at; one has at the vantage that is open now."""
        self._place = ""
        """Where the present run looks from."""
        self._started = datetime.now(UTC)
        self._found: list[Found] = []
        self._share: Share | None = None

    @property
    def session(self) -> str | None:
        """Id of the session that the history holds of the present run, or of what was found without one; None where it holds none."""
        journal = self._present
        return journal.id if journal is not None else None

    @property
    def _runs_here(self) -> bool:
        """True where the present run is of the place that the console looks at now."""
        return self._ran and self._place == self.launch().place

    @property
    def _present(self) -> Journal | None:
        """Where what is found now is written down, if anywhere yet."""
        return self._journal if self._runs_here else self._aside.journal if self._aside is not None else None

    @property
    def about(self) -> About:
        """What is said of the present session beside its events."""
        from aetui.entries import About

        return replace(self._about or About("console"), name=self.name, note=self.note)

    @contextmanager
    def kept(self, launch: Launch, prepared: Prepared) -> Iterator[None]:
        """Write down what this vantage's sessions do, for as long as the context lasts."""
        from aetui import __version__
        from aetui.entries import About

        catalogue = prepared.catalogue
        mine = self._about = About("console", "", "", __version__, catalogue.version, catalogue.sha256, catalogue.changes)
        self.trouble, self._place, journal = "", launch.place, None
        listeners: tuple[Callable[[Event], None], ...] = (self._see,)
        if _wanted(launch):
            from aetui.store import Journal

            journal = Journal(self.about, self._say)
            listeners += (journal, self._end)
        self._journal = journal
        prepared.session.listeners += listeners
        try:
            yield
        finally:
            if journal is not None:
                journal.close()
            if self._about is mine:  # an end that comes late is not the next run's
                self._journal, self._ran = None, False

    def next(self, name: str, note: str) -> None:
        """What the next session is called."""
        self.name, self.note, self._begun = displayable(name, LONGEST_NAME), displayable(note, LONGEST_NOTE), False

    def traced(self, trace: Trace) -> None:
        """Write a trace down."""
        from aetui.entries import TraceDone

        self._keep("trace", lambda at: TraceDone(at, trace))

    def knocked(self, knocks: Iterable[Knock]) -> None:
        """Write knocks down that came together; of a flood only so many."""
        from aetui.entries import Knocked
        from aetui.inbound.knocklog import Share

        self._share = self._share or Share()
        taken = [partial(Knocked, knock=knock) for knock in filter(self._share.takes, knocks)]
        if taken:
            self._keep("listen", *taken)

    def confirmed(self, seen: InboundSeen, diagnosis: tuple[Diagnosed, ...]) -> None:
        """Write down a try of the site's public address from outside."""
        from aetui.entries import InboundDone

        self._keep("confirm", lambda at: InboundDone(at, seen, diagnosis))

    def _keep(self, command: str, *makers: Callable[[float], Found]) -> None:
        """In the run's session, or in the one beside it, which is begun where there is none for this place."""
        if self._over:
            return
        journal = self._journal if self._runs_here else self._begun_beside(command)
        entries = [make(self.at) for make in makers]
        self._found.extend(entries)
        if journal is not None:
            journal.keep(*entries)

    async def expect(self) -> None:
        """Have the history open for what may be found here: the first knock of a flood must not wait for that."""
        await asyncio.to_thread(import_module, "aetui.store")
        if not self._over and not self._runs_here:
            self._beside()

    def _begun_beside(self, command: str) -> Journal | None:
        """The session for what is found where nothing has run; None where it is not to be saved."""
        aside = self._beside()
        if aside is None:
            return None
        if not aside.begun:
            self._found, self._started = [], aside.begin(command, self.name, self.note)
        return aside.journal

    def _beside(self) -> Aside | None:
        """The one of this place, begun or not."""
        if self._aside is None or self._aside.place != self.launch().place:
            self.close()
            self._aside = Aside(self.launch(), self._say) if _wanted(self.launch()) else None
        return self._aside

    def end(self) -> None:
        """The console ends: what still comes is not written down."""
        self._over = True
        self.close()

    def close(self) -> None:
        """What was found without a run is over."""
        aside, self._aside = self._aside, None
        if aside is not None:
            aside.close()

    @property
    def at(self) -> float:
        """Milliseconds since the present session began, by the wall clock."""
        return max(0.0, (datetime.now(UTC) - self._started).total_seconds() * 1000)

    async def call(self, name: str, note: str) -> str:
        """Name the site and note something of the present session; gives what went wrong, or nothing."""
        self.name, self.note = displayable(name, LONGEST_NAME), displayable(note, LONGEST_NOTE)
        if self.session is None:
            return ""
        if self._journal is not None:
            self._journal.about = self.about
        from aetui.screens.history_shelf import describe

        return await asyncio.to_thread(describe, self.session, self.name, self.note)

    def kept_now(self, state: State) -> Kept:
        """The present session as a report takes it: a copy, since the run goes on."""
        from aetui.entries import sorted_out

        still = replace(state, checks=dict(state.checks), results=dict(state.results), running=set(), beside=dict(state.beside))
        return sorted_out(still, self.about, self._found)

    def _see(self, event: Event) -> None:
        """A second run is a session of its own, and has no note yet."""
        from aetui.events import SessionStarted

        if isinstance(event, SessionStarted):
            self.close()
            self._started, self._found, self._share = event.started, [], None
            if self._begun:
                self.note = ""
                if self._journal is not None:
                    self._journal.about = self.about
            self._begun = self._ran = True

    def _end(self, event: Event) -> None:
        from aetui.events import SessionEnded

        if isinstance(event, SessionEnded):
            self.ended()

    def _say(self, why: str) -> None:
        self.trouble = why
        self.changed()


class Aside:
    """A session of its own for what is found where nothing has run; the history has it once it is begun."""

    def __init__(self, launch: Launch, trouble: Callable[[str], None]) -> None:
        from aetui import __version__
        from aetui.catalogue import load
        from aetui.entries import About
        from aetui.store import Journal

        self.place, self.begun = launch.place, False
        self._whence, self._zero, shipped = _whence(launch), 0.0, load()
        self.journal = Journal(About("", "", "", __version__, shipped.version, shipped.sha256, shipped.changes), trouble)

    def begin(self, command: str, name: str, note: str) -> datetime:
        """The first thing has been found; gives the time at which the session begins."""
        from aetui.events import SessionStarted, new_id

        self.begun, self._zero, now = True, monotonic(), datetime.now(UTC)
        self.journal.about = replace(self.journal.about, command=command, name=name, note=note)
        self.journal(SessionStarted(0.0, new_id(now), now, self._whence, (), (), 0.0))
        return now

    def close(self) -> None:
        """It is over."""
        from aetui.events import SessionEnded

        if self.begun:
            self.journal(SessionEnded((monotonic() - self._zero) * 1000, "done"))
        self.journal.close()


def _whence(launch: Launch) -> VantageInfo:
    """Where the console looks from, as far as its launch says."""
    from aetui.records import VantageInfo

    if launch.demo is not None:
        return VantageInfo("demo", launch.demo)
    kind, _, name = launch.vantage.partition(":")
    return VantageInfo(kind, displayable(name or platform.node() or "this computer", 80))


def _wanted(launch: Launch) -> bool:
    """True where what is seen there goes to the history."""
    return launch.save if launch.save is not None else launch.demo is None
