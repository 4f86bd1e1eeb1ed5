"""The FTP server of the embedded site: login demo, demo; PASV, EPSV and active data connections (RFC 959, RFC 2389, RFC 2428).

One server stands for one documented address, which its 227 replies name. Passive ports are true loopback ports, told to the site
while they are open; active connections go out by way of the site, which knows where the client's announced address really is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address

from aetui.demo.scenario import Files
from aetui.demo.serving import Handler, Serving

LOGIN = ("demo", "demo")
"""User and password. They are no secret: the site is a toy."""
LISTING = b"-rw-r--r--   1 demo     demo           42 Jan 01 00:00 readme.txt\r\n"
README = b"This file comes from aetui's embedded site.\r\n"
DATA_WAIT_S = 5.0
"""Seconds that the server waits for a data connection."""
ENDLESS_LINE = b"220-" + b"still greeting " * 200 + b"\r\n"
ENDLESS_LINES = 300_000

Dial = Callable[[str, int], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
"""Opens a connection to an address and port that a client announced. Raises OSError."""

PLAIN = {
    "SYST": "215 UNIX Type: L8",
    "TYPE": "200 Type set.",
    "NOOP": "200 Nothing done.",
    "PWD": '257 "/" is the current directory.',
    "OPTS": "200 Noted.",
    "CWD": "250 There is one directory.",
}
"""Replies of the commands that change nothing."""
FEATURES = "211-Features:\r\n EPRT\r\n EPSV\r\n PASV\r\n UTF8\r\n211 End"
FREE = frozenset({"USER", "PASS", "FEAT", "QUIT", "SYST", "NOOP", "OPTS"})
"""Commands that need no login."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server."""

    files: Files
    address: str
    """The documented one."""
    ports: set[int]
    """Passive ports that are open now."""
    dial: Dial


def file_handler(server: Server) -> Handler:
    """A handler of control connections."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if server.files.endless:
            for _ in range(ENDLESS_LINES):
                writer.write(ENDLESS_LINE)
                await writer.drain()
            return
        await _Session(server, reader, writer).run()

    return handle


class _Session:
    """One control connection."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server, self._files = server, server.files
        self._reader, self._writer = reader, writer
        self._user = ""
        self._logged_in = False
        self._passive: Serving | None = None
        self._passive_port = 0
        self._incoming: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        self._release = asyncio.Event()
        self._active: tuple[str, int] | None = None

    async def run(self) -> None:
        try:
            await self._say(self._files.banner)
            while line := await self._reader.readline():
                command, _, argument = line.decode("utf-8", "replace").strip().partition(" ")
                if command.upper() == "QUIT":
                    await self._say("221 Goodbye.")
                    return
                await self._obey(command.upper(), argument)
        finally:
            await self._forget()

    async def _say(self, reply: str) -> None:
        self._writer.write(reply.encode() + b"\r\n")
        await self._writer.drain()

    async def _obey(self, command: str, argument: str) -> None:
        handler = self._handlers().get(command)
        if handler is None and command not in PLAIN:
            await self._say("502 Not known here.")
        elif not self._logged_in and command not in FREE:
            await self._say("530 Please log in.")
        elif handler is None:
            await self._say(PLAIN[command])
        else:
            await handler(argument)

    def _handlers(self) -> dict[str, Callable[[str], Awaitable[None]]]:
        return {
            "USER": self._take_user,
            "PASS": self._take_password,
            "FEAT": lambda _: self._say(FEATURES),
            "PASV": self._take_pasv,
            "EPSV": self._take_epsv,
            "PORT": self._take_port,
            "EPRT": self._take_eprt,
            "LIST": lambda _: self._send(LISTING),
            "NLST": lambda _: self._send(b"readme.txt\r\n"),
            "RETR": lambda _: self._send(README),
        }

    async def _take_user(self, argument: str) -> None:
        self._user = argument
        await self._say("331 Password, please.")

    async def _take_password(self, argument: str) -> None:
        self._logged_in = (self._user, argument) == LOGIN
        await self._say("230 Logged in." if self._logged_in else "530 Login incorrect.")

    async def _take_pasv(self, _: str) -> None:
        port = await self._open_passive()
        numbers = ",".join([*(self._files.passive_address or self._server.address).split("."), str(port >> 8), str(port & 255)])
        await self._say(f"227 Entering Passive Mode ({numbers}).")

    async def _take_epsv(self, _: str) -> None:
        if not self._files.extended:
            await self._say("500 EPSV not understood.")
            return
        await self._say(f"229 Entering Extended Passive Mode (|||{await self._open_passive()}|)")

    async def _take_port(self, argument: str) -> None:
        numbers = argument.split(",")
        fits = len(numbers) == 6 and all(n.isdigit() and int(n) < 256 for n in numbers)
        if not fits:
            await self._say("501 Not an address and port.")
            return
        await self._announced(".".join(numbers[:4]), int(numbers[4]) << 8 | int(numbers[5]))

    async def _take_eprt(self, argument: str) -> None:
        parts = argument.split(argument[:1] or "|")
        try:
            _, _, address, port, _ = parts
            await self._announced(str(ip_address(address)), int(port))
        except ValueError:
            await self._say("501 Not an address and port.")

    async def _announced(self, address: str, port: int) -> None:
        await self._forget()
        self._active = (address, port)
        await self._say("200 Will connect there.")

    async def _open_passive(self) -> int:
        await self._forget()
        self._incoming, self._release = asyncio.Queue(), asyncio.Event()
        incoming, release = self._incoming, self._release

        async def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            incoming.put_nowait(writer)
            await release.wait()

        self._passive = Serving()
        self._passive_port = await self._passive.tcp(accepted)
        self._server.ports.add(self._passive_port)
        return self._passive_port

    async def _forget(self) -> None:
        """Let go of whatever data connection was prepared."""
        self._active = None
        passive, self._passive = self._passive, None
        if passive is not None:
            self._server.ports.discard(self._passive_port)
            await passive.close()

    async def _send(self, data: bytes) -> None:
        if self._passive is None and self._active is None:
            await self._say("425 Use PASV, EPSV or PORT first.")
            return
        await self._say("150 Here it comes.")
        try:
            async with asyncio.timeout(DATA_WAIT_S):
                await self._deliver(data)
        except OSError:
            await self._say("425 No data connection.")
        else:
            await self._say("226 Done.")
        finally:
            await self._forget()

    async def _deliver(self, data: bytes) -> None:
        if self._active is None:
            writer = await self._incoming.get()
        else:
            _, writer = await self._server.dial(*self._active)
        try:
            writer.write(data)
            await writer.drain()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._release.set()
