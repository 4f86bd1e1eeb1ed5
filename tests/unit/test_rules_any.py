"""What holds of every diagnosis, whatever was seen: faults in pairs, any mixture of observations, any part of a run, any order of results."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import (
    GATEWAY,
    GONE,
    LOGIN_PAGE,
    MAKI,
    MAKIRT,
    NIST,
    OTHER_MAC,
    OWN_MAC,
    RESET,
    SILENCE,
    STREAMER,
    WINDOWS,
    WWW,
    Make,
    Want,
    World,
    arp,
    banner,
    beyond,
    chain,
    cut,
    diagnosed,
    ftp,
    host_rows,
    http,
    icmp,
    link,
    losses,
    mute,
    name,
    names,
    no_time,
    ntp,
    opinion,
    other_name,
    port_of_machine,
    says_icmp,
    segments,
    tcp,
    through_proxy,
    tls,
    ttls,
    way,
)  # fmt: skip

from aetui.diagnosis import diagnose, followups
from aetui.observations import DnsSeen, Ended, HttpSeen, NtpSeen, Outcome, TlsSeen
from aetui.records import Severity, Status, Verdict
from aetui.state import State

FTP_HOSTS = {f"ftp:{host}.alsoenergy.com:21" for host in ("smaftpdm", "ptsmaftp")}
HELLO = {f"tls:{STREAMER}:443", f"http:{STREAMER}:443"}
SINK = host_rows(MAKIRT)
FAULTS: dict[str, tuple[list[object], Want]] = {
    "a sinkhole": ([(f"dns:{MAKIRT}", name("0.0.0.0"))], Want("dns-filtered", SINK)),
    "a dropped port": ([(f"tcp:{WWW}:443", SILENCE)], Want("filtered", chain(WWW))),
    "a rejected port": ([(f"tcp:{WWW}:80", says_icmp(3, 13))], Want("rejected", chain(WWW, 80))),
    "a refused port": ([("tcp:buildingmanageronline.com:443", RESET)], Want("refused", chain("buildingmanageronline.com"))),
    "an unreachable server": (
        [("tcp:buildingmanageronline.com:80", says_icmp(3, 1, "192.31.196.1"))], Want("unreachable", chain("buildingmanageronline.com", 80))),
    "network time dropped": ([("ntp:*", no_time())], Want("ntp-no-reply", {f"ntp:{NIST}:123", f"ntp:{WINDOWS}:123"})),
    "a kiss-of-death": ([("ntp:*", ntp(kiss="RATE", stratum=0))], Want("ntp-bad-answer", {f"ntp:{NIST}:123", f"ntp:{WINDOWS}:123"})),
    "a handshake cut": ([(f"tls:{STREAMER}:443", cut())], Want("tls-blocked", HELLO)),
    "an inspection product": ([(f"tls:{STREAMER}:443", tls(False, 20, "CN=Zscaler Root"))], Want("tls-intercepted", HELLO)),
    "an expired certificate": (
        [(f"tls:{MAKI}:443", tls(False, 10, when_valid=True, days=(-90, -9)))], Want("tls-expired", {f"tls:{MAKI}:443"})),
    "a certificate of another name": ([(f"tls:{MAKI}:443", tls(matches=False))], Want("tls-name-mismatch", {f"tls:{MAKI}:443"})),
    "a block page": (
        [(f"http:{STREAMER}:80", http(403, b"FortiGuard: this page is blocked"))], Want("http-blocked", {f"http:{STREAMER}:80"})),
    "an error of the server": ([(f"http:{MAKI}:80", http(503))], Want("http-error", {f"http:{MAKI}:80"})),
    "a proxy's login": ([("http:dataobvius.alsoenergy.com:80", http(407))], Want("proxy-required", {"http:dataobvius.alsoenergy.com:80"})),
    "no FTP data": ([("ftp:*", ftp(*(way(mode, Ended.SILENT) for mode in ("pasv", "epsv", "port"))))], Want("ftp-data-blocked", FTP_HOSTS)),
    "another service": ([("ssh:*", banner("HTTP/1.1 400"))], Want("wrong-service", {"ssh:ra.buildingmanageronline.com:2022"})),
    "a slow line": ([("tcp:*:80", tcp(rtt=900)), ("tcp:*:443", tcp(rtt=900))], Want("slow", set())),
}  # fmt: skip
ALL = ("pm2000", "acquisuite", "sma-ftp")


def touched(fault: str) -> set[str]:
    return {str(pattern) for pattern, _ in FAULTS[fault][0]}  # type: ignore[misc, attr-defined]


ONE_FILTER = {"an inspection product", "a block page"}
"""On one host these two are one device's doing."""
PAIRS = [(a, b) for a, b in combinations(FAULTS, 2) if not touched(a) & touched(b) and {a, b} != ONE_FILTER]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=[f"{a} and {b}".replace(" ", "-") for a, b in PAIRS])
def test_two_faults_at_once_are_two_causes_each_with_its_own_rows(one: str, other: str) -> None:
    order = sorted((one, other), key=lambda fault: fault != "a slow line")
    world = World([change for fault in order for change in FAULTS[fault][0]], equipment=ALL)  # type: ignore[misc]
    found = {f.cause: set(f.explains) for f in diagnosed(world.state()).findings}
    wanted = {FAULTS[fault][1].cause: set(FAULTS[fault][1].explains) for fault in (one, other)}
    assert found.keys() == wanted.keys()
    for cause, rows in wanted.items():
        assert cause == "slow" or found[cause] == rows


# ------------------------------------------------------------------------------------------------------------------- any mixture
OUTCOMES = st.sampled_from(list(Outcome))
ENDS = st.sampled_from(list(Ended))
POOL: dict[str, list[Make]] = {
    "dns": [mute(), GONE, name(), name("0.0.0.0"), name("192.52.193.80"), name(rcode="SERVFAIL"), name(rcode="REFUSED"), name("74.205.11.149"),
            name(outcome=Outcome.REJECTED, icmp=icmp(3, 3)), name(outcome=Outcome.DENIED), names(mute(), name("1.2.3.4", by="8.8.8.8")),
            names(GONE, name("1.2.3.4", by="8.8.8.8")), name("2606:2800:220:1::1"), lambda c, a: DnsSeen(c.host or "", ())],
    "tcp": [*(tcp(outcome) for outcome in Outcome), tcp(resent=2), tcp(rtt=2000), says_icmp(3, 13), says_icmp(3, 1, "192.31.196.1"), says_icmp(3, 3, "")],
    "tls": [tls(), tls(False), tls(False, 10, when_valid=True), tls(False, 9, when_valid=False), tls(False, 19, "CN=Zscaler"), tls(False, here=True),
            tls(matches=False), tls(False, 18, own=True), *(cut(ended) for ended in Ended if ended is not Ended.DONE), cut(Ended.RESET, "certificate", 900),
            lambda c, a: TlsSeen(c.host or "", Ended.DONE, "finished")],
    "http": [http(), http(503), http(403, b"Web filter: blocked by policy. FortiGuard"), http(407), http(511), http(200, LOGIN_PAGE), http(404),
             http(302, to="http://login.hotel.example/"), http(302, to="http://192.168.50.2/"), http(302, to="http://[bad/"), http(date=9e9),
             *(lambda c, a, e=ended: HttpSeen("u", e) for ended in Ended)],  # type: ignore[misc]
    "ntp": [ntp(), ntp(7200), ntp(-9e8), ntp(kiss="RATE", stratum=0), ntp(stratum=16, leap=3), ntp(origin_echoed=False), ntp(offset_ms=None),
            *(no_time(outcome) for outcome in Outcome), lambda c, a: NtpSeen(a, Outcome.REJECTED, icmp=icmp(3, 13))],
    "ftp": [ftp(), ftp(banner=None, ended=Ended.SILENT), ftp(banner=None, ended=Ended.CLOSED), ftp(banner="421 no", ended=Ended.DECLINED),
            ftp(login="530 no"), *(ftp(way("pasv", one), way("epsv", two)) for one in Ended for two in (Ended.DONE, Ended.SILENT))],
    "ssh": [banner(), banner(None, Ended.SILENT), banner(None, Ended.CLOSED), banner("HTTP/1.1 400")],
    "link": [lambda c, a: link(), lambda c, a: link(answers=False), lambda c, a: link(gateway=None, answers=None),
             lambda c, a: link(port_of_machine(up=False, addresses=()), gateway=None, answers=None),
             lambda c, a: link(port_of_machine(addresses=("169.254.1.1/16",)), gateway=None, answers=None),
             lambda c, a: link(proxies=(("https_proxy", "http://p:1"),))],
    "arp": [arp(), arp(OWN_MAC.upper()), arp(OTHER_MAC)],
    "series": [beyond(), beyond(Outcome.OPEN), beyond(Outcome.REFUSED), beyond(Outcome.DENIED), beyond(Outcome.UNREACHABLE, icmp(3, 0, "192.31.196.1")),
               beyond(Outcome.REJECTED, icmp(3, 13))],
}  # fmt: skip
FURTHER = [
    opinion(STREAMER, "74.205.11.149"), opinion(STREAMER, rcode="NXDOMAIN"), opinion(MAKIRT, "1.2.3.4"), opinion(WWW, outcome=Outcome.FILTERED),
    ttls(STREAMER, 443, (Outcome.REFUSED, 2)), ttls(STREAMER, 80, (Outcome.OPEN, 7)), ttls(WWW, 443, (Outcome.OPEN, 8)), ttls(WWW, 80, (Outcome.OPEN, 1)),
    segments(WWW, 443, Ended.SILENT, Ended.DONE), segments(STREAMER, 443, Ended.SILENT, Ended.SILENT, None), losses(WWW, 443, [0, 3, 1, 1]),
    through_proxy(WWW, 200), through_proxy(WWW, 407), *other_name(STREAMER, tls()), *other_name(WWW, cut()),
]  # fmt: skip
SITES = st.sampled_from([("pm2000",), ALL, ("kiosk",), ("minisite",), ("logmein", "moxa")])


def mixture(seed: int, wrong: float, equipment: tuple[str, ...], resolvers: tuple[str, ...], cut_short: bool, ipv6: bool) -> State:
    """A run in which each check saw something of the pool with this chance, else what a healthy site shows."""
    chance = random.Random(seed)

    def any_of(kind: str) -> Callable[..., object]:
        def make(check: object, address: str) -> object:
            return chance.choice(POOL[kind])(check, address)  # type: ignore[arg-type]

        return make

    world = World(equipment=equipment, resolvers=resolvers, cut=cut_short, ipv6=ipv6)
    healthy = world.state()
    for identity, check in healthy.checks.items():
        if chance.random() < wrong:
            gone = chance.random()
            world.changes.append((identity, None if gone < 0.05 else "deadline" if gone < 0.1 else any_of(check.kind)))  # type: ignore[arg-type]
    world.added = [
        pair for pair in FURTHER if chance.random() < wrong and not (pair[0].needs and pair[0].needs not in {p[0].id for p in FURTHER})
    ]
    kept = {check.id for check, _ in world.added}
    world.added = list({c.id: (c, m) for c, m in world.added if not c.needs or c.needs in kept}.values())
    return world.state()


mixtures = st.builds(
    mixture, st.integers(0, 2**32), st.sampled_from([0.02, 0.1, 0.4, 1.0]), SITES, st.sampled_from([(GATEWAY,), (GATEWAY, "8.8.8.8"), ()]),
    st.booleans(), st.booleans(),
)  # fmt: skip
patient = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@patient
@given(mixtures)
def test_whatever_was_seen_every_failure_is_told_in_whole_sentences(state: State) -> None:
    found = diagnosed(state)
    ranks = [list(Severity).index(f.severity) for f in found.findings]
    assert ranks == sorted(ranks), "what blocks comes first"
    hard = [c for c in state.required() if c.requirement.value == "hard"]
    if found.verdict is Verdict.READY:
        assert all(found.readings[c.id].status is Status.PASS or found.readings[c.id].because for c in hard)
    if any(found.readings.get(c.id) and found.readings[c.id].status is Status.FAIL for c in hard):
        assert found.verdict is Verdict.BLOCKED


@patient
@given(mixtures, st.integers(0, 2**32))
def test_the_order_in_which_results_came_changes_nothing(state: State, seed: int) -> None:
    found = diagnose(state)
    shuffled = list(state.results.items())
    random.Random(seed).shuffle(shuffled)
    state.results = dict(shuffled)
    again = diagnose(state)
    assert again.readings == found.readings
    assert again.verdict == found.verdict
    assert sorted((f.cause, sorted(f.explains)) for f in again.findings) == sorted((f.cause, sorted(f.explains)) for f in found.findings)


@patient
@given(mixtures)
def test_wishes_are_few_new_and_stop(state: State) -> None:
    wishes = followups(state)
    assert len(wishes) <= 120
    assert not {wish.id for wish in wishes} & set(state.checks)
    assert all(not wish.equipment for wish in wishes), "a wish is nobody's requirement"
    assert all(wish.needs is None or wish.needs in {w.id for w in wishes} | set(state.checks) for wish in wishes)
    state.checks |= {wish.id: wish for wish in wishes}
    assert len(followups(state)) <= len(wishes)


@patient
@given(mixtures, st.integers(0, 2**32))
def test_a_part_of_a_run_passes_nothing_that_was_not_seen(state: State, seed: int) -> None:
    chance = random.Random(seed)
    state.results = {i: r for i, r in state.results.items() if chance.random() < 0.5}
    diagnosed(state)


def test_a_healthy_site_has_no_cause_whatever_part_of_it_was_seen() -> None:
    for seed in range(60):
        state, chance = World(equipment=ALL).state(), random.Random(seed)
        state.results = {i: r for i, r in state.results.items() if chance.random() < 0.6}
        assert not diagnose(state).findings
