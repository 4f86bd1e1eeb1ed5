"""What a session's journal holds: the run's own events, and what else was found out meanwhile (traces, knocks, inbound checks, guide
answers).

``Kept`` is a whole session read again: the state folded from its events and the rest in order. Frozen, no I/O; written and read by
``store``, shown by ``report`` and the screens. ``at`` is milliseconds since the session's start, as in ``events``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aetui.events import Event
from aetui.path.records import Trace
from aetui.reach import InboundSeen, Knock
from aetui.records import Diagnosed, Status
from aetui.state import State


@dataclass(frozen=True, slots=True)
class TraceDone:
    """A trace ended, with its path."""

    at: float
    trace: Trace


@dataclass(frozen=True, slots=True)
class Knocked:
    """Somebody knocked at our listener."""

    at: float
    knock: Knock


@dataclass(frozen=True, slots=True)
class InboundDone:
    """A site's public address was tried from outside, or its listener closed: what both halves saw, and what that means."""

    at: float
    seen: InboundSeen
    diagnosis: tuple[Diagnosed, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """A person answered a step of a guide. Texts as they stood on the screen."""

    at: float
    guide: str
    """Key of the guide: the equipment, as a rule."""
    step: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A check of a guide ran: what its walk goes on from. What it measured stands in the session's own events."""

    at: float
    guide: str
    step: str
    status: Status
    signs: tuple[str, ...] = ()
    told: tuple[Diagnosed, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    elapsed_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class WentBack:
    """A person went back in a guide: the answers from ``step`` on no longer count."""

    at: float
    guide: str
    step: str


Found = TraceDone | Knocked | InboundDone | Answered | Checked | WentBack
"""What a session holds beside its run's own events."""

Entry = Event | Found
"""One line of a journal."""


@dataclass(frozen=True, slots=True)
class About:
    """What a person and the program say of a session beyond its events."""

    command: str = "check"
    """Which command made it: ``check``, ``trace``, ``listen``, ``confirm``, ``guide`` or ``console``."""
    name: str = ""
    """The site's name, as the user gave it."""
    note: str = ""
    tool: str = ""
    """aetui's version at the time."""
    catalogue: str = ""
    """The catalogue's version at the time."""
    sha256: str = ""
    """Of the catalogue's file."""
    changes: tuple[str, ...] = ()
    """What the user's own catalogue changed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A session as its journal tells it."""

    state: State
    about: About = About()
    traces: tuple[TraceDone, ...] = ()
    knocks: tuple[Knocked, ...] = ()
    inbound: tuple[InboundDone, ...] = ()
    answers: tuple[Answered, ...] = ()
    unread: int = 0
    """Entries that this version cannot read, written by a newer one: what is missing here was not unseen then."""


def fold(entries: Iterable[Entry], about: About | None = None, unread: int = 0) -> Kept:
    """A session from its journal's entries, in order."""
    state = State()
    traces: list[TraceDone] = []
    knocks: list[Knocked] = []
    inbound: list[InboundDone] = []
    answers: list[Answered] = []
    for entry in entries:
        match entry:
            case TraceDone():
                traces.append(entry)
            case Knocked():
                knocks.append(entry)
            case InboundDone():
                inbound.append(entry)
            case Answered():
                answers.append(entry)
            case Checked() | WentBack():
                pass  # the guide's own affair: it reads them by ``History.entries``
            case _:
                state.fold(entry)
    return Kept(state, about or About(), tuple(traces), tuple(knocks), tuple(inbound), tuple(answers), unread)
