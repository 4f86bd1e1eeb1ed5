"""The site's public address from whatever tells it without a third party: a place outside that sees our connection, the site's own router
(UPnP or NAT-PMP), and this machine's own address where that is a public one; all compared.

``learn`` asks, within the local network and over what is open already; ``read`` says what it comes to, and is pure. A private 'outer'
address is never taken for the public one. Raises ``VantageLost`` where the place outside is lost. Not here: words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aetui.inbound import nat
from aetui.inbound.confirm import public_address
from aetui.reach import NO_ADDRESS, PROTOCOLS, NatSeen, OuterSide
from aetui.vantage.base import Vantage
from aetui.wire.realm import Realm, realm


class Told(StrEnum):
    """How the address is known, or why it is not."""

    AGREED = "agreed"
    """The place outside and the router say the same."""
    OUTSIDE = "outside"
    """The place outside says so, and the router tells none."""
    DIFFERS = "differs"
    """The place outside says so, and the router names another public one."""
    BEHIND = "behind"
    """The place outside says so; the router's own outer address is private."""
    SHARED = "shared"
    """The place outside says so; the router's own outer address is one that a provider shares among customers."""
    ROUTER = "router"
    OWN = "own"
    """This machine has it itself; nothing translates."""
    HIDDEN = "hidden"
    """Not known: the router's own outer address is private."""
    CARRIER = "carrier"
    """Not known: the router's own outer address is one that a provider shares among customers."""
    TYPED = "typed"
    """A person's word, and nobody else's."""
    UNNAMED = "unnamed"
    """Not known: the router answers, and names no outer address."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was told of the public address."""

    told: Told
    address: str | None = None
    outer: str = ""
    """The router's own outer address, where it tells one."""
    protocol: str = ""
    """By which it tells it."""
    place: str = ""
    """Name of the place outside that told it; foreign text."""
    opened: bool = False
    """True where a place outside was there to be asked, whatever it told."""


async def learn(here: Vantage, outside: Vantage | None, deadline: float) -> NatSeen:
    """Ask the place outside, and the router where ``here`` stands for its outer address alone."""
    public = await public_address(outside) if outside is not None else None
    return await nat.look(here, deadline, public=public, forwards=False)


def read(seen: NatSeen, place: str = "") -> Reading:
    """What it comes to; ``place`` is the name of who said ``seen.public``."""
    side = _outer(seen)
    outer, protocol = (side.address or "", PROTOCOLS.get(side.source, side.source)) if side is not None else ("", "")
    if seen.public is not None:
        return Reading(_beside(seen, outer), seen.public, outer, protocol, place)
    if realm(seen.own or "") is Realm.PUBLIC:
        return Reading(Told.OWN, seen.own, outer, protocol)
    match realm(outer):
        case Realm.PUBLIC:
            return Reading(Told.ROUTER, outer, outer, protocol)
        case Realm.CARRIER:
            return Reading(Told.CARRIER, None, outer, protocol)
        case Realm.PRIVATE:
            return Reading(Told.HIDDEN, None, outer, protocol)
        case Realm.NOWHERE:
            mute = [side for side in seen.outer if (side.source, side.result) in NO_ADDRESS]
            return Reading(Told.UNNAMED, protocol=PROTOCOLS[mute[0].source]) if mute else Reading(Told.UNKNOWN)


def _outer(seen: NatSeen) -> OuterSide | None:
    """The answer that agrees with the place outside, else the first that names an address."""
    told = [side for side in seen.outer if side.address is not None]
    return next((side for side in told if side.address == seen.public), told[0] if told else None)


def _beside(seen: NatSeen, outer: str) -> Told:
    """What the router's word makes of what the place outside sees."""
    if outer == seen.public:
        return Told.AGREED
    if not outer:
        return Told.OWN if seen.own == seen.public else Told.OUTSIDE
    return {Realm.CARRIER: Told.SHARED, Realm.PRIVATE: Told.BEHIND, Realm.PUBLIC: Told.DIFFERS}.get(realm(outer), Told.OUTSIDE)
