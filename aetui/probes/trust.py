"""Certificates read and judged offline: fields, names, and two stores' word on a chain (RFC 5280, RFC 6125 section 6.4).

Takes OpenSSL's X509 objects, leaf first, and gives records. Verification depends on chain, roots and moment alone, so that the same chain
can be asked about at another time: whether it has expired, or our clock is wrong, is for the diagnosis to tell. Loaded
stores are kept (a bundle takes some 20 ms). Hostile certificates give no record rather than an error. Not here: revocation, the network.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from aetui.observations import Certificate, Verification
from aetui.probes.base import Settings

if TYPE_CHECKING:
    from cryptography import x509
    from OpenSSL.crypto import X509, X509Store

MOST_CERTIFICATES = 10
"""Certificates read of one chain."""
MOST_NAMES = 64
"""Names kept of one certificate; all are compared with the host."""
LONGEST_NAME = 1024
"""Characters kept of a subject, an issuer or an alternative name."""

TIME_ERRORS = frozenset({9, 10})
"""X509_V_ERR_CERT_NOT_YET_VALID and _HAS_EXPIRED."""


def record(certificate: X509) -> Certificate | None:
    """One certificate's fields, or None where it cannot be read."""
    try:
        return _record(certificate.to_cryptography())
    except Exception:
        # Parsing what a stranger sent: ValueError for most, but also UnicodeError, OverflowError and the parser's own kinds.
        return None


def names(certificate: X509) -> tuple[str, ...]:
    """Every dNSName and iPAddress of the certificate; () where it has none or cannot be read."""
    try:
        return _names(certificate.to_cryptography())
    except Exception:
        return ()  # as in record


def matches(host: str, certified: Iterable[str]) -> bool:
    """Whether a name is among those certified: exact, or a wildcard as the whole left-most label (never for addresses)."""
    wanted = host.rstrip(".").lower()
    literal = _address(wanted)
    if literal is not None:
        return any(_address(name) == literal for name in certified)
    return any(_covers(name.rstrip(".").lower(), wanted) for name in certified)


@dataclass(frozen=True, slots=True)
class Roots:
    """Where trusted roots come from. Equal ones share a loaded store."""

    file: str | None = None
    directory: str | None = None
    changed_ns: int = 0
    """Age of the file, so that an edited bundle is loaded anew."""
    windows: bool = False


def verify(chain: Sequence[X509], roots: Roots, at: datetime | None = None) -> Verification | None:
    """What these roots say of a chain now, or at a moment (UTC); None where the roots cannot be read.

    The chain is not empty, leaf first; what follows may be in any order.
    """
    from OpenSSL.crypto import X509StoreContext, X509StoreContextError

    store = _store(roots, at)
    if store is None:
        return None
    try:
        X509StoreContext(store, chain[0], list(chain[1:])).verify_certificate()
    except X509StoreContextError as problem:
        code, _depth, message = problem.errors
        return Verification(False, int(code), str(message))
    return Verification(True)


def valid_moment(chain: Sequence[Certificate]) -> datetime | None:
    """A moment at which every certificate of the chain is within its dates, or None where there is none."""
    if not chain:
        return None
    begins, ends = max(c.not_before for c in chain), min(c.not_after for c in chain)
    moment = begins + timedelta(seconds=1)
    return moment if moment < ends else None


def logger_roots(settings: Settings) -> Roots:
    """The roots that a logger would trust: the user's file, or the public ones of certifi."""
    import certifi

    return _file(settings.roots or Path(certifi.where()))


def machine_roots(settings: Settings) -> Roots | None:
    """This machine's own store; None where the system shows none (macOS keeps its in a keychain that OpenSSL cannot read)."""
    if settings.machine_roots:
        return _file(settings.machine_roots)
    if sys.platform == "win32":
        return Roots(windows=True)
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath):
        return None
    file = _file(Path(paths.cafile)) if paths.cafile else Roots()
    return replace(file, directory=paths.capath or None)


def preload(settings: Settings) -> None:
    """Load both stores, so that no handshake waits for it. Blocks some tens of milliseconds."""
    for roots in (logger_roots(settings), machine_roots(settings)):
        if roots is not None:
            _store(roots, None)


def _file(path: Path) -> Roots:
    try:
        return Roots(str(path), changed_ns=path.stat().st_mtime_ns)
    except OSError:
        return Roots(str(path))


@lru_cache(maxsize=8)
def _store(roots: Roots, at: datetime | None) -> X509Store | None:
    """A loaded store. A moment once set cannot be changed in it, so that each moment has a store of its own."""
    from OpenSSL.crypto import Error, X509Store

    store = X509Store()
    try:
        if roots.windows:
            _load_windows(store)
        else:
            store.load_locations(roots.file, os.fsencode(roots.directory) if roots.directory else None)
    except Error:
        return None
    if at is not None:
        store.set_time(at)
    return store


def _load_windows(store: X509Store) -> None:
    from OpenSSL.crypto import FILETYPE_ASN1, load_certificate

    listing: Callable[[str], Iterable[tuple[bytes, str, object]]] | None = getattr(ssl, "enum_certificates", None)
    if listing is None:
        return
    for data, encoding, _purposes in (entry for name in ("ROOT", "CA") for entry in listing(name)):
        if encoding == "x509_asn":
            store.add_cert(load_certificate(FILETYPE_ASN1, data))


def _record(certificate: x509.Certificate) -> Certificate:
    from cryptography.hazmat.primitives.hashes import SHA256

    every = _names(certificate)
    return Certificate(
        certificate.subject.rfc4514_string()[:LONGEST_NAME],
        certificate.issuer.rfc4514_string()[:LONGEST_NAME],
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        tuple(name[:LONGEST_NAME] for name in every[:MOST_NAMES]),
        certificate.fingerprint(SHA256()).hex(),
        _self_signed(certificate),
        len(every),
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(address) for address in extension.get_values_for_type(x509.IPAddress)]
    return (*extension.get_values_for_type(x509.DNSName), *addresses)


def _self_signed(certificate: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    if certificate.issuer != certificate.subject:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _covers(pattern: str, host: str) -> bool:
    left, dot, rest = pattern.partition(".")
    if left != "*":
        return pattern == host
    label, _, tail = host.partition(".")
    return bool(dot and label) and "." in rest and "*" not in rest and tail == rest


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
