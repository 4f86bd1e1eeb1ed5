"""``aetui check --failed-of SESSION``: which checks of an earlier session are to be made again, and what has become of them."""

from __future__ import annotations

import argparse

from aetui.entries import About, Kept
from aetui.prepare import Refused
from aetui.records import Status
from aetui.state import State


def add_again(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parser.add_argument(
        "--failed-of", metavar="SESSION", help="make again only what did not hold in that session ('latest' for the last one), and compare"
    )


def earlier(named: str) -> Kept:
    """The session. Raises Refused with one sentence."""
    from aetui.store import StoreError, opened

    try:
        with opened() as history:
            return history.open(named)
    except StoreError as error:
        raise Refused(str(error)) from None


def failed(state: State) -> tuple[str, ...]:
    """Ids of the checks that equipment needs and that did not hold. Raises Refused where there are none."""
    found = tuple(check.id for check in state.required() if state.reading(check.id).status is not Status.PASS)
    if not found:
        raise Refused(f"everything that was tested in {state.session} holds")
    return found


def compared(before: Kept, after: State, about: About) -> str:
    """What has become of them, in plain lines."""
    from aetui.report.diff import compare
    from aetui.report.difflines import lines

    return "\n".join(lines(compare(before, Kept(after, about), partial=True)))
