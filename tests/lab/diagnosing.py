"""Runs aetui on the laptop of a lab and says what came out, as plain values that cross a process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass

EQUIPMENT = ("pm2000", "acquisuite", "sma-ftp")
"""Covers every kind of check: names, web, time, FTP with a login, SSH."""


@dataclass(frozen=True)
class Named:
    """One finding."""

    cause: str
    severity: str
    confidence: str
    explains: tuple[str, ...]
    summary: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """What aetui says of the network."""

    verdict: str
    findings: tuple[Named, ...]
    statuses: Mapping[str, str]
    """By check id, of what the equipment needs."""
    causes: Mapping[str, str]
    above: Mapping[str, str]
    """What a row needs, by its id."""
    seconds: float
    first_blocker_s: float | None
    """When the first failing cause was told."""

    @property
    def problems(self) -> tuple[Named, ...]:
        """Findings that are more than information."""
        return tuple(f for f in self.findings if f.severity != "info")

    def rows(self, *statuses: str) -> set[str]:
        """Ids of the rows that stand so."""
        return {identity for identity, status in self.statuses.items() if status in statuses}


def diagnose_here(equipment: tuple[str, ...] = EQUIPMENT, env: Mapping[str, str] | None = None, vantage: str = "local") -> Told:
    """One whole run in the calling process's network. Sets the environment: call it in a process of its own."""
    os.environ.update(env or {})
    return asyncio.run(_diagnose(equipment, vantage))


async def _diagnose(equipment: tuple[str, ...], vantage: str) -> Told:
    from aetui.causes import describe, load_causes
    from aetui.events import Diagnosing, Event
    from aetui.prepare import Request, prepare
    from aetui.probes.base import Credentials

    first: list[float] = []

    def watch(event: Event) -> None:
        if isinstance(event, Diagnosing) and not first and any(f.severity == "fail" for f in event.diagnosis.findings):
            first.append(event.at / 1000)

    request = Request(equipment, vantage=vantage, ftp_login=Credentials("anonymous", "aetui@lab"))
    async with prepare(request, (watch,)) as prepared:
        state = await prepared.session.run()
    words = load_causes()
    told = [describe(words, finding) for finding in state.diagnosis.findings]
    needed = {check.id for check in state.required()}
    return Told(
        verdict=state.diagnosis.verdict.value,
        findings=tuple(Named(d.cause, d.severity.value, d.confidence.value, d.explains, d.summary, d.evidence) for d in told),
        statuses={i: state.reading(i).status.value for i in state.checks if i in needed},
        causes={i: cause for i in state.checks if i in needed and (cause := state.reading(i).cause)},
        above={i: check.needs for i, check in state.checks.items() if i in needed and check.needs},
        seconds=state.elapsed_ms / 1000,
        first_blocker_s=first[0] if first else None,
    )
