"""The console's one packet helper: started in the background when a tab first needs raw packets, shared by all that do.

Under sudo the command has started it already and given root up for good (``spawned``): the helper holds what rights are needed, and it is
the only one that there can be. Nothing of the engine is imported before the first use. What the helper cannot do is told by whoever asks
it.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aetui.packet.client import PacketHelper
    from aetui.packet.spawning import Spawned


class Packets:
    """See the module."""

    def __init__(self, spawned: Spawned | None = None) -> None:
        self._helper: PacketHelper | None = None
        self._spawned = spawned
        self._starting: asyncio.Task[object] | None = None

    async def held(self) -> PacketHelper:
        """The helper, whether it runs or not; a request starts it."""
        client = await asyncio.to_thread(import_module, "aetui.packet.client")
        if self._helper is None:
            self._helper, self._spawned = client.PacketHelper(self._spawned), None
        return self._helper

    async def ready(self) -> PacketHelper:
        """The helper, its start begun; it may still be loading, or unable to start where the right is missing."""
        helper = await self.held()
        if self._starting is None and helper.lacking() is None:
            self._starting = asyncio.create_task(helper.start(), name="aetui-packet-helper")
            await asyncio.sleep(0)
        return helper

    async def close(self) -> None:
        """End the helper."""
        if self._starting is not None:
            self._starting.cancel()
        if self._helper is not None:
            await self._helper.close()
        elif self._spawned is not None:
            self._spawned.end()
