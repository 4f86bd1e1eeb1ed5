"""The fault matrix: each thing that the lab can break is named, and nothing else is.

A table of it (fault, named cause, right or wrong, seconds) is printed at the end of the run by conftest.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.diagnosing import Told, diagnose_here
from lab.expected import EXPECTED, LOSS, PORTALS, SLOWEST, Expected, ids
from lab.fault import Fault
from lab.faults import CALM, FAULTS, PAIRS
from lab.network import Lab

LONGEST_S = 12.0
"""Time to the verdict with any fault; the run's own clock, which its deadline keeps."""

Record = Callable[[str, object], None]


def told_of(lab: Lab, fault: Fault) -> Told:
    with fault.on(lab) as env:
        return lab.inside("laptop", diagnose_here, env={**lab.env(), **env})


def named(told: Told) -> str:
    return ", ".join(f.cause for f in told.problems) or "ready"


def judged(record: Record, name: str, told: Told, right: bool) -> None:
    """A row of the printed table; conftest.py gathers them, from every worker."""
    record("fault", (name, named(told), right, told.seconds))


BY_TABLE = [fault for fault in (*FAULTS, *PAIRS) if fault.name in EXPECTED]


@pytest.mark.parametrize("fault", BY_TABLE, ids=lambda fault: fault.name)
def test_each_fault_is_named_with_exactly_its_rows(lab: Lab, fault: Fault, record_property: Record) -> None:
    told = told_of(lab, fault)
    expected = EXPECTED[fault.name]
    found = tuple(Expected(f.cause, " ".join(sorted(set(f.explains) & set(told.statuses))), f.severity) for f in told.problems)
    wanted = tuple(Expected(e.cause, " ".join(sorted(ids(e.rows, told))), e.severity) for e in expected)
    judged(record_property, fault.name, told, found == wanted)
    assert [f.cause for f in told.problems] == [e.cause for e in expected]
    assert found == wanted
    explained = {i for e in expected for i in ids(e.rows, told)}
    assert told.rows("fail", "warn", "unknown", "skip") <= explained
    assert all(f.evidence for f in told.problems)
    assert told.seconds <= LONGEST_S


@pytest.mark.parametrize("fault", [f for f in FAULTS if f.name in PORTALS], ids=lambda fault: fault.name)
def test_each_portal_is_one_cause(lab: Lab, fault: Fault, record_property: Record) -> None:
    told = told_of(lab, fault)
    right = [f.cause for f in told.problems] == ["captive-portal"]
    judged(record_property, fault.name, told, right)
    assert right
    assert ids(PORTALS[fault.name], told) <= set(told.problems[0].explains)
    assert told.rows("fail", "unknown", "skip") <= set(told.problems[0].explains)


@pytest.mark.parametrize("fault", [f for f in FAULTS if f.name in LOSS], ids=lambda fault: fault.name)
def test_loss_is_called_loss_and_nothing_else(lab: Lab, fault: Fault, record_property: Record) -> None:
    told = told_of(lab, fault)
    right = [(f.cause, f.severity) for f in told.problems] == [("lossy", "warn")]
    judged(record_property, fault.name, told, right)
    assert right
    assert not told.rows("fail")


def test_what_a_very_slow_line_leaves_no_time_for_is_untold_and_not_failed(lab: Lab, record_property: Record) -> None:
    (fault,) = [f for f in FAULTS if f.name == SLOWEST]
    told = told_of(lab, fault)
    right = [(f.cause, f.severity) for f in told.problems] == [("slow", "warn")]
    judged(record_property, fault.name, told, right)
    assert right
    assert told.rows("fail", "unknown", "skip") <= ids("ftp:*", told)


@pytest.mark.parametrize("round_", range(3))
@pytest.mark.parametrize("fault", [None, *CALM], ids=lambda fault: fault.name if fault else "healthy")
def test_a_healthy_network_alarms_nobody(lab: Lab, fault: Fault | None, round_: int, record_property: Record) -> None:
    told = lab.inside("laptop", diagnose_here, env=lab.env()) if fault is None else told_of(lab, fault)
    judged(record_property, fault.name if fault else "healthy", told, told.verdict == "ready")
    assert (told.verdict, [f.cause for f in told.findings]) == ("ready", [])
    assert told.rows("pass") == set(told.statuses)


def test_every_fault_has_its_expectation() -> None:
    known = {*EXPECTED, *PORTALS, *LOSS, SLOWEST}
    assert {fault.name for fault in (*FAULTS, *PAIRS)} == known
