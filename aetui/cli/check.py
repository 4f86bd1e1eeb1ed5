"""``aetui check``: the outbound preflight and its diagnosis. The result alone on standard output, progress on standard error.

Exit status: 0 all required checks hold (ready, degraded), 1 a required check fails, 2 wrong usage, 3 could not be determined, 130
interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aetui.cli import typed
from aetui.cli.again import add_again, compared, earlier, failed
from aetui.cli.common import guarded, packets, refuse, shed, unicode_out
from aetui.cli.keeping import about, add_keeping, journalled
from aetui.cli.main import Exit
from aetui.events import Event
from aetui.records import Verdict

if TYPE_CHECKING:
    from aetui.packet.spawning import Spawned
    from aetui.prepare import Prepared, Request
    from aetui.session import Session
    from aetui.state import State
    from aetui.vantage.asker import Asker
    from aetui.vantage.base import Vantage

STATUSES = {Verdict.READY: Exit.READY, Verdict.DEGRADED: Exit.READY, Verdict.BLOCKED: Exit.FAILED, Verdict.UNDETERMINED: Exit.UNDETERMINED}


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "equipment", nargs="*", metavar="EQUIPMENT", help="pm2000, ps3000, pl1000, moxa, acquisuite, kiosk, sma-ftp, minisite, logmein"
    )
    parser.add_argument(
        "--from",
        dest="vantage",
        type=typed.vantage,
        default="local",
        metavar="VANTAGE",
        help="where to test from: local (default) or jump:NAME",
    )
    parser.add_argument(
        "--beside", type=typed.beside, metavar="VANTAGE", help="make the same checks from a second vantage too (jump:NAME), and compare"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the report as JSON (schema aetui.report/1)")
    form.add_argument("--jsonl", action="store_true", help="events as JSON, a line each, as they happen")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="ID", help="only these checks, by id or by the beginning of one (tcp:www.alsoenergy.com)"
    )
    parser.add_argument("--stated", action="store_true", help="also what the document states and a logger does not depend on")
    parser.add_argument("--deadline", type=float, default=None, metavar="S", help="seconds that the whole run may take (default 10)")
    parser.add_argument("--catalogue", type=Path, metavar="FILE", help="your own requirements, over the shipped ones")
    parser.add_argument("--ca-bundle", type=Path, metavar="FILE", help="roots that a logger would trust, PEM, in place of the public ones")
    parser.add_argument(
        "--opinion", action="append", default=[], metavar="ADDRESS", help="a DNS server to ask for a second opinion on names"
    )
    parser.add_argument(
        "--ftp-user",
        metavar="USER",
        help="try real FTP transfers with this login; the password is asked for, or taken from AETUI_FTP_PASSWORD",
    )
    add_again(parser)
    add_keeping(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check, print, answer."""
    from aetui.catalogue import is_address

    for address in arguments.opinion:
        if not is_address(address):
            return refuse(f"--opinion '{address[:60]}' is not an IP address")
    password = _password(arguments) if arguments.ftp_user else None
    if arguments.ftp_user and password is None:
        return refuse("no password for --ftp-user: set AETUI_FTP_PASSWORD, or run it in a terminal")
    spawned = shed(wanted=arguments.demo is None and arguments.vantage == "local")
    return guarded(lambda: _check(arguments, password, spawned))


def _password(arguments: argparse.Namespace) -> str | None:
    named = os.environ.get("AETUI_FTP_PASSWORD")
    if named is not None or not sys.stdin.isatty():
        return named
    return getpass.getpass(f"FTP password of {arguments.ftp_user}: ", sys.stderr)


async def _check(arguments: argparse.Namespace, password: str | None, spawned: Spawned | None) -> int:
    from aetui.causes import load_causes
    from aetui.locating import locate_failures
    from aetui.prepare import Request, own_catalogue, prepare
    from aetui.probes.base import Credentials
    from aetui.report.json import event_json, report
    from aetui.report.text import text
    from aetui.session import DEADLINE_S

    before = earlier(arguments.failed_of) if arguments.failed_of else None
    only = tuple(arguments.only) or (failed(before.state) if before else ())
    equipment = tuple(dict.fromkeys(arguments.equipment)) or (before.state.equipment if before else ())
    login = Credentials(arguments.ftp_user, password or "") if arguments.ftp_user else None
    request = Request(
        equipment=equipment, vantage=arguments.vantage, demo=arguments.demo, only=only,
        stated=arguments.stated, deadline_s=DEADLINE_S if arguments.deadline is None else arguments.deadline,
        own_catalogue=arguments.catalogue or own_catalogue(), roots=arguments.ca_bundle, opinions=tuple(arguments.opinion), ftp_login=login,
    )  # fmt: skip
    words = load_causes()
    progress = Progress() if sys.stderr.isatty() and not arguments.jsonl else None

    def listener(event: Event) -> None:
        if progress is not None:
            progress.see(event)
        if arguments.jsonl:
            print(json.dumps(event_json(event, words)), flush=True)

    async with (
        packets(spawned) as helper,
        prepare(request, (listener,), _asker(), helper=helper) as prepared,
        _second(arguments, request, prepared) as second,
    ):
        said = about(arguments, "check", prepared.catalogue)
        try:
            with journalled(arguments, said, prepared.session, second):
                async with nullcontext() if arguments.jsonl else prepared.awaiting_silence():
                    state = await _both(prepared.session, second)
                if not arguments.jsonl:
                    await locate_failures(prepared.session, helper)
        finally:
            if progress is not None:
                progress.clear()
        if arguments.json:
            print(json.dumps(report(state, prepared.catalogue, words), indent=2))
        elif not arguments.jsonl:
            print(text(state, prepared.catalogue, words, fancy=unicode_out(), colour=_colour()))
            print(f"\n{compared(before, state, said)}" if before else "", end="\n" if before else "")
    return STATUSES[state.diagnosis.verdict]


@asynccontextmanager
async def _second(arguments: argparse.Namespace, request: Request, first: Prepared) -> AsyncIterator[Session | None]:
    """The same run from the vantage of ``--beside``; in the demo, from the embedded site's outside."""
    from aetui.prepare import prepare

    if arguments.beside is None:
        yield None
        return
    other = replace(request, vantage=arguments.beside)
    async with prepare(other, asker=_asker(), vantage=outside(first.vantage)) as second:
        yield second.session


async def _both(first: Session, second: Session | None) -> State:
    if second is None:
        return await first.run()
    _, other = await asyncio.gather(first.run(), second.run())
    return first.compare(other)


def outside(vantage: Vantage) -> Vantage | None:
    """The embedded site's own second vantage, where this is one."""
    from aetui.vantage.demo import DemoVantage

    return vantage.outside() if isinstance(vantage, DemoVantage) else None


def _asker() -> Asker:
    from aetui.vantage.asker import TerminalAsker

    return TerminalAsker()


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Progress:
    """One line on standard error that says how far the run is."""

    def __init__(self) -> None:
        self.planned: set[str] = set()
        self.done: set[str] = set()

    def see(self, event: Event) -> None:
        """Draw anew."""
        from aetui.events import CheckDone, ChecksAdded, SessionStarted

        match event:
            case SessionStarted() | ChecksAdded():
                self.planned |= {check.id for check in event.checks}
            case CheckDone():
                self.done.add(event.result.check.id)
            case _:
                return
        sys.stderr.write(f"\r\x1b[K{len(self.done)} of {len(self.planned)} checks done")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
