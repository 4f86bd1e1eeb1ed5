"""The outside half: knock at a site's public address from a vantage, ask the equipment over the LAN too, and put together what both saw.

``confirm`` gives an ``InboundSeen``; what it means is said by ``diagnosis.inbound``. Knocks at several targets run at once.
``VantageLost`` is raised where a vantage is lost; nothing else the network does is an exception. Not here: the listener, arguments,
words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

from aetui.inbound import nat, passing, standing
from aetui.inbound.inside import ask
from aetui.inbound.knocking import WHOLE_S, Key, derive, expected_at, knock
from aetui.inbound.listener import DEFAULT_PORTS
from aetui.observations import Outcome
from aetui.probes.common import together, within
from aetui.reach import OWN_TROUBLE, InboundSeen, Knock, NatSeen, Reached, Standing, Target
from aetui.vantage.base import Vantage


@runtime_checkable
class SeesUs(Protocol):
    """A vantage that knows our address as others see it (a jump host)."""

    async def client_address(self) -> str | None:
        """Our address, or None where it is not told."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be confirmed."""

    targets: tuple[Target, ...]
    inside: tuple[Target, ...] = ()
    """The equipment itself, over the LAN."""
    code: str | None = None
    """The listener's, where one is open at the site."""
    key: Key | None = None
    """The code's, where it is being derived already (``knocking.derive``): it takes a processor longer than a near jump host's answer."""
    meant: tuple[str, ...] = ()
    """Addresses and networks that alone should be let in, where the person said so."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known besides."""

    nat: NatSeen | None = None
    """The site's own router's word."""
    beside: NatSeen | None = None
    """The word of the router beside a vantage that is this machine; says where that vantage stands, and nothing of the site."""
    knocks: tuple[Knock, ...] = ()
    listening: tuple[int, ...] = ()
    allowed: tuple[str, ...] = ()
    inside: Vantage | None = None
    """The vantage on the LAN, for ``Wanted.inside``."""
    others: Sequence[Vantage] = field(default=())
    """More vantages outside, from addresses that need not be let in."""


def targets(addresses: Sequence[tuple[str, int | None]], forwards: Mapping[int, int]) -> tuple[Target, ...]:
    """Addresses with their ports (None for both usual ones) -> targets, each once; ``forwards`` maps a public port to the equipment's own."""
    found = (
        _target(address, number, forwards)
        for address, port in addresses
        for number in ((port,) if port is not None else (*forwards, *_usual(forwards)))
    )
    return tuple(dict.fromkeys(found))


def _usual(forwards: Mapping[int, int]) -> tuple[int, ...]:
    """Without a forward named, both ports that the equipment uses."""
    return () if forwards else DEFAULT_PORTS


def _target(address: str, port: int, forwards: Mapping[int, int]) -> Target:
    inside = forwards.get(port, port)
    return Target(address, port, inside, expected_at(inside))


def inside_targets(places: Sequence[tuple[str, int | None]], wanted: Sequence[Target]) -> tuple[Target, ...]:
    """The equipment's addresses with their ports (None for the own ports of everything that is wanted) -> targets, each once."""
    own = tuple(dict.fromkeys(target.own_port for target in wanted))
    found = (
        Target(address, number, number, expected_at(number))
        for address, port in places
        for number in ((port,) if port is not None else own)
    )
    return tuple(dict.fromkeys(found))


async def confirm(vantage: Vantage, wanted: Wanted, deadline: float, around: Surroundings | None = None) -> InboundSeen:
    """Knock from ``vantage`` (and the others), ask inside, and give everything that was seen."""
    around = around or Surroundings()
    key = wanted.key or (derive(wanted.code) if wanted.code is not None else None)
    deadline = within(WHOLE_S, deadline)
    outside = [
        _outside(each, target, around.beside or around.nat, deadline, key)
        for each in (vantage, *around.others)
        for target in wanted.targets
    ]
    inside = [ask(around.inside, target, deadline) for target in wanted.inside] if around.inside is not None else []
    seen = await together([*outside, *inside])
    return InboundSeen(
        tuple(seen[: len(outside)]), tuple(seen[len(outside) :]), around.nat, around.knocks, around.listening, around.allowed,
        meant=wanted.meant,
    )  # fmt: skip


async def _outside(vantage: Vantage, target: Target, seen: NatSeen | None, deadline: float, key: Key | None) -> Reached:
    reached, seen_as = await asyncio.gather(knock(vantage, target, Standing.UNKNOWN, deadline, key), _seen_as(vantage))
    if reached.tcp.outcome is Outcome.FILTERED:
        reached = replace(reached, passed_on=await passing.passed_on(vantage, target, deadline))
    known = standing.before(vantage.info, target.address, seen if vantage.info.kind != "jump" else None, seen_as)
    return replace(reached, standing=standing.after(known, vantage.info, reached.arrival))


async def _seen_as(vantage: Vantage) -> str | None:
    return await vantage.client_address() if isinstance(vantage, SeesUs) else None


async def public_address(vantage: Vantage) -> str | None:
    """The site's public address as the vantage sees us, where it is one; None where it does not tell, or tells a private one."""
    return nat.public_or_none(await _seen_as(vantage))


def determined(seen: InboundSeen) -> bool:
    """True where every target was truly looked at from outside, from one place at least."""
    looked = {
        reached.target for reached in seen.outside if reached.standing is not Standing.INSIDE and reached.tcp.outcome not in OWN_TROUBLE
    }
    return bool(seen.outside) and looked.issuperset(reached.target for reached in seen.outside)
