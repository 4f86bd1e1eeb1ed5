"""Walks a guide: what has been taken so far, and an input, give the next walk; a walk gives what to show. Pure.

A ``Walk`` is what people and checks put in, in order, and nothing else: where it stands and what is known follow from it. So going back
is leaving out the last input, and taking a walk up again is giving the same inputs once more; inputs that no longer fit the guide (it was
changed meanwhile) end the walk at the last one that does.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from aetui import hostport
from aetui.display import displayable
from aetui.guide.distance import led, left
from aetui.guide.proof import NOT_RUN
from aetui.guide.records import (
    SKIPPED,
    Action,
    Ask,
    Branch,
    By,
    Check,
    Choice,
    End,
    Guide,
    Hand,
    Instruction,
    Models,
    Question,
    Seen,
    Shown,
    Step,
)  # fmt: skip
from aetui.records import Diagnosed

LONGEST_ANSWER = 200
"""Characters of a free answer that are kept."""


@dataclass(frozen=True, slots=True)
class Went:
    """An instruction was followed, or at least read."""

    step: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A question was answered; ``text`` is in its normal form, ``SKIPPED`` where it was passed over."""

    step: str
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """A check ran."""

    step: str
    seen: Seen


Taken = Went | Answer | Found


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk through a guide, so far."""

    guide: str
    given: Mapping[str, str] = field(default_factory=dict)
    """What was known before the first step (``actions.GIVEN``)."""
    taken: tuple[Taken, ...] = ()


@dataclass(frozen=True, slots=True)
class Wrong:
    """An input that does not fit; ``code`` names the sentence in assets/guide.toml that ``values`` fill."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one is: this is step ``number`` of about ``about``."""

    number: int
    about: int


@dataclass(frozen=True, slots=True)
class Showing:
    """What is to be shown now, and done where it is a check. Every ``{name}`` is filled in."""

    step: Shown
    place: Place
    reached: str
    """Id of the step."""


@dataclass(frozen=True, slots=True)
class Trodden:
    """One line of the way so far."""

    step: str
    title: str
    what: str
    """The answer as given, or the check's status; empty for an instruction."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The end of a walk."""

    end: End
    told: tuple[Diagnosed, ...]
    """Everything that the checks found, the root first."""
    lines: tuple[str, ...]
    """What the last check saw, for people."""
    models: tuple[str, ...] = ()
    """The table of models, where the walk made one."""


@dataclass(slots=True)
class _Position:
    """What follows from a walk."""

    here: str
    values: dict[str, str]
    results: dict[str, Seen] = field(default_factory=dict)
    used: int = 0


# ---------------------------------------------------------------------------------------------------------------- going on
def begin(guide: Guide, given: Mapping[str, str] | None = None) -> Walk:
    """A walk that has not left the first step."""
    return Walk(guide.key, dict(given or {}))


def taken_up(guide: Guide, walk: Walk) -> Walk:
    """The walk as far as it fits the guide as it is now."""
    return replace(walk, taken=walk.taken[: _stand(guide, walk).used])


def go_on(guide: Guide, walk: Walk) -> Walk | Wrong:
    """An instruction was followed."""
    step = guide.steps[_stand(guide, walk).here]
    if not isinstance(step, Instruction):
        return Wrong("not-now")
    return replace(walk, taken=(*walk.taken, Went(step.id)))


def answer(guide: Guide, walk: Walk, text: str) -> Walk | Wrong:
    """What a person typed; empty for the default, or to pass the step over where that is allowed."""
    position = _stand(guide, walk)
    step = guide.steps[position.here]
    if not isinstance(step, Question):
        return Wrong("not-now")
    taken = _understood(step, text.strip(), position.values)
    return taken if isinstance(taken, Wrong) else replace(walk, taken=(*walk.taken, Answer(step.id, taken)))


def found(guide: Guide, walk: Walk, seen: Seen) -> Walk | Wrong:
    """What the check of this step saw."""
    step = guide.steps[_stand(guide, walk).here]
    if not isinstance(step, Check):
        return Wrong("not-now")
    return replace(walk, taken=(*walk.taken, Found(step.id, seen)))


def back(walk: Walk) -> Walk:
    """Before the last step that a person answered or read; checks made after it go too. The beginning stays the beginning."""
    taken = walk.taken
    while taken and isinstance(taken[-1], Found):
        taken = taken[:-1]
    return replace(walk, taken=taken[:-1])


def _understood(step: Question, text: str, values: Mapping[str, str]) -> str | Wrong:
    """An answer in its normal form."""
    if not text:
        default = fill(step.default, values)
        if default:
            text = default
        elif step.passed:
            return SKIPPED
        else:
            return Wrong("empty")
    match step.ask:
        case Ask.CHOICE | Ask.YES_NO | Ask.LOGIN:
            return _chosen(step.choices, text)
        case Ask.ADDRESS:
            return address(text)
        case Ask.PORT:
            port = hostport.port(text)
            return str(port) if port is not None else Wrong("no-port", {"text": text})
        case Ask.TEXT:
            return displayable(text, LONGEST_ANSWER)


def _chosen(choices: tuple[Choice, ...], text: str) -> str | Wrong:
    """By number, by key, or by the beginning of one key or label alone."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= len(choices):
        return choices[int(text) - 1].key
    meant = text.casefold()
    exact = [each for each in choices if each.key == meant]
    near = exact or [each for each in choices if each.key.startswith(meant) or each.label.casefold().startswith(meant)]
    return near[0].key if len(near) == 1 else Wrong("no-choice", {"text": text, "keys": ", ".join(each.key for each in choices)})


def address(text: str) -> str | Wrong:
    """An IPv4 address that a device can have, in its normal form."""
    try:
        found = IPv4Address(text)
    except AddressValueError:
        return Wrong("no-address", {"text": text})
    usable = not (found.is_unspecified or found.is_multicast or found.is_loopback or found == IPv4Address("255.255.255.255"))
    return str(found) if usable else Wrong("no-host", {"text": text})


# -------------------------------------------------------------------------------------------------------------- where it stands
def _stand(guide: Guide, walk: Walk) -> _Position:
    """Fold the walk."""
    position = _Position(guide.start, {name: value for name, value in walk.given.items() if value})
    _pass_branches(guide, position)
    for taken in walk.taken:
        step = guide.steps[position.here]
        onward = _onward(step, taken, position) if taken.step == step.id else None
        if onward is None:
            break
        position.here = onward
        position.used += 1
        _pass_branches(guide, position)
    return position


def _onward(step: Step, taken: Taken, position: _Position) -> str | None:
    """The next step, what was put in being noted; None where it does not fit."""
    if isinstance(step, Instruction) and isinstance(taken, Went):
        return step.next
    if isinstance(step, Question) and isinstance(taken, Answer):
        return _answered(step, taken.text, position)
    if isinstance(step, Check) and isinstance(taken, Found):
        position.results[step.id] = taken.seen
        for name, value in taken.seen.facts.items():
            _set(position.values, name, value)
        return led(step.on, step.otherwise, taken.seen.keys)
    return None


def _answered(step: Question, text: str, position: _Position) -> str | None:
    if text == SKIPPED:
        position.values.pop(step.saves, None)
        return step.passed or None
    onward = next((each.next for each in step.choices if each.key == text), None) if step.choices else step.next
    if onward is not None:
        position.values[step.saves] = text
    return onward


def _set(values: dict[str, str], name: str, value: str) -> None:
    if value:
        values[name] = value
    else:
        values.pop(name, None)


def _pass_branches(guide: Guide, position: _Position) -> None:
    """Silent steps are taken at once; the proof says that they come to an end."""
    while isinstance(step := guide.steps[position.here], Branch):
        onward = led(step.on, step.otherwise, _looked_at(step, position))
        assert onward is not None, f"{guide.file}: {step.id} goes nowhere"
        position.here = onward


def _looked_at(step: Branch, position: _Position) -> tuple[str, ...]:
    if step.by is By.RESULT:
        return position.results[step.of].keys if step.of in position.results else (NOT_RUN,)
    value = position.values.get(step.of, "")
    return (value,) if step.by is By.ANSWER else ("yes" if value else "no",)


# ------------------------------------------------------------------------------------------------------------ what is to be shown
def here(guide: Guide, walk: Walk) -> Showing:
    """What is to be shown, asked or run now."""
    position = _stand(guide, walk)
    step = guide.steps[position.here]
    assert not isinstance(step, Branch)
    return Showing(filled(step, position.values), _place(guide, walk, position), step.id)


def known(guide: Guide, walk: Walk) -> Mapping[str, str]:
    """Everything that is known by name."""
    return _stand(guide, walk).values


def trodden(guide: Guide, walk: Walk) -> tuple[Trodden, ...]:
    """The way so far, a line each."""
    lines = []
    for count, taken in enumerate(walk.taken):
        shown = here(guide, replace(walk, taken=walk.taken[:count])).step
        what = taken.seen.status.value if isinstance(taken, Found) else taken.text if isinstance(taken, Answer) else ""
        lines.append(Trodden(taken.step, shown.title, what))
    return tuple(lines)


def conclusion(guide: Guide, walk: Walk) -> Conclusion | None:
    """The verdict with everything found; None where the walk is not at its end."""
    position = _stand(guide, walk)
    step = guide.steps[position.here]
    if not isinstance(step, End):
        return None
    end = filled(step, position.values)
    assert isinstance(end, End)
    latest = list(_latest(walk))
    told = {(entry.cause, entry.summary): entry for _, seen in latest for entry in seen.told}
    ordered = tuple(sorted(told.values(), key=lambda entry: entry.severity.rank))
    table = next((seen.lines for checked, seen in latest if _makes_the_table(guide, checked)), ())
    return Conclusion(end, ordered, latest[0][1].lines if latest else (), table)


def _makes_the_table(guide: Guide, step: str) -> bool:
    check = guide.steps.get(step)
    return isinstance(check, Check) and isinstance(check.action, Models)


def _latest(walk: Walk) -> Iterator[tuple[str, Seen]]:
    """What each check saw last, by its step, the latest check first: it is the one that led here."""
    told: set[str] = set()
    for taken in reversed(walk.taken):
        if isinstance(taken, Found) and taken.step not in told:
            told.add(taken.step)
            yield taken.step, taken.seen


def _place(guide: Guide, walk: Walk, position: _Position) -> Place:
    number = len(walk.taken) + 1
    return Place(number, number + left(guide, position.here, position.values))


# ------------------------------------------------------------------------------------------------------------------ the words
class _Values(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def fill(text: str, values: Mapping[str, str]) -> str:
    """A text with what is known put in; the values are displayable already, and one that is not known is nothing."""
    return string.Formatter().vformat(text, (), _Values(values))


def filled(step: Step, values: Mapping[str, str]) -> Shown:
    """The step with its words, and its action, filled in."""

    def turn(text: str) -> str:
        return fill(text, values)

    match step:
        case Instruction():
            return replace(step, title=turn(step.title), text=turn(step.text))
        case Question():
            choices = tuple(replace(each, label=turn(each.label)) for each in step.choices)
            return replace(step, title=turn(step.title), text=turn(step.text), choices=choices, default=turn(step.default))
        case Check():
            return replace(step, title=turn(step.title), text=turn(step.text), action=_action(step.action, values))
        case End():
            hand = tuple(Hand(each.to, turn(each.what)) for each in step.hand)
            return replace(step, title=turn(step.title), text=turn(step.text), now=tuple(map(turn, step.now)), hand=hand)
        case Branch():
            raise AssertionError("a branch is never shown")


def _action(action: Action, values: Mapping[str, str]) -> Action:
    given: dict[str, Any] = {each.name: getattr(action, each.name) for each in fields(action)}
    kind: Any = type(action)
    turned: Action = kind(**{
        name: fill(value, values) if isinstance(value, str) else tuple(fill(text, values) for text in value) for name, value in given.items()
    })  # fmt: skip
    return turned
