"""What size of packet gets through, hop by hop: datagrams of a given size that must not be cut up, sent with the TTLs of a known path.

Needs no privilege (IP_PMTUDISC_PROBE, RFC 4821). What the sweeps come to, and which size is next, ``sizes`` says. Only hops that answer
UDP can be judged; where none does, nothing is concluded (None). The way back is not tested, but by the segments of a real exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from aetui.observations import SeriesSeen
from aetui.path.engine import Engine
from aetui.path.records import Flow, Hop, Mtu, Proto
from aetui.path.sizes import Search
from aetui.path.tracer import Request, Tracer
from aetui.records import Check
from aetui.vantage.base import Vantage

PORT = 33435
SEGMENTS_S = 15.0
"""Longest time for the search by segment size."""
_SPOKEN = frozenset({80, 443})


async def find(engine: Engine, flow: Flow, hops: Sequence[Hop]) -> Mtu | None:
    """The path's MTU towards the address of ``flow``; None where nothing on the path answers UDP."""
    probing, search = replace(flow, proto=Proto.UDP, port=PORT, source_port=0), Search(flow.version)
    while search.wanted is not None:
        tracer = Tracer(engine, Request(flow.address, replace(probing, size=search.wanted), len(hops)))
        try:
            search.take(await tracer.first())
        finally:
            tracer.close()
    return search.found


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
