"""Which addresses reach each other without translation. Pure.

Sources: RFC 1918 (private IPv4), RFC 6598 (100.64/10, a carrier's NAT), RFC 4193 (unique local IPv6), RFC 3927 and RFC 4291 section 2.5.6
(link-local). Documentation addresses count as public: laboratories stand for the internet with them.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address, ip_network


class Realm(StrEnum):
    """Where an address can be reached from."""

    PRIVATE = "private"
    CARRIER = "carrier-nat"
    PUBLIC = "public"
    NOWHERE = "nowhere"
    """Loopback, unspecified, multicast, or no address at all."""


_TABLE = tuple(
    (ip_network(net), realm)
    for net, realm in (
        ("10.0.0.0/8", Realm.PRIVATE),
        ("172.16.0.0/12", Realm.PRIVATE),
        ("192.168.0.0/16", Realm.PRIVATE),
        ("169.254.0.0/16", Realm.PRIVATE),
        ("fc00::/7", Realm.PRIVATE),
        ("fe80::/10", Realm.PRIVATE),
        ("100.64.0.0/10", Realm.CARRIER),
        ("127.0.0.0/8", Realm.NOWHERE),
        ("0.0.0.0/8", Realm.NOWHERE),
        ("224.0.0.0/3", Realm.NOWHERE),
        ("::/127", Realm.NOWHERE),
        ("ff00::/8", Realm.NOWHERE),
    )
)


def realm(address: str) -> Realm:
    """The realm of an address; a scope (``%eth0``) is left aside, an IPv4 address mapped into IPv6 is itself."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return Realm.NOWHERE
    if parsed.version == 6 and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return next((found for net, found in _TABLE if net.version == parsed.version and parsed in net), Realm.PUBLIC)
