"""With --redact nothing that tells of the site is left in any form, the same thing is always the same placeholder, and the rest is
untouched.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kept_sessions import about, alone, catalogue, kept, knock, look

from aetui.causes import load_causes
from aetui.entries import Kept
from aetui.records import VantageInfo
from aetui.report.forms import FORMS, made
from aetui.report.redact import Redactor

PRIVATE = ("192.168.50", "02:00:5e", "North Field", "second visit", "203.0.113.9", "10.3.0.1", "core3.isp.example", "Zscaler Intermediate")


def redactor(one: Kept | None = None) -> Redactor:
    return Redactor(one or kept(), catalogue())


@pytest.mark.parametrize("form", FORMS)
def test_no_form_tells_of_the_site_when_redacted(form: str) -> None:
    text = made(form, kept(), catalogue(), load_causes(), redact=True)
    assert [word for word in PRIVATE if word in text] == []
    assert "lan-address-1" in text or form == "text"


@pytest.mark.parametrize("form", FORMS)
def test_what_was_found_beside_the_checks_tells_as_little(form: str) -> None:
    """Jump hosts with their users, what machines call themselves, and the user name in a Remote Desktop cookie."""
    office = VantageInfo("jump", "peter.pan@bastion", address="203.0.113.5")
    done = look()
    reached = replace(done.seen.outside[0], vantage=office, identity="FARM-7-LOGGER")
    inbound = replace(done, seen=replace(done.seen, outside=(reached,)))
    came = knock("mstshash=wendy")
    one = replace(
        alone("everything"), inbound=(inbound,), knocks=(replace(came, knock=replace(came.knock, evidence={"cookie": "mstshash=wendy"})),)
    )
    text = made(form, one, catalogue(), load_causes(), redact=True)
    for word in ("peter", "bastion", "FARM-7", "wendy", "203.0.113", "192.168.50", "PM2000-0815", "laptop", "North Field"):
        assert word not in text, word
    assert "PM2000" in text, "a model is no name of the site"


SCHEMA = jsonschema.Draft202012Validator(json.loads(files("aetui.assets").joinpath("report.schema.json").read_text("utf-8")))
CODED = (
    "status", "kind", "key", "state", "code", "speaks", "severity", "confidence", "owner", "overall", "transport", "event", "token", "proto",
    "schema", "requirement", "standing", "not_run", "ended", "cause", "guide", "step", "equipment", "method", "outcome", "started", "session",
)  # fmt: skip
"""Fields of the JSON report that hold codes."""


def coded(value: object, at: str = "") -> Iterator[tuple[str, object]]:
    """Every code of a JSON report with its place."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from ([(f"{at}/{key}", item)] if key in CODED and not isinstance(item, dict) else coded(item, f"{at}/{key}"))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from coded(item, f"{at}/{number}")


def called(word: str, one: Kept) -> Kept:
    """A session in which users and machines call themselves so."""
    came = knock(f"Cookie: mstshash={word}")
    came = replace(came, knock=replace(came.knock, evidence={"cookie": f"mstshash={word}"}, first_bytes=f"mstshash={word}".encode()))
    done = look()
    reached = replace(done.seen.outside[0], identity=word)
    return replace(one, knocks=(came,), inbound=(replace(done, seen=replace(done.seen, outside=(reached,), knocks=(came.knock,))),))


def document(one: Kept, redact: bool) -> dict[str, object]:
    found: dict[str, object] = json.loads(made("json", one, catalogue(), load_causes(), redact=redact))
    return found


def codes() -> list[str]:
    """Every word that stands as a code in a report of these sessions or in its schema, and the keys and common words beside them."""
    found: set[str] = set(KINDS)
    for one in (alone("everything"), kept()):
        found |= {str(code) for _, code in coded(document(one, redact=False)) if isinstance(code, str)}
    found |= set(re.findall(r"[a-z][a-z-]+", files("aetui.assets").joinpath("report.schema.json").read_text("utf-8")))
    return sorted(found | {"site", "works", "fail", "tcp", "rdp", "partly", "broken", "blocked", "name", "the", "lan", "address", "alsoenergy"})


KINDS = ("rdp", "telnet", "ssh", "http", "tls", "aetui", "unknown", "nothing", "answer", "back", "check", "verdict", "upnp", "matched", "wrong", "remote")


def test_whatever_anybody_calls_himself_codes_and_keys_stand() -> None:
    words = codes()
    assert {"pass", "fail", "rdp", "forward-missing", "site-it", "matched", "remote", "hard"} <= set(words)
    plain = list(coded(document(called("x", alone("everything")), redact=False)))
    for word in words:
        told = document(called(word, alone("everything")), redact=True)
        SCHEMA.validate(told)
        assert list(coded(told)) == plain, word


@pytest.mark.parametrize("word", ["rdp", "site", "works", "fail", "tcp", "partly", "streamer", "alsoenergy", "session", "name", "blocked", "measured", "e"])
def test_every_form_is_made_and_its_codes_and_hosts_stand_whatever_anybody_calls_himself(word: str) -> None:
    one = called(word, kept())
    told = {form: made(form, one, catalogue(), load_causes(), redact=True) for form in FORMS}
    SCHEMA.validate(json.loads(told["json"]))
    assert list(coded(json.loads(told["json"]))) == list(coded(document(one, redact=False)))
    rows, plain = (list(csv.reader(io.StringIO(made("csv", one, catalogue(), load_causes(), redact=r)))) for r in (True, False))
    assert [(row[0], row[4], row[7]) for row in rows] == [(row[0], row[4], row[7]) for row in plain]
    assert told["text"].startswith("BLOCKED: ")
    assert all("streamer.alsoenergy.com" in told[form] for form in ("html", "markdown", "json", "csv"))
    assert "Measured from demo tls-intercepted" in told["text"]


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("wendy", "name-1"), ("mstshash=wendy", "mstshash=name-1"), ("Wendy's", "name-1's"), ("to wendy.", "to name-1."), ("wendys", "wendys"),
        ("unwendy", "unwendy"), ("wendy@host", "name-1@host"), ("farm_wendy", "farm_name-1"), ("\\x0dwendy", "\\x0dname-1"),
        ("\\r\\nwendy\\r\\n", "\\r\\nname-1\\r\\n"), ("\\u202ewendy", "\\u202ename-1"),
    ],
)  # fmt: skip
def test_a_name_is_replaced_where_it_is_a_word_of_its_own(text: str, becomes: str) -> None:
    one = replace(alone("knock"), knocks=called("wendy", alone("knock")).knocks)
    assert redactor(one).text(text) == becomes


def test_bytes_that_spell_a_name_are_left_out_and_others_stand() -> None:
    (entry,) = document(called("wendy", alone("knock")), redact=True)["knocks"]  # type: ignore[misc]
    assert entry["first_bytes"] == ""
    (entry,) = document(alone("knock"), redact=True)["knocks"]  # type: ignore[misc]
    assert entry["first_bytes"] == "0300"


def test_a_short_note_takes_nothing_else_away() -> None:
    one = replace(kept(), about=about(note="e"))
    told = document(one, redact=True)
    SCHEMA.validate(told)
    assert told["note"] == "(left out)"
    assert list(coded(told)) == list(coded(document(one, redact=False)))


@pytest.mark.parametrize("kind", ["local", "jump", "ssh"])
def test_the_name_of_the_place_that_was_tested_from_goes_whatever_its_form(kind: str) -> None:
    one = kept()
    named = replace(one, state=replace(one.state, vantage=replace(one.state.vantage, kind=kind, name="solarpc")))
    assert "solarpc" not in made("json", named, catalogue(), load_causes(), redact=True)


@pytest.mark.parametrize("form", ["html", "markdown", "json"])
def test_nothing_is_replaced_unless_asked(form: str) -> None:
    text = made(form, kept(), catalogue(), load_causes())
    assert "192.168.50.20" in text
    assert "North Field" in text
    assert "lan-address" not in text


@pytest.mark.parametrize("form", FORMS)
def test_what_the_document_names_stays(form: str) -> None:
    text = made(form, kept(), catalogue(), load_causes(), redact=True)
    assert "streamer.alsoenergy.com" in text or form == "text"
    assert "tls-intercepted" in text or form == "text"


def test_one_thing_has_one_placeholder_in_every_form() -> None:
    page = made("html", kept(), catalogue(), load_causes(), redact=True)
    document = json.loads(made("json", kept(), catalogue(), load_causes(), redact=True))
    gateway = document["vantage"]["gateway"]
    assert re.fullmatch(r"lan-address-\d+", gateway)
    assert f"gateway {gateway}" in page
    assert document["session"] == kept().state.session
    assert document["schema"] == "aetui.report/1"


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("from 192.168.7.1 to 192.168.7.1", r"from lan-address-\d+ to lan-address-\d+"),
        ("net 10.1.2.0/24", r"net lan-address-\d+/24"),
        ("100.70.1.2", r"carrier-address-\d+"),
        ("seen 93.184.216.34:80", r"seen public-address-\d+:80"),
        ("198.51.100.7", r"public-address-\d+"),
        ("fe80::1 and 2a00:1450:4001::5", r"link-address-\d+ and public-address-\d+"),
        ("aa:bb:cc:dd:ee:ff", r"mac-\d+"),
        ("AA-BB-CC-DD-EE-FF", r"mac-\d+"),
        ("printer.customer.lan says", r"name-\d+ says"),
        ("tcp:router.local:443", r"tcp:name-\d+:443"),
        ("127.0.0.1 0.0.0.0 ::1", r"127\.0\.0\.1 0\.0\.0\.0 ::1"),
        ("9.9.9.9 at 12:34:56", r"9\.9\.9\.9 at 12:34:56"),
        ("204.232.231.197 is www.alsoenergy.com", r"204\.232\.231\.197 is www\.alsoenergy\.com"),
        ("version 1.2.3, 999.1.1.1", r"version 1\.2\.3, 999\.1\.1\.1"),
        ("It ends here. Then it goes on.", r"It ends here\. Then it goes on\."),
        ("NORTH FIELD", r"name-\d+"),
    ],
)
def test_what_is_replaced_and_by_what(text: str, becomes: str) -> None:
    assert re.fullmatch(becomes, redactor().text(text))


def test_the_same_address_written_in_two_ways_is_one() -> None:
    one = redactor()
    assert one.text("2A00:1450::0005") == one.text("2a00:1450::5")
    assert one.text("Printer.Customer.LAN") == one.text("printer.customer.lan")


@given(st.ip_addresses())
def test_no_address_survives_but_those_that_tell_nothing(address: object) -> None:
    found = redactor().text(f"at {address} now")
    tells = not any(getattr(address, f"is_{what}") for what in ("loopback", "unspecified", "multicast"))
    assert re.fullmatch(r"at [a-z]+-address-\d+ now", found) or not tells or str(address) in (*redactor()._kept, "255.255.255.255")


def test_what_has_been_redacted_is_not_changed_by_redacting_again() -> None:
    one = redactor()
    text = one.text("192.168.7.1 aa:bb:cc:dd:ee:ff printer.customer.lan")
    assert one.text(text) == text


def test_a_note_is_left_out_whole() -> None:
    one = replace(kept(), about=about(note="ask Mr Jones, the door opens with his badge"))
    for form in FORMS:
        said = made(form, one, catalogue(), load_causes(), redact=True)
        assert "Jones" not in said and "badge" not in said
