"""What a trace adds to a run's diagnosis: where a filtered or rejected port dies, and whose device that likely is. Pure.

Takes the findings of a diagnosis and the traces that were made, gives the findings with further evidence (keys of assets/causes-
path.toml) and, where the place says more than the cause's usual owner, with that owner. A finding that explains several hosts is told
of each host that was traced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from aetui.observations import Outcome
from aetui.path.analysis import Surroundings, suspects_places
from aetui.path.places import Place
from aetui.path.records import Proto, Trace
from aetui.path.words import stands_at, whose_words
from aetui.records import Diagnosis, Finding, Owner, Said

LOCATED = frozenset({"filtered", "rejected", "unreachable"})
"""Causes that have a place."""
_KEYS: dict[Place, str] = {
    Place.OWN_ROUTER: "path-own-router",
    Place.PRIVATE: "path-private",
    Place.CARRIER_NAT: "path-isp",
    Place.ISP: "path-isp",
    Place.BEYOND: "path-beyond",
    Place.TARGET: "path-target",
}


def locate(diagnosis: Diagnosis, traces: Iterable[Trace], around: Surroundings | None = None) -> Diagnosis:
    """The diagnosis, its findings told where."""
    made = tuple(traces)
    return replace(diagnosis, findings=tuple(_located(finding, made, around or Surroundings()) for finding in diagnosis.findings))


def check_id(trace: Trace) -> str | None:
    """Id of the check that a trace is about, None for a ping."""
    return None if trace.proto is Proto.ICMP else f"{trace.proto.value}:{trace.target}:{trace.port}"


def _located(finding: Finding, traces: Sequence[Trace], around: Surroundings) -> Finding:
    mine = [trace for trace in traces if finding.cause in LOCATED and check_id(trace) in finding.explains and not trace.problem]
    said = [one for trace in mine for one in _said(trace, around)]
    owners = {owner for trace in mine if (owner := _owner(trace, around)) is not None}
    owner = owners.pop() if len(owners) == 1 else finding.owner
    return replace(finding, evidence=(*finding.evidence, *said), owner=owner)


def _said(trace: Trace, around: Surroundings) -> Iterator[Said]:
    values = {"host": trace.target, "port": str(trace.port), "proto": trace.proto.value.upper(), "ttl": str(trace.dies_after or 0)}
    if trace.rejected_by is not None:
        yield Said("path-rejected", {**values, "sender": trace.rejected_by, "ttl": str(stands_at(trace, trace.hops[-1]))})
    elif trace.suspects:
        values |= {"suspect": trace.suspects[0], "next": trace.suspects[-1], "routers": ", ".join(trace.suspects)}
        yield Said(_ended(trace), values)
    places = suspects_places(trace, around)
    if places:
        yield Said(_KEYS[places[0]], {"suspect": trace.suspects[0]})


def _ended(trace: Trace) -> str:
    """Key of how the path ends where nobody says for certain that it was he who turned it away."""
    if trace.outcome is Outcome.UNREACHABLE:
        return "path-loop" if "loop" in trace.notes else "path-unreachable"
    between = len(trace.suspects) > 1
    if trace.outcome is Outcome.REJECTED:
        return "path-reset-between" if between else "path-reset"
    return "path-between" if between else "path-after"


def _owner(trace: Trace, around: Surroundings) -> Owner | None:
    """Whose the first suspect is; unknown where its place says that it is none of the usual owner's, None where nothing is known of it."""
    places = suspects_places(trace, around)
    return whose_words(places[0], around.toward_site)[1] if places else None
