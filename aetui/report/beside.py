"""What a report says of everything that a session holds beside its checks: looks from outside, knocks, traces, and the walks through
guides. Pure; every text is displayable when it leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aetui.describe import OUTCOMES
from aetui.display import displayable
from aetui.entries import Answered, Checked, Concluded, Kept, TraceDone, Walked, WentBack, standing
from aetui.explain import OWNERS
from aetui.observations import Outcome
from aetui.reach import InboundSeen, Knock, NatSeen, Reached, Standing
from aetui.records import Owner, Status, Verdict
from aetui.report.inbound import found_there, learned, looked, said_of
from aetui.report.phrases import say

KNOCKS = 500
"""Knocks listed; more are counted."""

NOTHING = "—"
"""What stands for no answer."""

LONGEST = 600
"""Characters of one text of a guide."""


@dataclass(frozen=True, slots=True)
class HopLine:
    """One hop of a trace, ready to be drawn. Round trips in milliseconds, None for a lost one."""

    ttl: int
    address: str
    name: str
    said: str
    sent: int
    received: int
    low: float | None
    median: float | None
    high: float | None
    samples: tuple[float | None, ...]
    last: bool
    """True at the last hop that answers where the port dies."""


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One trace."""

    title: str
    host: str
    address: str
    reached: bool
    verdict: str
    hops: tuple[HopLine, ...]
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnockLine:
    """One knock at the listener."""

    when: str
    """UTC, to the second."""
    peer: str
    port: str
    said: str
    """What it spoke, and what became of it."""


@dataclass(frozen=True, slots=True)
class LookLine:
    """One port, tried from outside or over the local network."""

    when: str
    vantage: str
    inside: bool
    address: str
    port: str
    outcome: str
    said: str
    """What answered; or why the try proves nothing."""
    open: bool
    proves: bool
    """False where the try says nothing of the target."""

    @property
    def line(self) -> str:
        """Result and answer in one."""
        return self.outcome if self.said in {"", NOTHING} else f"{self.outcome}, {self.said}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a guide's walk."""

    guide: str
    kind: str
    """``answer``, ``done`` (an instruction was followed), ``check``, ``back`` or ``verdict``."""
    title: str
    said: str
    lines: tuple[str, ...]
    status: Status | None
    """Of a check."""
    withdrawn: bool
    """True where the person went back before it: it no longer counts."""

    @property
    def line(self) -> str:
        """Question and answer in one."""
        gone = f" ({say('walk', 'withdrawn')})" if self.withdrawn else ""
        return f"{self.title}{'' if self.title.endswith('?') else ':'} {self.said}{gone}"


@dataclass(frozen=True, slots=True)
class Ending:
    """A guide's verdict."""

    guide: str
    outcome: Verdict
    title: str
    text: str
    now: tuple[str, ...]
    hand: tuple[tuple[str, str], ...]
    """Whom, and what."""


# -------------------------------------------------------------------------------------------------------------------- traces
def trace_line(done: TraceDone) -> TraceLine:
    """A trace with its hops."""
    from aetui.path.words import port_words

    trace = done.trace
    hops = tuple(
        HopLine(
            hop.ttl, hop.address or "", displayable(hop.name) if hop.name else "", _hop_said(hop.reply.value, hop.notes), hop.sent, hop.received,
            hop.rtt.min if hop.rtt else None, hop.rtt.median if hop.rtt else None, hop.rtt.max if hop.rtt else None, hop.samples,
            hop.ttl == trace.dies_after,
        )
        for hop in trace.hops
    )  # fmt: skip
    return TraceLine(
        f"{displayable(trace.target)}, {port_words(trace.proto, trace.port)}", displayable(trace.target), trace.address, trace.reached,
        displayable(trace.verdict, 300), hops, tuple(_displayable(f"{entry.title}: {entry.summary}") for entry in trace.diagnosis),
    )  # fmt: skip


_ORDINARY = frozenset({"time-exceeded"})


def _hop_said(reply: str, notes: tuple[str, ...]) -> str:
    from aetui.path.words import note_short

    return ", ".join([*([] if reply in _ORDINARY else [reply]), *map(note_short, notes)])


# ------------------------------------------------------------------------------------------------------------------- inbound
def knock_lines(kept: Kept) -> tuple[KnockLine, ...]:
    """The latest, in order."""
    return tuple(_knock(entry.knock) for entry in kept.knocks[-KNOCKS:])


def _knock(knock: Knock) -> KnockLine:
    return KnockLine(_moment(knock.at), knock.peer, str(knock.port), displayable(said_of(knock), 240))


def earlier_knocks(kept: Kept) -> int:
    """How many are not listed."""
    return max(0, len(kept.knocks) - KNOCKS)


def look_lines(kept: Kept) -> Iterator[LookLine]:
    """Every port of every look, in order."""
    for done in kept.inbound:
        when = _moment(kept.state.started + timedelta(milliseconds=done.at))
        yield from (_look(reached, when, inside=False) for reached in done.seen.outside)
        yield from (_look(reached, when, inside=True) for reached in done.seen.inside)


def _look(reached: Reached, when: str, *, inside: bool) -> LookLine:
    proves = learned(reached) and (inside or reached.standing is not Standing.INSIDE)
    vantage = say("look", "inside") if inside else displayable(reached.vantage.name, 60)
    said = found_there(reached) if proves else looked(reached)
    return LookLine(
        when, vantage, inside, displayable(reached.target.address, 60), str(reached.target.port), OUTCOMES[reached.tcp.outcome],
        displayable(said, 300), reached.tcp.outcome is Outcome.OPEN, proves,
    )  # fmt: skip


def router_lines(kept: Kept) -> Iterator[str]:
    """What the site's router said of itself, and where our own listener stood."""
    for seen in (done.seen for done in kept.inbound):
        yield from _router(seen.nat) if seen.nat is not None else ()
        yield from _listening(seen)


def _router(nat: NatSeen) -> Iterator[str]:
    for side in nat.outer:
        if side.address:
            yield say("look", "outer", source=side.source, address=displayable(side.address))
    if nat.public:
        yield say("look", "public", address=displayable(nat.public))
    for forward in nat.forwards:
        source = displayable(forward.source) or say("look", "any")
        place = f"{displayable(forward.inside_address)} port {forward.inside_port}"
        yield say("look", "forward", outside=forward.outside_port, inside=place, source=source)
    if nat.listed and not nat.forwards:
        yield say("look", "none")


def _listening(seen: InboundSeen) -> Iterator[str]:
    if seen.listening:
        ports = ", ".join(map(str, seen.listening))
        yield say("look", "listening", ports=ports, sources=", ".join(map(displayable, seen.allowed)) or say("look", "any"))


# -------------------------------------------------------------------------------------------------------------------- guides
def steps(kept: Kept, guides: Mapping[str, str] | None = None) -> tuple[Step, ...]:
    """The walks, step by step, with what was taken back. ``guides`` has the names of guides by their keys."""
    counts = {id(entry) for entry in standing(kept.walk)}
    titles: dict[str, str] = {}
    found = []
    for entry in kept.walk:
        guide = (guides or {}).get(entry.guide) or displayable(entry.guide, 60)
        step = _step(entry, guide, titles, id(entry) not in counts and not isinstance(entry, WentBack))
        titles[entry.step] = step.title
        found.append(step)
    return tuple(found)


def _step(entry: Walked, guide: str, titles: Mapping[str, str], withdrawn: bool) -> Step:
    match entry:
        case Answered(question=question, answer=answer):
            kind, title = "answer" if answer else "done", displayable(question, 300)
            return Step(guide, kind, title, displayable(answer, 300) or say("walk", "done"), (), None, withdrawn)
        case Checked(status=status):
            title = displayable(entry.title or entry.step.rpartition(".")[2].replace("-", " "), 300)
            told = tuple(_displayable(f"{each.title}. {each.summary}") for each in entry.told)
            return Step(guide, "check", title, say("status", status.value), (*told, *map(_displayable, entry.lines)), status, withdrawn)
        case WentBack():
            title = titles.get(entry.step) or displayable(entry.step, 120)
            return Step(guide, "back", title, say("walk", "back"), (), None, withdrawn)
        case Concluded():
            return Step(guide, "verdict", displayable(entry.title, 300), say("verdict", entry.outcome.value), (), None, withdrawn)


def ending(entry: Concluded) -> Ending:
    """A guide's verdict with what to do."""
    hand = tuple((OWNERS[Owner(whom)] if whom in set(Owner) else displayable(whom), _displayable(what)) for whom, what in entry.hand)
    return Ending(
        displayable(entry.guide, 60), entry.outcome, displayable(entry.title, 300), _displayable(entry.text),
        tuple(map(_displayable, entry.now)), hand,
    )  # fmt: skip


def _displayable(text: str) -> str:
    return displayable(" ".join(text.split()), LONGEST)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
