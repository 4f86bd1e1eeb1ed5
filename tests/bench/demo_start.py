"""How long the embedded site takes to start, against the floor of importing what it cannot do without.

Each run is a fresh interpreter; the two kinds take turns and the fastest of each counts. Prints milliseconds and the ratio of both.
Run: python tests/bench/demo_start.py [ROUNDS]
"""

from __future__ import annotations

import subprocess
import sys

FLOOR = "import asyncio, ssl, cryptography.x509, dns.message"
SITE = (
    FLOOR
    + """
import time
began = time.perf_counter()
from aetui.vantage.demo import DemoVantage
imported = time.perf_counter()
async def main():
    vantage = DemoVantage('healthy')
    await vantage.open(asyncio.get_running_loop().time() + 10)
    opened = time.perf_counter()
    await vantage.close()
    print((opened - imported) * 1000, (time.perf_counter() - opened) * 1000, (imported - began) * 1000)
asyncio.run(main())
"""
)
WHOLE = "import time; zero = time.perf_counter()\n{}\nprint((time.perf_counter() - zero) * 1000)"


def run(code: str) -> list[float]:
    """Every number that the program prints."""
    ended = subprocess.run([sys.executable, "-c", WHOLE.format(code)], capture_output=True, text=True, check=True)
    return [float(word) for word in ended.stdout.split()]


def main() -> None:
    """Take turns and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    floors, sites = [], []
    for _ in range(rounds):
        floors.append(run(FLOOR))
        sites.append(run(SITE))
    floor = min(floors)[0]
    opened, closed, imported, _ = (min(column) for column in zip(*sites, strict=True))
    print(f"floor: asyncio, ssl, cryptography, dnspython imported  {floor:7.1f} ms")
    print(f"our own modules imported                               {imported:7.1f} ms")
    print(f"scenario read, site open                               {opened:7.1f} ms")
    print(f"site closed                                            {closed:7.1f} ms")
    print(f"whole start over the floor                             {(floor + imported + opened) / floor:7.2f}")


if __name__ == "__main__":
    main()
