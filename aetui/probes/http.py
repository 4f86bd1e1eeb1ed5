"""One GET over the given stream, plain or TLS: status, headers, the first 4 KiB (RFC 9110, RFC 9112).

Reads ``about``: ``path`` (default ``/``) and ``host`` (in place of the check's host in the Host header). No redirect is followed and no
proxy used. ``ended`` is DONE where head and body came as far as we read; a head whose body then stalls keeps its status beside SILENT,
RESET or CLOSED.
"""

from __future__ import annotations

from datetime import UTC, datetime

from aetui.observations import Ended, HttpSeen
from aetui.probes.base import Given, Measured, Settings
from aetui.probes.common import FIRST_BYTES, PIECE, clock, host_of, port_of, since, stream_of
from aetui.probes.handshake import TlsStream
from aetui.records import Check
from aetui.vantage.base import Stream, StreamEnded, Vantage
from aetui.wire import http

MOST_RECEIVED = 512 * 1024
"""Octets read in all before we stop listening, whatever they are (interim responses, one-octet chunks)."""

_USUAL_PORT = {"http": 80, "https": 443}
_ENDED = {http.State.DONE: Ended.DONE, http.State.GARBLED: Ended.GARBLED, http.State.LIMIT: Ended.LIMIT}


class Exchange:
    """One request and what came back, on one stream."""

    def __init__(self, stream: Stream) -> None:
        self.parser = http.ResponseParser()
        self.received = 0
        self.first = b""
        self.first_byte_ms: float | None = None
        self.arrived: datetime | None = None
        self._stream = stream

    async def run(self, request: bytes, deadline: float) -> Ended:
        """Send, and read until the parser has enough."""
        began = clock()
        try:
            await self._stream.write(request, deadline)
            while self.parser.wants_more:
                data = await self._stream.read(PIECE, deadline)
                if not data:
                    self.parser.finish()
                    return _ENDED.get(self.parser.state, Ended.CLOSED)
                self._take(data, began)
                if self.received > MOST_RECEIVED:
                    return Ended.LIMIT
        except StreamEnded as end:
            return end.ended
        return _ENDED[self.parser.state]

    def _take(self, data: bytes, began: float) -> None:
        if not self.received:
            self.first_byte_ms, self.arrived = since(began), datetime.now(UTC)
        self.received += len(data)
        self.first = (self.first + data)[:FIRST_BYTES]
        self.parser.feed(data)


async def measure(check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
    """Ask for one page and look at the answer."""
    stream, path, host = stream_of(check, given), check.about.get("path", "/"), check.about.get("host") or host_of(check)
    scheme = "https" if isinstance(stream, TlsStream) else "http"
    authority = _authority(host, port_of(check), scheme)
    exchange = Exchange(stream)
    ended = await exchange.run(http.request(authority, path), deadline)
    seen = _seen(exchange, f"{scheme}://{authority}{path}", ended)
    phases = {} if exchange.first_byte_ms is None else {"first_byte": exchange.first_byte_ms}
    return Measured(seen, phases, next(iter(given.addresses), None))


def _seen(exchange: Exchange, url: str, ended: Ended) -> HttpSeen:
    parser = exchange.parser
    return HttpSeen(
        url,
        ended,
        status=parser.status,
        reason=parser.reason,
        headers=tuple(parser.headers),
        location=parser.header("location"),
        body=parser.body,
        title=http.title(parser.body, parser.header("content-type")),
        date_offset_ms=_date_offset(parser, exchange.arrived),
        received=exchange.received,
        first_bytes=exchange.first if parser.status is None else b"",
    )


def _date_offset(parser: http.ResponseParser, arrived: datetime | None) -> float | None:
    """The server's Date minus our clock when its answer began to arrive, in ms."""
    date = http.date(parser.header("date") or "")
    return (date - arrived).total_seconds() * 1000 if date and arrived else None


def _authority(host: str, port: int, scheme: str) -> str:
    """Host and port as a URL has them (RFC 3986 section 3.2)."""
    name = f"[{host}]" if ":" in host else host
    return name if port == _USUAL_PORT[scheme] else f"{name}:{port}"
