"""One TCP connect to one address. Carries over the open stream, and the address that it reached.

Reads ``about``: ``address`` (a literal in place of the host's), ``family`` (``ipv4``, ``ipv6``), ``ttl``, ``mss``, ``source_port``.
"""

from __future__ import annotations

from aetui.observations import Outcome, TcpSeen
from aetui.probes.base import Given, Measured, Settings
from aetui.probes.common import clock, port_of, shape, since, target
from aetui.records import Check
from aetui.vantage.base import Vantage


async def measure(check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
    """Connect. Without an address of the wanted family the outcome is FAILED with errno ``EAI_ADDRFAMILY``, and nothing is sent."""
    address, port = target(check, given), port_of(check)
    if address is None:
        return Measured(TcpSeen("", port, Outcome.FAILED, errno="EAI_ADDRFAMILY"))
    began = clock()
    connection = await vantage.connect(address, port, deadline, shape(check))
    phases = {"connect": since(began)}
    if connection.stream is None:
        return Measured(connection.seen, phases, address)
    return Measured(connection.seen, phases, address, (address,), connection.stream)
