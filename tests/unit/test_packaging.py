"""What is installed is what is here: packages listed are packages on disk, one name goes into site-packages, and the house's page is true."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {"aetui": ROOT / "aetui", "aetui.screens": ROOT / "screens", "aetui.assets": ROOT / "assets"}


def packages_on_disk() -> set[str]:
    found = set()
    for name, folder in SOURCES.items():
        for init in folder.rglob("__init__.py"):
            inner = init.parent.relative_to(folder)
            if not (name == "aetui" and inner.parts[:1] in {("screens",), ("assets",)}):
                found.add(".".join((name, *inner.parts)))
    return found


def listed() -> list[str]:
    return list(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])


def test_every_package_on_disk_is_listed_and_no_other() -> None:
    assert set(listed()) == packages_on_disk()
    assert len(listed()) == len(set(listed()))


def test_the_page_of_the_house_names_every_package() -> None:
    page = (ROOT / "aetui" / "README.md").read_text()
    named = set(re.findall(r"`(aetui\.[a-z.]+)`", page))
    assert named - {"aetui.cli"} <= packages_on_disk()
    assert packages_on_disk() - {"aetui"} <= named


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=110)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_puts_one_name_into_site_packages(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" not in name}
    assert tops == {"aetui"}


def test_the_wheel_carries_every_module_and_every_asset(wheel: zipfile.ZipFile) -> None:
    inside = set(wheel.namelist())
    for name, folder in SOURCES.items():
        for file in folder.rglob("*"):
            inner = file.relative_to(folder)
            if not file.is_file() or "__pycache__" in inner.parts or (name == "aetui" and inner.parts[0] in {"screens", "assets"}):
                continue
            if file.suffix in {".py", ".toml", ".tcss", ".json", ".typed", ".html"}:
                assert "/".join((*name.split("."), *inner.parts)) in inside


def test_the_links_for_checkouts_point_at_the_packages() -> None:
    for name in ("screens", "assets"):
        link = ROOT / "aetui" / name
        assert not link.is_symlink() or link.resolve() == ROOT / name


def test_nothing_imports_a_top_level_screens_or_assets() -> None:
    for folder in (*SOURCES.values(), ROOT / "tests"):
        for file in folder.rglob("*.py"):
            assert not re.search(r"^\s*(from|import) (screens|assets)\b", file.read_text(), re.MULTILINE), file
