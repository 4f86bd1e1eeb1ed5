"""NAT-PMP, the one question that changes nothing: what is your outer address?

Takes and gives datagrams for UDP port 5351 of the gateway; never raises on what came. Source: RFC 6886 sections 3.2 and 3.5 (with erratum
3618). Not here: opcodes 1 and 2, which make and delete mappings. We never change a router.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

PORT = 5351
ADDRESS_REQUEST = b"\0\0"
"""Version 0, opcode 0."""

RESULTS = {
    0: "success",
    1: "unsupported-version",
    2: "not-authorised",
    3: "network-failure",
    4: "out-of-resources",
    5: "unsupported-opcode",
}

_HEADER = struct.Struct(">BBHI")
_ADDRESS_RESPONSE = 128


@dataclass(frozen=True, slots=True)
class OuterAddress:
    """The gateway's answer."""

    result: int
    epoch: int
    """Seconds since its mapping table was last lost."""
    address: str | None = None
    """Its outer IPv4 address; None where the result is not success, or where it has none yet (0.0.0.0)."""


def parse(data: bytes) -> OuterAddress | None:
    """An answer to ``ADDRESS_REQUEST``, or None where these bytes are none."""
    if len(data) < _HEADER.size:
        return None
    version, opcode, result, epoch = _HEADER.unpack_from(data)
    if version != 0 or opcode not in ((_ADDRESS_RESPONSE,) if result == 0 else (_ADDRESS_RESPONSE, 0)):
        return None
    if result or len(data) < 12:
        return OuterAddress(result, epoch) if result else None
    address = IPv4Address(data[8:12])
    return OuterAddress(result, epoch, None if address.is_unspecified else str(address))


def response(answer: OuterAddress) -> bytes:
    """The datagram a gateway sends; for tests and the embedded site."""
    head = _HEADER.pack(0, _ADDRESS_RESPONSE, answer.result, answer.epoch)
    return head if answer.result else head + IPv4Address(answer.address or "0.0.0.0").packed
