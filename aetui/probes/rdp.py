"""One Remote Desktop negotiation over the given stream, without a login: does a real RDP server answer, what does it want, which machine
is it?

Sends one X.224 connection request that offers TLS and CredSSP. Where the server takes one of them, TLS is begun to read its certificate,
whose subject is the machine's name on Windows; there it stops: no CredSSP and no MCS, so no logon event and no lock-out. The stream is
closed.

``answered`` is True for any connection confirm or negotiation failure. Sources: MS-RDPBCGR 1.3.1.1, 2.2.1.1, 2.2.1.2, 5.4.5.
"""

from __future__ import annotations

from aetui.observations import Certificate, Ended, RdpSeen
from aetui.probes.base import Given, Measured, Settings
from aetui.probes.common import FIRST_BYTES, clock, host_of, since, stream_of, within
from aetui.probes.hearing import Heard, ask
from aetui.records import Check
from aetui.vantage.base import Stream, Vantage
from aetui.wire import x224

CERTIFICATE_S = 4.0
"""Longest wait for the certificate once the negotiation is through; without it the observation stands."""

_WITH_TLS = frozenset({x224.Protocols.TLS, x224.Protocols.CREDSSP, x224.Protocols.CREDSSP_EARLY})


async def measure(check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
    """Negotiate, read the certificate where there is one, close."""
    stream, began = stream_of(check, given), clock()
    try:
        heard = await ask(stream, x224.request(), deadline, answered)
        phases = {"first_byte": since(began)}
        seen = await look_further(stream, host_of(check), heard, deadline)
    finally:
        stream.close()
    return Measured(seen, phases, next(iter(given.addresses), None))


def answered(data: bytes) -> bool:
    """True once the answer is whole, or can be none."""
    return not isinstance(x224.parse_confirm(data), x224.Incomplete)


async def look_further(stream: Stream, host: str, heard: Heard, deadline: float) -> RdpSeen:
    """The observation that an answer makes, with the certificate where the server chose TLS."""
    confirm = x224.parse_confirm(heard.data)
    if not isinstance(confirm, x224.Confirm):
        foreign = bool(heard.data) and heard.ended in (Ended.DONE, Ended.CLOSED, Ended.SILENT, Ended.LIMIT)
        return RdpSeen(Ended.GARBLED if foreign else heard.ended, first_bytes=heard.data[:FIRST_BYTES])
    certificate = None
    if confirm.protocol in _WITH_TLS:
        certificate = await _certificate(stream, host, within(CERTIFICATE_S, deadline))
    return RdpSeen(Ended.DONE, True, _protocol(confirm), _failure(confirm), certificate, heard.data[:FIRST_BYTES])


async def _certificate(stream: Stream, host: str, deadline: float) -> Certificate | None:
    from aetui.probes import trust
    from aetui.probes.handshake import shake

    result = await shake(stream, host, deadline, alpn=())
    return trust.record(result.chain[0]) if result.chain else None


def _protocol(confirm: x224.Confirm) -> str | None:
    """The server's choice by name; a server that negotiates nothing speaks Standard RDP Security."""
    if confirm.failure is not None:
        return None
    return "rdp" if confirm.protocol is None else x224.PROTOCOL_NAMES.get(confirm.protocol, str(confirm.protocol))


def _failure(confirm: x224.Confirm) -> str | None:
    return None if confirm.failure is None else x224.FAILURE_NAMES.get(confirm.failure, str(confirm.failure))
