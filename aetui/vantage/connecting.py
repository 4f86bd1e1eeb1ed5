"""One TCP connect over a socket of this machine: from an address and a deadline to a ``Connection``.

Literal addresses only (a name is a bug here, and raises ValueError). Where the system keeps an error queue, it is read before SO_ERROR:
reading the queue clears the pending error, and for a neighbour that does not answer SO_ERROR alone can already be 0. Silence is FILTERED,
except that the kernel's own count shows when every SYN sent again died inside this machine: that is its firewall, DENIED without an
errno.
"""

from __future__ import annotations

import errno as e
import socket
from contextlib import suppress
from dataclasses import dataclass

from aetui.observations import Icmp, Outcome, TcpSeen
from aetui.vantage import errqueue, tcpinfo
from aetui.vantage.base import PLAIN, Connection, Shape
from aetui.vantage.outcomes import classify, symbol
from aetui.vantage.stream import SocketStream
from aetui.vantage.waiting import SockAddr, Waits

HOP_LIMIT = {
    socket.AF_INET: (socket.IPPROTO_IP, socket.IP_TTL),
    socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS),
}
ANY = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}
UNBOUND = frozenset(ANY.values())


def resolve(address: str, port: int) -> tuple[socket.AddressFamily, SockAddr]:
    """Family and socket address of a literal; ``fe80::1%eth0`` names its interface. An interface that is not there has index 0."""
    bare, _, scope = address.partition("%")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    try:
        socket.inet_pton(family, bare)
    except OSError:
        raise ValueError(f"not a literal address: {address!r}") from None
    if family == socket.AF_INET:
        return family, (bare, port)
    return family, (bare, port, 0, _index(scope) if scope else 0)


def _index(scope: str) -> int:
    try:
        return int(scope) if scope.isdecimal() else socket.if_nametoindex(scope)
    except OSError:
        return 0


async def connect(waits: Waits, address: str, port: int, deadline: float, shape: Shape = PLAIN) -> Connection:
    """One attempt. Every failure of the system or the network is in ``seen``; cancelled, it closes the socket."""
    family, to = resolve(address, port)
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # out of descriptors, or no such family
        outcome = classify(error.errno or 0, None, at_once=True)
        return Connection(TcpSeen(address, port, outcome, symbol(error.errno or 0), ttl=shape.ttl, mss=shape.mss), None)
    keep = False
    try:
        connection = await _Attempt(waits, sock, address, to, shape).run(deadline)
        keep = connection.stream is not None
        return connection
    finally:
        if not keep:
            sock.close()


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One connect under way; each method makes the record of one way to end."""

    waits: Waits
    sock: socket.socket
    address: str
    to: SockAddr
    shape: Shape

    async def run(self, deadline: float) -> Connection:
        """Prepare, connect, and tell."""
        try:
            _prepare(self.sock, self.shape)
        except OSError as error:  # a port that is taken or not ours to use, or an option that the system does not have
            return Connection(self.seen(Outcome.FAILED, error.errno or 0), None)
        try:
            said = await self.waits.connect(self.sock, self.to, deadline)
        except TimeoutError:
            return Connection(self.silence(), None)
        info = tcpinfo.read(self.sock)
        if info.connected if info is not None else not said and _has_peer(self.sock):
            return self.opened(info)
        return self.failed(said)

    def opened(self, info: tcpinfo.TcpInfo | None) -> Connection:
        """The handshake was completed."""
        errqueue.disarm(self.sock)
        with suppress(OSError):  # a request must not wait for the answer to the flight before it; a socket that is gone tells so when read
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        seen = self.seen(Outcome.OPEN, 0, info=info, local=_local(self.sock))
        return Connection(seen, SocketStream(self.sock, self.waits, abort=bool(self.shape.source_port)))

    def failed(self, said: int) -> Connection:
        """The system or the network said no."""
        queued = errqueue.drain(self.sock)
        error = said or self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or (queued.errno if queued else e.ENOTCONN)
        icmp = queued.icmp if queued else None
        local = _local(self.sock)
        if error == e.ECONNRESET and icmp is None and not said:  # the handshake was completed, and then came the reset
            stream = SocketStream(self.sock, self.waits, abort=bool(self.shape.source_port), failed=error)
            return Connection(self.seen(Outcome.OPEN, 0, local=local), stream)
        outcome = classify(error, icmp, at_once=bool(said), ours=by_ourselves(icmp, local, self.address))
        return Connection(self.seen(outcome, error, icmp=icmp, local=local), None)

    def silence(self) -> TcpSeen:
        """The deadline came first."""
        info = tcpinfo.read(self.sock)
        outcome = Outcome.DENIED if info is not None and info.held_back else Outcome.FILTERED
        return self.seen(outcome, 0, info=info, local=_local(self.sock))

    def seen(
        self, outcome: Outcome, error: int, *, icmp: Icmp | None = None, local: str | None = None, info: tcpinfo.TcpInfo | None = None
    ) -> TcpSeen:
        """The record."""
        return TcpSeen(
            self.address,
            self.to[1],
            outcome,
            errno=symbol(error),
            icmp=icmp,
            local=local,
            rtt_ms=info.rtt_ms if info else None,
            resent=info.resent if info else None,
            ttl=self.shape.ttl,
            mss=self.shape.mss,
        )


def _prepare(sock: socket.socket, shape: Shape) -> None:
    sock.setblocking(False)
    errqueue.arm(sock)
    if shape is PLAIN:
        return
    if shape.ttl is not None:
        sock.setsockopt(*HOP_LIMIT[sock.family], shape.ttl)
    if shape.mss is not None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, shape.mss)
    if shape.source_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((ANY[sock.family], shape.source_port))


def _has_peer(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def by_ourselves(icmp: Icmp | None, local: str | None, target: str) -> bool:
    """This machine sent the ICMP error to itself about a packet to somebody else."""
    return icmp is not None and icmp.sender == local and icmp.sender != target


def _local(sock: socket.socket) -> str | None:
    address: str = sock.getsockname()[0]
    return None if address in UNBOUND else address
