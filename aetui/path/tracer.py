"""Drives an engine over one path: sweeps by ``schedule``, keeps what was heard, and can go on round by round. It judges nothing.

Takes an engine and a request; gives a ``Recording`` that grows, and calls ``changed`` whenever it did. Cancelling closes every channel.
What cannot be sent is the recording's ``problem``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from aetui.path.engine import Channel, Engine
from aetui.path.records import FINAL, Flow, Heard, Problem, Recording, Shot
from aetui.path.schedule import BURST, GAP, LAST_TTL, Plan, Sweep

ROUND_S = 1.0
"""Time between rounds, start to start: no router is asked more often (Linux answers one a second), but for the one that follows the first
path at once."""
BRANCHES = 6
"""Flows varied on purpose by the multipath option: six find both of two branches in 97 of 100 traces."""
KEPT_ROUNDS = 300
"""Rounds remembered in a live trace; older probes are forgotten."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to trace."""

    target: str
    flow: Flow
    last: int = LAST_TTL
    branches: int = 0
    """Further flows with other source ports, 0 for none."""


class Log:
    """Every probe and its reply; the sink of all channels of one trace."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.shots: dict[int, Shot] = {}
        self.problem: Problem | None = None
        self.stirred = asyncio.Event()
        self._changed = changed
        self._sweeps: dict[int, Sweep] = {}
        self._serial = 0

    def sent(self, sweep: Sweep, shot: Shot) -> int:
        """Note a probe about to leave; returns its serial number."""
        self._serial += 1
        self.shots[self._serial] = shot
        self._sweeps[self._serial] = sweep
        return self._serial

    def heard(self, serial: int, heard: Heard) -> None:
        """The first reply to each probe counts."""
        shot = self.shots.get(serial)
        if shot is None or shot.heard is not None:
            return
        self.shots[serial] = replace(shot, heard=heard)
        self._sweeps[serial].heard(shot.ttl, heard.rtt_ms / 1000, heard.kind in FINAL)
        self.stirred.set()
        self._changed()

    def failed(self, problem: Problem) -> None:
        """The first problem is the one to tell."""
        self.problem = self.problem or problem
        self.stirred.set()
        self._changed()

    def forget(self, before_round: int) -> None:
        """Drop probes of rounds long past."""
        for serial in [s for s, shot in self.shots.items() if shot.round < before_round]:
            del self.shots[serial]
            del self._sweeps[serial]


class Tracer:
    """One trace in progress."""

    def __init__(self, engine: Engine, request: Request, changed: Callable[[], None] = lambda: None) -> None:
        self._engine = engine
        self._request = request
        self._log = Log(changed)
        self._loop = asyncio.get_running_loop()
        self._began = self._due = self._loop.time()
        """When the first path was begun, and when the next round may be."""
        self._channels: dict[int, Channel] = {}
        self._complete_ms: float | None = None
        self._own: str | None = None
        self._round = 0
        self._reach: int = request.last

    @property
    def number(self) -> int:
        """Number of the latest round, 0 for the first path."""
        return self._round

    @property
    def recording(self) -> Recording:
        """Everything observed until now."""
        shots = tuple(self._log.shots.values())
        return Recording(
            self._request.target,
            self._request.flow,
            self._engine.method,
            shots,
            self._own,
            self._request.last,
            self._log.problem,
            self._complete_ms,
        )

    async def first(self) -> Recording:
        """The first complete path."""
        flow, manners = self._request.flow, self._engine.manners(self._request.flow)
        base = Plan(
            last=self._request.last, window=manners.window or LAST_TTL, ahead=manners.ahead or LAST_TTL, burst=manners.burst or BURST
        )
        if manners.spread_first:
            shape = await self._spread(replace(base, tries=lambda _: 1))
            base = replace(
                base, window=1, ahead=1, known=shape.furthest, slowest_s=shape.slowest_s, tries=lambda ttl: 2 if shape.answered(ttl) else 1
            )
        channel = await self._channel(0, flow)
        if channel is not None:
            sweep = await self._sweep(channel, base, 0)
            await self._claim(channel, sweep)
            self._reach = sweep.reach or min(self._request.last, sweep.furthest + 1)
        return self.recording

    async def branches(self) -> Recording:
        """The same path over other flows, one flow after another, so that load balancers show what else they use."""
        manners = self._engine.manners(self._request.flow)
        window = 1 if manners.spread_first else LAST_TTL
        plan = Plan(
            last=min(self._request.last, self._reach + 2), window=window, known=self._reach, tries=lambda _: 1, slowest_s=self._slowest_s()
        )
        for number in range(1, self._request.branches + 1):
            channel = await self._channel(number, replace(self._request.flow, source_port=0))
            if channel is not None:
                await self._sweep(channel, plan, number)
        return self.recording

    async def round(self) -> Recording:
        """One more probe for each hop of the known path, and what lies behind its end where that lets probes through now."""
        self._round += 1
        self._log.forget(self._round - KEPT_ROUNDS)
        channel = await self._channel(0, self._request.flow)
        if channel is not None:
            window = 1 if self._engine.manners(self._request.flow).spread_first else LAST_TTL
            plan = Plan(last=self._reach, window=window, known=self._reach, tries=lambda _: 1, slowest_s=self._slowest_s())
            sweep = await self._sweep(channel, plan, 0)
            if sweep.reach is None and sweep.answered(self._reach) and self._reach < self._request.last:
                await self._beyond(channel, replace(plan, first=self._reach + 1, last=self._request.last, ahead=GAP, slowest_s=0.0))
        return self.recording

    async def _beyond(self, channel: Channel, plan: Plan) -> None:
        """The path goes on where it ended: what its end left unanswered before was no loss."""
        self._log.forget(self._round)
        sweep = await self._sweep(channel, plan, 0)
        self._reach = sweep.reach or min(plan.last, sweep.furthest + 1)

    async def rounds(self, count: int | None, going: asyncio.Event | None = None) -> Recording:
        """Rounds at their pace; for ever where ``count`` is None, or until nothing can be sent. While ``going`` is not set it rests."""
        while (count is None or self._round < count) and self._log.problem is None:
            await asyncio.sleep(max(0.0, self._due - self._loop.time()))
            if going is not None:
                await going.wait()
            self._due = self._loop.time() + ROUND_S
            await self.round()
        return self.recording

    def close(self) -> None:
        """Close every channel; the engine itself stays."""
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()

    def _slowest_s(self) -> float:
        return max((shot.heard.rtt_ms / 1000 for shot in self._log.shots.values() if shot.heard), default=0.0)

    async def _channel(self, number: int, flow: Flow) -> Channel | None:
        if number in self._channels:
            return self._channels[number]
        return self._kept(number, await self._engine.open(flow, self._log))

    def _kept(self, number: int, opened: Channel | Problem) -> Channel | None:
        if isinstance(opened, Problem):
            self._log.failed(opened)
            return None
        self._channels[number] = opened
        self._own = self._own or opened.own
        return opened

    async def _spread(self, plan: Plan) -> Sweep:
        """The path's shape at once, each probe a flow of its own."""
        channel = self._kept(-1, await self._engine.open(self._request.flow, self._log, spread=True))
        sweep = Sweep(plan) if channel is None else await self._sweep(channel, plan, None)
        if channel is not None:
            self._channels.pop(-1).close()
        return sweep

    async def _claim(self, channel: Channel, sweep: Sweep) -> None:
        """One TTL at a time for the silent ones, where routers answered and quoted too little to tell them apart."""
        if not channel.unclaimed:
            return
        silent = {ttl for ttl in range(1, (sweep.reach or sweep.furthest + channel.unclaimed) + 1) if not sweep.answered(ttl)}
        for ttl in sorted(silent):
            alone = Plan(first=ttl, last=ttl, window=1, tries=lambda _: 1, slowest_s=sweep.slowest_s)
            await self._sweep(channel, alone, 0)

    async def _sweep(self, channel: Channel, plan: Plan, flow: int | None) -> Sweep:
        sweep = Sweep(plan)
        while self._log.problem is None and not sweep.finished(self._loop.time()):
            self._log.stirred.clear()
            for ttl in sweep.due(self._loop.time()):
                self._send(channel, sweep, ttl, flow, alone=plan.window == 1)
            await self._rest(sweep.wake(self._loop.time()))
        if self._complete_ms is None and sweep.complete_at is not None:
            self._complete_ms = (sweep.complete_at - self._began) * 1000
        return sweep

    def _send(self, channel: Channel, sweep: Sweep, ttl: int, flow: int | None, *, alone: bool) -> None:
        now = self._loop.time()
        sweep.sent(ttl, now)
        number = len(self._log.shots) + 1 if flow is None else flow
        serial = self._log.sent(sweep, Shot(ttl, (now - self._began) * 1000, round=self._round, flow=number))
        channel.send(serial, ttl, alone=alone)

    async def _rest(self, until: float | None) -> None:
        if until is None or self._log.stirred.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._log.stirred.wait()
