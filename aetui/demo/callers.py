"""Made-up callers for the listener's demonstration: real connections on loopback, as a port forward would bring them on a real site.

Who comes depends on the scenario: where its forward is missing, refused or leads elsewhere, nobody does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle

from aetui.demo.network import Network, Pass
from aetui.demo.scenario import load
from aetui.demo.serving import LOOPBACK
from aetui.demo.site import Site
from aetui.records import Transport
from aetui.wire import token, x224

SITE = "site.isp.example"
"""The made-up site's public host."""
LOGGER = "logger.site.example"
"""The logger behind its forward."""
SERVICE_PORT = 3389
PAUSE_S = 0.4
"""Between two callers, so that one sees them come."""

VISITS: tuple[bytes, ...] = (
    x224.request(cookie="support"),
    b"\xff\xfb\x18\xff\xfd\x03",
    b"GET / HTTP/1.1\r\nHost: 192.31.196.200\r\nUser-Agent: Mozilla/5.0 zgrab/0.x\r\n\r\n",
    b"SSH-2.0-Go\r\n",
)
"""A Remote Desktop client, a telnet client, a scanner, an SSH client."""


def reaches_the_site(scenario: str) -> bool:
    """Whether the scenario's forward brings anybody in."""
    known = load(scenario)
    places = Site(known, None).places
    address = next(address for place in places if place.host == SITE for address in place.addresses)
    fate = Network(known, places, outside=True).fate(address, SERVICE_PORT, Transport.TCP, known=True)
    return isinstance(fate.doing, Pass)


async def call(scenario: str, ports: Sequence[int], code: str) -> None:
    """Come one after another, the outside half last; never raises for what the listener does."""
    if not await asyncio.to_thread(reaches_the_site, scenario):
        return
    key = await asyncio.to_thread(token.Key.of, code)
    port = cycle(ports)
    for words in VISITS:
        await _visit(next(port), words)
    for each in ports:
        await _visit(each, x224.request(cookie=token.as_cookie(token.hello(key))))


async def _visit(port: int, words: bytes) -> None:
    await asyncio.sleep(PAUSE_S)
    with suppress(OSError):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            writer.write(words)
            async with asyncio.timeout(5):
                await reader.read(-1)
        except TimeoutError:
            pass
        finally:
            writer.close()
