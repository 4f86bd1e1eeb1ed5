"""A state as the report of CONTRACT.md, schema ``aetui.report/1``: plain dictionaries for ``json.dumps``. Pure.

Bytes become text with escapes, long ones cut; times of day are RFC 3339 in UTC; durations are milliseconds. Text from the network stands as it
came: JSON escapes it, and whoever shows it makes it displayable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

from aetui import __version__
from aetui.catalogue import Catalogue
from aetui.causes import Words, describe
from aetui.events import BesideDone, CheckDone, ChecksAdded, CheckStarted, Diagnosing, Event, Result, SessionEnded, SessionStarted
from aetui.records import Check, Finding, Reading, VantageInfo
from aetui.state import State

SCHEMA = "aetui.report/1"
LONGEST_BYTES = 512
"""Bytes of one foreign body that a report keeps."""


def report(state: State, catalogue: Catalogue, words: Words) -> dict[str, Any]:
    """The whole report."""
    return {
        "schema": SCHEMA,
        "session": state.session,
        "started": timestamp(state.started),
        "elapsed_ms": round(state.elapsed_ms, 1),
        "version": __version__,
        "catalogue": {"version": catalogue.version, "sha256": catalogue.sha256, "changes": list(catalogue.changes)},
        "equipment": list(state.equipment),
        "vantage": vantage_json(state.vantage),
        "beside": vantage_json(state.beside_vantage) if state.beside_vantage else None,
        "ended": state.ended,
        "verdict": state.diagnosis.verdict.value,
        "checks": [check_json(check, state.results.get(check.id), state.reading(check.id)) for check in state.checks.values()],
        "diagnosis": [finding_json(finding, words) for finding in state.diagnosis.findings],
    }


def timestamp(moment: datetime) -> str:
    """RFC 3339, UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def vantage_json(info: VantageInfo) -> dict[str, Any]:
    """Where the probes ran from."""
    return {
        "kind": info.kind, "name": info.name, "interface": info.interface, "address": info.address, "gateway": info.gateway,
        "resolvers": list(info.resolvers), "privileged": info.privileged, "ipv6": info.ipv6,
    }  # fmt: skip


def check_json(check: Check, result: Result | None, reading: Reading) -> dict[str, Any]:
    """One check: what it is, how it stands, and what was seen."""
    observation = result.observation if result else None
    return {
        "id": check.id,
        "kind": check.kind,
        "host": check.host,
        "port": check.port,
        "transport": check.transport.value if check.transport else None,
        "address": result.address if result else None,
        "equipment": list(check.equipment),
        "requirement": check.requirement.value,
        "group": check.group,
        "needs": check.needs,
        "source": check.source,
        "status": reading.status.value,
        "cause": reading.cause,
        "because": reading.because,
        "not_run": result.not_run if result else "pending",
        "reason": result.reason if result else None,
        "attempts": result.attempts if result else 0,
        "observed": plain(observation) if observation is not None else {},
        "earlier": [plain(seen) for seen in result.earlier] if result else [],
        "elapsed_ms": round(result.elapsed_ms, 1) if result else 0.0,
        "phases_ms": {name: round(value, 1) for name, value in result.phases_ms.items()} if result else {},
    }


def finding_json(finding: Finding, words: Words) -> dict[str, Any]:
    """One entry of the diagnosis."""
    told = describe(words, finding)
    return {
        "cause": told.cause, "severity": told.severity.value, "confidence": told.confidence.value, "title": told.title, "summary": told.summary,
        "evidence": list(told.evidence), "explains": list(told.explains), "owner": told.owner.value, "remedy": list(told.remedy),
        "breaks": told.breaks,
    }  # fmt: skip


def plain(value: Any) -> Any:
    """A record as JSON can have it; fields that were not observed are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(item) for f in fields(value) if (item := getattr(value, f.name)) is not None}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value[:LONGEST_BYTES].decode("utf-8", "backslashreplace")
    if isinstance(value, datetime):
        return timestamp(value)
    return round(value, 3) if isinstance(value, float) else value


def event_json(event: Event, words: Words) -> dict[str, Any]:
    """One event as a line of ``--jsonl``."""
    line: dict[str, Any] = {"at_ms": round(event.at, 1)}
    match event:
        case SessionStarted():
            line |= {
                "event": "started", "session": event.session, "started": timestamp(event.started), "equipment": list(event.equipment),
                "vantage": vantage_json(event.vantage), "planned": [check.id for check in event.checks], "deadline_s": event.deadline_s,
            }  # fmt: skip
        case ChecksAdded():
            line |= {"event": "added", "planned": [check.id for check in event.checks]}
        case CheckStarted():
            line |= {"event": "running", "id": event.id}
        case CheckDone():
            line |= {"event": "result"} | _result(event.result)
        case BesideDone():
            line |= {"event": "beside", "vantage": vantage_json(event.vantage), "results": [_result(result) for result in event.results]}
        case Diagnosing():
            line |= {
                "event": "diagnosis", "verdict": event.diagnosis.verdict.value,
                "diagnosis": [finding_json(finding, words) for finding in event.diagnosis.findings],
                "readings": {identity: plain(reading) for identity, reading in event.diagnosis.readings.items()},
            }  # fmt: skip
        case SessionEnded():
            line |= {"event": "ended", "reason": event.reason}
    return line


def _result(result: Result) -> dict[str, Any]:
    return {
        "id": result.check.id, "kind": result.check.kind, "address": result.address, "attempts": result.attempts, "not_run": result.not_run,
        "observed": plain(result.observation) if result.observation is not None else {}, "elapsed_ms": round(result.elapsed_ms, 1),
        "phases_ms": plain(dict(result.phases_ms)),
    }  # fmt: skip
