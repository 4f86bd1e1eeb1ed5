"""One question to the local network: who has this machine's own address? Another MAC address that answers is a conflict (RFC 5227).

Reads ``about``: ``address`` and ``interface``. Needs a vantage with ``Capability.ARP``; nothing else is sent, and no address is claimed.
"""

from __future__ import annotations

from aetui.observations import ArpSeen
from aetui.probes.base import Given, Measured, Settings
from aetui.records import Check
from aetui.vantage.base import Vantage


async def measure(check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
    """Ask, and say who answered."""
    address, interface = check.about["address"], check.about["interface"]
    who_has = getattr(vantage, "who_has", None)
    seen = ArpSeen(address, interface, why="this vantage cannot ask") if who_has is None else await who_has(address, interface, deadline)
    return Measured(seen, address=address)
