"""Certificates: a public-looking authority for the lab, the authorities of those who intercept, and whatever is wrong with a certificate.

Keys are P-256, because making them takes no time; the chains are padded as real ones are (two intermediates, revocation addresses,
policies), so that a server's first flight is longer than one segment and an MTU black hole can be felt. All files are PEM; times are UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)
_FIELDS = {"C": NameOID.COUNTRY_NAME, "O": NameOID.ORGANIZATION_NAME, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME, "CN": NameOID.COMMON_NAME,
           "E": NameOID.EMAIL_ADDRESS}  # fmt: skip
_POLICY = "Reliance on this certificate by any party assumes acceptance of the relying party agreement and of the practice statement. "


def name(text: str) -> x509.Name:
    """A distinguished name from ``O=Some Company;CN=Some CA``."""
    return x509.Name([x509.NameAttribute(_FIELDS[key], value) for key, value in (part.split("=", 1) for part in text.split(";"))])


@dataclass(frozen=True)
class Authority:
    """Something that signs. ``parent`` None: a root."""

    subject: str
    parent: Authority | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @cached_property
    def certificate(self) -> x509.Certificate:
        """Its own certificate, signed by the parent or by itself."""
        builder = _builder(self.subject, self.parent or self, self.key, self.now - 400 * DAY, self.now + 3000 * DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        if self.parent is not None:
            builder = _padded(builder)
        return builder.sign((self.parent or self).key, hashes.SHA256())

    @property
    def above(self) -> list[x509.Certificate]:
        """What it sends along: itself and those above, the root left out."""
        return [] if self.parent is None else [self.certificate, *self.parent.above]

    def leaf(self, names: Sequence[str], start: datetime | None = None, end: datetime | None = None) -> bytes:
        """Key, certificate and chain for these names as one PEM; valid from 30 days ago for 90 days unless told."""
        key = _leaf_key()
        builder = _builder(f"CN={names[0][:60]}", self, key, start or self.now - 30 * DAY, end or self.now + 60 * DAY)
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        return _pem(key, [_padded(builder).sign(self.key, hashes.SHA256()), *self.above])


def self_signed(names: Sequence[str], subject: str = "CN=localhost.localdomain") -> bytes:
    """A device's own certificate, as routers and NAS boxes make them."""
    return _self_signed(Authority(subject), names)


def _self_signed(issuer: Authority, names: Sequence[str]) -> bytes:
    builder = _builder(issuer.subject, issuer, issuer.key, issuer.now - DAY, issuer.now + 3650 * DAY)
    builder = builder.add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
    return _pem(issuer.key, [builder.sign(issuer.key, hashes.SHA256())])


def bundle(path: Path, *authorities: Authority) -> Path:
    """Write the roots' certificates to ``path`` and give it back."""
    path.write_bytes(b"".join(a.certificate.public_bytes(serialization.Encoding.PEM) for a in authorities))
    return path


_shared: list[ec.EllipticCurvePrivateKey] = []


def _leaf_key() -> ec.EllipticCurvePrivateKey:
    if not _shared:
        _shared.append(ec.generate_private_key(ec.SECP256R1()))
    return _shared[0]


def _general(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _builder(subject: str, issuer: Authority, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer.subject))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )


def _padded(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    """The extensions that make real certificates long."""
    where = x509.UniformResourceIdentifier
    policy = x509.PolicyInformation(x509.ObjectIdentifier("2.23.140.1.2.2"), [x509.UserNotice(None, _POLICY * 3)])
    access = [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, where("http://ocsp.lab.example/lab-public-issuing-authority-2")),
        x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, where("http://certificates.lab.example/lab-public-issuing-authority-2.crt")
        ),
    ]
    return builder.add_extension(x509.CertificatePolicies([policy]), critical=False).add_extension(
        x509.AuthorityInformationAccess(access), critical=False
    )


def _pem(key: ec.EllipticCurvePrivateKey, chain: Sequence[x509.Certificate]) -> bytes:
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain)


class PublicAuthority:
    """The lab's stand-in for the public authorities: a root that loggers trust, and two intermediates below it."""

    def __init__(self) -> None:
        self.root = Authority("C=US;O=Lab Public Trust;CN=Lab Public Root R1")
        policy = Authority("C=US;O=Lab Public Trust;CN=Lab Public Policy Authority G2", self.root)
        self.issuing = Authority("C=US;O=Lab Public Trust;CN=Lab Public Server CA 2", policy)
