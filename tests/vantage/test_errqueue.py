"""The error queue's parser: bytes as the kernel gives them (recorded on Linux 6.18) in, the error and its sender out."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.observations import Icmp
from aetui.vantage.errqueue import EXTENDED_ERROR, IP_RECVERR, IPV6_RECVERR, ORIGIN_ICMP, ORIGIN_ICMP6, Queued, parse

V4 = (socket.IPPROTO_IP, IP_RECVERR)
V6 = (socket.IPPROTO_IPV6, IPV6_RECVERR)
SENDER4 = bytes.fromhex("020000000a0900010000000000000000")
SENDER6 = bytes.fromhex("0a00000000000000fd09000000000000000000000000000100000000")
NOBODY = bytes(16)


def extended(errno: int, origin: int, icmp_type: int, code: int, info: int = 0) -> bytes:
    return EXTENDED_ERROR.pack(errno, origin, icmp_type, code, 0, info, 0)


@pytest.mark.parametrize(
    ("name", "place", "data", "queued"),
    [
        ("port unreachable", V4, extended(111, 2, 3, 3) + SENDER4, Queued(111, Icmp(3, 3, "10.9.0.1"))),
        ("admin prohibited", V4, extended(113, 2, 3, 13) + SENDER4, Queued(113, Icmp(3, 13, "10.9.0.1"))),
        ("time exceeded", V4, extended(113, 2, 11, 0) + SENDER4, Queued(113, Icmp(11, 0, "10.9.0.1"))),
        ("fragmentation needed tells the MTU", V4, extended(90, 2, 3, 4, 1400) + SENDER4, Queued(90, Icmp(3, 4, "10.9.0.1", 1400))),
        ("info is no MTU elsewhere", V4, extended(111, 2, 3, 3, 1400) + SENDER4, Queued(111, Icmp(3, 3, "10.9.0.1"))),
        ("IPv6 port unreachable", V6, extended(111, 3, 1, 4) + SENDER6, Queued(111, Icmp(1, 4, "fd09::1"))),
        ("IPv6 too big tells the MTU", V6, extended(90, 3, 2, 0, 1280) + SENDER6, Queued(90, Icmp(2, 0, "fd09::1", 1280))),
        ("our own error has no ICMP", V4, extended(90, 1, 0, 0, 1500) + NOBODY, Queued(90)),
        ("a timestamp is no error", V4, extended(0, 4, 0, 0) + SENDER4, None),
        ("sender not known", V4, extended(111, 2, 3, 3) + NOBODY, None),
        ("sender cut short", V4, extended(111, 2, 3, 3) + SENDER4[:7], None),
        ("sender missing", V4, extended(111, 2, 3, 3), None),
        ("error cut short", V4, extended(111, 2, 3, 3)[:15], None),
        ("another control message", (socket.IPPROTO_IP, 2), extended(111, 2, 3, 3) + SENDER4, None),
        ("an IPv4 sender for an ICMPv6 error", V6, extended(111, 3, 1, 4) + SENDER4 + bytes(12), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_entry_of_the_queue(name: str, place: tuple[int, int], data: bytes, queued: Queued | None) -> None:
    assert parse(*place, data) == queued


@given(st.sampled_from([V4, V6, (0, 0)]), st.binary(max_size=80))
def test_no_bytes_break_the_parser(place: tuple[int, int], data: bytes) -> None:
    queued = parse(*place, data)
    assert queued is None or isinstance(queued.errno, int)


@given(st.ip_addresses(), st.integers(0, 255), st.integers(0, 255), st.integers(1, 133))
def test_every_sender_type_and_code_is_kept(sender: object, icmp_type: int, code: int, errno: int) -> None:
    text = str(sender)
    if ":" in text:
        address = struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, text), 0)
        found = parse(*V6, extended(errno, ORIGIN_ICMP6, icmp_type, code) + address)
    else:
        address = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_pton(socket.AF_INET, text))
        found = parse(*V4, extended(errno, ORIGIN_ICMP, icmp_type, code) + address)
    assert found is not None
    assert found.icmp is not None
    assert (found.errno, found.icmp.type, found.icmp.code) == (errno, icmp_type, code)
    assert socket.getaddrinfo(found.icmp.sender, None)[0][4][0] == socket.getaddrinfo(text, None)[0][4][0]
