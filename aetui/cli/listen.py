"""``aetui listen``: the inbound listener without a screen. Knocks on standard output, one a line; what went wrong on standard error.

``--json`` prints one object a line: ``listening``, ``not-listening``, ``knock``, ``counted`` (knocks that are not shown one by one,
under a flood), ``half-open`` (a connection that arrived and never heard the answer) and ``stopped``. It closes after its time, on Ctrl-C,
on SIGTERM, when the terminal hangs up, and when nobody reads its output any more. Exit status: 0 it listened until its time was over or
it was told to stop, 1 a port is taken and none opened, 2 wrong usage, 3 none opened for want of a right, 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from aetui.cli import typed
from aetui.cli.common import guarded, packets, refuse, shed, under_sudo
from aetui.cli.keeping import Keep, add_keeping, recorded
from aetui.cli.main import Exit

if TYPE_CHECKING:
    from aetui.inbound.knocklog import Batch
    from aetui.inbound.listener import Listener, Stopped
    from aetui.inbound.ports import Holder, Outcome
    from aetui.inbound.reception import Network
    from aetui.packet.spawning import Spawned
    from aetui.reach import HalfOpen

LOOPBACK = "127.0.0.1"


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("ports", nargs="*", type=typed.port, metavar="PORT", help="ports to listen on (default 3389 and 23)")
    parser.add_argument("--for", dest="minutes", type=float, metavar="MINUTES", help="close after so many minutes (default 15)")
    parser.add_argument(
        "--allow",
        nargs="+",
        action="extend",
        default=[],
        type=typed.network,
        metavar="CIDR",
        help="let only these sources in (default: any)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    add_keeping(parser)


def run(arguments: argparse.Namespace) -> int:
    """Listen, print, answer."""
    from aetui.inbound.listener import DEFAULT_MINUTES, DEFAULT_PORTS, LONGEST_MINUTES
    from aetui.packet.messages import LAST_LOW_PORT

    minutes = DEFAULT_MINUTES if arguments.minutes is None else arguments.minutes
    if not 0 < minutes <= LONGEST_MINUTES:
        return refuse(f"--for {minutes:g}: more than 0 and at most {LONGEST_MINUTES:g} minutes")
    if arguments.demo is not None:
        from aetui.demo.scenario import UnknownScenarioError, load

        try:
            load(arguments.demo)
        except UnknownScenarioError as error:
            return refuse(str(error))
    wanted = tuple(dict.fromkeys(arguments.ports or DEFAULT_PORTS))
    holders = _holders(wanted) if under_sudo() and arguments.demo is None else {}
    spawned = shed(wanted=arguments.demo is None and min(wanted) <= LAST_LOW_PORT)
    return guarded(lambda: _listen(arguments, minutes, wanted, spawned, holders))


def _holders(wanted: Sequence[int]) -> dict[int, Holder]:
    """Who has those of the ports that are taken, while this process may still see everybody's."""
    from aetui.inbound.ports import taken_by

    found = {port: taken_by(port) for port in wanted}
    return {port: holder for port, holder in found.items() if holder is not None}


async def _listen(
    arguments: argparse.Namespace, minutes: float, wanted: Sequence[int], spawned: Spawned | None, holders: Mapping[int, Holder]
) -> int:
    from aetui.inbound.listener import Listener
    from aetui.inbound.ports import PortTaken

    with recorded(arguments, "listen") as keep:
        demo, show = arguments.demo is not None, Lines(arguments.json)
        async with packets(spawned) as helper:
            listener = Listener(
                [0] * len(wanted) if demo else wanted, _kept(keep, show.knocks), minutes=minutes, allow=arguments.allow,
                address=LOOPBACK if demo else None, helper=helper,
            )  # fmt: skip
            show.give_up = listener.stop
            opened = await listener.open()
        outcomes = [PortTaken(one.port, holders.get(one.port, one.holder)) if isinstance(one, PortTaken) else one for one in opened]
        return await _serve(arguments, minutes, listener, outcomes, show)


def _kept(keep: Keep, show: Callable[[Batch], None]) -> Callable[[Batch], None]:
    """Knocks go to the history and to whoever watches; of a flood only so many, and those that carry a token."""
    from aetui.entries import Knocked
    from aetui.inbound.knocklog import Share

    share = Share()

    def see(batch: Batch) -> None:
        keep(*(partial(Knocked, knock=knock) for knock in filter(share.takes, batch.knocks)))
        show(batch)

    return see


async def _serve(arguments: argparse.Namespace, minutes: float, listener: Listener, outcomes: Sequence[Outcome], show: Lines) -> int:
    """Until it closes."""
    from aetui.inbound.passing import HalfOpenWatch

    demo = arguments.demo is not None
    _on_signals(listener)
    show.opened(listener, outcomes, minutes, arguments.allow, demo=demo)
    if not listener.opened:
        listener.stop()
        return _none_opened(outcomes)
    callers = asyncio.ensure_future(_callers(arguments.demo, listener)) if demo else None
    arrivals = HalfOpenWatch([one.port for one in listener.opened], show.half_open)
    arrivals.start()
    try:
        stopped = await listener.stopped()
    finally:
        await arrivals.stop()
        if callers is not None:
            callers.cancel()
            await asyncio.gather(callers, return_exceptions=True)
    show.stopped(stopped)
    return Exit.INTERRUPTED if stopped.reason == "interrupted" else Exit.READY


async def _callers(scenario: str, listener: Listener) -> None:
    from aetui.demo.callers import call

    await call(scenario, [opened.port for opened in listener.opened], listener.code)


def _on_signals(listener: Listener) -> None:
    loop = asyncio.get_running_loop()
    for name, reason in (("SIGINT", "interrupted"), ("SIGTERM", "asked"), ("SIGHUP", "hangup")):
        if hasattr(signal, name):
            loop.add_signal_handler(getattr(signal, name), listener.stop, reason)


def _none_opened(outcomes: Sequence[Outcome]) -> int:
    from aetui.inbound.ports import RightMissing

    return Exit.UNDETERMINED if any(isinstance(outcome, RightMissing) for outcome in outcomes) else Exit.FAILED


class Lines:
    """Prints what happens; where nobody reads any more, the listener is closed."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.give_up: Callable[[str], None] = lambda reason: None
        self._broken = False

    def opened(self, listener: Listener, outcomes: Sequence[Outcome], minutes: float, allow: Sequence[Network], *, demo: bool) -> None:
        """The beginning: which ports, the code, and that they are exposed."""
        from aetui.inbound.ports import Opened
        from aetui.report.inbound import say

        for outcome in outcomes:
            if isinstance(outcome, Opened):
                self._listening(outcome.port, outcome.addresses, listener.code)
            else:
                self._not_listening(outcome)
        if self.as_json or not listener.opened:
            return
        self._print(say("listen", "code", code=listener.code))
        self._print(say("listen", "how", code=listener.code))
        self._print(say("listen", "exposed", minutes=f"{minutes:g}"))
        if allow:
            self._print(say("listen", "allowed", allow=", ".join(map(str, allow))))
        if demo:
            self._print(say("listen", "demo"))

    def _listening(self, port: int, addresses: Sequence[str], code: str) -> None:
        from aetui.report.inbound import say

        if self.as_json:
            for address in addresses:
                self._object({"event": "listening", "port": port, "address": address, "code": code})
        else:
            self._print(say("listen", "listening", port=str(port), addresses=", ".join(addresses)))

    def _not_listening(self, outcome: Outcome) -> None:
        from aetui.causes import describe, load_causes
        from aetui.report.inbound import port_finding
        from aetui.report.json import finding_json

        words, finding = load_causes(), port_finding(outcome)
        if self.as_json:
            entry = finding_json(finding, words) if finding else None
            self._object({"event": "not-listening", "port": outcome.port, "cause": finding.cause if finding else None, "diagnosis": entry})
        elif finding is None:
            print(f"aetui: port {outcome.port}: {getattr(outcome, 'errno', 'cannot be opened')}", file=sys.stderr)
        else:
            told = describe(words, finding)
            for line in (told.summary, *told.evidence, *(f"  {step}" for step in told.remedy)):
                print(f"aetui: {line}", file=sys.stderr)

    def knocks(self, batch: Batch) -> None:
        """What came."""
        from aetui.report.inbound import knock_json, knock_line, say

        for knock in batch.knocks:
            if self.as_json:
                self._object(knock_json(knock), flush=False)
            else:
                self._print(knock_line(knock), flush=False)
        if batch.missed:
            if self.as_json:
                self._object({"event": "counted", "knocks": batch.missed}, flush=False)
            else:
                self._print(say("listen", "more", count=str(batch.missed)), flush=False)
        self._flush()

    def half_open(self, one: HalfOpen) -> None:
        """A connection that arrived, and whose answer was lost."""
        from aetui.report.inbound import say

        if self.as_json:
            self._object({"event": "half-open", "peer": one.peer, "port": one.port})
        else:
            self._print(say("listen", "half-open", peer=one.peer, port=str(one.port)))

    def stopped(self, stopped: Stopped) -> None:
        """The end."""
        from aetui.report.inbound import phrases, say

        if self.as_json:
            self._object({"event": "stopped", "reason": stopped.reason, "knocks": stopped.knocks})
        else:
            reason = phrases()["reason"][stopped.reason]
            self._print(say("listen", "stopped", reason=reason, knocks=str(stopped.knocks)))

    def _object(self, line: dict[str, Any], flush: bool = True) -> None:
        self._print(json.dumps(line), flush)

    def _print(self, line: str, flush: bool = True) -> None:
        if self._broken:
            return
        try:
            print(line, flush=flush)
        except OSError:
            self._break()

    def _flush(self) -> None:
        try:
            if not self._broken:
                sys.stdout.flush()
        except OSError:
            self._break()

    def _break(self) -> None:
        """Standard output is gone: the terminal was closed, or the reader of a pipe ended."""
        self._broken = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered has nowhere to go
        self.give_up("hangup")
