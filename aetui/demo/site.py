"""The embedded site: true servers on loopback for every place of a scenario, and the map from documented addresses to them.

``open`` starts what the scenario names, ``close`` ends it all. Which server answers at an address and port is ``port_of``; one that
stands in for another by a rule is ``port_of_service``. What the network in between does is not here: ``network``, ``vantage.demo``.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aetui.demo.consoles import banner_handler, desktop_handler, telnet_handler
from aetui.demo.fileserver import Dial, Server, file_handler
from aetui.demo.places import from_catalogue
from aetui.demo.scenario import Banner, Clock, Desktop, Files, Leaf, Names, Place, Scenario, Service, Telnet, Web
from aetui.demo.serving import Serving
from aetui.demo.timeserver import TimeServer
from aetui.demo.web import web_handler
from aetui.records import Transport

if TYPE_CHECKING:
    from aetui.demo.authority import Authorities

TCP, UDP = Transport.TCP, Transport.UDP


class Site:
    """One scenario's servers."""

    def __init__(self, scenario: Scenario, places: Iterable[Place] | None = None) -> None:
        self.scenario = scenario
        self.places = scenario.places + tuple(from_catalogue(scenario) if places is None else places)
        self.homes: dict[str, Dial] = {}
        """How a server reaches back to a client, by the client's own address; vantages enter themselves."""
        self._serving: Serving | None = None
        self._authorities: Authorities | None = None
        self._services: dict[tuple[str, Transport], int] = {}
        self._settled: dict[tuple[str, int, Transport], int] = {}
        self._published: dict[tuple[str, int, Transport], int] = {}
        self._passive: dict[str, set[int]] = {}

    @property
    def running(self) -> bool:
        """True between ``open`` and ``close``."""
        return self._serving is not None

    @property
    def roots(self) -> Path:
        """PEM file of the roots that a logger would trust. Valid while open."""
        return self._held().roots

    @property
    def machine_roots(self) -> Path:
        """PEM file of this machine's own store. Valid while open."""
        return self._held().machine_roots

    @property
    def closed_port(self) -> int:
        """A loopback port that refuses."""
        assert self._serving is not None
        return self._serving.closed_port

    @property
    def addresses(self) -> frozenset[str]:
        """Every address that somebody answers at."""
        return frozenset(address for place in self.places for address in place.addresses) | {key[0] for key in self._published}

    async def open(self) -> None:
        """Start every server."""
        from aetui.demo.authority import Authorities

        self._authorities = Authorities(self.scenario.authorities, [place.host for place in self.places], self.scenario.clock_ahead_s)
        self._serving = Serving()
        for name, service in self.scenario.services.items():
            if not isinstance(service, Files):
                await self._start(name, service)
        for place in self.places:
            for port, name in place.ports.items():
                await self._settle(place, port, name)

    async def close(self) -> None:
        """End everything; safe to call twice."""
        serving, self._serving = self._serving, None
        if serving is not None:
            await serving.close()
        authorities, self._authorities = self._authorities, None
        if authorities is not None:
            authorities.close()
        for held in (self._services, self._settled, self._passive, self.homes):
            held.clear()

    def publish(self, address: str, port: int, transport: Transport, loopback_port: int) -> None:
        """Put a server of one's own at a documented address."""
        self._published[address, port, transport] = loopback_port

    def port_of(self, address: str, port: int, transport: Transport) -> int | None:
        """The loopback port behind a documented address and port, or None where nothing listens."""
        key = (address, port, transport)
        found = self._published.get(key, self._settled.get(key))
        if found is None and transport is TCP and port in self._passive.get(address, ()):
            return port
        return found

    def port_of_service(self, name: str, transport: Transport) -> int | None:
        """The loopback port of a service of the scenario, or None where it does not speak this transport."""
        return self._services.get((name, transport))

    async def dial(self, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Reach back to a client that announced this address. Raises OSError."""
        home = self.homes.get(address)
        if home is None:
            raise OSError(f"nobody lives at {address}")
        return await home(address, port)

    def _held(self) -> Authorities:
        assert self._authorities is not None, "the site is not open"
        return self._authorities

    async def _settle(self, place: Place, port: int, name: str) -> None:
        """Let a service answer at each address of a place."""
        service = self.scenario.services[name]
        for address in place.addresses:
            key = f"{name}@{address}" if isinstance(service, Files) else name
            if (key, TCP) not in self._services and isinstance(service, Files):
                await self._start_files(key, service, address)
            for transport in (TCP, UDP):
                found = self._services.get((key, transport))
                if found is not None:
                    self._settled.setdefault((address, port, transport), found)

    async def _start_files(self, key: str, service: Files, address: str) -> None:
        assert self._serving is not None
        ports = self._passive.setdefault(address, set())
        self._services[key, TCP] = await self._serving.tcp(file_handler(Server(service, address, ports, self.dial)))

    async def _start(self, name: str, service: Service) -> None:
        for transport, starting in self._starters(service):
            self._services[name, transport] = await starting()

    def _starters(self, service: Service) -> list[tuple[Transport, Callable[[], Awaitable[int]]]]:
        """What a service needs to be started, by transport."""
        serving, ahead = self._serving, self.scenario.clock_ahead_s
        assert serving is not None
        match service:
            case Web(leaf=None):
                return [(TCP, partial(serving.tcp, web_handler(service, ahead)))]
            case Web(leaf=Leaf() as leaf):
                return [(TCP, partial(serving.tcp, web_handler(service, ahead), self._listening(leaf)))]
            case Names():
                return self._name_starters(service, serving)
            case Clock():
                return [(UDP, partial(serving.udp, partial(TimeServer, service, ahead)))]
            case Telnet():
                return [(TCP, partial(serving.tcp, telnet_handler(service)))]
            case Banner():
                return [(TCP, partial(serving.tcp, banner_handler(service)))]
            case Desktop(computer=computer):
                context = partial(self._held().context, Leaf(name=computer, self_signed=True), computer)
                return [(TCP, partial(serving.tcp, desktop_handler(context)))]
        return []

    def _listening(self, leaf: Leaf) -> ssl.SSLContext:
        return self._held().listening(leaf, self._first_host())

    def _first_host(self) -> str:
        """Whose certificate a client gets that asks for nobody's."""
        return next((place.host for place in self.places if 443 in place.ports), "server.example")

    def _name_starters(self, service: Names, serving: Serving) -> list[tuple[Transport, Callable[[], Awaitable[int]]]]:
        from aetui.demo.nameserver import DatagramResolver, Resolver, stream_resolver

        reverse = {hop.address: hop.name for hop in self.scenario.hops if hop.name}
        resolver = Resolver(service, self._zone(), reverse)
        return [(UDP, partial(serving.udp, partial(DatagramResolver, resolver))), (TCP, partial(serving.tcp, stream_resolver(resolver)))]

    def _zone(self) -> dict[str, tuple[str, ...]]:
        """Addresses by host."""
        zone: dict[str, tuple[str, ...]] = {}
        for place in self.places:
            zone[place.host.lower()] = tuple(dict.fromkeys(zone.get(place.host.lower(), ()) + place.addresses))
        return zone
