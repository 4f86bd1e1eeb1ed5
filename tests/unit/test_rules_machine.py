"""This machine's own causes: what proves each, and what is near it and must not trigger it."""

from __future__ import annotations

import pytest
from worlds import (
    DENIED,
    GATEWAY,
    NIST,
    NOBODY_TO_ASK,
    OWN,
    SILENCE,
    STREAMER,
    WINDOWS,
    WWW,
    Case,
    Want,
    World,
    beyond,
    chain,
    holds,
    http,
    icmp,
    link,
    mute,
    no_time,
    ntp,
    port_of_machine,
    required,
    says_icmp,
    tcp,
    tls,
)  # fmt: skip

from aetui.observations import DnsAnswer, DnsSeen, Outcome

EVERYTHING = frozenset(required())
NAMES = frozenset(required(("pm2000",), "dns"))
NOTHING_OUT = [("dns:*", mute()), ("canary:*", mute()), ("beyond", beyond())]
UNPLUGGED = port_of_machine(up=True, carrier=False)
OFF = port_of_machine(up=False, carrier=None, addresses=())
BRIDGE = port_of_machine("docker0", True, True, ("172.17.0.1/16",), "virtual")
TUNNEL = port_of_machine("wg0", True, None, ("10.8.0.2/32",), "vpn")


def denied_name(check: object, _address: str) -> DnsSeen:
    return DnsSeen("x", (DnsAnswer(GATEWAY, "A", "udp", Outcome.DENIED),))


def root(cause: str, rows: frozenset[str] = EVERYTHING, confidence: str = "certain") -> tuple[Want, ...]:
    return (Want(cause, {"link", *rows}, follows=rows, confidence=confidence),)


LINK = [
    Case("a pulled cable is no-link", World([*NOTHING_OUT, ("link", link(UNPLUGGED, gateway=None, answers=None))]), root("no-link")),
    Case("an interface that is off is no-link", World([*NOTHING_OUT, ("link", link(OFF, gateway=None, answers=None))]), root("no-link")),
    Case(
        "without a link nobody asks whether a resolver is set",
        World(
            [("dns:*", NOBODY_TO_ASK), ("beyond", beyond(Outcome.NO_ROUTE)), ("link", link(OFF, gateway=None, answers=None, resolvers=()))],
            resolvers=(),
        ),
        root("no-link"),
    ),
    Case(
        "a container bridge that is up is no link",
        World([*NOTHING_OUT, ("link", link(UNPLUGGED, BRIDGE, gateway=None, answers=None))]),
        root("no-link"),
    ),
    Case(
        "a tunnel that is up is no link",
        World([*NOTHING_OUT, ("link", link(UNPLUGGED, TUNNEL, gateway=None, answers=None))]),
        root("no-link"),
    ),
    Case("the second of two sockets may be empty", World([("link", link(port_of_machine(), port_of_machine("eth1", True, False, ())))])),
    Case("wireless alone is a link", World([("link", link(UNPLUGGED, port_of_machine("wlan0", kind="wireless")))])),
    Case("a carrier that the system cannot tell is not a missing one", World([("link", link(port_of_machine(carrier=None)))])),
    Case("what answers from outside came over some link", World([("link", link(port_of_machine(carrier=False)))])),
    Case("a virtual machine has only a virtual port", World([("link", link(port_of_machine(kind="virtual")))])),
    Case(
        "a missing link explains a local firewall's refusals too",
        World([*NOTHING_OUT, ("link", link(UNPLUGGED, gateway=None, answers=None)), ("dns:*", denied_name)]),
        root("no-link"),
    ),
]
ADDRESS = [
    Case(
        "only a self-assigned address is no-address",
        World([*NOTHING_OUT, ("link", link(port_of_machine(addresses=("169.254.7.7/16",)), gateway=None, answers=None))]),
        root("no-address"),
    ),
    Case(
        "none at all is no-address",
        World([*NOTHING_OUT, ("link", link(port_of_machine(addresses=()), gateway=None, answers=None))]),
        root("no-address"),
    ),
    Case(
        "a link-local IPv6 address is no address of a network",
        World([*NOTHING_OUT, ("link", link(port_of_machine(addresses=("fe80::1/64",)), gateway=None, answers=None))]),
        root("no-address"),
    ),
    Case(
        "a container bridge's address is not this machine's",
        World([*NOTHING_OUT, ("link", link(port_of_machine(addresses=()), BRIDGE, gateway=None, answers=None, address=None))]),
        root("no-address"),
    ),
    Case("a self-assigned address beside a real one is nothing", World([("link", link(port_of_machine(addresses=("169.254.7.7/16", f"{OWN}/24"))))])),
    Case(
        "the address of a port in a bridge is the bridge's",
        World([("link", link(port_of_machine(addresses=()), port_of_machine("br0", addresses=(f"{OWN}/24",), kind="virtual")))]),
    ),
]  # fmt: skip
ROUTE = [
    Case(
        "an address without a default route is no-gateway",
        World([("*:*:*", tcp(Outcome.NO_ROUTE)), ("ntp:*", no_time(Outcome.NO_ROUTE)), ("beyond", beyond(Outcome.NO_ROUTE)),
               ("canary:*", mute()), ("link", link(gateway=None, answers=None))]),
        root("no-gateway", EVERYTHING - NAMES),
    ),
    Case(
        "without a route or a resolver it is one finding",
        World([("dns:*", NOBODY_TO_ASK), ("beyond", beyond(Outcome.NO_ROUTE)), ("link", link(gateway=None, answers=None, resolvers=()))], resolvers=()),
        root("no-gateway"),
    ),
    Case("a survey that found no route while all works proves nothing", World([("link", link(gateway=None, answers=None))])),
    Case("an interface route is a way out, as on a modem", World([("link", link(gateway=None, answers=None, default_interface="ppp0"))])),
    Case(
        "a gateway that answers no ARP is gateway-unreachable",
        World([*NOTHING_OUT, ("link", link(answers=False))]), root("gateway-unreachable"),
    ),
    Case("a gateway that hides from ARP and forwards is none", World([("link", link(answers=False))])),
    Case(
        "a gateway that hides from ARP and answers names is none",
        World([("tcp:*", SILENCE), ("ntp:*", no_time()), ("beyond", beyond()), ("link", link(answers=False))]),
        (Want("no-internet", {"beyond", *(EVERYTHING - NAMES)}),),
    ),
]  # fmt: skip
OWN_FIREWALL = [
    Case("this machine refuses to send", World([("tcp:*:443", DENIED)]),
         (Want("local-firewall", {i for i in EVERYTHING if i.endswith(":443")}),)),
    Case("this machine refuses to ask for names", World([("dns:*", denied_name), ("canary:*", denied_name), ("beyond", beyond(Outcome.DENIED))]),
         (Want("local-firewall", EVERYTHING),)),
    Case("this machine refuses to ask for the time", World([("ntp:*", no_time(Outcome.DENIED))]),
         (Want("local-firewall", {f"ntp:{NIST}:123", f"ntp:{WINDOWS}:123"}),)),
    Case("an ICMP rejection from this machine's own address is its own firewall", World([("tcp:*:443", tcp(Outcome.DENIED, icmp(3, 13, OWN)))]),
         (Want("local-firewall", {i for i in EVERYTHING if i.endswith(":443")}),)),
    Case("the same from the gateway is not", World([(f"tcp:{STREAMER}:443", says_icmp(3, 13))]),
         (Want("rejected", chain(STREAMER)),)),
    Case("its own firewall and a gateway's are two", World([(f"tcp:{STREAMER}:443", says_icmp(3, 13)), ("ntp:*", no_time(Outcome.DENIED))]),
         (Want("local-firewall", {f"ntp:{NIST}:123", f"ntp:{WINDOWS}:123"}), Want("rejected", chain(STREAMER)))),
]  # fmt: skip
HOUR = 3600.0
SECURE = {i for i in EVERYTHING if i.startswith(("tls:", "http:")) and i.endswith(":443")}
CLOCK = [
    Case("two time servers agree that the clock is off", World([("ntp:*", ntp(HOUR)), ("http:*", http(date=HOUR * 1000))]),
         (Want("clock-wrong", set(), "warn"),)),
    Case("a wrong clock explains certificates that seem not valid yet",
         World([("ntp:*", ntp(400 * 86400)), ("http:*", http(date=400 * 86400e3)), ("tls:*", tls(False, 9, when_valid=True, days=(370, 430)))]),
         (Want("clock-wrong", required(("pm2000",), "tls")),)),
    Case("one time server alone says it less surely",
         World([(f"ntp:{NIST}:123", ntp(HOUR)), (f"ntp:{WINDOWS}:123", no_time()), ("http:*", http(date=None))]),
         (Want("ntp-no-reply", {f"ntp:{WINDOWS}:123"}), Want("clock-wrong", set(), "warn", "likely"))),
    Case("without network time the pages' dates tell", World([("ntp:*", no_time()), ("http:*", http(date=HOUR * 1000))]),
         (Want("ntp-no-reply", {f"ntp:{NIST}:123", f"ntp:{WINDOWS}:123"}), Want("clock-wrong", set(), "warn"))),
    Case("59 seconds are not wrong", World([("ntp:*", ntp(59)), ("http:*", http(date=59e3))])),
    Case("61 seconds are", World([("ntp:*", ntp(61)), ("http:*", http(date=61e3))]), (Want("clock-wrong", set(), "warn"),)),
    Case("one server that lies is the server's fault", World([(f"ntp:{NIST}:123", ntp(HOUR))]), (Want("ntp-bad-answer", {f"ntp:{NIST}:123"}),)),
    Case("both lie, and every page's date says so", World([("ntp:*", ntp(HOUR))]),
         (Want("ntp-bad-answer", {f"ntp:{NIST}:123", f"ntp:{WINDOWS}:123"}),)),
    Case("an answer that took six seconds measures no clock", World([("ntp:*", ntp(3 * HOUR, delay_ms=6000.0)), ("http:*", http(date=None))])),
    Case("an unsynchronised server's time is no time", World([("ntp:*", ntp(HOUR, stratum=16, leap=3))]),
         (Want("ntp-bad-answer", {f"ntp:{NIST}:123", f"ntp:{WINDOWS}:123"}),)),
    Case("a certificate that has run out under a right clock is the certificate's",
         World([(f"tls:{WWW}:443", tls(False, 10, when_valid=True, days=(-90, -3)))]), (Want("tls-expired", {f"tls:{WWW}:443"}),)),
    Case("a certificate that has run out stays so under a wrong clock",
         World([("ntp:*", ntp(HOUR)), ("http:*", http(date=HOUR * 1000)), (f"tls:{WWW}:443", tls(False, 10, when_valid=True, days=(-90, -3)))]),
         (Want("tls-expired", {f"tls:{WWW}:443"}), Want("clock-wrong", set(), "warn"))),
    Case("a wrong clock does not excuse an issuer that nobody knows",
         World([("ntp:*", ntp(400 * 86400)), ("http:*", http(date=400 * 86400e3)),
                ("tls:*", tls(False, 9, "CN=Site CA", when_valid=False, days=(370, 430)))]),
         (Want("tls-intercepted", SECURE, confidence="likely"), Want("clock-wrong", set(), "warn"))),
    Case("good certificates stay good under a wrong clock", World([("ntp:*", ntp(-HOUR)), ("http:*", http(date=-HOUR * 1000))]),
         (Want("clock-wrong", set(), "warn"),)),
    Case("a wrong clock hides no blocked port",
         World([("ntp:*", ntp(HOUR)), ("http:*", http(date=HOUR * 1000)), (f"tcp:{STREAMER}:443", SILENCE)]),
         (Want("filtered", chain(STREAMER)), Want("clock-wrong", set(), "warn"))),
]  # fmt: skip


@pytest.mark.parametrize("case", [*LINK, *ADDRESS, *ROUTE, *OWN_FIREWALL, *CLOCK], ids=str)
def test_this_machines_causes(case: Case) -> None:
    holds(case)
