"""The error queue: control messages as the kernel gives them (recorded on Linux 6.18) in, the error and its sender out."""

from __future__ import annotations

import socket
import struct
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.observations import Icmp
from aetui.vantage.errqueue import Queued, arm, drain, parse
from aetui.wire.errqueue import IP_RECVERR, IP_RECVTTL, IPV6_RECVERR

V4 = (socket.IPPROTO_IP, IP_RECVERR)
V6 = (socket.IPPROTO_IPV6, IPV6_RECVERR)
SENDER4 = bytes.fromhex("020000000a0900010000000000000000")
SENDER6 = bytes.fromhex("0a00000000000000fd09000000000000000000000000000100000000")
NOBODY = bytes(16)


def extended(errno: int, origin: int, icmp_type: int, code: int, info: int = 0) -> bytes:
    return struct.pack("=IBBBBII", errno, origin, icmp_type, code, 0, info, 0)


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
        ("sender not known", V4, extended(111, 2, 3, 3) + NOBODY, Queued(111)),
        ("sender cut short", V4, extended(111, 2, 3, 3) + SENDER4[:7], Queued(111)),
        ("sender missing", V4, extended(111, 2, 3, 3), Queued(111)),
        ("error cut short", V4, extended(111, 2, 3, 3)[:15], None),
        ("another control message", (socket.IPPROTO_IP, IP_RECVTTL), extended(111, 2, 3, 3) + SENDER4, None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_entry_of_the_queue(name: str, place: tuple[int, int], data: bytes, queued: Queued | None) -> None:
    assert parse([(*place, data)]) == queued


def test_an_entry_without_control_messages_is_none() -> None:
    assert parse([]) is None


@given(st.sampled_from([V4, V6, (0, 0)]), st.binary(max_size=80))
def test_no_bytes_break_the_parser(place: tuple[int, int], data: bytes) -> None:
    queued = parse([(*place, data)])
    assert queued is None or isinstance(queued.errno, int)


@given(st.ip_addresses(v=4), st.integers(0, 255), st.integers(0, 255), st.integers(1, 133))
def test_every_sender_type_and_code_is_kept(sender: object, icmp_type: int, code: int, errno: int) -> None:
    address = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(str(sender)))
    queued = parse([(*V4, extended(errno, 2, icmp_type, code) + address)])
    assert queued is not None
    assert queued.icmp is not None
    assert (queued.errno, queued.icmp.type, queued.icmp.code, queued.icmp.sender) == (errno, icmp_type, code, str(sender))


@pytest.mark.skipif(sys.platform != "linux", reason="the error queue is Linux's")
def test_the_real_queue_tells_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        arm(sock)
        assert drain(sock) is None
        sock.connect(("127.0.0.1", port))
        sock.send(b"x")
        assert drain(sock) == Queued(111, Icmp(3, 3, "127.0.0.1"))
        assert drain(sock) is None
