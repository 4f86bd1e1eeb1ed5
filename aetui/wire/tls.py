"""A TLS peer's first flight, read from outside: does it speak TLS, how far did it get, which alert (RFC 8446, RFC 5246).

Takes the bytes that the peer sent so far and never raises; it decrypts nothing, so of TLS 1.3 it sees the server's hello alone.
The handshake itself is OpenSSL's (``probes.handshake``). Not here: certificates, verification.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_LOOKED_AT = 64 * 1024
"""Octets of the first flight that are read."""

_ALERT, _HANDSHAKE = 21, 22
_CONTENT_TYPES = frozenset({20, _ALERT, _HANDSHAKE, 23, 24})
_LONGEST_RECORD = 16384 + 2048
_SERVER_HELLO, _CERTIFICATE = 2, 11
_SUPPORTED_VERSIONS = 43

VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
"""Names as OpenSSL writes them."""

ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}
"""Alert descriptions (RFC 8446 section 6, RFC 5246 section 7.2)."""


@dataclass(frozen=True, slots=True)
class Flight:
    """What the peer's bytes show."""

    is_tls: bool | None
    """None while too few bytes are there to tell."""
    server_hello: bool = False
    certificate: bool = False
    """A certificate message in the clear (up to TLS 1.2)."""
    version: str | None = None
    """The version that the server's hello chose."""
    alert: str | None = None
    """The last alert in the clear."""


def speaks(data: bytes) -> bool | None:
    """Whether the first bytes can be a TLS record's header; None while fewer than three are there and none is wrong."""
    if data[:1] and data[0] not in _CONTENT_TYPES:
        return False
    if len(data) >= 2 and data[1] != 3:
        return False
    if len(data) < 3:
        return None
    return data[2] <= 4 and (len(data) < 5 or int.from_bytes(data[3:5], "big") <= _LONGEST_RECORD)


def read(data: bytes) -> Flight:
    """Everything that can be told of the peer's bytes so far."""
    speaking = speaks(data)
    if not speaking:
        return Flight(speaking)
    handshake, alert = _records(data[:MOST_LOOKED_AT])
    hello, certificate, version = False, False, None
    for kind, body in _messages(handshake):
        if kind == _SERVER_HELLO:
            hello, version = True, _version(body)
        certificate = certificate or kind == _CERTIFICATE
    return Flight(True, hello, certificate, version, alert)


def _records(data: bytes) -> tuple[bytes, str | None]:
    """The handshake octets and the last alert of the records at the front, as far as both are in the clear."""
    handshake, alert, at = bytearray(), None, 0
    while at + 5 <= len(data) and speaks(data[at : at + 5]):
        kind, length = data[at], int.from_bytes(data[at + 3 : at + 5], "big")
        body = data[at + 5 : at + 5 + length]
        at += 5 + length
        if kind == _HANDSHAKE:
            handshake += body
        elif kind == _ALERT and length == 2 and len(body) == 2:
            alert = ALERTS.get(body[1], f"alert {body[1]}")
        elif kind != _ALERT:
            break  # change-cipher-spec or data: what follows is encrypted
    return bytes(handshake), alert


def _messages(handshake: bytes) -> list[tuple[int, bytes]]:
    """Type and (possibly unfinished) body of each handshake message."""
    messages, at = [], 0
    while at + 4 <= len(handshake):
        length = int.from_bytes(handshake[at + 1 : at + 4], "big")
        messages.append((handshake[at], handshake[at + 4 : at + 4 + length]))
        at += 4 + length
    return messages


def _version(hello: bytes) -> str | None:
    """The version of a server's hello: the supported_versions extension first, then the old field (RFC 8446 section 4.1.3)."""
    if len(hello) < 35:
        return VERSIONS.get(int.from_bytes(hello[:2], "big")) if len(hello) >= 2 else None
    at = 35 + hello[34] + 3 + 2
    while at + 4 <= len(hello):
        kind, length = int.from_bytes(hello[at : at + 2], "big"), int.from_bytes(hello[at + 2 : at + 4], "big")
        if kind == _SUPPORTED_VERSIONS and length == 2:
            return VERSIONS.get(int.from_bytes(hello[at + 4 : at + 6], "big"))
        at += 4 + length
    return VERSIONS.get(int.from_bytes(hello[:2], "big"))
