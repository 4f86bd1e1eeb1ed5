"""What a guide's checks and the looks at the local network are run with, for the console: a ``guiding.world.World`` that is opened in the
background, kept while it is used, and given back. Knows no widget.

``open`` gives the world, or None where it cannot be had: then ``fault`` says why in one line. The console has one packet helper, which the
world is handed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING

from aetui.screens.runner import CLOSING_S, one_line

if TYPE_CHECKING:
    from aetui.guiding.world import World
    from aetui.packet.client import PacketHelper
    from aetui.prepare import Request
    from aetui.screens.launch import Launch
    from aetui.session import Listener
    from aetui.vantage.asker import Asker

Packets = Callable[[], Awaitable["PacketHelper"]]


class Room:
    """One world at a time."""

    def __init__(self, changed: Callable[[], None], packets: Packets | None = None, asker: Asker | None = None) -> None:
        self.changed = changed
        self.world: World | None = None
        self.fault = ""
        self._packets = packets
        self.asker = asker
        self._task: asyncio.Task[None] | None = None

    async def open(self, request: Request, listeners: tuple[Listener, ...] = ()) -> World | None:
        """A world for this request, in place of the one before."""
        await self.close()
        self.fault = ""
        began: asyncio.Future[World | None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._hold(request, listeners, began), name="aetui-world")
        return await began

    async def close(self) -> None:
        """Give everything back; what takes longer than ``CLOSING_S`` ends by itself."""
        task, self._task, self.world = self._task, None, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CLOSING_S)

    async def _hold(self, request: Request, listeners: tuple[Listener, ...], began: asyncio.Future[World | None]) -> None:
        try:
            module = await asyncio.to_thread(import_module, "aetui.guiding.world")
            helper = await self._packets() if self._packets is not None and _local(request) else None
            async with module.opened(request, listeners, self.asker, helper) as world:
                self.world = world
                if not began.done():
                    began.set_result(world)
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.fault = one_line(error)
        finally:
            if not began.done():
                began.set_result(None)
            if asyncio.current_task() is self._task:
                self.world = None
                self.changed()


def _local(request: Request) -> bool:
    return request.demo is None and request.vantage == "local"


def request_of(launch: Launch, equipment: tuple[str, ...], vantage: str | None = None) -> Request:
    """What the engine is asked for."""
    from aetui.prepare import Request, own_catalogue

    return Request(
        equipment=equipment, vantage=vantage or launch.vantage, demo=launch.demo, own_catalogue=launch.own_catalogue or own_catalogue(),
        roots=launch.roots,
    )  # fmt: skip
