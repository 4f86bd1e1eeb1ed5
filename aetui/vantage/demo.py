"""The demo vantage: probes of a made-up solar site, over true sockets on loopback. No network and no privilege is needed.

What servers do is real: resets, TLS, pages, transfers. What the network in between does (silence, rejection, delay, loss, lost
segments) happens here, between the probe and the loopback socket. Every address told is the documented one, never the loopback's.
``roots`` and ``machine_roots`` go into the probes' ``Settings``. ``outside`` is a second vantage on the same site, from another
network. Scenarios: ``demo.scenario``.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import ip_interface
from math import inf
from pathlib import Path

from aetui.demo import surroundings
from aetui.demo.datagram import Heard, exchange
from aetui.demo.incoming import DemoAcceptor
from aetui.demo.line import HEADERS, USUAL_MSS, Conditions, LineStream
from aetui.demo.network import Fate, Network, NoNeighbour
from aetui.demo.outcomes import SILENCE, Failure, failure
from aetui.demo.scenario import Censor, Drop, Line, Place, Refuse, Scenario, Serve, load
from aetui.demo.serving import LOOPBACK
from aetui.demo.site import Site
from aetui.observations import Icmp, LinkSeen, Outcome, TcpSeen
from aetui.records import Transport, VantageInfo
from aetui.vantage.base import PLAIN, Answer, Capability, Connection, Shape, VantageLost

NEIGHBOUR_S = 3.06
"""How long a search for a neighbour that does not answer takes (Linux: three ARP requests a second apart)."""
FIRST_RESEND_S = 1.0
"""A lost SYN is sent again after this, then after twice as long, and so on (RFC 6298 section 2)."""
BUSY_MS = 40.0
"""Longest part of a round trip that is this machine's own: more of it would make the made-up line look slow where the machine is busy."""
LOWEST_FREE_PORT = 1024
UDP_HEADERS = 28
"""Bytes of IPv4 and UDP headers in a packet."""
CAPABILITIES = frozenset({
    Capability.TCP, Capability.UDP, Capability.LINK, Capability.ICMP, Capability.SEGMENT, Capability.TCP_INFO, Capability.ACCEPT,
    Capability.SYSTEM_NAMES,
})  # fmt: skip
NO_LINE = Line(0.0, 0.0)
"""What is between two machines of one network."""


@dataclass(frozen=True, slots=True)
class _Try:
    """One attempt: where to, until when, since when."""

    address: str
    port: int
    transport: Transport
    deadline: float
    shape: Shape = PLAIN
    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    @property
    def elapsed_ms(self) -> float:
        return (asyncio.get_running_loop().time() - self.began) * 1000

    async def pause(self, seconds: float) -> bool:
        """Let time pass; False where the deadline came first."""
        left = self.deadline - asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, min(seconds, left)))
        return seconds <= left


class DemoVantage:
    """See the module. ``scenario`` is a name (UnknownScenarioError where there is none such) or a record; ``places`` stands in for the
    catalogue's hosts.
    """

    def __init__(
        self, scenario: str | Scenario = "healthy", places: Iterable[Place] | None = None, _inside: DemoVantage | None = None
    ) -> None:
        self.scenario: Scenario = load(scenario) if isinstance(scenario, str) else scenario
        self.site: Site = _inside.site if _inside else Site(self.scenario, places)
        self._owner = _inside is None
        self._here = self.scenario.here if self._owner else self.scenario.outside
        self._network = Network(self.scenario, self.site.places, outside=not self._owner)
        self._own = str(ip_interface(self._here.address).ip) if self._here.address else None
        self._chance = random.Random(self.scenario.name)  # noqa: S311 - a line that loses packets, the same ones each time
        self._streams: set[LineStream] = set()
        self._acceptors: set[DemoAcceptor] = set()
        self._open = False

    # --------------------------------------------------------------------------------------------------- what it is
    @property
    def info(self) -> VantageInfo:
        """See ``Vantage``."""
        name = self.scenario.name if self._owner else f"outside of {self.scenario.name}"
        return VantageInfo("demo", name, self._here.interface, self._own, self._here.gateway, self._here.resolvers)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """See ``Vantage``."""
        return CAPABILITIES

    @property
    def resolvers(self) -> tuple[str, ...]:
        """See ``Vantage``."""
        return self._here.resolvers

    @property
    def roots(self) -> Path:
        """PEM file of the roots that a logger would trust; there while the vantage is open."""
        return self.site.roots

    @property
    def machine_roots(self) -> Path:
        """PEM file of this machine's own store; there while the vantage is open."""
        return self.site.machine_roots

    def outside(self) -> DemoVantage:
        """A vantage in another network on the same site. Open it after this one, close it before."""
        return DemoVantage(self.scenario, None, self)

    # --------------------------------------------------------------------------------------------------------- life
    async def open(self, deadline: float) -> None:
        """See ``Vantage``."""
        if self._owner and not self._open:
            try:
                async with asyncio.timeout_at(deadline):
                    await self.site.open()
            except OSError as error:
                await self.site.close()
                raise VantageLost(f"the embedded site did not start: {error}") from error
            except BaseException:
                await self.site.close()
                raise
        self._open = True
        if self._own:
            self.site.homes[self._own] = self._come_home

    async def close(self) -> None:
        """See ``Vantage``."""
        self._open = False
        for acceptor in tuple(self._acceptors):
            acceptor.close()
        for stream in tuple(self._streams):
            stream.close()
        await asyncio.gather(*(stream.gone for stream in tuple(self._streams)))
        if self._owner:
            await self.site.close()

    # ---------------------------------------------------------------------------------------------------------- TCP
    async def connect(self, address: str, port: int, deadline: float, shape: Shape = PLAIN) -> Connection:
        """See ``Vantage``."""
        self._check_open()
        this = _Try(address, port, Transport.TCP, deadline, shape)
        fate = self._fate(this)
        failed = failure(fate, Transport.TCP, self._own)
        resent = await self._travel(this, fate, failed)
        if resent is None:
            return Connection(self._seen(this, SILENCE), None)
        if failed is not None:
            return Connection(self._seen(this, failed, resent), None)
        return await self._opened(this, fate, resent)

    async def _opened(self, this: _Try, fate: Fate, resent: int) -> Connection:
        """Connect to the loopback port behind the address."""
        conditions = self._conditions(this, fate)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(this.deadline):
                _, stream = await loop.create_connection(lambda: self._stream(conditions), LOOPBACK, self._loopback(this, fate))
        except TimeoutError:
            return Connection(self._seen(this, SILENCE), None)
        except OSError:
            arrived = await this.pause(conditions.back_s)
            return Connection(self._seen(this, Failure(Outcome.REFUSED, "ECONNREFUSED") if arrived else SILENCE, resent), None)
        arrived = False
        try:
            arrived = await this.pause(conditions.back_s)
        finally:
            if not arrived:
                stream.close()
        if not arrived:
            return Connection(self._seen(this, SILENCE), None)
        return Connection(self._seen(this, Failure(Outcome.OPEN), resent), stream)

    def _seen(self, this: _Try, how: Failure, resent: int | None = None) -> TcpSeen:
        answered = how.outcome is Outcome.OPEN and not resent
        line = self._line(this.address)
        trip = min(this.elapsed_ms, line.out_ms + line.back_ms + BUSY_MS)
        return TcpSeen(
            this.address, this.port, how.outcome, how.errno, how.icmp, self._own, trip if answered else None,
            resent, ttl=this.shape.ttl, mss=this.shape.mss,
        )  # fmt: skip

    def _conditions(self, this: _Try, fate: Fate) -> Conditions:
        line = self._line(this.address)
        return Conditions(
            out_s=line.out_ms / 1000 * fate.share,
            back_s=line.back_ms / 1000 * fate.share,
            lost=lambda: self._lost(line),
            mss=min(this.shape.mss or USUAL_MSS, USUAL_MSS),
            mtu=max(line.mtu, HEADERS + 1),
            censor=fate.doing if isinstance(fate.doing, Censor) else None,
        )

    async def _travel(self, this: _Try, fate: Fate, failed: Failure | None) -> int | None:
        """Let a SYN travel: how often it was sent again, or None where nothing came back before the deadline."""
        if isinstance(fate.doing, Drop) or failed is SILENCE:
            await this.pause(inf)
            return None
        if isinstance(fate.doing, NoNeighbour):
            return 0 if await this.pause(NEIGHBOUR_S) else None
        line = self._line(fate.sender) if fate.sender else NO_LINE
        resent, wait = 0, FIRST_RESEND_S
        while self._lost(line) or self._lost(line):
            if not await this.pause(wait):
                return None
            resent, wait = resent + 1, wait * 2
        way = line.out_ms + (line.back_ms if failed is not None else 0.0)
        return resent if await this.pause(way / 1000 * fate.share) else None

    # ---------------------------------------------------------------------------------------------------------- UDP
    async def ask(
        self, address: str, port: int, payload: bytes, deadline: float, accept: Callable[[bytes], bool], source_port: int = 0
    ) -> Answer:
        """See ``Vantage``. A source port under 1024 is refused, as it is to any plain user."""
        self._check_open()
        this = _Try(address, port, Transport.UDP, deadline)
        if 0 < source_port < LOWEST_FREE_PORT:
            return _answer(this, Failure(Outcome.FAILED, "EACCES"))
        fate = self._fate(this)
        failed = failure(fate, Transport.UDP, self._own)
        if failed is not None and failed is not SILENCE:
            way = self._line(fate.sender) if fate.sender else NO_LINE
            wait = NEIGHBOUR_S if isinstance(fate.doing, NoNeighbour) else (way.out_ms + way.back_ms) / 1000 * fate.share
            return _answer(this, failed if await this.pause(wait) else SILENCE)
        line = self._line(address)
        if failed is SILENCE or isinstance(fate.doing, Drop | Censor) or self._swallowed(line, payload):
            await this.pause(inf)
            return _answer(this, SILENCE)
        await this.pause(line.out_ms / 1000)
        heard = await exchange(self._loopback(this, fate), payload, deadline, accept)
        heard.source_port = source_port or heard.source_port
        return await self._heard(this, line, heard)

    async def _heard(self, this: _Try, line: Line, heard: Heard) -> Answer:
        """What of the server's reply comes back over the line."""
        lost = (heard.reply is None and not heard.refused) or self._swallowed(line, heard.reply or b"")
        if lost or not await this.pause(line.back_ms / 1000):
            await this.pause(inf)
            return _answer(this, SILENCE, heard)
        if heard.reply is None:
            return _answer(this, Failure(Outcome.REJECTED, "ECONNREFUSED", Icmp(3, 3, this.address)), heard)
        return _answer(this, Failure(Outcome.OPEN), heard)

    def _swallowed(self, line: Line, payload: bytes) -> bool:
        return len(payload) + UDP_HEADERS > line.mtu or self._lost(line)

    # ----------------------------------------------------------------------------------------------------- the rest
    async def listen(self, deadline: float, family: str = "ipv4") -> DemoAcceptor | None:
        """See ``Vantage``. The made-up site has no IPv6."""
        self._check_open()
        if family != "ipv4" or self._own is None:
            return None
        line = self.scenario.line
        conditions = Conditions(line.out_ms / 1000, line.back_ms / 1000, lambda: self._lost(line), mtu=line.mtu)
        return await DemoAcceptor.opened(self._own, lambda: self._stream(conditions), self._acceptors)

    async def lookup(self, name: str, deadline: float) -> tuple[str, ...] | None:
        """See ``Vantage``: what this made-up machine's own library would find by asking its resolvers."""
        return await surroundings.lookup(self, name, deadline)

    async def survey(self, deadline: float) -> LinkSeen | None:
        """See ``Vantage``."""
        return surroundings.link(self._here, self._own)

    # -------------------------------------------------------------------------------------------------- the network
    def _check_open(self) -> None:
        if not (self._open and self.site.running):
            raise VantageLost("the embedded site is closed")

    def _fate(self, this: _Try) -> Fate:
        return self._network.fate(this.address, this.port, this.transport, this.address in self.site.addresses, this.shape.ttl)

    def _line(self, address: str) -> Line:
        return NO_LINE if self._network.on_link(address) else self.scenario.line

    def _lost(self, line: Line) -> bool:
        return line.loss > 0 and self._chance.random() < line.loss

    def _loopback(self, this: _Try, fate: Fate) -> int:
        """The loopback port that stands behind an address, or one that refuses."""
        match fate.doing:
            case Refuse():
                found = None
            case Serve(service=service):
                found = self.site.port_of_service(service, this.transport)
            case _:
                found = self.site.port_of(this.address, this.port, this.transport)
        return self.site.closed_port if found is None else found

    def _stream(self, conditions: Conditions) -> LineStream:
        """A stream that ``close`` knows of."""
        stream = LineStream(conditions, self._streams)
        self._streams.add(stream)
        return stream

    async def _come_home(self, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A server's way to a port that this machine opened. Raises OSError; where it is blocked it never ends."""
        if not self._network.admits(address, port):
            await asyncio.sleep(inf)
        return await asyncio.open_connection(LOOPBACK, port)


def _answer(this: _Try, how: Failure, heard: Heard | None = None) -> Answer:
    heard = heard or Heard()
    reply = heard.reply if how.outcome is Outcome.OPEN else None
    return Answer(how.outcome, reply, this.elapsed_ms, how.errno, how.icmp, heard.stray, heard.source_port)
