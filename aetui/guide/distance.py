"""How far it is from a step to a verdict, for 'step n of about m', and which way a set of keys leads. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aetui.guide.proof import edges
from aetui.guide.records import Branch, By, End, Guide, Question, Step
from aetui.records import Verdict


def led(on: Mapping[str, str], otherwise: str, keys: tuple[str, ...]) -> str | None:
    """The next step by the first key that is named; None where none is and there is no ``otherwise``."""
    return next((on[key] for key in keys if key in on), otherwise or None)


def left(guide: Guide, start: str, values: Mapping[str, str]) -> int:
    """Steps that a person still sees where questions take their defaults: the shortest way to the best verdict that can be had so."""
    defaults = {step.saves: step.default for step in guide.steps.values() if isinstance(step, Question) and step.choices}
    usual = {**defaults, **values}
    return _shortest(guide, start, lambda step: _usual(step, usual)) or _shortest(guide, start, _any)


def _any(step: Step) -> tuple[str, ...]:
    return tuple(target for _, target in edges(step))


def _usual(step: Step, answers: Mapping[str, str]) -> tuple[str, ...]:
    """Where a choice has a default, or a branch looks at one, that way; any otherwise."""
    if isinstance(step, Question) and step.choices:
        found: list[str] | tuple[str, ...] = [choice.next for choice in step.choices if choice.key == step.default]
    elif isinstance(step, Branch) and step.by is By.ANSWER:
        found = [target for target in (led(step.on, step.otherwise, (answers.get(step.of, ""),)),) if target]
    else:
        found = ()
    return tuple(found) or _any(step)


def _shortest(guide: Guide, start: str, ways: Callable[[Step], tuple[str, ...]]) -> int:
    distance = {start: 0}
    open_ = [start]
    while open_:
        at = open_.pop(0)
        for target in ways(guide.steps[at]):
            cost = distance[at] + (0 if isinstance(guide.steps[target], Branch) else 1)
            if cost < distance.get(target, cost + 1):
                distance[target] = cost
                open_.append(target)
    ends = {identity: step for identity in distance if isinstance(step := guide.steps[identity], End)}
    best = min((_ORDER[end.outcome] for end in ends.values()), default=0)
    return min((distance[identity] for identity, end in ends.items() if _ORDER[end.outcome] == best), default=0)


_ORDER = {Verdict.READY: 0, Verdict.DEGRADED: 1, Verdict.BLOCKED: 2, Verdict.UNDETERMINED: 3}
