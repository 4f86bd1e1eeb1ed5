"""``aetui explain``: what a cause means and who mends it, or what a check measures and who needs it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from aetui.catalogue import Endpoint, load
from aetui.causes import Cause, load_causes
from aetui.cli.common import refuse
from aetui.explain import OWNERS, load_kinds
from aetui.strict import DataError

PLACEHOLDER = re.compile(r"\{\w+\}")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "what",
        nargs="?",
        metavar="CAUSE-OR-CHECK",
        help="a cause (filtered), a check (tcp:www.alsoenergy.com:443) or a kind of check (ntp)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    words, kinds = load_causes(), load_kinds()
    what = arguments.what
    if what is None:
        lines = ["causes:", *(f"  {c.code:<20} {c.title}" for c in words.causes.values()), "", "kinds of check:"]
        print("\n".join([*lines, *(f"  {kind:<20} {text.does}" for kind, text in kinds.items())]))
        return 0
    if what in words.causes:
        print("\n".join(_cause(words.causes[what])))
        return 0
    if what.split(":")[0] in kinds:
        try:
            print("\n".join(_check(what)))
        except DataError as error:
            return refuse(str(error))
        return 0
    near = words.nearest(what)
    return refuse(f"'{what[:60]}' is neither a cause nor a check" + (f"; did you mean {near}?" if near else ""))


def _cause(cause: Cause) -> Iterator[str]:
    yield f"{cause.title}  [{cause.code}]"
    yield ""
    yield cause.meaning
    yield f"How it is known: {cause.how}"
    yield f"Who mends it: {OWNERS[cause.owner]}"
    yield "What to do:"
    for number, step in enumerate(cause.remedy, 1):
        yield f"  {number}. {PLACEHOLDER.sub('…', step)}"
    yield f"While it stays: {cause.breaks}"


def _check(identity: str) -> Iterator[str]:
    from aetui.prepare import own_catalogue

    kind, _, rest = identity.partition(":")
    host, _, port = rest.rpartition(":") if rest.count(":") else (rest, "", "")
    text = load_kinds()[kind].filled(host or "a host", port or "its port")
    yield f"{text.title}  [{identity}]"
    yield ""
    yield text.does
    yield f"Holds when: {text.passes}"
    catalogue = load(own_catalogue())
    for endpoint in catalogue.endpoints:
        if host and (endpoint.host == host or host in endpoint.addresses):
            yield from _needed(endpoint)


def _needed(endpoint: Endpoint) -> Iterator[str]:
    yield ""
    yield f"{endpoint.host} is needed by {', '.join(endpoint.equipment)}: {endpoint.why}"
    yield f"Written in: {endpoint.section}"
    yield f"While it is blocked: {endpoint.breaks}"
    for note in endpoint.notes:
        yield f"Note: {note}"
