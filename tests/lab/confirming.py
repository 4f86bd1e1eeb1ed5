"""Runs both halves of an inbound check in a lab and says what came out, as plain values that cross a process.

Each half is the real command with its JSON: the site's on the laptop, knocking through the jump host and asking the logger; the other on the
jump host itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import topology
from .network import Lab
from .nodes import LabError

CODE = "7K3M-Q9XD"
PATIENCE_S = 80.0
"""Longest wait for one call, on a busy machine."""


@dataclass(frozen=True)
class Told:
    """What one half says."""

    status: int
    result: Any
    complaint: str

    @property
    def causes(self) -> list[str]:
        """In order, with the confidence."""
        return [f"{entry['cause']} {entry['confidence']}" for entry in self.result["diagnosis"]] if self.result else []

    @property
    def evidence(self) -> str:
        """All of it."""
        return " ".join(sentence for entry in self.result["diagnosis"] for sentence in entry["evidence"])

    @property
    def targets(self) -> Any:
        """As the JSON has them."""
        return self.result["targets"]


class Half:
    """One call of the command, under way."""

    def __init__(self, lab: Lab, node: str, arguments: Sequence[str], home: str) -> None:
        argv = [sys.executable, "-m", "aetui", *arguments]
        self._process = lab.popen(node, argv, {"HOME": home}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def told(self) -> Told:
        """Its end."""
        try:
            out, err = self._process.communicate(timeout=PATIENCE_S)
        finally:
            self._process.kill()
            self._process.wait()
        printed = out.decode()
        return Told(self._process.returncode, json.loads(printed) if printed.startswith("{") else None, err.decode())


def technician(lab: Lab) -> str:
    """A home directory whose ssh configuration knows the jump host as ``office``."""
    ssh = lab["laptop"].home / "home" / ".ssh"
    if not ssh.is_dir():
        ssh.mkdir(parents=True)
        key = (lab.home / "ssh_jump.pub").read_text().split()[:2]
        (ssh / "known_hosts").write_text(f"{topology.JUMP} {' '.join(key)}\n")
        (ssh / "config").write_text(f"Host office\n  HostName {topology.JUMP}\n  User tech\n  IdentityFile {lab.home}/ssh_user\n")
    return str(ssh.parent)


def site_half(lab: Lab, *arguments: str, jump: str = "office") -> Half:
    """On the laptop, through the jump host."""
    return Half(lab, "laptop", ["confirm", *arguments, "--from", f"jump:{jump}", "--json"], technician(lab))


def outside_half(lab: Lab, *arguments: str, node: str = "jump") -> Half:
    """On the jump host itself, or another machine outside."""
    return Half(lab, node, ["confirm", *arguments, "--json"], str(lab[node].home))


@contextmanager
def listening(lab: Lab, *ports: int, code: str = CODE) -> Iterator[None]:
    """Our own listener on the laptop."""

    def serve(ready: Any) -> None:
        import asyncio

        from aetui.inbound.listener import Listener

        async def run() -> None:
            listener = Listener(ports, lambda batch: None, code=code)
            await listener.open()
            if len(listener.opened) != len(ports):
                raise LabError("a port did not open")
            ready()
            await listener.stopped()

        asyncio.run(run())

    process = lab["laptop"].serve("aetui-listen", serve)
    try:
        yield
    finally:
        lab["laptop"].stop(process)
