"""``aetui guide``: the wizard of one piece of equipment, in plain lines. The steps on standard error, the verdict alone on standard output.

``--answers FILE`` runs it with nobody there; ``--resume`` goes on where the last walk of this guide was left, however it ended. Exit
status: 0 the verdict is that it works, 1 that it does not, 2 wrong usage, 3 undetermined, left before the end, or an answer was missing,
130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aetui.cli import typed
from aetui.cli.common import guarded, packets, refuse, shed, trouble
from aetui.cli.keeping import about, add_keeping, kept
from aetui.cli.main import Exit

if TYPE_CHECKING:
    from aetui.catalogue import Catalogue
    from aetui.cli.guide_answers import Answers
    from aetui.cli.guide_lines import Lines
    from aetui.guide.interpreter import Taken, Wrong
    from aetui.guide.library import Library
    from aetui.guide.records import Guide, Question
    from aetui.guiding.walker import Walker
    from aetui.guiding.world import World
    from aetui.packet.client import PacketHelper
    from aetui.packet.spawning import Spawned
    from aetui.prepare import Request
    from aetui.store import Journal

MOST_STEPS = 500
"""Steps of an unattended walk: more is a circle of answers."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "equipment", nargs="*", metavar="EQUIPMENT", help="the model, or what its label says; asked for where it is left out"
    )
    parser.add_argument("--answers", type=Path, metavar="FILE", help="answers by step or name (TOML or JSON): nobody is asked anything")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on where the last walk of this guide was left, or of any guide without EQUIPMENT (with --site: at that site)",
    )
    parser.add_argument(
        "--from",
        dest="vantage",
        type=typed.vantage,
        default="local",
        metavar="VANTAGE",
        help="where the site's side is tested from: local (default) or jump:NAME",
    )
    parser.add_argument(
        "--jump", metavar="NAME", help="a jump host outside the site, to knock from: a Host of your ssh configuration, or user@host"
    )
    parser.add_argument("--public", metavar="ADDRESS", help="the site's public address, where it is known")
    parser.add_argument("--guides", type=Path, metavar="FOLDER", help="your own guides, over the shipped ones")
    parser.add_argument("--catalogue", type=Path, metavar="FILE", help="your own requirements, over the shipped ones")
    parser.add_argument("--ca-bundle", type=Path, metavar="FILE", help="roots that a logger would trust, PEM, in place of the public ones")
    parser.add_argument(
        "--ftp-user", metavar="USER",
        help="try real FTP transfers with this login; the password is asked for, or taken from AETUI_FTP_PASSWORD",
    )  # fmt: skip
    add_keeping(parser)


def run(arguments: argparse.Namespace) -> int:
    """Walk, print, answer."""
    from aetui.catalogue import is_address

    if arguments.public is not None and not is_address(arguments.public):
        return refuse(f"--public '{arguments.public[:60]}' is not an address")
    if arguments.demo is not None and arguments.jump:
        return refuse("--demo has a place outside of its own; leave --jump out")
    spawned = shed(wanted=arguments.demo is None and arguments.vantage == "local")
    return guarded(lambda: _guide(arguments, spawned))


@dataclass(slots=True)
class _Talk:
    """How answers come: from a person, or from a file."""

    lines: Lines
    answers: Answers | None = None
    left: str = ""
    """Why the walk ended before its verdict."""


async def _guide(arguments: argparse.Namespace, spawned: Spawned | None) -> int:
    from aetui.catalogue import load
    from aetui.cli.guide_lines import Lines, tell, wrapped
    from aetui.guide.library import load as load_guides
    from aetui.guide.library import own_folder
    from aetui.prepare import own_catalogue

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    catalogue = load(arguments.catalogue or own_catalogue())
    library = load_guides(catalogue, arguments.guides or own_folder())
    talk = _Talk(Lines())
    said = " ".join(arguments.equipment) or _last_guide(arguments, library)
    guide = await _chosen(said, library, talk, arguments)
    if isinstance(guide, int):
        return guide
    if arguments.answers is not None:
        from aetui.cli.guide_answers import read

        talk.answers = read(arguments.answers, guide)
    tell(("", *wrapped(f"{guide.title}: {guide.about}")))
    async with packets(spawned) as helper:
        return await _visit(arguments, guide, catalogue, talk, helper)


async def _chosen(said: str, library: Library, talk: _Talk, arguments: argparse.Namespace) -> Guide | int:
    """The guide of a model or label; a person is asked until one fits. The exit status where there is none."""
    from aetui.cli.guide_lines import line, tell

    names = ", ".join(library.guides)
    while True:
        if said:
            found = library.meant(said)
            if len(found) == 1:
                return found[0]
            if arguments.equipment:
                near = f"; did you mean {' or '.join(each.key for each in found[:3])}?" if found else f"; known are {names}"
                return refuse(f"unknown equipment '{said[:40]}'{near}")
            told = (
                [line("which"), *(f"   {each.key}: {each.about}" for each in found)]
                if found
                else [line("no-label", text=said, names=names)]
            )
            tell(told)
        elif arguments.answers is not None:
            return refuse(f"name the equipment: {names}")
        tell(("", line("label")))
        text = await _typed(talk, "> ")
        if text is None or text == "q":
            return Exit.UNDETERMINED
        said = text


async def _visit(arguments: argparse.Namespace, guide: Guide, catalogue: Catalogue, talk: _Talk, helper: PacketHelper) -> int:
    from aetui.cli.guide_lines import line, tell, wrapped
    from aetui.guiding.journal import StoreKeeper
    from aetui.guiding.walker import Walker
    from aetui.guiding.world import opened
    from aetui.vantage.asker import TerminalAsker

    earlier = _earlier(arguments, guide) if arguments.resume else ()
    with ExitStack() as stack:
        journal: Journal | None = stack.enter_context(kept(arguments, about(arguments, "guide", catalogue)))
        listeners = (journal,) if journal is not None else ()
        async with opened(_request(arguments, guide, catalogue), listeners, TerminalAsker(), helper) as world:
            if journal is not None:
                world.keep = journal.keep
            world.tell = lambda text: tell([f"   {text}"])
            walker = Walker(guide, _given(arguments, world), StoreKeeper(journal, world.session.at) if journal is not None else None)
            if arguments.resume:
                count = walker.take_up(earlier)
                tell([line("resumed", count=str(count)) if count else line("nothing-to-resume")])
                if walker.conclusion is not None:
                    tell(wrapped(line("resumed-end", guide=guide.key)))
            return await _walked(walker, world, talk, saved=journal is not None and journal.saving)


def _request(arguments: argparse.Namespace, guide: Guide, catalogue: Catalogue) -> Request:
    import getpass
    import os

    from aetui.prepare import Refused, Request, own_catalogue
    from aetui.probes.base import Credentials

    login = None
    if arguments.ftp_user:
        password = os.environ.get("AETUI_FTP_PASSWORD")
        if password is None and sys.stdin.isatty():
            password = getpass.getpass(f"FTP password of {arguments.ftp_user}: ", sys.stderr)
        if password is None:
            raise Refused("no password for --ftp-user: set AETUI_FTP_PASSWORD, or run it in a terminal")
        login = Credentials(arguments.ftp_user, password)
    return Request(
        equipment=guide.equipment or tuple(catalogue.equipment), vantage=arguments.vantage, demo=arguments.demo,
        own_catalogue=arguments.catalogue or own_catalogue(), roots=arguments.ca_bundle, ftp_login=login,
    )  # fmt: skip


def _given(arguments: argparse.Namespace, world: World) -> dict[str, str]:
    """What the call itself makes known."""
    from aetui.display import displayable
    from aetui.guiding.words import say
    from aetui.store.jumphosts import remembered

    attended = arguments.answers is None and arguments.demo is None
    hosts = remembered() if attended else ()
    return {
        "jump_host": displayable(hosts[0]) if hosts else "",
        "outside": say("public", "demo") if arguments.demo is not None else displayable(arguments.jump or ""), "public": arguments.public or "",
        "ftp_login": "yes" if arguments.ftp_user else "", "vantage": displayable(world.here.info.name),
    }  # fmt: skip


def _last_guide(arguments: argparse.Namespace, library: Library) -> str:
    """With --resume alone: the guide that was walked last, where it is still there."""
    from aetui.guiding.journal import last_guide
    from aetui.prepare import Refused
    from aetui.store import StoreError, opened

    if not arguments.resume:
        return ""
    try:
        with opened() as history:
            key = last_guide(history, arguments.site, demo=arguments.demo is not None)
    except StoreError as error:
        raise Refused(str(error)) from None
    return key if key in library.guides else ""


def _earlier(arguments: argparse.Namespace, guide: Guide) -> tuple[Taken, ...]:
    from aetui.guiding.journal import last_walk
    from aetui.guiding.walker import instructions_of
    from aetui.prepare import Refused
    from aetui.store import StoreError, opened

    try:
        with opened() as history:
            found = last_walk(history, guide.key, instructions_of(guide), arguments.site, demo=arguments.demo is not None)
    except StoreError as error:
        raise Refused(str(error)) from None
    return found[1] if found is not None else ()


# ----------------------------------------------------------------------------------------------------------------------- the walk
async def _walked(walker: Walker, world: World, talk: _Talk, *, saved: bool) -> int:
    """Step by step to the verdict, or to where a person leaves."""
    from aetui.cli.check import STATUSES
    from aetui.cli.guide_lines import conclusion_lines, line, seen_lines, step_lines, tell
    from aetui.guide.interpreter import Found
    from aetui.guide.records import Check

    for _ in range(MOST_STEPS):
        end = walker.conclusion
        if end is not None:
            checks = [taken.seen for taken in walker.walk.taken if isinstance(taken, Found)]
            tell([""])
            print("\n".join(conclusion_lines(end, len(checks), sum(seen.elapsed_ms for seen in checks) / 1000)))
            return STATUSES[end.end.outcome]
        showing = walker.showing
        tell(step_lines(showing))
        if isinstance(showing.step, Check):
            tell([line("working")])
            tell(seen_lines(await walker.run(world)))
        elif not await _answered(walker, world, talk):
            break
    if talk.left:
        return trouble(talk.left)
    tell(["", line("left", guide=walker.guide.key) if saved else line("left-unsaved")])
    return Exit.UNDETERMINED


async def _answered(walker: Walker, world: World, talk: _Talk) -> bool:
    """One question or instruction; False where the walk is left."""
    from aetui.guide.records import Question

    step = walker.showing.step
    if talk.answers is None:
        return await _by_hand(walker, world, talk)
    if not isinstance(step, Question):
        return walker.go_on() is None
    return _from_file(walker, step, talk.answers, talk)


def _from_file(walker: Walker, step: Question, answers: Answers, talk: _Talk) -> bool:
    from aetui.cli.guide_lines import line, tell
    from aetui.guiding.words import say
    from aetui.strict import DataError

    given = answers.next(step)
    name, text = given or (step.saves, "")
    if walker.means_login(text):
        talk.left = line("login-unattended", step=step.id)
        return False
    wrong = walker.answer(text)
    if wrong is None:
        tell([f"> {text or step.default}"])
        return True
    if given is not None:
        raise DataError(answers.file, name, say("wrong", wrong.code, **wrong.values))
    talk.left = line("unanswered", name=step.saves, step=step.id)
    return False


async def _by_hand(walker: Walker, world: World, talk: _Talk) -> bool:
    """Until something fits; b, w, q and ? are for the wizard itself."""
    from aetui.cli.guide_lines import ask_lines, asked_for, line, tell, way_lines
    from aetui.guide.records import Question
    from aetui.guiding.words import say

    step = walker.showing.step
    tell(ask_lines(step) if isinstance(step, Question) else [line("go-on")])
    while True:
        text = await _typed(talk, asked_for(step) if isinstance(step, Question) else "> ")
        if text is None or text == "q":
            return False
        if text == "b":
            if walker.back():
                return True
            tell([line("beginning")])
        elif text == "w":
            tell(way_lines(walker.trodden))
        elif text == "?":
            tell([line("help")])
        else:
            wrong = await _given_login(walker, world, text) or (walker.answer(text) if isinstance(step, Question) else walker.go_on())
            if wrong is None:
                return True
            tell([say("wrong", wrong.code, **wrong.values)])


async def _given_login(walker: Walker, world: World, text: str) -> Wrong | None:
    """Where the answer stands for a login: have it typed at the terminal, hidden. What is wrong, or None."""
    from aetui.guide.interpreter import Wrong
    from aetui.guiding import login
    from aetui.vantage.asker import terminal

    if not walker.means_login(text) or await login.obtain(world, terminal()):
        return None
    return Wrong("no-login")


async def _typed(talk: _Talk, prompt: str) -> str | None:
    print(prompt, end="", file=sys.stderr, flush=True)
    return await talk.lines.read()
