"""What routers are asked about their outer side, and how their answers are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.wire import natpmp, pcp, ssdp, upnp
from aetui.wire.natpmp import OuterAddress
from aetui.wire.pcp import Announced
from aetui.wire.ssdp import Location
from aetui.wire.upnp import PortMapping, Reply

# --- NAT-PMP ----------------------------------------

NATPMP = [
    ("the outer address", "0080000000000e10cb007107", OuterAddress(0, 3600, "203.0.113.7")),
    ("no address yet", "008000000000000000000000", OuterAddress(0, 0, None)),
    ("refused", "008000020000000a", OuterAddress(2, 10)),
    ("unsupported version as RFC 6886 printed it before its erratum", "000000010000000a", OuterAddress(1, 10)),
    ("a mapping answer is no answer to us", "008100000000000a0d3d0d3d00000e10", None),
    ("success cut short", "008000000000000acb00", None),
    ("PCP", "0280000000000000" + "00" * 16, None),
    ("nothing", "", None),
]


@pytest.mark.parametrize(("data", "expected"), [row[1:] for row in NATPMP], ids=[row[0] for row in NATPMP])
def test_nat_pmp_answers(data, expected):
    assert natpmp.parse(bytes.fromhex(data)) == expected


@given(st.integers(0, 5), st.integers(0, 2**32 - 1), st.ip_addresses(v=4).filter(lambda a: not a.is_unspecified).map(str))
def test_nat_pmp_survives_the_round_trip(result, epoch, address):
    said = OuterAddress(result, epoch, None if result else address)
    assert natpmp.parse(natpmp.response(said)) == said


# --- PCP ----------------------------------------


def test_announce_is_the_bare_header_with_our_address_mapped():
    assert pcp.announce("192.168.1.5").hex() == "02000000" + "00000000" + "00000000000000000000ffffc0a80105"
    assert pcp.announce("2001:db8::1")[8:] == bytes.fromhex("20010db8000000000000000000000001")


PCP = [
    ("there it is", "02800000" + "00000000" + "00000064" + "00" * 12, Announced(2, 0, 100)),
    ("another NAT is between", "0280000c" + "00000708" + "00000064" + "00" * 12, Announced(2, 12, 100)),
    ("a NAT-PMP gateway's refusal", "008000010000000a", Announced(0, 1, 10)),
    ("our own request reflected", "02000000" + "00" * 20, None),
    ("an answer to a mapping", "02810000" + "00" * 20, None),
    ("cut short", "02800000", None),
]


@pytest.mark.parametrize(("data", "expected"), [row[1:] for row in PCP], ids=[row[0] for row in PCP])
def test_pcp_answers(data, expected):
    assert pcp.parse(bytes.fromhex(data)) == expected


@given(st.integers(1, 255), st.integers(0, 255), st.integers(0, 2**32 - 1))
def test_pcp_survives_the_round_trip(version, result, epoch):
    assert pcp.parse(pcp.response(Announced(version, result, epoch))) == Announced(version, result, epoch)


# --- SSDP ----------------------------------------

ANSWER = (
    b"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
    b"USN: uuid:1::urn\r\nEXT:\r\nSERVER: Debian UPnP/1.1 MiniUPnPd/2.3.1\r\nLOCATION: http://192.168.1.1:5000/rootDesc.xml\r\n\r\n"
)


def test_a_search_is_for_one_kind_of_device_and_asks_one_host_without_a_wait():
    assert ssdp.search(ssdp.GATEWAYS[0]).startswith(b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n")
    assert b"MX: 1\r\n" in ssdp.search(ssdp.GATEWAYS[0])
    assert b"MX" not in ssdp.search(ssdp.GATEWAYS[0], "192.168.1.1")


def test_an_answer_names_its_location():
    found = ssdp.parse(ANSWER)
    assert found is not None
    assert found.location == Location("192.168.1.1", 5000, "/rootDesc.xml")
    assert found.location.url == "http://192.168.1.1:5000/rootDesc.xml"
    assert found.server == "Debian UPnP/1.1 MiniUPnPd/2.3.1"


LOCATIONS = [
    ("http://192.168.1.1:5000/rootDesc.xml?x=1", Location("192.168.1.1", 5000, "/rootDesc.xml?x=1")),
    ("http://192.168.1.1", Location("192.168.1.1", 80, "/")),
    ("http://[fe80::1]:80/d", Location("fe80::1", 80, "/d")),
    ("http://router.lan/d", None),
    ("https://192.168.1.1/d", None),
    ("http://user@192.168.1.1/d", None),
    ("http://192.168.1.1:99999/d", None),
    ("http://192.168.1.1/a b", None),
    ("http://192.168.1.1/a\x7f", None),
    ("file:///etc/passwd", None),
    ("http://[", None),
]


@pytest.mark.parametrize(("url", "expected"), LOCATIONS)
def test_a_location_is_plain_http_at_a_literal_address(url, expected):
    assert ssdp.parse_location(url) == expected


# --- UPnP ----------------------------------------

HERE = Location("192.168.1.1", 5000, "/rootDesc.xml")


def description(*services: tuple[str, str], base: str = "", before: str = "") -> bytes:
    listed = "".join(f"<service><serviceType>{t}</serviceType><controlURL>{u}</controlURL></service>" for t, u in services)
    url = f"<URLBase>{base}</URLBase>" if base else ""
    inner = f"{url}<device><serviceList>{listed}</serviceList></device>"
    return f'<?xml version="1.0"?>{before}<root xmlns="urn:schemas-upnp-org:device-1-0">{inner}</root>'.encode()


IP1, IP2, PPP = upnp.SERVICES[1], upnp.SERVICES[0], upnp.SERVICES[2]

DESCRIPTIONS = [
    ("a relative control URL", description((IP1, "/ctl/IPConn")), [(IP1, "/ctl/IPConn")]),
    ("the newer service comes first", description((IP1, "/1"), (PPP, "/p"), (IP2, "/2")), [(IP2, "/2"), (IP1, "/1"), (PPP, "/p")]),
    ("URLBase is honoured on the same host", description((IP1, "c"), base="http://192.168.1.1:80/x/"), [(IP1, "/x/c")]),
    ("a control URL on another host is left out", description((IP1, "http://10.9.9.9/c")), []),
    ("other services are left out", description(("urn:schemas-upnp-org:service:Layer3Forwarding:1", "/l3f")), []),
    ("a document type is refused", description((IP1, "/c"), before="<!DOCTYPE root>"), []),
    ("an entity is refused", description((IP1, "/c"), before='<!DOCTYPE r [<!ENTITY a "b">]>'), []),
    ("too deep", b"<a>" * 60, []),
    ("too many elements", b"<r>" + b"<a/>" * 5000 + b"</r>", []),
    ("not XML", b"<html><p>hello", []),
    ("an encoding that does not exist", b'<?xml version="1.0" encoding="x-nothing"?><r/>', []),
    ("nothing", b"", []),
]


@pytest.mark.parametrize(("document", "expected"), [row[1:] for row in DESCRIPTIONS], ids=[row[0] for row in DESCRIPTIONS])
def test_descriptions(document, expected):
    assert [(service.type, service.control.path) for service in upnp.parse_description(document, HERE)] == expected


def envelope(body: str) -> bytes:
    return f'<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def test_the_outer_address_is_read_from_the_reply():
    said = "<NewExternalIPAddress>203.0.113.7</NewExternalIPAddress>"
    reply = upnp.parse_reply(envelope(f'<u:GetExternalIPAddressResponse xmlns:u="x">{said}</u:GetExternalIPAddressResponse>'))
    assert reply is not None and reply.values["NewExternalIPAddress"] == "203.0.113.7" and reply.error is None


def test_a_fault_is_an_error_with_its_number():
    error = "<UPnPError><errorCode>714</errorCode><errorDescription>NoSuchEntryInArray</errorDescription></UPnPError>"
    fault = f"<s:Fault><faultcode>s:Client</faultcode><detail>{error}</detail></s:Fault>"
    assert upnp.parse_reply(envelope(fault)) == Reply({}, upnp.NO_SUCH_ENTRY, "NoSuchEntryInArray")


MAPPING = {
    "NewRemoteHost": "",
    "NewExternalPort": "53389",
    "NewProtocol": "TCP",
    "NewInternalPort": "3389",
    "NewInternalClient": "192.168.1.20",
    "NewEnabled": "1",
    "NewPortMappingDescription": "rdp",
}

MAPPINGS = [
    ("as listed", {}, PortMapping(53389, "192.168.1.20", 3389, "tcp", True, "", "rdp")),
    ("limited", {"NewRemoteHost": "198.51.100.9"}, PortMapping(53389, "192.168.1.20", 3389, "tcp", True, "198.51.100.9", "rdp")),
    ("switched off", {"NewEnabled": "0"}, PortMapping(53389, "192.168.1.20", 3389, "tcp", False, "", "rdp")),
    ("UDP", {"NewProtocol": "UDP"}, PortMapping(53389, "192.168.1.20", 3389, "udp", True, "", "rdp")),
    ("a port out of range", {"NewInternalPort": "70000"}, None),
    ("a port that is no number", {"NewExternalPort": "٣٣٨٩"}, None),
    ("no client", {"NewInternalClient": ""}, None),
    ("another protocol", {"NewProtocol": "SCTP"}, None),
]


@pytest.mark.parametrize(("change", "expected"), [row[1:] for row in MAPPINGS], ids=[row[0] for row in MAPPINGS])
def test_mappings(change, expected):
    assert upnp.parse_mapping({**MAPPING, **change}) == expected


def test_arguments_are_escaped_and_no_changing_action_exists():
    assert b"<NewRemoteHost>&lt;&amp;</NewRemoteHost>" in upnp.call(IP1, "GetSpecificPortMappingEntry", {"NewRemoteHost": "<&"})
    assert not [name for name in dir(upnp) if name.lower().startswith(("add", "delete", "set"))]


HTTP = [
    ("with a length", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", (200, b"hi")),
    ("in chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=y\r\n ho\r\n0\r\n\r\n", (200, b"hi ho")),
    ("a chunk size that is none", b"HTTP/1.1 200 OK\r\ntransfer-encoding:chunked\r\n\r\nzz\r\nhi\r\n", (200, b"")),
    ("an error has its body", b"HTTP/1.0 500 Internal Server Error\r\n\r\n<x/>", (500, b"<x/>")),
    ("no head", b"hello", None),
    ("a status that is no number", b"HTTP/1.1 \xb2\xb2\xb2 x\r\n\r\n", None),
]


@pytest.mark.parametrize(("data", "expected"), [row[1:] for row in HTTP], ids=[row[0] for row in HTTP])
def test_http_bodies(data, expected):
    assert upnp.http_body(data) == expected


@given(st.binary(max_size=400))
def test_no_bytes_make_any_reader_raise(data):
    natpmp.parse(data)
    pcp.parse(data)
    for prefix in (b"", b"HTTP/1.1 200 OK\r\nLOCATION: http://", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        ssdp.parse(prefix + data)
        upnp.http_body(prefix + data)
    for prefix in (b"", b"<root><device>", b'<?xml version="1.0"?>'):
        upnp.parse_description(prefix + data, HERE)
        upnp.parse_reply(prefix + data)


@given(st.text(max_size=80))
def test_no_text_makes_a_location_raise(text):
    ssdp.parse_location(text)
    ssdp.parse_location("http://192.168.1.1:" + text)
    upnp.parse_description(description((IP1, text.replace("<", "").replace("&", ""))), HERE)
