"""The contract suite's fixtures: one ``world`` for each ``world_*.py`` here. ``vantage_world.py`` says how to plug a vantage in."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from vantage_peers import Peers
from vantage_world import World

WORLDS = sorted(path.stem for path in Path(__file__).parent.glob("world_*.py"))


@pytest_asyncio.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """An open vantage and its peers."""
    factory = importlib.import_module(request.param).world
    async with Peers() as peers, factory(peers) as made:
        yield made
