"""No test reads or writes the history, the catalogue or the roots of whoever runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

NOBODYS = ("AETUI_CATALOGUE", "AETUI_CA_BUNDLE", "AETUI_GUIDES")


@pytest.fixture(autouse=True)
def a_home_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder that is empty at first, for each test; many tests name another one themselves."""
    monkeypatch.setenv("AETUI_HOME", str(tmp_path / ".aetui"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    for name in NOBODYS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def kept_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history with one session in it, of a site called Farm where one port is dropped. For reading: copy it to change it."""
    from aetui.cli.main import main

    home = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AETUI_HOME", str(home))
        patch.setenv("XDG_CONFIG_HOME", str(home))
        for name in NOBODYS:
            patch.delenv(name, raising=False)
        assert main(["check", "pm2000", "--demo", "port-dropped", "--only", "tcp:streamer.alsoenergy.com", "--save", "--site", "Farm"]) == 1
    return home
