"""The jump vantage over a real OpenSSH server on loopback, which reaches the same peers as the local vantage."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from jump_sshd import sshd
from vantage_peers import Peers
from vantage_world import World

from aetui.vantage.jump import JumpVantage

NAMES = {"localhost": ("127.0.0.1",), "no-such-name.invalid": ()}


@asynccontextmanager
async def world(peers: Peers) -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        async with sshd(Path(folder)) as server:
            vantage = JumpVantage("hop", config=server.config())
            await vantage.open(asyncio.get_running_loop().time() + 10)
            try:
                yield World(vantage, peers.places(), names=NAMES, tells_resets=False)
            finally:
                await vantage.close()
