"""Thousands of TCP connects from one event loop, over a long line, beside bare asyncio and beside nmap's connect scan.

    python -m tests.lab.enter python -m tests.bench.connects [--delay MS] [--counts N…] [--rounds N]

Builds three namespaces: this one, a wire that holds every frame back, and a far host with 90 open ports of each 100 and the rest refused.
Every figure is the wall time of a whole process, its start included, the best of the rounds; each contender runs in each round, so all
meet the same machine. Prints seconds, ratios, how time grows with the number, and the peak memory. Sends nothing outside.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import multiprocessing.synchronize
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

FAR = "10.66.0.2"
FIRST_PORT = 10_000
REAL_PORT = 9
TIMEOUT_S = 4.0
"""Of one attempt, the tcp probe's own; nmap is given the same and no retries."""
AT_ONCE = 1000
"""Connects under way; more would only make the loop's turns longer than the line."""
HURRY = ("-T5", "--min-parallelism", "1000")
"""The fastest that nmap can be told to go."""


def is_open(port: int) -> bool:
    return port % 10 != 0


def run(*commands: str) -> None:
    for command in commands:
        subprocess.run(command, shell=True, check=True)


def build() -> None:
    """The namespaces, their addresses and the far host's rules."""
    from tests.lab.kernel import offloads_off

    run(
        "ip netns add wire && ip netns add far",
        "ip link add n0 type veth peer name w0 netns wire && ip -n wire link add w1 type veth peer name f0 netns far",
        "ip addr add 10.66.0.1/24 dev n0 && ip link set n0 up && ip -n far addr add 10.66.0.2/24 dev f0 && ip -n far link set f0 up",
        "ip -n wire link set w0 up && ip -n wire link set w1 up && ip -n far link set lo up",
        "ip netns exec far sysctl -qw net.core.somaxconn=65535 net.ipv4.tcp_max_syn_backlog=65535 net.ipv4.tcp_syncookies=0",
        "sysctl -qw net.ipv4.ip_local_port_range='1024 65535'",
    )
    offloads_off("n0")
    run(f"ip netns exec far {sys.executable} -c \"from tests.lab.kernel import offloads_off; offloads_off('f0')\"")
    closed = ", ".join(str(port) for port in range(FIRST_PORT, FIRST_PORT + 20_000) if not is_open(port))
    rules = f"""table ip t {{
        set closed {{ type inet_service; elements = {{ {closed} }} }}
        chain c {{ type nat hook prerouting priority dstnat;
            tcp dport @closed return; tcp dport >= {FIRST_PORT} redirect to :{REAL_PORT}; }}
    }}"""
    subprocess.run(["ip", "netns", "exec", "far", "nft", "-f", "-"], input=rules, text=True, check=True)


def in_namespace(name: str, work: Callable[[], None]) -> multiprocessing.Process:
    """A child in another namespace; ends with this program."""

    def body() -> None:
        descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY)
        from tests.lab.kernel import CLONE_NEWNET, setns

        setns(descriptor, CLONE_NEWNET)
        with suppress(KeyboardInterrupt):
            work()

    process = multiprocessing.get_context("fork").Process(target=body, daemon=True)
    process.start()
    return process


def far_host(turn: multiprocessing.synchronize.Event) -> None:
    """Let the kernel complete the handshakes; at each turn drop all connections of the last run."""
    while True:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("", REAL_PORT))
            listener.listen(65535)
            turn.clear()
            turn.wait()


# ---------------------------------------------------------------------------------------------------- the contenders


async def in_turn(one: Callable[[int], Awaitable[None]], count: int) -> None:
    """Every port, at most AT_ONCE under way."""
    ports = iter(range(FIRST_PORT, FIRST_PORT + count))

    async def worker() -> None:
        for port in ports:
            await one(port)

    await asyncio.gather(*(worker() for _ in range(min(count, AT_ONCE))))


async def ours(count: int) -> dict[str, int]:
    """The local vantage."""
    from aetui.observations import Outcome
    from aetui.vantage.local import LocalVantage

    vantage = LocalVantage()
    loop = asyncio.get_running_loop()
    await vantage.open(loop.time() + 5)
    found: dict[str, int] = {}

    async def one(port: int) -> None:
        connection = await vantage.connect(FAR, port, loop.time() + TIMEOUT_S)
        outcome = connection.seen.outcome
        if connection.stream is not None:
            connection.stream.close()
        found[outcome] = found.get(outcome, 0) + 1
        assert outcome is (Outcome.OPEN if is_open(port) else Outcome.REFUSED), (port, connection.seen)

    await in_turn(one, count)
    return found


async def bare(count: int) -> dict[str, int]:
    """asyncio alone: the floor that no Python program on one loop gets far below."""
    loop = asyncio.get_running_loop()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    found: dict[str, int] = {}

    async def one(port: int) -> None:
        with socket.socket() as sock:
            sock.setblocking(False)
            outcome = "open"
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    await loop.sock_connect(sock, (FAR, port))
            except ConnectionRefusedError:
                outcome = "refused"
        found[outcome] = found.get(outcome, 0) + 1

    await in_turn(one, count)
    return found


CONTENDERS = {"ours": ours, "bare asyncio": bare}


def contend(name: str, count: int) -> None:
    """Run in a process of its own."""
    began = time.perf_counter()
    found = asyncio.run(CONTENDERS[name](count))
    took = time.perf_counter() - began
    print(json.dumps({"found": found, "took": took, "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


def command_of(name: str, count: int) -> list[str]:
    if not name.startswith("nmap"):
        return [sys.executable, "-m", "tests.bench.connects", "--contend", name, "--counts", str(count)]
    wait = f"{TIMEOUT_S:g}s"
    hurry = HURRY if name.endswith("hurried") else ()
    ports = f"{FIRST_PORT}-{FIRST_PORT + count - 1}"
    timing = ("--max-retries", "0", "--initial-rtt-timeout", wait, "--max-rtt-timeout", wait)
    return ["nmap", "-sT", "-Pn", "-n", *hurry, *timing, "-p", ports, FAR]


def measure(name: str, count: int) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(command_of(name, count), capture_output=True, text=True, check=False, timeout=300)
    took = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{name} failed: {done.stderr[-500:]}")
    return took, done.stdout


# ------------------------------------------------------------------------------------------------------------ report


def report(counts: list[int], rounds: int) -> None:
    names = ["ours", "bare asyncio", *(["nmap", "nmap, hurried"] if shutil.which("nmap") else [])]
    turn = multiprocessing.Event()
    far = in_namespace("far", lambda: far_host(turn))
    best: dict[tuple[str, int], float] = {}
    peak: dict[int, int] = {}
    missed: dict[tuple[str, int], int] = {}
    for count in counts:
        for _ in range(rounds):
            for name in names:
                turn.set()
                time.sleep(0.5)
                took, told = measure(name, count)
                best[name, count] = min(took, best.get((name, count), took))
                if name == "ours":
                    peak[count] = json.loads(told)["peak_kib"]
                elif name.startswith("nmap"):
                    shown = sum("/tcp" in line and " open" in line for line in told.splitlines())
                    expected = sum(is_open(FIRST_PORT + n) for n in range(count))
                    missed[name, count] = max(missed.get((name, count), 0), expected - shown)
        row = "   ".join(f"{name} {best[name, count]:.2f} s" for name in names)
        worst = ", ".join(f"{name} missed up to {missed[name, count]}" for name in names if missed.get((name, count)))
        ratios = ", ".join(f"{best['ours', count] / best[name, count]:.2f} x {name}" for name in names[1:])
        print(f"{count:>6} connects: {row}\n        ours takes {ratios}; peak memory {peak[count] / 1024:.0f} MiB", flush=True)
        if worst:
            print(f"        of the open ports {worst}; ours and bare asyncio none")
    first, last = counts[0], counts[-1]
    if first != last:
        each = [best["ours", count] / count * 1000 for count in (first, last)]
        print(f"growth: {each[0]:.3f} ms a connect at {first}, {each[1]:.3f} ms at {last} ({each[1] / each[0]:.2f} x; 1.0 is linear)")
    far.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delay", type=float, default=50.0, metavar="MS", help="of the line, each way")
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 3000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contend", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contend:
        contend(given.contend, given.counts[0])
        return
    from tests.lab.enter import inside  # not for the contenders, whose start is measured
    from tests.lab.wire import Line, _Relay

    if not inside():
        sys.exit("run it as: python -m tests.lab.enter python -m tests.bench.connects")
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    build()
    ready = multiprocessing.Event()
    wire = in_namespace("wire", lambda: _Relay(Line(given.delay, given.delay), "w0", "w1").run(ready.set))
    ready.wait(10)
    print(f"a line of {given.delay:g} ms each way; best of {given.rounds} rounds, whole processes")
    report(given.counts, given.rounds)
    wire.terminate()


if __name__ == "__main__":
    main()
