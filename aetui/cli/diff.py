"""``aetui diff``: what is fixed, broken and changed between two sessions, or between a session and the catalogue of today.

Exit status: 0 nothing that held is broken, 1 something is (or, with --catalogue, something needed today was not tested), 2 wrong usage
(no such session), 3 the history cannot be used.
"""

from __future__ import annotations

import argparse
import json

from aetui.cli.common import refuse
from aetui.cli.keptone import with_history
from aetui.cli.main import Exit


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("first", nargs="?", metavar="A", help="the earlier session: id, beginning of one, site's name")
    parser.add_argument("second", nargs="?", metavar="B", help="the later one (default: latest)")
    parser.add_argument("--catalogue", action="store_true", help="hold A against the catalogue of today, in place of another session")
    parser.add_argument("--json", action="store_true", help="the comparison as JSON (schema aetui.diff/1)")


def run(arguments: argparse.Namespace) -> int:
    """Compare."""
    if arguments.first is None and arguments.demo is None:
        return refuse("name a session, or two (see aetui history)")
    if arguments.catalogue and arguments.second is not None:
        return refuse("--catalogue takes the place of the second session")
    return with_history(lambda: _diff(arguments))


async def _diff(arguments: argparse.Namespace) -> int:
    from aetui.catalogue import load
    from aetui.cli.keptone import LATEST, demo_run, kept_one
    from aetui.prepare import Refused, own_catalogue
    from aetui.report.diff import against, compare
    from aetui.report.difflines import as_json, lines, outdated_lines

    catalogue = load(own_catalogue())
    if arguments.demo is not None:
        second = await kept_one(arguments.first or LATEST, arguments.demo, catalogue)
        first = await demo_run("healthy", catalogue)
    else:
        first = await kept_one(arguments.first, None, catalogue)
        second = first if arguments.catalogue else await kept_one(arguments.second or LATEST, None, catalogue)
    if arguments.catalogue:
        outdated = against(first, catalogue)
        print(json.dumps(as_json(outdated), indent=1) if arguments.json else "\n".join(outdated_lines(outdated)))
        return Exit.FAILED if outdated.needed else Exit.READY
    if first.state.session == second.state.session:
        raise Refused(f"both are the session {first.state.session}: name another one (see aetui history)")
    told = compare(first, second)
    print(json.dumps(as_json(told), indent=1) if arguments.json else "\n".join(lines(told)))
    return Exit.FAILED if told.broken else Exit.READY
