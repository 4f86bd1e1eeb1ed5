"""The embedded site's own certificate authorities: roots at start, a server certificate when one is first asked for.

EC keys on P-256, so that the whole takes milliseconds. Everything lives in one temporary directory that ``close``
removes. ``roots`` holds what a logger would trust, ``machine_roots`` what this machine's own store does. Validity counts from the
site's time, which may be ahead of ours. Source: RFC 5280. Importing this module loads ``cryptography``.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from aetui.demo.scenario import Authority, Leaf

ROOT_DAYS = 3650
"""Days before and after the site's time during which a root is valid."""
FILLER = 12
"""Further names of the same owner in each certificate, as real ones have: a chain longer than one TCP segment."""


@dataclass(frozen=True, slots=True)
class _Signer:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Authorities:
    """Every authority of a scenario, and the certificates that they issue."""

    def __init__(self, authorities: Mapping[str, Authority], hosts: Sequence[str], clock_ahead_s: float = 0.0) -> None:
        self._now = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=clock_ahead_s)
        self._directory = TemporaryDirectory(prefix="aetui-demo-", ignore_cleanup_errors=True)
        self._authorities = authorities
        self._public = [name for name, each in authorities.items() if each.public]
        self._domains = sorted({_domain(host) for host in hosts})
        self._signers: dict[str, tuple[_Signer, _Signer]] = {}
        self._contexts: dict[tuple[Leaf, str], ssl.SSLContext] = {}
        self.roots = self._store("roots.pem", self._public)
        self.machine_roots = self._store("machine.pem", [name for name, each in authorities.items() if each.public or each.machine])

    def close(self) -> None:
        """Remove every file; safe to call twice."""
        self._directory.cleanup()

    def context(self, leaf: Leaf, host: str) -> ssl.SSLContext:
        """A server's TLS context for this host, made when it is first needed."""
        key = (leaf, host)
        if key not in self._contexts:
            self._contexts[key] = self._make(leaf, host)
        return self._contexts[key]

    def listening(self, leaf: Leaf, default_host: str) -> ssl.SSLContext:
        """A context that answers each client with the certificate of the name it asks for (RFC 6066 section 3)."""
        context = _server_context()
        context.load_cert_chain(self._written(leaf, default_host))

        def chosen(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            if name:
                with suppress(ValueError):  # no certificate can be made out to such a name
                    connection.context = self.context(leaf, name)

        context.sni_callback = chosen
        return context

    def _make(self, leaf: Leaf, host: str) -> ssl.SSLContext:
        context = _server_context()
        context.load_cert_chain(self._written(leaf, host))
        return context

    def _store(self, name: str, members: Sequence[str]) -> Path:
        path = Path(self._directory.name) / name
        path.write_bytes(b"".join(_pem(self._signer(member)[0].certificate) for member in members))
        return path

    def _signer(self, name: str) -> tuple[_Signer, _Signer]:
        """An authority's root and the one below it that issues."""
        if name not in self._signers:
            about = self._authorities[name]
            root = self._signed(about.root, about.organization, None)
            self._signers[name] = (root, self._signed(about.issuer, about.organization, root))
        return self._signers[name]

    def _signed(self, common_name: str, organization: str, above: _Signer | None) -> _Signer:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(common_name, organization)
        builder = self._builder(subject, above.certificate.subject if above else subject, key, ROOT_DAYS, ROOT_DAYS)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None if above is None else 0), critical=True)
        builder = builder.add_extension(_usage(authority=True), critical=True)
        signing = above.key if above else key
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        return _Signer(builder.sign(signing, hashes.SHA256()), key)

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, before: float, after: float
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - timedelta(days=before))
            .not_valid_after(self._now + timedelta(days=after))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    def _written(self, leaf: Leaf, host: str) -> Path:
        """A file with a key, its certificate and the one above it."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = leaf.name or host
        issuer = None if leaf.self_signed else self._signer(leaf.authority or self._usual(name))[1]
        subject = _name(name)
        builder = self._builder(subject, issuer.certificate.subject if issuer else subject, key, leaf.days_before, leaf.days_after)
        builder = builder.add_extension(x509.SubjectAlternativeName(_names(name, leaf)), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(authority=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        signing = issuer.key if issuer else key
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        chain = _pem(builder.sign(signing, hashes.SHA256())) + (_pem(issuer.certificate) if issuer else b"")
        path = Path(self._directory.name) / f"server-{x509.random_serial_number():x}.pem"
        path.touch(mode=0o600)
        path.write_bytes(_private(key) + chain)
        return path

    def _usual(self, host: str) -> str:
        """The public authority of a host: one a domain, in turn, so that unrelated owners have unrelated issuers."""
        domain = _domain(host)
        place = self._domains.index(domain) if domain in self._domains else len(domain)
        return self._public[place % len(self._public)]


def _domain(host: str) -> str:
    """The last two labels: whose host it is."""
    return ".".join(host.lower().split(".")[-2:])


def _server_context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def _name(common_name: str, organization: str | None = None) -> x509.Name:
    fields = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*fields, x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _names(name: str, leaf: Leaf) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = [_general(name)]
    others = leaf.more_names or (0 if leaf.name or leaf.self_signed else FILLER)
    found += [x509.DNSName(f"service-{number:04d}.{_domain(name)}") for number in range(others)]
    return found


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
