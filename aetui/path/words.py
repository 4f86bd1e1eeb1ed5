"""A trace in words: the verdict on top, each hop's notes, and the entries for the report's diagnosis. All words come from
assets/path.toml.

Pure once the file has been read. Foreign text passes ``displayable`` before it is put into a sentence. A code without words is a
mistake of ours and raises KeyError; a test walks every code.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

from aetui.display import displayable
from aetui.observations import Icmp, Outcome
from aetui.path.places import Place
from aetui.path.records import FINAL, Hop, Method, Problem, Proto, ReplyKind, Trace
from aetui.records import Confidence, Diagnosed, Owner, Severity


@cache
def table() -> Mapping[str, Any]:
    """assets/path.toml."""
    return tomllib.loads(resources.files("aetui.assets").joinpath("path.toml").read_text(encoding="utf-8"))


def say(section: str, key: str, **values: object) -> str:
    """One sentence, filled."""
    text: str = table()[section][key]
    return text.format(**{name: displayable(str(value)) for name, value in values.items()})


def port_words(proto: Proto, port: int | None) -> str:
    """'TCP port 2022', 'ping'; of UDP without a port, those that traceroute goes through."""
    return say("port", "udp-any" if proto is Proto.UDP and port is None else proto.value, port=port)


def icmp_words(icmp: Icmp, version: int) -> str:
    """What an ICMP error says."""
    known: Mapping[str, str] = table()["icmp"]
    return known.get(f"{version}.{icmp.type}.{icmp.code}") or say("icmp", "other", type=icmp.type, code=icmp.code)


def problem_words(problem: Problem) -> str:
    """Why the trace could not be made."""
    return say("problem", problem.code, detail=problem.detail)


def remark_words(remark: Problem) -> str:
    """What is lost because the better engine could not be had, and how to get it."""
    section = "remark" if remark.code in table()["remark"] else "problem"
    key = "helper-itself" if remark.code == "helper" and remark.detail[:1].islower() else remark.code
    return say(section, key, detail=remark.detail)


def note_short(code: str) -> str:
    """A note for a table's cell."""
    return str(table()["note"][code]["short"])


def note_text(code: str) -> str:
    """A note as a sentence."""
    return str(table()["note"][code]["text"])


def no_sizes(trace: Trace) -> str:
    """Why nothing is known of the sizes that were asked for."""
    return say("size", "elsewhere" if trace.method in {Method.VANTAGE, Method.REMOTE} else "unknown")


def verdict(trace: Trace) -> str:
    """The sentence on top."""
    return say("verdict", _verdict_key(trace), **_values(trace))


def _verdict_key(trace: Trace) -> str:
    if trace.problem is not None:
        return "problem"
    if _by_connect(trace) and not trace.reached:
        return "closed-from-there"
    for note in ("loop", "too-long", "no-neighbour"):
        if note in trace.notes:
            return note
    match trace.outcome:
        case Outcome.OPEN:
            return "open-proxy" if "transparent-proxy" in trace.notes else "open" if trace.port else "answer"
        case Outcome.REFUSED if trace.proto is Proto.UDP:
            return "arrived"
        case Outcome.REFUSED:
            return "refused-near" if "reset-too-near" in trace.notes else "refused"
        case Outcome.REJECTED:
            return _rejected_key(trace)
        case Outcome.FILTERED:
            return _filtered_key(trace)
        case _:
            return "unreachable"


def _by_connect(trace: Trace) -> bool:
    """True where the hops were found by another protocol than the port's."""
    return trace.remark is not None and trace.remark.code == "remote-by-udp"


def _rejected_key(trace: Trace) -> str:
    if trace.rejected_by is not None:
        return "rejected-target" if trace.reached else "rejected"
    return "rejected-reset-between" if len(trace.suspects) > 1 else "rejected-reset"


def _filtered_key(trace: Trace) -> str:
    if trace.dies_after is None:
        return "filtered-first" if trace.suspects else "filtered-silent"
    if len(trace.suspects) > 1 and trace.suspects[1] != trace.address:
        return "filtered-between"
    key = "filtered-target" if len(trace.suspects) > 1 else "filtered"
    return f"{key}-udp" if trace.proto is Proto.UDP else key


def _values(trace: Trace) -> dict[str, object]:
    final = next((hop for hop in trace.hops if hop.reply in FINAL), None)
    server = next((hop for hop in trace.working if hop.reply in FINAL), None)
    version = 6 if ":" in trace.address else 4
    at_end = trace.rejected_by is not None or "transparent-proxy" in trace.notes or trace.outcome is Outcome.UNREACHABLE
    return {
        "target": trace.target,
        "port": port_words(trace.proto, trace.port),
        "hops": final.ttl if final else len(trace.hops),
        "ttl": stands_at(trace, final) if at_end and final else trace.dies_after or 0,
        "distance": server.ttl if server else "?",
        "sender": (final.address if final else None) or "?",
        "icmp": icmp_words(final.icmp, version) if final and final.icmp else "",
        "suspect": trace.suspects[0] if trace.suspects else "?",
        "next": trace.suspects[-1] if trace.suspects else "?",
        "last": next((hop.address for hop in reversed(trace.hops) if hop.reply is ReplyKind.TIME_EXCEEDED), "?"),
        "routers": ", ".join(trace.suspects),
        "outcome": trace.outcome.value,
        "problem": problem_words(trace.problem) if trace.problem else "",
    }


def stands_at(trace: Trace, final: Hop) -> int:
    """Where the sender of a final reply stands: a router that turns a packet away has let an earlier one run out, one hop before."""
    return next((hop.ttl for hop in trace.hops if hop.address == final.address), final.ttl)


def whose_words(place: Place, toward_site: bool = False) -> tuple[str, Owner]:
    """Whose device a suspect likely is."""
    entry = table()["whose"][_FROM_OUTSIDE[place] if toward_site else place.value]
    return str(entry["text"]), Owner(entry["owner"])


_FROM_OUTSIDE: dict[Place, str] = dict.fromkeys(Place, "beyond") | {Place.TARGET: "site-router"}
"""Towards a site: what stands at its address is its router, and what is on the way is nobody's that we know."""
_CAUSES: dict[Outcome, str] = {
    Outcome.FILTERED: "filtered",
    Outcome.REJECTED: "rejected",
    Outcome.REFUSED: "refused",
    Outcome.UNREACHABLE: "unreachable",
}


def diagnose(trace: Trace, places: Sequence[Place] = (), *, toward_site: bool = False) -> Trace:
    """The trace with its verdict and its entries for the report's diagnosis, the weightiest first."""
    found = [*_cause(trace, places, toward_site), *_loss(trace), *_black_hole(trace)]
    return replace(trace, verdict=verdict(trace), diagnosis=tuple(found))


def _cause(trace: Trace, places: Sequence[Place], toward_site: bool) -> Iterator[Diagnosed]:
    cause = _CAUSES.get(trace.outcome)
    if cause is None or trace.problem is not None or (trace.proto is Proto.UDP and trace.outcome is Outcome.REFUSED):
        return
    at_site = toward_site and Place.TARGET in places
    place = Place.TARGET if cause == "refused" or at_site else places[0] if places else None
    text, owner = whose_words(place, toward_site) if place else ("", Owner.UNKNOWN)
    summary = " ".join(filter(None, (verdict(trace), text)))
    evidence = tuple(_evidence(trace))
    yield _entry(trace, cause, summary=summary, confidence=_confidence(trace), evidence=evidence, owner=owner)


def _confidence(trace: Trace) -> Confidence:
    if trace.rejected_by is not None or trace.reached:
        return Confidence.CERTAIN
    arrived_perhaps = trace.outcome is Outcome.FILTERED and _filtered_key(trace).endswith("-udp")
    return Confidence.LIKELY if len(trace.suspects) > 1 and not arrived_perhaps else Confidence.POSSIBLE


def _loss(trace: Trace) -> Iterator[Diagnosed]:
    hop = next((hop for hop in trace.hops if "loss" in hop.notes), None)
    if hop is not None:
        summary = say("evidence", "loss", ttl=hop.ttl, percent=f"{100 * hop.lost:.0f} %")
        yield _entry(trace, "lossy", summary=summary, severity=Severity.WARN, evidence=(summary,))


def _black_hole(trace: Trace) -> Iterator[Diagnosed]:
    if trace.mtu is not None and (trace.mtu.black_hole_after is not None or trace.mtu.by_segment is not None):
        key = "mtu" if trace.mtu.black_hole_after is not None else "mtu-somewhere"
        summary = say("evidence", key, mtu=trace.mtu.path, ttl=trace.mtu.black_hole_after)
        yield _entry(trace, "mtu-blackhole", summary=summary, evidence=(summary,))


def _entry(
    trace: Trace,
    cause: str,
    *,
    summary: str,
    severity: Severity = Severity.FAIL,
    confidence: Confidence = Confidence.LIKELY,
    evidence: tuple[str, ...] = (),
    owner: Owner = Owner.UNKNOWN,
) -> Diagnosed:
    words = table()["cause"][cause]
    values = {name: displayable(str(value)) for name, value in _values(trace).items()}
    values["mtu"] = str(trace.mtu.path) if trace.mtu else ""
    title, breaks = (str(words[key]).format(**values) for key in ("title", "breaks"))
    steps = [step for step in map(str, words["remedy"]) if trace.suspects or "{suspect}" not in step]  # nobody can be asked about '?'
    remedy = tuple(step.format(**values) for step in steps)
    return Diagnosed(cause, severity, confidence, title, summary, evidence, (), owner, remedy, breaks)


def _evidence(trace: Trace) -> Iterator[str]:
    port = port_words(trace.proto, trace.port)
    version = 6 if ":" in trace.address else 4
    dying = next((hop for hop in trace.hops if hop.ttl == trace.dies_after), None)
    if dying is not None:
        yield say("evidence", "last-hop", ttl=dying.ttl, address=dying.address, port=port)
    elif trace.outcome is Outcome.FILTERED and not _by_connect(trace):
        yield say("evidence", "last-none", port=port)
    final = next((hop for hop in trace.hops if hop.reply in FINAL), None)
    if final is not None and final.icmp is not None:
        code = f"{final.icmp.type}/{final.icmp.code}"
        yield say("evidence", "icmp", address=final.address, code=code, words=icmp_words(final.icmp, version))
    yield from _against_working(trace, final)


def _against_working(trace: Trace, final: Hop | None) -> Iterator[str]:
    compared = trace.compared_with
    if compared is None:
        return
    key = "working" if compared.address in {None, trace.address} else "working-near"
    port, ended = port_words(Proto.TCP, compared.port), compared.outcome.value
    yield say("evidence", key, port=port, hops=len(trace.working), outcome=ended, address=compared.address)
    onward = next((hop for hop in trace.working if hop.ttl > (trace.dies_after or 0) and hop.address in trace.suspects), None)
    if onward is not None and trace.outcome is Outcome.FILTERED:
        yield say("evidence", "next-hop", address=onward.address)
    server = next((hop for hop in trace.working if hop.reply in {ReplyKind.SYN_ACK, ReplyKind.RST}), None)
    if server is None or final is None or final.reply is not ReplyKind.RST or trace.outcome is not Outcome.REJECTED:
        return
    if final.ttl < server.ttl:
        yield say("evidence", "reset-near", ttl=final.ttl, distance=server.ttl)
    if None not in (final.reply_ttl, server.reply_ttl) and final.reply_ttl != server.reply_ttl:
        yield say("evidence", "reset-ttl", ttl=final.reply_ttl, server=server.reply_ttl)
