"""The unprivileged engine's own corners, on loopback and by what the error queue would say."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

from aetui.path import queue
from aetui.path.records import Flow, Heard, Problem, Proto, ReplyKind
from aetui.path.socket_engine import SocketEngine
from aetui.path.socket_tcp import problem_of
from aetui.path.socket_udp import DatagramChannel, open_datagram
from aetui.wire.errqueue import QueuedError

pytestmark = pytest.mark.skipif(not queue.available(), reason="only Linux has an error queue on its sockets")
HOP = QueuedError(errno.EHOSTUNREACH, 2, 11, 0, 0, "192.0.2.1", 64)


class Sink:
    def __init__(self) -> None:
        self.got: dict[int, Heard] = {}
        self.problems: list[Problem] = []
        self.stirred = asyncio.Event()

    def heard(self, serial: int, heard: Heard) -> None:
        self.got[serial] = heard
        self.stirred.set()

    def failed(self, problem: Problem) -> None:
        self.problems.append(problem)
        self.stirred.set()

    async def wait(self) -> None:
        async with asyncio.timeout(5):
            await self.stirred.wait()
        self.stirred.clear()


def _datagrams(sink: Sink) -> DatagramChannel:
    channel = open_datagram(Flow("127.0.0.1", 9, Proto.UDP), sink)
    assert isinstance(channel, DatagramChannel)
    return channel


async def test_a_reply_that_quotes_the_payload_finds_its_probe_among_many() -> None:
    sink = Sink()
    channel = _datagrams(sink)
    channel._started = {5: 0.0, 6: 0.0}
    channel._error(HOP, (6).to_bytes(4, "big") + b"rest")
    channel.close()
    assert {serial: (heard.sender, heard.reply_ttl) for serial, heard in sink.got.items()} == {6: ("192.0.2.1", 64)}
    assert channel.unclaimed == 0


@pytest.mark.parametrize("quoted", [b"", b"\x00\x00", (99).to_bytes(4, "big")], ids=["nothing", "too little", "another's"])
async def test_a_reply_that_quotes_too_little_is_nobodys_among_many(quoted: bytes) -> None:
    sink = Sink()
    channel = _datagrams(sink)
    channel._started = {5: 0.0, 6: 0.0}
    channel._error(HOP, quoted)
    channel.close()
    assert sink.got == {}
    assert channel.unclaimed == 1


async def test_a_reply_that_quotes_too_little_answers_the_probe_that_was_alone() -> None:
    sink = Sink()
    channel = _datagrams(sink)
    channel._started, channel._alone = {5: 0.0, 6: 0.0}, 6
    channel._error(HOP, b"")
    channel.close()
    assert list(sink.got) == [6]


async def test_an_answer_that_does_not_give_the_number_back_is_not_given_to_a_silent_hop_before_it() -> None:
    sink = Sink()
    channel = _datagrams(sink)
    channel._started = dict.fromkeys(range(1, 7), 0.0)
    for answered in (1, 2, 4):
        channel._error(HOP, answered.to_bytes(4, "big"))
    for _ in range(3):
        channel._answer(b"no number")
    channel.close()
    assert [serial for serial, heard in sink.got.items() if heard.kind is ReplyKind.ANSWER] == [5, 6]


async def test_a_live_trace_remembers_only_so_many_unanswered_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.path.socket_udp.MOST_SENT", 3)
    nobody = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    nobody.bind(("127.0.0.1", 0))
    channel = open_datagram(Flow("127.0.0.1", nobody.getsockname()[1], Proto.UDP), Sink())
    assert isinstance(channel, DatagramChannel)
    for serial in range(20):
        channel.send(serial, 64)
    channel.close()
    nobody.close()
    assert list(channel._started) == [17, 18, 19]


async def test_an_error_of_this_machine_is_no_hop() -> None:
    sink = Sink()
    channel = _datagrams(sink)
    channel._started = {5: 0.0}
    channel._error(QueuedError(errno.EMSGSIZE, 1, 0, 0, 1400, None), b"")
    channel.close()
    assert (sink.got, channel.unclaimed) == ({}, 0)


@pytest.mark.parametrize(("listening", "kind"), [(True, ReplyKind.SYN_ACK), (False, ReplyKind.RST)])
async def test_a_server_on_loopback_is_open_or_refuses(listening: bool, kind: ReplyKind) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    if not listening:
        server.close()
    sink = Sink()
    channel = await SocketEngine().open(Flow("127.0.0.1", port, Proto.TCP), sink)
    assert not isinstance(channel, Problem)
    channel.send(1, 64)
    await sink.wait()
    channel.close()
    server.close()
    assert sink.got[1].kind is kind
    assert channel.own == "127.0.0.1"


async def test_a_constant_flow_uses_one_source_port_and_a_spread_one_many() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    flow, seen = Flow("127.0.0.1", server.getsockname()[1], Proto.TCP), {}
    for spread in (False, True):
        sink = Sink()
        channel = await SocketEngine().open(flow, sink, spread=spread)
        assert not isinstance(channel, Problem)
        ports = set()
        for serial in range(3):
            channel.send(serial, 64)
            await sink.wait()
            taken, peer = server.accept()
            ports.add(peer[1])
            taken.close()
        channel.close()
        seen[spread] = len(ports)
    server.close()
    assert seen == {False: 1, True: 3}


async def test_a_datagram_to_a_closed_port_is_arrival() -> None:
    sink = Sink()
    channel = _datagrams(sink)
    channel.send(1, 64)
    await sink.wait()
    channel.close()
    assert sink.got[1].kind is ReplyKind.UNREACHABLE
    assert sink.got[1].icmp is not None
    assert (sink.got[1].icmp.type, sink.got[1].icmp.code) == (3, 3)


async def test_a_datagram_that_is_answered_is_arrival_too() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        sink = Sink()
        channel = open_datagram(Flow("127.0.0.1", server.getsockname()[1], Proto.UDP), sink)
        assert isinstance(channel, DatagramChannel)
        channel.send(1, 64)
        _, peer = server.recvfrom(100)
        server.sendto(b"hello", peer)
        await sink.wait()
        channel.close()
    assert sink.got[1].kind is ReplyKind.ANSWER


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (errno.ENETUNREACH, "no-route"),
        (errno.EPERM, "denied"),
        (errno.EMFILE, "too-many-files"),
        (errno.EAFNOSUPPORT, "no-family"),
        (9999, "send-failed"),
    ],
)
def test_what_the_kernel_refuses_is_named(code: int, problem: str) -> None:
    assert problem_of(code).code == problem


async def test_other_systems_are_told_what_they_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.path.socket_engine.available", lambda: False)
    assert await SocketEngine().open(Flow("127.0.0.1", 9, Proto.TCP), Sink()) == Problem("no-error-queue", "linux")
