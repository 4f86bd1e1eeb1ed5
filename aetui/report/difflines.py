"""A comparison as plain lines for a terminal or a mail, and as JSON (schema ``aetui.diff/1``). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from aetui.report.diff import Change, Difference, Moved, Outdated
from aetui.report.words import words

SCHEMA = "aetui.diff/1"


def lines(told: Difference) -> Iterator[str]:
    """The tally first, then every section that holds something."""
    yield tally(told)
    yield from told.sides
    if told.vantages:
        yield words("head", "vantages")
    for key, moved in (("broken", told.broken), ("fixed", told.fixed), ("otherwise", told.otherwise)):
        yield from _section(key, [_moved(m) for m in moved])
    yield from _section("changed", [_change(c) for c in told.changed])
    for key, listed in (("new", told.new), ("gone", told.gone), ("same", told.same), ("left", told.left), ("added", told.added)):
        yield from _section(key, list(listed))


def tally(told: Difference) -> str:
    """One line."""
    if not any((told.fixed, told.broken, told.otherwise, told.changed)):
        return words("line", "none", count=told.unchanged)
    return words(
        "line",
        "tally",
        fixed=len(told.fixed),
        broken=len(told.broken),
        changed=len(told.changed) + len(told.otherwise),
        unchanged=told.unchanged,
    )


def outdated_lines(told: Outdated) -> Iterator[str]:
    """A session against the catalogue."""
    yield told.title
    yield words("line", "unchanged", count=told.unchanged)
    yield from _section("needed", list(told.needed))
    yield from _section("dropped", list(told.dropped))
    yield from _section("moved", [_change(c) for c in told.moved])


def as_json(told: Difference | Outdated) -> dict[str, Any]:
    """Either, for scripts."""
    return {"schema": SCHEMA, "kind": "sessions" if isinstance(told, Difference) else "catalogue", **asdict(told)}


def _section(key: str, listed: list[str]) -> Iterator[str]:
    if listed:
        yield ""
        yield f"{words('section', key)}:"
        yield from (f"  {line}" for line in listed)


def _moved(moved: Moved) -> str:
    return words("line", "status", id=moved.id, before=moved.before.value, after=moved.after.value, line=moved.line)


def _change(change: Change) -> str:
    return words("line", "change", id=change.id, what=words("what", change.what), before=change.before, after=change.after)
