"""The survey: this machine's own place in the network, gathered from the modules that each read one part of the system into a ``LinkSeen``.

Nothing is sent but the one datagram by which ``neighbour`` learns whether the gateway answers. What this system could not tell is named in
``missing``, in short words; it is then None, never a guess.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from aetui.observations import Interface, LinkSeen
from aetui.vantage import interfaces, netlink, proxies, routes
from aetui.vantage.accepting import own_address
from aetui.vantage.neighbour import UNKNOWN, AskGateway, Gateway
from aetui.vantage.routes import Default

MANAGERS = (Path("/run/systemd/netif"), Path("/run/NetworkManager"), Path("/run/dhcpcd"))
"""Of network managers that give every address from DHCP a lifetime: under them a permanent address is a static one."""
LEASES = ((Path("/var/lib/dhcp"), "*.leases"), (Path("/var/lib/dhclient"), "*.leases"), (Path("/var/lib/NetworkManager"), "*.lease"))
"""Where DHCP clients keep what they were given; a file names the address."""
UNIQUE_LOCAL = ipaddress.ip_network("fc00::/7")


def dhcp(address: str | None, lifetimes: dict[str, bool], managed: bool, leases: str) -> bool | None:
    """Whether an own IPv4 address came from DHCP; None where it cannot be told.

    ``lifetimes`` are the kernel's (True: given for a time), ``managed`` says that a manager runs that sets them,
    ``leases`` is the text of the lease files.
    """
    if address is None or address not in lifetimes:
        return None
    if lifetimes[address] or f"fixed-address {address};" in leases or f"ADDRESS={address}\n" in leases:
        return True
    return False if managed else None


def reaches_the_world(address: str | None) -> bool:
    """An IPv6 address that can be used beyond the site (neither link-local nor unique local, RFC 4193)."""
    if address is None:
        return False
    number = ipaddress.ip_address(address)
    return not (number.is_link_local or number.is_loopback or number in UNIQUE_LOCAL)


def best_address(address: str | None, found: tuple[Interface, ...]) -> str | None:
    """``address``, or without a default route the first IPv4 address of an interface that is up, a wired or wireless one before others."""
    if address is not None:
        return address
    usable = sorted((i for i in found if i.up and i.kind != "loopback"), key=lambda i: i.kind not in {"wired", "wireless"})
    return next((text.partition("/")[0] for interface in usable for text in interface.addresses if "." in text), None)


def interface_of(address: str | None, found: tuple[Interface, ...]) -> str | None:
    """The interface that has an address."""
    return next((i.name for i in found if address and any(text.partition("/")[0] == address for text in i.addresses)), None)


@dataclass(frozen=True, slots=True)
class Place:
    """This machine's way to the world."""

    route4: Default | None
    route6: Default | None
    address: str | None
    address6: str | None

    @property
    def route(self) -> Default | None:
        """The default route, IPv4 before IPv6."""
        return self.route4 or self.route6


def place() -> Place:
    """Where this machine stands. Blocks: some files on Linux, two commands elsewhere."""
    route4, route6 = routes.defaults()
    return Place(route4, route6, own_address(socket.AF_INET), own_address(socket.AF_INET6))


async def survey(deadline: float, resolvers: tuple[str, ...], ask_gateway: AskGateway) -> LinkSeen:
    """See the module's text. Takes as long as the gateway's answer, or its silence; everything else is a few milliseconds."""
    mine = await asyncio.to_thread(place)
    route = mine.route
    pulled = {i.name for i in interfaces.interfaces() if i.carrier is False}  # nobody can answer there: no use in waiting
    there = route is not None and route.interface not in pulled
    gateway = await ask_gateway(route.gateway, route.interface, deadline) if route and route.gateway and there else UNKNOWN
    return await asyncio.to_thread(_gather, mine, gateway, resolvers)


def _gather(mine: Place, gateway: Gateway, resolvers: tuple[str, ...]) -> LinkSeen:
    found = interfaces.interfaces()
    address = best_address(mine.address, found)
    from_dhcp = dhcp(address, _lifetimes(), any(path.exists() for path in MANAGERS), _leases())
    return LinkSeen(
        interfaces=found,
        default_interface=(mine.route and mine.route.interface) or interface_of(mine.address or mine.address6, found),
        address=address,
        gateway=mine.route4.gateway if mine.route4 else None,
        gateway_mac=gateway.mac,
        gateway_answers=gateway.answers,
        resolvers=resolvers,
        gateway6=mine.route6.gateway if mine.route6 else None,
        address6=mine.address6,
        dhcp=from_dhcp,
        proxies=proxies.configured(),
        platform=sys.platform,
        missing=_missing(mine, gateway, found, address is not None and from_dhcp is None),
    )


def _missing(mine: Place, gateway: Gateway, found: tuple[Interface, ...], lease_unknown: bool) -> tuple[str, ...]:
    """What could not be told, in short words."""
    unknown = {
        "carrier": any(i.up and i.carrier is None for i in found if i.kind != "loopback"),
        "default gateway": mine.route is None and mine.address is not None,
        "whether the gateway answers": mine.route is not None and mine.route.gateway is not None and gateway.answers is None,
        "whether the address came from DHCP": lease_unknown,
    }
    return tuple(words for words, missing in unknown.items() if missing)


def _lifetimes() -> dict[str, bool]:
    return netlink.leased(netlink.dump(netlink.GET_ADDRESS) or b"")


def _leases() -> str:
    return "\n".join(routes.read(path) for directory, pattern in LEASES for path in _listed(directory, pattern))


def _listed(directory: Path, pattern: str) -> list[Path]:
    try:
        return sorted(directory.glob(pattern))
    except OSError:
        return []
