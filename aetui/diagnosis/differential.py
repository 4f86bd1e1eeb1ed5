"""Rules over two vantages: the same check from here and from elsewhere. Pure.

What fails here and there is the server's; what fails here alone is this site's network. A second vantage that reaches nothing at all says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from aetui.diagnosis.readings import Tentative, read
from aetui.diagnosis.view import Row, View
from aetui.records import Confidence, Finding, Owner, Said, Status

UNREACHED = frozenset({"refused", "rejected", "filtered", "unreachable", "tls-blocked"})
"""First causes that mean: no conversation came about."""

TOLD_HERE = frozenset({"rejected"})
"""A device on this side that says no has said so, whatever becomes of the server."""


def elsewhere(view: View, identity: str) -> Tentative | None:
    """How a check reads from the second vantage; None where it was not made there, or that vantage reaches nothing."""
    result = view.state.beside.get(identity)
    if result is None or result.observation is None or not _reaches_anything(view):
        return None
    return read(result)


def _reaches_anything(view: View) -> bool:
    return any(r.check.kind == "tcp" and r.observation is not None and read(r).status is Status.PASS for r in view.state.beside.values())


def works_elsewhere(view: View, row: Row) -> bool:
    """True where the same check holds from the second vantage."""
    there = elsewhere(view, row.id)
    return there is not None and there.status is Status.PASS


def server_down(view: View) -> Iterator[Finding]:
    """The same check fails from an outside vantage too: not this site's network."""
    rows = []
    for row in view.failing("tcp", "tls"):
        there = elsewhere(view, row.id)
        if row.reading.cause in UNREACHED - TOLD_HERE and there is not None and there.status is Status.FAIL and there.cause in UNREACHED:
            rows.append(row)
    if rows and view.state.beside_vantage is not None:
        name = view.state.beside_vantage.name
        said = tuple(Said("fails-there", {"vantage": name, "host": row.host, "port": str(row.check.port)}) for row in rows[:3])
        hosts = list(dict.fromkeys(row.host for row in rows))
        facts = {"hosts": ", ".join(hosts[:4]) + (f" and {len(hosts) - 4} more" if len(hosts) > 4 else "")}
        yield Finding("server-down", view.below(row.id for row in rows), evidence=said, facts=facts, owner=Owner.VENDOR)


def confirmed(view: View, finding: Finding) -> Finding:
    """A finding with what the second vantage adds: it works from there, so the fault is on this side."""
    rows = [row for row in view.rows() if row.id in finding.explains and row.id not in finding.follows and works_elsewhere(view, row)]
    if not rows or view.state.beside_vantage is None:
        return finding
    said = Said("works-there", {"vantage": view.state.beside_vantage.name, "host": rows[0].host, "port": str(rows[0].check.port or "53")})
    sure = finding.confidence if finding.cause == "refused" else Confidence.CERTAIN
    return replace(finding, evidence=(*finding.evidence, said), confidence=sure)


RULES = (server_down,)
