"""Small things that several probes share: which address to take, which stream, how long one step may last.

Raises only ``ProbeMisusedError``, for a plan that gives a probe nothing to work on: our own bug, never the network's doing.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from aetui.probes.base import Given
from aetui.records import Check
from aetui.vantage.base import Shape, Stream

T = TypeVar("T")

FIRST_BYTES = 64
"""Octets kept of a peer that speaks another protocol than it should."""
PIECE = 16 * 1024
"""Octets asked of a stream at once."""


class ProbeMisusedError(Exception):
    """A check reached its probe without what the probe needs."""


def is_literal(host: str) -> bool:
    """True where the host is an address already."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def target(check: Check, given: Given) -> str | None:
    """The one address of this attempt: ``about['address']``, a literal host, or the first given one (``about['family']`` picks IPv6)."""
    if stated := check.about.get("address"):
        return stated
    if check.host and is_literal(check.host):
        return check.host
    version = {"ipv6": 6, "ipv4": 4}.get(check.about.get("family", ""))
    return next((a for a in given.addresses if version in (None, ipaddress.ip_address(a.partition("%")[0]).version)), None)


def shape(check: Check) -> Shape:
    """TTL, segment size and source port, where the check sets them."""
    about = {key: int(check.about[key]) for key in ("ttl", "mss", "source_port") if key in check.about}
    return Shape(**about)


def stream_of(check: Check, given: Given) -> Stream:
    """The open stream that the check continues."""
    if given.stream is None:
        raise ProbeMisusedError(f"{check.id} needs an open stream")
    return given.stream


def port_of(check: Check) -> int:
    """The check's port."""
    if check.port is None:
        raise ProbeMisusedError(f"{check.id} names no port")
    return check.port


def host_of(check: Check) -> str:
    """The check's host."""
    if check.host is None:
        raise ProbeMisusedError(f"{check.id} names no host")
    return check.host


def clock() -> float:
    """The event loop's clock, which deadlines are readings of."""
    return asyncio.get_running_loop().time()


def within(seconds: float, deadline: float) -> float:
    """The deadline of one step: that many seconds from now, and no later than the attempt's own."""
    return min(deadline, clock() + seconds)


def since(began: float) -> float:
    """Milliseconds since a reading of ``clock``."""
    return (clock() - began) * 1000


async def together(asking: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All of them at once, results in order. The first exception (a lost vantage, say) ends the others, and is raised as it is."""
    tasks = [asyncio.ensure_future(one) for one in asking]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
