"""What a report says, before it has a form: one frozen tree of displayable text, put together from a kept session. Pure.

Every form (page, ticket, table, summary) is made from this tree and adds nothing to it, so that they cannot disagree; ``redact`` works
on it too. Nothing raw from the network stands here: all of it has passed ``displayable``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo

from aetui.catalogue import Catalogue
from aetui.causes import Words, describe
from aetui.describe import observation_facts, row_line
from aetui.display import displayable
from aetui.entries import Answered, Kept, TraceDone
from aetui.events import Result
from aetui.explain import OWNERS
from aetui.records import Check, Diagnosed, Requirement, Severity, Status, Verdict
from aetui.report.inbound import confirm_lines, knock_line
from aetui.report.phrases import phrases, say
from aetui.report.picture import Piece, pieces
from aetui.report.provenance import provenance
from aetui.report.text import by_host, headline
from aetui.report.untested import untested

LONGEST_FACT = 400
"""Characters of one fact in a report."""

KNOCKS = 500
"""Knocks listed; more are counted."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of the diagnosis with all its words."""

    code: str
    severity: Severity
    sure: str
    title: str
    summary: str
    evidence: tuple[str, ...]
    owner: str
    remedy: tuple[str, ...]
    breaks: str
    explains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One check."""

    id: str
    label: str
    status: Status
    requirement: Requirement
    line: str
    cause: str | None
    because: str | None
    facts: tuple[tuple[str, str], ...]
    source: str
    address: str
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class Host:
    """The checks of one host."""

    name: str
    why: str
    rows: tuple[Row, ...]

    @property
    def fine(self) -> bool:
        """True where every check holds."""
        return all(row.status is Status.PASS for row in self.rows)


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
    verdict: str
    hops: tuple[HopLine, ...]
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """A whole report."""

    title: str
    headline: str
    verdict: Verdict
    site: str
    note: str
    causes: tuple[Cause, ...]
    """What stands in the way."""
    remarks: tuple[Cause, ...]
    """What is only worth knowing."""
    path: tuple[Piece, ...]
    hosts: tuple[Host, ...]
    counts: tuple[tuple[Status, int], ...]
    traces: tuple[TraceLine, ...]
    knocks: tuple[str, ...]
    inbound: tuple[str, ...]
    answers: tuple[tuple[str, str, str], ...]
    """Guide, question, answer."""
    untested: tuple[str, ...]
    about: tuple[tuple[str, str], ...]
    when: str
    """Start, UTC, to the minute."""
    proof: str
    """Versions, hash and session in one line."""


def content(kept: Kept, catalogue: Catalogue, words: Words, zone: tzinfo | None = None) -> Content:
    """The tree of a kept session. ``zone`` is the local time zone; without one that of this machine."""
    state, about = kept.state, kept.about
    told = [describe(words, finding) for finding in state.diagnosis.findings]
    causes = tuple(_cause(entry) for entry in told)
    hosts = tuple(_hosts(kept, catalogue))
    counted = Counter(row.status for host in hosts for row in host.rows)
    return Content(
        title=_title(kept),
        headline=headline(state, catalogue) if state.checks else _title(kept),
        verdict=state.diagnosis.verdict,
        site=displayable(about.name),
        note=displayable(about.note, 2000),
        causes=tuple(c for c in causes if c.severity is not Severity.INFO),
        remarks=tuple(c for c in causes if c.severity is Severity.INFO),
        path=pieces(state, told) if state.checks else (),
        hosts=hosts,
        counts=tuple((status, counted[status]) for status in Status if counted[status]),
        traces=tuple(map(_trace, kept.traces)),
        knocks=_knocks(kept),
        inbound=tuple(line for done in kept.inbound for line in confirm_lines(done.seen, (), words) + _told(done.diagnosis)),
        answers=tuple(map(_answer, kept.answers)),
        untested=tuple(untested(kept, catalogue)),
        about=tuple(provenance(kept, catalogue, zone)),
        when=f"{state.started.astimezone(UTC):%Y-%m-%d %H:%M}",
        proof=say(
            "summary",
            "proof",
            tool=about.tool or "?",
            catalogue=about.catalogue or "?",
            sha=about.sha256[:12] or "?",
            session=state.session,
        ),
    )


def _title(kept: Kept) -> str:
    if kept.about.name:
        return say("title", "page", name=displayable(kept.about.name))
    return phrases()["title"].get(kept.about.command, phrases()["title"]["unnamed"])


def _cause(entry: Diagnosed) -> Cause:
    sure = say("sure", entry.confidence.value)
    return Cause(
        entry.cause, entry.severity, sure, entry.title, entry.summary, entry.evidence, OWNERS[entry.owner], entry.remedy, entry.breaks,
        tuple(displayable(identity) for identity in entry.explains),
    )  # fmt: skip


def _hosts(kept: Kept, catalogue: Catalogue) -> Iterator[Host]:
    why = {e.host: e.why for e in catalogue.endpoints_of(kept.state.equipment)}
    for host, checks in by_host(kept.state).items():
        network = checks[0].about.get("network", "")
        rows = tuple(_row(kept, check) for check in checks)
        yield Host(displayable(host, 80), why.get(host) or why.get(network, ""), rows)


def _row(kept: Kept, check: Check) -> Row:
    reading = kept.state.reading(check.id)
    result = kept.state.results.get(check.id)
    label = say("kind", check.kind, port=check.port or "") + (", IPv6" if check.about.get("family") == "ipv6" else "")
    return Row(
        id=displayable(check.id, 120), label=label, status=reading.status, requirement=check.requirement, line=row_line(kept.state, check.id),
        cause=reading.cause, because=displayable(reading.because) if reading.because else None, facts=_facts(kept, check, result),
        source=check.source, address=displayable(result.address) if result and result.address else "",
        elapsed_ms=result.elapsed_ms if result else 0.0,
    )  # fmt: skip


def _facts(kept: Kept, check: Check, result: Result | None) -> tuple[tuple[str, str], ...]:
    if result is None:
        return ()
    facts = [(label, displayable(value, LONGEST_FACT)) for label, value in observation_facts(result)]
    other = kept.state.beside.get(check.id)
    if other is not None and kept.state.beside_vantage is not None and other.observation is not None:
        seen = observation_facts(other)
        name = displayable(kept.state.beside_vantage.name, 40)
        facts += [(f"{label}, from {name}", displayable(value, LONGEST_FACT)) for label, value in seen[:2]]
    return tuple(facts)


def _trace(done: TraceDone) -> TraceLine:
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
        f"{displayable(trace.target)}, {port_words(trace.proto, trace.port)}",
        displayable(trace.verdict, 300),
        hops,
        tuple(f"{entry.title}: {entry.summary}" for entry in trace.diagnosis),
    )


_ORDINARY = frozenset({"time-exceeded"})


def _hop_said(reply: str, notes: tuple[str, ...]) -> str:
    from aetui.path.words import note_short

    return ", ".join([*([] if reply in _ORDINARY else [reply]), *map(note_short, notes)])


def _knocks(kept: Kept) -> tuple[str, ...]:
    lines = [knock_line(entry.knock) for entry in kept.knocks[-KNOCKS:]]
    return (*([f"{len(kept.knocks) - KNOCKS} earlier ones are not listed"] if len(kept.knocks) > KNOCKS else []), *lines)


def _told(diagnosis: tuple[Diagnosed, ...]) -> list[str]:
    return [f"{entry.title}. {entry.summary}" for entry in diagnosis]


def _answer(entry: Answered) -> tuple[str, str, str]:
    return displayable(entry.guide), displayable(entry.question, 300), displayable(entry.answer, 300)
