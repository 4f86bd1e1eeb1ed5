"""What the Path tab's tests stand on: engines in memory in place of those that send, and ways to look at the tab. Nothing is sent."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from stage import World, console, until
from textual.pilot import Pilot

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from path_recordings import Case, cases
from path_simulated import Simulated

from aetui.path.analysis import Surroundings, read, suspects_places
from aetui.path.engine import Engine
from aetui.path.engines import Choice
from aetui.path.records import Flow, Problem, Trace
from aetui.path.words import diagnose
from aetui.screens.app import AetuiApp
from aetui.screens.path import Path as PathTab
from aetui.screens.path_aim import Aim
from aetui.screens.path_trace import Phase
from aetui.screens.widgets.lines import Lines
from aetui.screens.widgets.page import Page
from aetui.screens.widgets.rows import Rows

TARGET = "203.0.113.9"
HOPS = ["192.168.50.1", "100.64.0.1", "198.51.100.1", None, "198.51.100.5"]

__all__ = [
    "HOPS", "TARGET", "Case", "Net", "PathTab", "Phase", "Simulated", "cases", "detail", "hops", "opened", "reading", "tab", "target",
    "titles", "traced", "verdict",
]  # fmt: skip


@dataclass
class Net:
    """Engines by port."""

    by_port: Mapping[int | None, Simulated]
    remark: Problem | None = None
    asked: list[Flow] = field(default_factory=list)

    @property
    def socket(self) -> Engine:
        return cast("Engine", next(iter(self.by_port.values())))

    async def choose(self, choice: Choice, flow: Flow) -> Engine:
        self.asked.append(flow)
        return self

    method = Simulated.method

    def manners(self, flow: Flow) -> Any:
        return self.by_port[flow.port].how

    async def open(self, flow: Flow, sink: Any, *, spread: bool = False) -> Any:
        self.asked.append(flow)
        return await self.by_port[flow.port].open(flow, sink, spread=spread)

    async def close(self) -> None:
        return


def opened(net: Net, monkeypatch: pytest.MonkeyPatch, names: Mapping[str, str] | None = None, **launch: Any) -> AetuiApp:
    """A console whose traces go over ``net``; every name is the target's, and hops are called as ``names`` says."""

    async def address_of(host: str, family: int, vantage: object) -> str:
        return TARGET

    async def gateway(version: int, vantage: object) -> str:
        return "192.168.50.1"

    async def called(addresses: object, vantage: object) -> Mapping[str, str]:
        return names or {}

    for name, function in (("address_of", address_of), ("gateway", gateway), ("of", called)):
        monkeypatch.setattr(f"aetui.path.names.{name}", function)
    monkeypatch.setattr("aetui.packet.client.missing", lambda: "nothing is started in a test.")
    app = console(launch.pop("world", World()), **launch)
    app.engines = lambda: net  # type: ignore[assignment]
    return app


def reading(case: Case) -> Trace:
    """A recorded trace, read."""
    around = Surroundings(case.gateway, case.toward_site)
    found = read(case.recording, case.compared, around)
    return diagnose(found, suspects_places(found, around), toward_site=case.toward_site)


def tab(app: AetuiApp) -> PathTab:
    """The Path tab, whatever page lies over it."""
    return cast("PathTab", app.screen_stack[0])


async def traced(pilot: Pilot[Any], aim: Aim, phase: Phase = Phase.LIVE) -> AetuiApp:
    """Trace this, and let it come so far."""
    app = cast("AetuiApp", pilot.app)
    app.trace(aim)
    await until(pilot, lambda: isinstance(app.screen_stack[0], PathTab) and tab(app).tracing is not None, "the Path tab")
    await until(pilot, lambda: tab(app).tracing.phase is phase, f"phase {phase}")  # type: ignore[union-attr]
    await pilot.pause()
    return app


def verdict(app: AetuiApp) -> str:
    """The two lines on top, as one."""
    lines = tab(app).query_one("#summary", Lines).lines
    return " ".join(" ".join(line.text.split()) for line in lines).strip()


def target(app: AetuiApp) -> str:
    """The line of the target."""
    return tab(app).query_one("#target", Lines).lines[0].text


def titles(app: AetuiApp) -> str:
    """The column titles."""
    return tab(app).query_one("#titles", Lines).lines[0].text


def hops(app: AetuiApp) -> list[str]:
    """The list."""
    return [line.text.rstrip() for line in tab(app).query_one(Rows).lines]


def detail(app: AetuiApp) -> str:
    """The details of the selected hop."""
    return "\n".join(para.text for para in tab(app).query_one("#hop-details", Page).paras)
