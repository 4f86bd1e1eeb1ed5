"""One SSH connection as the event loop sees it: channels, a keepalive, and one clear end.

Everything that may block on the connection (opening, sending, giving window back, closing) goes in order through one daemon thread a
link, so the event loop never waits for a congested link; reading needs no thread at all. ``lost`` is set once, and every later call
raises it. Not here: how the connection came about (``hop``), streams (``channelstream``), replacing a link (``jump``).
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from aetui.vantage.offload import offload
from aetui.vantage.reason import OpenRefused
from aetui.vantage.trouble import JumpCode, JumpLost, detail, lost

if TYPE_CHECKING:
    from aetui.vantage.sshtransport import BridgedChannel, BridgedTransport

KEEPALIVE_S = 10.0
"""Seconds between two looks whether the far side is still there."""
STALLED_S = 10.0
"""Seconds without an answer to one after which the link is lost."""
FRESH_S = 1.0
"""Seconds for which an answer counts as proof that the far side is there."""
JOIN_S = 2.0
"""Seconds that closing waits for the link's threads to end; they are daemons, so a straggler holds nothing up."""


class Writer:
    """A daemon thread that does jobs in order. A job's failure is the transport's failure and is told there."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.thread.start()

    def put(self, job: Callable[[], object]) -> None:
        """Do it after all that was put before."""
        self._jobs.put(job)

    def stop(self) -> None:
        """End after the jobs that are waiting."""
        self._jobs.put(None)

    def _run(self) -> None:
        while job := self._jobs.get():
            with suppress(Exception):  # EOFError, OSError and SSHException alike mean that the transport has ended
                job()


class Link:
    """An SSH connection, logged in."""

    def __init__(self, transport: BridgedTransport, host: str, via: Link | None = None, *, asked: bool = False) -> None:
        self.transport = transport
        self.host = host
        self.via = via
        """The link that carries this one."""
        self.asked = asked
        """True where the user had to be asked for a secret: a replacement would have to ask again."""
        self.lost: JumpLost | None = None
        self.round_trip_s = 0.0
        """Of the last keepalive."""
        self.channels: set[BridgedChannel] = set()
        """Open, and not given back."""
        self.opening = 0
        self.on_idle: Callable[[], None] = lambda: None
        """Called when the last channel has been given back."""
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(f"aetui-jump-write {host}")
        self._ended = asyncio.Event()
        self._answered = asyncio.Event()
        self._asked_at: float | None = None
        self._heard_at = self._loop.time()
        transport.on_end = self.from_thread(self._end)
        transport.on_answer = self.from_thread(self._answer)
        self._keeping = asyncio.create_task(self._keep())
        if not transport.active:  # it ended before anybody listened
            self._end()

    @property
    def idle(self) -> bool:
        """True where nothing is open and nothing is being opened."""
        return not self.channels and not self.opening

    def put(self, job: Callable[[], object]) -> None:
        """Do something that may block, in order, in the link's thread."""
        self._writer.put(job)

    def from_thread(self, call: Callable[[], None]) -> Callable[[], None]:
        """The call as one that another thread can make."""

        def hand_over() -> None:
            with suppress(RuntimeError):  # the loop has been closed
                self._loop.call_soon_threadsafe(call)

        return hand_over

    async def open(self, kind: str, deadline: float, destination: tuple[str, int] | None = None) -> BridgedChannel | OpenRefused | None:
        """A channel of this kind, its refusal, or None at the deadline. Raises JumpLost. A channel that opens too late is closed again."""
        self.check()
        answer: asyncio.Future[BridgedChannel | OpenRefused | None] = self._loop.create_future()
        self.opening += 1
        self.put(lambda: self.transport.begin(kind, lambda result: self.from_thread(lambda: self._settle(answer, result))(), destination))
        try:
            async with asyncio.timeout_at(deadline):
                result = await answer
        except TimeoutError:
            result = None
            self._reclaim(answer)
            await self.vouch()
        except asyncio.CancelledError:
            self._reclaim(answer)
            raise
        finally:
            self.opening -= 1
            self._tell_if_idle()
        self.check()
        return result

    def give_back(self, channel: BridgedChannel) -> None:
        """Close a channel that ``open`` gave."""
        self.put(channel.close)
        self.channels.discard(channel)
        self._tell_if_idle()

    def check(self) -> None:
        """Raise JumpLost where the link is gone."""
        if self.lost is not None:
            raise self.lost

    async def verdict(self) -> JumpLost:
        """Why the link is gone, once it is known; for one who has seen a channel go with it."""
        await self._ended.wait()
        assert self.lost is not None
        return self.lost

    def nudge(self) -> None:
        """Ask the far side for a sign of life, unless one is being waited for already."""
        if self._asked_at is None:
            self._asked_at = self._loop.time()
            self._answered.clear()
            self.put(self.transport.ping)

    async def vouch(self) -> None:
        """Return when the far side is there, heard just now or asked: what was silent lies beyond it. Raises JumpLost where it is not."""
        if self.lost is None and self._loop.time() - self._heard_at > FRESH_S:
            self.nudge()
            assert self._asked_at is not None
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._asked_at + STALLED_S):
                    await self._answered.wait()
            if self._asked_at is not None:
                self._stalled()
        self.check()

    async def close(self, error: JumpLost | None = None) -> None:
        """End the connection and its threads. Safe to call twice."""
        self.lost = self.lost or error or lost(JumpCode.CLOSED, self.host)
        self._keeping.cancel()
        self._writer.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(JOIN_S):
                await offload(self.transport.end, f"aetui-jump-close {self.host}")
                await self._ended.wait()

    def _settle(self, answer: asyncio.Future[BridgedChannel | OpenRefused | None], result: BridgedChannel | OpenRefused | None) -> None:
        if result is not None:
            self._heard_at = self._loop.time()
        if result is not None and not isinstance(result, OpenRefused):
            if answer.done():
                self.put(result.close)
                return
            self.channels.add(result)
        if not answer.done():
            answer.set_result(result)

    def _reclaim(self, answer: asyncio.Future[BridgedChannel | OpenRefused | None]) -> None:
        """The one who waited is gone; what came in the same turn must not stay open."""
        if answer.done() and not answer.cancelled():
            result = answer.result()
            if result is not None and not isinstance(result, OpenRefused):
                self.give_back(result)
        answer.cancel()

    def _tell_if_idle(self) -> None:
        if self.idle:
            self.on_idle()

    def _answer(self) -> None:
        if self._asked_at is not None:
            self.round_trip_s = self._loop.time() - self._asked_at
        self._asked_at = None
        self._heard_at = self._loop.time()
        self._answered.set()

    async def _keep(self) -> None:
        while self.lost is None:
            await asyncio.sleep(KEEPALIVE_S)
            with suppress(JumpLost):
                await self.vouch()

    def _stalled(self) -> None:
        self.lost = self.lost or lost(JumpCode.STALLED, self.host, detail=f"{STALLED_S:.0f} s")
        self._end()
        threading.Thread(target=self.transport.end, name=f"aetui-jump-close {self.host}", daemon=True).start()

    def _end(self) -> None:
        if self.lost is None:
            self.lost = self._cause()
        self._answered.set()
        self._ended.set()
        self._keeping.cancel()
        self._writer.stop()

    def _cause(self) -> JumpLost:
        """What became of the link that carries this one explains this one's end."""
        if self.via is not None and (self.via.lost or not self.via.transport.active):
            return self.via.lost or self.via._cause()
        return lost(JumpCode.DIED, self.host, detail=why_ended(self.transport))


def why_ended(transport: BridgedTransport) -> str:
    """What is known of a transport's end: the far side's farewell, the system's error, or that it hung up."""
    if transport.farewell:
        return transport.farewell
    error = transport.failure
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return detail("hung-up") if error is None or isinstance(error, EOFError) else detail("protocol")
