"""FTP control replies and commands (RFC 959, RFC 1123 section 4.1.2, RFC 2389, RFC 2428).

``ReplyParser`` takes bytes as they come and gives whole replies; it never raises, and keeps at most ``LONGEST_REPLY`` octets. A peer
that talks without end, or that is no FTP server, sets ``problem`` and gets no further hearing. Commands refuse what would smuggle in a
second line. Not here: connections, logins, what a reply means for the site.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum

LONGEST_LINE = 2048
"""Octets of one line; RFC 959 sets no limit, servers stay under 512."""
MOST_LINES = 128
"""Lines of one reply."""
LONGEST_REPLY = 32 * 1024
"""Octets of one reply."""
MOST_FEATURES = 64
"""Features kept of one FEAT reply."""

_START = re.compile(rb"[1-5]\d\d(?:[ -]|$)")
_UNFINISHED = re.compile(rb"(?:[1-5](?:\d(?:\d(?:[ -].*|\r)?)?)?)?$", re.DOTALL)
_PASV = re.compile(r"(?<!\d)(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})(?!\d)")
_EPSV = re.compile(r"\(([!-~])\1\1(\d{1,5})\1\)")


class Problem(StrEnum):
    """Why a parser stopped listening."""

    GARBLED = "garbled"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole reply."""

    code: int
    lines: tuple[str, ...]
    """The text of each line, without code and line end; continuation lines as they came."""

    @property
    def text(self) -> str:
        """Code and first line: what people quote."""
        return f"{self.code} {self.lines[0]}".rstrip()

    @property
    def preliminary(self) -> bool:
        """True for 1xx: another reply follows."""
        return self.code < 200

    @property
    def positive(self) -> bool:
        """True for 2xx."""
        return 200 <= self.code < 300


class ReplyParser:
    """Bytes in, replies out."""

    def __init__(self) -> None:
        self.problem: Problem | None = None
        self._pending = b""
        self._code: int | None = None
        self._lines: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that these bytes complete; empty for good once ``problem`` is set."""
        if self.problem:
            return []
        replies: list[Reply] = []
        *lines, rest = (self._pending + data).split(b"\n")
        self._pending = rest[: LONGEST_LINE + 1]
        for line in lines:
            reply = self._line(line.removesuffix(b"\r"))
            if self.problem:
                return replies
            if reply:
                replies.append(reply)
        if self._code is None and not _may_start(rest):
            self.problem = Problem.GARBLED
        elif len(rest) > LONGEST_LINE:
            self.problem = Problem.LIMIT
        return replies

    def _line(self, line: bytes) -> Reply | None:
        start = _START.match(line)
        self._size += len(line)
        if self._code is None and not start:
            self.problem = Problem.GARBLED
        elif len(line) > LONGEST_LINE or self._size > LONGEST_REPLY or len(self._lines) >= MOST_LINES:
            self.problem = Problem.LIMIT
        elif self._code is None:
            return self._first(line)
        else:
            return self._further(line, self._code)
        return None

    def _first(self, line: bytes) -> Reply | None:
        self._lines.append(_text(line[4:]))
        self._code = int(line[:3])
        return None if line[3:4] == b"-" else self._whole(self._code)

    def _further(self, line: bytes, code: int) -> Reply | None:
        last = line == b"%d" % code or line.startswith(b"%d " % code)
        self._lines.append(_text(line[4:] if last or line.startswith(b"%d-" % code) else line))
        return self._whole(code) if last else None

    def _whole(self, code: int) -> Reply:
        reply = Reply(code, tuple(self._lines))
        self._code, self._lines, self._size = None, [], 0
        return reply


def passive(reply: Reply) -> tuple[str, int] | None:
    """Address and port of a 227, as the server wrote them and uncorrected; found by its digits (RFC 1123 section 4.1.2.6)."""
    found = _PASV.search(" ".join(reply.lines)) if reply.code == 227 else None
    numbers = [int(digits) for digits in found.groups()] if found else []
    if not numbers or max(numbers) > 255:
        return None
    port = numbers[4] << 8 | numbers[5]
    return (".".join(str(n) for n in numbers[:4]), port) if port else None


def extended_passive(reply: Reply) -> int | None:
    """Port of a 229 (RFC 2428 section 3)."""
    found = _EPSV.search(" ".join(reply.lines)) if reply.code == 229 else None
    port = int(found.group(2)) if found else 0
    return port if 1 <= port <= 65535 else None


def features(reply: Reply) -> tuple[str, ...]:
    """The features of a 211 reply to FEAT (RFC 2389 section 3.2); () where the server knows none."""
    if reply.code != 211:
        return ()
    return tuple(line.strip() for line in reply.lines[1:-1] if line.strip())[:MOST_FEATURES]


def sendable(argument: str) -> bool:
    """True where the text can be an argument at all: no control characters, which would end the line."""
    return all(character >= " " and character != "\x7f" for character in argument)


def command(verb: str, argument: str | None = None) -> bytes:
    """One command line. Raises ValueError for an argument that is not ``sendable``."""
    if argument is not None and not sendable(argument):
        raise ValueError("an FTP argument holds no control characters")
    return (verb if argument is None else f"{verb} {argument}").encode() + b"\r\n"


def active(address: str, port: int) -> bytes:
    """PORT for IPv4 (RFC 959 section 4.1.2), EPRT for IPv6 (RFC 2428 section 2). Raises ValueError where the address is none."""
    if ipaddress.ip_address(address).version == 6:
        return command("EPRT", f"|2|{address}|{port}|")
    return command("PORT", f"{address.replace('.', ',')},{port >> 8},{port & 255}")


def _may_start(line: bytes) -> bool:
    """True where an unfinished first line can still become a reply."""
    return _UNFINISHED.match(line) is not None


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
