"""A telnet server's greeting over the given stream: its options, all declined, and whether it asks for a login. Text is never sent. The
stream is closed.

Reads until a login prompt, the deadline, or ``QUIET_S`` of silence after the first option: some servers ask only after every option is
answered and a name lookup of their own. ``ended`` is DONE where telnet options or a login prompt came, GARBLED where other bytes did,
otherwise how the silence ended. Sources: RFC 854, RFC 855.
"""

from __future__ import annotations

from aetui.observations import Ended, TelnetSeen
from aetui.probes.base import Given, Measured, Settings
from aetui.probes.common import FIRST_BYTES, clock, since, stream_of, within
from aetui.probes.hearing import MOST_HEARD
from aetui.records import Check
from aetui.vantage.base import Stream, StreamEnded, Vantage
from aetui.wire import telnet

QUIET_S = 3.0
"""Silence after which a server that has shown its options is taken to have said all."""
MOST_TEXT = 2048
"""Characters of the greeting kept."""
MOST_OPTIONS = 32
"""Options kept, in order."""


async def measure(check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
    """Listen, decline, close."""
    stream, began = stream_of(check, given), clock()
    try:
        seen = await talk(stream, deadline)
    finally:
        stream.close()
    return Measured(seen, {"first_byte": since(began)}, next(iter(given.addresses), None))


async def talk(stream: Stream, deadline: float, already: bytes = b"") -> TelnetSeen:
    """The whole conversation; ``already`` is what was read before. Leaves the stream open."""
    greeting = Greeting()
    try:
        ended = await _until_prompt(stream, greeting, deadline, already)
    except StreamEnded as end:
        ended = end.ended
    return greeting.seen(ended)


async def _until_prompt(stream: Stream, greeting: Greeting, deadline: float, data: bytes) -> Ended:
    while True:
        reply = greeting.take(data)
        if reply:
            await stream.write(reply, deadline)
        if greeting.prompted:
            return Ended.DONE
        if greeting.received >= MOST_HEARD:
            return Ended.LIMIT
        data = await stream.read(MOST_HEARD, within(QUIET_S, deadline) if greeting.options else deadline)
        if not data:
            return Ended.CLOSED


class Greeting:
    """What a server has said so far."""

    def __init__(self) -> None:
        self._reader = telnet.Reader()
        self._decliner = telnet.Decliner()
        self._first = b""
        self._text = ""
        self.options: list[str] = []
        self.received = 0

    @property
    def prompted(self) -> bool:
        """True where it now waits for a name or a password."""
        return telnet.login_prompt(self._text)

    def take(self, data: bytes) -> bytes:
        """Take bytes in; what to answer."""
        self.received += len(data)
        self._first = (self._first + data)[:FIRST_BYTES]
        items = self._reader.feed(data)
        for item in items:
            if isinstance(item, telnet.Text):
                self._text = (self._text + item.data.decode("utf-8", "replace"))[-MOST_TEXT:]
            elif isinstance(item, telnet.Verb) and len(self.options) < MOST_OPTIONS:
                self.options.append(item.name)
        return self._decliner.answer(items)

    def seen(self, ended: Ended) -> TelnetSeen:
        """The observation."""
        if self.options or self.prompted:
            ended = Ended.DONE
        elif self.received and ended is not Ended.LIMIT:
            ended = Ended.GARBLED
        return TelnetSeen(ended, tuple(self.options), self._text, self.prompted, self._first)
