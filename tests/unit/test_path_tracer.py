"""The tracer over a path in memory: what is sent, what is kept, how it goes on, and that nothing stays open."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import aclosing

import pytest
from jumping import in_no_time
from path_simulated import Simulated

from aetui.observations import Outcome, TcpSeen
from aetui.path import compare, fold, run
from aetui.path.engine import Channel, Engine, Manners, Sink
from aetui.path.engines import Choice, Engines
from aetui.path.records import Flow, Method, Problem, Proto, Recording, ReplyKind
from aetui.path.run import Options, trace, watch
from aetui.path.tracer import Request, Tracer

TARGET = "203.0.113.9"
FLOW = Flow(TARGET, 443, Proto.TCP)
HOPS = ["192.168.50.1", "198.51.100.1", "198.51.100.5"]
ONE_AT_A_TIME = Manners(window=8, ahead=8, burst=2, spread_first=True)


async def _first(net: Simulated, last: int = 30) -> Recording:
    tracer = Tracer(net, Request(TARGET, FLOW, last))
    try:
        return await tracer.first()
    finally:
        tracer.close()


def _addresses(recording: Recording) -> list[str | None]:
    return [hop.address for hop in fold.hops(recording)]


async def test_the_first_path_is_complete_and_nothing_stays_open() -> None:
    net = Simulated(HOPS)
    recording = await _first(net)
    assert _addresses(recording) == [*HOPS, TARGET]
    assert net.open_now == 0
    assert recording.complete_ms is not None


async def test_one_constant_flow_is_sent_one_ttl_at_a_time_after_a_sweep_of_many() -> None:
    net = Simulated(HOPS, how=ONE_AT_A_TIME)
    recording = await _first(net)
    assert net.sent[-4:] == [1, 2, 3, 4]
    assert {shot.flow == 0 for shot in recording.shots[-4:]} == {True}
    assert max(net.sent) <= 4 + 8


async def test_a_sweep_of_many_flows_never_puts_another_branch_into_our_path() -> None:
    net = Simulated(["10.0.0.1", None, "10.0.2.1"], how=ONE_AT_A_TIME, other_branch=["10.0.0.9", "10.0.1.9", "10.0.2.9"])
    recording = await _first(net)
    assert _addresses(recording) == ["10.0.0.1", None, "10.0.2.1", TARGET]


async def test_replies_that_quote_too_little_are_claimed_one_at_a_time() -> None:
    net = Simulated(HOPS, mute=True)
    recording = await _first(net)
    assert _addresses(recording) == [*HOPS, TARGET]


async def test_silence_behind_a_hop_ends_and_is_tried_twice() -> None:
    recording = await _first(Simulated(HOPS, end=None), last=6)
    assert _addresses(recording) == [*HOPS, None]
    assert [shot.ttl for shot in recording.shots].count(4) == 2


async def test_what_cannot_be_opened_is_the_recordings_problem() -> None:
    recording = await _first(Simulated(HOPS, problem=Problem("no-route", "ENETUNREACH")))
    assert recording.problem == Problem("no-route", "ENETUNREACH")
    assert recording.shots == ()


async def test_rounds_ask_each_hop_once_more_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.path.tracer.ROUND_S", 0.0)
    net = Simulated(HOPS)
    tracer = Tracer(net, Request(TARGET, FLOW))
    await tracer.first()
    net.sent.clear()
    await tracer.rounds(3)
    tracer.close()
    assert sorted(net.sent) == sorted([1, 2, 3, 4] * 3)
    assert [hop.received for hop in fold.hops(tracer.recording)] == [4] * 4


@pytest.mark.parametrize("how", [Manners(), ONE_AT_A_TIME], ids=["all at once", "one at a time"])
async def test_a_live_trace_follows_the_path_on_as_soon_as_its_end_lets_the_port_through(monkeypatch: pytest.MonkeyPatch, how: Manners) -> None:
    monkeypatch.setattr("aetui.path.schedule.WAIT_S", 0.1)
    net = Simulated(HOPS[:2], end=None, how=how)
    tracer = Tracer(net, Request(TARGET, FLOW, last=12))
    await tracer.first()
    await tracer.round()
    assert _addresses(tracer.recording) == [*HOPS[:2], None]
    net.hops = [*HOPS, None, "198.51.100.9"]
    net.end = ReplyKind.SYN_ACK
    await tracer.round()
    assert _addresses(tracer.recording) == [*HOPS, None, "198.51.100.9", TARGET]
    assert [(hop.sent, hop.received) for hop in fold.hops(tracer.recording)][2] == (1, 1), "the silence before was no loss"
    net.sent.clear()
    await tracer.round()
    tracer.close()
    assert sorted(net.sent) == [1, 2, 3, 4, 5, 6]


def test_rounds_keep_their_pace_and_after_the_last_nothing_is_waited_for() -> None:
    async def main() -> tuple[Recording, float]:
        loop = asyncio.get_running_loop()
        began, tracer = loop.time(), Tracer(Simulated(HOPS), Request(TARGET, FLOW))
        await tracer.first()
        recording = await tracer.rounds(3)
        tracer.close()
        return recording, loop.time() - began

    recording, took = in_no_time(main())
    starts = [min(shot.sent_ms for shot in recording.shots if shot.round == number) for number in range(4)]
    assert [later - earlier for earlier, later in itertools.pairwise(starts[1:])] == pytest.approx([1000, 1000])
    assert took < 2.1


async def test_a_long_live_trace_forgets_its_oldest_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.path.tracer.ROUND_S", 0.0)
    monkeypatch.setattr("aetui.path.tracer.KEPT_ROUNDS", 3)
    tracer = Tracer(Simulated(HOPS, rtt_ms=0.1), Request(TARGET, FLOW))
    await tracer.first()
    await tracer.rounds(10)
    tracer.close()
    assert {shot.round for shot in tracer.recording.shots} == {8, 9, 10} | {7}


async def test_other_flows_show_the_other_branch_beside_our_own() -> None:
    net = Simulated(HOPS, other_branch=["192.168.50.1", "198.51.100.2", "198.51.100.6"])
    tracer = Tracer(net, Request(TARGET, FLOW, branches=2))
    await tracer.first()
    recording = await tracer.branches()
    tracer.close()
    hops = fold.hops(recording)
    assert [hop.address for hop in hops] == [*HOPS, TARGET]
    assert [hop.others for hop in hops] == [(), ("198.51.100.2",), ("198.51.100.6",), ()]


async def test_cancelling_a_trace_closes_its_channels() -> None:
    net = Simulated([None] * 20, end=None)
    task = asyncio.get_running_loop().create_task(_first(net))
    while not net.sent:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert net.open_now == 0


# ----------------------------------------------------------------------------------------------------- whole traces
class _Engines:
    """Engines that are one simulated path a port."""

    remark: Problem | None = None

    def __init__(self, by_port: dict[int, Simulated]) -> None:
        self.by_port = by_port
        self.socket: Engine = self

    method = next(iter([Simulated([]).method]))

    async def choose(self, choice: Choice, flow: Flow) -> Engine:
        return self

    def manners(self, flow: Flow) -> Manners:
        return Manners()

    async def open(self, flow: Flow, sink: object, *, spread: bool = False) -> object:
        return await self.by_port[flow.port or 0].open(flow, sink)  # type: ignore[arg-type]

    async def close(self) -> None:
        pass


def _engines(**by_port: Simulated) -> run.Engines:
    return _Engines({int(port[1:]): net for port, net in by_port.items()})  # type: ignore[return-value]


@pytest.fixture(autouse=True)
def no_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(version: int, vantage: object) -> None:
        return None

    monkeypatch.setattr("aetui.path.names.gateway", none)


async def test_a_failing_port_is_compared_with_one_that_a_run_saw_work() -> None:
    engines = _engines(p2022=Simulated(HOPS[:2], end=None), p8080=Simulated(HOPS))
    known = [TcpSeen(TARGET, 8080, Outcome.OPEN)]
    found = await trace(TARGET, 2022, Options(last=5), known=known, engines=engines)
    assert (found.outcome, found.dies_after, found.suspects) == (Outcome.FILTERED, 2, ("198.51.100.1", "198.51.100.5"))
    assert found.compared_with is not None
    assert found.compared_with.port == 8080
    assert found.verdict == "Silence after hop 2: 198.51.100.1 or the one after it, 198.51.100.5, drops TCP port 2022."


async def test_what_worked_before_and_does_not_now_gives_way_to_the_usual_ports() -> None:
    engines = _engines(p2022=Simulated(HOPS[:2], end=None), p8080=Simulated(HOPS[:1], end=None), p443=Simulated(HOPS))
    found = await trace(TARGET, 2022, Options(last=5), known=[TcpSeen(TARGET, 8080, Outcome.OPEN)], engines=engines)
    assert found.compared_with is not None
    assert (found.compared_with.port, found.suspects) == (443, ("198.51.100.1", "198.51.100.5"))


async def test_who_knows_what_worked_is_asked_for_a_failing_port_only() -> None:
    asked: list[str] = []

    def known(address: str) -> list[TcpSeen]:
        asked.append(address)
        return [TcpSeen(TARGET, 8080, Outcome.OPEN)]

    engines = _engines(p2022=Simulated(HOPS[:2], end=None), p443=Simulated(HOPS), p8080=Simulated(HOPS))
    assert (await trace(TARGET, 443, Options(last=5), known=known, engines=engines)).compared_with is None
    assert asked == []
    found = await trace(TARGET, 2022, Options(last=5), known=known, engines=engines)
    assert asked == [TARGET]
    assert found.compared_with is not None
    assert found.compared_with.port == 8080


async def test_a_slow_resolver_holds_up_no_round_of_a_live_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = asyncio.Event()

    async def slow(addresses: Sequence[str], vantage: object) -> dict[str, str]:
        await answered.wait()
        return dict.fromkeys(addresses, "gw.example")

    monkeypatch.setattr("aetui.path.names.of", slow)
    monkeypatch.setattr("aetui.path.tracer.ROUND_S", 0.01)
    monkeypatch.setattr("aetui.path.run.LIVE_S", 0.01)
    rounds = 0
    async with aclosing(watch(TARGET, 443, Options(last=5, names=True), engines=_engines(p443=Simulated(HOPS)))) as states:
        async for state in states:
            rounds = max(rounds, state.hops[0].sent if state.hops else 0)
            if rounds > 3 and not answered.is_set():
                assert state.hops[0].name is None
                answered.set()
            if state.hops and state.hops[0].name:
                break
    assert rounds > 3


async def test_without_any_knowledge_the_usual_ports_are_tried_and_one_that_works_is_taken() -> None:
    engines = _engines(p2022=Simulated(HOPS[:2], end=None), p443=Simulated(HOPS[:2], end=None), p80=Simulated(HOPS))
    found = await trace(TARGET, 2022, Options(last=5), engines=engines)
    assert found.compared_with is not None
    assert (found.compared_with.port, found.suspects) == (80, ("198.51.100.1", "198.51.100.5"))


async def test_where_no_port_works_nothing_is_compared() -> None:
    net = Simulated(HOPS[:2], end=None)
    found = await trace(TARGET, 2022, Options(last=4), engines=_engines(p2022=net, p443=net, p80=net))
    assert found.compared_with is None
    assert found.suspects == ("198.51.100.1",)


async def test_an_open_port_is_compared_only_when_asked() -> None:
    engines = _engines(p443=Simulated(HOPS), p80=Simulated(HOPS, end=ReplyKind.RST))
    assert (await trace(TARGET, 443, Options(), engines=engines)).compared_with is None
    asked = await trace(TARGET, 443, Options(compare=80), engines=engines)
    assert asked.compared_with is not None
    assert asked.compared_with.outcome is Outcome.REFUSED


@pytest.mark.parametrize("proto", list(Proto))
async def test_whatever_is_traced_is_compared_with_a_tcp_port(monkeypatch: pytest.MonkeyPatch, proto: Proto) -> None:
    asked: list[tuple[Proto, int | None]] = []
    net = Simulated(HOPS)
    through = net.open

    async def noted(flow: Flow, sink: Sink, *, spread: bool = False) -> Channel | Problem:
        asked.append((flow.proto, flow.port))
        return await through(flow, sink, spread=spread)

    monkeypatch.setattr(net, "open", noted)
    await trace(TARGET, 53, Options(proto=proto, compare=80), engines=_engines(p53=net, p0=net, p80=net))
    assert (Proto.TCP, 80) in asked


class _Mortal(_Engines):
    """The better engine and the plain one, on the same path."""

    def __init__(self, helper: Simulated, plain: Simulated) -> None:
        super().__init__({443: helper})
        self.socket = plain


@pytest.mark.parametrize("lives", [2, 12, 30, 44], ids=["in the first path", "in the branches", "in a round", "in a later round"])
async def test_where_the_helper_dies_plain_sockets_go_on_whatever_was_being_done(monkeypatch: pytest.MonkeyPatch, lives: int) -> None:
    monkeypatch.setattr("aetui.path.tracer.ROUND_S", 0.0)
    monkeypatch.setattr("aetui.path.tracer.BRANCHES", 2)
    helper, plain = Simulated(HOPS, lives=lives), Simulated(HOPS)
    plain.method = Method.SOCKET
    engines: Engines = _Mortal(helper, plain)  # type: ignore[assignment]
    found = await trace(TARGET, 443, Options(multipath=True, rounds=8, last=8), engines=engines)
    assert len(helper.sent) > lives, "it died"
    assert (found.problem, found.outcome, found.method) == (None, Outcome.OPEN, Method.SOCKET)
    assert found.remark == Problem("helper", "it was ended by signal 9.")
    assert [hop.received for hop in found.hops if hop.ttl < 4] == [8] * 3
    assert helper.open_now == plain.open_now == 0


async def test_watching_shows_the_path_as_it_fills_in_and_then_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.path.tracer.ROUND_S", 0.0)
    monkeypatch.setattr("aetui.path.run.REDRAWN_S", 0.0)
    net = Simulated(HOPS, rtt_ms=5)
    states = []
    async with aclosing(watch(TARGET, 443, Options(), engines=_engines(p443=net))) as growing:
        async for state in growing:
            states.append(state)
            if state.hops and state.hops[-1].received >= 4:
                break
    assert states[-1].reached
    assert [len(state.hops) for state in states] == sorted(len(state.hops) for state in states)
    assert net.open_now == 0


async def test_a_problem_is_told_by_watching_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nowhere(host: str, family: int, vantage: object) -> Problem:
        return Problem("name-unknown", host)

    monkeypatch.setattr("aetui.path.names.address_of", nowhere)
    states = [state async for state in watch("no.such.name", 443, Options(), engines=_engines())]
    assert [state.problem for state in states] == [Problem("name-unknown", "no.such.name")]
    assert states[0].verdict == "The trace could not be made: no address was found for the name no.such.name: there is no such name, or no DNS server answers here."


# ---------------------------------------------------------------------------------------------------------- choices
SEEN = [
    TcpSeen(TARGET, 80, Outcome.OPEN),
    TcpSeen(TARGET, 443, Outcome.OPEN),
    TcpSeen("203.0.113.77", 443, Outcome.OPEN),
    TcpSeen("198.51.100.1", 443, Outcome.OPEN),
    TcpSeen(TARGET, 21, Outcome.FILTERED),
]


@pytest.mark.parametrize(
    ("seen", "port", "expected"),
    [
        (SEEN, 2022, (TARGET, 443)),
        (SEEN, 443, (TARGET, 80)),
        (SEEN[2:], 2022, ("203.0.113.77", 443)),
        (SEEN[3:], 2022, None),
        ([], 2022, None),
    ],
    ids=["the host's own port first", "never the traced port itself", "then its network", "no other network", "nothing known"],
)
def test_the_port_to_compare_with_is(seen: Sequence[TcpSeen], port: int, expected: tuple[str, int] | None) -> None:
    assert compare.choose(seen, TARGET, port) == (compare.Candidate(*expected) if expected else None)
