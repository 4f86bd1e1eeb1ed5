"""The console's one packet helper: started in the background when a tab first needs raw packets, shared by all that do.

Where the console runs under sudo it gives up root for good as soon as the helper is ready: the helper holds the one right that is
needed. Nothing of the engine is imported before ``start``. What the helper cannot do is told by whoever asks it.
"""

from __future__ import annotations

import asyncio
import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aetui.packet.client import PacketHelper


class Packets:
    """See the module."""

    def __init__(self) -> None:
        self.helper: PacketHelper | None = None
        self._starting: asyncio.Task[None] | None = None

    async def ready(self) -> PacketHelper:
        """The helper, its start begun; it may still be loading, or unable to start where the right is missing."""
        client = await asyncio.to_thread(import_module, "aetui.packet.client")
        if self.helper is None:
            self.helper = client.PacketHelper()
            if client.missing() is None:
                self._starting = asyncio.create_task(self._start(self.helper), name="aetui-packet-helper")
                await asyncio.sleep(0)
        return self.helper

    async def _start(self, helper: PacketHelper) -> None:
        if await helper.start() is None:
            from aetui.packet.privilege import give_up_root

            give_up_root(os.environ)

    async def close(self) -> None:
        """End the helper."""
        if self._starting is not None:
            self._starting.cancel()
        if self.helper is not None:
            await self.helper.close()
