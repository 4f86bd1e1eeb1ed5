"""Does the path stay the same: load balancing, a change of path, a loop. Pure, over the single probes.

Over one constant flow a router that shares packets out alternates its next hops, whereas a change of route replaces one by another for
good; over several flows a router that shares flows out gives each its own. Two readings fit too few probes: then nothing is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import groupby, pairwise

from aetui.path.records import Hop, ReplyKind, Shot

LASTS = 2
"""Rounds that an address must hold before and after to be called a change of path."""
OFTEN = 3
"""Times that one address answers on the way before it is called a loop."""


class Variation(StrEnum):
    """Why several addresses answer at one TTL; the words are note codes."""

    LOAD_BALANCED = "load-balanced"
    PATH_CHANGED = "path-changed"


def variations(shots: Iterable[Shot]) -> dict[int, Variation]:
    """By TTL, where it can be told."""
    by_ttl: dict[int, list[Shot]] = {}
    for shot in shots:
        if shot.heard:
            by_ttl.setdefault(shot.ttl, []).append(shot)
    found = {ttl: _variation(heard) for ttl, heard in by_ttl.items()}
    return {ttl: variation for ttl, variation in found.items() if variation}


def _variation(shots: Sequence[Shot]) -> Variation | None:
    own = [shot.heard.sender for shot in shots if shot.heard and shot.flow == 0]
    blocks = [(sender, len(list(group))) for sender, group in groupby(own)]
    senders = {sender for sender, _ in blocks}
    if len(blocks) > len(senders):
        return Variation.LOAD_BALANCED
    if len(blocks) > 1 and blocks[0][1] >= LASTS and blocks[-1][1] >= LASTS:
        return Variation.PATH_CHANGED
    everyone = {shot.heard.sender for shot in shots if shot.heard}
    return Variation.LOAD_BALANCED if len(senders) <= 1 and len(everyone) > 1 else None


def loop(hops: Sequence[Hop]) -> tuple[str, ...]:
    """The addresses that packets go round between, in order; () for none."""
    on_the_way = [hop.address for hop in hops if hop.address and hop.reply is ReplyKind.TIME_EXCEEDED]
    often = {address for address, times in Counter(on_the_way).items() if times >= OFTEN}
    return tuple(dict.fromkeys(address for address in on_the_way if address in often))


def repeated(hops: Sequence[Hop]) -> frozenset[int]:
    """TTLs whose address is that of the TTL before: a router that passes packets on without counting them, or a translation."""
    pairs = pairwise(hops)
    passing = ((a, b) for a, b in pairs if ReplyKind.TIME_EXCEEDED is a.reply is b.reply)
    return frozenset(later.ttl for earlier, later in passing if later.address == earlier.address)
