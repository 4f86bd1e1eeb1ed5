"""Waiting until a row is open: it is tried again and again, the bell rings when it opens, and it stops by itself or by a key."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from stage import World, connect, console, finished, idle, listed, selected, summary, until

from aetui.observations import Outcome
from aetui.screens.app import AetuiApp
from aetui.screens.runner import WAIT_EVERY_S, WAIT_LIMIT_S, Wait

DROPPED = "tcp:maki.alsoenergy.com:443"


class Clock:
    """A clock that moves only while somebody waits between two tries."""

    def __init__(self, app: AetuiApp) -> None:
        self.now = datetime(2026, 11, 22, 11, 40, 0)  # noqa: DTZ001 - a wall clock
        self.pauses: list[float] = []
        self.gate: asyncio.Event | None = None
        self.rings = 0
        app.runner.now = lambda: self.now
        app.runner.sleep = self.sleep
        app.bell = self.bell  # type: ignore[method-assign]

    def bell(self) -> None:
        self.rings += 1

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += timedelta(seconds=seconds)
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(0)


def dropped_until(opens_at: int) -> World:
    """A port that opens when it is tried for the so-many-th time since the first run (each silent run makes three attempts)."""
    attempts_of_the_run = 3
    world = World()

    def answer(_check: object, _time: int) -> object:
        tries = max(0, -(-(world.asked[DROPPED] - attempts_of_the_run) // attempts_of_the_run))
        return connect() if tries >= opens_at else connect(Outcome.FILTERED)

    world.seen = {DROPPED: answer}  # type: ignore[dict-item]
    return world


async def test_it_opens_at_the_third_try_and_the_bell_rings_once() -> None:
    app = console(dropped_until(3))
    clock = Clock(app)
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        assert "Blocked" in summary(app)
        await pilot.press("w")
        await until(pilot, lambda: idle(app) and "Open" in summary(app))
        assert summary(app) == "✓ Open TCP 443 of maki.alsoenergy.com opened at 11:40:10, on try 3, after 10 s."
        assert clock.rings == 1
        assert clock.pauses == [WAIT_EVERY_S, WAIT_EVERY_S]
        assert not any("failed" in row for row in listed(app)), "the rest of the list follows"


async def test_between_two_tries_it_says_when_it_tried_and_when_it_stops() -> None:
    app = console(dropped_until(3))
    clock = Clock(app)
    clock.gate = asyncio.Event()
    async with app.run_test(size=(100, 30)) as pilot:
        await finished(pilot)
        await pilot.press("w")
        await until(pilot, lambda: "not open yet" in summary(app))
        assert "try 1 at 11:40:00, not open yet. Next try in 5 s; stops at 12:10:00, or with c." in summary(app)
        assert "What was found" in listed(app)[0], "the finding stays"
        assert selected(app) == f"finding:filtered:{DROPPED}"
        await pilot.press("c")
        await finished(pilot)
        assert "Blocked" in summary(app)
        assert clock.rings == 0


async def test_it_stops_by_itself_at_the_limit_and_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    app = console(World({DROPPED: connect(Outcome.FILTERED)}))
    clock = Clock(app)
    monkeypatch.setattr("aetui.screens.runner.WAIT_LIMIT_S", 12.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("w")
        await until(pilot, lambda: idle(app) and "Still closed" in summary(app))
        assert summary(app) == "✗ Still closed TCP 443 of maki.alsoenergy.com: 3 tries in 10 s, none got through. Stopped at 11:40:10."
        assert clock.rings == 1


async def test_waiting_for_a_finding_is_waiting_for_its_first_failing_check() -> None:
    app = console(dropped_until(2))
    clock = Clock(app)
    clock.gate = asyncio.Event()
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.runner.job, Wait) and clock.pauses)
        assert isinstance(app.runner.job, Wait)
        assert app.runner.job.id == DROPPED
        assert app.runner.job.ends - app.runner.job.began == timedelta(seconds=WAIT_LIMIT_S)
        clock.gate.set()
        await finished(pilot)


async def test_what_is_open_already_cannot_be_waited_for() -> None:
    app = console(World())
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("w")
        await pilot.pause()
        assert app.runner.job is None
        assert "w Wait" not in "".join(line.text for line in app.screen.query_one("#key-bar").lines)  # type: ignore[attr-defined]
