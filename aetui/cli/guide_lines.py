"""The wizard in plain lines: how a step, a check's result and the verdict are printed, and how a line is read. No cursor movement, no
colour.

Works on the worst terminal there is: text of 78 columns, ASCII where the output takes nothing else. Steps go to standard error, the
verdict alone to standard output.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import textwrap
from collections.abc import Iterable, Iterator

from aetui.explain import OWNERS
from aetui.guide.interpreter import Conclusion, Showing, Trodden
from aetui.guide.records import WORKING, Ask, Question, Seen
from aetui.guiding.words import say
from aetui.records import Diagnosed, Severity

WIDTH = 78
LONGEST_LINE = 4096
"""Bytes of one line that are read; the rest of it is not looked at."""
_INDENT = "   "


def line(key: str, **values: str) -> str:
    """A sentence around the guide's own words."""
    return say("lines", key, **values)


def wrapped(text: str, indent: str = "") -> list[str]:
    """A paragraph in lines."""
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + _INDENT, break_on_hyphens=False) or [""]


def tell(lines: Iterable[str]) -> None:
    """Print what belongs to the way."""
    for each in lines:
        print(each, file=sys.stderr)
    sys.stderr.flush()


# ------------------------------------------------------------------------------------------------------------------ what is said
def step_lines(showing: Showing) -> Iterator[str]:
    """A step's heading and words."""
    step, place = showing.step, showing.place
    yield ""
    yield from wrapped(line("step", number=str(place.number), about=str(place.about), title=step.title))
    yield from textwrap.wrap(step.text, WIDTH, break_on_hyphens=False)


def ask_lines(step: Question) -> Iterator[str]:
    """What may be typed."""
    if step.choices:
        for number, choice in enumerate(step.choices, 1):
            yield from wrapped(f"{number}. {choice.label}", _INDENT)
        usual = next((str(number) for number, choice in enumerate(step.choices, 1) if choice.key == step.default), "")
        yield line("choose", default=line("choose-default", number=usual) if usual else "")
        return
    default = line("type-default", default=step.default) if step.default else line("type-passed") if step.passed else ""
    yield line("type", default=default)


def seen_lines(seen: Seen) -> Iterator[str]:
    """What a check saw."""
    for each in seen.lines:
        yield from wrapped(each, _INDENT)
    for entry in seen.told:
        yield from wrapped(line("finding", mark=_mark(entry), title=entry.title, summary=entry.summary), _INDENT)
    yield f"{_INDENT}{line('took', seconds=f'{seen.elapsed_ms / 1000:.1f}')}"


def way_lines(trodden: Iterable[Trodden]) -> Iterator[str]:
    """The way so far."""
    for number, each in enumerate(trodden, 1):
        yield from wrapped(line("way", number=str(number), title=each.title, what=each.what or line("done")))


def conclusion_lines(end: Conclusion, checks: int, seconds: float) -> Iterator[str]:
    """The verdict."""
    yield from wrapped(f"{line(end.end.outcome.value)}: {end.end.title}")
    yield from textwrap.wrap(end.end.text, WIDTH, break_on_hyphens=False)
    if end.models:
        yield from ("", line("models"))
        for each in end.models:
            yield from wrapped(each, _INDENT)
    yield ""
    yield line("found")
    if not end.told:
        yield from wrapped(line("nothing-found" if end.end.outcome in WORKING else "no-cause"), _INDENT)
    for entry in end.told:
        yield from _told(entry)
    for each in end.lines if end.lines != end.models else ():
        yield from wrapped(each, _INDENT)
    if end.end.now:
        yield from ("", line("now"))
        for number, each in enumerate(end.end.now, 1):
            yield from wrapped(f"{number}. {each}", _INDENT)
    if end.end.hand:
        yield from ("", line("hand"))
        for hand in end.end.hand:
            yield from wrapped(line("to", owner=OWNERS[hand.to], what=hand.what), _INDENT)
    yield ""
    yield line("time", count=str(checks), seconds=f"{seconds:.1f}")


def _told(entry: Diagnosed) -> Iterator[str]:
    yield from wrapped(line("finding", mark=_mark(entry), title=entry.title, summary=entry.summary), _INDENT)
    yield from wrapped(line("code", cause=entry.cause, confidence=entry.confidence.value, owner=OWNERS[entry.owner]), _INDENT * 2)
    for each in entry.evidence:
        yield from wrapped(line("evidence", text=each), _INDENT * 2)
    if entry.severity is not Severity.INFO:
        for each in entry.remedy:
            yield from wrapped(line("remedy", text=each), _INDENT * 2)


def _mark(entry: Diagnosed) -> str:
    return line(entry.severity.value)


# ------------------------------------------------------------------------------------------------------------------- what is read
class Lines:
    """Lines from standard input, without a thread: what is not read yet keeps nothing from ending. A file is simply read."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._handle = sys.stdin.fileno()
        self._file = stat.S_ISREG(os.fstat(self._handle).st_mode)
        self._over = False

    async def read(self) -> str | None:
        """The next line; None at the end."""
        while b"\n" not in self._held and not self._over:
            data = await self._some()
            self._over = not data
            self._held += data
            if b"\n" not in self._held:
                del self._held[LONGEST_LINE:]
        if not self._held:
            return None
        text, _, rest = bytes(self._held).partition(b"\n")
        self._held = bytearray(rest)
        return text[:LONGEST_LINE].decode("utf-8", "replace").strip()

    async def _some(self) -> bytes:
        if self._file:
            return os.read(self._handle, LONGEST_LINE)
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        try:
            loop.add_reader(self._handle, ready.set)
        except (OSError, NotImplementedError):  # /dev/null and the like cannot be waited for, and need not be
            return os.read(self._handle, LONGEST_LINE)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._handle)
        try:
            return os.read(self._handle, LONGEST_LINE)
        except OSError:  # the terminal has gone
            return b""


def asked_for(step: Question) -> str:
    """The prompt at which an answer is typed."""
    return "> " if step.ask is not Ask.YES_NO else "yes/no > "
