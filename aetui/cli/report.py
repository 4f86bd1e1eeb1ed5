"""``aetui report``: a session as a page, a ticket's text, a table, JSON, or twenty lines for a chat.

Exit status: 0 done, 2 wrong usage (no such session), 3 the history cannot be used or the file cannot be written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from aetui.cli.common import unicode_out
from aetui.cli.keptone import add_session, kept_one, with_history
from aetui.cli.output import give

FORMATS = ("text", "html", "markdown", "json", "csv")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_session(parser)
    parser.add_argument("--format", choices=FORMATS, default="text", help="text is a summary of at most 20 lines (default)")
    parser.add_argument("--redact", action="store_true", help="replace the site's addresses and names, each always by the same placeholder")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the file to write, in place of standard output")


def run(arguments: argparse.Namespace) -> int:
    """Make it."""
    return with_history(lambda: _report(arguments))


async def _report(arguments: argparse.Namespace) -> int:
    from aetui.catalogue import load
    from aetui.causes import load_causes
    from aetui.prepare import own_catalogue
    from aetui.report.forms import made

    catalogue = load(own_catalogue())
    kept = await kept_one(arguments.session, arguments.demo, catalogue)
    text = made(arguments.format, kept, catalogue, load_causes(), arguments.redact)
    if arguments.format == "text" and arguments.output is None and not unicode_out():
        text = text.encode("ascii", "replace").decode("ascii")
    return give(text, arguments.output)
