"""Walking guides in the console, over the embedded site: by keys alone, to the verdict and its request."""

from __future__ import annotations

from pathlib import Path

import pytest
from guide_stage import LOGGER, WHICH, opened, paras, row, shows, to_the_outside, types, visit
from stage import screen, until
from textual import events
from textual.events import Hide
from textual.widgets import Input

from aetui.guide.records import Seen
from aetui.guiding.walker import Walker
from aetui.screens import frame
from aetui.screens.guide import GuideTab
from aetui.screens.reader import Reader
from aetui.screens.widgets.rows import Rows


async def test_a_broken_forward_is_found_with_at_most_nine_keys_beside_the_address() -> None:
    keys = ["5"]
    async with opened("guide", "forward-missing") as pilot:
        await shows(pilot, WHICH)
        for title in ("What is the trouble?", "The PM2000's own address"):
            keys.append("enter")
            await pilot.press("enter")
            await shows(pilot, title)
        keys.append("enter")
        await types(pilot, LOGGER)
        await shows(pilot, "The public port", "What was just seen", "answers: Remote Desktop")
        keys.append("enter")
        await pilot.press("enter")
        await shows(pilot, "Prove it with this computer in the PM2000's place?")
        keys.append("enter")
        await pilot.press("enter")
        await shows(pilot, "✗ Does not work: The router does not pass the port on to the PM2000", "What was found", "✗ failed")
        everything = paras(pilot)
        assert "Please forward TCP port 3389 of the internet router to the PM2000's local address" in everything
        assert "to the site's IT: " in everything
        assert len(keys) <= 9
        walker = visit(pilot).walker
        assert walker is not None and walker.conclusion is not None
        assert walker.conclusion.told[0].cause == "forward-missing"


async def test_a_healthy_site_ends_well_and_says_that_the_network_is_fine() -> None:
    async with opened("guide", "healthy", equipment=()) as pilot:
        await to_the_outside(pilot)
        await shows(pilot, "Who is let in?")
        await pilot.press("home", "enter")
        await shows(pilot, "✓ Works: The PM2000 gets out, and support gets in")


async def test_a_service_that_is_off_is_found_inside_already() -> None:
    async with opened("guide", "service-down") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?")
        await pilot.press("enter")
        await types(pilot, LOGGER)
        await shows(pilot, "The PM2000 is there, but Remote Desktop does not answer", "Step 5 of about")
        assert row(pilot) == "answer:stop"
        await pilot.press("enter")
        await shows(pilot, "✗ Does not work: The PM2000 itself does not answer")


async def test_back_asks_again_what_was_answered_and_tests_again_what_came_after_it() -> None:
    async with opened("guide", "forward-missing") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("escape")
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "Step 1 of about", "What is the trouble?")
        await pilot.press("escape")
        await shows(pilot, "This is the first step.")
        await pilot.press("enter")
        await types(pilot, "192.168.50.99")
        await shows(pilot, "No device has this address")
        await pilot.press("escape")
        await shows(pilot, "The PM2000's own address", "Step 3 of about")
        await types(pilot, LOGGER)
        await shows(pilot, "The public port")
        await pilot.press("escape", "escape")
        await shows(pilot, "What is the trouble?", "Step 1 of about")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("192.168.50", "'192.168.50' is not an address: four numbers with dots"),
        ("300.1.1.1", "'300.1.1.1' is not an address"),
        ("127.0.0.1", "'127.0.0.1' is an address that no device can have."),
    ],
)
async def test_what_does_not_fit_is_said_and_the_step_stays(typed: str, said: str) -> None:
    async with opened("guide", "healthy") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?")
        await pilot.press("enter")
        await types(pilot, typed)
        await shows(pilot, said, "The PM2000's own address")
        field = pilot.app.screen.query_one(Input)
        assert field.value == typed, "what was typed can be mended"
        await pilot.press("backspace")
        await until(pilot, lambda: said not in " ".join(screen(pilot.app).split()))


async def test_letters_stay_keys_where_an_address_is_typed() -> None:
    async with opened("guide", "healthy") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        said = await shows(pilot, "The way so far")
        assert "What is the trouble? → support cannot reach it" in said
        assert "→ ok" in said
        await pilot.press("escape")
        await pilot.press("n")
        await shows(pilot, WHICH, "Left before its end: go on from there", "PM2000, step 3: The PM2000's own address")


@pytest.mark.parametrize(
    ("label", "title"),
    [("PM 2000", "PM2000"), ("leviton emh", "AcquiSuite"), ("A8812", "AcquiSuite"), ("PowerLogger 1000 s/n 4711", "PL1000")],
)
async def test_the_guide_is_found_by_what_the_label_says(label: str, title: str) -> None:
    async with opened("guide", "healthy") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("l")
        await types(pilot, label)
        await shows(pilot, f"{title} Step 1 of about")


async def test_a_label_that_nobody_knows_is_said_without_being_read_as_markup() -> None:
    async with opened("guide", "healthy") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("l")
        await types(pilot, "[red]zzqx[/]")
        await shows(pilot, "No guide knows '[red]zzqx[/]'.")
        await pilot.press("escape")
        await until(pilot, lambda: row(pilot) != "" and pilot.app.focused is not None and pilot.app.focused.id == "guide-rows")


@pytest.mark.parametrize("pace_s", [0.25, 0.0], ids=["as on a slow line", "drawn at once"])
async def test_a_second_enter_does_not_answer_a_step_that_was_not_shown_yet(pace_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened("guide", "healthy") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        await pilot.pause()
        walker = visit(pilot).walker
        assert walker is not None
        known = len(walker.walk.taken)
        monkeypatch.setattr(frame, "PAINT_EVERY_S", pace_s)
        guide = pilot.app.screen
        assert isinstance(guide, GuideTab)
        guide._draw_due()
        for _ in range(2):
            pilot.app.post_message(events.Key("enter", None))
        await shows(pilot, "I can ask every address of this local network", "Is that all right with the site?")
        assert len(walker.walk.taken) == known + 1, "nobody was asked for that yet"
        await pilot.press("home", "enter")
        await until(pilot, lambda: len(walker.walk.taken) > known + 1, "an answer to what is shown")


async def test_after_a_fault_enter_begins_the_guide_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def torn(_walker: Walker, _world: object) -> Seen:
        raise ZeroDivisionError("torn")

    async with opened("guide", "healthy") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?")
        with monkeypatch.context() as patched:
            patched.setattr(Walker, "run", torn)
            await pilot.press("enter")
            await shows(pilot, "Cannot go on", "torn")
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?", "Step 1 of about")


async def test_a_running_test_is_stopped_and_nothing_is_taken_from_it() -> None:
    async with opened("guide", "everything-dropped") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?")
        await pilot.press("enter")
        await shows(pilot, "Testing,", "Does this network let the PM2000 out?")
        await pilot.press("ctrl+c")
        await shows(pilot, "Stopped; nothing is taken from this test.", "Test it now")
        walker = visit(pilot).walker
        assert walker is not None and len(walker.walk.taken) == 1
        await pilot.press("enter")
        await until(pilot, lambda: visit(pilot).running)


async def test_nothing_goes_on_when_the_console_ends() -> None:
    async with opened("guide", "everything-dropped") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?")
        await pilot.press("enter")
        await until(pilot, lambda: visit(pilot).running)
        room = visit(pilot).room
        await pilot.press("q")
        await until(pilot, lambda: pilot.app._exit)
    assert room.world is None


async def test_the_palette_and_the_help_know_the_guide() -> None:
    async with opened("guide", "healthy") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("h")
        await shows(pilot, "Guide", "leave for another guide")
        await pilot.press("escape")
        await pilot.press("ctrl+p", *"label")
        await shows(pilot, "Find the guide by what the label says")


async def test_what_must_be_seen_while_a_test_runs_is_seen_and_is_no_markup() -> None:
    async with opened("guide", "everything-dropped") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?")
        await pilot.press("enter")
        await until(pilot, lambda: visit(pilot).running)
        world = visit(pilot).room.world
        assert world is not None
        world.tell("Have your colleague type now: aetui confirm 192.0.2.1:3389 --code [b]K7QF[/b]")
        await shows(pilot, "aetui confirm 192.0.2.1:3389 --code [b]K7QF[/b]")


async def test_a_demo_site_that_is_changed_meanwhile_ends_the_walk_on_the_old_one() -> None:
    async with opened("guide", "healthy") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?")
        await pilot.press("1")
        pilot.app.relaunch(demo="service-down")  # type: ignore[attr-defined]
        await pilot.press("5")
        await shows(pilot, WHICH)
        await until(pilot, lambda: visit(pilot).guide is None)


async def test_the_embedded_sites_own_network_is_looked_through_for_the_logger() -> None:
    async with opened("guide", "healthy") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?")
        await pilot.press("enter")
        await types(pilot, "")
        await shows(pilot, "Look for it?")
        await pilot.press("enter")
        await shows(pilot, "Who is on this network?", "Testing,")
        await shows(pilot, LOGGER, "Is this the PM2000?")
        await pilot.press("enter")
        await shows(pilot, "The public port")


async def test_the_table_of_models_for_a_new_site_stands_under_its_verdict() -> None:
    async with opened("guide", "port-dropped") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("end", "enter")
        await shows(pilot, "New site Step 1 of about")
        while visit(pilot).walker is not None and visit(pilot).walker.conclusion is None:  # type: ignore[union-attr]
            await until(pilot, lambda: not visit(pilot).running and pilot.app.focused is not None)
            walker = visit(pilot).walker
            assert walker is not None
            before = len(walker.walk.taken)
            if walker.conclusion is None:
                await pilot.press("enter")
                await until(pilot, lambda before=before: len(visit(pilot).walker.walk.taken) > before or visit(pilot).wrong)  # type: ignore[misc, union-attr]
                assert visit(pilot).wrong is None
        await shows(pilot, "The verdict, after", "Model by model", "PM2000: does not work here yet")
        everything = paras(pilot)
        assert "PM2000: does not work here yet (streamer.alsoenergy.com 443" in everything
        assert "LogMeIn: works here" in everything


async def test_a_step_that_tests_nothing_shows_what_was_seen_before_it() -> None:
    async with opened("guide", "forward-missing") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?", "How this goes")
        await pilot.press("enter")
        await types(pilot, LOGGER)
        await shows(pilot, "The public port")
        await pilot.press("enter")
        await shows(pilot, "Prove it with this computer")
        await pilot.press("home", "enter")
        await shows(pilot, "Take the PM2000's place", "What was seen before", "Done: go on")
        await pilot.press("escape", "enter")
        await shows(pilot, "Does not work")
        await pilot.press("y")
        await shows(pilot, "The request was given to the terminal's clipboard")
        assert "Please forward TCP port 3389" in pilot.app.clipboard


OWN = """
guide = "pump"
title = "Pump station"
about = "Our own."
labels = ["Pump"]
start = "look"
[step.look]
is = "question"
title = "Is the pump's light on?"
text = "It is green, beside the door."
ask = "yes-no"
default = "yes"
yes = "good"
no = "{no}"
[step.good]
is = "verdict"
outcome = "ready"
title = "The pump runs"
text = "Nothing to do."
now = ["Go home."]
[step.dark]
is = "verdict"
outcome = "blocked"
title = "The pump is off"
text = "It has no power."
now = ["Switch it on."]
"""


async def test_a_users_own_guide_is_walked_like_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AETUI_GUIDES", str(tmp_path))
    (tmp_path / "pump.toml").write_text(OWN.format(no="dark"))
    async with opened("guide", "healthy") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("l")
        await types(pilot, "Pump")
        await shows(pilot, "Is the pump's light on?")
        await pilot.press("end", "enter")
        await shows(pilot, "✗ Does not work: The pump is off", "1. Switch it on.")


async def test_a_users_own_guide_that_is_wrong_names_file_step_and_fault_and_nothing_else_is_lost(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AETUI_GUIDES", str(tmp_path))
    (tmp_path / "pump.toml").write_text(OWN.format(no="nowhere"))
    async with opened("guide", "healthy") as pilot:
        said = await shows(pilot, "Cannot go on", "'nowhere'")
        assert "pump.toml:step.look:" in "".join(screen(pilot.app).split()), "however long the path before it, and wherever it is broken"
        assert "there is no such step" in said
        await pilot.press("6")
        await shows(pilot, "This computer")


async def test_a_list_that_hears_late_that_it_was_hidden_has_the_keys_all_the_same() -> None:
    async with opened("guide", "healthy") as pilot:
        await shows(pilot, WHICH)
        pilot.app.screen.query_one(Rows).post_message(Hide())
        await pilot.pause()
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?")
