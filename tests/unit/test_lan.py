"""The local network's engine: what is sent and what is not, what each finding rests on, and who made a piece of hardware."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

import pytest
from fake_vantage import FakeVantage, MockStream
from hypothesis import given
from hypothesis import strategies as st

from aetui.causes import describe, load_causes
from aetui.diagnosis import lan as rules
from aetui.lan import look
from aetui.lan.makers import load_makers, maker_of
from aetui.lan.records import AddressSeen, Held, LanSeen, networks, swept
from aetui.observations import Interface, LinkSeen, Outcome
from aetui.packet.client import Failure
from aetui.packet.messages import Neighbour, Offer, Refused
from aetui.vantage.base import Answer

MAC, MOXA, ACQUISUITE = "02:00:00:00:00:20", "00:90:e8:12:34:56", "00:1e:c6:00:11:22"


def link(*interfaces: Interface, default: str | None = "eth0", dhcp: bool | None = True) -> LinkSeen:
    first = next((text.partition("/")[0] for i in interfaces for text in i.addresses), None)
    return LinkSeen(interfaces, default, first, "192.168.50.1", None, True, ("192.168.50.1",), dhcp=dhcp)


def card(name: str = "eth0", *addresses: str, up: bool = True, kind: str = "wired", mac: str = MAC) -> Interface:
    return Interface(name, up, up, mac, addresses, kind=kind)


HERE = link(card("eth0", "192.168.50.20/24"))


@dataclass
class Helper:
    """A packet helper in memory."""

    offers: tuple[Offer, ...] | Failure | Refused = ()
    neighbours: tuple[Neighbour, ...] | Failure | Refused = ()
    asked: list[tuple[str, str, bool]] = field(default_factory=list)

    async def dhcp_offers(self, interface: str, wait_s: float = 3.0) -> tuple[Offer, ...] | Failure | Refused:
        self.asked.append((interface, "dhcp", False))
        return self.offers

    async def arp(self, interface: str, network: str, wait_s: float = 1.0, *, probe: bool = False) -> tuple[Neighbour, ...] | Failure | Refused:
        self.asked.append((interface, network, probe))
        return self.neighbours


def offer(server: str = "192.168.50.1", router: str | None = "192.168.50.1", resolvers: tuple[str, ...] = ("192.168.50.1",), mac: str = MAC) -> Offer:
    return Offer(server, mac, "192.168.50.100", router, resolvers)


def vantage(seen: LinkSeen = HERE, **connects: object) -> FakeVantage:
    return FakeVantage(connects={}, seen=seen)


# --------------------------------------------------------------------------------------------------------------- whose network
NETWORKS = {
    "the default route's first": (link(card("eth1", "10.0.0.5/24"), card("eth0", "192.168.50.20/24")), ["eth0", "eth1"]),
    "tunnels are nobody's local network": (link(card("tun0", "10.8.0.2/24", kind="vpn"), card("eth0", "192.168.50.20/24")), ["eth0"]),
    "an address that was made up gives none": (link(card("eth0", "169.254.7.7/16")), []),
    "an interface that is down gives none": (link(card("eth0", "192.168.50.20/24", up=False)), []),
    "a link of two has nobody to look for": (link(card("eth0", "192.168.50.20/31")), []),
    "IPv6 is not looked through": (link(card("eth0", "2600::20/64", "192.168.50.20/24")), ["eth0"]),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_local_networks_are(name: str) -> None:
    seen, names = NETWORKS[name]
    assert [interface for interface, _ in networks(seen)] == names


@given(st.ip_addresses(v=4, network="10.0.0.0/8"), st.integers(8, 30))
def test_a_sweep_stays_within_the_own_network_and_takes_256_addresses_at_the_most(address: IPv4Address, prefix: int) -> None:
    found = networks(link(card("eth0", f"{address}/{prefix}")))
    for _, own in found:
        network = swept(own)
        assert network.subnet_of(own.network) and own.ip in network and network.num_addresses <= 256


# ------------------------------------------------------------------------------------------------------------------- who is there
async def test_by_arp_only_those_that_answered_are_knocked_at_and_makers_are_named() -> None:
    here = FakeVantage({("192.168.50.30", 23): MockStream(), ("192.168.50.31", 80): Outcome.REFUSED}, seen=HERE)
    helper = Helper(neighbours=(Neighbour("192.168.50.31", ACQUISUITE), Neighbour("192.168.50.30", MOXA)))
    found = await look.around(look.Eyes(here, helper), (23, 80))
    assert found is not None and found.lacking is None and found.whole
    assert [(d.address, d.maker, d.equipment, d.open_ports) for d in found.devices] == [
        ("192.168.50.30", "Moxa", ("moxa",), (23,)), ("192.168.50.31", "AcquiSuite (Obvius, Leviton)", ("acquisuite",), ()),
    ]  # fmt: skip
    assert {address for address, _, _ in here.connected} == {"192.168.50.30", "192.168.50.31"}
    assert helper.asked == [("eth0", "192.168.50.0/24", False)]


async def test_without_the_right_every_address_of_the_network_is_tried_once_and_never_beyond_it() -> None:
    here = FakeVantage({("192.168.50.30", 23): MockStream()}, seen=HERE)
    found = await look.around(look.Eyes(here, Helper(neighbours=Failure("no right. To grant it: sudo aetui"))), (23, 80))
    assert found is not None and "sudo" in str(found.lacking)
    first = [address for address, port, _ in here.connected if port == 23]
    assert len(first) == len(set(first)) == 253 and all(IPv4Address(a) in IPv4Network("192.168.50.0/24") for a in first)
    assert {address for address, port, _ in here.connected if port == 80} == {"192.168.50.30"}, "further ports only of those that are there"


async def test_a_sweep_has_a_bounded_number_of_connects_under_way() -> None:
    class Slow(FakeVantage):
        now = most = 0

        async def connect(self, address, port, deadline, shape=None):  # type: ignore[no-untyped-def,override]
            Slow.now += 1
            Slow.most = max(Slow.most, Slow.now)
            await asyncio.sleep(0)
            Slow.now -= 1
            return await super().connect(address, port, deadline)

    await look.around(look.Eyes(Slow(seen=HERE)), (23,))
    assert 1 < Slow.most <= look.AT_ONCE


async def test_a_large_network_is_looked_through_in_part_and_that_is_said() -> None:
    large = link(card("eth0", "10.1.2.3/16"))
    helper = Helper(neighbours=())
    found = await look.around(look.Eyes(FakeVantage(seen=large), helper), (23,))
    assert found is not None and not found.whole and helper.asked == [("eth0", "10.1.2.0/24", False)]


async def test_the_network_that_is_named_is_the_one_that_was_asked() -> None:
    wide = link(card("eth0", "10.1.2.3/23"))
    seen = (Neighbour("10.1.3.7", MOXA),)
    by_arp = await look.around(look.Eyes(FakeVantage(seen=wide), Helper(neighbours=seen)), (23,))
    assert by_arp is not None and by_arp.whole and by_arp.network == "10.1.2.0/23" and by_arp.devices[0].address == "10.1.3.7"
    by_knocking = await look.around(look.Eyes(FakeVantage(seen=wide), None, "no right"), (23,))
    assert by_knocking is not None and not by_knocking.whole and by_knocking.network == "10.1.2.0/24"


async def test_a_machine_without_a_network_looks_for_nobody() -> None:
    assert await look.around(look.Eyes(FakeVantage(seen=link(card("eth0")))), (23,)) is None


# ------------------------------------------------------------------------------------------------------------------ is it free
HELD = {
    "another answers": ((Neighbour("192.168.50.30", MOXA),), "192.168.50.30", Held.TAKEN),
    "nobody answers": ((), "192.168.50.30", Held.FREE),
    "only ourselves": ((Neighbour("192.168.50.20", MAC.upper()),), "192.168.50.20", Held.OURS),
    "it is ours, and another answers too": ((Neighbour("192.168.50.20", MOXA),), "192.168.50.20", Held.TAKEN),
    "it is of another network": ((), "10.9.9.9", Held.ELSEWHERE),
    "it is the network itself": ((), "192.168.50.0", Held.ELSEWHERE),
    "it means everybody": ((), "192.168.50.255", Held.ELSEWHERE),
    "it is ours beside another of the same network": ((), "192.168.50.21", Held.OURS),
}


@pytest.mark.parametrize("name", HELD)
async def test_an_address_is_free_or_not_as_arp_says(name: str) -> None:
    neighbours, address, held = HELD[name]
    helper = Helper(neighbours=neighbours)
    here = link(card("eth0", "192.168.50.20/24", "192.168.50.21/24"))
    seen = await look.held(look.Eyes(FakeVantage(seen=here), helper), address)
    assert seen.held is held
    assert helper.asked == ([] if held is Held.ELSEWHERE else [("eth0", address, True)]), "asked as a probe, so that nobody's table is changed"


PLAINLY = {
    Outcome.NO_NEIGHBOUR: Held.FREE, Outcome.REFUSED: Held.TAKEN, Outcome.FILTERED: Held.TAKEN, Outcome.REJECTED: Held.TAKEN,
    Outcome.DENIED: Held.UNKNOWN, Outcome.FAILED: Held.UNKNOWN, Outcome.NO_ROUTE: Held.UNKNOWN,
}  # fmt: skip


@pytest.mark.parametrize("outcome", PLAINLY)
async def test_without_the_right_a_plain_connect_says_whether_it_is_free(outcome: Outcome) -> None:
    here = FakeVantage({("192.168.50.30", 80): outcome}, seen=HERE)
    seen = await look.held(look.Eyes(here, None, "no right"), "192.168.50.30")
    assert seen.held is PLAINLY[outcome] and seen.lacking == "no right"


async def test_without_the_right_nothing_is_said_of_our_own_address() -> None:
    here = FakeVantage({("192.168.50.20", 80): MockStream()}, seen=HERE)
    assert (await look.held(look.Eyes(here), "192.168.50.20")).held is Held.UNKNOWN and not here.connected


# ------------------------------------------------------------------------------------------------------------------------ DHCP
async def test_dhcp_is_asked_on_the_interface_of_the_default_route_or_on_one_that_has_no_address_yet() -> None:
    for seen, interface in ((HERE, "eth0"), (link(card("lo", "127.0.0.1/8", kind="loopback"), card("eth7"), default=None), "eth7")):
        helper = Helper(offers=(offer(),))
        found = await look.place(look.Eyes(FakeVantage(seen=seen), helper))
        assert helper.asked == [(interface, "dhcp", False)] and found.offers == (offer(),) and found.lacking is None


async def test_without_the_right_nobody_was_asked_which_is_not_that_nobody_offers() -> None:
    found = await look.place(look.Eyes(FakeVantage(seen=HERE), None, "a right is missing; sudo aetui"))
    assert found.offers is None and found.lacking == "a right is missing; sudo aetui" and rules.findings(found) == ()


OFFERS = {
    "one good server": ((offer(),), []),
    "the same server twice": ((offer(), offer(mac=MOXA)), []),
    "nobody": ((), ["dhcp-silent warn certain"]),
    "two that agree": ((offer(), offer("192.168.50.2")), ["dhcp-several warn certain"]),
    "two that name different gateways": ((offer(), offer("192.168.50.30", "192.168.50.30")), ["dhcp-several fail certain"]),
    "one without a name server": ((offer(resolvers=()),), ["dhcp-no-resolver fail certain"]),
    "a good one and a stranger without a name server": (
        (offer(), offer("192.168.50.30", "192.168.50.30", ())), ["dhcp-several fail certain", "dhcp-no-resolver fail certain"]),
}  # fmt: skip


@pytest.mark.parametrize("name", OFFERS)
def test_what_dhcp_servers_offer_is_read(name: str) -> None:
    offers, wanted = OFFERS[name]
    seen = LanSeen(link(card("eth0", "192.168.50.20/24"), dhcp=False), offers=offers, waited_s=3.0)
    found = rules.findings(seen)
    assert [f"{f.cause} {f.severity.value} {f.confidence.value}" for f in found] == wanted
    for finding in found:
        told = describe(load_causes(), finding)
        assert "?" not in "".join((told.summary, *told.evidence, *told.remedy)) and told.evidence


def test_silence_is_less_certain_where_our_own_address_came_by_dhcp() -> None:
    (found,) = rules.findings(LanSeen(HERE, offers=(), waited_s=3.0))
    assert found.confidence.value == "likely"


def test_a_conflict_names_the_other_devices_hardware() -> None:
    finding = rules.conflict(AddressSeen("192.168.50.30", Held.TAKEN, MOXA, "Moxa"))
    assert finding is not None and finding.cause == "address-conflict"
    told = describe(load_causes(), finding)
    assert MOXA in told.summary and "Moxa" in told.evidence[0]
    assert all(rules.conflict(AddressSeen("192.168.50.30", held)) is None for held in Held if held is not Held.TAKEN)


# ---------------------------------------------------------------------------------------------------------------------- makers
@pytest.mark.parametrize(
    ("mac", "name"), [(MOXA, "Moxa"), (MOXA.upper(), "Moxa"), (ACQUISUITE, "AcquiSuite (Obvius, Leviton)"), ("02:00:00:00:00:01", None), (None, None), ("", None)]
)
def test_a_maker_is_told_by_the_first_three_bytes(mac: str | None, name: str | None) -> None:
    found = maker_of(mac)
    assert (found.name if found else None) == name


def test_every_maker_of_the_list_is_the_registrys() -> None:
    """Held against scapy's copy of the IEEE's registry."""
    from scapy.data import MANUFDB

    aka = {"AcquiSuite (Obvius, Leviton)": "leviton", "HMS (Anybus)": "hms", "Schneider Electric": ("schneider", "telemecanique"), "Linksys": "linksys",
           "VMware (a virtual machine)": "vmware", "Digi": "digi"}  # fmt: skip
    for prefix, maker in load_makers().items():
        registered = MANUFDB.lookup(f"{prefix}:00:00:01")[1].casefold()
        wanted = aka.get(maker.name, maker.name.casefold())
        assert registered.startswith(wanted) or any(word in registered for word in ([wanted] if isinstance(wanted, str) else wanted)), (prefix, registered)


def test_the_models_that_hardware_may_be_are_those_of_the_catalogue() -> None:
    from aetui.catalogue import load

    assert {key for maker in load_makers().values() for key in maker.equipment} <= set(load().equipment)


# ------------------------------------------------------------------------------------------------------------------- the clock
class Times(FakeVantage):
    """One time server is silent until nobody waits any more, the other one answers if it is asked in time."""

    left = 0.0
    """Seconds that the one asked last was given."""

    async def lookup(self, name: str, deadline: float) -> tuple[str, ...]:
        return ("192.0.2.1",) if name == "silent.example" else ("192.0.2.2",)

    async def ask(self, address: str, port: int, payload: bytes, deadline: float, *more: object, **named: object) -> Answer:
        left = deadline - asyncio.get_running_loop().time()
        if address == "192.0.2.1":
            await asyncio.sleep(left)
        self.asked[address].append(payload)
        self.left = left
        return Answer(Outcome.FILTERED)


async def test_a_silent_time_server_takes_nobody_elses_time_away() -> None:
    here = Times(seen=HERE)
    await look.place(look.Eyes(here), ("silent.example", "other.example"))
    assert here.asked.keys() == {"192.0.2.1", "192.0.2.2"} and here.left > 2.0
