"""The catalogue's hosts as places of the embedded site. Pure but for reading the catalogue's file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from aetui.catalogue import Catalogue, Endpoint
from aetui.demo.scenario import Place, Scenario
from aetui.records import Requirement

SPOKEN: Mapping[str, str] = MappingProxyType({"http": "http", "https": "https", "ftp": "ftp", "ssh": "ssh", "ntp": "ntp"})
"""The embedded site's service for each word of the catalogue."""
BY_PORT: Mapping[int, str] = MappingProxyType({21: "ftp", 23: "telnet", 443: "https", 2022: "ssh", 3389: "rdp"})
"""The same where the catalogue only says TCP; anything else speaks HTTP."""
SPARE = "192.52.193.{}"
"""Addresses for hosts of which neither the document nor the site's data gives one (a user's own additions)."""
FIRST_SPARE, SPARES = 100, 100


def from_catalogue(scenario: Scenario, catalogue: Catalogue | None = None) -> Iterator[Place]:
    """A place for each endpoint; what is only stated (web ports of time servers) is not served."""
    spare = 0
    for endpoint in (catalogue or _catalogue()).endpoints:
        addresses = scenario.addresses.get(endpoint.host) or endpoint.addresses
        if not addresses:
            addresses, spare = (SPARE.format(FIRST_SPARE + spare % SPARES),), spare + 1
        yield Place(endpoint.host, addresses, _ports(endpoint))


def _ports(endpoint: Endpoint) -> dict[int, str]:
    wanted = (service for service in endpoint.services if service.requirement is not Requirement.STATED)
    return {service.port: SPOKEN.get(service.speaks) or BY_PORT.get(service.port, "http") for service in wanted}


def _catalogue() -> Catalogue:
    from aetui import catalogue

    return catalogue.load()
