"""The pipe's codec: what one end writes the other reads, and nothing else gets through."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.packet import messages
from aetui.packet.messages import (
    ArpHeard,
    CloseTrace,
    DhcpOffers,
    DiscoverDhcp,
    Frames,
    Listen,
    Listening,
    Malformed,
    Neighbour,
    Offer,
    OpenTrace,
    ProbeFailed,
    ProbeHeard,
    QuotedPacket,
    Ready,
    Refused,
    ScanArp,
    SendProbe,
    TraceOpened,
    decode_reply,
    decode_request,
    encode,
)

REQUESTS = [
    OpenTrace(1, "203.0.113.9", "tcp", 443, 0, 0),
    OpenTrace(2, "2001:db8::9", "udp", 33434, 40000, 1500),
    SendProbe(1, 77, 12),
    CloseTrace(1),
    DiscoverDhcp(3, "eth0", 2.5),
    ScanArp(4, "eth0", "192.168.50.0/24", 1.0),
    ScanArp(5, "eth0", "192.168.50.7", 0, probe=True),
    Listen(6, "0.0.0.0", 23),
    Listen(7, "::", 1023),
]
REPLIES = [
    Ready(("ipv6",), 1000),
    TraceOpened(1, "192.168.50.20", 40000),
    ProbeHeard(1, 2, "time-exceeded", "192.168.50.1", 1.5, 11, 0, None, 64, QuotedPacket(4, "a", "b", 1, 6, 1, None)),
    ProbeHeard(1, 2, "syn-ack", "203.0.113.9", 1.5),
    DhcpOffers(
        3, (Offer("192.168.50.1", "02:00:00:00:00:01", "192.168.50.99", "192.168.50.1", ("192.168.50.1",), "255.255.255.0", 60, "site"),)
    ),
    ArpHeard(4, (Neighbour("192.168.50.7", "02:00:00:00:00:07"),)),
    Listening(6),
    Refused(1, "no", "EPERM"),
    ProbeFailed(1, "ENETUNREACH"),
]


@pytest.mark.parametrize("message", REQUESTS, ids=lambda m: type(m).__name__)
def test_a_request_arrives_as_it_was_sent(message: messages.Request) -> None:
    (body,) = Frames().feed(encode(message))
    assert decode_request(body) == message


@pytest.mark.parametrize("message", REPLIES, ids=lambda m: type(m).__name__)
def test_a_reply_arrives_as_it_was_sent(message: messages.Reply) -> None:
    (body,) = Frames().feed(encode(message))
    assert decode_reply(body) == message


@given(st.lists(st.sampled_from(REQUESTS), max_size=8), st.integers(1, 50))
def test_frames_survive_any_cut_of_the_stream(sent: list[messages.Request], step: int) -> None:
    stream, frames, got = b"".join(map(encode, sent)), Frames(), []
    for start in range(0, len(stream), step):
        got += [decode_request(body) for body in frames.feed(stream[start : start + step])]
    assert got == sent


@given(st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode)))
def test_no_bytes_at_all_are_taken_for_a_request(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode_request(body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20), lambda x: st.lists(x, max_size=3), max_leaves=5
)


@given(st.sampled_from(REQUESTS), st.data())
def test_a_request_with_one_field_replaced_is_refused_or_within_its_bounds(message: messages.Request, data: st.DataObject) -> None:
    (body,) = Frames().feed(encode(message))
    fields = json.loads(body)
    fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(_JSON)
    try:
        found = decode_request(json.dumps(fields).encode())
    except Malformed:
        return
    (again,) = Frames().feed(encode(found))
    assert decode_request(again) == found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", "www.alsoenergy.com"),
        ("address", "224.0.0.1"),
        ("address", "255.255.255.255"),
        ("proto", "sctp"),
        ("port", 65536),
        ("port", -1),
        ("port", True),
        ("port", 443.0),
        ("size", 100_000),
    ],
)
def test_a_trace_beyond_its_bounds_is_refused(field: str, value: object) -> None:
    fields = {"is": "OpenTrace", "id": 1, "address": "203.0.113.9", "proto": "tcp", "port": 443, "source_port": 0, "size": 0, field: value}
    with pytest.raises(Malformed):
        decode_request(json.dumps(fields).encode())


@pytest.mark.parametrize(
    ("field", "value"),
    [("port", 0), ("port", 1024), ("port", 3389), ("port", "23"), ("address", "localhost"), ("address", "224.0.0.1"), ("address", 0)],
)
def test_a_port_beyond_its_bounds_is_not_listened_on(field: str, value: object) -> None:
    with pytest.raises(Malformed):
        decode_request(json.dumps({"is": "Listen", "id": 1, "address": "0.0.0.0", "port": 23, field: value}).encode())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("network", "10.0.0.0/8"),
        ("network", "fd00::/64"),
        ("network", "0.0.0.0/0"),
        ("interface", "../../x"),
        ("wait_s", 1e9),
        ("wait_s", float("nan")),
    ],
)
def test_a_scan_beyond_its_bounds_is_refused(field: str, value: object) -> None:
    fields = {"is": "ScanArp", "id": 1, "interface": "eth0", "network": "192.168.50.0/24", "wait_s": 1, "probe": False, field: value}
    with pytest.raises(Malformed):
        decode_request(json.dumps(fields).encode())


def test_a_frame_that_claims_too_much_is_refused_before_it_is_held() -> None:
    with pytest.raises(Malformed):
        Frames().feed(struct.pack("!I", messages.LARGEST + 1))


@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_reading_a_reply_raise_anything_else(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode_reply(body)
