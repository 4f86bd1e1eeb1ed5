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
from aetui.records import Diagnosed, Status, Verdict
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
    title: str = ""
    """What the step is called; empty in entries of older versions."""


@dataclass(frozen=True, slots=True)
class WentBack:
    """A person went back in a guide: the answers from ``step`` on no longer count."""

    at: float
    guide: str
    step: str


@dataclass(frozen=True, slots=True)
class Concluded:
    """A guide came to its verdict. Texts as they stood on the screen."""

    at: float
    guide: str
    step: str
    outcome: Verdict
    title: str
    text: str
    now: tuple[str, ...] = ()
    """What to do."""
    hand: tuple[tuple[str, str], ...] = ()
    """Whom to hand what: an ``Owner``'s value, and the text."""


Walked = Answered | Checked | WentBack | Concluded
"""A step of a guide's walk."""

Found = TraceDone | Knocked | InboundDone | Walked
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
    walk: tuple[Walked, ...] = ()
    """The guides' steps, in order, with those that were taken back."""
    unread: int = 0
    """Entries that this version cannot read, written by a newer one: what is missing here was not unseen then."""


def fold(entries: Iterable[Entry], about: About | None = None, unread: int = 0) -> Kept:
    """A session from its journal's entries, in order."""
    state = State()
    found: list[Found] = []
    for entry in entries:
        if isinstance(entry, Found):
            found.append(entry)
        else:
            state.fold(entry)
    return sorted_out(state, about or About(), found, unread)


def sorted_out(state: State, about: About, found: Iterable[Found], unread: int = 0) -> Kept:
    """A session from its state and what was found beside it, in order."""
    lists: dict[str, list[Found]] = {name: [] for name in PLACES.values()}
    for entry in found:
        lists[PLACES[type(entry)]].append(entry)
    return Kept(state, about, unread=unread, **{name: tuple(listed) for name, listed in lists.items()})  # type: ignore[arg-type]


PLACES: Mapping[type, str] = {
    TraceDone: "traces", Knocked: "knocks", InboundDone: "inbound", Answered: "walk", Checked: "walk", WentBack: "walk", Concluded: "walk",
}  # fmt: skip
"""Every kind of entry that is no event of a run, and the field of ``Kept`` that holds it; a kind that is missing is an error of the tests."""


def standing(walk: Iterable[Walked]) -> tuple[Answered | Checked | Concluded, ...]:
    """The steps of a walk that count: without those that were taken back, nor a verdict that was left again."""
    found: list[Answered | Checked | Concluded] = []
    for entry in walk:
        if isinstance(entry, WentBack):
            found = _before(found, entry)
        else:
            found.append(entry)
    return tuple(found)


def _before(found: list[Answered | Checked | Concluded], back: WentBack) -> list[Answered | Checked | Concluded]:
    """Everything before the last time that the step was taken, and all of other guides."""
    last = max((n for n, entry in enumerate(found) if (entry.guide, entry.step) == (back.guide, back.step)), default=len(found))
    return [entry for n, entry in enumerate(found) if n < last or entry.guide != back.guide]
