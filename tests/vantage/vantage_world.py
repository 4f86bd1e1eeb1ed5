"""What the contract suite asks of each vantage: a world, that is the open vantage and where its peers are, as that vantage addresses them.

HOW TO PLUG A VANTAGE IN: add one file ``tests/vantage/world_NAME.py`` with one function::

    @asynccontextmanager
    async def world(peers: Peers) -> AsyncIterator[World]:
        vantage = MyVantage(...)
        await vantage.open(asyncio.get_running_loop().time() + 10)
        try:
            yield World(vantage, peers.places(), names={"some.name": ("127.0.0.1",)})
        finally:
            await vantage.close()

Nothing else needs an edit: ``conftest.py`` finds the file and runs every test of ``test_contract_*.py`` over it. ``peers`` are real
servers on loopback, one for each ``Kind``, running in the test's own event loop. A vantage that reaches loopback (the local one, an SSH
jump to a loopback sshd) gives ``peers.places()`` as it is; one that lives in addresses of its own maps each ``Place`` (``{kind:
Place(mine, port) …}``), or brings peers of its own that behave as the docstring of the kind says. What a vantage cannot do it leaves out
of its capabilities, and may leave out of ``places``; ``test_contract_claims`` fails where a capability is claimed and its places are
missing, so nothing is skipped by mistake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import pytest

from aetui.vantage.base import Capability, Vantage

BIG_SIZE = 4 * 1024 * 1024
"""Bytes that the BIG peer sends."""
FAREWELL = b"bye\r\n"
"""What the CLOSES peer says."""
STRAYS = 2
"""Datagrams that the UDP_STRAY peer sends before the echo."""


def big_bytes() -> bytes:
    """What the BIG peer sends: every offset recognisable, so that a lost or doubled part shows."""
    return b"".join(n.to_bytes(8, "big") for n in range(BIG_SIZE // 8))


class Kind(StrEnum):
    """How a peer behaves."""

    ECHO = "echo"
    """Accepts, sends everything back, closes when the other side does."""
    CLOSES = "closes"
    """Accepts, says FAREWELL, closes its sending half, and goes on taking what it is sent."""
    RESETS = "resets"
    """Accepts, and at the first byte resets."""
    MUTE = "mute"
    """Accepts, takes everything and never says a word."""
    DEAF = "deaf"
    """Accepts and never reads: a writer fills the buffers and stalls."""
    BIG = "big"
    """At the first byte sends ``big_bytes()`` and closes."""
    REFUSED = "refused"
    """Nothing listens."""
    SILENT = "silent"
    """A SYN gets no answer at all."""
    ECHO6 = "echo6"
    """ECHO over IPv6."""
    REFUSED6 = "refused6"
    UDP_ECHO = "udp-echo"
    """Sends each datagram back."""
    UDP_STRAY = "udp-stray"
    """Answers with STRAYS datagrams of ``stray`` and then the echo."""
    UDP_MUTE = "udp-mute"
    """Takes datagrams and never answers."""
    UDP_REFUSED = "udp-refused"
    """Nothing is bound: ICMP port unreachable."""
    UDP_ECHO6 = "udp-echo6"


NEEDED: Mapping[Capability, frozenset[Kind]] = {
    Capability.TCP: frozenset({Kind.ECHO, Kind.CLOSES, Kind.RESETS, Kind.MUTE, Kind.DEAF, Kind.BIG, Kind.REFUSED, Kind.SILENT}),
    Capability.UDP: frozenset({Kind.UDP_ECHO, Kind.UDP_STRAY, Kind.UDP_MUTE, Kind.UDP_REFUSED}),
}
"""Places that a vantage with this capability must offer."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a peer is, as the vantage addresses it."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class World:
    """One vantage, open, and its peers."""

    vantage: Vantage
    places: Mapping[Kind, Place]
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """With Capability.SYSTEM_NAMES: names and what ``lookup`` must give, () for a name that has none (at least one of each)."""

    reach: Callable[[str, int], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = asyncio.open_connection
    """How a test connects to the address and port of an Acceptor; a world in addresses of its own says how."""

    tells_resets: bool = True
    """False where a reset cannot be told from an end of data (an SSH channel has no such thing: RFC 4254 section 5.3)."""

    half_closes: bool = True
    """False where the far side's end of data ends both ways (``ssh -W`` through a control master)."""

    def at(self, kind: Kind) -> Place:
        """The peer of this kind; the test is skipped where this world has none (``test_contract_claims`` says whether it may)."""
        if kind not in self.places:
            pytest.skip(f"this vantage has no {kind}")
        return self.places[kind]

    def can(self, capability: Capability) -> None:
        """Skip the test where the vantage does not claim it."""
        if capability not in self.vantage.capabilities:
            pytest.skip(f"this vantage does not claim {capability}")
