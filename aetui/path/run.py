"""One trace from request to reading: names the address, chooses the engine, traces the port and one that works, and reads the two
together.

``trace`` gives the finished ``Trace``; ``watch`` gives it as it grows and goes on, round by round, until closed. Failures are data:
``Trace.problem``. The packet helper is tried where it may be had; where it cannot, or when it dies, plain sockets go on and
``Trace.remark`` says why. Sends nothing but the probes themselves, the look-up of the name and, where asked, of the hops' names.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from ipaddress import ip_address

from aetui.observations import Outcome, TcpSeen
from aetui.path import compare as comparison
from aetui.path import fold, names, words
from aetui.path.analysis import Surroundings, by_connect, of_the_way_alone, read, rename, suspects_places
from aetui.path.engine import Engine
from aetui.path.engines import Choice, Engines
from aetui.path.records import Flow, Hop, Method, Mtu, Problem, Proto, Recording, ReplyKind, Trace
from aetui.path.schedule import LAST_TTL
from aetui.path.tracer import BRANCHES, Request, Tracer
from aetui.vantage.base import Vantage

UDP_PORT = 33434
"""Where UDP probes go unless told: traceroute's first port, which nobody listens on."""
CONNECT_S = 8.0
"""Longest wait for a connect from a jump host."""
NOWHERE = ""
"""No hop is a jump host's own router for us: whose network it stands in is not known."""
REDRAWN_S = 0.05
"""What is heard within so long goes into one state of a trace that fills in …"""
LIVE_S = 0.25
"""… and of one that is live: as a rule a round is one state."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to trace."""

    proto: Proto = Proto.TCP
    compare: int | None = None
    """A port of the same host that works."""
    find_compare: bool = True
    """Find such a port where none is named and the traced one does not open."""
    multipath: bool = False
    rounds: int = 1
    """Rounds in all; loss and jitter need several."""
    method: Choice = Choice.AUTO
    names: bool = False
    """Ask for the hops' host names."""
    mtu: bool = False
    """Find out what size of packet gets through."""
    last: int = LAST_TTL
    toward_site: bool = False
    family: int = 0
    """4 or 6; 0 for IPv4 where the host has it."""


Known = Sequence[TcpSeen] | Callable[[str], Sequence[TcpSeen]]
"""Connects that a run has seen, or who knows them: asked with the traced address, only where a port to compare with is looked for."""


async def trace(
    host: str,
    port: int | None,
    options: Options | None = None,
    *,
    vantage: Vantage | None = None,
    known: Known = (),
    engines: Engines | None = None,
) -> Trace:
    """The whole trace, from ``vantage`` or this machine. ``known`` is what a run has seen, for the choice of a port to compare with."""
    run = Run(host, port, options or Options(), vantage=vantage, known=known, engines=engines)
    try:
        return await run.whole()
    finally:
        await run.close()


async def watch(
    host: str,
    port: int | None,
    options: Options | None = None,
    *,
    vantage: Vantage | None = None,
    known: Known = (),
    engines: Engines | None = None,
) -> AsyncGenerator[Trace, None]:
    """The trace as it fills in, then live, a round a second, until the generator is closed (``aclosing``)."""
    run = Run(host, port, options or Options(), vantage=vantage, known=known, engines=engines)
    async with aclosing(run.grow()) as states:
        async for state in states:
            yield state


async def trace_from_jump(host: str, port: int | None, options: Options, vantage: Vantage) -> Trace:
    """The trace by a jump host's own tools; where it has none, the reason. The port itself is tried by a connect from there."""
    from aetui.path import remote

    if not isinstance(vantage, remote.Runner):
        return _skipped(host, port, options, Problem("no-remote-tool", host))
    address = await names.address_of(host, options.family, vantage)
    if isinstance(address, Problem):
        return _skipped(host, port, options, address)
    flow = Flow(address, None if options.proto is Proto.ICMP else port, options.proto)
    recording = await remote.record(vantage, host, flow, options.last)
    around = Surroundings(gateway=NOWHERE, toward_site=options.toward_site)
    found = read(recording, around=around)
    if recording.flow != flow and recording.problem is None:
        found = await _of_the_port(found, flow, vantage)
    places = suspects_places(found, around) if around.toward_site else ()  # a private address there may be anybody's
    return words.diagnose(found, places, toward_site=around.toward_site)


async def _of_the_port(found: Trace, flow: Flow, vantage: Vantage) -> Trace:
    """A path that was found by UDP, to ports of the tool's own, with what can be learnt of what was asked for."""
    if flow.port is None:
        return replace(found, remark=Problem("remote-proto", words.port_words(flow.proto, flow.port)))
    if flow.proto is not Proto.TCP:
        return of_the_way_alone(found, flow.port, flow.proto, Problem("remote-port", words.port_words(flow.proto, flow.port)))
    tried = await vantage.connect(flow.address, flow.port, asyncio.get_running_loop().time() + CONNECT_S)
    if tried.stream is not None:
        tried.stream.close()
    return by_connect(found, flow.port, tried.seen)


def _skipped(host: str, port: int | None, options: Options, problem: Problem) -> Trace:
    return words.diagnose(read(Recording(host, Flow(host, port, options.proto), Method.REMOTE, problem=problem)))


class Run:
    """The state of one trace."""

    def __init__(
        self,
        host: str,
        port: int | None,
        options: Options,
        *,
        vantage: Vantage | None = None,
        known: Known = (),
        engines: Engines | None = None,
    ) -> None:
        self.host = host
        self.port = UDP_PORT if port is None and options.proto is Proto.UDP else None if options.proto is Proto.ICMP else port
        self.options = options
        self.known = known
        self.engines = engines or Engines(vantage)
        self._own_engines = engines is None
        self._vantage = vantage
        self.live = False
        """True once the first path stands and rounds follow each other."""
        self._changed = asyncio.Event()
        self._going = asyncio.Event()
        self._going.set()
        self._main: Tracer | None = None
        self._other: Tracer | None = None
        self._remark: Problem | None = None
        self._names: dict[str, str] = {}
        self._mtu: Mtu | None = None
        self._around = Surroundings(toward_site=options.toward_site)

    async def whole(self) -> Trace:
        """Everything that was asked for, once."""
        refused = await self._first()
        if refused is not None:
            return refused
        if self.options.rounds > 1:
            await self._rounds(self.options.rounds - 1)
        await self._measure()
        await self._name()
        return self.state()

    async def grow(self) -> AsyncGenerator[Trace, None]:
        """As it grows."""
        task = asyncio.get_running_loop().create_task(self._live())
        try:
            while not task.done():
                await self._changed.wait()
                await asyncio.sleep(LIVE_S if self.live else REDRAWN_S)
                self._changed.clear()
                if self._main is not None:
                    yield self.state()
            yield task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.close()

    @property
    def round(self) -> int:
        """Number of the latest round, 0 for the first path."""
        return self._main.number if self._main is not None else 0

    def hold(self) -> None:
        """Send no further round until ``go_on``."""
        self._going.clear()

    def go_on(self) -> None:
        """Send rounds again."""
        self._going.set()

    async def close(self) -> None:
        """Close channels, and the engines where they are this run's own."""
        self._close_tracers()
        if self._own_engines:
            await self.engines.close()

    def _close_tracers(self) -> None:
        for tracer in (self._main, self._other):
            if tracer is not None:
                tracer.close()

    def state(self) -> Trace:
        """The reading of what is there now."""
        assert self._main is not None
        recording = self._main.recording
        other = self._reference()
        found = replace(read(recording, other, self._around), remark=self._remark, mtu=self._mtu)
        places = suspects_places(found, self._around)
        return rename(words.diagnose(found, places, toward_site=self._around.toward_site), self._names)

    async def _live(self) -> Trace:
        try:
            refused = await self._first()
            if refused is not None or self._main is None:
                return refused or self.state()
            naming = asyncio.get_running_loop().create_task(self._name())
            try:
                await self._measure()
                self.live = True
                self._stir()
                await self._rounds(None)
                return self.state()
            finally:
                naming.cancel()
        finally:
            self._stir()

    async def _rounds(self, count: int | None) -> None:
        """So many, None for as many as there is time for; anew by plain sockets where the helper dies meanwhile."""
        assert self._main is not None
        await self._main.rounds(count, self._going)
        if await self._without_helper(self._main.recording.flow):
            await self._main.rounds(count, self._going)

    async def _first(self) -> Trace | None:
        """The first complete path, its branches where they were asked for, and the comparison's; a trace that says why there is none."""
        address = await names.address_of(self.host, self.options.family, self._vantage)
        if isinstance(address, Problem):
            return self._refused(address)
        self._around = replace(self._around, gateway=await names.gateway(ip_address(address).version, self._vantage))
        flow = Flow(address, self.port, self.options.proto)
        engine = await self.engines.choose(self.options.method, flow)
        if isinstance(engine, Problem):
            return self._refused(engine, address)
        self._remark = self.engines.remark
        await self._trace_both(engine, flow)
        await self._without_helper(flow)
        return None

    async def _without_helper(self, flow: Flow) -> bool:
        """Where the helper is gone, trace by plain sockets; False where it was not that."""
        assert self._main is not None
        problem = self._main.recording.problem
        if problem is None or problem.code != "helper" or self.options.method is not Choice.AUTO:
            return False
        self._remark = problem
        self._close_tracers()
        self._other = None
        await self._trace_both(self.engines.socket, flow)
        return True

    async def _trace_both(self, engine: Engine, flow: Flow) -> None:
        self._main = Tracer(engine, Request(self.host, flow, self.options.last, BRANCHES if self.options.multipath else 0), self._stir)
        if self.options.compare is not None:
            named = comparison.Candidate(flow.address, self.options.compare)
            await asyncio.gather(self._main.first(), self._compare(engine, flow, named))
        else:
            await self._main.first()
            await self._find_compared(engine, flow)
        if self.options.multipath:
            await self._main.branches()

    async def _find_compared(self, engine: Engine, flow: Flow) -> None:
        """A port that works, where the traced one does not."""
        if not self.options.find_compare or flow.proto is Proto.ICMP or not self._worth_comparing():
            return
        for candidate in self._candidates(flow):
            await self._compare(engine, flow, candidate)
            if self._reference() is not None:
                return

    def _candidates(self, flow: Flow) -> tuple[comparison.Candidate, ...]:
        known = self.known(flow.address) if callable(self.known) else self.known
        best = comparison.choose(known, flow.address, flow.port)
        usual = tuple(comparison.Candidate(flow.address, port) for port in comparison.USUAL if port != flow.port)
        return tuple(dict.fromkeys((best, *usual) if best is not None else usual))

    def _worth_comparing(self) -> bool:
        assert self._main is not None
        recording = self._main.recording
        return recording.problem is None and read(recording).outcome in {Outcome.FILTERED, Outcome.REFUSED, Outcome.REJECTED}

    async def _compare(self, engine: Engine, flow: Flow, candidate: comparison.Candidate) -> None:
        if self._other is not None:
            self._other.close()
        other = Flow(candidate.address, candidate.port, Proto.TCP)
        self._other = Tracer(engine, Request(self.host, other, self.options.last), self._stir)
        await self._other.first()

    def _reference(self) -> Recording | None:
        """The comparison, where it reached the host: a port named by the user counts in any case."""
        if self._other is None:
            return None
        recording = self._other.recording
        return recording if self.options.compare is not None or read(recording).reached else None

    async def _measure(self) -> None:
        """What size gets through, where that was asked for."""
        assert self._main is not None
        if self.options.mtu and self._vantage is None:
            self._mtu = await self._sizes(fold.hops(self._main.recording))

    async def _name(self) -> None:
        """The hops' host names, where they were asked for; a live trace does not wait for them."""
        assert self._main is not None
        if self.options.names:
            hops = fold.hops(self._main.recording)
            self._names = await names.of([hop.address for hop in hops if hop.address], self._vantage)
            self._stir()

    async def _sizes(self, hops: Sequence[Hop]) -> Mtu | None:
        """By datagrams hop by hop and, where the port is open, by segments of a real exchange."""
        assert self._main is not None
        from aetui.path import mtu
        from aetui.vantage.local import LocalVantage

        flow = self._main.recording.flow
        found = await mtu.find(self.engines.socket, flow, hops)
        if not hops or hops[-1].reply is not ReplyKind.SYN_ACK:
            return found
        vantage = LocalVantage()
        await vantage.open(asyncio.get_running_loop().time() + CONNECT_S)
        try:
            stalls_above = await mtu.by_segment(vantage, self.host, flow)
        finally:
            await vantage.close()
        if stalls_above is None:
            return found
        return replace(found or Mtu(stalls_above), path=min(stalls_above, found.path if found else stalls_above), by_segment=stalls_above)

    def _refused(self, problem: Problem, address: str = "") -> Trace:
        recording = Recording(self.host, Flow(address or self.host, self.port, self.options.proto), Method.SOCKET, problem=problem)
        return words.diagnose(replace(read(recording), remark=self._remark))

    def _stir(self) -> None:
        self._changed.set()
