"""The commands as data: every option and argument, read from the parsers that the commands themselves declare. Manual and completion
are made of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aetui.cli.main import COMMANDS, command

EQUIPMENT = "EQUIPMENT"
SCENARIO = "SCENARIO"


@dataclass(frozen=True, slots=True)
class Argument:
    """An option, or a positional argument."""

    flags: tuple[str, ...]
    """As written on the command line; empty for a positional argument."""
    values: tuple[str, ...]
    """Names of its values; empty for a switch."""
    help: str
    choices: tuple[str, ...] = ()
    path: bool = False
    """True where its value is a file."""
    optional: bool = False
    """True where it may be left out, or its value may."""
    many: bool = False

    @property
    def words(self) -> str:
        """Its values as usage lines show them."""
        shown = " ".join(self.values)
        shown += " …" if self.many else ""
        return f"[{shown}]" if self.optional and shown else shown


@dataclass(frozen=True, slots=True)
class Definition:
    """One command."""

    name: str
    """Empty for the console."""
    does: str
    arguments: tuple[Argument, ...]
    note: str = ""

    @property
    def options(self) -> tuple[Argument, ...]:
        """What begins with a dash."""
        return tuple(a for a in self.arguments if a.flags)

    @property
    def positionals(self) -> tuple[Argument, ...]:
        """What stands by itself."""
        return tuple(a for a in self.arguments if not a.flags)


def definitions() -> Iterator[Definition]:
    """The console first, then every command in the table's order."""
    for name in (None, *COMMANDS):
        _, parser = command(name)
        yield Definition(name or "", parser.description or "", tuple(_argument(action) for action in parser._actions), parser.epilog or "")


def _argument(action: argparse.Action) -> Argument:
    choices = tuple(map(str, action.choices or ()))
    return Argument(
        flags=tuple(action.option_strings),
        values=() if action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction) else _values(action, choices),
        help=action.help or "",
        choices=choices,
        path=action.type is Path,
        optional=action.nargs in {"?", "*"} or action.metavar == SCENARIO,
        many=action.nargs in {"*", "+"},
    )


def _values(action: argparse.Action, choices: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(action.metavar, tuple):
        return action.metavar
    return (action.metavar or "|".join(choices) or action.dest.upper(),)
