"""The web servers of the embedded site: one answer for each request, then the connection closes (RFC 9112).

What is answered is the ``Web`` record of the scenario; a host's own page is long enough to need more than one TCP segment.
"""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import Sequence
from email.utils import formatdate

from aetui.demo.scenario import Web
from aetui.demo.serving import Handler

MOST_HEADERS = 200
PAGE_LINES = 40
"""Lines of filling in a page, 60 bytes each."""
ENDLESS_PIECE = b"x-padding-" + b"a" * 16384
ENDLESS_PIECES = 65536
"""A gigabyte of header, for whoever reads on."""


def web_handler(web: Web, clock_ahead_s: float) -> Handler:
    """A handler of connections, plain or already over TLS."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _request(reader)
        if request is None:
            return
        if web.endless:
            await _endless(writer)
            return
        method, path, host = request
        body = (web.body or _page(host)).encode()
        headers = [
            ("Date", formatdate(time.time() + clock_ahead_s, usegmt=True)),
            ("Server", "demo-site"),
            ("Content-Type", "text/html; charset=utf-8"),
            *((name, value.replace("{host}", host).replace("{path}", path)) for name, value in web.headers),
        ]
        writer.write(_head(web, headers, len(body)) + (b"" if method == "HEAD" else body))
        await writer.drain()

    return handle


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, str] | None:
    """Method, path and host, or None where it was no HTTP request."""
    first = (await reader.readline()).decode("latin-1").split()
    if len(first) != 3 or not first[2].startswith("HTTP/"):
        return None
    host = ""
    for _ in range(MOST_HEADERS):
        line = (await reader.readline()).decode("latin-1").strip()
        if not line:
            return first[0], first[1], host
        name, _, value = line.partition(":")
        if name.lower() == "host":
            host = value.strip()
    return None


def _head(web: Web, headers: Sequence[tuple[str, str]], length: int) -> bytes:
    lines = [f"HTTP/1.1 {web.status} {web.reason}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, f"Content-Length: {length}", "Connection: close", "", ""]).encode("utf-8")


def _page(host: str) -> str:
    name = html.escape(host)
    filling = "\n".join(f"<p>{number:3d} {name} answers; this line only makes it longer.</p>" for number in range(PAGE_LINES))
    return f"<!doctype html><html><head><title>{name}</title></head><body><h1>{name}</h1>\n{filling}\n</body></html>\n"


async def _endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    for _ in range(ENDLESS_PIECES):
        writer.write(ENDLESS_PIECE)
        await writer.drain()
