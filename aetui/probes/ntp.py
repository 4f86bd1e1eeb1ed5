"""One SNTP exchange over UDP (RFC 4330 section 5). ``about['source_port']`` asks from that port (123, as W32Time does) where it may be had.

A reply counts where it is from a server (mode 4 or 5) and gives our random transmit timestamp back. One that does not is remembered, while
waiting goes on, and reported with ``origin_echoed`` False (outcome OPEN: something did answer) when nothing better came; it counts as stray
too. Offset and delay are None where the server does not vouch for its time. No server is asked twice within ``PAUSE_S``, by whatever check;
the embedded site's own are spared nothing. FAILED with ``EAGAIN``: the pause would have outlasted the deadline, and nothing was sent.
"""

from __future__ import annotations

import asyncio
import secrets
import time

from aetui.observations import NtpSeen, Outcome
from aetui.probes.base import Given, Measured, Settings
from aetui.probes.common import clock, target, within
from aetui.records import Check
from aetui.vantage.base import Answer, Vantage
from aetui.wire import sntp

PORT = 123
PAUSE_S = 4.0
"""Shortest time between two questions to one server, which NIST's own servers insist on."""
WAIT_S = 2.5
"""Longest wait for the answer: a line of 800 ms each way, and a slow server."""
TOO_SOON = "EAGAIN"

_next_question: dict[str, float] = {}
"""When each server may be asked again, on the monotonic clock: a courtesy of this process to other people's servers."""


async def measure(check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
    """Ask one server once."""
    address = target(check, given)
    if address is None:
        return Measured(NtpSeen("", Outcome.FAILED, errno="EAI_ADDRFAMILY"))
    if vantage.info.kind != "demo" and not await _turn(address, deadline):
        return Measured(NtpSeen(address, Outcome.FAILED, errno=TOO_SOON), address=address)
    exchange = _Exchange(secrets.randbits(64))
    sent = time.time()
    answer = await vantage.ask(
        address,
        check.port or PORT,
        sntp.request(exchange.nonce),
        within(WAIT_S, deadline),
        exchange.accept,
        int(check.about.get("source_port", "0")),
    )
    return Measured(exchange.seen(address, answer, sent), address=address)


class _Exchange:
    """One question's nonce, and the best wrong answer so far."""

    def __init__(self, nonce: int) -> None:
        self.nonce = nonce
        self.doubtful: sntp.Packet | None = None

    def accept(self, data: bytes) -> bool:
        """True for the answer to our question."""
        packet = sntp.parse(data)
        if packet is None or not packet.answers:
            return False
        if not packet.echoes(self.nonce):
            self.doubtful = self.doubtful or packet
            return False
        return True

    def seen(self, address: str, answer: Answer, sent: float) -> NtpSeen:
        """The observation."""
        packet = sntp.parse(answer.reply) if answer.reply is not None else None
        said = packet or self.doubtful
        if said is None:
            return NtpSeen(
                address, answer.outcome, icmp=answer.icmp, stray=answer.stray, source_port=answer.source_port, errno=answer.errno
            )
        timing = sntp.timing(said, sent, answer.elapsed_ms) if packet else None
        return NtpSeen(
            address,
            Outcome.OPEN,
            said.stratum,
            said.leap,
            said.mode,
            said.refid,
            said.kiss,
            packet is not None,
            timing.offset_ms if timing else None,
            timing.delay_ms if timing else None,
            answer.icmp,
            answer.stray,
            answer.source_port,
        )


async def _turn(address: str, deadline: float) -> bool:
    """Wait until the server may be asked; False, without waiting, where that is not before the deadline."""
    now = clock_of_turns()
    turn = max(now, _next_question.get(address, 0.0))
    if turn - now >= deadline - clock():
        return False
    _next_question[address] = turn + PAUSE_S
    await asyncio.sleep(turn - now)
    return True


def clock_of_turns() -> float:
    """The monotonic clock, one for all event loops of the process; a seam for tests."""
    return time.monotonic()
