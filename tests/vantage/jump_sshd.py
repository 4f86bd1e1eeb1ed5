"""A real OpenSSH server on loopback for one test: keys, configuration and client files of its own in a temporary folder."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aetui.vantage.sshconfig import SshConfig

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"

CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
PidFile none
HostKey {folder}/host_ed25519
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
LogLevel ERROR
{more}
"""

USER_CONFIG = """\
Host {name}
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/id
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile none
  IdentityAgent none
{more}
"""


if os.geteuid() == 0:
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where root's sshd separates privileges; made at boot elsewhere


def generate(file: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A key pair."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(file)], check=True, stdin=subprocess.DEVNULL)
    return file


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@dataclass
class Sshd:
    """A running server and the files of a user who may log in there."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def host_key_line(self) -> str:
        return f"[127.0.0.1]:{self.port} {' '.join((self.folder / 'host_ed25519.pub').read_text().split()[:2])}\n"

    def config_text(self, name: str = "hop", more: str = "") -> str:
        return USER_CONFIG.format(name=name, port=self.port, user=getpass.getuser(), folder=self.folder, more=more)

    def config(self, more: str = "", name: str = "hop") -> SshConfig:
        """The user's configuration, with this server as ``name``."""
        file = self.folder / "config"
        file.write_text(self.config_text(name, more))
        return SshConfig((file,), home=self.folder)

    async def start(self, more: str = "") -> None:
        """Run it until it listens."""
        file = self.folder / "sshd_config"
        file.write_text(CONFIG.format(port=self.port, folder=self.folder, more=more))
        with (self.folder / "sshd.log").open("ab") as log:
            command = (SSHD, "-D", "-e", "-f", str(file))
            self.process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(200):
            assert self.process.returncode is None, (self.folder / "sshd.log").read_text()
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            await asyncio.sleep(0.02)
        raise AssertionError("sshd does not listen")

    async def stop(self) -> None:
        """End the listener; sessions that run go on by themselves until their connection ends."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    def sessions(self) -> list[int]:
        """Process ids of the server's running sessions."""
        assert self.process is not None
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False).stdout
        return [int(pid) for pid in found.split()]


@asynccontextmanager
async def sshd(folder: Path, more: str = "", *, known: bool = True) -> AsyncIterator[Sshd]:
    """A server for the time of the block; ``known`` puts its key into the user's known_hosts."""
    server = Sshd(folder)
    generate(folder / "host_ed25519")
    generate(folder / "id")
    shutil.copy(folder / "id.pub", folder / "authorized_keys")
    if known:
        server.known_hosts.write_text(server.host_key_line)
    await server.start(more)
    try:
        yield server
    finally:
        await server.stop()
