"""The verdict of a guide as paragraphs: what was found, what to do now, what to hand to whom, how we know. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aetui.explain import OWNERS
from aetui.guide.interpreter import Found
from aetui.guide.records import WORKING
from aetui.guiding.walker import Walker
from aetui.records import Diagnosed, Severity
from aetui.screens.guide_words import say
from aetui.screens.skin import SIGN_WIDTH, SIGNS
from aetui.screens.widgets.page import GAP, Para


def told_paras(told: Iterable[Diagnosed], indent: int = 0, *, whole: bool = False) -> Iterator[Para]:
    """Findings: title and sentence; ``whole`` with evidence and remedies."""
    for entry in told:
        sign = SIGNS[entry.severity.value]
        yield Para(f"{entry.title}. {entry.summary}", "plain", sign.text.ljust(SIGN_WIDTH), sign.ink, indent)
        if whole:
            yield from _behind(entry, indent + SIGN_WIDTH)


def verdict_paras(walker: Walker) -> Iterator[Para]:
    """Everything under a verdict."""
    end = walker.conclusion
    assert end is not None
    if end.models:
        yield from (Para(text, indent=2) for text in end.models)
        yield GAP
        yield Para(say("guide", "found"), "head")
    weighty = [entry for entry in end.told if entry.severity is not Severity.INFO]
    if not end.told:
        yield Para(say("guide", "nothing" if end.end.outcome in WORKING else "no_cause"))
    for entry in end.told:
        yield from told_paras((entry,))
        if entry in weighty:
            yield Para(say("guide", "owner", owner=OWNERS[entry.owner]), "muted", indent=SIGN_WIDTH)
    if end.end.now:
        yield from (GAP, Para(say("guide", "now"), "head"))
        yield from (Para(text, "plain", f"{number}. ", "strong") for number, text in enumerate(end.end.now, 1))
    if end.end.hand:
        yield from (GAP, Para(say("guide", "hand"), "head"))
        yield from (Para(f"{say('guide', 'to', owner=OWNERS[each.to])}{each.what}") for each in end.end.hand)
    yield from _proof(walker, end.told)
    checks = [taken.seen for taken in walker.walk.taken if isinstance(taken, Found)]
    seconds = sum(seen.elapsed_ms for seen in checks) / 1000
    yield from (GAP, Para(say("guide", "time", count=len(checks), seconds=f"{seconds:.1f}"), "muted"))


def _proof(walker: Walker, told: Iterable[Diagnosed]) -> Iterator[Para]:
    """What each test saw last, then the evidence of every finding and what mends it."""
    seen = {at.step: (at.title, each.seen) for at, each in zip(walker.trodden, walker.walk.taken, strict=True) if isinstance(each, Found)}
    if seen:
        yield from (GAP, Para(say("guide", "know"), "head"))
    for title, one in seen.values():
        sign = SIGNS[one.status.value]
        yield Para(title, "strong", sign.text.ljust(SIGN_WIDTH), sign.ink)
        yield from (Para(text, indent=2) for text in one.lines)
    for entry in told:
        yield Para(entry.title, "strong")
        yield from _behind(entry, 2)


def _behind(entry: Diagnosed, indent: int) -> Iterator[Para]:
    for text in entry.evidence:
        yield Para(text, "plain", say("guide", "evidence"), "muted", indent)
    if entry.severity is not Severity.INFO:
        yield from (Para(text, "plain", say("guide", "remedy"), "muted", indent) for text in entry.remedy)


def request_text(walker: Walker) -> str:
    """What is to be handed over, as one text; empty where nothing is."""
    end = walker.conclusion
    hands = end.end.hand if end is not None else ()
    return "\n\n".join(each.what for each in hands)
