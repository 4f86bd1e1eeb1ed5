"""What this computer says of its own network, a fact a row. Pure; text from the system is made displayable here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from aetui.diagnosis.machine import CLOCK_LIMIT_MS
from aetui.display import displayable
from aetui.guiding.words import time_off
from aetui.inbound.public import Reading, Told
from aetui.lan.records import MOST_SWEPT, networks, swept
from aetui.observations import Interface, LinkSeen
from aetui.screens.guide_words import say
from aetui.screens.site_look import Own

LONGEST = 80
EVERY_ADDRESS = 2**32
"""Where a network of any size is meant."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One row: its key in the words, how it stands (``skin.SIGNS``), what it says."""

    key: str
    kind: str
    text: str


def facts(own: Own) -> tuple[Fact, ...]:
    """Every fact, in the order in which a network comes up."""
    return tuple(_facts(own))


def _facts(own: Own) -> Iterator[Fact]:
    link = own.link
    if link is None:
        yield Fact("link", "unknown", say("site", "link_none"))
        return
    yield _link(link)
    yield _address(link)
    yield _gateway(link)
    resolvers = ", ".join(link.resolvers)
    yield Fact("resolvers", "pass" if resolvers else "fail", displayable(resolvers, LONGEST) or say("site", "resolvers_none"))
    yield _clock(own)
    yield from _proxies(link)
    yield from _tunnels(link)
    yield from _others(link)


def public_fact(reading: Reading | None) -> Fact:
    """The site's public address and who said so."""
    if reading is None:
        return Fact("public", "running", say("site", "public_asking"))
    values = {name: displayable(getattr(reading, name) or "", LONGEST) for name in ("address", "place", "outer", "protocol")}
    return Fact("public", _STANDS.get(reading.told, "pass"), say("site", f"public_{reading.told.value}", **values))


_STANDS = dict.fromkeys((Told.DIFFERS, Told.BEHIND, Told.SHARED, Told.HIDDEN, Told.CARRIER), "warn") | dict.fromkeys(
    (Told.UNKNOWN, Told.UNNAMED, Told.TYPED), "unknown"
)


def _link(link: LinkSeen) -> Fact:
    found = next((one for one in link.interfaces if one.name == link.default_interface), None)
    found = found or next((one for one in link.interfaces if one.up and one.kind not in {"loopback", "vpn"}), None)
    if found is None:
        return Fact("link", "fail", say("site", "link_none"))
    key = {True: "link_up", False: "link_down", None: "link_unknown"}[found.carrier]
    values = {"interface": displayable(found.name, 30), "kind": found.kind}
    if key != "link_down":
        values["speed"] = say("site", "speed", mbps=found.speed_mbps) if found.speed_mbps and found.speed_mbps > 0 else ""
    return Fact("link", "fail" if key == "link_down" else "pass", say("site", key, **values))


def _address(link: LinkSeen) -> Fact:
    if link.address is None:
        return Fact("address", "fail", say("site", "address_none"))
    if ip_address(link.address).is_link_local:
        return Fact("address", "fail", say("site", "by_itself", address=link.address))
    key = {True: "by_dhcp", False: "by_hand", None: "by_unknown"}[link.dhcp]
    return Fact("address", "pass", say("site", key, address=_with_prefix(link)))


def _with_prefix(link: LinkSeen) -> str:
    """The address in use, with its network's length where it is known."""
    every = [text for one in link.interfaces for text in one.addresses]
    return next((text for text in every if text.partition("/")[0] == link.address), link.address or "")


def _gateway(link: LinkSeen) -> Fact:
    if link.gateway is None:
        return Fact("gateway", "fail", say("site", "gateway_none"))
    key = {True: "gateway_answers", False: "gateway_silent", None: "gateway_unknown"}[link.gateway_answers]
    values = {"gateway": link.gateway}
    if key == "gateway_answers":
        values["mac"] = f", {link.gateway_mac}" if link.gateway_mac else ""
    return Fact("gateway", "fail" if key == "gateway_silent" else "pass", say("site", key, **values))


def _clock(own: Own) -> Fact:
    if own.clock is None or own.clock.offset_ms is None:
        key = "clock_unknown" if own.clock_asked else "clock_asking"
        return Fact("clock", "unknown" if own.clock_asked else "running", say("site", key))
    offset = time_off(own.clock.offset_ms)
    if abs(own.clock.offset_ms) <= CLOCK_LIMIT_MS:
        return Fact("clock", "pass", say("site", "clock_right", offset=offset))
    way = say("site", "clock_slow" if own.clock.offset_ms > 0 else "clock_fast")
    return Fact("clock", "fail", say("site", "clock_off", offset=offset, way=way))


def _proxies(link: LinkSeen) -> Iterator[Fact]:
    if not link.proxies:
        yield Fact("proxy", "pass", say("site", "proxy_none"))
    for name, value in link.proxies:
        yield Fact("proxy", "warn", say("site", "proxy_set", name=displayable(name, 30), value=displayable(value, LONGEST)))


def _tunnels(link: LinkSeen) -> Iterator[Fact]:
    tunnels = [one for one in link.interfaces if one.kind == "vpn" and one.up and one.addresses]
    if not tunnels:
        yield Fact("vpn", "pass", say("site", "vpn_none"))
    for one in tunnels:
        yield Fact("vpn", "warn", say("site", "vpn_up", name=displayable(one.name, 30)))


def _others(link: LinkSeen) -> Iterator[Fact]:
    """Networks besides the one in use."""
    beside: dict[str, Interface] = {one.name: one for one in link.interfaces}
    for name, address in networks(link)[1:]:
        if name in beside and str(address.ip) != link.address:
            yield Fact("other", "warn", say("site", "other_text", name=displayable(name, 30), address=str(address)))


def network_of(link: LinkSeen | None, most: int = MOST_SWEPT) -> tuple[str, int]:
    """The network that is looked through where ``most`` addresses can be, and how many addresses of others it has; empty for none."""
    places = networks(link) if link is not None else ()
    if not places:
        return "", 0
    network = swept(places[0][1], most)
    return str(network), max(0, network.num_addresses - 3)
