"""From recordings to a trace with its reading: pure; every judgement comes from one of the small modules beside this one.

``read`` takes what was observed on the failing port and, where there is one, on a port of the same host that works, and gives the
``Trace`` that screens, reports and ``aetui trace`` show. It opens nothing, asks nobody's name and reads no clock. Words:
``aetui.path.words``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aetui.observations import Outcome, TcpSeen
from aetui.path import fold, loss, nat, returns, steadiness
from aetui.path.outcome import Ending, ending
from aetui.path.places import Place, Realm, places, realm
from aetui.path.records import Compared, Hop, Problem, Proto, Recording, ReplyKind, Trace

_ENDINGS = frozenset({Outcome.OPEN, Outcome.REFUSED, Outcome.REJECTED, Outcome.FILTERED, Outcome.UNREACHABLE})
"""What a trace may end as."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of this machine's own place, for naming hops."""

    gateway: str | None = None
    toward_site: bool = False
    """True where the target is a site's own public address, seen from outside: the routers near the target are then the site's."""


def read(recording: Recording, compared: Recording | None = None, around: Surroundings | None = None) -> Trace:
    """The trace and what it means; its ``diagnosis`` is added by ``words.diagnose``."""
    around = around or Surroundings()
    hops = fold.hops(recording)
    other = fold.hops(compared) if compared is not None else ()
    end = ending(recording, hops, _on_the_same_way(other, recording, compared))
    counts = loss.losses(hops, end.reached)
    noted = _noted(hops, recording, end, counts, around)
    flow = recording.flow
    return Trace(
        recording.target, flow.address, flow.port, flow.proto, recording.method, end.reached, end.outcome, noted,
        rejected_by=end.rejected_by, dies_after=end.dies_after, suspects=end.suspects, compared_with=_compared(compared, other),
        working=other,
        notes=_of_the_path(noted, recording, end, counts), nat=nat.count(hops, flow, recording.own), problem=recording.problem,
        complete_ms=recording.complete_ms,
    )  # fmt: skip


def _on_the_same_way(other: tuple[Hop, ...], recording: Recording, compared: Recording | None) -> tuple[Hop, ...]:
    """What the comparison tells of this path: all of it where the host is the same, of a neighbour's no more than the routers before it."""
    if compared is None or compared.flow.address == recording.flow.address:
        return other
    return tuple(hop for hop in other if hop.reply is ReplyKind.TIME_EXCEEDED)


def suspects_places(trace: Trace, around: Surroundings) -> tuple[Place, ...]:
    """Places of the suspects in their order, looked up on the failing path first, then on the working one; those that are known."""
    found = (_place_of(address, trace, around) for address in trace.suspects)
    return tuple(place for place in found if place is not None)


def _place_of(address: str, trace: Trace, around: Surroundings) -> Place | None:
    for path in (trace.hops, trace.working):
        where = places(path, trace.address, around.gateway)
        place = next((where[hop.ttl] for hop in path if hop.address == address), None)
        if place is not None:
            return place
    return None


def _compared(compared: Recording | None, hops: Sequence[Hop]) -> Compared | None:
    if compared is None:
        return None
    return Compared(compared.flow.port, ending(compared, hops).outcome, compared.flow.address)


def _noted(hops: Sequence[Hop], recording: Recording, end: Ending, counts: dict[int, loss.Loss], around: Surroundings) -> tuple[Hop, ...]:
    where = places(hops, recording.flow.address, around.gateway)
    varied = steadiness.variations(recording.shots)
    again = steadiness.repeated(hops)
    forwarded = nat.forwarded_at(hops, recording.flow.address)
    looping = steadiness.loop(hops)
    found = []
    for hop in hops:
        notes = [where[hop.ttl].value] if hop.ttl in where and where[hop.ttl] not in {Place.BEYOND, Place.TARGET} else []
        notes += _private_too(hop, where)
        notes += [varied[hop.ttl].value] if hop.ttl in varied else []
        notes += ["rate-limited"] if hop.ttl in counts and counts[hop.ttl].limited else []
        notes += ["loss"] if hop.ttl in counts and counts[hop.ttl].lossy else []
        notes += ["asymmetric"] if returns.asymmetric(hop) is not None else []
        notes += ["repeats"] if hop.ttl in again else []
        notes += ["port-forward"] if hop.ttl == forwarded else []
        notes += ["loop"] if hop.address in looping else []
        notes += [note for note in end.notes if hop.ttl == end.marked and note != "loop"]
        lost = counts[hop.ttl].real if "loss" in notes else 0.0
        found.append(replace(hop, lost=lost, notes=tuple(dict.fromkeys(notes))))
    return tuple(found)


def _private_too(hop: Hop, where: dict[int, Place]) -> list[str]:
    """This machine's router has a private address too, and both are worth telling."""
    router = where.get(hop.ttl) is Place.OWN_ROUTER and hop.address is not None
    return ["private"] if router and realm(hop.address or "") is Realm.PRIVATE else []


def _of_the_path(hops: Sequence[Hop], recording: Recording, end: Ending, counts: dict[int, loss.Loss]) -> tuple[str, ...]:
    lossy = loss.begins_at(counts)
    asymmetry = any("asymmetric" in hop.notes for hop in hops)
    changed = any("path-changed" in hop.notes for hop in hops)
    silent = bool(hops) and all(hop.reply is ReplyKind.SILENT for hop in hops) and recording.problem is None
    told = [
        *end.notes,
        "loss" if lossy else "",
        "asymmetric" if asymmetry else "",
        "path-changed" if changed else "",
        "all-silent" if silent else "",
    ]
    return tuple(dict.fromkeys(note for note in told if note))


def by_connect(trace: Trace, port: int, seen: TcpSeen) -> Trace:
    """A path that was found by another protocol, with the word of a connect on the port itself: how the port ends is known, where is not.

    Where the jump host did not connect at all nothing is known of the port, and that is the trace's problem.
    """
    if seen.outcome not in _ENDINGS:
        return of_the_way_alone(trace, port, Proto.TCP, Problem("remote-connect", seen.reason or seen.errno or seen.outcome.value))
    outcome = seen.outcome
    sender = seen.icmp.sender if seen.icmp is not None and outcome is Outcome.REJECTED else None
    return replace(
        trace, port=port, proto=Proto.TCP, outcome=outcome, reached=outcome in {Outcome.OPEN, Outcome.REFUSED}, rejected_by=sender,
        dies_after=None, suspects=(sender,) if sender else (), remark=Problem("remote-by-udp", seen.outcome.value),
    )  # fmt: skip


def of_the_way_alone(trace: Trace, port: int, proto: Proto, problem: Problem) -> Trace:
    """A path that stands, to a port of which nothing is known."""
    return replace(
        trace, port=port, proto=proto, outcome=Outcome.UNREACHABLE, reached=False, rejected_by=None, dies_after=None, suspects=(),
        problem=problem,
    )  # fmt: skip


def rename(trace: Trace, names: dict[str, str]) -> Trace:
    """The trace with host names for the addresses that have one."""
    return replace(trace, hops=tuple(replace(hop, name=names.get(hop.address or "")) for hop in trace.hops))
