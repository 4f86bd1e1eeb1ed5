"""The reading of recorded traces: each row of tests/unit/traces/*.toml states a rule and what follows from it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from path_recordings import Case, cases, recording

from aetui.observations import Outcome
from aetui.path import loss, words
from aetui.path.analysis import Surroundings, read, suspects_places
from aetui.path.records import Hop, ReplyKind, Trace

_CASES = cases()


@pytest.fixture(params=_CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


def _trace(case: Case) -> Trace:
    around = Surroundings(case.gateway, case.toward_site)
    trace = read(case.recording, case.compared, around)
    return words.diagnose(trace, suspects_places(trace, around), toward_site=case.toward_site)


def _facts(case: Case, trace: Trace) -> dict[str, Any]:
    """Everything that a row may expect, by the name that it uses."""
    counts = loss.losses(trace.hops, trace.reached)
    entry = trace.diagnosis[0] if trace.diagnosis else None
    return {
        "outcome": trace.outcome.value,
        "reached": trace.reached,
        "rejected_by": trace.rejected_by,
        "dies_after": trace.dies_after,
        "suspects": list(trace.suspects),
        "notes": list(trace.notes),
        "ttls": len(trace.hops),
        "nat": trace.nat,
        "addresses": [hop.address or "" for hop in trace.hops],
        "limited": [ttl for ttl, found in sorted(counts.items()) if found.limited],
        "lossy": [ttl for ttl, found in sorted(counts.items()) if found.lossy],
        "causes": [found.cause for found in trace.diagnosis],
        "cause": entry.cause if entry else None,
        "owner": entry.owner.value if entry else None,
        "confidence": entry.confidence.value if entry else None,
        "evidence": list(entry.evidence) if entry else [],
        "summary": entry.summary if entry else None,
        "verdict": trace.verdict,
    }


def test_a_recorded_trace_is_read_by_the_rule(case: Case) -> None:
    trace = _trace(case)
    facts = _facts(case, trace)
    by_ttl = {hop.ttl: hop for hop in trace.hops}
    expected = dict(case.expect)
    assert {int(ttl): list(by_ttl[int(ttl)].notes) for ttl in expected.get("hop_notes", {})} == {
        int(ttl): notes for ttl, notes in expected.pop("hop_notes", {}).items()
    }
    assert {int(ttl): list(by_ttl[int(ttl)].others) for ttl in expected.get("others", {})} == {
        int(ttl): others for ttl, others in expected.pop("others", {}).items()
    }
    assert {key: facts[key] for key in expected} == expected


def test_every_code_that_a_trace_carries_has_its_words(case: Case) -> None:
    trace = _trace(case)
    for code in {*trace.notes, *(note for hop in trace.hops for note in hop.notes)}:
        assert words.note_short(code)
        assert words.note_text(code).endswith(".")
    for entry in trace.diagnosis:
        assert "{" not in f"{entry.title}{entry.summary}{entry.remedy}{entry.breaks}{entry.evidence}"
        assert "?" not in f"{entry.title}{entry.summary}{entry.breaks}{entry.evidence}"
    assert trace.verdict.endswith(".")


DECIDED = {2, 3, 9, 10, 13}
"""Codes of ICMP's unreachable by which somebody decided against the packet (RFC 1812 section 5.2.7.1); every other is a want of a way."""


@pytest.mark.parametrize("code", range(16))
def test_every_code_of_unreachable_has_its_outcome_its_sender_and_its_words(code: int) -> None:
    lines = ["1 time-exceeded 192.168.50.1", "2 time-exceeded 198.51.100.1", f"3 unreachable 198.51.100.1 1 icmp=3/{code}"]
    found = words.diagnose(read(recording({"target": "203.0.113.9", "port": 2022, "hops": lines})))
    assert found.outcome is (Outcome.REJECTED if code in DECIDED else Outcome.UNREACHABLE)
    assert (found.dies_after, found.suspects, found.reached) == (2, ("198.51.100.1",), False)
    assert found.verdict.startswith("198.51.100.1, at hop 2, ")
    assert "ICMP type" not in found.verdict


def test_even_loss_on_many_hops_is_hardly_ever_taken_for_a_limit() -> None:
    """Every probe is dropped by its own throw, half of them, on four hops in a row: as a live view sees it, look by look."""
    chance = random.Random(20)
    wrong = 0
    for _ in range(2000):
        received = [sum(chance.random() < 0.5 for _ in range(40)) for _ in range(4)]
        hops = [Hop(ttl, f"192.0.2.{ttl}", ReplyKind.TIME_EXCEEDED, sent=40, received=got) for ttl, got in enumerate(received, 1)]
        wrong += any(one.limited for one in loss.losses(hops, reached=True).values())
    assert wrong <= 10


def test_loss_is_never_claimed_of_a_hop_behind_which_everything_arrives() -> None:
    for case in _CASES:
        trace = _trace(case)
        for hop in trace.hops:
            clean = any(later.ttl > hop.ttl and later.sent >= 5 and later.received == later.sent for later in trace.hops)
            assert not (clean and "loss" in hop.notes), case.name
