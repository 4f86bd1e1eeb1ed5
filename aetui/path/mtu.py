"""What size of packet gets through, hop by hop: datagrams of a given size that must not be cut up, sent with the TTLs of a known path.

Needs no privilege (IP_PMTUDISC_PROBE, RFC 1191, RFC 8201, RFC 4821). A router that cannot pass a size says so, with the size that it
takes: that is a step. Where small packets are answered from further on and large ones from nowhere and nobody says so, they vanish: a
black hole after the last hop that full-size packets reach. The largest size that does pass is then found by halving. Only hops that
answer UDP can be judged; where none does, nothing is concluded (None). The way back is not tested.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from aetui.observations import SeriesSeen
from aetui.path import fold
from aetui.path.engine import Engine
from aetui.path.records import Flow, Hop, Mtu, Proto, Recording, ReplyKind
from aetui.path.tracer import Request, Tracer
from aetui.records import Check
from aetui.vantage.base import Vantage

FULL = 1500
"""The size to start with: Ethernet's."""
LEAST = {4: 576, 6: 1280}
"""What every network must carry (RFC 791's reassembly size, in practice; RFC 8200 section 5)."""
MOST_STEPS = 8
"""Routers believed one after another before the path is taken for a liar."""
EXACT = 4
"""Bytes between a size that passes and one that does not at which halving stops."""
_TOO_BIG = frozenset({(3, 4), (2, 0)})
PORT = 33435
SEGMENTS_S = 15.0
"""Longest time for the search by segment size."""
_SPOKEN = frozenset({80, 443})


async def find(engine: Engine, flow: Flow, hops: Sequence[Hop], full: int = FULL) -> Mtu | None:
    """The path's MTU towards the address of ``flow``; None where nothing on the path answers UDP."""
    probe = Probing(engine, replace(flow, proto=Proto.UDP, port=PORT, source_port=0), len(hops))
    small = await probe.reach(LEAST[flow.version])
    if small is None:
        return None
    size, steps = full, []
    for _ in range(MOST_STEPS):
        got = await probe.reach(size)
        step = probe.step
        if step is None or not LEAST[flow.version] <= step[1] < size:
            break
        steps.append(step)
        size = step[1]
    if got is not None and got >= small:
        return Mtu(size, tuple(steps))
    passes = await _halve(probe, LEAST[flow.version], size, small)
    return Mtu(passes, tuple(steps), black_hole_after=got or 0)


async def by_segment(vantage: Vantage, host: str, flow: Flow) -> int | None:
    """The largest packet that an exchange over an open port gets through, by segment size; None where nothing stalls, or nothing is known to say.

    Only ports whose first exchange is known are used (80: HTTP, 443: TLS): nothing is said to a logger that it does not expect.
    """
    if flow.proto is not Proto.TCP or flow.port not in _SPOKEN:
        return None
    from aetui.probes import series
    from aetui.probes.base import Given, Settings

    check = Check(f"series:{host}:{flow.port}", "series", host, flow.port, about={"purpose": "mss"})
    deadline = asyncio.get_running_loop().time() + SEGMENTS_S
    measured = await series.measure(check, Given(addresses=(flow.address,)), vantage, Settings(), deadline)
    return measured.observation.path_mtu if isinstance(measured.observation, SeriesSeen) else None


async def _halve(probe: Probing, passes: int, fails: int, small: int) -> int:
    while fails - passes > EXACT:
        middle = (passes + fails) // 2
        got = await probe.reach(middle)
        passes, fails = (middle, fails) if got is not None and got >= small else (passes, middle)
    return passes


class Probing:
    """Sweeps of one size over the path."""

    def __init__(self, engine: Engine, flow: Flow, length: int) -> None:
        self._engine = engine
        self._flow = flow
        self._length = length
        self.step: tuple[str, int] | None = None
        """The router that said 'too big' in the latest sweep, and the size that it takes."""

    async def reach(self, size: int) -> int | None:
        """The highest TTL from which packets of this size were answered, or None for none."""
        tracer = Tracer(self._engine, Request(self._flow.address, replace(self._flow, size=size), self._length))
        try:
            recording = await tracer.first()
        finally:
            tracer.close()
        self.step = _too_big(recording)
        arrived = [hop.ttl for hop in fold.hops(recording) if hop.reply is not ReplyKind.SILENT and not _is_too_big(hop)]
        return max(arrived, default=None)


def _too_big(recording: Recording) -> tuple[str, int] | None:
    heard = (shot.heard.icmp for shot in recording.shots if shot.heard and shot.heard.icmp)
    return next(((icmp.sender, icmp.mtu) for icmp in heard if (icmp.type, icmp.code) in _TOO_BIG and icmp.mtu), None)


def _is_too_big(hop: Hop) -> bool:
    return hop.icmp is not None and (hop.icmp.type, hop.icmp.code) in _TOO_BIG
