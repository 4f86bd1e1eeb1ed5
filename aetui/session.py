"""Runs a plan over a vantage: probes are sent, events go out, one state folds them.

A check runs once the check that it needs has carried something over (addresses, an open stream); what carries nothing over ends its dependants
with ``needs``. Silence is tried again as the plan says, every attempt counted. While results come in the rules are read over the state, and what
they want to know besides is added to the plan. Cancelling the task that runs a session ends every probe at once; the deadline ends them in order.

No screen, no words, no file: listeners get the events and do as they like, and must not block.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from aetui.diagnosis import diagnose, followups
from aetui.events import BesideDone, CheckDone, ChecksAdded, CheckStarted, Diagnosing, Event, Result, SessionEnded, SessionStarted, new_id
from aetui.observations import DnsSeen, Ended, NtpSeen, Observation, Outcome, SeriesSeen, TcpSeen
from aetui.probes import PROBES
from aetui.probes.base import Given, Measured, Probe, Settings
from aetui.records import Check
from aetui.state import State
from aetui.vantage.base import Vantage, VantageLost

DEADLINE_S = 10.0
"""Seconds that a whole run may take unless told otherwise."""

AT_ONCE = 512
"""Probes under way at one time."""

AT_ONCE_PER_HOST = 8
"""Probes under way to one host at one time: a site's line and a vendor's server are not ours to flood."""

SHORTEST_SILENCE_S = 2.0
"""Seconds of waiting after which silence is an observation even where the run's deadline cut the wait short."""

UNANSWERED_S = 4.0
"""Into a run, a connect that still waits will hardly be answered: what tells where it dies may be made ready."""

RULES_EVERY_S = 0.05
"""The rules are read at most this often while results come in, and never take more than a fifth of the time."""

Listener = Callable[[Event], None]


@dataclass(slots=True)
class Session:
    """One run, and its repetitions, of a plan over an open vantage."""

    vantage: Vantage
    checks: Sequence[Check]
    equipment: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)
    deadline_s: float = DEADLINE_S
    listeners: tuple[Listener, ...] = ()
    ask_further: Callable[[State], tuple[Check, ...]] = followups
    """The rules' wishes for further checks; tests and ``--only`` may replace it."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    state: State = field(default_factory=State)
    probes: Mapping[str, Probe] = field(default_factory=lambda: PROBES)
    _zero: float = 0.0

    async def run(self) -> State:
        """Every check of the plan. Returns the state; raises only CancelledError, after the state has been closed."""
        self._zero = asyncio.get_running_loop().time()
        started = self.now()
        self.emit(SessionStarted(0.0, new_id(started), started, self.vantage.info, self.equipment, tuple(self.checks), self.deadline_s))
        return await _Run(self, self.checks).finish()

    async def again(self, identities: Iterable[str]) -> State:
        """These checks, what they need and what needs them, measured anew in the same state, with a deadline of their own."""
        wanted = set(identities)
        for check in self.state.checks.values():
            if check.needs in wanted:
                wanted.add(check.id)
        for check in reversed(list(self.state.checks.values())):
            if check.id in wanted and check.needs:
                wanted.add(check.needs)
        chosen = tuple(check for check in self.state.checks.values() if check.id in wanted)
        self.emit(ChecksAdded(self.at(), chosen))
        return await _Run(self, chosen).finish()

    def compare(self, other: State) -> State:
        """Take in what the same checks showed from a second vantage, and read the rules again."""
        self.emit(BesideDone(self.at(), other.vantage, tuple(other.results.values())))
        diagnosis = diagnose(self.state)
        if diagnosis != self.state.diagnosis:
            self.emit(Diagnosing(self.at(), diagnosis))
        return self.state

    def at(self) -> float:
        """Milliseconds since the session began."""
        return (asyncio.get_running_loop().time() - self._zero) * 1000

    def emit(self, event: Event) -> None:
        """Fold an event and pass it on."""
        self.state.fold(event)
        for listener in self.listeners:
            listener(event)


class _Run:
    """One pass over some checks of a session."""

    def __init__(self, session: Session, checks: Sequence[Check]) -> None:
        self.session = session
        self.end = asyncio.get_running_loop().time() + session.deadline_s
        self.children: dict[str, list[Check]] = defaultdict(list)
        self.roots: list[Check] = []
        self.carried: dict[str, tuple[str, ...]] = {}
        self.at_once = asyncio.Semaphore(AT_ONCE)
        self.per_host: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE_PER_HOST))
        self.branches = 0
        self.changed = asyncio.Event()
        self.idle = asyncio.Event()
        self._sort(checks)

    def _sort(self, checks: Iterable[Check]) -> None:
        here = list(checks)
        known = {check.id for check in here}
        for check in here:
            if check.needs in known:
                self.children[check.needs].append(check)
            else:
                self.roots.append(check)

    async def finish(self) -> State:
        reason = "cancelled"
        try:
            async with asyncio.TaskGroup() as group:
                self._plant(group)
                await self._watch(group)
            reason = "deadline" if asyncio.get_running_loop().time() >= self.end else "done"
        except* VantageLost as lost:
            reason = "vantage-lost"
            self._abandon("vantage-lost", str(lost.exceptions[0]))
        finally:
            self._abandon("cancelled" if reason == "cancelled" else reason)
            self._read_rules()
            self.session.emit(SessionEnded(self.session.at(), reason))
        return self.session.state

    def _plant(self, group: asyncio.TaskGroup) -> None:
        roots, self.roots = self.roots, []
        if roots:
            self.idle.clear()
        for check in roots:
            self.branches += 1
            given = Given(addresses=self.carried.get(check.needs or "", self._addresses(check)))
            group.create_task(self._branch(check, given))

    def _addresses(self, check: Check) -> tuple[str, ...]:
        above = self.session.state.results.get(check.needs or "")
        return (above.address,) if above is not None and above.address else ()

    async def _watch(self, group: asyncio.TaskGroup) -> None:
        """Read the rules as results come in, plant what they ask for, and return when nothing is left to do."""
        loop = asyncio.get_running_loop()
        while True:
            self.changed.clear()
            began = loop.time()
            self._read_rules()
            if began < self.end - SHORTEST_SILENCE_S / 2:
                self._wish(group)
            if not self.branches:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self.idle.wait(), max(RULES_EVERY_S, 4 * (loop.time() - began)))
            await self.changed.wait()

    def _wish(self, group: asyncio.TaskGroup) -> None:
        """Plant what the rules ask for."""
        known = self.session.state.checks
        wishes = tuple(wish for wish in self.session.ask_further(self.session.state) if wish.id not in known)
        if wishes:
            self.session.emit(ChecksAdded(self.session.at(), wishes))
            self._sort(wishes)
            self._plant(group)

    def _read_rules(self) -> None:
        diagnosis = diagnose(self.session.state)
        if diagnosis != self.session.state.diagnosis:
            self.session.emit(Diagnosing(self.session.at(), diagnosis))

    async def _branch(self, check: Check, given: Given) -> None:
        """One check, then those that need it."""
        try:
            await self._grow(check, given)
        finally:
            self.branches -= 1
            self.changed.set()
            if not self.branches:
                self.idle.set()

    async def _grow(self, check: Check, given: Given) -> None:
        measured = await self._check(check, given)
        below = self.children.get(check.id, [])
        if measured is None or not (measured.addresses or measured.stream):
            for child in below:
                self._skip(child, "needs")
            if measured is not None and measured.stream:
                measured.stream.close()
            return
        self.carried[check.id] = measured.addresses
        phases = {**given.phases_ms, **measured.phases_ms}
        handed = Given(measured.addresses or ((measured.address,) if measured.address else ()), measured.stream, phases)
        try:
            async with asyncio.TaskGroup() as group:
                for child in below:
                    self.branches += 1
                    group.create_task(self._branch(child, handed))
        finally:
            if measured.stream is not None:
                measured.stream.close()

    def _skip(self, check: Check, why: str, reason: str | None = None) -> None:
        self.session.emit(CheckDone(self.session.at(), Result(check, None, not_run=why, reason=reason)))
        for child in self.children.get(check.id, []):
            self._skip(child, "needs" if why == "needs" else why, reason)
        self.changed.set()

    def _abandon(self, why: str, reason: str | None = None) -> None:
        """Close every check that has no result."""
        state = self.session.state
        for check in [c for c in state.checks.values() if c.id not in state.results]:
            self.session.emit(CheckDone(self.session.at(), Result(check, None, not_run=why, reason=reason)))

    async def _check(self, check: Check, given: Given) -> Measured | None:
        probe = self.session.probes[check.kind]
        lacking = probe.needs - self.session.vantage.capabilities
        if lacking:
            lacks = getattr(self.session.vantage, "lacks", None)
            right = next(filter(None, map(lacks, lacking)), None) if lacks is not None else None
            reason = right or ", ".join(sorted(lacking))
            self._done(Result(check, None, not_run="privilege" if right else "vantage", reason=reason))
            return None
        async with self.at_once, self.per_host[check.host or check.id]:
            loop = asyncio.get_running_loop()
            if loop.time() >= self.end:
                self._done(Result(check, None, not_run="deadline"))
                return None
            self.session.emit(CheckStarted(self.session.at(), check.id))
            began = loop.time()
            measured, earlier = await self._attempts(check, probe, given)
            took = loop.time() - began
        cut = loop.time() >= self.end
        unsaid = cut and took < SHORTEST_SILENCE_S and _heard_nothing(measured.observation)
        self._done(
            Result(
                check,
                None if unsaid else measured.observation,
                measured.address or next(iter(given.addresses), None),
                took * 1000,
                {**given.phases_ms, **measured.phases_ms},
                cut=cut,
                attempts=1 + len(earlier),
                earlier=earlier,
                not_run="deadline" if unsaid else None,
            )
        )
        return measured

    def _done(self, result: Result) -> None:
        self.session.emit(CheckDone(self.session.at(), result))
        self.changed.set()

    async def _attempts(self, check: Check, probe: Probe, given: Given) -> tuple[Measured, tuple[Observation, ...]]:
        """The deciding attempt, and what those before it saw. After a silent one the others go together, and the first that is not silent decides."""
        first = await self._attempt(check, probe, given)
        left = check.tries - 1
        if left < 1 or not _silent(first.observation) or self._time_left() < SHORTEST_SILENCE_S:
            return first, ()
        others = (
            [given]
            if len(given.addresses) < 2
            else [replace(given, addresses=given.addresses[n:] + given.addresses[:n]) for n in range(1, left + 1)]
        )
        tasks = [asyncio.ensure_future(self._attempt(check, probe, others[n % len(others)])) for n in range(left)]
        seen: list[Measured] = [first]
        try:
            for next_one in asyncio.as_completed(tasks):
                measured = await next_one
                seen.append(measured)
                if not _silent(measured.observation):
                    break
        finally:
            await _discard(tasks, keep=seen[-1])
        return seen[-1], tuple(m.observation for m in seen[:-1])

    async def _attempt(self, check: Check, probe: Probe, given: Given) -> Measured:
        deadline = min(self.end, asyncio.get_running_loop().time() + probe.timeout_s)
        return await probe.measure(check, given, self.session.vantage, self.session.settings, deadline)

    def _time_left(self) -> float:
        return self.end - asyncio.get_running_loop().time()


async def _discard(tasks: Sequence[asyncio.Future[Measured]], keep: Measured) -> None:
    """End the attempts that are no longer needed, and close what they opened."""
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Measured) and outcome is not keep and outcome.stream is not None:
            outcome.stream.close()


def _silent(seen: Observation) -> bool:
    """True where nothing at all came back: the one observation that is worth another attempt."""
    match seen:
        case TcpSeen() | NtpSeen():
            return seen.outcome is Outcome.FILTERED
        case _:
            return False


def _heard_nothing(seen: Observation) -> bool:
    """True where the observation is nothing but silence, of whatever kind."""
    match seen:
        case DnsSeen():
            return bool(seen.answers) and all(answer.outcome is Outcome.FILTERED for answer in seen.answers)
        case SeriesSeen():
            return all(trial.tcp.outcome is Outcome.FILTERED or trial.ended is Ended.SILENT for trial in seen.trials)
        case _:
            return _silent(seen) or getattr(seen, "ended", None) is Ended.SILENT
