"""What the network of a scenario does with a packet: pure rules over addresses, ports and TTLs; nothing is sent here.

``Network.fate`` takes one packet from a machine and tells who acts on it and how far away that is. The order is that of a real packet: this
machine, the link, each hop on the way, the server. A router whose own TTL count runs out says so before its firewall is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface, ip_network

from aetui.demo.scenario import Action, Deny, Drop, Here, Hop, Place, Reject, Rule, Scenario
from aetui.records import Transport


@dataclass(frozen=True, slots=True)
class NoRoute:
    """This machine has no way there."""


@dataclass(frozen=True, slots=True)
class NoNeighbour:
    """The next hop on this link answers no ARP."""


@dataclass(frozen=True, slots=True)
class Expire:
    """The TTL ran out at a hop."""

    hop: Hop


@dataclass(frozen=True, slots=True)
class Pass:
    """It arrives."""


Doing = NoRoute | NoNeighbour | Expire | Pass | Action


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to a packet, and after which share of the whole way."""

    doing: Doing
    share: float = 1.0
    """Of the line's delay: 0 at this machine, 1 at the server."""
    sender: str | None = None
    """Address of the device that answers, where one does."""


class Network:
    """The network around one machine of a scenario."""

    def __init__(self, scenario: Scenario, places: Iterable[Place], outside: bool = False) -> None:
        self._scenario = scenario
        self._here: Here = scenario.outside if outside else scenario.here
        self._hosts: dict[str, frozenset[str]] = {}
        for place in places:
            self._hosts[place.host.lower()] = self._hosts.get(place.host.lower(), frozenset()) | set(place.addresses)
        self._rules = tuple(rule for rule in scenario.rules if rule.everywhere or not outside)
        self._hops = self._way(outside)
        self._lan = ip_interface(self._here.address).network if self._here.address else None
        self._elsewhere = ip_interface(scenario.here.address).network if outside and scenario.here.address else None

    def _way(self, outside: bool) -> tuple[Hop, ...]:
        """From outside, the site's own gateway is not on the way: another one is."""
        if not outside or self._here.gateway is None:
            return self._scenario.hops
        return (Hop(self._here.gateway), *self._scenario.hops[1:])

    @property
    def hops(self) -> tuple[Hop, ...]:
        """Every router on the way out."""
        return self._hops

    def on_link(self, address: str) -> bool:
        """True for an address of this machine's own network."""
        return self._lan is not None and ip_address(address) in self._lan

    def distance(self, address: str) -> int:
        """Hops to an address: the smallest TTL that reaches it."""
        if self.on_link(address):
            return 1
        for number, hop in enumerate(self._hops, 1):
            if hop.address == address:
                return number
        return len(self._hops) + 1

    def fate(self, address: str, port: int, transport: Transport, known: bool, ttl: int | None = None) -> Fate:
        """What happens to a packet to this address and port. ``known`` says whether anybody has the address."""
        if self._elsewhere is not None and ip_address(address) in self._elsewhere:
            return Fate(Drop(), 1.0, address)  # a private network is nowhere, seen from another
        rule = self._rule(address, port, transport)
        if rule is not None and isinstance(rule.action, Deny):
            return Fate(rule.action, 0.0)
        stuck = self._stuck(address, known)
        if stuck is not None:
            return Fate(stuck, 0.0)
        distance = self.distance(address)
        at = self._position(rule, distance)
        if ttl is not None and ttl < distance and (at is None or ttl <= at):
            return Fate(Expire(self._hops[ttl - 1]), ttl / distance, self._hops[ttl - 1].address)
        if rule is not None and at is not None:
            return self._acted(rule, at, address, distance)
        return Fate(Pass() if known else Drop(), 1.0, address)

    def admits(self, address: str, port: int) -> bool:
        """Whether a connection from outside to this machine's own address and port gets in."""
        own = self._here.address
        return own is not None and str(ip_interface(own).ip) == address and self._rule(address, port, Transport.TCP, inward=True) is None

    def _stuck(self, address: str, known: bool) -> NoRoute | NoNeighbour | None:
        """Why a packet does not even leave the link."""
        here = self._here
        if not here.link or self._lan is None or ip_address(address).version != self._lan.version:
            return NoRoute()
        gateway_dead = not here.gateway_answers
        if self.on_link(address):
            return NoNeighbour() if not known or (gateway_dead and address == here.gateway) else None
        if here.gateway is None or not self.on_link(here.gateway):
            return NoRoute()
        return NoNeighbour() if gateway_dead else None

    def _rule(self, address: str, port: int, transport: Transport, inward: bool = False) -> Rule | None:
        for rule in self._rules:
            fits = rule.transport in {None, transport} and any(low <= port <= high for low, high in rule.ports)
            if fits and any(self._is(target, address, inward) for target in rule.to):
                return rule
        return None

    def _is(self, target: str, address: str, inward: bool) -> bool:
        if target == "here" or inward:
            return target == "here" and inward
        if target == "lan":
            return self.on_link(address)
        if target == "internet":
            return not self.on_link(address)
        if target[0].isdigit():
            return ip_address(address) in ip_network(target)
        return address in self._hosts.get(target.lower(), frozenset())

    def _position(self, rule: Rule | None, distance: int) -> int | None:
        """The hop at which a rule acts, the server's own place being the distance."""
        if rule is None:
            return None
        usual = distance if rule.everywhere else 1
        return min(usual if rule.at is None else rule.at, distance)

    def _acted(self, rule: Rule, at: int, address: str, distance: int) -> Fate:
        device = self._hops[at - 1].address if 0 < at <= len(self._hops) and at < distance else address
        sender = rule.action.by or device if isinstance(rule.action, Reject) else device
        return Fate(rule.action, at / distance, sender)
