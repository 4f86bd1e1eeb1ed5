"""The first exchange of a Remote Desktop connection: TPKT, X.224 connection request and confirm, and the RDP negotiation inside them.

Takes and gives bytes; never raises on what a peer sent. ``parse_request`` and ``parse_confirm`` answer ``Incomplete`` while more is
needed and ``Malformed`` where no continuation could make it right. Both halves are here: what a client sends and what a server answers.

Sources: RFC 1006 section 6 (TPKT), ITU-T X.224 sections 13.3 and 13.4, MS-RDPBCGR 2.2.1.1 (request, cookie, RDP_NEG_REQ) and 2.2.1.2
(confirm, RDP_NEG_RSP, RDP_NEG_FAILURE). Not here: anything after the confirm (TLS, CredSSP, MCS).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntFlag

TPKT_VERSION = 3
LONGEST_REQUEST = 4096
"""Bytes of a TPKT that we are willing to wait for; a request has a one-byte X.224 length, so real ones stay under 300."""
COOKIE = b"Cookie: mstshash="
LONGEST_COOKIE = 200
"""Characters of a cookie that we send: request, cookie and negotiation share the one-byte X.224 length."""
WINDOWS_REFERENCE = 0x1234
"""Source reference in the confirm of a Windows server (MS-RDPBCGR 4.1.2)."""

LISTENER_REFERENCE = 0xAE71
"""Source reference in the refusals of our own listener, by which the other half knows it without a token; any value is allowed."""

_CR, _CC, _DR = 0xE0, 0xD0, 0x80
_NEGOTIATION = struct.Struct("<BBHI")
_REQUEST, _RESPONSE, _FAILURE = 1, 2, 3
_CLASS_0 = struct.Struct(">HHB")
_SHORTEST = 11
_TLS_WANTED, _NO_CERTIFICATE = 1, 3


class Protocols(IntFlag):
    """``requestedProtocols`` (MS-RDPBCGR 2.2.1.1.1); zero is Standard RDP Security."""

    TLS = 1
    CREDSSP = 2
    RDSTLS = 4
    CREDSSP_EARLY = 8
    AAD = 16


PROTOCOL_NAMES = {0: "rdp", 1: "tls", 2: "nla", 4: "rdstls", 8: "nla-early", 16: "aad"}
"""``selectedProtocol`` (MS-RDPBCGR 2.2.1.2.1) by the names that ``RdpSeen.protocol`` uses."""

FAILURE_NAMES = {
    1: "ssl-required",
    2: "ssl-not-allowed",
    3: "ssl-certificate-missing",
    4: "inconsistent-flags",
    5: "nla-required",
    6: "ssl-with-user-authentication-required",
}
"""``failureCode`` (MS-RDPBCGR 2.2.1.2.2) by the names that ``RdpSeen.failure`` uses."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A right beginning; more bytes are needed."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Not this packet, whatever follows."""

    why: str


@dataclass(frozen=True, slots=True)
class Request:
    """A client's connection request."""

    cookie: str | None = None
    """The identifier of ``Cookie: mstshash=``, commonly a user's name, cut by the client; foreign text."""
    routing: bytes | None = None
    """A load balancer's routing token (``Cookie: msts=…``), without its line end."""
    protocols: int | None = None
    """None where the client negotiates nothing (before RDP 5.2)."""
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Confirm:
    """A server's connection confirm. With neither ``protocol`` nor ``failure`` it is an old server's, without negotiation."""

    protocol: int | None = None
    failure: int | None = None
    reference: int = WINDOWS_REFERENCE
    flags: int = 0


def request(protocols: Protocols | None = Protocols.TLS | Protocols.CREDSSP, cookie: str | None = None) -> bytes:
    """A connection request; without a cookie and with the default protocols it is 19 bytes. The cookie must be printable ASCII."""
    body = b""
    if cookie is not None:
        if len(cookie) > LONGEST_COOKIE or not cookie.isascii() or not cookie.isprintable():
            raise ValueError("a cookie is at most 200 printable ASCII characters")
        body += COOKIE + cookie.encode("ascii") + b"\r\n"
    if protocols is not None:
        body += _NEGOTIATION.pack(_REQUEST, 0, 8, int(protocols))
    return _tpkt(_CR, 0, 0, body)


def confirm(answer: Confirm) -> bytes:
    """A connection confirm, as a server sends it."""
    body = b""
    if answer.failure is not None:
        body = _NEGOTIATION.pack(_FAILURE, 0, 8, answer.failure)
    elif answer.protocol is not None:
        body = _NEGOTIATION.pack(_RESPONSE, answer.flags, 8, answer.protocol)
    return _tpkt(_CC, 0, answer.reference, body)


def disconnect(reference: int = WINDOWS_REFERENCE) -> bytes:
    """A disconnect request, reason not specified (X.224 section 13.5): how one refuses a client that negotiates nothing."""
    return _tpkt(_DR, 0, reference, b"")


def refusal(asked: Request, reference: int = LISTENER_REFERENCE) -> bytes:
    """What a server without a certificate answers: a correct end, whatever the client offered."""
    if asked.protocols is None:
        return disconnect(reference)
    return confirm(Confirm(failure=_NO_CERTIFICATE if asked.protocols else _TLS_WANTED, reference=reference))


def parse_request(data: bytes) -> Request | Incomplete | Malformed:
    """Read a connection request from the beginning of ``data``; what follows it is ignored."""
    body = _body(data, _CR)
    return _read_request(body[1]) if isinstance(body, tuple) else body


def parse_confirm(data: bytes) -> Confirm | Incomplete | Malformed:
    """Read a connection confirm from the beginning of ``data``; what follows it is ignored."""
    body = _body(data, _CC)
    return _read_confirm(*body) if isinstance(body, tuple) else body


def _tpkt(code: int, destination: int, source: int, body: bytes) -> bytes:
    header = bytes((6 + len(body), code)) + _CLASS_0.pack(destination, source, 0)
    return struct.pack(">BBH", TPKT_VERSION, 0, 4 + len(header) + len(body)) + header + body


def _body(data: bytes, code: int) -> tuple[int, bytes] | Incomplete | Malformed:
    """The source reference and what stands behind the X.224 header, lengths checked against each other."""
    if data[:1] != bytes((TPKT_VERSION,))[: len(data[:1])]:
        return Malformed("not a TPKT")
    if len(data) < 4:
        return Incomplete()
    length = int.from_bytes(data[2:4], "big")
    if not _SHORTEST <= length <= LONGEST_REQUEST:
        return Malformed("TPKT length out of range")
    if len(data) > 5 and (data[5] & 0xF0) != code:
        return Malformed("another X.224 packet")
    if len(data) < length:
        return Incomplete()
    if data[4] != length - 5:
        return Malformed("TPKT and X.224 lengths disagree")
    _, source, options = _CLASS_0.unpack_from(data, 6)
    if options & 0xF0:
        return Malformed("not X.224 class 0")
    return source, data[_SHORTEST:length]


def _read_request(body: bytes) -> Request | Malformed:
    cookie, routing, rest = None, None, body
    if body[:7].lower() == b"cookie:":
        line, end, rest = body.partition(b"\r\n")
        if not end:
            return Malformed("a cookie without its line end")
        if line.startswith(COOKIE):
            cookie = line[len(COOKIE) :].decode("latin-1")
        else:
            routing = line
    if not rest:
        return Request(cookie, routing)
    if len(rest) < _NEGOTIATION.size:
        return Malformed("a negotiation request cut short")
    kind, flags, length, protocols = _NEGOTIATION.unpack_from(rest)
    if kind != _REQUEST or length != _NEGOTIATION.size:
        return Malformed("not a negotiation request")
    return Request(cookie, routing, protocols, flags)


def _read_confirm(reference: int, body: bytes) -> Confirm | Malformed:
    if not body:
        return Confirm(reference=reference)
    if len(body) < _NEGOTIATION.size:
        return Malformed("a negotiation answer cut short")
    kind, flags, length, value = _NEGOTIATION.unpack_from(body)
    if length == _NEGOTIATION.size and kind == _RESPONSE:
        return Confirm(protocol=value, reference=reference, flags=flags)
    if length == _NEGOTIATION.size and kind == _FAILURE:
        return Confirm(failure=value, reference=reference)
    return Malformed("not a negotiation answer")
