"""struct tcp_info: the fields at their places, and when they prove that nothing left this machine."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.vantage.tcpinfo import CLOSE_WAIT, ESTABLISHED, SIZE, SYN_SENT, TcpInfo, parse


def tcp_info(state: int, timeouts: int = 0, in_flight: int = 0, rtt_us: int = 0, resent: int = 0) -> bytes:
    data = bytearray(SIZE)
    data[0], data[2] = state, timeouts
    struct.pack_into("=I", data, 36, in_flight)
    struct.pack_into("=I", data, 68, rtt_us)
    struct.pack_into("=I", data, 100, resent)
    return bytes(data)


def test_each_field_is_read_from_its_place() -> None:
    assert parse(tcp_info(ESTABLISHED, 1, 2, 46_500, 3)) == TcpInfo(ESTABLISHED, 1, 2, 46.5, 3)


def test_no_sample_is_no_round_trip() -> None:
    info = parse(tcp_info(SYN_SENT))
    assert info is not None
    assert info.rtt_ms is None


@pytest.mark.parametrize(("state", "connected"), [(ESTABLISHED, True), (CLOSE_WAIT, True), (SYN_SENT, False), (7, False)])
def test_connected_is_a_finished_handshake(state: int, connected: bool) -> None:
    info = parse(tcp_info(state))
    assert info is not None
    assert info.connected is connected


@pytest.mark.parametrize(
    ("name", "data", "held_back"),
    [
        ("all copies died inside", tcp_info(SYN_SENT, timeouts=3, in_flight=0, resent=3), True),
        ("the last copy left", tcp_info(SYN_SENT, timeouts=3, in_flight=1, resent=3), False),
        ("no copy was due yet", tcp_info(SYN_SENT), False),
        ("one waits for the neighbour", tcp_info(SYN_SENT, timeouts=2, in_flight=0, resent=1), False),
        ("it is connected", tcp_info(ESTABLISHED, timeouts=1, in_flight=0, resent=1), False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_held_back_needs_proof(name: str, data: bytes, held_back: bool) -> None:
    info = parse(data)
    assert info is not None
    assert info.held_back is held_back


@given(st.binary(max_size=300))
def test_short_bytes_are_none_and_long_ones_are_read(data: bytes) -> None:
    assert (parse(data) is None) == (len(data) < SIZE)
