"""The lines of an ssh_config, and which of them hold for a host: ssh_config(5), Host, Match and Include. Opens no connection.

A file is read as OpenSSH reads it: line by line with a switch that ``Host`` and ``Match`` set, ``Include`` read in place and under the
switch as it stands there, and the first value of a keyword winning (``IdentityFile`` adds up). ``Match exec`` is not run: such a block
does not hold, and its line is kept in ``passed_over``, so that the user can be told. Faults raise ``ConfigFault`` with file and line.
Meaning is given in ``sshconfig``.
"""

from __future__ import annotations

import fnmatch
import getpass
import glob
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

DEEPEST = 16
"""Include levels, as OpenSSH has it (READCONF_MAX_DEPTH)."""
LARGEST = 1 << 20
"""Bytes of one file that are read at the most."""
MOST_FILES = 256
"""Files read in all: many wide globs of each other end here."""

ADDING_UP = frozenset({"identityfile", "certificatefile"})
"""Keywords of which every value counts."""

COMMENTED = frozenset({"proxycommand", "hostname"})
"""Keywords whose value OpenSSH takes to the end of the line."""

_LINE = re.compile(r"""\s*"?([A-Za-z0-9]+)"?(?:\s*=\s*|\s+)(.*\S)\s*$""")


class ConfigFault(ValueError):
    """The configuration is wrong; the text names file and line."""


@dataclass(slots=True)
class Reading:
    """The state of one pass over the files for one host."""

    original: str
    """The name as the user gave it."""
    user: str | None = None
    """The user that the command line gave."""
    values: dict[str, list[str]] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)
    active: bool = True
    files: int = 0

    def first(self, key: str) -> str | None:
        """The value that holds, or None."""
        return self.values[key][0] if key in self.values else None

    def take(self, key: str, value: str) -> None:
        """Note a value, unless an earlier one stands."""
        if key in ADDING_UP:
            held = self.values.setdefault(key, [])
            if value not in held:
                held.append(value)
        else:
            self.values.setdefault(key, [value])


def read(path: Path, original: str, user: str | None = None) -> Reading:
    """All values that hold for ``original``. A file that is not there is empty."""
    reading = Reading(original, user)
    _read_file(path, reading, path.parent, 0)
    return reading


def host_patterns(path: Path) -> Iterator[str]:
    """Every pattern of every ``Host`` line, in order, included files too."""
    found: list[str] = []
    _walk(path, found, path.parent, [0], 0)
    return iter(dict.fromkeys(found))


def lines(path: Path) -> Iterator[tuple[str, str, str]]:
    """Keyword in lower case, value, and where it stands, of each line. Raises ConfigFault at a line that has no value."""
    try:
        with path.open("rb") as stream:
            text = stream.read(LARGEST).decode("utf-8", "replace")
    except OSError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.match(line)
        if found is None:
            raise ConfigFault(f"{path} line {number}: no keyword and value")
        yield found[1].lower(), found[2], f"{path} line {number}"


def words(value: str, where: str) -> list[str]:
    """A value's words: double and single quotes group, ``#`` at the start of a word begins a comment."""
    lexer = shlex.shlex(value, posix=True)
    lexer.whitespace_split = True
    lexer.escape = "" if os.sep == "/" else lexer.escape
    try:
        return list(lexer)
    except ValueError:
        raise ConfigFault(f"{where}: a quotation mark is missing") from None


def matches(patterns: Iterable[str], name: str) -> bool:
    """ssh_config(5), PATTERNS: ``*`` and ``?``; a negated pattern that matches rules the whole list out."""
    hit = False
    for pattern in patterns:
        if _wild(pattern.removeprefix("!"), name):
            if pattern.startswith("!"):
                return False
            hit = True
    return hit


def _wild(pattern: str, name: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def _read_file(path: Path, reading: Reading, home: Path, depth: int) -> None:
    reading.files += 1
    if depth > DEEPEST or reading.files > MOST_FILES:
        raise ConfigFault(f"{path}: too many Include levels or files; does a file include itself?")
    for key, value, where in lines(path):
        if key == "host":
            reading.active = matches(words(value, where), reading.original)
        elif key == "match":
            reading.active = _match(words(value, where), reading, where)
        elif key == "include" and reading.active:
            for included in _included(words(value, where), home):
                _read_file(included, reading, home, depth + 1)
                reading.active = True
        elif reading.active:
            reading.take(key, _plain(key, value, where))


def _plain(key: str, value: str, where: str) -> str:
    if key in COMMENTED:
        return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    return " ".join(words(value, where))


def _walk(path: Path, found: list[str], home: Path, files: list[int], depth: int) -> None:
    files[0] += 1
    if depth > DEEPEST or files[0] > MOST_FILES:
        raise ConfigFault(f"{path}: too many Include levels or files; does a file include itself?")
    for key, value, where in lines(path):
        if key == "host":
            found.extend(words(value, where))
        elif key == "include":
            for included in _included(words(value, where), home):
                _walk(included, found, home, files, depth + 1)


def _included(patterns: Iterable[str], home: Path) -> Iterator[Path]:
    """Files that the patterns name: ``~`` is the home directory, and what is not absolute lies beside the configuration (``~/.ssh``)."""
    for pattern in patterns:
        full = str(home / Path(pattern).expanduser())
        yield from (Path(name) for name in sorted(glob.glob(full)) if Path(name).is_file())  # noqa: PTH207 - absolute patterns


def _match(criteria: list[str], reading: Reading, where: str) -> bool:
    holds = True
    rest = iter(criteria)
    for word in rest:
        name, _, inline = word.lower().removeprefix("!").partition("=")
        if name == "all":
            continue
        if name in {"canonical", "final"}:  # both speak of a second pass, which is made only for canonical names
            holds = holds and word.startswith("!")
            continue
        test = TESTS.get(name)
        argument = word.partition("=")[2] if inline else next(rest, None)
        if test is None or argument is None:
            reading.passed_over.append(where)
            return False
        holds = holds and test(reading, argument.split(",")) != word.startswith("!")
    return holds


TESTS: dict[str, Callable[[Reading, list[str]], bool]] = {
    "host": lambda r, patterns: matches(patterns, (r.first("hostname") or r.original).replace("%h", r.original)),
    "originalhost": lambda r, patterns: matches(patterns, r.original),
    "user": lambda r, patterns: matches(patterns, r.user or r.first("user") or getpass.getuser()),
    "localuser": lambda r, patterns: matches(patterns, getpass.getuser()),
}
"""Criteria of ``Match`` that are judged; any other (exec, localnetwork, tagged) makes its block not hold."""
