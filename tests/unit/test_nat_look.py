"""What is asked of a router and what is made of its answers, over a vantage in memory; no request that would change anything is ever sent."""

from __future__ import annotations

import asyncio
import re

import pytest

from aetui.inbound.nat import look
from aetui.observations import Ended, Icmp, Outcome, TcpSeen
from aetui.reach import Forward, OuterSide
from aetui.records import VantageInfo
from aetui.vantage.base import PLAIN, Answer, Capability, Connection, StreamEnded
from aetui.wire import natpmp, pcp, ssdp, upnp
from aetui.wire.natpmp import OuterAddress
from aetui.wire.realm import Realm, realm

ROUTER, OWN = "192.168.50.1", "192.168.50.20"
SERVICE = upnp.SERVICES[1]
FOUND = f"HTTP/1.1 200 OK\r\nST: {ssdp.GATEWAYS[0]}\r\nLOCATION: http://{{}}/d.xml\r\n\r\n"
DESCRIPTION = f"<root><service><serviceType>{SERVICE}</serviceType><controlURL>/c</controlURL></service></root>"


def soap(inner):
    return f"<s:Envelope xmlns:s='x'><s:Body>{inner}</s:Body></s:Envelope>"


def fault(code):
    return soap(f"<s:Fault><errorCode>{code}</errorCode></s:Fault>")


def entry(outside, protocol="TCP", source=""):
    return soap(
        f"<r><NewRemoteHost>{source}</NewRemoteHost><NewExternalPort>{outside}</NewExternalPort><NewProtocol>{protocol}</NewProtocol>"
        "<NewInternalPort>3389</NewInternalPort><NewInternalClient>192.168.50.30</NewInternalClient><NewEnabled>1</NewEnabled></r>"
    )


def outer(address):
    return soap(f"<r><NewExternalIPAddress>{address}</NewExternalIPAddress></r>")


class Router:
    """A router by its answers: datagrams by port, and web pages by what is asked."""

    info = VantageInfo("jump", "laptop", address=OWN, gateway=ROUTER)  # no multicast from a test
    capabilities = frozenset({Capability.TCP, Capability.UDP, Capability.SEGMENT, Capability.ICMP})

    def __init__(self, datagrams=None, pages=None, hops=()):
        self.datagrams, self.pages, self.hops, self.sent = datagrams or {}, pages or {}, hops, []

    async def ask(self, address, port, payload, deadline, accept, source_port=0):
        self.sent.append(payload)
        reply = self.datagrams.get(port)
        reply = reply(payload) if callable(reply) else reply
        taken = reply is not None and accept(reply)
        return Answer(Outcome.OPEN if taken else Outcome.FILTERED, reply if taken else None)

    async def connect(self, address, port, deadline, shape=PLAIN):
        if shape.ttl is not None:
            hop = self.hops[shape.ttl - 1] if shape.ttl <= len(self.hops) else None
            icmp = Icmp(11, 0, hop) if hop else None
            return Connection(TcpSeen(address, port, Outcome.UNREACHABLE if hop else Outcome.FILTERED, icmp=icmp), None)
        if address != ROUTER:
            raise AssertionError(f"nobody told us to connect to {address}")
        return Connection(TcpSeen(address, port, Outcome.OPEN), Page(self))


class Page:
    def __init__(self, router):
        self._router, self._answer = router, b""

    async def write(self, data, deadline):
        self._router.sent.append(data)
        body = next((page for pattern, page in self._router.pages.items() if re.search(pattern, data.decode(), re.DOTALL)), None)
        if callable(body):
            body = body(data.decode())
        self._answer = body if isinstance(body, bytes) else f"HTTP/1.1 {200 if body else 404} x\r\n\r\n{body or ''}".encode()

    async def read(self, most, deadline):
        if self._answer == b"hang":
            raise StreamEnded(Ended.SILENT)
        piece, self._answer = self._answer[:most], self._answer[most:]
        return piece

    def close(self):
        pass


async def asked(router, **more):
    return await look(router, asyncio.get_running_loop().time() + 5, **more)


def generic(*entries):
    def page(request):
        index = int(re.search(r"Index>(\d+)<", request)[1])
        return entries[index] if index < len(entries) else fault(713)

    return page


WHOLE = {
    1900: FOUND.format(f"{ROUTER}:5000").encode(),
    5351: lambda asked: natpmp.response(OuterAddress(0, 1, "198.51.100.2")) if asked == b"\0\0" else pcp.response(pcp.Announced(2, 0, 1)),
}
PAGES = {r"^GET": DESCRIPTION, r"#GetExternalIPAddress": outer("198.51.100.2"), r"#GetGeneric": generic(entry(3389), entry(123, "UDP"))}


async def test_everything_that_a_router_tells_is_put_together():
    router = Router(WHOLE, PAGES, (ROUTER, "203.0.113.1"))
    seen = await asked(router, public="198.51.100.2", towards=("203.0.113.250", 22))
    assert seen.outer == (
        OuterSide("upnp", "198.51.100.2", "success"), OuterSide("nat-pmp", "198.51.100.2", "success"), OuterSide("pcp", None, "success")
    )  # fmt: skip
    assert seen.listed and [(f.outside_port, f.protocol) for f in seen.forwards] == [(3389, "tcp"), (123, "udp")]
    assert seen.hops == (ROUTER, "203.0.113.1", "") and seen.public == "198.51.100.2"


async def test_nothing_that_changes_a_router_is_ever_sent():
    router = Router(WHOLE, {**PAGES, r"#GetGeneric": fault(401)})
    await asked(router, ports=[3389])
    sent = b"".join(router.sent)
    actions = re.findall(rb'SOAPAction: "[^"#]*#(\w+)"', sent)
    assert actions and all(action.startswith(b"Get") for action in actions)
    assert natpmp.ADDRESS_REQUEST in router.sent and all(data[1:2] == b"\0" for data in router.sent if data[:1] in (b"\0", b"\2"))


async def test_a_router_without_a_list_is_asked_for_our_ports():
    specific = {r"#GetGeneric": fault(401), r"#GetSpecific.*ExternalPort>3389<.*Protocol>TCP": entry(3389), r"#GetSpecific": fault(714)}
    seen = await asked(Router(WHOLE, {**PAGES, **specific}), ports=[3389, 23])
    assert seen.listed and seen.forwards == (Forward(3389, "192.168.50.30", 3389, "tcp"),)


async def test_the_outer_address_alone_is_asked_without_the_list_of_forwards():
    router = Router(WHOLE, PAGES)
    seen = await asked(router, forwards=False)
    assert seen.outer[0] == OuterSide("upnp", "198.51.100.2", "success") and not seen.listed
    assert re.findall(rb'SOAPAction: "[^"#]*#(\w+)"', b"".join(router.sent)) == [b"GetExternalIPAddress"]


ROWS = [
    ("a router that tells nothing", {}, {}, (), False),
    ("NAT-PMP alone", {5351: natpmp.response(OuterAddress(0, 1, "10.0.0.1"))}, {}, (OuterSide("nat-pmp", "10.0.0.1", "success"),), False),
    ("NAT-PMP without an address", {5351: natpmp.response(OuterAddress(3, 1))}, {}, (OuterSide("nat-pmp", None, "network-failure"),), False),
    ("garbage", {5351: b"garbage", 1900: b"garbage"}, {}, (), False),
    ("a description on another host is not fetched", {1900: FOUND.format("203.0.113.66:80").encode()}, PAGES, (), False),
    ("a page that never ends is left", {1900: WHOLE[1900]}, {r"^GET": b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000}, (), False),
    ("a page that hangs is left", {1900: WHOLE[1900]}, {r"^GET": b"hang"}, (), False),
    ("an error in place of the address", {1900: WHOLE[1900]}, {r"^GET": DESCRIPTION, r"#GetExternal": fault(501), r"#Get": fault(401)},
     (OuterSide("upnp", None, "error 501"),), False),
    ("an address that is none", {1900: WHOLE[1900]}, {r"^GET": DESCRIPTION, r"#GetExternal": outer("router.lan"), r"#Get": fault(401)},
     (OuterSide("upnp", None, "success"),), False),
    ("an unspecified address", {1900: WHOLE[1900]}, {r"^GET": DESCRIPTION, r"#GetExternal": outer("0.0.0.0"), r"#GetGeneric": fault(713)},
     (OuterSide("upnp", None, "success"),), True),
]  # fmt: skip


@pytest.mark.parametrize(("datagrams", "pages", "told", "listed"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
async def test_what_a_router_tells(datagrams, pages, told, listed):
    seen = await asked(Router(datagrams, pages))
    assert (seen.outer, seen.listed, seen.forwards) == (told, listed, ())


BROKEN_OFF = [
    ("a list that is longer than is read", generic(*map(entry, range(1, 100))), fault(714), []),
    ("a list that breaks off", generic(entry(1), entry(2), None), fault(714), []),
    ("one that breaks off, and our port is asked for by itself", generic(entry(1), None), entry(3389), [3389]),
    ("one that breaks off behind our port", generic(entry(3389), None), None, [3389]),
    ("one that breaks off, and our port is not to be had", generic(entry(1), None), None, None),
]


@pytest.mark.parametrize(("page", "specific", "found"), [row[1:] for row in BROKEN_OFF], ids=[row[0] for row in BROKEN_OFF])
async def test_what_is_not_in_a_list_that_breaks_off_is_not_said_to_be_missing(page, specific, found):
    """``found`` are the forwards of our port that are told; None where nothing is told at all."""
    seen = await asked(Router(WHOLE, {**PAGES, r"#GetGeneric": page, r"#GetSpecific.*Protocol>TCP": specific, r"#GetSpecific": fault(714)}), ports=[3389])
    told = [f.outside_port for f in seen.forwards if f.outside_port == 3389] if seen.listed else None
    assert told == found


async def test_a_list_without_end_is_bounded():
    seen = await asked(Router(WHOLE, {**PAGES, r"#GetGeneric": entry(3389)}))
    assert seen.listed and len(seen.forwards) == 64


@pytest.mark.parametrize("private", ["192.168.1.2", "100.64.0.1", "127.0.0.1"])
async def test_a_private_address_is_never_the_public_one(private):
    assert (await asked(Router(), public=private)).public is None


REALMS = [
    ("10.0.0.1", Realm.PRIVATE), ("172.15.255.255", Realm.PUBLIC), ("172.16.0.0", Realm.PRIVATE), ("172.31.255.255", Realm.PRIVATE),
    ("172.32.0.0", Realm.PUBLIC), ("192.168.0.1", Realm.PRIVATE), ("192.169.0.1", Realm.PUBLIC), ("169.254.1.1", Realm.PRIVATE),
    ("100.63.255.255", Realm.PUBLIC), ("100.64.0.0", Realm.CARRIER), ("100.127.255.255", Realm.CARRIER), ("100.128.0.0", Realm.PUBLIC),
    ("127.0.0.1", Realm.NOWHERE), ("0.0.0.0", Realm.NOWHERE), ("224.0.0.1", Realm.NOWHERE), ("255.255.255.255", Realm.NOWHERE),
    ("203.0.113.7", Realm.PUBLIC), ("fe80::1%eth0", Realm.PRIVATE), ("fd00::1", Realm.PRIVATE), ("2001:db8::1", Realm.PUBLIC),
    ("::1", Realm.NOWHERE), ("::ffff:10.0.0.1", Realm.PRIVATE), ("ff02::1", Realm.NOWHERE), ("router.lan", Realm.NOWHERE), ("", Realm.NOWHERE),
]  # fmt: skip


@pytest.mark.parametrize(("address", "expected"), REALMS)
def test_the_realm_of_an_address(address, expected):
    assert realm(address) is expected
