"""Looks at this computer's place in the network for the Site tab, one question at a time. Knows no widget; ``changed`` is called for everything
that happens.

What is read of this computer, one time server's answer and the router's outer address come by themselves; whatever else asks the local
network is ordered, stays within this computer's own network and is paced by ``lan.look``. Always this computer's own network, or the
embedded site's, whatever vantage the other tabs use. What could not be had for want of a right is data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from aetui.catalogue import load
from aetui.causes import describe
from aetui.diagnosis import lan as rules
from aetui.diagnosis import nat as nat_rules
from aetui.events import ChecksAdded
from aetui.guiding import public
from aetui.guiding.outbound import concerning
from aetui.inbound.public import Reading, Told, read
from aetui.lan import look
from aetui.lan.look import Eyes
from aetui.observations import LinkSeen
from aetui.prepare import own_catalogue
from aetui.records import Check, Diagnosed
from aetui.screens.guide_room import Room, request_of
from aetui.screens.learnt import By, Learnt, here
from aetui.screens.runner import one_line
from aetui.strict import DataError

if TYPE_CHECKING:
    from aetui.guiding.world import World
    from aetui.lan.records import AddressSeen, Around, LanSeen
    from aetui.observations import NtpSeen
    from aetui.reach import NatSeen
    from aetui.screens.launch import Launch

LOOK, DHCP, WHO, FREE = "look", "dhcp", "who", "free"


@dataclass(frozen=True, slots=True)
class Own:
    """What this computer says of itself."""

    link: LinkSeen | None
    told: tuple[Diagnosed, ...] = ()
    clock: NtpSeen | None = None
    clock_asked: bool = False
    nat: NatSeen | None = None
    """What the router says of its outer side, and in the demo its outside too; None before it was asked."""


class SiteLook:
    """See the module."""

    def __init__(self, room: Room, launch: Callable[[], Launch], changed: Callable[[], None], learnt: Learnt | None = None) -> None:
        self.room, self.launch, self.changed = room, launch, changed
        self.learnt = learnt or Learnt()
        self.own: Own | None = None
        self.dhcp: LanSeen | None = None
        self.around: Around | None = None
        self.held: AddressSeen | None = None
        self.doing = ""
        """What is being asked now: ``look``, ``dhcp``, ``who`` or ``free``; empty for nothing."""
        self.address = ""
        """What ``free`` asks about."""
        self.fault = ""
        self.opened_for: str | None = None
        """The scenario that it was opened for."""
        self._task: asyncio.Task[None] | None = None
        self._beside: asyncio.Task[None] | None = None

    @property
    def why_not(self) -> str:
        """What keeps it from looking; one line."""
        return self.fault or self.room.fault

    @property
    def asking(self) -> bool:
        """True while there is something to stop: the place to look from, while it is being opened, is not."""
        return self._task is not None

    @property
    def demo(self) -> str | None:
        """The embedded site's scenario."""
        return self.launch().demo

    def has(self, what: str) -> bool:
        """True where this has been asked and answered."""
        return {DHCP: self.dhcp, WHO: self.around, FREE: self.held}.get(what) is not None

    async def begin(self) -> None:
        """Open the place to look from, and read what this computer says."""
        await self.close()
        self.own = self.dhcp = self.around = self.held = None
        self.fault, self.doing = "", LOOK
        self.changed()
        launch = self.launch()
        self.opened_for = launch.demo
        try:
            catalogue = await asyncio.to_thread(load, launch.own_catalogue or own_catalogue())
        except DataError as wrong:
            self.fault = one_line(wrong)
        else:
            await self.room.open(request_of(launch, tuple(catalogue.equipment), "local"))
        self.doing = ""
        self.order(LOOK)

    async def close(self) -> None:
        """Stop, and give back what was opened."""
        self.stop()
        self._let_go()
        await self.room.close()

    def order(self, what: str, address: str = "") -> bool:
        """Ask this; False where something is being asked already, or nothing can be."""
        world = self.room.world
        if world is None or self.doing:
            self.changed()
            return False
        self.doing, self.address, self.fault = what, address, ""
        self._task = asyncio.create_task(self._do(world, what), name="aetui-site")
        self._task.add_done_callback(self._done)
        self.changed()
        return True

    def stop(self) -> None:
        """End what is being asked."""
        if self._task is not None:
            self._task.cancel()
            self._task, self.doing = None, ""
            self.changed()

    def _let_go(self) -> None:
        if self._beside is not None:
            self._beside.cancel()
            self._beside = None

    def _done(self, task: asyncio.Task[None]) -> None:
        if task is not self._task:
            return
        self._task, self.doing = None, ""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self.fault = one_line(error)
        self.changed()

    async def _do(self, world: World, what: str) -> None:
        jobs: dict[str, Callable[[World], Awaitable[None]]] = {LOOK: self._look, DHCP: self._dhcp, WHO: self._who, FREE: self._free}
        await jobs[what](world)

    # ---------------------------------------------------------------------------------------------------------------- questions
    async def _look(self, world: World) -> None:
        session = world.session
        session.emit(ChecksAdded(session.at(), (Check("link", "link"),)))
        state = await session.again(["link"])
        result = state.results.get("link")
        seen = result.observation if result is not None else None
        link = seen if isinstance(seen, LinkSeen) else None
        told = tuple(describe(world.causes, finding) for finding in concerning(state, {"link"}))
        before = self.own.link if self.own is not None else link
        if before is not None and link is not None and _moved(before, link):
            self.learnt.forget(here(self.demo))
            self.dhcp = self.around = self.held = None
        self.own = Own(link, told)
        self.changed()
        hosts = tuple(dict.fromkeys(e.host for e in world.catalogue.endpoints if any(s.speaks == "ntp" for s in e.services)))
        self._let_go()
        self._beside = asyncio.create_task(self._further(world, hosts), name="aetui-site-beside")

    async def _further(self, world: World, hosts: tuple[str, ...]) -> None:
        """What takes seconds and keeps nobody from asking something else: a time server and the router."""
        try:
            await asyncio.gather(self._clock(world, hosts), self._router(world))
        except Exception as error:
            self.fault = one_line(error)
        self.changed()

    async def _clock(self, world: World, hosts: tuple[str, ...]) -> None:
        assert self.own is not None
        placed = await look.place(Eyes(world.here, None, ""), hosts, self.own.link)
        self.own = replace(self.own, clock=placed.clock, clock_asked=True)
        self.changed()

    async def _router(self, world: World) -> None:
        """The router's outer address, asked of it alone."""
        nat, reading = await public.look(world, "")
        assert self.own is not None
        self.own = replace(self.own, nat=nat)
        self.learnt.read(here(self.demo), reading)

    async def _dhcp(self, world: World) -> None:
        await asyncio.to_thread(import_module, "aetui.packet.client")
        self.dhcp = await look.place(world.eyes, (), self.own.link if self.own is not None else None)

    async def _who(self, world: World) -> None:
        self.around = await look.around(world.eyes)

    async def _free(self, world: World) -> None:
        self.held = await look.held(world.eyes, self.address)

    # ---------------------------------------------------------------------------------------------------------- public address
    @property
    def nat(self) -> NatSeen | None:
        """What the router says, with what a place outside has seen in this tab or another one; None before the router was asked."""
        nat, known = (self.own.nat if self.own is not None else None), self.learnt.public(here(self.demo))
        return replace(nat, public=known.address) if nat is not None and known is not None and known.by is By.OUTSIDE else nat

    @property
    def reading(self) -> Reading | None:
        """What is known of the public address; None before anybody was asked."""
        nat, known = self.nat, self.learnt.public(here(self.demo))
        if nat is None:
            return None
        reading = read(nat, known.place if known is not None else "")
        typed = reading.address is None and known is not None and known.by is By.TYPED
        return replace(reading, told=Told.TYPED, address=known.address) if typed and known is not None else reading

    # ----------------------------------------------------------------------------------------------------------------- findings
    @property
    def told(self) -> tuple[Diagnosed, ...]:
        """What the rules say of everything seen so far."""
        world = self.room.world
        if world is None:
            return ()
        lan = rules.findings(self.dhcp) if self.dhcp is not None else ()
        own = self.own.link.address if self.own is not None and self.own.link is not None else None
        conflict = rules.conflict(self.held) if self.held is not None and self.held.address == own else None
        deep = nat_rules.findings(self.nat)
        found = (*lan, *((conflict,) if conflict is not None else ()), *deep)
        return (*(self.own.told if self.own is not None else ()), *(describe(world.causes, finding) for finding in found))


def _moved(before: LinkSeen, after: LinkSeen) -> bool:
    """True where this computer is plugged in elsewhere; a gateway that was silent once has not become another one."""
    if (before.gateway, before.address) != (after.gateway, after.address):
        return True
    return None not in {before.gateway_mac, after.gateway_mac} and before.gateway_mac != after.gateway_mac
