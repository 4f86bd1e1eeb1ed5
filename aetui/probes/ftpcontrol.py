"""An FTP control connection as a conversation: a command out, a reply in, each step with its own deadline (RFC 959 section 5.4).

Ends by ``StreamEnded``: GARBLED or LIMIT where the peer is no FTP server or talks without end, otherwise as the stream ended.
Not here: what to say.
"""

from __future__ import annotations

import asyncio
from collections import deque

from aetui.observations import Ended
from aetui.probes.common import FIRST_BYTES, PIECE, within
from aetui.vantage.base import Stream, StreamEnded
from aetui.wire import ftp

STEP_S = 4.0
"""Longest wait for a reply on the control connection."""

_PROBLEMS = {ftp.Problem.GARBLED: Ended.GARBLED, ftp.Problem.LIMIT: Ended.LIMIT}


class Control:
    """One control connection."""

    def __init__(self, stream: Stream, deadline: float) -> None:
        self.deadline = deadline
        self._stream = stream
        self._parser = ftp.ReplyParser()
        self._waiting: deque[ftp.Reply] = deque()
        self._first = b""

    @property
    def strange_bytes(self) -> bytes:
        """The first octets, where they were no FTP."""
        return self._first if self._parser.problem is ftp.Problem.GARBLED else b""

    @property
    def late(self) -> bool:
        """True once the whole visit's time is up."""
        return asyncio.get_running_loop().time() >= self.deadline

    async def ask(self, verb: str, argument: str | None = None) -> ftp.Reply:
        """One command, and the first reply to it."""
        await self.send(ftp.command(verb, argument))
        return await self.reply()

    async def send(self, line: bytes) -> None:
        """A command whose reply is fetched later."""
        await self._stream.write(line, self.step())

    async def reply(self, longest_s: float = STEP_S) -> ftp.Reply:
        """The next reply, preliminary ones included."""
        deadline = self.step(longest_s)
        while not self._waiting:
            if self._parser.problem:
                raise StreamEnded(_PROBLEMS[self._parser.problem])
            data = await self._stream.read(PIECE, deadline)
            if not data:
                raise StreamEnded(Ended.CLOSED)
            self._first = self._first or data[:FIRST_BYTES]
            self._waiting.extend(self._parser.feed(data))
        return self._waiting.popleft()

    async def last_reply(self, reply: ftp.Reply) -> ftp.Reply:
        """The completion reply, where ``reply`` is only preliminary."""
        while reply.preliminary:
            reply = await self.reply()
        return reply

    def step(self, longest_s: float = STEP_S) -> float:
        """The deadline of the next step."""
        return within(longest_s, self.deadline)
