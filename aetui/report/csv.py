"""The checks of a report as CSV (RFC 4180), a row each, for a spreadsheet; what else the session holds follows them. Pure.

Rows that are no checks have ``info`` for a status, or the status of what was tried, and no requirement.

No cell can be taken for a formula: one that begins like one is preceded by an apostrophe, as spreadsheets have it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from aetui.report.beside import LookLine
from aetui.report.content import Content
from aetui.report.phrases import say

HEADER = ("status", "host", "check", "id", "required", "address", "seen", "cause", "waits_for", "elapsed_ms", "source")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> str:
    """One value as a spreadsheet may have it."""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def table(told: Content) -> str:
    """The whole file."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows([cell(value) for value in row] for row in _rows(told))
    return stream.getvalue()


def _rows(told: Content) -> Iterator[tuple[object, ...]]:
    for host in told.hosts:
        for row in host.rows:
            yield (
                row.status.value, host.name, row.label, row.id, row.requirement.value, row.address, row.line, row.cause or "", row.because or "",
                f"{row.elapsed_ms:.1f}", row.source,
            )  # fmt: skip
    for trace in told.traces:
        yield _other("pass" if trace.reached else "fail", trace.host, f"Trace: {trace.title}", trace.address, trace.verdict)
    for look in told.looks:
        where = f"{look.address} port {look.port}"
        yield _other(_standing(look), where, f"Tried from {look.vantage}", look.address, f"{look.when} UTC: {look.line}")
    for knock in told.knocks:
        yield _other("info", knock.peer, f"Knock at port {knock.port}", knock.peer, f"{knock.when} UTC: {knock.said}")
    for step in told.walk:
        said = "; ".join([*([f"({say('walk', 'withdrawn')})"] if step.withdrawn else []), step.said, *step.lines])
        yield _other(step.status.value if step.status is not None else "info", "", f"Guide {step.guide}: {step.title}", "", said)


def _standing(look: LookLine) -> str:
    return "unknown" if not look.proves else "pass" if look.open else "fail"


def _other(status: str, host: str, what: str, address: str, seen: str) -> tuple[object, ...]:
    return (status, host, what, "", "", address, seen, "", "", "", "")
