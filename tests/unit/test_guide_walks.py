"""Every way through every shipped guide, generated from its data: no step unreached, every verdict reached, every way on taken, every
sentence readable.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest
from guide_world import Survey, survey

from aetui.catalogue import load as load_catalogue
from aetui.causes import load_causes
from aetui.guide import interpreter
from aetui.guide.actions import GIVES, KINDS, OUTBOUND
from aetui.guide.library import Library, load
from aetui.guide.loader import _retarget
from aetui.guide.proof import edges, prove
from aetui.guide.records import Ask, Branch, By, Check, Choice, End, Guide, Instruction, Question
from aetui.guiding.acting import _RUNNERS
from aetui.records import Verdict
from aetui.strict import DataError

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


def test_whatever_a_colleagues_aetui_says_first_can_be_answered_in_its_own_words() -> None:
    step = library().guides["pm2000"].steps["remote.partner"]
    assert isinstance(step, Question)
    said = " / ".join(choice.label.casefold() for choice in step.choices)
    for cause in ("service-confirmed", "forward-confirmed", "forward-missing", "forward-unanswered", "forward-refused", "forward-elsewhere"):
        assert load_causes().causes[cause].title.casefold() in said, cause


def test_every_action_has_its_runner() -> None:
    assert set(_RUNNERS) == set(KINDS.values()) == set(GIVES)


EXPLAINED = {
    # A word of the trade that a technician reads in a guide: what stands beside it once in that guide.
    "DHCP": r"\(DHCP\)|handed this computer an address \(DHCP\)",
    "VLAN": r"\(VLAN\)",
    "gateway": r"\(the gateway\)|gateway \(the",
    "VPN": r"VPN \(a tunnel|such as a VPN",
    "jump host": r"A jump host is a computer outside|from a jump host inside it|and a jump host",
    "forward": r"\(a port forward\)|reached by support through a forwarded port|nothing is forwarded|no forward is needed|opened toward it",
}
NEVER = re.compile(
    r"\b(NAT|IGD|UPnP|SSDP|PCP|TTL|RST|SYN|ACK|ICMP|ARP|handshake|payload|errno|RFC \d|subnet|CIDR|EPSV|PASV|SNI|MTU|OUI|IPv6|stdin|timeout|"
    r"traceroute|X\.224|NLA|daemon|socket error|packet loss)\b"
)
"""What is never said to a technician; the site's IT may read it in a request."""


def _to_the_technician(guide: Guide) -> str:
    """Every word of a guide but what is handed on to others."""
    texts = []
    for step in guide.steps.values():
        if not isinstance(step, Branch):
            texts += [step.title, step.text]
        if isinstance(step, Question):
            texts += [choice.label for choice in step.choices]
        if isinstance(step, End):
            texts += [*step.now, *(hand.what for hand in step.hand if hand.to.value == "technician")]
    return "\n".join(texts)


@pytest.mark.parametrize("key", KEYS)
def test_no_word_of_the_trade_is_said_to_a_technician_without_its_meaning(key: str) -> None:
    words = _to_the_technician(library().guides[key])
    assert not NEVER.findall(words)
    for term, meaning in EXPLAINED.items():
        if re.search(rf"\b{term}\b", words):
            assert re.search(meaning, words), (key, term)


@pytest.mark.parametrize("key", KEYS)
def test_nothing_is_said_to_stand_above_or_below_which_depends_on_where_it_is_read(key: str) -> None:
    words = _to_the_technician(library().guides[key])
    assert not re.search(r"(stands|shown|answered|is) (above|below)", words)


# --------------------------------------------------------------------------------------------------- would these tests notice?
def _without_ways_to(guide: Guide, lost: str, other: str) -> Guide:
    """The guide with every way that led to a step leading to another one."""
    turn = lambda target: other if target == lost else target  # noqa: E731
    steps = {identity: _retarget(step, turn) for identity, step in guide.steps.items()}
    return replace(guide, steps=steps, start=turn(guide.start))


@pytest.mark.parametrize("key", KEYS)
def test_whatever_step_loses_every_way_that_led_to_it_is_named_when_the_guide_is_loaded(key: str) -> None:
    guide = library().guides[key]
    ends = [step.id for step in guide.steps.values() if isinstance(step, End)]
    for lost in guide.steps:
        if lost != guide.start:
            broken = _without_ways_to(guide, lost, next(end for end in ends if end != lost))
            with pytest.raises(DataError) as told:
                prove(broken, load_catalogue())
            assert told.value.file == guide.file
            assert told.value.key.startswith("step.")


def test_a_verdict_to_which_only_impossible_answers_lead_is_not_reached_by_the_search_though_the_proof_lets_it_pass() -> None:
    """The branch looks at an answer that on the way to it is always another one: what is on paper a way is none."""
    ask = Question("ask", "Which?", "Which is it?", Ask.CHOICE, "which", choices=(Choice("a", "a", "look"), Choice("b", "b", "far")), default="a")
    look = Branch("look", By.ANSWER, "which", {"a": "near", "b": "never"})
    ends = [End(identity, "End", "The end.", Verdict.READY, ("Stop.",)) for identity in ("near", "far", "never")]
    guide = Guide("own", "Own", "One.", (), (), "ask", {step.id: step for step in (ask, look, *ends)}, "own.toml")
    prove(guide, load_catalogue())
    assert set(survey(guide).ends) == {"near", "far"}
