"""The on-site half: one listener at a time, what became of each port, and the knocks that are shown. Knows no widget.

``changed`` is called for every batch of knocks: whoever draws must coalesce. ``rang`` is called when the outside half is heard for the
first time, ``keep`` is given every knock. Nothing is open before ``open`` and after ``close``; the listener closes by itself when its
time is over. In the demo the ports are high ones on loopback and the callers are made up; a row still goes by the port that was asked for.
"""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aetui.inbound.listener import DEFAULT_MINUTES, DEFAULT_PORTS, Listener
from aetui.inbound.passing import HalfOpenWatch
from aetui.inbound.ports import Opened, Opener, Outcome
from aetui.reach import Token
from aetui.screens.runner import CLOSING_S

if TYPE_CHECKING:
    from aetui.inbound.knocklog import Batch
    from aetui.inbound.listener import Stopped
    from aetui.inbound.reception import Limits, Network
    from aetui.reach import HalfOpen, Knock

SHOWN = 200
"""Ordinary knocks in the list; notable ones (a token, an address that is let in) are kept apart, as many again."""
LOOPBACK = "127.0.0.1"
EVERYWHERE: str | None = None
"""The address to listen at: None for all that this computer has."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to listen."""

    ports: tuple[int, ...] = DEFAULT_PORTS
    minutes: float = DEFAULT_MINUTES
    allow: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Port:
    """What became of one port."""

    wanted: int
    outcome: Outcome
    """``outcome.port`` differs from ``wanted`` in the demo alone."""
    stands_for: int = 0
    """The low port that this high one is opened in place of; 0 where it stands for itself."""

    @property
    def public(self) -> int:
        """The public port that a forward to it has, unless somebody says otherwise."""
        return self.stands_for or self.wanted

    @property
    def is_open(self) -> bool:
        """True where it listens, or listened."""
        return isinstance(self.outcome, Opened)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A knock and its number; equal to itself alone."""

    serial: int
    knock: Knock


async def no_helper() -> None:
    """Nobody opens ports for us."""


async def nothing_expected() -> None:
    """Nobody keeps the knocks."""


class Site:
    """One console's on-site half."""

    def __init__(
        self,
        changed: Callable[[], None],
        rang: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = datetime.now,
        limits: Limits | None = None,
        keep: Callable[[Sequence[Knock]], None] = lambda _knocks: None,
        helper: Callable[[], Awaitable[Opener | None]] = no_helper,
    ) -> None:
        self.changed, self.rang, self.now, self.keep = changed, rang, now, keep
        self.expect: Callable[[], Awaitable[None]] = nothing_expected
        """Whoever keeps the knocks gets ready for them."""
        self.helper = helper
        """Gives who may open ports that this process may not."""
        self.settings = Settings()
        self.ports: tuple[Port, ...] = ()
        self.stopped: Stopped | None = None
        """Why and when the last listener closed; None while one is open and before the first."""
        self.opened_at: datetime | None = None
        self.closes_at: datetime | None = None
        self.closed_at: datetime | None = None
        self.is_demo = False
        self.listener: Listener | None = None
        """The last one, open or not."""
        self.limits = limits
        self._ordinary: deque[Entry] = deque(maxlen=SHOWN)
        self._notable: deque[Entry] = deque(maxlen=SHOWN)
        self._serial = self._came = 0
        self.is_flooded = False
        """True while more knocks come than are handed on one by one."""
        self._named: Callable[[Knock], Knock] = _as_it_is
        self._watch: asyncio.Task[None] | None = None
        self._callers: asyncio.Task[None] | None = None
        self._arrivals = HalfOpenWatch(())
        self._opening = False
        self._adding: set[int] = set()
        """Ports that are just being added."""
        self._stands: dict[int, int] = {}
        """High ports, with the low ones that they are opened in place of."""

    # ----------------------------------------------------------------------------------------------------------- what is shown
    @property
    def is_open(self) -> bool:
        """True while a port is exposed."""
        return self.listener is not None and self.stopped is None and bool(self.listener.opened)

    @property
    def code(self) -> str:
        """What the outside half must be told; empty where nothing is open."""
        return self.listener.code if self.listener is not None and self.is_open else ""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The knocks to show, the newest first."""
        return tuple(sorted([*self._ordinary, *self._notable], key=lambda entry: -entry.serial))

    @property
    def hidden(self) -> int:
        """Knocks that came since the list was begun and are not in it: only counted."""
        return self._came - len(self._ordinary) - len(self._notable)

    @property
    def heard(self) -> Entry | None:
        """The last knock that carried our code."""
        return next((entry for entry in reversed(self._notable) if entry.knock.token is Token.MATCHED), None)

    @property
    def total(self) -> int:
        """Knocks of the last listener, shown or not."""
        return self.listener.total if self.listener is not None else 0

    @property
    def knocks(self) -> tuple[Knock, ...]:
        """Those that the listener still remembers, told as the list tells them, at the ports that were asked for."""
        heard = self.listener.knocks if self.listener is not None else ()
        return tuple(replace(self._named(knock), port=self.label(knock.port) if self.is_demo else knock.port) for knock in heard)

    @property
    def half_open(self) -> tuple[HalfOpen, ...]:
        """Connections that arrived at an open port and never heard our answer."""
        return self._arrivals.found

    def count(self, port: int) -> int:
        """Knocks at one open port (its true number)."""
        counts = self.listener.counts if self.listener is not None else {}
        return sum(number for (at, _), number in counts.items() if at == port)

    def label(self, port: int) -> int:
        """The number by which a port was asked for."""
        return next((one.wanted for one in self.ports if one.is_open and one.outcome.port == port), port)

    @property
    def forwards(self) -> dict[int, int]:
        """The public port that a forward would have -> the port that listens, for every open one."""
        return {one.public: one.outcome.port for one in self.ports if one.is_open} if self.is_open else {}

    # ------------------------------------------------------------------------------------------------------------------ orders
    async def open(self, demo: str | None = None) -> None:
        """Listen as the settings say, with a new code; the list of knocks begins anew."""
        if self._opening or self.is_open:
            return
        self._opening = True
        try:
            await self._open(demo)
        finally:
            self._opening = False
            self.changed()

    async def _open(self, demo: str | None) -> None:
        wanted, settings = tuple(dict.fromkeys(self.settings.ports)), self.settings
        self._begin_list()
        self._arrivals = HalfOpenWatch(())
        self.is_demo = demo is not None
        self._named = await asyncio.to_thread(_namer, demo) if demo is not None else _as_it_is
        listener = Listener(
            [0] * len(wanted) if self.is_demo else wanted,
            self._take,
            minutes=settings.minutes,
            allow=settings.allow,
            address=LOOPBACK if self.is_demo else EVERYWHERE,
            limits=self.limits,
            helper=None if self.is_demo else await self.helper(),
        )
        await self.expect()
        try:
            outcomes = await listener.open()
        except asyncio.CancelledError:
            listener.stop()
            raise
        self.listener, self.stopped, self.closed_at = listener, None, None
        self.ports = tuple(Port(port, outcome, self._stands.get(port, 0)) for port, outcome in zip(wanted, outcomes, strict=True))
        if not listener.opened:
            listener.stop()
            return
        gc.freeze()  # the console's own objects are many: looking through them all, under a flood, would hold up a key for 40 ms and more
        self.opened_at = self.now()
        self.closes_at = self.opened_at + timedelta(minutes=settings.minutes)
        self._arrivals = HalfOpenWatch([one.port for one in listener.opened], lambda _one: self.changed(), self.changed)
        self._arrivals.start()
        self._watch = asyncio.create_task(self._until_closed(listener, self._arrivals), name="aetui-listener")
        if demo is not None:
            self._callers = asyncio.create_task(_call(demo, listener), name="aetui-callers")

    async def add(self, port: int, stands_for: int = 0) -> Port | None:
        """One more port on the open listener, or again one that did not open; None where nothing is open, or the port is already or is being
        opened."""
        there = {one.wanted for one in self.ports if one.is_open} | self._adding
        if self.listener is None or not self.is_open or port in there:
            return None
        self._adding.add(port)
        try:
            one = Port(port, await self.listener.add(0 if self.is_demo else port), stands_for)
        finally:
            self._adding.discard(port)
        if one.is_open:
            self._arrivals.ports.add(one.outcome.port)
        self.ports = (*(other for other in self.ports if other.wanted not in {port, stands_for}), one)
        self.changed()
        return one

    async def open_instead(self, low: int, high: int) -> None:
        """Listen, with a high port in place of a low one that did not open."""
        self._stands[high] = low
        self.settings = replace(self.settings, ports=tuple(high if port == low else port for port in self.settings.ports))
        await self.open()

    def forget(self) -> None:
        """Empty the list of knocks; the counts stay."""
        self._begin_list()
        self.changed()

    def leave(self) -> None:
        """Close, and know nothing of what was here: another site comes."""
        self.close()
        self.listener = self.stopped = self.opened_at = self.closes_at = self.closed_at = None
        self.ports, self.is_flooded = (), False
        self._arrivals = HalfOpenWatch(())
        self.forget()

    def _begin_list(self) -> None:
        self._ordinary.clear()
        self._notable.clear()
        self._came = 0

    def close(self, reason: str = "asked") -> None:
        """Close every port at once."""
        if self._callers is not None:
            self._callers.cancel()
        if self.listener is not None:
            self.listener.stop(reason)

    async def end(self, reason: str = "asked") -> None:
        """Close, and wait until everything has ended; what takes longer than ``CLOSING_S`` ends by itself."""
        self.close(reason)
        tasks = {task for task in (self._watch, self._callers) if task is not None}
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSING_S)

    # ---------------------------------------------------------------------------------------------------------------- at work
    def _take(self, batch: Batch) -> None:
        first = self.heard is None
        self._came += len(batch.knocks) + batch.missed
        self.is_flooded = batch.missed > 0
        knocks = [self._named(knock) for knock in batch.knocks]
        self.keep(knocks)
        for knock in knocks:
            self._serial += 1
            known = bool(self.settings.allow) and knock.refused != "not-allowed"
            notable = known or knock.token is not Token.NONE
            (self._notable if notable else self._ordinary).append(Entry(self._serial, knock))
        if first and self.heard is not None:
            self.rang()
        self.changed()

    async def _until_closed(self, listener: Listener, arrivals: HalfOpenWatch) -> None:
        stopped = await listener.stopped()
        gc.unfreeze()
        await arrivals.stop()
        if listener is not self.listener:
            return
        self.stopped, self.closed_at = stopped, self.now()
        self.changed()
        if self._callers is not None:
            self._callers.cancel()


def _as_it_is(knock: Knock) -> Knock:
    return knock


def _namer(scenario: str) -> Callable[[Knock], Knock]:
    """Tells the demo's callers by made-up addresses, as the demo tells everything."""
    from aetui.demo.forwarding import named, outside_address

    outside = outside_address(scenario)
    return lambda knock: named(knock, outside)


async def _call(scenario: str, listener: Listener) -> None:
    from aetui.demo.callers import call

    await call(scenario, [opened.port for opened in listener.opened], listener.code)
