"""Bytes a second over the terminal of a live view of 30 hops at 80x24, one round a second, beside mtr's.

    python -m tests.lab.enter python -m tests.bench.path_bytes [--seconds N] [--delay MS] [--jitter]

Builds 30 routers in a row and looks along them with each program in turn, on a pseudo-terminal of its own: the console's Path tab
as it opens, with the details hidden, with every column; and mtr with its usual view, by TCP and by ICMP. The first ten seconds do not
count. Prints bytes a second, rows of hops on the screen, and how long the console took to leave. Exit status 1 where the Path tab
sends more than mtr in any of its views. Nothing leaves the namespaces.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Sequence

from tests.bench.first_paint import Terminal
from tests.lab.chain import Chain, chain

ROUTERS, PORT = 29, 443
WARM_S = 10.0
VIEWS = {"Path, as it opens": "", "Path, details hidden": "z", "Path, all figures": "v", "Path, all figures, details hidden": "vz"}
PEERS: dict[str, Sequence[str]] = {"mtr --tcp": ("--tcp", "-P", str(PORT)), "mtr (ICMP)": ()}
ADDRESS = re.compile(rb"10\.9\.\d+\.2")


def inside(made: Chain, command: Sequence[str]) -> Terminal:
    """A program in the client's namespace, on a pseudo-terminal."""
    return Terminal(["/usr/bin/env", "ip", "netns", "exec", made.name(0), *command])


def watched(terminal: Terminal, seconds: float) -> float:
    """Bytes a second from now on."""
    start, end = len(terminal.sent), time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        terminal.read(left)
    return (len(terminal.sent) - start) / seconds


def rows(sent: bytes) -> int:
    """Hops that were shown."""
    return len(set(ADDRESS.findall(sent)))


def ours(made: Chain, keys: str, seconds: float) -> tuple[float, int, float]:
    """The Path tab: bytes a second, rows, and seconds from q to the end."""
    terminal = inside(made, [sys.executable, "-m", "aetui", "--no-mouse"])
    try:
        terminal.until(b"Enter")
        for typed, then in ((b"\x1b", b"Equipment"), (b"2", b"Protocol"), (f"{made.target}:{PORT}\r".encode(), b"live")):
            watched(terminal, 1.0)
            terminal.sent = b""
            terminal.type(typed)
            terminal.until(then)
        terminal.type(keys.encode())
        watched(terminal, WARM_S)
        found = watched(terminal, seconds)
        shown = rows(terminal.sent)
        began = time.perf_counter()
        terminal.type(b"q")
        terminal.ended()
        return found, shown, time.perf_counter() - began
    finally:
        terminal.close()


def peer(made: Chain, options: Sequence[str], seconds: float) -> tuple[float, int]:
    """mtr: bytes a second, and rows."""
    terminal = inside(made, ["mtr", "-n", "-i", "1", *options, made.target])
    try:
        watched(terminal, WARM_S)
        return watched(terminal, seconds), rows(terminal.sent)
    finally:
        terminal.close()


def main() -> int:
    """Build, measure, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--delay", type=float, default=20.0, help="round trip, ms")
    chosen = parser.parse_args()
    with chain(ROUTERS, "v") as made:
        made.listen(made.server, PORT)
        made.stretch(chosen.delay / 2)
        made.settle()
        theirs = []
        for name, options in PEERS.items():
            rate, shown = peer(made, options, chosen.seconds)
            theirs.append(rate)
            print(f"{name:<36} {rate:7.0f} bytes/s   {shown:2} hops on the screen   {rate / max(1, shown):5.1f} a hop", flush=True)
        most = 0.0
        for name, keys in VIEWS.items():
            rate, shown, left = ours(made, keys, chosen.seconds)
            most = max(most, rate)
            print(
                f"{name:<36} {rate:7.0f} bytes/s   {shown:2} hops on the screen   {rate / max(1, shown):5.1f} a hop   "
                f"{rate / min(theirs):.2f} of mtr's   left in {left:.2f} s", flush=True,
            )  # fmt: skip
    return int(most >= min(theirs))


if __name__ == "__main__":
    raise SystemExit(main())
