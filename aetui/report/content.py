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
from aetui.describe import observation_facts, row_said
from aetui.display import displayable
from aetui.entries import Kept
from aetui.events import Result
from aetui.explain import OWNERS
from aetui.records import Check, Diagnosed, Requirement, Severity, Status, Verdict
from aetui.report.beside import (
    Ending,
    KnockLine,
    LookLine,
    Step,
    TraceLine,
    earlier_knocks,
    ending,
    knock_lines,
    look_lines,
    router_lines,
    steps,
    trace_line,
)
from aetui.report.phrases import phrases, say
from aetui.report.picture import Piece, pieces
from aetui.report.provenance import provenance
from aetui.report.text import by_host, headline
from aetui.report.untested import untested
from aetui.tally import Tally, tally_of

LONGEST_FACT = 400
"""Characters of one fact in a report."""

LONGEST_NOTE = 2000
"""Characters of a note."""

LONGEST_SENTENCE = 2000
"""Characters of one sentence of a finding."""


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
    knocks: tuple[KnockLine, ...]
    knocks_before: int
    """Earlier ones, which are only counted."""
    looks: tuple[LookLine, ...]
    router: tuple[str, ...]
    """What the site's router said of itself."""
    walk: tuple[Step, ...]
    ending: Ending | None
    """The last verdict of a guide."""
    untested: tuple[str, ...]
    about: tuple[tuple[str, str], ...]
    when: str
    """Start, UTC, to the minute."""
    proof: str
    """Versions, hash and session in one line."""


def content(kept: Kept, catalogue: Catalogue, words: Words, zone: tzinfo | None = None) -> Content:
    """The tree of a kept session. ``zone`` is the local time zone; without one that of this machine."""
    state, about, tally = kept.state, kept.about, tally_of(kept)
    told = _told(kept, tally, words)
    causes = tuple(_cause(entry) for entry in told)
    hosts = tuple(_hosts(kept, catalogue))
    counted = Counter(row.status for host in hosts for row in host.rows)
    return Content(
        title=_title(kept),
        headline=_headline(kept, tally, catalogue),
        verdict=tally.verdict(state),
        site=displayable(about.name),
        note=displayable(about.note, LONGEST_NOTE),
        causes=tuple(c for c in causes if c.severity is not Severity.INFO),
        remarks=tuple(c for c in causes if c.severity is Severity.INFO),
        path=pieces(kept, told),
        hosts=hosts,
        counts=tuple((status, counted[status]) for status in Status if counted[status]),
        traces=tuple(map(trace_line, kept.traces)),
        knocks=knock_lines(kept),
        knocks_before=earlier_knocks(kept),
        looks=tuple(look_lines(kept)),
        router=tuple(dict.fromkeys(router_lines(kept))),
        walk=steps(kept, {key: each.title for key, each in catalogue.equipment.items()}),
        ending=ending(tally.conclusion) if tally.conclusion else None,
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


def _told(kept: Kept, tally: Tally, words: Words) -> list[Diagnosed]:
    """Everything that was concluded: of the checks, then beside them, each once; faults before warnings before remarks."""
    told = [describe(words, finding) for finding in kept.state.diagnosis.findings]
    known = {(entry.cause, entry.summary) for entry in told}
    told += [entry for entry in tally.findings() if (entry.cause, entry.summary) not in known]
    return sorted(told, key=lambda entry: entry.severity.rank)


def _title(kept: Kept) -> str:
    if kept.about.name:
        return say("title", "page", name=displayable(kept.about.name))
    return phrases()["title"].get(kept.about.command, phrases()["title"]["unnamed"])


def _headline(kept: Kept, tally: Tally, catalogue: Catalogue) -> str:
    """The verdict as one sentence: the guide's own where it came to one."""
    verdict, conclusion = tally.verdict(kept.state), tally.conclusion
    mark = verdict.value.upper()
    if conclusion is not None:
        return f"{mark}: {displayable(conclusion.title, 300)}"
    checked = any(True for _ in kept.state.required())
    if tally.walk and not (checked and verdict is kept.state.diagnosis.verdict):
        failed = next((entry.title for entry in tally.findings() if entry.severity is Severity.FAIL), "")
        return f"{mark}: {_sentence(failed).rstrip('.') + '; ' if failed else ''}{say('headline', 'left')}"
    if checked:
        return headline(kept.state, catalogue, verdict)
    if tally.looks:
        return f"{mark}: {say('headline', f'looked_{verdict.value}')}"
    if tally.traces:
        return f"{mark}: {displayable(kept.traces[-1].trace.verdict, 300)}" if verdict is not Verdict.UNDETERMINED else _trace_unknown(kept)
    knocks = say("headline", "knock" if tally.knocks == 1 else "knocks", count=tally.knocks)
    return knocks if tally.knocks else _title(kept)


def _trace_unknown(kept: Kept) -> str:
    trace = kept.traces[-1].trace
    return f"{Verdict.UNDETERMINED.value.upper()}: {displayable(trace.verdict, 300) or say('headline', 'untraced', host=displayable(trace.target))}"


def _cause(entry: Diagnosed) -> Cause:
    sure = say("sure", entry.confidence.value)
    return Cause(
        displayable(entry.cause), entry.severity, sure, _sentence(entry.title), _sentence(entry.summary), tuple(map(_sentence, entry.evidence)),
        OWNERS[entry.owner], tuple(map(_sentence, entry.remedy)), _sentence(entry.breaks), tuple(map(displayable, entry.explains)),
    )  # fmt: skip


def _sentence(text: str) -> str:
    """The words of a finding, which are displayable when they are made; a journal may hold what a later version would not write."""
    return displayable(text, LONGEST_SENTENCE)


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
        id=displayable(check.id, 120), label=label, status=reading.status, requirement=check.requirement, line=row_said(kept.state, check.id),
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
