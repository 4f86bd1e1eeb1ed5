"""Looking: filters, folds, explanations, help, palette, other sizes, other skins."""

from __future__ import annotations

import re

import pytest
from stage import World, certificate, connect, console, detail, finished, listed, screen, selected, shaken, summary, tab, until
from textual.widgets import Input, OptionList

from aetui.observations import Outcome
from aetui.screens.app import AetuiApp
from aetui.screens.outbound import Outbound
from aetui.screens.reader import Reader
from aetui.screens.widgets.bars import KeyBar
from aetui.screens.widgets.page import Page
from aetui.screens.widgets.rows import Rows
from aetui.screens.words import tables

DROPPED = "tcp:maki.alsoenergy.com:443"
WORLD = {DROPPED: connect(Outcome.FILTERED)}


def filters(app: AetuiApp) -> str:
    """The line of filters."""
    return str(tab(app).query_one("#filters").lines[0].text)  # type: ignore[attr-defined]


def keys(app: AetuiApp) -> str:
    """The bar of keys."""
    return str(app.screen.query_one(KeyBar).lines[0].text)


async def test_the_filter_goes_through_its_kinds_and_back() -> None:
    app = console(World(WORLD))
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        everything = listed(app)
        assert "[all 44]" in filters(app)
        await pilot.press("v")
        assert "[failed 1]" in filters(app)
        rows = [row for row in listed(app) if "──" not in row]
        assert [("maki" in row, "✗ failed" in row) for row in rows] == [(False, True), (True, True), (False, True)]
        await pilot.press("v", "v")
        assert "[waiting or not run" in filters(app)
        assert "TLS 443" in "\n".join(listed(app))
        assert "waits for TCP 443" in "\n".join(listed(app))
        await pilot.press("v")
        assert "[ok " in filters(app)
        assert "✗" not in "".join(row for row in listed(app) if row.startswith("     "))
        await pilot.press("v")
        assert listed(app) == everything
        await pilot.press("v", "V")
        assert listed(app) == everything


async def test_a_filter_that_nothing_fits_says_so() -> None:
    app = console(World())
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("v")
        assert listed(app)[0].strip() == "No row is failed. Press v to see others."


async def test_a_host_opens_and_folds_and_its_rows_show_what_was_seen() -> None:
    app = console(World())
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("down", "space")
        assert re.search(r"▾ ✓ ok +www", listed(app)[1])
        assert [row.split()[2] for row in listed(app)[2:8]] == ["Name", "TCP", "Web", "TCP", "TLS", "Web"]
        assert "204.232.231.197" in listed(app)[2]
        await pilot.press("down", "down")
        assert selected(app) == "tcp:www.alsoenergy.com:80"
        assert "PM2000: required" in detail(app)
        assert "Time spent  name 12 ms · connect 12 ms" in detail(app)
        await pilot.press("left")
        assert selected(app) == "host:www.alsoenergy.com", "folding a row goes to the line above it"
        await pilot.press("x")
        assert len(listed(app)) > 40
        await pilot.press("x")
        assert len(listed(app)) == 9


async def test_details_of_tls_show_the_issuer_and_both_stores() -> None:
    issuer = "CN=Zscaler Intermediate Root CA,O=Zscaler Inc."
    app = console(World({"tls:": lambda check, _: shaken(check, issuer, trusted=False)}))
    async with app.run_test(size=(120, 40)) as pilot:
        await finished(pilot)
        assert "Zscaler" in summary(app)
        tab(app).query_one(Rows).select("host:maki.alsoenergy.com")
        await pilot.press("space")
        tab(app).query_one(Rows).select("tls:maki.alsoenergy.com:443")
        await pilot.pause()
        await until(pilot, lambda: "Zscaler Inc." in detail(app))
        assert "a logger's roots" in detail(app)
        assert "not trusted" in detail(app)
        assert certificate().sha256 in detail(app)


async def test_question_mark_on_a_row_says_what_is_required_why_and_where_that_is_written() -> None:
    app = console(World(WORLD))
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        tab(app).query_one(Rows).select("host:maki.alsoenergy.com")
        await pilot.press("space")
        tab(app).query_one(Rows).select(DROPPED)
        await pilot.press("question_mark")
        assert isinstance(app.screen, Reader)
        text = "\n".join(f"{para.lead}{para.text}" for para in app.screen.query_one(Page).paras)
        for said in (
            "PM2000: required", "Gateway and datalogger IP endpoints", "146.20.187.118", "Takes in the data that loggers send.",
            "Data upload stops.", "What this name does is not written in the document", "What it proves", f"Check {DROPPED}",
        ):  # fmt: skip
            assert said in text
        await pilot.press("escape")
        assert isinstance(app.screen, Outbound)


async def test_question_mark_on_a_finding_says_what_it_means_how_we_know_and_who_mends_it() -> None:
    app = console(World(WORLD))
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("question_mark")
        assert isinstance(app.screen, Reader)
        text = "\n".join(para.text for para in app.screen.query_one(Page).paras)
        for said in ("What it means", "How we know", "Who mends it", "the site's IT", "What to do", "What it breaks", "Cause filtered"):
            assert said in text
        await pilot.press("q")
        assert isinstance(app.screen, Outbound), "q closes a page, not the console"


async def test_enter_opens_the_details_as_a_page_that_scrolls_and_follows_the_run() -> None:
    app = console(World(WORLD))
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("enter")
        assert isinstance(app.screen, Reader)
        assert "What was seen" in screen(app)
        await pilot.press("end")
        assert app.screen.query_one(Page).top == app.screen.query_one(Page).most_top
        await pilot.press("enter")
        assert isinstance(app.screen, Outbound)


def actions(app: AetuiApp) -> set[str]:
    """Every action that has a key on the tab or in the app."""
    own = [*Outbound.BINDINGS, *AetuiApp.BINDINGS]
    return {binding.action for binding in own if hasattr(binding, "action") and not binding.action.startswith("tab(")}


async def test_every_action_with_a_key_stands_in_the_help_and_in_the_palette() -> None:
    app = console(World(WORLD), demo="healthy")
    named = set(tables()["commands"])
    assert actions(app) - named == {"stop_or_quit", "fold(0)"}, "two keys for what others do"
    helped = " ".join(key for part in tables()["help"] for key, _ in part["lines"])
    for key in ("e", "r", "a", "f", "w", "c", "d", "v, V", "x", "Enter", "?", "h, F1", "q, Ctrl+Q", "Ctrl+P", "Ctrl+L", "Tab"):
        assert re.search(rf"(^|[ ,]){re.escape(key)}($|[ ,])", helped), key


async def test_the_palette_offers_what_can_be_done_now_and_does_it() -> None:
    app = console(World(WORLD))
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        titles = [command.title for command in app.get_system_commands(app.screen)]
        offered = set(titles)
        assert len(offered) == len(titles), "each once, however many keys it has"
        here = {"Choose equipment", "Check again what failed", "Wait until the selected row is open", "Help", "Quit", "Go to Outbound"}
        assert here <= offered
        assert "Stop" not in offered
        assert "Choose another demo site" not in offered
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen.query(OptionList) and app.screen.query_one(OptionList).option_count > 5)
        assert not app.screen.query_one(Input).cursor_blink
        app.screen.query_one(Input).value = "next kind"
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 1)
        await pilot.press("enter")
        await until(pilot, lambda: "[failed 1]" in filters(app))


async def test_the_bar_shows_at_most_eight_keys_and_all_of_them_fit() -> None:
    app = console(World(WORLD), demo="healthy")
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        text = keys(app).rstrip()
        assert text.split("  ") == [" e Equipment", "r Run", "a Again", "w Wait", "t Trace", "? Why", "h Help", "q Quit"]


async def test_another_demo_site_is_chosen_by_keys() -> None:
    world = World()
    app = console(world, demo="healthy")
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("d")
        await until(pilot, lambda: "Which site should the demo play?" in screen(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(world.launches) == 2)
        assert world.launches[1].demo not in {None, "healthy"}
        assert world.launches[1].equipment == ("pm2000",)


async def test_the_help_shows_every_part() -> None:
    app = console(World())
    async with app.run_test(size=(80, 200)) as pilot:
        await finished(pilot)
        await pilot.press("h")
        text = screen(app)
        for part in tables()["help"]:
            assert part["title"] in text
        assert "for at most 30 min" in " ".join(text.split())


# ------------------------------------------------------------------------------------------------------------ sizes and skins
async def test_a_wide_terminal_has_the_details_beside_the_list_and_keeps_the_selection_when_resized() -> None:
    app = console(World(WORLD))
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        tab(app).query_one(Rows).select("host:servlet.alsoenergy.com")
        await pilot.pause()
        under = tab(app).query_one("#pane").region
        assert under.y > tab(app).query_one(Rows).region.y
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        beside = tab(app).query_one("#pane").region
        assert beside.x >= tab(app).query_one(Rows).region.right
        assert selected(app) == "host:servlet.alsoenergy.com"
        assert max(len(line) for line in screen(app).splitlines()) <= 120
        await pilot.resize_terminal(60, 16)
        await pilot.pause()
        assert selected(app) == "host:servlet.alsoenergy.com"
        assert "servlet.alsoenergy.com" in screen(app), "the selected row stays in sight"


async def test_tab_goes_between_list_and_details() -> None:
    app = console(World(WORLD))
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        assert isinstance(app.focused, Rows)
        await pilot.press("tab")
        assert isinstance(app.focused, Page)
        await pilot.press("tab")
        assert isinstance(app.focused, Rows)


@pytest.mark.parametrize("press", ["tab", "right", "enter", "question_mark", "h", "e", "d", "ctrl+p"])
async def test_without_utf8_every_cell_of_every_page_is_ascii(press: str) -> None:
    app = console(World(WORLD), encoding="ascii", demo="healthy")
    async with app.run_test(size=(120, 40)) as pilot:
        await finished(pilot)
        await pilot.press(press)
        await pilot.pause(0.1)
        strange = {c for c in screen(app) if not c.isascii()}
        assert not strange
        if press == "tab":
            assert re.search(r"x failed +maki", screen(app))


async def test_without_colour_no_cell_has_one_and_the_selection_is_marked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = console(World(WORLD))
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        for strip in app.screen._compositor.render_strips():
            for text, style, _ in strip:
                assert style is None or style.color is None or style.color.is_default, text
                assert style is None or style.bgcolor is None or style.bgcolor.is_default, text
        row = next(strip for strip in app.screen._compositor.render_strips() if strip.text.startswith("▶"))
        assert all(style is not None and style.reverse for text, style, _ in row if text.strip())
        assert "✗ failed" in row.text
