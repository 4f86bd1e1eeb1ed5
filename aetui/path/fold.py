"""From single probes to hops: pure, and the only place that decides which reply stands for a TTL.

The trace's own flow (0) speaks first. Where it was silent at a TTL, a reply over another flow is taken only if no TTL shows the flows
to part: behind a load balancer the other flow's router is not on our path, and is listed under ``others`` alone.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from statistics import fmean, median

from aetui.path.records import FINAL, Heard, Hop, Recording, ReplyKind, Rtt, Shot

SAMPLES = 60
"""Latest round trips kept for a sparkline."""
AMONG = 5
"""Latest replies that must all be resets before a port that was open is called refused."""


def hops(recording: Recording) -> tuple[Hop, ...]:
    """The path, TTL by TTL, up to the target or to the last TTL that tells something."""
    by_ttl: dict[int, list[Shot]] = {}
    for shot in recording.shots:
        by_ttl.setdefault(shot.ttl, []).append(shot)
    parted = flows_part(recording.shots)
    if recording.problem is not None and not any(shot.heard for shot in recording.shots):
        return ()
    found = [_hop(ttl, by_ttl.get(ttl, []), parted) for ttl in range(1, max(by_ttl, default=0) + 1)]
    return tuple(found[: _end(found)])


def flows_part(shots: Sequence[Shot]) -> bool:
    """True where some TTL was answered by one router over our flow and by another over another flow."""
    ours: dict[int, set[str]] = {}
    theirs: dict[int, set[str]] = {}
    for shot in shots:
        if shot.heard:
            (theirs if shot.flow else ours).setdefault(shot.ttl, set()).add(shot.heard.sender)
    return any(ours[ttl].isdisjoint(theirs[ttl]) for ttl in ours.keys() & theirs.keys())


def rtt_of(times: Sequence[float]) -> Rtt | None:
    """Statistics of round trips in the order they were sent; None for none."""
    if not times:
        return None
    steps = [abs(later - earlier) for earlier, later in itertools.pairwise(times)]
    return Rtt(min(times), median(times), max(times), times[-1], fmean(steps) if steps else 0.0)


def _end(found: Sequence[Hop]) -> int:
    """How many TTLs to keep: up to the first final reply, else one silent TTL beyond the last that answered."""
    final = next((i for i, hop in enumerate(found) if hop.reply in FINAL), None)
    if final is not None:
        return final + 1
    last = max((i for i, hop in enumerate(found) if hop.reply is not ReplyKind.SILENT), default=-1)
    return last + 2


def _hop(ttl: int, shots: Sequence[Shot], parted: bool) -> Hop:
    own = [shot for shot in shots if shot.flow == 0]
    counted = own if own and (parted or any(shot.heard for shot in own)) else list(shots)
    heard = [shot.heard for shot in counted if shot.heard]
    everyone = Counter(shot.heard.sender for shot in shots if shot.heard)
    if not heard:
        return Hop(ttl, None, ReplyKind.SILENT, sent=len(counted), samples=_samples(counted), others=tuple(everyone))
    latest = _standing(heard)
    times = [reply.rtt_ms for reply in heard]
    others = tuple(address for address in everyone if address != latest.sender)
    return Hop(
        ttl,
        latest.sender,
        latest.kind,
        latest.icmp,
        len(counted),
        len(heard),
        rtt_of(times),
        _samples(counted),
        others,
        latest.reply_ttl,
        latest.quoted,
    )


def _standing(heard: Sequence[Heard]) -> Heard:
    """The latest reply, but for a reset among acceptances: where loss leaves a probe's connection half open, the server resets the next SYN
    of that flow (RFC 9293 section 3.10.7.4), and listens all the same.
    """
    accepted = [reply for reply in heard[-AMONG:] if reply.kind is ReplyKind.SYN_ACK]
    return accepted[-1] if accepted and heard[-1].kind is ReplyKind.RST else heard[-1]


def _samples(shots: Sequence[Shot]) -> tuple[float | None, ...]:
    return tuple(shot.heard.rtt_ms if shot.heard else None for shot in shots[-SAMPLES:])
