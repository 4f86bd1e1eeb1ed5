"""Every kind of entry that a journal can hold is told by every form of a report; a kind that somebody adds and forgets fails here."""

from __future__ import annotations

import html
import json
import re
from dataclasses import fields
from typing import get_args

import jsonschema
import pytest
from kept_sessions import alone, catalogue, kept, knock, look, trace, walk

from aetui.causes import load_causes
from aetui.entries import PLACES, Answered, Checked, Concluded, Found, InboundDone, Kept, Knocked, TraceDone, WentBack, fold, sorted_out
from aetui.events import Event
from aetui.report.content import Content, content
from aetui.report.forms import FORMS, made
from aetui.report.summary import LINES, WIDTH

EXAMPLES: dict[type, tuple[tuple[Found, ...], dict[str, tuple[str, ...]]]] = {
    TraceDone: ((trace(),), {
        "": ("streamer.alsoenergy.com", "TCP port 443 dies after hop 9."), "html": ("10.9.0.1", "core9.isp.example", "18 of 20"),
        "markdown": ("10.9.0.1", "core9.isp.example", "18 of 20"), "json": ("10.9.0.1", "core9.isp.example"),
    }),
    Knocked: ((knock(),), {"": ("203.0.113.9", "3389", "mstshash=support")}),
    InboundDone: ((look(),), {
        "": ("203.0.113.7", "3389", "192.168.50.60", "PM2000-0815"), "html": ("Summary of forward-missing.", "Evidence of forward-missing.", "outer address"),
        "markdown": ("Summary of forward-missing.", "Evidence of forward-missing.", "outer address"), "json": ("Summary of forward-missing.", "upnp"),
    }),
    Answered: (walk()[:1], {"": ("Is the screen on?", "no")}),
    Checked: (walk()[3:4], {
        "": ("Does it answer on the local network?", "Nothing answers there."), "html": ("Summary of service-down.", "Remedy of service-down."),
        "markdown": ("Summary of service-down.", "Remedy of service-down."), "json": ("Summary of service-down.", "silent"),
    }),
    WentBack: (walk()[:2], {"html": ("went back to here", "taken back"), "markdown": ("went back to here", "taken back"), "csv": ("went back to here", "taken back"), "json": ('"kind": "back"',)}),
    Concluded: (walk()[4:], {
        "": ("The PM2000 itself does not answer", "blocked"), "html": ("Its service is off.", "Start it again.", "Open the PM2000."),
        "markdown": ("Its service is off.", "Start it again.", "Open the PM2000."), "json": ("Its service is off.", "Start it again.", "Open the PM2000."),
    }),
}  # fmt: skip
"""A kind of entry, a session that holds it, and what each form must say of it; under the empty key what all but the summary say."""


def plain(form: str, text: str) -> str:
    """What a reader sees of a form."""
    if form == "html":
        return html.unescape(re.sub(r"<[^>]+>", " ", text))
    return html.unescape(re.sub(r"\\(.)", r"\1", text)) if form == "markdown" else text


def test_every_kind_of_entry_has_an_example_a_place_in_a_session_and_a_part_of_the_report() -> None:
    kinds = set(get_args(Found))
    assert set(EXAMPLES) == kinds
    assert set(PLACES) == kinds
    assert {{"inbound": "looks"}.get(place, place) for place in PLACES.values()} <= {f.name for f in fields(Content)}
    assert set(PLACES.values()) <= {f.name for f in fields(Kept)}
    assert not kinds & set(get_args(Event))


@pytest.mark.parametrize("kind", get_args(Found), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("form", [form for form in FORMS if form != "text"])
def test_every_form_tells_every_kind_of_entry(kind: type, form: str) -> None:
    found, marks = EXAMPLES[kind]
    text = plain(form, made(form, sorted_out(kept("healthy").state, kept().about, found), catalogue(), load_causes()))
    for mark in (*marks.get("", ()), *marks.get(form, ())):
        assert mark in text, mark


@pytest.mark.parametrize(
    ("kind", "marks"),
    [
        ("look", ("BLOCKED", "Summary of forward-missing.", "Remedy of forward-missing.")),
        ("trace", ("BLOCKED", "TCP port 443 dies after hop 9.", "streamer.alsoenergy.com")),
        ("knock", ("One knock came to the listener.", "203.0.113.9", "3389")),
        ("walk", ("BLOCKED: The PM2000 itself does not answer", "Summary of service-down.", "Remedy of service-down.")),
        ("left", ("BLOCKED", "Summary of service-down.")),
    ],
)
def test_a_summary_of_a_session_without_checks_says_what_it_is_about(kind: str, marks: tuple[str, ...]) -> None:
    text = made("text", alone(kind), catalogue(), load_causes())
    assert len(text.splitlines()) <= LINES
    assert max(map(len, text.splitlines())) <= WIDTH
    for mark in marks:
        assert mark in " ".join(text.split()), mark


@pytest.mark.parametrize("kind", ["look", "trace", "knock", "walk", "left", "everything"])
def test_a_session_without_checks_keeps_to_the_schema(kind: str) -> None:
    from importlib.resources import files

    schema = json.loads(files("aetui.assets").joinpath("report.schema.json").read_text())
    document = json.loads(made("json", alone(kind), catalogue(), load_causes()))
    jsonschema.validate(document, schema)
    assert document["overall"] == {"look": "blocked", "trace": "blocked", "knock": "undetermined"}.get(kind, "blocked")


def test_what_was_taken_back_is_marked_so_and_does_not_count() -> None:
    told = content(alone("walk"), catalogue(), load_causes())
    assert [(step.kind, step.said, step.withdrawn) for step in told.walk] == [
        ("answer", "no", True), ("back", "went back to here", False), ("answer", "yes", False), ("check", "FAILED", False), ("verdict", "blocked", False),
    ]  # fmt: skip
    assert told.ending is not None


def test_answers_of_the_json_report_are_all_that_were_given_and_the_walk_tells_which_were_taken_back() -> None:
    document = json.loads(made("json", alone("walk"), catalogue(), load_causes()))
    assert [entry["answer"] for entry in document["answers"]] == ["no", "yes"]
    assert [entry["kind"] for entry in document["walk"]] == ["answer", "back", "answer", "check", "verdict"]


def test_a_session_sorted_out_is_the_session_folded() -> None:
    one = alone("everything")
    entries = (*one.traces, *one.knocks, *one.inbound, *one.walk)
    again = fold(entries, one.about)
    assert (again.traces, again.knocks, again.inbound, again.walk) == (one.traces, one.knocks, one.inbound, one.walk)
