"""Reading what a peer says until it is enough, within bounds; shared by the probes of inbound services.

Never raises for what the peer does: ``Heard.ended`` says how it stopped, and ``Heard.data`` what came until then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aetui.observations import Ended
from aetui.vantage.base import Stream, StreamEnded

MOST_HEARD = 8192
"""Octets of one greeting or answer; a peer that sends more is no service that we look for (LIMIT)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came, and how it stopped: DONE where it was enough."""

    data: bytes
    ended: Ended


async def hear(stream: Stream, deadline: float, enough: Callable[[bytes], bool], most: int = MOST_HEARD) -> Heard:
    """Read until ``enough`` says so of all that came."""
    data = b""
    try:
        while not (data and enough(data)):
            if len(data) >= most:
                return Heard(data, Ended.LIMIT)
            piece = await stream.read(most - len(data), deadline)
            if not piece:
                return Heard(data, Ended.CLOSED)
            data += piece
    except StreamEnded as end:
        return Heard(data, end.ended)
    return Heard(data, Ended.DONE)


async def ask(stream: Stream, question: bytes, deadline: float, enough: Callable[[bytes], bool], most: int = MOST_HEARD) -> Heard:
    """Send, then ``hear``. A peer that would not take it is heard out all the same: it may have said why."""
    try:
        await stream.write(question, deadline)
    except StreamEnded as end:
        heard = await hear(stream, deadline, enough, most)
        return heard if heard.data else Heard(b"", end.ended)
    return await hear(stream, deadline, enough, most)
