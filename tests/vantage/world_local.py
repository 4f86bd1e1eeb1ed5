"""The local vantage's world: the loopback peers as they are. The survey asks no gateway here: nothing may leave the machine in a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vantage_peers import Peers
from vantage_world import World

from aetui.vantage.local import LocalVantage
from aetui.vantage.neighbour import UNKNOWN, Gateway


async def ask_nobody(address: str, interface: str | None, deadline: float) -> Gateway:
    return UNKNOWN


@asynccontextmanager
async def world(peers: Peers) -> AsyncIterator[World]:
    vantage = LocalVantage(gateway=ask_nobody)
    await vantage.open(asyncio.get_running_loop().time() + 10)
    try:
        # a label of 64 octets is no name (RFC 1035 2.3.4): the library says so without asking a resolver
        yield World(vantage, peers.places(), names={"localhost": ("127.0.0.1",), "x" * 64 + ".invalid": ()})
    finally:
        await vantage.close()
