"""What a session comes to as a whole: over its checks, the looks from outside, the guides that were walked and the paths that were
traced. Pure.

``Tally`` takes what was found beside a run's events, one entry at a time; ``verdict``, ``causes`` and ``findings`` read it together with
the run's state. Of several looks at one address and port, of several traces to one target, and of several results of a guide's check the
latest counts: what was mended since does not stand against a site, and what an earlier look said of other ports does. A guide's own
verdict goes over everything else, since it knows all of it; a walk that was left before its verdict is undetermined unless a check of it
failed. A trace says of a site what its verdict is only where there is nothing else: one to a port that nobody needs may fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from aetui.entries import Answered, Checked, Concluded, Found, InboundDone, Kept, Knocked, TraceDone, Walked, standing
from aetui.path.records import Trace
from aetui.records import Diagnosed, Severity, Verdict
from aetui.state import State

PROVED = frozenset({"forward-confirmed", "service-confirmed"})
"""Causes that say that the equipment is reached from outside."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What still counts of one look from outside."""

    places: frozenset[str]
    told: tuple[Diagnosed, ...]


class Tally:
    """See the module."""

    def __init__(self, found: Iterable[Found] = ()) -> None:
        self.traces = self.knocks = self.looks = self.answers = 0
        """How many there are of each; an answer is a step that a person took."""
        self._looks: list[_Look] = []
        self._traces: dict[object, Trace] = {}
        self._walk: list[Walked] = []
        for entry in found:
            self.take(entry)

    def take(self, entry: Found) -> None:
        """One more entry."""
        match entry:
            case Knocked():
                self.knocks += 1
            case InboundDone():
                self.looks += 1
                newer = _Look(frozenset(_place(r.target.id) for r in entry.seen.outside), entry.diagnosis)
                self._looks = [*_without(self._looks, newer.places, again=entry.seen.nat is not None), newer]
            case TraceDone(trace=trace):
                self.traces += 1
                self._traces[trace.target, trace.port, trace.proto] = trace
            case _:
                self.answers += isinstance(entry, Answered)
                self._walk.append(entry)

    @property
    def walk(self) -> tuple[Answered | Checked | Concluded, ...]:
        """The guides' steps that count."""
        return standing(self._walk)

    @property
    def conclusion(self) -> Concluded | None:
        """The last verdict of a guide that stands."""
        return next((entry for entry in reversed(self.walk) if isinstance(entry, Concluded)), None)

    def findings(self) -> tuple[Diagnosed, ...]:
        """What was concluded beside the checks, each once, the worst first."""
        told = {(entry.cause, entry.summary): entry for entry in self._told()}
        return tuple(sorted(told.values(), key=lambda entry: entry.severity.rank))

    def _told(self) -> Iterator[Diagnosed]:
        for look in self._looks:
            yield from look.told
        latest = {(step.guide, step.step): step for step in self.walk if isinstance(step, Checked)}
        for step in latest.values():
            yield from step.told
        for trace in self._traces.values():
            yield from trace.diagnosis

    def causes(self, state: State) -> tuple[str, ...]:
        """Codes, those of the checks first, each once."""
        return tuple(dict.fromkeys([f.cause for f in state.diagnosis.findings] + [entry.cause for entry in self.findings()]))

    def verdict(self, state: State) -> Verdict:
        """The one answer of the session; undetermined too where there was nothing to judge."""
        conclusion = self.conclusion
        if conclusion is not None:
            return conclusion.outcome
        if self.walk:
            return self._left(state)
        if any(True for _ in state.required()):
            return max(state.diagnosis.verdict, self._reached(Verdict.DEGRADED) or Verdict.READY, key=_BADNESS.index)
        return self._reached(Verdict.BLOCKED) or self._traced()

    def _reached(self, failing: Verdict) -> Verdict | None:
        """By the looks from outside; ``failing`` where one of them failed, None where there was none."""
        if not self._looks:
            return None
        found = [entry for look in self._looks for entry in look.told]
        severities = {entry.severity for entry in found}
        if Severity.FAIL in severities:
            return failing
        if not any(entry.cause in PROVED for entry in found):
            return None if failing is Verdict.DEGRADED else Verdict.UNDETERMINED
        return Verdict.DEGRADED if Severity.WARN in severities else Verdict.READY

    def _left(self, state: State) -> Verdict:
        """A walk without a verdict."""
        failed = state.diagnosis.verdict is Verdict.BLOCKED or any(entry.severity is Severity.FAIL for entry in self.findings())
        return Verdict.BLOCKED if failed else Verdict.UNDETERMINED

    def _traced(self) -> Verdict:
        if not self._traces or any(trace.problem is not None for trace in self._traces.values()):
            return Verdict.UNDETERMINED
        return Verdict.READY if all(trace.reached for trace in self._traces.values()) else Verdict.BLOCKED


def _place(identity: str) -> str:
    """Address and port of a target's id, whatever service was expected there."""
    return identity.partition(":")[2]


def _without(looks: Iterable[_Look], places: frozenset[str], again: bool) -> Iterator[_Look]:
    """Earlier looks without what a newer one looked at. One of no port at all stands until the next of its kind; what explains no port
    is about the router, and stands until that is asked ``again``.
    """
    for look in looks:
        left = look.places - places
        if left or bool(look.places) < bool(places):
            yield _Look(left, tuple(_still(look.told, places, again)))


def _still(told: Iterable[Diagnosed], places: frozenset[str], again: bool) -> Iterator[Diagnosed]:
    for entry in told:
        explains = tuple(identity for identity in entry.explains if _place(identity) not in places)
        if explains or not (entry.explains or again):
            yield replace(entry, explains=explains)


_BADNESS = (Verdict.READY, Verdict.DEGRADED, Verdict.UNDETERMINED, Verdict.BLOCKED)
"""Of two verdicts the later one is said."""


def tally_of(kept: Kept) -> Tally:
    """Of a kept session."""
    return Tally((*kept.traces, *kept.knocks, *kept.inbound, *kept.walk))
