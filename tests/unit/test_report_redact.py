"""With --redact nothing that tells of the site is left in any form, the same thing is always the same placeholder, and the rest is
untouched.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

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
