"""An earlier session as a page to read: what it came to and why, then what it holds besides checks, from the report's own tree. Pure.

The words are the report's, so that the console, the page and the ticket say the same. Everything is displayable already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aetui.catalogue import Catalogue
from aetui.causes import load_causes
from aetui.entries import Kept
from aetui.records import Severity
from aetui.report.beside import Ending, Step, TraceLine
from aetui.report.content import Cause, Content, content
from aetui.report.phrases import phrases
from aetui.report.phrases import say as reported
from aetui.screens.skin import SIGNS
from aetui.screens.verdict import STANDING
from aetui.screens.widgets.page import GAP, Para

MARKS = {Severity.FAIL: "fail", Severity.WARN: "warn", Severity.INFO: "info"}


def page(kept: Kept, catalogue: Catalogue) -> tuple[Para, ...]:
    """The whole of it."""
    return tuple(_page(content(kept, catalogue, load_causes())))


def _page(told: Content) -> Iterator[Para]:
    yield Para(told.headline, STANDING[told.verdict])
    yield from _ending(told.ending) if told.ending is not None else ()
    for cause in (*told.causes, *told.remarks):
        yield from _cause(cause)
    if told.counts:
        counts = ", ".join(f"{count} {reported('status', status.value)}" for status, count in told.counts)
        yield from _section("checks", [Para(counts)])
    yield from _section("inbound", [*_looks(told), *(Para(line, "muted") for line in told.router)])
    for trace in told.traces:
        yield from _section("traces", _trace(trace))
    before = [Para(reported("label", "earlier", count=told.knocks_before), "muted")] if told.knocks_before else []
    knocks = [Para(f"{knock.peer} at port {knock.port}: {knock.said}", "plain", f"{knock.when[11:]} UTC  ") for knock in told.knocks]
    yield from _section("knocks", [*before, *knocks])
    yield from _section("answers", [para for step in told.walk for para in _step(step)])
    yield from _section("untested", [Para(line, "plain", "• ") for line in told.untested])
    yield from _section("about", [Para(value, "plain", f"{label}: ") for label, value in told.about])


def _section(key: str, paras: Iterable[Para]) -> Iterator[Para]:
    listed = list(paras)
    if listed:
        yield GAP
        yield Para(reported("section", key), "head")
        yield from listed


def _ending(ending: Ending) -> Iterator[Para]:
    label = phrases()["label"]
    yield Para(ending.text)
    if ending.now:
        yield GAP
        yield Para(label["now"], "head")
        yield from (Para(step, "plain", f"{number}. ") for number, step in enumerate(ending.now, 1))
    if ending.hand:
        yield GAP
        yield Para(label["hand"], "head")
        yield from (Para(what, "plain", f"{whom}: ") for whom, what in ending.hand)


def _cause(cause: Cause) -> Iterator[Para]:
    label, sign = phrases()["label"], SIGNS[MARKS[cause.severity]]
    yield GAP
    yield Para(f"{cause.title}. {cause.summary}", "strong", f"{sign.glyph} ", sign.ink)
    yield from (Para(line, "plain", f"{label['seen']}: ", indent=2) for line in cause.evidence)
    if cause.severity is not Severity.INFO:
        yield Para(cause.owner, "plain", f"{label['who']}: ", indent=2)
        yield from (Para(step, "plain", f"{number}. ", indent=2) for number, step in enumerate(cause.remedy, 1))


def _looks(told: Content) -> Iterator[Para]:
    for look in told.looks:
        sign = SIGNS["unknown" if not look.proves else "pass" if look.open else "fail"]
        where = f"{look.address} port {look.port} from {look.vantage}"
        yield Para(f"{where}: {look.line}", "plain", f"{sign.glyph} ", sign.ink)


def _trace(trace: TraceLine) -> Iterator[Para]:
    sign = SIGNS["pass" if trace.reached else "fail"]
    yield Para(f"{trace.title}: {trace.verdict}", "plain", f"{sign.glyph} ", sign.ink)
    yield from (Para(line, "plain", "• ", indent=2) for line in trace.causes)
    for hop in trace.hops:
        ink = "fail" if hop.last else "muted"
        time = "" if hop.median is None else f"{hop.median:.1f} ms"
        said = "  ".join(filter(None, (hop.address or "no answer", hop.name, time, hop.said)))
        yield Para(said, "plain", f"{hop.ttl:>2}  ", ink, indent=2)


def _step(step: Step) -> Iterator[Para]:
    sign = SIGNS[step.status.value] if step.status is not None else None
    mark = (f"{sign.glyph} ", sign.ink) if sign is not None else ("> ", "muted")
    yield Para(step.line, "muted" if step.withdrawn else "plain", *mark)
    yield from (Para(line, "muted", "• ", indent=2) for line in step.lines)
