"""Histories for the console's tests: sessions written by the real journal from events, and looks at the History tab."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from stage import HEALTHY, connect, until
from textual.pilot import Pilot

from aetui.catalogue import load
from aetui.diagnosis import diagnose
from aetui.entries import About
from aetui.events import CheckDone, Diagnosing, Result, SessionEnded, SessionStarted
from aetui.observations import Outcome
from aetui.plan import plan
from aetui.records import Check, VantageInfo
from aetui.screens.app import AetuiApp
from aetui.screens.history import History
from aetui.screens.picker import Picker
from aetui.screens.widgets.lines import Lines
from aetui.screens.widgets.page import Page
from aetui.screens.widgets.rows import Rows
from aetui.state import State
from aetui.store import Journal

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LOCAL = VantageInfo("local", "laptop", "eth0", "192.168.50.20", "192.168.50.1", ("192.168.50.1",))
DROPPED = "tcp:maki.alsoenergy.com:443"


def write(
    number: int, name: str = "", note: str = "", dropped: tuple[str, ...] = (), vantage: VantageInfo = LOCAL, ends: bool = True
) -> str:
    """One session of a PM2000, ``number`` hours after the first; gives its id."""
    catalogue = load()
    checks = tuple(check for check in plan(catalogue, ("pm2000",), vantage) if check.equipment)
    started = START + timedelta(hours=number)
    identity = f"{started:%Y%m%d-%H%M%S}-{number:04x}"
    journal = Journal(About("check", name, note, "0.1.0", catalogue.version, catalogue.sha256), pytest.fail)
    state = State()
    events: list[Any] = [SessionStarted(0.0, identity, started, vantage, ("pm2000",), checks, 10.0)]
    events += [CheckDone(20.0, _result(check, dropped)) for check in checks]
    for event in events:
        state.fold(event)
    events.append(Diagnosing(30.0, diagnose(state)))
    for event in [*events, *([SessionEnded(40.0, "done")] if ends else [])]:
        journal(event)
    journal.close()
    return identity


def _result(check: Check, dropped: tuple[str, ...]) -> Result:
    if check.id in dropped:
        return Result(check, connect(Outcome.FILTERED), "192.0.2.7", 4000.0)
    if check.needs in dropped:
        return Result(check, None, not_run="needs")
    return Result(check, HEALTHY[check.kind](check), "192.0.2.7", 12.0)


def many(count: int) -> None:
    """So many sessions, copied inside the file from one that is there."""
    from aetui.store.place import FILE, folder

    write(0, "Farm 0")
    base = sqlite3.connect(folder() / FILE)
    columns = (
        "equipment, vantage, note, tool, catalogue, sha256, changes, codec, command, verdict, causes, passed, checks, elapsed_ms, ended"
    )
    base.executemany(
        f"INSERT INTO session (id, started, name, words, {columns}) SELECT ?, ?, ?, ?, {columns} FROM session WHERE number = 1",
        [
            (f"s{n:06d}", (START + timedelta(minutes=n)).isoformat(), f"Farm {n}", f"s{n:06d} farm {n} pm2000")
            for n in range(1, count)
        ],
    )  # fmt: skip
    base.commit()
    base.close()


async def at_history(pilot: Pilot[Any]) -> History:
    """Go to the tab; its list stands."""
    app = cast("AetuiApp", pilot.app)
    if not app.launch.equipment:
        await until(pilot, lambda: isinstance(app.screen, Picker), "the question for equipment")
        await pilot.press("escape")
    await pilot.press("4")
    await until(pilot, lambda: isinstance(app.screen, History), "the History tab")
    await settled(pilot)
    return cast("History", app.screen)


def there(app: Any) -> History:
    """The tab, whatever page lies over it."""
    return next(screen for screen in app.screen_stack if isinstance(screen, History))


async def settled(pilot: Pilot[Any]) -> None:
    """Nothing is being read."""
    tab = there(pilot.app)
    await until(pilot, lambda: tab.book is not None and not tab.reading and not list(tab.workers), "the end of the reading")
    await pilot.pause()


def head(app: Any) -> str:
    """The line on top."""
    return " ".join(there(app).query_one("#summary", Lines).lines[0].text.split())


def listed(app: Any) -> list[str]:
    """The list's rows as text."""
    return [line.text.rstrip() for line in there(app).query_one(Rows).lines]


def detail(app: Any) -> str:
    """What the details say."""
    return "\n".join(f"{para.lead}{para.text}" for para in there(app).query_one("#details", Page).paras)


def files(folder: Path) -> list[Path]:
    """What stands in a directory, by name."""
    return sorted(folder.iterdir())


def keep(path: Path, seen: str) -> None:
    """Write a picture anew."""
    path.write_text(seen, "utf-8")
