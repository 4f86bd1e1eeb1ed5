"""A scripted world for guides: every input that a step can be given, generated from the guide's own data, and every way through a guide, found by search.

Nothing here judges. ``ways`` yields walks: together they take every way on of every step that can be taken at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from aetui.causes import load_causes
from aetui.guide import interpreter
from aetui.guide.actions import gives
from aetui.guide.interpreter import Walk, Wrong
from aetui.guide.records import Ask, Branch, By, Check, End, Guide, Instruction, Question, Seen
from aetui.records import Confidence, Diagnosed, Severity, Status

SAMPLES = {Ask.TEXT: "110", Ask.ADDRESS: "192.168.50.30", Ask.PORT: "53389"}
SEVERITIES = {Status.FAIL: Severity.FAIL, Status.WARN: Severity.WARN, Status.PASS: Severity.INFO, Status.UNKNOWN: Severity.INFO}


def told(cause: str, severity: Severity = Severity.FAIL) -> Diagnosed:
    """A finding in words that are beside the point."""
    words = load_causes().causes[cause]
    return Diagnosed(
        cause, severity, Confidence.CERTAIN, words.title, f"{cause}.", ("It was seen.",), ("link",), words.owner, words.remedy, words.breaks
    )


def sights(guide: Guide, step: Check) -> Iterator[tuple[str, Seen]]:
    """For each key that the check, or a branch on its result, names, a result that goes on by it, and one for each status that is left."""
    given = gives(step.action)
    later = [
        key for each in guide.steps.values() if isinstance(each, Branch) and each.by is By.RESULT and each.of == step.id for key in each.on
    ]
    facts = {name: f"192.0.2.{number}" for number, name in enumerate(sorted(given.names), 1)}
    for key in dict.fromkeys((*step.on, *(key for key in later if key != "not-run"), *(status.value for status in given.statuses))):
        known = given.sure.get("", frozenset()) | given.sure.get(key, frozenset())
        for seen in _sight(step, key):
            yield key, Seen(seen.status, seen.signs, seen.told, {name: facts[name] for name in known}, ("A line.",), 1000.0)


def _sight(step: Check, key: str) -> Iterator[Seen]:
    given = gives(step.action)
    if key in given.signs:  # a sign may come with any status, as far as the tables say
        yield from (Seen(status, (key,)) for status in sorted(given.statuses))
    elif key in given.causes:
        yield Seen(Status.FAIL if Status.FAIL in given.statuses else Status.WARN, (), (told(key),))
    else:
        yield next(Seen(status) for status in given.statuses if status.value == key)


def inputs(guide: Guide, walk: Walk) -> Iterator[tuple[str, Walk]]:
    """Every way on from here, by its key."""
    step = guide.steps[interpreter.here(guide, walk).reached]
    match step:
        case Instruction():
            yield "", _walk(interpreter.go_on(guide, walk))
        case Question():
            for choice in step.choices:
                yield choice.key, _walk(interpreter.answer(guide, walk, choice.key))
            if not step.choices:
                yield "", _walk(interpreter.answer(guide, walk, SAMPLES[step.ask]))
            if step.passed:
                result = interpreter.answer(guide, walk, "")
                yield "passed", _walk(result)
        case Check():
            for key, seen in sights(guide, step):
                yield key, _walk(interpreter.found(guide, walk, seen))
        case _:
            return


def _walk(result: Walk | Wrong) -> Walk:
    assert isinstance(result, Walk), result
    return result


@dataclass
class Survey:
    """What a search of a guide has found."""

    steps: set[str] = field(default_factory=set)
    edges: set[tuple[str, str]] = field(default_factory=set)
    ends: dict[str, Walk] = field(default_factory=dict)
    """Each verdict, with a walk that comes to it."""
    walks: list[Walk] = field(default_factory=list)


def survey(guide: Guide) -> Survey:
    """Search every state that matters: where one is, and what the guide's branches look at; with and without what a call may make known."""
    found = Survey()
    starts = [
        interpreter.begin(guide, given)
        for given in ({}, {"outside": "office", "public": "192.0.2.9", "ftp_login": "yes", "vantage": "here"})
    ]
    seen: set[object] = set()
    open_ = [(walk, _key(guide, walk)) for walk in starts]
    while open_:
        walk, key = open_.pop(0)
        if key in seen:
            continue
        seen.add(key)
        found.walks.append(walk)
        here = interpreter.here(guide, walk).reached
        found.steps.add(here)
        if isinstance(guide.steps[here], End):
            found.ends.setdefault(here, walk)
        for way, onward in inputs(guide, walk):
            found.edges.add((here, way))
            open_.append((onward, _key(guide, onward)))
    return found


def _key(guide: Guide, walk: Walk) -> object:
    """What can make a difference from here on."""
    known = interpreter.known(guide, walk)
    branches = [step for step in guide.steps.values() if isinstance(step, Branch)]
    latest = {taken.step: taken.seen.keys for taken in walk.taken if isinstance(taken, interpreter.Found)}
    looked = tuple(
        (branch.id, tuple(k for k in latest.get(branch.of, ("not-run",)) if k in branch.on) if branch.by is By.RESULT
         else known.get(branch.of, "") if branch.by is By.ANSWER else bool(known.get(branch.of)))
        for branch in branches
    )  # fmt: skip
    defaults = tuple(
        sorted(
            {s.default for s in guide.steps.values() if isinstance(s, Question) and "{" in s.default and known.get(s.default.strip("{}"))}
        )
    )
    return (interpreter.here(guide, walk).reached, looked, defaults)
