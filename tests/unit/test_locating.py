"""While a run goes on: the packet helper is started ahead where a connect stays unanswered, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from fake_vantage import FakeVantage
from jumping import in_no_time

from aetui.catalogue import load
from aetui.observations import DnsSeen, Outcome, TcpSeen
from aetui.prepare import Prepared
from aetui.probes import PROBES
from aetui.probes.base import Measured, Probe
from aetui.records import Check, Transport, VantageInfo
from aetui.session import UNANSWERED_S, Session

ADDRESS = "192.0.2.7"
CHECK = Check(f"tcp:{ADDRESS}:2022", "tcp", ADDRESS, 2022, Transport.TCP)
NAME = Check("dns:h.example", "dns", "h.example")


@dataclass
class Helper:
    """The packet helper, as far as it is started here."""

    lacks: str | None = None
    started: list[float] = field(default_factory=list)

    def lacking(self) -> str | None:
        return self.lacks

    async def start(self) -> None:
        self.started.append(asyncio.get_running_loop().time())


def _run(outcome: Outcome, helper: Helper | None, kind: str = "local", *, named: bool = False) -> float:
    """One connect with this outcome, to a name that nobody resolves where ``named``; gives the time at which it began."""

    async def measure(*_: Any) -> Measured:
        await asyncio.sleep(8.0 if outcome is Outcome.FILTERED else 0.02)
        return Measured(TcpSeen(ADDRESS, 2022, outcome), {}, ADDRESS)

    async def unresolved(*_: Any) -> Measured:
        await asyncio.sleep(8.0)
        return Measured(DnsSeen("h.example", ()))

    async def main() -> float:
        vantage: Any = FakeVantage(info=VantageInfo(kind, "here"))
        probes = {**PROBES, "tcp": Probe(measure, timeout_s=8.0), "dns": Probe(unresolved, timeout_s=8.0)}
        checks = [NAME, replace(CHECK, needs=NAME.id)] if named else [CHECK]
        session = Session(vantage, checks, ("acquisuite",), probes=probes, ask_further=lambda _: ())
        prepared = Prepared(session, vantage, load(), cast("Any", helper))
        began = asyncio.get_running_loop().time()
        async with prepared.awaiting_silence():
            await session.run()
        return began

    return cast("float", in_no_time(main()))


NOT: dict[str, Callable[[], tuple[Outcome, Helper, str]]] = {
    "everything was answered": lambda: (Outcome.OPEN, Helper(), "local"),
    "this user may not send raw packets": lambda: (Outcome.FILTERED, Helper("it takes more rights."), "local"),
    "the embedded site has hops of its own": lambda: (Outcome.FILTERED, Helper(), "demo"),
    "a jump host traces by itself": lambda: (Outcome.FILTERED, Helper(), "jump"),
}


@pytest.mark.parametrize("name", NOT)
def test_it_is_not_started_where(name: str) -> None:
    outcome, helper, kind = NOT[name]()
    _run(outcome, helper, kind)
    assert helper.started == []


def test_it_is_started_once_while_the_silence_lasts() -> None:
    helper = Helper()
    began = _run(Outcome.FILTERED, helper)
    assert [at - began for at in helper.started] == pytest.approx([UNANSWERED_S])


def test_a_connect_that_waits_for_its_name_has_not_been_silent() -> None:
    helper = Helper()
    _run(Outcome.FILTERED, helper, named=True)
    assert helper.started == []


def test_a_program_without_one_waits_all_the_same() -> None:
    _run(Outcome.FILTERED, None)
