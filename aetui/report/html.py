"""A report as one HTML file: no script, nothing fetched, right on paper, in the dark and on a phone. Pure.

The frame and its style are assets/report.html. Everything that goes into it is escaped here, in ``esc``, and has been made displayable
before; a content security policy in the file forbids scripts and requests besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from aetui.records import Severity, Status, Verdict
from aetui.report.beside import Ending, Step, TraceLine
from aetui.report.content import Cause, Content, Host, Row
from aetui.report.drawing import bars, path
from aetui.report.phrases import explained, phrases, say


@cache
def frame() -> Template:
    """The page's frame."""
    return Template(files("aetui.assets").joinpath("report.html").read_text(encoding="utf-8"))


def esc(text: str) -> str:
    """Text for an element or an attribute in double quotes."""
    return escape(text, quote=True)


def html(told: Content) -> str:
    """The whole file."""
    lead = " · ".join(filter(None, (told.site, f"{told.when} UTC", _tally(told), told.note)))
    return frame().substitute(
        title=esc(told.title), headline=esc(told.headline), verdict=esc(told.verdict.value), lead=esc(lead), main="\n".join(_main(told))
    )


def _table(label: str, heads: Iterable[str], rows: Iterable[str]) -> str:
    """A table that scrolls sideways where it has to; the rows are ready."""
    head = "".join(f"<th>{esc(text)}</th>" for text in heads)
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{esc(label)}">{whole}</div>'


def _cells(*texts: str) -> str:
    return "".join(f"<td>{esc(text)}</td>" for text in texts)


def _tally(told: Content) -> str:
    return ", ".join(f"{count} {say('status', status.value)}" for status, count in told.counts)


def _main(told: Content) -> Iterator[str]:
    if told.ending is not None:
        yield from _section("ending", [_ending(told.ending)])
    if told.hosts or told.causes:
        yield from _section("causes" if told.causes else "fine", map(_cause, told.causes))
    yield from _section("path", [path(told.path)] if told.path else [], empty=False)
    yield from _section("remarks", map(_cause, told.remarks), empty=False)
    paper = [f'<p class="paper quiet">{esc(say("label", "paper"))}</p>'] if told.hosts else []
    yield from _section("checks", [*paper, *map(_host, told.hosts)], empty=False)
    yield from _section("inbound", _looks(told), empty=False)
    yield from _section("traces", map(_trace, told.traces), empty=False)
    yield from _section("knocks", _knocks(told), empty=False)
    yield from _section("answers", _walk(told), empty=False)
    yield from _section("untested", _list(told.untested), empty=False)
    pairs = "".join(f"<dt>{esc(label)}</dt><dd>{esc(value)}</dd>" for label, value in told.about)
    yield from _section("about", [f'<dl class="about">{pairs}</dl>'])


def _section(key: str, parts: Iterable[str], empty: bool = True) -> Iterator[str]:
    inside = list(parts)
    if inside or empty:
        yield f'<section aria-labelledby="{key}"><h2 id="{key}">{esc(say("section", key))}</h2>'
        yield from inside
        yield "</section>"


def _list(lines: tuple[str, ...]) -> list[str]:
    return [f"<ul>{''.join(f'<li>{esc(line)}</li>' for line in lines)}</ul>"] if lines else []


def _cause(cause: Cause) -> str:
    label = phrases()["label"]
    counted = f" · {esc(explained(len(cause.explains)))}" if cause.explains else ""
    parts = [
        f'<article class="cause {cause.severity.value}"><h3>{esc(cause.title)}</h3>',
        f'<p><span class="chip {cause.severity.value}">{esc(say("severity", cause.severity.value))}</span> ',
        f'<span class="quiet">{esc(cause.sure)} · <code>{esc(cause.code)}</code>{counted}</span></p>',
        f'<p class="summary">{esc(cause.summary)}</p>',
    ]
    if cause.evidence:
        parts.append(f"<h4>{esc(label['seen'])}</h4>{''.join(_list(cause.evidence))}")
    if cause.severity is not Severity.INFO:
        steps = "".join(f"<li>{esc(step)}</li>" for step in cause.remedy)
        parts.append(f"<h4>{esc(label['todo'])}</h4><p>{esc(label['who'])}: <strong>{esc(cause.owner)}</strong>.</p><ol>{steps}</ol>")
        parts.append(f"<h4>{esc(label['breaks'])}</h4><p>{esc(cause.breaks)}</p>")
    return "".join(parts) + "</article>"


def _host(host: Host) -> str:
    worst = next((row for status in WORST for row in host.rows if row.status is status), host.rows[0])
    fine = sum(row.status is Status.PASS for row in host.rows)
    opened = "" if host.fine else " open"
    why = f'<p class="quiet">{esc(host.why)}</p>' if host.why else ""
    return (
        f'<details class="host"{opened}><summary><h3>{esc(host.name)}</h3> {_chip(worst.status)}'
        f'<span class="quiet">{fine} of {len(host.rows)} hold</span></summary>{why}{"".join(map(_row, host.rows))}</details>'
    )


WORST = (Status.FAIL, Status.WARN, Status.UNKNOWN, Status.SKIP)
"""Which status of its rows a host is marked with, the first that there is."""


def _chip(status: Status) -> str:
    return f'<span><span class="chip {status.value}">{esc(say("status", status.value))}</span></span>'


def _row(row: Row) -> str:
    facts = [*row.facts, ("required", row.requirement.value), *([("source", row.source)] if row.source else []), ("id", row.id)]
    if row.cause:
        facts.insert(0, ("cause", row.cause))
    listed = "".join(f"<div><dt>{esc(label)}</dt> <dd>{esc(value)}</dd></div>" for label, value in facts)
    return (
        f'<div class="row {row.status.value}">{_chip(row.status)}<strong>{esc(row.label)}</strong><span class="seen">{esc(row.line)}</span>'
        f'<dl class="facts">{listed}</dl></div>'
    )


def _trace(trace: TraceLine) -> str:
    most = max((hop.high for hop in trace.hops if hop.high is not None), default=1.0) or 1.0
    rows = "".join(
        f'<tr{" class=dies" if hop.last else ""}><td class="number">{hop.ttl}</td><td><span class="mono">{esc(hop.address or "no answer")}</span>'
        f'{f" <span class=quiet>{esc(hop.name)}</span>" if hop.name else ""}</td><td class="number">{hop.received} of {hop.sent}</td>'
        f'<td class="number">{"" if hop.median is None else f"{hop.median:.1f} ms"}</td><td>{bars(hop, most)}</td><td>{esc(hop.said)}</td></tr>'
        for hop in trace.hops
    )
    told = "".join(_list(trace.causes))
    return (
        f'<article class="cause info"><h3>{esc(trace.title)}</h3><p>{esc(trace.verdict)}</p>{told}<div class="scroll" tabindex="0" role="region"'
        f' aria-label="{esc(trace.title)}"><table><thead><tr><th class="number">Hop</th><th>Address</th><th class="number">Answered</th>'
        f'<th class="number">Median</th><th class="plot">Round trips, 0 to {most:.0f} ms</th><th>Notes</th></tr></thead><tbody>{rows}</tbody>'
        f"</table></div></article>"
    )


def _ending(ending: Ending) -> str:
    label = phrases()["label"]
    now = "".join(f"<li>{esc(step)}</li>" for step in ending.now)
    hand = "".join(f"<li><strong>{esc(whom)}</strong>: {esc(what)}</li>" for whom, what in ending.hand)
    parts = [f'<article class="cause {_SEVERITY[ending.outcome]}"><h3>{esc(ending.title)}</h3><p class="summary">{esc(ending.text)}</p>']
    parts += [f"<h4>{esc(label['now'])}</h4><ol>{now}</ol>"] if now else []
    parts += [f"<h4>{esc(label['hand'])}</h4><ul>{hand}</ul>"] if hand else []
    return "".join(parts) + "</article>"


_SEVERITY = {Verdict.READY: "good", Verdict.DEGRADED: "warn", Verdict.BLOCKED: "fail", Verdict.UNDETERMINED: "info"}


def _looks(told: Content) -> list[str]:
    if not told.looks:
        return _list(told.router)
    rows = (
        f'<tr><td class="when">{esc(look.when)}</td>{_cells(look.vantage)}'
        f'<td><span class="mono">{esc(look.address)}</span> port {esc(look.port)}</td>'
        f"{_cells(look.outcome, look.said)}</tr>"
        for look in told.looks
    )
    label = say("section", "inbound")
    return [_table(label, ("When (UTC)", "From", "Where", "Result", "What answered"), rows), *_list(told.router)]


def _knocks(told: Content) -> list[str]:
    if not told.knocks:
        return []
    more = [f'<p class="quiet">{esc(say("label", "earlier", count=told.knocks_before))}</p>'] if told.knocks_before else []
    rows = (
        f'<tr><td class="when">{esc(knock.when)}</td><td><span class="mono">{esc(knock.peer)}</span></td>{_cells(knock.port, knock.said)}</tr>'
        for knock in told.knocks
    )
    return [*more, _table(say("section", "knocks"), ("When (UTC)", "From", "At port", "What came"), rows)]


def _walk(told: Content) -> list[str]:
    if not told.walk:
        return []
    return [_table(say("section", "answers"), ("Guide", "Step", "Answer or result"), map(_step, told.walk))]


def _step(step: Step) -> str:
    said = _chip(step.status) if step.status is not None else f"<strong>{esc(step.said)}</strong>"
    note = f' <span class="quiet">({esc(say("walk", "withdrawn"))})</span>' if step.withdrawn else ""
    gone = ' class="withdrawn"' if step.withdrawn else ""
    return f"<tr{gone}>{_cells(step.guide, step.title)}<td>{said}{note}{''.join(_list(step.lines))}</td></tr>"
