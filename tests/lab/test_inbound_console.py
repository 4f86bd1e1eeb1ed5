"""The console's two halves at work in the lab: the listener on the laptop, the knock through a real jump host, strangers in between; and
what the person at the jump host sees at the same moment. The halves are the console's own, without its picture.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from aetui.wire import x224
from lab import breaking, services
from lab.confirming import Half, Told, outside_half, technician
from lab.network import Lab
from lab.topology import JUMP, LAPTOP, REMOTE_ACCESS, SUPPORT, WAN

RDP = f"{WAN}:3389"
FLOOD = 400
"""Beginnings of connections that are never finished; the console remembers fewer."""
Make = Callable[[Lab], AbstractContextManager[object]]


@dataclass(frozen=True)
class Seen:
    """What the console would show, as plain values."""

    causes: list[str]
    evidence: str
    half_open: list[str]
    knocks: int


def console(home: str, allow: Sequence[str], strangers: int, lost: int, opened: Path, closing: Path) -> Seen:
    """On the laptop: open 3389, wait for so many strangers, and for so many whose answer is lost; knock through the jump host; read what
    came of it. ``opened`` is given the code, and the ports stay open until ``closing`` is there."""
    os.environ["HOME"] = home

    async def run() -> Seen:
        from ipaddress import ip_network

        from aetui.screens.inbound_outside import Jump, Question
        from aetui.screens.inbound_site import Settings
        from aetui.screens.inbound_view import View
        from aetui.vantage.asker import TerminalAsker

        view = View(lambda: None, lambda: None, TerminalAsker())
        site, outside = view.site, view.outside
        site.settings = Settings((3389,), 5, tuple(map(ip_network, allow)))
        await site.open()
        opened.write_text(site.code)
        async with asyncio.timeout(40):
            while site.total < strangers or len(site.half_open) < lost:
                await asyncio.sleep(0.05)
        assert outside.ask(view.filled(Question(Jump("office"), WAN)), None, view.on_site)
        while outside.busy:
            await asyncio.sleep(0.05)
        result = outside.result
        assert result is not None, outside.fault
        told = [f"{one.cause} {one.confidence.value}" for one in result.findings]
        said = " ".join(sentence for one in result.findings for sentence in one.evidence)
        async with asyncio.timeout(60):
            while not closing.exists():
                await asyncio.sleep(0.05)
        seen = Seen(told, said, sorted({one.peer for one in site.half_open}), site.total)
        await outside.close()
        await site.end()
        return seen

    return asyncio.run(run())


@contextmanager
def knocking(lab: Lab, sources: Sequence[str], finish: bool = True) -> Iterator[None]:
    """Strangers outside, each from its own address; where they do not finish, their connections stay begun."""

    def knock(ready: Callable[[], None]) -> None:
        ready()
        held = []
        for source in sources:
            while True:
                sock = socket.socket()
                sock.bind((source, 0))
                sock.settimeout(2)
                if not finish:
                    sock.setblocking(False)
                    sock.connect_ex((WAN, 3389))
                    held.append(sock)
                    break
                with suppress(OSError), sock:
                    sock.connect((WAN, 3389))
                    sock.sendall(x224.request(cookie="admin"))
                    sock.recv(64)
                    break
                time.sleep(0.1)
        time.sleep(120)

    process = lab["cloud"].serve("strangers", knock)
    try:
        yield
    finally:
        lab["cloud"].stop(process)


def both(lab: Lab, tmp_path: Path, allow: Sequence[str] = (), strangers: int = 0, lost: int = 0) -> tuple[Seen, Told]:
    """The console on the laptop, and the person at the jump host with the code that it shows, while it is open."""
    opened, closing = tmp_path / "opened", tmp_path / "closing"
    home = technician(lab)
    half: list[Half] = []

    def at_the_jump_host() -> Told:
        deadline = time.monotonic() + 60
        while not (opened.exists() and opened.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        half.append(outside_half(lab, RDP, "--code", opened.read_text()))
        try:
            return half[0].told()
        finally:
            closing.touch()

    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        partner = pool.submit(at_the_jump_host)
        return lab.inside("laptop", console, home, allow, strangers, lost, opened, closing), partner.result(90)


def forwarded(lab: Lab) -> AbstractContextManager[object]:
    return services.forwarded(lab, 3389, LAPTOP, 3389)


def no_way_back(match: str = "") -> Make:
    return lambda lab: breaking.dropped(lab, f'oifname "wan" tcp sport 3389 {match}')


@dataclass(frozen=True)
class Case:
    """One row: what is so, who else knocks, what the console says, what the outside half says."""

    name: str
    so: tuple[Make, ...]
    site: list[str]
    outside: list[str]
    strangers: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    evidence: str = ""


CONFIRMED = ["forward-confirmed certain"]
CASES = [
    Case("forwarded right, and nobody else came", (forwarded,), CONFIRMED, CONFIRMED, evidence="a test from a second address outside tells"),
    Case("not forwarded", (), ["forward-missing likely"], ["forward-missing possible"], evidence="this computer's own firewall"),
    Case("the answers get lost", (forwarded, no_way_back()), ["forward-unanswered certain"], ["forward-unanswered possible"],
         evidence=f"A connection from {JUMP} was begun at port 3389 of this computer and not finished"),
    Case("one stranger came", (forwarded,), ["exposed likely", *CONFIRMED], CONFIRMED, (SUPPORT,), evidence=f"port 3389 of the listener: {SUPPORT}"),
    Case("two strangers came that have nothing to do with each other", (forwarded,), ["exposed certain", *CONFIRMED], CONFIRMED,
         (SUPPORT, REMOTE_ACCESS), evidence="nobody announced"),
    Case("a stranger came though the jump host alone was announced", (forwarded,), ["exposed likely", *CONFIRMED], CONFIRMED, (SUPPORT,), (JUMP,)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_listener_and_knock_together_name_the_cause(lab: Lab, case: Case, tmp_path: Path) -> None:
    with ExitStack() as stack:
        for make in case.so:
            stack.enter_context(make(lab))
        if case.strangers:
            stack.enter_context(knocking(lab, case.strangers))
        site, outside = both(lab, tmp_path, case.allow, len(case.strangers))
    assert (site.causes, outside.causes) == (case.site, case.outside), f"{site}\n{outside.result}"
    assert case.evidence in site.evidence, site.evidence


def test_a_flood_of_connections_that_are_never_finished_keeps_nobody_out(lab: Lab, tmp_path: Path) -> None:
    from aetui.inbound.passing import MOST_FOUND

    sources = [(SUPPORT, REMOTE_ACCESS)[number % 2] for number in range(FLOOD)]
    with forwarded(lab), no_way_back(f"ip daddr != {JUMP}")(lab), knocking(lab, sources, finish=False):
        site, outside = both(lab, tmp_path, lost=2)
    assert site.causes == outside.causes == CONFIRMED
    assert site.half_open == sorted({SUPPORT, REMOTE_ACCESS}) and len(site.half_open) <= MOST_FOUND
    assert site.knocks == 2, "the console's and the partner's; what never began is no knock"

