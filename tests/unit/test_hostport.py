"""HOST[:PORT] as people type it: what is a host, what is a port, and what is neither."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui import hostport

PLACES = [
    ("www.alsoenergy.com", ("www.alsoenergy.com", None)),
    ("www.alsoenergy.com:443", ("www.alsoenergy.com", 443)),
    ("localhost:1", ("localhost", 1)),
    ("192.0.2.7", ("192.0.2.7", None)),
    ("192.0.2.7:65535", ("192.0.2.7", 65535)),
    ("2001:db8::7", ("2001:db8::7", None)),
    ("[2001:db8::7]", ("2001:db8::7", None)),
    ("[2001:db8::7]:23", ("2001:db8::7", 23)),
    ("moxa_1.site.", ("moxa_1.site.", None)),
    ("größe.example:80", ("größe.example", 80)),
    ("300.1.1.1:443", None),
    ("1.2.3", None),
    ("1.2.3.4.5", None),
    ("192.0.2.7:0", None),
    ("192.0.2.7:65536", None),
    ("192.0.2.7:٤٤٣", None),
    ("192.0.2.7:", None),
    (":443", None),
    ("", None),
    ("[2001:db8::7", None),
    ("[2001:db8::7]23", None),
    ("[]:23", None),
    ("2001:db8::7::1", None),
    ("two words", None),
    ("-option", None),
    ("a..b", None),
    ("host:80\n", None),
    ("http://host/", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), PLACES, ids=[repr(text) for text, _ in PLACES])
def test_a_place_is_taken_apart_or_refused(text: str, found: tuple[str, int | None] | None) -> None:
    assert hostport.split(text) == found


@given(st.text(max_size=60))
def test_whatever_is_typed_it_is_a_host_and_a_port_in_range_or_nothing(text: str) -> None:
    found = hostport.split(text)
    if found is not None:
        host, port = found
        assert hostport.is_host(host)
        assert host in text
        assert port is None or 1 <= port <= 65535


@given(st.ip_addresses(), st.integers(1, 65535))
def test_every_address_is_read_back_with_its_port(address: object, port: int) -> None:
    whole = ip_address(str(address))
    named = f"[{whole}]" if whole.version == 6 else str(whole)
    assert hostport.split(f"{named}:{port}") == (str(whole), port)
    assert hostport.split(named) == (str(whole), None)
