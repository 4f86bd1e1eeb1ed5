"""What the journal costs a sweep over a network: the time spent in it, as a share of the sweep's own, by the clock.

    python -m tests.lab.enter python tests/bench/journal_lab.py [ROUNDS]

The lab's own line adds no delay, so its sweeps are the shortest that a network of real servers gives; the other is 50 ms each way, with
jitter. The journal's file is on the disk that holds temporary files. Prints shares; asserts nothing.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from lab.faults import BY_NAME
from lab.network import Lab

LINES = ("", "distance-50-jitter")


def sweep(env: Mapping[str, str], file: str) -> tuple[float, float, int]:
    """Seconds of the sweep, seconds of it inside the journal, and entries."""
    os.environ.update(env)
    return asyncio.run(_sweep(Path(file)))


async def _sweep(file: Path) -> tuple[float, float, int]:
    from aetui.entries import About
    from aetui.events import Event
    from aetui.prepare import Request, prepare
    from aetui.store import Journal

    journal, spent = Journal(About("check", "Bench", ""), print, file), [0.0, 0]

    def timed(event: Event) -> None:
        began = time.perf_counter()
        journal(event)
        spent[0] += time.perf_counter() - began
        spent[1] += 1

    async with prepare(Request(("pm2000",)), (timed,)) as prepared:
        began = time.perf_counter()
        await prepared.session.run()
        took = time.perf_counter() - began
    journal.close()
    return took, spent[0], int(spent[1])


def main(rounds: int) -> None:
    """Print the figures."""
    with Lab() as lab, tempfile.TemporaryDirectory() as folder:
        env = dict(lab.env())
        for name in LINES:
            with BY_NAME[name].on(lab) if name else nullcontext():
                found = [lab.inside("laptop", sweep, env, f"{folder}/history") for _ in range(rounds)]
            took, spent = (statistics.median(one[place] for one in found) for place in (0, 1))
            shares = sorted(one[1] / one[0] for one in found)
            print(
                f"{name or 'no delay added'}: sweep {took:.3f} s, {found[0][2]} entries, in the journal {spent * 1000:.1f} ms"
                f" = {shares[len(shares) // 2]:.2%} (most {shares[-1]:.2%})",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
