"""The path from this machine to the vendor's servers in four pieces, each with how it stands. Pure.

A piece is ``broken`` where a certain fault sits there, ``suspected`` where it is likely or possible, ``works`` where something was seen
to pass through it, ``partly`` where both hold, and ``unknown`` where nothing was: what lies behind a break is not claimed to work, nor
to fail. Which piece a cause sits in is data (assets/report.toml).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aetui.display import displayable
from aetui.entries import Kept
from aetui.observations import LinkSeen, NtpSeen, Outcome, SeriesSeen, TcpSeen
from aetui.records import Confidence, Diagnosed, Severity, Status
from aetui.report.phrases import phrases, say
from aetui.state import State
from aetui.tally import PROVED

PIECES = ("machine", "site", "provider", "cloud")
"""In order, as a packet meets them."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of the path."""

    key: str
    title: str
    detail: str
    """Its address, or what stands for it."""
    state: str
    """A key of the ``[state]`` table."""
    said: str
    """The fault's title; empty where there is none."""

    @property
    def words(self) -> str:
        """Its state in words."""
        return say("state", self.state)


def pieces(kept: Kept, told: Iterable[Diagnosed]) -> tuple[Piece, ...]:
    """All four, in order; none where a session has neither checks nor a look from outside."""
    state = kept.state
    outward = any(True for _ in state.required())
    if not outward and not kept.inbound:
        return ()
    faults: dict[str, list[Diagnosed]] = {key: [] for key in PIECES}
    for entry in told:
        if entry.severity is Severity.FAIL:
            faults[place(entry)].append(entry)
    passed = {*_passed(state), *_entered(kept, outward)}
    details = dict(_details(state) if outward else _details_inward(kept))
    table = "piece" if outward else "piece_inward"
    return tuple(_piece(key, say(table, key), faults[key], key in passed, details[key]) for key in PIECES)


def place(entry: Diagnosed) -> str:
    """The piece that a cause sits in."""
    tables = phrases()
    return tables["where"].get(entry.cause) or tables["owner"][entry.owner.value]


def alternative(path: Iterable[Piece]) -> str:
    """The picture in words, for those who do not see it."""
    parts = [say("picture", "piece", title=piece.title, state=piece.words) + (f", {piece.said}" if piece.said else "") for piece in path]
    return say("picture", "alt", pieces="; ".join(parts))


def _piece(key: str, title: str, faults: list[Diagnosed], passed: bool, detail: str) -> Piece:
    if faults:
        sure = any(entry.confidence is Confidence.CERTAIN for entry in faults)
        how = "partly" if passed and key != "machine" else "broken" if sure else "suspected"
    else:
        how = "works" if passed else "unknown"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Piece(key, title, detail, how, faults[0].title + more if faults else "")


def _passed(state: State) -> Iterator[str]:
    """The pieces through which something was seen to pass, or that were seen to work."""
    for result in state.results.values():
        match result.observation:
            case LinkSeen() as link:
                if link.address is not None:
                    yield "machine"
                if link.gateway_answers:
                    yield "site"
            case TcpSeen(outcome=Outcome.OPEN) | NtpSeen(outcome=Outcome.OPEN):
                yield from PIECES[:3]
            case SeriesSeen(trials=trials) if any(t.tcp.outcome is Outcome.OPEN for t in trials):
                yield from PIECES[:3]
            case _:
                pass
    if any(state.reading(check.id).status is Status.PASS and check.kind not in {"dns", "link", "tcp"} for check in state.required()):
        yield "cloud"


def _entered(kept: Kept, outward: bool) -> Iterator[str]:
    """The pieces through which something came in, where the path is drawn for what comes in."""
    if outward:
        return
    for done in kept.inbound:
        if any(r.tcp.outcome is Outcome.OPEN for r in done.seen.inside):
            yield "machine"
        if done.seen.outside:
            yield "cloud"
        if any(entry.cause in PROVED for entry in done.diagnosis):
            yield from PIECES


def _details_inward(kept: Kept) -> Iterator[tuple[str, str]]:
    seen = kept.inbound[-1].seen
    own = [r.target.address for r in seen.inside]
    yield "machine", displayable(own[0], 40) if own else say("picture", "unasked")
    yield "site", displayable(seen.outside[0].target.address, 40) if seen.outside else ""
    yield "provider", say("picture", "between")
    yield "cloud", displayable(seen.outside[0].vantage.name, 28) if seen.outside else ""


def _details(state: State) -> Iterator[tuple[str, str]]:
    where = state.vantage
    needed = [state.reading(check.id).status for check in state.required()]
    yield "machine", displayable(where.address or "no address", 40)
    yield "site", f"gateway {displayable(where.gateway, 40)}" if where.gateway else "gateway not known"
    yield "provider", "and the internet"
    yield "cloud", f"{needed.count(Status.PASS)} of {len(needed)} checks hold"
