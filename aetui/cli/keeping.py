"""How commands write sessions to the history: the options, and a journal that says its one sentence of trouble on standard error.

Real runs are saved unless ``--no-save`` is given; runs against the embedded site only with ``--save``, so that practice does not stand
between a user and the sessions of real sites.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from aetui import __version__
from aetui.display import displayable

if TYPE_CHECKING:
    from aetui.catalogue import Catalogue
    from aetui.entries import About, Found
    from aetui.records import VantageInfo
    from aetui.session import Session
    from aetui.store import Journal

LONGEST_NAME = 120
LONGEST_NOTE = 2000
"""Characters of a site's name and of a note."""


def add_keeping(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("history")
    group.add_argument(
        "--save",
        action=argparse.BooleanOptionalAction,
        help="save this session to the history (real runs are saved, runs with --demo are not)",
    )
    group.add_argument("--site", default="", metavar="NAME", help="the site's name, for the history and the report")
    group.add_argument("--note", default="", metavar="TEXT", help="a note, for the history and the report")


def about(arguments: argparse.Namespace, command: str, catalogue: Catalogue) -> About:
    """What is said of a session besides its events."""
    from aetui.entries import About

    name, note = displayable(arguments.site, LONGEST_NAME), displayable(arguments.note, LONGEST_NOTE)
    return About(command, name, note, __version__, catalogue.version, catalogue.sha256, catalogue.changes)


@contextmanager
def journalled(arguments: argparse.Namespace, said: About, *sessions: Session | None) -> Iterator[None]:
    """Every session given is written down for as long as the context lasts, each as one of its own, unless it is not to be saved."""
    with ExitStack() as stack:
        for session in filter(None, sessions):
            journal = stack.enter_context(kept(arguments, said))
            session.listeners += (journal,) if journal else ()
        yield


@contextmanager
def kept(arguments: argparse.Namespace, said: About) -> Iterator[Journal | None]:
    """A journal for as long as the context lasts; None where this run is not to be saved."""
    wanted = arguments.save if arguments.save is not None else arguments.demo is None
    if not wanted:
        yield None
        return
    from aetui.store import Journal

    journal = Journal(said, lambda why: print(f"aetui: {why}", file=sys.stderr))
    try:
        yield journal
    finally:
        journal.close()


class Keep(Protocol):
    """Takes makers of entries that came together; each is given the milliseconds since the beginning."""

    def __call__(self, *makers: Callable[[float], Found]) -> None:
        """Write down what they make."""


@contextmanager
def recorded(arguments: argparse.Namespace, command: str) -> Iterator[Keep]:
    """A session of a command that runs no checks (a trace, a listener, knocks from outside): what it finds is kept as it is found."""
    from datetime import UTC, datetime

    from aetui.catalogue import load
    from aetui.events import SessionEnded, SessionStarted, new_id
    from aetui.vantage.base import VantageLost

    with kept(arguments, about(arguments, command, load())) as journal:
        if journal is None:
            yield lambda *makers: None
            return
        started, zero = datetime.now(UTC), monotonic()
        journal(SessionStarted(0.0, new_id(started), started, _place(arguments), (), (), 0.0))
        reason = "cancelled"
        try:
            yield lambda *makers: journal.keep(*(make((monotonic() - zero) * 1000) for make in makers))
            reason = "done"
        except VantageLost:
            reason = "vantage-lost"
            raise
        finally:
            journal(SessionEnded((monotonic() - zero) * 1000, reason))


def _place(arguments: argparse.Namespace) -> VantageInfo:
    """Where such a command runs from, as far as its call says."""
    import platform

    from aetui.records import VantageInfo

    if arguments.demo is not None:
        return VantageInfo("demo", arguments.demo)
    named = getattr(arguments, "vantage", None) or ",".join(getattr(arguments, "vantages", ())) or "local"
    kind, _, name = named.partition(":")
    return VantageInfo(kind, displayable(name or platform.node() or "this machine", 80))
