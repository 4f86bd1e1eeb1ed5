"""What a guide makes of the local network: the signs that lead it on, and that nothing is taken for seen that was not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aetui.catalogue import load as load_catalogue
from aetui.guide import interpreter
from aetui.guide.interpreter import Walk
from aetui.guide.library import load
from aetui.guide.records import Seen
from aetui.guiding import place
from aetui.lan.records import LanSeen
from aetui.observations import Interface, LinkSeen, NtpSeen, Outcome
from aetui.packet.messages import Offer
from aetui.records import Status

CARD = Interface("eth0", True, True, "02:00:00:00:00:20", ("192.168.50.20/24",))
HERE = LinkSeen((CARD,), "eth0", "192.168.50.20", "192.168.50.1", None, True, ("192.168.50.1",), dhcp=True)
BY_HAND = replace(HERE, dhcp=False)
MADE_UP = replace(HERE, address="169.254.7.7", gateway=None, default_interface=None)
OFFER = (Offer("192.168.50.1", "02:00:00:00:00:01", "192.168.50.100", "192.168.50.1", ("192.168.50.1",)),)

SIGNS = {
    "by DHCP, and asked": (LanSeen(HERE, offers=OFFER), Status.PASS, ["by-dhcp"]),
    "by DHCP: somebody hands out addresses, asked or not": (LanSeen(HERE, lacking="no right"), Status.PASS, ["by-dhcp"]),
    "by hand, and asked": (LanSeen(BY_HAND, offers=OFFER), Status.PASS, ["static"]),
    "by hand, and nobody was asked": (LanSeen(BY_HAND, lacking="no right"), Status.PASS, ["static", "not-asked"]),
    "nobody knows how": (LanSeen(replace(HERE, dhcp=None), lacking="no right"), Status.PASS, ["not-asked"]),
    "made up, which no DHCP server did": (LanSeen(MADE_UP), Status.FAIL, []),
}


@pytest.mark.parametrize("name", SIGNS)
def test_the_address_came(name: str) -> None:
    known, status, signs = SIGNS[name]
    assert list(place._signs(known, status)) == signs


def test_an_address_that_the_machine_made_up_is_not_said_to_be_handed_out() -> None:
    line = next(iter(place._lines(LanSeen(MADE_UP))))
    assert "169.254.7.7, made up by this computer" in line and "?" not in line and "DHCP" not in line


def test_a_clock_is_off_by_days_and_not_by_half_a_million_minutes() -> None:
    off = LanSeen(HERE, NtpSeen("192.0.2.1", Outcome.OPEN, offset_ms=34_560_000_000.0), OFFER)
    assert "This computer's clock is off by 400 days." in list(place._lines(off))


# ------------------------------------------------------------------------------------------------- and what follows from them
KIOSK = load(load_catalogue()).guides["kiosk"]
PASSED = Seen(Status.PASS)
TAKEN_OVER = {
    # what its own address was, what was answered or seen then: the verdict
    "DHCP was seen": (["both", "dhcp", PASSED], "all-fine"),
    "DHCP was not asked for": (["both", "dhcp", Seen(Status.PASS, ("static", "not-asked")), "go-on"], "address-open"),
    "its fixed address is free": (["both", "static", "192.168.50.30", "out", Seen(Status.PASS, ("free",)), ""], "all-fine"),
    "whether it is free was not seen": (["both", "static", "192.168.50.30", "out", Seen(Status.UNKNOWN), "go-on", ""], "address-open"),
    "it stayed plugged in, so nobody could see": (["both", "static", "192.168.50.30", "stays"], "address-open"),
}


@pytest.mark.parametrize("name", TAKEN_OVER)
def test_the_kiosks_verdict_says_no_more_than_was_seen_where(name: str) -> None:
    inputs, end = TAKEN_OVER[name]
    walk = interpreter.begin(KIOSK)
    for each in (*inputs, PASSED, PASSED, PASSED, PASSED):
        walk = _on(walk, each)
    assert interpreter.here(KIOSK, walk).reached == end


def _on(walk: Walk, given: str | Seen) -> Walk:
    if isinstance(given, Seen):
        after = interpreter.found(KIOSK, walk, given)
    elif interpreter.here(KIOSK, walk).reached == "plug-in":
        after = interpreter.go_on(KIOSK, walk)
    else:
        after = interpreter.answer(KIOSK, walk, given)
    assert isinstance(after, Walk), after
    return after


REMOTE = load(load_catalogue()).guides["pm2000"]
IN_ITS_PLACE = {
    "this computer has the address": (("ours", "free"), "remote.listen"),
    "nobody has it: this computer neither": (("free",), "remote.not-set"),
    "it is of another network than this computer's": (("elsewhere",), "remote.not-set"),
    "another device has it": (("taken",), "remote.still-there"),
    "without the right that is not seen": ((), "remote.listen"),
}


@pytest.mark.parametrize("name", IN_ITS_PLACE)
def test_the_proof_in_the_loggers_place_begins_only_where(name: str) -> None:
    signs, onward = IN_ITS_PLACE[name]
    step = REMOTE.steps["remote.swapped"]
    assert interpreter.led(step.on, step.otherwise, Seen(Status.UNKNOWN, signs).keys) == onward  # type: ignore[union-attr]


def test_a_knock_that_did_not_come_about_is_no_verdict_on_the_forward() -> None:
    step = REMOTE.steps["remote.listen"]
    assert interpreter.led(step.on, step.otherwise, Seen(Status.UNKNOWN).keys) == "remote.not-knocked"  # type: ignore[union-attr]
