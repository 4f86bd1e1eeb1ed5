"""The local vantage over the loop's own sock_ calls, as it runs on loops without readiness (Windows)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from vantage_peers import Peers
from vantage_world import World
from world_local import ask_nobody

from aetui.vantage import local
from aetui.vantage.waiting import Complete


@asynccontextmanager
async def world(peers: Peers) -> AsyncIterator[World]:
    vantage = local.LocalVantage(gateway=ask_nobody)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "waits", Complete)
        await vantage.open(asyncio.get_running_loop().time() + 10)
    try:
        yield World(vantage, peers.places(), names={"localhost": ("127.0.0.1",), "x" * 64 + ".invalid": ()})
    finally:
        await vantage.close()
