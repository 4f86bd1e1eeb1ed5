"""The checks of the local network: this machine's place, finding the equipment, whether an address is free. ``lan.look`` looks; here it is
put into words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from ipaddress import ip_address

from aetui.causes import describe
from aetui.diagnosis import lan as rules
from aetui.diagnosis.machine import CLOCK_LIMIT_MS
from aetui.display import displayable
from aetui.events import ChecksAdded
from aetui.guide.records import Find, Free, Lan, Seen
from aetui.guiding import public
from aetui.guiding.outbound import concerning
from aetui.guiding.words import seen, time_off
from aetui.guiding.world import World
from aetui.lan import look
from aetui.lan.records import AddressSeen, Around, Device, Held, LanSeen, networks
from aetui.observations import LinkSeen
from aetui.probes.common import clock
from aetui.records import Check, Diagnosed, Severity, Status

MOST_DEVICES = 8
"""Devices that are listed; 80x24 holds no more."""


async def run_lan(world: World, _action: Lan, outside: str) -> Seen:
    """This machine's place as the plan's own link check sees it, and what hands out addresses there."""
    link, told = await _link(world)
    known, (_, reading) = await asyncio.gather(look.place(world.eyes, _time_servers(world), link), public.look(world, outside))
    told += tuple(describe(world.causes, finding) for finding in rules.findings(known))
    off = known.clock is not None and abs(known.clock.offset_ms or 0.0) > CLOCK_LIMIT_MS
    status = _status(told, link is not None, off)
    lines = (*_lines(known), public.line(reading))
    return Seen(status, tuple(_signs(known, status)), told, _facts(link, reading.address), lines)


async def _link(world: World) -> tuple[LinkSeen | None, tuple[Diagnosed, ...]]:
    """The survey as a check of the session, so that the rules about this machine read it."""
    session = world.session
    session.emit(ChecksAdded(session.at(), (Check("link", "link"),)))
    state = await session.again(["link"])
    result = state.results.get("link")
    observed = result.observation if result is not None else None
    told = tuple(describe(world.causes, finding) for finding in concerning(state, {"link"}))
    return (observed if isinstance(observed, LinkSeen) else None), told


def _time_servers(world: World) -> tuple[str, ...]:
    return tuple(dict.fromkeys(e.host for e in world.catalogue.endpoints if any(s.speaks == "ntp" for s in e.services)))


def _status(told: tuple[Diagnosed, ...], known: bool, clock_off: bool) -> Status:
    severities = {entry.severity for entry in told}
    if Severity.FAIL in severities:
        return Status.FAIL
    if not known:
        return Status.UNKNOWN
    return Status.WARN if Severity.WARN in severities or clock_off else Status.PASS


def _signs(known: LanSeen, status: Status) -> Iterator[str]:
    """How this machine came by its address, and whether nothing at all was seen of who hands them out."""
    how = _came_by(known.link)
    if how in {"by-dhcp", "static"}:
        yield how
    if known.offers is None and how != "by-dhcp" and status is not Status.FAIL:
        yield "not-asked"


def _came_by(link: LinkSeen | None) -> str:
    """Key of the words for how this machine came by its address."""
    if link is None or link.dhcp is None or link.address is None:
        return "unknown-dhcp"
    if ip_address(link.address).is_link_local:
        return "by-itself"
    return "by-dhcp" if link.dhcp else "static"


def _facts(link: LinkSeen | None, seen_as: str | None) -> dict[str, str]:
    places = networks(link) if link is not None else ()
    facts = {
        "own": (link.address if link else None) or "", "gateway": (link.gateway if link else None) or "",
        "resolvers": ", ".join(link.resolvers) if link else "", "network": str(places[0][1].network) if places else "",
    }  # fmt: skip
    return facts | ({"public": seen_as} if seen_as else {})


def _lines(known: LanSeen) -> Iterator[str]:
    link = known.link
    if link is None or link.address is None:
        yield seen("no-own")
    else:
        yield seen(
            "own", address=link.address, interface=f" on {link.default_interface}" if link.default_interface else "", how=seen(_came_by(link)),
            gateway=link.gateway or "none", resolvers=", ".join(link.resolvers) or "none",
        )  # fmt: skip
    if link is not None:
        yield from _of_link(link)
    yield _clock(known)
    for offer in known.offers or ():
        yield seen(
            "offer",
            server=offer.server,
            address=offer.address,
            router=offer.router or "none",
            resolvers=", ".join(offer.resolvers) or "none",
        )
    if known.offers == ():
        yield seen("no-offer")
    if known.lacking is not None:
        yield seen("lacking", why=known.lacking)


def _of_link(link: LinkSeen) -> Iterator[str]:
    if link.gateway is not None and link.gateway_answers is not None:
        yield seen("gateway", gateway=link.gateway, how=seen("gateway-answers" if link.gateway_answers else "gateway-silent"))
    for name, value in link.proxies:
        yield seen("proxy", name=name, value=value)
    for interface in link.interfaces:
        if interface.kind == "vpn" and interface.up and interface.addresses:
            yield seen("vpn", name=interface.name)
    several = [name for name, _ in networks(link)]
    if len(set(several)) > 1:
        yield seen("several", names=", ".join(dict.fromkeys(several)))


def _clock(known: LanSeen) -> str:
    if known.clock is None or known.clock.offset_ms is None:
        return seen("clock-unknown")
    off = abs(known.clock.offset_ms) > CLOCK_LIMIT_MS
    return seen("clock-off" if off else "clock-right", offset=time_off(known.clock.offset_ms))


# ------------------------------------------------------------------------------------------------------------------- devices
async def run_find(world: World, action: Find) -> Seen:
    """Everybody on the local network; candidates are those that answer at the port."""
    port = int(action.port)
    ports = (port, *(p for p in look.SWEPT_PORTS if p != port))
    found = await look.around(world.eyes, ports)
    if found is None:
        return Seen(Status.UNKNOWN, ("no-network",), lines=(seen("no-network"),))
    link = await world.here.survey(clock() + look.SURVEY_S)
    ours = {link.address, link.gateway} if link is not None else set()
    candidates = [device for device in found.devices if port in device.open_ports and device.address not in ours]
    candidates = candidates or [device for device in found.devices if device.equipment and device.address not in ours]
    lines = tuple(_around(found))
    if not candidates:
        return Seen(Status.FAIL, ("found-none",), lines=lines)
    facts = {"candidates": ", ".join(map(_short, candidates[:MOST_DEVICES]))}
    if len(candidates) == 1:
        return Seen(Status.PASS, ("found-one",), facts=facts | {"found": candidates[0].address}, lines=lines)
    return Seen(Status.WARN, ("found-many",), facts=facts | {"found": ""}, lines=lines)


def _short(device: Device) -> str:
    return displayable(f"{device.address} ({device.maker})" if device.maker else device.address, 60)


def _around(found: Around) -> Iterator[str]:
    yield seen("devices" if found.whole else "devices-part", count=str(len(found.devices)), network=found.network)
    marked = sorted(found.devices, key=lambda d: (not d.open_ports, not d.equipment))
    for device in marked[:MOST_DEVICES]:
        yield seen(
            "device", address=f"{device.address:<15}", mac=f"  {device.mac}" if device.mac else "",
            maker=f"  {device.maker}" if device.maker else "",
            ports=f"  answers on {', '.join(map(str, device.open_ports))}" if device.open_ports else "",
        )  # fmt: skip
    if found.lacking is not None:
        yield seen("knocked", why=found.lacking)


# ------------------------------------------------------------------------------------------------------------------- an address
async def run_free(world: World, action: Free) -> Seen:
    """Whether an address is free, as the equipment would find out before it takes it."""
    known = await look.held(world.eyes, action.address)
    conflict = rules.conflict(known)
    told = (describe(world.causes, conflict),) if conflict is not None else ()
    lines = (_held(known), *((seen("lacking-free", why=known.lacking),) if known.lacking and known.held is Held.UNKNOWN else ()))
    match known.held:
        case Held.TAKEN:
            return Seen(Status.FAIL, ("taken",), told, lines=lines)
        case Held.FREE:
            return Seen(Status.PASS, ("free",), lines=lines)
        case Held.OURS:
            return Seen(Status.PASS, ("ours", "free"), lines=lines)
        case Held.ELSEWHERE:
            return Seen(Status.UNKNOWN, ("elsewhere",), lines=lines)
        case Held.UNKNOWN:
            return Seen(Status.UNKNOWN, lines=lines)


def _held(known: AddressSeen) -> str:
    maker = f", {known.maker}" if known.maker else ""
    return seen(known.held.value, address=known.address, mac=known.mac or "a device", maker=maker)
