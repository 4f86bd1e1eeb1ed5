"""The History tab's list and details: summaries go in, rows and paragraphs come out. Pure; everything is displayable when it leaves.

Columns have fixed widths by the width at hand. Where it is too narrow for all, what is left out stands in the details.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from aetui.causes import Words
from aetui.display import displayable
from aetui.records import Verdict
from aetui.screens.history_words import say, tables
from aetui.screens.skin import SIGNS
from aetui.screens.verdict import STANDING
from aetui.screens.widgets.lines import Line, cut, line
from aetui.screens.widgets.page import Para
from aetui.screens.widgets.rows import MARK_WIDTH, Row
from aetui.screens.words import took
from aetui.store import Summary
from aetui.tally import Tally

MOMENT = "%Y-%m-%d %H:%M"
WIDE = 110
"""Columns from which the place that a session looked from has a column of its own."""

MARKED, UNMARKED = "x ", "  "


@dataclass(frozen=True, slots=True)
class Book:
    """What summaries are read with."""

    words: Words
    titles: Mapping[str, str] = field(default_factory=dict)
    """Equipment keys to what people call them."""

    def cause(self, code: str) -> str:
        """A cause in plain words."""
        known = self.words.causes.get(code)
        return displayable(known.title if known is not None else code, 120)

    def equipment(self, keys: Collection[str], longest: int = 200) -> str:
        """Equipment as people call it."""
        return displayable(", ".join(self.titles.get(key, key) for key in keys), longest)


def widths(width: int) -> tuple[tuple[str, int], ...]:
    """The columns and how wide they are; the last one takes what is left."""
    fixed = [("when", 17), ("verdict", 10), ("site", 28 if width >= WIDE else 16), ("equipment", 20 if width >= WIDE else 11)]
    if width >= WIDE:
        fixed.append(("vantage", 20))
    left = width - MARK_WIDTH - len(MARKED) - sum(columns for _, columns in fixed)
    return (*fixed, ("cause", max(1, left)))


def titles(width: int) -> Line:
    """What stands above the columns."""
    names = [(cut(say("columns", key), columns), "bar") for key, columns in widths(width)]
    return line((" " * (MARK_WIDTH + len(MARKED)), "bar"), *names)


def rows(found: Collection[Summary], marked: Collection[str], width: int, book: Book) -> tuple[Row, ...]:
    """The list."""
    columns = widths(width)
    return tuple(_row(summary, summary.id in marked, columns, book) for summary in found)


def _row(summary: Summary, marked: bool, columns: tuple[tuple[str, int], ...], book: Book) -> Row:
    cells = {
        "when": (moment(summary), "plain"),
        "verdict": verdict(summary),
        "site": (displayable(summary.about.name, 60) or say("list", "unnamed"), "strong" if summary.about.name else "muted"),
        "equipment": (book.equipment(summary.equipment, 60), "plain"),
        "vantage": (place(summary), "muted"),
        "cause": (book.cause(summary.causes[0]) if summary.causes else "" if summary.checks else beside(summary), "muted"),
    }
    spans = [(cut(cells[key][0], columns - 1) + " ", cells[key][1]) for key, columns in columns]
    return Row(summary.id, ((MARKED if marked else UNMARKED, "key"), *spans))


def moment(summary: Summary) -> str:
    """When it began, by this machine's clock."""
    return summary.started.astimezone().strftime(MOMENT)


def verdict(summary: Summary) -> tuple[str, str]:
    """Sign and word, and their ink; the command where there is nothing to judge."""
    if not summary.judged:
        return displayable(summary.about.command, 9), "muted"
    sign = SIGNS[STANDING[summary.verdict]]
    return f"{sign.glyph} {say('verdicts', summary.verdict.value)}", sign.ink


def beside(summary: Summary | Tally) -> str:
    """What it holds besides checks."""
    counts = (("trace", summary.traces), ("look", summary.looks), ("knock", summary.knocks), ("answer", summary.answers))
    return ", ".join(say("beside", f"{key}_one" if count == 1 else f"{key}_more", count=count) for key, count in counts if count)


def place(summary: Summary) -> str:
    """Where it looked from."""
    text: str = tables()["vantages"].get(summary.vantage.kind, "{name}")
    return text.format(name=displayable(summary.vantage.name, 60))


def heading(summary: Summary) -> str:
    """What its details, and its page, are headed with."""
    return f"{displayable(summary.about.name, 60) or unnamed(summary)}, {moment(summary)}"


def unnamed(summary: Summary) -> str:
    """What a session without a name is called."""
    return displayable(" ".join(summary.equipment) or summary.about.command, 60)


def details(summary: Summary, book: Book) -> tuple[Para, ...]:
    """What the list knows of a session."""
    width = (
        max(len(say("details", label)) for label in ("site", "note", "from", "equipment", "checks", "besides", "ended", "found", "made"))
        + 2
    )
    return tuple(
        Para(text, "plain", say("details", label).ljust(width)) for label, text in _facts(summary, book) if text
    )  # fmt: skip


def _facts(summary: Summary, book: Book) -> Iterator[tuple[str, str]]:
    about = summary.about
    nothing = say("details", "nothing_found") if summary.verdict is Verdict.READY and summary.judged else ""
    yield "found", ", ".join(book.cause(code) for code in summary.causes) or nothing
    if summary.checks:
        line_ = say("details", "checks_line", passed=summary.passed, checks=summary.checks, took=took(summary.elapsed_ms))
        yield "checks", line_ if summary.ended == "done" else f"{line_}; {ended(summary.ended)}"
    yield "besides", beside(summary)
    if not summary.checks and summary.ended not in {"done", "interrupted"}:
        yield "ended", ended(summary.ended)
    yield "site", displayable(about.name, 120) or say("list", "unnamed_long")
    yield "note", displayable(about.note, 400)
    address = f", {displayable(summary.vantage.address, 50)}" if summary.vantage.address else ""
    yield "from", place(summary) + address
    yield "equipment", book.equipment(summary.equipment)
    tool, catalogue = displayable(about.tool, 20) or "?", displayable(about.catalogue, 40) or "?"
    yield "made", say(
        "details", "made_line", tool=tool, catalogue=catalogue, command=displayable(about.command, 20), id=displayable(summary.id, 60)
    )  # fmt: skip


def ended(reason: str | None) -> str:
    """How a run ended."""
    text: str = tables()["ended"].get(reason or "running", displayable(reason or "", 40))
    return text
