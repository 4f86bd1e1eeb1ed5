"""A machine's programs end whole: nothing that they started holds a port on."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from lab.nodes import Process

HOLDS_ON = """
import os, signal, socket, sys, time
server = socket.create_server(("127.0.0.1", 0))
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    held = bytearray(200 * 1024 * 1024)
    print(server.getsockname()[1], flush=True)
time.sleep(60)
"""
"""A server whose child has its listening socket, cares for no SIGTERM, and takes a while to die of SIGKILL."""


def test_what_is_stopped_has_given_its_ports_up() -> None:
    popen = subprocess.Popen([sys.executable, "-c", HOLDS_ON], stdout=subprocess.PIPE, start_new_session=True)
    assert popen.stdout is not None
    port = int(popen.stdout.readline())
    popen.stdout.close()
    process = Process(popen.pid, "server", Path("/dev/null"), popen)
    process.stop()
    with socket.create_server(("127.0.0.1", port), reuse_port=False):
        pass
