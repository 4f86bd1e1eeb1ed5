"""What the machine takes is measured; what the code under test takes is not called the machine's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import holdups
from holdups import HoldUps

STOPS_ITSELF = """
import os, signal
from holdups import HoldUps
with HoldUps() as held:
    os.kill(os.getpid(), signal.SIGSTOP)
print(held.seconds)
"""


def test_code_that_blocks_holds_nothing_up() -> None:
    with HoldUps() as held:
        time.sleep(1.0)
    assert held.seconds < 0.9


def test_a_process_that_was_stopped_was_held_up() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(holdups.__file__).parent)}
    child = subprocess.Popen([sys.executable, "-c", STOPS_ITSELF], env=environment, stdout=subprocess.PIPE, text=True)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
    time.sleep(0.5)
    child.send_signal(signal.SIGCONT)
    told, _ = child.communicate(timeout=30)
    assert float(told) >= 0.4
