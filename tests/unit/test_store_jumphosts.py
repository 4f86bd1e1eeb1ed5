"""The names of jump hosts are remembered, the last used first, in a file of the user's alone; a damaged file is no hosts."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from aetui.store import jumphosts
from aetui.store.jumphosts import FILE, MOST, forget, remember, remembered
from aetui.store.place import StoreError


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("AETUI_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def test_nothing_is_remembered_at_first_and_nothing_is_made(home: Path) -> None:
    assert remembered() == ()
    assert not home.exists()


def test_the_last_used_stands_first_and_once() -> None:
    for name in ("noc", "tech@203.0.113.7:2222", "ssh:old", "noc"):
        remember(name)
    assert remembered() == ("noc", "ssh:old", "tech@203.0.113.7:2222")
    forget("ssh:old")
    forget("noc")
    forget("never-there")
    assert remembered() == ("tech@203.0.113.7:2222",)


def test_the_file_is_its_users_alone_and_no_other_is_left(home: Path) -> None:
    remember("noc")
    assert stat.S_IMODE((home / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert [path.name for path in home.iterdir()] == [FILE]


def test_only_so_many_are_kept() -> None:
    for number in range(MOST + 5):
        remember(f"host{number}")
    assert len(remembered()) == MOST
    assert remembered()[0] == f"host{MOST + 4}"


@pytest.mark.parametrize(
    ("content", "names"),
    [(b"noc\n-oProxyCommand=x\n\nwest\n", ("noc", "west")), (b"\xff\xfe\x00\n", ()), (b"a b\nnoc:99999\n", ()), (b"x" * 200_000, ())],
    ids=["lines that are no names", "bytes", "almost names", "no end"],
)
def test_what_is_no_name_is_passed_over(home: Path, content: bytes, names: tuple[str, ...]) -> None:
    home.mkdir()
    (home / FILE).write_bytes(content)
    assert remembered()[: len(names)] == names
    assert all(len(name) < 100_000 for name in names)


def test_a_place_that_cannot_be_written_is_one_sentence(home: Path) -> None:
    home.write_text("a file where the folder should be")
    with pytest.raises(StoreError) as refused:
        remember("noc")
    assert "\n" not in str(refused.value)
    assert jumphosts.remembered() == ()
