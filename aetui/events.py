"""What happens while a session runs, in order. Screens, the command line, the journal and the tests are listeners of these.

Every event carries ``at``, milliseconds since the session's start on the monotonic clock. Events are frozen and carry whole records, so that
a state folded from a journal of them is the state that was on screen.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aetui.observations import Observation
from aetui.records import Check, Diagnosis, VantageInfo


def new_id(now: datetime) -> str:
    """A session's name: sortable, and unique enough for one person's history."""
    return f"{now:%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"


@dataclass(frozen=True, slots=True)
class Result:
    """One check's outcome as measured: an observation, or the reason why there is none."""

    check: Check
    observation: Observation | None
    """The deciding attempt's; None where it did not run."""
    address: str | None = None
    elapsed_ms: float = 0.0
    phases_ms: Mapping[str, float] = field(default_factory=dict)
    """``dns``, ``connect``, ``tls``, ``first_byte``: of this check's own chain."""
    cut: bool = False
    """True where the run's deadline ended it: what it had not finished by then was not tested."""
    attempts: int = 0
    earlier: tuple[Observation, ...] = ()
    """What the attempts before the deciding one saw."""
    not_run: str | None = None
    """Why there is no observation: ``needs`` (its prerequisite carried nothing over), ``deadline``, ``cancelled``, ``vantage`` (this vantage
    cannot do it), ``privilege``, ``vantage-lost`` or ``not-asked``."""
    reason: str | None = None
    """One sentence for ``not_run`` where the code alone does not say it."""


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """A run begins, with its first plan."""

    at: float
    session: str
    started: datetime
    """UTC."""
    vantage: VantageInfo
    equipment: tuple[str, ...]
    checks: tuple[Check, ...]
    deadline_s: float


@dataclass(frozen=True, slots=True)
class ChecksAdded:
    """The plan grew: what has been seen calls for further observations."""

    at: float
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class CheckStarted:
    """A probe was sent on its way."""

    at: float
    id: str


@dataclass(frozen=True, slots=True)
class CheckDone:
    """A check has its result."""

    at: float
    result: Result


@dataclass(frozen=True, slots=True)
class BesideDone:
    """The same checks were made from a second vantage; agreement and disagreement are evidence."""

    at: float
    vantage: VantageInfo
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Diagnosing:
    """The rules were read over the state; sent when what they say has changed."""

    at: float
    diagnosis: Diagnosis


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The run is over."""

    at: float
    reason: str
    """``done``, ``deadline``, ``cancelled`` or ``vantage-lost``."""


Event = SessionStarted | ChecksAdded | CheckStarted | CheckDone | BesideDone | Diagnosing | SessionEnded
