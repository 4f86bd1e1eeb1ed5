"""What the local network showed. Raw facts, frozen; text from the network stands as it came. No I/O.

``lacking`` says what could not be looked at for want of a right, with the command that grants it; None where nothing was lacking.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, ip_interface

from aetui.observations import LinkSeen, NtpSeen
from aetui.packet.messages import Offer

MOST_SWEPT = 256
"""Addresses of a sweep by TCP; of a larger network the /24 around our own address is taken."""
_AROUND_US = 24


@dataclass(frozen=True, slots=True)
class Device:
    """Somebody on this network."""

    address: str
    mac: str | None = None
    maker: str | None = None
    equipment: tuple[str, ...] = ()
    """Models of the catalogue that its maker's hardware may be."""
    open_ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LanSeen:
    """This machine's place, and who hands out addresses there."""

    link: LinkSeen | None
    clock: NtpSeen | None = None
    """A time server's answer; None where none was asked or none answered."""
    offers: tuple[Offer, ...] | None = None
    """Of DHCP servers; None where nobody could be asked."""
    waited_s: float = 0.0
    lacking: str | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """Who is on this network."""

    network: str
    devices: tuple[Device, ...]
    whole: bool = True
    """False where only a part of a large network was looked at."""
    lacking: str | None = None


class Held(StrEnum):
    """Whether an address is free."""

    FREE = "free"
    TAKEN = "taken"
    OURS = "ours"
    """This machine has it, and nobody else was seen to."""
    ELSEWHERE = "elsewhere"
    """Not of this network, or none that a device of it can have: nothing can be said."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AddressSeen:
    """What was learnt of one address."""

    address: str
    held: Held
    mac: str | None = None
    maker: str | None = None
    lacking: str | None = None


def networks(link: LinkSeen) -> tuple[tuple[str, IPv4Interface], ...]:
    """Interfaces with a usable IPv4 network of their own, by name; the one of the default route first, tunnels left out."""
    found = []
    for interface in link.interfaces:
        if not interface.up or interface.kind in {"loopback", "vpn"}:
            continue
        for text in interface.addresses:
            address = ip_interface(text)
            if isinstance(address, IPv4Interface) and not address.ip.is_link_local and address.network.prefixlen < 31:
                found.append((interface.name, address))
    return tuple(sorted(found, key=lambda item: item[0] != link.default_interface))


def fits(address: str, own: IPv4Interface) -> bool:
    """True for an address that a device of this network can have: neither the network's own nor the one that means everybody."""
    asked = IPv4Address(address)
    return asked in own.network and asked not in {own.network.network_address, own.network.broadcast_address}


def swept(own: IPv4Interface, most: int = MOST_SWEPT) -> IPv4Network:
    """What is looked through: the interface's own network, or the /24 around us where that has more than ``most`` addresses."""
    return own.network if own.network.num_addresses <= most else IPv4Network(f"{own.ip}/{_AROUND_US}", strict=False)
