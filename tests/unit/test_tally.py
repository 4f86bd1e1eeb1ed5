"""What a session comes to over everything that it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from kept_sessions import kept, knock, look, looks, told, trace, walk

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
BOTH_MISSING = looks(look(), look("forward-refused", port=23))
BOTH_CONFIRMED = looks(CONFIRMED, ELSEWHERE)
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
        ("", (BOTH_MISSING, CONFIRMED), B),
        ("", (BOTH_MISSING, CONFIRMED, ELSEWHERE), R),
        ("", (BOTH_MISSING, ELSEWHERE, CONFIRMED), R),
        ("", (BOTH_MISSING, BOTH_CONFIRMED), R),
        ("", (look(), BOTH_CONFIRMED), R),
        ("", (BOTH_CONFIRMED, look(port=23)), B),
        ("", (look(), NOTHING_LEARNED), B),
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


def test_causes_are_those_of_the_checks_then_the_rest_each_once() -> None:
    state = kept("tls-intercepted", ("pm2000",)).state
    assert Tally((look(), look(port=23))).causes(state) == ("tls-intercepted", "forward-missing")


def test_of_several_results_of_one_step_the_latest_counts() -> None:
    first, _, _, checked, _ = walk()
    assert [entry.cause for entry in Tally((first, checked)).findings()] == ["service-down"]
    assert Tally((first, checked, replace(checked, told=()))).findings() == ()  # type: ignore[arg-type]


TOGETHER = replace(BOTH_MISSING, diagnosis=(replace(BOTH_MISSING.diagnosis[0], explains=("rdp:203.0.113.7:3389", "rdp:203.0.113.7:23")),))
DEEP = replace(told("double-nat", Severity.WARN), explains=())
NAT_TOO = replace(BOTH_MISSING, diagnosis=(*BOTH_MISSING.diagnosis, DEEP))
UNASKED = replace(CONFIRMED, seen=replace(CONFIRMED.seen, nat=None))


@pytest.mark.parametrize(
    ("entries", "stands"),
    [
        ((BOTH_MISSING,), [("forward-missing", "3389"), ("forward-refused", "23")]),
        ((BOTH_MISSING, CONFIRMED), [("forward-refused", "23"), ("service-confirmed", "3389")]),
        ((BOTH_MISSING, ELSEWHERE), [("forward-missing", "3389"), ("service-confirmed", "23")]),
        ((TOGETHER, CONFIRMED), [("forward-missing", "23"), ("service-confirmed", "3389")]),
        ((look(), BOTH_CONFIRMED), [("service-confirmed", "23")]),  # two alike are one
        ((NAT_TOO, CONFIRMED), [("forward-refused", "23"), ("service-confirmed", "3389")]),
        ((NAT_TOO, UNASKED), [("forward-refused", "23"), ("double-nat", ""), ("service-confirmed", "3389")]),
        ((NAT_TOO, UNASKED, ELSEWHERE), [("service-confirmed", "23")]),
    ],
)
def test_a_later_look_takes_what_it_looked_at_out_of_earlier_ones(entries: tuple[Found, ...], stands: list[tuple[str, str]]) -> None:
    assert [(e.cause, " ".join(i.rpartition(":")[2] for i in e.explains)) for e in Tally(entries).findings()] == stands


def test_a_target_is_one_address_and_port_whatever_was_expected_there() -> None:
    reached = CONFIRMED.seen.outside[0]
    plain = replace(reached, target=replace(reached.target, expected=None))
    later = replace(CONFIRMED, seen=replace(CONFIRMED.seen, outside=(plain,)))
    assert Tally((look(), later)).verdict(State()) is R
