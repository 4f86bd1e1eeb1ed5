"""The report and the page of any run: by the published schema, without anything raw, and nothing lost on the way."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from test_rules_any import mixtures
from worlds import STREAMER, World, banner, diagnosed, http, name

from aetui.catalogue import load
from aetui.causes import load_causes
from aetui.records import Severity, Status
from aetui.report.json import report
from aetui.report.text import ASCII_GLYPHS, GLYPHS, WORDS, by_host, text
from aetui.state import State

SCHEMA = jsonschema.Draft202012Validator(json.loads(files("aetui.assets").joinpath("report.schema.json").read_text("utf-8")))
CATALOGUE, CAUSES = load(), load_causes()
RAW = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
EVIL = "\x1b[2J\u202e[/][@click=app.quit]x[/]\x00\r\n"
patient = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def finished(state: State) -> State:
    state.diagnosis = diagnosed(state)
    return state


@patient
@given(mixtures)
def test_every_report_is_as_the_schema_says_and_whole(state: State) -> None:
    made = json.loads(json.dumps(report(finished(state), CATALOGUE, CAUSES), allow_nan=False))
    SCHEMA.validate(made)
    assert [row["id"] for row in made["checks"]] == list(state.checks)
    assert [entry["cause"] for entry in made["diagnosis"]] == [f.cause for f in state.diagnosis.findings]
    for row in made["checks"]:
        assert row["status"] == state.reading(row["id"]).status.value
        assert row["not_run"] is None or row["status"] != "pass"


@patient
@given(mixtures)
def test_every_page_has_each_row_once_and_each_cause(state: State) -> None:
    page = text(finished(state), CATALOGUE, CAUSES)
    assert not RAW.search(page)
    rows = [line for line in page.splitlines() if re.match(rf"  [{re.escape(''.join(GLYPHS.values()))}] ", line)]
    assert len(rows) == sum(len(checks) for checks in by_host(state).values())
    for number, finding in enumerate(state.diagnosis.findings, 1):
        assert re.search(rf"^{number}\. ", page, re.MULTILINE)
        assert f"   {finding.cause}, " in page
    plain = text(state, CATALOGUE, CAUSES, fancy=False)
    assert plain.isascii()


@pytest.mark.parametrize("status", list(Status))
def test_each_status_has_a_glyph_and_a_word_of_its_own(status: Status) -> None:
    for table in (GLYPHS, ASCII_GLYPHS, WORDS):
        assert len(set(table.values())) == len(Status)
        assert table[status]
    assert ASCII_GLYPHS[status].isascii() and len(ASCII_GLYPHS[status]) == 1


def test_what_a_server_says_reaches_neither_page_nor_report_raw() -> None:
    world = World(
        [("http:*:80", http(200, EVIL.encode(), headers={"server": EVIL})), ("ssh:*", banner(EVIL))], equipment=("pm2000", "acquisuite")
    )
    state = finished(world.state())
    page = text(state, CATALOGUE, CAUSES)
    assert "\\x1b[2J" in page and not RAW.search(page)
    assert not RAW.search(json.dumps(report(state, CATALOGUE, CAUSES)))


def test_colour_is_only_the_status_word() -> None:
    page = text(finished(World().state()), CATALOGUE, CAUSES, colour=True)
    assert re.sub(r"\x1b\[\d+m", "", page) == text(finished(World().state()), CATALOGUE, CAUSES)
    assert page.count("\x1b[0m") == page.count("\x1b[") / 2


def test_information_asks_nobody_for_anything() -> None:
    state = finished(World([(f"dns:{STREAMER}", name("93.184.216.34"))]).state())
    assert [f.severity for f in state.diagnosis.findings] == [Severity.INFO]
    page = text(state, CATALOGUE, CAUSES)
    assert page.startswith("READY") and "who mends it" not in page
