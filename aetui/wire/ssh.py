"""An SSH server's identification line, and whatever lines it sends before it (RFC 4253 section 4.2).

Takes bytes as they come, never raises, and keeps at most 16 KiB. Nothing is ever sent: a server identifies itself unasked.
Not here: the key exchange, host keys, logins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

LONGEST_IDENTIFICATION = 255
"""Octets, line end included."""
LONGEST_LINE = 1024
"""Octets of a line before it; the RFC sets no limit."""
MOST_LINES = 64
MOST_OCTETS = 16 * 1024
"""Lines, and octets, that may come before it."""

_IDENTIFICATION = re.compile(rb"SSH-([0-9.]{1,8})-([^\s]+)(?: (.*))?$", re.DOTALL)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]|^\xff")
"""What no line of text has (escape sequences are suspicious, yet text): a peer of another, binary, protocol."""


class State(StrEnum):
    """Where the reading stands."""

    MORE = "more"
    DONE = "done"
    GARBLED = "garbled"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Identification:
    """The parts of ``SSH-protoversion-softwareversion comments``."""

    line: str
    protocol: str
    software: str
    comments: str = ""

    @property
    def usable(self) -> bool:
        """True for protocol 2.0, or 1.99, which means 2.0 too (section 5.1)."""
        return self.protocol in ("2.0", "1.99")


class IdentificationParser:
    """Bytes in, one identification out."""

    def __init__(self) -> None:
        self.state = State.MORE
        self.identification: Identification | None = None
        self.before: list[str] = []
        """Lines that came first, as text."""
        self._pending = b""
        self._octets = 0

    @property
    def wants_more(self) -> bool:
        """True while further bytes can change anything."""
        return self.state is State.MORE

    def feed(self, data: bytes) -> None:
        """Take the next bytes; without effect once nothing more is wanted."""
        if not self.wants_more:
            return
        *lines, rest = (self._pending + data).split(b"\n")
        self._pending = rest[: LONGEST_LINE + 1]
        for line in lines:
            if not self._line(line.removesuffix(b"\r")):
                return
        self.state = _trouble(rest) or State.MORE

    def finish(self) -> None:
        """Nothing more will come: a last line without its end still counts as one that came."""
        if self.wants_more and self._pending:
            self.before.append(_text(self._pending))
            self._pending = b""

    def _line(self, line: bytes) -> bool:
        """Take one line; False where that ends the reading."""
        self._octets += len(line) + 1
        if trouble := _trouble(line):
            self.state = trouble
        elif line.startswith(b"SSH-"):
            self._identify(line)
        elif self._octets > MOST_OCTETS or len(self.before) >= MOST_LINES:
            self.state = State.LIMIT
        else:
            self.before.append(_text(line))
        return self.wants_more

    def _identify(self, line: bytes) -> None:
        match = _IDENTIFICATION.match(line)
        if not match:
            self.state = State.GARBLED
            return
        protocol, software, comments = (_text(part or b"") for part in match.groups())
        self.identification = Identification(_text(line), protocol, software, comments)
        self.state = State.DONE


def _trouble(line: bytes) -> State | None:
    """What is wrong with a line, finished or not: binary within the length that it may have, or too long."""
    longest = LONGEST_IDENTIFICATION - 2 if line.startswith(b"SSH-") else LONGEST_LINE
    if _BINARY.search(line[:longest]):
        return State.GARBLED
    return State.LIMIT if len(line) > longest + line.endswith(b"\r") else None


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
