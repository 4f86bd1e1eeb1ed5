"""The byte stream under an SSH connection to a jump host: a TCP connection, a ProxyCommand's, or a channel of the jump host before it.

Each gives an object with the socket methods that paramiko uses, or raises JumpLost. A ProxyCommand is run by the shell, as OpenSSH runs
it, with one end of a socket pair as its standard input and output; it is ended with the connection. Deadlines are the event loop's.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aetui.vantage.link import Link
from aetui.vantage.offload import offload
from aetui.vantage.reason import OpenRefused
from aetui.vantage.sshconfig import HostSettings
from aetui.vantage.trouble import JumpCode, detail, lost

if TYPE_CHECKING:
    from aetui.vantage.sshtransport import BridgedChannel

STDERR_LINES = 5
"""Last lines of a ProxyCommand's complaints that are kept."""
LONGEST_LINE = 500


async def tcp(settings: HostSettings) -> socket.socket:
    """A TCP connection to the first of the host's addresses that answers."""
    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            return await _tcp(settings)
    except TimeoutError:
        raise _unreachable(settings, detail("timed-out")) from None


async def _tcp(settings: HostSettings) -> socket.socket:
    where = (settings.hostname, settings.port)
    try:
        found = await offload(lambda: socket.getaddrinfo(*where, type=socket.SOCK_STREAM), "aetui-jump-lookup")
    except (socket.gaierror, UnicodeError) as error:
        why = error.strerror if isinstance(error, socket.gaierror) else str(error)
        raise lost(JumpCode.NAME_UNKNOWN, settings.hostname, detail=why) from None
    why = ""
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, address)
        except OSError as error:
            sock.close()
            why = os.strerror(error.errno) if error.errno else str(error)  # asyncio puts words of its own into strerror
        except BaseException:
            sock.close()
            raise
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    raise _unreachable(settings, why)


def _unreachable(settings: HostSettings, why: str) -> Exception:
    return lost(JumpCode.UNREACHABLE, settings.hostname, port=settings.port, detail=why)


async def channel(via: Link, settings: HostSettings, deadline: float) -> BridgedChannel:
    """A channel of the link before, to this host."""
    opened = await via.open("direct-tcpip", deadline, (settings.hostname, settings.port))
    if opened is None or isinstance(opened, OpenRefused):
        why = opened.words or str(opened.code) if opened else detail("timed-out")
        raise lost(JumpCode.HOP_REFUSED, settings.hostname, via=via.host, port=settings.port, detail=why)
    return opened


@dataclass(slots=True)
class ProxyProcess:
    """A running ProxyCommand."""

    sock: socket.socket
    process: asyncio.subprocess.Process
    complaints: deque[str] = field(default_factory=lambda: deque(maxlen=STDERR_LINES))
    _listening: asyncio.Task[None] | None = None

    @staticmethod
    async def start(command: str) -> ProxyProcess:
        """Run it. It may fail later: ``complaints`` says what it had to say."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                "/bin/sh", "-c", f"exec {command}",
                stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=asyncio.subprocess.PIPE, start_new_session=True, limit=LONGEST_LINE,
            )  # fmt: skip
        proxy = ProxyProcess(ours, process)
        proxy._listening = asyncio.create_task(proxy._listen())
        return proxy

    async def why(self) -> str:
        """Its last words, or its exit status, once it has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self.process.wait()
                if self._listening:
                    await asyncio.shield(self._listening)
        return "; ".join(self.complaints) or f"exit status {self.process.returncode}"

    async def close(self) -> None:
        """End it and all that it started."""
        self.sock.close()
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self.process.wait()
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()
        if self._listening:
            self._listening.cancel()
            await asyncio.wait([self._listening])  # not the task itself: its end would look like the caller's own

    async def _listen(self) -> None:
        assert self.process.stderr is not None
        while True:
            try:
                line = await self.process.stderr.readline()
            except ValueError:  # longer than LONGEST_LINE: its start is dropped
                continue
            if not line:
                return
            if text := line.decode("utf-8", "replace").strip():
                self.complaints.append(text)
