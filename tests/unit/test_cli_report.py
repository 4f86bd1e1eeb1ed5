"""The commands that hand something out: report and request, of a kept session or of the embedded site, to standard output or into a file."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aetui.cli.main import Exit, main
from aetui.cli.report import FORMATS
from aetui.cli.request import FIREWALLS
from aetui.report.forms import FORMS
from aetui.report.request import PRODUCTS


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETUI_HOME", str(tmp_path / "home"))


@pytest.fixture
def session(home: None, kept_home: Path, tmp_path: Path) -> str:
    shutil.copytree(kept_home, tmp_path / "home")
    return "Farm"


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def test_the_commands_offer_what_there_is() -> None:
    assert set(FORMATS) == set(FORMS)
    assert set(FIREWALLS) == set(PRODUCTS)


@pytest.mark.parametrize(
    ("form", "begins"),
    [("html", "<!DOCTYPE html>"), ("markdown", "# BLOCKED"), ("json", "{"), ("csv", "status,host"), ("text", "BLOCKED")],
)
def test_a_report_of_a_kept_session_is_the_result_alone(session: str, form: str, begins: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = said(capsys, "report", session, "--format", form)
    assert (status, err) == (Exit.READY, "")
    assert out.startswith(begins)


def test_the_latest_session_is_the_default_and_redaction_is_asked_for(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    plain, hidden = said(capsys, "report", "--format", "json")[1], said(capsys, "report", "--format", "json", "--redact")[1]
    assert json.loads(plain)["name"] == session
    assert "192.168.50.20" in plain
    assert "192.168.50.20" not in hidden


def test_a_file_is_written_whole_and_for_its_user_alone(session: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "report.html"
    status, out, err = said(capsys, "report", "--format", "html", "--output", str(target))
    assert (status, out) == (Exit.READY, "")
    assert str(target) in err
    assert target.read_text().rstrip().endswith("</html>")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    status, _, err = said(capsys, "report", "--output", str(tmp_path / "nowhere" / "x"))
    assert (status, err.count("\n")) == (Exit.UNDETERMINED, 1)


def test_a_link_is_followed_and_a_pipe_is_written_to_not_replaced(session: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, link, pipe = tmp_path / "report.txt", tmp_path / "link", tmp_path / "pipe"
    target.write_text("old")
    link.symlink_to(target)
    assert said(capsys, "report", "--output", str(link))[0] == Exit.READY
    assert link.is_symlink()
    assert target.read_text().startswith("BLOCKED")
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        assert said(capsys, "report", "--output", str(pipe))[0] == Exit.READY
        assert pipe.is_fifo()
        assert read.result(10) == target.read_text()
    status, _, err = said(capsys, "report", "--output", str(tmp_path))
    assert (status, err) == (Exit.UNDETERMINED, f"aetui: {tmp_path}: is a directory\n")


@pytest.mark.parametrize(
    ("encoding", "arguments"),
    [
        ("cp1252", ["report", "--format", "html"]), ("ascii", ["report", "--format", "markdown"]), ("ascii", ["report", "--format", "csv"]),
        ("ascii", ["request", "--all"]), ("ascii", ["request", "--letter"]), ("ascii", ["history"]), ("ascii", ["--help"]),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)  # fmt: skip
def test_a_locale_that_cannot_show_a_letter_breaks_nothing(session: str, encoding: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "history", "--name", session, "Süd")
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-m", "aetui", *arguments], capture_output=True, env=env, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (Exit.READY, b"")
    if arguments[0] == "report":
        assert ("Süd" in done.stdout.decode("utf-8")) is (arguments[-1] != "csv")


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_a_request_of_a_kept_session(session: str, firewall: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = said(capsys, "request", session, "--for", firewall)
    assert (status, err) == (Exit.READY, "")
    assert "443" in out
    assert ("streamer.alsoenergy.com" in out) and ("maki" not in out)


def test_a_letter_and_what_only_the_user_knows(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Dear network team," in said(capsys, "request", "--letter")[1]
    mine = ("--all", "--for", "nftables", "--logger", "192.168.50.30", "--support", "198.51.100.0/28", "--source", "192.168.50.30")
    out = said(capsys, "request", *mine)[1]
    assert "ip saddr 198.51.100.0/28 fib daddr type local tcp dport 3389 dnat to 192.168.50.30:3389" in out
    assert "ip saddr 192.168.50.30 ip daddr 74.205.11.149 tcp dport 443" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "nope"], ["request", "nope"], ["report", "--format", "pdf"], ["request", "--for", "abacus"], ["request", "--source", "here"],
        ["request", "--logger", "192.168.50.0/24"], ["request", "--support", "everybody"],
        ["request", "--source", "2001:db8::/64"], ["request", "--logger", "2001:db8::7"], ["request", "--support", "2001:db8::/32"],
        ["report", "--demo", "no-such-scenario"],
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_sentence_and_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    try:
        status = main(arguments)
    except SystemExit as left:
        status = int(left.code or 0)
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (Exit.USAGE, "", 1)
