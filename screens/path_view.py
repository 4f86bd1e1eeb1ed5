"""What the Path tab says beside its list: the verdict on top, the line of the target, a hop's details, and the page behind '?'. Pure.

Takes what ``path_trace.Tracing`` holds; words come from assets/path.toml and assets/console.toml. Every foreign text is displayable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aetui.display import displayable
from aetui.explain import OWNERS
from aetui.observations import Outcome
from aetui.path import words
from aetui.path.places import Place
from aetui.path.records import Hop, Method, Problem, Proto, ReplyKind, Trace
from aetui.records import Diagnosed, Owner
from aetui.screens.outbound_view import written
from aetui.screens.path_aim import Aim
from aetui.screens.path_rows import address_of, milliseconds, pairs, short_port
from aetui.screens.path_trace import Phase
from aetui.screens.path_words import say
from aetui.screens.verdict import Headline
from aetui.screens.widgets.lines import Line, Span, line
from aetui.screens.widgets.page import GAP, Para
from aetui.screens.words import say as say_console

_STANDING = {
    Outcome.OPEN: "pass", Outcome.REFUSED: "fail", Outcome.REJECTED: "fail", Outcome.FILTERED: "fail", Outcome.UNREACHABLE: "fail",
}  # fmt: skip
_PLACES = frozenset(place.value for place in Place)
MOST_LINES = 3
"""Lines that the verdict takes at most."""
_MISSING = {
    (True, True): "answers_both", (True, False): "answers_loss", (False, True): "answers_limited", (False, False): "answers_some",
}  # fmt: skip
"""Why answers are missing: loss on the way, and a hop that limits its answers."""
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to show."""

    phase: Phase = Phase.IDLE
    aim: Aim | None = None
    trace: Trace | None = None
    fault: str = ""


# ----------------------------------------------------------------------------------------------------------------- the two lines on top
def headline(shown: Shown) -> Headline:
    """How things stand, in a word and a sentence."""
    trace = shown.trace
    if shown.fault:
        return Headline("fail", say_console("verdict", "fault"), (displayable(shown.fault, LONGEST),))
    if shown.aim is None:
        return Headline("planned", say("path", "none"), (say("path", "none_line"),))
    if trace is None or shown.phase in {Phase.OPENING, Phase.TRACING}:
        stopped = trace is None and shown.phase is Phase.ENDED
        hops = sum(1 for hop in trace.hops if hop.address) if trace is not None else 0
        said = say("path", "stopped_line") if stopped else say("path", "tracing_line", target=displayable(shown.aim.text, 80), hops=hops)
        return Headline("unknown" if stopped else "running", say("path", "stopped" if stopped else "tracing"), (said,))
    if trace.problem is not None:
        return Headline("unknown", say("path", "problem"), (trace.verdict,))
    return Headline(standing(trace), say("path", word(trace)), tuple(_sentences(trace)))


def summary(shown: Shown, width: int) -> list[Line]:
    """The headline as lines: two, and a third where a verdict with whose device it is takes more."""
    return written(headline(shown), width, MOST_LINES)


def standing(trace: Trace) -> str:
    """Key of ``skin.SIGNS``."""
    if word(trace) == "arrived":
        return "pass"
    return "warn" if "transparent-proxy" in trace.notes else _STANDING[trace.outcome]


def word(trace: Trace) -> str:
    """Key of the verdict's word."""
    if trace.proto is Proto.UDP and trace.outcome is Outcome.REFUSED:
        return "arrived"
    return "proxy" if trace.outcome is Outcome.OPEN and "transparent-proxy" in trace.notes else trace.outcome.value


def _sentences(trace: Trace) -> Iterator[str]:
    """The verdict with whose device it is, then what else is worth a sentence there."""
    first = next((one for one in trace.diagnosis if one.summary.startswith(trace.verdict)), None)
    yield trace.verdict
    if first is not None and first.summary != trace.verdict:
        yield first.summary.removeprefix(trace.verdict).strip()
    yield from (one.summary for one in trace.diagnosis if one is not first)
    limited = [str(hop.ttl) for hop in trace.hops if "rate-limited" in hop.notes]
    if limited:
        yield say("path", "limited_one" if len(limited) == 1 else "limited", hops=", ".join(limited))


def target(shown: Shown, width: int) -> Line:
    """What is traced and how, at the right what is being done."""
    aim, trace = shown.aim, shown.trace
    if aim is None:
        return line((" ", "bar"))
    address = f" ({displayable(trace.address, 45)})" if trace is not None and trace.address not in {"", aim.host} else ""
    port = short_port(aim.proto, trace.port if trace is not None else aim.port)
    if trace is not None and trace.compared_with is not None:
        other = displayable(trace.compared_with.address or "", 45)
        where = "" if other == trace.address else say("path", "beside_other", address=other)
        port += say("path", "beside", port=trace.compared_with.port) + where
    doing = " · ".join(_doing(shown))
    text = f" {displayable(aim.host, 60)}{address} · {port}"
    room = width - len(doing) - 2
    text = text if len(text) <= room else text[: max(0, room - 1)] + "…"
    spans: list[Span] = [(text.ljust(max(0, room)), "bar"), (" " + doing + " ", "bar-on" if shown.phase is Phase.LIVE else "bar")]
    return line(*spans)


def _doing(shown: Shown) -> Iterator[str]:
    """By which method, and whether it goes on."""
    if shown.trace is not None and shown.trace.problem is None:
        yield say("path_method", shown.trace.method.value)
    if shown.phase in {Phase.LIVE, Phase.PAUSED}:
        yield say("path", shown.phase.value)


# ------------------------------------------------------------------------------------------------------------------------------- a hop
def title(trace: Trace | None, ttl: int | None) -> str:
    """Heading of the details."""
    found = _at(trace, ttl)
    if found is None:
        return ""
    hop, other = found
    shown = hop if hop is not None and hop.address else other
    name = f"  {displayable(shown.name, 60)}" if shown is not None and shown.name else ""
    return say("path", "hop", ttl=ttl, address=address_of(shown) if shown is not None else "*") + name


def details(trace: Trace | None, ttl: int | None) -> Sequence[Para]:
    """A hop: whose it likely is, what it did, its figures, and what the port that works meets there."""
    found = _at(trace, ttl)
    return tuple(_details(trace, *found)) if found is not None and trace is not None else ()


def _at(trace: Trace | None, ttl: int | None) -> tuple[Hop | None, Hop | None] | None:
    if trace is None or ttl is None:
        return None
    return next(((hop, other) for at, hop, other in pairs(trace) if at == ttl), None)


def _details(trace: Trace, hop: Hop | None, other: Hop | None) -> Iterator[Para]:
    if hop is not None:
        yield from _did(trace, hop)
        yield from _figures(hop)
    if other is not None and trace.compared_with is not None:
        yield from _beside(trace, hop, other)


def _did(trace: Trace, hop: Hop) -> Iterator[Para]:
    if hop.ttl == trace.dies_after:
        yield Para(say("path", "dies", port=words.port_words(trace.proto, trace.port)), "strong")
    if hop.reply is ReplyKind.UNREACHABLE and hop.icmp is not None and hop.address:
        said = words.icmp_words(hop.icmp, 6 if ":" in hop.address else 4)
        yield Para(say("path", "icmp", type=hop.icmp.type, code=hop.icmp.code, said=said), "strong")
    if hop.address is None:
        yield Para(say("path", "silent" if trace.dies_after is None or hop.ttl < trace.dies_after else "silent_end"))
    elif trace.method is not Method.REMOTE and "own-router" not in hop.notes:
        yield Para(words.whose_words(place(trace, hop))[0])
    told = frozenset() if trace.method is Method.REMOTE else _PLACES - {"own-router", "carrier-nat"}
    yield from (Para(words.note_text(note)) for note in hop.notes if note not in told)
    if hop.others:
        yield Para(say("path", "others", addresses=displayable(", ".join(hop.others), LONGEST)))


def place(trace: Trace, hop: Hop) -> Place:
    """Where a hop stands, from its notes."""
    if hop.address == trace.address:
        return Place.TARGET
    return next((Place(note) for note in hop.notes if note in _PLACES), Place.BEYOND)


def _figures(hop: Hop) -> Iterator[Para]:
    rtt = hop.rtt
    if rtt is None:
        if hop.sent:
            yield Para(say("path", "no_answer", sent=hop.sent), "muted")
        return
    values = {key: milliseconds(getattr(rtt, key), rtt.median) for key in ("last", "min", "median", "max", "jitter")}
    yield Para(say("path", "figures", **values), "plain")
    missing = hop.sent - hop.received
    why = _MISSING["loss" in hop.notes, "rate-limited" in hop.notes] if missing else "answers_all"
    yield Para(say("path", why, sent=hop.sent, received=hop.received, missing=missing), "plain")


def _beside(trace: Trace, hop: Hop | None, other: Hop) -> Iterator[Para]:
    assert trace.compared_with is not None
    port = words.port_words(Proto.TCP, trace.compared_with.port)
    if other.address is None:
        yield Para(say("path", "beside_silent", port=port), "muted")
    elif hop is not None and hop.address == other.address:
        yield Para(say("path", "beside_same", port=port), "muted")
    else:
        key = "beside_end" if other.reply in {ReplyKind.SYN_ACK, ReplyKind.ANSWER} else "beside_hop"
        yield Para(say("path", key, port=port, address=displayable(other.address)))


# --------------------------------------------------------------------------------------------------------------------------- the page
def explanation(shown: Shown) -> Sequence[Para]:
    """The whole trace in words: verdict, what it rests on, what to do, and how it was made."""
    return tuple(_explanation(shown))


def _explanation(shown: Shown) -> Iterator[Para]:
    trace = shown.trace
    if trace is None:
        yield Para(headline(shown).sentences[0])
        return
    yield Para(trace.verdict, "strong")
    yield GAP
    for one in trace.diagnosis:
        yield from _finding(one)
    told = [note for note in trace.notes if note not in {"loss", "transparent-proxy"}]
    if told:
        yield Para(say("path", "odd"), "head")
        yield from (Para(words.note_text(note), "plain", "• ") for note in told)
        yield GAP
    yield from _sizes(trace, shown)
    yield from _method(trace)


def _finding(one: Diagnosed) -> Iterator[Para]:
    yield Para(f"{one.title} ({say_console('confidence', one.confidence.value)})", "head")
    if one.owner is not Owner.UNKNOWN:
        yield Para(OWNERS[one.owner], "strong", f"{say_console('labels', 'owner')}  ")
    yield from (Para(sentence, "plain", "• ") for sentence in one.evidence)
    for number, step in enumerate(one.remedy, 1):
        yield Para(step, "plain", f"{number}. ", "key")
    yield GAP


def _sizes(trace: Trace, shown: Shown) -> Iterator[Para]:
    if trace.mtu is None:
        over = shown.phase in {Phase.LIVE, Phase.PAUSED} or trace.method is Method.REMOTE
        if over and shown.aim is not None and shown.aim.sizes and trace.problem is None:
            yield from (Para(say("path", "sizes"), "head"), Para(words.no_sizes(trace)), GAP)
        return
    yield Para(say("path", "sizes"), "head")
    yield Para(words.say("size", "path", mtu=trace.mtu.path))
    for address, size in trace.mtu.steps:
        yield Para(words.say("size", "step", address=address, mtu=size))
    if trace.mtu.black_hole_after is not None:
        yield Para(words.say("size", "black-hole", ttl=trace.mtu.black_hole_after, mtu=trace.mtu.path))
    if trace.mtu.by_segment is not None:
        yield Para(words.say("size", "segment", mtu=trace.mtu.by_segment))
    yield GAP


def _method(trace: Trace) -> Iterator[Para]:
    yield Para(say("path", "method"), "head")
    yield Para(say("path_method", f"{trace.method.value}_text"))
    if trace.remark is not None:
        yield Para(_sentence(trace.remark))
    if trace.complete_ms is not None:
        yield Para(say("path", "complete", ms=f"{trace.complete_ms:.0f}"), "muted")


def _sentence(problem: Problem) -> str:
    """What the engine says of a problem, as a sentence of its own."""
    text = words.remark_words(problem)
    return text[:1].upper() + text[1:]
