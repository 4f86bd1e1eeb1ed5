"""What the journal costs a run: the time spent in it, against the run's own, and its size; what lists and searches of 10,000 sessions
take.

The run is a sweep of the embedded site. Every listener call is timed; the peer is the same run's processor time and its wall clock, so
that the share is that of one and the same run. The site's servers run in this process too and take turns with the journal, so the time
spent there is more than the journal's own work; both are told. Run: python tests/bench/journal.py [ROUNDS]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from aetui.entries import About
from aetui.events import Event, SessionStarted
from aetui.prepare import Request, prepare
from aetui.store import Journal, opened
from aetui.store.schema import connect, transaction
from aetui.store.summary import begin

SWEEPS = (
    ("healthy", ("pm2000",)),
    ("healthy", ("pm2000", "acquisuite", "kiosk", "sma-ftp", "minisite")),
    ("dns-dead", ("pm2000", "acquisuite")),
)
ABOUT = About("check", "Bench", "a note")


class Timed:
    """A listener with a clock around it."""

    def __init__(self, inner: Journal) -> None:
        self.inner = inner
        self.spent = self.worked = self.longest = 0.0
        self.calls = 0

    def __call__(self, event: Event) -> None:
        began, worked = time.perf_counter(), time.thread_time()
        self.inner(event)
        took = time.perf_counter() - began
        self.worked += time.thread_time() - worked
        self.spent += took
        self.longest = max(self.longest, took)
        self.calls += 1


async def sweep(scenario: str, equipment: tuple[str, ...], path: Path) -> tuple[Timed, float, float]:
    journal = Journal(ABOUT, print, path)
    timed = Timed(journal)
    async with prepare(Request(equipment, demo=scenario), (timed,)) as prepared:
        wall, cpu = time.perf_counter(), time.process_time()
        await prepared.session.run()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    journal.close()
    return timed, wall, cpu


def listing(path: Path) -> None:
    """Lists and searches of ten thousand sessions."""
    with opened(path) as history:
        started = next(e for e in history.entries(history.find().id) if isinstance(e, SessionStarted))
    base = connect(path)
    with transaction(base):
        for number in range(10_000):
            event = replace(started, session=f"x{number:08d}", started=started.started - timedelta(minutes=number))
            begin(base, event, replace(ABOUT, name=f"Site {number % 400}"), 1)
    base.close()
    for title, ask in (
        ("list of 40", lambda h: h.sessions(limit=40)),
        ("list of all", lambda h: h.sessions()),
        ("search, 25 found", lambda h: h.sessions("site 399 note")),
        ("search, none found", lambda h: h.sessions("nowhere")),
        ("search, all found", lambda h: h.sessions("site")),
    ):
        began = time.perf_counter()
        with opened(path) as history:
            found = len(ask(history))
        print(f"10,000 sessions, {title:<20} {found:6d} {(time.perf_counter() - began) * 1000:8.1f} ms")


def main() -> None:
    """Take turns and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        for scenario, equipment in SWEEPS:
            for _ in range(rounds):
                timed, wall, cpu = asyncio.run(sweep(scenario, equipment, path))
                print(
                    f"{scenario:<10} {len(equipment)} pieces: {timed.calls:4d} entries, {timed.spent * 1000:6.1f} ms in the journal, longest"
                    f" {timed.longest * 1000:5.2f} ms; {timed.spent / wall:6.2%} of {wall:5.2f} s;"
                    f" work {timed.worked * 1000:5.1f} ms, {timed.worked / wall:6.2%} of the time, {timed.worked / cpu:6.2%} of {cpu:4.2f} s CPU"
                )
        listing(path)
        print(f"file: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
