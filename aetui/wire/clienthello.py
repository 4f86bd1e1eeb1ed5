"""The host name in a TLS client's first message.

``parse`` takes the first bytes of a connection, whole or cut short, and never raises. Sources: RFC 8446 sections 4.1.2 and 5.1 (the
legacy layout is that of RFC 5246), RFC 6066 section 3 (server_name). Not here: what a server answers (``wire.tls``).
"""

from __future__ import annotations

from dataclasses import dataclass

_HANDSHAKE, _CLIENT_HELLO = 0x16, 1
_SERVER_NAME, _HOST_NAME = 0, 0


@dataclass(frozen=True, slots=True)
class ClientHello:
    """A TLS client spoke; ``server_name`` is None where it named no host or the name is not here yet. Foreign text."""

    server_name: str | None = None


class _ShortError(Exception):
    """The bytes end before the field does."""


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) < count:
            raise _ShortError
        self._at += count
        return piece

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        return self.take(self.number(size))

    @property
    def rest(self) -> bytes:
        return self._data[self._at :]


def parse(data: bytes) -> ClientHello | None:
    """The client's hello, or None where these bytes are no TLS handshake record."""
    if len(data) < 3 or data[0] != _HANDSHAKE or data[1] != 3 or data[2] > 4:
        return None
    if len(data) > 5 and data[5] != _CLIENT_HELLO:
        return None
    try:
        return ClientHello(_server_name(_Cursor(data[9:])))
    except _ShortError:
        return ClientHello()


def _server_name(hello: _Cursor) -> str | None:
    hello.take(2 + 32)  # legacy_version, random
    hello.vector(1)  # legacy_session_id
    hello.vector(2)  # cipher_suites
    hello.vector(1)  # legacy_compression_methods
    hello.number(2)
    extensions = _Cursor(hello.rest)
    while extensions.rest:
        kind, body = extensions.number(2), extensions.vector(2)
        if kind == _SERVER_NAME:
            names = _Cursor(body)
            names.number(2)
            return names.vector(2).decode("latin-1") if names.number(1) == _HOST_NAME else None
    return None
