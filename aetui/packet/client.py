"""The console's end of the packet helper: starts it when first needed, asks, and hears. asyncio; imports neither scapy nor anything
that needs a right.

What goes wrong with the helper is data: a ``Failure`` with one sentence, whether the right is missing, scapy is not there or the helper
died. Requests of several callers run side by side, told apart by number. ``close`` ends the helper; so does the end of this process,
however it comes.
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from aetui.packet import messages
from aetui.packet.messages import (
    ArpHeard,
    CloseTrace,
    DhcpOffers,
    DiscoverDhcp,
    Frames,
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

START_S = 15.0
"""Longest wait for the helper to be ready: a cold disk and a slow machine."""
ANSWER_S = 5.0
"""Longest wait for an answer, beyond the time that the request itself takes."""
_STATUS = {
    3: "this user may not open raw sockets",
    4: "scapy is not installed",
    5: "it was sent something that it does not understand",
}
_KEPT = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "SUDO_UID", "SUDO_GID", "SYSTEMROOT")
"""What the helper may know of the environment; no folder of the user's, so that it reads and writes none."""
_NOWHERE = "/dev/null/none"

T = TypeVar("T", bound=Reply)


@dataclass(frozen=True, slots=True)
class Failure:
    """The helper cannot do it; one sentence."""

    why: str


def missing() -> str | None:
    """What is lacking for raw packets here, with the command that grants it; None where nothing is. Nothing is started."""
    if sys.platform != "linux":
        return "Raw packets are sent on Linux only; everything else works without them."
    from aetui.packet.privilege import may_send_raw

    if may_send_raw():
        return None
    return f"Raw packets need a right (CAP_NET_RAW) that this user does not have. To grant it: {grant()}"


def grant() -> str:
    """The command that runs this very call with the right."""
    program = Path(sys.argv[0])
    called = [str(program.resolve())] if program.name == "aetui" else [sys.executable, "-m", "aetui"]
    return shlex.join(["sudo", *called, *sys.argv[1:]])


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
    """One helper process, started by the first request."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[Failure | None] | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Reply | Failure]] = {}
        self._listeners: dict[int, _Listener] = {}
        self.ready: Ready | None = None
        self.ended: Failure | None = None
        """Why the helper is no longer there, once it is not."""

    async def start(self) -> Failure | None:
        """Have the helper ready; None for ready. Callers that come together wait for one start."""
        if self.ready is not None and self.ended is None:
            return None
        if self._starting is None or (self._starting.done() and self.ended is not None):
            self._starting = asyncio.get_running_loop().create_task(self._start())
        return await asyncio.shield(self._starting)

    async def open_trace(
        self, asked: messages.OpenTrace, hear: Callable[[ProbeHeard], None], lost: Callable[[str], None]
    ) -> Trace | Failure | Refused:
        """A flow; ``asked.id`` is given anew."""
        number = next(self._numbers)
        request = OpenTrace(number, asked.address, asked.proto, asked.port, asked.source_port, asked.size)
        self._listeners[number] = _Listener(hear, lost)
        answer = await self._ask(number, request, TraceOpened, ANSWER_S)
        if isinstance(answer, TraceOpened):
            return Trace(self, number, answer)
        self._listeners.pop(number, None)
        return answer

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

    def post(self, request: SendProbe | CloseTrace) -> None:
        """Send what has no answer of its own; nothing happens where the helper is gone."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(encode(request))

    def forget(self, number: int) -> None:
        """Close a flow."""
        if self._listeners.pop(number, None) is not None:
            self.post(CloseTrace(number))

    async def close(self) -> None:
        """End the helper, and wait for its end."""
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
        await self._stop()
        self.ended = self.ended or Failure("it was closed.")

    async def _stop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._process is not None:
            self._process.kill()
            await _end_of(self._process)
            self._process = None

    async def _ask(self, number: int, request: messages.Request, wanted: type[T], within_s: float) -> T | Failure | Refused:
        failed = await self.start()
        if failed is not None:
            return failed
        assert self._writer is not None
        future: asyncio.Future[Reply | Failure] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._writer.write(encode(request))
            await self._writer.drain()
            async with asyncio.timeout(within_s):
                answer = await future
        except TimeoutError:
            return Failure("it does not answer.")
        except OSError:
            return self.ended or Failure("it is gone.")
        finally:
            self._waiting.pop(number, None)
        return answer if isinstance(answer, wanted | Failure | Refused) else Failure("it answered something else.")

    async def _start(self) -> Failure | None:
        lacking = missing()
        if lacking is not None:
            return Failure(lacking)
        if self._process is not None:
            await self._stop()
        self.ready, self.ended = None, None
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        try:
            self._process = _spawn(theirs)
        except OSError as error:
            ours.close()
            return Failure(f"it cannot be started: {error.strerror}.")
        finally:
            theirs.close()
        reader, self._writer = await asyncio.open_connection(sock=ours)
        began: asyncio.Future[Failure | None] = loop.create_future()
        self._reading = loop.create_task(self._read(reader, began))
        try:
            async with asyncio.timeout(START_S):
                return await began
        except TimeoutError:
            return Failure("it does not start.")

    async def _read(self, reader: asyncio.StreamReader, began: asyncio.Future[Failure | None]) -> None:
        frames = Frames()
        try:
            while data := await reader.read(messages.LARGEST):
                for body in frames.feed(data):
                    self._take(decode_reply(body), began)
        except (Malformed, OSError):
            pass
        why = await self._why()
        self.ended = why
        if not began.done():
            began.set_result(why)
        for future in tuple(self._waiting.values()):
            if not future.done():
                future.set_result(why)
        for listener in tuple(self._listeners.values()):
            listener.lost(why.why)

    async def _why(self) -> Failure:
        assert self._process is not None
        if self._writer is not None:
            self._writer.close()
        try:
            async with asyncio.timeout(1.0):
                status = await _end_of(self._process)
        except TimeoutError:
            return Failure("it closed its pipe.")
        said = _STATUS.get(status) or (f"it was ended by signal {-status}" if status < 0 else f"it ended by itself (status {status})")
        return Failure(f"{said}.")

    def _take(self, reply: Reply, began: asyncio.Future[Failure | None]) -> None:
        match reply:
            case Ready():
                self.ready = reply
                if not began.done():
                    began.set_result(None)
            case ProbeHeard() if reply.flow in self._listeners:
                self._listeners[reply.flow].hear(reply)
            case ProbeFailed() if reply.flow in self._listeners:
                self._listeners[reply.flow].lost(reply.errno)
            case TraceOpened() | DhcpOffers() | ArpHeard() | Refused():
                future = self._waiting.get(reply.id)
                if future is not None and not future.done():
                    future.set_result(reply)
            case _:
                pass


def _spawn(theirs: socket.socket) -> subprocess.Popen[bytes]:
    """The helper with one end of the pipe; takes a few ms. Nothing in the call is anybody's but our own."""
    argv = [sys.executable, "-P", "-S", "-m", "aetui.packet"]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        argv, stdin=theirs.fileno(), stdout=nowhere, stderr=nowhere, env=_environment(), start_new_session=True
    )


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


def _environment() -> dict[str, str]:
    """What the helper is given: enough to find its own code and scapy's (without ``site``, which may run anything), and no folder of anybody's."""
    found = importlib.util.find_spec("scapy")
    beside = [str(Path(found.origin).parents[1])] if found is not None and found.origin else []
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        **dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), _NOWHERE),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).resolve().parents[2]), *beside]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AETUI_PARENT": str(os.getpid()),
    }
