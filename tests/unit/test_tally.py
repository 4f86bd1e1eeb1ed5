"""What a session comes to over everything that it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from kept_sessions import alone, kept, knock, look, told, trace, walk

from aetui.entries import Concluded, Found, InboundDone, TraceDone, WentBack
from aetui.path.records import Problem
from aetui.reach import InboundSeen
from aetui.records import Severity, Verdict
from aetui.state import State
from aetui.tally import Tally

R, D, B, U = Verdict.READY, Verdict.DEGRADED, Verdict.BLOCKED, Verdict.UNDETERMINED
CONFIRMED = look("service-confirmed", Severity.INFO)
ELSEWHERE = look("service-confirmed", Severity.INFO, port=23)
EXPOSED = replace(CONFIRMED, diagnosis=(*CONFIRMED.diagnosis, told("exposed", Severity.WARN)))
NOTHING_LEARNED = InboundDone(1.0, InboundSeen())
BACK = WentBack(9.0, "pm2000", "down")


def reached(ok: bool) -> TraceDone:
    done = trace()
    return replace(done, trace=replace(done.trace, reached=ok))


def good(step: Concluded) -> Concluded:
    return replace(step, outcome=R)


END = walk()[-1]
assert isinstance(END, Concluded)


@pytest.mark.parametrize(
    ("scenario", "found", "verdict"),
    [
        # a session of checks
        ("healthy", (), R),
        ("tls-intercepted", (), B),
        ("healthy", (look(),), D),
        ("healthy", (CONFIRMED,), R),
        ("healthy", (EXPOSED,), D),
        ("healthy", (NOTHING_LEARNED,), R),
        ("tls-intercepted", (CONFIRMED,), B),
        ("healthy", (reached(False), knock()), R),
        ("healthy", walk(), B),
        ("healthy", walk()[:-1], B),
        ("healthy", (walk()[0],), U),
        ("tls-intercepted", (walk()[0], good(END)), R),
        # without any
        ("", (), U),
        ("", (look(),), B),
        ("", (CONFIRMED,), R),
        ("", (EXPOSED,), D),
        ("", (NOTHING_LEARNED,), U),
        ("", (reached(True),), R),
        ("", (reached(False),), B),
        ("", (reached(True), look()), B),
        ("", (knock(),), U),
        ("", walk(), B),
        # what was mended since does not count, what broke since does, and other ports stand beside it
        ("", (look(), CONFIRMED), R),
        ("", (CONFIRMED, look()), B),
        ("", (look(), ELSEWHERE), B),
        ("", (reached(False), reached(True)), R),
        # a verdict that was left again is none
        ("", (*walk(), BACK), B),
        ("", (walk()[0], END, BACK), U),
        ("", (walk()[0], END, BACK, good(END)), R),
    ],
)
def test_the_verdict_of_a_session(scenario: str, found: tuple[Found, ...], verdict: Verdict) -> None:
    state = kept(scenario, ("pm2000",)).state if scenario else State()
    assert Tally(found).verdict(state) is verdict


def test_a_trace_that_could_not_be_made_settles_nothing() -> None:
    done = trace()
    failed = replace(done, trace=replace(done.trace, problem=Problem("no-address", {})))
    assert Tally((failed,)).verdict(State()) is U


@pytest.mark.parametrize(("kind", "judged"), [("look", True), ("trace", True), ("walk", True), ("left", True), ("knock", False)])
def test_knocks_alone_prove_nothing(kind: str, judged: bool) -> None:
    one = alone(kind)
    assert Tally((*one.traces, *one.knocks, *one.inbound, *one.walk)).judges(one.state) is judged


def test_causes_are_those_of_the_checks_then_the_rest_each_once() -> None:
    state = kept("tls-intercepted", ("pm2000",)).state
    assert Tally((look(), look(port=23))).causes(state) == ("tls-intercepted", "forward-missing")


def test_of_several_results_of_one_step_the_latest_counts() -> None:
    first, _, _, checked, _ = walk()
    assert [entry.cause for entry in Tally((first, checked)).findings()] == ["service-down"]
    assert Tally((first, checked, replace(checked, told=()))).findings() == ()  # type: ignore[arg-type]
