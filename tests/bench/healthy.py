"""False causes on healthy networks: every harmless variation of the lab, and lines that are slow or lose packets, again and again.

    python -m tests.lab.enter python tests/bench/healthy.py [RUNS] [NAME…]

Prints, for each network, how many runs named anything that is not there, and what.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from lab.diagnosing import Told, diagnose_here
from lab.fault import Fault
from lab.faults import BY_NAME, CALM
from lab.network import Lab

ALLOWED = {"delay-800": {"slow"}, "loss-30-outward": {"lossy"}, "loss-30": {"lossy"}, "loss-30-random": {"lossy"}}
"""Lines of which a warning is the truth."""


def run(lab: Lab, fault: Fault | None) -> Told:
    """One run on one network."""
    if fault is None:
        return lab.inside("laptop", diagnose_here, env=lab.env())
    with fault.on(lab) as env:
        return lab.inside("laptop", diagnose_here, env={**lab.env(), **env})


def main(runs: int, names: list[str]) -> None:
    """Print the table."""
    faults: list[Fault | None] = [None, *CALM, *(BY_NAME[name] for name in ALLOWED)]
    total = false = 0
    with Lab() as lab:
        for fault in faults:
            name = fault.name if fault else "healthy"
            if names and name not in names:
                continue
            wrong: Counter[str] = Counter()
            seconds = 0.0
            for _ in range(runs):
                told = run(lab, fault)
                seconds = max(seconds, told.seconds)
                wrong.update({f.cause for f in told.problems} - ALLOWED.get(name, set()))
            total, false = total + runs, false + sum(wrong.values())
            print(f"{name:<28} {runs} runs, false causes: {sum(wrong.values())} {dict(wrong) or ''} slowest {seconds:.1f} s", flush=True)
    print(f"{false} false causes in {total} runs")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50, sys.argv[2:])
