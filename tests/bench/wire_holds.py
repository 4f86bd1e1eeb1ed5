"""How well the lab's line holds its delay: run as ``python -m tests.lab.enter python tests/bench/wire_holds.py``.

Prints, for each rate, the share answered and the delay's excess over what was asked for, at the median and at the 99th percentile, beside
the same exchange with no line laid, measured in the same run. Milliseconds. It asserts nothing.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from lab import wire
from lab.network import Lab

DELAY_MS, SECONDS, RATES = 100.0, 2.0, (500, 1000, 2000, 4000)


def exchange(rate: int) -> tuple[int, list[float]]:
    """Ask a time server ``rate`` times a second; how many were asked, and each answer's time in order of size."""
    with socket.socket(type=socket.SOCK_DGRAM) as handle:
        handle.connect(("20.101.57.9", 123))
        handle.setblocking(False)
        sent: list[float] = []
        took: list[float] = []
        start = time.monotonic()
        while (now := time.monotonic()) < start + SECONDS + 4 * DELAY_MS / 1000:
            while now < start + SECONDS and len(sent) < (now - start) * rate:
                handle.send(b"\x23" + bytes(39) + struct.pack("!Q", len(sent)))
                sent.append(time.monotonic())
            while select.select([handle], [], [], 0.0003)[0]:
                number = struct.unpack_from("!Q", handle.recv(128), 24)[0]
                took.append((time.monotonic() - sent[number]) * 1000)
        return len(sent), sorted(took)


def main() -> None:
    """Measure and print."""
    print(f"{'packets/s':>10} {'line ms':>8} {'answered':>9} {'excess p50':>11} {'excess p99':>11}")
    with Lab() as lab:
        for rate in RATES:
            _row(rate, 0.0, *lab.inside("laptop", exchange, rate))
            with wire.laid(lab, wire.long(DELAY_MS)):
                _row(rate, 2 * DELAY_MS, *lab.inside("laptop", exchange, rate))


def _row(rate: int, told: float, asked: int, took: list[float]) -> None:
    at = [took[int(len(took) * share)] - told for share in (0.5, 0.99)]
    print(f"{2 * rate:>10} {told:>8.0f} {len(took) / asked:>9.1%} {at[0]:>11.2f} {at[1]:>11.2f}")


if __name__ == "__main__":
    main()
