"""Default routes, read from what the system shows of its routing table. The parsers are pure: text in, a ``Default`` or None out.

Linux: /proc/net/route and /proc/net/ipv6_route (main table only; the addresses there are hexadecimal, IPv4 in host byte order). macOS:
``netstat -rn``. Windows: ``route print -4``. Where several default routes stand, the one with the lowest metric counts. Lines of another
form are passed over.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

UP = 0x1
REJECT = 0x200
"""RTF_UP, RTF_REJECT of linux/route.h."""
NOWHERE6 = "0" * 32
COMMAND_S = 2.0
"""Longest wait for a system's own command."""


@dataclass(frozen=True, slots=True)
class Default:
    """A default route."""

    interface: str | None
    gateway: str | None
    """None for a link without one (PPP, a tunnel)."""


def parse_linux4(text: str) -> Default | None:
    """The default route of /proc/net/route."""
    found: list[tuple[int, Default]] = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        try:
            target, gateway, flags, mask = (int(fields[n], 16) for n in (1, 2, 3, 7))
            interface, metric = fields[0], int(fields[6])
        except (IndexError, ValueError):
            continue
        if target == mask == 0 and flags & UP and not flags & REJECT:
            found.append((metric, Default(interface, socket.inet_ntoa(struct.pack("=I", gateway & 0xFFFFFFFF)) if gateway else None)))
    return min(found, key=lambda entry: entry[0])[1] if found else None


def parse_linux6(text: str) -> Default | None:
    """The default route of /proc/net/ipv6_route."""
    found: list[tuple[int, Default]] = []
    for line in text.splitlines():
        fields = line.split()
        try:
            target, length, interface = fields[0], fields[1], fields[9]
            metric, flags = int(fields[5], 16), int(fields[8], 16)
            hop = str(ipaddress.IPv6Address(bytes.fromhex(fields[4])))
        except (IndexError, ValueError):
            continue
        if target == NOWHERE6 and length == "00" and flags & UP and not flags & REJECT and interface != "lo":
            found.append((metric, Default(interface, None if hop == "::" else hop)))
    return min(found, key=lambda entry: entry[0])[1] if found else None


def parse_macos(text: str) -> Default | None:
    """The first default route of ``netstat -rn -f inet`` (or inet6): columns Destination, Gateway, Flags, Netif."""
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 4 and fields[0] == "default":
            return Default(fields[3], _literal(fields[1].partition("%")[0]))
    return None


def parse_windows(text: str) -> Default | None:
    """The default route with the lowest metric of ``route print -4``: columns destination, netmask, gateway, interface, metric."""
    found: list[tuple[int, Default]] = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 5 and fields[0] == fields[1] == "0.0.0.0" and fields[4].isdecimal():
            found.append((int(fields[4]), Default(None, _literal(fields[2]))))
    return min(found, key=lambda entry: entry[0])[1] if found else None


def _literal(text: str) -> str | None:
    """The address, or None for a word such as ``On-link`` or ``link#12``."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def defaults() -> tuple[Default | None, Default | None]:
    """This machine's default routes, IPv4 and IPv6. Blocks: files on Linux, a command of at most COMMAND_S elsewhere."""
    found: tuple[Default | None, Default | None] = None, None
    if sys.platform == "linux":
        found = parse_linux4(read(Path("/proc/net/route"))), parse_linux6(read(Path("/proc/net/ipv6_route")))
    elif sys.platform == "darwin":
        found = parse_macos(_said("netstat", "-rn", "-f", "inet")), parse_macos(_said("netstat", "-rn", "-f", "inet6"))
    elif sys.platform == "win32":
        found = parse_windows(_said("route", "print", "-4")), None
    return found


def read(path: Path) -> str:
    """A small file of the system, "" where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _said(*command: str) -> str:
    """Output of a system's own command, "" where it is not there or takes too long."""
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=COMMAND_S, check=False).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
