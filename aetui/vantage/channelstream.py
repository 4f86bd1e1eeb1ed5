"""An SSH channel as a ``base.Stream``. Reading takes from the channel's buffer in the event loop; writing goes through the link's thread.

An SSH channel knows an end of data and a close, but no reset: sshd turns a reset of its own connection into an end of data, so that
``read`` gives ``b""`` where a socket would have told of a reset (RFC 4254 section 5.3). The loss of the jump host itself is ``JumpLost``,
never an end of data.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn

from aetui.observations import Ended
from aetui.vantage.base import StreamEnded
from aetui.vantage.link import Link

if TYPE_CHECKING:
    from aetui.vantage.sshtransport import BridgedChannel

CHUNK = 128 * 1024
"""Bytes that one turn of the link's thread sends for one stream before the next has its turn."""


class ChannelStream:
    """One open channel."""

    def __init__(self, channel: BridgedChannel, link: Link) -> None:
        self._channel = channel
        self._link = link
        self._closed = False
        self._changed = asyncio.Event()
        channel.settimeout(0.0)
        channel.on_change = link.from_thread(self._changed.set)

    async def read(self, most: int, deadline: float) -> bytes:
        """As base.Stream. A deadline that has passed is silence, even where bytes wait: who reads on against it must come to an end."""
        while True:
            self._open()
            if deadline <= asyncio.get_running_loop().time():
                await self._silent()
            self._changed.clear()
            ended = self._channel.eof_received or self._channel.closed  # looked at before the buffer: nothing is added after it
            data, window = self._channel.take(most)
            if window:
                self._link.put(lambda size=window: self._channel.give_window(size))  # type: ignore[misc]
            if data:
                return data
            if self._channel.gone:
                raise await self._link.verdict()
            if ended:
                return b""
            await self._wait(deadline)

    async def write(self, data: bytes, deadline: float) -> None:
        """As base.Stream."""
        rest = memoryview(data)
        while rest:
            self._open()
            self._changed.clear()
            sent = await self._send(rest[:CHUNK], deadline)
            rest = rest[sent:]
            if sent:
                continue
            if self._channel.gone:
                raise await self._link.verdict()
            if self._channel.closed:
                raise StreamEnded(Ended.CLOSED)
            await self._wait(deadline)

    async def changed(self, deadline: float) -> None:
        """Return when anything has happened on the channel since the last look. Raises as ``read`` does."""
        await self._wait(deadline)
        self._changed.clear()

    def close(self) -> None:
        """As base.Stream."""
        if not self._closed:
            self._closed = True
            self._changed.set()
            self._link.give_back(self._channel)

    def _open(self) -> None:
        if self._closed:
            raise StreamEnded(Ended.CLOSED)

    async def _wait(self, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._changed.wait()
        except TimeoutError:
            await self._silent()
        except asyncio.CancelledError:
            self.close()  # whoever waited is gone
            raise

    async def _silent(self) -> NoReturn:
        await self._link.vouch()
        raise StreamEnded(Ended.SILENT)

    async def _send(self, part: memoryview, deadline: float) -> int:
        """Bytes that the channel's window took; 0 where it is full or closed."""
        self._link.check()  # the thread of a link that is gone does no more jobs
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()

        def job() -> None:
            sent = push(self._channel, part)
            self._link.from_thread(lambda: None if done.done() else done.set_result(sent))()

        self._link.put(job)
        try:
            async with asyncio.timeout_at(deadline):
                return await done
        except TimeoutError:
            await self._silent()
        except asyncio.CancelledError:
            self.close()
            raise


def push(channel: BridgedChannel, part: memoryview) -> int:
    """Send as much as the window takes, without waiting for it."""
    sent = 0
    try:
        while sent < len(part) and channel.send_ready() and not channel.closed:
            taken = channel.send(bytes(part[sent:]))
            if not taken:
                break
            sent += taken
    except (OSError, EOFError):  # TimeoutError: another turn took the window; else the channel has closed
        pass
    return sent
