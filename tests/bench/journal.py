"""What the journal costs a run, by two measures, and its size; what lists and searches of 10,000 sessions take.

Share: the time spent inside the listener's calls against the run's own, by the clock and by processor time. Difference: the same sweep
with and without a journal, turn by turn, medians of both; it holds what the first measure cannot see (caches, other threads let in) and
is as uneasy as the machine. The run is a sweep of the embedded site, whose servers run in this process too: on its fastest line a sweep
is all processor time. Other scenarios wait for something, as every real network does.
Run: python tests/bench/journal.py [ROUNDS]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median

from aetui.entries import About
from aetui.events import Event, SessionStarted
from aetui.prepare import Request, prepare
from aetui.store import Journal, opened
from aetui.store.schema import connect, transaction
from aetui.store.summary import begin

SWEEPS = (
    ("healthy", ("pm2000",)),
    ("slow-line", ("pm2000",)),
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


async def sweep(scenario: str, equipment: tuple[str, ...], path: Path | None) -> tuple[Timed | None, float, float]:
    """One run; without a path nothing is journalled."""
    journal = Journal(ABOUT, print, path) if path is not None else None
    timed = Timed(journal) if journal is not None else None
    async with prepare(Request(equipment, demo=scenario), (timed,) if timed is not None else ()) as prepared:
        wall, cpu = time.perf_counter(), time.process_time()
        await prepared.session.run()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if journal is not None:
        journal.close()
    return timed, wall, cpu


def compared(scenario: str, equipment: tuple[str, ...], path: Path, rounds: int) -> None:
    """Turn by turn, with and without."""
    kept, bare, spent, worked, entries, longest = [], [], [], [], 0, 0.0
    for _ in range(rounds):
        timed, wall, _ = asyncio.run(sweep(scenario, equipment, path))
        assert timed is not None
        kept.append(wall)
        spent.append(timed.spent)
        worked.append(timed.worked)
        entries, longest = timed.calls, max(longest, timed.longest)
        bare.append(asyncio.run(sweep(scenario, equipment, None))[1])
    shares = sorted(inside / wall for inside, wall in zip(spent, kept, strict=True))
    print(
        f"{scenario:<10} {len(equipment)} pieces, {rounds} rounds: {entries:4d} entries; sweep {median(kept):6.3f} s with, {median(bare):6.3f} s without"
        f" ({median(kept) / median(bare) - 1:+.1%}); in the journal {median(spent) * 1000:5.1f} ms ({shares[len(shares) // 2]:.2%}),"
        f" of it work {median(worked) * 1000:5.1f} ms ({median(worked) / median(kept):.2%}); longest call {longest * 1000:5.1f} ms"
    )


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
            short = scenario in {"healthy", "slow-line"} and len(equipment) == 1
            compared(scenario, equipment, path, 10 * rounds if short else rounds)
        listing(path)
        print(f"file: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
