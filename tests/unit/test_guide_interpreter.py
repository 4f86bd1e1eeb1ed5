"""What is true of every walk through every guide: back undoes, taking up again is going on, and nothing typed can break it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from guide_world import inputs, told
from hypothesis import given, settings
from hypothesis import strategies as st

from aetui.catalogue import load as load_catalogue
from aetui.entries import Entry, WentBack
from aetui.guide import interpreter
from aetui.guide.interpreter import Answer, Found, Walk, Wrong
from aetui.guide.library import Library, load
from aetui.guide.records import Check, End, Guide, Instruction, Question, Seen
from aetui.guiding.journal import entry_of, taken_of
from aetui.guiding.walker import Walker, instructions_of
from aetui.records import Status
from aetui.store.codec import decode, encode

KEYS = ("pm2000", "acquisuite", "kiosk", "sma-ftp", "minisite", "logmein", "new-site")


@cache
def library() -> Library:
    return load(load_catalogue())


def guide_of(key: str) -> Guide:
    return library().guides[key]


@st.composite
def walks(draw: st.DrawFn, most: int = 25) -> tuple[Guide, Walk]:
    """A guide, and a walk of some inputs that fit it."""
    guide = guide_of(draw(st.sampled_from(KEYS)))
    walk = interpreter.begin(guide, draw(st.sampled_from([{}, {"outside": "office"}, {"ftp_login": "yes"}])))
    for _ in range(draw(st.integers(0, most))):
        ways = list(inputs(guide, walk))
        if not ways:
            break
        walk = draw(st.sampled_from(ways))[1]
    return guide, walk


@given(walks())
def test_back_undoes_the_last_thing_that_a_person_did_and_the_checks_after_it(found: tuple[Guide, Walk]) -> None:
    guide, walk = found
    for _, onward in inputs(guide, walk):
        by_person = not isinstance(onward.taken[-1], Found)
        undone = interpreter.back(onward)
        if by_person:
            assert undone == walk and interpreter.here(guide, undone) == interpreter.here(guide, walk)
        else:
            assert undone == interpreter.back(walk)
    assert len(interpreter.back(walk).taken) < len(walk.taken) or not walk.taken


@given(walks(), st.data())
def test_taking_up_again_at_any_point_is_going_on(found: tuple[Guide, Walk], data: st.DataObject) -> None:
    guide, walk = found
    cut = data.draw(st.integers(0, len(walk.taken)))
    resumed = interpreter.taken_up(guide, replace(interpreter.begin(guide, walk.given), taken=walk.taken[:cut]))
    for taken in walk.taken[cut:]:
        match taken:
            case Answer(text=text):
                result = interpreter.answer(guide, resumed, text)
                if text == "" and not isinstance(result, Walk):
                    return  # passed over when no default was known, which only a changed world could repeat
            case Found(seen=seen):
                result = interpreter.found(guide, resumed, seen)
            case _:
                result = interpreter.go_on(guide, resumed)
        assert isinstance(result, Walk)
        resumed = result
    assert resumed == walk
    assert interpreter.here(guide, resumed) == interpreter.here(guide, walk)
    assert interpreter.known(guide, resumed) == interpreter.known(guide, walk)


@given(walks())
def test_a_journal_gives_the_same_walk_again(found: tuple[Guide, Walk]) -> None:
    guide, walk = found
    entries = [decode(Entry, encode(Entry, entry_of(1.0, guide.key, taken, "?"))) for taken in walk.taken]
    assert taken_of([None, *entries], guide.key, instructions_of(guide)) == walk.taken
    assert taken_of(entries, "another", instructions_of(guide)) == ()


@given(walks())
def test_a_step_back_in_the_journal_leaves_what_a_step_back_in_the_walk_leaves(found: tuple[Guide, Walk]) -> None:
    guide, walk = found
    if walk.taken:
        before = interpreter.back(walk)
        entries: list[Entry] = [entry_of(1.0, guide.key, taken, "?") for taken in walk.taken]
        entries.append(WentBack(2.0, guide.key, walk.taken[len(before.taken)].step))
        assert taken_of(entries, guide.key, instructions_of(guide)) == before.taken


@given(walks(), st.text(max_size=40))
def test_whatever_is_typed_is_taken_or_refused_in_words_and_changes_nothing_else(found: tuple[Guide, Walk], text: str) -> None:
    guide, walk = found
    result = interpreter.answer(guide, walk, text)
    if isinstance(result, Wrong):
        from aetui.guiding.words import say

        assert say("wrong", result.code, **result.values)
    else:
        assert result.taken[:-1] == walk.taken
        assert all(c.isprintable() for c in interpreter.known(guide, result).get(_saves(guide, walk), ""))


def _saves(guide: Guide, walk: Walk) -> str:
    step = guide.steps[interpreter.here(guide, walk).reached]
    assert isinstance(step, Question)
    return step.saves


@given(walks(8))
@settings(max_examples=50)
def test_an_input_of_the_wrong_kind_is_refused(found: tuple[Guide, Walk]) -> None:
    guide, walk = found
    step = guide.steps[interpreter.here(guide, walk).reached]
    kinds = {
        Instruction: interpreter.go_on(guide, walk),
        Question: interpreter.answer(guide, walk, "1"),
        Check: interpreter.found(guide, walk, Seen(Status.UNKNOWN)),
    }
    for kind, result in kinds.items():
        if not isinstance(step, kind):
            assert result == Wrong("not-now")
    assert (interpreter.conclusion(guide, walk) is not None) == isinstance(step, End)


def test_inputs_that_no_longer_fit_end_the_walk_where_they_did() -> None:
    guide = guide_of("kiosk")
    walk = Walk(
        "kiosk", {}, (Answer("power", "both"), Answer("address-how", "static"), Answer("planned", "192.168.50.30"), Answer("gone", "x"))
    )
    assert interpreter.taken_up(guide, walk).taken == walk.taken[:3]
    assert interpreter.taken_up(guide, replace(walk, taken=(Answer("power", "no such choice"),))).taken == ()


TYPED = {
    ("address", "192.168.50.30"): "192.168.50.30", ("address", " 192.168.50.30 "): "192.168.50.30", ("address", "192.168.050.30"): "no-address",
    ("address", "192.168.50"): "no-address", ("address", "fe80::1"): "no-address", ("address", "127.0.0.1"): "no-host", ("address", "0.0.0.0"): "no-host",
    ("address", "224.0.0.1"): "no-host", ("address", "255.255.255.255"): "no-host",
    ("public-port", "53389"): "53389", ("public-port", "0"): "no-port", ("public-port", "65536"): "no-port", ("public-port", "-1"): "no-port",
    ("public-port", "٣"): "no-port", ("public-port", ""): "3389", ("public-port", "003389"): "3389",
    ("how", "1"): "jump", ("how", "jump"): "jump", ("how", "JUMP"): "jump", ("how", "a coll"): "partner", ("how", "p"): "partner", ("how", ""): "later",
    ("how", "4"): "no-choice", ("how", "x"): "no-choice", ("jump", "tech@office"): "tech@office", ("jump", "\x1b[2J"): "\\x1b[2J",
}  # fmt: skip


@pytest.mark.parametrize("case", TYPED, ids=lambda case: f"{case[0]} {case[1]!a}")
def test_an_answer_is_taken_in_its_normal_form_or_refused_by_name(case: tuple[str, str]) -> None:
    step, text = case
    guide = guide_of("pm2000")
    result = interpreter._understood(guide.steps[f"remote.{step}"], text.strip(), {})  # type: ignore[arg-type]
    assert (result.code if isinstance(result, Wrong) else result) == TYPED[case]


def test_the_verdict_tells_failures_first_and_the_check_that_led_there_first_of_all() -> None:
    from aetui.records import Severity

    guide = guide_of("kiosk")
    walk = Walk("kiosk", {}, (
        Answer("power", "both"), Answer("address-how", "dhcp"),
        Found("dhcp", Seen(Status.PASS, told=(told("slow", Severity.WARN),))), Found("name", Seen(Status.FAIL, (), (told("dns-filtered"),), lines=("seen",))),
    ))  # fmt: skip
    end = interpreter.conclusion(guide, walk)
    assert end is not None and end.end.id == "no-name"
    assert [entry.cause for entry in end.told] == ["dns-filtered", "slow"] and end.lines == ("seen",)


def test_only_the_last_result_of_a_check_counts() -> None:
    guide = guide_of("minisite")
    bad = Found("outbound.check", Seen(Status.FAIL, (), (told("no-link"),)))
    good = Found("outbound.check", Seen(Status.PASS))
    walk = Walk("minisite", {}, (Answer("where", "yes"), Answer("shows", "empty"), bad, Answer("outbound.cable", "again"), good))
    end = interpreter.conclusion(guide, walk)
    assert end is not None and end.end.id == "all-fine" and end.told == ()


class Kept:
    """A keeper that remembers."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def took(self, guide: str, taken: interpreter.Taken, question: str) -> None:
        self.entries.append(entry_of(0.0, guide, taken, question))

    def went_back(self, guide: str, step: str) -> None:
        self.entries.append(WentBack(0.0, guide, step))


def test_a_walker_writes_everything_down_before_it_goes_on_and_takes_up_what_was_written() -> None:
    guide, kept = guide_of("kiosk"), Kept()
    walker = Walker(guide, {}, kept)
    assert walker.answer("both") is None and walker.answer("static") is None and walker.back() and walker.answer("2") is None
    assert walker.answer("nonsense") == Wrong("no-address", {"text": "nonsense"})
    again = Walker(guide, {}, Kept())
    assert again.take_up(taken_of(kept.entries, guide.key, instructions_of(guide))) == 2
    assert again.walk == walker.walk and again.showing == walker.showing
    assert [each.what for each in again.trodden] == ["both", "static"]
