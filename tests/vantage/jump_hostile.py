"""SSH servers that misbehave on purpose: paramiko's own server on loopback with a script of its own, and raw ones that never become SSH."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
from paramiko.common import cMSG_CHANNEL_OPEN_FAILURE, cMSG_KEXINIT
from paramiko.message import Message
from paramiko.server import InteractiveQuery

from aetui.vantage.asker import Accept, HostKeyQuestion, SecretQuestion
from aetui.vantage.sshconfig import SshConfig

SECRET = "correct horse 7!"
"""The password that the server takes."""
CODE = "492817"
"""The answer to its second question."""


@dataclass
class Script:
    """How a server behaves. Changed by a test while it runs."""

    methods: tuple[str, ...] = ("none",)
    """Ways of logging in that it offers; ``none`` lets everybody in."""
    factors: tuple[str, ...] = ()
    """Methods that must all succeed, in this order, where there is more than one."""
    refusal: tuple[int, str] | None = None
    """Code and text for every direct-tcpip."""
    hold: bool = False
    """Keep direct-tcpip opens unanswered, in ``held``."""
    disconnect_at_login: bool = False
    key: paramiko.PKey = field(default_factory=paramiko.ECDSAKey.generate)
    held: list[Callable[[], None]] = field(default_factory=list)
    waiting: threading.Event = field(default_factory=threading.Event)
    opened: list[tuple[str, int]] = field(default_factory=list)
    channels: list[paramiko.Channel] = field(default_factory=list)
    transports: list[paramiko.Transport] = field(default_factory=list)
    got: list[str] = field(default_factory=list)
    """Methods that were tried."""


class Behaviour(paramiko.ServerInterface):
    def __init__(self, script: Script) -> None:
        self.script = script
        self.passed: list[str] = []

    def get_allowed_auths(self, username: str) -> str:
        left = [m for m in self.script.factors if m not in self.passed][:1]
        return ",".join(left or self.script.methods)

    def _passed(self, method: str, right: bool) -> int:
        self.script.got.append(method)
        if not right:
            return paramiko.AUTH_FAILED
        self.passed.append(method)
        return paramiko.AUTH_PARTIALLY_SUCCESSFUL if set(self.script.factors) - set(self.passed) else paramiko.AUTH_SUCCESSFUL

    def check_auth_none(self, username: str) -> int:
        if self.script.disconnect_at_login:
            raise paramiko.SSHException("scripted end")
        return self._passed("none", "none" in self.script.methods)

    def check_auth_password(self, username: str, password: str) -> int:
        return self._passed("password", "password" in self.script.methods + self.script.factors and password == SECRET)

    def check_auth_interactive(self, username: str, submethods: str) -> Any:
        return InteractiveQuery("Two steps", "Look at your token.", ("Password: ", False), ("Code\x1b[2J: ", True))

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        return self._passed("keyboard-interactive", responses == [SECRET, CODE])

    def check_channel_direct_tcpip_request(self, chanid: int, origin: Any, destination: tuple[str, int]) -> int:
        self.script.opened.append(destination)
        return paramiko.OPEN_SUCCEEDED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED


class HostileTransport(paramiko.Transport):
    """A server transport that follows the script."""

    script: Script

    def _parse_channel_open(self, m: Any) -> None:
        data = m.asbytes()
        kind, chanid = m.get_text(), m.get_int()
        later = Message(data)
        later.rewind()
        if kind == "direct-tcpip" and self.script.refusal is not None:
            code, text = self.script.refusal
            answer = Message()
            answer.add_byte(cMSG_CHANNEL_OPEN_FAILURE)
            answer.add_int(chanid)
            answer.add_int(code)
            answer.add_string(text.encode("utf-8", "surrogateescape"))
            answer.add_string("en")
            self._send_message(answer)  # type: ignore[attr-defined]
            return
        if kind == "direct-tcpip" and self.script.hold:
            self.script.held.append(lambda: super(HostileTransport, self)._parse_channel_open(later))  # type: ignore[misc]
            self.script.waiting.set()
            return
        super()._parse_channel_open(later)  # type: ignore[misc]
        self.script.channels += list(self._channels.values())[len(self.script.channels) :]  # type: ignore[attr-defined]


@dataclass
class Hostile:
    """A running server."""

    script: Script
    port: int
    listener: socket.socket

    def config(self, folder: Path, more: str = "") -> SshConfig:
        """A user's configuration for it, as ``hop``, with an empty known_hosts."""
        file = folder / "config"
        file.write_text(
            f"Host hop\n HostName 127.0.0.1\n Port {self.port}\n User joe\n IdentityFile {folder}/none\n IdentityAgent none\n"
            f" UserKnownHostsFile {folder}/known_hosts\n GlobalKnownHostsFile none\n{more}\n"
        )
        return SshConfig((file,), home=folder)

    def serve(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            transport = HostileTransport(sock)
            transport.script = self.script
            transport.add_server_key(self.script.key)
            self.script.transports.append(transport)
            with suppress(Exception):
                transport.start_server(event=threading.Event(), server=Behaviour(self.script))


@asynccontextmanager
async def hostile(script: Script | None = None) -> AsyncIterator[Hostile]:
    """The server for the time of the block."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Hostile(script or Script(), listener.getsockname()[1], listener)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        for transport in server.script.transports:
            transport.packetizer.close()
            transport.join(5)


@asynccontextmanager
async def raw(says: bytes, *, closes: bool = False, forever: bytes = b"") -> AsyncIterator[int]:
    """The port of a server that says this at once, and then closes, or waits, or repeats ``forever`` for good."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.write(says)
            await writer.drain()
            while forever:
                writer.write(forever)
                await writer.drain()
            if not closes:
                await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def kexinit(**lists: str) -> bytes:
    """An SSH server's first words: its identification and a KEXINIT with these lists in place of current ones (RFC 4253 section 7.1)."""
    names = {
        "kex": "curve25519-sha256@libssh.org",
        "keys": "ssh-ed25519",
        "ciphers_in": "aes128-ctr",
        "ciphers_out": "aes128-ctr",
        "macs_in": "hmac-sha2-256",
        "macs_out": "hmac-sha2-256",
        "compression_in": "none",
        "compression_out": "none",
        "languages_in": "",
        "languages_out": "",
    } | lists
    message = Message()
    message.add_byte(cMSG_KEXINIT)
    message.add_bytes(bytes(16))
    for value in names.values():
        message.add_string(value)
    message.add_boolean(False)
    message.add_int(0)
    payload = message.asbytes()
    padding = 8 - (len(payload) + 5) % 8 + 8
    return b"SSH-2.0-dropbear_0.52\r\n" + (len(payload) + padding + 1).to_bytes(4, "big") + bytes([padding]) + payload + bytes(padding)


@dataclass
class Scripted:
    """An asker with its answers ready; notes what it was asked."""

    accept: Accept = Accept.ONCE
    secrets: tuple[str | None, ...] = ()
    keys: list[HostKeyQuestion] = field(default_factory=list)
    asked: list[SecretQuestion] = field(default_factory=list)
    gate: asyncio.Event | None = None
    """Answers wait for it, where there is one."""

    async def host_key(self, question: HostKeyQuestion) -> Accept:
        self.keys.append(question)
        return self.accept

    async def secret(self, question: SecretQuestion) -> str | None:
        self.asked.append(question)
        if self.gate is not None:
            await self.gate.wait()
        return self.secrets[len(self.asked) - 1] if len(self.asked) <= len(self.secrets) else None
