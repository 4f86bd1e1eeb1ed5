"""A report in at most twenty lines of plain text: for a chat, and for a photograph of a screen. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from aetui.records import Severity
from aetui.report.content import Cause, Content
from aetui.report.phrases import say

LINES = 20
"""At most: what a telephone's screen or one photograph shows."""

WIDTH = 72
"""Characters of a line: what a chat shows without breaking it."""


def summary(told: Content, fancy: bool = True) -> str:
    """The lines; plain ASCII where the terminal shows no more."""
    end = _fit(list(_end(told)), 4)
    begin = [*_fit(_wrapped(told.headline), 3), *_fit(_wrapped(told.site), 1)]
    room = LINES - len(begin) - len(end) - 2
    body = _causes(told.causes, room) or _fit(list(_beside(told)), room)
    whole = "\n".join([*begin, *([""] if body else []), *body, "", *end])
    return whole if fancy else whole.encode("ascii", "replace").decode("ascii")


def _beside(told: Content) -> Iterator[str]:
    """What there is to say where nothing stands in the way: a guide's word, looks from outside, paths, knocks."""
    if told.ending is not None:
        yield from _wrapped(told.ending.text)
        yield from (line for step in told.ending.now for line in _wrapped(f"- {step}", "  "))
    for remark in told.remarks:
        yield from _wrapped(remark.summary)
    for look in told.looks[-4:]:
        yield from _wrapped(f"{look.address} port {look.port} from {look.vantage}: {look.line}", "  ")
    for trace in told.traces[-3:]:
        yield from _wrapped(f"{trace.title}: {trace.verdict}", "  ")
    for knock in told.knocks[-3:]:
        yield from _wrapped(f"{knock.when} UTC {knock.peer} at port {knock.port}: {knock.said}", "  ")
    for step in [each for each in told.walk if each.kind in {"answer", "check"} and not each.withdrawn][-4:] if told.ending is None else []:
        yield from _wrapped(step.line, "  ")


def _causes(causes: tuple[Cause, ...], room: int) -> list[str]:
    """As many causes as fit, each whole; the last line counts the rest."""
    lines: list[str] = []
    for number, cause in enumerate(causes):
        block = list(_cause(number + 1, cause))
        left = len(causes) - number - 1
        if len(lines) + len(block) + (1 if left else 0) > room:
            return [*lines, say("summary", "more", count=left + 1)] if lines else block[:room]
        lines += block
    return lines


def _cause(number: int, cause: Cause) -> Iterator[str]:
    mark = "" if cause.severity is Severity.FAIL else f" ({say('severity', cause.severity.value).lower()})"
    yield from _fit(_wrapped(f"{number}. {cause.summary}{mark}", "   "), 3)
    yield f"   {say('summary', 'who', owner=cause.owner)}"
    if cause.remedy:
        yield from _fit(_wrapped(f"   - {cause.remedy[0]}", "     "), 2)


def _end(told: Content) -> Iterator[str]:
    if told.counts:
        yield say("summary", "counts", counts=", ".join(f"{count} {say('status', status.value)}" for status, count in told.counts))
    yield from _wrapped(_value(told, "vantage"))
    yield from _wrapped(told.proof)


def _value(told: Content, key: str) -> str:
    labels = dict(told.about)
    return f"{say('about', key)} {labels.get(say('about', key), '?')}, {told.when} UTC"


def _fit(lines: list[str], most: int) -> list[str]:
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1][: WIDTH - 1]}…"]


def _wrapped(text: str, rest: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=rest, break_on_hyphens=False)
