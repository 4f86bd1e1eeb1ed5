"""What traceroute and tracepath print, read: outputs of real runs, and of systems that print differently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.path.outputs import parse_tracepath, parse_traceroute
from aetui.path.records import Proto, ReplyKind, Shot

TARGET = "203.0.113.9"

LINUX_UDP = """traceroute to 203.0.113.9 (203.0.113.9), 30 hops max, 60 byte packets
 1  192.168.50.1  0.059 ms
 2  *
 3  198.51.100.1  8.075 ms
 4  203.0.113.9  20.037 ms
"""
LINUX_THREE = """traceroute to 2001:db8::9 (2001:db8::9), 30 hops max, 80 byte packets
 1  fd09::2  0.065 ms  0.021 ms  0.019 ms
 2  2001:db8:1::2  0.041 ms * 2001:db8:2::2  0.025 ms
 3  2001:db8::9  0.049 ms  0.038 ms  0.038 ms
"""
LINUX_OPEN = """traceroute to 203.0.113.9 (203.0.113.9), 30 hops max, 60 byte packets
 1  192.168.50.1  0.063 ms
 2  203.0.113.9 <syn,ack>  0.057 ms
"""
LINUX_CLOSED = LINUX_OPEN.replace("<syn,ack>", "<rst,ack>")
LINUX_UNSAID = LINUX_OPEN.replace(" <syn,ack>", "")
LINUX_PROHIBITED = """traceroute to 203.0.113.9 (203.0.113.9), 30 hops max, 60 byte packets
 1  192.168.50.1  0.068 ms  0.022 ms
 2  192.168.50.1  0.038 ms !X  0.034 ms !X
"""
BUSYBOX = """traceroute to 203.0.113.9 (203.0.113.9), 30 hops max, 46 byte packets
 1  192.168.50.1  0.004 ms
 2  *
 3  203.0.113.9  0.012 ms
"""
INETUTILS = """traceroute to 203.0.113.9 (203.0.113.9), 64 hops max
  1   192.168.50.1  0,007ms
  2   192.168.50.1  0.007ms
  3   203.0.113.9  1.031ms
"""
BSD = """traceroute: Warning: www.example.com has multiple addresses; using 203.0.113.9
traceroute to 203.0.113.9 (203.0.113.9), 30 hops max, 40 byte packets
 1  192.168.50.1  1.123 ms
 2  198.51.100.1  9.2 ms !<14>
"""
TRACEPATH = """ 1?: [LOCALHOST]                      pmtu 1500
 1:  192.168.50.1                                          0.081ms
 1:  192.168.50.1                                          0.056ms
 2:  198.51.100.1                                          0.041ms pmtu 1400
 2:  198.51.100.1                                          0.055ms
 3:  no reply
 4:  203.0.113.9                                           0.059ms reached
     Resume: pmtu 1400 hops 4 back 4
"""


def _short(shots: tuple[Shot, ...]) -> list[tuple[object, ...]]:
    return [(s.ttl, s.heard.kind.value, s.heard.sender, *((s.heard.icmp.code,) if s.heard.kind is ReplyKind.UNREACHABLE and s.heard.icmp else ()))
            if s.heard else (s.ttl,) for s in shots]  # fmt: skip


EXCEEDED = "time-exceeded"
ROWS = [
    (
        "Linux by UDP",
        LINUX_UDP,
        Proto.UDP,
        TARGET,
        [(1, EXCEEDED, "192.168.50.1"), (2,), (3, EXCEEDED, "198.51.100.1"), (4, "unreachable", TARGET, 3)],
    ),
    (
        "Linux by ping",
        LINUX_UDP,
        Proto.ICMP,
        TARGET,
        [(1, EXCEEDED, "192.168.50.1"), (2,), (3, EXCEEDED, "198.51.100.1"), (4, "answer", TARGET)],
    ),
    ("an open port", LINUX_OPEN, Proto.TCP, TARGET, [(1, EXCEEDED, "192.168.50.1"), (2, "syn-ack", TARGET)]),
    ("a closed port", LINUX_CLOSED, Proto.TCP, TARGET, [(1, EXCEEDED, "192.168.50.1"), (2, "rst", TARGET)]),
    ("a port of which it is not said", LINUX_UNSAID, Proto.TCP, TARGET, [(1, EXCEEDED, "192.168.50.1"), (2,)]),
    (
        "a prohibition",
        LINUX_PROHIBITED,
        Proto.TCP,
        TARGET,
        [(1, EXCEEDED, "192.168.50.1")] * 2 + [(2, "unreachable", "192.168.50.1", 13)] * 2,
    ),
    ("BusyBox", BUSYBOX, Proto.UDP, TARGET, [(1, EXCEEDED, "192.168.50.1"), (2,), (3, "unreachable", TARGET, 3)]),
    (
        "inetutils, a line in another locale passed over",
        INETUTILS,
        Proto.UDP,
        TARGET,
        [(2, EXCEEDED, "192.168.50.1"), (3, "unreachable", TARGET, 3)],
    ),
    ("BSD with a numbered code", BSD, Proto.UDP, TARGET, [(1, EXCEEDED, "192.168.50.1"), (2, "unreachable", "198.51.100.1", 14)]),
    ("nothing but a complaint", "You do not have enough privileges to use this traceroute method.\n", Proto.TCP, TARGET, []),
]


@pytest.mark.parametrize(("text", "proto", "target", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_traceroute_is_read(text: str, proto: Proto, target: str, expected: list[tuple[object, ...]]) -> None:
    assert _short(parse_traceroute(text, target, proto).shots) == expected


def test_several_probes_a_line_and_several_routers_are_told_apart() -> None:
    shots = parse_traceroute(LINUX_THREE, "2001:db8::9", Proto.UDP).shots
    second = [shot.heard.sender if shot.heard else None for shot in shots if shot.ttl == 2]
    assert second == ["2001:db8:1::2", None, "2001:db8:2::2"]
    assert [shot.heard.rtt_ms for shot in shots if shot.ttl == 1 and shot.heard] == [0.065, 0.021, 0.019]


def test_tracepath_is_read_with_its_mtu() -> None:
    found = parse_tracepath(TRACEPATH, TARGET)
    assert _short(found.shots) == [(1, EXCEEDED, "192.168.50.1"), (2, EXCEEDED, "198.51.100.1"), (3,), (4, "unreachable", TARGET, 3)]
    assert found.mtu == 1400


@given(st.text(alphabet=" \t\n0123456789.:*!<>ms?abcXHNPno reply[]", max_size=400))
def test_no_text_at_all_makes_a_parser_raise(text: str) -> None:
    parse_traceroute(text, TARGET, Proto.TCP)
    parse_tracepath(text, TARGET)
