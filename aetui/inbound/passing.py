"""Was a packet seen to get past the router, though no answer came? Two ways to see it, neither of which needs a right.

``passed_on`` asks from outside: connects whose TTL runs out on the way. A router that forwards a port looks the destination up, finds the
TTL used up, and says so with the very address that was knocked at; one that keeps the packet to itself says nothing of the kind. Only a
positive answer tells anything: many routers send no such ICMP. Nor does it tell that the packet would have gone on: Linux looks at the TTL
before its rules for what is forwarded. ``HalfOpenWatch`` looks at this machine: connections to a port that the system holds half open,
since its answer was never acknowledged (Linux; nothing elsewhere). One that ends otherwise than by being given up was answered after all.

Sources: RFC 1812 sections 4.3.3.4 and 5.3.1; RFC 792; RFC 9293 section 3.5; RFC 6298 section 2; proc_pid_net(5); Linux ip_forward(),
reqsk_timer_handler(). Not here: judging.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from aetui.probes.common import clock, together, within
from aetui.reach import HalfOpen, Target
from aetui.vantage.base import Capability, Shape, Vantage

HELD_S = 3.5
"""How long a connection has been half open where its answer is called lost: the system repeats it after 1 s and after 3 s, so three in a row
came to nothing, and one lost packet is no sign."""
GIVEN_UP_S = 6.0
"""A connection that was half open for less, and is no longer, was acknowledged or reset by its beginner: the system gives none up before 7 s."""
HOP_S = 1.5
"""Longest wait for a router's 'time exceeded'."""
MOST_HOPS = 24
"""A site is rarely further from anywhere."""
TIME_EXCEEDED = 11
"""ICMP type."""
LOOK_EVERY_S = 0.4
"""The system holds a half-open connection for about a minute."""
LOOK_SHARE = 0.1
"""Most of a processor's time that looking may take: under a flood the table is long, and the pauses grow with it."""
LONGEST_PAUSE_S = 1.5
MOST_FOUND = 50
"""Addresses that are remembered; a flood forges as many as it likes."""

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_PLACE = rb"^ *\d+: [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) "
_LINE, _BEGUN = re.compile(_PLACE + rb"([0-9A-F]{2}) ", re.MULTILINE), re.compile(_PLACE + rb"(03) ", re.MULTILINE)
"""A line of them: own port, peer, its port, and the state; the second where the handshake is begun and not over (SYN-RECEIVED)."""
_SYN_RECEIVED = b"03"
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


@dataclass(frozen=True, slots=True)
class Arrived:
    """One connection at a port of this machine."""

    what: HalfOpen
    """From where, and at which port."""
    said: tuple[bytes, bytes, bytes]
    """Own port, peer and its port as the system's table has them."""


class HalfOpenWatch:
    """Watches these ports of this machine from ``start`` to ``stop``, or while it is entered; ``found`` is what was seen, and ``changed`` is
    called with each, ``answered`` where some of them are finished after all and in it no longer. Both are called in a turn of the loop of
    their own. The system's table is read in a thread: under a flood it is long."""

    def __init__(
        self, ports: Iterable[int], changed: Callable[[HalfOpen], None] = lambda one: None, answered: Callable[[], None] = lambda: None
    ) -> None:
        self.ports = set(ports)
        self._changed, self._answered = changed, answered
        self._since: dict[Arrived, float] = {}
        self._found: dict[HalfOpen, Arrived] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._look(), name="aetui-half-open")

    async def stop(self) -> None:
        """End; what was found stays. Safe to call twice, and before ``start``."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])  # not the task itself: its end would look like the caller's own

    async def __aenter__(self) -> HalfOpenWatch:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def found(self) -> tuple[HalfOpen, ...]:
        """Those that were begun and not finished, though our answer was repeated; the first ones first."""
        return tuple(self._found)

    async def _look(self) -> None:
        while True:
            ports, known = frozenset(self.ports), frozenset(one.said for one in (*self._since, *self._found.values()))
            now, took_s = await asyncio.to_thread(_looked, ports, known)
            self._take(now)
            await asyncio.sleep(pause(took_s))

    def _take(self, now: dict[Arrived, bool]) -> None:
        at, loop = clock(), asyncio.get_running_loop()
        answered = {one for one, since in self._since.items() if one not in now and at - since < GIVEN_UP_S}
        answered |= {one for one, begun in now.items() if not begun}
        self._since = {one: self._since.get(one, at) for one, begun in now.items() if begun}
        if not answered.isdisjoint(self._found.values()):
            self._found = {what: one for what, one in self._found.items() if one not in answered}
            loop.call_soon(self._answered)  # what goes wrong there does not end the watch
        for one, since in self._since.items():
            if at - since >= HELD_S and one.what not in self._found and len(self._found) < MOST_FOUND:
                self._found[one.what] = one
                loop.call_soon(self._changed, one.what)


def _looked(ports: frozenset[int], known: frozenset[tuple[bytes, bytes, bytes]]) -> tuple[dict[Arrived, bool], float]:
    """One look, and the processor time that it took, in seconds: on a busy machine a short table takes long by the clock alone."""
    began = time.thread_time()
    return dict(connections(ports, known)), time.thread_time() - began


def pause(took_s: float) -> float:
    """Seconds until the next look, where the last one took so many of processor time."""
    return max(LOOK_EVERY_S, min(took_s / LOOK_SHARE, LONGEST_PAUSE_S))


def connections(ports: frozenset[int], known: frozenset[tuple[bytes, bytes, bytes]] = frozenset()) -> Iterator[tuple[Arrived, bool]]:
    """Connections to these ports of this machine whose handshake is begun and not over, and with them those that are ``known`` (by ``said``),
    each with whether that is so. After a flood the table holds tens of thousands that are neither: they cost no more than being read."""
    wanted = frozenset(b"%04X" % port for port in ports)
    for table in _TABLES:
        with suppress(OSError), table.open("rb") as lines:  # another system, or no IPv6
            kept = b""
            while piece := lines.read(_PIECE):
                whole, _, kept = (kept + piece).rpartition(b"\n")
                yield from _read(whole, wanted, known)
            yield from _read(kept, wanted, known)


def _read(text: bytes, ports: frozenset[bytes], known: frozenset[tuple[bytes, bytes, bytes]]) -> Iterator[tuple[Arrived, bool]]:
    for port, peer, peer_port, state in (_LINE if known else _BEGUN).findall(text):
        if port in ports and (state == _SYN_RECEIVED or (port, peer, peer_port) in known):
            what = HalfOpen(_address(peer.decode("ascii")), int(port, 16))
            yield Arrived(what, (port, peer, peer_port)), state == _SYN_RECEIVED


def _address(text: str) -> str:
    """The kernel's hexadecimal words, in the machine's own order, as an address; IPv4 seen through IPv6 as IPv4."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    address = ip_address(socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
