"""Which models of the catalogue work on a network, and what is missing for each: a run over all of them, read model by model. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aetui.catalogue import Catalogue
from aetui.records import Check, Finding, Requirement, Severity, Status, Verdict
from aetui.state import State

OWN_CAUSES = frozenset({"local-firewall", "clock-wrong"})
"""They lie in the computer that tests: what fails by them says nothing of what a model would meet."""
MOST_MISSING = 4
"""Things named as missing of one model; the findings hold them all."""


@dataclass(frozen=True, slots=True)
class Model:
    """One row of the table."""

    key: str
    title: str
    verdict: Verdict
    missing: tuple[str, ...]
    """What does not work for it: host and port, or the cause where nothing at all does."""
    inbound: bool
    """True where support must reach it from outside."""


def models(state: State, catalogue: Catalogue) -> tuple[Model, ...]:
    """A row for each model, in the catalogue's order."""
    return tuple(_row(state, catalogue, key) for key in catalogue.equipment)


def _row(state: State, catalogue: Catalogue, key: str) -> Model:
    needed = [check for check in state.checks.values() if key in check.equipment]
    own = [finding for finding in state.diagnosis.findings if finding.cause in OWN_CAUSES]
    site = [finding for finding in state.diagnosis.findings if finding.cause not in OWN_CAUSES]
    failing, odd = _explained(site, Severity.FAIL), _explained(site, Severity.WARN)
    verdict = _verdict(state, needed, failing, odd, _explained(own, Severity.FAIL) - failing)
    missing = [check for check in needed if check.id in failing or (check.id in odd and verdict is not Verdict.READY)]
    return Model(key, catalogue.equipment[key].title, verdict, _named(missing), bool(catalogue.inbound_of((key,))))


def _explained(findings: Sequence[Finding], severity: Severity) -> set[str]:
    return {identity for finding in findings if finding.severity is severity for identity in finding.explains}


def _verdict(state: State, needed: Sequence[Check], failing: set[str], odd: set[str], untold: set[str]) -> Verdict:
    """``untold``: checks that fail for a reason of the testing computer's own."""
    hard = [check for check in needed if check.requirement is Requirement.HARD]
    if any(check.id in failing for check in hard):
        return Verdict.BLOCKED
    must = hard or needed
    if any(check.id in untold for check in must):
        return Verdict.UNDETERMINED
    readings = [state.reading(check.id) for check in must]
    if any(each.status in {Status.UNKNOWN, Status.SKIP} and not each.because for each in readings):
        return Verdict.UNDETERMINED
    if not hard and needed and all(check.id in odd | failing for check in needed if check.port is not None):
        return Verdict.BLOCKED
    return Verdict.DEGRADED if any(check.id in odd for check in needed) else Verdict.READY


def _named(missing: Sequence[Check]) -> tuple[str, ...]:
    """Host and port, each once."""
    found = tuple(dict.fromkeys(map(_place, missing)))
    return found if len(found) <= MOST_MISSING else (*found[:MOST_MISSING], f"{len(found) - MOST_MISSING} more")


def _place(check: Check) -> str:
    if check.port is None:
        return f"{check.host} (name)"
    return f"{check.host} {'UDP ' if check.kind == 'ntp' else ''}{check.port}"
