"""Every way through every shipped guide, generated from its data: no step unreached, every verdict reached, every way on taken, every
sentence readable.
"""

from __future__ import annotations

import re
from functools import cache

import pytest
from guide_world import Survey, survey

from aetui.catalogue import load as load_catalogue
from aetui.causes import load_causes
from aetui.guide import interpreter
from aetui.guide.actions import GIVES, KINDS, OUTBOUND
from aetui.guide.library import Library, load
from aetui.guide.proof import edges
from aetui.guide.records import Branch, Check, End, Instruction, Question
from aetui.guiding.acting import _RUNNERS

KEYS = ("pm2000", "ps3000", "pl1000", "moxa", "acquisuite", "kiosk", "sma-ftp", "minisite", "logmein", "new-site")


@cache
def library() -> Library:
    return load(load_catalogue())


@cache
def surveyed(key: str) -> Survey:
    return survey(library().guides[key])


def test_every_model_of_the_catalogue_has_its_guide_and_a_new_site_one_too() -> None:
    assert set(library().guides) == set(KEYS)
    assert {library().of_model(key).key for key in load_catalogue().equipment} == set(KEYS) - {"new-site"}  # type: ignore[union-attr]


@pytest.mark.parametrize("key", KEYS)
def test_every_step_is_reached_by_some_walk(key: str) -> None:
    shown = {step.id for step in library().guides[key].steps.values() if not isinstance(step, Branch)}
    assert shown - surveyed(key).steps == set()


@pytest.mark.parametrize("key", KEYS)
def test_every_verdict_is_reached_by_some_walk(key: str) -> None:
    guide = library().guides[key]
    ends = {step.id for step in guide.steps.values() if isinstance(step, End)}
    assert set(surveyed(key).ends) == ends
    for identity, walk in surveyed(key).ends.items():
        conclusion = interpreter.conclusion(guide, walk)
        assert conclusion is not None and conclusion.end.id == identity


@pytest.mark.parametrize("key", KEYS)
def test_every_way_on_from_every_step_is_taken(key: str) -> None:
    guide = library().guides[key]
    for step in guide.steps.values():
        if isinstance(step, Instruction | Question | Check):
            for way, _ in edges(step):
                taken = {key for where, key in surveyed(key).edges if where == step.id}
                if way == "passed" and isinstance(step, Question) and step.default:
                    continue  # nothing typed takes the default where there is one; the way is for when it is not known
                assert way in taken or way == "otherwise", (step.id, way)


@pytest.mark.parametrize("key", KEYS)
def test_no_walk_shows_a_hole_in_a_sentence(key: str) -> None:
    guide = library().guides[key]
    for walk in surveyed(key).walks:
        step = interpreter.here(guide, walk).step
        texts = [step.title, step.text]
        texts += [choice.label for choice in step.choices] if isinstance(step, Question) else []
        texts += [*step.now, *(hand.what for hand in step.hand)] if isinstance(step, End) else []
        for text in texts:
            assert text and not re.search(r"[{}]|\$\w| [,:;]| \.(?!\d)|\(\)", text), (step.id, text)


@pytest.mark.parametrize("key", KEYS)
def test_each_step_says_what_it_says_in_two_sentences(key: str) -> None:
    for step in library().guides[key].steps.values():
        if not isinstance(step, Branch):
            sentences = [part for part in re.split(r"(?<=[.?!])\s+(?=[A-Z\"'])", step.text) if part]
            assert len(sentences) <= 2, (step.id, step.text)
            assert len(step.text) <= 330 and len(step.title) <= 72, step.id


@pytest.mark.parametrize("key", KEYS)
def test_every_verdict_that_is_not_ready_says_what_to_do_now(key: str) -> None:
    for step in library().guides[key].steps.values():
        if isinstance(step, End):
            assert step.now, step.id


@pytest.mark.parametrize("key", KEYS)
def test_where_one_is_never_runs_backwards_on_the_usual_way(key: str) -> None:
    guide = library().guides[key]
    for walk in surveyed(key).walks:
        place = interpreter.here(guide, walk).place
        assert 1 <= place.number <= place.about


def test_the_actions_causes_are_causes_and_each_cause_of_the_outbound_checks_can_be_branched_on() -> None:
    known = set(load_causes().causes)
    assert set().union(*(gives.causes for gives in GIVES.values())) <= known
    inbound_only = {"forward-confirmed", "service-confirmed", "forward-missing", "forward-refused", "forward-elsewhere", "service-down",
                    "double-nat", "carrier-nat", "port-in-use", "exposed", "forward-limited", "forward-unanswered", "address-conflict"}  # fmt: skip
    assert {cause for cause in known if not cause.startswith("dhcp-")} - inbound_only == OUTBOUND


def test_every_action_has_its_runner() -> None:
    assert set(_RUNNERS) == set(KINDS.values()) == set(GIVES)
