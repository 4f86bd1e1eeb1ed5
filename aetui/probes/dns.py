"""One name asked of every configured resolver, A and AAAA at once, and of the machine's own resolver library (RFC 1035, RFC 7766).

Reads ``about``: ``resolver`` (ask this one alone, and not the library) and ``type`` (``A`` or ``AAAA`` alone). ``check.port`` stands in for
53. A question goes out alone over UDP; silence for ``FIRST_WAIT_S`` is followed by ``AGAIN`` more over UDP and one over TCP, all at once; a
truncated answer, or UDP refused at once, by TCP alone. A vantage without UDP asks over TCP only. ``DnsAnswer.asked`` counts every question.
Carries over the addresses of the first resolver that has any, or else those of the library.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from aetui.observations import DnsAnswer, DnsSeen, Ended, Icmp, Outcome
from aetui.probes.base import Given, Measured, Settings
from aetui.probes.common import clock, host_of, is_literal, since, together, within
from aetui.records import Check
from aetui.vantage.base import Capability, Stream, StreamEnded, Vantage
from aetui.wire import dns

PORT = 53
FIRST_WAIT_S = 2.2
"""Wait for a lone question: the round trip of a line of 800 ms each way, and a resolver that has to ask further."""
AGAIN = 2
"""Questions over UDP that follow a silent one, together, so that plain loss is not taken for a dead resolver."""
TYPES = ("A", "AAAA")

_HOW_IT_FAILED = {Ended.RESET: Outcome.REFUSED, Ended.SILENT: Outcome.FILTERED}
"""An exchange over an open TCP stream, in the words of ``DnsAnswer.outcome``."""


async def measure(check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
    """Ask everyone at once, and wait for each."""
    began, name = clock(), host_of(check)
    if is_literal(name):
        return Measured(DnsSeen(name, ()), addresses=(name,))
    stated = check.about.get("resolver")
    resolvers = (stated,) if stated else tuple(dict.fromkeys(vantage.resolvers))
    kinds = (check.about["type"],) if "type" in check.about else TYPES
    questions = [_Question(vantage, resolver, check.port or PORT, name, kind, deadline) for resolver in resolvers for kind in kinds]
    asks_library = not stated and Capability.SYSTEM_NAMES in vantage.capabilities
    library = asyncio.ensure_future(vantage.lookup(name, deadline)) if asks_library else None
    try:
        answers = await together(question.ask() for question in questions)
        seen = DnsSeen(name, tuple(answers), await library if library else None)
    finally:
        if library:
            library.cancel()
    return Measured(seen, {"dns": since(began)}, addresses=seen.addresses or seen.system or ())


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one question came to: an answer, or why there is none."""

    transport: str
    outcome: Outcome
    parsed: dns.Parsed | None = None
    icmp: Icmp | None = None
    elapsed_ms: float = 0.0

    @property
    def decides(self) -> bool:
        """True for an answer that needs no further asking."""
        return self.parsed is not None and not self.parsed.truncated


@dataclass(slots=True)
class _Question:
    """One name and type for one resolver."""

    vantage: Vantage
    resolver: str
    port: int
    name: str
    kind: str
    deadline: float
    asked: int = 0

    async def ask(self) -> DnsAnswer:
        """Ask until there is an answer, or patience ends."""
        began = clock()
        try:
            heard = await self._plan()
        except ValueError:
            return DnsAnswer(self.resolver, self.kind, "udp", Outcome.FAILED, note="bad-name", asked=0)
        last = _telling(heard)
        answer = DnsAnswer(
            self.resolver,
            self.kind,
            last.transport,
            last.outcome,
            icmp=last.icmp,
            elapsed_ms=last.elapsed_ms if last.parsed else since(began),
            truncated=any(h.parsed.truncated for h in heard if h.parsed),
            asked=self.asked,
        )
        return _with(answer, last.parsed) if last.parsed else answer

    async def _plan(self) -> list[_Heard]:
        if Capability.UDP not in self.vantage.capabilities:
            return [await self._tcp()]
        first = await self._udp(within(FIRST_WAIT_S, self.deadline))
        if first.decides:
            return [first]
        if first.outcome is not Outcome.FILTERED:
            return [first, await self._tcp()]
        return [first, *await _until_decided([*(self._udp(self.deadline) for _ in range(AGAIN)), self._tcp()])]

    def _query(self) -> bytes:
        query = dns.query(self.name, self.kind, secrets.randbits(16))
        self.asked += 1
        return query

    async def _udp(self, deadline: float) -> _Heard:
        query = self._query()
        accept: Callable[[bytes], bool] = lambda data: dns.answers(data, query)  # noqa: E731
        answer = await self.vantage.ask(self.resolver, self.port, query, deadline, accept)
        parsed = dns.parse(answer.reply, query) if answer.reply is not None else None
        return _Heard("udp", answer.outcome, parsed, answer.icmp, answer.elapsed_ms)

    async def _tcp(self) -> _Heard:
        began, query = clock(), self._query()
        connection = await self.vantage.connect(self.resolver, self.port, self.deadline)
        if connection.stream is None:
            return _Heard("tcp", connection.seen.outcome, icmp=connection.seen.icmp, elapsed_ms=since(began))
        try:
            parsed = dns.parse(await _exchange(connection.stream, query, self.deadline), query)
        except StreamEnded as end:
            return _Heard("tcp", _HOW_IT_FAILED.get(end.ended, Outcome.FAILED), elapsed_ms=since(began))
        finally:
            connection.stream.close()
        return _Heard("tcp", Outcome.OPEN if parsed else Outcome.FAILED, parsed, elapsed_ms=since(began))


def _with(answer: DnsAnswer, parsed: dns.Parsed) -> DnsAnswer:
    return replace(
        answer,
        outcome=Outcome.OPEN,
        rcode=parsed.rcode,
        addresses=parsed.addresses,
        aliases=parsed.aliases,
        ttl=parsed.ttl,
        authoritative=parsed.authoritative,
        note=parsed.note,
    )


def _telling(heard: Sequence[_Heard]) -> _Heard:
    """The one that says most: a whole answer, a cut one, a failure with a reason, silence."""
    ranked = (
        lambda h: h.decides,
        lambda h: h.parsed is not None,
        lambda h: h.icmp is not None,
        lambda h: h.outcome is not Outcome.FILTERED,
    )
    return next((h for holds in ranked for h in heard if holds(h)), heard[-1])


async def _until_decided(asking: Sequence[Awaitable[_Heard]]) -> list[_Heard]:
    """Everything heard up to the first answer that decides; what is still under way then is cancelled."""
    tasks = [asyncio.ensure_future(one) for one in asking]
    heard: list[_Heard] = []
    try:
        for done in asyncio.as_completed(tasks):
            heard.append(await done)
            if heard[-1].decides:
                break
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return heard


async def _exchange(stream: Stream, query: bytes, deadline: float) -> bytes:
    """One question and its answer on a stream."""
    await stream.write(dns.framed(query), deadline)
    length = int.from_bytes(await _exactly(stream, 2, deadline), "big")
    return await _exactly(stream, length, deadline)


async def _exactly(stream: Stream, size: int, deadline: float) -> bytes:
    data = b""
    while len(data) < size:
        piece = await stream.read(size - len(data), deadline)
        if not piece:
            raise StreamEnded(Ended.CLOSED)
        data += piece
    return data
