"""The session that a command is about: one of the history, or a run over the embedded site made for it."""

from __future__ import annotations

import argparse
from dataclasses import replace

from aetui import __version__
from aetui.catalogue import Catalogue
from aetui.entries import About, Kept

DEMO_EQUIPMENT = ("pm2000", "acquisuite", "sma-ftp")
"""What the embedded site has, where a command is tried without a session: a logger of each kind."""


def add_session(parser: argparse.ArgumentParser) -> None:
    """Declare the argument."""
    parser.add_argument(
        "session", nargs="?", default="latest", metavar="SESSION", help="id, beginning of one, site's name, or 'latest' (the default)"
    )


async def kept_one(arguments: argparse.Namespace, catalogue: Catalogue) -> Kept:
    """The session. Raises StoreError, Refused or VantageLost."""
    if arguments.demo is None:
        from aetui.store import opened

        with opened() as history:
            return history.open(arguments.session)
    from aetui.prepare import Request, prepare

    async with prepare(Request(DEMO_EQUIPMENT, demo=arguments.demo)) as prepared:
        state = await prepared.session.run()
    return Kept(state, replace(About(), tool=__version__, catalogue=catalogue.version, sha256=catalogue.sha256, changes=catalogue.changes))
