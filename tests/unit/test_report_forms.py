"""Every form of a report says the same, shows nothing as markup that somebody else wrote, and can be read by everybody."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise

import jsonschema
import pytest
from kept_sessions import HOSTILE, alone, catalogue, hostile, kept, large

from aetui.catalogue import load
from aetui.causes import load_causes
from aetui.entries import Kept
from aetui.records import Status
from aetui.report.content import content
from aetui.report.csv import HEADER
from aetui.report.forms import FORMS, made
from aetui.report.summary import LINES, WIDTH

SCENARIOS = ("healthy", "tls-intercepted", "port-refused", "no-gateway", "no-internet", "captive-portal", "hostile")
VOID = {"meta", "br", "hr", "rect", "path", "circle"}
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "section", "article", "h1", "h2", "h3", "h4", "p", "ul", "ol", "li", "dl",
    "dt", "dd", "div", "span", "strong", "code", "details", "summary", "figure", "table", "thead", "tbody", "tr", "th", "td", "svg", "g", "rect",
    "path", "circle", "text",
}  # fmt: skip


def report(form: str, one: Kept, redact: bool = False) -> str:
    return made(form, one, catalogue(), load_causes(), redact)


class Page(HTMLParser):
    """What a browser would make of a page: its elements, headings, texts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data + " "
        if self.open and re.fullmatch("h[1-6]", self.open[-1]):
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)


# ----------------------------------------------------------------------------------------------------------------------- HTML
@pytest.mark.parametrize("one", [*SCENARIOS, "attack", "large", "everything", "look"])
def test_a_page_is_well_formed_fetches_nothing_and_runs_nothing(one: str) -> None:
    made_up = {"attack": hostile, "large": large, "everything": partial(alone, "everything"), "look": partial(alone, "look")}
    text = report("html", made_up[one]() if one in made_up else kept(one))
    page = Page(text)
    assert not page.open
    assert {tag for tag, _ in page.elements} <= ALLOWED
    for tag, attributes in page.elements:
        assert not any(
            name.startswith("on") or name in {"src", "href", "srcset", "action", "style", "xlink:href"} for name in attributes
        ), tag
    assert "url(" not in text
    assert "@import" not in text
    policy = next(a["content"] for tag, a in page.elements if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "script" not in policy


@pytest.mark.parametrize("one", [*SCENARIOS, "attack", "everything"])
def test_headings_descend_in_order_and_pictures_have_words(one: str) -> None:
    page = Page(report("html", hostile() if one == "attack" else alone(one) if one == "everything" else kept(one)))
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))
    assert all(text.strip() for _, text in page.headings)
    pictures = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert pictures
    assert all(a.get("role") == "img" and a.get("aria-label") for a in pictures)
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    labelled = {a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a}
    assert labelled <= set(ids)
    assert ("html", {"lang": "en"}) in page.elements


def test_the_verdict_stands_first_then_the_causes_then_the_rest_in_its_order() -> None:
    page = Page(report("html", kept()))
    assert page.headings[0][1].startswith("BLOCKED: PM2000, AcquiSuite and SMA FTP push")
    assert [text for level, text in page.headings if level == 2] == [
        "What stands in the way", "The path", "Checks", "Traces", "Knocks at the listener", "The guide's questions and answers", "Not checked, and why",
        "About this report",
    ]  # fmt: skip


def test_a_page_tells_versions_hash_and_both_times() -> None:
    one = kept()
    text = Page(report("html", one)).text
    for word in (one.about.tool, one.about.catalogue, one.about.sha256, one.state.session, "North Field", "second visit"):
        assert word in text
    assert f"{one.state.started:%Y-%m-%d %H:%M:%S}" in text
    assert f"{one.state.started.astimezone():%H:%M:%S}" in text


def test_every_check_and_every_fact_of_the_tree_is_on_the_page() -> None:
    told = content(kept(), catalogue(), load_causes())
    text = Page(report("html", kept())).text
    for host in told.hosts:
        for row in host.rows:
            assert row.id in text
            for label, value in row.facts:
                assert label in text
                assert value in text


def test_traces_are_drawn_with_every_round_trip_in_words_too() -> None:
    page = Page(report("html", kept()))
    plots = [a["aria-label"] or "" for tag, a in page.elements if tag == "svg" and a.get("class") == "plot"]
    assert len(plots) == 9
    assert re.fullmatch(r"[\d.]+ to [\d.]+ ms, median [\d.]+ ms, \d+ of 20 answered", plots[0])


# ------------------------------------------------------------------------------------------------------------------- contrast
def variables(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6})", block))


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_every_text_colour_stands_out_from_every_ground_it_is_on(theme: str) -> None:
    style = files("aetui.assets").joinpath("report.html").read_text()
    light = variables(style.split("@media", 1)[0])
    other = {"light": "", "dark": style.split("prefers-color-scheme: dark")[1].split("\n}")[0], "print": style.split("@media print")[1]}
    colours = light | variables(other[theme])
    grounds = ("paper", "panel", "fail-soft", "warn-soft", "pass-soft", "idle-soft")
    pairs = [(ink, ground) for ink in ("ink", "quiet") for ground in grounds]
    pairs += [(name, f"{name}-soft") for name in ("fail", "warn", "pass", "idle")] + [
        ("link", "panel"),
        ("idle", "panel"),
        ("pass", "panel"),
    ]
    assert [(a, b, round(contrast(colours[a], colours[b]), 2)) for a, b in pairs if contrast(colours[a], colours[b]) < 4.5] == []


# ------------------------------------------------------------------------------------------------------------------- the rest
@pytest.mark.parametrize("one", SCENARIOS)
def test_the_json_report_keeps_to_the_published_schema(one: str) -> None:
    schema = json.loads(files("aetui.assets").joinpath("report.schema.json").read_text())
    document = json.loads(report("json", kept(one)))
    jsonschema.validate(document, schema)
    assert (len(document["traces"]), len(document["knocks"]), len(document["answers"])) == (1, 1, 1)


@pytest.mark.parametrize("one", [*SCENARIOS, "attack", "large"])
def test_a_summary_has_at_most_twenty_lines_and_fits_a_narrow_screen(one: str) -> None:
    text = report("text", {"attack": hostile, "large": large}[one]() if one in {"attack", "large"} else kept(one))
    lines = text.splitlines()
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= WIDTH
    assert lines[0].split(":")[0] in {"READY", "DEGRADED", "BLOCKED", "UNDETERMINED"}
    assert text.isprintable() or all(c == "\n" or c.isprintable() for c in text)


def test_a_summary_names_the_cause_who_mends_it_and_the_proof() -> None:
    text = report("text", kept("port-refused"))
    assert "1. " in text
    assert "Mends it:" in text
    assert kept("port-refused").state.session in text


def test_a_table_has_a_row_for_each_check_and_no_cell_that_is_a_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(report("csv", kept("hostile")))))
    told = content(kept("hostile"), catalogue(), load_causes())
    assert [row["id"] for row in rows if row["id"]] == [row.id for host in told.hosts for row in host.rows]
    assert tuple(rows[0]) == HEADER
    assert not any(value.startswith(("=", "+", "-", "@", "\t")) for row in rows for value in row.values())


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2", "@x", "\tx"])
def test_a_cell_that_begins_like_a_formula_is_text(text: str) -> None:
    from aetui.report.csv import cell

    assert cell(text) == f"'{text}"


def without_code(text: str) -> str:
    """Markdown with its code spans taken out."""
    return re.sub(r"(?<!\\)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


def test_a_ticket_holds_no_markup_that_somebody_else_wrote() -> None:
    text = without_code(report("markdown", hostile()))
    assert not re.search(r"(?<!\\)[<\[](?! \])", text.replace("- [ ]", ""))
    assert "://" not in text
    assert "www." not in text
    assert "@" not in text
    assert "\x1b" not in text


def test_a_ticket_begins_with_the_verdict_and_lists_each_cause_with_its_steps() -> None:
    lines = report("markdown", kept()).splitlines()
    assert lines[0].startswith("# BLOCKED")
    assert any(line.startswith("## 1. ") for line in lines)
    assert sum(line.startswith("- [ ] ") for line in lines) >= 2
    told = content(kept(), catalogue(), load_causes())
    table = lines[lines.index("| | Host | Check | Seen | Cause |") + 2 :]
    assert len(table[: table.index("")]) == sum(len(h.rows) for h in told.hosts)


@pytest.mark.parametrize("form", FORMS)
def test_no_form_lets_an_attack_through_as_it_came(form: str) -> None:
    text = report(form, hostile())
    assert "\x1b" not in text
    assert "\u202e" not in text
    if form == "html":
        assert not any(attack in text for attack in HOSTILE if "<" in attack)


@pytest.mark.parametrize("form", FORMS)
def test_a_session_without_checks_has_a_report_too(form: str) -> None:
    from aetui.state import State

    only = replace(kept(), state=State("20260101-000000-aaaa"), about=replace(kept().about, command="trace"))
    assert "TCP port 443 dies after hop 9" in report(form, only)


@pytest.mark.parametrize(
    ("scenario", "states"),
    [
        ("healthy", ("works", "works", "works", "works")),
        ("tls-intercepted", ("works", "partly", "works", "works")),
        ("port-refused", ("works", "works", "works", "partly")),
        ("no-link", ("broken", "unknown", "unknown", "unknown")),
        ("no-internet", ("works", "works", "broken", "unknown")),
        ("gateway-silent", ("works", "broken", "unknown", "unknown")),
        ("dns-dead", ("works", "partly", "works", "unknown")),
    ],
)
def test_the_picture_marks_the_piece_that_is_broken_and_claims_nothing_beyond(scenario: str, states: tuple[str, ...]) -> None:
    path = content(kept(scenario, ("pm2000",)), load(), load_causes()).path
    assert tuple(piece.state for piece in path) == states


def test_the_picture_of_what_comes_in_is_not_called_the_way_out() -> None:
    (words, *_) = re.findall(r'aria-label="(The path[^"]*)"', report("html", alone("look")))
    assert "The site&#x27;s router: suspected here" in words
    assert "this machine" not in words


def test_what_was_not_checked_is_told_with_the_reason() -> None:
    told = content(replace(kept("dns-dead"), inbound=()), catalogue(), load_causes()).untested
    assert any("waits for dns:www.alsoenergy.com" in line for line in told)
    assert any(line.startswith("Port 3389 (rdp) from outside") for line in told)
    assert any("no login was given" in line for line in content(kept(), catalogue(), load_causes()).untested)


def test_a_site_with_a_long_name_is_seen_to_be_cut_in_the_summary() -> None:
    line = report("text", replace(kept("healthy", ("pm2000",)), about=replace(kept().about, name="Solar " * 19 + "Park"))).splitlines()[1]
    assert (line[:11], line[-1]) == ("Solar Solar", "…")
    assert len(line) <= WIDTH


def test_what_was_seen_of_a_skipped_check_is_not_told_as_if_it_counted() -> None:
    rows = {row.id: row for host in content(kept(), catalogue(), load_causes()).hosts for row in host.rows}
    assert (rows["http:www.alsoenergy.com:443"].status, rows["http:www.alsoenergy.com:443"].line) == (Status.SKIP, "200 OK; does not count")
    assert rows["http:www.alsoenergy.com:80"].line == "200 OK"


def test_the_counts_are_those_of_the_rows() -> None:
    told = content(kept(), catalogue(), load_causes())
    assert sum(count for _, count in told.counts) == sum(len(host.rows) for host in told.hosts)
    assert dict(told.counts)[Status.FAIL] == sum(row.status is Status.FAIL for host in told.hosts for row in host.rows)
