"""The lab's fixtures: one lab a worker and module set, and a clear word where none can be built."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lab.enter import inside
from lab.network import Lab

HOW = "no lab here: run python -m tests.lab.enter pytest tests/lab"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this directory is marked ``lab``."""
    here = os.path.dirname(__file__)  # noqa: PTH120 - str in, str out
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker("lab")


@pytest.fixture(scope="session")
def surroundings() -> None:
    """Skip where labs cannot be built; in CI (``CI=true``) that is a failure."""
    if inside():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(HOW)
    pytest.skip(HOW)


@pytest.fixture(scope="session")
def lab(surroundings: None) -> Iterator[Lab]:
    """One healthy lab a worker. A test that breaks something mends it (faults do)."""
    with Lab() as built:
        yield built
