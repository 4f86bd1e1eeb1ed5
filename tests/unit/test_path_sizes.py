"""What size gets through, read from recorded sweeps (traces/sizes/*.toml): one row a rule."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from path_recordings import TRACES, recording

from aetui.path.records import Flow, Heard, Method, Proto, Recording, ReplyKind, Shot
from aetui.path.sizes import EXACT, FULL, LEAST, MOST_STEPS, Search

CASES: list[dict[str, Any]] = [
    entry for file in sorted(Path(TRACES, "sizes").glob("*.toml")) for entry in tomllib.loads(file.read_text())["case"]
]
MOST_SWEEPS = 2 + MOST_STEPS + 12
"""The least size, the full one, the steps, and the halving between them."""


@pytest.mark.parametrize("case", CASES, ids=[case["rule"] for case in CASES])
def test_recorded_sweeps_are_read_by_the_rule(case: dict[str, Any]) -> None:
    version = 6 if ":" in case["target"] else 4
    search, sweeps = Search(version), 0
    while search.wanted is not None:
        held = min(int(key) for key in case if key.isdigit() and int(key) >= search.wanted)
        search.take(recording({"target": case["target"], "port": 33435, "proto": "udp", "hops": case[str(held)]}))
        sweeps += 1
    expected, found = case["expect"], search.found
    assert sweeps <= MOST_SWEEPS
    if expected.get("none"):
        assert found is None
        return
    assert found is not None
    assert [list(step) for step in found.steps] == expected["steps"]
    assert found.black_hole_after == expected.get("black_hole_after")
    assert expected["path"] - EXACT <= found.path <= expected["path"]


@given(st.integers(0, FULL), st.lists(st.integers(0, 2000), max_size=20), st.sampled_from([4, 6]))
def test_whatever_routers_say_the_search_ends_with_a_size_that_passes_or_none(passes: int, said: list[int], version: int) -> None:
    flow, search, sweeps = Flow("203.0.113.9", 33435, Proto.UDP), Search(version), 0
    while search.wanted is not None:
        size, sweeps = search.wanted, sweeps + 1
        shots = [Shot(1, 0.0, Heard(ReplyKind.TIME_EXCEEDED, "192.0.2.1", 1.0) if size <= passes else None)]
        if size > passes and said:
            named = said.pop()
            shots = [
                Shot(
                    1, 0.0, recording({"target": flow.address, "hops": [f"1 unreachable 192.0.2.1 1 icmp=3/4 mtu={named}"]}).shots[0].heard
                )
            ]
        search.take(Recording(flow.address, flow, Method.SOCKET, tuple(shots)))
        assert sweeps <= MOST_SWEEPS
    assert (search.found is None) is (passes < LEAST[version])
    assert search.found is None or search.found.path <= passes
