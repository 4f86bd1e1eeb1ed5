"""Writes the console's runs to the history, and knows what a person says of them: the site's name and a note.

The rules are those of ``aetui check``: real runs are saved unless the launch says otherwise, runs against the embedded site only where
it asks for it. Trouble (a full disk, a home that cannot be written) is one sentence in ``trouble``, and the run goes on unsaved. The
site's name stays for as long as the console runs; a note belongs to the session during which it was written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aetui.display import displayable

if TYPE_CHECKING:
    from aetui.entries import About, Found, Kept, TraceDone
    from aetui.events import Event
    from aetui.path.records import Trace
    from aetui.prepare import Prepared
    from aetui.screens.launch import Launch
    from aetui.state import State
    from aetui.store import Journal

LONGEST_NAME = 120
LONGEST_NOTE = 400
"""Characters of a site's name and of a note: what one line of a form takes."""


class Keeper:
    """One console's journal."""

    def __init__(self, launch: Launch, changed: Callable[[], None] = lambda: None) -> None:
        self.name = displayable(launch.site, LONGEST_NAME)
        self.note = displayable(launch.note, LONGEST_NOTE)
        self.trouble = ""
        """Why the run is not saved, where it was to be."""
        self.changed = changed
        self.ended: Callable[[], None] = lambda: None
        """Called when a session has ended and stands in the history so."""
        self._journal: Journal | None = None
        self._about: About | None = None
        self._begun = False
        self._started = datetime.now(UTC)
        self._traces: list[TraceDone] = []

    @property
    def session(self) -> str | None:
        """Id of the session that the history holds of the present run; None where it holds none."""
        return self._journal.id if self._journal is not None else None

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
        self._about = About("console", "", "", __version__, catalogue.version, catalogue.sha256, catalogue.changes)
        self.trouble, self._journal = "", None
        if not (launch.save if launch.save is not None else launch.demo is None):
            prepared.session.listeners += (self._see,)
            yield
            return
        from aetui.store import Journal

        journal = self._journal = Journal(self.about, self._say)
        prepared.session.listeners += (self._see, journal, self._end)
        try:
            yield
        finally:
            journal.close()

    def next(self, name: str, note: str) -> None:
        """What the next session is called."""
        self.name, self.note, self._begun = displayable(name, LONGEST_NAME), displayable(note, LONGEST_NOTE), False

    def found(self, entry: Found) -> None:
        """Write down what is no event of a run: a trace, a knock, an answer. Dropped where no session is being saved."""
        if self._journal is not None:
            self._journal.keep(entry)

    def traced(self, trace: Trace) -> None:
        """Write a trace down."""
        from aetui.entries import TraceDone

        done = TraceDone(self.at, trace)
        self._traces.append(done)
        self.found(done)

    @property
    def at(self) -> float:
        """Milliseconds since the present session began, by the wall clock."""
        return max(0.0, (datetime.now(UTC) - self._started).total_seconds() * 1000)

    async def call(self, name: str, note: str) -> str:
        """Name the site and note something of the present session; gives what went wrong, or nothing."""
        self.name, self.note = displayable(name, LONGEST_NAME), displayable(note, LONGEST_NOTE)
        if self._journal is None or self.session is None:
            return ""
        self._journal.about = self.about
        from aetui.screens.history_shelf import describe

        return await asyncio.to_thread(describe, self.session, self.name, self.note)

    def kept_now(self, state: State) -> Kept:
        """The present session as a report takes it: a copy, since the run goes on."""
        from aetui.entries import Kept

        still = replace(state, checks=dict(state.checks), results=dict(state.results), running=set(), beside=dict(state.beside))
        return Kept(still, self.about, tuple(self._traces))

    def _see(self, event: Event) -> None:
        """A second run is a session of its own, and has no note yet."""
        from aetui.events import SessionStarted

        if isinstance(event, SessionStarted):
            self._started, self._traces = event.started, []
            if self._begun:
                self.note = ""
                if self._journal is not None:
                    self._journal.about = self.about
            self._begun = True

    def _end(self, event: Event) -> None:
        from aetui.events import SessionEnded

        if isinstance(event, SessionEnded):
            self.ended()

    def _say(self, why: str) -> None:
        self.trouble = why
        self.changed()
