"""The ntp probe over a vantage in memory: which replies count, and that no server is asked too often."""

from __future__ import annotations

import asyncio
import math
import struct
import time

import pytest
from fake_vantage import FakeVantage

from aetui.observations import NtpSeen, Outcome
from aetui.probes import ntp
from aetui.probes.base import Given, Settings
from aetui.records import Check, VantageInfo
from aetui.wire import sntp

SERVER = "192.0.2.123"


@pytest.fixture(autouse=True)
def fresh_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ntp, "_next_question", {})


def reply(
    query: bytes, *, stratum: int = 2, mode: int = 4, origin: bytes | None = None, skew: float = 0.0, refid: bytes = b"GPS\0"
) -> bytes:
    now = struct.pack(">Q", sntp.timestamp(time.time() + skew))
    return bytes((0x20 | mode, stratum, 6, 0xEC)) + bytes(8) + refid + now + (query[40:48] if origin is None else origin) + now + now


async def measured(vantage: FakeVantage, deadline: float = math.inf, **about: str) -> NtpSeen:
    check = Check("ntp:x:123", "ntp", "time.example", 123, about=about)
    result = await ntp.measure(check, Given((SERVER,)), vantage, Settings(), deadline)
    assert isinstance(result.observation, NtpSeen)
    return result.observation


async def test_a_good_answer_gives_offset_delay_and_stratum() -> None:
    seen = await measured(FakeVantage(asks={SERVER: lambda q: reply(q, skew=90.0, stratum=1)}))
    assert (seen.outcome, seen.stratum, seen.mode, seen.origin_echoed, seen.refid, seen.kiss) == (Outcome.OPEN, 1, 4, True, "GPS", None)
    assert seen.offset_ms == pytest.approx(90_000, abs=500)
    assert seen.delay_ms is not None


async def test_every_question_carries_another_nonce() -> None:
    vantage = FakeVantage(asks={SERVER: reply}, info=VantageInfo("demo", "x"))
    for _ in range(5):
        await measured(vantage)
    assert len({query[40:48] for query in vantage.asked[SERVER]}) == 5


async def test_strays_are_counted_and_passed_over() -> None:
    replies = {SERVER: lambda q: [b"junk", reply(q, mode=3), reply(q, origin=b"otherone"), reply(q)]}
    seen = await measured(FakeVantage(asks=replies))
    assert (seen.origin_echoed, seen.stray) == (True, 3)


async def test_an_answer_to_another_question_is_remembered_and_gives_no_time() -> None:
    seen = await measured(FakeVantage(asks={SERVER: lambda q: [reply(q, origin=bytes(8))]}))
    assert (seen.outcome, seen.origin_echoed, seen.stratum, seen.offset_ms, seen.stray) == (Outcome.OPEN, False, 2, None, 1)


@pytest.mark.parametrize(("stratum", "kiss"), [(0, "RATE"), (16, None)])
async def test_a_server_that_will_not_or_cannot_tell_gives_no_time(stratum: int, kiss: str | None) -> None:
    seen = await measured(FakeVantage(asks={SERVER: lambda q: reply(q, stratum=stratum, refid=b"RATE")}))
    assert (seen.outcome, seen.kiss, seen.offset_ms, seen.origin_echoed) == (Outcome.OPEN, kiss, None, True)


@pytest.mark.parametrize("outcome", [Outcome.FILTERED, Outcome.REFUSED, Outcome.REJECTED, Outcome.DENIED])
async def test_no_answer_is_told_as_the_vantage_has_it(outcome: Outcome) -> None:
    seen = await measured(FakeVantage(asks={SERVER: lambda q: outcome}))
    assert (seen.outcome, seen.stratum, seen.origin_echoed) == (outcome, None, None)


async def test_the_source_port_is_asked_for() -> None:
    vantage = FakeVantage(asks={SERVER: reply})
    assert (await measured(vantage, source_port="123")).source_port == 123
    assert vantage.source_ports == [123]


async def test_a_server_is_not_asked_again_before_its_pause_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(ntp, "clock_of_turns", lambda: 1000.0)
    monkeypatch.setattr(ntp.asyncio, "sleep", sleep)
    vantage = FakeVantage(asks={SERVER: reply})
    for _ in range(3):
        await measured(vantage)
    assert slept == [0.0, ntp.PAUSE_S, 2 * ntp.PAUSE_S]


async def test_a_question_whose_turn_comes_too_late_is_not_sent() -> None:
    vantage = FakeVantage(asks={SERVER: reply})
    await measured(vantage)
    seen = await measured(vantage, asyncio.get_running_loop().time() + 1.0)
    assert (seen.outcome, seen.errno, seen.stratum) == (Outcome.FAILED, "EAGAIN", None)
    assert len(vantage.asked[SERVER]) == 1


async def test_the_embedded_site_is_asked_as_often_as_one_likes() -> None:
    vantage = FakeVantage(asks={SERVER: reply}, info=VantageInfo("demo", "healthy"))
    for _ in range(3):
        assert (await measured(vantage)).outcome is Outcome.OPEN
