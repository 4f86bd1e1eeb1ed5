"""What the TTL of a reply says: how far it travelled back, and whether two replies can have one sender. Pure.

Systems start at 64 (Linux, BSD, macOS), 128 (Windows) or 255 (most routers, Solaris); the next of these above what arrived is taken as
the start. A path of more than 60 hops, or a system with a start of its own, is misread: nothing is concluded from one reply alone.
"""

from __future__ import annotations

from aetui.path.records import Hop

STARTS = (64, 128, 255)
ASYMMETRIC = 2
"""Difference between the way there and the way back, in hops, from which it is worth a word."""


def travelled(reply_ttl: int | None) -> int | None:
    """Hops that a reply crossed on its way back, counted as TTLs are: 1 for the first router."""
    if reply_ttl is None:
        return None
    return next((start - reply_ttl + 1 for start in STARTS if reply_ttl <= start), None)


def asymmetric(hop: Hop) -> int | None:
    """Length of the way back from a hop where it differs clearly from the way there, else None."""
    back = travelled(hop.reply_ttl)
    return back if back is not None and abs(back - hop.ttl) >= ASYMMETRIC else None
