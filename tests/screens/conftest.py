"""Every test of the console starts from the same terminal: no colours switched off, no theme of the machine's, nobody's own catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from aetui.screens import frame

SCRUBBED = (
    "NO_COLOR", "COLORTERM", "TEXTUAL", "TEXTUAL_THEME", "TEXTUAL_ANIMATIONS", "TEXTUAL_COLOR_SYSTEM", "TEXTUAL_FPS", "SSH_CONNECTION",
    "AETUI_CATALOGUE", "AETUI_CA_BUNDLE", "LINES", "COLUMNS",
)  # fmt: skip


@pytest.fixture(autouse=True)
def same_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Scrub the environment, and draw without waiting."""
    for name in SCRUBBED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("AETUI_HOME", str(tmp_path / "aetui"))
    monkeypatch.setattr(frame, "PAINT_EVERY_S", 0.0)
