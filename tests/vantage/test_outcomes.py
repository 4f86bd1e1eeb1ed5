"""Errno and ICMP to outcome: ICMP first, then what the call said at once, then what came back."""

from __future__ import annotations

import errno as e

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.observations import Icmp, Outcome
from aetui.vantage.connecting import by_ourselves
from aetui.vantage.outcomes import ICMP4, ICMP6, classify, symbol

ROUTER = "192.168.50.1"
ROUTER6 = "fd00::1"


@pytest.mark.parametrize(
    ("name", "error", "icmp", "outcome"),
    [
        ("a reset", e.ECONNREFUSED, None, Outcome.REFUSED),
        ("the same errno with an ICMP behind it", e.ECONNREFUSED, Icmp(3, 3, ROUTER), Outcome.REJECTED),
        ("net prohibited", e.ENETUNREACH, Icmp(3, 9, ROUTER), Outcome.REJECTED),
        ("host prohibited", e.EHOSTUNREACH, Icmp(3, 10, ROUTER), Outcome.REJECTED),
        ("admin prohibited", e.EHOSTUNREACH, Icmp(3, 13, ROUTER), Outcome.REJECTED),
        ("net unreachable", e.ENETUNREACH, Icmp(3, 0, ROUTER), Outcome.UNREACHABLE),
        ("host unreachable", e.EHOSTUNREACH, Icmp(3, 1, ROUTER), Outcome.UNREACHABLE),
        ("time exceeded", e.EHOSTUNREACH, Icmp(11, 0, ROUTER), Outcome.UNREACHABLE),
        ("IPv6 3/0 is time exceeded", e.EHOSTUNREACH, Icmp(3, 0, ROUTER6), Outcome.UNREACHABLE),
        ("IPv6 1/1 is prohibited", e.EACCES, Icmp(1, 1, ROUTER6), Outcome.REJECTED),
        ("IPv6 1/4 is port unreachable", e.ECONNREFUSED, Icmp(1, 4, ROUTER6), Outcome.REJECTED),
        ("the kernel gave up by itself", e.ETIMEDOUT, None, Outcome.FILTERED),
        ("no way, and nothing says from where", e.EHOSTUNREACH, None, Outcome.UNREACHABLE),
        ("the firewall refused later", e.EPERM, None, Outcome.DENIED),
        ("an ICMP that no standard has", e.EPROTO, Icmp(3, 200, ROUTER), Outcome.FAILED),
        ("out of descriptors", e.EMFILE, None, Outcome.FAILED),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_came_back(name: str, error: int, icmp: Icmp | None, outcome: Outcome) -> None:
    assert classify(error, icmp, at_once=False) is outcome


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (e.ENETUNREACH, Outcome.NO_ROUTE),
        (e.EHOSTUNREACH, Outcome.NO_ROUTE),
        (e.EINVAL, Outcome.NO_ROUTE),
        (e.EAFNOSUPPORT, Outcome.NO_ROUTE),
        (e.EPERM, Outcome.DENIED),
        (e.EACCES, Outcome.DENIED),
        (e.ECONNREFUSED, Outcome.REFUSED),
        (e.EMFILE, Outcome.FAILED),
    ],
)
def test_what_the_call_said_at_once(error: int, outcome: Outcome) -> None:
    assert classify(error, None, at_once=True) is outcome


@pytest.mark.parametrize(
    ("icmp", "outcome"),
    [
        (Icmp(3, 1, "10.0.0.2"), Outcome.NO_NEIGHBOUR),
        (Icmp(1, 3, "fd00::2"), Outcome.NO_NEIGHBOUR),
        (Icmp(3, 3, "10.0.0.2"), Outcome.DENIED),
        (Icmp(3, 13, "10.0.0.2"), Outcome.DENIED),
        (Icmp(1, 1, "fd00::2"), Outcome.DENIED),
    ],
)
def test_what_this_machine_told_itself(icmp: Icmp, outcome: Outcome) -> None:
    assert classify(e.EHOSTUNREACH, icmp, at_once=False, ours=True) is outcome


@pytest.mark.parametrize(
    ("sender", "local", "target", "ours"),
    [
        ("10.0.0.2", "10.0.0.2", "198.51.100.1", True),
        ("10.0.0.1", "10.0.0.2", "198.51.100.1", False),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1", False),
        ("10.0.0.1", None, "198.51.100.1", False),
    ],
)
def test_an_error_is_our_own_where_we_sent_it_about_somebody_else(sender: str, local: str | None, target: str, ours: bool) -> None:
    assert by_ourselves(Icmp(3, 1, sender), local, target) is ours


def test_every_destination_unreachable_code_of_the_standards_has_an_outcome() -> None:
    assert {(3, code) for code in range(16)} <= set(ICMP4)
    assert {(1, code) for code in range(7)} <= set(ICMP6)


ANY_ICMP = st.builds(Icmp, st.integers(0, 255), st.integers(0, 255), st.sampled_from([ROUTER, ROUTER6]))


@given(st.integers(0, 300), st.none() | ANY_ICMP, st.booleans())
def test_everything_has_an_outcome_and_a_failure_is_never_open(error: int, icmp: Icmp | None, at_once: bool) -> None:
    assert classify(error, icmp, at_once=at_once) is not Outcome.OPEN


def test_errno_symbols_are_the_same_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(e.errorcode, 10061, "WSAECONNREFUSED")
    assert [symbol(0), symbol(e.ECONNREFUSED), symbol(10061), symbol(99999)] == [None, "ECONNREFUSED", "ECONNREFUSED", "E99999"]
