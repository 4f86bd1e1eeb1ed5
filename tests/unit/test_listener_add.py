"""A port is added to an open listener, and knocks are counted by port and by what they spoke; what holds while a helper is asked for a port."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

from aetui.inbound import ports
from aetui.inbound.listener import Listener
from aetui.inbound.ports import Opened, PortTaken, Unusable

LOOPBACK = "127.0.0.1"


async def knock(port: int, said: bytes) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.write(said)
    await reader.read(-1)
    writer.close()


async def test_a_port_is_added_while_it_listens_and_counted_by_itself() -> None:
    heard = asyncio.Event()
    listener = Listener([0], lambda batch: heard.set(), address=LOOPBACK)
    await listener.open()
    try:
        code = listener.code
        added = await listener.add(0)
        assert isinstance(added, Opened)
        assert [one.port for one in listener.opened] == [listener.opened[0].port, added.port]
        assert listener.code == code
        await knock(added.port, b"SSH-2.0-x\r\n")
        await asyncio.wait_for(heard.wait(), 10)
        assert dict(listener.counts) == {(added.port, "ssh"): 1}
    finally:
        listener.stop()
    with socket.socket() as sock:
        assert sock.connect_ex((LOOPBACK, added.port)) != 0, "it closes with the rest"


async def test_a_taken_port_is_data_and_a_closed_listener_takes_none() -> None:
    listener = Listener([0], lambda batch: None, address=LOOPBACK)
    assert dict(listener.counts) == {}
    with pytest.raises(RuntimeError):
        await listener.add(0)
    await listener.open()
    assert isinstance(await listener.add(listener.opened[0].port), PortTaken)
    listener.stop()
    with pytest.raises(RuntimeError):
        await listener.add(0)


class SlowHelper:
    """Opens a low port once it is let."""

    def __init__(self) -> None:
        self.asked, self.let = asyncio.Event(), asyncio.Event()
        self.made: list[socket.socket] = []

    def lacking(self) -> str | None:
        return None

    async def listen(self, address: str, port: int) -> socket.socket:
        self.asked.set()
        await self.let.wait()
        self.made.append(socket.create_server((LOOPBACK, 0)))
        self.made[-1].setblocking(False)
        return self.made[-1]


@pytest.fixture
def plain_user(monkeypatch: pytest.MonkeyPatch) -> None:
    listening = ports._listening

    def refuse_low(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
        if 0 < port < 1024:
            raise PermissionError(errno.EACCES, "Permission denied")
        return listening(family, host, port)

    monkeypatch.setattr(ports, "_listening", refuse_low)


CLOSED = "ECANCELED"


@pytest.mark.usefixtures("plain_user")
async def test_an_open_port_is_served_while_the_next_one_is_still_asked_for() -> None:
    helper, heard = SlowHelper(), asyncio.Event()
    listener = Listener([0, 23], lambda batch: heard.set(), address=LOOPBACK, helper=helper)
    opening = asyncio.create_task(listener.open())
    await helper.asked.wait()
    (first,) = listener.opened
    await asyncio.wait_for(knock(first.port, b"SSH-2.0-x\r\n"), 10)
    await asyncio.wait_for(heard.wait(), 10)
    helper.let.set()
    assert [type(one) for one in await opening] == [Opened, Opened]
    assert [one.port for one in listener.opened] == [first.port, 23]
    listener.stop()


@pytest.mark.usefixtures("plain_user")
async def test_no_high_port_is_exposed_while_the_helper_is_asked_for_a_low_one() -> None:
    with socket.create_server((LOOPBACK, 0)) as free:
        high = free.getsockname()[1]
    helper = SlowHelper()
    listener = Listener([high, 23], lambda batch: None, address=LOOPBACK, helper=helper)
    opening = asyncio.create_task(listener.open())
    await helper.asked.wait()
    with socket.socket() as sock:
        assert sock.connect_ex((LOOPBACK, high)) != 0, "its owner says only afterwards what is exposed"
    helper.let.set()
    assert [one.port for one in await opening] == [high, 23]
    assert {one.port for one in listener.opened} == {high, 23}
    listener.stop()


@pytest.mark.usefixtures("plain_user")
async def test_a_listener_that_is_stopped_while_it_opens_has_nothing_open_afterwards() -> None:
    helper = SlowHelper()
    listener = Listener([0, 23, 0], lambda batch: None, address=LOOPBACK, helper=helper)
    opening = asyncio.create_task(listener.open())
    await helper.asked.wait()
    first, last = listener.opened
    listener.stop("hangup")
    helper.let.set()
    assert await opening == (Unusable(0, CLOSED), Unusable(23, CLOSED), Unusable(0, CLOSED))
    assert (await listener.stopped()).reason == "hangup"
    assert listener.opened == ()
    assert all(sock.fileno() < 0 for sock in (*first.sockets, *last.sockets, *helper.made))


async def test_a_listener_that_is_stopped_before_its_code_is_there_opens_nothing() -> None:
    listener = Listener([0], lambda batch: None, address=LOOPBACK)
    opening = asyncio.create_task(listener.open())
    await asyncio.sleep(0)
    listener.stop()
    assert await opening == (Unusable(0, CLOSED),)
    assert (await listener.stopped()).knocks == 0


@pytest.mark.usefixtures("plain_user")
async def test_a_listener_that_is_cancelled_while_it_opens_leaves_nothing_open() -> None:
    helper = SlowHelper()
    listener = Listener([0, 23], lambda batch: None, address=LOOPBACK, helper=helper)
    opening = asyncio.create_task(listener.open())
    await helper.asked.wait()
    (first,) = listener.opened
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert all(sock.fileno() < 0 for sock in first.sockets)


@pytest.mark.usefixtures("plain_user")
async def test_a_port_that_is_added_to_a_listener_stopped_meanwhile_is_told_as_closed() -> None:
    helper = SlowHelper()
    listener = Listener([0], lambda batch: None, address=LOOPBACK, helper=helper)
    await listener.open()
    adding = asyncio.create_task(listener.add(23))
    await helper.asked.wait()
    listener.stop()
    helper.let.set()
    assert await adding == Unusable(23, CLOSED)
    assert helper.made[0].fileno() < 0
