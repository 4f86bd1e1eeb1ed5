"""``aetui confirm``: the outside half. Knocks at a site's public address, identifies what answers, exchanges the token, asks the
equipment inside.

Names no port: both of the equipment's own, 3389 and 23. With ``--from jump:NAME`` and no PUBLIC it takes the address by which the jump
host sees this machine. The result alone on standard output. Exit status: 0 every target is confirmed, 1 something stands in the way, 2
wrong usage, 3 could not be determined (among others where the test stood inside the site), 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aetui.cli import typed
from aetui.cli.common import guarded, refuse
from aetui.cli.keeping import Keep, add_keeping, recorded
from aetui.cli.main import Exit

if TYPE_CHECKING:
    from aetui.inbound.confirm import Wanted
    from aetui.inbound.knocking import Key
    from aetui.reach import InboundSeen
    from aetui.records import Finding
    from aetui.vantage.base import Vantage

OPENING_S = 60.0
"""Longest time until a vantage is there; a passphrase may be asked for."""
WHOLE_S = 30.0
"""Longest time of everything after that."""
LOOKUP_S = 5.0


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "public", nargs="*", type=typed.place, metavar="PUBLIC[:PORT]", help="the site's public address or name (default ports 3389 and 23)"
    )
    parser.add_argument(
        "--map", dest="forwards", action="append", default=[], type=_forward, metavar="OUTSIDE:INSIDE",
        help="the forward leads from this public port to another port inside (53389:3389)",
    )  # fmt: skip
    parser.add_argument(
        "--inside",
        action="append",
        default=[],
        type=typed.literal,
        metavar="ADDRESS[:PORT]",
        help="ask the equipment itself too, over the LAN",
    )
    parser.add_argument(
        "--meant-for", dest="meant", action="append", default=[], type=typed.network, metavar="CIDR",
        help="source addresses that alone should be let in (may be named again); where another gets in, that is warned of",
    )  # fmt: skip
    parser.add_argument("--code", type=_code, metavar="CODE", help="the code that the listener on site shows")
    parser.add_argument(
        "--from", dest="vantages", action="append", default=[], type=typed.vantage, metavar="VANTAGE",
        help="where to knock from: local (default) or jump:NAME; named again, more places from which to try whether just anybody gets in",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="the result as JSON (schema aetui.confirm/1)")
    add_keeping(parser)


def _forward(text: str) -> tuple[int, int]:
    outside, colon, inside = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not OUTSIDE:INSIDE, two ports")
    return typed.port(outside), typed.port(inside)


def _code(text: str) -> str:
    from aetui.wire.token import CODE_LENGTH, normalise

    code = normalise(text)
    if code is None:
        raise argparse.ArgumentTypeError(f"'{text[:30]}' is no code: it has {CODE_LENGTH} letters and digits, as the listener shows it")
    return code


def run(arguments: argparse.Namespace) -> int:
    """Knock, print, answer."""
    demo = arguments.demo is not None
    if demo and arguments.vantages:
        return refuse("--demo has a vantage of its own; leave --from out")
    jump = any(name.startswith(("jump:", "ssh:")) for name in arguments.vantages)
    if not arguments.public and not jump and not demo:
        return refuse("name the site's public address (or knock from a jump host, which sees it: --from jump:NAME)")
    named = {port for _, port in arguments.public}
    for outside, inside in arguments.forwards:
        if named and not named & {outside, None}:
            return refuse(f"--map {outside}:{inside}: nothing is knocked at port {outside}; name PUBLIC:{outside}, or PUBLIC alone")
    return guarded(lambda: _confirm(arguments))


@dataclass(frozen=True, slots=True)
class _Stage:
    """The vantages of one call, open."""

    outside: tuple[Vantage, ...]
    here: Vantage
    """This machine, for --inside and the router."""
    public: tuple[tuple[str, int | None], ...]
    inside: tuple[tuple[str, int | None], ...]


async def _confirm(arguments: argparse.Namespace) -> int:
    with recorded(arguments, "confirm") as keep:
        return await _knock(arguments, keep)


async def _knock(arguments: argparse.Namespace, keep: Keep) -> int:
    from aetui.causes import describe, load_causes
    from aetui.diagnosis.inbound import diagnose
    from aetui.entries import InboundDone
    from aetui.inbound.confirm import determined
    from aetui.inbound.knocking import derive
    from aetui.report.inbound import confirm_json, confirm_lines

    key = derive(arguments.code) if arguments.code is not None else None  # while the vantage is being opened
    async with AsyncExitStack() as stack:
        stage = await (_demo_stage(arguments, stack) if arguments.demo is not None else _stage(arguments, stack))
        seen = await _look(arguments, stage, key)
        findings, words = diagnose(seen), load_causes()
        keep(lambda at: InboundDone(at, seen, tuple(describe(words, finding) for finding in findings)))
        if arguments.json:
            print(json.dumps(confirm_json(seen, stage.outside[0].info, findings, words), indent=2))
        else:
            print("\n".join(confirm_lines(seen, findings, words)))
        return _status(findings, determined(seen))


def _status(findings: Sequence[Finding], determined: bool) -> int:
    from aetui.records import Severity

    if any(finding.severity is Severity.FAIL for finding in findings):
        return Exit.FAILED
    return Exit.READY if determined else Exit.UNDETERMINED


async def _look(arguments: argparse.Namespace, stage: _Stage, key: Key | None) -> InboundSeen:
    """Knock and, where this machine stands at the site, ask its router meanwhile."""
    from dataclasses import replace

    from aetui.inbound.confirm import Surroundings
    from aetui.inbound.whole import look

    deadline = asyncio.get_running_loop().time() + WHOLE_S
    first, *others = stage.outside
    wanted = replace(await _wanted(arguments, stage, deadline), key=key)
    return await look(first, wanted, deadline, Surroundings(inside=stage.here, others=tuple(others)))


async def _seen_as(outside: Sequence[Vantage]) -> str | None:
    """The site's public address as the first of them that tells it sees us."""
    from aetui.inbound.confirm import public_address

    for vantage in outside:
        if (public := await public_address(vantage)) is not None:
            return public
    return None


async def _wanted(arguments: argparse.Namespace, stage: _Stage, deadline: float) -> Wanted:
    from aetui.inbound.confirm import Wanted, inside_targets, targets
    from aetui.prepare import Refused

    places = stage.public
    if not places:
        public = await _seen_as(stage.outside)
        if public is None:
            raise Refused("the jump host does not tell a public address by which it sees this site; name it: aetui confirm PUBLIC")
        print(f"aetui: the jump host sees this site as {public}", file=sys.stderr)
        places = ((public, None),)
    outside = [(await _literal(stage, host, deadline), port) for host, port in places]
    wanted = targets(outside, dict(arguments.forwards))
    return Wanted(wanted, inside_targets(stage.inside, wanted), meant=tuple(map(str, arguments.meant)))


async def _literal(stage: _Stage, host: str, deadline: float) -> str:
    """The address of a host name, by the vantage that knocks or else by this machine."""
    from ipaddress import ip_address

    from aetui.vantage.base import VantageLost

    try:
        return str(ip_address(host))
    except ValueError:
        pass
    limit = min(deadline, asyncio.get_running_loop().time() + LOOKUP_S)
    for vantage in (stage.outside[0], stage.here):
        found = await vantage.lookup(host, limit)
        if found:
            return found[0]
    raise VantageLost(f"the name '{host[:80]}' leads to no address, neither from {stage.outside[0].info.name} nor from here")


async def _opened(vantage: Vantage, stack: AsyncExitStack) -> Vantage:
    stack.push_async_callback(vantage.close)
    await vantage.open(asyncio.get_running_loop().time() + OPENING_S)
    return vantage


async def _stage(arguments: argparse.Namespace, stack: AsyncExitStack) -> _Stage:
    from aetui.vantage.asker import TerminalAsker
    from aetui.vantage.choose import make, parse
    from aetui.vantage.local import LocalVantage

    outside = [await _opened(make(parse(name), TerminalAsker()), stack) for name in arguments.vantages or ["local"]]
    local = next((vantage for vantage in outside if vantage.info.kind == "local"), None)
    here = local or await _opened(LocalVantage(), stack)
    return _Stage(tuple(outside), here, tuple(arguments.public), tuple(arguments.inside))


async def _demo_stage(arguments: argparse.Namespace, stack: AsyncExitStack) -> _Stage:
    """The made-up site: knock from its outside, ask its logger; both by default."""
    from aetui.demo.callers import LOGGER, SITE
    from aetui.demo.scenario import UnknownScenarioError
    from aetui.prepare import Refused
    from aetui.vantage.demo import DemoVantage

    try:
        inside = DemoVantage(arguments.demo)
    except UnknownScenarioError as error:
        raise Refused(str(error)) from None
    await _opened(inside, stack)
    outside = await _opened(inside.outside(), stack)
    places = {place.host: place.addresses[0] for place in inside.site.places if place.addresses}
    public = tuple(arguments.public) or ((places[SITE], None),)
    return _Stage((outside,), inside, public, tuple(arguments.inside) or ((places[LOGGER], None),))
