"""Who has an address on this link: asked through the packet helper. One that is given is its owner's; without one, one is started for the
question and ended after it.
"""

from __future__ import annotations

import asyncio

from aetui.observations import ArpSeen
from aetui.packet.client import Failure, PacketHelper
from aetui.packet.messages import Refused
from aetui.vantage import interfaces

WAIT_S = 0.4
"""Seconds of listening: on a local network answers take milliseconds, from a device that sleeps some tenths."""


async def who_has(address: str, interface: str, deadline: float, shared: PacketHelper | None = None) -> ArpSeen:
    """One address asked for from no address; who answered, this machine's own interfaces named beside it."""
    own = tuple(i.mac for i in interfaces.interfaces() if i.mac)
    helper = shared or PacketHelper()
    try:
        async with asyncio.timeout_at(deadline):
            heard = await helper.arp(interface, address, WAIT_S, probe=True)
    except TimeoutError:
        return ArpSeen(address, interface, own, why="the packet helper took too long")
    finally:
        if shared is None:
            await helper.close()
    if isinstance(heard, Failure | Refused):
        return ArpSeen(address, interface, own, why=heard.why)
    return ArpSeen(address, interface, own, tuple(dict.fromkeys(each.mac for each in heard if each.address == address)))
