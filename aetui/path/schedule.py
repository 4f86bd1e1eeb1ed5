"""When to send which TTL, and when to stop waiting: the timing of one sweep over a path, without socket or clock.

The caller asks ``due(now)``, sends what it names, reports ``sent`` and ``heard``, sleeps until ``wake()`` and stops at
``finished(now)``. Times are seconds of any monotonic clock. All TTLs are in flight at once unless ``window`` says otherwise; nothing is
sent beyond the first TTL that the target answered; a silent TTL is given up after a grace measured by the slowest hop that did answer,
and tried again up to ``tries``.

Why a window: an unprivileged TCP probe whose TTL reaches the server is a whole connection to it, and a logger's telnet takes few of
those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

LAST_TTL = 30
"""Longest path tried, as every traceroute has it."""
WAIT_S = 1.0
"""How long a probe is waited for while nothing tells how slow the path is. A satellite's round trip is 0.6 s."""
GRACE_TIMES = 3.0
"""Once the target has answered, a silent hop gets this many times the slowest round trip seen …"""
GRACE_LEAST_S = 0.1
"""… but this at least, since routers write ICMP at low priority …"""
GRACE_MOST_S = 1.0
"""… and no more than this."""
GAP = 6
"""Silent TTLs in a row after which nothing more is expected behind them: no second try further out."""
BURST, TICK_S = 10, 0.001
"""Probes sent together, and the pause before the next: each router sees one probe a sweep, but the first link sees all."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The shape of a sweep."""

    first: int = 1
    last: int = LAST_TTL
    window: int = LAST_TTL
    """Unanswered probes in flight at most."""
    ahead: int = LAST_TTL
    """How far beyond the furthest answer a first probe is sent."""
    known: int = 0
    """A TTL that the path is known to reach: probes go there without waiting for the ones before."""
    gap: int = GAP
    burst: int = BURST
    tries: Callable[[int], int] = field(default=lambda _: 2)
    """Probes for a TTL that stays silent, in all."""
    slowest_s: float = 0.0
    """Slowest round trip known beforehand; with it, grace applies from the start."""


@dataclass(slots=True)
class _Ttl:
    sent: list[float] = field(default_factory=list)
    answered: bool = False


class Sweep:
    """The state of one sweep."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._ttls = {ttl: _Ttl() for ttl in range(plan.first, plan.last + 1)}
        self._slowest = plan.slowest_s
        self._measured = plan.slowest_s > 0
        self._reach: int | None = None
        self._furthest = max(plan.first - 1, plan.known)
        self._ready = 0.0
        self.complete_at: float | None = None
        """When every hop had answered or been given up."""

    @property
    def reach(self) -> int | None:
        """The lowest TTL that was answered for good, or None."""
        return self._reach

    @property
    def furthest(self) -> int:
        """The highest TTL that was answered, or known to be reached."""
        return self._furthest

    @property
    def slowest_s(self) -> float:
        """The slowest round trip seen."""
        return self._slowest

    def answered(self, ttl: int) -> bool:
        """True where a reply for this TTL came."""
        state = self._ttls.get(ttl)
        return state is not None and state.answered

    def patience(self, ttl: int) -> float:
        """Seconds that one probe is waited for, as things stand; all the tries of a TTL share one wait."""
        known = self._reach is not None or self._measured
        whole = min(GRACE_MOST_S, max(GRACE_LEAST_S, GRACE_TIMES * self._slowest)) if known else WAIT_S
        return whole / self._plan.tries(ttl)

    def due(self, now: float) -> tuple[int, ...]:
        """TTLs to send now, lowest first; each must be reported with ``sent``."""
        if now < self._ready:
            return ()
        room = min(self._plan.burst, self._plan.window - self._flying(now))
        return tuple([ttl for ttl, state in self._relevant() if self._may_send(ttl, state, now)][: max(0, room)])

    def sent(self, ttl: int, now: float) -> None:
        """A probe left."""
        self._ttls[ttl].sent.append(now)
        self._ready = now + TICK_S

    def heard(self, ttl: int, rtt_s: float, final: bool) -> None:
        """A reply came; ``final`` where nothing lies beyond it."""
        state = self._ttls.get(ttl)
        if state is None:
            return
        state.answered = True
        self._slowest = max(self._slowest, rtt_s)
        self._furthest = max(self._furthest, ttl)
        if final:
            self._reach = ttl if self._reach is None else min(self._reach, ttl)

    def wake(self, now: float) -> float | None:
        """When to ask again if nothing is heard before, or None where there is nothing left to wait for."""
        times = [s.sent[-1] + self.patience(ttl) for ttl, s in self._relevant() if self._waiting(ttl, s, now)]
        if any(self._may_send(ttl, state, now) for ttl, state in self._relevant()) and self._flying(now) < self._plan.window:
            times.append(self._ready)
        return min((max(time, now) for time in times), default=None)

    def finished(self, now: float) -> bool:
        """True once every TTL up to the end is answered or given up; late replies may still be reported."""
        states = self._relevant()
        over = all(s.answered or (self._overdue(ttl, s, now) and not self._may_send(ttl, s, now)) for ttl, s in states)
        if over and self.complete_at is None:
            self.complete_at = now
        return over

    def _relevant(self) -> list[tuple[int, _Ttl]]:
        end = self._plan.last if self._reach is None else self._reach
        return [(ttl, self._ttls[ttl]) for ttl in range(self._plan.first, min(end, self._furthest + self._plan.ahead) + 1)]

    def _flying(self, now: float) -> int:
        return sum(1 for ttl, state in self._ttls.items() if self._waiting(ttl, state, now))

    def _waiting(self, ttl: int, state: _Ttl, now: float) -> bool:
        return bool(state.sent) and not state.answered and not self._overdue(ttl, state, now)

    def _overdue(self, ttl: int, state: _Ttl, now: float) -> bool:
        return bool(state.sent) and now >= state.sent[-1] + self.patience(ttl)

    def _may_send(self, ttl: int, state: _Ttl, now: float) -> bool:
        if not state.sent:
            return True
        more = len(state.sent) < self._plan.tries(ttl) and ttl <= self._furthest + self._plan.gap
        return not state.answered and more and self._overdue(ttl, state, now)
