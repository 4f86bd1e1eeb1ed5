"""The first flight of a TLS peer as seen from outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.wire import tls


def record(kind: int, body: bytes) -> bytes:
    return bytes((kind, 3, 3)) + len(body).to_bytes(2, "big") + body


def handshake(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def server_hello(version: bytes = b"\x03\x03", extensions: bytes = b"") -> bytes:
    return handshake(2, version + bytes(32) + b"\0" + b"\xc0\x2f\0" + len(extensions).to_bytes(2, "big") + extensions)


TLS13 = server_hello(extensions=b"\0\x33\0\x02ab" + b"\0\x2b\0\x02\x03\x04")


@pytest.mark.parametrize(
    ("data", "flight"),
    [
        pytest.param(b"", tls.Flight(None), id="nothing tells nothing"),
        pytest.param(b"\x16\x03", tls.Flight(None), id="two bytes tell nothing yet"),
        pytest.param(b"HTTP/1.1 400 Bad Request", tls.Flight(False), id="HTTP"),
        pytest.param(b"\x16\x02\x00", tls.Flight(False), id="a version that is none"),
        pytest.param(b"\x16\x03\x03\xff\xff", tls.Flight(False), id="a record longer than any"),
        pytest.param(record(21, b"\x02\x28"), tls.Flight(True, alert="handshake_failure"), id="an alert"),
        pytest.param(record(21, b"\x02\xc8"), tls.Flight(True, alert="alert 200"), id="an alert without a name"),
        pytest.param(record(22, server_hello()), tls.Flight(True, True, version="TLSv1.2"), id="a hello"),
        pytest.param(record(22, server_hello(b"\x03\x01")), tls.Flight(True, True, version="TLSv1"), id="an old version chosen"),
        pytest.param(record(22, TLS13), tls.Flight(True, True, version="TLSv1.3"), id="1.3 by its extension"),
        pytest.param(record(22, TLS13) + record(23, b"\x02\x28" * 9), tls.Flight(True, True, version="TLSv1.3"), id="1.3, then encrypted"),
        pytest.param(
            record(22, server_hello() + handshake(11, b"cert")),
            tls.Flight(True, True, True, "TLSv1.2"),
            id="a certificate in the same record",
        ),
        pytest.param(
            record(22, server_hello()) + record(22, handshake(11, b"c" * 90)[:50]),
            tls.Flight(True, True, True, "TLSv1.2"),
            id="a certificate that is still coming",
        ),
        pytest.param(record(22, server_hello())[:9], tls.Flight(True, True), id="a hello that has only begun"),
        pytest.param(record(20, b"\1") + record(21, b"\x02\x28"), tls.Flight(True), id="after change-cipher-spec nothing is read"),
    ],
)
def test_flights(data: bytes, flight: tls.Flight) -> None:
    assert tls.read(data) == flight


@given(st.binary(max_size=400))
def test_no_bytes_raise(data: bytes) -> None:
    tls.read(data)
    tls.read(record(22, data))
    tls.read(record(22, handshake(2, data)))


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_what_is_no_tls_never_becomes_it(front: bytes, more: bytes) -> None:
    if tls.speaks(front) is False:
        assert tls.speaks(front + more) is False
