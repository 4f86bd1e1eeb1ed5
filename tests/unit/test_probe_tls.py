"""The tls probe against real TLS servers on loopback, and against peers that only pretend."""

from __future__ import annotations

import asyncio
import math
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from certificates import DAY, Issued, authority, leaf, server_context
from fake_vantage import FakeVantage, MockStream

from aetui.observations import Ended, HttpSeen, TlsSeen
from aetui.probes import handshake, http, tcp, tls, trust
from aetui.probes.base import Given, Measured, Settings
from aetui.records import Check
from aetui.vantage.base import StreamEnded
from aetui.vantage.local import LocalVantage

NAME = "logger.example"
NOW = datetime.now(UTC)
Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def root() -> Issued:
    return authority()


@pytest.fixture
def settings(root: Issued, tmp_path: Path) -> Settings:
    """A logger that trusts our root alone, on a machine that trusts another one as well."""
    (tmp_path / "logger.pem").write_bytes(root.pem)
    (tmp_path / "machine.pem").write_bytes(root.pem + OTHER.pem)
    return Settings(roots=tmp_path / "logger.pem", machine_roots=tmp_path / "machine.pem")


OTHER = authority("Inspection Root")


@asynccontextmanager
async def serving(context: ssl.SSLContext | None, play: Play | None = None) -> AsyncIterator[int]:
    """A server on loopback; the port."""
    playing: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        playing.append(task)
        try:
            await (play or _page)(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for task in playing:
            task.cancel()
        await asyncio.gather(*playing, return_exceptions=True)


async def _page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    await writer.drain()


async def shaken(port: int, settings: Settings, name: str = NAME, wait: float = 5.0, **about: str) -> Measured:
    deadline = asyncio.get_running_loop().time() + wait
    vantage = LocalVantage()
    opened = await tcp.measure(Check("t", "tcp", "127.0.0.1", port), Given(), vantage, settings, deadline)
    assert opened.stream is not None
    check = Check("s", "tls", name, port, about=about)
    result = await tls.measure(check, Given(opened.addresses, opened.stream), vantage, settings, deadline)
    if result.stream is None:
        opened.stream.close()
    return result


async def seen_of(context: ssl.SSLContext | None, settings: Settings, play: Play | None = None, **how: str) -> TlsSeen:
    async with serving(context, play) as port:
        result = await shaken(port, settings, **how)
        if result.stream:
            result.stream.close()
    assert isinstance(result.observation, TlsSeen)
    return result.observation


async def test_a_good_server_is_measured_whole_and_its_stream_carries_a_page(root: Issued, settings: Settings, tmp_path: Path) -> None:
    middle = authority("Middle", root)
    context = server_context(tmp_path, leaf(middle, NAME, "192.0.2.7"), middle)
    async with serving(context) as port:
        result = await shaken(port, settings)
        seen = result.observation
        assert isinstance(seen, TlsSeen)
        assert (seen.ended, seen.stage, seen.version, seen.alert) == (Ended.DONE, "finished", "TLSv1.3", None)
        assert seen.cipher
        assert seen.received > 500
        assert [c.subject for c in seen.chain] == ["CN=a logger's server", "CN=Middle"]
        assert [c.issuer for c in seen.chain] == ["CN=Middle", "CN=Test Root"]
        assert (seen.chain[0].names, seen.chain[0].names_total) == ((NAME, "192.0.2.7"), 2)
        assert seen.logger == seen.machine == trust.Verification(True)
        assert (seen.name_matches, seen.logger_when_valid, seen.logger_at_network_time) == (True, None, None)
        assert "tls" in result.phases_ms
        page = await http.measure(Check("h", "http", NAME, port), Given((), result.stream), FakeVantage(), settings, _soon())
        assert isinstance(page.observation, HttpSeen)
        assert (page.observation.url, page.observation.status, page.observation.body) == (f"https://{NAME}:{port}/", 200, b"hello")
        assert result.stream is not None
        result.stream.close()


async def test_tls_1_2_is_spoken_as_well(root: Issued, settings: Settings, tmp_path: Path) -> None:
    context = server_context(tmp_path, leaf(root, NAME))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    seen = await seen_of(context, settings)
    assert (seen.ended, seen.version) == (Ended.DONE, "TLSv1.2")


@pytest.mark.parametrize(
    ("make", "name", "logger", "machine", "matches"),
    [
        pytest.param(lambda root: leaf(root, "*.example"), "logger.example", 0, 0, False, id="a wildcard right under the top is none"),
        pytest.param(lambda root: leaf(root, "*.site.example"), "a.site.example", 0, 0, True, id="a wildcard of one label"),
        pytest.param(lambda root: leaf(root, "elsewhere.example"), NAME, 0, 0, False, id="another name"),
        pytest.param(lambda root: leaf(root, NAME, ends=NOW - DAY), NAME, 10, 10, True, id="expired"),
        pytest.param(lambda root: leaf(root, NAME, begins=NOW + DAY), NAME, 9, 9, True, id="not yet valid"),
        pytest.param(lambda root: leaf(None, NAME), NAME, 18, 18, True, id="self-signed"),
        pytest.param(lambda root: leaf(OTHER, NAME), NAME, 20, 0, True, id="a root that only this machine trusts"),
        pytest.param(lambda root: leaf(authority("Stranger"), NAME), NAME, 20, 20, True, id="a root that nobody trusts"),
        pytest.param(leaf, NAME, 0, 0, False, id="no names at all"),
        pytest.param(lambda root: leaf(root, "127.0.0.1"), "127.0.0.1", 0, 0, True, id="an address"),
    ],
)
async def test_certificates(
    root: Issued, settings: Settings, tmp_path: Path, make: Callable[[Issued], Issued], name: str, logger: int, machine: int, matches: bool
) -> None:
    seen = await seen_of(server_context(tmp_path, make(root)), settings, name=name)
    assert (seen.ended, seen.name_matches) == (Ended.DONE, matches)
    assert seen.logger is not None
    assert seen.machine is not None
    assert (seen.logger.code, seen.machine.code) == (logger, machine)
    assert (seen.logger.trusted, seen.machine.trusted) == (not logger, not machine)
    assert seen.chain[0].self_signed is (logger == 18)


@pytest.mark.parametrize(
    ("begins", "ends", "offset", "now", "corrected", "when_valid"),
    [
        pytest.param(-60, -1, timedelta(0), 10, 10, True, id="expired by any clock"),
        pytest.param(-60, -1, -30 * DAY, 10, 0, True, id="our clock is a month ahead"),
        pytest.param(400, 800, 500 * DAY, 9, 0, True, id="our clock is years behind"),
    ],
)
async def test_a_wrong_clock_is_told_from_an_expired_certificate(
    root: Issued, settings: Settings, tmp_path: Path, begins: int, ends: int, offset: timedelta, now: int, corrected: int, when_valid: bool
) -> None:
    context = server_context(tmp_path, leaf(root, NAME, begins=NOW + begins * DAY, ends=NOW + ends * DAY))
    seen = await seen_of(context, settings, offset_ms=str(offset / timedelta(milliseconds=1)))
    assert seen.logger is not None
    assert seen.logger_at_network_time is not None
    assert seen.logger_when_valid is not None
    assert (seen.logger.code, seen.logger_at_network_time.code, seen.logger_when_valid.trusted) == (now, corrected, when_valid)


async def test_a_stranger_s_expired_certificate_is_not_cured_by_the_clock(root: Issued, settings: Settings, tmp_path: Path) -> None:
    seen = await seen_of(server_context(tmp_path, leaf(OTHER, NAME, ends=NOW - DAY)), settings)
    assert seen.logger is not None
    assert (seen.logger.trusted, seen.logger_when_valid) == (False, None)


async def test_a_certificate_of_thousands_of_names_is_bounded_and_still_compared(root: Issued, settings: Settings, tmp_path: Path) -> None:
    names = [f"n{n}.example" for n in range(4000)]
    seen = await seen_of(server_context(tmp_path, leaf(root, *names, NAME)), settings)
    assert (seen.ended, len(seen.chain[0].names), seen.chain[0].names_total, seen.name_matches) == (Ended.DONE, 64, 4001, True)


async def test_a_certificate_of_a_hundred_thousand_names_is_not_read(root: Issued, settings: Settings, tmp_path: Path) -> None:
    context = server_context(tmp_path, leaf(root, *(f"n{n}.example" for n in range(100_000))))
    seen = await seen_of(context, settings)
    assert (seen.ended, seen.chain, seen.logger) == (Ended.LIMIT, (), None)
    assert seen.received <= handshake.MOST_RECEIVED + 16 * 1024


def in_memory(context: ssl.SSLContext) -> MockStream:
    """A TLS server without sockets: what it is sent goes in, what it would send comes out, alerts included."""
    arriving, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(arriving, leaving, server_side=True)

    def on(data: bytes) -> list[bytes]:
        arriving.write(data)
        with suppress(ssl.SSLError):
            server.do_handshake()
        return [said] if (said := leaving.read()) else []

    return MockStream(on=on)


async def pretended(stream: MockStream, settings: Settings) -> tuple[TlsSeen, Measured]:
    result = await tls.measure(Check("s", "tls", NAME, 443), Given((), stream), FakeVantage(), settings, math.inf)
    assert isinstance(result.observation, TlsSeen)
    return result.observation, result


async def test_an_alert_is_named(root: Issued, settings: Settings, tmp_path: Path) -> None:
    context = server_context(tmp_path, leaf(root, NAME))
    context.sni_callback = lambda *_: ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    seen, result = await pretended(in_memory(context), settings)
    assert (seen.ended, seen.alert, seen.stage, result.stream) == (Ended.CLOSED, "unrecognized_name", "server-hello", None)


async def test_an_alert_after_the_certificate_keeps_the_chain(root: Issued, settings: Settings, tmp_path: Path) -> None:
    context = server_context(tmp_path, leaf(root, NAME))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    seen, _ = await pretended(in_memory(context), settings)
    assert (seen.ended, seen.alert, seen.stage, seen.version) == (Ended.CLOSED, "handshake_failure", "certificate", "TLSv1.2")
    assert seen.logger == trust.Verification(True)


async def test_an_encrypted_alert_ends_the_stream_that_it_comes_on(root: Issued, settings: Settings, tmp_path: Path) -> None:
    context = server_context(tmp_path, leaf(root, NAME))
    context.verify_mode = ssl.CERT_REQUIRED
    seen, result = await pretended(in_memory(context), settings)
    assert (seen.ended, seen.version) == (Ended.DONE, "TLSv1.3")
    assert result.stream is not None
    with pytest.raises(StreamEnded) as caught:
        await result.stream.read(100, math.inf)
    assert caught.value.ended is Ended.CLOSED


async def test_the_server_hears_the_production_name_and_no_name_for_an_address(root: Issued, settings: Settings, tmp_path: Path) -> None:
    heard: list[str | None] = []
    context = server_context(tmp_path, leaf(root, NAME))
    context.sni_callback = lambda *said: heard.append(said[1])
    await seen_of(context, settings)
    await seen_of(context, settings, server_name="other.example")
    await seen_of(context, settings, name="127.0.0.1")
    assert heard == [NAME, "other.example", None]


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4096)


@pytest.mark.parametrize(
    ("play", "ended", "wait"),
    [(_reset, Ended.RESET, 5.0), (_closes, Ended.CLOSED, 5.0), (_silent, Ended.SILENT, 0.2)],
    ids=["a reset after the hello", "a close after the hello", "silence after the hello"],
)
async def test_a_peer_that_says_nothing(settings: Settings, play: Play, ended: Ended, wait: float) -> None:
    async with serving(None, play) as port:
        result = await shaken(port, settings, wait=wait)
    seen = result.observation
    assert isinstance(seen, TlsSeen)
    assert (seen.ended, seen.stage, seen.received, seen.chain, seen.logger) == (ended, "hello-sent", 0, (), None)
    assert (result.stream, result.addresses) == (None, ())


TLS10_HELLO = b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01" + bytes(32) + b"\x00\x00\x2f\x00"


@pytest.mark.parametrize(
    ("said", "then", "ended", "version", "alert", "strange"),
    [
        pytest.param(b"HTTP/1.1 400 Bad\r\n", Ended.SILENT, Ended.GARBLED, None, None, b"HTTP/1.1 400 Bad\r\n", id="HTTP"),
        pytest.param(b"\x15\x03\x03\0\2\2\x28", Ended.CLOSED, Ended.CLOSED, None, "handshake_failure", b"", id="an alert"),
        pytest.param(TLS10_HELLO, Ended.SILENT, Ended.GARBLED, "TLSv1", None, b"", id="a version we do not speak"),
        pytest.param(b"\x16\x03\x03\x40\x00" + b"\x00" * 9000, Ended.RESET, Ended.RESET, None, None, b"", id="half a record"),
        pytest.param(b"\x16\x03\x03\x10\x00" + b"\x04" * 4096, Ended.CLOSED, Ended.GARBLED, None, None, b"", id="nonsense"),
    ],
)
async def test_a_peer_that_pretends(
    settings: Settings, said: bytes, then: Ended, ended: Ended, version: str | None, alert: str | None, strange: bytes
) -> None:
    seen, _ = await pretended(MockStream([said], then), settings)
    assert (seen.ended, seen.stage, seen.version, seen.alert) == (ended, "server-hello", version, alert)
    assert seen.first_bytes == strange


async def test_a_handshake_without_end_is_left(settings: Settings) -> None:
    class Endless(MockStream):
        async def read(self, most: int, deadline: float) -> bytes:
            self.reads += 1
            return b"\x16\x03\x03\x00\x04\x00\x00\x00\x00" * 1000  # hello requests, which a client may pass over

        reads = 0

    stream = Endless()
    seen, _ = await pretended(stream, settings)
    assert seen.ended in (Ended.LIMIT, Ended.GARBLED)
    assert stream.reads < 100


async def test_roots_that_cannot_be_read_give_no_word(root: Issued, tmp_path: Path) -> None:
    (tmp_path / "junk.pem").write_text("no certificate")
    settings = Settings(roots=tmp_path / "missing.pem", machine_roots=tmp_path / "junk.pem")
    seen = await seen_of(server_context(tmp_path, leaf(root, NAME)), settings)
    assert (seen.ended, seen.logger, seen.machine) == (Ended.DONE, None, None)


async def test_the_public_roots_and_the_machine_s_own_store_are_the_defaults(root: Issued, tmp_path: Path) -> None:
    assert trust.logger_roots(Settings()) == trust.logger_roots(Settings())
    seen = await seen_of(server_context(tmp_path, leaf(root, NAME)), Settings())
    assert seen.logger is not None
    assert seen.logger.code == 20


def test_the_machine_s_store_follows_the_environment(root: Issued, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from OpenSSL.crypto import X509

    (tmp_path / "own.pem").write_bytes(root.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))
    roots = trust.machine_roots(Settings())
    assert roots is not None
    chain = [X509.from_cryptography(leaf(root, NAME).certificate)]
    assert trust.verify(chain, roots) == trust.Verification(True)


def test_verifying_at_one_time_leaves_nothing_behind_for_the_next(root: Issued, settings: Settings) -> None:
    from OpenSSL.crypto import X509

    chain = [X509.from_cryptography(leaf(root, NAME).certificate)]
    roots = trust.logger_roots(settings)
    words = [trust.verify(chain, roots, NOW + days * DAY) for days in (0, 60, -60, 0)]
    assert [word.code for word in words if word] == [0, 10, 9, 0]
    assert trust.verify(chain, roots) == trust.Verification(True)


def test_a_store_is_loaded_once_and_anew_when_its_file_has_changed(root: Issued, settings: Settings) -> None:
    from OpenSSL.crypto import X509

    assert settings.roots is not None
    chain = [X509.from_cryptography(leaf(OTHER, NAME).certificate)]
    before = trust._store.cache_info().misses
    words = [trust.verify(chain, trust.logger_roots(settings)) for _ in range(3)]
    assert [word.code for word in words if word] == [20, 20, 20]
    assert trust._store.cache_info().misses == before + 1
    settings.roots.write_bytes(OTHER.pem)
    os.utime(settings.roots, ns=(1, 1))
    assert trust.verify(chain, trust.logger_roots(settings)) == trust.Verification(True)


@pytest.mark.parametrize(
    ("host", "certified", "matches"),
    [
        ("a.b.example", ["*.b.example"], True),
        ("b.example", ["*.b.example"], False),
        ("x.a.b.example", ["*.b.example"], False),
        ("a.b.example", ["a*.b.example"], False),
        ("a.b.example", ["a.*.example"], False),
        ("A.B.Example.", ["a.b.example"], True),
        ("a.example\0.evil", ["a.example"], False),
        ("192.0.2.1", ["*.0.2.1", "192.0.2.1"], True),
        ("192.0.2.1", ["*.0.2.1"], False),
        ("2001:db8::1", ["2001:0db8::0001"], True),
        ("a.example", [], False),
        ("", ["*.b.example", ""], True),
    ],
)
def test_names_match_as_the_rfc_has_it(host: str, certified: list[str], matches: bool) -> None:
    assert trust.matches(host, certified) is matches


async def test_data_that_does_not_decrypt_ends_the_stream(root: Issued, settings: Settings, tmp_path: Path) -> None:
    async with serving(server_context(tmp_path, leaf(root, NAME)), _silent) as port:
        result = await shaken(port, settings)
        stream = result.stream
        assert isinstance(stream, handshake.TlsStream)
        stream.close()
        stream._inner = MockStream([b"\x17\x03\x03\x00\x20" + bytes(32)])
        with pytest.raises(StreamEnded) as caught:
            await stream.read(100, math.inf)
    assert caught.value.ended is Ended.GARBLED


def _soon() -> float:
    return asyncio.get_running_loop().time() + 5.0
