"""The http probe over a vantage in memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from fake_vantage import FakeVantage, MockStream

from aetui.observations import Ended, HttpSeen
from aetui.probes import http
from aetui.probes.base import Given, Settings
from aetui.records import Check

OK = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 30\r\n\r\n<title>Hello [/] you</title>ab"


async def measured(stream: MockStream, host: str = "logger.example", port: int = 80, about: Mapping[str, str] | None = None) -> HttpSeen:
    check = Check("h", "http", host, port, about=about or {})
    result = await http.measure(check, Given(("192.0.2.1",), stream, {}), FakeVantage(), Settings(), math.inf)
    assert isinstance(result.observation, HttpSeen)
    assert ("first_byte" in result.phases_ms) is bool(result.observation.received)
    return result.observation


async def test_a_page_is_read_with_status_headers_title_and_url() -> None:
    stream = MockStream([OK[:20], OK[20:]])
    seen = await measured(stream)
    assert (seen.url, seen.ended, seen.title) == ("http://logger.example/", Ended.DONE, "Hello [/] you")
    assert (seen.status, seen.reason) == (200, "OK")
    assert (seen.header("Server"), seen.received, seen.first_bytes) == ("nginx", len(OK), b"")
    assert stream.sent.startswith(b"GET / HTTP/1.1\r\nHost: logger.example\r\n")


@pytest.mark.parametrize(
    ("host", "port", "about", "url", "head"),
    [
        ("logger.example", 8080, {}, "http://logger.example:8080/", b"Host: logger.example:8080\r\n"),
        ("2001:db8::1", 80, {}, "http://[2001:db8::1]/", b"Host: [2001:db8::1]\r\n"),
        ("192.0.2.1", 80, {"host": "logger.example", "path": "/a"}, "http://logger.example/a", b"Host: logger.example\r\n"),
    ],
)
async def test_host_and_path(host: str, port: int, about: dict[str, str], url: str, head: bytes) -> None:
    stream = MockStream([OK])
    assert (await measured(stream, host, port, about)).url == url
    assert head in stream.sent


@pytest.mark.parametrize(
    ("script", "then", "ended", "status", "strange"),
    [
        pytest.param([], Ended.SILENT, Ended.SILENT, None, b"", id="silence"),
        pytest.param([], Ended.RESET, Ended.RESET, None, b"", id="a reset"),
        pytest.param([], Ended.CLOSED, Ended.CLOSED, None, b"", id="a close"),
        pytest.param([OK[:-10]], Ended.SILENT, Ended.SILENT, 200, b"", id="a body that stalls keeps the status"),
        pytest.param([OK[:-10]], Ended.CLOSED, Ended.CLOSED, 200, b"", id="a body cut short"),
        pytest.param([b"SSH-2.0-x\r\n"], Ended.SILENT, Ended.GARBLED, None, b"SSH-2.0-x\r\n", id="another protocol"),
        pytest.param([b"\x15\x03\x01\x00\x02\x02\x46"], Ended.CLOSED, Ended.GARBLED, None, b"\x15\x03\x01\x00\x02\x02\x46", id="TLS"),
        pytest.param([OK[:17] + b"A: b\r\n" * 20_000], Ended.CLOSED, Ended.LIMIT, 200, b"", id="headers without end"),
        pytest.param([b"HTTP/1.0 200 OK\r\n\r\nold"], Ended.CLOSED, Ended.DONE, 200, b"", id="a body that ends with the connection"),
    ],
)
async def test_how_it_ended(script: list[bytes], then: Ended, ended: Ended, status: int | None, strange: bytes) -> None:
    seen = await measured(MockStream(script, then))
    assert (seen.ended, seen.status, seen.first_bytes) == (ended, status, strange)


async def test_a_gigabyte_in_chunks_of_one_octet_is_not_read() -> None:
    class Endless(MockStream):
        async def read(self, most: int, deadline: float) -> bytes:
            first = b"" if self.reads else b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            self.reads += 1
            return first + b"\r\n" * 5000

        reads = 0

    stream = Endless()
    seen = await measured(stream)
    assert seen.ended is Ended.LIMIT
    assert stream.reads < 100


async def test_a_redirect_is_told_and_not_followed() -> None:
    stream = MockStream([b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\nContent-Length: 0\r\n\r\n"])
    assert (await measured(stream)).location == "http://portal.example/login"
    assert stream.sent.count(b"GET ") == 1


async def test_the_date_header_is_compared_with_our_clock() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    seen = await measured(MockStream([f"HTTP/1.1 204 x\r\nDate: {date}\r\n\r\n".encode()]))
    assert seen.date_offset_ms == pytest.approx(3_600_000, abs=5000)
    assert (await measured(MockStream([b"HTTP/1.1 204 x\r\nDate: soon\r\n\r\n"]))).date_offset_ms is None
