"""The outbound checks of a guide: some of the plan, or all models at once, measured in the visit's one session."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable

from aetui.causes import describe
from aetui.describe import row_line
from aetui.diagnosis.readings import carried
from aetui.explain import load_kinds
from aetui.guide.models import Model, models
from aetui.guide.records import WORKING, Models, Plan, Seen
from aetui.guiding.words import say, seen
from aetui.guiding.world import World
from aetui.observations import FtpSeen
from aetui.plan import Options, plan
from aetui.records import Check, Diagnosed, Finding, Requirement, Severity, Status, Verdict
from aetui.state import State

MOST_ROWS = 6
"""Rows of what does not hold that are shown; the findings explain them all."""


async def run_plan(world: World, action: Plan) -> Seen:
    """The plan of this equipment, or the named part of it."""
    checks = _planned(world, action.equipment, action.only)
    state = await _measured(world, checks)
    needed = [check for check in checks if check.equipment]
    told = tuple(describe(world.causes, finding) for finding in concerning(state, {check.id for check in checks}))
    status = status_of(state, needed, told)
    counted = [check for check in needed if _counts(state, check)]
    signs = () if status is Status.UNKNOWN else (*_clock(told), *_share(state, counted), *_ftp(state, needed))
    if status is Status.PASS and "ftp-refused" in signs:
        status = Status.WARN  # the network lets it through, and half of it could not be tried
    return Seen(status, signs, told, lines=(*_lines(state, counted, bool(action.only)), *_ftp_lines(state, needed)))


async def run_models(world: World, _action: Models) -> Seen:
    """Every model of the catalogue."""
    everything = tuple(world.catalogue.equipment)
    checks = _planned(world, everything, ())
    state = await _measured(world, checks)
    rows = models(state, world.catalogue)
    told = tuple(describe(world.causes, finding) for finding in concerning(state, {check.id for check in checks}))
    status, signs = _models_stand({row.verdict for row in rows})
    return Seen(status, signs, told, lines=tuple(map(_model, rows)))


def _models_stand(verdicts: set[Verdict]) -> tuple[Status, tuple[str, ...]]:
    """Status and sign of all models together. Where none is seen to be blocked and not all were judged, nothing is said."""
    if not verdicts - WORKING:
        return Status.PASS, ("all-work",)
    if Verdict.BLOCKED not in verdicts:
        return Status.UNKNOWN, ()
    return (Status.WARN, ("some-work",)) if verdicts & WORKING else (Status.FAIL, ("none-work",))


def _model(row: Model) -> str:
    verdict = say("verdicts", row.verdict.value)
    if not row.missing:
        return seen("model", title=row.title, verdict=verdict)
    return seen("model-missing", title=row.title, verdict=verdict, missing="; ".join(row.missing))


def _planned(world: World, equipment: tuple[str, ...], only: tuple[str, ...]) -> tuple[Check, ...]:
    options = Options(only=only, nonce=f"x{secrets.token_hex(8)}")
    return plan(world.catalogue, equipment, world.here.info, options)


async def _measured(world: World, checks: tuple[Check, ...]) -> State:
    from aetui.events import ChecksAdded

    session = world.session
    session.emit(ChecksAdded(session.at(), checks))
    return await session.again([check.id for check in checks])


def concerning(state: State, ids: Collection[str]) -> tuple[Finding, ...]:
    """Findings that explain any of these checks, the root first."""
    return tuple(finding for finding in state.diagnosis.findings if not finding.explains or set(finding.explains) & set(ids))


def status_of(state: State, needed: Iterable[Check], told: Iterable[Diagnosed]) -> Status:
    """Fail where something that must hold does not; unknown where it could not be tested; warn where something is odd."""
    severities = {entry.severity for entry in told}
    if Severity.FAIL in severities:
        return Status.FAIL
    hard = [check for check in needed if check.requirement is Requirement.HARD] or list(needed)
    readings = [state.reading(check.id) for check in hard]
    if any(each.status in {Status.UNKNOWN, Status.SKIP} and not each.because for each in readings):
        return Status.UNKNOWN
    return Status.WARN if Severity.WARN in severities else Status.PASS


def _clock(told: Iterable[Diagnosed]) -> tuple[str, ...]:
    """Whether network time is all that fails."""
    failing = {identity.partition(":")[0] for each in told if each.severity is Severity.FAIL for identity in each.explains}
    return ("clock-alone",) if failing == {"ntp"} else ()


def _share(state: State, needed: Iterable[Check]) -> tuple[str, ...]:
    """Whether nothing at all works, or only a part: of the ports where there are any."""
    ports = [check for check in needed if check.port is not None] or list(needed)
    holding = [_holds(state, check.id) for check in ports]
    if all(holding):
        return ()
    return ("some-fail",) if any(holding) else ("all-fail",)


def _ftp(state: State, needed: Iterable[Check]) -> tuple[str, ...]:
    """With a login: whether something moved over a data connection at every server, or a server refused the login."""
    visits = [visit for _, visit in _visits(state, needed)]
    if any(map(_refused, visits)):
        return ("ftp-refused",)
    moved = bool(visits) and all(any(map(carried, visit.transfers)) for visit in visits)
    return ("ftp-moved",) if moved else ()


def _visits(state: State, needed: Iterable[Check]) -> list[tuple[Check, FtpSeen]]:
    found = [(check, result.observation) for check in needed if (result := state.results.get(check.id)) is not None]
    return [(check, visit) for check, visit in found if isinstance(visit, FtpSeen)]


def _refused(visit: FtpSeen) -> bool:
    return (visit.login or "").startswith(_REFUSALS)


def _ftp_lines(state: State, needed: Iterable[Check]) -> tuple[str, ...]:
    """What each server let a login do: which kinds of data connection carried something."""
    return tuple(_ftp_line(check.host or "", visit) for check, visit in _visits(state, needed) if visit.login)


def _ftp_line(host: str, visit: FtpSeen) -> str:
    if _refused(visit):
        return seen("ftp-login-refused", host=host)
    ways = [seen("ftp-way", kind=say("ftp", way.mode), how=say("ftp", "works" if carried(way) else "fails")) for way in visit.transfers]
    return seen("ftp-ways", host=host, ways=", ".join(ways)) if ways else seen("ftp-no-way", host=host)


_REFUSALS = ("4", "5")
"""First digits of an FTP reply that says no (RFC 959 section 4.2)."""


_BREAKS_NOTHING = {"slow", "lossy", "dns-changed", None}


def _holds(state: State, identity: str) -> bool:
    """A soft check that fails reads as a warning, too; what merely is slow has a cause that breaks nothing."""
    reading = state.reading(identity)
    return reading.status is Status.PASS or (reading.status is Status.WARN and reading.cause in _BREAKS_NOTHING)


def _counts(state: State, check: Check) -> bool:
    """False where another check that holds answers for this one: of a range of servers, one is enough."""
    because = state.reading(check.id).because
    return because is None or not _holds(state, because)


def _lines(state: State, needed: list[Check], each: bool) -> tuple[str, ...]:
    holding = [check for check in needed if _holds(state, check.id)]
    rows = [check for check in needed if (each or check not in holding) and not state.reading(check.id).because]
    if each and len(rows) > MOST_ROWS:
        rows = [check for check in rows if check not in holding]
    shown = tuple(_row(state, check) for check in rows[:MOST_ROWS])
    more = (seen("more", count=str(len(rows) - MOST_ROWS)),) if len(rows) > MOST_ROWS else ()
    return (seen("holds", count=str(len(holding)), all=str(len(needed))), *shown, *more)


def _row(state: State, check: Check) -> str:
    named = load_kinds()[check.kind].filled(check.host or "", str(check.port or "")).title
    return seen("row", status=say("statuses", state.reading(check.id).status.value), name=named, line=row_line(state, check.id))
