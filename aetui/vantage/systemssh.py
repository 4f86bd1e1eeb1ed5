"""A jump host by way of the system's own ssh program, for those that the built-in SSH is too new for; reported as ``jump``.

One ssh process holds the connection (a control master, ssh(1) -M) and each connect is a ``ssh -W`` through it. What OpenSSH says of a
failed forward stands on the master's standard error alone, keyed by the channel number that it gave the destination before; ``Master``
reads it from there. The user's configuration, keys, agent and known_hosts are OpenSSH's own business; nothing is asked (BatchMode), so a
password cannot be given. The far side's end of data ends a stream both ways. TCP only. Source: ssh(1), PROTOCOL.mux, OpenSSH 7 to 9.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from aetui.observations import Outcome, TcpSeen
from aetui.records import VantageInfo
from aetui.vantage import remote
from aetui.vantage.base import Connection
from aetui.vantage.overssh import OverSsh
from aetui.vantage.reason import CONNECT_FAILED, OpenRefused, outcome
from aetui.vantage.sshconfig import SshConfig, target
from aetui.vantage.sshfile import ConfigFault
from aetui.vantage.stream import SocketStream
from aetui.vantage.trouble import JumpCode, JumpLost, detail, lost
from aetui.vantage.waiting import Ready

SIGN_OF_LIFE_S = 10.0
"""Seconds for any answer of the jump host after a connect that got none; without one the jump host is lost."""
OPENS_AT_ONCE = 16
"""Processes that wait for the jump host's answer at one time."""
END_S = 2.0
"""Seconds that an ssh process has for ending by itself."""
LONGEST_LINE = 4096

_FORWARD = re.compile(r"debug1: channel_connect_stdio_fwd:? (?P<to>\S+)")
_CHANNEL = re.compile(r"debug1: channel (?P<n>\d+): new .*stdio-forward")
_FAILED = re.compile(r"channel (?P<n>\d+): open failed: (?P<code>[^:]+)(?:: (?P<text>.*))?")
_READY = re.compile(r"debug1: Entering interactive session")
_OPEN = re.compile(r"debug1: mux_client_request_stdio_fwd: master session id")
_CODES = {"connect failed": CONNECT_FAILED, "administratively prohibited": 1, "unknown channel type": 3, "resource shortage": 4}


@dataclass(slots=True)
class Master:
    """What the master's standard error has told so far. Pure: takes lines."""

    failures: dict[str, deque[OpenRefused]] = field(default_factory=dict)
    """By destination as ssh writes it, ``address:port``, oldest first."""
    ready: bool = False
    said: deque[str] = field(default_factory=lambda: deque(maxlen=5))
    """The last lines that are no debugging output."""
    _asked: str = ""
    _channels: dict[str, str] = field(default_factory=dict)

    def take(self, line: str) -> None:
        """One line."""
        if found := _FAILED.search(line):
            code = _CODES.get(found["code"], CONNECT_FAILED)
            refused = OpenRefused(code, found["text"] or "")
            self.failures.setdefault(self._channels.pop(found["n"], ""), deque(maxlen=OPENS_AT_ONCE)).append(refused)
        elif found := _FORWARD.match(line):
            self._asked = found["to"]
        elif found := _CHANNEL.match(line):
            self._channels[found["n"]] = self._asked
        elif not line.startswith(("debug", "OpenSSH_")):
            self.said.append(line)
        self.ready = self.ready or bool(_READY.match(line))

    def forget(self, to: str) -> None:
        """Nobody waits for the oldest forward to this destination any more: what is said of it later is not the next one's."""
        oldest = next((n for n, where in self._channels.items() if where == to), None)
        if oldest is not None:
            self._channels[oldest] = ""


class SystemSshVantage(OverSsh):
    """A jump host reached by the ssh program."""

    def __init__(self, name: str, config: SshConfig | None = None, program: Sequence[str] = ("ssh",)) -> None:
        self.name = name
        self._config = config or SshConfig()
        self._program = tuple(program)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._master: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._heard = Master()
        self._news = asyncio.Condition()
        self._slots = asyncio.Semaphore(OPENS_AT_ONCE)
        self._forwards: set[asyncio.subprocess.Process] = set()
        self._streams: set[ForwardStream] = set()
        self._about = remote.About()
        self._info = VantageInfo("jump", name)
        self._lost: JumpLost | None = None

    async def open(self, deadline: float) -> None:
        """Start the master and wait until it is connected. Raises JumpLost."""
        if shutil.which(self._program[0]) is None:
            raise lost(JumpCode.SYSTEM_SSH, self.name, detail=f"{self._program[0]}: not found")
        self._folder = tempfile.TemporaryDirectory(prefix="aetui-")
        try:
            await self._connect_master(deadline)
            await self._learn(deadline)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """As base.Vantage."""
        self._lost = self._lost or lost(JumpCode.CLOSED, self.name)
        for stream in tuple(self._streams):
            stream.close()
        for process in (*self._forwards, self._master):
            if process is not None:
                await _end(process)
        if self._listening is not None:
            await self._listening
        if self._folder is not None:
            self._folder.cleanup()

    async def run(self, argv: Sequence[str], deadline: float) -> tuple[int, bytes] | None:
        """Exit status and standard output (64 KiB at most) of a command on the jump host; None where it runs none, or not in time."""
        self.check()
        return await self._run(shlex.join(argv), deadline)

    async def client_address(self) -> str | None:
        """Our own address as the jump host sees it. None behind another hop or a ProxyCommand, or where it is not told. Raises JumpLost."""
        self.check()
        with suppress(ConfigFault):
            chain = self._config.chain(self.name)
            return self._about.client if len(chain) == 1 and not chain[0].proxy_command else None
        return None

    def check(self) -> None:
        """Raise JumpLost where the jump host is gone."""
        if self._lost is not None:
            raise self._lost

    def _command(self, *options: str) -> list[str]:
        """ssh with our options, the host last. A forward whose master is gone must not connect by itself: its ProxyCommand fails."""
        assert self._folder is not None
        to = target(self.name)
        where = ["-S", f"{self._folder.name}/m", "-o", "BatchMode=yes", "-o", "PermitLocalCommand=no"]
        where += ["-p", str(to.port)] if to.port else []
        return [*self._program, *where, *options, "--", f"{to.user}@{to.host}" if to.user else to.host]

    async def _connect_master(self, deadline: float) -> None:
        options = ("-v", "-M", "-N", "-o", "ControlPersist=no", "-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=2")
        self._master = await asyncio.create_subprocess_exec(
            *self._command(*options), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, limit=LONGEST_LINE
        )
        self._listening = asyncio.create_task(self._listen(self._master))
        try:
            async with asyncio.timeout_at(deadline), self._news:
                await self._news.wait_for(lambda: self._heard.ready or self._lost)
        except TimeoutError:
            raise lost(JumpCode.DEADLINE, self.name, detail="; ".join(self._heard.said) or detail("connect")) from None
        self.check()

    async def _listen(self, master: asyncio.subprocess.Process) -> None:
        async for line in _lines(master):
            self._heard.take(line)
            async with self._news:
                self._news.notify_all()
        await master.wait()
        code = JumpCode.DIED if self._heard.ready else JumpCode.SYSTEM_SSH
        self._lost = self._lost or lost(code, self.name, detail="; ".join(self._heard.said) or f"exit status {master.returncode}")
        async with self._news:
            self._news.notify_all()

    async def _learn(self, deadline: float) -> None:
        ran = await self._run(remote.ABOUT, deadline)
        self._about = remote.parse_about(ran[1].decode("utf-8", "replace")) if ran else remote.About()
        self._info = remote.told(self._info, self._about)

    async def _connect(self, address: str, port: int, deadline: float) -> Connection:
        began = asyncio.get_running_loop().time()
        (up, stdin), (down, stdout) = socket.socketpair(), socket.socketpair()
        with stdin, stdout:
            options = ("-v", "-o", "ProxyCommand=false", "-W", f"[{address}]:{port}" if ":" in address else f"{address}:{port}")
            process = await asyncio.create_subprocess_exec(
                *self._command(*options), stdin=stdin.fileno(), stdout=stdout.fileno(), stderr=subprocess.PIPE, limit=LONGEST_LINE
            )
        self._forwards.add(process)
        opened, refused = False, None
        try:
            async with asyncio.timeout_at(deadline):
                opened = await _opened(process)
                refused = None if opened else await self._reason(f"{address}:{port}")
        except TimeoutError:
            await self._vouch()
            return Connection(TcpSeen(address, port, Outcome.FILTERED), None)
        finally:
            if not opened:
                if refused is None:
                    self._heard.forget(f"{address}:{port}")
                up.close()
                down.close()
                await self.leave(process)
        if refused is not None:
            means, errno = outcome(refused, 1000 * (asyncio.get_running_loop().time() - began))
            return Connection(TcpSeen(address, port, means, errno, reason=refused.words), None)
        stream = ForwardStream(up, down, self, process)
        self._streams.add(stream)
        return Connection(TcpSeen(address, port, Outcome.OPEN), stream)

    def gone(self, stream: ForwardStream) -> None:
        """A stream has been closed; its process is ended with the vantage at the latest."""
        self._streams.discard(stream)

    async def _reason(self, to: str) -> OpenRefused:
        """What the master said of the failed forward to this destination; it has said it before its client knew."""
        async with self._news:
            await self._news.wait_for(lambda: self._heard.failures.get(to) or self._lost)
        self.check()
        return self._heard.failures[to].popleft()

    async def _vouch(self) -> None:
        """Any answer at all to a command, even its refusal, shows that the jump host is there."""
        self.check()
        if await self._run("true", asyncio.get_running_loop().time() + SIGN_OF_LIFE_S, any_status=True) is None:
            self._lost = self._lost or lost(JumpCode.STALLED, self.name, detail=f"{SIGN_OF_LIFE_S:.0f} s")
        self.check()

    async def _run(self, command: str, deadline: float, *, any_status: bool = False) -> tuple[int, bytes] | None:
        process = await asyncio.create_subprocess_exec(
            *self._command("-o", "ProxyCommand=false", "-T"), command,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout_at(deadline):
                kept = await remote.bounded(process.stdout)
                status = await process.wait()
        except TimeoutError:
            return None
        finally:
            await _end(process)
        return (status, kept) if any_status or status != SSH_FAILED else None

    async def leave(self, process: asyncio.subprocess.Process) -> None:
        """See to it that a forward's process has ended."""
        self._forwards.discard(process)
        await _end(process)


SSH_FAILED = 255
"""Exit status of ssh where ssh itself, not the command, failed (ssh(1))."""


class ForwardStream:
    """One forward: a socket each way, so that either end can close its half, and the ssh process, which ends with it."""

    def __init__(self, up: socket.socket, down: socket.socket, vantage: SystemSshVantage, process: asyncio.subprocess.Process) -> None:
        for sock in (up, down):
            sock.setblocking(False)
        self._up, self._down = SocketStream(up, Ready()), SocketStream(down, Ready())
        self._vantage = vantage
        self._process = process
        self._draining = asyncio.create_task(self._drain())

    async def read(self, most: int, deadline: float) -> bytes:
        """See ``Stream``."""
        try:
            data = await self._down.read(most, deadline)
        except asyncio.CancelledError:
            self.close()
            raise
        if not data:
            self._vantage.check()
        return data

    async def write(self, data: bytes, deadline: float) -> None:
        """See ``Stream``."""
        try:
            await self._up.write(data, deadline)
        except asyncio.CancelledError:
            self.close()
            raise

    async def _drain(self) -> None:
        async for _ in _lines(self._process):
            pass
        await self._vantage.leave(self._process)

    def close(self) -> None:
        """See ``Stream``."""
        self._up.close()
        self._down.close()
        self._vantage.gone(self)
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    """Its standard error, line by line to the end; what is longer than LONGEST_LINE is dropped."""
    assert process.stderr is not None
    while True:
        try:
            line = await process.stderr.readline()
        except ValueError:
            continue
        if not line:
            return
        yield line.decode("utf-8", "replace").strip()


async def _opened(process: asyncio.subprocess.Process) -> bool:
    """True when the forward is open, False when ssh gave it up."""
    async for line in _lines(process):
        if _OPEN.match(line):
            return True
    return False


async def _end(process: asyncio.subprocess.Process) -> None:
    """See to it that it has ended."""
    for stop in (process.terminate, process.kill):
        if process.returncode is None:
            with suppress(ProcessLookupError):
                stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await process.wait()
                return
