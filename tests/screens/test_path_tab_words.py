"""The Path list and its sentences, from every recorded trace and at every width. Pure."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
from path_stage import Case, cases, reading
from rich.cells import cell_len

from aetui.display import displayable
from aetui.path.records import Hop, Method, ReplyKind, Rtt
from aetui.screens.path_aim import Aim
from aetui.screens.path_entry import made_of
from aetui.screens.path_rows import (
    FIRST_TO_GO,
    LEAST_WORDS,
    NUMBER_WIDTH,
    NUMBERS,
    SETS,
    Look,
    columns,
    loss,
    milliseconds,
    numbers,
    rows,
    said,
    sparkline,
    titles,
)
from aetui.screens.path_trace import Phase
from aetui.screens.path_view import Shown, details, explanation, headline, target
from aetui.screens.path_view import title as title_of
from aetui.screens.skin import SIGNS

EVERY = cases()
NAMES = [case.name for case in EVERY]
WORDS = {"open": {"Open", "Proxy"}, "refused": {"Refused", "Reached"}, "rejected": {"Rejected"}, "filtered": {"Dropped"}, "unreachable": {"No way"}}


@pytest.mark.parametrize("width", [60, 78, 100, 118, 200])
@pytest.mark.parametrize("chosen", SETS)
@pytest.mark.parametrize("case", EVERY, ids=NAMES)
def test_every_row_fits_its_columns_and_all_rows_are_alike(case: Case, chosen: str, width: int) -> None:
    trace = reading(case)
    look = Look(width, chosen)
    found = list(rows(trace, look))
    lengths = {2 + sum(cell_len(text) for text, _ in row.spans) for row in found}
    assert len(lengths) <= 1
    assert not lengths or lengths == {cell_len(titles(trace, look).text)}
    if width >= 78:
        assert all(length <= width for length in lengths)
    assert len({row.key for row in found}) == len(found)


@pytest.mark.parametrize("case", EVERY, ids=NAMES)
def test_the_verdict_stands_on_top_whole_and_in_a_word(case: Case) -> None:
    trace = reading(case)
    head = headline(Shown(Phase.LIVE, Aim(trace.target, trace.port), trace))
    assert head.sentences[0].startswith(trace.verdict)
    assert trace.problem is not None or head.word in WORDS[trace.outcome.value]
    assert head.standing in SIGNS
    if "verdict" in case.expect:
        assert head.sentences[0].startswith(case.expect["verdict"])
    text = "\n".join(para.text for para in explanation(Shown(Phase.ENDED, None, trace)))
    assert trace.verdict in text
    for one in trace.diagnosis:
        assert all(sentence in text for sentence in (*one.evidence, *one.remedy))
    assert "How it was traced" in text


@pytest.mark.parametrize("case", EVERY, ids=NAMES)
def test_every_hop_has_details_with_its_notes_and_figures(case: Case) -> None:
    trace = reading(case)
    for hop in trace.hops:
        text = "\n".join(para.text for para in details(trace, hop.ttl))
        assert f"Hop {hop.ttl}" in title_of(trace, hop.ttl)
        assert ("The last hop that answers" in text) == (hop.ttl == trace.dies_after)
        assert ("Round trip" in text) == (hop.rtt is not None)
        assert ("No answer from here on" in text) == (hop.address is None and trace.dies_after is not None and hop.ttl > trace.dies_after)


@pytest.mark.parametrize("case", EVERY, ids=NAMES)
def test_loss_is_written_only_where_it_is_loss(case: Case) -> None:
    for hop in reading(case).hops:
        shown = numbers(hop)["loss"]
        if re.fullmatch(r"[1-9]\d*%", shown):
            assert "loss" in hop.notes
        if "rate-limited" in hop.notes and "loss" not in hop.notes:
            assert shown == "ltd"


def test_what_a_hop_leaves_unanswered_by_itself_is_not_counted_as_lost() -> None:
    trace = reading(next(case for case in EVERY if "a limit above real loss" in case.name))
    found = trace.hops[1]
    assert (found.received, found.sent, numbers(found)["loss"]) == (6, 20, "20%")
    assert any("some are lost on the way, and it limits its answers besides" in para.text for para in details(trace, 2))


@pytest.mark.parametrize(
    ("phase", "sizes", "method", "told"),
    [
        (Phase.LIVE, True, Method.SOCKET, "answers the probes for it"),
        (Phase.PAUSED, True, Method.VANTAGE, "this machine's own network only"),
        (Phase.ENDED, True, Method.REMOTE, "this machine's own network only"),
        (Phase.TRACING, True, Method.SOCKET, ""),
        (Phase.ENDED, True, Method.SOCKET, ""),
        (Phase.LIVE, False, Method.SOCKET, ""),
    ],
    ids=["nothing answers", "the embedded site", "a jump host", "not yet", "stopped before", "not asked for"],
)
def test_sizes_that_were_asked_for_and_cannot_be_told_are_said_not_to_be_known(phase: Phase, sizes: bool, method: Method, told: str) -> None:
    trace = replace(reading(EVERY[0]), method=method)
    text = "\n".join(para.text for para in explanation(Shown(phase, Aim(trace.target, trace.port, sizes=sizes), trace)))
    assert told in text if told else "What size" not in text


def test_a_private_hop_beside_a_jump_host_is_told_without_an_owner() -> None:
    trace = next(one for one in map(reading, EVERY) if any("private" in hop.notes for hop in one.hops[1:2]))
    here, there = ("\n".join(para.text for para in details(one, 2)) for one in (trace, replace(trace, method=Method.REMOTE)))
    assert "likely a device of the site's own network" in here
    assert "likely" not in there
    assert "A private address" in there


def hop(*samples: float | None, notes: tuple[str, ...] = (), reply: ReplyKind = ReplyKind.TIME_EXCEEDED) -> Hop:
    times = [one for one in samples if one is not None]
    rtt = Rtt(min(times), sorted(times)[len(times) // 2], max(times), times[-1], 1.0) if times else None
    return Hop(3, "198.51.100.1" if times else None, reply, None, len(samples), len(times), rtt, samples, notes=notes)


@pytest.mark.parametrize(
    ("samples", "blocks", "digits"),
    [
        ((10.0,), "▁", "1"),
        ((10.0, 11.9, 12.0, 15.0, 20.0, 30.0, 60.0, 110.0, 210.0, 5000.0), "▁▁▂▃▄▅▆▇██", "1123456788"),
        ((10.0, None, 10.0), "▁·▁", "1·1"),
        ((500.0, 500.4), "▁▁", "11"),
        ((None, None), "", ""),
    ],
)  # fmt: skip
def test_a_sparkline_shows_what_each_round_trip_took_beyond_the_best(samples: tuple[float | None, ...], blocks: str, digits: str) -> None:
    assert sparkline(hop(*samples), 10, 4) == blocks.ljust(10)
    assert sparkline(hop(*samples), 10, 4, digits=True) == digits.ljust(10)


@pytest.mark.parametrize("width", [4, 8, 12, 31])
def test_a_sparkline_gains_a_cell_a_round_and_makes_room_by_half(width: int) -> None:
    samples = [10.0 + (7 * n) % 120 for n in range(200)]
    drawn = [sparkline(hop(*samples[: turn + 1]), width, turn).rstrip() for turn in range(200)]
    moved = [turn for turn in range(1, 200) if drawn[turn][:-1] != drawn[turn - 1]]
    assert all(later - earlier == width // 2 for earlier, later in itertools.pairwise(moved))
    assert moved[0] >= width - width // 2
    assert max(map(len, drawn)) == width
    assert min(map(len, drawn[width:])) == width - width // 2 + 1


@pytest.mark.parametrize(
    ("value", "usual", "text"),
    [(0.04, 0.1, "0.0"), (9.94, 9.9, "9.9"), (12.34, 5.0, "12.3"), (99.96, 5.0, "100"), (12.34, 12.0, "12"), (0.4, 20.0, "0"), (1234.5, 1.0, "1234")],
)
def test_a_time_takes_at_most_four_cells(value: float, usual: float, text: str) -> None:
    assert milliseconds(value, usual) == text


@pytest.mark.parametrize(
    ("notes", "lost", "shown"), [((), 0.0, "?"), (("loss",), 0.5, "50%"), (("rate-limited",), 0.0, "ltd"), (("rate-limited", "loss"), 0.2, "20%")]
)
def test_an_unanswered_probe_is_called_what_it_is_known_to_be(notes: tuple[str, ...], lost: float, shown: str) -> None:
    assert loss(replace(hop(10.0, None, notes=notes), lost=lost)) == shown


def test_what_does_not_fit_goes_in_its_order_and_words_stay() -> None:
    trace = reading(next(case for case in EVERY if case.compared is not None and "next hop too" in case.name))
    fits = [columns(trace, Look(width)) for width in range(60, 120)]
    assert fits[-1].numbers == NUMBERS
    for fit in fits:
        gone = [number for number in FIRST_TO_GO if number not in fit.numbers]
        assert gone == list(FIRST_TO_GO[: len(gone)])
        assert {"loss", "median"} <= set(fit.numbers)
        assert not gone or fit.words < LEAST_WORDS + 2 * NUMBER_WIDTH


def test_the_target_line_says_what_is_compared_and_fits() -> None:
    trace = reading(next(case for case in EVERY if case.compared is not None))
    for width in (40, 80, 120):
        line = target(Shown(Phase.PAUSED, Aim("h" * 60, 2022), trace), width)
        assert cell_len(line.text) <= width
        assert line.text.rstrip().endswith(" · paused")


@pytest.mark.parametrize(
    ("text", "proto", "compare", "aim"),
    [
        (" host ", "tcp", "", Aim("host", 443)),
        ("host:2022", "tcp", "80", Aim("host", 2022, "tcp", 80)),
        ("host", "udp", "", Aim("host", None, "udp")),
        ("host:99", "icmp", "7", Aim("host", None, "icmp")),
        ("[2001:db8::1]:25", "tcp", "", Aim("2001:db8::1", 25)),
        ("2001:db8::1", "tcp", "", Aim("2001:db8::1", 443)),
    ],
)
def test_what_is_typed_becomes_a_target(text: str, proto: str, compare: str, aim: Aim) -> None:
    assert made_of(text, proto, compare) == aim
    assert made_of(aim.text, proto, compare) == aim


@pytest.mark.parametrize(
    ("text", "compare", "said_of"),
    [("", "", "Type a host"), ("host:0", "", "no HOST:PORT"), ("a b", "", "no HOST:PORT"), ("host:", "", "no HOST:PORT"),
     ("host", "70000", "1 to 65535"),     ("host", "x", "1 to 65535")],
)  # fmt: skip
def test_what_is_typed_wrong_is_said(text: str, compare: str, said_of: str) -> None:
    made = made_of(text, "tcp", compare)
    assert isinstance(made, str)
    assert said_of in made


@pytest.mark.parametrize("name", ["[/]", "\x1b[2J", "\u202egnp", "a" * 5000, "[@click=app.quit]x[/]"])
def test_a_reverse_name_is_shown_and_not_obeyed(name: str) -> None:
    trace = reading(EVERY[0])
    one = hop(10.0)
    from dataclasses import replace

    named = replace(trace, hops=(replace(one, ttl=1, name=name),))
    text = "".join(span for row in rows(named, Look(118)) for span, _ in row.spans) + title_of(named, 1)
    assert not set(text) & set("\x1b\u202e")
    assert displayable(name, 10)[:6] in text or cell_len(name) > 60
    assert said(named, named.hops[0], named=True)[-1] == displayable(name, 60)
