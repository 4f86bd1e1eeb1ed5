"""An FTP login that a person gives to the guide in the console: typed hidden, used at once, and found nowhere afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from guide_stage import opened, shows, types, visit
from stage import screen
from textual.widgets import Input

from aetui.catalogue import load as load_catalogue
from aetui.causes import load_causes
from aetui.guide.interpreter import Answer, Found
from aetui.guide.library import load as load_guides
from aetui.guide.records import Seen
from aetui.guiding.walker import Walker
from aetui.records import Status
from aetui.report.forms import FORMS, made
from aetui.store import opened as history

USER, WRONG = "uploader-7", "geheim-Zwo-91"
QUESTION = "Only the first half is proved"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A history of the test's own."""
    monkeypatch.setenv("AETUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


async def to_the_login(pilot) -> None:  # type: ignore[no-untyped-def]
    await shows(pilot, "Which equipment is it about?")
    await pilot.press("l")
    await types(pilot, "SMA")
    await shows(pilot, "The device's own test")
    await pilot.press("enter")
    await shows(pilot, QUESTION, "Yes, I type them now")


async def give(pilot, user: str, password: str) -> None:  # type: ignore[no-untyped-def]
    await pilot.press("home", "enter")
    await shows(pilot, "The login that you were given", "User name at the FTP server")
    await types(pilot, user)
    await shows(pilot, f"FTP password of {user}")
    field = pilot.app.screen.query_one(Input)
    await pilot.press(*password)
    assert field.password
    assert password == user or password not in screen(pilot.app), "it is not shown while it is typed"
    await pilot.press("enter")


async def test_a_login_is_used_for_the_test_and_kept_nowhere(home: Path) -> None:
    async with opened("guide", "healthy", save=True) as pilot:
        await to_the_login(pilot)
        await give(pilot, USER, WRONG)
        await shows(pilot, "The server does not take that login", "refuses the login.")
        await give(pilot, "demo", "demo")
        await shows(pilot, "✓ Works: Both connections work")
        everything = [screen(pilot.app), repr(visit(pilot).walker.walk)]  # type: ignore[union-attr]
        await pilot.press("w")
        await shows(pilot, "The way so far", "yes, I type them now")
        everything.append(screen(pilot.app))
    with history() as kept:
        (session,) = kept.sessions("guide")
        whole = kept.open(session.id)
        everything += [made(form, whole, load_catalogue(), load_causes()) for form in FORMS]
        everything += [repr(whole), *map(repr, kept.entries(session.id))]
    everything += [path.read_bytes().decode("latin-1") for path in home.rglob("*") if path.is_file()]
    assert len(everything) > 10
    for text in everything:
        assert WRONG not in text
        assert USER not in text


async def test_the_second_connection_is_seen_blocked_by_the_login_that_was_typed() -> None:
    async with opened("guide", "ftp-data-blocked") as pilot:
        await to_the_login(pilot)
        await give(pilot, "demo", "demo")
        await shows(pilot, "✗ Does not work: The second connection, which carries the files, is blocked")


async def test_declining_leaves_the_question_and_going_back_forgets_the_login() -> None:
    async with opened("guide", "healthy") as pilot:
        await to_the_login(pilot)
        await pilot.press("home", "enter")
        await shows(pilot, "User name at the FTP server")
        await pilot.press("escape")
        await shows(pilot, QUESTION)
        await give(pilot, "demo", "demo")
        await shows(pilot, "✓ Works: Both connections work")
        world = visit(pilot).room.world
        assert world is not None
        assert world.session.settings.credentials
        await pilot.press("escape")
        await shows(pilot, QUESTION)
        await pilot.press("escape")
        await shows(pilot, "The device's own test")
        await pilot.press("enter")
        await shows(pilot, QUESTION)
        assert not world.session.settings.credentials, "what was taken back is not used"


def test_a_walk_that_is_taken_up_again_before_the_login_was_used_asks_for_it_anew() -> None:
    guide = load_guides(load_catalogue()).guides["sma-ftp"]
    taken = (Answer("own-test", "bad"), Found("outbound.check", Seen(Status.PASS)), Answer("login", "give"))
    walker = Walker(guide)
    assert walker.take_up(taken) == 2
    assert walker.showing.reached == "login"
    assert walker.take_up((*taken, Found("with-login", Seen(Status.FAIL, ("ftp-refused",))))) == 4, "what was found with it stays known"
    assert walker.showing.reached == "login-again"
