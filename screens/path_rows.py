"""The Path list: a trace and a width go in; column titles and rows come out. Pure.

A row is a hop: number, mark, address, what it is, loss, round trips, and a sparkline of the latest ones; beside the address stands what
the port that works meets at the same distance. What does not fit is left out in a fixed order and stands in the hop's details. Columns
have fixed widths, so that a round changes a few cells of a row and nothing else. Every foreign text is displayable.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aetui.display import displayable
from aetui.path import words
from aetui.path.records import Hop, ReplyKind, Trace
from aetui.screens.path_words import say
from aetui.screens.skin import SIGNS
from aetui.screens.widgets.lines import Line, Span, cut, line
from aetui.screens.widgets.rows import MARK_WIDTH, Row

SETS = ("overview", "numbers", "names")
"""Which columns are shown, in the order in which the key goes through them."""

NUMBERS = ("loss", "min", "median", "max", "jitter", "last")
"""What changes with every round stands at the right, beside the sparkline: a slow line is sent one short run of cells for a row."""
FIRST_TO_GO = ("max", "min", "jitter", "last")
"""Numbers that make room for words in the overview, in this order."""
LEAST_WORDS = 16
"""Columns of words that the overview keeps free for them."""
WIDE = 105
"""Columns from which names stand beside everything else."""
TTL_WIDTH, SIGN_WIDTH, NUMBER_WIDTH, NAME_WIDTH, SPARK, LONG_SPARK = 3, 2, 5, 22, 8, 12
LEAST_ADDRESS, MOST_ADDRESS, NARROW_ADDRESS = 7, 39, 24
"""Columns of addresses; an IPv6 address is cut in a narrow window, its details have it whole."""

BLOCKS, DIGITS = "▁▂▃▄▅▆▇█", "12345678"
UNANSWERED = "·"
FINE_MS = 10.0
"""Round trips below which tenths are worth showing."""
STEPS_MS = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
"""A sparkline's steps: how many milliseconds a round trip took beyond the hop's own best. Fixed, so that hops compare and old samples
keep their shape."""


@dataclass(frozen=True, slots=True)
class Look:
    """How much room there is, and what the person chose to see."""

    width: int
    columns: str = "overview"
    digits: bool = False
    """True where the terminal has no block characters."""
    turn: int = 0
    """Number of the round."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths of what is shown, 0 for what is not."""

    address: int
    beside: int
    name: int
    words: int
    numbers: tuple[str, ...]
    spark: int


def key_of(ttl: int) -> str:
    """The row's key."""
    return f"hop:{ttl}"


def short_port(proto: str, port: int | None) -> str:
    """``TCP 443``, ``ping``."""
    return say("path_columns", proto, port="" if port is None else port).strip()


def pairs(trace: Trace) -> Iterator[tuple[int, Hop | None, Hop | None]]:
    """Every distance, with the hop on the traced port and the one on the port that works."""
    ours, theirs = ({hop.ttl: hop for hop in path} for path in (trace.hops, trace.working))
    for ttl in range(1, max((*ours, *theirs), default=0) + 1):
        yield ttl, ours.get(ttl), theirs.get(ttl)


def columns(trace: Trace, look: Look) -> Columns:
    """What fits."""
    room = look.width - MARK_WIDTH - TTL_WIDTH - SIGN_WIDTH
    most = MOST_ADDRESS if room >= WIDE else NARROW_ADDRESS
    longest = max((len(hop.address) for path in (trace.hops, trace.working) for hop in path if hop.address), default=0)
    address = min(most, max(LEAST_ADDRESS, longest)) + 1
    beside = address + 2 if trace.compared_with is not None and look.columns != "numbers" else 0
    room -= address + beside
    if look.columns == "numbers":
        return Columns(address, 0, 0, 0, NUMBERS, max(SPARK, min(60, room - NUMBER_WIDTH * len(NUMBERS) - 1)))
    if look.columns == "names":
        kept = ("loss", "median")
        words_width = max(LEAST_WORDS, room // 2 - NUMBER_WIDTH)
        return Columns(address, beside, max(0, room - words_width - NUMBER_WIDTH * len(kept)), words_width, kept, 0)
    named = look.width >= WIDE and any(hop.name for hop in trace.hops)
    name, spark = NAME_WIDTH if named else 0, LONG_SPARK if look.width >= WIDE else SPARK
    return _overview(address, beside, name, spark, room)


def _overview(address: int, beside: int, name: int, spark: int, room: int) -> Columns:
    kept = list(NUMBERS)
    for number in (*FIRST_TO_GO, ""):
        left = room - name - spark - 1 - NUMBER_WIDTH * len(kept)
        if left >= LEAST_WORDS or not number:
            break
        kept.remove(number)
    return Columns(address, beside, name, max(0, left), tuple(kept), spark)


def titles(trace: Trace | None, look: Look) -> Line:
    """The line above the rows."""
    if trace is None or not trace.hops:
        return line()
    fit = columns(trace, look)
    spans = [(" " * MARK_WIDTH + say("path_columns", "ttl").ljust(TTL_WIDTH + SIGN_WIDTH), "muted")]
    port = short_port(trace.proto.value, trace.port) if fit.beside else say("path_columns", "address")
    spans.append((cut(port, fit.address), "muted"))
    if fit.beside and trace.compared_with is not None:
        spans.append((cut(short_port("tcp", trace.compared_with.port), fit.beside), "muted"))
    spans += [(cut(say("path_columns", "words"), fit.words), "muted"), (cut(say("path_columns", "name"), fit.name), "muted")]
    spans += [(say("path_columns", number).rjust(NUMBER_WIDTH), "muted") for number in fit.numbers]
    spans.append((" " + cut(say("path_columns", "spark"), fit.spark) if fit.spark else "", "muted"))
    return line(*spans)


def rows(trace: Trace, look: Look) -> Iterator[Row]:
    """The whole list."""
    fit = columns(trace, look)
    for ttl, hop, other in pairs(trace):
        if hop is None and not fit.beside:
            continue
        yield Row(key_of(ttl), tuple(span for span in _spans(trace, ttl, hop, other, fit, look) if span[0]))


def _spans(trace: Trace, ttl: int, hop: Hop | None, other: Hop | None, fit: Columns, look: Look) -> Iterator[Span]:
    yield f"{ttl:>{TTL_WIDTH - 1}} ", "muted"
    yield mark(trace, hop, other)
    yield cut(address_of(hop), fit.address - 1) + " ", "plain" if hop is not None and hop.address else "muted"
    if fit.beside:
        yield _beside(trace, hop, other, fit.beside)
    wanted = said(trace, hop, named=not fit.name)
    yield cut(", ".join(wanted), max(0, fit.words - 1)).ljust(fit.words), "muted"
    yield cut(_name(hop), max(0, fit.name - 1)).ljust(fit.name), "muted"
    values = numbers(hop)
    for number in fit.numbers:
        lossy = number == "loss" and hop is not None and "loss" in hop.notes
        yield values[number].rjust(NUMBER_WIDTH), "warn" if lossy else "plain"
    if fit.spark:
        yield f" {sparkline(hop, fit.spark, look.turn, digits=look.digits)}", "plain"


def mark(trace: Trace, hop: Hop | None, other: Hop | None) -> Span:
    """What catches the eye: where it arrives, and who is suspected."""
    address = (hop.address if hop else None) or (other.address if other else None)
    if address is not None and address in {*trace.suspects, trace.rejected_by}:
        standing = "fail"
    elif hop is not None and hop.reply in {ReplyKind.SYN_ACK, ReplyKind.ANSWER} and "transparent-proxy" not in hop.notes:
        standing = "pass"
    elif hop is not None and {"loss", "transparent-proxy", "loop", "middlebox", "reset-too-near"} & set(hop.notes):
        standing = "warn"
    else:
        return " " * SIGN_WIDTH, "plain"
    return SIGNS[standing].glyph.ljust(SIGN_WIDTH), SIGNS[standing].ink


def address_of(hop: Hop | None) -> str:
    """The address; a star for a hop that says nothing, as everywhere."""
    return "" if hop is None else displayable(hop.address, MOST_ADDRESS) if hop.address else "*"


def _beside(trace: Trace, hop: Hop | None, other: Hop | None, width: int) -> Span:
    if other is None:
        return " " * width, "plain"
    same = other.address is not None and hop is not None and hop.address == other.address
    text = say("path_columns", "same") if same else address_of(other)
    sign = SIGNS["pass"].glyph if other.reply in {ReplyKind.SYN_ACK, ReplyKind.ANSWER} else ""
    return cut(f"{text} {sign}".rstrip(), width - 1).ljust(width), "muted" if same or other.address is None else "plain"


def said(trace: Trace, hop: Hop | None, *, named: bool) -> Sequence[str]:
    """What a hop is and did, in short words, what matters first."""
    if hop is None:
        return ()
    found = [say("path_words", "last")] if hop.ttl == trace.dies_after else []
    if hop.reply is ReplyKind.UNREACHABLE and hop.icmp is not None and hop.address:
        found.append(words.icmp_words(hop.icmp, 6 if ":" in hop.address else 4))
    elif hop.reply is not ReplyKind.TIME_EXCEEDED:
        found.append(say("path_words", hop.reply.value))
    notes = [note for note in hop.notes if not (note == "private" and "own-router" in hop.notes)]
    found += [words.note_short(note) for note in notes]
    return [*found, *([_name(hop)] if named and hop.name else [])]


def _name(hop: Hop | None) -> str:
    return displayable(hop.name, 60) if hop is not None and hop.name else ""


def numbers(hop: Hop | None) -> Mapping[str, str]:
    """The figures of a hop by column; empty where there are none."""
    if hop is None or hop.rtt is None:
        return dict.fromkeys(NUMBERS, "")
    rtt = hop.rtt
    times = {"last": rtt.last, "min": rtt.min, "median": rtt.median, "max": rtt.max, "jitter": rtt.jitter}
    found = {key: milliseconds(value, rtt.median) for key, value in times.items()}
    return {"loss": loss(hop), **found, "jitter": found["jitter"] if hop.received > 1 else ""}


def loss(hop: Hop) -> str:
    """Loss as far as it is known to be loss: a router that limits its answers loses nothing."""
    if "loss" in hop.notes:
        return f"{100 * hop.lost:.0f}%"
    if hop.received == hop.sent:
        return "0%"
    return say("path_columns", "limited") if "rate-limited" in hop.notes else say("path_columns", "unjudged")


def milliseconds(value: float, usual: float) -> str:
    """At most four cells: ``0.4``, ``12``, ``230``. Tenths only of a hop whose usual round trip is short: else they merely flicker."""
    return f"{value:.1f}" if usual < FINE_MS and value < 99.95 else f"{value:.0f}"


def sparkline(hop: Hop | None, width: int, turn: int = 0, *, digits: bool = False) -> str:
    """The latest round trips, oldest first: how much longer than the hop's best each took.

    A full line makes room by half its width at once, so that most rounds (``turn`` counts them) add one cell and move none.
    """
    if hop is None or hop.rtt is None:
        return " " * width
    glyphs, best, jump = DIGITS if digits else BLOCKS, hop.rtt.min, width // 2
    kept = width - jump + 1 + turn % jump
    steps = (UNANSWERED if one is None else glyphs[bisect_right(STEPS_MS, one - best)] for one in hop.samples[-kept:])
    return "".join(steps).ljust(width)
