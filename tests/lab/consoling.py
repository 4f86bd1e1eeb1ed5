"""The console on a machine of the lab: the real program at a real terminal of 80x24 without colours, driven by keys and read off its screen.

Nothing of it is simulated but the person: addresses and names are typed by ``name``, everything else is a counted keystroke.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import pyte

from .confirming import technician
from .network import Lab
from .topology import LOGGER

COLUMNS, ROWS = 80, 24
PATIENCE_S = 60.0
PACE_S = 0.25
"""Between two keys."""
KEYS = {
    "enter": "\r", "escape": "\x1b", "up": "\x1b[A", "down": "\x1b[B", "home": "\x1b[H", "end": "\x1b[F", "pagedown": "\x1b[6~", "tab": "\t",
    "backspace": "\x7f",
}  # fmt: skip
_UNKNOWN = re.compile(rb"\x1b\[[>=<?][0-9;]*[uptq$]+|\x1b\]22;[^\x1b\x07]*(\x1b\\|\x07)?|\x1b\[\?[0-9;]*\$p")
"""What newer terminals understand and pyte does not."""


class Console:
    """A console under way."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self.pressed: list[str] = []
        """Keystrokes, names and addresses left out."""

    # ------------------------------------------------------------------------------------------------------------------ looking
    @property
    def lines(self) -> list[str]:
        """The screen."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def said(self) -> str:
        """The screen as one sentence."""
        return " ".join(" ".join(self.lines).split())

    def shows(self, *texts: str, within_s: float = PATIENCE_S) -> str:
        """Wait until all of this is on the screen."""
        deadline = time.monotonic() + within_s
        while not all(text in self.said for text in texts):
            assert time.monotonic() < deadline, f"never came: {texts}\n" + "\n".join(self.lines)
            self._read(0.2)
        return self.said

    def settles(self) -> str:
        """Wait until nothing more is drawn for a moment."""
        while self._read(0.4):
            pass
        return self.said

    def _read(self, most_s: float) -> bool:
        if not select.select([self._handle], [], [], most_s)[0]:
            return False
        with suppress(OSError):
            self._stream.feed(_UNKNOWN.sub(b"", os.read(self._handle, 65536)))
            return True
        return False

    # ------------------------------------------------------------------------------------------------------------------- typing
    def press(self, *keys: str) -> None:
        """Keys, each counted, at the pace of a person: an Escape that is followed at once by a letter is another key to a terminal."""
        for key in keys:
            self.pressed.append(key)
            os.write(self._handle, KEYS.get(key, key).encode())
            after = time.monotonic() + PACE_S
            while (left := after - time.monotonic()) > 0:
                self._read(left)

    def name(self, text: str) -> None:
        """A name or an address that only a person can know, and Enter, which is counted."""
        os.write(self._handle, text.encode())
        self.shows(text)
        self.press("enter")


@contextmanager
def at_console(
    lab: Lab, *arguments: str, node: str = "laptop", env: Mapping[str, str] | None = None, before: Sequence[str] = ()
) -> Iterator[Console]:
    """``aetui`` as a technician starts it, by the words of ``before`` where there are any; ended whatever happens."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    surroundings = {
        "HOME": technician(lab), "AETUI_HOME": str(lab[node].home / "console"), "TERM": "xterm-256color", "LANG": "C.UTF-8", "NO_COLOR": "1",
        **(env or {}),
    }  # fmt: skip
    process = lab.popen(node, [*before, sys.executable, "-m", "aetui", *arguments], surroundings, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        yield Console(ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


# -------------------------------------------------------------------------------------------------------- a technician at it
def to_the_verdict(console: Console) -> None:
    """'Support cannot reach the PM2000', from a console that was just started, with a jump host and the logger's address in one's head."""
    console.shows("What does the site have?")
    console.press("5")
    console.shows("Which equipment is it about?", "PM2000")
    console.press("enter")
    console.shows("What is the trouble?")
    console.press("enter")
    console.shows("The PM2000's own address")
    console.name(LOGGER)
    console.shows("The public port", "answers: Remote Desktop")
    console.press("enter")
    console.shows("Somebody must knock from outside")
    console.press("enter")
    console.shows("The jump host")
    console.name("office")


def machine_s(console: Console) -> float:
    """What the verdict says of the time that tests took."""
    console.press("end")
    found = re.search(r"([\d.]+) s of machine time", console.shows("s of machine time"))
    assert found is not None
    return float(found[1])
