"""What a session did not check, and why: a check that was not run is never a pass. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from aetui.catalogue import Catalogue
from aetui.describe import NOT_RUN, row_line
from aetui.display import displayable
from aetui.entries import Kept
from aetui.observations import FtpSeen
from aetui.records import Requirement
from aetui.report.phrases import say
from aetui.state import State

NAMED = 4
"""Checks named in one sentence; more are counted."""


def untested(kept: Kept, catalogue: Catalogue) -> Iterator[str]:
    """One sentence each."""
    state = kept.state
    if not any(True for _ in state.required()):
        yield say("untested", "outbound")
        return
    yield from _not_run(state)
    for check in state.required():
        result = state.results.get(check.id)
        if result is not None and isinstance(result.observation, FtpSeen) and not result.observation.transfers:
            yield say("untested", "ftp_data", host=displayable(check.host or ""))
    if not kept.inbound:
        for entry in catalogue.inbound_of(state.equipment):
            yield say("untested", "inbound", port=entry.port, service=entry.service)
    yield from _stated(state, catalogue)
    if not state.vantage.ipv6:
        yield say("untested", "ipv6")
    yield say(
        "untested", "logger", name=displayable(state.vantage.name, 60), address=displayable(state.vantage.address or "an unknown address")
    )


def _not_run(state: State) -> Iterator[str]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for check in state.required():
        result = state.results.get(check.id)
        if result is None:
            grouped["not run: the session ended before"].append(check.id)
        elif result.observation is None:
            waits = state.reading(check.id).because if result.not_run == "needs" else None
            grouped[f"not run: waits for {displayable(waits)}" if waits else _plain(state, check.id)].append(check.id)
    for why, ids in grouped.items():
        named = ", ".join(displayable(identity) for identity in ids[:NAMED])
        yield f"{named}{f' and {len(ids) - NAMED} more' if len(ids) > NAMED else ''}: {why}"


def _plain(state: State, identity: str) -> str:
    result = state.results[identity]
    return NOT_RUN.get(result.not_run or "", "not run") if result.reason is None else row_line(state, identity)


def _stated(state: State, catalogue: Catalogue) -> Iterator[str]:
    ports = {
        (endpoint.host, service.port)
        for endpoint in catalogue.endpoints_of(state.equipment)
        for service in endpoint.services
        if service.requirement is Requirement.STATED
    }
    left = ports - {(check.host, check.port) for check in state.checks.values() if check.host and check.port}
    if left:
        yield say("untested", "stated", count=len(left))
