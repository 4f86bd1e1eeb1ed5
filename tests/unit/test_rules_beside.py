"""What a second vantage adds, a second machine with this one's address, and a right that is missing: what proves each, and what does not."""

from __future__ import annotations

import pytest
from worlds import (
    GONE,
    MAKIRT,
    NIST,
    OTHER_MAC,
    OWN_MAC,
    RESET,
    SILENCE,
    STREAMER,
    WINDOWS,
    WWW,
    Case,
    Want,
    World,
    arp,
    beyond,
    chain,
    cut,
    diagnosed,
    holds,
    host_rows,
    link,
    losses,
    mute,
    name,
    no_time,
    port_of_machine,
    required,
    says_icmp,
    tcp,
)  # fmt: skip

from aetui.events import Result
from aetui.observations import Outcome
from aetui.records import Status, VantageInfo, Verdict

TIME = {f"ntp:{NIST}:123", f"ntp:{WINDOWS}:123"}
HELLO = {f"tls:{STREAMER}:443", f"http:{STREAMER}:443"}
DROPPED = [(f"tcp:{STREAMER}:443", SILENCE)]
ALL_DEAD = [("tcp:*", SILENCE), ("ntp:*", no_time()), ("beyond", beyond())]


def told(here: World, there: World) -> list[tuple[str, str, set[str]]]:
    state, other = here.state(), there.state()
    state.beside, state.beside_vantage = other.results, VantageInfo("jump", "bastion")
    return [(f.cause, f.confidence.value, set(f.explains)) for f in diagnosed(state).findings]


BESIDE = [
    ("silence here and there is the server's", World(DROPPED), World(DROPPED), [("server-down", "certain", chain(STREAMER))]),
    ("silence here and a reset there is the server's", World(DROPPED), World([(f"tcp:{STREAMER}:443", RESET)]),
     [("server-down", "certain", chain(STREAMER))]),
    ("silence here alone is this side's", World(DROPPED), World(), [("filtered", "certain", chain(STREAMER))]),
    ("a reset here alone was not the server's", World([(f"tcp:{STREAMER}:443", RESET)]), World(), [("rejected", "certain", chain(STREAMER))]),
    ("a handshake cut here alone is this side's, for sure", World([(f"tls:{STREAMER}:443", cut())]), World(), [("tls-blocked", "certain", HELLO)]),
    ("a handshake cut on both sides is the server's", World([(f"tls:{STREAMER}:443", cut())]), World([(f"tls:{STREAMER}:443", cut())]),
     [("server-down", "certain", HELLO)]),
    ("a device here that says no has said so, whatever fails there", World([(f"tcp:{STREAMER}:443", says_icmp(3, 13))]), World(DROPPED),
     [("rejected", "certain", chain(STREAMER))]),
    ("a second vantage that reaches nothing says nothing", World(DROPPED), World(ALL_DEAD), [("filtered", "certain", chain(STREAMER))]),
    ("a second vantage that did not test it says nothing", World(DROPPED), World([("tcp:*:443", "deadline")]), [("filtered", "certain", chain(STREAMER))]),
    ("a dead line here is this side's", World(ALL_DEAD), World(),
     [("no-internet", "certain", {"beyond", *(i for i in required() if not i.startswith("dns:"))})]),
    ("a name that the second vantage finds is filtered here", World([(f"dns:{MAKIRT}", GONE)]), World(), [("dns-filtered", "certain", host_rows(MAKIRT))]),
    ("a name that it does not find either is missing", World([(f"dns:{MAKIRT}", GONE)]), World([(f"dns:{MAKIRT}", GONE)]),
     [("dns-name-missing", "certain", host_rows(MAKIRT))]),
    ("a dead resolver is this side's although names work there", World([("dns:*", mute()), ("canary:*", mute()), ("beyond", beyond(Outcome.OPEN))]), World(),
     [("dns-unreachable", "certain", {*required(), "canary:192.168.50.1:com", "canary:192.168.50.1:own"})]),
    ("what fails there alone is nothing here", World(), World(DROPPED), []),
    ("two faults, one of them the server's", World([*DROPPED, (f"tcp:{WWW}:80", SILENCE)]), World(DROPPED),
     [("server-down", "certain", chain(STREAMER)), ("filtered", "certain", chain(WWW, 80))]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "here", "there", "wanted"), BESIDE, ids=[row[0].replace(" ", "-") for row in BESIDE])
def test_a_second_vantage_tells_whose_fault_it_is(rule: str, here: World, there: World, wanted: list[tuple[str, str, set[str]]]) -> None:
    assert told(here, there) == wanted


CONFLICT = "conflict:192.168.50.20"
CONFLICTS = [
    Case("another MAC address answers for ours, and all works: a warning", World([("conflict:*", arp(OTHER_MAC))]),
         (Want("address-conflict", {CONFLICT}, "warn"),)),
    Case("another MAC address answers for ours, and connections fail", World([("conflict:*", arp(OTHER_MAC)), *DROPPED]),
         (Want("address-conflict", {CONFLICT, *chain(STREAMER)}, follows=chain(STREAMER)),)),
    Case("our own answer is no other's, in capitals neither", World([("conflict:*", arp(OWN_MAC, OWN_MAC.upper()))])),
    Case("nobody answers: the address is ours alone", World([("conflict:*", arp())])),
    Case("without a link nobody's answer counts",
         World([("dns:*", mute()), ("canary:*", mute()), ("beyond", beyond()), ("conflict:*", arp(OTHER_MAC)),
                ("link", link(port_of_machine(carrier=False), gateway=None, answers=None))]),
         (Want("no-link", {"link", *required()}),)),
]  # fmt: skip


@pytest.mark.parametrize("case", CONFLICTS, ids=str)
def test_a_second_machine_with_this_address(case: Case) -> None:
    holds(case)


def test_a_right_that_is_missing_is_told_where_something_is_wrong() -> None:
    for changes, wanted in (([], []), (DROPPED, ["filtered", "privilege-missing"])):
        state = World(changes).state()
        state.results[CONFLICT] = Result(state.checks[CONFLICT], None, not_run="privilege", reason="Run: sudo setcap cap_net_raw+ep tool")
        found = diagnosed(state)
        assert [f.cause for f in found.findings] == wanted
        assert found.readings[CONFLICT].status is Status.SKIP
        assert found.verdict is (Verdict.BLOCKED if changes else Verdict.READY)


LOSSY = World(
    [("tcp:*:80", tcp(resent=1)), (f"ntp:{NIST}:123", no_time())],
    added=[losses(WWW, 443, [1, 0, 1, 2, 0, 1, 0, 0, 3, 1, 0, 1])],
    attempts=2,
)
VERDICTS = [
    ("all holds", World(), Verdict.READY),
    ("information takes nothing away", World([(f"dns:{STREAMER}", name("93.184.216.34"))]), Verdict.READY),
    ("a hard requirement fails", World(DROPPED), Verdict.BLOCKED),
    ("a soft requirement fails", World([("tcp:ra.*:2022", SILENCE)], equipment=("acquisuite",)), Verdict.DEGRADED),
    ("all that there is is soft, and holds", World(equipment=("logmein",)), Verdict.READY),
    ("all that there is is soft, and some of it fails", World([("tcp:www.gotoassist.com:443", SILENCE)], equipment=("logmein",)), Verdict.DEGRADED),
    ("all that there is is soft, and some was not run", World([("tcp:www.gotoassist.com:443", "deadline")], equipment=("logmein",)), Verdict.UNDETERMINED),
    ("a hard requirement was not run", World([(f"tcp:{STREAMER}:443", "deadline")]), Verdict.UNDETERMINED),
    ("a hard requirement was not run and another fails", World([*DROPPED, (f"tcp:{WWW}:80", "deadline")]), Verdict.BLOCKED),
    ("a hard requirement has no result yet", World([(f"tcp:{STREAMER}:443", None)]), Verdict.UNDETERMINED),
    ("silence on a line that loses packets is not known to hold", LOSSY, Verdict.UNDETERMINED),
    ("one of a group is enough", World([("tcp:172.245.215.*", SILENCE), ("tcp:172.245.215.166:*", tcp())], equipment=("kiosk",)), Verdict.READY),
    ("nothing was measured", World([("*", "vantage-lost")]), Verdict.UNDETERMINED),
    ("no IPv6 at the vendor is nothing missing", World(ipv6=True), Verdict.READY),
]  # fmt: skip


@pytest.mark.parametrize(("when", "world", "verdict"), VERDICTS, ids=[row[0].replace(" ", "-") for row in VERDICTS])
def test_the_verdict_claims_nothing_that_was_not_seen(when: str, world: World, verdict: Verdict) -> None:
    assert diagnosed(world.state()).verdict is verdict
