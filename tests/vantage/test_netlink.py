"""rtnetlink dumps: neighbours and address lifetimes, and bytes that are none."""

from __future__ import annotations

import socket
import struct
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.vantage.neighbour import Gateway, judge
from aetui.vantage.netlink import (
    ADDRESS,
    ATTRIBUTE,
    DONE,
    GET_ADDRESS,
    HEADER,
    IFA_ADDRESS,
    IFA_F_PERMANENT,
    IFA_FLAGS,
    IFA_LOCAL,
    NDA_DST,
    NDA_LLADDR,
    NEIGHBOUR,
    NEW_ADDRESS,
    NEW_NEIGHBOUR,
    Neighbour,
    State,
    dump,
    leased,
    neighbours,
)

MAC = bytes.fromhex("26b56bf4a59d")


def attribute(kind: int, value: bytes) -> bytes:
    return ATTRIBUTE.pack(ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def message(kind: int, body: bytes) -> bytes:
    return HEADER.pack(HEADER.size + len(body), kind, 0, 1, 0) + body + bytes(-len(body) % 4)


def neighbour(address: str, state: int, mac: bytes = MAC, interface: int = 2) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    body = NEIGHBOUR.pack(family, interface, state, 0, 1) + attribute(NDA_DST, socket.inet_pton(family, address))
    return message(NEW_NEIGHBOUR, body + (attribute(NDA_LLADDR, mac) if mac else b""))


def address(text: str, flags: int, wide: int | None = None, peer: str | None = None) -> bytes:
    body = ADDRESS.pack(socket.AF_INET, 24, flags, 0, 2) + attribute(IFA_ADDRESS, socket.inet_aton(peer or text))
    body += attribute(IFA_LOCAL, socket.inet_aton(text)) + (attribute(IFA_FLAGS, struct.pack("=I", wide)) if wide is not None else b"")
    return message(NEW_ADDRESS, body)


def test_neighbours_of_both_families_are_read() -> None:
    data = neighbour("10.9.0.2", State.REACHABLE) + neighbour("fe80::1", State.STALE) + neighbour("10.9.0.97", State.FAILED, b"")
    assert neighbours(data + message(DONE, bytes(4))) == (
        Neighbour("10.9.0.2", 2, State.REACHABLE, "26:b5:6b:f4:a5:9d"),
        Neighbour("fe80::1", 2, State.STALE, "26:b5:6b:f4:a5:9d"),
        Neighbour("10.9.0.97", 2, State.FAILED, None),
    )


def test_an_address_without_the_permanent_flag_was_given_for_a_time() -> None:
    data = address("10.0.0.5", 0) + address("10.0.0.6", IFA_F_PERMANENT) + address("10.0.0.7", 0, wide=IFA_F_PERMANENT | 0x200)
    assert leased(data) == {"10.0.0.5": True, "10.0.0.6": False, "10.0.0.7": False}


def test_on_a_point_to_point_link_the_own_end_counts() -> None:
    assert leased(address("10.0.0.5", IFA_F_PERMANENT, peer="10.0.0.1")) == {"10.0.0.5": False}


@pytest.mark.skipif(sys.platform != "linux", reason="rtnetlink is Linux's")
def test_the_real_kernel_knows_its_loopback_address() -> None:
    assert leased(dump(GET_ADDRESS) or b"").get("127.0.0.1") is False


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (State.REACHABLE, Gateway(True, "m")),
        (State.STALE, Gateway(True, "m")),
        (State.DELAY, Gateway(True, "m")),
        (State.PROBE, Gateway(True, "m")),
        (State.FAILED, Gateway(False)),
        (State.INCOMPLETE, None),
        (State.NOARP, Gateway(None, "m")),
        (State.PERMANENT, Gateway(None, "m")),
    ],
)
def test_the_state_of_a_neighbour_says_whether_it_answers(state: State, told: Gateway | None) -> None:
    assert judge((Neighbour("10.0.0.1", 2, state, "m"),), "10.0.0.1", 2) == told


def test_the_same_address_on_another_interface_is_another_neighbour() -> None:
    table = (Neighbour("10.0.0.1", 7, State.FAILED, None), Neighbour("10.0.0.1", 2, State.REACHABLE, "m"))
    assert judge(table, "10.0.0.1", 2) == Gateway(True, "m")


def test_one_who_is_not_in_the_table_is_not_known() -> None:
    assert judge((), "10.0.0.1") == Gateway(None)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_readers(data: bytes) -> None:
    assert isinstance(neighbours(data), tuple)
    assert isinstance(leased(data), dict)


@given(st.integers(0, 60))
def test_a_dump_cut_short_gives_only_what_is_whole(length: int) -> None:
    data = neighbour("10.9.0.2", State.REACHABLE)
    assert len(neighbours(data[:length])) == (1 if length >= len(data) else 0)
