"""Pure: observations in, ordered causes out; a file per layer, a function per rule.

``diagnose`` reads the rules over a state, root first: what one finding explains is closed to those after it, so that thirty rows that fail for one
reason are one entry. ``followups`` says what else the rules would have to see. Nothing here opens a socket, reads a clock or holds words for people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from aetui.diagnosis import differential, line, machine, names, services, tls, transport, web
from aetui.diagnosis.readings import Tentative
from aetui.diagnosis.view import View
from aetui.diagnosis.wishes import followups
from aetui.records import Check, Diagnosis, Finding, Reading, Requirement, Severity, Status, Verdict
from aetui.state import State

__all__ = ["RULES", "diagnose", "followups"]

Rule = Callable[[View], Iterator[Finding]]


def leftover(view: View) -> Iterator[Finding]:
    """What fails and no rule explained keeps its own first cause: nothing that fails is without an entry. What is not known reads as '?'."""
    for row in view.failing():
        if row.reading.cause is not None:
            facts = dict.fromkeys(("host", "hosts", "names"), row.host) | {"port": str(row.check.port), "what": row.id}
            yield Finding(row.reading.cause, view.below([row.id]), facts=facts)


RULES: tuple[Rule, ...] = (
    *machine.RULES,
    *web.ROOTS,
    *web.PROXY,
    *transport.ROOTS,
    *names.ROOTS,
    *names.RULES,
    *line.RULES,
    *names.AFTER_LINE,
    *differential.RULES,
    *transport.RULES,
    *services.MUTE,
    *tls.CUT,
    *web.BLOCKED,
    *tls.RULES,
    *web.RULES,
    *services.RULES,
    leftover,
    *line.LATE,
    *names.LATE,
    *machine.LATE,
)
"""In the order in which they are read: a root before what it brings about."""


def diagnose(state: State) -> Diagnosis:
    """Every finding, root first, how each check stands, and the verdict."""
    view = View(state)
    for rule in RULES:
        for finding in list(rule(view)):
            view.take(finding)
    readings = _readings(view)
    findings = tuple(sorted((_weighed(view, differential.confirmed(view, f)) for f in view.findings), key=lambda f: f.severity.rank))
    return Diagnosis(readings, findings, _verdict(view, state, readings, findings))


def _weighed(view: View, finding: Finding) -> Finding:
    """A failure of nothing that must hold is a warning."""
    checks = [c for i in finding.explains if (c := view.state.checks.get(i)) is not None and c.equipment]
    if finding.severity is Severity.FAIL and checks and all(c.requirement is not Requirement.HARD for c in checks):
        return replace(finding, severity=Severity.WARN)
    return finding


def _readings(view: View) -> dict[str, Reading]:
    found: dict[str, Reading] = {}
    for finding in view.findings:
        if finding.severity is Severity.INFO:
            continue
        for identity in finding.explains:
            if identity not in found:
                found[identity] = _explained(view, finding, identity)
    for identity, tentative in view.readings.items():
        if identity not in found:
            found[identity] = _alone(view, identity, tentative)
    return found


def _explained(view: View, finding: Finding, identity: str) -> Reading:
    result = view.state.results.get(identity)
    ran = result is not None and result.observation is not None
    if not ran and identity != finding.explains[0]:
        return Reading(Status.SKIP, because=_nearest(view, identity) or finding.explains[0])
    if identity in finding.follows and identity != finding.explains[0]:
        return Reading(Status.SKIP, because=finding.explains[0])
    if finding.severity is Severity.WARN:
        return Reading(Status.WARN, finding.cause)
    return Reading(Status.FAIL, finding.cause)


def _alone(view: View, identity: str, tentative: Tentative) -> Reading:
    result = view.state.results.get(identity)
    waits = result is not None and result.not_run == "needs"
    return Reading(tentative.status, tentative.cause, view.satisfied.get(identity) or (_nearest(view, identity) if waits else None))


def _nearest(view: View, identity: str) -> str | None:
    """The nearest check above that did run."""
    for above in view.above(identity):
        result = view.state.results.get(above)
        if result is not None and result.observation is not None:
            return above
    return None


def _open(view: View, reading: Reading | None, check: Check) -> bool:
    """True where it is not known whether a check holds: not run, or silent where a lossy line may have been at fault."""
    if reading is None or (reading.status in {Status.UNKNOWN, Status.SKIP} and not reading.because):
        return True
    alone = view.readings.get(check.id)
    return reading.status is Status.WARN and alone is not None and alone.status is Status.FAIL


def _verdict(view: View, state: State, readings: dict[str, Reading], findings: tuple[Finding, ...]) -> Verdict:
    hard = [check for check in state.required() if check.requirement is Requirement.HARD]
    blocking = {i for f in findings if f.severity is Severity.FAIL for i in f.explains}
    if any(check.id in blocking for check in hard):
        return Verdict.BLOCKED
    if any(_open(view, readings.get(check.id), check) for check in hard):
        return Verdict.UNDETERMINED
    softer = [readings.get(c.id, Reading(Status.UNKNOWN)).status for c in state.required() if not hard]
    if Status.UNKNOWN in softer or (not hard and Status.PASS not in softer):
        return Verdict.DEGRADED if any(f.severity is not Severity.INFO for f in findings) else Verdict.UNDETERMINED
    return Verdict.DEGRADED if any(f.severity is not Severity.INFO for f in findings) else Verdict.READY
