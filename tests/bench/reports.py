"""How long a report of a large session takes, and how large it is: 500 checks and 20 traces of 30 hops, in every form.

Beside each: the floor, a plain ``json.dumps`` of the same session's entries, in the same process. Run: python tests/bench/reports.py
[ROUNDS]
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "unit"))

from kept_sessions import catalogue, large

from aetui.causes import load_causes
from aetui.report.forms import FORMS, made
from aetui.report.json import plain


def fastest(work: Callable[[], str], rounds: int) -> tuple[float, int]:
    """Milliseconds of the fastest round, and bytes made."""
    times = []
    made_ = ""
    for _ in range(rounds):
        began = time.perf_counter()
        made_ = work()
        times.append((time.perf_counter() - began) * 1000)
    return min(times), len(made_.encode())


def main() -> None:
    """Take turns and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    one, shipped, words = large(), catalogue(), load_causes()
    floor, size = fastest(lambda: json.dumps([plain(r) for r in one.state.results.values()] + [plain(t) for t in one.traces]), rounds)
    print(f"floor     {floor:7.1f} ms {size / 1000:8.1f} kB")
    for form in FORMS:
        for redact in (False, True):
            took, size = fastest(lambda form=form, redact=redact: made(form, one, shipped, words, redact), rounds)
            print(f"{form:<9} {took:7.1f} ms {size / 1000:8.1f} kB  {took / floor:5.1f} times the floor{'  redacted' if redact else ''}")


if __name__ == "__main__":
    main()
