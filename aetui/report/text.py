"""A state as a plain page for a terminal: the verdict and the causes first, then the rows, grouped by host. Pure.

Each status has a glyph and a word, so that nothing rests on colour; the ASCII form is for terminals that cannot show more. Everything that came
from the network has passed ``displayable`` on its way here.
"""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping

from aetui.catalogue import Catalogue
from aetui.causes import Words, describe
from aetui.describe import row_said
from aetui.display import displayable
from aetui.explain import OWNERS
from aetui.observations import LinkSeen
from aetui.records import Check, Diagnosed, Severity, Status, Verdict
from aetui.state import State

WIDTH = 100

GLYPHS: Mapping[Status, str] = {Status.PASS: "✓", Status.WARN: "!", Status.FAIL: "✗", Status.SKIP: "–", Status.UNKNOWN: "?"}
ASCII_GLYPHS: Mapping[Status, str] = {Status.PASS: "+", Status.WARN: "!", Status.FAIL: "x", Status.SKIP: "-", Status.UNKNOWN: "?"}
WORDS: Mapping[Status, str] = {
    Status.PASS: "ok", Status.WARN: "warning", Status.FAIL: "FAILED", Status.SKIP: "skipped", Status.UNKNOWN: "unknown",
}  # fmt: skip
COLOURS: Mapping[Status, str] = {Status.PASS: "32", Status.WARN: "33", Status.FAIL: "31", Status.SKIP: "2", Status.UNKNOWN: "35"}

HEADLINES: Mapping[Verdict, str] = {
    Verdict.READY: "READY: everything that {equipment} needs gets through.",
    Verdict.DEGRADED: "DEGRADED: what {equipment} must have gets through; something else does not.",
    Verdict.BLOCKED: "BLOCKED: {equipment} will not get through this network as it is.",
    Verdict.UNDETERMINED: "UNDETERMINED: not everything that {equipment} needs could be tested.",
}
SURE: Mapping[str, str] = {"certain": "certain", "likely": "likely", "possible": "possible, not proved"}


def headline(state: State, catalogue: Catalogue, verdict: Verdict | None = None) -> str:
    """The verdict as one sentence: that of the checks, unless another is given."""
    titles = [catalogue.equipment[key].title for key in state.equipment if key in catalogue.equipment]
    joined = ", ".join(titles[:-1]) + (" and " if len(titles) > 1 else "") + titles[-1] if titles else "the equipment"
    return HEADLINES[verdict or state.diagnosis.verdict].format(equipment=joined)


def text(state: State, catalogue: Catalogue, words: Words, fancy: bool = True, colour: bool = False) -> str:
    """The whole page."""
    told = [describe(words, finding) for finding in state.diagnosis.findings]
    page = [headline(state, catalogue), *_causes(told), "", *_rows(state, fancy, colour), "", *_footer(state, catalogue)]
    whole = "\n".join(page)
    return whole if fancy else whole.encode("ascii", "replace").decode("ascii")


def _causes(told: list[Diagnosed]) -> Iterator[str]:
    for number, entry in enumerate(told, 1):
        yield ""
        tag = "" if entry.severity is Severity.FAIL else f" ({entry.severity.value})"
        yield from _wrapped(f"{number}. {entry.summary}{tag}", "   ", "")
        yield f"   {entry.cause}, {SURE[entry.confidence]}; explains {len(entry.explains)} checks"
        for said in entry.evidence:
            yield from _wrapped(f"seen: {said}", "         ", "   ")
        if entry.severity is not Severity.INFO:
            yield f"   who mends it: {OWNERS[entry.owner]}"
            for step in entry.remedy:
                yield from _wrapped(f"- {step}", "     ", "   ")
            yield from _wrapped(f"while it stays: {entry.breaks}", "     ", "   ")


def _wrapped(line: str, rest: str, first: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _rows(state: State, fancy: bool, colour: bool) -> Iterator[str]:
    glyphs = GLYPHS if fancy else ASCII_GLYPHS
    for host, checks in by_host(state).items():
        yield host
        for check in checks:
            status = state.reading(check.id).status
            mark = f"{glyphs[status]} {WORDS[status]:<8}"
            shown = f"\x1b[{COLOURS[status]}m{mark}\x1b[0m" if colour else mark
            yield f"  {shown} {_label(check):<12} {row_said(state, check.id)}"


def by_host(state: State) -> dict[str, list[Check]]:
    """The checks that equipment needs, by host, in plan order; this machine's own first."""
    found: dict[str, list[Check]] = defaultdict(list)
    for check in state.checks.values():
        if check.equipment or check.kind == "link":
            found[check.host or "this machine"].append(check)
    return dict(found)


def _label(check: Check) -> str:
    version = "/v6" if check.about.get("family") == "ipv6" else ""
    return f"{check.kind} {check.port}{version}" if check.port else check.kind


def _footer(state: State, catalogue: Catalogue) -> Iterator[str]:
    counts: dict[Status, int] = defaultdict(int)
    for checks in by_host(state).values():
        for check in checks:
            counts[state.reading(check.id).status] += 1
    tally = ", ".join(f"{counts[status]} {WORDS[status]}" for status in Status if counts[status])
    where = state.vantage
    yield f"{tally}; {state.elapsed_ms / 1000:.1f} s"
    resolvers = ", ".join(where.resolvers) or "none"
    yield f"from {where.kind} {where.name}, {where.address or 'no address'}, gateway {where.gateway or 'none'}, DNS {resolvers}"
    yield f"catalogue {catalogue.version} ({catalogue.sha256[:12]}), session {state.session}"
    link = state.results.get("link")
    if link is not None and isinstance(link.observation, LinkSeen):
        for name, value in link.observation.proxies:
            yield f"this machine has a proxy set, which the tests did not use: {displayable(name)} {displayable(value)}"
    if state.beside_vantage is not None:
        yield f"compared with the same checks from {displayable(state.beside_vantage.name)}"
    for change in catalogue.changes:
        yield f"changed by your own catalogue file: {change}"
    if state.ended not in {"done", None}:
        yield f"the run ended early: {state.ended}"
