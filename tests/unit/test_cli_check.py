
"""``aetui check``, ``catalogue`` and ``explain`` through ``main()``: exit statuses, one-sentence refusals, JSON by its schema, and nothing raw."""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from holdups import HoldUps

from aetui.catalogue import load
from aetui.causes import load_causes
from aetui.cli import check as check_command
from aetui.cli.main import Exit, main
from aetui.demo.scenario import load as load_scenario
from aetui.explain import load_kinds
from aetui.report.text import ASCII_GLYPHS, GLYPHS

SCHEMA = json.loads(files("aetui.assets").joinpath("report.schema.json").read_text("utf-8"))
SGR = re.compile(r"\x1b\[[0-9]*m")
OWN = "[[endpoint]]\nhost = 'own.example'\naddresses = ['192.52.193.77']\nequipment = ['pm2000']\nhttps = [443]\n"


@pytest.fixture(autouse=True)
def nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETUI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("AETUI_CATALOGUE", "AETUI_CA_BUNDLE", "AETUI_FTP_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    try:
        status = main(arguments)
    except SystemExit as end:
        status = int(end.code or 0)
    out, err = capsys.readouterr()
    return status, out, err


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    status, out, _ = said(capsys, "check", *arguments, "--json")
    report = json.loads(out)
    jsonschema.validate(report, SCHEMA)
    return status, report


# -------------------------------------------------------------------------------------------------------------------- exit statuses
VERDICTS = [
    ("healthy", "ready", Exit.READY), ("clock-hour", "degraded", Exit.READY), ("dns-changed", "ready", Exit.READY), ("port-rejected", "blocked", Exit.FAILED),
    ("no-link", "blocked", Exit.FAILED), ("dns-failing", "blocked", Exit.FAILED), ("tls-intercepted", "blocked", Exit.FAILED),
    ("local-firewall", "blocked", Exit.FAILED), ("http-error", "blocked", Exit.FAILED), ("ntp-kiss", "blocked", Exit.FAILED), ("no-gateway", "blocked", Exit.FAILED),
    ("dns-name-missing", "blocked", Exit.FAILED), ("hostile", "blocked", Exit.FAILED),
]  # fmt: skip


@pytest.mark.parametrize(("scenario", "verdict", "status"), VERDICTS, ids=[row[0] for row in VERDICTS])
def test_the_exit_status_is_the_verdicts_and_the_report_is_as_its_schema_says(
    capsys: pytest.CaptureFixture[str], scenario: str, verdict: str, status: Exit
) -> None:
    got, report = checked(capsys, *load_scenario(scenario).equipment, "--demo", scenario)
    assert (report["verdict"], got) == (verdict, status)
    assert report["vantage"]["kind"] == "demo"
    explained = {i for finding in report["diagnosis"] for i in finding["explains"]}
    assert explained <= {row["id"] for row in report["checks"]}
    for row in report["checks"]:
        assert row["status"] != "pass" or row["not_run"] is None, "a check that was not run is never a pass"
        assert row["status"] != "fail" or row["cause"]
        assert not row["because"] or row["because"] in {r["id"] for r in report["checks"]}


def test_what_could_not_be_determined_is_status_3(capsys: pytest.CaptureFixture[str]) -> None:
    status, report = checked(capsys, "pm2000", "--demo", "everything-dropped", "--deadline", "0.5")
    assert (status, report["verdict"], report["ended"]) == (Exit.UNDETERMINED, "undetermined", "deadline")
    assert {row["not_run"] for row in report["checks"] if row["equipment"]} <= {"deadline", "needs", "cancelled"}


# ------------------------------------------------------------------------------------------------------------------------ refusals
REFUSED = [
    (["check", "pm200", "--demo"], "did you mean pm2000"),
    (["check", "zzzz", "--demo"], "known are pm2000"),
    (["check", "--demo"], "EQUIPMENT"),
    (["chekc", "pm2000"], "did you mean check"),
    (["check", "pm2000", "--demo", "--deadline", "0"], "not between 0.1 and 600"),
    (["check", "pm2000", "--demo", "--deadline", "nan"], "not between 0.1 and 600"),
    (["check", "pm2000", "--demo", "--deadline", "-4"], "not between 0.1 and 600"),
    (["check", "pm2000", "--demo", "--deadline", "soon"], "invalid float value"),
    (["check", "pm2000", "--demo", "--only", "tcp:nowhere"], "names no check of pm2000"),
    (["check", "pm2000", "--demo", "--only", ""], "names no check of pm2000"),
    (["check", "pm2000", "--demo", "--ca-bundle", "/nowhere/roots.pem"], "No such file"),
    (["check", "pm2000", "--demo", "--ca-bundle", "/dev/null"], "no certificate"),
    (["check", "pm2000", "--demo", "--catalogue", "/nowhere/own.toml"], "No such file"),
    (["check", "pm2000", "--demo", "--opinion", "dns.example"], "is not an IP address"),
    (["check", "pm2000", "--demo", "helthy"], "did you mean healthy"),
    (["check", "pm2000", "--demo", "no-such-thing"], "no scenario is called 'no-such-thing'"),
    (["check", "--demo", "pm200"], "did you mean pm2000"),
    (["check", "pm2000", "--demo", "--json", "--jsonl"], "not allowed with"),
    (["check", "pm2000", "--demo", "--dead", "4"], "unrecognized arguments"),
    (["check", "pm2000", "--demo", "--ftp-user", "bob"], "AETUI_FTP_PASSWORD"),
    (["check", "pm2000", "--from", "jump"], "jump"),
    (["check", "pm2000", "--from", "moon:base"], "moon:base"),
    (["catalogue", "pm200"], "did you mean pm2000"),
    (["catalogue", "--catalogue", "/nowhere/own.toml"], "No such file"),
    (["explain", "tls-intercept"], "did you mean tls-intercepted"),
    (["explain", "zzzz"], "zzzz"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "why"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_a_wrong_call_is_one_sentence_and_status_2(capsys: pytest.CaptureFixture[str], arguments: list[str], why: str) -> None:
    status, out, err = said(capsys, *arguments)
    assert (status, out) == (Exit.USAGE, "")
    assert why in err
    assert err.startswith("aetui") and len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("arguments", [["check", "pm\x1b[2J", "--demo"], ["\x1b[2Jcheck"], ["check", "pm2000", "--from", "jump:\x1b[2J;x"], ["explain", "\x9b31m"], ["check", "pm2000", "--\x1b[2J"]], ids=repr)
def test_what_was_typed_is_quoted_and_never_raw(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    status, _, err = said(capsys, *arguments)
    assert status == Exit.USAGE
    assert not re.search(r"[\x1b\x9b]", err) and len(err.splitlines()) == 1


def test_a_wrong_file_is_one_line_with_file_and_key(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[[endpoint]]\nhost = 'x.example'\nequipment = ['pm2000']\nhttps = ['\\u001b[2J']\n")
    status, out, err = said(capsys, "check", "pm2000", "--demo", "--catalogue", str(own))
    assert (status, out) == (Exit.USAGE, "")
    assert str(own) in err and "endpoint[1].https" in err
    assert "\x1b" not in err and len(err.splitlines()) == 1


def test_a_wrong_file_named_by_the_environment_is_refused_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.toml"
    own.write_text("nonsense = 1\n")
    monkeypatch.setenv("AETUI_CATALOGUE", str(own))
    assert said(capsys, "check", "pm2000", "--demo")[0] == Exit.USAGE
    monkeypatch.setenv("AETUI_CATALOGUE", "")
    monkeypatch.setenv("AETUI_CA_BUNDLE", str(own))
    status, _, err = said(capsys, "check", "pm2000", "--demo")
    assert (status, "no certificate" in err) == (Exit.USAGE, True)


# -------------------------------------------------------------------------------------------------------------- options do something
def _rows(report: dict[str, Any], *kinds: str) -> set[str]:
    return {row["id"] for row in report["checks"] if row["equipment"] and (not kinds or row["kind"] in kinds)}


def test_only_takes_one_check_and_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    status, report = checked(capsys, "pm2000", "--demo", "--only", "ntp:time.nist.gov", "tcp:www.alsoenergy.com:80")
    assert _rows(report) == {"dns:time.nist.gov", "ntp:time.nist.gov:123", "dns:www.alsoenergy.com", "tcp:www.alsoenergy.com:80"}
    assert status == Exit.READY


def test_stated_adds_what_is_only_written(capsys: pytest.CaptureFixture[str]) -> None:
    plain, stated = (checked(capsys, "pm2000", "--demo", *more)[1] for more in ([], ["--stated"]))
    assert _rows(stated) - _rows(plain) == {f"tcp:{host}:{port}" for host in ("time.windows.com", "time.nist.gov") for port in (80, 443)}


def test_an_own_catalogue_adds_hosts_is_served_and_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    status, report = checked(capsys, "pm2000", "--demo", "--catalogue", str(own))
    assert "tls:own.example:443" in _rows(report)
    assert report["catalogue"]["changes"] == ["own.example added for pm2000"]
    assert (status, report["verdict"]) == (Exit.READY, "ready")
    assert "changed by your own catalogue file" in said(capsys, "check", "pm2000", "--demo", "--catalogue", str(own))[1]


def test_a_ca_bundle_takes_the_place_of_the_roots(capsys: pytest.CaptureFixture[str]) -> None:
    import certifi

    status, report = checked(capsys, "pm2000", "--demo", "--ca-bundle", certifi.where(), "--only", "tls:www.alsoenergy.com")
    (row,) = [r for r in report["checks"] if r["kind"] == "tls"]
    assert (status, row["status"]) == (Exit.FAILED, "fail")


def test_an_opinion_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    _, report = checked(capsys, "pm2000", "--demo", "dns-name-missing", "--opinion", "1.1.1.1")
    asked = [row["id"] for row in report["checks"] if row["id"].startswith("opinion:")]
    assert any(i.startswith("opinion:1.1.1.1:") for i in asked)
    _, report = checked(capsys, "pm2000", "--demo", "dns-name-missing", "--opinion", "192.52.193.53")
    assert any(row["id"].startswith("opinion:192.52.193.53:") for row in report["checks"])


def test_an_ftp_login_makes_real_transfers_and_is_in_no_report(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETUI_FTP_PASSWORD", "demo-s3cret")
    status, out, err = said(capsys, "check", "sma-ftp", "--demo", "--ftp-user", "demo-user", "--json")
    assert "demo-s3cret" not in out + err and "demo-user" not in out + err
    monkeypatch.setenv("AETUI_FTP_PASSWORD", "demo")
    status, report = checked(capsys, "sma-ftp", "--demo", "--ftp-user", "demo")
    modes = [t["mode"] for row in report["checks"] if row["kind"] == "ftp" for t in row["observed"]["transfers"]]
    assert (status, set(modes)) == (Exit.READY, {"pasv", "epsv", "port"})


def test_a_second_vantage_beside_the_first_tells_whose_fault_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    _, report = checked(capsys, "pm2000", "--demo", "port-refused", "--beside", "outside")
    assert [entry["cause"] for entry in report["diagnosis"]] == ["server-down"]


def test_the_deadline_is_the_runs(capsys: pytest.CaptureFixture[str]) -> None:
    with HoldUps() as held:
        _, report = checked(capsys, "pm2000", "--demo", "port-dropped", "--deadline", "3")
    assert report["ended"] == "deadline"
    assert report["elapsed_ms"] - 1000 * held.seconds < 3300


def test_the_same_equipment_twice_is_once(capsys: pytest.CaptureFixture[str]) -> None:
    _, report = checked(capsys, "moxa", "pm2000", "moxa", "--demo")
    assert report["equipment"] == ["moxa", "pm2000"]


def test_every_option_is_read() -> None:
    parser = argparse.ArgumentParser()
    check_command.add(parser)
    declared = {action.dest for action in parser._actions if action.dest != "help"} | {"demo"}
    folder = Path(inspect.getfile(check_command)).parent
    read = {
        node.attr
        for name in ("check", "keeping")
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "arguments"
    }
    assert declared == read


# ---------------------------------------------------------------------------------------------------------------------------- jsonl
@pytest.mark.parametrize("scenario", ["healthy", "port-rejected", "dns-name-missing"])
def test_lines_of_events_fold_to_the_report(capsys: pytest.CaptureFixture[str], scenario: str) -> None:
    _, out, _ = said(capsys, "check", "pm2000", "--demo", scenario, "--jsonl")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (lines[0]["event"], lines[-1]["event"]) == ("started", "ended")
    planned = [i for line in lines if "planned" in line for i in line["planned"]]
    results = {line["id"]: line for line in lines if line["event"] == "result"}
    last = [line for line in lines if line["event"] == "diagnosis"][-1]
    assert set(results) == set(planned) == set(last["readings"])
    _, report = checked(capsys, "pm2000", "--demo", scenario)
    assert {row["id"]: row["status"] for row in report["checks"] if row["equipment"]} == {
        i: reading["status"] for i, reading in last["readings"].items() if i in _rows(report)
    }
    assert last["verdict"] == report["verdict"]
    assert [f["cause"] for f in last["diagnosis"]] == [f["cause"] for f in report["diagnosis"]]
    assert [line["at_ms"] for line in lines] == sorted(line["at_ms"] for line in lines)


# -------------------------------------------------------------------------------------------------------------------- nothing raw
HOSTILE = ["--demo", "hostile"]


@pytest.mark.parametrize("form", [[], ["--json"], ["--jsonl"]], ids=["text", "json", "jsonl"])
def test_hostile_servers_reach_no_terminal_raw(capsys: pytest.CaptureFixture[str], form: list[str]) -> None:
    _, out, err = said(capsys, "check", "pm2000", "acquisuite", "sma-ftp", *HOSTILE, *form)
    for stream in (out, err):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", stream)
    assert "taken" in out, "the banner that tries it is there, and shown"


def test_no_colour_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in said(capsys, "check", "pm2000", "--demo", "port-rejected")[1]


def test_the_page_says_verdict_then_causes_then_rows(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, "check", "pm2000", "--demo", "port-rejected")
    lines = out.splitlines()
    assert lines[0].startswith("BLOCKED: PM2000")
    assert lines[2].startswith("1. ")
    assert out.index("who mends it: the site's IT") < out.index("this machine")
    assert max(map(len, lines)) <= 200


# ---------------------------------------------------------------------------------------------------------------------- processes
def process(*arguments: str, env: dict[str, str] | None = None, **more: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "aetui", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(env or {})}, **more
    )


@pytest.fixture
def ascii_page() -> Iterator[str]:
    with process("check", "pm2000", "--demo", "port-rejected", env={"PYTHONIOENCODING": "ascii"}) as running:
        out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (Exit.FAILED, b"")
    yield out.decode("ascii")


def test_a_terminal_that_shows_ascii_alone_gets_the_ascii_skin(ascii_page: str) -> None:
    assert not set(ascii_page) & set(GLYPHS.values()) - set(ASCII_GLYPHS.values())
    assert "\n  x FAILED" in ascii_page and "\n  + ok" in ascii_page
    assert "\\u" not in ascii_page


def test_an_interrupt_ends_it_at_once_with_status_130() -> None:
    with process("check", "pm2000", "--demo", "everything-dropped", "--deadline", "60", "--jsonl") as running:
        assert running.stdout is not None and running.stderr is not None
        assert b'"started"' in running.stdout.readline()
        running.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, err = running.communicate(timeout=30)
        took = time.monotonic() - began
    assert running.returncode == Exit.INTERRUPTED
    assert b"Traceback" not in err
    assert took < 15, "not the deadline's sixty seconds"


@pytest.mark.parametrize("form", ["--json", "--jsonl"])
def test_a_reader_that_goes_away_ends_it_quietly(form: str) -> None:
    with process("check", "pm2000", "--demo", form) as running:
        assert running.stdout is not None and running.stderr is not None
        if form == "--jsonl":
            running.stdout.readline()
        running.stdout.close()
        err = running.stderr.read()
        status = running.wait(timeout=60)
    assert err == b""
    assert status == Exit.FAILED


# -------------------------------------------------------------------------------------------------------------- catalogue and explain
@pytest.mark.parametrize("key", sorted(load().equipment))
def test_the_catalogue_tells_each_requirement_with_its_source(capsys: pytest.CaptureFixture[str], key: str) -> None:
    status, out, _ = said(capsys, "catalogue", key)
    assert status == Exit.READY
    for entry in load().endpoints_of([key]):
        assert entry.host in out and entry.section in out and entry.why in out
    assert json.loads(said(capsys, "catalogue", key, "--json")[1])["equipment"][0]["key"] == key


def test_the_whole_catalogue_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "catalogue")[1]
    assert all(f"[{key}]" in out for key in load().equipment)


def test_the_catalogue_with_an_own_file_says_what_it_changed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    out = said(capsys, "catalogue", "pm2000", "--catalogue", str(own))[1]
    assert "own.example added for pm2000" in out
    assert "own.example" not in said(capsys, "catalogue", "pm2000")[1]


@pytest.mark.parametrize("code", sorted(load_causes().causes))
def test_explain_tells_every_cause(capsys: pytest.CaptureFixture[str], code: str) -> None:
    status, out, _ = said(capsys, "explain", code)
    cause = load_causes().causes[code]
    assert status == Exit.READY
    flat = " ".join(out.split())
    for text in (cause.title, cause.meaning, cause.how, cause.breaks):
        assert text in flat
    assert not re.search(r"\{[a-z]+\}", flat), "no placeholder is left where nothing was found yet"


@pytest.mark.parametrize("kind", sorted(load_kinds()))
def test_explain_tells_every_kind_of_check(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    assert said(capsys, "explain", kind)[0] == Exit.READY


def test_explain_tells_a_check_by_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = said(capsys, "explain", "tcp:www.alsoenergy.com:443")
    assert status == Exit.READY
    assert "www.alsoenergy.com" in out and "Gateway and datalogger IP endpoints" in out


def test_explain_alone_lists_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "explain")[1]
    assert all(code in out for code in load_causes().causes)
