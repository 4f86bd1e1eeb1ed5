"""What must be true of a guide before anybody walks it; a guide that is not whole is refused with file, step and fault (``DataError``).
Pure.

Every next step exists; every step can be reached and comes to a verdict; no circle without a question in it; every branch names only what
can happen and covers all of it, by name or by ``otherwise``; every ``{name}`` has a value on every way that leads there; where an action
takes an address or a port, one stands there, or the name of one. Of all guides together: every model of the catalogue has one, and no label
leads to two models' guides.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from ipaddress import AddressValueError, IPv4Address
from typing import NoReturn

from aetui import hostport
from aetui.catalogue import Catalogue
from aetui.guide.actions import ADDRESSES, GIVEN, TAKES, gives, texts_of
from aetui.guide.records import Action, Ask, Branch, By, Check, End, Guide, Instruction, Plan, Question, Step
from aetui.strict import DataError

NOT_RUN = "not-run"
"""Key of a branch on a result where the check was passed by."""
Edge = tuple[str, str]
"""A key (empty where there is only one way on) and the step that it leads to."""


def prove(guide: Guide, catalogue: Catalogue) -> None:
    """Raises DataError for the first thing that is wrong."""
    for step in guide.steps.values():
        _targets(guide, step)
    if guide.start not in guide.steps:
        _fail(guide, None, f"the start '{guide.start}' is no step")
    for step in guide.steps.values():
        _handled(guide, step)
    _reached(guide)
    _ends(guide)
    _circles(guide)
    _known(guide)
    _kinds(guide)
    _equipment(guide, catalogue)


def prove_all(guides: Iterable[Guide], catalogue: Catalogue) -> None:
    """Every guide, and all of them together."""
    everyone = tuple(guides)
    labels: dict[str, Guide] = {}
    for guide in everyone:
        prove(guide, catalogue)
        for label in guide.labels:
            other = labels.setdefault(label.casefold(), guide)
            if other is not guide:
                _fail(guide, None, f"the label '{label}' is that of {other.file} too", "labels")
    covered = {key for guide in everyone for key in guide.equipment}
    missing = [key for key in catalogue.equipment if key not in covered]
    if missing:
        raise DataError("guides", "", f"no guide for {', '.join(missing)}")


def _fail(guide: Guide, step: Step | None, why: str, key: str = "start") -> NoReturn:
    raise DataError(guide.file, f"step.{step.id}" if step is not None else key, why)


# ------------------------------------------------------------------------------------------------------------------ the ways
def edges(step: Step) -> tuple[Edge, ...]:
    """Every way on from a step; the key ``otherwise`` stands for what is not named."""
    match step:
        case Instruction():
            return (("", step.next),)
        case Question():
            onward = [(each.key, each.next) for each in step.choices] or [("", step.next)]
            return (*onward, *([("passed", step.passed)] if step.passed else []))
        case Check() | Branch():
            return (*step.on.items(), *([("otherwise", step.otherwise)] if step.otherwise else []))
        case End():
            return ()


def _targets(guide: Guide, step: Step) -> None:
    for key, target in edges(step):
        if target not in guide.steps:
            _fail(guide, step, f"goes on to '{target}'{f' on {key}' if key else ''}, and there is no such step")


def _handled(guide: Guide, step: Step) -> None:
    """What can happen is covered, and what is named can happen."""
    if isinstance(step, Check):
        given = gives(step.action)
        can, must = given.keys, {status.value for status in given.statuses}
    elif isinstance(step, Branch):
        can, must = _possible(guide, step)
    else:
        return
    for key in step.on:
        if key not in can:
            _fail(guide, step, f"'{key}' can never happen here; what can: {', '.join(sorted(can))}")
    left = sorted(must - set(step.on))
    if left and not step.otherwise:
        _fail(guide, step, f"does not say what follows on {', '.join(left)}, and has no 'otherwise'")
    if not left and step.otherwise:
        _fail(guide, step, "'otherwise' is never used")


def _possible(guide: Guide, branch: Branch) -> tuple[frozenset[str], set[str]]:
    """Keys that a branch may name, and those that it must cover."""
    if branch.by is By.KNOWN:
        if branch.of not in names(guide):
            _fail(guide, branch, f"nothing makes '{branch.of}' known")
        return frozenset({"yes", "no"}), {"yes", "no"}
    if branch.by is By.ANSWER:
        asked = [step for step in guide.steps.values() if isinstance(step, Question) and step.saves == branch.of and step.choices]
        if not asked:
            _fail(guide, branch, f"no question with choices saves '{branch.of}'")
        keys = {choice.key for step in asked for choice in step.choices}
        return frozenset(keys), keys
    checked = guide.steps.get(branch.of)
    if not isinstance(checked, Check):
        _fail(guide, branch, f"'{branch.of}' is no check")
    given = gives(checked.action)
    always = _always_before(guide, branch.id, checked.id)
    must = {status.value for status in given.statuses} | (set() if always else {NOT_RUN})
    return given.keys | (frozenset() if always else {NOT_RUN}), must


def _always_before(guide: Guide, place: str, wanted: str) -> bool:
    """True where every way to ``place`` goes through ``wanted``."""
    return place not in _from(guide, guide.start, without=wanted)


def _from(guide: Guide, start: str, without: str = "") -> set[str]:
    found: set[str] = set()
    open_ = [start] if start != without else []
    while open_:
        here = open_.pop()
        if here not in found:
            found.add(here)
            open_ += [target for _, target in edges(guide.steps[here]) if target != without]
    return found


# ------------------------------------------------------------------------------------------------------------- whole guides
def _reached(guide: Guide) -> None:
    there = _from(guide, guide.start)
    for step in guide.steps.values():
        if step.id not in there:
            _fail(guide, step, "is never reached")


def _ends(guide: Guide) -> None:
    """From every step some way comes to a verdict."""
    ending = {step.id for step in guide.steps.values() if isinstance(step, End)}
    grown = True
    while grown:
        more = {s.id for s in guide.steps.values() if s.id not in ending and any(target in ending for _, target in edges(s))}
        ending |= more
        grown = bool(more)
    for step in guide.steps.values():
        if step.id not in ending:
            _fail(guide, step, "no way from here comes to a verdict")


def _circles(guide: Guide) -> None:
    """Without the questions, whatever is left has no circle."""
    left = {s.id: {t for _, t in edges(s)} for s in guide.steps.values() if not isinstance(s, Question)}
    while True:
        leaves = {identity for identity, onward in left.items() if not onward & left.keys()}
        if not leaves:
            break
        left = {identity: onward for identity, onward in left.items() if identity not in leaves}
    if left:
        first = next(iter(left))
        _fail(guide, guide.steps[first], f"goes round in a circle without a question: {', '.join(left)}")


# --------------------------------------------------------------------------------------------------------- what is known when
def placeholders(text: str) -> Iterator[str]:
    """The names in a text's braces. ValueError for braces that hold anything else."""
    for _, name, form, conversion in string.Formatter().parse(text):
        if form or conversion:
            raise ValueError(text)
        if name is not None:
            yield name


def names(guide: Guide) -> frozenset[str]:
    """Every name that may be known somewhere in a guide."""
    asked = {step.saves for step in guide.steps.values() if isinstance(step, Question)}
    return GIVEN.union(asked, *(gives(step.action).names for step in guide.steps.values() if isinstance(step, Check)))


def _known(guide: Guide) -> None:
    """Forward flow: what has a value on every way to a step is the meet over its ways in."""
    everything = names(guide)
    known: dict[str, frozenset[str]] = {guide.start: frozenset()}
    open_ = [guide.start]
    while open_:
        here = open_.pop()
        step = guide.steps[here]
        for key, target in edges(step):
            after = known[here] | _made_known(step, key)
            before = known.get(target)
            met = after if before is None else before & after
            if met != before:
                known[target] = met
                open_.append(target)
    for step in guide.steps.values():
        for where, text, needed in _uses(step):
            for name in _readable(guide, step, where, text):
                if name not in everything:
                    _fail(guide, step, f"{where} uses {{{name}}}, and nothing makes that known")
                if needed and name not in known[step.id]:
                    _fail(guide, step, f"{where} uses {{{name}}}, which is not known on every way there")


def _readable(guide: Guide, step: Step, where: str, text: str) -> tuple[str, ...]:
    try:
        return tuple(placeholders(text))
    except ValueError:
        _fail(guide, step, f"{where} has a brace without its partner, or more than a name in braces")


def _made_known(step: Step, key: str) -> frozenset[str]:
    match step:
        case Question():
            return frozenset() if key == "passed" else frozenset({step.saves})
        case Check():
            sure: Mapping[str, frozenset[str]] = gives(step.action).sure
            return sure.get("", frozenset()) | sure.get(key, frozenset())
        case Branch(by=By.KNOWN) if key == "yes":
            return frozenset({step.of})
        case _:
            return frozenset()


def _uses(step: Step) -> Iterator[tuple[str, str, bool]]:
    """Where a step uses names: place, text, and whether each must have a value there."""
    match step:
        case Instruction():
            yield from (("title", step.title, True), ("text", step.text, True))
        case Question():
            yield from (("title", step.title, True), ("text", step.text, True), ("default", step.default, False))
            yield from (("choice", each.label, True) for each in step.choices)
        case Check():
            yield from (("title", step.title, True), ("text", step.text, True))
            optional = _optional(step.action)
            yield from ((step_text, step_text, step_text not in optional) for step_text in texts_of(step.action))
        case End():
            yield from (("title", step.title, True), ("text", step.text, True))
            yield from (("now", each, True) for each in step.now)
            yield from (("hand", each.what, True) for each in step.hand)
        case Branch():
            pass


def _optional(action: Action) -> set[str]:
    return {str(getattr(action, each.name)) for each in fields(action) if each.default is not MISSING}


# ------------------------------------------------------------------------------------------------------ addresses and ports
def _kinds(guide: Guide) -> None:
    for step in guide.steps.values():
        if isinstance(step, Check):
            taken = [(name, TAKES[name], getattr(step.action, name)) for each in fields(step.action) if (name := each.name) in TAKES]
        else:
            taken = [("default", step.ask, step.default)] if isinstance(step, Question) and step.ask in TAKES.values() else []
        for name, kind, text in taken:
            if text and not _is(guide, kind, text):
                _fail(guide, step, f"{name} is '{text}', which is neither {_A[kind]} nor the name of one in braces")


_A = {Ask.ADDRESS: "an IPv4 address", Ask.PORT: "a port"}


def _is(guide: Guide, kind: Ask, text: str) -> bool:
    """True for an address or a port, and for a name that always stands for one."""
    if "{" in text:
        name = text.strip("{}")
        asked = {step.ask for step in guide.steps.values() if isinstance(step, Question) and step.saves == name}
        found = asked or ({Ask.ADDRESS} if name in ADDRESSES else set())
        return text == f"{{{name}}}" and found == {kind}
    if kind is Ask.PORT:
        return hostport.port(text) is not None
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def _equipment(guide: Guide, catalogue: Catalogue) -> None:
    for key in guide.equipment:
        if key not in catalogue.equipment:
            _fail(guide, None, f"'{key}' is no equipment of the catalogue", "equipment")
    for step in guide.steps.values():
        if isinstance(step, Check) and isinstance(step.action, Plan):
            for key in step.action.equipment:
                if key not in catalogue.equipment:
                    _fail(guide, step, f"'{key}' is no equipment of the catalogue")
            _only(guide, step, step.action, catalogue)


def _only(guide: Guide, step: Step, action: Plan, catalogue: Catalogue) -> None:
    """Every id that is named is one that the plan has."""
    from aetui.plan import Options, matches, plan
    from aetui.records import VantageInfo

    if not action.only:
        return
    checks = [c for c in plan(catalogue, action.equipment, VantageInfo("local", ""), Options()) if c.equipment]
    for one in action.only:
        if not matches(checks, one):
            _fail(guide, step, f"only '{one}' names no check of {', '.join(action.equipment)}")
