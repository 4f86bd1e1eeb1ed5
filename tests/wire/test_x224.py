"""RDP's first exchange, against bytes of the specification's own form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.wire import x224
from aetui.wire.x224 import Confirm, Incomplete, Malformed, Protocols, Request

PROBE = bytes.fromhex("030000130ee000000000000100080003000000")


def test_the_plain_request_is_the_nineteen_bytes_of_the_specification():
    assert x224.request() == bytes.fromhex("030000130ee000000000000100080003000000")


CONFIRMS = [
    ("a server without negotiation sends eleven bytes", "0300000b06d00000123400", Confirm()),
    ("Standard RDP Security", "030000130ed000001234000200080000000000", Confirm(protocol=0)),
    ("TLS", "030000130ed000001234000200080001000000", Confirm(protocol=1)),
    ("NLA with extended data flags", "030000130ed00000123400021f080002000000", Confirm(protocol=2, flags=0x1F)),
    ("NLA required", "030000130ed000001234000300080005000000", Confirm(failure=5)),
    ("a foreign source reference", "030000130ed0000000ff000200080001000000", Confirm(protocol=1, reference=0xFF)),
]


@pytest.mark.parametrize(("data", "expected"), [row[1:] for row in CONFIRMS], ids=[row[0] for row in CONFIRMS])
def test_a_confirm_is_read_and_written_alike(data, expected):
    raw = bytes.fromhex(data)
    assert x224.parse_confirm(raw) == expected
    assert x224.confirm(expected) == raw
    assert x224.parse_confirm(raw + b"\x16\x03\x01") == expected
    for cut in range(len(raw)):
        assert x224.parse_confirm(raw[:cut]) == Incomplete()


WRONG = [
    ("another version", "04000013"),
    ("a length too short for X.224", "0300000a05e00000000000"),
    ("lengths that disagree", "030000130de000000000000100080003000000"),
    ("not class 0", "030000130ee000000000200100080003000000"),
    ("a disconnect request", "0300000b068000000000"),
    ("a negotiation of the wrong kind", "030000130ee000000000000500080003000000"),
    ("a negotiation with a wrong length", "030000130ee000000000000100090003000000"),
    ("a negotiation cut short", "0300000f0ae0000000000001000800"),
    ("a cookie without an end", "0300001a15e00000000000" + b"Cookie: mstshas".hex()),
]


@pytest.mark.parametrize("data", [row[1] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_request_that_breaks_the_rules_is_malformed(data):
    assert isinstance(x224.parse_request(bytes.fromhex(data)), Malformed)


def test_what_mstsc_sends_is_read_with_its_cookie():
    body = b"Cookie: mstshash=eltons\r\n" + bytes.fromhex("0100080000000000")
    raw = bytes((3, 0, 0, 11 + len(body), 6 + len(body), 0xE0, 0, 0, 0, 0, 0)) + body
    assert x224.parse_request(raw) == Request(cookie="eltons", protocols=0)


def test_a_routing_token_is_no_cookie():
    body = b"Cookie: msts=3640205228.15629.0000\r\n" + bytes.fromhex("0100080003000000")
    raw = bytes((3, 0, 0, 11 + len(body), 6 + len(body), 0xE0, 0, 0, 0, 0, 0)) + body
    assert x224.parse_request(raw) == Request(routing=b"Cookie: msts=3640205228.15629.0000", protocols=3)


@pytest.mark.parametrize("cookie", ["a" * 201, "naïve", "two\r\nlines"])
def test_a_cookie_that_would_break_the_line_is_our_own_bug(cookie):
    with pytest.raises(ValueError, match="printable"):
        x224.request(cookie=cookie)


@given(
    st.none() | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200),
    st.none() | st.integers(0, 31).map(Protocols),
)
def test_requests_survive_the_round_trip(cookie, protocols):
    raw = x224.request(protocols, cookie)
    assert x224.parse_request(raw) == Request(cookie=cookie, protocols=None if protocols is None else int(protocols))
    assert all(x224.parse_request(raw[:cut]) == Incomplete() for cut in range(len(raw)))


@given(st.binary(max_size=400) | st.binary(max_size=300).map(lambda tail: PROBE[:11] + tail))
def test_no_bytes_make_the_readers_raise(data):
    assert isinstance(x224.parse_request(data), Request | Incomplete | Malformed)
    assert isinstance(x224.parse_confirm(data), Confirm | Incomplete | Malformed)
