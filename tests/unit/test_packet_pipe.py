"""The console's end of the pipe: bytes in order whatever the other side takes, sockets beside the bytes that tell of them, one end."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator

import pytest

from aetui.packet.pipe import Pipe


class Ends:
    """A pipe and its other side."""

    def __init__(self) -> None:
        ours, self.theirs = socket.socketpair()
        self.data = bytearray()
        self.sockets: list[int] = []
        self.ends = 0
        self.stirred = asyncio.Event()
        self.pipe = Pipe(ours, self._heard, self._over)

    def _heard(self, data: bytes, descriptors: list[int]) -> None:
        self.data += data
        self.sockets += descriptors
        self.stirred.set()

    def _over(self) -> None:
        self.ends += 1
        self.stirred.set()


@pytest.fixture
async def ends() -> Iterator[Ends]:
    made = Ends()
    yield made  # type: ignore[misc]
    made.pipe.close()
    made.theirs.close()
    for one in made.sockets:
        os.close(one)


async def test_what_the_other_side_does_not_take_yet_arrives_in_order(ends: Ends) -> None:
    sent = b"".join(number.to_bytes(4, "big") for number in range(500_000))
    for start in range(0, len(sent), 10_000):
        ends.pipe.write(sent[start : start + 10_000])

    def read() -> bytes:
        got = bytearray()
        while len(got) < len(sent):
            got += ends.theirs.recv(65536)
        return bytes(got)

    assert await asyncio.to_thread(read) == sent


async def test_sockets_come_with_their_bytes_and_are_not_inherited(ends: Ends) -> None:
    for number in range(3):
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.send_fds(ends.theirs, [bytes([number])], [server.fileno()])
    while len(ends.sockets) < 3:
        ends.stirred.clear()
        await asyncio.wait_for(ends.stirred.wait(), 2)
    assert bytes(ends.data) == b"\0\1\2"
    assert [os.get_inheritable(one) for one in ends.sockets] == [False] * 3
    assert len({os.fstat(one).st_ino for one in ends.sockets}) == 3


@pytest.mark.parametrize("unread", [False, True], ids=["closed", "with something unread"])
async def test_the_other_sides_end_is_told_once_and_writing_goes_nowhere(ends: Ends, unread: bool) -> None:
    if unread:
        ends.pipe.write(b"x" * 10_000_000)
    ends.theirs.close()
    await asyncio.wait_for(ends.stirred.wait(), 2)
    ends.pipe.write(b"more")
    await asyncio.sleep(0)
    assert (ends.ends, ends.pipe.closed) == (1, True)


async def test_closing_it_ourselves_is_no_end_to_tell(ends: Ends) -> None:
    ends.pipe.close()
    ends.pipe.close()
    await asyncio.sleep(0)
    assert (ends.ends, ends.pipe.closed) == (0, True)
