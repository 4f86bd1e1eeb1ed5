"""What differs between two sessions, or between a session and the catalogue of today. Pure.

Only checks that both have are compared. A check is ``fixed`` where it did not hold, or could not because of another, and holds now;
``broken`` the other way round; any other change of its status stands under ``otherwise``. ``changed`` is what was seen differently
though the check stands as before: another address, another issuer, another path, another delay. The rest is counted. A port that was
tried from outside counts as a check of its own; of several tries the latest does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from aetui.catalogue import Catalogue
from aetui.describe import row_said
from aetui.display import displayable
from aetui.entries import Kept
from aetui.events import Result
from aetui.observations import DnsSeen, NtpSeen, Outcome, TcpSeen, TlsSeen
from aetui.path.records import Trace
from aetui.plan import Options, plan
from aetui.reach import Standing
from aetui.records import Check, Status
from aetui.report.inbound import found_there, learned
from aetui.report.words import words
from aetui.state import State
from aetui.tally import PROVED, tally_of

SLOWER = 2.0
"""A delay has changed where it is this many times the other …"""

SLOWER_MS = 50.0
"""… and at least so many milliseconds away from it: less is the line's own unrest."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A check whose status changed."""

    id: str
    before: Status
    after: Status
    line: str
    """What was seen the second time."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something seen otherwise."""

    id: str
    what: str
    """A key of assets/diff.toml's ``[what]`` table."""
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Two sessions compared."""

    title: str
    sides: tuple[str, str]
    vantages: bool
    """True where the two were made from different places."""
    fixed: tuple[Moved, ...]
    broken: tuple[Moved, ...]
    otherwise: tuple[Moved, ...]
    changed: tuple[Change, ...]
    gone: tuple[str, ...]
    new: tuple[str, ...]
    same: tuple[str, ...]
    left: tuple[str, ...]
    added: tuple[str, ...]
    unchanged: int


@dataclass(frozen=True, slots=True)
class Outdated:
    """A session held against the catalogue of today."""

    title: str
    needed: tuple[str, ...]
    dropped: tuple[str, ...]
    moved: tuple[Change, ...]
    unchanged: int


# --------------------------------------------------------------------------------------------------------------- two sessions
def compare(first: Kept, second: Kept, partial: bool = False) -> Difference:
    """The second session as seen from the first. ``partial`` where the second repeated only some checks: what it left out is not told."""
    a, b = first.state, second.state
    needed = _needed(a), _needed(b)
    both = [identity for identity in needed[0] if identity in needed[1]]
    looked = _looked(first), _looked(second)
    tried = [identity for identity in looked[0] if identity in looked[1]]
    moved = [_moved(a, b, identity) for identity in both]
    again = [Moved(i, looked[0][i].status, looked[1][i].status, looked[1][i].line) for i in tried]
    changed = (
        *_place(a, b), *(c for identity in both for c in _seen(a, b, identity)), *_paths(first, second),
        *(c for i in tried if (c := _answers(i, looked[0][i], looked[1][i])) is not None),
    )  # fmt: skip
    told = {m.id for m in (*moved, *again) if m.before is not m.after} | {c.id for c in changed}
    causes_a, causes_b = _causes(first), _causes(second)
    return Difference(
        title=words("head", "sessions", a=a.session, b=b.session), sides=(_side(first), _side(second)), vantages=_where(a) != _where(b),
        fixed=tuple(m for m in moved if m.after is Status.PASS and _missed(a, m.id)) + tuple(m for m in again if _turned(m, Status.PASS)),
        broken=tuple(m for m in moved if m.before is Status.PASS and _missed(b, m.id)) + tuple(m for m in again if _turned(m, Status.FAIL)),
        otherwise=tuple(m for m in moved if _otherwise(a, b, m)) + tuple(m for m in again if _unsure(m)), changed=changed,
        gone=tuple(c for c in causes_a if c not in causes_b and not partial), new=tuple(c for c in causes_b if c not in causes_a),
        same=tuple(c for c in causes_b if c in causes_a),
        left=() if partial else tuple(i for i in (*needed[0], *looked[0]) if i not in both and i not in tried),
        added=tuple(i for i in (*needed[1], *looked[1]) if i not in both and i not in tried),
        unchanged=len([i for i in (*both, *tried) if i not in told]),
    )  # fmt: skip


# -------------------------------------------------------------------------------------------------------------- tried from outside
@dataclass(frozen=True, slots=True)
class Looked:
    """How a port stood from outside."""

    status: Status
    line: str
    speaks: str
    identity: str
    """Which machine or program it said it is; empty where it did not."""


def _looked(kept: Kept) -> dict[str, Looked]:
    """Every port that was tried from outside, as the latest try saw it."""
    found: dict[str, Looked] = {}
    for done in kept.inbound:
        works = {identity for entry in done.diagnosis if entry.cause in PROVED for identity in entry.explains}
        for reached in done.seen.outside:
            proves = learned(reached) and reached.standing is not Standing.INSIDE
            status = Status.UNKNOWN if not proves else Status.PASS if reached.target.id in works else Status.FAIL
            name = displayable(reached.identity or "", 100)
            found[f"outside:{displayable(reached.target.id, 120)}"] = Looked(
                status, displayable(found_there(reached), 200), reached.speaks, name
            )
    return found


def _turned(moved: Moved, towards: Status) -> bool:
    return moved.after is towards and moved.before in {Status.PASS, Status.FAIL} and moved.before is not towards


def _unsure(moved: Moved) -> bool:
    return moved.before is not moved.after and Status.UNKNOWN in {moved.before, moved.after}


def _answers(identity: str, before: Looked, after: Looked) -> Change | None:
    """Another machine behind the same port."""
    known = "nothing" not in {before.speaks, after.speaks}
    if known and (before.speaks != after.speaks or (before.identity and after.identity and before.identity != after.identity)):
        return Change(identity, "answers", *(", ".join(filter(None, (one.speaks, one.identity))) for one in (before, after)))
    return None


# ----------------------------------------------------------------------------------------------------------------------- checks
def _needed(state: State) -> dict[str, Check]:
    return {check.id: check for check in state.required()}


def _where(state: State) -> tuple[str, str]:
    return state.vantage.kind, state.vantage.name


def _side(kept: Kept) -> str:
    state = kept.state
    name = f"{displayable(kept.about.name)}, " if kept.about.name else ""
    vantage = f"{state.vantage.kind} {displayable(state.vantage.name, 60)}"
    return name + words("head", "one", id=state.session, when=f"{state.started.astimezone(UTC):%Y-%m-%d %H:%M}", vantage=vantage)


def _causes(kept: Kept) -> tuple[str, ...]:
    return tally_of(kept).causes(kept.state)


def _moved(a: State, b: State, identity: str) -> Moved:
    return Moved(identity, a.reading(identity).status, b.reading(identity).status, row_said(b, identity))


def _missed(state: State, identity: str) -> bool:
    """True where a check does not hold, or could not be made because another does not."""
    reading = state.reading(identity)
    return reading.status in {Status.FAIL, Status.WARN} or (reading.status is Status.SKIP and reading.because is not None)


def _otherwise(a: State, b: State, moved: Moved) -> bool:
    settled = (moved.after is Status.PASS and _missed(a, moved.id)) or (moved.before is Status.PASS and _missed(b, moved.id))
    return moved.before is not moved.after and not settled


def _place(a: State, b: State) -> Iterator[Change]:
    """Where the two were made, while they were made from the same machine."""
    if _where(a) != _where(b):
        return
    for what, before, after in (
        ("own", a.vantage.address, b.vantage.address),
        ("gateway", a.vantage.gateway, b.vantage.gateway),
        ("resolvers", ", ".join(a.vantage.resolvers), ", ".join(b.vantage.resolvers)),
    ):
        if before != after:
            yield Change("this machine", what, displayable(before or "none"), displayable(after or "none"))


def _seen(a: State, b: State, identity: str) -> Iterator[Change]:
    one, other = a.results.get(identity), b.results.get(identity)
    if one is None or other is None:
        return
    match one.observation, other.observation:
        case DnsSeen() as before, DnsSeen() as after if before.addresses and after.addresses:
            if not set(before.addresses) & set(after.addresses):
                yield Change(identity, "address", _list(before.addresses), _list(after.addresses))
        case TlsSeen(chain=[before_leaf, *_]), TlsSeen(chain=[after_leaf, *_]):
            if before_leaf.issuer != after_leaf.issuer:
                yield Change(identity, "issuer", displayable(before_leaf.issuer), displayable(after_leaf.issuer))
        case _:
            pass
    slow = _delay(one), _delay(other)
    if slow[0] is not None and slow[1] is not None and _apart(slow[0], slow[1]):
        yield Change(identity, "delay", f"{slow[0]:.0f} ms", f"{slow[1]:.0f} ms")


def _list(addresses: tuple[str, ...]) -> str:
    return displayable(", ".join(addresses[:4]))


def _delay(result: Result) -> float | None:
    """One round trip, where one was measured."""
    match result.observation:
        case TcpSeen(outcome=Outcome.OPEN, rtt_ms=rtt):
            return rtt
        case NtpSeen(outcome=Outcome.OPEN, delay_ms=delay):
            return delay
        case _:
            return None


def _apart(before: float, after: float) -> bool:
    low, high = sorted((before, after))
    return high >= SLOWER * low and high - low >= SLOWER_MS


def _paths(first: Kept, second: Kept) -> Iterator[Change]:
    earlier = {_target(done.trace): done.trace for done in first.traces}
    for trace in {_target(done.trace): done.trace for done in second.traces}.values():
        before = earlier.get(_target(trace))
        if before is None:
            continue
        name = displayable(f"trace {trace.target} {trace.proto.value} {trace.port or ''}".strip())
        hops = [(x.ttl, x.address, y.address) for x, y in zip(before.hops, trace.hops, strict=False) if x.address and y.address]
        other = next(((ttl, one, two) for ttl, one, two in hops if one != two), None)
        if other is not None:
            yield Change(name, "path", f"hop {other[0]}: {displayable(other[1])}", displayable(other[2]))
        if (before.dies_after, before.reached) != (trace.dies_after, trace.reached):
            yield Change(name, "dies", _end(before), _end(trace))
        slow = _length(before), _length(trace)
        if slow[0] is not None and slow[1] is not None and _apart(slow[0], slow[1]):
            yield Change(name, "delay", f"{slow[0]:.0f} ms", f"{slow[1]:.0f} ms")


def _length(trace: Trace) -> float | None:
    """The round trip to the target, where it was reached."""
    last = trace.hops[-1].rtt if trace.reached and trace.hops else None
    return last.median if last is not None else None


def _target(trace: Trace) -> tuple[str, int | None, str]:
    return trace.target, trace.port, trace.proto.value


def _end(trace: Trace) -> str:
    return words("line", "end") if trace.reached or trace.dies_after is None else words("line", "hop", ttl=trace.dies_after)


# ----------------------------------------------------------------------------------------------------------- today's catalogue
def against(kept: Kept, catalogue: Catalogue) -> Outdated:
    """A session held against the catalogue of today: what is needed now and was not tested, what is needed no longer, what is needed otherwise."""
    state = kept.state
    now = {c.id: c for c in plan(catalogue, state.equipment, state.vantage, Options()) if c.equipment}
    then = {i: c for i, c in _needed(state).items() if c.requirement.value != "stated"}
    moved = tuple(change for identity in then if identity in now for change in _otherwise_needed(then[identity], now[identity]))
    told = {change.id for change in moved}
    return Outdated(
        words("head", "catalogue", a=state.session, version=catalogue.version),
        tuple(i for i in now if i not in then),
        tuple(i for i in then if i not in now),
        moved,
        len([i for i in then if i in now and i not in told]),
    )


def _otherwise_needed(then: Check, now: Check) -> Iterator[Change]:
    if then.requirement is not now.requirement:
        yield Change(then.id, "requirement", then.requirement.value, now.requirement.value)
    before, after = then.about.get("documented", ""), now.about.get("documented", "")
    if before != after:
        yield Change(then.id, "documented", before or "none", after or "none")
