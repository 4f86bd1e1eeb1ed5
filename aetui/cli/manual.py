"""``aetui manual``: the manual page in man(7)'s language, made from the commands' own definitions. Show it with ``aetui manual | man -l
-``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from aetui import __version__
from aetui.cli.definition import Argument, Definition, definitions
from aetui.strict import Table, parse_toml


def add(parser: argparse.ArgumentParser) -> None:
    """No arguments."""


def run(_: argparse.Namespace) -> int:
    """Print it."""
    print("\n".join(page()))
    return 0


@cache
def words() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[tuple[str, str], ...]]]:
    """Paragraphs and lists of assets/manual.toml by section. Raises DataError where the file is wrong."""
    table = parse_toml(files("aetui.assets").joinpath("manual.toml").read_bytes(), "manual.toml")
    texts = {key: table.texts(key) for key in ("description", "vantages")}
    lists = {key: _pairs(table.table(key)) for key in ("status", "environment", "files")}
    table.done()
    return texts, lists


def _pairs(table: Table) -> tuple[tuple[str, str], ...]:
    return tuple(table.strings().items())


def page() -> Iterator[str]:
    """The whole page, line by line."""
    texts, lists = words()
    found = list(definitions())
    yield f'.TH AETUI 1 "" "aetui {__version__}" "User Commands"'
    yield from (".SH NAME", "aetui \\- will this data logger get through this network?", ".SH SYNOPSIS")
    for definition in found:
        yield from (f".B {roff(f'aetui {definition.name}'.strip())}", roff(_usage(definition).strip()), ".br")
    yield ".SH DESCRIPTION"
    yield from (line for text in texts["description"] for line in (".PP", roff(text)))
    yield ".SH VANTAGES"
    yield from (line for text in texts["vantages"] for line in (".PP", roff(text)))
    yield ".SH COMMANDS"
    for definition in found:
        yield from _command(definition)
    for title, key in (("EXIT STATUS", "status"), ("ENVIRONMENT", "environment"), ("FILES", "files")):
        yield f".SH {title}"
        for label, text in lists[key]:
            yield from (".TP", f".B {roff(label)}", roff(text))


def _command(definition: Definition) -> Iterator[str]:
    yield f".SS {roff(f'aetui {definition.name}'.strip())}"
    yield roff(definition.does)
    for argument in definition.arguments:
        yield from (".TP", _label(argument), roff(argument.help or "show this help"))
    if definition.note:
        yield from (".PP", roff(definition.note))


def _label(argument: Argument) -> str:
    flags = "\\fR, \\fB".join(roff(flag) for flag in argument.flags)
    values = f"\\fI{roff(argument.words)}\\fR" if argument.words else ""
    return f"\\fB{flags}\\fR {values}".rstrip() if flags else values


def _usage(definition: Definition) -> str:
    return " ".join(a.words for a in definition.positionals) + " [options]"


def roff(text: str) -> str:
    """Text of which nothing is a request, an escape or a hyphen that breaks."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...").replace("%%", "%")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
