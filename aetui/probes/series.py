"""Several connects to one port that together say what one cannot. No check's stream is used; every connect is closed at once.

``about['purpose']`` chooses, and says what else is read:
- ``loss``: ``count`` connects (10), ``SPACING_S`` apart; delays and resent SYNs tell of loss.
- ``ttl``: one connect for each of ``ttls`` (``1,2,3``); an open one where the server is further away tells of a box that answers for it.
- ``beyond``: one connect to each of ``targets`` (``192.0.2.1:443,[2001:db8::1]:80``), all at once.
- ``mss``: the largest segment that gets through. One exchange as the system would have it, one at the smallest segment; where the first
  stalls and the second does not, a search between them. ``exchange`` is ``tls`` (default, but on port 80) or ``http``; ``path_mtu`` is None
  where nothing stalls, or time ran out. A stall is a silence after the connect; what passes is proof, a stall only a hint.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from aetui.observations import Ended, Outcome, SeriesSeen, Trial
from aetui.probes.base import Given, Measured, Settings
from aetui.probes.common import ProbeMisusedError, clock, host_of, port_of, since, target, together, within
from aetui.probes.handshake import shake
from aetui.probes.http import Exchange
from aetui.records import Check
from aetui.vantage.base import PLAIN, Capability, Shape, Stream, Vantage
from aetui.wire import http

COUNT = 10
"""Connects of a loss series."""
SPACING_S = 0.1
"""Between their beginnings: they meet the line at different moments, and none waits for another."""
CONNECT_S = 4.0
"""Longest wait for one connect: past the 3 s after which a host that is not there shows itself."""
STALL_S = 2.2
"""Silence that counts as a stalled exchange: a line of 800 ms each way passes, and TCP has sent again several times."""
PATIENCE = 6
"""Once the smallest segments have passed, an exchange that takes so many times as long has stalled."""
SHORTEST_STALL_S = 1.0
"""Never less: TCP has then sent again twice, whatever the line's delay."""
SMALLEST_MSS = 536
"""What every path carries (RFC 9293 section 3.7.1)."""
LARGEST_MSS = {4: 1460, 6: 1440}
"""Segments of a full Ethernet frame."""
AT_A_TIME = 10
"""Segment sizes tried together: three rounds then find the exact one."""
HEADERS = {4: 40, 6: 60}
"""IP and TCP headers without options, octets: what an MSS leaves out of the packet."""
SHAPED = frozenset({"ttl", "mss"})
"""Purposes that need a vantage with ``Capability.SEGMENT``; without it no trial is made."""
PADDING = 1600
"""Octets that fill an HTTP request, so that a full segment goes up as well."""


async def measure(check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
    """Run the series that the check asks for."""
    purpose = check.about.get("purpose", "")
    if purpose == "beyond":
        return Measured(await _beyond(check, vantage, deadline))
    address = target(check, given)
    if address is None or (purpose in SHAPED and Capability.SEGMENT not in vantage.capabilities):
        return Measured(SeriesSeen(purpose, ()))
    line = _Line(vantage, address, port_of(check), deadline)
    match purpose:
        case "loss":
            seen = await _loss(line, int(check.about.get("count", COUNT)))
        case "ttl":
            seen = await _ttl(line, [int(ttl) for ttl in check.about["ttls"].split(",")])
        case "mss":
            seen = await _Search(line, check).run()
        case _:
            raise ProbeMisusedError(f"{check.id}: no series is called {purpose!r}")
    return Measured(seen, address=address)


@dataclass(frozen=True, slots=True)
class _Line:
    """What every connect of a series has in common."""

    vantage: Vantage
    address: str
    port: int
    deadline: float

    @property
    def version(self) -> int:
        return ipaddress.ip_address(self.address.partition("%")[0]).version

    async def trial(self, shape: Shape = PLAIN, wait: float = 0.0) -> Trial:
        """One connect, after ``wait`` seconds, closed at once."""
        await asyncio.sleep(wait)
        began = clock()
        connection = await self.vantage.connect(self.address, self.port, within(CONNECT_S, self.deadline), shape)
        if connection.stream:
            connection.stream.close()
        return Trial(connection.seen, elapsed_ms=since(began))


async def _loss(line: _Line, count: int) -> SeriesSeen:
    return SeriesSeen("loss", tuple(await together(line.trial(wait=n * SPACING_S) for n in range(count))))


async def _ttl(line: _Line, ttls: Sequence[int]) -> SeriesSeen:
    return SeriesSeen("ttl", tuple(await together(line.trial(Shape(ttl=ttl), n * SPACING_S) for n, ttl in enumerate(ttls))))


async def _beyond(check: Check, vantage: Vantage, deadline: float) -> SeriesSeen:
    places = [_place(text) for text in check.about.get("targets", "").split(",") if text.strip()]
    return SeriesSeen("beyond", tuple(await together(_Line(vantage, *place, deadline).trial() for place in places)))


def _place(text: str) -> tuple[str, int]:
    """Address and port of ``192.0.2.1:443`` or ``[2001:db8::1]:443``."""
    address, _, port = text.strip().rpartition(":")
    return address.strip("[]"), int(port)


class _Search:
    """The segment sizes tried so far, and which of them got through."""

    def __init__(self, line: _Line, check: Check) -> None:
        self.line = line
        self.check = check
        self.trials: list[Trial] = []
        self.passed = 0
        self.stalled = LARGEST_MSS[line.version] + 1
        self.patience = STALL_S

    async def run(self) -> SeriesSeen:
        """Plain and smallest first; then, where the one stalls and the other passes, the search between."""
        plain, smallest = await together((self._trial(None), self._trial(SMALLEST_MSS)))
        self.trials += [plain, smallest]
        if plain.ended is not Ended.SILENT or not _through(smallest):
            return self._seen(None)
        self.passed = SMALLEST_MSS
        self.patience = min(STALL_S, max(SHORTEST_STALL_S, PATIENCE * smallest.elapsed_ms / 1000))
        while self.stalled - self.passed > 1:
            if clock() + self.patience > self.line.deadline:
                return self._seen(None)
            sizes = _between(self.passed, self.stalled)
            self._learn(sizes, await together(self._trial(size) for size in sizes))
        return self._seen(self.passed + HEADERS[self.line.version])

    def _learn(self, sizes: Sequence[int], trials: Sequence[Trial]) -> None:
        """What passes proves the path; the lowest stall above it is where to look next."""
        self.trials += trials
        self.passed = max([self.passed, *(size for size, trial in zip(sizes, trials, strict=True) if _through(trial))])
        above = [size for size in sizes if size > self.passed]
        self.stalled = min([self.stalled, *above])

    def _seen(self, path_mtu: int | None) -> SeriesSeen:
        return SeriesSeen("mss", tuple(self.trials), path_mtu)

    async def _trial(self, mss: int | None) -> Trial:
        """One connect at a segment size, and one exchange that fills segments both ways."""
        began, line = clock(), self.line
        shape = PLAIN if mss is None else Shape(mss=mss)
        connection = await line.vantage.connect(line.address, line.port, within(CONNECT_S, line.deadline), shape)
        if connection.stream is None:
            return Trial(connection.seen, elapsed_ms=since(began))
        try:
            ended = await self._exchange(connection.stream, within(self.patience, line.deadline))
        finally:
            connection.stream.close()
        return Trial(connection.seen, ended, since(began))

    async def _exchange(self, stream: Stream, deadline: float) -> Ended:
        kind = self.check.about.get("exchange") or ("http" if self.line.port == http.PORT else "tls")
        if kind == "tls":
            return (await shake(stream, self.check.about.get("server_name") or host_of(self.check), deadline)).ended
        padding = (("X-Padding", "x" * PADDING),)
        return await Exchange(stream).run(http.request(host_of(self.check), self.check.about.get("path", "/"), padding), deadline)


def _through(trial: Trial) -> bool:
    """True where the exchange came to an end of any kind but a stall."""
    return trial.tcp.outcome is Outcome.OPEN and trial.ended not in (None, Ended.SILENT)


def _between(low: int, high: int) -> list[int]:
    """Up to ``AT_A_TIME`` sizes evenly between two, neither included."""
    span = high - low
    steps = min(AT_A_TIME, span - 1)
    return [low + span * (n + 1) // (steps + 1) for n in range(steps)]
