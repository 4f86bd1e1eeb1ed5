"""Probes: one five-tuple a flow, an identity each, and replies that find their probe even after translation."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.packet import forge
from aetui.packet.forge import Forge, checksum
from aetui.packet.messages import OpenTrace
from aetui.wire import icmp
from aetui.wire.icmp import Quoted, Segment, parse_quoted

FLOWS = [
    (OpenTrace(1, "203.0.113.9", "tcp", 443), "192.168.50.20"),
    (OpenTrace(1, "203.0.113.9", "udp", 33434), "192.168.50.20"),
    (OpenTrace(1, "203.0.113.9", "icmp", 0), "192.168.50.20"),
    (OpenTrace(1, "2001:db8::9", "tcp", 443), "fd00::20"),
    (OpenTrace(1, "2001:db8::9", "udp", 33434), "fd00::20"),
    (OpenTrace(1, "2001:db8::9", "icmp", 0), "fd00::20"),
]
IDS = [f"{asked.proto} to {asked.address}" for asked, _ in FLOWS]
SERIALS = st.integers(1, 30_000)


def _forge(asked: OpenTrace, own: str, base: int = 1_000_000) -> Forge:
    return Forge(asked, own, 40_000, base)


def _quoted(packet: bytes) -> Quoted:
    quoted = parse_quoted(bytes(packet))
    assert quoted is not None
    return quoted


@pytest.mark.parametrize(("asked", "own"), FLOWS, ids=IDS)
def test_what_balancers_hash_is_the_same_in_every_probe(asked: OpenTrace, own: str) -> None:
    flow = _forge(asked, own)
    packets = [flow.packet(serial, ttl) for serial, ttl in ((1, 1), (2, 2), (777, 30), (30_000, 255))]
    start = 40 if flow.version == 6 else 20
    hashed = {bytes(packet[12:20] if flow.version == 4 else packet[8:40]) + bytes(packet[start : start + 4]) for packet in packets}
    assert len(hashed) == 1
    assert [_quoted(packet).ttl for packet in packets] == [1, 2, 30, 255]


@pytest.mark.parametrize(("asked", "own"), FLOWS, ids=IDS)
@given(st.lists(SERIALS, min_size=2, max_size=20, unique=True), st.integers(0, 2**32 - 1))
def test_a_quote_finds_its_own_probe(asked: OpenTrace, own: str, serials: list[int], base: int) -> None:
    flow = _forge(asked, own, base)
    packets = {}
    for serial in serials:
        packets[serial] = flow.packet(serial, 7)
        flow.remember(serial, 0.0)
    for serial, packet in packets.items():
        assert flow.of_quoted(_quoted(packet)) == serial
        assert flow.of_quoted(_quoted(packet[: (40 if flow.version == 6 else 20) + 8])) == serial


@pytest.mark.parametrize(("asked", "own"), FLOWS[:3], ids=IDS[:3])
@given(SERIALS, st.ip_addresses(v=4), st.integers(1, 65535))
def test_a_quote_finds_its_probe_behind_a_translator(asked: OpenTrace, own: str, serial: int, source, port: int) -> None:
    flow = _forge(asked, own)
    quoted = _quoted(flow.packet(serial, 7))
    flow.remember(serial, 0.0)
    translated = replace(quoted, source=str(source), source_port=port if quoted.source_port is not None else None, checksum=1)
    assert flow.of_quoted(translated) == serial


@pytest.mark.parametrize(("asked", "own"), FLOWS, ids=IDS)
def test_a_quote_of_somebody_elses_packet_is_nobodys(asked: OpenTrace, own: str) -> None:
    flow = _forge(asked, own)
    quoted = _quoted(flow.packet(5, 7))
    flow.remember(5, 0.0)
    elsewhere = "198.51.100.77" if flow.version == 4 else "2001:db8:77::1"
    strangers = [
        replace(quoted, protocol=47),
        replace(quoted, version=10 - flow.version),
        replace(quoted, destination=elsewhere, destination_port=9, sequence=None, ident=None, checksum=None),
        _quoted(_forge(asked, own, 3_999_999_999).packet(5, 7)) if flow.protocol == icmp.TCP else replace(quoted, protocol=0),
    ]
    assert [flow.of_quoted(one) for one in strangers] == [None] * 4


@given(SERIALS, SERIALS)
def test_a_syn_ack_tells_which_probe_reached_the_server(first: int, second: int) -> None:
    flow = _forge(*FLOWS[0])
    for serial in {first, second}:
        flow.packet(serial, 9)
        flow.remember(serial, 0.0)
    answer = Segment(443, 40_000, 99, (flow.base + first + 1) % 2**32, 0x12, 1024)
    assert flow.of_segment(answer, "203.0.113.9") == first
    assert flow.of_segment(answer, "203.0.113.8") is None
    assert flow.of_segment(replace(answer, destination_port=40_001), "203.0.113.9") is None
    assert flow.of_segment(replace(answer, acknowledgement=1), "203.0.113.9") is None


@pytest.mark.parametrize("index", [2, 5], ids=["IPv4", "IPv6"])
def test_the_checksum_of_an_echo_stays_the_same(index: int) -> None:
    flow = _forge(*FLOWS[index])
    assert len({_quoted(flow.packet(serial, 3)).checksum for serial in range(1, 300)}) == 1


@pytest.mark.parametrize(("asked", "own"), FLOWS, ids=IDS)
def test_checksums_are_right(asked: OpenTrace, own: str) -> None:
    flow = _forge(asked, own)
    packet = flow.packet(4711, 3)
    body = bytes(packet[40 if flow.version == 6 else 20 :])
    addresses = bytes(packet[8:40] if flow.version == 6 else packet[12:20])
    pseudo = b"" if flow.protocol == icmp.ICMP else addresses + struct.pack("!II", len(body), flow.protocol)
    assert checksum(pseudo + body) == 0


@pytest.mark.parametrize("size", [576, 1400, 1500])
@pytest.mark.parametrize("index", [1, 2, 4, 5], ids=lambda i: IDS[i])
def test_a_probe_of_a_size_has_that_size_and_must_not_be_cut(size: int, index: int) -> None:
    asked, own = FLOWS[index]
    packet = _forge(replace(asked, size=size), own).packet(1, 3)
    assert len(packet) == size
    assert "." not in asked.address or packet[6] & 0x40


def test_only_so_many_probes_are_remembered() -> None:
    flow = _forge(*FLOWS[0])
    for serial in range(forge.MOST_SENT + 100):
        flow.remember(serial, 0.0)
    assert len(flow.sent) == forge.MOST_SENT


@pytest.mark.parametrize("index", [0, 1], ids=["a reset", "a datagram"])
def test_an_answer_without_a_number_is_not_given_to_a_silent_hop_before_it(index: int) -> None:
    flow = _forge(*FLOWS[index])
    for serial in range(1, 9):
        flow.remember(serial, 0.0)
    for answered in (1, 2, 4):
        flow.take(answered)
    reset = Segment(443, 40_000, 99, 0, 0x04, 0)

    def answer() -> int | None:
        return flow.of_segment(reset, "203.0.113.9") if index == 0 else flow.of_datagram("203.0.113.9", 33434)

    for expected in (5, 6, 7, 8):
        assert answer() == expected
        flow.take(expected)
    assert answer() is None, "the probe that is open still died at hop 3"
