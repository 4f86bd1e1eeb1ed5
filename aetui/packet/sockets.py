"""The raw sockets that the helper holds, opened while it has the right, with kernel filters so that only what can be an answer comes
up.

Linux. What this system does not give (no IPv6, no packet sockets in a container) is named in ``lacking``; where IPv4's own raw
sockets are refused OSError goes up, and ``NONE`` is what a helper for low ports alone holds. Filters are classic BPF (Linux's
filter.txt), written out by hand: libpcap is not needed.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

from aetui.wire import icmp
from aetui.wire.errqueue import IPV6_RECVHOPLIMIT, SO_TIMESTAMPNS

ETH_P_IP, ETH_P_ARP = 0x0800, 0x0806
_SOL_RAW, _ICMP_FILTER, _ICMP6_FILTER, _SO_ATTACH_FILTER = 255, 1, 1, 26
_RECEIVE_BUFFER = 1 << 20
_SYN_OR_RST = 0x06
DHCP_CLIENT = 68

_ACCEPT, _REJECT = (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)
_TCP4 = ((0xB1, 0, 0, 0), (0x50, 0, 0, 13), (0x45, 0, 1, _SYN_OR_RST), _ACCEPT, _REJECT)
"""ldx 4*([0]&0xf); ldb [x+13]; jset SYN|RST."""
_TCP6 = ((0x30, 0, 0, 13), (0x45, 0, 1, _SYN_OR_RST), _ACCEPT, _REJECT)
_DHCP = ((0x30, 0, 0, 9), (0x15, 0, 4, 17), (0xB1, 0, 0, 0), (0x48, 0, 0, 2), (0x15, 0, 1, DHCP_CLIENT), _ACCEPT, _REJECT)
"""ldb [9] is UDP; ldx 4*([0]&0xf); ldh [x+2] is 68. The packet socket is cooked: data start at the IP header."""


@dataclass(frozen=True, slots=True)
class Sockets:
    """What the helper holds; None for what this system does not give."""

    send4: socket.socket | None
    icmp4: socket.socket | None
    tcp4: socket.socket | None
    send6: socket.socket | None
    icmp6: socket.socket | None
    tcp6: socket.socket | None
    arp: socket.socket | None
    dhcp: socket.socket | None

    @property
    def lacking(self) -> tuple[str, ...]:
        """Names of what is not there."""
        return tuple(name for name, one in (("raw", self.send4), ("ipv6", self.icmp6), ("link", self.arp)) if one is None)


NONE = Sockets(None, None, None, None, None, None, None, None)


def open_all() -> Sockets:
    """Open everything. Raises OSError where IPv4's raw sockets are refused."""
    send4 = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    icmp4 = _raw(socket.AF_INET, socket.IPPROTO_ICMP)
    wanted = ~(1 << icmp.ECHO_REPLY | 1 << icmp.UNREACHABLE | 1 << icmp.TIME_EXCEEDED | 1 << icmp.PARAMETER) & 0xFFFFFFFF
    icmp4.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", wanted))
    tcp4 = _raw(socket.AF_INET, socket.IPPROTO_TCP)
    _attach(tcp4, _TCP4)
    send6, icmp6, tcp6 = _ipv6()
    arp, dhcp = _link()
    return Sockets(send4, icmp4, tcp4, send6, icmp6, tcp6, arp, dhcp)


def _ipv6() -> tuple[socket.socket, socket.socket, socket.socket] | tuple[None, None, None]:
    with suppress(OSError):
        send6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        icmp6 = _raw(socket.AF_INET6, socket.IPPROTO_ICMPV6)
        blocked = bytearray(b"\xff" * 32)
        for kind in (icmp.UNREACHABLE6, icmp.TOO_BIG6, icmp.TIME_EXCEEDED6, icmp.PARAMETER6, icmp.ECHO_REPLY6):
            word = kind // 32 * 4
            (value,) = struct.unpack_from("=I", blocked, word)
            struct.pack_into("=I", blocked, word, value & ~(1 << kind % 32))
        icmp6.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, bytes(blocked))
        tcp6 = _raw(socket.AF_INET6, socket.IPPROTO_TCP)
        _attach(tcp6, _TCP6)
        return send6, icmp6, tcp6
    return None, None, None


def _link() -> tuple[socket.socket, socket.socket] | tuple[None, None]:
    with suppress(OSError):
        arp = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP))
        dhcp = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        _attach(dhcp, _DHCP)
        for one in (arp, dhcp):
            one.setblocking(False)
        return arp, dhcp
    return None, None


def _raw(family: socket.AddressFamily, protocol: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_RAW, protocol)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1)
    return made


def _attach(made: socket.socket, program: tuple[tuple[int, int, int, int], ...]) -> None:
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(code)))
