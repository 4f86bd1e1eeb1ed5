"""Every scenario of the embedded site gets exactly the causes that it promises, in one loop, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from worlds import diagnosed

from aetui.demo.scenario import load, names
from aetui.prepare import Request, prepare
from aetui.probes.base import Credentials
from aetui.records import Severity, Status, Verdict
from aetui.state import State

AT_A_TIME = 5
NAMES = [name for name, _ in names()]
LOGIN = Credentials("demo", "demo")
"""Of the embedded FTP server."""


async def _run(name: str, turn: asyncio.Semaphore) -> State:
    scenario = load(name)
    request = Request(scenario.equipment, demo=name, ftp_login=LOGIN if "sma-ftp" in scenario.equipment else None)
    async with turn, prepare(request) as prepared:
        return await prepared.session.run()


async def _all() -> Mapping[str, State]:
    turn = asyncio.Semaphore(AT_A_TIME)
    states = await asyncio.gather(*(_run(name, turn) for name in NAMES))
    return dict(zip(NAMES, states, strict=True))


@pytest.fixture(scope="module")
def states() -> Mapping[str, State]:
    return asyncio.run(_all())


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_gets_exactly_its_causes(states: Mapping[str, State], name: str) -> None:
    scenario, state = load(name), states[name]
    if scenario.judged:
        assert tuple(dict.fromkeys(f.cause for f in state.diagnosis.findings)) == scenario.causes


@pytest.mark.parametrize("name", NAMES)
def test_the_verdict_fits_the_causes(states: Mapping[str, State], name: str) -> None:
    found = states[name].diagnosis
    worst = {f.severity for f in found.findings}
    if not load(name).judged:
        return
    if Severity.FAIL in worst:
        assert found.verdict is Verdict.BLOCKED
    elif any(f.cause == "lossy" and f.explains for f in found.findings):
        assert found.verdict is Verdict.UNDETERMINED, "what stayed silent on such a line is not known to hold"
    elif Severity.WARN in worst:
        assert found.verdict is Verdict.DEGRADED
    else:
        assert found.verdict is Verdict.READY


@pytest.mark.parametrize("name", NAMES)
def test_every_row_that_fails_is_explained_and_told_in_words(states: Mapping[str, State], name: str) -> None:
    state = states[name]
    assert diagnosed(state) == state.diagnosis, "the rules say the same when they are asked again"
    told = {i for f in state.diagnosis.findings for i in f.explains}
    for check in state.required():
        status = state.reading(check.id).status
        assert status in {Status.PASS, Status.SKIP, Status.UNKNOWN} or check.id in told


def test_a_scenario_without_a_cause_passes_every_row_that_is_not_one_of_several(states: Mapping[str, State]) -> None:
    for name in ("healthy", "dns-over-tcp", "forward-missing"):
        state = states[name]
        assert {state.reading(c.id).status for c in state.required()} == {Status.PASS}, name
