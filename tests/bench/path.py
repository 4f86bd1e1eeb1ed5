"""First complete path of 30 hops, beside traceroute, mtr, nmap and tcptraceroute, and what a whole ``aetui trace`` costs.

python -m tests.lab.enter python -m tests.bench.path [--rounds N] [--delay MS] [--quick] [--busy N] [--only PART]

Builds 31 namespaces in a row with 20 ms of round trip on the first link (so that every hop has it) and three silent hops. Ours is
measured as a running console has it: from the request, with the engine ready, and once more with the helper still to be started; the
peers as whole processes. The bound is 1.2 × the slowest hop's round trip plus the grace for silent hops. ``whole`` is the command as a
process beside its parts, each alone; ``keys`` types into a real console on a pseudo-terminal while its packet helper starts. With ``--busy``
so many other processes compute all the while. Prints milliseconds and ratios; asserts nothing and sends nothing outside.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from aetui.packet.client import PacketHelper
from aetui.path.engines import Choice, Engines
from aetui.path.records import Trace
from aetui.path.run import Options, trace
from aetui.path.schedule import GRACE_LEAST_S, GRACE_TIMES
from tests.bench.first_paint import Terminal
from tests.lab.chain import Chain, chain, rules
from tests.lab.standpoint import Standpoint

ROUTERS, PORT, SILENT = 29, 443, (5, 12, 13)
PEERS: dict[str, Callable[[str], Sequence[str]]] = {
    "traceroute -T -n": lambda host: ("traceroute", "-T", "-n", "-p", str(PORT), host),
    "nmap --traceroute": lambda host: ("nmap", "--traceroute", "-n", "-Pn", "-p", str(PORT), host),
    "mtr --tcp -c1": lambda host: ("mtr", "--tcp", "-P", str(PORT), "-n", "-c", "1", "-r", host),
    "tcptraceroute -n": lambda host: ("tcptraceroute", "-n", host, str(PORT)),
}
SLOW = {"mtr --tcp -c1", "tcptraceroute -n"}
"""Measured once: they take half a minute together."""


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--delay", type=float, default=20.0, help="round trip, ms")
    parser.add_argument("--quick", action="store_true", help="without the slow peers")
    parser.add_argument("--busy", type=int, default=0, help="processes that compute meanwhile")
    parser.add_argument("--only", choices=("paths", "keys", "peers", "whole"), help="one part of it")
    chosen = parser.parse_args()
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(chosen.busy)]
    try:
        measure(chosen)
    finally:
        for one in load:
            one.kill()
            one.wait()


def measure(chosen: argparse.Namespace) -> None:
    """Everything, or the part that was asked for."""
    parts = {chosen.only} if chosen.only else {"paths", "keys", "peers", "whole"}
    with chain(ROUTERS, "b") as made:
        made.listen(made.server, PORT)
        made.stretch(chosen.delay / 2)
        made.settle()
        for node in SILENT:
            made.nft(node, rules("output", "icmp type time-exceeded drop", family="ip"))
        if "paths" in parts:
            slowest = ours(made, chosen.rounds)
            grace = max(GRACE_LEAST_S * 1000, GRACE_TIMES * slowest)
            print(f"bound for the first complete path: 1.2 x {slowest:.1f} ms + grace {grace:.0f} ms = {1.2 * slowest + grace:.0f} ms")
        if "keys" in parts:
            felt(made)
            keys(made, chosen.rounds)
        if "peers" in parts:
            peers(made, chosen.rounds, chosen.quick)
        if "whole" in parts:
            whole(made, chosen.rounds)


def ours(made: Chain, rounds: int) -> float:
    """Both engines in a running console; the slowest hop's round trip."""
    here, slowest = Standpoint(made), 0.0
    for method in (Choice.SCAPY, Choice.SOCKET):
        complete, wall = [], []
        for number in range(rounds + 1):
            engines = here.engines if number else Engines()
            began = time.perf_counter()
            found = here.do(trace(made.target, PORT, Options(method=method), engines=engines))
            took = (time.perf_counter() - began) * 1000
            check(found)
            if number == 0:
                print(f"{method.value:<22} first request, engine not yet started: {took:7.0f} ms")
                here.do(engines.close())
                here.do(trace(made.target, PORT, Options(method=method), engines=here.engines))
                continue
            slowest = max(slowest, *(hop.rtt.max for hop in found.hops if hop.rtt))
            complete.append(found.complete_ms or 0.0)
            wall.append(took)
        show(f"{method.value}: first complete path", complete, slowest)
        show(f"{method.value}: the whole request", wall, slowest)
    here.close()
    return slowest


def felt(made: Chain) -> None:
    """How long a key would have waited while the helper starts, beside the same loop at rest."""
    here = Standpoint(made)

    async def longest(work: Awaitable[object]) -> float:
        worst, task, last = 0.0, asyncio.ensure_future(work), time.perf_counter()
        while not task.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            worst, last = max(worst, now - last - 0.001), now
        return worst * 1000

    async def both() -> tuple[float, float]:
        rest = await longest(asyncio.sleep(1.0))
        helper = PacketHelper()
        start = await longest(helper.start())
        await helper.close()
        return rest, start

    rest, start = here.do(both())
    print(f"longest a key waits while the helper starts {start:6.1f} ms (at rest {rest:.1f} ms; bound 50 ms)", flush=True)
    here.close()


HISTORY = {"AETUI_HOME": "/run/aetui-bench"}
"""In the lab's own /run, so that saving the trace counts and nobody's history grows."""
TYPED = "203.0.113.99:2022"


def keys(made: Chain, rounds: int) -> None:
    """A real console: from the key that opens the Path tab on, a key every 30 ms into the sheet for the target, and how long each waits for
    its echo. The tab starts the helper before it shows the sheet. The second row is the same sheet with the helper long started.
    """
    starting, settled, ran = [], [], 0
    for _ in range(rounds):
        terminal = Terminal(
            [
                "/usr/bin/env",
                *(f"{name}={value}" for name, value in HISTORY.items()),
                "ip",
                "netns",
                "exec",
                made.name(0),
                sys.executable,
                "-m",
                "aetui",
                "--no-mouse",
            ]
        )
        try:
            terminal.until(b"Enter")
            terminal.type(b"\x1b")
            terminal.quiet(1.0)
            terminal.sent = b""
            terminal.type(b"2")
            terminal.until(b"Protocol")
            starting += [echo(terminal, key) for key in TYPED]
            ran += len(Path(f"/proc/{terminal.child}/task/{terminal.child}/children").read_text().split())
            terminal.quiet(1.5)
            settled += [echo(terminal, "\x7f") for _ in TYPED]
        finally:
            terminal.close()
    for name, waits in (("while the helper starts", starting), ("at rest", settled)):
        print(
            f"a key in the real console {name:<24} median {statistics.median(waits):5.1f} ms   longest {max(waits):5.1f} ms (bound 50 ms)"
        )
    print(f"   helpers that ran: {ran} in {rounds} consoles", flush=True)


def echo(terminal: Terminal, key: str) -> float:
    """Milliseconds until something is sent after a key; then a pause."""
    terminal.quiet(0.001)
    began = time.perf_counter()
    terminal.type(key.encode())
    terminal.read(2.0)
    took = (time.perf_counter() - began) * 1000
    terminal.quiet(0.005)
    time.sleep(max(0.0, 0.03 - (time.perf_counter() - began)))
    return took


def check(found: Trace) -> None:
    """A fast wrong answer is worth nothing."""
    silent = tuple(hop.ttl for hop in found.hops if hop.address is None)
    assert found.reached, found.verdict
    assert (len(found.hops), silent) == (ROUTERS + 1, SILENT), silent


def peers(made: Chain, rounds: int, quick: bool) -> None:
    """The others, whole processes."""
    for name, argv in PEERS.items():
        if shutil.which(argv("")[0]) is None or (quick and name in SLOW):
            continue
        show(name, [wall(made, argv(made.target)) for _ in range(1 if name in SLOW else rounds)])


def whole(made: Chain, rounds: int) -> None:
    """The command as a process, beside what its imports cost alone."""
    python = sys.executable
    target = f"{made.target}:{PORT}"
    contenders = {
        "aetui trace (scapy)": (python, "-m", "aetui", "trace", target, "--method", "scapy"),
        "aetui trace (socket)": (python, "-m", "aetui", "trace", target, "--method", "socket"),
        "bare interpreter": (python, "-c", "pass"),
        "what the command itself loads": (python, "-c", OWN_IMPORTS),
        "the helper from its start to ready": (python, "-c", HELPER_ALONE),
        "import scapy.layers.inet, as it is": (python, "-c", "import scapy.layers.inet"),
        "import scapy.all": (python, "-c", "import scapy.all"),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, argv in contenders.items():
            times[name].append(wall(made, argv))
    for name, taken in times.items():
        show(name, taken)


OWN_IMPORTS = (
    "import aetui.cli.trace, aetui.packet.client, aetui.path.engines, aetui.path.run, aetui.path.scapy_engine, aetui.path.show, aetui.store"
)
HELPER_ALONE = "from aetui.packet import spawning; s = spawning.spawn(); s.pipe.recv(1); s.end()"
"""Its first byte is the beginning of Ready: interpreter, sockets, rights and scapy."""


def wall(made: Chain, argv: Sequence[str]) -> float:
    """Milliseconds of a whole process in the client's namespace."""
    began = time.perf_counter()
    inside = ["ip", "netns", "exec", made.name(0), *argv]
    subprocess.run(
        inside,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=120,
        env={**os.environ, **HISTORY, "TERM": "dumb"},
    )
    return (time.perf_counter() - began) * 1000


def show(name: str, times: Sequence[float], slowest: float = 0.0) -> None:
    """One line."""
    ratio = f"  {statistics.median(times) / slowest:5.1f} round trips" if slowest else ""
    print(
        f"{name:<40} median {statistics.median(times):8.0f} ms   best {min(times):8.0f} ms   worst {max(times):8.0f} ms{ratio}", flush=True
    )


if __name__ == "__main__":
    main()
