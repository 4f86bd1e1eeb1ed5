"""This machine's network interfaces: psutil's list, and on Linux the kind that /sys/class/net tells. Blocks for some milliseconds."""

from __future__ import annotations

import ipaddress
import re
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aetui.observations import Interface
from aetui.vantage.routes import read

if TYPE_CHECKING:
    from psutil._ntuples import snicaddr, snicstats

SYS = Path("/sys/class/net")
UNKNOWN_SPEED = 65535
"""What drivers say that do not know (SPEED_UNKNOWN)."""
ARPHRD_LOOPBACK = 772
ARPHRD_NONE = 65534
"""linux/if_arp.h; NONE is a layer 3 tunnel (tun, WireGuard)."""
DEVICE_TYPES = {"wlan": "wireless", "wwan": "wireless", "wireguard": "vpn", "bridge": "virtual", "vlan": "virtual", "bond": "virtual"}
"""DEVTYPE of uevent."""
NAMES = (
    (re.compile(r"^(lo\d*$|loopback)", re.IGNORECASE), "loopback"),
    (re.compile(r"^(wl|wi-?fi|wwan|ath\d|wireless)", re.IGNORECASE), "wireless"),
    (re.compile(r"^(tun|tap|wg|utun|tailscale|zt|ipsec|gpd|nordlynx|openvpn|wireguard)", re.IGNORECASE), "vpn"),
    (re.compile(r"^(veth|docker|br-|virbr|vmnet|vboxnet|vethernet|awdl|llw|bridge|ppp|dummy)", re.IGNORECASE), "virtual"),
)
"""By name, for systems that do not say it better."""


def kind_by_name(name: str) -> str:
    """A guess for systems without /sys, by the names that they give; ``wired`` for the rest."""
    return next((kind for pattern, kind in NAMES if pattern.search(name)), "wired")


def kind_of(name: str, root: Path = SYS) -> str:
    """The kind of an interface, from the kernel's own description of it where there is one."""
    place = root / name
    device = read(place / "type").strip()
    if not device or (root == SYS and not _is_ours(name)):
        return kind_by_name(name)
    if device == str(ARPHRD_LOOPBACK):
        return "loopback"
    if (place / "wireless").exists() or (place / "phy80211").exists():
        return "wireless"
    if device == str(ARPHRD_NONE) or (place / "tun_flags").exists():
        return "vpn"
    stated = re.search(r"^DEVTYPE=(\w+)$", read(place / "uevent"), re.MULTILINE)
    if stated and stated[1] in DEVICE_TYPES:
        return DEVICE_TYPES[stated[1]]
    return "wired" if (place / "device").exists() else "virtual"


def _is_ours(name: str) -> bool:
    """/sys may show another network namespace than this process's own."""
    try:
        return read(SYS / name / "ifindex").strip() == str(socket.if_nametoindex(name))
    except OSError:
        return False


def state_of(flags: str, running: bool, platform: str = sys.platform) -> tuple[bool, bool | None]:
    """Whether an interface is switched on, and whether its cable or radio has another end, from psutil's ``flags`` and ``isup``.

    Linux: IFF_UP and IFF_RUNNING (netdevice(7)), asked in this process's own namespace. Windows: an adapter that is up has a medium.
    macOS: not known. The carrier of an interface that is off is not known anywhere.
    """
    if platform == "linux":
        set_ = flags.split(",")
        up = "up" in set_
        return up, "running" in set_ if up else None
    return running, True if running and platform == "win32" else None


def interfaces() -> tuple[Interface, ...]:
    """All of them, in the system's order."""
    import psutil

    addresses = psutil.net_if_addrs()
    stats = psutil.net_if_stats()
    return tuple(_interface(name, addresses.get(name, []), stats.get(name)) for name in dict.fromkeys([*stats, *addresses]))


def _interface(name: str, addresses: list[snicaddr], stats: snicstats | None) -> Interface:
    import psutil

    up, carrier = state_of(stats.flags, stats.isup) if stats else (False, None)
    macs = [entry.address.replace("-", ":").lower() for entry in addresses if entry.family == psutil.AF_LINK]
    return Interface(
        name=name,
        up=up,
        carrier=carrier,
        mac=next((mac for mac in macs if mac.strip("0:")), None),
        addresses=tuple(filter(None, (with_prefix(entry.family, entry.address, entry.netmask) for entry in addresses))),
        mtu=stats.mtu if stats and stats.mtu else None,
        speed_mbps=stats.speed if stats and 0 < stats.speed < UNKNOWN_SPEED else None,
        kind=kind_of(name) if sys.platform == "linux" else kind_by_name(name),
    )


def with_prefix(family: int, address: str, netmask: str | None) -> str | None:
    """``192.168.50.20/24``; the address alone where the mask is not known, None for what is no IP address."""
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return None
    bare = address.partition("%")[0]
    try:
        length = int(ipaddress.ip_address(netmask)).bit_count() if netmask else None
        text = str(ipaddress.ip_address(bare))
    except ValueError:
        return None
    return f"{text}/{length}" if length is not None else text
