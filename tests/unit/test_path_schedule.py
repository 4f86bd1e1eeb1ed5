"""The timing of a sweep: what is in flight, when a silent hop is given up, and that nothing goes beyond the target."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aetui.path.schedule import GRACE_LEAST_S, WAIT_S, Plan, Sweep


@dataclass
class Network:
    """A path: the round trip of each hop in seconds, None for a silent one; the last is the target where ``ends``."""

    rtts: list[float | None]
    ends: bool = True
    sent: list[tuple[float, int]] = field(default_factory=list)

    def run(self, plan: Plan) -> tuple[Sweep, float]:
        """Drive a sweep against the path; the sweep and the time it took."""
        sweep, now, flying = Sweep(plan), 0.0, []
        for _ in range(5000):
            if sweep.finished(now):
                return sweep, now
            for ttl in sweep.due(now):
                self.sent.append((now, ttl))
                sweep.sent(ttl, now)
                hop = min(ttl, len(self.rtts)) if self.ends else ttl
                rtt = self.rtts[hop - 1] if hop <= len(self.rtts) else None
                if rtt is not None:
                    flying.append((now + rtt, ttl, rtt, self.ends and hop == len(self.rtts)))
            flying.sort()
            wake = sweep.wake(now)
            times = [time for time in (wake, flying[0][0] if flying else None) if time is not None]
            assert times, "asleep for ever"
            now = max(now, min(times))
            while flying and flying[0][0] <= now:
                _, ttl, rtt, final = flying.pop(0)
                sweep.heard(ttl, rtt, final)
            assert len(self.sent) < 500, "sends without end"
        raise AssertionError("turns without end")


def test_all_ttls_are_in_flight_at_once() -> None:
    network = Network([0.02] * 30)
    sweep, took = network.run(Plan())
    assert sorted(ttl for _, ttl in network.sent) == list(range(1, 31))
    assert max(at for at, _ in network.sent) < 0.003
    assert took < 0.02 * 1.2
    assert sweep.reach == 30


def test_a_path_without_silent_hops_takes_the_slowest_round_trip_and_little_more() -> None:
    network = Network([0.001 * n for n in range(1, 31)])
    sweep, _ = network.run(Plan())
    assert sweep.complete_at is not None
    assert sweep.complete_at <= 0.030 * 1.2


def test_silent_hops_cost_one_grace_for_the_first_complete_path() -> None:
    rtts: list[float | None] = [0.02] * 30
    rtts[4] = rtts[11] = rtts[12] = None
    sweep, _ = Network(rtts).run(Plan())
    assert sweep.complete_at is not None
    assert sweep.complete_at <= 0.02 * 1.2 + GRACE_LEAST_S


def test_a_silent_hop_is_tried_again_and_others_are_not() -> None:
    network = Network([0.02, None, 0.02])
    network.run(Plan(last=3))
    assert sorted(ttl for _, ttl in network.sent) == [1, 2, 2, 3]


def test_a_slow_far_hop_is_waited_for_while_the_target_has_not_answered() -> None:
    sweep, _ = Network([0.001, 0.7, 0.75]).run(Plan(last=3))
    assert sweep.answered(2)
    assert sweep.reach == 3


def test_silence_to_the_end_is_given_up_after_the_longest_wait_and_one_more_try_near_the_last_answer() -> None:
    network = Network([0.02, 0.02], ends=False)
    _, took = network.run(Plan(last=30))
    assert took <= WAIT_S + 0.1
    second = [ttl for at, ttl in network.sent if at > WAIT_S / 4]
    assert second == [3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("window", [1, 4, 8])
def test_a_window_bounds_what_is_in_flight_and_what_goes_beyond_the_target(window: int) -> None:
    network = Network([0.01] * 12)
    sweep, _ = network.run(Plan(window=window, ahead=window))
    assert sweep.reach == 12
    assert max(ttl for _, ttl in network.sent) <= 12 + window
    assert sum(1 for _, ttl in network.sent if ttl > 12) < window + 1


def test_one_at_a_time_and_with_the_path_known_nothing_goes_beyond_the_target() -> None:
    network = Network([0.01, None, 0.01, 0.01])
    plan = Plan(window=1, ahead=1, known=4, slowest_s=0.01, tries=lambda ttl: 1)
    sweep, took = network.run(plan)
    assert sweep.reach == 4
    assert [ttl for _, ttl in network.sent] == [1, 2, 3, 4]
    assert took <= 0.03 + GRACE_LEAST_S + 0.01


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(0.0001, 0.9)), min_size=1, max_size=30),
    st.booleans(),
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(1, 3),
)
def test_every_sweep_ends_in_bounded_time_and_sends_each_ttl_at_most_so_often(rtts, ends, window, ahead, tries) -> None:
    network = Network(rtts, ends)
    _, took = network.run(Plan(window=window, ahead=ahead, tries=lambda _: tries))
    ttls = [ttl for _, ttl in network.sent]
    assert max(ttls.count(ttl) for ttl in set(ttls)) <= tries
    assert took <= 30 * tries * (WAIT_S + 0.01)
