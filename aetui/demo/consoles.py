"""What the embedded site's machines say on their remote access ports: a banner, telnet (RFC 854), Remote Desktop's first steps.

Remote Desktop follows MS-RDPBCGR 2.2.1.1 and 2.2.1.2: a connection request, a confirm that chooses TLS where it was offered, and the
TLS handshake; nothing beyond. There is no login behind any of them.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Callable

from aetui.demo.scenario import Banner, Telnet
from aetui.demo.serving import Handler, drained

GREETING = bytes((255, 253, 1, 255, 253, 31, 255, 251, 1, 255, 251, 3))
"""DO ECHO, DO NAWS, WILL ECHO, WILL SUPPRESS-GO-AHEAD."""
PROTOCOL_RDP, PROTOCOL_TLS = 0, 1
REQUEST_CODE, CONFIRM_CODE = 0xE0, 0xD0
NEGOTIATION_REQUEST, NEGOTIATION_RESPONSE = 1, 2
SHORTEST, LONGEST = 11, 512
"""Bytes of a connection request."""
COOKIE = b"Cookie:"


def banner_handler(banner: Banner) -> Handler:
    """Says its text and listens until the client goes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(banner.text.encode("utf-8", "surrogateescape"))
        await writer.drain()
        await drained(reader)

    return handle


def telnet_handler(telnet: Telnet) -> Handler:
    """Options and a login prompt."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING + b"\r\n" + telnet.prompt.encode())
        await writer.drain()
        await drained(reader)

    return handle


def desktop_handler(context: Callable[[], ssl.SSLContext]) -> Handler:
    """The negotiation; ``context`` gives the machine's own certificate when TLS is chosen."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await _request(reader)
        if asked is None:
            return
        writer.write(confirm(asked))
        await writer.drain()
        if asked & PROTOCOL_TLS:
            await writer.start_tls(context())
        await drained(reader)

    return handle


async def _request(reader: asyncio.StreamReader) -> int | None:
    """The protocols that a connection request asks for (0: it names none), or None where it is no such request."""
    version, _, length = struct.unpack("!BBH", await reader.readexactly(4))
    if version != 3 or not SHORTEST <= length <= LONGEST:
        return None
    return requested(await reader.readexactly(length - 4))


def requested(x224: bytes) -> int | None:
    """As ``_request``, of the bytes after the TPKT header."""
    if x224[0] != len(x224) - 1 or x224[1] != REQUEST_CODE or x224[6] != 0:
        return None
    rest = x224[7:]
    if rest.startswith(COOKIE):
        rest = rest.partition(b"\r\n")[2]
    if len(rest) < 8 or rest[0] != NEGOTIATION_REQUEST:
        return PROTOCOL_RDP
    protocols: int = struct.unpack("<I", rest[4:8])[0]
    return protocols


def confirm(asked: int) -> bytes:
    """The connection confirm: TLS where it was offered, else the protocol's own security, unnamed as old servers do."""
    chosen = b"" if not asked & PROTOCOL_TLS else struct.pack("<BBHI", NEGOTIATION_RESPONSE, 0, 8, PROTOCOL_TLS)
    x224 = struct.pack("!BHHB", CONFIRM_CODE, 0, 0x1234, 0) + chosen
    return struct.pack("!BBHB", 3, 0, 5 + len(x224), len(x224)) + x224
