"""``aetui trace`` and the place that ``aetui check`` tells, as a user runs them on the lab's laptop: whose device, beside which port."""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lab import topology
from lab.faults import BY_NAME
from lab.network import Lab

SCHEMA = json.loads(files("aetui.assets").joinpath("trace.schema.json").read_text())
REMOTE = "ra.buildingmanageronline.com"


def run(lab: Lab, home: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    whole = {**lab.env(), "HOME": str(home), "XDG_STATE_HOME": str(home / "state")}
    done = lab.run("laptop", [sys.executable, "-m", "aetui", *arguments, "--json"], env=whole, timeout=60)
    found: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, found, done.stderr


PLACES = [
    ("drop-2022", 1, [topology.GATEWAY, topology.WAN_GATEWAY], "the site's own router", "site-it"),
    ("drop-2022-at-isp1", 2, [topology.WAN_GATEWAY, "203.0.113.6"], "the internet provider's device", "isp"),
    ("drop-2022-at-isp2", 3, ["203.0.113.6", topology.HOSTS[REMOTE]], "beyond the site's own network", "unknown"),
]


@pytest.mark.parametrize(("fault", "dies_after", "suspects", "whose", "owner"), PLACES, ids=[row[0] for row in PLACES])
def test_trace_and_check_say_whose_device_drops_a_port(
    lab: Lab, home: Path, fault: str, dies_after: int, suspects: list[str], whose: str, owner: str
) -> None:
    with BY_NAME[fault].on(lab):
        status, found, err = run(lab, home, "trace", f"{REMOTE}:2022")
        _, report, _ = run(lab, home, "check", "acquisuite", "--only", f"tcp:{REMOTE}:2022")
    jsonschema.validate(found, SCHEMA)
    assert (status, err, found["method"], found["dies_after"], found["suspects"]) == (1, "", "scapy", dies_after, suspects)
    assert (found["compared_with"]["port"], found["compared_with"]["outcome"]) == (443, "open")
    told = next(entry for entry in report["diagnosis"] if entry["cause"] == "filtered")
    for entry in (found["diagnosis"][0], told):
        assert whose in " ".join([entry["summary"], *entry["evidence"]])
        assert entry["owner"] == owner


@pytest.mark.parametrize(("port", "outcome", "status"), [(443, "open", 0), (9, "refused", 1)])
def test_a_trace_from_the_jump_host_says_how_the_port_answers_there(lab: Lab, home: Path, port: int, outcome: str, status: int) -> None:
    ended, found, _ = run(lab, home, "trace", f"{REMOTE}:{port}", "--from", "jump:noc")
    jsonschema.validate(found, SCHEMA)
    assert (ended, found["method"], found["proto"], found["port"], found["outcome"]) == (status, "remote", "tcp", port, outcome)
    assert [hop["address"] for hop in found["hops"]][-1] == topology.HOSTS[REMOTE]


def test_without_a_port_named_the_one_that_the_last_check_saw_work_is_compared(lab: Lab, home: Path) -> None:
    run(lab, home, "check", "acquisuite", "--only", f"tcp:{REMOTE}:2022", "--save")
    with BY_NAME["drop-443"].on(lab):
        _, found, _ = run(lab, home, "trace", f"{REMOTE}:443")
    assert (found["compared_with"]["port"], found["compared_with"]["outcome"]) == (2022, "open")
