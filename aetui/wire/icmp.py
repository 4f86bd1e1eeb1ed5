"""ICMP errors and the packets they quote: bytes in, frozen records out. Nothing here opens a socket or reads a clock.

Takes IPv4 packets as raw sockets give them, ICMPv4 messages (RFC 792, RFC 1191, RFC 4884) and ICMPv6 messages (RFC 4443). A message
that is too short, has an unknown version or lies about its lengths gives None, never an exception: what arrives is written by
strangers. Quotes may be as short as the IP header and eight bytes (RFC 792); fields that lie beyond the quote are None. Checksums are
not verified: the kernel did that.

Not here: which probe a quote belongs to (``aetui.packet.match``), and what a code means to people (assets/path.toml).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
"""Protocol numbers (IANA)."""

UNREACHABLE, TIME_EXCEEDED, PARAMETER = 3, 11, 12
"""ICMPv4 error types (RFC 792)."""
ECHO_REPLY, ECHO = 0, 8
UNREACHABLE6, TOO_BIG6, TIME_EXCEEDED6, PARAMETER6 = 1, 2, 3, 4
"""ICMPv6 error types (RFC 4443 section 3)."""
ECHO6, ECHO_REPLY6 = 128, 129

FRAGMENTATION_NEEDED = 4
"""Code of ICMPv4 type 3 that carries a next-hop MTU (RFC 1191)."""

_ERRORS4 = frozenset({UNREACHABLE, TIME_EXCEEDED, PARAMETER})
_ERRORS6 = frozenset({UNREACHABLE6, TOO_BIG6, TIME_EXCEEDED6, PARAMETER6})
_EXTENSION_HEADERS = frozenset({0, 43, 60})
"""IPv6 hop-by-hop, routing and destination options: each has its length in eight-byte units (RFC 8200 section 4)."""
_MOST_EXTENSIONS = 8


@dataclass(frozen=True, slots=True)
class Quoted:
    """The start of one of our packets, as a router saw it when it gave up on it."""

    version: int
    source: str
    destination: str
    ttl: int
    """What was left of it: 1 (or 0) where it ran out in the ordinary way."""
    protocol: int
    ident: int | None = None
    """IPv4 identification; IPv6 has none."""
    length: int = 0
    """Total length that the IP header claims, header included."""
    tos: int = 0
    source_port: int | None = None
    destination_port: int | None = None
    sequence: int | None = None
    """TCP sequence number; ICMP echo sequence."""
    checksum: int | None = None
    """UDP or ICMP checksum."""
    echo: int | None = None
    """ICMP echo identifier."""


@dataclass(frozen=True, slots=True)
class IcmpMessage:
    """One ICMP message of either family; ``type`` and ``code`` are the family's own numbers."""

    version: int
    type: int
    code: int
    mtu: int | None = None
    quoted: Quoted | None = None
    echo: int | None = None
    sequence: int | None = None

    @property
    def error(self) -> bool:
        """True for the types that quote a packet."""
        return self.type in (_ERRORS4 if self.version == 4 else _ERRORS6)


@dataclass(frozen=True, slots=True)
class Ipv4:
    """The parts of an IPv4 header (RFC 791) that matter here, and what it carries."""

    source: str
    destination: str
    ttl: int
    protocol: int
    ident: int
    length: int
    tos: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """The parts of a TCP header (RFC 9293 section 3.1) that tell a SYN-ACK from a reset."""

    source_port: int
    destination_port: int
    sequence: int
    acknowledgement: int
    flags: int
    window: int

    @property
    def syn_ack(self) -> bool:
        """SYN and ACK, no RST."""
        return self.flags & 0x16 == 0x12

    @property
    def rst(self) -> bool:
        """A reset."""
        return bool(self.flags & 0x04)


def parse_ipv4(packet: bytes) -> Ipv4 | None:
    """An IPv4 packet with its header; the payload is what the buffer holds, however long the header claims it to be."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return None
    header = (packet[0] & 0x0F) * 4
    if header < 20 or len(packet) < header:
        return None
    tos, length, ident = struct.unpack_from("!xBHH", packet)
    ttl, protocol = packet[8], packet[9]
    source, destination = str(IPv4Address(packet[12:16])), str(IPv4Address(packet[16:20]))
    return Ipv4(source, destination, ttl, protocol, ident, length, tos, packet[header:])


def parse_segment(segment: bytes) -> Segment | None:
    """A TCP header; None where fewer than 20 bytes are there."""
    if len(segment) < 20:
        return None
    source, destination, sequence, acknowledgement, _, flags, window = struct.unpack_from("!HHIIBBH", segment)
    return Segment(source, destination, sequence, acknowledgement, flags, window)


def parse_icmp4(message: bytes) -> IcmpMessage | None:
    """An ICMPv4 message without its IP header."""
    if len(message) < 8:
        return None
    kind, code, _, first, second = struct.unpack_from("!BBHHH", message)
    if kind in {ECHO, ECHO_REPLY}:
        return IcmpMessage(4, kind, code, echo=first, sequence=second)
    if kind not in _ERRORS4:
        return IcmpMessage(4, kind, code)
    mtu = second if kind == UNREACHABLE and code == FRAGMENTATION_NEEDED and second else None
    return IcmpMessage(4, kind, code, mtu, parse_quoted(message[8:]))


def parse_icmp6(message: bytes) -> IcmpMessage | None:
    """An ICMPv6 message without its IPv6 header."""
    if len(message) < 8:
        return None
    kind, code, _, first, second = struct.unpack_from("!BBHHH", message)
    if kind in {ECHO6, ECHO_REPLY6}:
        return IcmpMessage(6, kind, code, echo=first, sequence=second)
    if kind not in _ERRORS6:
        return IcmpMessage(6, kind, code)
    mtu = (first << 16 | second) if kind == TOO_BIG6 else None
    return IcmpMessage(6, kind, code, mtu, parse_quoted(message[8:]))


def parse_quoted(quote: bytes) -> Quoted | None:
    """The packet inside an ICMP error, of either family, cut off anywhere after its IP header."""
    if not quote:
        return None
    return {4: _quoted4, 6: _quoted6}.get(quote[0] >> 4, _unknown)(quote)


def _unknown(_: bytes) -> None:
    return None


def _quoted4(quote: bytes) -> Quoted | None:
    outer = parse_ipv4(quote)
    if outer is None:
        return None
    head = Quoted(4, outer.source, outer.destination, outer.ttl, outer.protocol, outer.ident, outer.length, outer.tos)
    return _with_transport(head, outer.payload)


def _quoted6(quote: bytes) -> Quoted | None:
    if len(quote) < 40:
        return None
    word, length, protocol, ttl = struct.unpack_from("!IHBB", quote)
    source, destination = str(IPv6Address(quote[8:24])), str(IPv6Address(quote[24:40]))
    rest = quote[40:]
    for _ in range(_MOST_EXTENSIONS):
        if protocol not in _EXTENSION_HEADERS or len(rest) < 2:
            break
        protocol, rest = rest[0], rest[8 * (rest[1] + 1) :]
    return _with_transport(Quoted(6, source, destination, ttl, protocol, None, length + 40, word >> 20 & 0xFF), rest)


def _with_transport(head: Quoted, rest: bytes) -> Quoted:
    if len(rest) < 8:
        return head
    first, second, third, fourth = struct.unpack_from("!HHHH", rest)
    fields: dict[int, dict[str, int]] = {
        TCP: {"source_port": first, "destination_port": second, "sequence": third << 16 | fourth},
        UDP: {"source_port": first, "destination_port": second, "checksum": fourth},
        ICMP: {"checksum": second, "echo": third, "sequence": fourth},
        ICMP6: {"checksum": second, "echo": third, "sequence": fourth},
    }
    known = fields.get(head.protocol, {})
    return Quoted(head.version, head.source, head.destination, head.ttl, head.protocol, head.ident, head.length, head.tos, **known)
