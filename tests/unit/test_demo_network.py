"""What a scenario's network does with a packet: the order is this machine, the link, each hop, the server."""

from __future__ import annotations

import pytest

from aetui.demo import loading
from aetui.demo.network import Expire, Fate, Network, NoNeighbour, NoRoute, Pass
from aetui.demo.outcomes import failure
from aetui.demo.scenario import Censor, Deny, Drop, Hop, Place, Refuse, Reject, Scenario, Serve
from aetui.observations import Outcome
from aetui.records import Transport
from aetui.strict import parse_toml

TCP, UDP = Transport.TCP, Transport.UDP
SERVER, OTHER, GATEWAY, LOGGER, NOBODY = "192.52.193.11", "192.52.193.12", "192.168.50.1", "192.168.50.60", "192.168.50.99"
PLACES = (Place("www.alsoenergy.com", (SERVER,)), Place("time.nist.gov", (OTHER,)))
HOPS = 6
"""Routers of the site's way out; the server is one further."""


def scenario(text: str = "") -> Scenario:
    return loading.compose("made", parse_toml(f'title = "T"\nsentence = "S"\n{text}'.encode(), "made.toml"), loading.ground())


def network(text: str = "", outside: bool = False) -> Network:
    made = scenario(text)
    return Network(made, made.places + PLACES, outside)


def rule(text: str) -> str:
    return f"[[rules]]\n{text}\n"


ALL = 'to = ["internet"]\n'
FATES = {
    "a free way leads to the server": ("", SERVER, 443, TCP, None, Fate(Pass(), 1.0, SERVER)),
    "an address that nobody has is silent": ("", "192.52.193.99", 443, TCP, None, Fate(Drop(), 1.0, "192.52.193.99")),
    "a neighbour passes no router": ("", LOGGER, 23, TCP, None, Fate(Pass(), 1.0, LOGGER)),
    "a neighbour that is not there answers no ARP": ("", NOBODY, 23, TCP, None, Fate(NoNeighbour(), 0.0)),
    "there is no IPv6": ("", "2001:db8::1", 443, TCP, None, Fate(NoRoute(), 0.0)),
    "no link, no way": ("[here]\nlink = false", SERVER, 443, TCP, None, Fate(NoRoute(), 0.0)),
    "no address, no way": ('[here]\naddress = ""', LOGGER, 23, TCP, None, Fate(NoRoute(), 0.0)),
    "no gateway, no way beyond the link": ('[here]\ngateway = ""', SERVER, 443, TCP, None, Fate(NoRoute(), 0.0)),
    "no gateway, and neighbours are there": ('[here]\ngateway = ""', LOGGER, 23, TCP, None, Fate(Pass(), 1.0, LOGGER)),
    "a self-assigned address has no way to the gateway": (
        '[here]\naddress = "169.254.7.7/16"',
        SERVER,
        443,
        TCP,
        None,
        Fate(NoRoute(), 0.0),
    ),
    "a silent gateway stops what goes beyond": ("[here]\ngateway_answers = false", SERVER, 443, TCP, None, Fate(NoNeighbour(), 0.0)),
    "a silent gateway is silent itself": ("[here]\ngateway_answers = false", GATEWAY, 53, UDP, None, Fate(NoNeighbour(), 0.0)),
    "a silent gateway leaves neighbours alone": ("[here]\ngateway_answers = false", LOGGER, 23, TCP, None, Fate(Pass(), 1.0, LOGGER)),
    "the gateway acts one hop away": (rule(ALL + 'does = "drop"'), SERVER, 443, TCP, None, Fate(Drop(), 1 / 7, GATEWAY)),
    "the server acts at its own place": (
        rule(ALL + 'does = "refuse"\neverywhere = true'),
        SERVER,
        443,
        TCP,
        None,
        Fate(Refuse(), 1.0, SERVER),
    ),
    "a rejection names the device that says it": (
        rule(ALL + 'does = "reject"\nicmp = "host-prohibited"\nat = 2'),
        SERVER,
        443,
        TCP,
        None,
        Fate(Reject(10), 2 / 7, "192.31.196.1"),
    ),
    "a rejection may name another": (
        rule(ALL + 'does = "reject"\nby = "192.168.50.3"'),
        SERVER,
        443,
        TCP,
        None,
        Fate(Reject(13, "192.168.50.3"), 1 / 7, "192.168.50.3"),
    ),
    "this machine denies before anything is sent": (
        '[here]\ngateway = ""\n' + rule(ALL + 'does = "deny"'),
        SERVER,
        443,
        TCP,
        None,
        Fate(Deny(), 0.0),
    ),
    "another port is not meant": (
        rule(ALL + 'ports = ["80", "8000-8100"]\ndoes = "drop"'),
        SERVER,
        443,
        TCP,
        None,
        Fate(Pass(), 1.0, SERVER),
    ),
    "a port in a range is meant": (
        rule(ALL + 'ports = ["8000-8100"]\ndoes = "drop"'),
        SERVER,
        8100,
        TCP,
        None,
        Fate(Drop(), 1 / 7, GATEWAY),
    ),
    "another transport is not meant": (rule(ALL + 'transport = "udp"\ndoes = "drop"'), SERVER, 443, TCP, None, Fate(Pass(), 1.0, SERVER)),
    "another host is not meant": (
        rule('to = ["www.alsoenergy.com"]\ndoes = "drop"'),
        OTHER,
        443,
        TCP,
        None,
        Fate(Pass(), 1.0, OTHER),
    ),
    "a host is meant by its address": (
        rule('to = ["www.alsoenergy.com"]\ndoes = "drop"'),
        SERVER,
        443,
        TCP,
        None,
        Fate(Drop(), 1 / 7, GATEWAY),
    ),
    "a network is meant": (rule('to = ["192.52.193.0/24"]\ndoes = "drop"'), OTHER, 1, TCP, None, Fate(Drop(), 1 / 7, GATEWAY)),
    "the internet is not the link": (rule(ALL + 'does = "drop"'), LOGGER, 23, TCP, None, Fate(Pass(), 1.0, LOGGER)),
    "the link is not the internet": (rule('to = ["lan"]\ndoes = "drop"'), SERVER, 443, TCP, None, Fate(Pass(), 1.0, SERVER)),
    "the first rule that fits counts": (
        rule(ALL + 'ports = ["443"]\ndoes = "refuse"') + rule(ALL + 'does = "drop"'),
        SERVER,
        443,
        TCP,
        None,
        Fate(Refuse(), 1 / 7, GATEWAY),
    ),
    "inbound rules leave what goes out alone": (rule('to = ["here"]\ndoes = "drop"'), SERVER, 443, TCP, None, Fate(Pass(), 1.0, SERVER)),
    "another service stands in": (
        rule(ALL + 'does = "serve"\nservice = "ssh"'),
        SERVER,
        443,
        TCP,
        None,
        Fate(Serve("ssh"), 1 / 7, GATEWAY),
    ),
    "a censor lets it open": (
        rule(ALL + 'does = "censor"\nnames = ["a"]\nresets = true'),
        SERVER,
        443,
        TCP,
        None,
        Fate(Censor(("a",), True), 1 / 7, GATEWAY),
    ),
    "a TTL of one ends at the gateway": ("", SERVER, 443, TCP, 1, Fate(Expire(Hop(GATEWAY, "gateway.site.example")), 1 / 7, GATEWAY)),
    "a TTL one short ends before the server": (
        "",
        SERVER,
        443,
        TCP,
        HOPS,
        Fate(Expire(Hop("192.175.48.34", "border-1.hosting.example")), 6 / 7, "192.175.48.34"),
    ),
    "a TTL that is enough arrives": ("", SERVER, 443, TCP, HOPS + 1, Fate(Pass(), 1.0, SERVER)),
    "a TTL of one reaches a neighbour": ("", LOGGER, 23, TCP, 1, Fate(Pass(), 1.0, LOGGER)),
    "a router tells of its TTL before its firewall is asked": (
        rule(ALL + 'does = "drop"'),
        SERVER,
        443,
        TCP,
        1,
        Fate(Expire(Hop(GATEWAY, "gateway.site.example")), 1 / 7, GATEWAY),
    ),
    "behind a firewall no hop is heard": (rule(ALL + 'does = "drop"'), SERVER, 443, TCP, 2, Fate(Drop(), 1 / 7, GATEWAY)),
    "a proxy answers a TTL that is too small for the server": (
        rule(ALL + 'does = "serve"\nservice = "http"\nat = 2'),
        SERVER,
        80,
        TCP,
        3,
        Fate(Serve("http"), 2 / 7, "192.31.196.1"),
    ),
}


@pytest.mark.parametrize(("text", "address", "port", "transport", "ttl", "fate"), FATES.values(), ids=FATES)
def test_the_fate_of_a_packet(text: str, address: str, port: int, transport: Transport, ttl: int | None, fate: Fate) -> None:
    known = address in {SERVER, OTHER, GATEWAY, LOGGER}
    assert network(text).fate(address, port, transport, known, ttl) == fate


OUTSIDE = {
    "the site's own rules do not hold outside": (rule(ALL + 'does = "drop"'), SERVER, Fate(Pass(), 1.0, SERVER)),
    "rules of everywhere do": (rule(ALL + 'does = "drop"\neverywhere = true'), SERVER, Fate(Drop(), 1.0, SERVER)),
    "the site's private addresses lead nowhere outside": ("", LOGGER, Fate(Drop(), 1.0, LOGGER)),
    "the site's missing gateway is not ours": ('[here]\ngateway = ""', "204.232.231.197", Fate(Pass(), 1.0, "204.232.231.197")),
}


@pytest.mark.parametrize(("text", "address", "fate"), OUTSIDE.values(), ids=OUTSIDE)
def test_the_fate_of_a_packet_from_outside(text: str, address: str, fate: Fate) -> None:
    assert network(text, outside=True).fate(address, 443, TCP, known=True) == fate


@pytest.mark.parametrize(
    ("text", "address", "gets_in"),
    [
        ("", "192.168.50.20", True),
        ("", "192.168.50.21", False),
        (rule('to = ["here"]\ndoes = "drop"'), "192.168.50.20", False),
        (rule('to = ["here"]\nports = ["1-1023"]\ndoes = "drop"'), "192.168.50.20", True),
        (rule(ALL + 'does = "drop"'), "192.168.50.20", True),
    ],
    ids=["open", "not ours", "blocked", "another port blocked", "only outgoing blocked"],
)
def test_who_gets_in(text: str, address: str, gets_in: bool) -> None:
    assert network(text).admits(address, 40000) is gets_in


TOLD = {
    "arrived": (Fate(Pass(), 1.0, SERVER), TCP, None),
    "stand-in": (Fate(Serve("x"), 1.0, SERVER), TCP, None),
    "reset by a true socket": (Fate(Refuse(), 1.0, SERVER), TCP, None),
    "no route": (Fate(NoRoute(), 0.0), TCP, (Outcome.NO_ROUTE, "ENETUNREACH", None)),
    "no neighbour": (Fate(NoNeighbour(), 0.0), TCP, (Outcome.NO_NEIGHBOUR, "EHOSTUNREACH", (3, 1, "192.168.50.20"))),
    "own firewall": (Fate(Deny(), 0.0), TCP, (Outcome.DENIED, "EPERM", None)),
    "time exceeded": (Fate(Expire(Hop(GATEWAY)), 0.1, GATEWAY), TCP, (Outcome.UNREACHABLE, "EHOSTUNREACH", (11, 0, GATEWAY))),
    "a silent hop": (Fate(Expire(Hop(GATEWAY, silent=True)), 0.1, GATEWAY), TCP, (Outcome.FILTERED, None, None)),
    "port closed to a datagram": (Fate(Refuse(), 1.0, SERVER), UDP, (Outcome.REJECTED, "ECONNREFUSED", (3, 3, SERVER))),
    "net unreachable": (Fate(Reject(0), 0.1, GATEWAY), TCP, (Outcome.UNREACHABLE, "ENETUNREACH", (3, 0, GATEWAY))),
    "host unreachable": (Fate(Reject(1), 0.1, GATEWAY), TCP, (Outcome.UNREACHABLE, "EHOSTUNREACH", (3, 1, GATEWAY))),
    "port unreachable": (Fate(Reject(3), 0.1, GATEWAY), TCP, (Outcome.REJECTED, "ECONNREFUSED", (3, 3, GATEWAY))),
    "net prohibited": (Fate(Reject(9), 0.1, GATEWAY), TCP, (Outcome.REJECTED, "ENETUNREACH", (3, 9, GATEWAY))),
    "prohibited": (Fate(Reject(13), 0.1, GATEWAY), TCP, (Outcome.REJECTED, "EHOSTUNREACH", (3, 13, GATEWAY))),
}


@pytest.mark.parametrize(("fate", "transport", "told"), TOLD.values(), ids=TOLD)
def test_what_the_machine_is_told(
    fate: Fate, transport: Transport, told: tuple[Outcome, str | None, tuple[int, int, str] | None] | None
) -> None:
    found = failure(fate, transport, "192.168.50.20")
    if told is None:
        assert found is None
        return
    assert found is not None
    icmp = (found.icmp.type, found.icmp.code, found.icmp.sender) if found.icmp else None
    assert (found.outcome, found.errno, icmp) == told


@pytest.mark.parametrize(
    ("address", "hops"), [(LOGGER, 1), (GATEWAY, 1), ("192.31.196.1", 2), ("192.175.48.9", 5), (SERVER, HOPS + 1), ("8.8.8.8", HOPS + 1)]
)
def test_distances(address: str, hops: int) -> None:
    assert network().distance(address) == hops
