"""One TLS handshake over the given stream, with the production name; then the chain is verified offline, twice.

Reads ``about``: ``server_name`` (in place of the check's host) and ``offset_ms`` (network time minus our clock, where that is known).
Carries over the TLS stream, trusted or not: what an interceptor answers is worth seeing. Judges nothing: ``logger`` and ``machine`` are two
stores' words, ``logger_when_valid`` tells whether dates alone stand in the way.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aetui.observations import Certificate, TlsSeen, Verification
from aetui.probes import trust
from aetui.probes.base import Given, Measured, Settings
from aetui.probes.common import clock, host_of, since, stream_of
from aetui.probes.handshake import Handshake, shake
from aetui.records import Check
from aetui.vantage.base import Vantage

if TYPE_CHECKING:
    from OpenSSL.crypto import X509


async def measure(check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
    """Shake hands, and read what was shown."""
    stream, name = stream_of(check, given), check.about.get("server_name") or host_of(check)
    began = clock()
    result = await shake(stream, name, deadline)
    phases = {"tls": since(began)}
    offset = check.about.get("offset_ms")
    seen = observed(result, name, settings, datetime.now(UTC), timedelta(milliseconds=float(offset)) if offset else None)
    address = next(iter(given.addresses), None)
    return Measured(seen, phases, address, given.addresses if result.stream else (), result.stream)


def observed(result: Handshake, name: str, settings: Settings, now: datetime, offset: timedelta | None = None) -> TlsSeen:
    """The observation that a handshake makes, verified now, and as of ``now + offset`` (UTC) where network time is known."""
    x509s = result.chain
    chain = tuple(certificate for x509 in x509s if (certificate := trust.record(x509)))
    roots, machine = trust.logger_roots(settings), trust.machine_roots(settings)
    logger = trust.verify(x509s, roots) if x509s else None
    return TlsSeen(
        name,
        result.ended,
        result.stage,
        version=result.version,
        cipher=result.cipher,
        alert=result.alert,
        chain=chain,
        logger=logger,
        machine=trust.verify(x509s, machine) if x509s and machine else None,
        logger_at_network_time=trust.verify(x509s, roots, now + offset) if x509s and offset is not None else None,
        logger_when_valid=_when_valid(x509s, chain, roots, logger),
        name_matches=trust.matches(name, trust.names(x509s[0])) if x509s else None,
        verified_at=now if x509s else None,
        received=result.received,
        first_bytes=result.first_bytes,
    )


def _when_valid(
    x509s: tuple[X509, ...], chain: tuple[Certificate, ...], roots: trust.Roots, logger: Verification | None
) -> Verification | None:
    """The logger's word at a moment within all dates, where dates are what it found at fault."""
    moment = trust.valid_moment(chain) if logger is not None and logger.code in trust.TIME_ERRORS else None
    return trust.verify(x509s, roots, moment) if moment is not None else None
