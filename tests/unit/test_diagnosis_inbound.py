"""Inbound causes, row by row, with the near misses that must not be mistaken for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aetui import causes
from aetui.diagnosis import exposure, inbound
from aetui.observations import Icmp, Outcome, TcpSeen
from aetui.reach import Arrival, Forward, HalfOpen, InboundSeen, Knock, NatSeen, OuterSide, Reached, Standing, Target, Token
from aetui.records import Confidence, Severity, VantageInfo

PUBLIC, LOGGER, JUMP, OTHER = "198.51.100.2", "192.168.50.30", "203.0.113.250", "203.0.113.9"
AWAY = VantageInfo("jump", "office", address=JUMP)
CLOUD = VantageInfo("jump", "cloud", address="10.0.3.4")
ELSEWHERE = VantageInfo("jump", "phone", address=OTHER)
FAR = VantageInfo("jump", "far", address="198.18.9.9")
HERE = VantageInfo("local", "laptop", address="192.168.50.20", gateway="192.168.50.1")
RDP, TELNET = Target(PUBLIC, 3389, 3389, "rdp"), Target(PUBLIC, 23, 23, "telnet")
ANY = Target(PUBLIC, 8080)
CERTAIN, LIKELY, POSSIBLE = Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE


def out(target=RDP, outcome=Outcome.OPEN, speaks="nothing", vantage=AWAY, icmp=None, reason=None, standing=Standing.OUTSIDE, **more):
    tcp = TcpSeen(target.address, target.port, outcome, icmp=icmp, reason=reason)
    return Reached(target, vantage, standing, tcp, speaks, **more)


def lan(outcome=Outcome.OPEN, speaks="rdp", port=3389, expected="rdp", **more):
    return out(Target(LOGGER, port, port, expected), outcome, speaks, HERE, standing=Standing.INSIDE, **more)


def nat(*outer, public=None, forwards=(), listed=False, hops=()):
    return NatSeen("192.168.50.1", "192.168.50.20", tuple(OuterSide("upnp", a, "success") for a in outer), public, forwards, listed, hops)


def mute(hop, result="network-failure"):
    side = OuterSide("nat-pmp", None, result)
    return NatSeen("192.168.50.1", "192.168.50.20", (side,), "203.0.113.5", hops=("192.168.50.1", hop))


def lists(*forwards):
    return nat("198.51.100.2", forwards=forwards, listed=True)


def knock(peer, port=3389, **more):
    return Knock(datetime.now(UTC), peer, 40000, port, "rdp", **more)


FORWARD = Forward(3389, LOGGER, 3389, "tcp")
ARRIVED = Arrival(3389, JUMP)
DEAD, MUTE = lan(Outcome.REFUSED, "nothing"), lan(speaks="nothing")
SILENT, RESET = out(outcome=Outcome.FILTERED), out(outcome=Outcome.REFUSED)
PROHIBITED = out(outcome=Outcome.REJECTED, icmp=Icmp(3, 13, "198.51.100.1"))
NO_WAY = out(outcome=Outcome.UNREACHABLE, reason="No route to host")
NO_HOST = out(outcome=Outcome.UNREACHABLE, icmp=Icmp(3, 1, PUBLIC))
MATCHED = out(speaks="aetui", token=Token.MATCHED, arrival=ARRIVED)

ROWS = [
    # what works
    ("the token came back", [MATCHED], [], {}, [("forward-confirmed", CERTAIN)]),
    ("the token came back although the LAN says otherwise", [MATCHED], [DEAD], {}, [("forward-confirmed", CERTAIN)]),
    ("Remote Desktop answers", [out(speaks="rdp")], [], {}, [("service-confirmed", CERTAIN)]),
    ("telnet answers", [out(TELNET, speaks="telnet")], [], {}, [("service-confirmed", CERTAIN)]),
    ("telnet answers where nobody knew what to expect", [out(ANY, speaks="telnet")], [], {}, [("service-confirmed", CERTAIN)]),
    ("the same certificate inside", [out(speaks="rdp", fingerprint="a")], [lan(fingerprint="a")], {}, [("service-confirmed", CERTAIN)]),
    ("a certificate on one side only", [out(speaks="rdp", fingerprint="a")], [lan()], {}, [("service-confirmed", CERTAIN)]),
    ("our listener, without a code", [out(speaks="aetui")], [], {}, [("forward-confirmed", LIKELY)]),
    # silence
    ("silence, and the inside answers", [SILENT], [lan()], {}, [("forward-missing", LIKELY)]),
    ("silence, and our listener is open", [SILENT], [], {"listening": (3389,)}, [("forward-missing", LIKELY)]),
    ("silence, and our listener is open on another port", [SILENT], [], {"listening": (23,)}, [("forward-missing", POSSIBLE)]),
    ("silence, and nobody asked inside", [SILENT], [], {}, [("forward-missing", POSSIBLE)]),
    ("silence, and the inside refuses", [SILENT], [DEAD], {}, [("service-down", CERTAIN)]),
    ("silence, and the inside is silent too", [SILENT], [lan(Outcome.FILTERED, "nothing")], {}, [("service-down", CERTAIN)]),
    ("silence, and inside too, from another network of the site", [SILENT], [lan(Outcome.FILTERED, "nothing", afar=True)], {},
     [("forward-missing", POSSIBLE)]),
    ("silence, and a device on the way inside turns the test away", [SILENT], [lan(Outcome.REJECTED, "nothing", icmp=Icmp(3, 13, "192.168.50.1"))], {},
     [("forward-missing", POSSIBLE)]),
    ("silence, and the equipment itself turns the test away", [SILENT], [lan(Outcome.REJECTED, "nothing", icmp=Icmp(3, 13, LOGGER))], {},
     [("service-down", CERTAIN)]),
    ("silence, and nobody has the address", [SILENT], [lan(Outcome.NO_NEIGHBOUR, "nothing")], {}, [("service-down", CERTAIN)]),
    ("silence, and the inside could not be asked", [SILENT], [lan(Outcome.NO_ROUTE, "nothing")], {}, [("forward-missing", POSSIBLE)]),
    ("silence, and the inside takes connections without a word", [SILENT], [MUTE], {}, [("service-down", CERTAIN)]),
    ("silence, and another service inside", [SILENT], [lan(speaks="http")], {}, [("wrong-service", CERTAIN)]),
    ("silence, and the LAN answer is for another port", [SILENT], [lan(port=23)], {}, [("forward-missing", POSSIBLE)]),
    # a refusal
    ("a reset, and the inside answers", [RESET], [lan()], {}, [("forward-refused", CERTAIN)]),
    ("a reset, and nobody asked inside", [RESET], [], {}, [("forward-refused", POSSIBLE)]),
    ("a reset, and the inside resets too", [RESET], [DEAD], {}, [("service-down", CERTAIN)]),
    ("prohibited by the router that has the address", [replace(PROHIBITED, tcp=replace(PROHIBITED.tcp, icmp=Icmp(3, 13, PUBLIC)))], [lan()], {},
     [("forward-refused", CERTAIN)]),
    ("prohibited by another router, whoever runs it", [PROHIBITED], [lan()], {}, [("forward-refused", POSSIBLE)]),
    ("the router finds nobody at the forward's end", [NO_HOST], [lan()], {}, [("forward-elsewhere", LIKELY)]),
    ("the router finds nobody, nobody asked inside", [NO_HOST], [], {}, [("forward-elsewhere", POSSIBLE)]),
    ("'no route to host' after a search", [replace(NO_WAY, elapsed_ms=3060)], [lan()], {}, [("forward-elsewhere", LIKELY)]),
    ("'no route to host' after a search, nobody asked inside", [replace(NO_WAY, elapsed_ms=3060)], [], {},
     [("forward-elsewhere", POSSIBLE)]),
    ("'no route to host' at once", [replace(NO_WAY, elapsed_ms=60)], [lan()], {}, [("unreachable", POSSIBLE)]),
    ("another router says unreachable", [out(outcome=Outcome.UNREACHABLE, icmp=Icmp(3, 0, "203.0.113.1"))], [lan()], {},
     [("unreachable", LIKELY)]),
    # something else answers
    ("a web server answers", [out(speaks="http")], [lan()], {}, [("forward-elsewhere", CERTAIN)]),
    ("a web server answers, nobody asked inside", [out(speaks="http")], [], {}, [("forward-elsewhere", CERTAIN)]),
    ("a web server where nobody knew what to expect", [out(ANY, speaks="http")], [], {}, [("forward-elsewhere", POSSIBLE)]),
    ("telnet where Remote Desktop should be", [out(speaks="telnet")], [], {}, [("forward-elsewhere", CERTAIN)]),
    ("the same web server inside: the equipment itself", [out(speaks="http")], [lan(speaks="http")], {}, [("wrong-service", LIKELY)]),
    ("another machine's certificate", [out(speaks="rdp", fingerprint="a")], [lan(fingerprint="b")], {}, [("forward-elsewhere", CERTAIN)]),
    ("another telnet greeting", [out(TELNET, speaks="telnet", fingerprint="a")], [lan(port=23, expected="telnet", speaks="telnet",
     fingerprint="b")], {},
     [("forward-elsewhere", LIKELY)]),
    ("it answers outside and not inside", [out(speaks="rdp")], [DEAD], {}, [("forward-elsewhere", LIKELY)]),
    ("open and mute, the inside answers", [out()], [lan()], {}, [("forward-elsewhere", LIKELY)]),
    ("open and mute, nobody asked inside", [out()], [], {}, [("forward-elsewhere", POSSIBLE)]),
    ("open and mute, the inside refuses", [out()], [DEAD], {}, [("service-down", CERTAIN)]),
    ("a listener that knows another code", [out(speaks="aetui", token=Token.WRONG)], [], {}, [("forward-elsewhere", POSSIBLE)]),
    # the vantage itself
    ("the jump host forbids forwarding", [out(outcome=Outcome.FAILED, reason="administratively prohibited")], [lan()], {}, []),
    ("this machine has no route", [out(outcome=Outcome.NO_ROUTE)], [], {}, []),
    ("this machine's own firewall", [out(outcome=Outcome.DENIED)], [], {}, []),
    ("an answer by hairpin is none", [out(speaks="rdp", standing=Standing.INSIDE)], [], {}, []),
    ("a token by hairpin is none", [out(speaks="aetui", token=Token.MATCHED, arrival=ARRIVED, standing=Standing.INSIDE)], [], {}, []),
    ("silence by hairpin is none", [out(outcome=Outcome.FILTERED, standing=Standing.INSIDE)], [lan()], {}, []),
    ("where the vantage stands is unknown", [out(speaks="rdp", standing=Standing.UNKNOWN)], [], {}, [("service-confirmed", LIKELY)]),
    ("unknown standing and a reset", [out(outcome=Outcome.REFUSED, standing=Standing.UNKNOWN)], [lan()], {}, [("forward-refused", LIKELY)]),
    # several vantages
    ("one of two gets in", [out(outcome=Outcome.FILTERED), out(speaks="rdp", vantage=ELSEWHERE)], [], {},
     [("service-confirmed", CERTAIN), ("forward-limited", LIKELY)]),
    ("one of two is refused", [out(outcome=Outcome.REFUSED), out(speaks="rdp", vantage=ELSEWHERE)], [], {},
     [("service-confirmed", CERTAIN), ("forward-limited", LIKELY)]),
    ("one of two has trouble of its own", [out(outcome=Outcome.FAILED), out(speaks="rdp", vantage=ELSEWHERE)], [], {},
     [("service-confirmed", CERTAIN)]),
    ("one of two stands inside", [out(outcome=Outcome.FILTERED, standing=Standing.INSIDE), out(speaks="rdp", vantage=ELSEWHERE)], [], {},
     [("service-confirmed", CERTAIN)]),
    ("one address gets in and then not", [out(outcome=Outcome.FILTERED), out(speaks="rdp", vantage=replace(AWAY, name="again"))], [], {},
     [("service-confirmed", CERTAIN)]),
    ("neither of two gets in", [SILENT, out(outcome=Outcome.FILTERED, vantage=ELSEWHERE)], [lan()], {}, [("forward-missing", LIKELY)]),
    ("both get in, and one NAT may hide both", [out(speaks="rdp", vantage=CLOUD), out(speaks="rdp", vantage=replace(CLOUD, address="10.0.3.9"))],
     [], {}, [("exposed", POSSIBLE), ("service-confirmed", CERTAIN)]),
    # packets that got past the router
    ("silence, and the router hands the port on", [replace(SILENT, passed_on=True)], [], {}, [("forward-unanswered", POSSIBLE)]),
    ("silence, the router hands the port on, and the inside answers", [replace(SILENT, passed_on=True)], [lan()], {},
     [("forward-unanswered", LIKELY)]),
    ("the router hands the port on, and lists the forward for others", [replace(SILENT, passed_on=True)], [lan()],
     {"nat": lists(replace(FORWARD, source=OTHER))}, [("forward-unanswered", POSSIBLE)]),
    ("the router hands the port on, and the inside is dead", [replace(SILENT, passed_on=True)], [DEAD], {}, [("service-down", CERTAIN)]),
    ("the second vantage hears the router", [SILENT, replace(SILENT, vantage=ELSEWHERE, passed_on=True)], [lan()], {},
     [("forward-unanswered", LIKELY)]),
    ("our knock arrived and its answer was lost", [SILENT], [], {"listening": (3389,), "half_open": (HalfOpen(JUMP, 3389),)},
     [("forward-unanswered", CERTAIN)]),
    ("somebody's knock arrived and its answer was lost", [SILENT], [], {"listening": (3389,), "half_open": (HalfOpen(OTHER, 3389),)},
     [("forward-unanswered", LIKELY)]),
    ("a knock from the LAN whose answer was lost", [SILENT], [], {"listening": (3389,), "half_open": (HalfOpen("192.168.50.9", 3389),)},
     [("forward-missing", LIKELY)]),
    ("a lost answer at another port", [SILENT], [], {"listening": (3389,), "half_open": (HalfOpen(JUMP, 23),)}, [("forward-missing", LIKELY)]),
    ("a lost answer, and the port answers after all", [out(speaks="rdp")], [], {"half_open": (HalfOpen(JUMP, 3389),)},
     [("service-confirmed", CERTAIN)]),
    # who was meant to be let in
    ("another than those who were meant to", [out(speaks="rdp")], [], {"meant": ("192.0.2.0/24",)},
     [("exposed", LIKELY), ("service-confirmed", CERTAIN)]),
    ("two that have nothing to do with each other, neither meant to", [out(speaks="rdp"), out(speaks="rdp", vantage=FAR)], [],
     {"meant": ("192.0.2.0/24",)}, [("exposed", CERTAIN), ("service-confirmed", CERTAIN)]),
    ("two of one owner, neither meant to", [out(speaks="rdp"), out(speaks="rdp", vantage=ELSEWHERE)], [],
     {"meant": ("192.0.2.0/24",)}, [("exposed", LIKELY), ("service-confirmed", CERTAIN)]),
    ("one that was not meant to, and a stranger at the listener", [MATCHED], [], {"meant": ("192.0.2.0/24",), "knocks": (knock("198.18.7.7"),)},
     [("exposed", CERTAIN), ("forward-confirmed", CERTAIN)]),
    ("one of those who were meant to", [out(speaks="rdp")], [], {"meant": ("192.0.2.0/24", f"{JUMP}/32")}, [("service-confirmed", CERTAIN)]),
    ("both were meant to", [out(speaks="rdp"), out(speaks="rdp", vantage=ELSEWHERE)], [], {"meant": ("203.0.113.0/24",)},
     [("service-confirmed", CERTAIN)]),
    ("one whose outer address nobody knows", [out(speaks="rdp", vantage=CLOUD)], [], {"meant": ("192.0.2.0/24",)}, [("service-confirmed", CERTAIN)]),
    ("one whose outer address the listener tells", [out(speaks="aetui", token=Token.MATCHED, arrival=ARRIVED, vantage=CLOUD)], [],
     {"meant": ("192.0.2.0/24",)}, [("exposed", LIKELY), ("forward-confirmed", CERTAIN)]),
    ("another than those who were meant to is kept out", [SILENT], [lan()], {"meant": ("192.0.2.0/24",)}, [("forward-missing", LIKELY)]),
    ("both get in", [out(speaks="rdp"), out(speaks="rdp", vantage=ELSEWHERE)], [], {},
     [("exposed", LIKELY), ("service-confirmed", CERTAIN)]),
    ("both have one address", [out(speaks="rdp"), out(speaks="rdp", vantage=replace(AWAY, name="again"))], [], {},
     [("service-confirmed", CERTAIN)]),
    # how deep the NAT is
    ("a private outer address", [SILENT], [lan()], {"nat": nat("192.168.1.9")}, [("double-nat", CERTAIN)]),
    ("a carrier's outer address", [SILENT], [lan()], {"nat": nat("100.72.3.4")}, [("carrier-nat", CERTAIN)]),
    ("just outside the carrier's range", [SILENT], [lan()], {"nat": nat("100.128.0.1")}, [("forward-missing", LIKELY)]),
    ("the outer address is the public one", [SILENT], [lan()], {"nat": nat("198.51.100.2", public="198.51.100.2")},
     [("forward-missing", LIKELY)]),
    ("the outer address differs from the public one", [SILENT], [lan()], {"nat": nat("198.51.100.99", public="203.0.113.77")},
     [("carrier-nat", LIKELY)]),
    ("the router has the address that was knocked at, and a VPN of ours has another", [SILENT], [lan()],
     {"nat": nat(PUBLIC, public="203.0.113.77")}, [("forward-missing", LIKELY)]),
    ("a public outer address and nobody to compare with", [SILENT], [lan()], {"nat": nat("198.51.100.2")}, [("forward-missing", LIKELY)]),
    ("its private outer address was knocked at", [out(Target("192.168.1.9", 3389, 3389, "rdp"), Outcome.FILTERED, standing=Standing.INSIDE)], [],
     {"nat": nat("192.168.1.9")}, [("double-nat", CERTAIN)]),
    ("one of two answers is the public address", [SILENT], [lan()], {"nat": nat("10.0.0.1", "198.51.100.2", public="198.51.100.2")},
     [("forward-missing", LIKELY)]),
    ("hops alone claim nothing", [SILENT], [lan()], {"nat": nat(hops=("192.168.50.1", "10.0.0.1", "100.64.0.1"))},
     [("forward-missing", LIKELY)]),
    ("the router says nothing", [SILENT], [lan()], {"nat": nat()}, [("forward-missing", LIKELY)]),
    ("a private outer address and a working forward", [MATCHED], [], {"nat": nat("10.0.0.1")},
     [("forward-confirmed", CERTAIN), ("double-nat", CERTAIN)]),
    ("a private outer address and a dead service", [SILENT], [DEAD], {"nat": nat("10.0.0.1")},
     [("service-down", CERTAIN), ("double-nat", CERTAIN)]),
    ("a private outer address and a web server in front", [out(speaks="http")], [lan()], {"nat": nat("10.0.0.1")},
     [("forward-elsewhere", CERTAIN), ("double-nat", CERTAIN)]),
    ("a router that keeps a private outer address to itself", [SILENT], [lan()], {"nat": mute("192.168.1.1")}, [("double-nat", LIKELY)]),
    ("a router that keeps a carrier's address to itself", [SILENT], [lan()], {"nat": mute("100.64.7.1")}, [("carrier-nat", LIKELY)]),
    ("a router without an outer address, before a public hop", [SILENT], [lan()], {"nat": mute("203.0.113.1")},
     [("forward-missing", LIKELY)]),
    ("a router without an outer address, before silence", [SILENT], [lan()], {"nat": mute("")}, [("forward-missing", LIKELY)]),
    ("a router without an outer address on a line that nobody sees", [SILENT], [lan()], {"nat": replace(mute("192.168.1.1"), public=None)},
     [("forward-missing", LIKELY)]),
    ("a router that refuses to tell", [SILENT], [lan()], {"nat": mute("192.168.1.1", "not-authorised")}, [("forward-missing", LIKELY)]),
    ("NAT alone is a warning", [], [], {"nat": nat("10.0.0.1")}, [("double-nat", CERTAIN)]),
    # what the router lists
    ("silence although the forward is listed", [SILENT], [lan()], {"nat": lists(FORWARD)}, [("forward-missing", POSSIBLE)]),
    ("listed for UDP alone", [SILENT], [lan()], {"nat": lists(replace(FORWARD, protocol="udp"))}, [("forward-missing", LIKELY)]),
    ("listed and switched off", [SILENT], [lan()], {"nat": lists(replace(FORWARD, enabled=False))}, [("forward-missing", LIKELY)]),
    ("listed for another source", [SILENT], [lan()], {"nat": lists(replace(FORWARD, source=OTHER))}, [("forward-missing", LIKELY)]),
    ("listed on another port", [SILENT], [lan()], {"nat": lists(replace(FORWARD, outside_port=53389))}, [("forward-missing", LIKELY)]),
    ("an empty list", [SILENT], [lan()], {"nat": lists()}, [("forward-missing", LIKELY)]),
    # who else gets in
    ("listed as open to all", [out(speaks="rdp")], [], {"nat": lists(FORWARD)}, [("exposed", CERTAIN), ("service-confirmed", CERTAIN)]),
    ("listed for one source", [out(speaks="rdp")], [], {"nat": lists(replace(FORWARD, source=JUMP))}, [("service-confirmed", CERTAIN)]),
    ("listed as open to all, and one does not get in", [out(speaks="rdp"), out(outcome=Outcome.FILTERED, vantage=ELSEWHERE)], [],
     {"nat": lists(FORWARD)}, [("exposed", LIKELY), ("service-confirmed", CERTAIN), ("forward-limited", LIKELY)]),
    ("listed as open to all and not working", [RESET], [lan()], {"nat": lists(FORWARD)}, [("forward-refused", CERTAIN)]),
]  # fmt: skip


@pytest.mark.parametrize(("outside", "inside", "more", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_observation_has_its_causes_and_no_others(outside, inside, more, expected):
    found = inbound.diagnose(InboundSeen(tuple(outside), tuple(inside), **more))
    assert [(finding.cause, finding.confidence) for finding in found] == expected


@pytest.mark.parametrize(("outside", "inside", "more"), [row[1:4] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_finding_has_words_with_every_value_filled(outside, inside, more):
    words = causes.load_causes()
    for finding in inbound.diagnose(InboundSeen(tuple(outside), tuple(inside), **more)):
        told = causes.describe(words, finding)
        assert told.evidence
        for text in (told.summary, *told.evidence, *told.remedy):
            assert "{" not in text
            assert "?" not in text, text


STRANGERS = [
    ("a stranger at the open port: it may be the person on the phone", [knock("192.0.2.66")], (), LIKELY),
    ("two strangers of one owner", [knock("192.0.2.66"), knock("192.0.7.7")], (), LIKELY),
    ("two strangers that have nothing to do with each other", [knock("192.0.2.66"), knock("198.18.7.7")], (), CERTAIN),
    ("the same over IPv6", [knock("2001:db8::1"), knock("2600:1f00::1")], (), CERTAIN),
    ("a stranger turned away by the allow-list got through the forward all the same", [knock("192.0.2.66", refused="not-allowed")],
     ("10.0.0.0/8",), LIKELY),
    ("two such that have nothing to do with each other", [knock("192.0.2.66", refused="not-allowed"), knock("198.18.7.7", refused="not-allowed")],
     ("10.0.0.0/8",), CERTAIN),
    ("one on the allow-list", [knock("192.0.2.66")], ("192.0.2.0/24",), None),
    ("the vantage itself", [knock(JUMP)], (), None),
    ("one who knew the code", [knock("192.0.2.66", token=Token.MATCHED)], (), None),
    ("somebody on the LAN", [knock("192.168.50.7")], (), None),
]


@pytest.mark.parametrize(("knocks", "allowed", "warned"), [row[1:] for row in STRANGERS], ids=[row[0] for row in STRANGERS])
def test_exposure_is_claimed_where_a_source_that_nobody_named_got_in(knocks, allowed, warned):
    found = inbound.diagnose(InboundSeen((MATCHED,), (), None, tuple(knocks), (3389,), allowed))
    assert [(f.cause, f.confidence) for f in found] == ([("exposed", warned)] if warned else []) + [("forward-confirmed", CERTAIN)]
    assert all(finding.severity is not Severity.FAIL for finding in found)
    assert causes.describe(causes.load_causes(), found[0]).evidence


def test_two_ports_that_let_anybody_in_are_one_warning():
    both = (out(speaks="rdp"), out(TELNET, speaks="telnet"))
    (warned, *works) = inbound.diagnose(InboundSeen(both, meant=("192.0.2.0/24",)))
    assert (warned.cause, warned.explains, warned.facts["port"]) == ("exposed", (RDP.id, TELNET.id), "3389 and port 23")
    assert len(warned.evidence) == 1 and [f.cause for f in works] == ["service-confirmed"] * 2


def test_strangers_are_told_of_before_anybody_confirmed():
    (found,) = inbound.diagnose(InboundSeen(knocks=(knock("192.0.2.66", 23),), listening=(23,)))
    assert (found.cause, found.severity, found.confidence) == ("exposed", Severity.WARN, LIKELY)


def test_thirty_ports_that_fail_for_one_nat_are_one_finding():
    targets = [Target(PUBLIC, port, 3389, "rdp") for port in range(40_000, 40_030)]
    seen = InboundSeen(tuple(out(target, Outcome.FILTERED) for target in targets), nat=nat("100.64.1.1"))
    (found,) = inbound.diagnose(seen)
    assert found.cause == "carrier-nat" and len(found.explains) == 30 and found.severity is Severity.FAIL


def test_two_ports_that_fail_alike_are_one_finding_and_two_that_do_not_are_two():
    both = [lan(), lan(speaks="telnet", port=23, expected="telnet")]
    (one,) = inbound.diagnose(InboundSeen((SILENT, out(TELNET, Outcome.FILTERED)), tuple(both)))
    assert one.explains == (RDP.id, TELNET.id) and one.facts["port"] == "3389 and port 23"
    apart = inbound.diagnose(InboundSeen((SILENT, out(TELNET, Outcome.REFUSED)), tuple(both)))
    assert sorted(finding.cause for finding in apart) == ["forward-missing", "forward-refused"]
    told = causes.describe(causes.load_causes(), one).evidence
    assert len(set(told)) == len(told), "what holds of both is said once"
    other = replace(TELNET, address="198.51.100.77")
    two = inbound.diagnose(InboundSeen((SILENT, out(other, Outcome.FILTERED)), tuple(both)))
    assert [finding.explains for finding in two] == [(RDP.id,), (other.id,)]


def test_another_port_that_works_is_told_as_evidence():
    found = inbound.diagnose(InboundSeen((SILENT, out(TELNET, speaks="telnet")), (lan(),)))
    missing = next(finding for finding in found if finding.cause == "forward-missing")
    assert "other-port-open" in [said.key for said in missing.evidence]


LEFT = [
    ("nothing known", [SILENT], [lan()], {}, ["left-forward", "left-source", "left-provider", "left-equipment"]),
    ("two addresses tried", [SILENT, out(outcome=Outcome.FILTERED, vantage=ELSEWHERE)], [lan()], {},
     ["left-forward", "left-source-few", "left-provider", "left-equipment"]),
    ("our listener stands there", [SILENT], [], {"listening": (3389,)}, ["left-forward", "left-source", "left-provider", "left-computer"]),
    ("the router lists it", [SILENT], [lan()], {"nat": lists(FORWARD)}, ["left-provider", "left-equipment"]),
    ("the router lists it for one source", [SILENT], [lan()], {"nat": lists(replace(FORWARD, source=OTHER))},
     ["left-source", "left-provider", "left-equipment"]),
    ("the router lists none", [SILENT], [lan()], {"nat": lists()}, ["left-forward", "left-source", "left-provider", "left-equipment"]),
    ("it was picked up to be handed on", [replace(SILENT, passed_on=True)], [lan()], {}, ["left-source", "left-behind"]),
    ("it was picked up, and two addresses tried", [replace(SILENT, passed_on=True), out(outcome=Outcome.FILTERED, vantage=ELSEWHERE)], [lan()],
     {}, ["left-source-few", "left-behind"]),
    ("it was picked up, and the router lists it for all", [replace(SILENT, passed_on=True)], [lan()], {"nat": lists(FORWARD)}, ["left-behind"]),
    ("it arrived", [SILENT], [], {"half_open": (HalfOpen(JUMP, 3389),)}, ["left-way-back"]),
]  # fmt: skip


@pytest.mark.parametrize(("outside", "inside", "more", "left"), [row[1:] for row in LEFT], ids=[row[0] for row in LEFT])
def test_silence_names_what_is_still_possible_and_nothing_that_is_ruled_out(outside, inside, more, left):
    (found,) = inbound.diagnose(InboundSeen(tuple(outside), tuple(inside), **more))
    assert [said.key for said in found.evidence if said.key.startswith("left-")] == left


SAID_OF_ARRIVALS = [
    ("our own knock", JUMP, "not finished: the answer got lost on its way back."),
    ("somebody's", OTHER, "or it was a scanner."),
]


@pytest.mark.parametrize(("peer", "said"), [row[1:] for row in SAID_OF_ARRIVALS], ids=[row[0] for row in SAID_OF_ARRIVALS])
def test_a_connection_that_was_begun_and_not_finished_may_be_a_scanner_s_where_it_is_not_ours(peer, said):
    (found,) = inbound.diagnose(InboundSeen((SILENT,), half_open=(HalfOpen(peer, 3389),)))
    assert any(line.endswith(said) for line in causes.describe(causes.load_causes(), found).evidence)


def test_who_gets_in_is_not_claimed_beyond_what_was_seen():
    (found, _) = inbound.diagnose(InboundSeen((MATCHED,), knocks=(knock("192.0.2.66", refused="not-allowed"),), allowed=("10.0.0.0/8",)))
    told = causes.describe(causes.load_causes(), found)
    assert told.summary == f"Addresses that nobody named get in at port 3389 of {PUBLIC}."


UNTESTED = [
    ("one address got in", [out(speaks="rdp")], {}, True),
    ("two did", [out(speaks="rdp"), out(speaks="rdp", vantage=ELSEWHERE)], {}, False),
    ("it was said who may", [out(speaks="rdp")], {"meant": (f"{JUMP}/32",)}, False),
    ("the router tells", [out(speaks="rdp")], {"nat": lists(FORWARD)}, False),
    ("the token came back", [MATCHED], {}, True),
]


@pytest.mark.parametrize(("outside", "more", "told"), [row[1:] for row in UNTESTED], ids=[row[0] for row in UNTESTED])
def test_where_one_address_alone_got_in_what_that_may_mean_is_said(outside, more, told):
    found = inbound.diagnose(InboundSeen(tuple(outside), **more))
    works = next(f for f in found if f.cause in ("forward-confirmed", "service-confirmed"))
    assert ("one-source" in [said.key for said in works.evidence]) is told


def test_the_listener_s_own_troubles_have_words():
    words = causes.load_causes()
    found = [exposure.port_in_use(3389, "xrdp", 77), exposure.port_in_use(23, None, None), exposure.port_forbidden(23, "sudo x", 10023)]
    told = [causes.describe(words, finding) for finding in found]
    assert [entry.cause for entry in told] == ["port-in-use", "port-in-use", "privilege-missing"]
    assert "xrdp (process 77)" in told[0].evidence[0] and "root" in told[1].evidence[0]
    assert "sudo x" in told[2].remedy and "10023" in told[2].evidence[0]
