"""The helper's questions to the local network: who offers DHCP, who has an address. Frames out and in over packet sockets; holds no
right.

Bounded: one DISCOVER, never a REQUEST, so no address is taken; ARP for at most ``MOST_HOSTS`` addresses of the interface's own
networks, ``PER_TICK`` at a time; one question of each kind at once. Answers are gathered until the time is up, no more than one reply
holds.
"""

from __future__ import annotations

import secrets
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from aetui.packet import messages, scapyroom
from aetui.packet.messages import ArpHeard, DhcpOffers, DiscoverDhcp, Neighbour, Offer, Refused, Reply, ScanArp
from aetui.packet.sockets import ETH_P_ARP, ETH_P_IP, Sockets

PER_TICK, TICK_S = 8, 0.02
"""ARP questions sent together, and the pause after them: 400 a second, which no switch and no logger minds."""
PASSES = 2
"""Times that each address is asked: one frame may be lost."""
MOST_NEIGHBOURS, MOST_OFFERS = messages.MOST_HOSTS, 16
"""Answers that are kept, whoever floods the network with more: they all go into one frame of ``messages.LARGEST`` bytes."""
_SIOCGIFADDR, _SIOCGIFNETMASK, _SIOCGIFHWADDR = 0x8915, 0x891B, 0x8927
_ARPHRD_ETHER = 1


@dataclass(slots=True)
class _Scan:
    asked: ScanArp
    mac: str
    sender: str
    left: Iterator[str]
    due: float
    ends: float | None = None
    heard: dict[tuple[str, str], Neighbour] = field(default_factory=dict)


@dataclass(slots=True)
class _Discovery:
    asked: DiscoverDhcp
    number: int
    ends: float
    offers: dict[tuple[str, str], Offer] = field(default_factory=dict)


class Lan:
    """The one scan and the one discovery that may run."""

    def __init__(self, sockets: Sockets, tell: Callable[[Reply], None]) -> None:
        self._sockets = sockets
        self._tell = tell
        self._scan: _Scan | None = None
        self._discovery: _Discovery | None = None

    def scan(self, asked: ScanArp) -> None:
        """Begin; ``ArpHeard`` follows when the time is up, or ``Refused``."""
        own = interface_address(asked.interface)
        mac = interface_mac(asked.interface)
        refusal = self._refusal(asked, own, mac)
        if refusal is not None or mac is None:
            self._tell(Refused(asked.id, refusal or "the interface has no hardware address"))
            return
        hosts = _hosts(asked)
        sender = "0.0.0.0" if asked.probe or own is None else str(own.ip)
        left = (address for _ in range(PASSES) for address in hosts if asked.probe or own is None or address != str(own.ip))
        self._scan = _Scan(asked, mac, sender, left, time.monotonic())

    def discover(self, asked: DiscoverDhcp) -> None:
        """Begin; ``DhcpOffers`` follows when the time is up, or ``Refused``."""
        mac = interface_mac(asked.interface)
        if self._sockets.arp is None or mac is None or self._discovery is not None:
            busy = "a DHCP question is still open" if self._discovery is not None else "this interface cannot be used"
            self._tell(Refused(asked.id, busy))
            return
        number = secrets.randbits(32)
        try:
            self._sockets.arp.sendto(scapyroom.discover(mac, number), (asked.interface, ETH_P_IP))
        except OSError as error:
            self._tell(Refused(asked.id, error.strerror or "cannot send", None))
            return
        self._discovery = _Discovery(asked, number, time.monotonic() + asked.wait_s)

    def wake(self) -> float | None:
        """When ``tick`` has something to do, by the monotonic clock."""
        times = [self._scan.due if self._scan.ends is None else self._scan.ends] if self._scan else []
        times += [self._discovery.ends] if self._discovery else []
        return min(times, default=None)

    def tick(self) -> None:
        """Send what is due, end what is over."""
        now = time.monotonic()
        if self._scan is not None and self._scan.ends is None and now >= self._scan.due:
            self._send_some(self._scan, now)
        elif self._scan is not None and self._scan.ends is not None and now >= self._scan.ends:
            done, self._scan = self._scan, None
            self._tell(ArpHeard(done.asked.id, tuple(done.heard.values())))
        if self._discovery is not None and now >= self._discovery.ends:
            over, self._discovery = self._discovery, None
            self._tell(DhcpOffers(over.asked.id, tuple(over.offers.values())))

    def arp_readable(self) -> None:
        """Read ARP frames; without a scan they are thrown away."""
        for frame, _ in _frames(self._sockets.arp):
            scan = self._scan
            found = scapyroom.read_arp(frame) if scan is not None and len(scan.heard) < MOST_NEIGHBOURS else None
            if scan is not None and found is not None and _asked_for(scan, found[0].address):
                scan.heard[found[0].address, found[0].mac] = found[0]

    def dhcp_readable(self) -> None:
        """Read DHCP packets; without a discovery they are thrown away."""
        for packet, sender in _frames(self._sockets.dhcp):
            if self._discovery is not None and len(self._discovery.offers) < MOST_OFFERS:
                offer = scapyroom.read_offer(packet, sender, self._discovery.number)
                if offer is not None:
                    self._discovery.offers[offer.server, offer.mac] = offer

    def _refusal(self, asked: ScanArp, own: IPv4Interface | None, mac: str | None) -> str | None:
        if self._sockets.arp is None or mac is None:
            return "this interface cannot be used"
        if self._scan is not None:
            return "a scan is still running"
        wanted = IPv4Network(asked.network, strict=False)
        if wanted.num_addresses > 1 and (own is None or not wanted.subnet_of(own.network)):
            return "only the interface's own network is scanned"
        return None

    def _send_some(self, scan: _Scan, now: float) -> None:
        assert self._sockets.arp is not None
        for _ in range(PER_TICK):
            address = next(scan.left, None)
            if address is None:
                scan.ends = now + scan.asked.wait_s
                return
            with suppress(OSError):
                self._sockets.arp.sendto(scapyroom.who_has(scan.mac, scan.sender, address), (scan.asked.interface, ETH_P_ARP))
        scan.due = now + TICK_S


def interface_mac(name: str) -> str | None:
    """Hardware address of an Ethernet interface, None where it has none."""
    answer = _ask_kernel(name, _SIOCGIFHWADDR)
    if answer is None or struct.unpack_from("=H", answer, 16)[0] != _ARPHRD_ETHER:
        return None
    return ":".join(f"{byte:02x}" for byte in answer[18:24])


def interface_address(name: str) -> IPv4Interface | None:
    """First IPv4 address of an interface with its network, None where it has none."""
    address, mask = _ask_kernel(name, _SIOCGIFADDR), _ask_kernel(name, _SIOCGIFNETMASK)
    return IPv4Interface(f"{IPv4Address(address[20:24])}/{IPv4Address(mask[20:24])}") if address and mask else None


def _ask_kernel(name: str, question: int) -> bytes | None:
    """netdevice(7): struct ifreq, the name and what is asked for."""
    import fcntl

    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        return bytes(fcntl.ioctl(asking, question, struct.pack("16s24x", name.encode()[:15])))
    return None


def _hosts(asked: ScanArp) -> tuple[str, ...]:
    network = IPv4Network(asked.network, strict=False)
    if network.num_addresses == 1:
        return (str(network.network_address),)
    return tuple(str(host) for host in network.hosts())


def _asked_for(scan: _Scan, address: str) -> bool:
    return IPv4Address(address) in IPv4Network(scan.asked.network, strict=False)


def _frames(source: socket.socket | None) -> list[tuple[bytes, str]]:
    """Whole frames and their senders' hardware addresses, as many as are there."""
    found: list[tuple[bytes, str]] = []
    with suppress(OSError):
        for _ in range(256 if source is not None else 0):
            assert source is not None
            data, sender = source.recvfrom(4096)
            found.append((data, ":".join(f"{byte:02x}" for byte in sender[4])))
    return found
