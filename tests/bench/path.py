"""First complete path of 30 hops, beside traceroute, mtr, nmap and tcptraceroute, and what a whole ``aetui trace`` costs.

python -m tests.lab.enter python -m tests.bench.path [--rounds N] [--delay MS] [--quick]

Builds 31 namespaces in a row with 20 ms of round trip on the first link (so that every hop has it) and three silent hops. Ours is
measured as a running console has it: from the request, with the engine ready, and once more with the helper still to be started; the
peers as whole processes. The bound is 1.2 × the slowest hop's round trip plus the grace for silent hops. Prints milliseconds and
ratios; asserts nothing and sends nothing outside.
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

from aetui.packet.client import PacketHelper
from aetui.path.engines import Choice, Engines
from aetui.path.records import Trace
from aetui.path.run import Options, trace
from aetui.path.schedule import GRACE_LEAST_S, GRACE_TIMES
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
    chosen = parser.parse_args()
    with chain(ROUTERS, "b") as made:
        made.listen(made.server, PORT)
        made.stretch(chosen.delay / 2)
        made.settle()
        for node in SILENT:
            made.nft(node, rules("output", "icmp type time-exceeded drop", family="ip"))
        slowest = ours(made, chosen.rounds)
        felt(made)
        peers(made, chosen.rounds, chosen.quick)
        whole(made, chosen.rounds)
    grace = max(GRACE_LEAST_S * 1000, GRACE_TIMES * slowest)
    print(f"\nbound for the first complete path: 1.2 x {slowest:.1f} ms + grace {grace:.0f} ms = {1.2 * slowest + grace:.0f} ms")


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
        "import scapy.layers.inet": (python, "-c", "import scapy.layers.inet"),
        "import scapy.all": (python, "-c", "import scapy.all"),
        "bare interpreter": (python, "-c", "pass"),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, argv in contenders.items():
            times[name].append(wall(made, argv))
    for name, taken in times.items():
        show(name, taken)


def wall(made: Chain, argv: Sequence[str]) -> float:
    """Milliseconds of a whole process in the client's namespace."""
    began = time.perf_counter()
    inside = ["ip", "netns", "exec", made.name(0), *argv]
    subprocess.run(
        inside, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=120, env={**os.environ, "TERM": "dumb"}
    )
    return (time.perf_counter() - began) * 1000


def show(name: str, times: Sequence[float], slowest: float = 0.0) -> None:
    """One line."""
    ratio = f"  {statistics.median(times) / slowest:5.1f} round trips" if slowest else ""
    print(f"{name:<40} median {statistics.median(times):8.0f} ms   best {min(times):8.0f} ms{ratio}", flush=True)


if __name__ == "__main__":
    main()
