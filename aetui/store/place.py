"""Where the history lives, and that it is its user's alone: directory 0700, files 0600. Raises ``StoreError`` with one sentence.

``AETUI_HOME`` names the directory; otherwise it is the platform's place for a program's state: ``$XDG_STATE_HOME/aetui`` (by default
``~/.local/state/aetui``), ``~/Library/Application Support/aetui`` on macOS, ``%LOCALAPPDATA%\\aetui`` on Windows.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

FILE = "sessions.sqlite3"


class StoreError(Exception):
    """The history cannot be used; the text is the one line that a user needs."""


class UnknownSession(StoreError):
    """No session, or more than one, goes by that name."""


def folder() -> Path:
    """The directory, whether it is there or not."""
    named = os.environ.get("AETUI_HOME")
    if named:
        return Path(named)
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "aetui"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "aetui"
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state and Path(state).is_absolute() else Path.home() / ".local" / "state") / "aetui"


def private_file() -> Path:
    """The history's file, made where it is not there yet, readable by its user alone."""
    try:
        path = folder() / FILE
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if os.name == "posix" and path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise StoreError(f"{getattr(error, 'filename', None) or 'the home directory'}: {why[0].lower() + why[1:]}") from None
    return path
