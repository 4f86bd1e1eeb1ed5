"""Sessions for the tests of what is kept and reported: real runs over the embedded site, each made once a test process."""

from __future__ import annotations

import asyncio
from functools import cache

from aetui.events import Event, SessionStarted
from aetui.prepare import Request, prepare
from aetui.probes.base import Credentials
from aetui.state import State


@cache
def events_of(scenario: str, equipment: tuple[str, ...] = ("pm2000",), login: Credentials | None = None) -> tuple[Event, ...]:
    """Every event of one run, in order."""
    seen: list[Event] = []

    async def run() -> None:
        async with prepare(Request(equipment, demo=scenario, ftp_login=login), (seen.append,)) as prepared:
            await prepared.session.run()

    asyncio.run(run())
    return tuple(seen)


def state_of(events: tuple[Event, ...]) -> State:
    """The state that these events make."""
    state = State()
    for event in events:
        state.fold(event)
    return state


def renamed(events: tuple[Event, ...], identity: str) -> tuple[Event, ...]:
    """The same run as a session of another id."""
    from dataclasses import replace

    return tuple(replace(e, session=identity) if isinstance(e, SessionStarted) else e for e in events)
