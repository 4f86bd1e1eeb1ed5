"""HTTP/1.1 as a probe needs it: one GET out, a response's head and first octets in (RFC 9110, RFC 9112).

``ResponseParser`` takes bytes as they come and never raises. It keeps at most 64 headers of a head of at most 64 KiB, and the first 4 KiB
of the body, after which it is ``DONE`` whatever more the server would send. Lenient where servers are (bare LF, folded or broken header
lines), strict where a wrong reading would mislead (status line, chunk sizes). Not here: redirects, cookies, compression (declined).
"""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from aetui import __version__

PORT = 80
"""Plain HTTP."""
USER_AGENT = f"aetui/{__version__} (network check)"
"""What servers see of us."""
LONGEST_HEAD = 64 * 1024
"""Octets of status line and headers, interim responses included."""
MOST_HEADERS = 64
"""Headers kept; further ones are read and dropped."""
MOST_BODY = 4096
"""Octets of the body kept and waited for."""
LONGEST_TITLE = 200
"""Characters of a page's title."""
_LONGEST_CHUNK_LINE = 256

_STATUS = re.compile(rb"HTTP/1\.\d ([1-9]\d\d)(?: (.*))?$", re.DOTALL)
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$")
_TITLE = re.compile(r"<title(?:\s[^>]{0,200})?>([^<]{0,1000})", re.IGNORECASE)
_CHARSET = re.compile(r"charset=\"?(utf-8|iso-8859-1|windows-1252)", re.IGNORECASE)
_CHUNK = re.compile(rb"[0-9A-Fa-f]{1,15}$")
_ALWAYS = (("Accept", "*/*"), ("Accept-Encoding", "identity"), ("Connection", "close"))
_NO_BODY = frozenset({204, 304})


class State(StrEnum):
    """Where a response stands."""

    HEAD = "head"
    BODY = "body"
    DONE = "done"
    GARBLED = "garbled"
    LIMIT = "limit"


def request(host: str, path: str = "/", extra: tuple[tuple[str, str], ...] = ()) -> bytes:
    """A GET that asks for the plain body and for the connection to be closed. ``host`` as in a URL, with a port where it is unusual.

    Raises ValueError for text that holds control characters.
    """
    headers = (("Host", host), ("User-Agent", USER_AGENT), *_ALWAYS, *extra)
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    if any(not character.isprintable() for line in lines for character in line):
        raise ValueError("a request holds no control characters")
    return "\r\n".join([*lines, "", ""]).encode()


class ResponseParser:
    """Bytes in; status, headers and the first part of the body out."""

    def __init__(self) -> None:
        self.state = State.HEAD
        self.status: int | None = None
        self.reason = ""
        self.headers: list[tuple[str, str]] = []
        self.body = b""
        self._buffer = b""
        self._head = 0
        self._left: int | None = None
        self._chunked = False
        self._chunk_left = 0

    @property
    def wants_more(self) -> bool:
        """True while further bytes can change anything."""
        return self.state in (State.HEAD, State.BODY)

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next((value for key, value in self.headers if key == name), None)

    def feed(self, data: bytes) -> None:
        """Take the next bytes; without effect once nothing more is wanted."""
        self._buffer += data if self.wants_more else b""
        while self.state is State.HEAD and self._line_of_head():
            pass
        if self.state is State.BODY:
            self._take_body()

    def finish(self) -> None:
        """The peer has closed: a body that runs until then is complete."""
        if self.state is State.BODY and self._left is None and not self._chunked:
            self.state = State.DONE

    def _line_of_head(self) -> bool:
        """Take one line; False where none is complete, or reading is over."""
        line, found, rest = self._buffer.partition(b"\n")
        if self.status is None and not _may_start(line):
            self.state = State.GARBLED
            return False
        if self._head + len(line) > LONGEST_HEAD:
            self.state = State.LIMIT
            return False
        if not found:
            return False
        self._buffer = rest
        self._head += len(line) + 1
        self._head_line(line.removesuffix(b"\r"))
        return True

    def _head_line(self, line: bytes) -> None:
        if self.status is None:
            self._status_line(line)
        elif not line:
            self._end_of_head(self.status)
        elif line[:1] in b" \t":
            self._fold(line)
        else:
            self._header_line(line)

    def _status_line(self, line: bytes) -> None:
        match = _STATUS.match(line)
        if not match:
            self.state = State.GARBLED
            return
        self.status, self.reason = int(match.group(1)), _text(match.group(2) or b"").strip()

    def _header_line(self, line: bytes) -> None:
        name, colon, value = line.partition(b":")
        if colon and len(self.headers) < MOST_HEADERS and _TOKEN.match(name.rstrip()):
            self.headers.append((name.rstrip().decode("ascii").lower(), _text(value).strip()))

    def _fold(self, line: bytes) -> None:
        if self.headers:
            name, value = self.headers[-1]
            self.headers[-1] = (name, f"{value} {_text(line).strip()}".strip())

    def _end_of_head(self, status: int) -> None:
        if 100 <= status < 200 and status != 101:
            self.status, self.headers = None, []
            return
        self.state = State.BODY
        self._chunked = (self.header("transfer-encoding") or "").lower().rstrip().endswith("chunked")
        length = (self.header("content-length") or "").split(",")[0].strip()
        if not self._chunked and length.isascii() and length.isdigit():
            self._left = int(length[:18])
        if status in _NO_BODY or self._left == 0:
            self.state = State.DONE

    def _take_body(self) -> None:
        if self._chunked:
            while self.state is State.BODY and self._take_chunk():
                pass
        else:
            self._keep(self._buffer if self._left is None else self._buffer[: self._left])
            if self._left is not None:
                self._left = max(0, self._left - len(self._buffer))
                if not self._left:
                    self.state = State.DONE
            self._buffer = b""

    def _take_chunk(self) -> bool:
        """Take a chunk's size or some of its data; False where nothing more is there."""
        if self._chunk_left:
            piece, self._buffer = self._buffer[: self._chunk_left], self._buffer[self._chunk_left :]
            self._chunk_left -= len(piece)
            self._keep(piece)
            return bool(piece)
        line, found, rest = self._buffer.partition(b"\n")
        if len(line) > _LONGEST_CHUNK_LINE:
            self.state = State.GARBLED
            return False
        if not found:
            return False
        self._buffer = rest
        self._chunk_size(line.partition(b";")[0].strip())
        return True

    def _chunk_size(self, digits: bytes) -> None:
        if not digits:
            return  # the line end that closes the chunk before
        if not _CHUNK.match(digits):
            self.state = State.GARBLED
            return
        self._chunk_left = int(digits, 16)
        if not self._chunk_left:
            self.state = State.DONE

    def _keep(self, piece: bytes) -> None:
        self.body = (self.body + piece)[:MOST_BODY]
        if len(self.body) == MOST_BODY:
            self.state = State.DONE


def title(body: bytes, content_type: str | None = None) -> str | None:
    """The text of the first ``<title>`` in the first 4 KiB, white space folded, at most 200 characters; None where there is none."""
    charset = _CHARSET.search(content_type or "")
    text = body[:MOST_BODY].decode(charset.group(1) if charset else "utf-8", "replace")
    found = _TITLE.search(text)
    words = " ".join(html.unescape(found.group(1)).split()) if found else ""
    return words[:LONGEST_TITLE] or None


def date(value: str) -> datetime | None:
    """The moment (UTC) that a Date header names (RFC 9110 section 5.6.7), or None where it names none."""
    try:
        moment = parsedate_to_datetime(value[:64])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _may_start(line: bytes) -> bool:
    return line[:7] == b"HTTP/1."[: len(line)]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
