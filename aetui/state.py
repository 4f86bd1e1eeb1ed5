"""One folded state of a session: events go in, what is known stands here. Screens, reports and rules read it; nothing else is the truth.

``fold`` is the only thing that changes it. A state folded again from a journal of the same events is the same state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aetui.events import BesideDone, CheckDone, ChecksAdded, CheckStarted, Diagnosing, Event, Result, SessionEnded, SessionStarted
from aetui.records import Check, Diagnosis, Reading, Status, VantageInfo, Verdict

NEVER = datetime.fromtimestamp(0, UTC)
NOWHERE = VantageInfo("local", "")
NOTHING_YET = Diagnosis({}, (), Verdict.UNDETERMINED)
_NOT_READ = Reading(Status.UNKNOWN)


@dataclass(slots=True)
class State:
    """What a session knows so far."""

    session: str = ""
    started: datetime = NEVER
    vantage: VantageInfo = NOWHERE
    equipment: tuple[str, ...] = ()
    deadline_s: float = 0.0
    checks: dict[str, Check] = field(default_factory=dict)
    """In plan order: prerequisites before dependants."""
    results: dict[str, Result] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    diagnosis: Diagnosis = NOTHING_YET
    beside: dict[str, Result] = field(default_factory=dict)
    """The same checks as a second vantage saw them, by id; empty where there was none."""
    beside_vantage: VantageInfo | None = None
    ended: str | None = None
    """Why the run is over; None while it is not."""
    elapsed_ms: float = 0.0
    version: int = 0
    """Grows with every event: a listener that draws compares it."""

    def fold(self, event: Event) -> None:
        """Take one event in."""
        self.version += 1
        self.elapsed_ms = max(self.elapsed_ms, event.at)
        match event:
            case SessionStarted():
                self.session, self.started, self.vantage = event.session, event.started, event.vantage
                self.equipment, self.deadline_s = event.equipment, event.deadline_s
                self.checks = {check.id: check for check in event.checks}
                self.results, self.running, self.diagnosis, self.ended, self.elapsed_ms = {}, set(), NOTHING_YET, None, 0.0
            case ChecksAdded():
                self.checks |= {check.id: check for check in event.checks}
                for check in event.checks:
                    self.results.pop(check.id, None)
                self.ended = None
            case CheckStarted():
                self.running.add(event.id)
            case CheckDone():
                self.running.discard(event.result.check.id)
                self.results[event.result.check.id] = event.result
            case BesideDone():
                self.beside, self.beside_vantage = {result.check.id: result for result in event.results}, event.vantage
            case Diagnosing():
                self.diagnosis = event.diagnosis
            case SessionEnded():
                self.ended = event.reason
                self.running.clear()

    def reading(self, identity: str) -> Reading:
        """How a check stands: as the diagnosis says, or unknown while it says nothing."""
        return self.diagnosis.readings.get(identity, _NOT_READ)

    def pending(self, identity: str) -> bool:
        """True while a check is planned and has no result yet."""
        return identity in self.checks and identity not in self.results and self.ended is None

    def required(self) -> Iterator[Check]:
        """The checks that equipment needs, in plan order."""
        return (check for check in self.checks.values() if check.equipment)
