"""What silence at a forwarded port may still mean, and what was seen of packets that got past the router all the same. Pure.

Silence is the weakest sign there is: no forward, one for other sources, a provider that drops, or equipment that keeps to its own network
all look alike from one place outside. ``possibilities`` names those that nothing which was seen rules out. ``half_open`` rules out most (at
this machine a connection arrived, and its beginner never heard the answer: RFC 9293 section 3.5). ``passed_on`` rules out that there is no
forward (the router was about to forward a packet whose TTL ran out at it: RFC 1812 section 5.3.1), and not that it is for others alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aetui.observations import Outcome
from aetui.reach import HalfOpen, InboundSeen, Reached, Standing
from aetui.records import Said
from aetui.wire.realm import Realm, realm

_OPEN_FOR_ALL, _LISTED = "router-lists", frozenset({"router-lists", "router-lists-limited"})


def views(reached: Reached, seen: InboundSeen) -> tuple[Reached, ...]:
    """All looks at this target from places that do not stand inside."""
    return tuple(each for each in seen.outside if each.target == reached.target and each.standing is not Standing.INSIDE)


def half_open(reached: Reached, seen: InboundSeen) -> HalfOpen | None:
    """A connection of ours, or else of anybody outside, that got to the forward's end and whose answer was lost."""
    here = [one for one in seen.half_open if one.port == reached.target.own_port]
    known = {each.vantage.address for each in views(reached, seen)}
    return next((one for one in here if one.peer in known), next((one for one in here if realm(one.peer) is Realm.PUBLIC), None))


def ours(one: HalfOpen, reached: Reached, seen: InboundSeen) -> bool:
    """True where it is our own knock for certain."""
    return one.peer in {each.vantage.address for each in views(reached, seen)}


def possibilities(reached: Reached, seen: InboundSeen, listed: Sequence[Said], *, equipment: bool) -> Iterator[Said]:
    """What is left, the likeliest first; ``equipment`` where it is not our own listener that stands at the forward's end."""
    port = {"port": str(reached.target.port)}
    if not {said.key for said in listed} & _LISTED:
        yield Said("left-forward", port)
    yield from kept_out(reached, seen, listed)
    yield Said("left-provider", port)
    yield Said("left-equipment" if equipment else "left-computer")


def kept_out(reached: Reached, seen: InboundSeen, listed: Sequence[Said]) -> Iterator[Said]:
    """That the forward is for other source addresses than those that tried, where the router does not list it as open to all."""
    if _OPEN_FOR_ALL not in {said.key for said in listed}:
        tried = len(_addresses(reached, seen))
        yield Said("left-source-few", {"count": str(tried)}) if tried > 1 else Said("left-source")


def _addresses(reached: Reached, seen: InboundSeen) -> frozenset[str]:
    """From how many addresses it was tried."""
    silent = [each for each in views(reached, seen) if each.tcp.outcome is Outcome.FILTERED]
    return frozenset(each.vantage.address or each.vantage.name for each in silent)
