"""Whether the gateway is there: makes this machine look for it on its own link, and reads what the kernel's neighbour table then says.

One empty UDP datagram to the gateway's discard port (RFC 863) makes the kernel ask for its MAC address; whether the gateway does anything
with the datagram does not matter. The table is read until it says something, at most ASK_S: three unanswered requests take the kernel
three seconds. Linux only; elsewhere, and on links without neighbours, nothing is known.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aetui.vantage.connecting import resolve
from aetui.vantage.netlink import GET_NEIGHBOUR, Neighbour, State, dump, neighbours

DISCARD = 9
ASK_S = 3.6
"""Longest time of the whole question, in seconds."""
THREE_REQUESTS_S = 3.0
"""An entry still incomplete after this has met three requests with silence; other traffic may begin the question anew at any time."""
LOOK_S = 0.1
"""Between two looks at the table, in seconds."""
SEEN = State.REACHABLE | State.STALE | State.DELAY | State.PROBE
"""It has answered, now or not long ago."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """What is known of a gateway on the link."""

    answers: bool | None = None
    mac: str | None = None


UNKNOWN = Gateway()
AskGateway = Callable[[str, str | None, float], Awaitable[Gateway]]
"""Address, interface and deadline; gives what was learnt."""


def poke(address: str, interface: str | None) -> bool:
    """Send the datagram; False where this machine would not."""
    scoped = f"{address}%{interface}" if interface and address.lower().startswith("fe80:") else address
    family, to = resolve(scoped, DISCARD)
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.sendto(b"", to)
    except OSError:
        return False
    return True


def judge(table: tuple[Neighbour, ...], address: str, interface: int | None = None) -> Gateway | None:
    """What the table says of an address, on that interface where one is given; None while the question is still open."""
    entry = next((each for each in table if each.address == address and interface in {None, each.interface}), None)
    if entry is None or entry.state in {State.NONE, State.NOARP, State.PERMANENT}:
        return Gateway(None, entry.mac if entry else None)
    if entry.state & SEEN:
        return Gateway(True, entry.mac)
    return None if entry.state == State.INCOMPLETE else Gateway(False)


def _index(interface: str | None) -> int | None:
    try:
        return socket.if_nametoindex(interface) if interface else None
    except OSError:  # it has gone meanwhile
        return None


async def ask_gateway(address: str, interface: str | None, deadline: float) -> Gateway:
    """Whether it answers; ``answers`` is None where that could not be told by the deadline."""
    loop = asyncio.get_running_loop()
    index = _index(interface)
    began = loop.time()
    until = min(deadline, began + ASK_S)
    if not poke(address, interface):
        return UNKNOWN
    while True:
        data = dump(GET_NEIGHBOUR)
        if data is None:
            return UNKNOWN
        told = judge(neighbours(data), address, index)
        if told is not None:
            return told
        if loop.time() + LOOK_S >= until:
            return Gateway(False) if loop.time() - began >= THREE_REQUESTS_S else UNKNOWN
        await asyncio.sleep(LOOK_S)
