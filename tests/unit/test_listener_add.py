"""A port is added to an open listener, and knocks are counted by port and by what they spoke."""

from __future__ import annotations

import asyncio
import socket

import pytest

from aetui.inbound.listener import Listener
from aetui.inbound.ports import Opened, PortTaken

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
