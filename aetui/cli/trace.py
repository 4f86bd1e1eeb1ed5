"""``aetui trace``: the path to a port, and the hop at which it dies. The result alone on standard output, remarks on standard error.

The packet helper is started before anything else is loaded, and ends while the result is put into words.

Exit status: 0 the port (or, by ping, the host) answers, 1 it does not, 2 wrong usage, 3 could not be determined, 130 interrupted.
"""

from __future__ import annotations

import argparse
import gc
import sys
from typing import TYPE_CHECKING, Any

from aetui.cli import typed
from aetui.cli.common import guarded, packets, refuse, shed
from aetui.cli.keeping import add_keeping, recorded
from aetui.cli.main import Exit
from aetui.hostport import split

if TYPE_CHECKING:
    import asyncio

    from aetui.packet.client import PacketHelper
    from aetui.packet.spawning import Spawned
    from aetui.path.records import Trace
    from aetui.path.run import Options
    from aetui.vantage.base import Vantage

DEFAULT_PORT = 443
MOST_ROUNDS = 3600
OPENING_S = 20.0
"""Longest wait for a vantage to be ready."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("target", metavar="HOST[:PORT]", help="a name or an address, IPv6 in brackets; TCP port 443 where none is given")
    parser.add_argument("--proto", choices=("tcp", "udp", "icmp"), default="tcp", help="what the probes are (default tcp)")
    parser.add_argument(
        "--from",
        dest="vantage",
        type=typed.vantage,
        default="local",
        metavar="VANTAGE",
        help="where to trace from: local (default) or jump:NAME",
    )
    parser.add_argument(
        "--compare",
        type=int,
        metavar="PORT",
        help="a TCP port of the same host that works; where none is named, one that the latest check saw work, else 443 or 80",
    )
    parser.add_argument("--multipath", action="store_true", help="vary the flow on purpose, and show what else load balancers use")
    parser.add_argument(
        "--rounds", type=int, default=1, metavar="N", help="probe every hop N times, once a second: loss and jitter need several"
    )
    parser.add_argument(
        "--method", choices=("auto", "scapy", "socket"), default="auto", help="raw packets, or plain sockets (default: what this user may)"
    )
    parser.add_argument("--mtu", action="store_true", help="find out what size of packet gets through, and where larger ones vanish")
    parser.add_argument("--names", action="store_true", help="look up the hops' host names")
    parser.add_argument("--json", action="store_true", help="the trace as JSON (schema aetui.trace/1)")
    add_keeping(parser)


def run(arguments: argparse.Namespace) -> int:
    """Trace, print, answer."""
    target = split(arguments.target)
    if target is None:
        return refuse(f"'{arguments.target[:60]}' is no HOST[:PORT]")
    for name, value, most in (("--compare", arguments.compare, 65535), ("--rounds", arguments.rounds, MOST_ROUNDS)):
        if value is not None and not 1 <= value <= most:
            return refuse(f"{name} {value} is not between 1 and {most}")
    host, port = target
    if arguments.proto == "icmp" and port is not None:
        return refuse("a ping has no port")
    gc.disable()  # until everything is loaded: none of that is thrown away
    try:
        spawned = _started(arguments)
        return guarded(lambda: _trace(host, DEFAULT_PORT if port is None and arguments.proto == "tcp" else port, arguments, spawned))
    finally:
        gc.enable()


def _started(arguments: argparse.Namespace) -> Spawned | None:
    """The packet helper, where this trace will want one and may have it; what is in the way of it is told by who asks for it."""
    wanted = arguments.demo is None and arguments.vantage == "local" and arguments.method != "socket"
    spawned = shed(wanted=wanted)
    if spawned is not None or not wanted:
        return spawned
    from aetui.packet.spawning import missing, spawn

    try:
        return spawn() if missing() is None else None
    except OSError:
        return None


async def _trace(host: str, port: int | None, arguments: argparse.Namespace, spawned: Spawned | None) -> int:
    import asyncio

    async with packets(spawned) as helper:
        finding = asyncio.ensure_future(_found(host, port, arguments, helper))
        if spawned is not None:
            await asyncio.sleep(0)  # what traces is loaded first
            await asyncio.to_thread(_load)  # and this while probes are on their way: raw packets are timed by the kernel
        return await _told(finding, arguments, helper)


def _load() -> None:
    """What a finished trace needs: its words, and the history."""
    import aetui.entries
    import aetui.path.publish
    import aetui.path.show
    import aetui.store  # noqa: F401


async def _told(finding: asyncio.Future[Trace], arguments: argparse.Namespace, helper: PacketHelper) -> int:
    """Keep the trace and print it; the status."""
    from aetui.entries import TraceDone
    from aetui.path.publish import to_json
    from aetui.path.show import lines, remark
    from aetui.path.words import no_sizes

    gc.freeze()
    gc.enable()
    with recorded(arguments, "trace") as keep:
        found = await finding
        helper.end()
        keep(lambda at: TraceDone(at, found))
    for note in filter(None, (remark(found), no_sizes(found) if arguments.mtu and not (found.mtu or found.problem) else "")):
        print(f"aetui: {note}", file=sys.stderr)
    print(_json(to_json(found)) if arguments.json else "\n".join(lines(found)))
    return _status(found)


def _json(document: dict[str, Any]) -> str:
    import json

    return json.dumps(document, indent=2)


async def _found(host: str, port: int | None, arguments: argparse.Namespace, helper: PacketHelper) -> Trace:
    from aetui.cli.seen import connects
    from aetui.path.engines import Engines
    from aetui.path.run import trace

    if arguments.demo is None and arguments.vantage == "local":
        engines = Engines(helper=helper)
        try:
            return await trace(host, port, _options(arguments), known=connects, engines=engines)
        finally:
            await engines.close()
    return await _from_elsewhere(host, port, arguments)


async def _from_elsewhere(host: str, port: int | None, arguments: argparse.Namespace) -> Trace:
    import asyncio

    from aetui.path.run import trace, trace_from_jump

    options = _options(arguments)
    vantage = _vantage(arguments)
    await vantage.open(asyncio.get_running_loop().time() + OPENING_S)
    try:
        if arguments.demo is None and vantage.info.kind == "jump":
            return await trace_from_jump(host, port, options, vantage)
        return await trace(host, port, options, vantage=vantage)
    finally:
        await vantage.close()


def _vantage(arguments: argparse.Namespace) -> Vantage:
    from aetui.prepare import Refused

    if arguments.demo is not None:
        from aetui.demo.scenario import UnknownScenarioError
        from aetui.vantage.demo import DemoVantage

        try:
            return DemoVantage(arguments.demo)
        except UnknownScenarioError as unknown:
            raise Refused(str(unknown)) from None
    from aetui.vantage.asker import TerminalAsker
    from aetui.vantage.choose import make, parse

    return make(parse(arguments.vantage), TerminalAsker())


def _options(arguments: argparse.Namespace) -> Options:
    from aetui.path.engines import Choice
    from aetui.path.records import Proto
    from aetui.path.run import Options

    return Options(
        proto=Proto(arguments.proto), compare=arguments.compare, multipath=arguments.multipath, rounds=arguments.rounds,
        method=Choice(arguments.method), names=arguments.names, mtu=arguments.mtu,
    )  # fmt: skip


def _status(found: Trace) -> int:
    from aetui.observations import Outcome
    from aetui.path.records import Proto

    if found.problem is not None:
        return Exit.UNDETERMINED
    arrived = found.proto is Proto.UDP and found.outcome is Outcome.REFUSED
    return Exit.READY if found.reached and (found.outcome is Outcome.OPEN or arrived) else Exit.FAILED
