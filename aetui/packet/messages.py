"""What the console and the packet helper say to each other: frozen records, and their form on the pipe. Pure; both ends import this and
nothing more.

A frame is a four-byte big-endian length and that many bytes of JSON, 64 KiB at most. ``decode`` checks every field of every request:
the helper takes nothing on trust, since whoever has taken over the console talks to it too. A frame that cannot be read raises
``Malformed``. Addresses are canonical text, times are seconds unless the name says otherwise.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from ipaddress import ip_address, ip_network
from typing import Any

LARGEST = 65536
"""Bytes of one frame."""
MOST_HOSTS = 1024
"""Addresses of one ARP scan: a /22, more than any site's network that a technician stands in."""
LONGEST_WAIT_S = 30.0
LAST_LOW_PORT = 1023
"""The highest port that a helper opens; the others need no right."""
BACKLOG = 1024
"""Connections that the system holds for a listener that is busy; Linux cuts it to net.core.somaxconn."""
_HEADER = struct.Struct("!I")


class Malformed(ValueError):
    """The other end sent what this end does not understand."""


@dataclass(frozen=True, slots=True)
class OpenTrace:
    """Make ready for probes of one flow."""

    id: int
    address: str
    proto: str
    """tcp, udp or icmp."""
    port: int
    """0 for icmp."""
    source_port: int = 0
    """0: one is chosen. For icmp the echo identifier."""
    size: int = 0
    """Bytes of IP packet of a udp or icmp probe, 0 for the least."""


@dataclass(frozen=True, slots=True)
class SendProbe:
    """One probe of an open flow; answered by ``ProbeHeard`` or not at all."""

    flow: int
    serial: int
    ttl: int


@dataclass(frozen=True, slots=True)
class CloseTrace:
    """Forget a flow."""

    flow: int


@dataclass(frozen=True, slots=True)
class DiscoverDhcp:
    """Broadcast one DHCPDISCOVER and list who offers; no address is taken."""

    id: int
    interface: str
    wait_s: float


@dataclass(frozen=True, slots=True)
class ScanArp:
    """Ask every address of a network, paced, who has it. One address makes it a probe for a conflict (RFC 5227: from 0.0.0.0)."""

    id: int
    interface: str
    network: str
    wait_s: float
    probe: bool = False
    """Ask from 0.0.0.0, so that nobody's table is changed."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Open a TCP port under 1024 to listen on, and hand the socket over."""

    id: int
    address: str
    """One of this machine's, or the one that stands for all of its family (0.0.0.0, ::)."""
    port: int


Request = OpenTrace | SendProbe | CloseTrace | DiscoverDhcp | ScanArp | Listen


@dataclass(frozen=True, slots=True)
class Ready:
    """The helper holds its sockets and nothing else but, where it may, the right to open ports under 1024. ``lacking`` names what this
    system would not give (``raw``: no raw packets at all, ``ipv6``, ``link``, ``ports``).
    """

    lacking: tuple[str, ...] = ()
    uid: int = -1


@dataclass(frozen=True, slots=True)
class TraceOpened:
    """Answer to ``OpenTrace``."""

    id: int
    own: str
    source_port: int


@dataclass(frozen=True, slots=True)
class QuotedPacket:
    """Our packet as the sender of an ICMP error saw it (``aetui.wire.icmp.Quoted``)."""

    version: int
    source: str
    destination: str
    ttl: int
    protocol: int
    source_port: int | None
    destination_port: int | None


@dataclass(frozen=True, slots=True)
class ProbeHeard:
    """A reply to a probe."""

    flow: int
    serial: int
    kind: str
    """``time-exceeded``, ``syn-ack``, ``rst``, ``unreachable`` or ``answer``."""
    sender: str
    rtt_ms: float
    icmp_type: int | None = None
    icmp_code: int | None = None
    mtu: int | None = None
    reply_ttl: int | None = None
    quoted: QuotedPacket | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """One DHCPOFFER (RFC 2131)."""

    server: str
    mac: str
    address: str
    router: str | None = None
    resolvers: tuple[str, ...] = ()
    mask: str | None = None
    lease_s: int | None = None
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class DhcpOffers:
    """Answer to ``DiscoverDhcp``."""

    id: int
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Who answered for an address."""

    address: str
    mac: str


@dataclass(frozen=True, slots=True)
class ArpHeard:
    """Answer to ``ScanArp``."""

    id: int
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True, slots=True)
class Listening:
    """Answer to ``Listen``; the socket comes beside it."""

    id: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The request with this id cannot be carried out; ``errno`` is the symbol, where the system gave one."""

    id: int
    why: str
    errno: str | None = None


@dataclass(frozen=True, slots=True)
class ProbeFailed:
    """Probes of this flow cannot be sent."""

    flow: int
    errno: str


Reply = Ready | TraceOpened | ProbeHeard | DhcpOffers | ArpHeard | Listening | Refused | ProbeFailed


def encode(message: Request | Reply) -> bytes:
    """A frame."""
    body = json.dumps({"is": type(message).__name__, **asdict(message)}, separators=(",", ":")).encode()
    if len(body) > LARGEST:
        raise Malformed(f"{type(message).__name__} of {len(body)} bytes")
    return _HEADER.pack(len(body)) + body


class Frames:
    """Takes bytes as they come and gives whole frames' bodies."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Bodies that are complete now. Raises Malformed for a frame that is too long, before it is held."""
        self._held += data
        found = []
        while len(self._held) >= _HEADER.size:
            (length,) = _HEADER.unpack_from(self._held)
            if length > LARGEST:
                raise Malformed(f"a frame of {length} bytes")
            if len(self._held) < _HEADER.size + length:
                break
            found.append(bytes(self._held[_HEADER.size : _HEADER.size + length]))
            del self._held[: _HEADER.size + length]
        return found


def decode_request(body: bytes) -> Request:
    """A request, every field checked."""
    fields = _object(body)
    make = _REQUESTS.get(str(fields.get("is")))
    if make is None:
        raise Malformed(f"no such request: {str(fields.get('is'))[:40]}")
    return make(fields)


def decode_reply(body: bytes) -> Reply:
    """A reply. The helper is our own program, run by us; its fields are taken as they are once they fit the record."""
    fields = _object(body)
    make = _REPLIES.get(str(fields.pop("is", None)))
    if make is None:
        raise Malformed("no such reply")
    try:
        return make(fields)
    except (TypeError, KeyError) as error:
        raise Malformed(str(error)) from None


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise Malformed("no object")
    return fields


def _whole(fields: dict[str, Any], key: str, least: int, most: int) -> int:
    value = fields.get(key)
    if type(value) is not int or not least <= value <= most:
        raise Malformed(f"{key} is no whole number from {least} to {most}")
    return value


def _text(fields: dict[str, Any], key: str, allowed: Callable[[str], bool]) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or len(value) > 64 or not allowed(value):
        raise Malformed(f"{key} is not what it must be")
    return value


def _seconds(fields: dict[str, Any], key: str) -> float:
    value = fields.get(key)
    if type(value) not in {int, float} or not 0 <= float(value or 0) <= LONGEST_WAIT_S:
        raise Malformed(f"{key} is no time from 0 to {LONGEST_WAIT_S} s")
    return float(value or 0)


def _is_address(text: str) -> bool:
    try:
        found = ip_address(text)
    except ValueError:
        return False
    return not found.is_multicast and text != "255.255.255.255"


def _is_network(text: str) -> bool:
    try:
        return ip_network(text, strict=False).num_addresses <= MOST_HOSTS and ":" not in text
    except ValueError:
        return False


def _is_interface(text: str) -> bool:
    return 0 < len(text) <= 15 and text.isprintable() and not set(text) & {"/", " ", ":"}


def _id(fields: dict[str, Any], key: str = "id") -> int:
    return _whole(fields, key, 0, 2**53)


def _open_trace(fields: dict[str, Any]) -> OpenTrace:
    return OpenTrace(
        _id(fields),
        _text(fields, "address", _is_address),
        _text(fields, "proto", {"tcp", "udp", "icmp"}.__contains__),
        _whole(fields, "port", 0, 65535),
        _whole(fields, "source_port", 0, 65535),
        _whole(fields, "size", 0, 9000),
    )


def _send_probe(fields: dict[str, Any]) -> SendProbe:
    return SendProbe(_id(fields, "flow"), _whole(fields, "serial", 0, 2**31 - 1), _whole(fields, "ttl", 1, 255))


def _scan_arp(fields: dict[str, Any]) -> ScanArp:
    probe = fields.get("probe")
    if not isinstance(probe, bool):
        raise Malformed("probe is neither true nor false")
    network = _text(fields, "network", _is_network)
    return ScanArp(_id(fields), _text(fields, "interface", _is_interface), network, _seconds(fields, "wait_s"), probe)


_REQUESTS: dict[str, Callable[[dict[str, Any]], Request]] = {
    "OpenTrace": _open_trace,
    "SendProbe": _send_probe,
    "CloseTrace": lambda fields: CloseTrace(_id(fields, "flow")),
    "DiscoverDhcp": lambda fields: DiscoverDhcp(_id(fields), _text(fields, "interface", _is_interface), _seconds(fields, "wait_s")),
    "ScanArp": _scan_arp,
    "Listen": lambda fields: Listen(_id(fields), _text(fields, "address", _is_address), _whole(fields, "port", 1, LAST_LOW_PORT)),
}


def _probe_heard(fields: dict[str, Any]) -> ProbeHeard:
    quoted = fields.pop("quoted")
    return ProbeHeard(**fields, quoted=QuotedPacket(**quoted) if quoted else None)


def _offers(fields: dict[str, Any]) -> DhcpOffers:
    return DhcpOffers(fields["id"], tuple(Offer(**{**offer, "resolvers": tuple(offer["resolvers"])}) for offer in fields["offers"]))


_REPLIES: dict[str, Callable[[dict[str, Any]], Reply]] = {
    "Ready": lambda fields: Ready(tuple(fields["lacking"]), fields["uid"]),
    "TraceOpened": lambda fields: TraceOpened(**fields),
    "ProbeHeard": _probe_heard,
    "DhcpOffers": _offers,
    "ArpHeard": lambda fields: ArpHeard(fields["id"], tuple(Neighbour(**one) for one in fields["neighbours"])),
    "Listening": lambda fields: Listening(**fields),
    "Refused": lambda fields: Refused(**fields),
    "ProbeFailed": lambda fields: ProbeFailed(**fields),
}
