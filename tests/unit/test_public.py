"""What is made of the router's word and of what a place outside sees: the site's public address, or why it is not known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aetui.guide.records import Public as Asked
from aetui.guiding import public as guiding_public
from aetui.guiding.public import line
from aetui.inbound.public import Reading, Told, read
from aetui.reach import NatSeen, OuterSide
from aetui.screens.learnt import By, Learnt, Public, here

GATEWAY, OWN, PUBLIC, OTHER = "192.168.50.1", "192.168.50.20", "203.0.113.7", "198.51.100.9"


def upnp(address: str | None) -> OuterSide:
    return OuterSide("upnp", address, "success")


def pmp(address: str | None) -> OuterSide:
    return OuterSide("nat-pmp", address, "success")


@pytest.mark.parametrize(
    ("outer", "outside", "own", "told", "address"),
    [
        ((upnp(PUBLIC),), PUBLIC, OWN, Told.AGREED, PUBLIC),
        ((upnp("10.0.0.2"), pmp(PUBLIC)), PUBLIC, OWN, Told.AGREED, PUBLIC),
        ((), PUBLIC, OWN, Told.OUTSIDE, PUBLIC),
        ((upnp(None),), PUBLIC, OWN, Told.OUTSIDE, PUBLIC),
        ((upnp(OTHER),), PUBLIC, OWN, Told.DIFFERS, PUBLIC),
        ((upnp("192.168.1.2"),), PUBLIC, OWN, Told.BEHIND, PUBLIC),
        ((upnp("100.64.7.2"),), PUBLIC, OWN, Told.SHARED, PUBLIC),
        ((upnp(PUBLIC),), None, OWN, Told.ROUTER, PUBLIC),
        ((pmp(PUBLIC),), None, OWN, Told.ROUTER, PUBLIC),
        ((upnp("192.168.1.2"),), None, OWN, Told.HIDDEN, None),
        ((upnp("100.64.7.2"),), None, OWN, Told.CARRIER, None),
        ((), None, OWN, Told.UNKNOWN, None),
        ((upnp(None),), None, OWN, Told.UNNAMED, None),
        ((OuterSide("nat-pmp", None, "network-failure"),), None, OWN, Told.UNNAMED, None),
        ((OuterSide("upnp", None, "error 501"),), None, OWN, Told.UNKNOWN, None),
        ((upnp("0.0.0.0"),), None, OWN, Told.UNNAMED, None),
        ((), None, PUBLIC, Told.OWN, PUBLIC),
        ((), PUBLIC, PUBLIC, Told.OWN, PUBLIC),
        ((), None, None, Told.UNKNOWN, None),
    ],
)
def test_who_says_what(outer: tuple[OuterSide, ...], outside: str | None, own: str | None, told: Told, address: str | None) -> None:
    reading = read(NatSeen(GATEWAY, own, outer, outside), "office" if outside else "")
    assert (reading.told, reading.address) == (told, address)
    said = line(reading)
    assert (address or "not known") in said
    assert "office" in said or not outside or told is Told.OWN
    assert not outer or told in {Told.AGREED, Told.UNKNOWN, Told.UNNAMED, Told.OUTSIDE, Told.OWN} or (outer[0].address or "?") in said, "a word that counts is shown"


@pytest.mark.parametrize("told", Told)
def test_each_has_its_sentences_and_what_is_not_known_says_how_to_learn_it(told: Told) -> None:
    from aetui.screens.site_facts import public_fact

    reading = Reading(told, None if told in {Told.HIDDEN, Told.CARRIER, Told.UNKNOWN, Told.UNNAMED} else PUBLIC, OTHER, "UPnP", "office")
    assert len(public_fact(reading).text) <= 48, "a row of 80 columns holds it"
    assert "{" not in line(reading)
    if told is Told.UNKNOWN:
        assert "jump host" in line(reading)
        assert "status page" in line(reading)


def test_names_from_outside_are_made_displayable() -> None:
    from aetui.screens.site_facts import public_fact

    reading = read(NatSeen(GATEWAY, OWN, (), PUBLIC), "off\x1b[2Jice\u202e")
    assert "\x1b" not in line(reading) + public_fact(reading).text
    assert "\u202e" not in line(reading) + public_fact(reading).text


def test_the_stronger_word_stays_and_of_two_alike_the_later() -> None:
    learnt, site = Learnt(), here(None)
    learnt.type(site, OTHER)
    learnt.tell(site, Public(PUBLIC, By.ROUTER))
    learnt.type(site, OTHER)
    assert learnt.public(site) == Public(PUBLIC, By.ROUTER)
    learnt.tell(site, Public(OTHER, By.OUTSIDE, "office"))
    learnt.tell(site, Public(PUBLIC, By.OUTSIDE, "branch"))
    assert learnt.public(site) == Public(PUBLIC, By.OUTSIDE, "branch")


@pytest.mark.parametrize("text", ["site.example", "", "999.1.1.1"])
def test_a_name_is_not_taken_for_an_address(text: str) -> None:
    learnt = Learnt()
    learnt.type("local", text)
    assert learnt.public("local") is None


def test_no_sites_address_is_taken_for_anothers() -> None:
    learnt = Learnt()
    learnt.tell(here(None), Public(PUBLIC, By.OUTSIDE))
    assert learnt.public(here("healthy")) is None
    assert learnt.public(here(None, "jump:inside")) is None

class Outside:
    """Places outside, by name: one that sees no address of ours."""

    why = "never mind"

    def __init__(self, place: object | None) -> None:
        self._place = place

    async def at(self, name: str) -> object | None:
        return self._place


@pytest.mark.parametrize(("place", "says"), [(SimpleNamespace(info=SimpleNamespace(name="office")), "nor the place outside"), (None, "no place outside was asked")])
async def test_a_place_outside_that_is_there_and_tells_nothing_is_not_said_to_be_missing(monkeypatch: pytest.MonkeyPatch, place: Any, says: str) -> None:
    async def learn(*_: object) -> NatSeen:
        return NatSeen(GATEWAY, OWN)

    monkeypatch.setattr(guiding_public, "learn", learn)
    readings: list[Reading] = []
    world: Any = SimpleNamespace(demo=None, here=None, outside=Outside(place), learn=readings.append)
    found = await guiding_public.run(world, Asked(), "office")
    assert says in " ".join(found.lines)
    assert ("There is no place outside" in " ".join(found.lines)) == (place is None)
    assert readings[0].opened == (place is not None)
