"""Datagrams, incoming connections, names and the survey over any vantage: done where claimed, None and no exception where not."""

from __future__ import annotations

import asyncio

import pytest
from holdups import HoldUps
from vantage_world import FAREWELL, STRAYS, Kind, World

from aetui.observations import Outcome
from aetui.vantage.base import Answer, Capability

PATIENCE = 10.0
SHORT = 0.3
PROMPT = 0.1


def soon(seconds: float = PATIENCE) -> float:
    return asyncio.get_running_loop().time() + seconds


@pytest.mark.parametrize("kind", [Kind.UDP_ECHO, Kind.UDP_ECHO6])
async def test_a_datagram_is_answered(world: World, kind: Kind) -> None:
    world.can(Capability.UDP)
    place = world.at(kind)
    answer = await world.vantage.ask(place.address, place.port, b"question", soon(), lambda reply: reply == b"question")
    assert (answer.outcome, answer.reply, answer.errno, answer.icmp, answer.stray) == (Outcome.OPEN, b"question", None, None, 0)
    assert answer.elapsed_ms > 0
    assert answer.source_port


async def test_datagrams_that_are_no_answer_are_counted_and_passed_over(world: World) -> None:
    world.can(Capability.UDP)
    place = world.at(Kind.UDP_STRAY)
    answer = await world.vantage.ask(place.address, place.port, b"question", soon(), lambda reply: reply == b"question")
    assert (answer.outcome, answer.reply, answer.stray) == (Outcome.OPEN, b"question", STRAYS)


async def test_strays_alone_are_no_answer(world: World) -> None:
    world.can(Capability.UDP)
    place = world.at(Kind.UDP_STRAY)
    answer = await world.vantage.ask(place.address, place.port, b"question", soon(SHORT), lambda _: False)
    assert (answer.outcome, answer.reply, answer.stray) == (Outcome.FILTERED, None, STRAYS + 1)


async def test_no_answer_is_filtered_at_the_deadline_and_not_before(world: World) -> None:
    world.can(Capability.UDP)
    place = world.at(Kind.UDP_MUTE)
    deadline = soon(SHORT)
    answer = await world.vantage.ask(place.address, place.port, b"question", deadline, lambda _: True)
    assert (answer.outcome, answer.reply) == (Outcome.FILTERED, None)
    assert deadline - 0.01 <= asyncio.get_running_loop().time() < deadline + PATIENCE


async def test_a_datagram_to_a_closed_port_is_rejected_by_icmp_where_the_system_tells(world: World) -> None:
    world.can(Capability.UDP)
    place = world.at(Kind.UDP_REFUSED)
    answer = await world.vantage.ask(place.address, place.port, b"question", soon(), lambda _: True)
    if Capability.ICMP in world.vantage.capabilities:
        assert answer.outcome is Outcome.REJECTED
        assert answer.icmp is not None
        assert (answer.icmp.type, answer.icmp.code, answer.icmp.sender) == (3, 3, place.address)
    else:
        assert answer.outcome in {Outcome.REFUSED, Outcome.FILTERED}


async def test_a_cancelled_ask_ends_at_once(world: World) -> None:
    world.can(Capability.UDP)
    place = world.at(Kind.UDP_MUTE)
    loop = asyncio.get_running_loop()
    task: asyncio.Task[Answer] = asyncio.create_task(world.vantage.ask(place.address, place.port, b"q", soon(60), lambda _: True))
    await asyncio.sleep(0.05)
    with HoldUps() as held:
        began = loop.time()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        took = loop.time() - began
    assert took - held.seconds < PROMPT


async def test_an_ask_beyond_what_the_vantage_can_is_data(world: World) -> None:
    if Capability.UDP in world.vantage.capabilities:
        pytest.skip("this vantage has datagrams")
    answer = await world.vantage.ask("127.0.0.1", 9, b"q", soon(SHORT), lambda _: True)
    assert (answer.outcome, answer.reply) == (Outcome.FAILED, None)


async def test_one_connection_is_taken_in(world: World) -> None:
    acceptor = await world.vantage.listen(soon())
    if Capability.ACCEPT not in world.vantage.capabilities:
        assert acceptor is None
        return
    assert acceptor is not None
    accepting = asyncio.create_task(acceptor.accept(soon()))
    _, writer = await world.reach(acceptor.address, acceptor.port)
    writer.write(FAREWELL)
    stream = await accepting
    assert stream is not None
    assert await stream.read(100, soon()) == FAREWELL
    stream.close()
    acceptor.close()
    acceptor.close()
    writer.close()


async def test_no_incoming_connection_is_none_at_the_deadline(world: World) -> None:
    world.can(Capability.ACCEPT)
    acceptor = await world.vantage.listen(soon())
    assert acceptor is not None
    assert await acceptor.accept(soon(SHORT)) is None
    acceptor.close()


async def test_the_systems_own_lookup_is_told(world: World) -> None:
    if Capability.SYSTEM_NAMES not in world.vantage.capabilities:
        assert await world.vantage.lookup("localhost", soon()) is None
        return
    for name, addresses in world.names.items():
        found = await world.vantage.lookup(name, soon())
        assert found is not None
        assert set(addresses) <= set(found)
        assert bool(found) == bool(addresses)


async def test_the_survey_is_there_where_claimed(world: World) -> None:
    link = await world.vantage.survey(soon())
    if Capability.LINK not in world.vantage.capabilities:
        assert link is None
        return
    assert link is not None
    assert link.interfaces
    assert link.platform
    assert link.resolvers == world.vantage.resolvers
    assert {link.default_interface} <= {None, *(interface.name for interface in link.interfaces)}


async def test_close_twice_is_safe(world: World) -> None:
    await world.vantage.close()
    await world.vantage.close()
