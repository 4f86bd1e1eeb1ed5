"""ICMP errors and the packets that they quote: what is written can be read back, whatever is cut off or scrambled."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.wire import icmp
from aetui.wire.icmp import parse_icmp4, parse_icmp6, parse_ipv4, parse_quoted, parse_segment

U8, U16, U32 = st.integers(0, 255), st.integers(0, 65535), st.integers(0, 2**32 - 1)
V4, V6 = st.ip_addresses(v=4), st.ip_addresses(v=6)


def _ipv4(source: IPv4Address, destination: IPv4Address, ttl: int, protocol: int, ident: int, options: bytes, payload: bytes) -> bytes:
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), ident, 0x4000, ttl, protocol, 0)
    return head + source.packed + destination.packed + options + payload


def _ipv6(source: IPv6Address, destination: IPv6Address, ttl: int, protocol: int, payload: bytes) -> bytes:
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, ttl) + source.packed + destination.packed + payload


@given(V4, V4, U8, U16, st.integers(0, 10).map(lambda n: b"\x01" * 4 * n), U16, U16, U32)
def test_a_quoted_tcp_packet_gives_back_its_tuple_and_sequence(source, destination, ttl, ident, options, sport, dport, sequence) -> None:
    quote = _ipv4(source, destination, ttl, icmp.TCP, ident, options, struct.pack("!HHI", sport, dport, sequence))
    message = parse_icmp4(struct.pack("!BBHI", 11, 0, 0, 0) + quote)
    assert message is not None
    assert message.error
    quoted = message.quoted
    assert quoted is not None
    assert (quoted.source, quoted.destination, quoted.ttl, quoted.ident) == (str(source), str(destination), ttl, ident)
    assert (quoted.source_port, quoted.destination_port, quoted.sequence) == (sport, dport, sequence)


@given(V6, V6, U8, st.integers(0, 4), U16, U16, U16)
def test_a_quoted_udp_packet_is_found_behind_ipv6_extension_headers(source, destination, ttl, extensions, sport, dport, checksum) -> None:
    payload = struct.pack("!HHHH", sport, dport, 8, checksum)
    protocol = icmp.UDP
    for _ in range(extensions):
        payload, protocol = bytes((protocol, 0)) + bytes(6) + payload, 60
    message = parse_icmp6(struct.pack("!BBHI", 3, 0, 0, 0) + _ipv6(source, destination, ttl, protocol, payload))
    assert message is not None
    quoted = message.quoted
    assert quoted is not None
    assert (quoted.protocol, quoted.source_port, quoted.destination_port, quoted.checksum) == (icmp.UDP, sport, dport, checksum)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_a_parser_raise(data: bytes) -> None:
    for parse in (parse_icmp4, parse_icmp6, parse_ipv4, parse_quoted, parse_segment):
        parse(data)


@given(V4, V4, st.integers(0, 60), st.sampled_from([icmp.TCP, icmp.UDP, icmp.ICMP, 47]))
def test_a_quote_cut_anywhere_gives_what_is_left_or_nothing(source, destination, cut, protocol) -> None:
    whole = _ipv4(source, destination, 1, protocol, 7, b"", bytes(range(40)))
    quoted = parse_quoted(whole[:cut])
    if cut < 20:
        assert quoted is None
    elif cut < 28 or protocol == 47:
        assert quoted is not None
        assert quoted.source_port is None
        assert quoted.checksum is None
    else:
        assert quoted is not None
        assert quoted.destination == str(destination)


@pytest.mark.parametrize(
    ("head", "mtu"),
    [((3, 4, 0, 0, 1400), 1400), ((3, 4, 0, 0, 0), None), ((3, 1, 0, 0, 1400), None), ((11, 0, 0, 0, 9), None)],
    ids=["too big with its MTU", "too big from an old router", "host unreachable", "time exceeded"],
)
def test_an_mtu_is_read_where_the_message_has_one(head: tuple[int, ...], mtu: int | None) -> None:
    message = parse_icmp4(struct.pack("!BBHHH", *head))
    assert message is not None
    assert message.mtu == mtu


def test_an_ipv6_too_big_carries_32_bits() -> None:
    message = parse_icmp6(struct.pack("!BBHI", 2, 0, 0, 1280))
    assert message is not None
    assert message.mtu == 1280


@pytest.mark.parametrize(
    ("flags", "syn_ack", "rst"), [(0x12, True, False), (0x52, True, False), (0x14, False, True), (0x04, False, True), (0x10, False, False)]
)
def test_a_segment_is_a_syn_ack_or_a_reset_by_its_flags(flags: int, syn_ack: bool, rst: bool) -> None:
    segment = parse_segment(struct.pack("!HHIIBBHHH", 443, 40000, 1, 2, 0x50, flags, 1024, 0, 0))
    assert segment is not None
    assert (segment.syn_ack, segment.rst) == (syn_ack, rst)


@pytest.mark.parametrize("first", [0x35, 0x75, 0x44, 0x00, 0x4F])
def test_a_header_with_a_wrong_version_or_length_is_nothing(first: int) -> None:
    assert parse_ipv4(bytes([first]) + bytes(19)) is None
