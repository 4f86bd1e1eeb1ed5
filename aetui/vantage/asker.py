"""What a jump host may need from the user while it is being opened, and the terminal that asks for it.

``Asker`` is implemented by the console's screen and by ``TerminalAsker``; ``NoAsker`` is for where nobody can be asked. A secret is
handed on once and kept nowhere: no field, no log, no exception, no repr holds it. None means that the user declined.
"""

from __future__ import annotations

import getpass
import os
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from aetui.display import displayable
from aetui.vantage.offload import offload
from aetui.vantage.trouble import words

TERMINAL = Path("/dev/tty")
"""The controlling terminal: answers are read there even where standard input is a pipe."""


class Accept(StrEnum):
    """What to do with a host key that is not known."""

    ONCE = "once"
    ADD = "add"
    """Accept, and add it to known_hosts."""
    REFUSE = "refuse"


class SecretKind(StrEnum):
    """What is asked for."""

    PASSWORD = "password"  # noqa: S105 - a kind, not a secret
    PASSPHRASE = "passphrase"  # noqa: S105 - a kind, not a secret
    FTP_USER = "ftp-user"
    """A user name that counts as a secret: no record holds it either."""
    FTP_PASSWORD = "ftp-password"  # noqa: S105 - a kind, not a secret
    INTERACTIVE = "interactive"
    """The far side's own question (RFC 4256)."""


@dataclass(frozen=True, slots=True)
class HostKeyQuestion:
    """A host key that no known_hosts file holds."""

    host: str
    """As known_hosts would name it: ``[host]:port`` off port 22."""
    key_type: str
    fingerprint: str
    """``SHA256:`` and unpadded base64, as OpenSSH prints it."""

    @property
    def text(self) -> str:
        """The question in words, displayable."""
        template = words()["ask"]["host-key"]
        return template.format(host=displayable(self.host), key_type=displayable(self.key_type), fingerprint=self.fingerprint)


@dataclass(frozen=True, slots=True)
class SecretQuestion:
    """A password, a passphrase or the far side's own question."""

    kind: SecretKind
    host: str
    user: str
    detail: str = ""
    """The key's file name; for INTERACTIVE the far side's prompt, hostile until displayed."""
    echo: bool = False
    """True where the answer may be seen while it is typed."""
    attempt: int = 1
    """From 1; more than 1 after a wrong answer."""

    @property
    def text(self) -> str:
        """The question in words, displayable."""
        if self.kind is SecretKind.INTERACTIVE:
            return displayable(f"{self.user}@{self.host}: {self.detail}")
        template = words()["ask"][self.kind]
        return template.format(user=displayable(self.user), host=displayable(self.host), detail=displayable(self.detail))


class Asker(Protocol):
    """Asks the user. Called in the event loop; may take as long as the user does, and is cancelled with the opening."""

    async def host_key(self, question: HostKeyQuestion) -> Accept:
        """What to do with an unknown host key."""

    async def secret(self, question: SecretQuestion) -> str | None:
        """The answer, or None where the user declines."""


class NoAsker:
    """Nobody to ask: unknown host keys are refused, and there is no secret."""

    async def host_key(self, question: HostKeyQuestion) -> Accept:
        """Refuse."""
        return Accept.REFUSE

    async def secret(self, question: SecretQuestion) -> str | None:
        """None."""
        return None


CHOICES = {"o": Accept.ONCE, "a": Accept.ADD, "r": Accept.REFUSE}
"""First letter of the answer; anything else refuses."""


class TerminalAsker:
    """Asks on the controlling terminal, from a thread of its own so that the event loop goes on."""

    @staticmethod
    def available() -> bool:
        """True where there is a terminal to ask on."""
        with suppress(OSError):
            os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
            return True
        return False

    async def host_key(self, question: HostKeyQuestion) -> Accept:
        """The user's choice; REFUSE on anything unclear."""
        answer = await self._ask(lambda: _visible(f"{question.text}\n{words()['ask']['host-key-choices']}"))
        return CHOICES.get((answer or "")[:1].lower(), Accept.REFUSE)

    async def secret(self, question: SecretQuestion) -> str | None:
        """What was typed, or None at end of input."""
        prompt = f"{question.text}: "
        return await self._ask(lambda: _visible(prompt) if question.echo else getpass.getpass(prompt))

    async def _ask(self, work: Callable[[], str]) -> str | None:
        try:
            with _terminal_kept():
                return await offload(work, "aetui-ask")
        except (EOFError, OSError):
            return None


def terminal() -> Asker:
    """The asker of a command line: the terminal where there is one, and otherwise nobody."""
    return TerminalAsker() if TerminalAsker.available() else NoAsker()


@contextmanager
def _terminal_kept() -> Iterator[None]:
    """Puts the terminal's modes back: a prompt that is cancelled leaves a thread behind that has switched the echo off."""
    terminal = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY)
    try:
        modes = termios.tcgetattr(terminal)
        try:
            yield
        finally:
            termios.tcsetattr(terminal, termios.TCSADRAIN, modes)
    except termios.error as error:
        raise OSError(*error.args) from None
    finally:
        os.close(terminal)


def _visible(prompt: str) -> str:
    with TERMINAL.open("w", encoding="utf-8") as shown:
        shown.write(prompt)
    with TERMINAL.open(encoding="utf-8", errors="replace") as typed:  # a terminal is not seekable: one file for both is refused
        line = typed.readline()
    if not line:
        raise EOFError
    return line.rstrip("\r\n")
