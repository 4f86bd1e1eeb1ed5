"""One question to a true UDP server on loopback, over an emulated line: what came, and what came that was no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aetui.demo.serving import LOOPBACK


@dataclass(slots=True)
class Heard:
    """What came back."""

    reply: bytes | None = None
    refused: bool = False
    stray: int = 0
    source_port: int | None = None


class Question(asyncio.DatagramProtocol):
    """Waits for the first acceptable datagram."""

    def __init__(self, accept: Callable[[bytes], bool]) -> None:
        self._accept = accept
        self.heard = Heard()
        self.done = asyncio.Event()
        self.gone = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take it, or count it."""
        if self.heard.reply is not None:
            return
        if self._accept(data):
            self.heard.reply = data
            self.done.set()
        else:
            self.heard.stray += 1

    def error_received(self, exc: Exception) -> None:
        """The system says that nobody is there."""
        self.heard.refused = True
        self.done.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self.gone.set()


async def exchange(port: int, payload: bytes, deadline: float, accept: Callable[[bytes], bool]) -> Heard:
    """Ask, and wait until an answer, a refusal or the deadline."""
    loop = asyncio.get_running_loop()
    transport, question = await loop.create_datagram_endpoint(lambda: Question(accept), remote_addr=(LOOPBACK, port))
    question.heard.source_port = transport.get_extra_info("sockname")[1]
    try:
        transport.sendto(payload)
        async with asyncio.timeout_at(deadline):
            await question.done.wait()
    except TimeoutError:
        pass
    finally:
        transport.abort()
    await question.gone.wait()
    return question.heard
