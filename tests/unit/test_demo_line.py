"""One direction of an emulated line: order, delay, loss, and segments too large for the path."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.demo.line import RETRANSMISSION_S, Conditions, DelayLine
from aetui.observations import Ended

Item = bytes | Ended


def run(items: list[Item], conditions: Conditions, delay_s: float = 0.0) -> list[tuple[float, Item]]:
    """What comes out, and after how many seconds."""

    async def main() -> list[tuple[float, Item]]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        came: list[tuple[float, Item]] = []
        all_came = asyncio.Event()

        def sink(item: Item) -> None:
            came.append((loop.time() - began, item))
            if len(came) == len(items):
                all_came.set()

        line = DelayLine(sink, delay_s, conditions)
        for item in items:
            line.push(item)
        if not line.dead:
            await all_came.wait()
        assert line.size == 0 or line.dead
        return came

    return asyncio.run(main())


def test_without_delay_bytes_pass_at_once() -> None:
    assert [item for _, item in run([b"a", b"b", Ended.CLOSED], Conditions())] == [b"a", b"b", Ended.CLOSED]


def test_a_delay_holds_every_item_and_keeps_the_order() -> None:
    came = run([b"a", b"b", Ended.CLOSED], Conditions(), 0.02)
    assert [item for _, item in came] == [b"a", b"b", Ended.CLOSED]
    assert all(at >= 0.02 for at, _ in came)


def test_a_lost_segment_holds_up_those_behind_it() -> None:
    losses: Iterator[bool] = chain([True], repeat(False))
    came = run([b"first", b"second"], Conditions(lost=lambda: next(losses)))
    assert [item for _, item in came] == [b"first", b"second"]
    assert all(at >= RETRANSMISSION_S for at, _ in came)


def test_a_chunk_of_several_segments_may_lose_each() -> None:
    asked: list[int] = []

    def lost() -> bool:
        asked.append(1)
        return False

    run([bytes(3000)], Conditions(lost=lost, mss=1460))
    assert len(asked) == 3


MTU = {
    "small bytes pass a narrow path": (1360, 1460, 1400, True),
    "a full segment vanishes in it": (1361, 1460, 1400, False),
    "a smaller segment size passes it": (5000, 1360, 1400, True),
    "a segment size one too large does not": (5000, 1361, 1400, False),
    "a wide path passes everything": (5000, 1460, 1500, True),
}


@pytest.mark.parametrize(("size", "mss", "mtu", "passes"), MTU.values(), ids=MTU)
def test_segments_and_the_path(size: int, mss: int, mtu: int, passes: bool) -> None:
    came = run([bytes(size)], Conditions(mss=mss, mtu=mtu))
    assert bool(came) is passes


def test_after_a_vanished_segment_nothing_follows_but_a_reset() -> None:
    async def main() -> list[Item]:
        came: list[Item] = []
        line = DelayLine(came.append, 0.0, Conditions(mtu=1400))
        for item in (bytes(1400), b"small", Ended.CLOSED, Ended.RESET):
            line.push(item)
        return came

    assert asyncio.run(main()) == [Ended.RESET]


def test_cancelling_forgets_what_is_on_the_way() -> None:
    async def main() -> list[Item]:
        came: list[Item] = []
        line = DelayLine(came.append, 0.01, Conditions())
        line.push(b"a")
        line.cancel()
        line.cancel()
        await asyncio.sleep(0.03)
        assert line.size == 0 or line.dead
        return came

    assert asyncio.run(main()) == []


@given(st.lists(st.binary(max_size=4000), max_size=20), st.booleans())
def test_no_byte_is_lost_doubled_or_moved(pieces: list[bytes], delayed: bool) -> None:
    came = run([*pieces, Ended.CLOSED], Conditions(), 0.001 if delayed else 0.0)
    assert b"".join(item for _, item in came if isinstance(item, bytes)) == b"".join(pieces)
    assert came[-1][1] is Ended.CLOSED
