"""The session that a command is about: one of the history, or a run over the embedded site made for it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Coroutine
from typing import Any

from aetui import __version__
from aetui.catalogue import Catalogue
from aetui.cli.common import guarded, refuse, trouble
from aetui.entries import About, Kept

LATEST = "latest"

DEMO_EQUIPMENT = ("pm2000", "acquisuite", "sma-ftp")
"""What the embedded site has, where a command is tried without a session: a logger of each kind."""


def with_history(work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run a command's coroutine; a session that is not there is a wrong call, a history that cannot be used 'could not be determined'."""
    from aetui.store import StoreError, UnknownSession

    try:
        return guarded(work)
    except UnknownSession as unknown:
        return refuse(str(unknown))
    except StoreError as error:
        return trouble(str(error))


def add_session(parser: argparse.ArgumentParser) -> None:
    """Declare the argument."""
    parser.add_argument(
        "session", nargs="?", default=LATEST, metavar="SESSION", help="id, beginning of one, site's name, or 'latest' (the default)"
    )


async def kept_one(named: str, demo: str | None, catalogue: Catalogue) -> Kept:
    """The session of that name, or a run over a scenario of the embedded site. Raises StoreError, Refused or VantageLost."""
    from aetui.prepare import Refused

    if demo is not None and named != LATEST:
        raise Refused(f"'{named[:40]}' is no scenario of the embedded site, and --demo takes no session")
    if demo is not None:
        return await demo_run(demo, catalogue)
    from aetui.store import opened

    with opened() as history:
        return history.open(named)


async def demo_run(scenario: str, catalogue: Catalogue) -> Kept:
    """A run over the embedded site. Raises Refused."""
    from aetui.prepare import Request, prepare

    async with prepare(Request(DEMO_EQUIPMENT, demo=scenario)) as prepared:
        state = await prepared.session.run()
    return Kept(state, About("check", "", "", __version__, catalogue.version, catalogue.sha256, catalogue.changes))
