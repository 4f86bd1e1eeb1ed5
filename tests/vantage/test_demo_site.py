"""The embedded site's servers, met by plain clients on loopback: each speaks its protocol as the scenario says."""

from __future__ import annotations

import asyncio
import contextlib
import ftplib
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import dns.flags
import dns.message
import dns.rcode
import dns.reversename
import pytest
from cryptography import x509

from aetui.demo import loading
from aetui.demo.fileserver import LISTING, README
from aetui.demo.scenario import Scenario, load
from aetui.demo.site import Site
from aetui.records import Transport
from aetui.strict import parse_toml

TCP, UDP = Transport.TCP, Transport.UDP
PATIENCE = 10.0
WWW, STREAMER, FTP, RA, LOGGER, RESOLVER, TIME = (
    "204.232.231.197",
    "74.205.11.149",
    "146.20.122.22",
    "67.51.237.194",
    "192.168.50.60",
    "192.168.50.1",
    "192.52.193.11",
)


def made(text: str) -> Scenario:
    return loading.compose("made", parse_toml(f'title = "T"\nsentence = "S"\n{text}'.encode(), "made.toml"), loading.ground())


@contextlib.asynccontextmanager
async def opened(scenario: Scenario | str = "healthy") -> AsyncIterator[Site]:
    site = Site(load(scenario) if isinstance(scenario, str) else scenario)
    await site.open()
    try:
        yield site
    finally:
        await site.close()


def port(site: Site, address: str, number: int, transport: Transport = TCP) -> int:
    found = site.port_of(address, number, transport)
    assert found is not None
    return found


async def talk(number: int, say: bytes, context: ssl.SSLContext | None = None, name: str | None = None) -> bytes:
    """Connect, say, and read to the end."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", number, ssl=context, server_hostname=name)
        writer.write(say)
        said = await reader.read()
        writer.close()
        await writer.wait_closed()
    return said


def get(host: str) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def trusting(site: Site) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(site.roots))


def certificate(site: Site, number: int, name: str) -> x509.Certificate:
    """The certificate that a client gets, trusted or not (blocking)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", number), PATIENCE) as sock, context.wrap_socket(sock, server_hostname=name) as secure:
        der = secure.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der)


# ------------------------------------------------------------------------------------------------------------------- places
async def test_every_endpoint_of_the_catalogue_is_served() -> None:
    from aetui import catalogue
    from aetui.records import Requirement

    async with opened() as site:
        hosts = {place.host: place for place in site.places}
        for endpoint in catalogue.load().endpoints:
            for service in endpoint.services:
                transport = UDP if service.speaks == "ntp" else TCP
                wanted = service.requirement is not Requirement.STATED
                found = [site.port_of(address, service.port, transport) for address in hosts[endpoint.host].addresses]
                assert (None not in found) is wanted, (endpoint.host, service)


async def test_a_few_of_the_kiosks_range_answer() -> None:
    async with opened() as site:
        (kiosk,) = [place for place in site.places if place.host == "172.245.215.160/27"]
        assert 1 <= len(kiosk.addresses) < 32


async def test_what_is_not_served_is_nowhere() -> None:
    async with opened() as site:
        assert site.port_of(WWW, 8080, TCP) is None
        assert site.port_of(WWW, 443, UDP) is None
        assert site.port_of("192.52.193.99", 443, TCP) is None


# --------------------------------------------------------------------------------------------------------------------- DNS
def query(name: str, kind: str = "A") -> dns.message.Message:
    return dns.message.make_query(name, kind)


async def over_udp(number: int, wire: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", number))
        await loop.sock_sendall(sock, wire)
        return await asyncio.wait_for(loop.sock_recv(sock, 4096), PATIENCE)


async def over_tcp(number: int, wire: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", number)
    writer.write(struct.pack("!H", len(wire)) + wire)
    (length,) = struct.unpack("!H", await reader.readexactly(2))
    said = await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()
    return said


def addresses(reply: dns.message.Message) -> list[str]:
    return [item.to_text() for rrset in reply.answer for item in rrset]


SAID = {
    "a host has its documented address": ("", "www.alsoenergy.com", "A", dns.rcode.NOERROR, [WWW]),
    "names have no case": ("", "WWW.AlsoEnergy.com", "A", dns.rcode.NOERROR, [WWW]),
    "two hosts may share one": ("", "ptsmaftp.alsoenergy.com", "A", dns.rcode.NOERROR, [FTP]),
    "there is no IPv6": ("", "www.alsoenergy.com", "AAAA", dns.rcode.NOERROR, []),
    "an unknown name does not exist": ("", "no-such-name.example", "A", dns.rcode.NXDOMAIN, []),
    "a hop has a name": ("", dns.reversename.from_address("192.31.196.1").to_text(), "PTR", dns.rcode.NOERROR, ["access-7.isp.example."]),
    "another address has none": ("", dns.reversename.from_address("192.0.2.1").to_text(), "PTR", dns.rcode.NXDOMAIN, []),
    "a failing server fails": ('rcode = "SERVFAIL"', "www.alsoenergy.com", "A", dns.rcode.SERVFAIL, []),
    "a lying one lies for every name": ('everything = "192.0.2.7"', "no-such-name.example", "A", dns.rcode.NOERROR, ["192.0.2.7"]),
    "or for one": ('instead = { "www.alsoenergy.com" = "0.0.0.0" }', "www.alsoenergy.com", "A", dns.rcode.NOERROR, ["0.0.0.0"]),
    "and not for the others": (
        'instead = { "www.alsoenergy.com" = "0.0.0.0" }',
        "streamer.alsoenergy.com",
        "A",
        dns.rcode.NOERROR,
        [STREAMER],
    ),
    "or for a domain": ('instead = { "*.alsoenergy.com" = "NXDOMAIN" }', "streamer.alsoenergy.com", "A", dns.rcode.NXDOMAIN, []),
    "an emptied name has no address": ('instead = { "www.alsoenergy.com" = "EMPTY" }', "www.alsoenergy.com", "A", dns.rcode.NOERROR, []),
}


@pytest.mark.parametrize("ask", [over_udp, over_tcp])
@pytest.mark.parametrize(("text", "name", "kind", "rcode", "found"), SAID.values(), ids=SAID)
async def test_what_the_name_server_says(
    text: str, name: str, kind: str, rcode: dns.rcode.Rcode, found: list[str], ask: Callable[[int, bytes], object]
) -> None:
    async with opened(made(f'[services.dns]\nkind = "dns"\n{text}')) as site:
        asking = query(name, kind)
        transport = UDP if ask is over_udp else TCP
        wire = await ask(port(site, RESOLVER, 53, transport), asking.to_wire())  # type: ignore[misc]
        reply = dns.message.from_wire(wire)
        assert asking.is_response(reply)
        assert (reply.rcode(), addresses(reply)) == (rcode, found)


async def test_a_truncated_answer_says_so_over_udp_only() -> None:
    async with opened("dns-over-tcp") as site:
        wire = query("www.alsoenergy.com").to_wire()
        short = dns.message.from_wire(await over_udp(port(site, RESOLVER, 53, UDP), wire))
        assert short.flags & dns.flags.TC
        assert addresses(short) == []
        assert addresses(dns.message.from_wire(await over_tcp(port(site, RESOLVER, 53), wire))) == [WWW]


async def test_aliases_in_a_ring_and_a_packet_that_refers_to_itself() -> None:
    async with opened("hostile") as site:
        number = port(site, RESOLVER, 53, UDP)
        ring = dns.message.from_wire(await over_udp(number, query("moxa.alsoenergy.com").to_wire()))
        assert {rrset.name.to_text(): rrset[0].to_text() for rrset in ring.answer} == {
            "moxa.alsoenergy.com.": "ring.invalid.",
            "ring.invalid.": "moxa.alsoenergy.com.",
        }
        with pytest.raises(dns.exception.DNSException):
            dns.message.from_wire(await over_udp(number, query("makirt.alsoenergy.com").to_wire()))


async def test_garbage_is_not_answered_and_the_server_lives_on() -> None:
    async with opened() as site:
        number = port(site, RESOLVER, 53, UDP)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", number))
            for garbage in (b"", b"\x00", bytes(12), b"\xff" * 600, query("a.example").to_wire()[:-3]):
                sock.send(garbage)
        assert addresses(dns.message.from_wire(await over_udp(number, query("www.alsoenergy.com").to_wire()))) == [WWW]


# -------------------------------------------------------------------------------------------------------------- web and TLS
async def test_a_page_over_http() -> None:
    async with opened() as site:
        head, _, body = (await talk(port(site, WWW, 80), get("www.alsoenergy.com"))).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"<title>www.alsoenergy.com</title>" in body
        assert f"Content-Length: {len(body)}".encode() in head
        assert len(body) > 1460


async def test_a_host_name_that_is_markup_is_no_markup_in_the_page() -> None:
    async with opened() as site:
        assert b"<script>" not in await talk(port(site, WWW, 80), get("<script>alert()</script>"))


@pytest.mark.parametrize(
    "request_", [b"\r\n", b"HELO x\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 500, b"x" * 200_000]
)
async def test_what_is_no_request_gets_no_answer(request_: bytes) -> None:
    async with opened() as site:
        with contextlib.suppress(ConnectionError):
            assert await talk(port(site, WWW, 80), request_) == b""


@pytest.mark.parametrize(
    "host", ["www.alsoenergy.com", "streamer.alsoenergy.com", "code.jquery.com", "fonts.gstatic.com", "secure.logmeinrescue.com"]
)
async def test_a_page_over_tls_that_a_logger_trusts(host: str) -> None:
    async with opened() as site:
        (address, *_) = next(place.addresses for place in site.places if place.host == host)
        said = await talk(port(site, address, 443), get(host), trusting(site), host)
        assert said.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_unrelated_owners_have_unrelated_issuers() -> None:
    async with opened() as site:
        hosts = ("www.alsoenergy.com", "code.jquery.com", "fonts.gstatic.com")
        number = port(site, WWW, 443)
        issuers = [await asyncio.to_thread(certificate, site, number, host) for host in hosts]
        assert len({found.issuer for found in issuers}) > 1


async def test_the_certificate_flight_needs_more_than_one_segment() -> None:
    async with opened() as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", port(site, STREAMER, 443))
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secure = trusting(site).wrap_bio(incoming, outgoing, server_hostname="streamer.alsoenergy.com")
        with contextlib.suppress(ssl.SSLWantReadError):
            secure.do_handshake()
        writer.write(outgoing.read())
        received = 0
        while True:
            piece = await reader.read(65536)
            received += len(piece)
            incoming.write(piece)
            try:
                secure.do_handshake()
                break
            except ssl.SSLWantReadError:
                continue
        assert received > 1460
        writer.close()
        await writer.wait_closed()


WRONG_TLS = {
    "a private root": ("tls-private-root", "www.alsoenergy.com", WWW, "unable to get local issuer"),
    "an inspection product": ("tls-intercepted", "www.alsoenergy.com", WWW, "unable to get local issuer"),
    "a certificate that ran out": ("tls-expired", "streamer.alsoenergy.com", STREAMER, "certificate has expired"),
    "a certificate for another name": ("tls-name-mismatch", "streamer.alsoenergy.com", STREAMER, "Hostname mismatch"),
    "a clock that is behind": ("clock-wrong", "www.alsoenergy.com", WWW, "not yet valid"),
}


@pytest.mark.parametrize(("name", "host", "address", "why"), WRONG_TLS.values(), ids=WRONG_TLS)
async def test_a_logger_refuses(name: str, host: str, address: str, why: str) -> None:
    async with opened(name) as site:
        served = next((rule.action.service for rule in site.scenario.rules if hasattr(rule.action, "service")), "https")
        number = site.port_of_service(served, TCP)
        assert number is not None
        with pytest.raises(ssl.SSLCertVerificationError, match=why):
            await talk(number, get(host), trusting(site), host)


async def test_this_machine_trusts_the_private_root_and_the_logger_does_not() -> None:
    async with opened("tls-private-root") as site:
        number = site.port_of_service("inspected", TCP)
        assert number is not None
        machine = ssl.create_default_context(cafile=str(site.machine_roots))
        assert (await talk(number, get("www.alsoenergy.com"), machine, "www.alsoenergy.com")).startswith(b"HTTP/1.1 200")


async def test_an_inspection_products_issuer_is_named() -> None:
    async with opened("tls-intercepted") as site:
        number = site.port_of_service("inspected", TCP)
        assert number is not None
        found = await asyncio.to_thread(certificate, site, number, "www.alsoenergy.com")
        assert "Zscaler Intermediate Root CA" in found.issuer.rfc4514_string()


async def test_a_certificate_with_thousands_of_names() -> None:
    async with opened("hostile") as site:
        number = site.port_of_service("crowded", TCP)
        assert number is not None
        found = await asyncio.to_thread(certificate, site, number, "streamer.alsoenergy.com")
        assert len(found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value) > 2000


async def test_a_page_says_the_sites_time() -> None:
    async with opened("clock-hour") as site:
        head = (await talk(port(site, WWW, 80), get("www.alsoenergy.com"))).partition(b"\r\n\r\n")[0].decode()
        date = next(line.partition(": ")[2] for line in head.split("\r\n") if line.startswith("Date: "))
        assert abs((parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds() + 3600) < 60


async def test_a_header_without_end_does_not_fill_the_memory() -> None:
    async with opened("hostile") as site:
        number = site.port_of_service("endless-http", TCP)
        assert number is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", number)
        writer.write(get("www.alsoenergy.com"))
        got = 0
        while got < 4 * 1024 * 1024:
            piece = await asyncio.wait_for(reader.read(65536), PATIENCE)
            assert piece
            got += len(piece)
        writer.transport.abort()


# --------------------------------------------------------------------------------------------------------------------- FTP
def transferred(number: int, work: Callable[[ftplib.FTP], object], login: tuple[str, str] = ("demo", "demo")) -> object:
    """A login with ftplib and what ``work`` does with it (blocking)."""
    with ftplib.FTP(timeout=PATIENCE) as client:
        client.connect("127.0.0.1", number)
        client.login(*login)
        return work(client)


def listing(client: ftplib.FTP) -> bytes:
    got = bytearray()
    client.retrbinary("LIST", got.extend)
    return bytes(got)


def readme(client: ftplib.FTP) -> bytes:
    got = bytearray()
    client.retrbinary("RETR readme.txt", got.extend)
    return bytes(got)


@pytest.mark.parametrize(("work", "expected"), [(listing, LISTING), (readme, README)])
async def test_a_passive_transfer(work: Callable[[ftplib.FTP], object], expected: bytes) -> None:
    async with opened() as site:
        assert await asyncio.to_thread(transferred, port(site, FTP, 21), work) == expected


async def test_two_transfers_of_one_login() -> None:
    async with opened() as site:
        assert await asyncio.to_thread(transferred, port(site, FTP, 21), lambda client: (listing(client), readme(client))) == (
            LISTING,
            README,
        )


def extended(client: ftplib.FTP) -> bytes:
    number = ftplib.parse229(client.sendcmd("EPSV"), ("127.0.0.1", 0))[1]
    with socket.create_connection(("127.0.0.1", number), PATIENCE) as data:
        client.sendcmd("LIST")
        got = b"".join(iter(lambda: data.recv(4096), b""))
    client.voidresp()
    return got


async def test_an_extended_passive_transfer() -> None:
    async with opened() as site:
        assert await asyncio.to_thread(transferred, port(site, FTP, 21), extended) == LISTING


@pytest.mark.parametrize(("name", "announced"), [("healthy", FTP), ("ftp-private-address", "10.20.0.5")])
async def test_the_227_names_the_documented_address_or_what_a_firewall_made_of_it(name: str, announced: str) -> None:
    async with opened(name) as site:
        reply = await asyncio.to_thread(transferred, port(site, FTP, 21), lambda client: client.sendcmd("PASV"))
        assert announced.replace(".", ",") in str(reply)


async def test_a_passive_port_is_the_sites_while_it_is_open() -> None:
    async with opened() as site:

        def probed(client: ftplib.FTP) -> tuple[int, int | None]:
            number = ftplib.parse227(client.sendcmd("PASV"))[1]
            return number, site.port_of(FTP, number, TCP)

        number, found = await asyncio.to_thread(transferred, port(site, FTP, 21), probed)  # type: ignore[misc]
        assert found == number
        await asyncio.gather(*site._serving._tasks)  # type: ignore[union-attr]
        assert site.port_of(FTP, number, TCP) is None


async def test_an_active_transfer_goes_to_where_the_client_lives() -> None:
    async with opened() as site:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            reached: list[tuple[str, int]] = []

            async def home(address: str, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
                reached.append((address, number))
                return await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])

            site.homes["192.168.50.20"] = home

            def active(client: ftplib.FTP) -> str:
                client.sendcmd("PORT 192,168,50,20,156,64")
                client.sendcmd("LIST")
                client.voidresp()
                return client.sendcmd("EPRT |1|192.168.50.20|40001|")

            assert str(await asyncio.to_thread(transferred, port(site, FTP, 21), active)).startswith("200")
            assert reached == [("192.168.50.20", 40000)]


FTP_SAID = {
    "no command without login": (None, "LIST", "530"),
    "features without login": (None, "FEAT", "211"),
    "an unknown command": ("demo", "SITE CHMOD", "502"),
    "no transfer without a mode": ("demo", "LIST", "425"),
    "an address that is none": ("demo", "PORT 1,2,3", "501"),
    "an address out of range": ("demo", "PORT 300,1,1,1,1,1", "501"),
    "an extended address that is none": ("demo", "EPRT |1|here|21|", "501"),
    "an extended address without sense": ("demo", "EPRT", "501"),
    "the type": ("demo", "TYPE I", "200"),
}


@pytest.mark.parametrize(("user", "command", "code"), FTP_SAID.values(), ids=FTP_SAID)
async def test_ftp_replies(user: str | None, command: str, code: str) -> None:
    def said(number: int) -> str:
        with ftplib.FTP(timeout=PATIENCE) as client:
            client.connect("127.0.0.1", number)
            if user:
                client.login(user, user)
            client.putcmd(command)
            return client.getmultiline()

    async with opened() as site:
        assert (await asyncio.to_thread(said, port(site, FTP, 21))).startswith(code)


@pytest.mark.parametrize("login", [("demo", "wrong"), ("anonymous", "demo"), ("", "")])
async def test_another_login_is_refused(login: tuple[str, str]) -> None:
    async with opened() as site:
        with pytest.raises(ftplib.error_perm, match="530"):
            await asyncio.to_thread(transferred, port(site, FTP, 21), listing, login)


# -------------------------------------------------------------------------------------------------------------------- time
def asked() -> bytes:
    return bytes((0x23,)) + bytes(39) + b"originat"


@pytest.mark.parametrize(
    ("name", "stratum", "refid", "offset"),
    [("healthy", 2, None, 0), ("ntp-kiss", 0, b"RATE", 0), ("ntp-unsynchronised", 16, None, 0), ("clock-hour", 2, None, -3600)],
)
async def test_what_a_time_server_says(name: str, stratum: int, refid: bytes | None, offset: float) -> None:
    async with opened(name) as site:
        reply = await over_udp(port(site, TIME, 123, UDP), asked())
        assert (len(reply), reply[0] & 7, reply[1], reply[24:32]) == (48, 4, stratum, b"originat")
        assert refid is None or reply[12:16] == refid
        seconds = struct.unpack("!I", reply[40:44])[0] - 2_208_988_800
        assert abs(seconds - time.time() - offset) < 60


async def test_a_time_server_that_answers_another_question() -> None:
    async with opened("hostile") as site:
        assert (await over_udp(port(site, TIME, 123, UDP), asked()))[24:32] != b"originat"


# ----------------------------------------------------------------------------------------------------------- remote access
async def test_the_support_server_says_that_it_speaks_ssh() -> None:
    async with opened() as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", port(site, RA, 2022))
        assert (await reader.readline()).startswith(b"SSH-2.0-")
        writer.close()
        await writer.wait_closed()


async def test_telnet_sends_options_and_a_prompt() -> None:
    async with opened() as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", port(site, LOGGER, 23))
        said = await reader.readuntil(b"login: ")
        assert said[:3] == bytes((255, 253, 1))
        writer.close()
        await writer.wait_closed()


CONFIRMS = {
    "TLS where it is offered": (
        b"\x03\x00\x00\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0",
        b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\0\x08\0\x01\0\0\0",
    ),
    "plain where only that is": (b"\x03\x00\x00\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\0\0\0\0", b"\x03\0\0\x0b\x06\xd0\0\0\x12\x34\0"),
    "plain where nothing is asked": (b"\x03\x00\x00\x0b\x06\xe0\0\0\0\0\0", b"\x03\0\0\x0b\x06\xd0\0\0\x12\x34\0"),
    "a cookie is passed over": (
        b"\x03\x00\x00\x28\x23\xe0\0\0\0\0\0Cookie: mstshash=ab\r\n\x01\0\x08\0\x01\0\0\0",
        b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\0\x08\0\x01\0\0\0",
    ),
}


@pytest.mark.parametrize(("request_", "confirm"), CONFIRMS.values(), ids=CONFIRMS)
async def test_remote_desktop_confirms(request_: bytes, confirm: bytes) -> None:
    async with opened() as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", port(site, LOGGER, 3389))
        writer.write(request_)
        assert await reader.readexactly(len(confirm)) == confirm
        writer.transport.abort()


async def test_behind_the_confirm_tls_shows_the_computers_name() -> None:
    def name(number: int) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", number), PATIENCE) as sock:
            sock.sendall(b"\x03\x00\x00\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x01\0\0\0")
            assert len(sock.recv(19, socket.MSG_WAITALL)) == 19
            with context.wrap_socket(sock) as secure:
                der = secure.getpeercert(binary_form=True)
        assert der is not None
        return x509.load_der_x509_certificate(der).subject.rfc4514_string()

    async with opened() as site:
        assert await asyncio.to_thread(name, port(site, LOGGER, 3389)) == "CN=PM2000"


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x03\x00\x00\x05\x00", b"\x03\x00\xff\xff" + bytes(100), b"\x03\0\0\x0b\x06\xf0\0\0\0\0\0"]
)
async def test_what_is_no_request_gets_no_confirm(garbage: bytes) -> None:
    async with opened() as site:
        with contextlib.suppress(ConnectionError):
            assert await talk(port(site, LOGGER, 3389), garbage) == b""


# -------------------------------------------------------------------------------------------------------------------- life
async def test_closing_ends_every_conversation_and_removes_every_file() -> None:
    site = Site(load("healthy"))
    await site.open()
    roots = site.roots
    ports = [port(site, *where) for where in ((WWW, 80), (WWW, 443), (FTP, 21), (LOGGER, 23), (RESOLVER, 53))]
    ends = [await asyncio.open_connection("127.0.0.1", number) for number in ports]
    assert roots.exists()
    await site.close()
    await site.close()
    assert not roots.exists()
    for reader, writer in ends:
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE):
                await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    for number in ports:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", number)


async def test_two_sites_at_once_keep_to_themselves() -> None:
    async with opened() as one, opened() as other:
        assert port(one, WWW, 443) != port(other, WWW, 443)
        with pytest.raises(ssl.SSLCertVerificationError):
            await talk(port(one, WWW, 443), get("www.alsoenergy.com"), trusting(other), "www.alsoenergy.com")


@pytest.mark.parametrize("name", loading.every_name())
async def test_every_scenarios_site_starts_and_stops(name: str) -> None:
    async with opened(name) as site:
        assert site.roots.read_bytes().count(b"BEGIN CERTIFICATE") == 3
