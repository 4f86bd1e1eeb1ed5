"""``aetui check`` as a user runs it, on the lab's laptop: every piece of equipment, every form of output, and from the jump host."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from lab.faults import BY_NAME
from lab.network import Lab

EQUIPMENT = ("pm2000", "ps3000", "pl1000", "moxa", "acquisuite", "kiosk", "sma-ftp", "minisite", "logmein")
SCHEMA = json.loads(files("aetui.assets").joinpath("report.schema.json").read_text())


def check(lab: Lab, home: Path, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    whole = {**lab.env(), **(env or {}), "HOME": str(home), "XDG_STATE_HOME": str(home / "state")}
    done = lab.run("laptop", [sys.executable, "-m", "aetui", "check", *arguments], env=whole, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("key", EQUIPMENT)
def test_every_equipment_is_ready_on_a_healthy_site(lab: Lab, home: Path, key: str) -> None:
    status, out, err = check(lab, home, key, "--json")
    report = json.loads(out)
    jsonschema.validate(report, SCHEMA)
    assert (status, report["verdict"], report["diagnosis"]) == (0, "ready", []), err
    assert {c["status"] for c in report["checks"] if c["equipment"]} <= {"pass", "skip"}
    assert all(c["because"] for c in report["checks"] if c["equipment"] and c["status"] == "skip")


def test_several_at_once_share_their_checks(lab: Lab, home: Path) -> None:
    _, out, _ = check(lab, home, "pm2000", "moxa", "--json")
    report = json.loads(out)
    shared = [c for c in report["checks"] if c["id"] == "tcp:maki.alsoenergy.com:443"]
    assert [c["equipment"] for c in shared] == [["pm2000", "moxa"]]


@pytest.mark.parametrize(
    ("fault", "status", "verdict", "cause"),
    [
        ("drop-443", 1, "blocked", "filtered"),
        ("reject-443", 1, "blocked", "rejected"),
        ("dns-silent", 1, "blocked", "dns-unreachable"),
        ("dns-hijacked-everywhere", 1, "blocked", "dns-hijacked"),
        ("tls-intercepted-fortinet", 1, "blocked", "tls-intercepted"),
        ("ntp-dropped", 1, "blocked", "ntp-no-reply"),
        ("link-down", 1, "blocked", "no-link"),
        ("reset-by-server", 1, "blocked", "refused"),
        ("portal-redirects-tls-drop", 1, "blocked", "captive-portal"),
        ("drop-everything", 1, "blocked", "no-internet"),
        ("drop-kiosk-range", 0, "ready", None),
    ],
)
def test_the_exit_status_and_the_first_cause_say_what_is_wrong(
    lab: Lab, home: Path, fault: str, status: int, verdict: str, cause: str | None
) -> None:
    with BY_NAME[fault].on(lab) as env:
        left, out, _ = check(lab, home, "pm2000", "--json", env=env)
    report = json.loads(out)
    jsonschema.validate(report, SCHEMA)
    causes = [d["cause"] for d in report["diagnosis"]]
    assert (left, report["verdict"], causes[:1]) == (status, verdict, [cause] if cause else [])


def test_a_dead_kiosk_range_is_a_warning_and_names_the_range(lab: Lab, home: Path) -> None:
    with BY_NAME["drop-kiosk-range"].on(lab):
        status, out, _ = check(lab, home, "kiosk", "--json")
    report = json.loads(out)
    (found,) = report["diagnosis"]
    assert (status, report["verdict"], found["cause"], found["severity"]) == (0, "degraded", "filtered", "warn")
    assert "172.245.215.160/27" in found["summary"]
    assert len(found["explains"]) == 64


def test_events_come_as_lines_and_tell_the_same(lab: Lab, home: Path) -> None:
    _, out, _ = check(lab, home, "moxa", "--jsonl")
    events = [json.loads(line) for line in out.splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["started", "ended"]
    assert {e["id"] for e in events if e["event"] == "result"} == set(events[0]["planned"])
    assert [e["at_ms"] for e in events] == sorted(e["at_ms"] for e in events)


def test_only_and_deadline_bound_the_run(lab: Lab, home: Path) -> None:
    _, out, _ = check(lab, home, "moxa", "--json", "--only", "tcp:maki.alsoenergy.com:443")
    assert {c["id"] for c in json.loads(out)["checks"] if c["equipment"]} == {"dns:maki.alsoenergy.com", "tcp:maki.alsoenergy.com:443"}
    with BY_NAME["drop-everything"].on(lab):
        _, out, _ = check(lab, home, "moxa", "--json", "--deadline", "3")
    report = json.loads(out)
    assert report["elapsed_ms"] <= 3300
    assert not [c for c in report["checks"] if c["not_run"] and c["status"] == "pass"]


def test_every_tcp_check_runs_from_the_jump_host(lab: Lab, home: Path) -> None:
    status, out, err = check(lab, home, "moxa", "--from", "jump:noc", "--json")
    report = json.loads(out)
    jsonschema.validate(report, SCHEMA)
    assert (status, report["verdict"]) == (0, "ready"), err
    assert report["vantage"]["kind"] == "jump"
    assert {c["status"] for c in report["checks"] if c["kind"] in {"tcp", "tls", "http"} and c["equipment"]} == {"pass"}


def test_what_needs_udp_is_skipped_from_the_jump_host_with_the_reason(lab: Lab, home: Path) -> None:
    status, out, _ = check(lab, home, "pm2000", "--from", "jump:noc", "--json")
    report = json.loads(out)
    clocks = [c for c in report["checks"] if c["kind"] == "ntp"]
    assert {(c["status"], c["not_run"], c["reason"]) for c in clocks} == {("skip", "vantage", "udp")}
    assert (status, report["verdict"]) == (3, "undetermined")


def test_a_second_vantage_tells_the_server_from_the_site(lab: Lab, home: Path) -> None:
    for fault, cause in (("server-silent", "server-down"), ("drop-one-port-of-one-server", "filtered")):
        with BY_NAME[fault].on(lab):
            _, out, _ = check(lab, home, "pm2000", "--beside", "jump:noc", "--json")
        report = json.loads(out)
        assert [d["cause"] for d in report["diagnosis"]] == [cause], fault


def test_a_jump_host_that_is_not_there_is_one_clear_line(lab: Lab, home: Path) -> None:
    status, out, err = check(lab, home, "moxa", "--from", "jump:tech@172.245.215.190")
    assert (status, out) == (3, "")
    assert len(err.strip().splitlines()) == 1
