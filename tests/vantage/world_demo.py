"""The demo vantage for the contract suite: the peers are published at an address of the made-up internet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vantage_peers import Peers
from vantage_world import Kind, Place, World

from aetui.records import Transport
from aetui.vantage.demo import DemoVantage

HOME = "192.52.193.250"
NOBODY = "192.52.193.251"
OURS = {kind for kind in Kind if not kind.endswith("6")} - {Kind.SILENT}


@asynccontextmanager
async def world(peers: Peers) -> AsyncIterator[World]:
    vantage = DemoVantage("healthy")
    await vantage.open(asyncio.get_running_loop().time() + 10)
    places = {Kind.SILENT: Place(NOBODY, 443)}
    for kind, peer in peers.places().items():
        if kind in OURS:
            transport = Transport.UDP if kind.startswith("udp") else Transport.TCP
            vantage.site.publish(HOME, peer.port, transport, peer.port)
            places[kind] = Place(HOME, peer.port)
    names = {"www.alsoenergy.com": ("204.232.231.197",), "no-such-host.invalid": ()}
    try:
        yield World(vantage, places, names=names, reach=lambda _, port: asyncio.open_connection("127.0.0.1", port))
    finally:
        await vantage.close()
