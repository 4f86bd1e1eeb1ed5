"""The jump vantage by the system's ssh program, over a real OpenSSH server on loopback."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from jump_sshd import sshd
from vantage_peers import Peers
from vantage_world import World

from aetui.vantage.systemssh import SystemSshVantage

NAMES = {"localhost": ("127.0.0.1",), "no-such-name.invalid": ()}


@asynccontextmanager
async def world(peers: Peers) -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        async with sshd(Path(folder)) as server:
            config = server.config()
            vantage = SystemSshVantage("hop", config, ("ssh", "-F", str(config.files[0])))
            await vantage.open(asyncio.get_running_loop().time() + 10)
            try:
                yield World(vantage, peers.places(), names=NAMES, tells_resets=False, half_closes=False)
            finally:
                await vantage.close()
