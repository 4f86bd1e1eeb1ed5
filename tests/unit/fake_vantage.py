"""A vantage in memory: what each address does is a script, nothing waits, and what was asked is kept.

A stream's script is what its peer sends, in order: bytes, an ``Ended`` (how it breaks), or, once the script is over, ``then``. ``on``
lets a peer answer what it is sent.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aetui.observations import Ended, LinkSeen, Outcome, TcpSeen
from aetui.records import VantageInfo
from aetui.vantage.base import PLAIN, Answer, Capability, Connection, Shape, Stream, StreamEnded

EVERYTHING = frozenset(Capability)
Said = bytes | Ended
Asked = Callable[[bytes], bytes | Sequence[bytes] | Outcome]


class MockStream:
    """A scripted peer. ``then`` is ``CLOSED`` (end of file), ``SILENT`` or ``RESET``."""

    def __init__(
        self, script: Iterable[Said] = (), then: Ended = Ended.CLOSED, on: Callable[[bytes], Iterable[Said]] | None = None
    ) -> None:
        self.script = deque(script)
        self.then = then
        self.on = on
        self.sent = b""
        self.closed = False

    async def read(self, most: int, deadline: float) -> bytes:
        if not self.script:
            if self.then is Ended.CLOSED:
                return b""
            raise StreamEnded(self.then)
        said = self.script.popleft()
        if isinstance(said, Ended):
            raise StreamEnded(said)
        if len(said) > most:
            self.script.appendleft(said[most:])
        return said[:most]

    async def write(self, data: bytes, deadline: float) -> None:
        if self.closed:
            raise StreamEnded(Ended.CLOSED)
        self.sent += data
        if self.on:
            self.script.extend(self.on(data))

    def close(self) -> None:
        self.closed = True


@dataclass
class MockAcceptor:
    """A port that a scripted peer may connect to."""

    stream: Stream | None
    address: str = "192.0.2.20"
    port: int = 1025
    closed: bool = False

    async def accept(self, deadline: float) -> Stream | None:
        return self.stream

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeVantage:
    """By address and port: a stream, an outcome, or a list of those, one a connect. By resolver or server: what a datagram gets."""

    connects: Mapping[tuple[str, int], object] = field(default_factory=dict)
    asks: Mapping[str, Asked] = field(default_factory=dict)
    resolvers: tuple[str, ...] = ()
    capabilities: frozenset[Capability] = EVERYTHING
    names: tuple[str, ...] | None = None
    acceptor: MockAcceptor | None = None
    seen: LinkSeen | None = None
    info: VantageInfo = field(default_factory=lambda: VantageInfo("local", "fake"))
    connected: list[tuple[str, int, Shape]] = field(default_factory=list)
    asked: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    source_ports: list[int] = field(default_factory=list)

    async def open(self, deadline: float) -> None: ...

    async def close(self) -> None: ...

    async def connect(self, address: str, port: int, deadline: float, shape: Shape = PLAIN) -> Connection:
        self.connected.append((address, port, shape))
        what = self.connects.get((address, port), Outcome.FILTERED)
        if callable(what):
            what = what(shape)
        if isinstance(what, list):
            what = what.pop(0)
        if isinstance(what, Outcome):
            return Connection(TcpSeen(address, port, what, mss=shape.mss, ttl=shape.ttl), None)
        assert isinstance(what, MockStream)
        return Connection(TcpSeen(address, port, Outcome.OPEN, mss=shape.mss, ttl=shape.ttl), what)

    async def ask(
        self, address: str, port: int, payload: bytes, deadline: float, accept: Callable[[bytes], bool], source_port: int = 0
    ) -> Answer:
        self.asked[address].append(payload)
        self.source_ports.append(source_port)
        said = self.asks[address](payload) if address in self.asks else Outcome.FILTERED
        if isinstance(said, Outcome):
            return Answer(said, elapsed_ms=5.0)
        stray = 0
        for reply in [said] if isinstance(said, bytes) else said:
            if accept(reply):
                return Answer(Outcome.OPEN, reply, 5.0, stray=stray, source_port=source_port or 40000)
            stray += 1
        return Answer(Outcome.FILTERED, elapsed_ms=5.0, stray=stray)

    async def listen(self, deadline: float, family: str = "ipv4") -> MockAcceptor | None:
        return self.acceptor

    async def lookup(self, name: str, deadline: float) -> tuple[str, ...] | None:
        return self.names

    async def survey(self, deadline: float) -> LinkSeen | None:
        return self.seen
