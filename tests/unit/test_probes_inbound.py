"""The RDP and telnet probes against real sockets on loopback whose peers play one part each."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aetui.observations import Ended, RdpSeen, TelnetSeen
from aetui.probes import rdp, telnet
from aetui.probes.base import Given, Settings
from aetui.records import Check
from aetui.vantage.local import LocalVantage
from aetui.wire import x224

HOST = "127.0.0.1"


@asynccontextmanager
async def peer(play):
    """A server that plays one part; gives the port and what it was sent."""
    sent, playing = bytearray(), []

    async def handle(reader, writer):
        playing.append(asyncio.current_task())
        try:
            await play(reader, writer, sent)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1], sent
        await asyncio.gather(*playing)


async def measured(probe, kind, port, seconds=5.0):
    vantage, deadline = LocalVantage(), asyncio.get_running_loop().time() + seconds
    await vantage.open(deadline)
    connection = await vantage.connect(HOST, port, deadline)
    check = Check(f"{kind}:{HOST}:{port}", kind, HOST, port)
    result = await probe.measure(check, Given((HOST,), connection.stream), vantage, Settings(), deadline)
    await vantage.close()
    return result.observation


def says(*pieces, then="close"):
    async def play(reader, writer, sent):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if then == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        while then == "listen":
            data = await reader.read(4096)
            if not data:
                return
            sent += data

    return play


def answers(piece, then="listen"):
    async def play(reader, writer, sent):
        sent += await reader.readexactly(19)
        writer.write(piece)
        await writer.drain()
        if then == "listen":
            sent += await reader.read(4096)

    return play


RDP = [
    ("an old server without negotiation", x224.Confirm(), ("rdp", None)),
    ("Standard RDP Security", x224.Confirm(protocol=0), ("rdp", None)),
    ("NLA required", x224.Confirm(failure=5), (None, "nla-required")),
    ("a failure that nobody documented", x224.Confirm(failure=99), (None, "99")),
    ("Azure AD", x224.Confirm(protocol=16), ("aad", None)),
]


@pytest.mark.parametrize(("confirm", "expected"), [row[1:] for row in RDP], ids=[row[0] for row in RDP])
async def test_any_confirm_or_refusal_is_a_real_rdp_server(confirm, expected):
    async with peer(answers(x224.confirm(confirm))) as (port, sent):
        seen = await measured(rdp, "rdp", port)
    assert isinstance(seen, RdpSeen)
    assert (seen.ended, seen.answered, seen.protocol, seen.failure) == (Ended.DONE, True, *expected)
    assert bytes(sent) == x224.request()


NOT_RDP = [
    ("a server that says something else", answers(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Ended.GARBLED),
    ("one that closes at once", answers(b"", then="close"), Ended.CLOSED),
    ("one that speaks first", says(b"SSH-2.0-x\r\n", then="listen"), Ended.GARBLED),
    ("half a confirm", answers(x224.confirm(x224.Confirm())[:7], then="close"), Ended.GARBLED),
]


@pytest.mark.parametrize(("play", "ended"), [row[1:] for row in NOT_RDP], ids=[row[0] for row in NOT_RDP])
async def test_what_is_no_confirm_is_no_rdp(play, ended):
    async with peer(play) as (port, _):
        seen = await measured(rdp, "rdp", port)
    assert (seen.ended, seen.answered) == (ended, False)


async def test_silence_is_silence():
    async with peer(says(then="listen")) as (port, _):
        assert (await measured(rdp, "rdp", port, 0.3)).ended is Ended.SILENT
        assert (await measured(telnet, "telnet", port, 0.3)).ended is Ended.SILENT


@pytest.fixture(scope="module")
def windows_certificate(tmp_path_factory):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "PM2000-0815")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 7, now - timedelta(days=1), now + timedelta(days=180))
    certificate = built.sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("rdp") / "pair.pem"
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.parametrize("protocol", [1, 2])
async def test_where_tls_is_chosen_the_certificate_names_the_machine_and_nothing_follows(windows_certificate, protocol):
    after = asyncio.get_running_loop().create_future()

    async def play(reader, writer, sent):
        await reader.readexactly(19)
        writer.write(x224.confirm(x224.Confirm(protocol=protocol)))
        await writer.start_tls(windows_certificate)
        try:
            after.set_result(await reader.read(100))
        except (ConnectionError, ssl.SSLError) as problem:
            after.set_result(str(problem))

    async with peer(play) as (port, _):
        seen = await measured(rdp, "rdp", port)
        assert await after == b""
    assert seen.certificate is not None
    assert seen.certificate.subject == "CN=PM2000-0815" and seen.certificate.self_signed


async def test_a_server_that_chose_tls_and_shows_none_is_still_rdp():
    async with peer(answers(x224.confirm(x224.Confirm(protocol=1)), then="close")) as (port, _):
        seen = await measured(rdp, "rdp", port)
    assert (seen.answered, seen.protocol, seen.certificate) == (True, "tls", None)


BUSYBOX = b"\xff\xfd\x01\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03"


async def test_options_are_declined_and_the_prompt_is_read_without_a_letter_sent():
    async with peer(says(BUSYBOX, b"\r\nMoxa login: ", then="listen")) as (port, sent):
        seen = await measured(telnet, "telnet", port)
        assert seen == TelnetSeen(
            Ended.DONE, ("DO ECHO", "DO NAWS", "WILL ECHO", "WILL SGA"), "\r\nMoxa login: ", True, BUSYBOX + b"\r\nMoxa login: "
        )
    assert bytes(sent) == b"\xff\xfc\x01\xff\xfc\x1f\xff\xfd\x01\xff\xfd\x03"


async def test_a_server_that_asks_only_after_its_options_are_answered_is_waited_for():
    async def play(reader, writer, sent):
        writer.write(b"\xff\xfd\x18\xff\xfd\x20")
        sent += await reader.readexactly(6)
        writer.write(b"Debian GNU/Linux 12\r\nsite login: ")
        await reader.read(100)

    async with peer(play) as (port, sent):
        seen = await measured(telnet, "telnet", port)
    assert seen.login_prompt and seen.ended is Ended.DONE
    assert bytes(sent) == b"\xff\xfc\x18\xff\xfc\x20"


TELNET = [
    ("a bare prompt is telnet enough", says(b"login: ", then="listen"), Ended.DONE, True),
    ("options and a close", says(BUSYBOX), Ended.DONE, False),
    ("another protocol", says(b"SSH-2.0-x\r\n"), Ended.GARBLED, False),
    ("an endless greeting", says(b"x" * 9000, then="listen"), Ended.LIMIT, False),
    ("a close", says(), Ended.CLOSED, False),
    ("a reset", says(then="reset"), Ended.RESET, False),
]


@pytest.mark.parametrize(("play", "ended", "prompt"), [row[1:] for row in TELNET], ids=[row[0] for row in TELNET])
async def test_how_a_greeting_ends(play, ended, prompt):
    async with peer(play) as (port, _):
        seen = await measured(telnet, "telnet", port, 2.0)
    assert (seen.ended, seen.login_prompt) == (ended, prompt)
