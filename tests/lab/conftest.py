"""The lab's fixtures: one lab a worker and module set, and a clear word where none can be built."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import pytest

from lab import topology
from lab.enter import inside
from lab.network import Lab

SETTLED_S = 3.0
"""The kernel tells of a lost or a new carrier at most once a second, and what was ended takes a moment to be gone."""
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


@pytest.fixture(scope="module")
def home(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home directory whose ssh configuration knows the jump host as ``noc``."""
    ssh = tmp_path_factory.mktemp("home") / ".ssh"
    ssh.mkdir(mode=0o700)
    key = (lab.home / "ssh_jump.pub").read_text().split()
    (ssh / "known_hosts").write_text(f"{topology.JUMP} {key[0]} {key[1]}\n")
    (ssh / "config").write_text(f"Host noc\n  HostName {topology.JUMP}\n  User tech\n  IdentityFile {lab.home}/ssh_user\n")
    return ssh.parent


@pytest.fixture(autouse=True)
def mended(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that leaves the lab other than it found it is what is wrong, not the one after it."""
    if "lab" not in request.fixturenames:
        yield
        return
    built: Lab = request.getfixturevalue("lab")
    before = built.standing()
    yield
    until = time.monotonic() + SETTLED_S
    while (after := built.standing()) != before and time.monotonic() < until:
        time.sleep(0.2)
    left = [line for name in before for line in unified_diff(before[name].split("\n"), after[name].split("\n"), name, "afterwards", n=0, lineterm="")]
    assert not left, "the lab was left changed:\n" + "\n".join(left)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The fault matrix as a table for people."""
    rows = [row for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed") for row in _fault_rows(report)]
    if not rows:
        return
    terminalreporter.write_sep("-", "what aetui can tell apart")
    for name, cause, right, seconds in rows:
        terminalreporter.write_line(f"{name:<46} {cause:<44} {'right' if right else 'WRONG'} {seconds:5.1f} s")
    right = sum(row[2] for row in rows)
    terminalreporter.write_line(f"{right} of {len(rows)} named right; slowest verdict {max(row[3] for row in rows):.1f} s")


def _fault_rows(report: pytest.TestReport) -> list[tuple[str, str, bool, float]]:
    return [(name, cause, right, seconds) for key, (name, cause, right, seconds) in report.user_properties if key == "fault"]  # type: ignore[misc]
