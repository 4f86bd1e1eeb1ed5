"""What the console finds beside its runs (knocks, looks from outside, traces, guides) stands in the history, in its list's verdict, and in
the reports made of it.
"""

from __future__ import annotations

from typing import Any, cast

import pytest
from guide_stage import opened as guide_opened
from guide_stage import shows, to_the_outside
from shelves import at_history, detail, listed
from stage import World, console, finished, screen, tab, until
from textual.pilot import Pilot

from aetui.catalogue import load
from aetui.causes import load_causes
from aetui.entries import Kept
from aetui.reach import InboundSeen
from aetui.report.forms import made
from aetui.screens.app import AetuiApp
from aetui.screens.earlier import Earlier
from aetui.screens.inbound import Inbound
from aetui.screens.launch import Launch
from aetui.screens.reader import Reader
from aetui.store import Summary, opened


def stage(demo: str, *, save: bool | None = True, equipment: tuple[str, ...] = ()) -> AetuiApp:
    return AetuiApp(Launch(equipment, demo=demo, save=save, site="Solar East"), prepare=World().prepare)


async def to_inbound(app: AetuiApp, pilot: Pilot[Any]) -> Inbound:
    if not app.launch.equipment:
        await until(pilot, lambda: "What does the site have?" in screen(app))
        await pilot.press("escape")
    await pilot.press("3")
    await until(pilot, lambda: isinstance(app.screen, Inbound) and app.screen.view is not None)
    return cast("Inbound", app.screen)


async def knocked_and_looked(app: AetuiApp, pilot: Pilot[Any]) -> None:
    """Listen until somebody has knocked, then knock through the jump host."""
    inbound = await to_inbound(app, pilot)
    await pilot.press("s")
    await until(pilot, lambda: inbound.view is not None and inbound.view.site.entries)
    await pilot.press("t")
    await until(pilot, lambda: inbound.view is not None and inbound.view.outside.result is not None)


def kept_now() -> tuple[Summary, Kept]:
    with opened() as history:
        return history.find(), history.open()


async def test_knocks_and_a_look_from_outside_are_kept_where_nothing_has_run() -> None:
    app = stage("healthy")
    async with app.run_test(size=(100, 30)) as pilot:
        await knocked_and_looked(app, pilot)
        summary, kept = kept_now()
        assert (summary.about.command, summary.about.name, summary.vantage.kind) == ("listen", "Solar East", "demo")
        assert summary.verdict == "degraded"
        assert kept.knocks
        assert len(kept.inbound) == 1
        assert len(kept.inbound[0].seen.outside) == 2
        assert kept.state.ended is None
        await pilot.press("4")
        await until(pilot, lambda: "1 try from outside" in screen(app))
        assert "! works" in listed(app)[0]
        assert "Anybody can reach the port" in listed(app)[0]
        assert "knock" in detail(app)
        await pilot.press("q")
    _, kept = kept_now()
    assert kept.state.ended == "done"
    for form in ("html", "markdown", "csv", "json", "text"):
        assert kept.inbound[0].seen.outside[0].target.address in made(form, kept, load(), load_causes())


async def test_what_listens_has_the_history_open_before_the_first_knock_and_leaves_nothing_in_it_without_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nobody(*_: object) -> None:
        """No callers."""

    monkeypatch.setattr("aetui.screens.inbound_site._call", nobody)
    app = stage("healthy")
    async with app.run_test(size=(100, 30)) as pilot:
        inbound = await to_inbound(app, pilot)
        await pilot.press("s")
        await until(pilot, lambda: inbound.view is not None and inbound.view.site.is_open)
        aside = app.keeper._aside
        assert aside is not None and aside.journal.saving and not aside.begun
        assert app.keeper.session is None
    with opened() as history:
        assert history.count() == 0


async def test_a_session_whose_forward_is_missing_is_not_ready() -> None:
    app = stage("forward-missing")
    async with app.run_test(size=(100, 30)) as pilot:
        inbound = await to_inbound(app, pilot)
        await pilot.press("t")
        await until(pilot, lambda: inbound.view is not None and inbound.view.outside.result is not None)
        await pilot.press("4")
        await until(pilot, lambda: "1 try from outside" in screen(app))
        assert "✗ blocked" in listed(app)[0]
        assert "The router does not pass" in listed(app)[0]


async def test_what_is_found_after_a_run_stands_in_the_runs_session_and_worsens_its_verdict() -> None:
    app = stage("forward-missing", equipment=("pm2000",))
    async with app.run_test(size=(100, 30)) as pilot:
        await finished(pilot)
        assert kept_now()[0].verdict == "ready"
        inbound = await to_inbound(app, pilot)
        await pilot.press("t")
        await until(pilot, lambda: inbound.view is not None and inbound.view.outside.result is not None)
    summary, kept = kept_now()
    with opened() as history:
        assert history.count() == 1
    assert (summary.about.command, summary.verdict, summary.looks) == ("console", "degraded", 1)
    assert "forward-missing" in summary.causes
    text = made("text", kept, load(), load_causes())
    assert text.startswith("DEGRADED")
    assert "Nothing answers at port 3389" in " ".join(text.split())


@pytest.mark.parametrize("equipment", [(), ("pm2000",)])
async def test_practice_is_kept_only_where_it_is_asked_for(equipment: tuple[str, ...]) -> None:
    app = stage("healthy", save=None, equipment=equipment)
    async with app.run_test(size=(100, 30)) as pilot:
        if equipment:
            await finished(pilot)
        await knocked_and_looked(app, pilot)
        if equipment:
            assert app.runner.state is not None
            assert app.keeper.kept_now(app.runner.state).inbound, "a report of the run tells it all the same"
        await pilot.press("q")
    with opened() as history:
        assert history.count() == 0


async def test_a_run_that_follows_is_a_session_of_its_own() -> None:
    app = console(World(), ())
    async with app.run_test(size=(100, 30)) as pilot:
        await at_history(pilot)
        app.keeper.confirmed(InboundSeen(), ())
        await pilot.press("1")
        tab(app).start(equipment=("pm2000",))
        await finished(pilot)
        app.keeper.confirmed(InboundSeen(), ())
    with opened() as history:
        latest, first = history.sessions()
        assert (first.about.command, first.looks, first.checks, first.ended) == ("confirm", 1, 0, "done")
        assert (latest.about.command, latest.looks) == ("console", 1)
        assert latest.checks


async def test_a_guide_in_the_console_is_kept_with_its_looks_and_its_verdict() -> None:
    async with guide_opened("guide", "forward-missing", save=True) as pilot:
        await to_the_outside(pilot)
        await shows(pilot, "Prove it with this computer")
        await pilot.press("enter")
        await shows(pilot, "✗ Does not work: The router does not pass the port on")
        summary, kept = kept_now()
        assert (summary.about.command, summary.verdict) == ("guide", "blocked")
        assert "forward-missing" in summary.causes
        assert {type(entry).__name__ for entry in kept.walk} == {"Answered", "Checked", "Concluded"}
        assert kept.inbound
    page = made("html", kept, load(), load_causes())
    for words in ("BLOCKED: The router does not pass the port on", "What is the trouble?", "What to hand to whom", "The public port"):
        assert words in page


async def test_a_session_without_checks_opens_as_a_page_that_says_all_of_it() -> None:
    app = stage("forward-missing")
    async with app.run_test(size=(100, 40)) as pilot:
        inbound = await to_inbound(app, pilot)
        await pilot.press("t")
        await until(pilot, lambda: inbound.view is not None and inbound.view.outside.result is not None)
        await pilot.press("4")
        await until(pilot, lambda: "1 try from outside" in screen(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Reader))
        for words in ("BLOCKED: the equipment is not reached from outside.", "✗ The router does not pass the port on", "Who mends it", "Seen:"):
            assert words in screen(app)
        assert "`" not in screen(app), "a page, and no ticket's markup"


async def test_a_run_with_more_than_checks_says_so_where_it_is_opened_and_shows_it() -> None:
    app = stage("forward-missing", equipment=("pm2000",))
    async with app.run_test(size=(100, 40)) as pilot:
        await finished(pilot)
        inbound = await to_inbound(app, pilot)
        await pilot.press("t")
        await until(pilot, lambda: inbound.view is not None and inbound.view.outside.result is not None)
        await pilot.press("4")
        await until(pilot, lambda: "1 try from outside" in screen(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Earlier))
        await until(pilot, lambda: "Besides: 1 try from outside; with it the verdict" in screen(app))
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, Reader))
        assert "DEGRADED" in screen(app)
        assert "not pass the port on" in screen(app)


async def test_a_guides_session_opens_with_the_guides_verdict() -> None:
    async with guide_opened("guide", "forward-missing", save=True) as pilot:
        await to_the_outside(pilot)
        await shows(pilot, "Prove it with this computer")
        await pilot.press("enter")
        await shows(pilot, "✗ Does not work: The router does not pass the port on")
        await pilot.press("4")
        await until(pilot, lambda: "answers in a guide" in screen(pilot.app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        assert "BLOCKED: The router does not pass the port on" in screen(pilot.app)
