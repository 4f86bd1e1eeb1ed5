"""Telnet's commands: an incremental reader, the answers of one who wants no option, and the greeting of our own listener.

``Reader.feed`` takes bytes as they come, in any slices, and gives ``Text``, ``Verb``, ``Subnegotiation`` and ``Command`` in order; it
never raises and keeps at most ``LONGEST_SUBNEGOTIATION`` bytes. ``Decliner`` answers each request once, so two of them never loop (RFC
854, section on loops).

Sources: RFC 854 (commands, NVT line ends), RFC 855 (options), RFC 857 (ECHO), RFC 858 (SUPPRESS GO AHEAD). Not here: doing any option.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

SE, NOP, GA, SB, WILL, WONT, DO, DONT, IAC = 240, 241, 249, 250, 251, 252, 253, 254, 255
ECHO, SGA = 1, 3

LONGEST_SUBNEGOTIATION = 512
"""Bytes kept of one subnegotiation; the rest is read and dropped."""
MOST_ANSWERS = 64
"""Requests that a Decliner answers in one conversation; there are about fifty assigned options."""

VERBS = {WILL: "WILL", WONT: "WONT", DO: "DO", DONT: "DONT"}
OPTIONS = {
    0: "BINARY",
    1: "ECHO",
    3: "SGA",
    5: "STATUS",
    6: "TIMING-MARK",
    24: "TTYPE",
    31: "NAWS",
    32: "TSPEED",
    33: "LFLOW",
    34: "LINEMODE",
    35: "XDISPLOC",
    36: "OLD-ENVIRON",
    37: "AUTHENTICATION",
    38: "ENCRYPT",
    39: "NEW-ENVIRON",
    44: "COM-PORT",
}
"""Names from IANA's registry of telnet options, those that terminals and serial servers use."""

GREETING = bytes((IAC, WILL, SGA))
"""What our listener opens with: one harmless offer. ECHO is never offered: nothing is echoed."""

FAREWELL = "aetui: this port is open for a network test only; nobody can log in here."
"""What our listener ends with; the other half knows it by this line."""

_PROMPT = re.compile(r"(?:^|[\s\x07])\S{0,64}\s?(?:login|log ?in|user ?name|user|password)\s*:\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Text:
    """Data bytes, with IAC IAC and CR NUL undone."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Verb:
    """WILL, WONT, DO or DONT and its option."""

    verb: int
    option: int

    @property
    def name(self) -> str:
        """As people write it: ``DO ECHO``, ``WILL 200``."""
        return f"{VERBS[self.verb]} {OPTIONS.get(self.option, self.option)}"


@dataclass(frozen=True, slots=True)
class Subnegotiation:
    """What stood between SB and SE, shortened where it was too long."""

    option: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """A command of its own (NOP, GA, AYT …)."""

    code: int


Item = Text | Verb | Subnegotiation | Command


class _At(Enum):
    DATA = 0
    CR = 1
    IAC = 2
    VERB = 3
    SB_OPTION = 4
    SB_DATA = 5
    SB_IAC = 6


class Reader:
    """The incremental parser of one direction of one conversation."""

    def __init__(self) -> None:
        self._at = _At.DATA
        self._verb = self._option = 0
        self._text = bytearray()
        self._sub = bytearray()
        self._items: list[Item] = []

    def feed(self, data: bytes) -> tuple[Item, ...]:
        """What these bytes complete. Text is given at once; a command is given when its last byte is here."""
        for byte in data:
            _STEPS[self._at](self, byte)
        self._flush()
        items, self._items = tuple(self._items), []
        return items

    def _flush(self) -> None:
        if self._text:
            self._items.append(Text(bytes(self._text)))
            self._text.clear()

    def _give(self, item: Item) -> None:
        self._flush()
        self._items.append(item)
        self._at = _At.DATA

    def _data(self, byte: int) -> None:
        if byte == IAC:
            self._at = _At.IAC
            return
        self._text.append(byte)
        self._at = _At.CR if byte == 13 else _At.DATA

    def _cr(self, byte: int) -> None:
        if byte == 0:
            self._at = _At.DATA
        else:
            self._data(byte)

    def _iac(self, byte: int) -> None:
        if byte == IAC:
            self._text.append(IAC)
            self._at = _At.DATA
        elif byte in VERBS:
            self._verb, self._at = byte, _At.VERB
        elif byte == SB:
            self._at = _At.SB_OPTION
        else:
            self._give(Command(byte))

    def _verb_option(self, byte: int) -> None:
        self._give(Verb(self._verb, byte))

    def _sb_option(self, byte: int) -> None:
        self._option, self._at = byte, _At.SB_DATA
        self._sub.clear()

    def _sb_data(self, byte: int) -> None:
        if byte == IAC:
            self._at = _At.SB_IAC
        elif len(self._sub) < LONGEST_SUBNEGOTIATION:
            self._sub.append(byte)

    def _sb_iac(self, byte: int) -> None:
        if byte == IAC:
            self._at = _At.SB_DATA
            if len(self._sub) < LONGEST_SUBNEGOTIATION:
                self._sub.append(IAC)
            return
        self._give(Subnegotiation(self._option, bytes(self._sub)))
        if byte != SE:
            self._iac(byte)  # SE was left out; what came is the next command (as BSD's telnetd reads it)


_STEPS = {
    _At.DATA: Reader._data,
    _At.CR: Reader._cr,
    _At.IAC: Reader._iac,
    _At.VERB: Reader._verb_option,
    _At.SB_OPTION: Reader._sb_option,
    _At.SB_DATA: Reader._sb_data,
    _At.SB_IAC: Reader._sb_iac,
}


class Decliner:
    """Answers DO with WONT and WILL with DONT, except that the server may echo and suppress go-ahead, as every terminal lets it."""

    _LET = frozenset({ECHO, SGA})

    def __init__(self) -> None:
        self._answered: set[Verb] = set()

    def answer(self, items: Iterable[Item]) -> bytes:
        """The bytes to send for what was read; WONT and DONT need no answer."""
        reply = bytearray()
        for item in items:
            if not isinstance(item, Verb) or item in self._answered or len(self._answered) >= MOST_ANSWERS:
                continue
            self._answered.add(item)
            reply += self._one(item)
        return bytes(reply)

    def _one(self, asked: Verb) -> bytes:
        if asked.verb == DO:
            return bytes((IAC, WONT, asked.option))
        if asked.verb == WILL:
            return bytes((IAC, DO if asked.option in self._LET else DONT, asked.option))
        return b""


def encode(items: Iterable[Item]) -> bytes:
    """The bytes for items, data escaped; the inverse of reading."""
    return b"".join(_encoded(item) for item in items)


def _encoded(item: Item) -> bytes:
    if isinstance(item, Text):
        return item.data.replace(b"\xff", b"\xff\xff").replace(b"\r", b"\r\0").replace(b"\r\0\n", b"\r\n")
    if isinstance(item, Verb):
        return bytes((IAC, item.verb, item.option))
    if isinstance(item, Subnegotiation):
        return bytes((IAC, SB, item.option)) + item.data.replace(b"\xff", b"\xff\xff") + bytes((IAC, SE))
    return bytes((IAC, item.code))


def login_prompt(text: str) -> bool:
    """True where the text ends, without a line end, in what a system prints before it reads a user's name or password."""
    tail = text[-200:]
    return _PROMPT.search(tail.rsplit("\n", 1)[-1]) is not None


def farewell() -> bytes:
    """Our listener's last line, as a telnet server sends it."""
    return FAREWELL.encode("ascii") + b"\r\n"
