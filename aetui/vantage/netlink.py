"""Two questions to the Linux kernel over rtnetlink: the neighbour table, and which own addresses have a lifetime. No privilege needed.

``neighbours`` and ``leased`` read a dump's bytes and are pure; ``dump`` asks for one and blocks for a fraction of a millisecond. Source:
rtnetlink(7), netlink(7), linux/neighbour.h, linux/if_addr.h. Bytes that are cut short or of another kind are passed over.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

HEADER = struct.Struct("=IHHII")
"""nlmsghdr: length, type, flags, sequence, port."""
ATTRIBUTE = struct.Struct("=HH")
"""rtattr: length, type."""
NEIGHBOUR = struct.Struct("=BxxxiHBB")
"""ndmsg: family, interface index, state, flags, type."""
ADDRESS = struct.Struct("=BBBBI")
"""ifaddrmsg: family, prefix length, flags, scope, interface index."""
DONE = 3
ERROR = 2
NEW_ADDRESS = 20
GET_ADDRESS = 22
NEW_NEIGHBOUR = 28
GET_NEIGHBOUR = 30
REQUEST_DUMP = 0x1 | 0x300
NDA_DST = 1
NDA_LLADDR = 2
IFA_ADDRESS = 1
IFA_LOCAL = 2
IFA_FLAGS = 8
IFA_F_PERMANENT = 0x80
ROOM = 65536
WAIT_S = 0.5
"""Longest wait for the kernel's own answer."""
SIZES: dict[int, int] = {socket.AF_INET: 4, socket.AF_INET6: 16}


class State(IntEnum):
    """Of a neighbour (NUD_*)."""

    NONE = 0x00
    INCOMPLETE = 0x01
    REACHABLE = 0x02
    STALE = 0x04
    DELAY = 0x08
    PROBE = 0x10
    FAILED = 0x20
    NOARP = 0x40
    PERMANENT = 0x80


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One entry of the ARP or neighbour discovery table."""

    address: str
    interface: int
    state: int
    mac: str | None


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each whole message; ends at the first that is not."""
    at = 0
    while at + HEADER.size <= len(data):
        length, kind, _, _, _ = HEADER.unpack_from(data, at)
        if length < HEADER.size or at + length > len(data):
            return
        yield kind, data[at + HEADER.size : at + length]
        at += (length + 3) & ~3


def attributes(data: bytes) -> dict[int, bytes]:
    """A message's attributes by type, the last of each; ends at the first that is not whole."""
    found: dict[int, bytes] = {}
    at = 0
    while at + ATTRIBUTE.size <= len(data):
        length, kind = ATTRIBUTE.unpack_from(data, at)
        if length < ATTRIBUTE.size or at + length > len(data):
            break
        found[kind] = data[at + ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found


def neighbours(data: bytes) -> tuple[Neighbour, ...]:
    """Every IPv4 and IPv6 neighbour of a dump."""
    return tuple(entry for kind, body in messages(data) if kind == NEW_NEIGHBOUR and (entry := _neighbour(body)) is not None)


def _neighbour(body: bytes) -> Neighbour | None:
    if len(body) < NEIGHBOUR.size:
        return None
    family, interface, state, _, _ = NEIGHBOUR.unpack_from(body)
    found = attributes(body[NEIGHBOUR.size :])
    address = _text(family, found.get(NDA_DST, b""))
    if address is None:
        return None
    mac = found.get(NDA_LLADDR, b"")
    return Neighbour(address, interface, state, mac.hex(":") if len(mac) == 6 and any(mac) else None)


def leased(data: bytes) -> dict[str, bool]:
    """Own addresses of a dump: True for one that was given for a time (DHCP or router advertisement), False for a permanent one."""
    found: dict[str, bool] = {}
    for kind, body in messages(data):
        if kind != NEW_ADDRESS or len(body) < ADDRESS.size:
            continue
        family, _, flags, _, _ = ADDRESS.unpack_from(body)
        own = attributes(body[ADDRESS.size :])
        address = _text(family, own.get(IFA_LOCAL) or own.get(IFA_ADDRESS, b""))
        if address is not None:
            wide = own.get(IFA_FLAGS, b"")
            found[address] = not (struct.unpack("=I", wide)[0] if len(wide) == 4 else flags) & IFA_F_PERMANENT
    return found


def _text(family: int, address: bytes) -> str | None:
    return socket.inet_ntop(family, address) if len(address) == SIZES.get(family, -1) else None


def dump(kind: int) -> bytes | None:
    """The kernel's whole table (GET_NEIGHBOUR, GET_ADDRESS), or None where it cannot be had."""
    if sys.platform != "linux":
        return None
    parts: list[bytes] = []
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
            sock.settimeout(WAIT_S)
            sock.send(HEADER.pack(HEADER.size + NEIGHBOUR.size, kind, REQUEST_DUMP, 1, 0) + bytes(NEIGHBOUR.size))
            while not any(part_kind in {DONE, ERROR} for part_kind, _ in messages(parts[-1] if parts else b"")):
                parts.append(sock.recv(ROOM))
    except OSError:
        return None
    return b"".join(parts)
