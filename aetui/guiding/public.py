"""The site's public address for a guide and for the Site tab: asked of the place outside, where there is one, and of the site's router; and
put into one sentence.
"""

from __future__ import annotations

from dataclasses import replace

from aetui.guide.records import Public, Seen
from aetui.guiding.words import say, seen
from aetui.guiding.world import World
from aetui.inbound.public import Reading, Told, learn, read
from aetui.probes.common import clock
from aetui.reach import NatSeen
from aetui.records import Status
from aetui.vantage.base import VantageLost

ROUTER_S = 8.0
"""Longest wait for the router."""


async def look(world: World, outside: str) -> tuple[NatSeen, Reading]:
    """What the router and the place outside say; ``outside`` is its name, or empty. A place that is lost tells nothing."""
    known, reading = await _look(world, outside)
    world.learn(reading)
    return known, reading


async def _look(world: World, outside: str) -> tuple[NatSeen, Reading]:
    if world.demo is not None:
        from aetui.guiding.inbound import demo_public
        from aetui.inbound import nat

        leads_out = world.here.info.gateway is not None
        known = await nat.look(world.here, clock() + ROUTER_S, public=demo_public(world) if leads_out else None, forwards=False)
        return known, replace(read(known, say("public", "demo")), opened=leads_out)
    place = await world.outside.at(outside) if outside else None
    try:
        known = await learn(world.here, place, clock() + ROUTER_S)
    except VantageLost as lost:
        await world.outside.forget(outside)
        world.outside.why = str(lost)
        place, known = None, await learn(world.here, None, clock() + ROUTER_S)
    return known, replace(read(known, place.info.name if place is not None else ""), opened=place is not None)


async def run(world: World, _action: Public, outside: str) -> Seen:
    """The address, where anybody tells it; where nobody does, how to learn it."""
    _, reading = await look(world, outside)
    lost = (seen("no-place", why=world.outside.why),) if outside and not reading.opened else ()
    lines = (*lost, line(reading))
    if reading.address is None:
        return Seen(Status.UNKNOWN, lines=lines)
    return Seen(Status.PASS, facts={"public": reading.address}, lines=lines)


def line(reading: Reading) -> str:
    """The address and where it comes from, in one sentence or two."""
    key = "mute" if reading.told is Told.UNKNOWN and reading.opened else reading.told.value
    return say("public", key, address=reading.address or "", place=reading.place, outer=reading.outer, protocol=reading.protocol)
