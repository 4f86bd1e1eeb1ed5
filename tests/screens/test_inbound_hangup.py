"""A terminal that goes away takes the open ports with it: the real console in a pseudo-terminal, hung up and killed in several ways."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pyte
import pytest

PATIENCE_S = 40.0


class Terminal:
    """A pseudo-terminal with the console in it."""

    def __init__(self, home: Path, ignoring: bool) -> None:
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                if ignoring:
                    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
                os.environ.update(TERM="xterm-256color", LANG="C.UTF-8", HOME=str(home), AETUI_HOME=str(home))
                os.execv(sys.executable, [sys.executable, "-m", "aetui", "--demo"])
            finally:
                os._exit(127)  # no second pytest goes on from here

    def until(self, text: str) -> None:
        """Follow the screen until it says so."""
        deadline = time.monotonic() + PATIENCE_S
        while not any(text in line for line in self.screen.display):
            assert time.monotonic() < deadline, "\n".join(self.screen.display)
            if select.select([self.fd], [], [], 0.1)[0]:
                self._stream.feed(os.read(self.fd, 65536))

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.fd, keys.encode())

    def hang_up(self) -> None:
        """Close the line."""
        with contextlib.suppress(OSError):
            os.close(self.fd)


@contextmanager
def listening(home: Path, ignoring: bool) -> Iterator[tuple[Terminal, list[int]]]:
    """The console with its ports open, and their numbers."""
    terminal = Terminal(home, ignoring)
    try:
        terminal.until("What does the site have?")
        terminal.press("3")
        terminal.until("Nothing is open")
        terminal.press("s")
        terminal.until("EXPOSED")
        connections = psutil.Process(terminal.pid).net_connections("tcp")
        yield terminal, [one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN]
    finally:
        terminal.hang_up()
        with contextlib.suppress(ProcessLookupError):
            os.kill(terminal.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(terminal.pid, 0)


def answers(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


ENDS: list[tuple[str, bool, Callable[[Terminal], None]]] = [
    ("the line is closed", False, Terminal.hang_up),
    ("the line is closed, and hangups were to be ignored", True, Terminal.hang_up),
    ("a hangup by signal", False, lambda terminal: os.kill(terminal.pid, signal.SIGHUP)),
    ("it is told to end", False, lambda terminal: os.kill(terminal.pid, signal.SIGTERM)),
    ("q", False, lambda terminal: terminal.press("q")),
]


@pytest.mark.parametrize(("ignoring", "end"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_the_ports_close_with_the_console_however_it_ends(ignoring: bool, end: Callable[[Terminal], None], tmp_path: Path) -> None:
    with listening(tmp_path, ignoring) as (terminal, ports):
        assert len(ports) >= 2 and all(answers(port) for port in ports[:2])
        end(terminal)
        deadline = time.monotonic() + 10
        while any(answers(port) for port in ports) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(answers(port) for port in ports)
