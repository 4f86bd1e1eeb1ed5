"""Faults of TLS: who reads it, who forbids it, and what can be wrong with a certificate."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

from . import pki, servers, wire
from .breaking import FROM_SITE, redirected, scratch, sent_to_port
from .fault import NAMES_WORK, STREAMER, TLS_OK, WWW_IS_THERE, Begin, Fault, Symptoms
from .network import Lab

LAN_TLS = f"{FROM_SITE} tcp dport 443"
STREAMER_TLS = f"ip daddr {STREAMER} tcp dport 443"
STREAMER_NAME = "streamer.alsoenergy.com"
OTHER_TLS: Symptoms = {"tls www.alsoenergy.com": TLS_OK}
ISSUERS: dict[str, str] = {
    "fortinet": "C=US;O=Fortinet;OU=Certificate Authority;CN=FG100FTK20012345;E=support@fortinet.com",
    "zscaler": "C=US;O=Zscaler Inc.;OU=Zscaler Inc.;CN=Zscaler Intermediate Root CA (zscalerthree.net)",
    "umbrella": "O=Cisco;CN=Cisco Umbrella Secondary SubCA nyc-SG",
    "sophos": "C=GB;O=Sophos;OU=NSG;CN=Sophos SSL CA_C1234567890",
    "customer": "O=Green Valley School District;OU=Information Services;CN=GVSD Decryption CA 01",
}
"""Who signs: four products by their own names, and one by its customer's, which no list can know."""


def _common(subject: str) -> str:
    return next(part[3:] for part in subject.split(";") if part.startswith("CN="))


def machine_roots(lab: Lab) -> Path:
    """This machine's own store while an inspecting firewall's root has been put into it."""
    return lab.home / "machine-roots.pem"


def intercepted(issuer: str, trusted: bool = False, match: str = LAN_TLS) -> Begin:
    """The site's router ends every TLS connection with certificates of its own."""

    def begin(lab: Lab) -> AbstractContextManager[object]:
        authority = pki.Authority(ISSUERS[issuer])
        if trusted:
            pki.bundle(machine_roots(lab), lab.authority.root, authority)
        return redirected(lab, "router", match, "inspector", lambda port: servers.inspector(port, scratch(lab, "inspector"), authority))

    return begin


def _interception(issuer: str) -> Fault:
    signs = _common(ISSUERS[issuer])
    reason = "unable to get local issuer certificate"
    return Fault(
        f"tls-intercepted-{issuer}",
        f"The site's router reads all TLS; its certificates are issued by {signs}.",
        intercepted(issuer),
        {"tls www.alsoenergy.com": f"untrusted from {signs}: {reason}", "tls code.jquery.com": f"untrusted from {signs}: {reason}"},
        {**NAMES_WORK, "https maki.alsoenergy.com": "200 maki.alsoenergy.com"},
    )


def _trusting(lab: Lab) -> Mapping[str, str]:
    return {"SSL_CERT_FILE": str(machine_roots(lab))}


def _certificate(name: str, about: str, kind: str, reason: str, issuer: str = "Lab Public Server CA 2") -> Fault:
    """One server with a certificate that has something wrong with it."""
    return Fault(
        f"tls-{name}",
        about,
        lambda lab: redirected(
            lab,
            "cloud",
            STREAMER_TLS,
            "wrong-tls",
            lambda port: servers.secure_web(port, scratch(lab, kind), _maker(lab, kind), servers.Page()),
        ),
        {f"tls {STREAMER_NAME}": f"untrusted from {issuer}: {reason}"},
        OTHER_TLS,
    )


def _maker(lab: Lab, kind: str) -> servers.Make:
    issuing, now = lab.authority.issuing, lab.authority.issuing.now
    private = pki.Authority("O=AlsoEnergy Test;CN=Unknown Private CA")
    makers: dict[str, servers.Make] = {
        "expired": lambda name: issuing.leaf([name], now - timedelta(days=400), now - timedelta(days=3)),
        "not-yet": lambda name: issuing.leaf([name], now + timedelta(days=20), now + timedelta(days=90)),
        "name": lambda _: issuing.leaf(["www.some-other-customer.example"]),
        "self-signed": lambda name: pki.self_signed([name], f"CN={name}"),
        "private": lambda name: private.leaf([name]),
    }
    return makers[kind]


def _censor(censor: wire.Censor) -> Begin:
    return lambda lab: wire.laid(lab, wire.Line(censor=censor))


def _trusted(issuer: str) -> Fault:
    signs = _common(ISSUERS[issuer])
    return Fault(
        f"tls-intercepted-trusted-{issuer}",
        f"The site's router reads all TLS, and this machine's own store trusts {signs}.",
        intercepted(issuer, trusted=True),
        {"tls www.alsoenergy.com": f"untrusted from {signs}: unable to get local issuer certificate"},
        NAMES_WORK,
        _trusting,
    )


FAULTS: tuple[Fault, ...] = (
    *map(_interception, ISSUERS),
    _trusted("customer"),
    _trusted("zscaler"),
    Fault(
        "tls-intercepted-one-server",
        "The site's router reads the TLS of one server.",
        intercepted("customer", match=f"{LAN_TLS} ip daddr {STREAMER}"),
        {f"tls {STREAMER_NAME}": f"untrusted from {_common(ISSUERS['customer'])}: unable to get local issuer certificate"},
        OTHER_TLS,
    ),
    _certificate("expired", "One server's certificate has expired.", "expired", "certificate has expired"),
    _certificate("not-yet-valid", "One server's certificate is not valid yet.", "not-yet", "certificate is not yet valid"),
    _certificate(
        "wrong-name",
        "One server's certificate is for another name.",
        "name",
        f"Hostname mismatch, certificate is not valid for '{STREAMER_NAME}'.",
    ),
    _certificate("self-signed", "One server signs for itself.", "self-signed", "self-signed certificate", STREAMER_NAME),
    _certificate(
        "private-issuer",
        "One server's certificate is by an authority that nobody knows.",
        "private",
        "unable to get local issuer certificate",
        "Unknown Private CA",
    ),
    Fault(
        "tls-reset-after-hello",
        "Every TLS connection is reset after the client's hello.",
        _censor(wire.Censor("reset", hello=True)),
        {"tls www.alsoenergy.com": "ECONNRESET"},
        WWW_IS_THERE,
    ),
    Fault(
        "tls-drop-after-hello",
        "Every TLS hello vanishes.",
        _censor(wire.Censor("drop", hello=True)),
        {"tls www.alsoenergy.com": "silent"},
        WWW_IS_THERE,
    ),
    Fault(
        "tls-reset-one-name",
        "A TLS connection with one name in its hello is reset.",
        _censor(wire.Censor("reset", words=(b"moxa.alsoenergy.com",))),
        {"tls moxa.alsoenergy.com": "ECONNRESET"},
        {"tls maki.alsoenergy.com": TLS_OK},
    ),
    Fault(
        "tls-drop-one-name",
        "A TLS hello with one name in it vanishes.",
        _censor(wire.Censor("drop", words=(STREAMER_NAME.encode(),))),
        {f"tls {STREAMER_NAME}": "silent"},
        OTHER_TLS,
    ),
    Fault(
        "tls-is-not-spoken",
        "Port 443 of one server speaks HTTP in the clear.",
        lambda lab: sent_to_port(lab, "cloud", STREAMER_TLS, 80),
        {f"tls {STREAMER_NAME}": "tls WRONG_VERSION_NUMBER"},
        OTHER_TLS,
    ),
)
"""Single faults of TLS."""
