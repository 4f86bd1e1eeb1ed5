"""Where the ports that fail die: after a run, the path of one row of each finding that has a place, and the diagnosis told of it.

Few traces, side by side, within their own time; a run from a vantage that cannot trace is left as it is. The analysis is ``path``'s.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from aetui.events import Diagnosing
from aetui.observations import TcpSeen
from aetui.path.analysis import Surroundings
from aetui.path.engines import Engines
from aetui.path.feed import LOCATED, locate
from aetui.path.records import Trace
from aetui.path.run import Options, trace
from aetui.records import Check, Finding, Status
from aetui.session import Session
from aetui.state import State
from aetui.vantage.base import Capability

if TYPE_CHECKING:
    from aetui.packet.client import PacketHelper

MOST_TRACES = 2
LONGEST_S = 2.5
"""Seconds for all of them: the verdict is there already, this is where the fault lies."""

SHORTEST_S = 0.5
"""With less than this left of the run's own time it is not begun."""


async def make_ready(session: Session, helper: PacketHelper | None) -> None:
    """Start the packet helper where a connect of a run that goes on has had no answer, and where this user may."""
    state = session.state
    waiting = any(state.checks[identity].kind == "tcp" for identity in state.running)
    if waiting and helper is not None and state.vantage.kind == "local" and helper.lacking() is None:
        await helper.start()


async def locate_failures(session: Session, helper: PacketHelper | None = None) -> tuple[Trace, ...]:
    """Trace what failed, and emit the diagnosis with where it dies; ``helper`` is the program's packet helper, where it has one. Returns the
    traces; none where nothing has a place.
    """
    state = session.state
    if Capability.SEGMENT not in session.vantage.capabilities or state.vantage.kind == "jump":
        return ()
    time_left = min(LONGEST_S, session.deadline_s - state.elapsed_ms / 1000)
    if time_left < SHORTEST_S:
        return ()
    rows = [row for finding in state.diagnosis.findings if (row := _row(state, finding)) is not None][:MOST_TRACES]
    made: list[Trace] = []

    async def one(row: Check) -> None:
        options = Options(compare=_works(state, row), find_compare=False)
        made.append(await trace(row.host or "", row.port, options, vantage=session.vantage, engines=engines))

    engines = Engines(session.vantage, helper)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(time_left), asyncio.TaskGroup() as group:
                for row in rows:
                    group.create_task(one(row))
    finally:
        await engines.close()
    if made:
        around = Surroundings(gateway=state.vantage.gateway)
        session.emit(Diagnosing(session.at(), locate(state.diagnosis, made, around)))
    return tuple(made)


def _row(state: State, finding: Finding) -> Check | None:
    """The row of a finding to trace: the first connect that failed by itself."""
    if finding.cause not in LOCATED:
        return None
    for identity in finding.explains:
        check, result = state.checks.get(identity), state.results.get(identity)
        if check is not None and check.kind == "tcp" and check.host and result is not None and isinstance(result.observation, TcpSeen):
            return check
    return None


def _works(state: State, row: Check) -> int | None:
    """A port of the same host that works."""
    for check in state.checks.values():
        if check.kind == "tcp" and check.host == row.host and check.equipment and state.reading(check.id).status is Status.PASS:
            return check.port
    return None
