"""Names and addresses around a trace: the target's address, the gateway, the hops' host names. Each has a deadline and fails as data.

Over a vantage its own library and resolvers are asked; from this machine the system's. Names are foreign text: they pass
``displayable`` where shown.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address

from aetui.path.records import Problem
from aetui.vantage.base import Vantage

LOOKUP_S = 5.0
"""Longest wait for the target's address."""
NAMES_S = 2.0
"""Longest wait for all the hops' names together: they are a courtesy."""


async def address_of(host: str, family: int, vantage: Vantage | None) -> str | Problem:
    """The address to trace to: the literal itself, else the first of the wanted family, IPv4 before IPv6 where none is wanted."""
    with suppress(ValueError):
        return str(ip_address(host.strip("[]")))
    deadline = asyncio.get_running_loop().time() + LOOKUP_S
    try:
        async with asyncio.timeout_at(deadline):
            found = await (vantage.lookup(host, deadline) if vantage is not None else _lookup(host))
    except TimeoutError:
        return Problem("name-slow", host)
    wanted = [a for a in found or () if family in {0, ip_address(a.partition("%")[0]).version}]
    if not wanted:
        return Problem("name-family" if found else "name-unknown", host)
    return min(wanted, key=lambda a: ip_address(a.partition("%")[0]).version)


async def gateway(version: int, vantage: Vantage | None) -> str | None:
    """The default router of this machine, or of the vantage."""
    if vantage is not None:
        return vantage.info.gateway
    from aetui.vantage.routes import defaults

    four, six = await asyncio.get_running_loop().run_in_executor(None, defaults)
    chosen = six if version == 6 else four
    return chosen.gateway if chosen is not None else None


async def of(addresses: Sequence[str], vantage: Vantage | None) -> dict[str, str]:
    """Host names of those addresses that have one, as far as they come in time. Only this machine's own library is asked."""
    if vantage is not None and vantage.info.kind != "local":
        return {}
    loop = asyncio.get_running_loop()
    asked = {address: loop.create_task(_name(address)) for address in dict.fromkeys(addresses)}
    if not asked:
        return {}
    await asyncio.wait(asked.values(), timeout=NAMES_S)
    found: dict[str, str] = {}
    for address, task in asked.items():
        if task.done() and (name := task.result()) is not None:
            found[address] = name
        task.cancel()
    return found


async def _lookup(host: str) -> tuple[str, ...]:
    with suppress(OSError, UnicodeError):
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    return ()


async def _name(address: str) -> str | None:
    """In a thread of its own that nobody waits for: a slow resolver holds up neither other work nor the end of the program."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[str | None] = loop.create_future()

    def tell(name: str | None) -> None:
        if not answered.done():
            answered.set_result(name)

    def ask() -> None:
        name = None
        with suppress(OSError, UnicodeError):
            name, _ = socket.getnameinfo((address, 0), socket.NI_NAMEREQD)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, name)

    threading.Thread(target=ask, daemon=True, name="aetui-name").start()
    return await answered
