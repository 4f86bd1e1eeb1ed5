"""A walk that is left is taken up again: in the same console, and from the history by the next one, however the last one ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from guide_stage import WHICH, opened, row, shows, to_the_port, visit
from stage import screen, until

from aetui.store import opened as history

LEFT = "Left before its end: go on from there"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A history of the test's own."""
    monkeypatch.setenv("AETUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


async def left_at_the_port(demo: str, *, save: bool | None, leave: str = "") -> None:
    """Walk the PM2000's guide to the question of the public port, and end the console there."""
    async with opened("guide", demo, save=save) as pilot:
        await to_the_port(pilot)
        assert visit(pilot).saving is bool(save)
        if leave:
            await pilot.press(leave)
            await shows(pilot, WHICH)


@pytest.mark.parametrize("leave", ["n", ""], ids=["left by its key", "the console ended"])
async def test_the_next_console_goes_on_where_the_last_one_was_left(leave: str) -> None:
    await left_at_the_port("forward-missing", save=True, leave=leave)
    async with opened("guide", "forward-missing", save=True) as pilot:
        await shows(pilot, WHICH, LEFT, "PM2000, step 5: The public port")
        assert row(pilot) == "resume:pm2000", "what was left is what is selected"
        await pilot.press("enter")
        await shows(pilot, "Taken up again where it was left; steps that are known: 4.", "The public port", "Step 5 of about")
        await pilot.press("enter")
        await shows(pilot, "Prove it with this computer")
        await pilot.press("enter")
        await shows(pilot, "✗ Does not work: The router does not pass the port on")
        await pilot.press("n")
        await shows(pilot, WHICH)
        assert LEFT not in screen(pilot.app), "a walk that came to its verdict is not taken up again"
    with history() as kept:
        assert len(kept.sessions("guide")) == 2


async def test_every_answer_is_in_the_history_before_the_next_step_is_shown() -> None:
    async with opened("guide", "healthy", save=True) as pilot:
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?")
        await pilot.press("enter")
        await shows(pilot, "The PM2000's own address")
        with history() as kept:
            session = kept.sessions("guide")[0]
            kinds = [type(entry).__name__ for entry in kept.entries(session.id)]
        assert kinds.count("Answered") == 1
        assert kinds.count("Checked") == 1


async def test_a_walk_stands_under_the_name_that_the_site_has_in_the_console_and_so_do_those_that_are_offered() -> None:
    async with opened("guide", "healthy", save=True, site="Solar South") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("1", "n")
        await shows(pilot, "Site's name", "Solar South")
        await pilot.press(*["backspace"] * len("South"), *"North", "enter")
        await until(pilot, lambda: pilot.app.keeper.name == "Solar North")  # type: ignore[attr-defined]
        await pilot.press("5", "enter")
        await shows(pilot, "What is the trouble?")
        await pilot.press("enter")
        await shows(pilot, "The PM2000's own address")
        with history() as kept:
            assert [each.about.name for each in kept.sessions("guide")] == ["Solar North"]
        await pilot.press("n")
        await shows(pilot, WHICH, LEFT)
        await pilot.press("1")
        pilot.app.keeper.next("Solar South", "")  # type: ignore[attr-defined]
        await pilot.press("5")
        await until(pilot, lambda: LEFT not in screen(pilot.app), "walks of this site alone")


async def test_practice_is_not_written_down_and_is_kept_while_the_console_runs(home: Path) -> None:
    async with opened("guide", "healthy") as pilot:
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?", "the walk is kept until the console ends")
        await pilot.press("down", "enter")
        await shows(pilot, "✓ Works: The network lets the PM2000's data out")
        await pilot.press("escape")
        await shows(pilot, "What is the trouble?")
        await pilot.press("enter")
        await shows(pilot, "The PM2000's own address")
        await pilot.press("n")
        await shows(pilot, LEFT, "PM2000, step 3: The PM2000's own address")
        await pilot.press("enter")
        await shows(pilot, "Taken up again", "The PM2000's own address")
    with history() as kept:
        assert kept.sessions("guide") == []


async def test_a_history_that_cannot_be_written_is_said_and_the_guide_goes_on(home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    home.write_text("a file where the folder should be")
    async with opened("guide", "healthy", save=True) as pilot:
        await shows(pilot, WHICH)
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?", "This walk is not kept:")
        await pilot.press("enter")
        await shows(pilot, "The PM2000's own address")
