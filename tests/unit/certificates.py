"""Authorities and certificates for tests, made on the spot."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(PEM)

    def key_pem(self) -> bytes:
        return self.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def authority(name: str = "Test Root", above: Issued | None = None) -> Issued:
    return _sign(name, above, _now() - 3650 * DAY, _now() + 3650 * DAY, x509.BasicConstraints(True, None))


def leaf(
    above: Issued | None, *names: str, begins: datetime | None = None, ends: datetime | None = None, subject: str = "a logger's server"
) -> Issued:
    """A server certificate; self-signed without an authority."""
    entries = [_entry(name) for name in names]
    extensions: tuple[x509.ExtensionType, ...] = (x509.SubjectAlternativeName(entries),) if entries else ()
    return _sign(subject, above, begins or _now() - 30 * DAY, ends or _now() + 30 * DAY, *extensions)


def server_context(folder: Path, shown: Issued, *chain: Issued) -> ssl.SSLContext:
    """A server's context that shows this certificate and chain."""
    file = folder / f"{shown.certificate.serial_number}.pem"
    file.write_bytes(shown.key_pem() + shown.pem + b"".join(link.pem for link in chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _entry(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _sign(name: str, above: Issued | None, begins: datetime, ends: datetime, *extensions: x509.ExtensionType) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above.certificate.subject if above else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return Issued(builder.sign(above.key if above else key, hashes.SHA256()), key)


def _now() -> datetime:
    return datetime.now(UTC)
