"""The made-up site's port forwards, led to a listener of ours on loopback, and what comes back told in documented addresses.

``lead`` puts the listener behind the site's public address; whether anybody gets there is the scenario's to say. ``told`` then takes the
loopback out of what was seen: where a connection came from is the outside vantage's own address, and the port is the equipment's.
``named`` does the same for a knock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_interface

from aetui.demo.callers import LOGGER, SITE
from aetui.demo.scenario import load
from aetui.demo.site import Site
from aetui.reach import Arrival, InboundSeen, Knock, Reached, Standing
from aetui.records import Transport


def public_address(site: Site) -> str:
    """The made-up site's public address."""
    return _address(site, SITE)


def logger_address(site: Site) -> str:
    """The logger's own address inside the site."""
    return _address(site, LOGGER)


def _address(site: Site, host: str) -> str:
    return next(address for place in site.places if place.host == host for address in place.addresses)


def lead(site: Site, ports: Mapping[int, int]) -> None:
    """Forward public ports (keys) to loopback ports."""
    for public, own in ports.items():
        site.publish(public_address(site), public, Transport.TCP, own)


def told(seen: InboundSeen, ports: Mapping[int, int]) -> InboundSeen:
    """The same without the loopback; ``ports`` as given to ``lead``."""
    own = {loopback: public for public, loopback in ports.items()}
    return replace(seen, outside=tuple(_told(reached, own) for reached in seen.outside))


CALLERS = {"rdp": "198.51.100.24", "telnet": "198.51.100.24"}
STRANGER = "203.0.113.80"
"""Where the made-up callers come from, by what they speak (RFC 5737 addresses)."""


def named(knock: Knock, outside: str) -> Knock:
    """A made-up caller's knock without the loopback; ``outside`` is the address of the other half."""
    return replace(knock, peer=outside if knock.speaks == "aetui" else CALLERS.get(knock.speaks, STRANGER))


def outside_address(scenario: str) -> str:
    """The address of the host outside, from which the other half knocks."""
    address = load(scenario).outside.address
    assert address is not None, "every scenario has a host outside"
    return str(ip_interface(address).ip)


def _told(reached: Reached, own: Mapping[int, int]) -> Reached:
    if reached.arrival is None:
        return reached
    arrival = Arrival(own.get(reached.arrival.port, reached.arrival.port), reached.vantage.address or reached.arrival.peer)
    return replace(reached, arrival=arrival, standing=Standing.OUTSIDE)
