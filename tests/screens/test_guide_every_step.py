"""Every step of every guide on a screen of 80x24 without colours: all of its words, all of its answers, and room for what was seen."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from guide_stage import opened, shows, visit
from stage import screen

from aetui.catalogue import load as load_catalogue
from aetui.guide import interpreter
from aetui.guide.errnos import load_errnos
from aetui.guide.interpreter import Found, Taken, Walk
from aetui.guide.library import load
from aetui.guide.records import Branch, End, Guide, Question
from aetui.guiding.walker import Walker

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from guide_world import survey

LIBRARY = load(load_catalogue())
LEAST_SEEN = 4
"""Lines that are left for what was seen."""


def walks(guide: Guide) -> Iterator[Walk]:
    """One walk to every step, the longest words that were put in."""
    told: dict[str, Walk] = {}
    for walk in survey(guide).walks:
        told.setdefault(interpreter.here(guide, walk).reached, walk)
    yield from (replace(walk, taken=tuple(map(_longest, walk.taken))) for walk in told.values())


def _longest(taken: Taken) -> Taken:
    """The longest that a check can put into later words."""
    if not isinstance(taken, Found):
        return taken
    long = {
        "candidates": ", ".join(f"192.168.50.{number} (Schneider Electric Industries)" for number in range(101, 109)),
        "meaning": max((each.meaning for each in load_errnos().values()), key=len),
    }  # fmt: skip
    facts = {name: long.get(name, value) for name, value in taken.seen.facts.items()}
    return replace(taken, seen=replace(taken.seen, facts=facts))


@asynccontextmanager
async def standing(guide: Guide) -> AsyncIterator[object]:
    """The Guide tab, with nothing that runs behind it."""
    async with opened("guide", "healthy") as pilot:
        await shows(pilot, "Which equipment is it about?")
        visit(pilot).guide = guide
        yield pilot


@pytest.mark.parametrize("key", LIBRARY.guides)
async def test_every_step_fits(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    guide = LIBRARY.guides[key]
    reached: set[str] = set()
    async with standing(guide) as pilot:
        for walk in walks(guide):
            walker = visit(pilot).walker = Walker(guide)
            walker.walk = walk
            pilot.app.screen_stack[0].draw()
            await pilot.pause()
            holds(walker, screen(pilot.app))
            reached.add(walker.showing.reached)
    assert reached == {step.id for step in guide.steps.values() if not isinstance(step, Branch)}


def holds(walker: Walker, seen: str) -> None:
    """What must be on the screen."""
    step, lines = walker.showing.step, seen.splitlines()
    said = " ".join(seen.split())
    assert max(map(len, lines)) <= 80
    assert " ".join(step.text.split()) in said, (walker.showing.reached, seen)
    assert " ".join(step.title.split()) in said, (walker.showing.reached, seen)
    if isinstance(step, Question):
        for choice in step.choices:
            label = f"{choice.label[:1].upper()}{choice.label[1:]}"
            assert label in said, (walker.showing.reached, label, seen)
    rule = next((number for number, text in enumerate(lines) if text.startswith("──")), len(lines))
    if not isinstance(step, End):
        assert len(lines) - 1 - rule >= LEAST_SEEN, (walker.showing.reached, seen)
        assert "█" in lines[1] or "·" in lines[1], "where one is"
