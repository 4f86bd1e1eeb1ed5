"""What the console costs: time to its first paint, bytes of a sweep, bytes while idle, and the time of ``aetui --help``.

    python tests/bench/first_paint.py [--runs N] [--idle SECONDS]

Everything runs on pseudo-terminals of 80x24 against the embedded site, the two sides of a ratio turn by turn in one run. Of several times the
shortest counts: whatever else the machine does can only add to it.

* first paint: from the start of the process to the bar of keys, against a Textual app of stock widgets with no code (at most 1.2 times);
* ``aetui --help`` minus the bare interpreter (at most 60 ms);
* bytes of a whole sweep on the screen, from the first paint to the verdict, and of everything since the start; no limit, they are stated;
* bytes while idle after a run (0).

Exit status 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
SIZE = (24, 80)
LIMIT_PAINT = 1.2
LIMIT_HELP_MS = 60.0
LONGEST_S = 60.0

BARE = """
from textual.app import App
from textual.containers import Container, VerticalScroll
from textual.widgets import DataTable, Footer, Static

class Bare(App):
    BINDINGS = [("e", "e", "Equipment"), ("r", "r", "Run"), ("h", "h", "Help"), ("q", "quit", "Quit")]
    def compose(self):
        yield Static("aetui")
        yield Static("")
        yield Static("")
        yield Container(DataTable(), VerticalScroll(Static("")))
        yield Footer()

Bare().run(mouse=False)
"""

CONSOLE = [sys.executable, "-m", "aetui", "--no-mouse"]


class Terminal:
    """A program on a pseudo-terminal, and the bytes that it sent."""

    def __init__(self, command: list[str]) -> None:
        self.began = time.perf_counter()
        self.sent = b""
        self.child, self.fd = pty.fork()
        if self.child == 0:
            os.chdir(ROOT)
            clean = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "SSH_CONNECTION"} and not k.startswith("TEXTUAL")}
            os.execve(command[0], command, {**clean, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))

    def read(self, seconds: float) -> bool:
        """Take what comes within so long; False where nothing did."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        self.sent += os.read(self.fd, 65536)
        return True

    def until(self, text: bytes) -> float:
        """Seconds from the start until some text has been sent."""
        while text not in self.sent:
            if time.perf_counter() - self.began > LONGEST_S:
                raise SystemExit(f"never sent {text!r}")
            self.read(0.05)
        return time.perf_counter() - self.began

    def type(self, text: bytes) -> None:
        """Press keys, one after the other."""
        for key in text:
            os.write(self.fd, bytes((key,)))

    def ended(self) -> None:
        """Wait until the program has ended."""
        end = time.perf_counter() + LONGEST_S
        with suppress(OSError):
            while time.perf_counter() < end:
                self.read(1.0)

    def quiet(self, seconds: float) -> None:
        """Wait until nothing has come for so long."""
        while self.read(seconds):
            pass

    def close(self) -> None:
        """End it."""
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self.fd)


def first_paint(command: list[str]) -> float:
    """Seconds until the bar of keys is on the screen."""
    terminal = Terminal(command)
    try:
        return terminal.until(b"Quit")
    finally:
        terminal.close()


def wall(command: list[str]) -> float:
    """Seconds that a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return time.perf_counter() - began


def sweep(scenario: str, verdict: bytes, idle_s: float) -> tuple[int, int, int]:
    """Bytes of the first paint, of the sweep after it, and while idle for so long."""
    terminal = Terminal([*CONSOLE, f"--demo={scenario}", "--equipment", "pm2000"])
    try:
        terminal.until(b"Quit")
        terminal.quiet(0.02)
        painted = len(terminal.sent)
        terminal.until(verdict)
        terminal.quiet(1.0)
        swept = len(terminal.sent)
        end = time.perf_counter() + idle_s
        while (left := end - time.perf_counter()) > 0:
            terminal.read(left)
        return painted, swept - painted, len(terminal.sent) - swept
    finally:
        terminal.close()


def main() -> int:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description="what the console costs")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--idle", type=float, default=10.0)
    options = parser.parse_args()
    paints: list[tuple[float, float]] = []
    helps: list[tuple[float, float]] = []
    for _ in range(options.runs):
        paints.append((first_paint([*CONSOLE, "--demo"]), first_paint([sys.executable, "-c", BARE])))
        helps.append((wall([sys.executable, "-m", "aetui", "--help"]), wall([sys.executable, "-c", "pass"])))
    ours, bare = (min(pair[side] for pair in paints) for side in (0, 1))
    ratio, middle = ours / bare, median(a / b for a, b in paints)
    print(
        f"first paint: {ours * 1000:.0f} ms, bare Textual app {bare * 1000:.0f} ms, ratio {ratio:.2f} (limit {LIMIT_PAINT}; median {middle:.2f})"
    )
    extra = (min(a for a, _ in helps) - min(b for _, b in helps)) * 1000
    print(f"aetui --help: {extra:.0f} ms over the bare interpreter (limit {LIMIT_HELP_MS:.0f})")
    idle_total = 0
    for scenario, verdict in (("healthy", b"Ready"), ("port-dropped", b"Blocked"), ("everything-dropped", b"Blocked")):
        painted, swept, idle = sweep(scenario, verdict, options.idle)
        idle_total += idle
        print(f"80x24, {scenario}: first paint {painted} bytes, sweep of pm2000 {swept} bytes, idle for {options.idle:g} s {idle} bytes")
    return int(ratio > LIMIT_PAINT or extra > LIMIT_HELP_MS or idle_total > 0)


if __name__ == "__main__":
    raise SystemExit(main())
