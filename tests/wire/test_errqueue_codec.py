"""Linux's extended socket errors, read from control messages."""

from __future__ import annotations

import socket
import struct

from hypothesis import given
from hypothesis import strategies as st

from aetui.wire import errqueue
from aetui.wire.errqueue import QueuedError, parse_control

U8, U32 = st.integers(0, 255), st.integers(0, 2**32 - 1)


def _extended(errno: int, origin: int, kind: int, code: int, info: int, sockaddr: bytes) -> bytes:
    return struct.pack("=IBBBBII", errno, origin, kind, code, 0, info, 0) + sockaddr


@given(U8, U8, U8, U32, st.ip_addresses(v=4), st.integers(1, 255))
def test_an_ipv4_error_gives_its_sender_and_how_it_arrived(errno, kind, code, info, offender, ttl) -> None:
    sockaddr = struct.pack("=HH", socket.AF_INET, 0) + offender.packed + bytes(8)
    found = parse_control(
        [
            (0, errqueue.IP_TTL, struct.pack("=i", ttl)),
            (0, errqueue.IP_RECVERR, _extended(errno, 2, kind, code, info, sockaddr)),
            (1, errqueue.SO_TIMESTAMPNS, struct.pack("=qq", 1_700_000_000, 500_000_000)),
        ]
    )
    assert found == QueuedError(errno, 2, kind, code, info, str(offender), ttl, 1_700_000_000.5)
    assert found.from_network


@given(st.ip_addresses(v=6))
def test_an_ipv6_error_gives_its_sender(offender) -> None:
    sockaddr = struct.pack("=HHI", socket.AF_INET6, 0, 0) + offender.packed + bytes(4)
    found = parse_control([(41, errqueue.IPV6_RECVERR, _extended(113, 3, 3, 0, 0, sockaddr))])
    assert found is not None
    assert found.offender == str(offender.ipv4_mapped or offender)


def test_an_error_of_this_machine_has_no_sender_and_is_not_from_the_network() -> None:
    found = parse_control([(0, errqueue.IP_RECVERR, _extended(90, 1, 0, 0, 1400, bytes(16)))])
    assert found is not None
    assert found.offender is None
    assert not found.from_network


@given(st.lists(st.tuples(st.sampled_from([0, 1, 41]), st.sampled_from([2, 11, 25, 35, 52]), st.binary(max_size=48))))
def test_no_control_message_at_all_makes_it_raise(messages: list[tuple[int, int, bytes]]) -> None:
    parse_control(messages)
