"""Who knocks, and what answers, from the first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.wire import classify, clienthello, token, x224
from aetui.wire.clienthello import ClientHello

KEY = token.Key.of("0123-4567")
SAID = token.hello(KEY)


def client_hello(name: str | None) -> bytes:
    sni = b"" if name is None else b"\0\0" + _v(2, _v(2, b"\0" + _v(2, name.encode())))
    body = b"\x03\x03" + bytes(32) + _v(1, b"") + _v(2, b"\x13\x01") + _v(1, b"\0") + _v(2, b"\0\x17\0\0" + sni)
    return b"\x16\x03\x01" + _v(2, b"\x01" + _v(3, body))


def _v(size: int, body: bytes) -> bytes:
    return len(body).to_bytes(size, "big") + body


ZGRAB = b"GET / HTTP/1.1\r\nUser-Agent: Mozilla/5.0 zgrab/0.x\r\n\r\n"

CLIENTS = [
    ("nothing came", b"", "nothing", {}, False),
    ("a Remote Desktop client with its cookie", x224.request(cookie="anna"), "rdp", {"cookie": "anna", "protocols": "tls nla"}, True),
    ("one without negotiation", x224.request(None), "rdp", {}, True),
    ("nmap's script", x224.request(cookie="nmap"), "rdp", {"cookie": "nmap", "protocols": "tls nla", "scanner": "nmap"}, True),
    ("the beginning of a request", x224.request()[:7], "rdp", {}, False),
    ("a telnet client's options", b"\xff\xfd\x03\xff\xfb\x18", "telnet", {"options": "DO SGA, WILL TTYPE"}, True),
    ("one byte of telnet", b"\xff", "telnet", {}, False),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", "ssh", {"banner": "SSH-2.0-OpenSSH_9.2"}, True),
    ("SSH, half a line", b"SSH-2.0-Op", "ssh", {"banner": "SSH-2.0-Op"}, False),
    ("TLS with a name", client_hello("logger.example"), "tls", {"sni": "logger.example"}, True),
    ("TLS without a name", client_hello(None), "tls", {}, True),
    ("TLS cut short", client_hello("logger.example")[:40], "tls", {}, False),
    ("a browser", b"GET / HTTP/1.1\r\nHost: 192.0.2.7\r\n\r\n", "http", {"request": "GET / HTTP/1.1", "host": "192.0.2.7"}, True),
    ("a request that goes on", b"GET /x HTTP/1.1\r\n", "http", {"request": "GET /x HTTP/1.1"}, False),
    ("the beginning of a method", b"GE", "unknown", {}, False),
    ("open proxies wanted", b"CONNECT a HTTP/1.1\r\n\r\n", "http", {"request": "CONNECT a HTTP/1.1", "scanner": "proxy-search"}, True),
    ("SOCKS", b"\x05\x01\x00", "unknown", {"scanner": "proxy-search"}, False),
    ("zgrab", ZGRAB, "http", {"request": "GET / HTTP/1.1", "user-agent": "Mozilla/5.0 zgrab/0.x", "scanner": "zgrab"}, True),
    ("SMB", b"\x00\x00\x00\x85\xffSMBr\x00\x00\x00\x00\x18", "unknown", {"scanner": "smb-search"}, False),
    ("SIP", b"OPTIONS sip:nm SIP/2.0\r\n\r\n", "unknown", {"scanner": "nmap"}, True),
    ("garbage", bytes(range(128, 160)), "unknown", {}, True),
    ("our own, plain", token.frame(SAID), "aetui", {}, True),
    ("our own, half", token.frame(SAID)[:30], "aetui", {}, False),
    ("our own in a cookie", x224.request(cookie=token.as_cookie(SAID)), "aetui", {}, True),
    ("our own as telnet refusals", token.as_refusals(SAID), "aetui", {}, True),
    ("our own as refusals, half", token.as_refusals(SAID)[:50], "aetui", {}, False),
    ("a telnet client that refuses", b"\xff\xfc\x18\xff\xfe\x01", "telnet", {"options": "WONT TTYPE, DONT ECHO"}, True),
    ("a cookie that pretends to be ours", x224.request(cookie="aetui1.xxx"), "aetui", {}, True),
]


@pytest.mark.parametrize(("data", "speaks", "evidence", "settled"), [row[1:] for row in CLIENTS], ids=[row[0] for row in CLIENTS])
def test_a_client_is_known_by_its_first_bytes(data, speaks, evidence, settled):
    spoken = classify.client(data)
    assert (spoken.speaks, dict(spoken.evidence), spoken.settled) == (speaks, evidence, settled)


@pytest.mark.parametrize(
    "data", [token.frame(SAID), x224.request(cookie=token.as_cookie(SAID)), token.as_refusals(SAID)], ids=["frame", "cookie", "refusals"]
)
def test_the_token_is_given_whole_and_only_whole(data):
    assert classify.client(data).hello == SAID
    assert all(classify.client(data[:cut]).hello is None for cut in range(len(data)))


SERVERS = [
    ("silence", b"", "nothing"),
    ("an RDP server", x224.confirm(x224.Confirm(protocol=2)), "rdp"),
    ("an RDP server that refuses", x224.confirm(x224.Confirm(failure=5)), "rdp"),
    ("telnet options", b"\xff\xfd\x18\xff\xfd\x20", "telnet"),
    ("a bare login prompt", b"\r\nMoxa login: ", "telnet"),
    ("SSH", b"SSH-2.0-dropbear_2019.78\r\n", "ssh"),
    ("a web server that was sent nonsense", b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n", "http"),
    ("a web server without a status line", b"<html><head><title>400", "http"),
    ("a TLS server that was sent nonsense", b"\x15\x03\x01\x00\x02\x02\x0a", "tls"),
    ("FTP", b"220 ProFTPD ready\r\n", "unknown"),
    ("our listener", token.answer(KEY, SAID, token.Arrived(23, "10.0.0.1")), "aetui"),
]


@pytest.mark.parametrize(("data", "speaks"), [row[1:] for row in SERVERS], ids=[row[0] for row in SERVERS])
def test_a_server_is_known_by_its_first_bytes(data, speaks):
    assert classify.server(data).speaks == speaks


@given(st.binary(max_size=400), st.sampled_from([row[1] for row in CLIENTS]))
def test_no_bytes_make_a_reading_raise_or_leave_the_closed_set(data, prefix):
    for reading in (classify.client(data), classify.client(prefix + data), classify.server(data), classify.server(prefix + data)):
        assert reading.speaks in classify.SPEAKS
        assert all(len(value) <= 400 for value in reading.evidence.values())


@given(st.binary(min_size=1, max_size=300), st.binary(max_size=100), st.sampled_from([row[1] for row in CLIENTS]))
def test_a_settled_reading_stays(data, more, prefix):
    for start in (data, prefix + data):
        reading = classify.client(start)
        assert not reading.settled or classify.client(start + more).speaks == reading.speaks


@given(st.binary(max_size=300))
def test_no_hello_makes_the_reader_raise(data):
    clienthello.parse(data)
    clienthello.parse(client_hello("a.example")[:50] + data)


def test_a_client_hello_is_read_to_its_name():
    raw = client_hello("a.example")
    assert clienthello.parse(raw) == ClientHello("a.example")
    assert clienthello.parse(b"\x16\x03\x01\x00\x05\x02") is None
    assert clienthello.parse(b"\x17\x03\x03\x00\x05\x01") is None
