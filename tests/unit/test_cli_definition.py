"""Manual and completion come from the commands' own definitions: nothing is missing, and the programs that read them take them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from aetui.cli.completion import SHELLS
from aetui.cli.definition import Definition, definitions
from aetui.cli.main import COMMANDS, main, scenarios

ALL = tuple(definitions())


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(arguments) == 0
    return capsys.readouterr().out


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no {name} here")
        pytest.skip(f"no {name} here")
    return found


def test_every_command_is_defined_and_says_what_it_does() -> None:
    assert [d.name for d in ALL] == ["", *COMMANDS]
    assert all(d.does for d in ALL)
    assert all(argument.help for d in ALL for argument in d.arguments), "an argument without a word of help"


@pytest.mark.parametrize("definition", ALL, ids=lambda d: d.name or "console")
def test_every_option_is_in_the_manual_and_in_every_shells_completion(definition: Definition, capsys: pytest.CaptureFixture[str]) -> None:
    manual = printed(capsys, "manual").replace("\\-", "-")
    section = manual.split(f".SS aetui {definition.name}".rstrip() + "\n")[1].split(".SS ")[0]
    shells = {shell: printed(capsys, "completion", shell) for shell in SHELLS}
    for option in definition.options:
        for flag in option.flags:
            assert flag in section
            assert flag in shells["bash"]
            assert flag in shells["zsh"]
            assert (f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}") in shells["fish"]
    for argument in definition.positionals:
        assert argument.values[0] in section


def test_the_manual_is_a_page_that_man_shows_without_a_complaint(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "manual")
    done = subprocess.run(
        [program("groff"), "-man", "-Tutf8", "-ww", "-z"], input=text, text=True, capture_output=True, check=True, encoding="utf-8"
    )
    assert done.stderr == ""
    shown = subprocess.run([program("groff"), "-man", "-Tascii", "-P-cbou"], input=text, text=True, capture_output=True, check=True).stdout
    for words in ("NAME", "SYNOPSIS", "--failed-of SESSION", "EXIT STATUS", "AETUI_HOME", "sessions.sqlite3"):
        assert words in shown


def completed(tmp_path: Path, script: str, *words: str) -> set[str]:
    """What bash offers for the last word."""
    file = tmp_path / "aetui.bash"
    file.write_text(script)
    listed = " ".join(f"'{word}'" for word in ("aetui", *words))
    code = f"source {file}; COMP_WORDS=({listed}); COMP_CWORD={len(words)}; _aetui; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run([program("bash"), "--norc", "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.splitlines())


@pytest.mark.parametrize(
    ("words", "offered", "not_offered"),
    [
        (("che",), {"check"}, {"history"}),
        (("",), {"check", "report", "--demo"}, {"pm2000"}),
        (("check", "pm"), {"pm2000"}, {"ps3000"}),
        (("check", "pm2000", "--fa"), {"--failed-of"}, {"--json"}),
        (("report", "--format", ""), {"html", "markdown", "json", "csv", "text"}, {"--redact"}),
        (("request", "--for", "p"), {"palo-alto"}, {"csv"}),
        (("--demo", "dns-d"), {"dns-dead"}, {"healthy"}),
        (("check", "pm2000", "--demo", "hea"), {"healthy"}, {"dns-dead"}),
        (("completion", ""), {"bash", "zsh", "fish"}, {"check"}),
    ],
)
def test_bash_offers_what_can_be_written_there(
    words: tuple[str, ...], offered: set[str], not_offered: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = completed(tmp_path, printed(capsys, "completion", "bash"), *words)
    assert offered <= found
    assert not found & not_offered


def test_bash_offers_a_file_whose_name_has_a_space_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Mill Road.html").touch()
    found = completed(tmp_path, printed(capsys, "completion", "bash"), "report", "--output", f"{tmp_path}/Mi")
    assert found == {f"{tmp_path}/Mill Road.html"}


def test_zsh_and_fish_take_their_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for shell, check in (("zsh", "-n"), ("fish", "--no-execute")):
        file = tmp_path / f"aetui.{shell}"
        file.write_text(printed(capsys, "completion", shell))
        done = subprocess.run([program(shell), check, str(file)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("aetui che", {"check"}),
        ("aetui report --format h", {"html"}),
        ("aetui check pm", {"pm2000"}),
        ("aetui check --failed", {"--failed-of"}),
    ],
)
def test_fish_offers_what_can_be_written_there(line: str, offered: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "aetui.fish"
    file.write_text(printed(capsys, "completion", "fish"))
    home = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    command = [program("fish"), "--no-config", "-c", f"source {file}; complete -C '{line}'"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=home)
    assert offered <= {entry.split("\t")[0] for entry in done.stdout.splitlines()}


def test_every_scenario_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in SHELLS:
        text = printed(capsys, "completion", shell)
        assert all(name in text for name in scenarios())
