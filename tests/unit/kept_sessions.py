"""Kept sessions for the tests of reports: runs over the embedded site with traces, knocks and answers beside them, some of it hostile."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from store_sessions import events_of, state_of

from aetui import __version__
from aetui.catalogue import Catalogue, load
from aetui.entries import About, Answered, Checked, Concluded, Found, InboundDone, Kept, Knocked, TraceDone, WentBack, sorted_out
from aetui.events import CheckDone, Result, SessionStarted
from aetui.observations import Outcome, TcpSeen
from aetui.path.records import Hop, Method, Proto, ReplyKind, Rtt, Trace
from aetui.reach import InboundSeen, Knock, NatSeen, OuterSide, Reached, Standing, Target, Token
from aetui.records import Check, Confidence, Diagnosed, Owner, Requirement, Severity, Status, Transport, VantageInfo, Verdict
from aetui.state import State

ALL = ("pm2000", "acquisuite", "sma-ftp")
HOSTILE = (
    "<script>document.title='taken'</script>",
    "<img src=x onerror=\"document.title='taken'\">",
    '"><svg onload="document.title=\'taken\'">',
    "](javascript:alert(1)) [x](http://evil.example/) ![](http://evil.example/p.png)",
    "`code` **bold** | cell | <b> @everyone",
    '=HYPERLINK("http://evil.example")',
    "\x1b[2J\u202egnp.exe\x00",
    "$main ${title} {x} %s",
    "&lt;script&gt; </style></title></textarea>",
)


@cache
def catalogue() -> Catalogue:
    return load()


def about(name: str = "North Field", note: str = "second visit") -> About:
    shipped = catalogue()
    return About("check", name, note, __version__, shipped.version, shipped.sha256)


def trace(length: int = 12, seed: int = 1, name: str = "core{}.isp.example", verdict: str = "TCP port 443 dies after hop 9.") -> TraceDone:
    chance = random.Random(seed)
    hops = []
    for ttl in range(1, length + 1):
        base = ttl * 4 + chance.random() * 8
        samples = tuple(None if chance.random() < 0.1 else base + chance.expovariate(0.3) for _ in range(20))
        heard = sorted(s for s in samples if s is not None)
        rtt = Rtt(heard[0], heard[len(heard) // 2], heard[-1], heard[-1], 1.0)
        answered = Hop(ttl, f"10.{ttl}.0.1", ReplyKind.TIME_EXCEEDED, None, 20, len(heard), rtt, samples, name=name.format(ttl))
        hops.append(answered if ttl <= length - 3 else Hop(ttl, None, ReplyKind.SILENT, sent=20))
    target = "streamer.alsoenergy.com"
    done = Trace(target, "74.205.11.149", 443, Proto.TCP, Method.SOCKET, False, Outcome.FILTERED, tuple(hops), dies_after=length - 3)
    return TraceDone(9.0, replace(done, verdict=verdict))


def knock(text: str = "mstshash=support") -> Knocked:
    return Knocked(4.0, Knock(datetime(2026, 3, 1, tzinfo=UTC), "203.0.113.9", 40000, 3389, "rdp", b"\x03\x00", evidence={"cookie": text}))


def told(cause: str = "forward-missing", severity: Severity = Severity.FAIL, text: str = "") -> Diagnosed:
    owner = Owner.SITE_IT if severity is Severity.FAIL else Owner.UNKNOWN
    return Diagnosed(
        cause, severity, Confidence.LIKELY, text or f"Title of {cause}", text or f"Summary of {cause}.", (text or f"Evidence of {cause}.",),
        ("rdp:203.0.113.7:3389",), owner, (text or f"Remedy of {cause}.",), text or "Support stays out.",
    )  # fmt: skip


def look(
    cause: str = "forward-missing", severity: Severity = Severity.FAIL, port: int = 3389, text: str = "", at: float = 6.0, inside: int = 0,
    service: str = "rdp",
) -> InboundDone:
    """A try of one port from outside, and of the equipment itself over the LAN."""
    target = Target("203.0.113.7", port, inside or port, service)
    missing = severity is Severity.FAIL
    outside = Reached(
        target, VantageInfo("jump", text or "office"), Standing.OUTSIDE,
        TcpSeen("203.0.113.7", port, Outcome.FILTERED if missing else Outcome.OPEN), "nothing" if missing else "rdp", text or None,
        token=Token.NONE if missing else Token.MATCHED,
    )  # fmt: skip
    lan = Target("192.168.50.60", port, port, "rdp")
    local = Reached(
        lan, VantageInfo("local", text or "laptop"), Standing.UNKNOWN, TcpSeen("192.168.50.60", port, Outcome.OPEN), "rdp", text or "PM2000-0815"
    )
    nat = NatSeen("192.168.50.1", "192.168.50.20", (OuterSide("upnp", "203.0.113.7", "success"),), "203.0.113.7", (), listed=True)
    said = replace(told(cause, severity, text), explains=(target.id,))
    return InboundDone(at, InboundSeen((outside,), (local,), nat), (said,))


def looks(*each: InboundDone) -> InboundDone:
    """Several ports tried in one look."""
    seen = replace(each[0].seen, outside=tuple(reached for done in each for reached in done.seen.outside))
    return replace(each[0], seen=seen, diagnosis=tuple(entry for done in each for entry in done.diagnosis))


def walk(text: str = "") -> tuple[Found, ...]:
    """A guide walked to its verdict, with one answer taken back."""
    return (
        Answered(1.0, "pm2000", "power", text or "Is the screen on?", text or "no"),
        WentBack(2.0, "pm2000", "power"),
        Answered(3.0, "pm2000", "power", text or "Is the screen on?", text or "yes"),
        Checked(
            4.0, "pm2000", "inside", Status.FAIL, ("silent",), (told("service-down", text=text),), {}, (text or "Nothing answers there.",), 9.0,
            text or "Does it answer on the local network?",
        ),
        Concluded(
            5.0, "pm2000", "down", Verdict.BLOCKED, text or "The PM2000 itself does not answer", text or "Its service is off.",
            (text or "Start it again.",), (("technician", text or "Open the PM2000."),),
        ),
    )  # fmt: skip


@cache
def alone(kind: str) -> Kept:
    """A session without checks: ``look``, ``trace``, ``knock``, ``walk`` or ``everything`` of them."""
    found = {"look": (look(),), "trace": (trace(),), "knock": (knock(),), "walk": walk(), "left": walk()[:-1]}
    entries = tuple(entry for entries in found.values() for entry in entries) if kind == "everything" else found[kind]
    started = next(e for e in events_of("healthy") if isinstance(e, SessionStarted))
    state = State()
    state.fold(replace(started, equipment=(), checks=()))
    commands = {"look": "confirm", "trace": "trace", "knock": "listen", "walk": "guide", "left": "guide", "everything": "console"}
    return sorted_out(state, replace(about(), command=commands[kind]), entries)


@cache
def kept(scenario: str = "tls-intercepted", equipment: tuple[str, ...] = ALL) -> Kept:
    """A run of the scenario, with a trace, a knock and an answer."""
    answer = Answered(5.0, "pm2000", "screen", "Is the screen on?", "yes")
    return Kept(state_of(events_of(scenario, equipment)), about(), (trace(),), (knock(),), (), (answer,))


def hostile() -> Kept:
    """A session in which everything that anybody else can write is an attack."""
    text = " ".join(HOSTILE)
    extras = {
        "traces": tuple(trace(6, n, name=attack.replace("{", "").replace("}", ""), verdict=attack) for n, attack in enumerate(HOSTILE)),
        "knocks": tuple(knock(attack) for attack in HOSTILE),
        "walk": tuple(entry for attack in HOSTILE for entry in (Answered(5.0, attack, attack, attack, attack), *walk(attack))),
        "inbound": tuple(look(port=3000 + n, text=attack) for n, attack in enumerate(HOSTILE)),
    }
    return replace(kept("hostile"), about=about(text, text), **extras)


def large(checks: int = 500, traces: int = 20) -> Kept:
    """A session of so many checks, every fifth failing, and so many traces."""
    started = next(e for e in events_of("healthy") if isinstance(e, SessionStarted))
    made = [
        Check(
            f"tcp:host{n // 5}.example:{1000 + n}",
            "tcp",
            f"host{n // 5}.example",
            1000 + n,
            Transport.TCP,
            ("pm2000",),
            Requirement.HARD,
            source="X",
        )
        for n in range(checks)
    ]
    state = State()
    state.fold(replace(started, checks=tuple(made)))
    for n, check in enumerate(made):
        seen = TcpSeen("203.0.113.7", check.port or 0, Outcome.FILTERED if n % 5 == 0 else Outcome.OPEN, local="192.168.50.20", rtt_ms=12.0)
        state.fold(CheckDone(float(n), Result(check, seen, "203.0.113.7", 31.0, {"connect": 31.0}, attempts=1)))
    from aetui.diagnosis import diagnose
    from aetui.events import Diagnosing, SessionEnded

    state.fold(Diagnosing(float(checks), diagnose(state)))
    state.fold(SessionEnded(float(checks), "done"))
    return Kept(state, about(), tuple(trace(30, n) for n in range(traces)))
