"""Paths of real routers with a fault at a known place: both engines must see the same hops, and the reading must name the place."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing, contextmanager, suppress
from dataclasses import replace
from types import MappingProxyType

import pytest

from aetui.observations import Outcome
from aetui.path import fold, remote
from aetui.path.analysis import read
from aetui.path.engines import Choice
from aetui.path.records import Flow, Method, Problem, Proto, ReplyKind, Trace
from aetui.path.run import Options, trace, trace_from_jump, watch
from aetui.path.tracer import Request, Tracer
from aetui.records import VantageInfo
from aetui.vantage.base import Connection
from aetui.vantage.local import LocalVantage
from lab.chain import Chain, chain, rules
from lab.standpoint import Standpoint

pytestmark = pytest.mark.usefixtures("surroundings")

WORKS, FAILS = 443, 2022
SIX = 6
"""Routers of the chain that most faults are put into."""
METHODS = (Choice.SCAPY, Choice.SOCKET)


@pytest.fixture(scope="module")
def six(surroundings: None) -> Iterator[Chain]:
    with built(SIX, "q") as made:
        made.listen(made.server, WORKS)
        made.listen(made.server, FAILS)
        made.settle()
        yield made


@pytest.fixture(scope="module")
def thirty(surroundings: None) -> Iterator[Chain]:
    with built(29, "t") as made:
        made.listen(made.server, WORKS)
        made.listen(made.server, FAILS)
        made.settle()
        yield made


_standpoints: dict[int, Standpoint] = {}


@contextmanager
def built(routers: int, prefix: str, nets: Mapping[int, str] = MappingProxyType({})) -> Iterator[Chain]:
    """A chain, with its standpoint closed after it."""
    with chain(routers, prefix, nets) as made:
        try:
            yield made
        finally:
            standing = _standpoints.pop(id(made), None)
            if standing is not None:
                standing.close()


def standpoint(made: Chain) -> Standpoint:
    """The chain's own, made when first needed."""
    if id(made) not in _standpoints:
        _standpoints[id(made)] = Standpoint(made)
    return _standpoints[id(made)]


def traces(
    made: Chain, port: int | None, options: Options | None = None, host: str | None = None, methods: Sequence[Choice] = METHODS
) -> dict[Choice, Trace]:
    """The same trace by each engine, from the client."""
    here, wanted = standpoint(made), options or Options()
    return {method: here.do(trace(host or made.target, port, replace(wanted, method=method), engines=here.engines)) for method in methods}


def shape(found: Trace) -> list[tuple[str | None, str, tuple[int, int] | None]]:
    return [(hop.address, hop.reply.value, (hop.icmp.type, hop.icmp.code) if hop.icmp else None) for hop in found.hops]


def agreed(made: Chain, port: int | None, options: Options | None = None, host: str | None = None) -> Trace:
    """What both engines say; they must say the same, hop by hop."""
    found = traces(made, port, options, host)
    raw, plain = found[Choice.SCAPY], found[Choice.SOCKET]
    assert (raw.method, plain.method) == (Method.SCAPY, Method.SOCKET)
    assert shape(raw) == shape(plain)
    assert (raw.outcome, raw.reached, raw.rejected_by, raw.dies_after) == (
        plain.outcome,
        plain.reached,
        plain.rejected_by,
        plain.dies_after,
    )
    assert set(raw.suspects) == set(plain.suspects)
    return raw


def addresses(found: Trace) -> list[str | None]:
    return [hop.address for hop in found.hops]


# --------------------------------------------------------------------------------------------------- whole paths
@pytest.mark.parametrize("proto", list(Proto))
def test_both_engines_see_every_hop_of_six(six: Chain, proto: Proto) -> None:
    found = agreed(six, WORKS if proto is Proto.TCP else None, Options(proto=proto))
    assert found.reached
    assert addresses(found) == [six.right(link) for link in range(SIX + 1)]


@pytest.mark.parametrize("proto", list(Proto))
def test_both_engines_see_every_hop_of_six_over_ipv6(six: Chain, proto: Proto) -> None:
    found = agreed(six, WORKS if proto is Proto.TCP else None, Options(proto=proto), six.target6)
    assert found.reached
    assert addresses(found) == [six.right6(link) for link in range(SIX + 1)]


@pytest.mark.parametrize("proto", list(Proto))
def test_both_engines_see_every_hop_of_thirty(thirty: Chain, proto: Proto) -> None:
    found = agreed(thirty, WORKS if proto is Proto.TCP else None, Options(proto=proto))
    assert found.reached
    assert addresses(found) == [thirty.right(link) for link in range(30)]


@pytest.mark.parametrize("routers", [2, 10])
def test_both_engines_see_paths_of_three_and_eleven(surroundings: None, routers: int) -> None:
    with built(routers, f"n{routers}x") as made:
        found = agreed(made, 9)
        assert (found.outcome, found.reached) == (Outcome.REFUSED, True)
        assert addresses(found) == [made.right(link) for link in range(routers + 1)]


def test_a_target_that_is_the_first_router_is_one_hop(six: Chain) -> None:
    found = agreed(six, 9, host=six.right(0))
    assert (addresses(found), found.outcome) == ([six.right(0)], Outcome.REFUSED)


def test_a_port_that_nobody_listens_on_is_refused_by_the_server_itself(six: Chain) -> None:
    found = agreed(six, 9)
    assert (found.outcome, found.reached, found.suspects) == (Outcome.REFUSED, True, ())
    assert found.notes == ()


# --------------------------------------------------------------------------------------------------------- drops
@pytest.mark.parametrize("position", range(1, SIX + 1))
def test_a_port_dropped_in_the_forward_chain_names_that_hop_and_the_next(six: Chain, position: int) -> None:
    with six.fault(position, rules("forward", f"tcp dport {FAILS} drop")):
        found = agreed(six, FAILS, Options(compare=WORKS))
    assert (found.outcome, found.dies_after) == (Outcome.FILTERED, position)
    assert found.suspects == (six.right(position - 1), six.right(position))


@pytest.mark.parametrize("position", range(1, SIX + 1))
def test_a_port_dropped_before_routing_names_the_hop_before_and_that_hop(six: Chain, position: int) -> None:
    with six.fault(position, rules("prerouting", f"tcp dport {FAILS} drop", priority=-300)):
        found = agreed(six, FAILS, Options(compare=WORKS))
    assert (found.outcome, found.dies_after) == (Outcome.FILTERED, position - 1 or None)
    assert found.suspects == tuple(six.right(link) for link in (position - 2, position - 1) if link >= 0)


def test_a_port_dropped_by_the_server_itself_names_the_last_router_and_the_server(six: Chain) -> None:
    with six.fault(six.server, rules("input", f"tcp dport {FAILS} drop")):
        found = agreed(six, FAILS, Options(compare=WORKS))
    assert (found.dies_after, found.suspects) == (SIX, (six.right(SIX - 1), six.target))


def test_answers_dropped_on_the_way_back_look_like_a_drop_at_the_server(six: Chain) -> None:
    with six.fault(3, rules("forward", f"tcp sport {FAILS} drop")):
        found = agreed(six, FAILS, Options(compare=WORKS))
    assert (found.outcome, found.dies_after) == (Outcome.FILTERED, SIX)


@pytest.mark.parametrize("position", [1, 9, 17, 25, 29])
def test_a_drop_is_found_wherever_it_is_on_a_path_of_thirty(thirty: Chain, position: int) -> None:
    with thirty.fault(position, rules("forward", f"tcp dport {FAILS} drop")):
        found = agreed(thirty, FAILS, Options(compare=WORKS))
    assert (found.dies_after, found.suspects) == (position, (thirty.right(position - 1), thirty.right(position)))


def test_a_port_to_compare_with_is_found_without_being_named(six: Chain) -> None:
    with six.fault(4, rules("forward", f"tcp dport {FAILS} drop")):
        found = agreed(six, FAILS)
    assert found.compared_with is not None
    assert (found.compared_with.port, found.suspects) == (WORKS, (six.right(3), six.right(4)))


def test_a_blackhole_route_is_silence_after_the_router_before(six: Chain) -> None:
    six.batch(3, f"route add blackhole {six.target}/32")
    try:
        found = agreed(six, WORKS, Options(find_compare=False))
    finally:
        six.batch(3, f"route del blackhole {six.target}/32")
    assert (found.outcome, found.dies_after) == (Outcome.FILTERED, 2), "Linux looks for a route before it looks at the TTL"


# ---------------------------------------------------------------------------------------------------- rejections
ICMP_CODES = [
    ("net-unreachable", 0, Outcome.UNREACHABLE),
    ("host-unreachable", 1, Outcome.UNREACHABLE),
    ("prot-unreachable", 2, Outcome.REJECTED),
    ("port-unreachable", 3, Outcome.REJECTED),
    ("net-prohibited", 9, Outcome.REJECTED),
    ("host-prohibited", 10, Outcome.REJECTED),
    ("admin-prohibited", 13, Outcome.REJECTED),
]


@pytest.mark.parametrize(("name", "code", "outcome"), ICMP_CODES, ids=[row[0] for row in ICMP_CODES])
@pytest.mark.parametrize("position", range(1, SIX + 1))
def test_a_rejection_names_its_sender_and_its_code(six: Chain, position: int, name: str, code: int, outcome: Outcome) -> None:
    with six.fault(position, rules("forward", f"tcp dport {FAILS} reject with icmp type {name}", family="ip")):
        found = agreed(six, FAILS, Options(find_compare=False))
    sender = six.right(position - 1)
    assert (found.outcome, found.reached, found.dies_after, found.suspects) == (outcome, False, position, (sender,))
    assert found.rejected_by == (sender if outcome is Outcome.REJECTED else None)
    assert found.hops[-1].icmp is not None
    assert (found.hops[-1].icmp.type, found.hops[-1].icmp.code) == (3, code)
    assert found.verdict.startswith(f"{sender}, at hop {position}, "), "the router's own place, which the last packet left by one"


ICMP6_CODES = [
    ("no-route", 0, Outcome.UNREACHABLE),
    ("admin-prohibited", 1, Outcome.REJECTED),
    ("addr-unreachable", 3, Outcome.UNREACHABLE),
    ("port-unreachable", 4, Outcome.REJECTED),
]


@pytest.mark.parametrize(("name", "code", "outcome"), ICMP6_CODES, ids=[row[0] for row in ICMP6_CODES])
def test_a_rejection_over_ipv6_names_its_sender_and_its_code(six: Chain, name: str, code: int, outcome: Outcome) -> None:
    with six.fault(3, rules("forward", f"tcp dport {FAILS} reject with icmpv6 type {name}", family="ip6")):
        found = agreed(six, FAILS, Options(find_compare=False), six.target6)
    assert (found.outcome, found.dies_after, found.suspects) == (outcome, 3, (six.right6(2),))
    assert found.hops[-1].icmp is not None
    assert (found.hops[-1].icmp.type, found.hops[-1].icmp.code) == (1, code)


@pytest.mark.parametrize("position", range(1, SIX + 1))
def test_a_reset_that_the_server_did_not_send_is_found_at_each_position(six: Chain, position: int) -> None:
    with six.fault(position, rules("forward", f"tcp dport {FAILS} reject with tcp reset")):
        found = traces(six, FAILS, Options(compare=WORKS))
    for method, one in found.items():
        if method is Choice.SOCKET and position == SIX:
            assert one.outcome is Outcome.REFUSED, "the last router's reset stands at the server's distance, and sockets do not see its TTL"
            continue
        assert (one.outcome, one.reached, one.rejected_by, one.dies_after) == (Outcome.REJECTED, False, None, position)
        assert set(one.suspects) == {six.right(position - 1), six.right(position)}
        assert "middlebox" in one.hops[-1].notes
    assert found[Choice.SCAPY].suspects[0] == six.right(position - 1), "its own answers came back as far as the reset did"


def test_the_servers_own_firewall_that_rejects_is_told_from_a_refusal(six: Chain) -> None:
    with six.fault(six.server, rules("input", f"tcp dport {FAILS} reject with icmp type port-unreachable", family="ip")):
        found = agreed(six, FAILS, Options(find_compare=False))
    assert (found.outcome, found.reached, found.rejected_by) == (Outcome.REJECTED, True, six.target)


# -------------------------------------------------------------------------------------------------------- proxies
@pytest.mark.parametrize("position", range(1, SIX + 1))
def test_a_transparent_proxy_is_found_where_it_stands(six: Chain, position: int) -> None:
    six.listen(position, 3128)
    with six.fault(position, rules("prerouting", "tcp dport 80 redirect to :3128", kind="nat", family="ip", priority=-100)):
        found = agreed(six, 80, Options(compare=WORKS))
    assert (found.outcome, found.reached) == (Outcome.OPEN, False)
    assert "transparent-proxy" in found.hops[position - 1].notes
    assert found.suspects == (six.right(position - 1),)


# ---------------------------------------------------------------------------------- silence, limits, loss, balance
def test_silent_hops_are_holes_and_nothing_more(six: Chain) -> None:
    quiet = rules("output", "icmp type time-exceeded drop", family="ip")
    with six.fault(2, quiet), six.fault(4, quiet), six.fault(5, quiet):
        found = agreed(six, WORKS)
        failing = rules("forward", f"tcp dport {FAILS} drop")
        with six.fault(6, failing):
            dropped = agreed(six, FAILS, Options(compare=WORKS))
    expected = [None if hop in {2, 4, 5} else six.right(hop - 1) for hop in range(1, SIX + 2)]
    assert (addresses(found), found.outcome) == (expected, Outcome.OPEN)
    assert (dropped.dies_after, dropped.suspects) == (6, (six.right(5), six.target))


def test_behind_silent_hops_the_next_that_the_comparison_shows_is_the_suspect(six: Chain) -> None:
    quiet = rules("output", "icmp type time-exceeded drop", family="ip")
    with six.fault(4, quiet), six.fault(3, rules("forward", f"tcp dport {FAILS} drop")):
        found = agreed(six, FAILS, Options(compare=WORKS))
    assert (found.dies_after, found.suspects) == (3, (six.right(2), six.right(4)))


def test_a_router_that_limits_its_answers_is_never_called_lossy(six: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.path.tracer.ROUND_S", 0.03)
    limit = rules(
        "output", "icmp type time-exceeded limit rate 2/second burst 2 packets accept", "icmp type time-exceeded drop", family="ip"
    )
    with six.fault(2, limit), six.fault(5, limit):
        found = agreed_on_notes(six, Options(rounds=15))
    assert found == {2: {"rate-limited"}, 5: {"rate-limited"}}


def test_packets_lost_on_the_way_are_loss_from_there_on(six: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.path.tracer.ROUND_S", 0.01)
    with six.fault(3, rules("forward", "ip daddr 10.9.6.2 numgen random mod 100 < 50 drop", family="ip")):
        found = agreed_on_notes(six, Options(rounds=40))
    assert found == {hop: {"loss"} for hop in range(4, SIX + 2)}


def agreed_on_notes(made: Chain, options: Options) -> dict[int, set[str]]:
    """Which hops lose and which limit; the same by both engines."""
    told = [
        {hop.ttl: set(hop.notes) & {"loss", "rate-limited"} for hop in found.hops if {"loss", "rate-limited"} & set(hop.notes)}
        for found in traces(made, WORKS, options).values()
    ]
    assert told[0] == told[1]
    return told[0]


def test_hops_drop_a_port_and_stay_silent_on_a_path_of_thirty(thirty: Chain) -> None:
    quiet = rules("output", "icmp type time-exceeded drop", family="ip")
    with (
        thirty.fault(5, quiet),
        thirty.fault(12, quiet),
        thirty.fault(13, quiet),
        thirty.fault(20, rules("forward", f"tcp dport {FAILS} drop")),
    ):
        found = agreed(thirty, FAILS, Options(compare=WORKS))
    assert [hop.ttl for hop in found.hops if hop.address is None] == [5, 12, 13, 21]
    assert (found.dies_after, found.suspects) == (20, (thirty.right(19), thirty.right(20)))


@pytest.fixture
def forked(surroundings: None) -> Iterator[Chain]:
    """Behind router 2 two ways of two routers each, shared out by flow, that meet again in router 5."""
    with built(6, "e") as made:
        for name in ("ex3", "ex4"):
            made.node(name)
        made.link(2, "ex3", "10.8.2")
        made.link("ex3", "ex4", "10.8.3")
        made.link("ex4", 5, "10.8.4")
        made.batch(2, f"route replace default nexthop via {made.right(2)} nexthop via 10.8.2.2")
        made.batch("ex3", "route add default via 10.8.3.2", "route add 10.9.0.0/24 via 10.8.2.1")
        made.batch("ex4", "route add default via 10.8.4.2", "route add 10.9.0.0/24 via 10.8.3.1")
        for node, device, address in (
            (2, "toex3", "2::1"), ("ex3", "toe2", "2::2"), ("ex3", "toex4", "3::1"), ("ex4", "toex3", "3::2"), ("ex4", "toe5", "4::1"),
            (5, "toex4", "4::2"),
        ):  # fmt: skip
            made.batch(node, f"addr add fd08:0:0:{address}/64 dev {device} nodad")
        ways = ("nexthop", "via", made.right6(2), "dev", "east2", "nexthop", "via", "fd08:0:0:2::2", "dev", "toex3")
        made.run(2, "ip", "-6", "route", "replace", "default", *ways)
        made.batch("ex3", "route add default via fd08:0:0:3::2", "route add fd09::/64 via fd08:0:0:2::1")
        made.batch("ex4", "route add default via fd08:0:0:4::2", "route add fd09::/64 via fd08:0:0:3::1")
        made.listen(made.server, WORKS)
        made.listen(made.server, WORKS, socket.AF_INET6)
        made.settle()
        yield made


def test_one_flow_takes_one_branch_and_other_flows_show_the_other(forked: Chain) -> None:
    branches = {(forked.right(2), forked.right(3)), ("10.8.2.2", "10.8.3.2")}
    both_seen = False
    for _ in range(4):
        for found in traces(forked, WORKS, Options(multipath=True)).values():
            pair = found.hops[2].address, found.hops[3].address
            assert pair in branches, "a path that no packet takes"
            assert found.reached
            third = found.hops[2]
            assert {third.address, *third.others} <= {forked.right(2), "10.8.2.2"}
            assert ("load-balanced" in third.notes) is bool(third.others)
            both_seen = both_seen or bool(third.others)
    assert both_seen, "eight traces of seven flows each and never both branches"


def test_over_ipv6_one_flow_takes_one_branch_and_other_flows_show_the_other(forked: Chain) -> None:
    branches = {(forked.right6(2), forked.right6(3)), ("fd08:0:0:2::2", "fd08:0:0:3::2")}
    both_seen = False
    for _ in range(4):
        for found in traces(forked, WORKS, Options(multipath=True), forked.target6).values():
            assert (found.hops[2].address, found.hops[3].address) in branches, "a path that no packet takes"
            assert found.reached
            both_seen = both_seen or bool(found.hops[2].others)
    assert both_seen, "eight traces of seven flows each and never both branches"


# ------------------------------------------------------------------------------------------ translation, ways back
def test_two_translators_leave_every_hop_in_its_place(six: Chain) -> None:
    masquerade = rules("postrouting", "oifname east* masquerade", kind="nat", family="ip", priority=100)
    with six.fault(1, masquerade), six.fault(3, masquerade):
        found = agreed(six, WORKS)
    assert found.reached
    assert addresses(found) == [six.right(link) for link in range(SIX + 1)]


def test_two_translators_that_leave_quotes_as_they_are_are_counted_by_raw_packets(six: Chain) -> None:
    for node in range(3, six.server + 1):
        six.batch(node, f"route add 10.66.0.0/16 via {six.left(node - 1)}")
    out2, back2 = "ip saddr 10.9.0.1 ip saddr set 10.66.2.1", "ip daddr 10.66.2.1 ip daddr set 10.9.0.1"
    out4, back4 = "ip saddr 10.66.2.1 ip saddr set 10.66.4.1", "ip daddr 10.66.4.1 ip daddr set 10.66.2.1"
    try:
        with (
            six.fault(2, rules("postrouting", f"oifname east2 {out2}") + rules("prerouting", f"iifname east2 {back2}", priority=-300)),
            six.fault(4, rules("postrouting", f"oifname east4 {out4}") + rules("prerouting", f"iifname east4 {back4}", priority=-300)),
        ):
            found = traces(six, WORKS, methods=(Choice.SCAPY,))[Choice.SCAPY]
    finally:
        for node in range(3, six.server + 1):
            six.batch(node, "route del 10.66.0.0/16")
    assert addresses(found) == [six.right(link) for link in range(SIX + 1)]
    assert (found.reached, found.nat) == (True, 2)


def test_a_port_forward_shows_itself_by_the_targets_own_time_exceeded(six: Chain) -> None:
    forward = rules(
        "prerouting", f"ip daddr {six.right(2)} tcp dport 3389 dnat to {six.target}:{WORKS}", kind="nat", family="ip", priority=-100
    )
    with six.fault(3, forward):
        found = agreed(six, 3389, Options(find_compare=False), six.right(2))
    assert (found.outcome, found.nat) == (Outcome.OPEN, 1)
    assert any("port-forward" in hop.notes for hop in found.hops)


def test_a_way_back_of_another_length_is_told_from_where_it_begins(surroundings: None) -> None:
    with built(5, "a") as made:
        for name in ("ax1", "ax2"):
            made.node(name)
        made.link(3, "ax1", "10.8.1")
        made.link("ax1", "ax2", "10.8.2")
        made.link("ax2", 2, "10.8.3")
        made.batch(3, "route replace 10.9.0.0/24 via 10.8.1.2")
        made.batch("ax1", "route add 10.9.0.0/24 via 10.8.2.2")
        made.batch("ax2", "route add 10.9.0.0/24 via 10.8.3.2")
        made.listen(made.server, WORKS)
        found = agreed(made, WORKS)
        assert [hop.ttl for hop in found.hops if "asymmetric" in hop.notes][:3] == [3, 4, 5]
        assert addresses(found)[:2] == [made.right(0), made.right(1)]
        assert "asymmetric" in found.notes


def test_a_loop_names_the_routers_that_packets_go_round_between(surroundings: None) -> None:
    with built(4, "l") as made:
        made.batch(3, f"route add {made.target}/32 via {made.left(2)}")
        found = agreed(made, WORKS, Options(find_compare=False, last=12))
        assert (found.outcome, found.reached) == (Outcome.UNREACHABLE, False)
        assert "loop" in found.notes
        assert len(found.suspects) == 2


def test_addresses_of_every_realm_are_placed(surroundings: None) -> None:
    with built(4, "p", {0: "192.168.50", 1: "100.64.7", 2: "198.51.100", 3: "198.18.3", 4: "203.0.113"}) as made:
        made.listen(made.server, WORKS)
        found = agreed(made, WORKS)
        assert [hop.notes for hop in found.hops] == [("own-router", "private"), ("carrier-nat",), ("isp",), (), ()]
        assert found.nat == 2


@pytest.mark.parametrize("method", METHODS)
def test_a_live_trace_follows_a_port_through_the_firewall_that_is_opened_meanwhile(six: Chain, method: Choice) -> None:
    here, closed = standpoint(six), ExitStack()

    async def go() -> tuple[int | None, Trace]:
        before: list[int | None] = []
        wanted = Options(method=method, find_compare=False)
        async with asyncio.timeout(20), aclosing(watch(six.target, WORKS, wanted, engines=here.engines)) as states:
            async for state in states:
                if not before and state.outcome is Outcome.FILTERED and state.hops and state.hops[0].sent > 1:
                    before.append(state.dies_after)
                    await asyncio.to_thread(closed.close)
                if before and state.outcome is Outcome.OPEN:
                    return before[0], state
        raise AssertionError("the trace ended by itself")

    with closed:
        closed.enter_context(six.fault(3, rules("forward", f"tcp dport {WORKS} drop")))
        before, found = here.do(go())
    assert before == 3
    assert addresses(found) == [six.right(link) for link in range(SIX + 1)]
    assert not [note for hop in found.hops for note in hop.notes if note in {"loss", "rate-limited"}]


# ------------------------------------------------------------------------------------------------------------ MTU
def test_a_step_in_packet_size_is_named_with_its_router(surroundings: None) -> None:
    with built(5, "m") as made:
        made.batch(3, "link set east3 mtu 1400")
        made.batch(4, "link set west4 mtu 1400")
        found = traces(made, 9, Options(mtu=True), methods=(Choice.SOCKET,))[Choice.SOCKET]
        assert found.mtu is not None
        assert (found.mtu.path, found.mtu.steps, found.mtu.black_hole_after) == (1400, ((made.right(2), 1400),), None)


def test_a_black_hole_for_full_size_packets_is_found_with_its_size_and_place(six: Chain) -> None:
    with six.fault(4, rules("forward", "meta length > 1300 drop")):
        found = traces(six, WORKS, Options(mtu=True), methods=(Choice.SOCKET,))[Choice.SOCKET]
    assert found.mtu is not None
    assert 1300 - 4 <= found.mtu.path <= 1300
    assert (found.mtu.steps, found.mtu.black_hole_after) == ((), 4)
    assert [entry.cause for entry in found.diagnosis] == ["mtu-blackhole"]


# -------------------------------------------------------------------------------------------------- this machine
def test_what_this_machine_has_no_route_to_is_said_and_nobody_accused(six: Chain) -> None:
    six.batch(0, "route del default")
    try:
        found = agreed(six, WORKS, host="203.0.113.9")
    finally:
        six.batch(0, f"route add default via {six.right(0)}")
    assert found.problem is not None
    assert (found.problem.code, found.suspects, found.diagnosis) == ("no-route", (), ())


def test_what_this_machine_itself_forbids_is_a_problem_and_no_hop_is_accused(six: Chain) -> None:
    with six.fault(0, rules("output", f"tcp dport {FAILS} drop")):
        found = traces(six, FAILS, Options(find_compare=False))
    assert found[Choice.SCAPY].problem is not None
    assert found[Choice.SCAPY].problem.code == "denied"
    for one in found.values():
        assert not one.suspects


def test_an_address_that_nobody_has_behind_the_last_router_is_unreachable_by_its_word(six: Chain) -> None:
    nobody = six.target.rsplit(".", 1)[0] + ".77"
    found = traces(six, WORKS, Options(find_compare=False), nobody)
    for one in found.values():
        assert one.outcome in {Outcome.FILTERED, Outcome.UNREACHABLE}
        assert one.dies_after == SIX


def test_ipv6_listens_too(six: Chain) -> None:
    six.listen(six.server, 8443, socket.AF_INET6)
    found = agreed(six, 8443, host=six.target6)
    assert (found.outcome, found.hops[-1].reply) == (Outcome.OPEN, ReplyKind.SYN_ACK)


# ----------------------------------------------------------------------------------- rights, jump hosts, one flow
def test_without_any_right_the_path_is_the_same(six: Chain) -> None:
    program = (
        "import asyncio, json\nfrom aetui.path.run import Options, trace\nfrom aetui.path.publish import to_json\n"
        f"print(json.dumps(to_json(asyncio.run(trace({six.target!r}, {WORKS})))))"
    )
    somebody = ("--reuid", "65534", "--regid", "65534", "--clear-groups") if _nobody_may_run_it() else ()
    nobody = (
        "setpriv",
        *somebody,
        "--no-new-privs",
        "--bounding-set",
        "-all",
        "--inh-caps",
        "-all",
    )
    done = six.run(0, "env", "HOME=/", *nobody, sys.executable, "-c", program)
    found = json.loads(done)
    assert found["method"] == "socket"
    assert [hop["address"] for hop in found["hops"]] == addresses(agreed(six, WORKS))


def _nobody_may_run_it() -> bool:
    """False where this interpreter lies in a folder that only its owner may enter."""
    command = ["setpriv", "--reuid", "65534", "--clear-groups", sys.executable, "-c", "import aetui.path.run"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Jump:
    """A jump host that is a node of the chain: commands run there as they would by SSH."""

    def __init__(self, made: Chain, hidden: Sequence[str] = ()) -> None:
        self._made, self._hidden = made, hidden

    async def run(self, argv: Sequence[str], deadline: float) -> tuple[int, bytes] | None:
        if argv[0] in self._hidden:
            return 127, b""
        inside = ["ip", "netns", "exec", self._made.name(0), *argv]
        done = await asyncio.to_thread(subprocess.run, inside, capture_output=True, check=False)
        return done.returncode, done.stdout


@pytest.mark.parametrize("proto", list(Proto))
def test_a_jump_hosts_traceroute_gives_the_same_hops(six: Chain, proto: Proto) -> None:
    flow = Flow(six.target, WORKS if proto is Proto.TCP else None, proto)
    found = read(asyncio.run(remote.record(Jump(six), six.target, flow, 30)))
    assert (found.method, found.reached) == (Method.REMOTE, True)
    assert addresses(found) == [six.right(link) for link in range(SIX + 1)]


@pytest.mark.parametrize(("port", "outcome"), [(WORKS, Outcome.OPEN), (9, Outcome.REFUSED)])
def test_a_jump_hosts_traceroute_tells_open_from_refused(six: Chain, port: int, outcome: Outcome) -> None:
    assert read(asyncio.run(remote.record(Jump(six), six.target, Flow(six.target, port, Proto.TCP), 30))).outcome is outcome


def test_a_jump_host_with_tracepath_alone_is_traced_by_udp_and_says_so(six: Chain) -> None:
    recording = asyncio.run(remote.record(Jump(six, ("traceroute",)), six.target, Flow(six.target, WORKS, Proto.TCP), 30))
    assert recording.flow.proto is Proto.UDP
    assert addresses(read(recording)) == [six.right(link) for link in range(SIX + 1)]


class Elsewhere(Jump):
    """A jump host with ``tracepath`` alone, which connects too."""

    info = VantageInfo("jump", "noc")

    def __init__(self, made: Chain) -> None:
        super().__init__(made, ("traceroute",))

    async def connect(self, address: str, port: int, deadline: float) -> Connection:
        return await standpoint_connect(self._made, address, port, deadline)


async def standpoint_connect(made: Chain, address: str, port: int, deadline: float) -> Connection:
    """A connect from the chain's client."""

    def there() -> Connection:
        async def go() -> Connection:
            return await LocalVantage().connect(address, port, asyncio.get_running_loop().time() + 1.0)

        return asyncio.run(go())

    return await asyncio.to_thread(made.inside, 0, there)


@pytest.mark.parametrize(
    ("port", "dropped", "outcome", "said"),
    [
        (WORKS, False, Outcome.OPEN, f"answers on TCP port {WORKS}, {SIX + 1} hops away."),
        (9, False, Outcome.REFUSED, "refuses TCP port 9"),
        (FAILS, True, Outcome.FILTERED, "does not open from the jump host: filtered"),
    ],
)
def test_a_path_found_by_udp_says_how_the_port_itself_ends(six: Chain, port: int, dropped: bool, outcome: Outcome, said: str) -> None:
    with six.fault(4, rules("forward", f"tcp dport {FAILS} drop") if dropped else ""):
        found = asyncio.run(trace_from_jump(six.target, port, Options(), Elsewhere(six)))  # type: ignore[arg-type]
    assert (found.outcome, found.port, found.proto, found.reached) == (outcome, port, Proto.TCP, not dropped)
    assert addresses(found) == [six.right(link) for link in range(SIX + 1)]
    assert said in found.verdict
    assert (found.dies_after, found.suspects) == (None, ())


def test_a_jump_host_without_any_tool_is_skipped_with_the_reason(six: Chain) -> None:
    recording = asyncio.run(remote.record(Jump(six, ("traceroute", "tracepath")), six.target, Flow(six.target, WORKS, Proto.TCP), 30))
    assert recording.problem is not None
    assert recording.problem.code == "no-remote-tool"


def free(port: int) -> bool:
    """True where nobody has this TCP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("0.0.0.0", port))
        return True
    return False


@pytest.mark.parametrize("source_port", [40001, 40002, 40003, 40004, 40005, 40006])
def test_one_flow_is_one_path_whichever_engine_sends_it(forked: Chain, source_port: int) -> None:
    here = standpoint(forked)

    async def path(method: Choice) -> list[str | None]:
        flow = Flow(forked.target, WORKS, Proto.TCP, source_port)
        engine = await here.engines.choose(method, flow)
        assert not isinstance(engine, Problem)
        tracer = Tracer(engine, Request(forked.target, flow))
        try:
            recording = await tracer.first()
        finally:
            tracer.close()
        assert recording.problem is None
        return [hop.address for hop in fold.hops(recording)]

    async def given_up() -> None:
        """The helper keeps the flow's port for as long as it traces, and hears a little later that it is over."""
        async with asyncio.timeout(30):
            while not free(source_port):
                await asyncio.sleep(0.02)

    raw = here.do(path(Choice.SCAPY))
    here.do(given_up())
    plain = here.do(path(Choice.SOCKET))
    assert raw == plain
    assert (raw[2], raw[3]) in {(forked.right(2), forked.right(3)), ("10.8.2.2", "10.8.3.2")}


def test_a_black_hole_is_found_by_segment_size_on_the_port_itself(six: Chain) -> None:
    web = subprocess.Popen(
        ["ip", "netns", "exec", six.name(six.server), sys.executable, "-c", _WEB], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert web.stdout is not None
        assert web.stdout.readline() == b"ready\n"
        with six.fault(4, rules("forward", "tcp dport 80 meta length > 1300 drop", "tcp sport 80 meta length > 1300 drop")):
            found = traces(six, 80, Options(mtu=True), methods=(Choice.SOCKET,))[Choice.SOCKET]
        assert found.mtu is not None
        assert found.mtu.by_segment is not None
        assert 1280 <= found.mtu.by_segment <= 1300
        assert [entry.cause for entry in found.diagnosis] == ["mtu-blackhole"]
    finally:
        web.kill()
        web.wait()
        assert web.stdout is not None
        web.stdout.close()


_WEB = """
import http.server
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "4000"); self.end_headers(); self.wfile.write(b"x" * 4000)
server = http.server.ThreadingHTTPServer(("", 80), Page)
print("ready", flush=True)
server.serve_forever()
"""
