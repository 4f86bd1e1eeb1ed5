"""TCP over any vantage: connect outcomes, streams, deadlines, cancellation."""

from __future__ import annotations

import asyncio

import pytest
from holdups import HoldUps
from vantage_world import BIG_SIZE, FAREWELL, Kind, Place, World, big_bytes

from aetui.observations import Ended, Outcome
from aetui.vantage.base import Capability, Connection, Stream, StreamEnded

PATIENCE = 10.0
"""Seconds that a step which must succeed may take on a loaded machine."""
SHORT = 0.3
"""Seconds of a deadline that must run out."""
PROMPT = 0.1
"""Seconds within which a cancelled call must have ended (DESIGN rule 3), but for what the machine held it up."""


def soon(seconds: float = PATIENCE) -> float:
    return asyncio.get_running_loop().time() + seconds


async def opened(world: World, place: Place) -> Stream:
    connection = await world.vantage.connect(place.address, place.port, soon())
    assert connection.seen.outcome is Outcome.OPEN
    assert connection.stream is not None
    return connection.stream


async def read_all(stream: Stream, most: int = 65536) -> bytes:
    parts = []
    while part := await stream.read(most, soon()):
        assert len(part) <= most
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("kind", [Kind.ECHO, Kind.ECHO6])
async def test_an_open_port_gives_a_stream_and_says_where_it_went(world: World, kind: Kind) -> None:
    place = world.at(kind)
    connection = await world.vantage.connect(place.address, place.port, soon())
    assert (connection.seen.address, connection.seen.port) == (place.address, place.port)
    assert (connection.seen.outcome, connection.seen.errno, connection.seen.icmp) == (Outcome.OPEN, None, None)
    assert connection.stream is not None
    await connection.stream.write(b"ping", soon())
    assert await connection.stream.read(100, soon()) == b"ping"
    connection.stream.close()


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.REFUSED6])
async def test_a_refused_port_is_data(world: World, kind: Kind) -> None:
    place = world.at(kind)
    connection = await world.vantage.connect(place.address, place.port, soon())
    assert connection.stream is None
    assert connection.seen.outcome is Outcome.REFUSED
    assert connection.seen.icmp is None


async def test_a_silent_port_is_filtered_at_the_deadline_and_not_before(world: World) -> None:
    place = world.at(Kind.SILENT)
    deadline = soon(SHORT)
    connection = await world.vantage.connect(place.address, place.port, deadline)
    assert (connection.seen.outcome, connection.stream) == (Outcome.FILTERED, None)
    assert deadline - 0.01 <= asyncio.get_running_loop().time() < deadline + PATIENCE


async def test_a_connect_whose_deadline_has_passed_is_filtered(world: World) -> None:
    place = world.at(Kind.SILENT)
    connection = await world.vantage.connect(place.address, place.port, soon(-1))
    assert (connection.seen.outcome, connection.stream) == (Outcome.FILTERED, None)


async def test_read_gives_no_more_than_asked(world: World) -> None:
    stream = await opened(world, world.at(Kind.ECHO))
    await stream.write(b"0123456789", soon())
    got = b""
    while len(got) < 10:
        part = await stream.read(3, soon())
        assert 1 <= len(part) <= 3
        got += part
    assert got == b"0123456789"
    stream.close()


async def test_after_the_peer_closed_reads_give_what_was_left_and_then_nothing(world: World) -> None:
    stream = await opened(world, world.at(Kind.CLOSES))
    assert await read_all(stream) == FAREWELL
    assert await stream.read(1, soon()) == b""
    stream.close()


async def test_a_half_closed_peer_still_takes_what_is_written(world: World) -> None:
    stream = await opened(world, world.at(Kind.CLOSES))
    assert await read_all(stream) == FAREWELL
    if world.half_closes:
        await stream.write(b"still here", soon())
    stream.close()


async def test_a_reset_in_mid_stream_is_told_as_reset(world: World) -> None:
    stream = await opened(world, world.at(Kind.RESETS))
    await stream.write(b"x", soon())
    if not world.tells_resets:
        assert await stream.read(1, soon()) == b""
        return
    with pytest.raises(StreamEnded) as caught:
        assert await stream.read(1, soon())
    assert caught.value.ended is Ended.RESET
    stream.close()


async def test_a_silent_peer_ends_the_read_at_the_deadline_and_the_stream_lives_on(world: World) -> None:
    stream = await opened(world, world.at(Kind.ECHO))
    deadline = soon(SHORT)
    with pytest.raises(StreamEnded) as caught:
        await stream.read(1, deadline)
    assert caught.value.ended is Ended.SILENT
    assert asyncio.get_running_loop().time() >= deadline - 0.01
    await stream.write(b"late", soon())
    assert await stream.read(10, soon()) == b"late"
    stream.close()


async def test_a_peer_that_reads_nothing_ends_the_write_at_the_deadline(world: World) -> None:
    stream = await opened(world, world.at(Kind.DEAF))
    deadline = soon(SHORT)
    with pytest.raises(StreamEnded) as caught:
        await stream.write(bytes(64 * 1024 * 1024), deadline)
    assert caught.value.ended is Ended.SILENT
    assert asyncio.get_running_loop().time() >= deadline - 0.01
    stream.close()


async def test_a_big_transfer_comes_whole_and_in_order(world: World) -> None:
    stream = await opened(world, world.at(Kind.BIG))
    await stream.write(b"x", soon())
    got = await read_all(stream)
    assert len(got) == BIG_SIZE
    assert got == big_bytes()
    stream.close()


async def test_a_big_write_comes_back_whole(world: World) -> None:
    stream = await opened(world, world.at(Kind.ECHO))
    sent = big_bytes()[: 1024 * 1024]

    async def read_back() -> bytes:
        got = bytearray()
        while len(got) < len(sent):
            got += await stream.read(65536, soon())
        return bytes(got)

    reading = asyncio.create_task(read_back())
    await stream.write(sent, soon())
    assert await reading == sent
    stream.close()


async def test_close_twice_is_safe_and_a_closed_stream_gives_no_more(world: World) -> None:
    stream = await opened(world, world.at(Kind.ECHO))
    stream.close()
    stream.close()
    with pytest.raises(StreamEnded):
        await stream.read(1, soon())
    with pytest.raises(StreamEnded):
        await stream.write(b"x", soon())


async def test_many_connects_at_once_all_end(world: World) -> None:
    echo, refused = world.at(Kind.ECHO), world.at(Kind.REFUSED)
    places = [echo, refused] * 20
    connections = await asyncio.gather(*(world.vantage.connect(p.address, p.port, soon()) for p in places))
    assert [c.seen.outcome for c in connections] == [Outcome.OPEN, Outcome.REFUSED] * 20
    for connection in connections:
        if connection.stream is not None:
            connection.stream.close()


async def cancelled_within(task: asyncio.Task[Connection] | asyncio.Task[bytes] | asyncio.Task[None]) -> float:
    """Let the task get going, cancel it, and tell how long it took to end."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0.05)
    assert not task.done()
    with HoldUps() as held:
        began = loop.time()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        took = loop.time() - began
    return took - held.seconds


async def test_a_cancelled_connect_ends_at_once(world: World) -> None:
    place = world.at(Kind.SILENT)
    task = asyncio.create_task(world.vantage.connect(place.address, place.port, soon(60)))
    assert await cancelled_within(task) < PROMPT


async def test_a_cancelled_read_ends_at_once(world: World) -> None:
    stream = await opened(world, world.at(Kind.MUTE))
    assert await cancelled_within(asyncio.create_task(stream.read(1, soon(60)))) < PROMPT
    stream.close()


async def test_a_cancelled_write_ends_at_once(world: World) -> None:
    stream = await opened(world, world.at(Kind.DEAF))
    assert await cancelled_within(asyncio.create_task(stream.write(bytes(64 * 1024 * 1024), soon(60)))) < PROMPT
    stream.close()


async def test_tcp_info_gives_the_round_trip(world: World) -> None:
    world.can(Capability.TCP_INFO)
    place = world.at(Kind.ECHO)
    connection = await world.vantage.connect(place.address, place.port, soon())
    assert connection.seen.rtt_ms is not None
    assert 0 < connection.seen.rtt_ms < PATIENCE * 1000
    assert connection.seen.resent == 0
    assert connection.stream is not None
    connection.stream.close()
