"""Looks round on the local network: this machine's place, DHCP servers, devices, whether an address is free.

Sends only within the interface's own network. With the packet helper (raw packets) DHCP servers are asked and devices found by ARP.
Without it, ``lacking`` says so and names the command that grants the right, and what is left is done: the ARP table is read, and every
address of the network, a /24 at most, is tried by TCP, ``AT_ONCE`` together. Nothing is logged in to. Failures
are data; ``VantageLost`` may be raised by the vantage. Sources: RFC 2131, RFC 5227.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Protocol

from aetui.lan.makers import maker_of
from aetui.lan.records import AddressSeen, Around, Device, Held, LanSeen, fits, networks, swept
from aetui.observations import LinkSeen, NtpSeen, Outcome
from aetui.packet.client import Failure
from aetui.packet.messages import MOST_HOSTS, Neighbour, Offer, Refused
from aetui.probes import ntp
from aetui.probes.base import Given, Settings
from aetui.probes.common import clock
from aetui.records import Check, Transport
from aetui.vantage.base import Capability, Vantage

SURVEY_S = 5.0
"""Longest look at this machine's own place: a silent gateway takes four seconds."""
OFFERS_S = 3.0
"""How long DHCP offers are waited for: a relay and a slow server."""
CLOCK_S = 5.0
"""Longest wait for time servers: the pause that one insists on between two questions (``ntp.PAUSE_S``), and its answer."""
CONNECT_S = 1.2
"""Longest wait for one connect of a sweep: a neighbour is a millisecond away."""
TAKEN_S = 4.5
"""Longest wait where an address may have nobody behind it: the kernel asks for three seconds."""
AT_ONCE = 32
"""Connects of a sweep under way together."""
SWEPT_PORTS = (3389, 23, 80)
"""Remote Desktop, telnet and web pages: what the equipment answers on."""
ANSWERED = frozenset({Outcome.OPEN, Outcome.REFUSED, Outcome.REJECTED})


class Packets(Protocol):
    """What of the packet helper is used here (``packet.client.PacketHelper``)."""

    async def dhcp_offers(self, interface: str, wait_s: float = 3.0) -> tuple[Offer, ...] | Failure | Refused:
        """Every server that makes an offer."""

    async def arp(
        self, interface: str, network: str, wait_s: float = 1.0, *, probe: bool = False
    ) -> tuple[Neighbour, ...] | Failure | Refused:
        """Who answers for these addresses."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """What there is to look with."""

    vantage: Vantage
    packets: Packets | None = None
    """None where raw packets cannot be had at all, as in the embedded site."""
    why_not: str | None = None
    """Why ``packets`` is None, in one sentence."""


async def place(eyes: Eyes, time_servers: Sequence[str] = (), known: LinkSeen | None = None) -> LanSeen:
    """This machine's place, its clock against a time server that answers, and the DHCP servers."""
    link = known or await eyes.vantage.survey(clock() + SURVEY_S)
    offers, time = await asyncio.gather(_offers(eyes, link), _clock(eyes.vantage, time_servers))
    said, lacking = (None, offers) if isinstance(offers, str) else (offers, None)
    return LanSeen(link, time, said, OFFERS_S, lacking)


async def around(eyes: Eyes, ports: Sequence[int] = SWEPT_PORTS) -> Around | None:
    """Who is on this network; None where this machine has none."""
    link = await eyes.vantage.survey(clock() + SURVEY_S)
    places = networks(link) if link is not None else ()
    if not places:
        return None
    interface, own = places[0]
    asked = swept(own, MOST_HOSTS)
    answer = await _arp(eyes, interface, str(asked))
    if not isinstance(answer, str):
        seen = {each.address: each.mac for each in answer}
        found = await _connects(eyes.vantage, [a for a in seen if a != str(own.ip)], ports)
        return Around(str(asked), _devices(seen, found), asked == own.network)
    network = swept(own)
    found = await _connects(eyes.vantage, _others(network, own), ports)
    everyone: dict[str, str | None] = {**dict.fromkeys(found), **_table(eyes.vantage, network)}
    return Around(str(network), _devices(everyone, found), network == own.network, answer)


async def held(eyes: Eyes, address: str) -> AddressSeen:
    """Whether an address of this network is free."""
    link = await eyes.vantage.survey(clock() + SURVEY_S)
    places = networks(link) if link is not None else ()
    where = next(((name, own) for name, own in places if fits(address, own)), None)
    if where is None:
        return AddressSeen(address, Held.ELSEWHERE)
    interface, own = where
    mine = address in {str(each.ip) for _, each in places}
    answer = await _arp(eyes, interface, address, probe=True)
    if isinstance(answer, str):  # a connect to an address of our own would only meet ourselves
        return AddressSeen(address, Held.UNKNOWN, lacking=answer) if mine else await _held_plainly(eyes.vantage, address, own, answer)
    ours = {i.mac.lower() for i in link.interfaces if i.mac} if link else set()
    others = [each.mac for each in answer if each.mac.lower() not in ours]
    if others:
        return _taken(address, others[0], None)
    return AddressSeen(address, Held.OURS if mine else Held.FREE)


async def _held_plainly(vantage: Vantage, address: str, own: IPv4Interface, lacking: str) -> AddressSeen:
    """By a plain connect: this machine itself says that nobody has the address; anything else comes from somebody."""
    connection = await vantage.connect(address, SWEPT_PORTS[-1], clock() + TAKEN_S)
    if connection.stream is not None:
        connection.stream.close()
    outcome = connection.seen.outcome
    if outcome is Outcome.NO_NEIGHBOUR:
        return AddressSeen(address, Held.FREE, lacking=lacking)
    if outcome in ANSWERED or outcome is Outcome.FILTERED:
        return _taken(address, _table(vantage, own.network).get(address), lacking)
    return AddressSeen(address, Held.UNKNOWN, lacking=lacking)


def _taken(address: str, mac: str | None, lacking: str | None) -> AddressSeen:
    maker = maker_of(mac)
    return AddressSeen(address, Held.TAKEN, mac, maker.name if maker else None, lacking)


# -------------------------------------------------------------------------------------------------------- with the packet helper
async def _offers(eyes: Eyes, link: LinkSeen | None) -> tuple[Offer, ...] | str:
    """DHCP servers' offers, or why nobody was asked."""
    interface = _wired(link)
    if eyes.packets is None:
        return eyes.why_not or "raw packets cannot be sent from here."
    if interface is None:
        return "no network socket is up."
    answer = await eyes.packets.dhcp_offers(interface, OFFERS_S)
    return answer.why if isinstance(answer, Failure | Refused) else answer


def _wired(link: LinkSeen | None) -> str | None:
    """The interface to ask on: that of the default route, or one that is up without an address, since DHCP is what gives it one."""
    if link is None:
        return None
    if link.default_interface is not None:
        return link.default_interface
    up = [i for i in link.interfaces if i.up and i.carrier is not False and i.kind not in {"loopback", "vpn"}]
    return next((i.name for i in sorted(up, key=lambda i: i.kind not in {"wired", "wireless"})), None)


async def _arp(eyes: Eyes, interface: str, network: str, *, probe: bool = False) -> tuple[Neighbour, ...] | str:
    if eyes.packets is None:
        return eyes.why_not or "raw packets cannot be sent from here."
    answer = await eyes.packets.arp(interface, network, probe=probe)
    return answer.why if isinstance(answer, Failure | Refused) else answer


# --------------------------------------------------------------------------------------------------------------------- without
def _table(vantage: Vantage, network: IPv4Network) -> dict[str, str | None]:
    """Who this machine's own ARP table knows on the network."""
    if vantage.info.kind != "local":
        return {}
    from aetui.vantage.netlink import GET_NEIGHBOUR, dump, neighbours

    known = neighbours(dump(GET_NEIGHBOUR) or b"")
    return {each.address: each.mac for each in known if each.mac and ":" not in each.address and IPv4Address(each.address) in network}


def _others(network: IPv4Network, own: IPv4Interface) -> list[str]:
    return [str(host) for host in network.hosts() if host != own.ip]


async def _connects(vantage: Vantage, addresses: Iterable[str], ports: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Open ports of every address where anything answered at all: the first port of each, then the others of those that are there."""
    at_once = asyncio.Semaphore(AT_ONCE)
    found: dict[str, list[int]] = {}

    async def one(address: str, port: int) -> None:
        async with at_once:
            connection = await vantage.connect(address, port, clock() + CONNECT_S)
        if connection.stream is not None:
            connection.stream.close()
        if connection.seen.outcome in ANSWERED:
            found.setdefault(address, [])
        if connection.seen.outcome is Outcome.OPEN:
            found[address].append(port)

    everybody = list(addresses)
    first, *rest = ports
    await asyncio.gather(*(one(address, first) for address in everybody))
    there = set(found) | (set(everybody) & set(_known(vantage, everybody)))
    await asyncio.gather(*(one(address, port) for address in sorted(there) for port in rest))
    return {address: tuple(sorted(open_)) for address, open_ in found.items()}


def _known(vantage: Vantage, addresses: Sequence[str]) -> Iterable[str]:
    """Addresses that the ARP table has a neighbour for: silent on the first port, and there all the same."""
    if not addresses:
        return ()
    return _table(vantage, IPv4Network("0.0.0.0/0")).keys()


def _devices(seen: Mapping[str, str | None], ports: Mapping[str, tuple[int, ...]]) -> tuple[Device, ...]:
    devices = []
    for address in sorted(seen, key=lambda text: int(IPv4Address(text))):
        maker = maker_of(seen[address])
        name, models = (maker.name, maker.equipment) if maker else (None, ())
        devices.append(Device(address, seen[address], name, models, ports.get(address, ())))
    return tuple(devices)


async def _clock(vantage: Vantage, servers: Sequence[str]) -> NtpSeen | None:
    """The answer of a time server that vouches for its time. All are asked at once: one that is silent takes nobody else's time away."""
    if Capability.UDP not in vantage.capabilities:
        return None
    until = clock() + CLOCK_S
    seen = await asyncio.gather(*(_time(vantage, host, until) for host in servers))
    return next((each for each in seen if each is not None and each.offset_ms is not None), None)


async def _time(vantage: Vantage, host: str, until: float) -> NtpSeen | None:
    """What one time server says; None where its name gives no address in time."""
    addresses = await vantage.lookup(host, until) or ()
    v4 = next((address for address in addresses if ":" not in address), None)
    if v4 is None or clock() >= until:
        return None
    check = Check(f"ntp:{host}:{ntp.PORT}", "ntp", host, ntp.PORT, Transport.UDP)
    seen = (await ntp.measure(check, Given((v4,)), vantage, Settings(), until)).observation
    return seen if isinstance(seen, NtpSeen) else None
