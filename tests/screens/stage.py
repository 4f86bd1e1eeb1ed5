"""What the console's tests stand on: a made-up world behind the real plan, session, rules and words, and a few ways to look at the screen.

``World`` answers every probe at once: what a check sees is looked up by its id, and is healthy otherwise. Nothing here opens a socket.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from textual.pilot import Pilot

from aetui.catalogue import load
from aetui.observations import (
    BannerSeen,
    Certificate,
    DnsAnswer,
    DnsSeen,
    Ended,
    FtpSeen,
    HttpSeen,
    NtpSeen,
    Observation,
    Outcome,
    SeriesSeen,
    TcpSeen,
    TlsSeen,
    Trial,
    Verification,
)  # fmt: skip
from aetui.plan import plan
from aetui.prepare import Prepared
from aetui.probes import PROBES
from aetui.probes.base import Given, Measured, Probe, Settings
from aetui.records import Check, VantageInfo
from aetui.screens.app import AetuiApp
from aetui.screens.launch import Launch
from aetui.screens.outbound import Outbound
from aetui.screens.widgets.lines import Lines
from aetui.screens.widgets.page import Page
from aetui.screens.widgets.rows import Rows
from aetui.session import Session
from aetui.state import State
from aetui.vantage.base import Capability, Vantage, VantageLost

RESOLVER = "192.168.50.1"
LONGEST_WAIT_S = 20.0
OF_THIS_COMPUTER = ("link", "canary:", "beyond")
"""Checks that no equipment needs: these, whatever else the plan may hold."""

Answer = Observation | Callable[[Check, int], Observation]
"""What a check sees, or how that depends on the check and on how often it was asked (from 1)."""


class FakeStream:
    """An open connection that nobody reads."""

    async def read(self, most: int, deadline: float) -> bytes:
        return b""

    async def write(self, data: bytes, deadline: float) -> None:
        return

    def close(self) -> None:
        return


class FakeVantage:
    """A place from which nothing is sent: the probes are made up."""

    info = VantageInfo("local", "test", "eth0", "192.168.50.20", RESOLVER, (RESOLVER,))
    capabilities = frozenset({Capability.TCP, Capability.UDP})
    resolvers = (RESOLVER,)


@dataclass
class World:
    """What there is to see."""

    seen: Mapping[str, Answer] = field(default_factory=dict)
    """By the beginning of a check's id."""
    held: asyncio.Event | None = None
    """Checks wait for it before they answer."""
    lost: str = ""
    """Why the vantage is lost when the first connection is tried."""
    unopened: Exception | None = None
    """Why there is no session at all."""
    asked: Counter[str] = field(default_factory=Counter)
    closed: bool = False
    launches: list[Launch] = field(default_factory=list)

    async def measure(self, check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
        self.asked[check.id] += 1
        if self.held is not None and check.equipment:
            await self.held.wait()
        if self.lost and check.kind == "tcp":
            raise VantageLost(self.lost)
        answer = next((a for start, a in self.seen.items() if check.id.startswith(start)), None)
        seen = HEALTHY[check.kind](check) if answer is None else answer(check, self.asked[check.id]) if callable(answer) else answer
        await asyncio.sleep(0)
        addresses = seen.addresses if isinstance(seen, DnsSeen) else ()
        opened = isinstance(seen, TcpSeen) and seen.outcome is Outcome.OPEN
        shook_hands = isinstance(seen, TlsSeen) and seen.ended is Ended.DONE
        stream = FakeStream() if opened or shook_hands else None
        return Measured(seen, {PHASES.get(check.kind, "first_byte"): 12.0}, "192.0.2.7", addresses, stream)

    @asynccontextmanager
    async def prepare(self, launch: Launch) -> AsyncIterator[Prepared]:
        self.launches.append(launch)
        if self.unopened is not None:
            raise self.unopened
        catalogue = load(launch.own_catalogue)
        vantage = cast("Vantage", FakeVantage())
        probes = {kind: Probe(self.measure, probe.needs, probe.timeout_s) for kind, probe in PROBES.items()}
        checks = [c for c in plan(catalogue, launch.equipment, vantage.info) if c.equipment or c.id.startswith(OF_THIS_COMPUTER)]
        session = Session(vantage, checks, launch.equipment, deadline_s=launch.deadline_s or 10.0, probes=probes, ask_further=nothing)
        try:
            yield Prepared(session, vantage, catalogue)
        finally:
            self.closed = True


def nothing(_state: State) -> tuple[Check, ...]:
    """What the rules want to know besides is no matter of the console's."""
    return ()


PHASES = {"dns": "dns", "tcp": "connect", "tls": "tls"}


def names(check: Check, rcode: str = "NOERROR", addresses: tuple[str, ...] | None = None, outcome: Outcome = Outcome.OPEN) -> DnsSeen:
    """What the site's DNS server says; by default what the document has."""
    documented = tuple(filter(None, check.about.get("documented", "").split(","))) or ("20.101.57.9",)
    given = documented if addresses is None else addresses
    answer = DnsAnswer(check.about.get("resolver", RESOLVER), "A", "udp", outcome, rcode if outcome is Outcome.OPEN else None, given)
    return DnsSeen(check.host or "", (answer,))


def _dns(check: Check) -> DnsSeen:
    return names(check, "NXDOMAIN", ()) if check.about.get("purpose") == "canary" else names(check)


def certificate(issuer: str = "O=Public Trust,CN=Public CA 1", names: tuple[str, ...] = ("*.alsoenergy.com",)) -> Certificate:
    """A leaf that is valid now."""
    now = datetime.now(UTC)
    return Certificate("CN=server", issuer, now - timedelta(days=30), now + timedelta(days=60), names, "ab" * 32, names_total=len(names))


def shaken(check: Check, issuer: str = "O=Public Trust,CN=Public CA 1", trusted: bool = True) -> TlsSeen:
    """A handshake that was finished."""
    word = Verification(trusted, 0 if trusted else 20, "" if trusted else "unable to get local issuer certificate")
    return TlsSeen(
        check.host or "", Ended.DONE, "finished", "TLSv1.3", "TLS_AES_256_GCM_SHA384", None, (certificate(issuer),), word,
        Verification(True), None, True,
    )  # fmt: skip


def connect(outcome: Outcome = Outcome.OPEN, errno: str | None = None) -> TcpSeen:
    """A connect that ended so."""
    return TcpSeen("192.0.2.7", 443, outcome, errno, rtt_ms=27.0 if outcome is Outcome.OPEN else None)


def page(check: Check, status: int = 200, **more: Any) -> HttpSeen:
    """A page of the server itself."""
    return HttpSeen(f"http://{check.host}/", Ended.DONE, status, "OK", (("server", "test"),), body=b"hello", title="hello", **more)


HEALTHY: Mapping[str, Callable[[Check], Observation]] = {
    "dns": _dns,
    "tcp": lambda check: connect(),
    "tls": shaken,
    "http": page,
    "ntp": lambda check: NtpSeen("192.0.2.7", Outcome.OPEN, 2, 0, 4, "GPS", None, True, 3.0, 30.0),
    "ftp": lambda check: FtpSeen(Ended.DONE, "220 ready"),
    "ssh": lambda check: BannerSeen(Ended.DONE, "SSH-2.0-OpenSSH_9", "OpenSSH_9"),
    "series": lambda check: SeriesSeen(check.about.get("purpose", "beyond"), (Trial(connect(), Ended.DONE, 20.0),)),
}


# ------------------------------------------------------------------------------------------------------------------- the console
def console(world: World, equipment: tuple[str, ...] = ("pm2000",), encoding: str = "utf-8", **launch: Any) -> AetuiApp:
    """A console on a made-up world."""
    return AetuiApp(Launch(equipment=equipment, **launch), prepare=world.prepare, encoding=encoding)


async def until(pilot: Pilot[Any], true: Callable[[], object], what: str = "") -> None:
    """Let the app go on until something holds."""
    end = asyncio.get_running_loop().time() + LONGEST_WAIT_S
    while not true():
        if pilot.app._exception is not None:
            raise pilot.app._exception
        if asyncio.get_running_loop().time() > end:
            raise AssertionError(f"never came: {what or true}\n{screen(pilot.app)}")
        await pilot.pause(0.01)


def idle(app: AetuiApp) -> bool:
    """True when a run has ended and the screen shows it."""
    state = app.runner.state
    assert not app.runner.fault, app.runner.fault
    return state is not None and state.ended is not None and not app.runner.busy and "Checking" not in summary(app)


async def finished(pilot: Pilot[Any]) -> None:
    """Let the run end, and be drawn."""
    app = cast("AetuiApp", pilot.app)
    await until(pilot, lambda: idle(app), "the end of the run")
    await pilot.pause()


def tab(app: AetuiApp) -> Outbound:
    """The Outbound tab, whatever page lies over it."""
    return cast("Outbound", app.screen_stack[0])


def summary(app: AetuiApp) -> str:
    """What the summary says, as one sentence."""
    lines = tab(app).query_one("#summary", Lines).lines
    return " ".join(" ".join(line.text.split()) for line in lines).strip()


def listed(app: AetuiApp) -> list[str]:
    """The list's rows as text."""
    return [line.text.rstrip() for line in tab(app).query_one(Rows).lines]


def detail(app: AetuiApp) -> str:
    """What the details say."""
    return "\n".join(f"{para.lead}{para.text}" for para in tab(app).query_one("#details", Page).paras)


def selected(app: AetuiApp) -> str:
    """Key of the selected row."""
    return tab(app).query_one(Rows).key


def screen(app: Any) -> str:
    """Everything on the screen, line by line."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())
