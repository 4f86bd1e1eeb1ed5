"""Packets that got past the router: read from the system's own tables, and from a vantage that hears 'time exceeded'."""

from __future__ import annotations

import asyncio
import struct

import pytest

from aetui.inbound import knocking, passing
from aetui.inbound.passing import HalfOpenWatch, connections, passed_on
from aetui.observations import Icmp, Outcome, TcpSeen
from aetui.reach import HalfOpen, Target
from aetui.vantage.base import PLAIN, Capability, Connection

PUBLIC = "198.51.100.2"
TARGET = Target(PUBLIC, 3389, 3389, "rdp")


def words(*address: int) -> str:
    """An IPv4 or IPv6 address as this machine's kernel prints it."""
    packed = bytes(address)
    return "".join(f"{word:08X}" for word in struct.unpack(f"={len(packed) // 4}I", packed))


HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
MINE, PEER = words(192, 168, 50, 20), words(203, 0, 113, 250)
MAPPED = words(*bytes(10), 0xFF, 0xFF, 203, 0, 113, 250)
SIXTH = words(0x20, 0x01, 0x0D, 0xB8, *bytes(11), 7)


def line(own: str, port: int, peer: str, state: str) -> str:
    return f"   0: {own}:{port:04X} {peer}:C350 {state} 00000000:00000000 01:00000064 00000000  1000        0 0 1 0000000000000000\n"


ROWS = [
    ("a handshake that is not over", line(MINE, 3389, PEER, "03"), [HalfOpen("203.0.113.250", 3389)]),
    ("one that is", line(MINE, 3389, PEER, "01"), []),
    ("our own listening socket", line(MINE, 3389, words(0, 0, 0, 0), "0A"), []),
    ("another port", line(MINE, 23, PEER, "03"), []),
    ("IPv4 at a socket for both", line(words(*bytes(16)), 3389, MAPPED, "03"), [HalfOpen("203.0.113.250", 3389)]),
    ("IPv6", line(words(*bytes(16)), 3389, SIXTH, "03"), [HalfOpen("2001:db8::7", 3389)]),
    ("an empty line", "\n", []),
]


@pytest.mark.parametrize(("said", "found"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_system_s_table_is_read(said, found, tmp_path, monkeypatch):
    table = tmp_path / "tcp"
    table.write_text(HEAD + said)
    monkeypatch.setattr(passing, "_TABLES", (table, tmp_path / "not-there"))
    assert [one.what for one, begun in connections(frozenset({3389})) if begun] == found


def test_a_long_table_is_read_in_pieces(tmp_path, monkeypatch):
    table = tmp_path / "tcp"
    others = "".join(line(MINE, 3389, words(203, 0, number // 200, number % 200), "06") for number in range(5000))
    table.write_text(HEAD + others + line(MINE, 3389, PEER, "03") + others + line(MINE, 23, PEER, "03"))
    monkeypatch.setattr(passing, "_TABLES", (table,))
    found = list(connections(frozenset({3389, 23})))
    assert [(one.what, begun) for one, begun in found] == [(HalfOpen("203.0.113.250", 3389), True), (HalfOpen("203.0.113.250", 23), True)]


def test_of_those_that_are_over_only_the_ones_asked_for_are_given(tmp_path, monkeypatch):
    table = tmp_path / "tcp"
    over = [line(MINE, 3389, words(203, 0, 113, number), "06") for number in range(200)]
    table.write_text(HEAD + "".join(over) + line(MINE, 3389, PEER, "03"))
    monkeypatch.setattr(passing, "_TABLES", (table,))
    known = frozenset({(b"0D3D", words(203, 0, 113, 7).encode(), b"C350"), (b"0D3D", words(203, 0, 114, 7).encode(), b"C350")})
    found = connections(frozenset({3389}), known)
    assert [(one.what.peer, begun) for one, begun in found] == [("203.0.113.7", False), ("203.0.113.250", True)]


@pytest.mark.parametrize(("took", "pause"), [(0.0, 0.4), (0.02, 0.4), (0.1, 1.0), (5.0, 1.5)])
def test_the_longer_a_look_takes_the_longer_the_next_one_is_waited_for(took, pause):
    assert passing.pause(took) == pytest.approx(pause)


async def test_a_flood_of_forged_beginnings_is_remembered_up_to_a_bound(tmp_path, monkeypatch):
    table = tmp_path / "tcp"
    table.write_text(HEAD + "".join(line(MINE, 3389, words(203, 0, 113, number), "03") for number in range(200)))
    for name, value in (("_TABLES", (table,)), ("LOOK_EVERY_S", 0.01), ("HELD_S", 0.05)):
        monkeypatch.setattr(passing, name, value)
    told, looks = [], looked(monkeypatch)
    async with HalfOpenWatch([3389], told.append) as watch:
        await until(lambda: len(told) >= passing.MOST_FOUND)
        enough = len(looks) + 3
        await until(lambda: len(looks) >= enough)
    assert watch.found == tuple(told) and len(told) == passing.MOST_FOUND


def test_one_lost_answer_is_no_sign_and_a_knock_lasts_long_enough_to_show_that_all_are_lost():
    second_repetition = 1 + 2
    assert second_repetition < passing.HELD_S
    assert passing.HELD_S + 2 * passing.LOOK_EVERY_S < knocking.CONNECT_S
    assert passing.HELD_S < passing.GIVEN_UP_S < second_repetition + 4, "the system waits so long after the second one at the least"


THEN = [
    ("it stays begun", line(MINE, 3389, PEER, "03"), True),
    ("it is finished", line(MINE, 3389, PEER, "01"), False),
    ("it is over already", line(MINE, 3389, PEER, "06"), False),
    ("it is gone sooner than the system gives it up", "", False),
    ("another of the same peer is finished", line(MINE, 3389, PEER, "03") + line(MINE, 3389, PEER, "01").replace("C350", "C351"), True),
]


def watching(monkeypatch, table, held=0.1, given_up=10.0):
    for name, value in (("_TABLES", (table,)), ("LOOK_EVERY_S", 0.01), ("HELD_S", held), ("GIVEN_UP_S", given_up)):
        monkeypatch.setattr(passing, name, value)


async def until(true):
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.01)


def put(table, lines):
    """At once, so that no look finds half of it."""
    (table.parent / "next").write_text(HEAD + lines)
    (table.parent / "next").rename(table)


@pytest.mark.parametrize(("then", "stays"), [row[1:] for row in THEN], ids=[row[0] for row in THEN])
async def test_what_is_finished_later_was_not_lost(then, stays, tmp_path, monkeypatch):
    table, over = tmp_path / "tcp", asyncio.Event()
    watching(monkeypatch, table)
    put(table, line(MINE, 3389, PEER, "03"))
    async with HalfOpenWatch([3389], answered=over.set) as watch:
        await until(lambda: watch.found)
        put(table, then)
        await asyncio.sleep(0.2)
    assert (bool(watch.found), over.is_set()) == (stays, not stays)


async def test_what_the_system_gave_up_was_lost(tmp_path, monkeypatch):
    table = tmp_path / "tcp"
    watching(monkeypatch, table, given_up=0.05)
    put(table, line(MINE, 3389, PEER, "03"))
    async with HalfOpenWatch([3389]) as watch:
        await until(lambda: watch.found)
        put(table, "")
        await asyncio.sleep(0.2)
    assert watch.found == (HalfOpen("203.0.113.250", 3389),)


async def test_whoever_is_told_may_fail_and_the_watch_goes_on(tmp_path, monkeypatch):
    table, failures = tmp_path / "tcp", []
    watching(monkeypatch, table)
    put(table, line(MINE, 3389, PEER, "03"))
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context["exception"]))

    def told(one):
        raise ValueError(one.peer)

    async with HalfOpenWatch([3389], told) as watch:
        await until(lambda: failures)
        put(table, line(MINE, 3389, PEER, "03") + line(MINE, 3389, words(203, 0, 113, 9), "03"))
        await until(lambda: len(watch.found) == 2 and len(failures) == 2)
    assert [str(one) for one in failures] == ["203.0.113.250", "203.0.113.9"]


async def test_the_end_of_a_watch_keeps_nobody_from_being_cancelled(tmp_path, monkeypatch):
    watching(monkeypatch, tmp_path / "tcp")
    watch, gone_on = HalfOpenWatch([3389]), []

    async def owner():
        watch.start()
        await asyncio.sleep(0)
        try:
            await watch.stop()
        finally:
            await asyncio.sleep(0)
        gone_on.append(True)

    task = asyncio.create_task(owner())
    while watch._task is None or not watch._task.cancelling():
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone_on == []


LONG_ENOUGH = [("held for less than it takes", 3600.0, ()), ("held for longer", 0.05, (HalfOpen("203.0.113.250", 3389),))]


@pytest.mark.parametrize(("held", "found"), [row[1:] for row in LONG_ENOUGH], ids=[row[0] for row in LONG_ENOUGH])
async def test_only_what_stays_half_open_for_longer_than_a_round_trip_counts(held, found, tmp_path, monkeypatch):
    table, looks = tmp_path / "tcp", looked(monkeypatch)
    for name, value in (("_TABLES", (table,)), ("LOOK_EVERY_S", 0.01), ("HELD_S", held)):
        monkeypatch.setattr(passing, name, value)
    table.write_text(HEAD + line(MINE, 3389, PEER, "03"))
    async with HalfOpenWatch([3389]) as watch:
        await until(lambda: len(looks) >= 5 and len(watch.found) >= len(found))
        assert watch.found == found


def looked(monkeypatch):
    """Grows with every look at the table that was taken in."""
    looks, take = [], HalfOpenWatch._take
    monkeypatch.setattr(HalfOpenWatch, "_take", lambda watch, now: (take(watch, now), looks.append(now)))
    return looks


class Way:
    """A path on which hop number n answers a spent TTL by ``senders[n]``, or not at all."""

    def __init__(self, senders, capabilities=frozenset({Capability.SEGMENT, Capability.ICMP})):
        self.senders, self.capabilities, self.tried = senders, capabilities, []

    async def connect(self, address, port, deadline, shape=PLAIN):
        self.tried.append(shape.ttl)
        sender = self.senders.get(shape.ttl)
        icmp = Icmp(11, 0, sender) if sender else None
        return Connection(TcpSeen(address, port, Outcome.UNREACHABLE if icmp else Outcome.FILTERED, icmp=icmp), None)


WAYS = [
    ("the router itself is heard", {1: "203.0.113.249", 3: PUBLIC}, True),
    ("only routers before it", {1: "203.0.113.249", 2: "203.0.113.5"}, False),
    ("nobody", {}, False),
]


@pytest.mark.parametrize(("senders", "heard"), [row[1:] for row in WAYS], ids=[row[0] for row in WAYS])
async def test_a_port_is_handed_on_where_the_router_with_the_address_says_so(senders, heard):
    way = Way(senders)
    assert await passed_on(way, TARGET, asyncio.get_running_loop().time() + 5) is heard
    assert sorted(way.tried) == list(range(1, passing.MOST_HOPS + 1)), "each hop once"


async def test_a_jump_host_cannot_ask_and_does_not_try():
    way = Way({3: PUBLIC}, frozenset({Capability.TCP}))
    assert not await passed_on(way, TARGET, asyncio.get_running_loop().time() + 5)
    assert way.tried == []


async def test_another_icmp_from_the_router_is_no_handing_on():
    class Refusing(Way):
        async def connect(self, address, port, deadline, shape=PLAIN):
            return Connection(TcpSeen(address, port, Outcome.REJECTED, icmp=Icmp(3, 13, PUBLIC)), None)

    assert not await passed_on(Refusing({}), TARGET, asyncio.get_running_loop().time() + 5)
