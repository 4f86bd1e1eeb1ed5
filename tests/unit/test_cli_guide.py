"""``aetui guide`` on the embedded site: verdicts, exit statuses, streams, answers from a file, and a walk that survives kill -9."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aetui.cli import guide_lines
from aetui.display import displayable

LOGGER = "192.168.50.60"
PATIENCE_S = 90.0
BY_HAND = f"\n{LOGGER}\n\n\n\n"
"""Trouble: support; the logger's address; the usual port; the rest by default."""


def call(*arguments: str, typed: str = "", home: Path | None = None, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    whole = {**os.environ, **({"AETUI_HOME": str(home)} if home else {}), **(env or {})}
    return subprocess.run(
        [sys.executable, "-m", "aetui", "guide", *arguments], input=typed, text=True, errors="replace", capture_output=True, timeout=PATIENCE_S, env=whole, check=False
    )


VERDICTS = {
    # what is wrong, which guide: the verdict's line, the causes in order, exit status
    ("pm2000", "healthy"): ("WORKS: The PM2000 gets out, and support gets in", ["service-confirmed"], 0),
    ("pm2000", "forward-missing"): ("DOES NOT WORK: The router does not pass the port on to the PM2000", ["forward-missing"], 1),
    ("ps3000", "forward-refused"): ("DOES NOT WORK: The router does not pass the port on to the PS3000", ["forward-refused"], 1),
    ("pl1000", "forward-elsewhere"): ("DOES NOT WORK: The forward leads to another device", ["forward-elsewhere"], 1),
    ("moxa", "service-down"): ("DOES NOT WORK: The Moxa itself does not answer", ["service-down"], 1),
    ("pm2000", "two-faults"): ("DOES NOT WORK: Support gets in, but the PM2000's data does not get out", ["dns-filtered", "ntp-no-reply"], 1),
    ("pm2000", "ntp-blocked"): ("DOES NOT WORK: Support gets in, but the PM2000 cannot set its clock", ["ntp-no-reply"], 1),
    ("pm2000", "clock-hour"): ("WORKS: The PM2000 gets out, and support gets in", ["clock-wrong", "service-confirmed"], 0),
    ("pm2000", "no-link"): ("DOES NOT WORK: This network has no connection to the internet", ["no-link"], 1),
}  # fmt: skip


@pytest.mark.parametrize("case", VERDICTS, ids=" ".join)
def test_a_logger_that_support_cannot_reach_comes_to_its_verdict(case: tuple[str, str]) -> None:
    guide, scenario = case
    verdict, causes, status = VERDICTS[case]
    done = call(guide, "--demo", scenario, typed=f"\n{BY_HAND}" if "clock" in scenario else BY_HAND)
    assert " ".join(done.stdout.split()).startswith(verdict), done.stdout + done.stderr
    told = [line.strip().removeprefix("(").partition(",")[0] for line in done.stdout.splitlines() if line.strip().startswith("(")]
    assert told[: len(causes)] == causes and done.returncode == status


def test_a_place_outside_that_is_there_is_not_said_to_be_missing() -> None:
    done = call("pm2000", "--demo", "healthy", typed=BY_HAND)
    assert "The site's public address" in done.stderr and "no place outside" not in done.stderr + done.stdout


OTHERS = {
    ("acquisuite", "healthy"): ("WORKS: The AcquiSuite gets out", 0),
    ("acquisuite", "ntp-blocked"): ("WORKS, WITH REMARKS: Data gets out, and support can be let in, but it cannot set its clock", 0),
    ("acquisuite", "two-faults"): ("WORKS, WITH REMARKS: Data gets out, and support can be let in, but it cannot set its clock", 0),
    ("acquisuite", "support-port-dropped"): ("WORKS, WITH REMARKS: Data gets out; the connection to support has only a part", 0),
    ("sma-ftp", "healthy"): ("WORKS, WITH REMARKS: The control connection works; the data connection was not tried", 0),
    ("kiosk", "healthy"): ("WORKS: All six boot steps work here", 0),
    ("kiosk", "slow-line"): ("WORKS: All six boot steps work here", 0),
    ("kiosk", "ntp-blocked"): ("DOES NOT WORK: The Kiosk stops at boot step 4: its clock", 1),
    ("kiosk", "dns-dead"): ("DOES NOT WORK: The Kiosk stops at boot step 3: the name", 1),
    ("minisite", "healthy"): ("WORKS: All six hosts answer as Chrome needs them", 0),
    ("logmein", "healthy"): ("WORKS: The sample of the vendor's hosts answers", 0),
    ("minisite", "local-firewall"): ("NOT DETERMINED: The pages could not be tested to the end", 3),
    ("acquisuite", "clock-wrong"): ("NOT DETERMINED: Whether the AcquiSuite gets out is not known", 3),
    ("new-site", "healthy"): ("WORKS: Every model can send its data from here", 0),
    ("new-site", "two-faults"): ("WORKS, WITH REMARKS: Some models will work here, others not yet", 0),
    ("new-site", "local-firewall"): ("NOT DETERMINED: Which models will work here is not known", 3),
    ("new-site", "clock-wrong"): ("NOT DETERMINED: Which models will work here is not known", 3),
    ("new-site", "no-internet"): ("DOES NOT WORK: This socket gives no way to the internet", 1),
}


@pytest.mark.parametrize("case", OTHERS, ids=" ".join)
def test_the_other_guides_run_unattended_by_their_defaults(case: tuple[str, str], tmp_path: Path) -> None:
    verdict, status = OTHERS[case]
    (tmp_path / "none.toml").write_text("")
    done = call(case[0], "--demo", case[1], "--answers", str(tmp_path / "none.toml"))
    assert " ".join(done.stdout.split()).startswith(verdict), done.stdout + done.stderr
    assert done.returncode == status


FTP = {
    # scenario, user, password: the verdict's line
    ("ftp-data-blocked", "demo", "demo"): ("DOES NOT WORK: The second connection, which carries the files, is blocked", 1),
    ("healthy", "demo", "demo"): ("WORKS: Both connections work", 0),
    ("healthy", "demo", "hunter-Zwo"): ("NOT DETERMINED: The server does not take that login", 3),
}


@pytest.mark.parametrize("case", FTP, ids=" ".join)
def test_an_ftp_login_shows_whether_the_second_connection_works_and_is_nowhere_kept(case: tuple[str, str, str], tmp_path: Path) -> None:
    scenario, user, password = case
    verdict, status = FTP[case]
    (tmp_path / "a.toml").write_text('own_test = "bad"')
    arguments = ("sma-ftp", "--demo", scenario, "--save", "--ftp-user", user, "--answers", str(tmp_path / "a.toml"))
    done = call(*arguments, env={"AETUI_FTP_PASSWORD": password}, home=tmp_path)
    assert done.stdout.startswith(verdict) and done.returncode == status, done.stdout + done.stderr
    if password != "demo":
        everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()) + (done.stdout + done.stderr).encode()
        assert password.encode() not in everything


def test_the_verdict_alone_goes_to_standard_output_and_fits_eighty_columns_without_control_characters() -> None:
    done = call("pm2000", "--demo", "forward-missing", typed=BY_HAND)
    assert "[1 of about 9]" in done.stderr and "[" not in done.stdout.splitlines()[0]
    for line in (done.stdout + done.stderr).splitlines():
        assert len(line) <= 104 and line.isascii() and displayable(line, 200) == line, line
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    assert "to the site's IT: Please forward TCP port 3389" in " ".join(done.stdout.split())


def test_from_cannot_reach_the_pm2000_to_its_cause_takes_at_most_nine_keystrokes_beyond_the_address() -> None:
    """Names and addresses are not counted; every Enter is."""
    done = call("pm2000", "--demo", "forward-missing", typed=BY_HAND)
    used = done.stderr.count("> ")  # each prompt took one line
    typed = BY_HAND.splitlines()[:used]
    strokes = sum(len(line.replace(LOGGER, "")) + 1 for line in typed)
    assert done.returncode == 1 and strokes <= 9, done.stderr
    print(f"{strokes} keystrokes; {done.stdout.splitlines()[-1]}")


def test_back_where_help_and_leaving_work_at_any_question() -> None:
    done = call("kiosk", "--demo", typed="b\n?\nw\n1\nw\nb\n3\n")
    assert "This is the beginning." in done.stderr and "b goes back" in done.stderr
    assert "1. Boot step 1 of 6: power: both" in done.stderr
    assert done.stdout.startswith("DOES NOT WORK: The Kiosk has no power") and done.returncode == 1
    left = call("kiosk", "--demo", typed="1\nq\n")
    assert left.returncode == 3 and left.stdout == "" and "Nothing is kept" in left.stderr


def test_what_holds_is_counted_without_servers_that_another_one_answers_for(tmp_path: Path) -> None:
    (tmp_path / "none.toml").write_text("")
    for scenario in ("healthy", "slow-line"):
        done = call("kiosk", "--demo", scenario, "--answers", str(tmp_path / "none.toml"))
        assert "8 of 8 checks hold." in done.stderr and "do not hold" not in done.stderr


def test_where_no_test_has_found_a_cause_it_is_not_said_that_nothing_stands_in_the_way() -> None:
    bad, good = call("kiosk", "--demo", typed="3\n").stdout, call("logmein", "--demo", typed="\n").stdout
    assert "No test has found a cause." in bad and "Nothing stands in the way" not in bad
    assert "Nothing stands in the way." in good


def test_every_line_of_the_way_fits_eighty_columns() -> None:
    for guide in ("sma-ftp", "minisite", "pm2000"):
        assert max(map(len, call(guide, "--demo", typed="\n").stderr.splitlines())) <= 80


def test_the_end_of_input_leaves_like_q_does() -> None:
    done = call("kiosk", "--demo", typed="1\n")
    assert done.returncode == 3 and "Left." in done.stderr


def test_what_does_not_fit_is_said_and_asked_again() -> None:
    done = call("kiosk", "--demo", typed="maybe\n7\n1\n2\nnowhere\n127.0.0.1\nq\n")
    for said in ("'maybe' is none of them", "'7' is none of them", "'nowhere' is not an address", "'127.0.0.1' is an address that no device can have"):
        assert said in done.stderr


def test_hostile_answers_are_shown_harmlessly() -> None:
    done = call("acquisuite", "--demo", typed="1\n\x1b]0;owned\x07 110 [@click=app.quit]x[/]\nq\n")
    assert "\x1b" not in done.stderr and "\\x1b]0;owned\\x07" in done.stderr


ANSWERS = {
    "a key that is no question": ('colour = "red"', 2, "colour: is no question of the guide kiosk"),
    "an answer that does not fit": ('power = "maybe"', 2, "power: 'maybe' is none of them"),
    "a value of the wrong kind": ("power = 1.5", 2, "power: must be a text"),
    "an endless file": ("x = 1\n" * 200_000, 2, "is larger than 1048576 bytes"),
    "no TOML": ("power = ", 2, "Invalid value"),
    "no answer where there is no default": ('address-how = "static"', 3, "no answer is given for 'planned' (step planned)"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_answers_that_are_wrong_or_missing_are_told_in_one_sentence(case: str, tmp_path: Path) -> None:
    text, status, said = ANSWERS[case]
    (tmp_path / "a.toml").write_text(text)
    done = call("kiosk", "--demo", "--answers", str(tmp_path / "a.toml"))
    assert done.returncode == status and said in done.stderr.splitlines()[-1] and done.stdout == "", done.stderr


def test_answers_may_be_json_numbers_flags_and_lists_used_in_turn(tmp_path: Path) -> None:
    answers = {"trouble": "support", "address": ["192.168.50.61", LOGGER], "nobody": ["type"], "public-port": 3389}
    (tmp_path / "a.json").write_text(json.dumps(answers))
    done = call("pm2000", "--demo", "forward-missing", "--answers", str(tmp_path / "a.json"))
    assert done.returncode == 1 and "Nobody on this network answers to 192.168.50.61" in " ".join(done.stderr.split()), done.stderr
    assert "forward-missing" in done.stdout


def test_without_a_model_the_label_is_asked_for() -> None:
    done = call("--demo", "healthy", typed="toaster\nAE Kiosk rev 2\n3\n")
    assert "No guide knows 'toaster'" in done.stderr and "Kiosk has no power" in done.stdout
    assert call("toastr", "--demo").returncode == 2


def test_an_own_guide_that_is_wrong_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('guide = "own"')
    done = call("kiosk", "--demo", "--guides", str(tmp_path))
    assert done.returncode == 2 and "own.toml: start: is missing" in done.stderr


def test_who_leaves_before_a_guide_is_chosen_has_left_and_called_nothing_wrongly() -> None:
    assert call("--demo", typed="q\n").returncode == call("--demo").returncode == 3


async def test_of_an_endless_line_no_more_is_kept_than_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "typed").write_bytes(b"x" * (3 * guide_lines.LONGEST_LINE) + b"\nnext\n")
    with (tmp_path / "typed").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        lines = guide_lines.Lines()
        held = 0

        async def some() -> bytes:
            nonlocal held
            held = max(held, len(lines._held))
            return os.read(stdin.fileno(), 1000)

        lines._some = some  # type: ignore[method-assign]
        assert [await lines.read(), await lines.read(), await lines.read()] == ["x" * guide_lines.LONGEST_LINE, "next", None]
    assert held <= guide_lines.LONGEST_LINE


def test_standard_input_that_is_nothing_at_all_ends_the_walk() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aetui", "guide", "kiosk", "--demo"], stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 3


@pytest.mark.parametrize(("closed", "status"), [(0, 3), (1, 1), (2, 1)], ids=["standard input", "standard output", "standard error"])
def test_a_stream_that_the_caller_closed_is_nothing_and_no_fault(closed: int, status: int, tmp_path: Path) -> None:
    typed = tmp_path / "typed"
    typed.write_text("3\n")
    call_ = f'exec {closed}>&-; exec "$0" -m aetui guide kiosk --demo'
    with typed.open() as stdin:
        done = subprocess.run(["sh", "-c", call_, sys.executable], stdin=stdin, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == status and "Traceback" not in done.stdout + done.stderr
    assert not (closed == 2 and "[1 of about" in done.stdout), "the way does not come out where the verdict goes"


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "de_DE.ISO-8859-1"])
def test_a_terminal_without_utf_8_gets_what_it_can_show(locale: str) -> None:
    encoding = {"C": "ascii", "de_DE.ISO-8859-1": "latin-1"}.get(locale, "utf-8")
    done = call("pm2000", "--demo", "forward-missing", typed="\n192.168.50.6\u00e9\u2192\n" + BY_HAND[1:], env={"LC_ALL": locale, "PYTHONIOENCODING": encoding})
    assert done.returncode == 1 and "is not an address" in done.stderr and "Traceback" not in done.stderr, done.stderr


@pytest.mark.parametrize("where", ["at a question", "in a check"])
def test_an_interrupt_ends_it_at_once_with_its_own_status(where: str) -> None:
    argv = [sys.executable, "-m", "aetui", "guide", "pm2000", "--demo", "forward-missing"]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    try:
        if where == "in a check":
            process.stdin.write(f"\n{LOGGER}\n\n".encode())
            process.stdin.flush()
        _until(process, "> " if where == "at a question" else "Does the PM2000 answer from outside?")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130 and out == b"" and b"Traceback" not in err


def _until(process: subprocess.Popen[bytes], text: str) -> str:
    """Read its standard error until a text has come."""
    assert process.stderr is not None
    held, deadline = b"", time.monotonic() + PATIENCE_S
    while text.encode() not in held:
        assert time.monotonic() < deadline and select.select([process.stderr], [], [], PATIENCE_S)[0], held
        data = os.read(process.stderr.fileno(), 65536)
        assert data, held
        held += data
    return held.decode()


def test_killed_in_the_middle_a_walk_loses_nothing_but_the_step_in_flight(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "aetui", "guide", "pm2000", "--demo", "forward-missing", "--save", "--site", "Sunny Hill"]
    env = {**os.environ, "AETUI_HOME": str(tmp_path)}
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    assert process.stdin is not None
    try:
        process.stdin.write(f"\n{LOGGER}\n".encode())
        process.stdin.flush()
        _until(process, "The public port")
        process.stdin.write(b"3389\n")
        process.stdin.flush()
        _until(process, "Does the PM2000 answer from outside?")  # five seconds of silence are waited for now
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    again = call("pm2000", "--demo", "forward-missing", "--save", "--resume", "--site", "Sunny Hill", typed="\n", home=tmp_path)
    assert "Taken up again; steps that are known: 6." in again.stderr and "[7 of about 9] Does the PM2000 answer from outside?" in again.stderr, again.stderr
    assert again.stderr.count("] ") == again.stderr.count("\n[") and "The PM2000's own address" not in again.stderr
    assert again.stdout.startswith("DOES NOT WORK: The router does not pass the port on to the PM2000") and again.returncode == 1
    third = call("pm2000", "--demo", "forward-missing", "--save", "--resume", home=tmp_path)
    assert third.stdout.splitlines()[0] == again.stdout.splitlines()[0], "the newest session holds the whole walk"
    assert "nothing is tested anew" in " ".join(third.stderr.split()) and "nothing is tested anew" not in again.stderr
    alone = call("--resume", "--demo", "forward-missing", "--save", home=tmp_path)
    assert alone.stdout.splitlines()[0] == again.stdout.splitlines()[0], "without a model: the guide that was walked last"
    other = call("pm2000", "--demo", "forward-missing", "--resume", "--site", "Elsewhere", typed="q\n", home=tmp_path)
    assert "There is no walk of this guide to take up" in other.stderr


def test_a_wrong_call_is_one_sentence() -> None:
    for arguments, said in (
        (("kiosk", "--public", "here"), "'here' is not an address"), (("kiosk", "--demo", "--jump", "office"), "leave --jump out"),
        (("kiosk", "--demo", "forward-mising"), "forward-missing"), (("kiosk", "--demo", "--ftp-user", "x"), "no password"),
    ):  # fmt: skip
        done = call(*arguments)
        assert done.returncode == 2 and said in done.stderr and len(done.stderr.strip().splitlines()) <= 3, done.stderr
