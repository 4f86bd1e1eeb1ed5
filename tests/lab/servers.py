"""The lab's own small servers, for what no honest daemon does: each takes its settings and gives a function for ``Node.serve``.

They speak just enough of their protocol to be believed by a client, run a thread a connection, and live until stopped. Everything binds
to every address of its node; which traffic reaches them is the firewall's matter (``breaking.redirected``).
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlsplit

from . import pki

Ready = Callable[[], None]
Server = Callable[[Ready], None]
Handler = Callable[[socket.socket], None]
Make = Callable[[str], bytes]
"""From a name to a PEM of key and chain, as ``pki.Authority.leaf`` gives."""
PATIENCE_S = 20.0
"""Longest wait for a client's next bytes."""
_ORIGINAL_DST, _EPOCH = 80, 2_208_988_800
_MOST_HEAD = 65536


def _tcp(port: int, handle: Handler) -> socket.socket:
    """Listen, and hand each connection to ``handle`` in a thread."""
    listener = socket.create_server(("0.0.0.0", port), backlog=512)

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(PATIENCE_S)
            handle(connection)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener


def tcp_server(port: int, handle: Handler) -> Server:
    """Any TCP service."""

    def run(ready: Ready) -> None:
        _tcp(port, handle)
        ready()
        threading.Event().wait()

    return run


def udp_server(port: int, answer: Callable[[bytes], bytes | None]) -> Server:
    """A service of one datagram for one datagram; None says nothing."""

    def run(ready: Ready) -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as handle:
            handle.bind(("0.0.0.0", port))
            ready()
            while True:
                said, peer = handle.recvfrom(4096)
                reply = answer(said)
                if reply is not None:
                    handle.sendto(reply, peer)

    return run


# -- plain misbehaviour


def says(port: int, first: bytes) -> Server:
    """Says ``first`` and then listens without a word: another protocol on this port."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(first)
        while connection.recv(4096):
            pass

    return tcp_server(port, handle)


def mute(port: int) -> Server:
    """Accepts and never says a word, as a firewall that answers SYNs itself does."""
    return says(port, b"")


def hangs_up(port: int) -> Server:
    """Accepts, hears the client out once, and closes."""
    return tcp_server(port, lambda connection: connection.recv(65536) and None)


def inetd(port: int, argv: Sequence[str]) -> Server:
    """Runs a program with each connection as its standard input and output, as inetd does for telnetd."""

    def handle(connection: socket.socket) -> None:
        connection.settimeout(None)
        subprocess.run(argv, stdin=connection.fileno(), stdout=connection.fileno(), stderr=subprocess.DEVNULL, check=False)

    return tcp_server(port, handle)


# -- names


def dns(port: int, code: int) -> Server:
    """Answers every question with a response code and no records (RFC 1035 section 4.1.1), over UDP and TCP."""

    def answer(question: bytes) -> bytes | None:
        if len(question) < 12:
            return None
        number, flags = struct.unpack_from("!2H", question)
        end = 12
        while end < len(question) and question[end]:
            end += question[end] + 1
        return struct.pack("!6H", number, 0x8080 | (flags & 0x0100) | code, 1, 0, 0, 0) + question[12 : end + 5]

    def stream(connection: socket.socket) -> None:
        while len(head := connection.recv(2)) == 2:
            reply = answer(connection.recv(struct.unpack("!H", head)[0])) or b""
            connection.sendall(struct.pack("!H", len(reply)) + reply)

    def run(ready: Ready) -> None:
        _tcp(port, stream)
        udp_server(port, answer)(ready)

    return run


# -- time


def _stamp(seconds: float) -> bytes:
    return struct.pack("!Q", int((seconds + _EPOCH) * (1 << 32)))


@dataclass(frozen=True, slots=True)
class Clock:
    """How a time server answers (RFC 5905 section 7.3)."""

    ahead_s: float = 0.0
    stratum: int = 2
    leap: int = 0
    reference: bytes = b"\x7f\x7f\x01\x01"
    """The kiss code where stratum is 0."""
    mode: int = 4
    echo: bool = True
    """Repeats the question's transmit time as origin, as every honest server does."""


def ntp(port: int, clock: Clock) -> Server:
    """A time server with this clock."""

    def answer(question: bytes) -> bytes | None:
        if len(question) < 48:
            return None
        now = time.time() + clock.ahead_s
        head = struct.pack("!BBbb", clock.leap << 6 | 4 << 3 | clock.mode, clock.stratum, 6, -23) + bytes(8) + clock.reference
        origin = question[40:48] if clock.echo else bytes.fromhex("0123456789abcdef")
        return head + _stamp(now - 30) + origin + _stamp(now) + _stamp(now)

    return udp_server(port, answer)


# -- web


@dataclass(frozen=True, slots=True)
class Page:
    """What a web server answers to every request. ``{host}`` in the body or a header is the host asked for."""

    status: str = "200 OK"
    body: str = "<!doctype html><title>{host}</title><p>{host} is at work.</p>"
    headers: Mapping[str, str] = field(default_factory=dict)
    ahead_s: float = 0.0
    """How far the Date header is from this machine's clock."""

    def render(self, host: str) -> bytes:
        """The whole response."""
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=self.ahead_s), usegmt=True)
        body = self.body.replace("{host}", host).encode()
        headers = {"Date": date, "Content-Type": "text/html", "Content-Length": str(len(body)), "Connection": "close", **self.headers}
        lines = "".join(f"{key}: {value.replace('{host}', host)}\r\n" for key, value in headers.items())
        return f"HTTP/1.1 {self.status}\r\n{lines}\r\n".encode() + body


def _head(connection: socket.socket) -> bytes:
    """A request's head, and what of the body came with it; empty where the client went away."""
    said = b""
    while b"\r\n\r\n" not in said and len(said) < _MOST_HEAD:
        more = connection.recv(8192)
        if not more:
            return b""
        said += more
    return said


def _host(head: bytes) -> str:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == b"host":
            return value.strip().decode(errors="replace")
    return ""


def _serve_page(connection: socket.socket, page: Page) -> None:
    head = _head(connection)
    if head:
        connection.sendall(page.render(_host(head)))


def web(port: int, page: Page) -> Server:
    """A web server in the clear."""
    return tcp_server(port, lambda connection: _serve_page(connection, page))


class Mint:
    """Server contexts that show a certificate for the name asked for, made when first wanted and kept."""

    def __init__(self, home: Path, make: Make, default: str) -> None:
        self.home, self.make, self.default = home, make, default
        self._kept: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        home.mkdir(exist_ok=True)

    def context(self, name: str) -> ssl.SSLContext:
        """The context for one name."""
        with self._lock:
            if name not in self._kept:
                path = self.home / f"{name.replace('/', '_')[:80]}.pem"
                path.write_bytes(self.make(name))
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(path)
                self._kept[name] = context
            return self._kept[name]

    def accept(self, connection: socket.socket) -> tuple[ssl.SSLSocket, str]:
        """Shake hands; the stream and the name asked for."""
        asked: list[str] = []

        def choose(secure: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            asked.append(name or self.default)
            secure.context = self.context(asked[0])

        # a context of its own for each: the callback tells connections apart by its closure
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._path_of_default())
        context.sni_callback = choose
        secure = context.wrap_socket(connection, server_side=True)
        return secure, asked[0] if asked else self.default

    def _path_of_default(self) -> Path:
        self.context(self.default)
        return self.home / f"{self.default[:80]}.pem"


def secure_web(port: int, home: Path, make: Make, page: Page, default: str = "www.alsoenergy.com") -> Server:
    """A web server under TLS whose certificates ``make`` writes (a PEM for a name, as ``pki.Authority.leaf`` gives)."""
    mint = Mint(home, make, default)

    def handle(connection: socket.socket) -> None:
        secure, _ = mint.accept(connection)
        with secure:
            _serve_page(secure, page)

    return tcp_server(port, handle)


def original(connection: socket.socket) -> tuple[str, int]:
    """Where the client wanted to go before the firewall redirected it (SO_ORIGINAL_DST)."""
    port, address = struct.unpack_from("!2xH4s", connection.getsockopt(socket.SOL_IP, _ORIGINAL_DST, 16))
    return socket.inet_ntoa(address), port


def inspector(port: int, home: Path, issuer: pki.Authority) -> Server:
    """TLS interception: shows the client certificates of ``issuer``, opens its own TLS to the true server, and passes all on."""
    mint = Mint(home, lambda name: issuer.leaf([name]), "www.alsoenergy.com")
    loose = ssl.create_default_context()
    loose.check_hostname, loose.verify_mode = False, ssl.CERT_NONE

    def handle(connection: socket.socket) -> None:
        with socket.create_connection(original(connection), timeout=PATIENCE_S) as onward:
            secure, name = mint.accept(connection)
            with secure, loose.wrap_socket(onward, server_hostname=name) as beyond:
                _splice(secure, beyond)

    return tcp_server(port, handle)


def _splice(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until either side ends or falls silent. One thread: an SSL object is not for two at once."""
    while True:
        buffered: list[socket.socket] = [end for end in (one, other) if isinstance(end, ssl.SSLSocket) and end.pending()]
        ready = buffered or select.select([one, other], [], [], PATIENCE_S)[0]
        if not ready:
            return
        for source in ready:
            try:
                source.settimeout(0)
                data = source.recv(65536)
            except (ssl.SSLWantReadError, BlockingIOError):  # a session ticket or the like: nothing to pass on, and nothing to wait for
                continue
            finally:
                source.settimeout(PATIENCE_S)
            if not data:
                return
            (other if source is one else one).sendall(data)


# -- proxies


def transparent_proxy(port: int, via: str = "1.1 gateway.site.example (squid/5.7)") -> Server:
    """Takes web requests that were meant for others, makes them itself, and signs what it brings (RFC 9110 section 7.6.3)."""

    def handle(connection: socket.socket) -> None:
        head = _head(connection)
        if not head:
            return
        with socket.create_connection(original(connection), timeout=PATIENCE_S) as onward:
            onward.sendall(head)
            said = _head(onward)
            first, _, rest = said.partition(b"\r\n")
            connection.sendall(first + b"\r\nVia: " + via.encode() + b"\r\nX-Cache: MISS from gateway\r\n" + rest)
            while more := onward.recv(65536):
                connection.sendall(more)

    return tcp_server(port, handle)


PROXY_PAGE = Page("407 Proxy Authentication Required", "<title>Access to the proxy requires a login</title>",
                  {"Proxy-Authenticate": 'Basic realm="site proxy"', "Server": "squid/5.7"})  # fmt: skip


def forward_proxy(port: int, hosts: Mapping[str, str], login: bool = False) -> Server:
    """A proxy that clients must name, for CONNECT and plain GET (RFC 9110 section 9.3.6).

    ``hosts`` are the names that it knows; ``login`` has it answer 407 to all.
    """

    def handle(connection: socket.socket) -> None:
        head = _head(connection)
        if not head:
            return
        method, target, _ = head.split(b"\r\n")[0].decode(errors="replace").split(" ", 2)
        if login:
            connection.sendall(PROXY_PAGE.render(_host(head)))
            return
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        name = parts.hostname or ""
        try:
            onward = socket.create_connection((hosts.get(name, name), parts.port or 80), timeout=5)
        except OSError:
            connection.sendall(Page("502 Bad Gateway", "<title>502</title>").render(name))
            return
        with closing(onward):
            if method == "CONNECT":
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                onward.sendall(head.replace(target.encode(), (parts.path or "/").encode(), 1))
            _splice(connection, onward)

    return tcp_server(port, handle)
