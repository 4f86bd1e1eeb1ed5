"""One whole look from outside: knock, ask the router where this machine stands at the site, and see what arrives here meanwhile without
its answer getting back. Shared by the command line, the console and the guides.

What this machine's own router says counts for the site only where the machine is there: our listener is open, or a target has the
address by which the outside sees us. Where nobody tells that address, equipment that is asked inside is taken for a sign too; else it may
be asked through a VPN, from behind somebody else's router. Raises ``VantageLost``. Not here: opening vantages, arguments, words.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aetui.inbound.confirm import Surroundings, Wanted, confirm, public_address
from aetui.inbound.nat import look as look_at_router
from aetui.inbound.passing import HalfOpenWatch
from aetui.reach import InboundSeen, NatSeen
from aetui.vantage.base import Vantage
from aetui.wire.realm import Realm, realm

SSH_PORT = 22
"""Of the jump host, towards which the first hops are looked at; no connection is made."""


async def look(vantage: Vantage, wanted: Wanted, deadline: float, around: Surroundings) -> InboundSeen:
    """Knock from ``vantage``; ``around.inside`` is this machine."""
    here = around.inside
    if here is None:
        return await confirm(vantage, wanted, deadline, around)
    if here.info.kind != "local" or vantage is here:
        return await _look(vantage, here, wanted, deadline, around)
    async with HalfOpenWatch([target.own_port for target in wanted.targets]) as watch:
        seen = await _look(vantage, here, wanted, deadline, around)
    return replace(seen, half_open=watch.found)


async def _look(vantage: Vantage, here: Vantage, wanted: Wanted, deadline: float, around: Surroundings) -> InboundSeen:
    if vantage.info.kind == "local":
        hidden = realm(vantage.info.address or "") is not Realm.PUBLIC  # then its router's word tells on which side it stands
        beside = await _router(vantage, here, wanted, None, deadline) if hidden else None
        return await confirm(vantage, wanted, deadline, replace(around, beside=beside))
    public = await public_address(vantage)
    if not (around.listening or _at_site(wanted, public)):
        return await confirm(vantage, wanted, deadline, around)
    seen, nat = await asyncio.gather(confirm(vantage, wanted, deadline, around), _router(vantage, here, wanted, public, deadline))
    return replace(seen, nat=nat)


def _at_site(wanted: Wanted, public: str | None) -> bool:
    return any(public == target.address for target in wanted.targets) if public is not None else bool(wanted.inside)


async def _router(vantage: Vantage, here: Vantage, wanted: Wanted, public: str | None, deadline: float) -> NatSeen:
    info = vantage.info
    towards = (info.address, SSH_PORT) if info.kind == "jump" and info.address else None
    return await look_at_router(here, deadline, public=public, towards=towards, ports=[target.port for target in wanted.targets])
