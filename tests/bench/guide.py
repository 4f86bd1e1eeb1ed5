"""From 'support cannot reach the PM2000' to its cause on a missing forward, in the real console on the lab's laptop: ``python -m tests.lab.enter
python tests/bench/guide.py``.

Real xrdp, router and jump host. Counted are all keys but those of the logger's address and the jump host's name; the machine's time is what
the verdict says of its tests, and the whole walk is timed too, with a person's pace of a quarter of a second a key. Figures: at most 9 keys,
under 60 s. Exit status 1 where one is missed, 2 outside a lab.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from lab import services
from lab.consoling import at_console, machine_s, to_the_verdict
from lab.enter import inside
from lab.network import Lab

ROUNDS, KEYS, MACHINE_S = 5, 9, 60.0


def main() -> int:
    """Walk it several times."""
    if not inside():
        print("only in a lab: python -m tests.lab.enter python tests/bench/guide.py", file=sys.stderr)
        return 2
    keys, machine, whole = [], [], []
    with Lab() as lab, services.remote_desktop(lab):
        for _ in range(ROUNDS):
            began = time.monotonic()
            with at_console(lab, "--no-save") as console:
                to_the_verdict(console)
                console.shows("Prove it with this computer in the PM2000's place?")
                console.press("enter")
                console.shows("Does not work: The router does not pass the port on to the PM2000")
                keys.append(len(console.pressed))
                whole.append(time.monotonic() - began)
                machine.append(machine_s(console))
    print(f"keys {max(keys)}; machine {median(machine):.1f} s (most {max(machine):.1f}); start to verdict {median(whole):.1f} s (most {max(whole):.1f})")
    return 0 if max(keys) <= KEYS and max(machine) < MACHINE_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
