"""Which port to hold a failing one against: pure, from what a run has seen to work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from aetui.observations import Outcome, TcpSeen

USUAL = (443, 80)
"""Tried in this order where nothing is known to work: the ports that every one of the documented hosts has."""
_NETWORK = {4: 24, 6: 48}
"""Prefix length that counts as one network: the longest that is announced to the internet."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A port that works."""

    address: str
    port: int


def choose(seen: Iterable[TcpSeen], address: str, port: int | None) -> Candidate | None:
    """The best port that was seen open: of the host itself, else of its network; None for none."""
    opened = {(one.address, one.port) for one in seen if one.outcome is Outcome.OPEN and (one.address, one.port) != (address, port)}
    network = ip_network(f"{address}/{_NETWORK[ip_address(address).version]}", strict=False)
    near = [(a, p) for a, p in opened if ip_address(a).version == network.version and ip_address(a) in network]
    best = min(near, key=lambda one: (one[0] != address, USUAL.index(one[1]) if one[1] in USUAL else len(USUAL), one), default=None)
    return Candidate(*best) if best else None
