"""The checks of a report as CSV (RFC 4180), a row each, for a spreadsheet. Pure.

No cell can be taken for a formula: one that begins like one is preceded by an apostrophe, as spreadsheets have it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from aetui.report.content import Content

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
