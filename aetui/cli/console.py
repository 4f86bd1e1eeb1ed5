"""``aetui`` without a command: the console (full screen). Refuses a terminal that cannot show it, in one line that names ``aetui
check``.

Exit status: 0, or 2 for a wrong call or such a terminal. Nothing of Textual is loaded before the terminal has been looked at.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from pathlib import Path

from aetui.cli import typed
from aetui.cli.common import refuse, shed
from aetui.cli.main import scenarios

DUMB = frozenset({"", "dumb", "unknown"})
"""Values of TERM that stand for a terminal without a cursor that can be placed."""

PAINTS_PER_S = "120"
"""How often Textual looks whether there is something to paint. It paints what changed alone, and we draw on events; at its own 60 a key that
comes just after a repaint waits 17 ms for the next look."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--from", dest="vantage", type=typed.vantage, default="local", metavar="VANTAGE", help="where from: local (default) or jump:NAME"
    )
    parser.add_argument("--equipment", default="", metavar="KEY,…", help="start with this equipment instead of asking: pm2000,kiosk")
    parser.add_argument("--deadline", type=float, default=None, metavar="S", help="seconds that one run may take (default 10)")
    parser.add_argument("--catalogue", type=Path, metavar="FILE", help="your own requirements, over the shipped ones")
    parser.add_argument("--ca-bundle", type=Path, metavar="FILE", help="roots that a logger would trust, PEM, in place of the public ones")
    parser.add_argument(
        "--mouse",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="take mouse clicks (default: not over SSH, where the terminal's own selection is worth more)",
    )
    group = parser.add_argument_group("history")
    group.add_argument(
        "--save", action=argparse.BooleanOptionalAction, help="save sessions to the history (real runs are saved, runs with --demo are not)"
    )
    group.add_argument("--site", default="", metavar="NAME", help="the site's name, for the history and the report")
    group.add_argument("--note", default="", metavar="TEXT", help="a note on the first session")


def run(arguments: argparse.Namespace) -> int:
    """Open the console."""
    wrong = _terminal() or _scenario(arguments.demo) or _request(arguments)
    if wrong:
        return refuse(wrong)
    helper = shed(wanted=arguments.demo is None)
    os.environ.setdefault("TEXTUAL_FPS", PAINTS_PER_S)
    from aetui.screens.app import start
    from aetui.screens.launch import Launch

    mouse = arguments.mouse if arguments.mouse is not None else "SSH_CONNECTION" not in os.environ
    return start(
        Launch(
            equipment=_keys(arguments.equipment), vantage=arguments.vantage, demo=arguments.demo, own_catalogue=arguments.catalogue,
            roots=arguments.ca_bundle, deadline_s=arguments.deadline, mouse=mouse,
            save=arguments.save, site=arguments.site, note=arguments.note,
        ),
        helper,
    )  # fmt: skip


def _keys(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key in text.replace(",", " ").split() if key))


def _terminal() -> str:
    """Why this terminal cannot show the console; empty where it can."""
    no_cursor = os.name != "nt" and os.environ.get("TERM", "") in DUMB
    if no_cursor or not all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__)):
        return "the console needs a full-screen terminal; `aetui check EQUIPMENT` does the same in plain lines"
    return ""


def _scenario(name: str | None) -> str:
    if name is None or name in scenarios():
        return ""
    near = difflib.get_close_matches(name, scenarios(), n=1, cutoff=0.4)
    return f"no scenario is called '{name[:40]}'" + (f"; did you mean {near[0]}?" if near else f"; there are {', '.join(scenarios())}")


def _request(arguments: argparse.Namespace) -> str:
    """What is wrong with the rest of the call. The engine is loaded only where there is something to look at."""
    keys = _keys(arguments.equipment)
    if not keys and not any((arguments.catalogue, arguments.ca_bundle, arguments.deadline is not None)):
        return ""
    from aetui.prepare import Refused, Request, check_request, own_catalogue
    from aetui.session import DEADLINE_S
    from aetui.strict import DataError

    try:
        check_request(
            Request(
                keys or ("pm2000",), deadline_s=DEADLINE_S if arguments.deadline is None else arguments.deadline,
                own_catalogue=arguments.catalogue or own_catalogue(), roots=arguments.ca_bundle,
            )
        )  # fmt: skip
    except (Refused, DataError) as error:
        return str(error)
    return ""
