"""The console's end of the packet helper: who waits hears of its end at once, and what it has not been given is refused before it is asked."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from aetui.packet import client
from aetui.packet.client import Failure, PacketHelper
from aetui.packet.messages import CloseTrace, Frames, OpenTrace, Ready, TraceOpened, decode_request, encode
from aetui.packet.spawning import NO_PORTS, NO_RAW, Spawned

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the helper is Linux's")

Ask = Callable[[PacketHelper], Awaitable[object]]
FLOW = OpenTrace(0, "192.0.2.1", "tcp", 443)
ASKED: dict[str, Ask] = {
    "trace": lambda helper: helper.open_trace(FLOW, print, print),
    "arp": lambda helper: helper.arp("eth0", "192.0.2.0/24"),
    "dhcp": lambda helper: helper.dhcp_offers("eth0"),
    "listen": lambda helper: helper.listen("0.0.0.0", 23),
}
AT_ONCE_S = 2.0
"""Less than any request's own time."""


class Fake:
    """A helper that says what it is told to say, and ends with its pipe."""

    def __init__(self, *, raw: bool = True) -> None:
        ours, self.theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"], stdin=self.theirs.fileno(), stdout=subprocess.DEVNULL
        )
        self.client = PacketHelper(Spawned(self.process, ours, raw))

    def ready(self, *lacking: str) -> None:
        self.theirs.sendall(encode(Ready(lacking, 65534)))

    def end(self) -> None:
        self.theirs.close()
        self.process.kill()


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program itself has no right."""
    monkeypatch.setattr(client, "missing", lambda: "a right is missing; sudo aetui")


@pytest.fixture
async def fakes() -> AsyncIterator[Callable[..., Fake]]:
    made: list[Fake] = []

    def one(*, raw: bool = True) -> Fake:
        made.append(Fake(raw=raw))
        return made[-1]

    yield one
    for fake in made:
        fake.end()
        await fake.client.close()


async def _soon(asked: Awaitable[object]) -> object:
    return await asyncio.wait_for(asked, AT_ONCE_S)


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("started", [True, False], ids=["ready", "still starting"])
async def test_who_waits_hears_at_once_that_it_was_closed(name: str, started: bool, fakes: Callable[..., Fake]) -> None:
    fake = fakes()
    if started:
        fake.ready()
        assert await fake.client.start() is None
    waiting = asyncio.ensure_future(ASKED[name](fake.client))
    await asyncio.sleep(0.05)
    await fake.client.close()
    assert await _soon(waiting) == Failure("it was closed.")


async def test_a_trace_that_listens_is_told_once_that_it_was_closed(fakes: Callable[..., Fake]) -> None:
    fake, lost = fakes(), []
    fake.ready()
    opening = asyncio.ensure_future(fake.client.open_trace(FLOW, print, lost.append))
    await asyncio.sleep(0.05)
    fake.theirs.sendall(encode(TraceOpened(1, "192.0.2.9", 40000)))
    assert isinstance(await _soon(opening), client.Trace)
    await fake.client.close()
    await fake.client.close()
    assert lost == ["it was closed."]


async def test_a_flow_that_nobody_waits_for_any_more_is_closed_again(monkeypatch: pytest.MonkeyPatch, fakes: Callable[..., Fake]) -> None:
    fake, sent = fakes(), bytearray()
    fake.ready()
    assert await fake.client.start() is None
    monkeypatch.setattr(fake.client._pipe, "write", sent.extend)
    opening = asyncio.ensure_future(fake.client.open_trace(FLOW, print, print))
    await asyncio.sleep(0.05)
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    asked = [decode_request(body) for body in Frames().feed(bytes(sent))]
    assert asked == [replace(FLOW, id=1), CloseTrace(1)]
    assert fake.client._listeners == {}


@pytest.mark.parametrize(
    ("lacking", "refused"),
    [
        ((), {}),
        (("ipv6", "link"), {}),
        (("ports",), {"listen": NO_PORTS}),
        (("raw", "ipv6", "link"), {"trace": NO_RAW, "arp": NO_RAW, "dhcp": NO_RAW}),
    ],
    ids=["nothing", "no IPv6", "no ports", "ports alone"],
)
async def test_what_the_helper_said_it_has_not_is_refused_at_once(
    lacking: tuple[str, ...], refused: dict[str, str], fakes: Callable[..., Fake]
) -> None:
    fake = fakes()
    fake.ready(*lacking)
    assert await fake.client.start() is None
    assert fake.client.lacking() == refused.get("trace")
    for name, ask in ASKED.items():
        waiting = asyncio.ensure_future(ask(fake.client))
        await asyncio.sleep(0.02)
        assert waiting.done() == (name in refused), name
        if name in refused:
            assert waiting.result() == Failure(refused[name])
        else:
            waiting.cancel()


@pytest.mark.parametrize(("raw", "lacking"), [(True, None), (False, NO_RAW)])
async def test_before_it_is_ready_it_is_known_what_it_was_started_for(raw: bool, lacking: str | None, fakes: Callable[..., Fake]) -> None:
    assert fakes(raw=raw).client.lacking() == lacking


async def test_a_helper_that_was_handed_over_and_died_is_not_answered_with_sudo(fakes: Callable[..., Fake]) -> None:
    fake = fakes()
    fake.ready()
    assert await fake.client.start() is None
    fake.process.kill()
    fake.theirs.close()
    await _until_ended(fake.client)
    assert fake.client.lacking() == "it was ended by signal 9."
    assert await fake.client.start() == Failure("it was ended by signal 9.")


async def test_a_helper_of_our_own_that_cannot_be_had_is_answered_with_the_command() -> None:
    helper = PacketHelper()
    assert await helper.start() == Failure("a right is missing; sudo aetui")
    assert helper.lacking() == "a right is missing; sudo aetui"


async def _until_ended(helper: PacketHelper) -> None:
    async with asyncio.timeout(AT_ONCE_S):
        while helper.ended is None:
            await asyncio.sleep(0.005)
