"""The history on the command line: real runs are saved, practice is not, trouble is one line, and what is printed is what was done."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from kept_sessions import knock, look, trace, walk
from store_sessions import events_of

from aetui.cli.main import Exit, main
from aetui.entries import About, Found
from aetui.events import SessionStarted
from aetui.store import Journal

CHECK = ["check", "pm2000", "--demo", "port-refused"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("AETUI_HOME", str(folder))
    return folder


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def test_practice_is_not_saved_unless_asked_for(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(CHECK)
    assert not home.exists()
    main([*CHECK, "--save", "--site", "North\x1b[2J Field", "--note", "before the change"])
    status, out, _ = said(capsys, "history")
    assert status == Exit.READY
    assert "BLOCKED" in out
    assert "North\\x1b[2J Field: check pm2000, from demo port-refused" in out
    assert "before the change" in out
    assert "\x1b" not in out


def test_the_list_as_json_and_a_search(capsys: pytest.CaptureFixture[str]) -> None:
    main([*CHECK, "--save", "--site", "North Field"])
    status, out, _ = said(capsys, "history", "--search", "north refused", "--json")
    (entry,) = json.loads(out)
    assert (status, entry["name"], entry["verdict"], entry["causes"]) == (Exit.READY, "North Field", "blocked", ["refused"])
    status, out, _ = said(capsys, "history", "--search", "south")
    assert (status, out) == (Exit.FAILED, "nothing found\n")


@pytest.mark.parametrize(
    ("scenario", "found", "verdict", "causes", "overall", "all_causes", "judged"),
    [
        ("tls-intercepted", (), "blocked", ["tls-intercepted"], "blocked", ["tls-intercepted"], True),
        ("healthy", (look(),), "ready", [], "degraded", ["forward-missing"], True),
        ("tls-intercepted", (look(),), "blocked", ["tls-intercepted"], "blocked", ["tls-intercepted", "forward-missing"], True),
        ("healthy", walk(), "ready", [], "blocked", ["service-down"], True),
        ("", (look(),), "blocked", ["forward-missing"], "blocked", ["forward-missing"], True),
        ("", (trace(),), "blocked", [], "blocked", [], True),
        ("", walk()[:1], "undetermined", [], "undetermined", [], True),
        ("", (knock(),), "undetermined", [], "undetermined", [], False),
    ],
)
def test_verdict_and_causes_are_those_of_the_checks_and_overall_is_over_everything(
    scenario: str, found: tuple[Found, ...], verdict: str, causes: list[str], overall: str, all_causes: list[str], judged: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    events = events_of(scenario or "healthy")
    started = events[0]
    assert isinstance(started, SessionStarted)
    journal = Journal(About("console"), pytest.fail)
    for entry in (*(events if scenario else (replace(started, equipment=(), checks=()),)), *found):
        journal.keep(entry)
    journal.close()
    (entry,) = json.loads(said(capsys, "history", "--json")[1])
    said_of = [entry[key] for key in ("verdict", "causes", "overall", "overall_causes", "judged")]
    assert said_of == [verdict, causes, overall, all_causes, judged]
    document = json.loads(said(capsys, "report", "latest", "--format", "json")[1])
    assert document["overall"] == overall
    assert not scenario or document["verdict"] == verdict


def test_name_note_export_and_delete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([*CHECK, "--save"])
    assert said(capsys, "history", "--name", "latest", "South") == (Exit.READY, "", "")
    assert said(capsys, "history", "--note", "South", "after") == (Exit.READY, "", "")
    target = tmp_path / "session.json"
    status, out, err = said(capsys, "history", "--export", "South", "--output", str(target))
    assert (status, out) == (Exit.READY, "")
    assert str(target) in err
    told = json.loads(target.read_text())
    assert (told["name"], told["note"], told["entries"][-1]["kind"]) == ("South", "after", "SessionEnded")
    assert said(capsys, "history", "--delete", "South", "latest") == (Exit.READY, "", ""), "one session under two names"
    assert said(capsys, "history")[1] == "no sessions yet\n"


@pytest.mark.parametrize("arguments", [["--delete", "nope"], ["--export", "nope"], ["--name", "nope", "x"], ["--output", "f"]])
def test_a_wrong_call_is_one_sentence_and_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = said(capsys, "history", *arguments)
    assert (status, out, err.count("\n")) == (Exit.USAGE, "", 1)


def test_letters_of_another_encoding_are_searched_for_and_found_as_they_were_kept(capsys: pytest.CaptureFixture[str]) -> None:
    main([*CHECK, "--save", "--site", "S\udcfcd"])
    assert "BLOCKED" in said(capsys, "history", "--search", "S\udcfcd")[1]
    assert said(capsys, "report", "S\udcfcd")[0] == Exit.READY
    assert said(capsys, "report", "\udcff")[0] == Exit.USAGE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
@pytest.mark.parametrize("arguments", [["history"], ["report", "--format", "html"], ["report"], [*CHECK, "--json"]], ids=" ".join)
def test_a_result_that_finds_no_space_is_one_sentence_and_not_the_status_of_a_failed_check(arguments: list[str]) -> None:
    main([*CHECK, "--save"])
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "aetui", *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == Exit.UNDETERMINED
    assert done.stderr.splitlines()[-1] == "aetui: the result could not be written: no space is left for it"
    assert "Traceback" not in done.stderr


def test_a_history_that_cannot_be_used_is_one_sentence_and_status_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AETUI_HOME", "/dev/null/aetui")
    status, out, err = said(capsys, "history")
    assert (status, out, err.count("\n")) == (Exit.UNDETERMINED, "", 1)


def test_a_run_that_cannot_be_saved_runs_on_and_says_so_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AETUI_HOME", "/dev/null/aetui")
    status, out, err = said(capsys, *CHECK, "--save")
    assert status == Exit.FAILED
    assert out.startswith("BLOCKED")
    assert [line for line in err.splitlines() if "saved" in line] == ["aetui: not saved to the history: /dev/null/aetui: not a directory"]


def mounted(options: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """aetui with its home on a file system of its own, mounted in a namespace that ends with it."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("needs Linux namespaces")
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this user may not make namespaces")
    home.mkdir(exist_ok=True)
    script = f'mount -t tmpfs -o {options} none "$AETUI_HOME" && exec "$@"'
    command = ["unshare", "-rm", "sh", "-c", script, "sh", sys.executable, "-m", "aetui", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "AETUI_HOME": str(home)})


@pytest.mark.parametrize(
    ("options", "why"),
    [("size=160k", "the disk is full"), ("ro", "read-only file system")],
    ids=["full disk", "read-only home"],
)
def test_on_a_real_file_system_that_takes_no_more_the_run_goes_on_unsaved(options: str, why: str, home: Path) -> None:
    done = mounted(options, home, *CHECK, "--save")
    assert done.stdout.startswith("BLOCKED")
    assert done.returncode == Exit.FAILED
    (line,) = [line for line in done.stderr.splitlines() if "saved" in line]
    assert line.startswith("aetui: not saved to the history: ")
    assert line.endswith(why)
