"""HTTP: what a GET looks like, how responses are read, and where reading stops."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.wire import http

OK = b"HTTP/1.1 200 OK\r\n"
HEADS = [OK, b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/2 200\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"]
BODIES = [b"x: y\r\n", b"\r\n", b"\n", b" fold\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"ffff\r\n", b"zz\r\n", b"a" * 300, b"\xff\x00"]
PIECES = st.lists(st.sampled_from(HEADS + BODIES))


def read(data: bytes, closed: bool = True) -> http.ResponseParser:
    parser = http.ResponseParser()
    parser.feed(data)
    if closed:
        parser.finish()
    return parser


def seen(parser: http.ResponseParser) -> tuple[object, ...]:
    return parser.state, parser.status, parser.reason, parser.headers, parser.body


def test_a_request_names_host_and_us_and_wants_it_plain() -> None:
    lines = http.request("logger.example", "/x").decode().split("\r\n")
    assert lines[:2] == ["GET /x HTTP/1.1", "Host: logger.example"]
    assert lines[2].startswith("User-Agent: aetui/")
    assert {"Accept-Encoding: identity", "Connection: close"} < set(lines)
    assert lines[-2:] == ["", ""]


@pytest.mark.parametrize("host", ["a\r\nX: y", "a\nb", "\x00"])
def test_a_request_cannot_be_split(host: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        http.request(host)


@pytest.mark.parametrize(
    ("data", "status", "state", "body"),
    [
        pytest.param(OK + b"Content-Length: 2\r\n\r\nhixx", 200, "done", b"hi", id="by length"),
        pytest.param(OK + b"\r\nuntil the end", 200, "done", b"until the end", id="until the close"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 200, "done", b"abcde", id="chunked"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\nnothex\r\n", 200, "garbled", b"", id="a chunk without a size"),
        pytest.param(OK + b"Content-Length: 9\r\n\r\nhi", 200, "body", b"hi", id="less than promised is not done"),
        pytest.param(b"HTTP/1.0 204 No Content\r\n\r\n", 204, "done", b"", id="204 has no body"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n", 503, "done", b"", id="an interim response is passed over"),
        pytest.param(b"HTTP/1.1 200\nA: b\n\nx", 200, "done", b"x", id="no reason and bare line feeds"),
        pytest.param(b"SSH-2.0-x\r\n", None, "garbled", b"", id="another protocol"),
        pytest.param(b"HTTP/2 200\r\n", None, "garbled", b"", id="another version"),
        pytest.param(b"HTTP/1.1 2000 x\r\n", None, "garbled", b"", id="a status of four digits"),
        pytest.param(OK + b"A: " + b"b" * 70_000, 200, "limit", b"", id="a header without end"),
        pytest.param(OK + b"A: b\r\n" * 20_000, 200, "limit", b"", id="headers without end"),
        pytest.param(b"HTTP/1.1 100 x\r\n\r\n" * 5000, 100, "limit", b"", id="interim responses without end"),
        pytest.param(OK + b"Content-Length: 999999\r\n\r\n" + b"z" * 9000, 200, "done", b"z" * 4096, id="the first 4 KiB are enough"),
        pytest.param(b"", None, "head", b"", id="nothing"),
    ],
)
def test_a_response_is_read_as(data: bytes, status: int | None, state: str, body: bytes) -> None:
    parser = read(data)
    assert (parser.status, parser.state.value, parser.body) == (status, state, body)


def test_headers_are_kept_in_order_folded_and_bounded() -> None:
    parser = read(OK + b"Server: a\r\n b\r\nBroken line\r\nserver: c\r\n" + b"N: 1\r\n" * 100 + b"\r\n")
    assert parser.headers[:2] == [("server", "a b"), ("server", "c")]
    assert parser.header("server") == "a b"
    assert len(parser.headers) == http.MOST_HEADERS


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b"<html><TITLE lang=x>\n Sign &amp; go </TITLE>", "Sign & go"),
        (b"<title></title>", None),
        (b"<p>no title", None),
        (b"<title>" + b"x" * 5000, "x" * 200),
        (b"<title>unclosed", "unclosed"),
        (b"<title>" * 580, None),
    ],
)
def test_titles(body: bytes, title: str | None) -> None:
    assert http.title(body) == title


def test_a_title_in_the_charset_that_was_named() -> None:
    assert http.title("<title>Zugriff für</title>".encode("latin-1"), "text/html; charset=ISO-8859-1") == "Zugriff für"


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sun, 06 Nov 1994 10:49:37 +0200", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("Sun, 99 Nov 99999 08:49:37 GMT", None),
    ],
)
def test_dates(value: str, moment: datetime | None) -> None:
    assert http.date(value) == moment


@given(st.text(max_size=80))
def test_no_date_raises(value: str) -> None:
    http.date(value)


@given(PIECES, st.lists(st.integers(1, 60)))
def test_how_the_bytes_were_cut_changes_nothing(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces)
    parser, at = http.ResponseParser(), 0
    for cut in [*cuts, len(data)]:
        parser.feed(data[at : at + cut])
        at += cut
    assert seen(parser) == seen(read(data, closed=False))


@given(st.binary(max_size=6000), st.integers(1, 700))
def test_a_chunked_body_is_read_back(body: bytes, size: int) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(body[n : n + size]), body[n : n + size]) for n in range(0, len(body), size))
    parser = read(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n", closed=False)
    assert (parser.state, parser.body) == (http.State.DONE, body[: http.MOST_BODY])


@given(st.lists(st.binary(max_size=600), max_size=20))
def test_no_bytes_raise_and_the_body_is_bounded(pieces: list[bytes]) -> None:
    parser = http.ResponseParser()
    for piece in pieces:
        parser.feed(piece)
    parser.finish()
    http.title(parser.body, parser.header("content-type"))
    assert len(parser.body) <= http.MOST_BODY
    assert len(parser.headers) <= http.MOST_HEADERS
