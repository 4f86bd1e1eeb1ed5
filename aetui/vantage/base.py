"""The seam between probes and the world: what a vantage offers, and nothing of how.

A vantage makes one attempt at one address, has its own deadline a call, and retries nothing. A network operation that fails comes back as data
(``TcpSeen``, ``Answer``) or, on an open stream, as ``StreamEnded``; the only other exception is ``VantageLost``. Deadlines are absolute readings
of ``asyncio.get_running_loop().time()``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from aetui.observations import Ended, Icmp, LinkSeen, Outcome, TcpSeen
from aetui.records import VantageInfo


class Capability(StrEnum):
    """What a vantage can do. A check that needs one that is not there is skipped with the reason."""

    TCP = "tcp"
    UDP = "udp"
    LINK = "link"
    """It can tell of its own interfaces."""
    ICMP = "icmp"
    """Connect and datagram failures carry the ICMP error and its sender."""
    SEGMENT = "segment"
    """TTL and MSS of a connect can be set."""
    TCP_INFO = "tcp-info"
    """The kernel tells round trip and resent SYNs."""
    ACCEPT = "accept"
    """It can take a connection in (active FTP)."""
    ARP = "arp"
    """It can ask the local network who has an address; takes the right to send raw packets."""
    SYSTEM_NAMES = "system-names"
    """It can ask the machine's own resolver library."""


class VantageLost(Exception):
    """The vantage itself is gone (SSH connection broken); the session ends every check with ``vantage-lost``."""


class StreamEnded(Exception):
    """An open stream can give or take no more; ``ended`` says how, errno where the system gave one."""

    def __init__(self, ended: Ended, errno: str | None = None) -> None:
        super().__init__(f"{ended.value} {errno or ''}".strip())
        self.ended = ended
        self.errno = errno


@dataclass(frozen=True, slots=True)
class Shape:
    """How a connect differs from the plain one. Needs ``Capability.SEGMENT`` for ttl and mss."""

    ttl: int | None = None
    mss: int | None = None
    source_port: int | None = None


PLAIN = Shape()


class Stream(Protocol):
    """An open byte stream."""

    async def read(self, most: int, deadline: float) -> bytes:
        """Up to ``most`` bytes; ``b""`` once the peer has closed. Raises StreamEnded (RESET, SILENT at the deadline)."""

    async def write(self, data: bytes, deadline: float) -> None:
        """All of it, or StreamEnded."""

    def close(self) -> None:
        """At once, without waiting; safe to call twice."""


class Acceptor(Protocol):
    """A port opened for one incoming connection."""

    @property
    def address(self) -> str:
        """The own address that the peer should use."""

    @property
    def port(self) -> int:
        """The port."""

    async def accept(self, deadline: float) -> Stream | None:
        """The connection, or None at the deadline."""

    def close(self) -> None:
        """Stop listening; safe to call twice."""


@dataclass(frozen=True, slots=True)
class Connection:
    """The outcome of a connect: a stream where it opened, and what was seen in any case."""

    seen: TcpSeen
    stream: Stream | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one datagram sent and waited for."""

    outcome: Outcome
    """OPEN where an acceptable reply came."""
    reply: bytes | None = None
    elapsed_ms: float = 0.0
    errno: str | None = None
    icmp: Icmp | None = None
    stray: int = 0
    """Datagrams that came and were not accepted."""
    source_port: int | None = None


class Vantage(Protocol):
    """A place from which probes run."""

    @property
    def info(self) -> VantageInfo:
        """What the report says of it. Valid after ``open``."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it can do."""

    @property
    def resolvers(self) -> tuple[str, ...]:
        """Addresses of the DNS servers configured there."""

    async def open(self, deadline: float) -> None:
        """Make ready. Raises VantageLost where it cannot be had."""

    async def close(self) -> None:
        """Give everything back; safe to call twice."""

    async def connect(self, address: str, port: int, deadline: float, shape: Shape = PLAIN) -> Connection:
        """One TCP connect to one literal address, IPv4 or IPv6."""

    async def ask(
        self, address: str, port: int, payload: bytes, deadline: float, accept: Callable[[bytes], bool], source_port: int = 0
    ) -> Answer:
        """Send one datagram and wait for the first reply from there that ``accept`` takes."""

    async def listen(self, deadline: float, family: str = "ipv4") -> Acceptor | None:
        """Open a port for one incoming connection, or None where this vantage cannot (``Capability.ACCEPT``)."""

    async def lookup(self, name: str, deadline: float) -> tuple[str, ...] | None:
        """Addresses by the machine's own resolver library; () for none, None where this vantage cannot."""

    async def survey(self, deadline: float) -> LinkSeen | None:
        """Own interfaces, routes and resolvers, or None where this vantage cannot (``Capability.LINK``)."""
