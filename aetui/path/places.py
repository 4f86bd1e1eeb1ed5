"""Where a hop stands, from its address alone: this machine's router, a private network, the carrier's translation, the first public
hop.

Pure. Addresses: RFC 1918, RFC 6598 (100.64/10), RFC 4193, RFC 3927, RFC 4291. What an address does not tell is not guessed: beyond the
first public hop nothing is said of whose it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from ipaddress import ip_address, ip_network

from aetui.path.records import Hop

_PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")))
_CARRIER = ip_network("100.64.0.0/10")


class Place(StrEnum):
    """The words are note codes of assets/path.toml."""

    OWN_ROUTER = "own-router"
    PRIVATE = "private"
    CARRIER_NAT = "carrier-nat"
    ISP = "isp"
    """The first public hop behind private ones: as a rule the provider's."""
    BEYOND = "beyond"
    TARGET = "target"


class Realm(StrEnum):
    """Which addresses can reach each other without translation."""

    PRIVATE = "private"
    CARRIER = "carrier"
    PUBLIC = "public"


def realm(address: str) -> Realm:
    """The realm of one address."""
    parsed = ip_address(address.split("%", maxsplit=1)[0])
    if parsed.version == 4 and parsed in _CARRIER:
        return Realm.CARRIER
    return Realm.PRIVATE if any(parsed.version == net.version and parsed in net for net in _PRIVATE) else Realm.PUBLIC


def places(hops: Sequence[Hop], target: str, gateway: str | None = None) -> dict[int, Place]:
    """The place of each TTL that has an address. ``gateway`` is this machine's default router, where known."""
    found: dict[int, Place] = {}
    public = False
    for hop in hops:
        if hop.address is not None:
            found[hop.ttl] = _place(hop, target, gateway, public)
            public = public or realm(hop.address) is Realm.PUBLIC
    return found


def _place(hop: Hop, target: str, gateway: str | None, public: bool) -> Place:
    address = hop.address or ""
    if address == target:
        return Place.TARGET
    if address == gateway or (gateway is None and hop.ttl == 1):
        return Place.OWN_ROUTER
    kind = realm(address)
    if kind is Realm.CARRIER:
        return Place.CARRIER_NAT
    if public:
        return Place.BEYOND
    return Place.PRIVATE if kind is Realm.PRIVATE else Place.ISP
