"""What a guide makes of the knocks at its own listener: a flood is told and kept up to a bound, and looked at to its end."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from aetui.guide.records import Listen
from aetui.guiding import inbound
from aetui.inbound.knocklog import MOST_KEPT, Batch
from aetui.reach import Knock, Token

ACTION = Listen("198.51.100.2", "3389", "3389")
AT = datetime(2026, 1, 1, tzinfo=UTC)


def world() -> Any:
    kept: list[object] = []
    told: list[str] = []
    return SimpleNamespace(kept=kept, told=told, keep=lambda *found: kept.extend(found), tell=told.append, session=SimpleNamespace(at=lambda: AT))


def knocks(count: int, peer: str = "192.168.50.9", token: Token = Token.NONE) -> tuple[Knock, ...]:
    return tuple(Knock(AT, peer, 40000, 3389, "rdp", token=token) for _ in range(count))


def test_of_a_flood_so_many_knocks_are_told_and_kept_as_the_history_takes_and_all_are_counted() -> None:
    place = world()
    heard = inbound._Heard(place)
    for _ in range(100):
        heard(Batch(knocks(40), missed=5))
    assert len(place.kept) == len(place.told) == MOST_KEPT < 4000
    assert heard.count == 4500


LAST = [
    ("from the site alone", knocks(1), "knock-none"),
    ("from outside", knocks(1, "203.0.113.9"), "knock-seen"),
    ("with our code", knocks(1, token=Token.MATCHED), "knock-proved"),
]


@pytest.mark.parametrize(("last", "sign"), [row[1:] for row in LAST], ids=[row[0] for row in LAST])
def test_what_comes_behind_a_flood_still_counts(last: tuple[Knock, ...], sign: str) -> None:
    heard = inbound._Heard(world())
    heard(Batch(knocks(MOST_KEPT)))
    heard(Batch(last))
    assert inbound._by_knocks(ACTION, heard).signs == (sign,)
