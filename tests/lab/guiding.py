"""Runs ``aetui guide`` in a lab as a technician would, by a file of answers or by hand, and says what came out, as plain values."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from . import daemons
from .breaking import running
from .confirming import technician
from .network import Lab
from .topology import GATEWAY

PATIENCE_S = 110.0
"""Longest wait for one walk, on a busy machine."""


@dataclass(frozen=True)
class Told:
    """What a walk came to."""

    status: int
    verdict: str
    """The first paragraph: outcome and title."""
    causes: list[str]
    """In order, with the confidence."""
    machine_s: float
    result: str
    way: str

    @property
    def flat(self) -> str:
        """The result without line breaks."""
        return " ".join(self.result.split())

    @property
    def flat_way(self) -> str:
        """The way without line breaks."""
        return " ".join(self.way.split())


def told(status: int, result: str, way: str) -> Told:
    """Read what was printed."""
    title = result.split("\n\n", maxsplit=1)[0].split("\n")
    causes = [" ".join(found) for found in re.findall(r"^\s+\(([a-z-]+), ([a-z]+);", result, re.MULTILINE)]
    seconds = re.search(r"([\d.]+) s of machine time", result)
    return Told(status, " ".join(" ".join(title).split()), causes, float(seconds[1]) if seconds else 0.0, result, way)


def command(guide: str, *arguments: str) -> list[str]:
    """The call."""
    return [sys.executable, "-m", "aetui", "guide", guide, *arguments]


def walked(
    lab: Lab, guide: str, *arguments: str, answers: Mapping[str, object] | None = None, env: Mapping[str, str] | None = None
) -> Told:
    """A walk on the laptop with a jump host, unattended."""
    path = Path(technician(lab)) / "answers.toml"
    path.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in (answers or {}).items()))
    argv = command(guide, "--no-save", "--answers", str(path), *arguments)
    done = lab.run("laptop", argv, {"HOME": technician(lab), **(env or {})}, timeout=PATIENCE_S)
    return told(done.returncode, done.stdout, done.stderr)


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


@dataclass
class Terminal:
    """A walk that somebody types into."""

    process: subprocess.Popen[bytes]
    shown: str = ""
    typed: str = ""

    def until(self, text: str) -> None:
        """Wait until it has been shown, after what was typed last."""
        assert self.process.stderr is not None
        deadline = time.monotonic() + PATIENCE_S
        start = len(self.shown)
        while text not in self.shown[start:]:
            assert time.monotonic() < deadline, self.shown
            if select.select([self.process.stderr], [], [], 1.0)[0]:
                data = os.read(self.process.stderr.fileno(), 65536).decode("utf-8", "replace")
                assert data, self.shown
                self.shown += data

    def type(self, text: str) -> None:
        """A line and Enter."""
        assert self.process.stdin is not None
        self.typed += f"{text}\n"
        self.process.stdin.write(f"{text}\n".encode())
        self.process.stdin.flush()

    def end(self) -> Told:
        """Its verdict."""
        out, err = self.process.communicate(timeout=PATIENCE_S)
        self.shown += err.decode("utf-8", "replace")
        return told(self.process.returncode, out.decode(), self.shown)


@contextmanager
def by_hand(lab: Lab, guide: str, *arguments: str) -> Iterator[Terminal]:
    """A walk on the laptop with a person at it."""
    process = lab.popen(
        "laptop", command(guide, "--no-save", *arguments), {"HOME": technician(lab)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Terminal(process)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


@contextmanager
def hands_out_addresses(
    lab: Lab, node: str = "router", interface: str = "lan", own: str = GATEWAY, *, router: str = GATEWAY, resolver: str = GATEWAY
) -> Iterator[None]:
    """A real DHCP server on a machine of the site. An empty ``resolver``: it names none."""
    name = f"dhcp-{node}"
    settings = [
        f"interface={interface}", "dhcp-range=192.168.50.100,192.168.50.150,255.255.255.0,1h", "dhcp-leasefile=/dev/null", "no-ping",
        f"dhcp-option=3,{router}", f"dhcp-option=6{f',{resolver}' if resolver else ''}", "log-facility=-", "dhcp-authoritative",
    ]  # fmt: skip
    start: Callable[[], daemons.Process] = lambda: daemons.dnsmasq(lab[node], name, [own], settings, port=0)  # noqa: E731
    log = lab[node].home / f"{name}.log"
    log.unlink(missing_ok=True)
    with running(lab, node, start, lambda: "DHCP, IP range" in log.read_text(errors="replace") if log.exists() else False):
        yield
