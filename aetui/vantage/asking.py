"""One datagram and its answer over a socket of this machine: from an address, a payload and a deadline to an ``Answer``.

The socket is connected, so the kernel passes on datagrams of the asked address and port alone, and tells of ICMP errors. An ICMP error
ends the attempt. A source port that cannot be had (below 1024 without the right, or taken) is FAILED with the errno; EPERM and EACCES of
the sending itself are DENIED. Literal addresses only.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aetui.observations import Icmp, Outcome
from aetui.vantage import errqueue
from aetui.vantage.base import Answer
from aetui.vantage.connecting import ANY, by_ourselves, resolve
from aetui.vantage.outcomes import classify, symbol
from aetui.vantage.waiting import SockAddr, Waits

LARGEST = 65535
"""Bytes of a datagram, at most."""


@dataclass
class _Asking:
    """What is known while the attempt runs."""

    target: str
    began: float = field(default_factory=time.perf_counter)
    source_port: int | None = None
    local: str | None = None
    stray: int = 0

    def answer(self, outcome: Outcome, *, error: int = 0, icmp: Icmp | None = None, reply: bytes | None = None) -> Answer:
        elapsed = (time.perf_counter() - self.began) * 1000
        return Answer(outcome, reply, elapsed, symbol(error), icmp, self.stray, self.source_port)

    def failure(self, sock: socket.socket, error: int, *, at_once: bool) -> Answer:
        """The error with the ICMP behind it, if the queue holds one."""
        queued = errqueue.drain(sock)
        icmp = queued.icmp if queued else None
        outcome = classify(error, icmp, at_once=at_once, ours=by_ourselves(icmp, self.local, self.target))
        return self.answer(outcome, error=error or (queued.errno if queued else 0), icmp=icmp)


async def ask(
    waits: Waits, address: str, port: int, payload: bytes, deadline: float, *, accept: Callable[[bytes], bool], source_port: int = 0
) -> Answer:
    """One attempt, nothing sent again. ``accept`` must not raise."""
    family, to = resolve(address, port)
    asking = _Asking(address)
    try:
        sock = socket.socket(family, socket.SOCK_DGRAM)
    except OSError as error:  # out of descriptors, or no such family
        return asking.answer(classify(error.errno or 0, None, at_once=True), error=error.errno or 0)
    with sock:
        try:
            _prepare(sock, source_port)
        except OSError as error:
            return asking.answer(Outcome.FAILED, error=error.errno or 0)
        return _send(sock, asking, to, payload) or await _receive(waits, sock, asking, deadline, accept)


def _prepare(sock: socket.socket, source_port: int) -> None:
    sock.setblocking(False)
    errqueue.arm(sock)
    if source_port:
        sock.bind((ANY[sock.family], source_port))


def _send(sock: socket.socket, asking: _Asking, to: SockAddr, payload: bytes) -> Answer | None:
    """None where the datagram is on its way."""
    try:
        sock.connect(to)
        asking.local, asking.source_port = sock.getsockname()[:2]
        asking.began = time.perf_counter()
        sock.send(payload)
    except OSError as error:
        return asking.failure(sock, error.errno or 0, at_once=True)
    return None


async def _receive(waits: Waits, sock: socket.socket, asking: _Asking, deadline: float, accept: Callable[[bytes], bool]) -> Answer:
    try:
        while not accept(reply := await waits.recv(sock, LARGEST, deadline)):
            asking.stray += 1
    except TimeoutError:
        return asking.answer(Outcome.FILTERED)
    except OSError as error:
        return asking.failure(sock, error.errno or 0, at_once=False)
    return asking.answer(Outcome.OPEN, reply=reply)
