"""Rules about the local network: who hands out addresses, and whether one is used twice. Pure. Sources: RFC 2131, RFC 2132 section 3.8, RFC 5227.

Two DHCP servers are told as two; which of them is the stranger is not for us to say. Two offers of one server (by its identifier) are one server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aetui.lan.makers import maker_of
from aetui.lan.records import AddressSeen, Held, LanSeen
from aetui.packet.messages import Offer
from aetui.records import Confidence, Finding, Said, Severity

LINK = "link"
"""Id under which findings of the local network stand."""


def findings(seen: LanSeen) -> tuple[Finding, ...]:
    """What the DHCP servers' offers say, the root first."""
    if seen.offers is None:
        return ()
    return tuple(_offers(seen, seen.offers))


def _offers(seen: LanSeen, offers: Sequence[Offer]) -> Iterator[Finding]:
    interface = (seen.link.default_interface if seen.link else None) or "this network"
    if not offers:
        static = seen.link is not None and seen.link.dhcp is False
        sure = Confidence.CERTAIN if static else Confidence.LIKELY  # our own address may have come from somebody who is slow
        said = Said("dhcp-asked", {"interface": interface, "seconds": f"{seen.waited_s:g}"})
        yield Finding("dhcp-silent", (LINK,), (), Severity.WARN, sure, (said,), {"interface": interface})
        return
    servers = {offer.server: offer for offer in offers}
    if len(servers) > 1:
        routers = {offer.router for offer in servers.values()}
        told = tuple(_said(offer) for offer in servers.values())
        if len(routers) > 1:
            told = (*told, Said("dhcp-disagree", {"routers": ", ".join(str(router or "none") for router in routers)}))
        severity = Severity.FAIL if len(routers) > 1 else Severity.WARN
        facts = {"count": str(len(servers)), "servers": " and ".join(servers)}
        yield Finding("dhcp-several", (LINK,), (), severity, Confidence.CERTAIN, told, facts)
    for offer in servers.values():
        if not offer.resolvers:
            yield Finding("dhcp-no-resolver", (LINK,), (), Severity.FAIL, Confidence.CERTAIN, (_said(offer),), {"server": offer.server})


def _said(offer: Offer) -> Said:
    maker = maker_of(offer.mac)
    values = {
        "server": offer.server, "mac": f"{offer.mac}, {maker.name}" if maker else offer.mac, "address": offer.address,
        "router": offer.router or "none", "resolvers": ", ".join(offer.resolvers) or "none",
    }  # fmt: skip
    return Said("dhcp-offer", values)


def conflict(seen: AddressSeen) -> Finding | None:
    """Another device answers for the address; None where none does."""
    if seen.held is not Held.TAKEN:
        return None
    mac = seen.mac or "hardware address not known"
    said = Said("arp-answer", {"address": seen.address, "mac": mac, "maker": seen.maker or "maker not known"})
    facts = {"address": seen.address, "mac": mac}
    return Finding("address-conflict", (LINK,), (), Severity.FAIL, Confidence.CERTAIN, (said,), facts)
