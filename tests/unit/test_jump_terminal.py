"""Questions on a real pseudo-terminal: what is typed is not shown where it must not be, and a prompt that is left puts the echo back on."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ASK = """
import asyncio, sys
from aetui.vantage.asker import HostKeyQuestion, SecretKind, SecretQuestion, terminal

SECRET = SecretQuestion(SecretKind.PASSWORD, "h", "joe")
SHOWN = SecretQuestion(SecretKind.INTERACTIVE, "h", "joe", "Code: ", True)
KEY = HostKeyQuestion("h", "ssh-ed25519", "SHA256:abc")

async def main():
    asker = terminal()
    kind = sys.argv[1]
    if kind == "key":
        got = await asker.host_key(KEY)
    elif kind == "left":
        try:
            async with asyncio.timeout(0.5):
                await asker.secret(SECRET)
        except TimeoutError:
            got = "left"
    else:
        got = await asker.secret(SECRET if kind == "secret" else SHOWN)
    sys.stdout.write(repr(str(got)))

asyncio.run(main())
"""

PATIENCE = 20.0


def on_terminal(kind: str, typed: bytes) -> tuple[str, str, bool]:
    """What the program wrote to standard output, what the terminal showed, and whether the terminal echoes afterwards."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", f"import os; os.close(os.open(os.ttyname(0), os.O_RDWR)){ASK}", kind],  # makes it the controlling one
        cwd=ROOT,
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    shown = b""
    try:
        while not shown.rstrip().endswith(b":"):
            ready, _, _ = select.select([leader], [], [], PATIENCE)
            assert ready, shown
            shown += os.read(leader, 4096)
        os.write(leader, typed)
        out, _ = process.communicate(timeout=PATIENCE)
        echoes = bool(termios.tcgetattr(follower)[3] & termios.ECHO)
        while select.select([leader], [], [], 0)[0]:
            shown += os.read(leader, 4096)
    finally:
        process.kill()
        process.communicate()
        os.close(follower)
        os.close(leader)
    return out.decode(), shown.decode(), echoes


TYPED = {
    "a password is taken and not shown": ("secret", b"hush hush\n", "'hush hush'", "hush", False),
    "a code that may be seen is": ("shown", b"4711\n", "'4711'", "4711", True),
    "end of input is no answer": ("secret", b"\x04", "'None'", "", False),
    "o accepts once": ("key", b"o\n", "'once'", "SHA256:abc", True),
    "a accepts and adds": ("key", b"Add\n", "'add'", "[a]dd", True),
    "r refuses": ("key", b"r\n", "'refuse'", "[r]efuse", True),
    "anything else refuses": ("key", b"yes\n", "'refuse'", "", False),
    "nothing refuses": ("key", b"\n", "'refuse'", "", False),
}
"""Rule -> what is asked, what is typed, what is got, a text, and whether the terminal shows that text."""


@pytest.mark.parametrize("rule", TYPED)
def test_a_question_on_the_terminal(rule: str) -> None:
    kind, typed, got, text, visible = TYPED[rule]
    out, shown, echoes = on_terminal(kind, typed)
    assert out == got
    assert not text or (text in shown) == visible
    assert echoes


def test_a_prompt_that_is_left_puts_the_echo_back() -> None:
    out, _, echoes = on_terminal("left", b"")
    assert out == "'left'"
    assert echoes


def test_without_a_terminal_nobody_is_asked() -> None:
    code = "from aetui.vantage.asker import terminal; print(type(terminal()).__name__)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True, check=True)
    assert done.stdout == b"NoAsker\n"


@pytest.mark.parametrize("module", ["choose", "jump", "sshconfig", "hostkeys", "asker", "trouble", "reason", "link"])
def test_naming_a_jump_host_loads_no_ssh_library(module: str) -> None:
    code = f"import sys, aetui.vantage.{module}; print([m for m in ('paramiko', 'cryptography', 'textual', 'scapy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == b"[]\n"
