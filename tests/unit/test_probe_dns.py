"""The dns probe over a vantage in memory: whom it asks, how often, and what it makes of silence."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from fake_vantage import EVERYTHING, FakeVantage, MockStream

from aetui.observations import DnsAnswer, DnsSeen, Ended, Outcome
from aetui.probes import dns as probe
from aetui.probes.base import Given, Measured, Settings
from aetui.records import Check
from aetui.vantage.base import Capability
from aetui.wire import dns as wire

NAME = "logger.example.com"
ONE, TWO = "192.0.2.53", "198.51.100.53"


def reply(query: bytes, address: str | None = "203.0.113.7", rcode: str = "NOERROR", flags: int = 0) -> bytes:
    asked = dns.message.from_wire(query)
    message = dns.message.make_response(asked)
    message.set_rcode(dns.rcode.from_text(rcode))
    message.flags |= flags
    if address and asked.question[0].rdtype == 1:
        message.answer.append(dns.rrset.from_text(asked.question[0].name, 60, "IN", "A", address))
    return message.to_wire()


def over_tcp(answer: Callable[[bytes], bytes] = reply) -> MockStream:
    return MockStream(on=lambda sent: [wire.framed(answer(sent[2:]))])


async def measured(vantage: FakeVantage, **about: str) -> Measured:
    check = Check(f"dns:{NAME}", "dns", NAME, about=about)
    return await probe.measure(check, Given(), vantage, Settings(), math.inf)


async def answers(vantage: FakeVantage, **about: str) -> tuple[DnsAnswer, ...]:
    seen = (await measured(vantage, **about)).observation
    assert isinstance(seen, DnsSeen)
    return seen.answers


async def test_every_resolver_is_asked_for_both_types_and_the_first_with_addresses_is_carried_over() -> None:
    asks = {ONE: lambda q: reply(q, None, "NXDOMAIN"), TWO: reply}
    result = await measured(FakeVantage(asks=asks, resolvers=(ONE, TWO), names=("10.0.0.1",)))
    assert isinstance(result.observation, DnsSeen)
    told = [(a.resolver, a.type, a.transport, a.rcode, a.addresses, a.asked) for a in result.observation.answers]
    assert told == [
        (ONE, "A", "udp", "NXDOMAIN", (), 1),
        (ONE, "AAAA", "udp", "NXDOMAIN", (), 1),
        (TWO, "A", "udp", "NOERROR", ("203.0.113.7",), 1),
        (TWO, "AAAA", "udp", "NOERROR", (), 1),
    ]
    assert result.addresses == ("203.0.113.7",)
    assert result.observation.system == ("10.0.0.1",)
    assert "dns" in result.phases_ms


async def test_the_library_s_addresses_are_carried_over_where_no_resolver_has_any() -> None:
    assert (await measured(FakeVantage(names=("10.0.0.1",)))).addresses == ("10.0.0.1",)


async def test_one_resolver_named_is_asked_alone_and_the_library_is_not() -> None:
    vantage = FakeVantage(asks={TWO: reply}, resolvers=(ONE,), names=("10.0.0.1",))
    result = await measured(vantage, resolver=TWO, type="A")
    assert isinstance(result.observation, DnsSeen)
    assert [(a.resolver, a.type) for a in result.observation.answers] == [(TWO, "A")]
    assert result.observation.system is None
    assert set(vantage.asked) == {TWO}


async def test_a_literal_address_is_asked_of_nobody() -> None:
    vantage = FakeVantage(resolvers=(ONE,))
    result = await probe.measure(Check("dns:x", "dns", "192.0.2.9"), Given(), vantage, Settings(), math.inf)
    assert result.addresses == ("192.0.2.9",)
    assert not vantage.asked


async def test_silence_is_followed_by_more_over_udp_and_one_over_tcp_all_counted() -> None:
    vantage = FakeVantage(resolvers=(ONE,))
    (answer,) = await answers(vantage, type="A")
    assert (answer.outcome, answer.asked, answer.rcode) == (Outcome.FILTERED, 2 + probe.AGAIN, None)
    assert len(vantage.asked[ONE]) == 1 + probe.AGAIN
    assert len(vantage.connected) == 1
    assert len({query[:2] for query in vantage.asked[ONE]}) > 1, "every question has an id of its own"


async def test_one_lost_question_is_not_a_dead_resolver() -> None:
    lost = iter([Outcome.FILTERED])
    (answer,) = await answers(FakeVantage(asks={ONE: lambda q: next(lost, None) or reply(q)}, resolvers=(ONE,)), type="A")
    assert (answer.outcome, answer.transport, answer.addresses) == (Outcome.OPEN, "udp", ("203.0.113.7",))
    assert answer.asked > 1


async def test_tcp_answers_where_udp_is_silent() -> None:
    (answer,) = await answers(FakeVantage({(ONE, 53): over_tcp()}, resolvers=(ONE,)), type="A")
    assert (answer.outcome, answer.transport, answer.addresses) == (Outcome.OPEN, "tcp", ("203.0.113.7",))


@pytest.mark.parametrize("how", [Outcome.REFUSED, Outcome.REJECTED, Outcome.DENIED])
async def test_udp_that_fails_at_once_is_followed_by_tcp_alone(how: Outcome) -> None:
    vantage = FakeVantage({(ONE, 53): over_tcp()}, {ONE: lambda q: how}, resolvers=(ONE,))
    (answer,) = await answers(vantage, type="A")
    assert (answer.transport, answer.outcome, answer.asked) == ("tcp", Outcome.OPEN, 2)


async def test_udp_s_own_failure_is_told_where_tcp_is_merely_silent() -> None:
    (answer,) = await answers(FakeVantage(asks={ONE: lambda q: Outcome.REFUSED}, resolvers=(ONE,)), type="A")
    assert (answer.outcome, answer.asked) == (Outcome.REFUSED, 2)


async def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    cut = {ONE: lambda q: reply(q, None, flags=dns.flags.TC)}
    (answer,) = await answers(FakeVantage({(ONE, 53): over_tcp()}, cut, resolvers=(ONE,)), type="A")
    assert (answer.transport, answer.truncated, answer.addresses) == ("tcp", True, ("203.0.113.7",))


async def test_a_truncated_answer_stands_where_tcp_fails() -> None:
    cut = {ONE: lambda q: reply(q, flags=dns.flags.TC)}
    (answer,) = await answers(FakeVantage({(ONE, 53): Outcome.REFUSED}, cut, resolvers=(ONE,)), type="A")
    assert (answer.transport, answer.truncated, answer.outcome, answer.addresses) == ("udp", True, Outcome.OPEN, ("203.0.113.7",))


@pytest.mark.parametrize(
    ("peer", "outcome"),
    [
        pytest.param(over_tcp(), Outcome.OPEN, id="an answer"),
        pytest.param(MockStream(then=Ended.RESET), Outcome.REFUSED, id="a reset"),
        pytest.param(MockStream(then=Ended.SILENT), Outcome.FILTERED, id="silence"),
        pytest.param(MockStream([b"\x00"]), Outcome.FAILED, id="a close in the middle"),
        pytest.param(MockStream([b"\x00\x05hello"]), Outcome.FAILED, id="no DNS"),
        pytest.param(Outcome.NO_ROUTE, Outcome.NO_ROUTE, id="no connection"),
    ],
)
async def test_a_vantage_without_udp_asks_over_tcp_only(peer: object, outcome: Outcome) -> None:
    vantage = FakeVantage({(ONE, 53): peer}, resolvers=(ONE,), capabilities=EVERYTHING - {Capability.UDP})
    (answer,) = await answers(vantage, type="A")
    assert (answer.transport, answer.outcome, answer.asked) == ("tcp", outcome, 1)
    assert not vantage.asked
    assert not isinstance(peer, MockStream) or peer.closed


async def test_an_answer_to_another_question_is_none() -> None:
    vantage = FakeVantage(asks={ONE: lambda q: reply(wire.query("other.example", "A", 1))}, resolvers=(ONE,))
    (answer,) = await answers(vantage, type="A")
    assert answer.outcome is Outcome.FILTERED


async def test_a_name_that_cannot_be_asked_for_is_said_so() -> None:
    check = Check("dns:x", "dns", "a" * 70 + ".example")
    result = await probe.measure(check, Given(), FakeVantage(resolvers=(ONE,)), Settings(), math.inf)
    assert isinstance(result.observation, DnsSeen)
    assert {(a.note, a.asked) for a in result.observation.answers} == {("bad-name", 0)}


async def test_cancelling_ends_every_question_at_once() -> None:
    class Silent(FakeVantage):
        async def ask(self, *args: object, **more: object) -> None:  # type: ignore[override]
            await asyncio.Event().wait()

        async def lookup(self, name: str, deadline: float) -> tuple[str, ...] | None:
            await asyncio.Event().wait()
            return None

    task = asyncio.ensure_future(measured(Silent(resolvers=(ONE, TWO))))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    before = len(asyncio.all_tasks())
    assert before > 4
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
