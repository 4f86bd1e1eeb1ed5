"""Pictures of the Inbound tab as plain text, and what holds for every page of it. AETUI_SNAPSHOTS=write writes the pictures anew; look at
the difference before committing it.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from inbound_stage import QuietLocal, exposure, inbound, keys, tab, view
from stage import screen, until

from aetui.reach import Knock, Token
from aetui.screens import inbound_view
from aetui.screens.app import AetuiApp
from aetui.screens.inbound import Inbound
from aetui.screens.inbound_code import large, spelled
from aetui.screens.inbound_site import Entry
from aetui.screens.reader import Reader
from aetui.screens.words import tables
from aetui.wire.token import ALPHABET

FOLDER = Path(__file__).with_name("snapshots")
CODE = "7K3M-Q9XD"
AT = datetime(2026, 5, 4, 9, 30, 5, tzinfo=UTC)
SEEN = (
    Knock(AT, "198.51.100.24", 50122, 3389, "rdp", b"\x03\x00\x00\x2d\x28\xe0", Token.NONE, {"cookie": "support", "protocols": "tls nla"}),
    Knock(AT, "203.0.113.80", 41000, 23, "http", b"GET / HTTP/1.1", Token.NONE, {"request": "GET / HTTP/1.1", "scanner": "zgrab"}),
    Knock(AT, "2001:db8:40:17:9c01:aa3:17ff:fe21", 41001, 23, "nothing"),
    Knock(AT, "198.51.100.99", 41001, 3389, "nothing", refused="not-allowed"),
    Knock(AT, "192.52.193.242", 41001, 3389, "aetui", b"aetui/1?", Token.MATCHED),
)


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same code and times at every run, and no made-up callers."""
    import aetui.demo.callers as callers

    async def nobody(*_: object) -> None:
        return

    monkeypatch.setattr(callers, "call", nobody)
    monkeypatch.setattr("aetui.wire.token.new_code", lambda: CODE)
    monkeypatch.setattr(inbound_view, "local_vantage", QuietLocal)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


async def listening(app: AetuiApp, pilot: object) -> None:
    """Open, with a few knocks in the list."""
    site = view(app).site
    site.now = lambda: AT.replace(tzinfo=None)
    await pilot.press("s")  # type: ignore[attr-defined]
    await until(pilot, lambda: "EXPOSED" in exposure(app))  # type: ignore[arg-type]
    numbers = {port.wanted: port.outcome.port for port in site.ports}
    for serial, knock in enumerate(SEEN, 1):
        shown = replace(knock, port=numbers[knock.port])
        (site._notable if knock.token is Token.MATCHED else site._ordinary).append(Entry(serial, shown))
    site._came = len(SEEN)
    tab(app).draw()


PICTURES = [
    ("inbound-start-80x24", (80, 24), False, (), "utf-8"),
    ("inbound-open-80x24", (80, 24), True, (), "utf-8"),
    ("inbound-open-80x24-ascii", (80, 24), True, (), "ascii"),
    ("inbound-knock-80x24", (80, 24), True, ("end",), "utf-8"),
    ("inbound-open-120x40", (120, 40), True, (), "utf-8"),
    ("inbound-settings-80x24", (80, 24), False, ("e",), "utf-8"),
    ("inbound-from-here-80x24", (80, 24), False, ("o",), "utf-8"),
]


@pytest.mark.parametrize(("name", "size", "is_open", "press", "encoding"), PICTURES, ids=[p[0] for p in PICTURES])
async def test_it_looks_as_it_did(name: str, size: tuple[int, int], is_open: bool, press: tuple[str, ...], encoding: str) -> None:
    async with inbound(demo="healthy", size=size, encoding=encoding) as (app, pilot):
        if is_open:
            await listening(app, pilot)
        await pilot.press(*press)
        await until(pilot, lambda: len(screen(app).splitlines()) == size[1])
        await pilot.pause()
        seen = re.sub(r"\(\d{5}\)", "(PORT)", screen(app)) + "\n"
    seen = re.sub(r"\A[^\n]*1 Outbound[^\n]*\n", "", seen)  # the bar on top has other tabs too
    assert all(len(line) <= size[0] for line in seen.splitlines())
    kept = FOLDER / f"{name}.txt"
    if os.environ.get("AETUI_SNAPSHOTS") == "write":
        kept.write_text(seen, "utf-8")
    assert seen == kept.read_text("utf-8")


@pytest.mark.parametrize("press", ["down", "end", "enter", "question_mark", "e", "p", "h"])
async def test_without_utf8_every_cell_of_every_page_is_ascii(press: str) -> None:
    async with inbound(demo="forward-missing", encoding="ascii") as (app, pilot):
        await listening(app, pilot)
        await pilot.press("t")
        await until(pilot, lambda: view(app).outside.result is not None and not view(app).outside.busy)
        await pilot.press(press)
        await pilot.pause(0.1)
        assert not {c for c in screen(app) if not c.isascii()}


async def test_without_colour_no_cell_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with inbound(demo="healthy") as (app, pilot):
        await listening(app, pilot)
        for strip in app.screen._compositor.render_strips():
            for text, style, _ in strip:
                assert style is None or style.color is None or style.color.is_default, text
                assert style is None or style.bgcolor is None or style.bgcolor.is_default, text
        assert "! open" in screen(app)
        assert "✓ our code" in screen(app)


def actions() -> set[str]:
    """Every action that has a key on the tab."""
    return {binding.action for binding in Inbound.BINDINGS if hasattr(binding, "action")}


def test_every_action_with_a_key_stands_in_the_palette_and_in_the_help() -> None:
    assert actions() <= set(tables()["commands"])
    helped = " ".join(key for part in tables()["help"] if part.get("tab") == "inbound" for key, _ in part["lines"])
    bound = {getattr(binding, "key_display", None) or binding.key for binding in Inbound.BINDINGS if hasattr(binding, "key")}
    assert bound - {"d"} <= set(helped.split()), "the demo's key is said with Outbound's"


async def test_the_bar_shows_at_most_eight_keys_that_fit_and_only_what_does_something_now() -> None:
    async with inbound(demo="healthy") as (app, pilot):
        assert keys(app).split("  ") == [" s Listen", "t Jump host", "o From here", "e Settings", "? Why", "h Help", "q Quit"]
        await listening(app, pilot)
        assert keys(app).split("  ") == [" c Close ports", "t Jump host", "n Port", "? Why", "h Help", "q Quit"]
        await pilot.press("t")
        await until(pilot, lambda: view(app).outside.result is not None and not view(app).outside.busy and "Again" in keys(app))
        assert len(keys(app)) <= 80
        assert keys(app).count("  ") <= 8


async def test_help_begins_with_this_tab() -> None:
    async with inbound(demo="healthy") as (app, pilot):
        await pilot.press("h")
        assert isinstance(app.screen, Reader)
        assert "Inbound: on site" in screen(app).splitlines()[2]


async def test_without_a_mouse_or_a_time_that_runs_nothing_is_repainted_while_nothing_happens() -> None:
    async with inbound(demo="healthy") as (app, pilot):
        await listening(app, pilot)
        await pilot.pause(0.3)
        before, drawn = screen(app), []
        tab(app).draw = lambda: drawn.append(1)  # type: ignore[method-assign]
        await pilot.pause(1.2)
        assert screen(app) == before
        assert drawn == []


# ------------------------------------------------------------------------------------------------------------------ the code
@pytest.mark.parametrize("letter", ALPHABET)
def test_every_letter_of_a_code_has_a_word_and_a_shape_of_its_own(letter: str) -> None:
    words, shapes = tables_of()
    assert [key for key, word in words.items() if word == words[letter]] == [letter]
    assert [key for key, shape in shapes.items() if shape == shapes[letter]] == [letter]
    assert [len(line) for line in shapes[letter]] == [5] * 5
    assert set("".join(shapes[letter])) <= {" ", "#"}


def tables_of() -> tuple[dict[str, str], dict[str, list[str]]]:
    """Words and shapes."""
    from aetui.screens import inbound_words

    return inbound_words.tables()["spelling"], inbound_words.tables()["letters"]


@pytest.mark.parametrize(("width", "rows"), [(78, 5), (51, 5), (44, 11), (23, 11), (22, 1)], ids=str)
def test_a_large_code_fits_the_width(width: int, rows: int) -> None:
    shown = large("WWWW-WWWW", width)
    assert len(shown) == rows
    assert max(map(len, shown)) <= width


def test_a_code_is_spelled_in_two_groups() -> None:
    assert spelled(CODE) == "seven Kilo three Mike, Quebec nine X-ray Delta"
