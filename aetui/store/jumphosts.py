"""Names of jump hosts that the user has used, the last one first: a text file beside the history, one name a line, its user's alone.

A name is a Host of the ssh configuration or ``user@host[:port]``, with ``ssh:`` before it where the system's own ssh reaches it; lines
that are none are passed over. Never a password or a key. A file that cannot be read is no hosts; one that cannot be written raises
StoreError.
"""

from __future__ import annotations

import os
from contextlib import suppress

from aetui.store.place import StoreError, folder
from aetui.vantage.sshconfig import target
from aetui.vantage.sshfile import ConfigFault

FILE = "jump-hosts"
SYSTEM = "ssh:"
"""Before the name of one that is reached by the system's own ssh, as ``vantage.choose`` has it."""
MOST = 50
"""Names that are kept."""
LONGEST = 64 * 1024
"""Bytes of the file that are read."""


def remembered() -> tuple[str, ...]:
    """The names, the last used first."""
    try:
        with (folder() / FILE).open("rb") as file:
            text = file.read(LONGEST).decode("utf-8", "replace")
    except (OSError, RuntimeError):
        return ()
    return tuple(dict.fromkeys(name for line in text.splitlines() if is_name(name := line.strip())))[:MOST]


def is_name(text: str) -> bool:
    """True for what can be a jump host's name."""
    try:
        target(text.removeprefix(SYSTEM))
    except ConfigFault:
        return False
    return True


def remember(name: str) -> None:
    """Put a name first."""
    _write([name, *(other for other in remembered() if other != name)])


def forget(name: str) -> None:
    """Take a name out."""
    _write([other for other in remembered() if other != name])


def _write(names: list[str]) -> None:
    path = folder() / FILE
    new = path.with_name(f"{FILE}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
            file.writelines(f"{name}\n" for name in names[:MOST])
        new.replace(path)
    except (OSError, RuntimeError) as error:
        with suppress(OSError):
            new.unlink()
        raise StoreError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
