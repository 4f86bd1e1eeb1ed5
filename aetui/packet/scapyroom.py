"""scapy, and nothing else: how it is loaded without noise, files or delay, and the packets that are made and read with it.

Importing this module does not import scapy; ``load`` does, once. Loaded so, scapy prints nothing, logs to nowhere, reads and writes no
cache (its caches are pickles, which a process with rights must not read from a user's folder), skips its tables of names, which take
most of its start, does not read the routing table, which takes minutes on a router with a full one (secdev/scapy#3577), and does not ask
the kernel for every interface: none of this is used, since packets are only made and read here. Where another scapy knows none of these
parts, it is loaded as it is.
"""

from __future__ import annotations

import builtins
import errno
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from ipaddress import ip_address
from types import ModuleType
from typing import Any

from aetui.packet.messages import Neighbour, Offer, OpenTrace

SEGMENT = {4: 1460, 6: 1440}
"""Segment size announced: what an Ethernet path takes."""
_UNUSED_TABLES = ("manuf", "bluetoothids", "ethertypes")
_UNUSED_FILES = frozenset({"/etc/services", "/etc/protocols", "/etc/ethertypes"})
"""Names for numbers, for people; scapy goes on where a system has none of them."""
_UNUSED_LIBRARY = "cryptography"
"""scapy tries it out when it loads, for layers that are not used here."""


@cache
def load() -> Any:
    """The layers that are used, as one namespace. Raises ImportError where scapy is not installed."""
    _hush()
    with _without_tables(), _without_names():
        from scapy.config import conf

        conf.verb = 0
        conf.route_autoload = conf.route6_autoload = False
        from scapy import interfaces

        known: Any = getattr(interfaces, "NetworkInterfaceDict", ModuleType("none"))
        known.reload = lambda self: None
        from scapy.layers import dhcp, inet, inet6, l2
    layers = ModuleType("layers")
    for module in (inet, inet6, l2, dhcp):
        layers.__dict__.update({name: value for name, value in vars(module).items() if name[:1].isupper()})
    return layers


def _hush() -> None:
    logging.getLogger("scapy").addHandler(logging.NullHandler())
    for name in ("scapy", "scapy.runtime", "scapy.loading", "scapy.interactive"):
        logging.getLogger(name).propagate = False
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextmanager
def _without_tables() -> Iterator[None]:
    """scapy's own tables of names are empty, and the library that it would try out is not there, while it loads."""
    absent: dict[str, Any] = {f"scapy.libs.{name}": ModuleType(f"scapy.libs.{name}") for name in _UNUSED_TABLES}
    for empty in absent.values():
        empty.DATA = ""
    absent[_UNUSED_LIBRARY] = None
    absent = {name: module for name, module in absent.items() if name not in sys.modules}
    sys.modules.update(absent)
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


@contextmanager
def _without_names() -> Iterator[None]:
    """The system's lists of names are not there while scapy loads. For one thread, before any other runs."""
    real = builtins.open

    def opened(file: Any, *rest: Any, **named: Any) -> Any:
        if file in _UNUSED_FILES:
            raise FileNotFoundError(errno.ENOENT, "not used", file)
        return real(file, *rest, **named)

    builtins.open = opened
    try:
        yield
    finally:
        builtins.open = real


def flow_packet(asked: OpenTrace, own: str, source_port: int, payload: bytes) -> bytes:
    """A probe of a flow, with the fields that differ from probe to probe left for the caller."""
    layers = load()
    version = ip_address(asked.address).version
    ip = layers.IPv6(src=own, dst=asked.address, hlim=1) if version == 6 else layers.IP(src=own, dst=asked.address, ttl=1, id=1, flags="DF")
    match asked.proto:
        case "tcp":
            options = [("MSS", SEGMENT[version]), ("SAckOK", b""), ("NOP", None), ("WScale", 7)]
            body = layers.TCP(sport=source_port, dport=asked.port, flags="S", window=64240, options=options)
        case "udp":
            body = layers.UDP(sport=source_port, dport=asked.port) / payload
        case _ if version == 6:
            body = layers.ICMPv6EchoRequest(id=source_port, data=payload)
        case _:
            body = layers.ICMP(id=source_port) / payload
    return bytes(ip / body)


def who_has(mac: str, sender: str, address: str) -> bytes:
    """An ARP question as an Ethernet frame."""
    layers = load()
    asked = layers.ARP(op="who-has", hwsrc=mac, psrc=sender, hwdst="00:00:00:00:00:00", pdst=address)
    return bytes(layers.Ether(src=mac, dst="ff:ff:ff:ff:ff:ff", type=0x0806) / asked)


def read_arp(frame: bytes) -> tuple[Neighbour, str] | None:
    """Who says to have an address, and to whom; None for anything else."""
    layers = load()
    try:
        found = layers.Ether(frame)
        arp = found[layers.ARP]
        answer, one = int(arp.op) == 2 or arp.psrc == arp.pdst, Neighbour(str(ip_address(arp.psrc)), str(arp.hwsrc).lower())
    except Exception:
        return None
    return (one, str(arp.pdst)) if answer else None


def discover(mac: str, number: int) -> bytes:
    """A DHCPDISCOVER as an Ethernet frame (RFC 2131 section 4.4.1), the reply asked for as a broadcast."""
    layers = load()
    hardware = bytes.fromhex(mac.replace(":", ""))
    asked = layers.DHCP(options=[("message-type", "discover"), ("param_req_list", [1, 3, 6, 15, 51, 54]), "end"])
    bootp = layers.BOOTP(chaddr=hardware, xid=number, flags=0x8000)
    ip = layers.IP(src="0.0.0.0", dst="255.255.255.255") / layers.UDP(sport=68, dport=67)
    return bytes(layers.Ether(src=mac, dst="ff:ff:ff:ff:ff:ff") / ip / bootp / asked)


def read_offer(packet: bytes, sender_mac: str, number: int) -> Offer | None:
    """A DHCPOFFER to our question, from an IP packet; None for anything else."""
    layers = load()
    try:
        found = layers.IP(packet)
        bootp, dhcp = found[layers.BOOTP], found[layers.DHCP]
        options = {option[0]: option[1:] for option in dhcp.options if isinstance(option, tuple)}
        if int(bootp.xid) != number or options.get("message-type", (0,))[0] != 2:
            return None
        return _offer(options, str(found.src), sender_mac, str(bootp.yiaddr))
    except Exception:
        return None


def _offer(options: dict[str, tuple[Any, ...]], source: str, mac: str, address: str) -> Offer:
    def first(key: str) -> Any:
        return options[key][0] if options.get(key) else None

    domain, lease = first("domain"), first("lease_time")
    return Offer(
        server=str(ip_address(str(first("server_id") or source))),
        mac=mac,
        address=str(ip_address(address)),
        router=str(ip_address(str(first("router")))) if first("router") else None,
        resolvers=tuple(str(ip_address(str(one))) for one in options.get("name_server", ())[:8]),
        mask=str(ip_address(str(first("subnet_mask")))) if first("subnet_mask") else None,
        lease_s=int(lease) if lease is not None else None,
        domain=domain.decode("utf-8", "replace")[:255] if isinstance(domain, bytes) else None,
    )
