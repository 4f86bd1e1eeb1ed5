"""What a real look from outside, a real trace and real knocks leave in the history, and what can be made of it afterwards."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lab import breaking, topology
from lab.confirming import technician
from lab.network import Lab
from lab.services import remote_desktop


class Kept:
    """Commands of somebody on the laptop, whose home knows the jump host."""

    def __init__(self, lab: Lab, store: Path) -> None:
        self.lab = lab
        self.env = {**lab.env(), "HOME": technician(lab), "AETUI_HOME": str(store)}

    def run(self, *arguments: str) -> str:
        done = self.lab.run("laptop", [sys.executable, "-m", "aetui", *arguments], env=self.env, timeout=90)
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    def latest(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(self.run("history", "--json"))
        return found[0]


@pytest.fixture
def kept(lab: Lab, tmp_path: Path) -> Kept:
    return Kept(lab, tmp_path)


def test_a_missing_forward_is_kept_with_its_verdict_and_becomes_a_request(kept: Kept) -> None:
    with remote_desktop(kept.lab):
        kept.run("confirm", f"{topology.WAN}:3389", "--from", "jump:office", "--inside", f"{topology.LOGGER}:3389", "--site", "Hill")
    found = kept.latest()
    assert (found["command"], found["name"], found["looks"], found["judged"]) == ("confirm", "Hill", 1, True)
    assert found["verdict"] == "blocked"
    page = kept.run("report", "Hill", "--format", "html")
    assert "BLOCKED: the equipment is not reached from outside." in page
    assert topology.WAN in page
    assert topology.WAN not in kept.run("report", "Hill", "--format", "html", "--redact")
    asked = kept.run("request", "Hill", "--for", "nftables", "--support", f"{topology.JUMP}/32")
    assert f"ip saddr {topology.JUMP} fib daddr type local tcp dport 3389 dnat to {topology.LOGGER}:3389" in asked.replace("/32", "")


def test_a_trace_is_kept_and_two_of_them_are_compared(kept: Kept) -> None:
    target = "www.alsoenergy.com:443"
    kept.run("trace", target, "--site", "before")
    with breaking.dropped(kept.lab, "tcp dport 443"):
        kept.run("trace", target, "--site", "after")
    assert (kept.latest()["traces"], kept.latest()["verdict"]) == (1, "blocked")
    assert "path ends" in kept.run("diff", "before", "after")


def test_real_knocks_are_in_the_history_as_they_come_and_survive_a_kill(kept: Kept) -> None:
    lab = kept.lab
    command = [sys.executable, "-m", "aetui", "listen", "33890", "--for", "1", "--site", "Gate"]
    process = lab.popen("laptop", command, kept.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        said = process.stdout.readline().decode()
        assert re.search(r"Listening on port 33890", said), said
        knock = "import socket; s = socket.create_connection(('" + topology.LAPTOP + "', 33890), 5); s.send(b'GET / HTTP/1.0\\r\\n\\r\\n'); s.recv(1)"
        lab.run("logger", [sys.executable, "-c", knock], timeout=30)
        end = time.monotonic() + 30
        while not kept.latest()["knocks"] and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    found = kept.latest()
    assert (found["command"], found["knocks"], found["ended"]) == ("listen", 1, None)
    report = kept.run("report", "Gate", "--format", "markdown")
    assert topology.LOGGER in report
    assert "a web request" in report
