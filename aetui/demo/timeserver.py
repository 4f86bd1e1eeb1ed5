"""The NTP servers of the embedded site (RFC 5905 section 7.3, RFC 4330 section 5): this machine's clock, moved as the scenario says."""

from __future__ import annotations

import asyncio
import struct
import time
from typing import cast

from aetui.demo.scenario import Clock

EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""
SIZE = 48
CLIENT, SERVER, VERSION = 3, 4, 4
SYMMETRIC_ACTIVE, SYMMETRIC_PASSIVE = 1, 2


def stamp(seconds: float) -> bytes:
    """Unix time as the 64 bits of an NTP timestamp."""
    whole = int((seconds + EPOCH) * 2**32) & (2**64 - 1)
    return whole.to_bytes(8, "big")


def reply_to(request: bytes, clock: Clock, now: float) -> bytes | None:
    """The answer to one datagram, or None where it was no request."""
    mode = request[0] & 7 if len(request) >= SIZE else 0
    if mode not in {CLIENT, SYMMETRIC_ACTIVE}:
        return None
    answer_mode = SERVER if mode == CLIENT else SYMMETRIC_PASSIVE
    leap = 3 if clock.kiss else clock.leap
    first = leap << 6 | (request[0] >> 3 & 7 or VERSION) << 3 | answer_mode
    reference = clock.kiss.encode("ascii") if clock.kiss else bytes((192, 175, 48, 1))
    origin = request[40:48] if clock.echoes else stamp(now - 3600)
    head = struct.pack("!BBbbII", first, clock.stratum, 6, -20, 1 << 10, 1 << 11) + reference
    return head + stamp(now - 17) + origin + stamp(now) + stamp(now)


class TimeServer(asyncio.DatagramProtocol):
    """One NTP server over UDP."""

    def __init__(self, clock: Clock, ahead_s: float) -> None:
        self._clock = clock
        self._ahead_s = ahead_s
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own class does not inherit from it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer."""
        reply = reply_to(data, self._clock, time.time() + self._ahead_s)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)
