"""A sweep of pm2000 on a line of 100 ms each way, against its critical path, and with everything dropped, against its deadline.

    python -m tests.lab.enter python tests/bench/sweep.py [ROUNDS]

The critical path is walked in the same run, on the same line, with plain blocking sockets: one name from the site's resolver, one connect, one TLS
handshake, one request, one after the other, for each host in turn; the slowest chain counts. Prints ratios; asserts nothing.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from lab.diagnosing import diagnose_here
from lab.faults import BY_NAME
from lab.network import Lab

HOSTS = ("www", "maki", "moxa", "servlet", "makirt", "streamer")
DEADLINE_S = 10.0


def chain(host: str, roots: str) -> float:
    """Seconds for name, connect, handshake and request, in that order."""
    context = ssl.create_default_context(cafile=roots)
    began = time.perf_counter()
    address = socket.getaddrinfo(host, 443, socket.AF_INET, socket.SOCK_STREAM)[0][4]
    with socket.create_connection(address, timeout=9) as plain, context.wrap_socket(plain, server_hostname=host) as secure:
        connection = http.client.HTTPConnection(host)
        connection.sock = secure
        connection.request("GET", "/")
        connection.getresponse().read(1)
        return time.perf_counter() - began


def critical_path(roots: str) -> float:
    """The slowest chain."""
    return max(chain(f"{host}.alsoenergy.com", roots) for host in HOSTS)


def sweep(env: Mapping[str, str]) -> tuple[float, float, str]:
    """Seconds of the run, seconds of the whole call with its imports, and the verdict."""
    began = time.perf_counter()
    told = diagnose_here(("pm2000",), env)
    return told.seconds, time.perf_counter() - began, told.verdict


def main(rounds: int) -> None:
    """Print the figures."""
    with Lab() as lab:
        env = dict(lab.env())
        with BY_NAME["distance-100"].on(lab):
            paths, runs, wholes = [], [], []
            for _ in range(rounds):
                paths.append(lab.inside("laptop", critical_path, str(lab.roots)))
                run, whole, verdict = lab.inside("laptop", sweep, env)
                runs.append(run)
                wholes.append(whole)
                print(
                    f"critical path {paths[-1]:.3f} s, sweep {run:.3f} s ({verdict}), with imports {whole:.3f} s, ratio {run / paths[-1]:.2f}",
                    flush=True,
                )
        with BY_NAME["drop-everything"].on(lab):
            dead, _, verdict = lab.inside("laptop", sweep, env)
    path, run = statistics.median(paths), statistics.median(runs)
    print(f"median: sweep {run:.3f} s / critical path {path:.3f} s = {run / path:.2f}; with imports {statistics.median(wholes) / path:.2f}")
    print(f"everything dropped: {dead:.2f} s ({verdict}) / deadline {DEADLINE_S:.0f} s = {dead / DEADLINE_S:.2f}")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
