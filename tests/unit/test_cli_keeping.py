"""Commands without checks keep what they find, too: a trace, a listener's knocks, knocks from outside; and a report of it can be made."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from aetui.cli.main import main
from aetui.store import opened


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETUI_HOME", str(tmp_path / "home"))


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    main(arguments)
    return capsys.readouterr().out


def test_a_trace_is_kept_with_its_hops_and_reported(capsys: pytest.CaptureFixture[str]) -> None:
    main(["trace", "www.alsoenergy.com:443", "--demo", "--save", "--site", "Farm"])
    with opened() as history:
        kept = history.open("Farm")
    (done,) = kept.traces
    assert done.trace.hops
    assert (kept.about.command, kept.state.ended) == ("trace", "done")
    assert done.trace.verdict[:30] in said(capsys, "report", "Farm").replace("\n", " ")
    assert "<table>" in said(capsys, "report", "--format", "html")
    assert "trace" in said(capsys, "history")


def test_knocks_from_outside_are_kept_with_what_they_mean(capsys: pytest.CaptureFixture[str]) -> None:
    main(["confirm", "--demo", "forward-missing", "--save"])
    with opened() as history:
        kept = history.open()
    (done,) = kept.inbound
    assert done.seen.outside
    assert "forward-missing" in {entry.cause for entry in done.diagnosis}
    assert "3389" in said(capsys, "report")
    assert "FORWARD inbound tcp 3389 to 192.168.50.60" in said(capsys, "request"), "what was tried and failed is asked for"


def test_a_listener_keeps_its_knocks() -> None:
    command = [sys.executable, "-m", "aetui", "listen", "--demo", "--for", "0.05", "--save"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    with opened() as history:
        kept = history.open()
    assert kept.about.command == "listen"
    assert kept.knocks
    assert kept.state.ended == "done"


@pytest.mark.parametrize(("near", "found"), [("204.232.231.197", True), ("204.232.231.8", True), ("203.0.113.9", False)])
def test_a_port_that_an_earlier_check_saw_work_is_known_to_the_next_trace(near: str, found: bool) -> None:
    from dataclasses import replace

    from store_sessions import events_of

    from aetui.cli.seen import connects
    from aetui.entries import About
    from aetui.events import SessionStarted
    from aetui.store import Journal

    journal = Journal(About("check"), pytest.fail)
    for event in events_of("healthy"):
        journal(replace(event, vantage=replace(event.vantage, kind="local")) if isinstance(event, SessionStarted) else event)
    journal.close()
    seen = [(one.address, one.port) for one in connects(near)]
    assert (("204.232.231.197", 443) in seen) is found


def test_without_a_history_nothing_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from aetui.cli.seen import connects

    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("AETUI_HOME", str(tmp_path / "file"))
    assert connects("203.0.113.9") == ()


@pytest.mark.parametrize("command", [["trace", "www.alsoenergy.com", "--demo"], ["confirm", "--demo"]])
def test_practice_leaves_no_trace(command: list[str], tmp_path: Path) -> None:
    main(command)
    assert not (tmp_path / "home").exists()


def test_no_code_and_no_password_is_in_the_history_after_runs_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is secret in a call: the code of a listener, given and made, and a login. Looked for in the files as they lie on the disk."""
    monkeypatch.setenv("AETUI_FTP_PASSWORD", "correct horse battery")
    main(["check", "sma-ftp", "--demo", "--save", "--ftp-user", "solar-uploader-77"])
    main(["confirm", "--demo", "--save", "--code", "K7QM-2RXP"])
    listening = subprocess.run(
        [sys.executable, "-m", "aetui", "listen", "--demo", "--for", "0.05", "--save"], capture_output=True, text=True, timeout=60, check=False
    )
    made = re.search(r"--code ([A-Z0-9]{4}-[A-Z0-9]{4})", listening.stdout)
    assert made
    with opened() as history:
        assert {s.about.command for s in history.sessions()} == {"check", "confirm", "listen"}
        assert any(history.open(s.id).knocks for s in history.sessions())
    files = [file.read_bytes() for file in (tmp_path / "home").iterdir()]
    assert any(b"TelnetSeen" in data or b"InboundDone" in data for data in files)
    for secret in ("correct horse battery", "solar-uploader-77", "K7QM-2RXP", "K7QM2RXP", made.group(1), made.group(1).replace("-", "")):
        assert not any(secret.encode() in data for data in files), secret
