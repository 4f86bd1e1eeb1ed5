"""What the README shows and says is there: its pictures are those that its command makes, and its commands are the program's."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from aetui.cli.definition import definitions

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def made() -> set[str]:
    """Names of the pictures that ``tests/pictures.py`` makes."""
    tree = ast.parse((ROOT / "tests" / "pictures.py").read_text(encoding="utf-8"))
    table = next(n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "PICTURES")
    assert isinstance(table, ast.Dict)
    return {str(ast.literal_eval(key)) for key in table.keys if key is not None}


def test_every_picture_is_there_is_made_by_the_command_and_has_words() -> None:
    shown = re.findall(r"!\[([^\]]*)\]\(assets/pictures/([a-z]+)\.svg\)", README)
    assert {name for _, name in shown} == made()
    for words, name in shown:
        assert len(words) > 20
        assert (ROOT / "assets" / "pictures" / f"{name}.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize("line", [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line.startswith("aetui ")])
def test_every_command_of_the_readme_is_the_programs(line: str) -> None:
    known = {definition.name: {name for argument in definition.arguments for name in argument.flags} for definition in definitions()}
    words = line.split("#", maxsplit=1)[0].split(">", maxsplit=1)[0].split()[1:]
    if not words:
        return
    assert words[0] in known
    for word in words[1:]:
        if word.startswith("--"):
            assert word in known[words[0]], word


def test_it_names_the_ways_to_install_and_the_terminals_and_systems_that_have_their_own_word() -> None:
    for way in ("pipx install .", "uv tool install .", "python3 -m pip install --user ."):
        assert way in README
    for place in ("PuTTY", "tmux", "serial", "Windows", "macOS"):
        assert place in README
