"""Was a packet seen to get past the router, though no answer came? Two ways to see it, neither of which needs a right.

``passed_on`` asks from outside: connects whose TTL runs out on the way. A router that forwards a port looks the destination up, finds the
TTL used up, and says so with the very address that was knocked at; one that keeps the packet to itself says nothing of the kind. Only a
positive answer tells anything: many routers send no such ICMP. ``half_open`` looks at this machine: connections to a port that the
system holds half open, since its answer was never acknowledged (Linux; nothing elsewhere).

Sources: RFC 1812 sections 4.3.3.4 and 5.3.1; RFC 792; RFC 9293 section 3.5; proc_pid_net(5). Not here: judging.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from aetui.probes.common import clock, together, within
from aetui.reach import HalfOpen, Target
from aetui.vantage.base import Capability, Shape, Vantage

HELD_S = 1.0
"""How long a connection has been half open where its answer is called lost: longer than a round trip takes."""
HOP_S = 1.5
"""Longest wait for a router's 'time exceeded'."""
MOST_HOPS = 24
"""A site is rarely further from anywhere."""
TIME_EXCEEDED = 11
"""ICMP type."""
LOOK_EVERY_S = 0.4
"""The system holds a half-open connection for about a minute."""
MOST_FOUND = 50
"""Addresses that are remembered; a flood forges as many as it likes."""

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_HALF_OPEN = re.compile(rb"^ *\d+: [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]+):[0-9A-F]{4} 03 ", re.MULTILINE)
"""A line of them in the state SYN_RECV: own port and peer."""
_PIECE = 64 * 1024


async def passed_on(vantage: Vantage, target: Target, deadline: float) -> bool:
    """True where the router with the target's address was heard to hand its port on; False where the vantage cannot ask. For a port that
    was found silent: at an open one this would knock many times."""
    if not {Capability.SEGMENT, Capability.ICMP} <= vantage.capabilities:
        return False
    limit = within(HOP_S, deadline)
    tries = await together([vantage.connect(target.address, target.port, limit, Shape(ttl=ttl)) for ttl in range(1, MOST_HOPS + 1)])
    for connection in tries:
        if connection.stream is not None:
            connection.stream.close()
    told = (connection.seen.icmp for connection in tries)
    return any(icmp is not None and icmp.type == TIME_EXCEEDED and icmp.sender == target.address for icmp in told)


class HalfOpenWatch:
    """Watches these ports of this machine from ``start`` to ``stop``, or while it is entered; ``found`` is what was seen, and ``changed`` is
    called with each. The system's table is read in a thread: under a flood it is long."""

    def __init__(self, ports: Iterable[int], changed: Callable[[HalfOpen], None] = lambda one: None) -> None:
        self.ports = set(ports)
        self._changed = changed
        self._since: dict[HalfOpen, float] = {}
        self._found: dict[HalfOpen, None] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._look(), name="aetui-half-open")

    async def stop(self) -> None:
        """End; what was found stays. Safe to call twice, and before ``start``."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def __aenter__(self) -> HalfOpenWatch:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def found(self) -> tuple[HalfOpen, ...]:
        """Those that stayed half open for longer than any round trip takes, the first ones first."""
        return tuple(self._found)

    async def _look(self) -> None:
        while True:
            self._take(await asyncio.to_thread(lambda: set(half_open(frozenset(self.ports)))))
            await asyncio.sleep(LOOK_EVERY_S)

    def _take(self, now: set[HalfOpen]) -> None:
        at = clock()
        self._since = {one: self._since.get(one, at) for one in now}
        new = [one for one, since in self._since.items() if at - since >= HELD_S and one not in self._found]
        for one in new[: MOST_FOUND - len(self._found)]:
            self._found[one] = None
            self._changed(one)


def half_open(ports: frozenset[int]) -> Iterator[HalfOpen]:
    """Connections to these ports of this machine whose handshake is not over."""
    for table in _TABLES:
        with suppress(OSError), table.open("rb") as lines:  # another system, or no IPv6
            kept = b""
            while piece := lines.read(_PIECE):
                whole, _, kept = (kept + piece).rpartition(b"\n")
                yield from _read(whole, ports)
            yield from _read(kept, ports)


def _read(text: bytes, ports: frozenset[int]) -> Iterator[HalfOpen]:
    for port, peer in _HALF_OPEN.findall(text):
        if int(port, 16) in ports:
            yield HalfOpen(_address(peer.decode("ascii")), int(port, 16))


def _address(text: str) -> str:
    """The kernel's hexadecimal words, in the machine's own order, as an address; IPv4 seen through IPv6 as IPv4."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    address = ip_address(socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
