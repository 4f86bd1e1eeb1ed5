"""Whatever is sent to the embedded site's datagram servers and negotiators, they answer or are silent; they never raise."""

from __future__ import annotations

import struct

import dns.exception
import dns.message
import dns.opcode
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.demo.consoles import confirm, requested
from aetui.demo.nameserver import Resolver
from aetui.demo.scenario import Clock, Names
from aetui.demo.timeserver import EPOCH, reply_to, stamp

ZONE = {"www.alsoenergy.com": ("204.232.231.197",)}
BEHAVIOURS = [
    Names(),
    Names(rcode="REFUSED"),
    Names(everything="192.0.2.1"),
    Names(truncates=True),
    Names(instead={"*.com": "LOOP"}),
    Names(instead={"*.com": "POINTERS"}),
    Names(instead={"*.com": "EMPTY"}),
]
QUERY = dns.message.make_query("www.alsoenergy.com", "A").to_wire()


def resolver(behaviour: Names) -> Resolver:
    return Resolver(behaviour, ZONE, {"192.31.196.1": "access-7.isp.example"})


@given(st.sampled_from(BEHAVIOURS), st.binary(max_size=600), st.booleans())
def test_any_bytes_to_a_name_server(behaviour: Names, wire: bytes, over_udp: bool) -> None:
    reply = resolver(behaviour).answer(wire, over_udp)
    assert reply is None or reply[:2] == wire[:2]


@given(st.sampled_from(BEHAVIOURS), st.integers(0, len(QUERY) - 1), st.integers(0, 255), st.booleans())
def test_a_question_with_one_byte_changed(behaviour: Names, place: int, value: int, over_udp: bool) -> None:
    wire = QUERY[:place] + bytes((value,)) + QUERY[place + 1 :]
    reply = resolver(behaviour).answer(wire, over_udp)
    assert reply is None or reply[:2] == wire[:2]


@pytest.mark.parametrize("kind", ["ANY", "AXFR", "TXT", "MX", "PTR", "SOA", "TYPE65280"])
def test_other_types_have_no_addresses(kind: str) -> None:
    wire = resolver(Names()).answer(dns.message.make_query("www.alsoenergy.com", kind).to_wire(), over_udp=True)
    assert wire is not None
    assert dns.message.from_wire(wire).answer == []


def test_an_answer_is_not_answered() -> None:
    reply = dns.message.make_response(dns.message.make_query("www.alsoenergy.com", "A")).to_wire()
    assert resolver(Names()).answer(reply, over_udp=True) is None


@given(st.binary(max_size=100), st.sampled_from([Clock(), Clock(0, "DENY"), Clock(16, leap=3), Clock(echoes=False)]))
def test_any_bytes_to_a_time_server(request: bytes, clock: Clock) -> None:
    reply = reply_to(request, clock, 1_790_000_000.0)
    is_request = len(request) >= 48 and request[0] & 7 in {1, 3}
    assert (reply is not None) is is_request
    if reply is not None:
        assert len(reply) == 48
        assert reply[0] & 7 == (4 if request[0] & 7 == 3 else 2)
        assert (reply[24:32] == request[40:48]) or not clock.echoes


@given(st.integers(0, 2**32 - EPOCH - 1), st.integers(0, 999))
def test_a_timestamp_is_seconds_since_1900_and_a_binary_fraction(seconds: int, thousandths: int) -> None:
    whole, fraction = struct.unpack("!II", stamp(seconds + thousandths / 1000))
    assert abs((whole - EPOCH) + fraction / 2**32 - (seconds + thousandths / 1000)) < 1e-5


@given(st.binary(min_size=7, max_size=508))
def test_any_bytes_to_remote_desktop(x224: bytes) -> None:
    asked = requested(x224)
    assert asked is None or 0 <= asked < 2**32
    if asked is not None:
        reply = confirm(asked)
        assert struct.unpack("!H", reply[2:4])[0] == len(reply)
        assert reply[4] == len(reply) - 5
