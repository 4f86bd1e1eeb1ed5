"""An SSH server's identification, read without sending a byte (RFC 4253 section 4.2). The stream is closed after it: no keys, no login.

``ended`` is DONE for an identification, GARBLED where other lines or bytes came, otherwise how the silence ended.
"""

from __future__ import annotations

from aetui.observations import BannerSeen, Ended
from aetui.probes.base import Given, Measured, Settings
from aetui.probes.common import FIRST_BYTES, PIECE, stream_of
from aetui.records import Check
from aetui.vantage.base import Stream, StreamEnded, Vantage
from aetui.wire import ssh

_ENDED = {ssh.State.DONE: Ended.DONE, ssh.State.GARBLED: Ended.GARBLED, ssh.State.LIMIT: Ended.LIMIT}


async def measure(check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
    """Read until the identification, the end of patience, or something that no SSH server says."""
    stream, parser = stream_of(check, given), ssh.IdentificationParser()
    try:
        first, ended = await _read(stream, parser, deadline)
    finally:
        stream.close()
    parser.finish()
    if found := parser.identification:
        return Measured(BannerSeen(Ended.DONE, found.line, found.software))
    banner = next(iter(parser.before), None)
    ended = _ENDED.get(parser.state) or (Ended.GARBLED if first else ended)
    return Measured(BannerSeen(ended, banner, first_bytes=first))


async def _read(stream: Stream, parser: ssh.IdentificationParser, deadline: float) -> tuple[bytes, Ended]:
    """Feed the parser; the first bytes, and how reading ended."""
    first = b""
    try:
        while parser.wants_more:
            data = await stream.read(PIECE, deadline)
            if not data:
                return first, Ended.CLOSED
            first = (first + data)[:FIRST_BYTES]
            parser.feed(data)
    except StreamEnded as end:
        return first, end.ended
    return first, Ended.DONE
