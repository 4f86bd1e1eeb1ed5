"""The console's end of the packet helper: starts it when first needed, or takes over one that was started already; asks, and hears.
asyncio; imports neither scapy nor anything that needs a right.

What goes wrong with the helper is data: a ``Failure`` with one sentence, whether the right is missing, scapy is not there or the helper
died. Requests of several callers run side by side, told apart by number. ``close`` ends the helper; so does the end of this process,
however it comes.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import subprocess
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from aetui.packet import messages
from aetui.packet.messages import (
    ArpHeard,
    CloseTrace,
    DhcpOffers,
    DiscoverDhcp,
    Frames,
    Listen,
    Listening,
    Malformed,
    Neighbour,
    Offer,
    OpenTrace,
    ProbeFailed,
    ProbeHeard,
    Ready,
    Refused,
    Reply,
    ScanArp,
    SendProbe,
    TraceOpened,
    decode_reply,
    encode,
)  # fmt: skip
from aetui.packet.pipe import Pipe
from aetui.packet.spawning import NO_PORTS, NO_RAW, Spawned, grant, missing, spawn

__all__ = ["Failure", "PacketHelper", "Trace", "grant", "missing"]

START_S = 15.0
"""Longest wait for the helper to be ready: a cold disk and a slow machine."""
ANSWER_S = 5.0
"""Longest wait for an answer, beyond the time that the request itself takes."""
_STATUS = {
    3: "this user may open neither raw sockets nor ports under 1024",
    4: "scapy is not installed",
    5: "it was sent something that it does not understand",
}
Answer = Reply | socket.socket
T = TypeVar("T", bound=Answer)


@dataclass(frozen=True, slots=True)
class Failure:
    """The helper cannot do it; one sentence."""

    why: str


CLOSED = Failure("it was closed.")


class Trace:
    """An open flow."""

    def __init__(self, helper: PacketHelper, number: int, opened: TraceOpened) -> None:
        self._helper = helper
        self._number = number
        self.own = opened.own
        self.source_port = opened.source_port

    def send(self, serial: int, ttl: int) -> None:
        """One probe; what answers it comes to the ``hear`` given with ``open_trace``."""
        self._helper.post(SendProbe(self._number, serial, ttl))

    def close(self) -> None:
        """Forget the flow; safe to call twice, and after the helper's end."""
        self._helper.forget(self._number)


@dataclass(frozen=True, slots=True)
class _Listener:
    hear: Callable[[ProbeHeard], None]
    lost: Callable[[str], None]
    """Gets an errno's symbol, or a sentence where the helper died."""


class PacketHelper:
    """One helper process, started by the first request unless it runs already (``spawned``)."""

    def __init__(self, spawned: Spawned | None = None) -> None:
        self._spawned = spawned
        self._raw = spawned is None or spawned.raw
        """Raw packets are what it is for; otherwise it was started for low ports alone."""
        self._handed_over = spawned is not None
        self._closing = False
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Pipe | None = None
        self._frames = Frames()
        self._came: deque[int] = deque()
        """Descriptors that came and whose reply has not been read yet."""
        self._began: asyncio.Future[Failure | None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[Failure | None] | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer | Failure]] = {}
        self._listeners: dict[int, _Listener] = {}
        self.ready: Ready | None = None
        self.ended: Failure | None = None
        """Why the helper is no longer there, once it is not."""

    def lacking(self) -> str | None:
        """Why raw packets cannot be had, with the command that grants the right where one does; None where they can, or may."""
        there = self._spawned is not None or (self._process is not None and self.ended is None)
        return self._no_other() if not there else None if self._raw else NO_RAW

    def _no_other(self) -> str | None:
        """Why no helper can be started. Who handed one over gave root up for it: not the command but its end is what there is to say."""
        why = missing()
        return self.ended.why if why is not None and self._handed_over and self.ended is not None else why

    async def start(self) -> Failure | None:
        """Have the helper ready; None for ready. Callers that come together wait for one start."""
        if self._closing:
            return CLOSED
        if self.ready is not None and self.ended is None:
            return None
        if self._starting is None or (self._starting.done() and self.ended is not None):
            self._starting = asyncio.get_running_loop().create_task(self._start())
        starting = self._starting
        await asyncio.wait({starting})
        return (self.ended or CLOSED) if starting.cancelled() else starting.result()

    async def open_trace(
        self, asked: messages.OpenTrace, hear: Callable[[ProbeHeard], None], lost: Callable[[str], None]
    ) -> Trace | Failure | Refused:
        """A flow; ``asked.id`` is given anew."""
        number = next(self._numbers)
        request = OpenTrace(number, asked.address, asked.proto, asked.port, asked.source_port, asked.size)
        self._listeners[number] = _Listener(hear, lost)
        answer = None
        try:
            answer = await self._ask(number, request, TraceOpened, ANSWER_S)
        finally:
            if not isinstance(answer, TraceOpened):
                self.forget(number)  # the helper may open it yet, for nobody
        return Trace(self, number, answer) if isinstance(answer, TraceOpened) else answer

    async def dhcp_offers(self, interface: str, wait_s: float = 3.0) -> tuple[Offer, ...] | Failure | Refused:
        """Every DHCP server that makes an offer within the time; no address is taken."""
        number = next(self._numbers)
        answer = await self._ask(number, DiscoverDhcp(number, interface, wait_s), DhcpOffers, wait_s + ANSWER_S)
        return answer.offers if isinstance(answer, DhcpOffers) else answer

    async def arp(
        self, interface: str, network: str, wait_s: float = 1.0, *, probe: bool = False
    ) -> tuple[Neighbour, ...] | Failure | Refused:
        """Who answers for the addresses of ``network`` (an IPv4 network in CIDR form, or one address); ``probe`` asks from 0.0.0.0."""
        number = next(self._numbers)
        pace_s = messages.MOST_HOSTS * 2 / 400
        answer = await self._ask(number, ScanArp(number, interface, network, wait_s, probe), ArpHeard, wait_s + pace_s + ANSWER_S)
        return answer.neighbours if isinstance(answer, ArpHeard) else answer

    async def listen(self, address: str, port: int) -> socket.socket | Failure | Refused:
        """A TCP socket that listens on a port under 1024: the caller's."""
        number = next(self._numbers)
        return await self._ask(number, Listen(number, address, port), socket.socket, ANSWER_S)

    def post(self, request: SendProbe | CloseTrace) -> None:
        """Send what has no answer of its own; nothing happens where the helper is gone."""
        if self._pipe is not None:
            self._pipe.write(encode(request))

    def forget(self, number: int) -> None:
        """Close a flow."""
        if self._listeners.pop(number, None) is not None:
            self.post(CloseTrace(number))

    async def close(self) -> None:
        """End the helper, and wait for its end. Whoever waits or listens hears at once that it was closed."""
        self._closing = True
        try:
            if self._starting is not None and not self._starting.done():
                self._starting.cancel()
            self._tell(self.ended or CLOSED)
            await self._stop()
        finally:
            self._closing = False
            self.ended = self.ended or CLOSED

    def end(self) -> None:
        """Kill the helper without waiting for its end: for a process that ends itself."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            with suppress(PermissionError):  # see ``Spawned.end``
                self._process.kill()
        if self._spawned is not None:
            self._spawned.end()

    async def _stop(self) -> None:
        self.end()
        if self._ending is not None:
            self._ending.cancel()
            await asyncio.gather(self._ending, return_exceptions=True)
        for running in (self._process, self._spawned.process if self._spawned else None):
            if running is not None:
                await _end_of(running)
        self._pipe = self._process = self._spawned = None

    async def _ask(self, number: int, request: messages.Request, wanted: type[T], within_s: float) -> T | Failure | Refused:
        failed = await self.start() or self._unfit(request)
        if failed is not None or self._pipe is None:
            return failed or CLOSED
        future: asyncio.Future[Answer | Failure] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._pipe.write(encode(request))
            async with asyncio.timeout(within_s):
                answer = await future
        except TimeoutError:
            return Failure("it does not answer.")
        finally:
            self._waiting.pop(number, None)
        return answer if isinstance(answer, wanted | Failure | Refused) else Failure("it answered something else.")

    def _unfit(self, request: messages.Request) -> Failure | None:
        """Why this helper can never do that, from what it said when it was ready."""
        if isinstance(request, Listen):
            return Failure(NO_PORTS) if self.ready is not None and "ports" in self.ready.lacking else None
        return None if self._raw else Failure(NO_RAW)

    async def _start(self) -> Failure | None:
        lacking = None if self._spawned is not None else self._no_other()
        if lacking is not None:
            return Failure(lacking)
        if self._process is not None:
            await self._stop()
        self.ready, self.ended, self._frames = None, None, Frames()
        try:
            spawned, self._spawned = self._spawned or spawn(), None
        except OSError as error:
            return Failure(f"it cannot be started: {error.strerror}.")
        self._process, self._raw = spawned.process, spawned.raw
        self._began = asyncio.get_running_loop().create_future()
        self._pipe = Pipe(spawned.pipe, self._heard, self._over)
        try:
            async with asyncio.timeout(START_S):
                return await self._began
        except TimeoutError:
            return Failure("it does not start.")

    def _heard(self, data: bytes, descriptors: list[int]) -> None:
        self._came.extend(descriptors)
        try:
            for body in self._frames.feed(data):
                self._take(decode_reply(body))
        except Malformed:
            if self._pipe is not None:
                self._pipe.close()
            self._over()

    def _over(self) -> None:
        """The pipe has ended: learn why, and tell everybody."""
        while self._came:
            os.close(self._came.popleft())
        self._ending = asyncio.get_running_loop().create_task(self._tell_end())

    async def _tell_end(self) -> None:
        why = self.ended = await self._why()
        if self._began is not None and not self._began.done():
            self._began.set_result(why)
        self._tell(why)

    def _tell(self, why: Failure) -> None:
        for future in tuple(self._waiting.values()):
            if not future.done():
                future.set_result(why)
        listeners, self._listeners = self._listeners, {}
        for listener in listeners.values():
            listener.lost(why.why)

    async def _why(self) -> Failure:
        assert self._process is not None
        try:
            async with asyncio.timeout(1.0):
                status = await _end_of(self._process)
        except TimeoutError:
            return Failure("it closed its pipe.")
        said = _STATUS.get(status) or (f"it was ended by signal {-status}" if status < 0 else f"it ended by itself (status {status})")
        return Failure(f"{said}.")

    def _take(self, reply: Reply) -> None:
        match reply:
            case Ready():
                self.ready = reply
                self._raw = "raw" not in reply.lacking
                if self._began is not None and not self._began.done():
                    self._began.set_result(None)
            case ProbeHeard() if reply.flow in self._listeners:
                self._listeners[reply.flow].hear(reply)
            case ProbeFailed() if reply.flow in self._listeners:
                self._listeners[reply.flow].lost(reply.errno)
            case Listening():
                self._answer(reply.id, socket.socket(fileno=self._came.popleft()) if self._came else Failure("it sent no socket."))
            case TraceOpened() | DhcpOffers() | ArpHeard() | Refused():
                self._answer(reply.id, reply)
            case _:
                pass

    def _answer(self, number: int, answer: Answer | Failure) -> None:
        future = self._waiting.get(number)
        if future is not None and not future.done():
            future.set_result(answer)
        elif isinstance(answer, socket.socket):
            answer.close()


async def _end_of(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a child; its status. No thread and no signal handler, so that it works wherever the loop runs."""
    if process.poll() is None:
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        watched = os.pidfd_open(process.pid)
        loop.add_reader(watched, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(watched)
            os.close(watched)
    return process.wait()
