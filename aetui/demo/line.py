"""A connection over an emulated line: a true loopback socket, with what the scenario's network does to the bytes in between.

``DelayLine`` is one direction; ``LineStream`` is both, and is what probes hold (``vantage.base.Stream``). Bytes arrive later but in
order, as TCP gives them; a lost segment costs a retransmission; beyond the path's MTU a full segment vanishes and with it all that
follows. Times are seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from aetui.demo.scenario import Censor
from aetui.observations import Ended
from aetui.vantage.base import StreamEnded

HEADERS = 40
"""Bytes of IPv4 and TCP headers in a packet."""
USUAL_MSS = 1460
RETRANSMISSION_S = 0.2
"""The least that a lost segment costs (Linux TCP_RTO_MIN), besides a round trip."""
HIGH, LOW = 256 * 1024, 64 * 1024
"""Bytes waiting to be read above which the peer is made to wait, and below which it may go on."""
SHORTEST_WAIT_S = 0.005
"""Between two looks at whether the line has room."""
PIECE = 64 * 1024
"""Bytes handed to the socket at a time."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a line does to a connection."""

    out_s: float = 0.0
    back_s: float = 0.0
    lost: Callable[[], bool] = lambda: False
    """Asked once for each segment."""
    mss: int = USUAL_MSS
    """The segment size that the two ends agreed on."""
    mtu: int = 1500
    censor: Censor | None = None


class DelayLine:
    """One direction: what goes in comes out after the delay, in order. An Ended stands for the end of the bytes."""

    def __init__(self, sink: Callable[[bytes | Ended], None], delay_s: float, conditions: Conditions) -> None:
        self._sink = sink
        self._delay_s = delay_s
        self._conditions = conditions
        self._waiting: deque[tuple[float, bytes | Ended]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.size = 0
        """Bytes on the way; those that vanished stay, as they do in a sender's buffer."""
        self.dead = False
        """True once a segment has vanished for good."""

    def push(self, item: bytes | Ended) -> None:
        """Send bytes, or their end."""
        if item is not Ended.RESET and (self.dead or self._vanishes(item)):
            self.dead = True
            self.size += _length(item)
            return
        delay = self._delay_s + self._penalty(item)
        if delay <= 0 and not self._waiting:
            self._sink(item)
            return
        loop = asyncio.get_running_loop()
        due = max(loop.time() + delay, self._waiting[-1][0] if self._waiting else 0.0)
        self._waiting.append((due, item))
        self.size += _length(item)
        if self._timer is None:
            self._timer = loop.call_at(due, self._deliver)

    def cancel(self) -> None:
        """Forget all that is on the way."""
        self.dead = True
        self._waiting.clear()
        self.size = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _vanishes(self, item: bytes | Ended) -> bool:
        room = self._conditions.mtu - HEADERS
        return isinstance(item, bytes) and min(len(item), self._conditions.mss) > room

    def _penalty(self, item: bytes | Ended) -> float:
        """Seconds that lost segments cost: each loss a retransmission, one after another."""
        if not isinstance(item, bytes):
            return 0.0
        again = max(RETRANSMISSION_S, 2 * (self._conditions.out_s + self._conditions.back_s))
        segments = -(-len(item) // self._conditions.mss)
        return again * sum(self._conditions.lost() for _ in range(segments))

    def _deliver(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        while self._waiting and self._waiting[0][0] <= loop.time():
            _, item = self._waiting.popleft()
            self.size -= _length(item)
            self._sink(item)
        if self._waiting:
            self._timer = loop.call_at(self._waiting[0][0], self._deliver)


def _length(item: bytes | Ended) -> int:
    return len(item) if isinstance(item, bytes) else 0


class LineStream(asyncio.Protocol):
    """A byte stream over an emulated line. Errors as ``vantage.base.Stream`` has them."""

    def __init__(self, conditions: Conditions, home: set[LineStream]) -> None:
        self._conditions = conditions
        self._home = home
        self._out = DelayLine(self._send, conditions.out_s, conditions)
        self._back = DelayLine(self._receive, conditions.back_s, conditions)
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._end: Ended | None = None
        self._news = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._paused = self._closed = False
        self._said = 0
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once the socket is closed."""

    # ------------------------------------------------------------------------------------------------ the probe's side
    async def read(self, most: int, deadline: float) -> bytes:
        """See ``vantage.base.Stream.read``."""
        while not self._buffer:
            if self._closed:
                raise StreamEnded(Ended.CLOSED)
            if self._end is Ended.RESET:
                raise StreamEnded(Ended.RESET, "ECONNRESET")
            if self._end is not None:
                return b""
            self._news.clear()
            await _until(self._news, deadline)
        data = bytes(self._buffer[:most])
        del self._buffer[:most]
        self._resume()
        return data

    async def write(self, data: bytes, deadline: float) -> None:
        """See ``vantage.base.Stream.write``."""
        for start in range(0, len(data), PIECE):
            while not self._may_write.is_set() or self._out.size > HIGH:
                self._check_open()
                await self._room(deadline)
            self._check_open()
            self._say(data[start : start + PIECE])

    def close(self) -> None:
        """See ``vantage.base.Stream.close``."""
        self._closed = True
        self._out.cancel()
        self._back.cancel()
        self._news.set()
        self._may_write.set()
        if self._transport is not None:
            self._transport.abort()

    def _check_open(self) -> None:
        if self._closed:
            raise StreamEnded(Ended.CLOSED)
        if self._end is Ended.RESET:
            raise StreamEnded(Ended.RESET, "EPIPE")

    async def _room(self, deadline: float) -> None:
        """Wait until more can be written."""
        if not self._may_write.is_set():
            await _until(self._may_write, deadline)
            return
        left = deadline - asyncio.get_running_loop().time()
        if left <= 0:
            raise StreamEnded(Ended.SILENT)
        await asyncio.sleep(min(left, max(self._conditions.out_s, SHORTEST_WAIT_S)))

    def _say(self, data: bytes) -> None:
        censor = self._conditions.censor
        if censor is not None and not self._said and (not censor.names or any(name.encode() in data for name in censor.names)):
            self._out.dead = True
            if censor.resets:
                self._back.push(Ended.RESET)
        self._said += len(data)
        self._out.push(data)

    # ----------------------------------------------------------------------------------------------- the lines' far ends
    def _send(self, item: bytes | Ended) -> None:
        if self._transport is not None and not self._transport.is_closing() and isinstance(item, bytes):
            self._transport.write(item)

    def _receive(self, item: bytes | Ended) -> None:
        if isinstance(item, bytes):
            self._buffer += item
        else:
            self._end = Ended.RESET if self._end is Ended.RESET else item
            self._may_write.set()
        self._news.set()

    # ---------------------------------------------------------------------------------------------- the socket's side
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loopback socket is open."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """The server spoke."""
        self._back.push(data)
        if not self._paused and len(self._buffer) + self._back.size > HIGH and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The server closed its half; ours stays open."""
        self._back.push(Ended.CLOSED)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone: a reset where there is an error."""
        if not self._closed:
            self._back.push(Ended.CLOSED if exc is None else Ended.RESET)
        self._home.discard(self)
        if not self.gone.done():
            self.gone.set_result(None)

    def pause_writing(self) -> None:
        """The socket takes no more for now."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """It does again."""
        self._may_write.set()

    def _resume(self) -> None:
        if self._paused and len(self._buffer) + self._back.size < LOW and self._transport is not None and not self._closed:
            self._paused = False
            self._transport.resume_reading()


async def _until(event: asyncio.Event, deadline: float) -> None:
    """Wait for an event, or raise StreamEnded at the deadline."""
    try:
        async with asyncio.timeout_at(deadline):
            await event.wait()
    except TimeoutError:
        raise StreamEnded(Ended.SILENT) from None
