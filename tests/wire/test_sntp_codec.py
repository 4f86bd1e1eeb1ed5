"""SNTP: what goes out, what comes in, and what four timestamps say."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.wire import sntp

U64 = st.integers(0, 2**64 - 1)
NOON_2026 = 1_795_348_800.0
IN_2040 = 2_208_988_800.0


def reply(origin: int = 7, *, first: int = 0x24, stratum: int = 2, refid: bytes = b"\x0a\x00\x00\x01", at: float = NOON_2026) -> bytes:
    stamp = sntp.timestamp(at)
    return struct.pack(">BBbb4s4s4sQQQQ", first, stratum, 6, -20, b"", b"", refid, stamp, origin, stamp, stamp)


def test_a_request_is_48_octets_of_version_4_mode_3_that_carry_only_the_nonce() -> None:
    assert sntp.request(0x0102030405060708) == b"\x23" + bytes(39) + b"\x01\x02\x03\x04\x05\x06\x07\x08"


@pytest.mark.parametrize(
    ("data", "field", "value"),
    [
        pytest.param(reply(), "tells_time", True, id="a synchronised server tells the time"),
        pytest.param(reply(first=0xE4), "tells_time", False, id="leap 3 is a server that has lost its own time"),
        pytest.param(reply(stratum=16), "tells_time", False, id="stratum 16 is unsynchronised"),
        pytest.param(reply(stratum=0, refid=b"RATE"), "kiss", "RATE", id="stratum 0 with a code is a kiss"),
        pytest.param(reply(stratum=0, refid=b"\x01\x02\x03\x04"), "kiss", None, id="stratum 0 without letters is no kiss"),
        pytest.param(reply(stratum=2, refid=b"RATE"), "kiss", None, id="an address that looks like letters is no kiss"),
        pytest.param(reply(stratum=1, refid=b"GPS\0"), "refid", "GPS", id="stratum 1 names its clock"),
        pytest.param(reply(), "refid", "10.0.0.1", id="stratum 2 names its own server"),
        pytest.param(reply(first=0x25), "answers", True, id="mode 5 is broadcast from a server"),
        pytest.param(reply(first=0x23), "answers", False, id="mode 3 is a client, not an answer"),
    ],
)
def test_a_reply_is_read_as(data: bytes, field: str, value: object) -> None:
    packet = sntp.parse(data)
    assert packet is not None
    assert getattr(packet, field) == value


@pytest.mark.parametrize("data", [b"", reply()[:47], b"\x04" + reply()[1:], b"\x3c" + reply()[1:]], ids=["empty", "short", "v0", "v7"])
def test_what_is_no_packet_is_none(data: bytes) -> None:
    assert sntp.parse(data) is None


def test_the_origin_must_be_our_own_nonce() -> None:
    packet = sntp.parse(reply(origin=99))
    assert packet is not None
    assert packet.echoes(99)
    assert not packet.echoes(98)


@pytest.mark.parametrize("skew", [0.0, 75.0, -86400.0, 31_000_000.0])
@pytest.mark.parametrize("there", [NOON_2026, IN_2040], ids=["before the era's end", "after it"])
def test_offset_and_delay_are_the_rfc_s(there: float, skew: float) -> None:
    packet = sntp.parse(reply(at=there))
    assert packet is not None
    timing = sntp.timing(packet, sent=there - skew - 0.050, elapsed_ms=100.0)
    assert timing is not None
    assert timing.offset_ms == pytest.approx(skew * 1000, abs=0.01)
    assert timing.delay_ms == pytest.approx(100.0, abs=0.01)


def test_a_server_that_does_not_vouch_for_its_time_gives_no_offset() -> None:
    packet = sntp.parse(reply(stratum=16))
    assert packet is not None
    assert sntp.timing(packet, NOON_2026, 10.0) is None


@given(st.floats(-60_000_000, 4_200_000_000))
def test_timestamps_survive_the_round_trip_across_eras(seconds: float) -> None:
    assert sntp.unix(sntp.timestamp(seconds)) == pytest.approx(seconds, abs=1e-5)


@given(U64)
def test_a_request_read_back_carries_the_nonce(nonce: int) -> None:
    packet = sntp.parse(sntp.request(nonce))
    assert packet is not None
    assert (packet.mode, packet.version, packet.transmitted) == (3, 4, nonce)


@given(st.binary(max_size=120), U64, st.floats(0, 5e9), st.floats(0, 1e5))
def test_no_bytes_raise(data: bytes, nonce: int, sent: float, elapsed: float) -> None:
    packet = sntp.parse(data)
    if packet is not None:
        assert isinstance(packet.refid, str)
        assert packet.kiss is None or packet.kiss.isascii()
        packet.echoes(nonce)
        timing = sntp.timing(packet, sent, elapsed)
        assert timing is None or timing.delay_ms >= 0
