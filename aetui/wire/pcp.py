"""PCP's ANNOUNCE: is a port control server there, and does it see the address that we think we have?

PCP has no request that reads an outer address without asking for a mapping, and we never ask for one. ANNOUNCE changes nothing and tells
two things: that the gateway speaks PCP, and, by ADDRESS_MISMATCH, that another NAT stands between us and it.

Takes and gives datagrams for UDP port 5351; never raises on what came. Source: RFC 6887 sections 7.1, 7.2, 7.4, 8.1 and 14.1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

PORT = 5351
VERSION = 2
ADDRESS_MISMATCH = 12

RESULTS = {
    0: "success",
    1: "unsupported-version",
    2: "not-authorised",
    3: "malformed-request",
    4: "unsupported-opcode",
    5: "unsupported-option",
    6: "malformed-option",
    7: "network-failure",
    8: "no-resources",
    9: "unsupported-protocol",
    10: "user-exceeded-quota",
    11: "cannot-provide-external",
    12: "address-mismatch",
    13: "excessive-remote-peers",
}

_ANNOUNCE = 0
_RESPONSE = 0x80
_HEADER = struct.Struct(">BBBBII12x")


@dataclass(frozen=True, slots=True)
class Announced:
    """The server's answer to ANNOUNCE."""

    version: int
    """The highest version that it speaks, where it does not speak ours; 0 is NAT-PMP's."""
    result: int
    epoch: int


def announce(own: str) -> bytes:
    """The request, with the address that we believe to be ours (IPv4 goes mapped into IPv6)."""
    address = ip_address(own.partition("%")[0])
    packed = address.packed if address.version == 6 else IPv6Address(f"::ffff:{address}").packed
    return struct.pack(">BBHI", VERSION, _ANNOUNCE, 0, 0) + packed


def parse(data: bytes) -> Announced | None:
    """An answer, or None where these bytes are none. A NAT-PMP server's refusal (RFC 6887 appendix A) is an answer of version 0."""
    if len(data) >= 8 and data[0] == 0 and data[1] in (0x80, 0):
        result = int.from_bytes(data[2:4], "big")
        return Announced(0, result, int.from_bytes(data[4:8], "big")) if result else None
    if len(data) < _HEADER.size or len(data) > 1100 or len(data) % 4:
        return None
    version, opcode, _, result, _, epoch = _HEADER.unpack_from(data)
    if version == 0 or opcode & 0x7F != _ANNOUNCE or not opcode & _RESPONSE:
        return None
    return Announced(version, result, epoch)


def response(answer: Announced) -> bytes:
    """The datagram a server sends; for tests and the embedded site."""
    return _HEADER.pack(answer.version, _RESPONSE | _ANNOUNCE, 0, answer.result, 0, answer.epoch)
