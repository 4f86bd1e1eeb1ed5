"""Loss told from rate limiting: pure counting over hops.

A packet that a hop drops never reaches the hops behind it, so the loss up to a hop is at most the smallest loss seen at it or behind
it; what a hop shows above that is its own unwillingness to answer. A hop that never answers says nothing. Where nothing behind the last
answering hop is known (the target was not reached), its own loss cannot be told from unwillingness, and none is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from aetui.path.records import Hop, ReplyKind

LEAST_SENT = 5
"""Probes below which nothing is said of loss."""
LEAST_LOST = 2
"""Lost probes below which nothing is said: one is chance."""
SPREAD = 3.8
"""Standard deviations by which it must exceed what chance makes of the same loss: several hops are compared at each look, and a live view
looks every second.
"""
CLEAR = 0.1
"""Share of probes by which a hop's loss must exceed the loss behind it to be called a limit."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What one hop's counts mean."""

    real: float
    """Share of packets lost on the way up to here, 0 to 1, at most."""
    limited: bool
    """It answers fewer probes than reach it."""
    lossy: bool
    """Packets are really lost on the way here."""


def losses(hops: Sequence[Hop], reached: bool) -> dict[int, Loss]:
    """By TTL, for hops that were asked often enough."""
    counted = [hop for hop in hops if hop.reply is not ReplyKind.SILENT and hop.received and hop.sent >= LEAST_SENT]
    found: dict[int, Loss] = {}
    behind = 1.0 if reached else 0.0
    for hop in reversed(counted):
        share = 1 - hop.received / hop.sent
        real = min(share, behind)
        lost = hop.sent - hop.received
        above = (share - real) * hop.sent
        found[hop.ttl] = Loss(real, _clearly(above, hop.sent, real), lost >= LEAST_LOST and round(real * hop.sent, 6) >= LEAST_LOST)
        behind = real
    if not reached and counted:
        found[counted[-1].ttl] = Loss(0.0, limited=False, lossy=False)
    return found


def _clearly(above: float, sent: int, real: float) -> bool:
    """More than chance makes of two hops that share the same real loss (binomial counts)."""
    chance = SPREAD * sqrt(2 * sent * real * (1 - real))
    return round(above) >= max(LEAST_LOST, CLEAR * sent, chance)


def begins_at(found: dict[int, Loss]) -> int | None:
    """TTL of the first hop with real loss, or None."""
    return min((ttl for ttl, loss in found.items() if loss.lossy), default=None)
