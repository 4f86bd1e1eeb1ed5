"""A TLS client over any stream: OpenSSL on memory buffers, so that a jump host's channel serves as well as a socket (RFC 8446, RFC 5246).

Nothing is verified while shaking hands, so that the handshake finishes and the chain can be looked at (``probes.trust``). TLS 1.2 at
least. Ends by ``Ended``, never by an exception: the peer's alert (CLOSED with ``alert``), silence, reset, bytes that are no TLS or a
version that we do not speak (GARBLED), or more than ``MOST_RECEIVED`` (LIMIT). What opened is a ``TlsStream``, a ``vantage.base.Stream``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aetui.observations import Ended
from aetui.probes.common import FIRST_BYTES, PIECE, is_literal
from aetui.probes.trust import MOST_CERTIFICATES
from aetui.vantage.base import Stream, StreamEnded
from aetui.wire import tls

if TYPE_CHECKING:
    from OpenSSL.crypto import X509
    from OpenSSL.SSL import Connection, Context, Error

MOST_RECEIVED = 256 * 1024
"""Octets of a handshake; OpenSSL itself refuses a certificate message above 100 kB."""

_TOO_LONG = ("excessive message size", "certificate list too long", "data length too long")
"""OpenSSL's reasons for a message beyond its own limits."""


class TlsStream:
    """Application data over a finished handshake."""

    def __init__(self, inner: Stream, connection: Connection) -> None:
        self._inner = inner
        self._connection = connection

    async def read(self, most: int, deadline: float) -> bytes:
        """As ``Stream.read``; a close without close_notify is a close, and data that does not decrypt is GARBLED."""
        from OpenSSL import SSL

        while True:
            try:
                return self._connection.recv(most)
            except SSL.WantReadError:
                data = await self._next(deadline)
            except SSL.ZeroReturnError:
                return b""
            except SSL.Error as problem:
                raise StreamEnded(Ended.CLOSED if _alert_of(problem) else Ended.GARBLED) from problem
            if not data:
                return b""
            self._connection.bio_write(data)

    async def write(self, data: bytes, deadline: float) -> None:
        """As ``Stream.write``."""
        from OpenSSL import SSL

        while data:
            try:
                data = data[self._connection.send(data) :]
            except SSL.Error as problem:
                raise StreamEnded(Ended.CLOSED) from problem
            await flush(self._connection, self._inner, deadline)

    def close(self) -> None:
        """Close the stream below; no close_notify is waited for."""
        self._inner.close()

    async def _next(self, deadline: float) -> bytes:
        await flush(self._connection, self._inner, deadline)
        return await self._inner.read(PIECE, deadline)


@dataclass(frozen=True, slots=True)
class Handshake:
    """How one handshake went."""

    ended: Ended
    stage: str
    """As ``TlsSeen.stage``."""
    version: str | None
    cipher: str | None
    alert: str | None
    chain: tuple[X509, ...]
    """Leaf first, as sent, at most 10."""
    received: int
    first_bytes: bytes
    stream: TlsStream | None


async def shake(stream: Stream, host: str, deadline: float, alpn: Sequence[bytes] = (b"http/1.1",)) -> Handshake:
    """One handshake with ``host`` as server name (left out for a literal address, RFC 6066 section 3)."""
    attempt = _Attempt(stream, host, alpn)
    try:
        ended = await attempt.run(deadline)
    except StreamEnded as end:
        ended = end.ended
    return attempt.result(ended)


async def flush(connection: Connection, stream: Stream, deadline: float) -> None:
    """Send what OpenSSL wants sent."""
    from OpenSSL import SSL

    while True:
        try:
            data = connection.bio_read(PIECE)
        except SSL.WantReadError:
            return
        await stream.write(data, deadline)


class _Attempt:
    """One handshake under way."""

    def __init__(self, stream: Stream, host: str, alpn: Sequence[bytes]) -> None:
        self.stream = stream
        self.connection = _client(host, alpn)
        self.received = 0
        self.flight = b""
        self.alert: str | None = None

    async def run(self, deadline: float) -> Ended:
        """Until it is finished or cannot be."""
        from OpenSSL import SSL

        while True:
            try:
                self.connection.do_handshake()
            except SSL.WantReadError:
                await flush(self.connection, self.stream, deadline)
                if ended := await self._take(deadline):
                    return ended
            except SSL.Error as problem:
                return self._failed(problem)
            else:
                await flush(self.connection, self.stream, deadline)
                return Ended.DONE

    async def _take(self, deadline: float) -> Ended | None:
        data = await self.stream.read(PIECE, deadline)
        if not data:
            return Ended.CLOSED
        self.received += len(data)
        self.flight = (self.flight + data)[: tls.MOST_LOOKED_AT]
        if self.received > MOST_RECEIVED:
            return Ended.LIMIT
        if tls.speaks(self.flight) is False:
            return Ended.GARBLED
        self.connection.bio_write(data)
        return None

    def _failed(self, problem: Error) -> Ended:
        self.alert = tls.read(self.flight).alert or _alert_of(problem)
        if self.alert:
            return Ended.CLOSED
        return Ended.LIMIT if any(reason in _reasons(problem) for reason in _TOO_LONG) else Ended.GARBLED

    def result(self, ended: Ended) -> Handshake:
        """The record of it."""
        done, flight, chain = ended is Ended.DONE, tls.read(self.flight), self._chain()
        return Handshake(
            ended,
            _stage(done, bool(chain) or flight.certificate, self.received),
            self.connection.get_protocol_version_name() if done else flight.version,
            self.connection.get_cipher_name() if done else None,
            self.alert or flight.alert,
            chain,
            self.received,
            self.flight[:FIRST_BYTES] if flight.is_tls is False else b"",
            TlsStream(self.stream, self.connection) if done else None,
        )

    def _chain(self) -> tuple[X509, ...]:
        return tuple(self.connection.get_peer_cert_chain() or ())[:MOST_CERTIFICATES]


def _client(host: str, alpn: Sequence[bytes]) -> Connection:
    from OpenSSL import SSL

    context = _context()
    connection = SSL.Connection(context, None)
    if not is_literal(host):
        connection.set_tlsext_host_name(host.encode("ascii", "ignore"))
    if alpn:
        connection.set_alpn_protos(list(alpn))
    connection.set_connect_state()
    return connection


def _context() -> Context:
    from OpenSSL import SSL

    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_verify(SSL.VERIFY_NONE)
    return context


def _stage(done: bool, certificate: bool, received: int) -> str:
    if done:
        return "finished"
    if certificate:
        return "certificate"
    return "server-hello" if received else "hello-sent"


def _reasons(problem: Error) -> str:
    """OpenSSL's own words for an error, all of its queue."""
    queue = problem.args[0] if problem.args and isinstance(problem.args[0], list) else []
    return "; ".join(str(entry[-1]) for entry in queue)


def _alert_of(problem: Error) -> str | None:
    """The name of the alert that the peer sent encrypted, by OpenSSL's reason (``tlsv13 alert certificate required``)."""
    _, found, name = _reasons(problem).partition(" alert ")
    return name.partition(";")[0].strip().replace(" ", "_") if found else None
