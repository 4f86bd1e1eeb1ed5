"""SNTP packets: 48 bytes out, 48 or more in (RFC 4330, RFC 5905 section 7.3).

Takes and gives bytes; times are Unix seconds (float), spans milliseconds. ``parse`` never raises: what is no NTP packet is None. The
clock is the caller's: the request's transmit timestamp is a random nonce (so that neither our clock nor a guess can pass for an echo),
and offset and delay are worked out from the caller's own readings. Not here: pacing, retries, what an offset means.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

SIZE = 48
"""Octets of a packet without extensions or authentication."""

_CLIENT = (0 << 6) | (4 << 3) | 3
"""Leap 0, version 4, mode 3 (client)."""

_SERVER_MODES = frozenset({4, 5})
"""Server and broadcast: what an answer may carry (RFC 4330 section 5)."""

_TO_UNIX = 2_208_988_800
"""Seconds from 1900-01-01 to 1970-01-01."""

_ERA = 1 << 32
_HEADER = struct.Struct(">BBbb4s4s4sQQQQ")


@dataclass(frozen=True, slots=True)
class Packet:
    """The fields of one packet, as they stand on the wire."""

    leap: int
    version: int
    mode: int
    stratum: int
    reference: bytes
    """Reference identifier, 4 octets."""
    origin: int
    received: int
    transmitted: int
    """64-bit NTP timestamps; 0 for not set."""

    @property
    def answers(self) -> bool:
        """True where the mode is one that a server answers with."""
        return self.mode in _SERVER_MODES

    @property
    def kiss(self) -> str | None:
        """The kiss code (RFC 5905 section 7.4): stratum 0 with four ASCII letters or digits, else None."""
        return _ascii(self.reference) if self.stratum == 0 else None

    @property
    def refid(self) -> str:
        """The reference identifier for people: a code at stratum 0 and 1, otherwise written as an address."""
        code = _ascii(self.reference) if self.stratum <= 1 else None
        return code or ".".join(str(octet) for octet in self.reference)

    @property
    def tells_time(self) -> bool:
        """True where the times may be used: a synchronised server (leap not 3, stratum 1 to 15) that filled them in."""
        return self.answers and self.leap != 3 and 1 <= self.stratum <= 15 and bool(self.received) and bool(self.transmitted)

    def echoes(self, transmit: int) -> bool:
        """True where the answer is to the request that carried ``transmit``."""
        return self.origin == transmit


@dataclass(frozen=True, slots=True)
class Timing:
    """What four timestamps say (RFC 5905 section 8)."""

    offset_ms: float
    """Server's clock minus ours."""
    delay_ms: float
    """Round trip without the server's own time; never below 0."""


def request(transmit: int) -> bytes:
    """A client request; ``transmit`` is a random 64-bit number that the answer must give back."""
    return _HEADER.pack(_CLIENT, 0, 0, 0, bytes(4), bytes(4), bytes(4), 0, 0, 0, transmit % (1 << 64))


def parse(data: bytes) -> Packet | None:
    """The packet in a datagram, or None where it is too short or of no version that there is (1 to 4)."""
    if len(data) < SIZE:
        return None
    first, stratum, _poll, _precision, _delay, _dispersion, refid, _reference, origin, received, transmitted = _HEADER.unpack(data[:SIZE])
    version = first >> 3 & 7
    if not 1 <= version <= 4:
        return None
    return Packet(first >> 6, version, first & 7, stratum, refid, origin, received, transmitted)


def unix(timestamp: int) -> float:
    """Unix seconds of a 64-bit timestamp, 1968 to 2104: the top bit tells the era (RFC 4330 section 3), whatever the local clock says."""
    seconds, fraction = timestamp >> 32, timestamp & 0xFFFFFFFF
    era = 0 if seconds & 0x80000000 else _ERA
    return seconds + era - _TO_UNIX + fraction / _ERA


def timestamp(seconds: float) -> int:
    """The 64-bit timestamp of Unix seconds, the reverse of ``unix``; used by servers of tests and of the embedded site."""
    whole, fraction = divmod(round(seconds * _ERA), _ERA)
    return ((whole + _TO_UNIX) % _ERA) << 32 | fraction


def timing(packet: Packet, sent: float, elapsed_ms: float) -> Timing | None:
    """Offset and delay, from our clock at sending and the time until the answer; None where the packet tells no time."""
    if not packet.tells_time:
        return None
    back = sent + elapsed_ms / 1000
    there, away = unix(packet.received), unix(packet.transmitted)
    delay = (back - sent) - (away - there)
    return Timing(offset_ms=((there - sent) + (away - back)) / 2 * 1000, delay_ms=max(0.0, delay * 1000))


def _ascii(code: bytes) -> str | None:
    text = code.rstrip(b"\0")
    return text.decode("ascii") if text and all(0x21 <= octet <= 0x7E for octet in text) else None
