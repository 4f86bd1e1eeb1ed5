"""``aetui guide sma-ftp`` at a real terminal: the login is typed there, hidden, and found nowhere afterwards; without a terminal it says how."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

USER, SECRET = "uploader-7", "geheim-Zwo-91"
PATIENCE_S = 90.0


class Terminal:
    """A walk at a pseudo-terminal that is its controlling one."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.shown = ""
        self._typed_at = 0
        pid, self.handle = pty.fork()
        if pid == 0:
            os.environ["AETUI_HOME"] = str(home)
            os.execv(sys.executable, [sys.executable, "-m", "aetui", "guide", *arguments])
        self.pid = pid

    def until(self, text: str) -> None:
        """Wait until it has been shown since something was typed last."""
        start, deadline = self._typed_at, time.monotonic() + PATIENCE_S
        while text not in self.shown[start:] and text not in " ".join(self.shown[start:].split()):
            assert time.monotonic() < deadline, self.shown
            if select.select([self.handle], [], [], 1.0)[0]:
                self.shown += os.read(self.handle, 65536).decode("utf-8", "replace")

    def type(self, text: str) -> None:
        self._typed_at = len(self.shown)
        os.write(self.handle, f"{text}\n".encode())

    def end(self) -> int:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                data = os.read(self.handle, 65536)
            except OSError:
                break
            if not data:
                break
            self.shown += data.decode("utf-8", "replace")
        os.close(self.handle)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_a_login_is_typed_hidden_and_kept_nowhere(tmp_path: Path) -> None:
    walk = Terminal(tmp_path, "sma-ftp", "--demo", "healthy", "--save")
    walk.until("> ")
    walk.type("3")
    walk.until("Only the first half is proved")
    walk.until("> ")
    walk.type("1")
    walk.until("User name at the FTP server: ")
    walk.type(USER)
    walk.until(f"FTP password of {USER}: ")
    walk.type(SECRET)
    walk.until("The server does not take that login")
    walk.until("> ")
    walk.type("1")
    walk.until("User name at the FTP server: ")
    walk.type("demo")
    walk.until("FTP password of demo: ")
    walk.type("demo")
    status = walk.end()
    assert status == 0, walk.shown
    assert "WORKS: Both connections work" in walk.shown
    assert "passive works" in " ".join(walk.shown.split())
    assert SECRET not in walk.shown, "the terminal's echo is off"
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    for data in kept:
        assert SECRET.encode() not in data
        assert USER.encode() not in data


def test_an_empty_name_declines_and_the_walk_goes_on(tmp_path: Path) -> None:
    walk = Terminal(tmp_path, "sma-ftp", "--demo", "healthy")
    walk.until("> ")
    walk.type("3")
    walk.until("Only the first half is proved")
    walk.until("> ")
    walk.type("1")
    walk.until("User name at the FTP server: ")
    walk.type("")
    walk.until("No login was typed.")
    walk.type("")
    assert walk.end() == 0
    assert "the data connection was not tried" in " ".join(walk.shown.split())


def test_no_file_of_answers_holds_a_login(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('login = "give"')
    argv = [sys.executable, "-m", "aetui", "guide", "sma-ftp", "--demo", "--answers", str(tmp_path / "a.toml")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 3
    assert "which no file of answers may hold: give it by --ftp-user and AETUI_FTP_PASSWORD" in " ".join(done.stderr.split())
