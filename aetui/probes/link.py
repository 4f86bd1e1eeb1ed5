"""This machine's own place in the network, as the vantage tells it. Nothing is sent but what the vantage needs to see its gateway."""

from __future__ import annotations

from aetui.observations import LinkSeen
from aetui.probes.base import Given, Measured, Settings
from aetui.records import Check
from aetui.vantage.base import Vantage

NOTHING_KNOWN = LinkSeen((), None, None, None, None, None, (), missing=("interfaces", "routes", "resolvers"))
"""What a vantage that cannot look at itself says."""


async def measure(check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
    """Ask the vantage for its interfaces, routes and resolvers."""
    seen = await vantage.survey(deadline) or NOTHING_KNOWN
    return Measured(seen, address=seen.address)
