"""A report for a ticket: Markdown that GitHub, Jira's importer, ServiceNow and a plain mail show alike. Pure.

Text that may hold foreign words stands in code spans or is escaped, so that nothing in it becomes a link, an image, a mention or
markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from aetui.records import Severity, Status
from aetui.report.beside import Ending, LookLine, Step, TraceLine
from aetui.report.content import Cause, Content, Host
from aetui.report.phrases import explained, phrases, say

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~{}])")
_LINKS = (("://", "&#58;//"), ("www.", "www&#46;"), ("@", "&#64;"))


def esc(text: str) -> str:
    """Text in a sentence: no character of it is markup, no address in it a link."""
    escaped = _SPECIAL.sub(r"\\\1", text.replace("&", "&amp;"))
    for plain, entity in _LINKS:
        escaped = escaped.replace(plain, entity)
    return escaped


def code(text: str) -> str:
    """Text as it is, in a code span that it cannot end; good within a table's cell."""
    if not text:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def markdown(told: Content) -> str:
    """The whole text."""
    return "\n".join(_page(told)).rstrip() + "\n"


def _page(told: Content) -> Iterator[str]:
    yield f"# {esc(told.headline)}"
    yield ""
    yield " · ".join(filter(None, (esc(told.site), f"{told.when} UTC", _tally(told), esc(told.note))))
    yield ""
    if told.ending is not None:
        yield from _ending(told.ending)
    for number, cause in enumerate(told.causes, 1):
        yield from _cause(number, cause)
    if told.path:
        yield f"**{say('section', 'path')}:** " + " → ".join(_piece(p.title, p.words, p.said, p.state) for p in told.path)
        yield ""
    yield from _bullets("remarks", [f"{c.title}: {c.summary}" for c in told.remarks])
    yield from _bullets("inbound", [*map(_look, told.looks), *told.router])
    for trace in told.traces:
        yield from _bullets("traces", [f"{trace.title}: {trace.verdict}", *trace.causes])
        yield from _hops(trace)
    before = [say("label", "earlier", count=told.knocks_before)] if told.knocks_before else []
    yield from _bullets(
        "knocks", [*before, *(f"{knock.when} UTC, {knock.peer} at port {knock.port}: {knock.said}" for knock in told.knocks)]
    )
    yield from _bullets("answers", [line for step in told.walk for line in _step(step)])
    yield from _bullets("untested", told.untested)
    if told.hosts:
        yield from _table(told.hosts)
    yield from _bullets("about", [f"{label}: {value}" for label, value in told.about])


def _ending(ending: Ending) -> Iterator[str]:
    label = phrases()["label"]
    yield f"**{esc(ending.title)}** {esc(ending.text)}"
    yield ""
    yield from (f"- [ ] {esc(step)}" for step in ending.now)
    yield from (f"- {label['hand']}: **{esc(whom)}**: {esc(what)}" for whom, what in ending.hand)
    yield ""


def _look(look: LookLine) -> str:
    return f"{look.when} UTC, {look.address} port {look.port} from {look.vantage}: {look.line}"


def _hops(trace: TraceLine) -> Iterator[str]:
    if not trace.hops:
        return
    yield "| Hop | Address | Name | Answered | Median | Notes |"
    yield "|---:|---|---|---:|---:|---|"
    for hop in trace.hops:
        median = "" if hop.median is None else f"{hop.median:.1f} ms"
        cells = [str(hop.ttl), code(hop.address) or "no answer", code(hop.name), f"{hop.received} of {hop.sent}", median, esc(hop.said)]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _step(step: Step) -> Iterator[str]:
    yield step.line
    yield from (f"{step.title}: {line}" for line in step.lines)


def _tally(told: Content) -> str:
    return ", ".join(f"{count} {say('status', status.value)}" for status, count in told.counts)


def _piece(title: str, words: str, said: str, state: str) -> str:
    shown = f"{esc(title)} ({words}{f': {esc(said)}' if said else ''})"
    return f"**{shown}**" if state in {"broken", "suspected", "partly"} else shown


def _cause(number: int, cause: Cause) -> Iterator[str]:
    label = phrases()["label"]
    mark = "" if cause.severity is Severity.FAIL else f" ({say('severity', cause.severity.value).lower()})"
    yield f"## {number}. {esc(cause.summary)}{mark}"
    yield ""
    counted = f"; {explained(len(cause.explains)).lower()}" if cause.explains else ""
    yield f"{code(cause.code)}, {cause.sure}{counted}."
    yield ""
    for line in cause.evidence:
        yield f"- {label['seen']}: {esc(line)}"
    yield f"- {label['who']}: **{esc(cause.owner)}**"
    yield f"- {label['breaks']}: {esc(cause.breaks)}"
    for step in cause.remedy:
        yield f"- [ ] {esc(step)}"
    yield ""


def _bullets(section: str, lines: tuple[str, ...] | list[str]) -> Iterator[str]:
    if lines:
        yield f"## {say('section', section)}"
        yield ""
        yield from (f"- {esc(line)}" for line in lines)
        yield ""


def _table(hosts: tuple[Host, ...]) -> Iterator[str]:
    yield f"## {say('section', 'checks')}"
    yield ""
    yield "| | Host | Check | Seen | Cause |"
    yield "|---|---|---|---|---|"
    for host in hosts:
        for row in host.rows:
            status = say("status", row.status.value)
            mark = f"**{status}**" if row.status is Status.FAIL else status
            yield f"| {mark} | {code(host.name)} | {esc(row.label)} | {code(row.line)} | {code(row.cause or '')} |"
    yield ""
