
"""The session, over probes in memory and a loop whose clock jumps: order, hand-over, attempts, deadline, cancellation, repetition, bounds."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from fake_vantage import FakeVantage, MockStream
from jumping import in_no_time

from aetui.events import CheckDone, ChecksAdded, CheckStarted, Diagnosing, Event, SessionEnded, SessionStarted
from aetui.observations import BannerSeen, DnsAnswer, DnsSeen, Ended, Outcome, SeriesSeen, TcpSeen, Trial
from aetui.probes.base import Given, Measured, Probe, Settings
from aetui.records import Check, Requirement, Status
from aetui.session import AT_ONCE_PER_HOST, SHORTEST_SILENCE_S, Session
from aetui.state import State
from aetui.vantage.base import Capability, Vantage, VantageLost

HOST = "h.example"


def now() -> float:
    return asyncio.get_running_loop().time()


# ----------------------------------------------------------------------------------------------------------------- scripted probes
Script = Callable[[Check, Given, float], Awaitable[Measured]]


@dataclass
class Probes:
    """Probes by check id: what they give, and when each began, ended or was cancelled."""

    scripts: dict[str, Script] = field(default_factory=dict)
    needs: frozenset[Capability] = frozenset()
    timeout_s: float = 4.0
    log: list[tuple[str, str, float]] = field(default_factory=list)
    given: dict[str, list[Given]] = field(default_factory=lambda: defaultdict(list))
    running: int = 0
    most: int = 0

    def registry(self) -> Mapping[str, Probe]:
        return {kind: Probe(self.measure, self.needs, self.timeout_s) for kind in ("dns", "tcp", "tls", "http", "ntp", "ssh", "ftp", "link")}

    async def measure(self, check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
        self.log.append(("begin", check.id, now()))
        self.given[check.id].append(given)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            measured = await self.scripts.get(check.id, opens)(check, given, deadline)
        except asyncio.CancelledError:
            self.log.append(("cancelled", check.id, now()))
            raise
        finally:
            self.running -= 1
        self.log.append(("end", check.id, now()))
        return measured

    def order(self, what: str = "begin") -> list[str]:
        return [identity for kind, identity, _ in self.log if kind == what]


async def opens(check: Check, given: Given, deadline: float) -> Measured:
    return Measured(TcpSeen("192.0.2.1", 443, Outcome.OPEN), address="192.0.2.1", addresses=("192.0.2.1",))


async def silent(check: Check, given: Given, deadline: float) -> Measured:
    await asyncio.sleep(deadline - now())
    return Measured(TcpSeen(next(iter(given.addresses), "192.0.2.1"), 443, Outcome.FILTERED))


async def refuses(check: Check, given: Given, deadline: float) -> Measured:
    return Measured(TcpSeen("192.0.2.1", 443, Outcome.REFUSED))


async def forever(check: Check, given: Given, deadline: float) -> Measured:
    await asyncio.Event().wait()
    raise AssertionError


def resolves(*addresses: str) -> Script:
    async def measure(check: Check, given: Given, deadline: float) -> Measured:
        answer = DnsAnswer("192.0.2.53", "A", "udp", Outcome.OPEN, "NOERROR", addresses)
        return Measured(DnsSeen(HOST, (answer,)), {"dns": 1.0}, addresses=addresses)

    return measure


def gives(stream: MockStream) -> Script:
    async def measure(check: Check, given: Given, deadline: float) -> Measured:
        return Measured(TcpSeen("192.0.2.1", 443, Outcome.OPEN), {"connect": 2.0}, "192.0.2.1", ("192.0.2.1",), stream)

    return measure


def after(seconds: float, then: Script = opens) -> Script:
    async def measure(check: Check, given: Given, deadline: float) -> Measured:
        await asyncio.sleep(seconds)
        return await then(check, given, deadline)

    return measure


def check(identity: str, needs: str | None = None, tries: int = 1, host: str = HOST) -> Check:
    return Check(identity, identity.partition(":")[0], host, 443, equipment=("pm2000",), requirement=Requirement.HARD, needs=needs, tries=tries)


CHAIN = (check("dns:h"), check("tcp:h", "dns:h"), check("tls:h", "tcp:h"), check("http:h", "tls:h"))


def session(probes: Probes, *checks: Check, deadline: float = 10.0, **more: Any) -> tuple[Session, list[Event]]:
    events: list[Event] = []
    given: dict[str, Any] = {"ask_further": lambda _state: (), **more}
    vantage = given.pop("vantage", FakeVantage())
    return Session(vantage, checks, ("pm2000",), deadline_s=deadline, listeners=(events.append,), probes=probes.registry(), **given), events


# ----------------------------------------------------------------------------------------------------------------------- the chain
def test_a_check_runs_after_what_it_needs_and_gets_what_that_found() -> None:
    stream = MockStream()
    probes = Probes({"dns:h": resolves("192.0.2.7", "192.0.2.8"), "tcp:h": gives(stream)})
    run, _ = session(probes, *CHAIN)
    state = in_no_time(run.run())
    assert probes.order() == ["dns:h", "tcp:h", "tls:h", "http:h"]
    assert probes.given["tcp:h"][0].addresses == ("192.0.2.7", "192.0.2.8")
    assert probes.given["tls:h"][0].stream is stream
    assert state.results["tls:h"].phases_ms == {"dns": 1.0, "connect": 2.0}
    assert stream.closed


def test_independent_checks_run_together() -> None:
    probes = Probes({f"tcp:{n}": after(3) for n in range(5)})
    run, _ = session(probes, *(check(f"tcp:{n}", host=f"h{n}") for n in range(5)))
    state = in_no_time(run.run())
    assert probes.most == 5
    assert 3000 <= state.elapsed_ms < 3300


def test_what_carries_nothing_over_ends_its_dependants() -> None:
    probes = Probes({"dns:h": resolves("192.0.2.7"), "tcp:h": refuses})
    run, _ = session(probes, *CHAIN)
    state = in_no_time(run.run())
    assert probes.order() == ["dns:h", "tcp:h"]
    assert [state.results[i].not_run for i in ("tls:h", "http:h")] == ["needs", "needs"]
    assert state.ended == "done"


def test_a_stream_that_nobody_takes_is_closed() -> None:
    stream = MockStream()
    run, _ = session(Probes({"dns:h": resolves("192.0.2.7"), "tcp:h": gives(stream)}), *CHAIN[:2])
    in_no_time(run.run())
    assert stream.closed


def test_a_stream_is_closed_where_the_run_is_cancelled_on_the_way() -> None:
    stream = MockStream()
    probes = Probes({"dns:h": resolves("192.0.2.7"), "tcp:h": gives(stream), "tls:h": forever})
    run, _ = session(probes, *CHAIN)

    async def cancel() -> None:
        task = asyncio.create_task(run.run())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    in_no_time(cancel())
    assert stream.closed


# ------------------------------------------------------------------------------------------------------------------------ attempts
def begins(probes: Probes, identity: str) -> list[float]:
    return [round(at - 1000, 1) for kind, i, at in probes.log if kind == "begin" and i == identity]


def test_silence_is_tried_again_first_alone_then_together_and_counted() -> None:
    probes = Probes({"tcp:h": silent})
    run, _ = session(probes, check("tcp:h", tries=3))
    result = in_no_time(run.run()).results["tcp:h"]
    assert begins(probes, "tcp:h") == [0.0, 4.0, 4.0]
    assert (result.attempts, len(result.earlier)) == (3, 2)
    assert round(result.elapsed_ms) == 8000


def test_the_first_that_is_not_silent_decides_and_ends_the_others() -> None:
    calls: list[int] = []

    async def third_opens(one: Check, given: Given, deadline: float) -> Measured:
        calls.append(len(calls))
        return await (opens if calls[-1] == 2 else silent)(one, given, deadline)

    probes = Probes({"tcp:h": third_opens})
    run, _ = session(probes, check("tcp:h", tries=3))
    result = in_no_time(run.run()).results["tcp:h"]
    assert isinstance(result.observation, TcpSeen) and result.observation.outcome is Outcome.OPEN
    assert round(result.elapsed_ms) == 4000
    assert probes.order("cancelled") == ["tcp:h"]


@pytest.mark.parametrize("script", [refuses, opens], ids=["reset", "open"])
def test_an_answer_of_any_kind_is_not_tried_again(script: Script) -> None:
    probes = Probes({"tcp:h": script})
    run, _ = session(probes, check("tcp:h", tries=3))
    assert in_no_time(run.run()).results["tcp:h"].attempts == 1
    assert len(begins(probes, "tcp:h")) == 1


def test_further_attempts_go_to_the_host_s_other_addresses() -> None:
    probes = Probes({"dns:h": resolves("192.0.2.1", "192.0.2.2"), "tcp:h": silent})
    run, _ = session(probes, check("dns:h"), check("tcp:h", "dns:h", tries=3))
    in_no_time(run.run())
    assert [g.addresses[0] for g in probes.given["tcp:h"]] == ["192.0.2.1", "192.0.2.2", "192.0.2.1"]


def test_streams_of_attempts_that_came_too_late_are_closed() -> None:
    streams = [MockStream(), MockStream()]
    left = iter([silent, gives(streams[0]), gives(streams[1])])

    async def next_one(one: Check, given: Given, deadline: float) -> Measured:
        return await next(left)(one, given, deadline)

    run, _ = session(Probes({"tcp:h": next_one}), check("tcp:h", tries=3))
    in_no_time(run.run())
    assert all(stream.closed for stream in streams)


# ------------------------------------------------------------------------------------------------------------------------ deadline
def test_the_deadline_ends_the_run_in_order() -> None:
    probes = Probes({"tcp:h": silent})
    run, events = session(probes, check("tcp:h", tries=3), *(check(f"ssh:{n}", "tcp:h") for n in range(2)), deadline=6.0)
    state = in_no_time(run.run())
    assert round(state.elapsed_ms) == 6000
    assert state.ended == "deadline"
    assert state.results["tcp:h"].observation is not None, "four seconds of silence were seen"
    assert isinstance(events[-1], SessionEnded)


def test_silence_that_the_deadline_cut_short_was_not_observed() -> None:
    probes = Probes({"tcp:late": after(0.0, silent), "tcp:first": after(0.0)})
    run, _ = session(probes, check("tcp:late"), deadline=SHORTEST_SILENCE_S - 0.5)
    result = in_no_time(run.run()).results["tcp:late"]
    assert (result.observation, result.not_run) == (None, "deadline")


def test_silence_long_enough_is_observed_although_the_deadline_cut_it() -> None:
    run, _ = session(Probes({"tcp:h": silent}), check("tcp:h"), deadline=SHORTEST_SILENCE_S + 0.5)
    result = in_no_time(run.run()).results["tcp:h"]
    assert isinstance(result.observation, TcpSeen)
    assert (result.cut, result.not_run) == (True, None)


def test_a_conversation_that_the_deadline_cut_short_was_not_observed_either() -> None:
    async def mute(one: Check, given: Given, deadline: float) -> Measured:
        await asyncio.sleep(deadline - now())
        return Measured(BannerSeen(Ended.SILENT))

    run, _ = session(Probes({"ssh:h": mute}), check("ssh:h"), deadline=1.0)
    assert in_no_time(run.run()).results["ssh:h"].not_run == "deadline"


async def dead_resolver(one: Check, given: Given, deadline: float) -> Measured:
    await asyncio.sleep(deadline - now())
    return Measured(DnsSeen(HOST, (DnsAnswer("192.0.2.53", "A", "udp", Outcome.FILTERED),)))


async def dead_line(one: Check, given: Given, deadline: float) -> Measured:
    await asyncio.sleep(deadline - now())
    return Measured(SeriesSeen("beyond", (Trial(TcpSeen("192.0.2.1", 443, Outcome.FILTERED)),)))


@pytest.mark.parametrize("script", [dead_resolver, dead_line], ids=["a resolver's", "the line's"])
def test_nor_was_the_silence_of_names_or_of_a_series(script: Script) -> None:
    run, _ = session(Probes({"dns:h": script}), check("dns:h"), check("tcp:h", "dns:h"), deadline=SHORTEST_SILENCE_S / 2)
    state = in_no_time(run.run())
    assert state.results["dns:h"].not_run == "deadline"
    assert not state.diagnosis.findings
    assert state.diagnosis.verdict.value == "undetermined"


def test_what_answered_before_the_deadline_stands() -> None:
    run, _ = session(Probes({"tcp:h": after(0.9)}), check("tcp:h"), deadline=1.0)
    result = in_no_time(run.run()).results["tcp:h"]
    assert (result.not_run, result.cut) == (None, False)


def test_every_check_has_a_result_when_the_run_is_over() -> None:
    probes = Probes({"dns:h": after(0.2, resolves("192.0.2.7")), "tcp:h": silent})
    run, _ = session(probes, *CHAIN, check("ntp:x"), deadline=3.0)
    state = in_no_time(run.run())
    assert set(state.results) == set(state.checks)
    assert not state.running


# -------------------------------------------------------------------------------------------------------------------- cancellation
async def _cancelled(run: Session, at: float) -> tuple[float, int]:
    """How long the end took on the loop's clock, and how many tasks were left."""
    before = len(asyncio.all_tasks())
    task = asyncio.create_task(run.run())
    await asyncio.sleep(at)
    began = now()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return now() - began, len(asyncio.all_tasks()) - before


def test_cancelling_ends_every_probe_at_once_and_closes_the_state() -> None:
    probes = Probes({"tcp:a": forever, "tcp:b": silent, "dns:h": resolves("192.0.2.7"), "tcp:h": forever})
    run, events = session(probes, check("tcp:a"), check("tcp:b", tries=3), *CHAIN)
    took, left = in_no_time(_cancelled(run, 5.0))
    assert took < 0.1
    assert left == 0
    assert probes.running == 0
    assert run.state.ended == "cancelled"
    assert set(run.state.results) == set(run.state.checks)
    assert run.state.results["tcp:a"].not_run == "cancelled"
    assert isinstance(events[-1], SessionEnded)
    assert not run.state.running


def test_cancelling_before_anything_ran_closes_the_state_too() -> None:
    run, _ = session(Probes({"tcp:a": forever}), check("tcp:a"))
    in_no_time(_cancelled(run, 0.0))
    assert run.state.ended in {None, "cancelled"}


def test_a_lost_vantage_is_one_reason_for_everything_left() -> None:
    async def lost(one: Check, given: Given, deadline: float) -> Measured:
        await asyncio.sleep(1)
        raise VantageLost("the SSH connection broke")

    probes = Probes({"tcp:a": lost, "tcp:b": forever, "tcp:c": after(0.5)})
    run, events = session(probes, check("tcp:a"), check("tcp:b"), check("tcp:c"), check("ssh:b", "tcp:b"))
    state = in_no_time(run.run())
    assert state.ended == "vantage-lost"
    assert {i: r.not_run for i, r in state.results.items()} == {"tcp:a": "vantage-lost", "tcp:b": "vantage-lost", "ssh:b": "vantage-lost", "tcp:c": None}
    assert state.results["tcp:b"].reason == "the SSH connection broke"
    assert [e.reason for e in events if isinstance(e, SessionEnded)] == ["vantage-lost"]
    assert probes.running == 0
    assert state.diagnosis.verdict.value == "undetermined"


def test_two_probes_that_lose_the_vantage_at_once_are_one_end() -> None:
    async def lost(one: Check, given: Given, deadline: float) -> Measured:
        await asyncio.sleep(1)
        raise VantageLost("gone")

    run, events = session(Probes({"tcp:a": lost, "tcp:b": lost}), check("tcp:a"), check("tcp:b", host="other"))
    in_no_time(run.run())
    assert len([e for e in events if isinstance(e, SessionEnded)]) == 1


def test_our_own_bug_is_not_hidden() -> None:
    async def broken(one: Check, given: Given, deadline: float) -> Measured:
        raise RuntimeError("a bug")

    run, _ = session(Probes({"tcp:a": broken}), check("tcp:a"))
    with pytest.raises(BaseExceptionGroup) as caught:
        in_no_time(run.run())
    assert caught.group_contains(RuntimeError, match="a bug")


# -------------------------------------------------------------------------------------------------------------------------- again
def test_again_measures_a_row_its_ancestors_and_what_needs_it() -> None:
    probes = Probes({"dns:h": resolves("192.0.2.7"), "tcp:h": refuses})
    run, _ = session(probes, *CHAIN, check("tcp:other", "dns:h"), check("ntp:x"))

    async def twice() -> None:
        await run.run()
        assert run.state.results["tls:h"].not_run == "needs"
        probes.scripts["tcp:h"] = gives(MockStream())
        probes.log.clear()
        await run.again(["tcp:h"])

    in_no_time(twice())
    assert probes.order() == ["dns:h", "tcp:h", "tls:h", "http:h"]
    assert run.state.results["http:h"].observation is not None
    assert run.state.ended == "done"
    assert set(run.state.results) == set(run.state.checks)


def test_again_leaves_what_was_not_asked_for_as_it_is() -> None:
    probes = Probes()
    run, _ = session(probes, check("tcp:a"), check("tcp:b"))

    async def twice() -> None:
        await run.run()
        kept = run.state.results["tcp:b"]
        await run.again(["tcp:a"])
        assert run.state.results["tcp:b"] is kept

    in_no_time(twice())
    assert probes.order() == ["tcp:a", "tcp:b", "tcp:a"]


def test_again_has_a_deadline_of_its_own() -> None:
    probes = Probes({"tcp:a": silent})
    run, _ = session(probes, check("tcp:a"), deadline=3.0)

    async def twice() -> None:
        await run.run()
        assert run.state.ended == "deadline"
        probes.scripts["tcp:a"] = after(2.0)
        await run.again(["tcp:a"])

    in_no_time(twice())
    assert run.state.ended == "done"
    assert run.state.reading("tcp:a").status is Status.PASS


# ------------------------------------------------------------------------------------------------------------------------- bounds
def test_one_host_gets_few_at_a_time() -> None:
    probes = Probes({f"tcp:{n}": after(1) for n in range(40)})
    run, _ = session(probes, *(check(f"tcp:{n}") for n in range(40)))
    in_no_time(run.run())
    assert probes.most == AT_ONCE_PER_HOST


def test_all_hosts_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.session.AT_ONCE", 7)
    probes = Probes({f"tcp:{n}": after(1) for n in range(40)})
    run, _ = session(probes, *(check(f"tcp:{n}", host=f"h{n}") for n in range(40)))
    in_no_time(run.run())
    assert probes.most == 7


def test_what_the_vantage_cannot_do_is_skipped_with_the_reason() -> None:
    probes = Probes(needs=frozenset({Capability.UDP}))
    run, _ = session(probes, check("ntp:a"), check("http:b", "ntp:a"), vantage=FakeVantage(capabilities=frozenset({Capability.TCP})))
    state = in_no_time(run.run())
    assert (state.results["ntp:a"].not_run, state.results["ntp:a"].reason) == ("vantage", "udp")
    assert state.results["http:b"].not_run == "needs"
    assert state.reading("ntp:a").status is Status.SKIP
    assert probes.order() == []


# ------------------------------------------------------------------------------------------------------------------------- wishes
def test_wishes_are_planted_once_and_honoured_after_the_last_result() -> None:
    wish = check("ssh:wished")

    def ask(state: State) -> tuple[Check, ...]:
        return (wish,) if "tcp:a" in state.results else ()

    probes = Probes({"tcp:a": after(1)})
    run, events = session(probes, check("tcp:a"), ask_further=ask)
    state = in_no_time(run.run())
    assert probes.order() == ["tcp:a", "ssh:wished"]
    assert state.results["ssh:wished"].observation is not None
    assert [e.checks for e in events if isinstance(e, ChecksAdded)] == [(wish,)]


def test_a_wish_that_needs_another_wish_waits_for_it() -> None:
    wishes = (check("tcp:w"), check("ssh:w", "tcp:w"))
    probes = Probes({"tcp:w": gives(MockStream())})
    run, _ = session(probes, check("tcp:a"), ask_further=lambda state: wishes if "tcp:a" in state.results else ())
    in_no_time(run.run())
    assert probes.order() == ["tcp:a", "tcp:w", "ssh:w"]
    assert probes.given["ssh:w"][0].stream is not None


def test_nothing_is_wished_for_when_hardly_any_time_is_left() -> None:
    probes = Probes({"tcp:a": after(9.5)})
    run, _ = session(probes, check("tcp:a"), ask_further=lambda state: (check("ssh:w"),) if "tcp:a" in state.results else ())
    in_no_time(run.run())
    assert probes.order() == ["tcp:a"]


# ------------------------------------------------------------------------------------------------------------------------- events
def test_events_come_in_order_and_fold_to_the_same_state() -> None:
    probes = Probes({"dns:h": resolves("192.0.2.7"), "tcp:h": silent, "ntp:x": after(1)})
    run, events = session(probes, *CHAIN, check("ntp:x"), ask_further=lambda s: (check("ssh:w"),) if "ntp:x" in s.results else ())

    async def twice() -> None:
        await run.run()
        await run.again(["tcp:h"])

    in_no_time(twice())
    assert isinstance(events[0], SessionStarted)
    assert [e.at for e in events] == sorted(e.at for e in events)
    replayed = State()
    for event in events:
        replayed.fold(event)
    assert replayed == run.state
    started = [e.id for e in events if isinstance(e, CheckStarted)]
    finished = [e.result.check.id for e in events if isinstance(e, CheckDone)]
    assert set(started) <= set(finished)


def test_the_diagnosis_is_told_only_when_it_has_changed() -> None:
    run, events = session(Probes(), *(check(f"tcp:{n}", host=f"h{n}") for n in range(6)))
    in_no_time(run.run())
    told = [e.diagnosis for e in events if isinstance(e, Diagnosing)]
    assert all(one != other for one, other in pairwise(told))


def test_the_first_blocker_is_told_as_soon_as_it_can_be_known() -> None:
    probes = Probes({"tcp:a": refuses, "tcp:b": silent})
    run, events = session(probes, check("tcp:a"), check("tcp:b", tries=3, host="other"))
    in_no_time(run.run())
    first = next(e.at for e in events if isinstance(e, Diagnosing) and e.diagnosis.findings)
    assert first < 1000


def test_a_session_that_runs_again_forgets_the_run_before() -> None:
    probes = Probes({"tcp:a": refuses})
    run, _ = session(probes, check("tcp:a"))

    async def twice() -> None:
        await run.run()
        assert run.state.diagnosis.findings
        probes.scripts["tcp:a"] = opens
        await run.run()

    in_no_time(twice())
    assert not run.state.diagnosis.findings
    assert run.state.elapsed_ms < 5000


