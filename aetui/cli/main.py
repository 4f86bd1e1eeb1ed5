"""The ``aetui`` command: picks the subcommand, loads that one file, and turns its answer into an exit status.

A table names the commands and the modules that hold them, so ``--help`` loads none. ``--demo [SCENARIO]`` may stand anywhere. Mistakes in the call
are one sentence on standard error and status 2. Statuses: ``Exit``.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Sequence
from enum import IntEnum
from importlib import import_module
from typing import NamedTuple, NoReturn, Protocol, cast

from aetui import __version__

CLOSE_ENOUGH = 0.75
"""How alike a word after ``--demo`` must be to a scenario's name to be taken for a slip of it."""


class Exit(IntEnum):
    """What a script reads."""

    READY = 0
    FAILED = 1
    USAGE = 2
    UNDETERMINED = 3
    INTERRUPTED = 130


class Command(Protocol):
    """A module of this package that is a command."""

    def add(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; the exit status."""


class Entry(NamedTuple):
    """A command's place in the table."""

    module: str
    does: str


COMMANDS: dict[str, Entry] = {
    "check": Entry("check", "outbound preflight and diagnosis, no screen"),
    "listen": Entry("listen", "listen for knocks on forwarded ports"),
    "confirm": Entry("confirm", "the outside half: reach a site's public address and say what answers"),
    "trace": Entry("trace", "the path, and the hop at which a port dies"),
    "report": Entry("report", "what to hand to a ticket: a page, Markdown, a table, JSON, or 20 lines"),
    "guide": Entry("guide", "the wizard of one piece of equipment, step by step in plain lines"),
    "request": Entry("request", "what to ask of a firewall's owner, in the firewall's own words, and the letter"),
    "diff": Entry("diff", "what is fixed, broken and changed between two sessions, or since today's catalogue"),
    "history": Entry("history", "earlier sessions: list, search, name, delete, export"),
    "catalogue": Entry("catalogue", "what each piece of equipment needs, and where that is written"),
    "completion": Entry("completion", "what a shell needs to complete aetui's words: bash, zsh or fish"),
    "manual": Entry("manual", "the manual page, for man(1)"),
    "explain": Entry("explain", "what a cause means and who mends it, or what a check measures"),
}
KEEP_ROOT = frozenset({None, "check", "guide", "listen", "trace"})
"""What may want raw packets or a low port: these give root up themselves, once the packet helper is started."""
CONSOLE = Entry("console", "the console (full screen)")


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Refuse the call."""
        from aetui.display import displayable

        print(f"{self.prog}: {displayable(message, 500)} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(Exit.USAGE)


def scenarios() -> list[str]:
    """Names of the embedded site's scenarios, without loading any."""
    from importlib.resources import files

    folder = files("aetui.assets").joinpath("scenarios")
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml") and not f.name.startswith("_"))


def _plain_word(arguments: Sequence[str]) -> bool:
    """True where a word stands that is no option and no option's value: what a command is about has been named already."""
    return any(not word.startswith("-") and not (place and arguments[place - 1].startswith("-")) for place, word in enumerate(arguments))


def _demo_word(arguments: Sequence[str], command: bool) -> list[str]:
    """``--demo`` with a value of its own only where a scenario's name follows, or, where nothing else can, any word."""
    found = list(arguments)
    for place, word in enumerate(found):
        if word != "--demo":
            continue
        import difflib

        following = found[place + 1] if place + 1 < len(found) else "-"
        names = scenarios()
        meant = following in names or bool(difflib.get_close_matches(following, names, n=1, cutoff=CLOSE_ENOUGH))
        meant = meant or not command or _plain_word(found[:place])
        if following.startswith("-") or not meant:
            found[place] = "--demo=healthy"
    return found


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--demo", metavar="SCENARIO", help="run against the embedded site: no network, no privilege (default scenario: healthy)"
    )


def _top() -> Parser:
    lines = [f"  {name:<10} {entry.does}" for name, entry in COMMANDS.items()]
    parser = Parser(
        prog="aetui",
        usage="aetui [--demo [SCENARIO]] [COMMAND …]",
        description="Will this data logger get through this network, and if not, what stands in the way and who mends it?\n"
        "Without a command: the console (full screen).",
        epilog="commands:\n"
        + "\n".join(lines)
        + "\n\naetui COMMAND --help tells more. Exit status: 0 all required checks hold, 1 a required check fails,\n"
        "2 wrong usage, 3 could not be determined, 130 interrupted.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"aetui {__version__}")
    _common(parser)
    return parser


def _find(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The command's name and the arguments without it. Options of the console and words after ``--demo`` are no commands."""
    rest = list(arguments)
    for place, word in enumerate(rest):
        if word in COMMANDS and not (place and rest[place - 1] == "--demo" and word in scenarios()):
            return word, rest[:place] + rest[place + 1 :]
        if not word.startswith("-") and not (place and rest[place - 1].startswith("-")):
            return word, rest
    return None, rest


def command(name: str | None) -> tuple[Command, Parser]:
    """A command's module and its parser; the console's without a name. The one definition that help, manual and completion come from."""
    entry = COMMANDS[name] if name else CONSOLE
    module = cast("Command", import_module(f"aetui.cli.{entry.module}"))
    parser = Parser(prog=f"aetui {name}" if name else "aetui", description=entry.does, allow_abbrev=False)
    module.add(parser)
    _common(parser)
    return module, parser


def main(arguments: Sequence[str]) -> int:
    """Run one call; the exit status."""
    name, rest = _find(arguments)
    if name is not None and name not in COMMANDS:
        import difflib

        near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(COMMANDS)}"
        print(f"aetui: unknown command {name[:40]!a}{hint}", file=sys.stderr)
        return Exit.USAGE
    if name is None and {"-h", "--help", "--version"} & set(rest):
        _top().parse_args(rest)
    if name not in KEEP_ROOT:
        from aetui.cli.common import shed

        shed(wanted=False)
    module, parser = command(name)
    return module.run(parser.parse_args(_demo_word(rest, name is not None)))


def _whole_streams() -> None:
    """A stream that the caller has closed is nothing: what is read there is at its end, and what is written is lost. What standard output
    cannot show is a question mark there.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - open until the end
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def entry() -> NoReturn:
    """The console script."""
    _whole_streams()
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = Exit.INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        status = Exit.FAILED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print("aetui: the result could not be written: no space is left for it", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter tries once more when it ends
        status = Exit.UNDETERMINED
    raise SystemExit(int(status))
