"""Guide files to ``Guide`` records, strictly: every key known, every value of its type, a mistake one line with file, step and fault
(``DataError``).

A file whose name begins with ``_`` is a part: steps that several guides include. A part declares what it ``needs`` (texts that stand for
``$name`` in it) and its ``exits``; inside it ``exit:NAME`` goes out. A guide includes it ``as`` a name: the part's start is then that
name, and its steps are ``name.step``; a branch in a part looks at the part's own checks, or with ``/name.step`` at any. ``$$`` is a
dollar sign. Whether a guide is whole is said by ``proof``. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from aetui.guide.actions import KINDS
from aetui.guide.records import (
    LOGIN_GIVEN,
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
    Question,
    Step,
)  # fmt: skip
from aetui.records import Owner, Verdict
from aetui.strict import DataError, Table

EXIT = "exit:"
_PARAMETER = re.compile(r"\$(\$|[a-z][a-z_]*)?")
_IDENTITY = re.compile(r"[a-z][a-z0-9-]*")
_NAME = re.compile(r"[a-z][a-z_]*")
Turn = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Raw:
    """A file as TOML gave it."""

    data: Mapping[str, Any]
    file: str


@dataclass(frozen=True, slots=True)
class _Part:
    start: str
    needs: tuple[str, ...]
    exits: tuple[str, ...]


def read(raw: Raw, parts: Mapping[str, Raw]) -> Guide:
    """One guide, its parts put in. Raises DataError."""
    table = Table(raw.data, raw.file)
    starts: dict[str, str] = {}
    included: dict[str, Step] = {}
    for include in table.tables("include"):
        alias, start, steps = _included(include, parts)
        if alias in starts:
            include.fail("as", f"'{alias}' is included twice")
        starts[alias] = start
        included |= steps
    own = dict(_steps(table, lambda text: text))
    for identity in own:
        if identity in starts:
            raise DataError(raw.file, f"step.{identity}", "an included part has this name")
    steps = {identity: _retarget(step, lambda text: starts.get(text, text)) for identity, step in (own | included).items()}
    start = table.text("start")
    guide = Guide(
        table.text("guide"), table.text("title"), table.text("about"), table.texts("equipment", ()), table.texts("labels", ()),
        starts.get(start, start), steps, raw.file,
    )  # fmt: skip
    table.done()
    return guide


def _included(include: Table, parts: Mapping[str, Raw]) -> tuple[str, str, dict[str, Step]]:
    """The name under which a part stands in the guide, its start, and its steps."""
    name, alias = include.text("part"), include.text("as")
    if name not in parts:
        include.fail("part", f"there is no part '{name}'; there are {', '.join(sorted(parts)) or 'none'}")
    _identity(include, "as", alias)
    given, exits = include.table("with").strings(), include.table("exits").strings()
    include.done()
    raw = parts[name]
    head = _head(raw)
    for wanted, got, key in ((head.needs, given, "with"), (head.exits, exits, "exits")):
        for one in (*wanted, *got):
            if one not in got or one not in wanted:
                include.fail(key, f"'{one}' is {'missing' if one in wanted else f'not known to part {name}'}")
    table = Table(_filled(raw.data, given, raw.file, ""), raw.file)
    for key in ("part", "start", "needs", "exits"):
        table.texts(key, ()) if key in {"needs", "exits"} else table.text(key)

    def target(text: str) -> str:
        if text.startswith(EXIT):
            if text.removeprefix(EXIT) not in head.exits:
                raise DataError(raw.file, text, "is no exit of this part")
            return exits[text.removeprefix(EXIT)]
        return f"{alias}.{text}"

    steps = {f"{alias}.{identity}": step for identity, step in _steps(table, target, alias)}
    table.done()
    for one in head.exits:
        if not any(f"{EXIT}{one}" == each for each in _texts(raw.data)):
            raise DataError(raw.file, "exits", f"nothing goes out by '{one}'")
    return alias, f"{alias}.{head.start}", steps


def _head(raw: Raw) -> _Part:
    table = Table(raw.data, raw.file)
    return _Part(table.text("start"), table.texts("needs", ()), table.texts("exits", ()))


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping | list):
        for each in data.values() if isinstance(data, Mapping) else data:
            yield from _texts(each)


def _filled(data: Any, given: Mapping[str, str], file: str, where: str) -> Any:
    """The same data with every ``$name`` replaced."""
    if isinstance(data, Mapping):
        return {key: _filled(value, given, file, f"{where}.{key}".lstrip(".")) for key, value in data.items()}
    if isinstance(data, list):
        return [_filled(value, given, file, where) for value in data]
    if not isinstance(data, str):
        return data

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name == "$":
            return "$"
        if name not in given:
            raise DataError(file, where, f"'{found[0]}' is none of the part's needs ({', '.join(given) or 'none'})")
        return given[name]

    return _PARAMETER.sub(value, data)


# ------------------------------------------------------------------------------------------------------------------- steps
def _steps(table: Table, target: Turn, alias: str = "") -> Iterator[tuple[str, Step]]:
    for identity, entry in table.named("step"):
        _identity(entry, "", identity)
        kind = entry.text("is")
        if kind not in _READERS:
            entry.fail("is", f"'{kind}' is none of {', '.join(_READERS)}")
        step = _READERS[kind](f"{alias}.{identity}" if alias else identity, entry)
        entry.done()
        if isinstance(step, Branch) and step.by is By.RESULT and alias:
            of = step.of.removeprefix("/") if step.of.startswith("/") else f"{alias}.{step.of}"
            step = Branch(step.id, step.by, of, step.on, step.otherwise)
        yield identity, _retarget(step, target)


def _identity(table: Table, key: str, text: str) -> None:
    if not _IDENTITY.fullmatch(text):
        raise DataError(
            table.file, f"{table.where}.{key}".strip("."), f"'{text}' is no id: small letters, digits and dashes, a letter first"
        )


def _retarget(step: Step, turn: Turn) -> Step:
    """The step with every 'next' turned."""
    match step:
        case Instruction():
            return Instruction(step.id, step.title, step.text, turn(step.next))
        case Question():
            choices = tuple(Choice(each.key, each.label, turn(each.next)) for each in step.choices)
            onward = turn(step.next) if step.next else ""
            passed = turn(step.passed) if step.passed else ""
            return Question(step.id, step.title, step.text, step.ask, step.saves, onward, choices, step.default, passed)
        case Check():
            on = {key: turn(text) for key, text in step.on.items()}
            return Check(step.id, step.title, step.text, step.action, on, turn(step.otherwise) if step.otherwise else "")
        case Branch():
            on = {key: turn(text) for key, text in step.on.items()}
            return Branch(step.id, step.by, step.of, on, turn(step.otherwise) if step.otherwise else "")
        case End():
            return step


def _instruction(identity: str, entry: Table) -> Instruction:
    return Instruction(identity, entry.text("title"), entry.text("text"), entry.text("next"))


def _question(identity: str, entry: Table) -> Question:
    title, text, ask = entry.text("title"), entry.text("text"), entry.choice("ask", Ask)
    saves = entry.text("saves", _name_of(identity))
    if not _NAME.fullmatch(saves):
        entry.fail("saves", f"'{saves}' is no name: small letters and underscores")
    if ask in {Ask.CHOICE, Ask.LOGIN}:
        choices = tuple(_choice(each) for each in entry.tables("choice"))
        if len(choices) < 2 or len({each.key for each in choices}) != len(choices):
            entry.fail("choice", "there must be two choices or more, each with a key of its own")
        if ask is Ask.LOGIN and LOGIN_GIVEN not in {each.key for each in choices}:
            entry.fail("choice", f"a login has a choice with the key '{LOGIN_GIVEN}'")
        return Question(identity, title, text, ask, saves, choices=choices, default=_default(entry, choices))
    if ask is Ask.YES_NO:
        choices = (Choice("yes", "yes", entry.text("yes")), Choice("no", "no", entry.text("no")))
        return Question(identity, title, text, ask, saves, choices=choices, default=_default(entry, choices))
    return Question(
        identity, title, text, ask, saves, entry.text("next"), default=entry.text("default", ""), passed=entry.optional("passed") or ""
    )


def _name_of(identity: str) -> str:
    """A question saves under its own id unless it says otherwise."""
    return identity.rpartition(".")[2].replace("-", "_")


def _choice(entry: Table) -> Choice:
    choice = Choice(entry.text("key"), entry.text("label"), entry.text("next"))
    entry.done()
    return choice


def _default(entry: Table, choices: tuple[Choice, ...]) -> str:
    default = entry.text("default", "")
    if default and default not in {each.key for each in choices}:
        entry.fail("default", f"'{default}' is none of {', '.join(each.key for each in choices)}")
    return default


def _check(identity: str, entry: Table) -> Check:
    title, text, action = entry.text("title"), entry.text("text"), _action(entry)
    return Check(identity, title, text, action, entry.table("on").strings(), entry.optional("otherwise") or "")


def _action(entry: Table) -> Action:
    does = entry.text("does")
    if does not in KINDS:
        entry.fail("does", f"'{does}' is none of {', '.join(KINDS)}")
    kind = KINDS[does]
    given: dict[str, Any] = {}
    for each in fields(kind):
        if each.name in {"equipment", "only"}:
            given[each.name] = entry.texts(each.name, None if each.default is MISSING else ())
        elif each.default is MISSING or each.name in entry:
            given[each.name] = entry.text(each.name)
    return kind(**given)


def _branch(identity: str, entry: Table) -> Branch:
    ways = [by for by in By if by.value in entry]
    if len(ways) != 1:
        entry.fail("is", f"a branch looks at exactly one of {', '.join(By)}")
    return Branch(identity, ways[0], entry.text(ways[0].value), entry.table("on").strings(), entry.optional("otherwise") or "")


def _end(identity: str, entry: Table) -> End:
    return End(
        identity, entry.text("title"), entry.text("text"), entry.choice("outcome", Verdict), entry.texts("now", ()),
        tuple(_hand(each) for each in entry.tables("hand")),
    )  # fmt: skip


def _hand(entry: Table) -> Hand:
    hand = Hand(entry.choice("to", Owner), entry.text("what"))
    entry.done()
    return hand


_READERS: Mapping[str, Callable[[str, Table], Step]] = {
    "instruction": _instruction, "question": _question, "check": _check, "branch": _branch, "verdict": _end,
}  # fmt: skip
