"""One CONNECT through a configured proxy, to see whether it would let the host out (RFC 9110 section 9.3.6). No credentials are ever sent.

Reads ``about['proxy']``: a proxy setting as the environment has it (``http://proxy.site.lan:3128``, or host and port alone). The answer's status
is all that is read; an HttpSeen without a status says how the asking failed.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aetui.observations import Ended, HttpSeen, Outcome
from aetui.probes.base import Given, Measured, Settings
from aetui.probes.common import host_of, is_literal, port_of
from aetui.records import Check
from aetui.vantage.base import Stream, StreamEnded, Vantage
from aetui.wire.http import ResponseParser

USUAL_PORT = 3128
"""Where a proxy setting names no port and no scheme that has one."""

PIECE = 4096
MOST_READ = 64 * 1024


async def measure(check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
    """Ask the proxy for one host."""
    host, port = _place(check.about["proxy"])
    url = f"http://{host}:{port}"
    found = (host,) if is_literal(host) else await vantage.lookup(host, deadline)
    if not found:
        return Measured(HttpSeen(url, Ended.SILENT))
    connection = await vantage.connect(found[0], port, deadline)
    if connection.stream is None:
        ended = Ended.RESET if connection.seen.outcome is Outcome.REFUSED else Ended.SILENT
        return Measured(HttpSeen(url, ended), address=found[0])
    try:
        seen = await _asked(connection.stream, f"{host_of(check)}:{port_of(check)}", url, deadline)
    finally:
        connection.stream.close()
    return Measured(seen, address=found[0])


def _place(setting: str) -> tuple[str, int]:
    parts = urlsplit(setting if "://" in setting else f"//{setting}")
    try:
        port = parts.port
    except ValueError:
        port = None
    return parts.hostname or "", port or {"http": 80, "https": 443}.get(parts.scheme, USUAL_PORT)


async def _asked(stream: Stream, authority: str, url: str, deadline: float) -> HttpSeen:
    parser, received, ended = ResponseParser(), 0, Ended.DONE
    try:
        await stream.write(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode("ascii"), deadline)
        while parser.wants_more and parser.status is None and received < MOST_READ:
            data = await stream.read(PIECE, deadline)
            if not data:
                ended = Ended.CLOSED
                break
            received += len(data)
            parser.feed(data)
    except StreamEnded as end:
        ended = end.ended
    return HttpSeen(
        url,
        Ended.DONE if parser.status else ended,
        status=parser.status,
        reason=parser.reason,
        headers=tuple(parser.headers),
        received=received,
    )
