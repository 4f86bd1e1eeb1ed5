"""Logging in, in OpenSSH's order: none, the agent's keys and key files, keyboard-interactive, password (RFC 4252, RFC 4256).

Blocking: runs in a thread of its own, and asks the user through ``ask``. Several factors in turn are followed as the server demands them.
A secret lives in the local variable that carries it to paramiko and is wiped from paramiko's handler; failures are turned into verdicts
inside the frame that holds it, so that no traceback refers to it. Imports paramiko.
"""

from __future__ import annotations

import base64
import binascii
import copy
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

import paramiko
from paramiko.agent import AgentSSH
from paramiko.pkey import UnknownKeyType

from aetui.vantage.asker import SecretKind, SecretQuestion
from aetui.vantage.link import why_ended
from aetui.vantage.sshconfig import HostSettings
from aetui.vantage.sshtransport import BridgedTransport
from aetui.vantage.trouble import JumpCode, detail, lost

AGENT_S = 10.0
"""Seconds for one answer of the agent; a hardware key's touch takes a while."""
LAST_WORDS_S = 2.0
"""Seconds for the thread of a transport that has ended to say why."""
PASSPHRASE_TRIES = 3
LARGEST_KEY = 64 * 1024
"""Bytes of a key file that are looked at."""

Ask = Callable[[SecretQuestion], str | None]


class Declined(paramiko.SSHException):
    """The user gave no answer; ends the exchange."""


@dataclass(frozen=True, slots=True)
class Done:
    """Logged in."""


@dataclass(frozen=True, slots=True)
class Further:
    """This was right, and the server wants one of these methods too."""

    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wrong:
    """Not accepted."""

    methods: tuple[str, ...] | None = None
    """What the server would take, where it said so."""


Verdict = Done | Further | Wrong


def login(transport: BridgedTransport, settings: HostSettings, ask: Ask) -> bool:
    """Log in; True where a secret had to be asked for. Raises JumpLost."""
    attempt = _Login(transport, settings, ask)
    try:
        attempt.run()
    finally:
        _wipe(transport)
        for key in attempt.agent[:1]:
            key.agent._close()  # type: ignore[attr-defined]
    return attempt.asked


def _wipe(transport: BridgedTransport) -> None:
    """paramiko's handler keeps the last password and key for good."""
    handler = transport.auth_handler
    if handler is not None:
        handler.password = handler.private_key = handler.interactive_handler = None


class _Login:
    def __init__(self, transport: BridgedTransport, settings: HostSettings, ask: Ask) -> None:
        self.transport = transport
        self.settings = settings
        self.ask = ask
        self.asked = False
        self.declined = False
        self.agent = agent_keys(settings)
        self.keys = self._key_order()
        self.allowed: tuple[str, ...] = ()
        self.spent: set[str] = set()

    def run(self) -> None:
        """Try until the server is content."""
        verdict = self._try(lambda: self.transport.auth_none(self.settings.user))
        while not isinstance(verdict, Done):
            if isinstance(verdict, Further) or verdict.methods is not None:
                self.allowed = verdict.methods or ()
            method = next((m for m in self.settings.methods if m in self.allowed and m not in self.spent), None)
            if method is None:
                raise self._failed(JumpCode.AUTH_CANCELLED if self.declined else JumpCode.AUTH_FAILED, ", ".join(self.allowed))
            verdict = WAYS[method](self)
            if not isinstance(verdict, Further):
                self.spent.add(method)

    def publickey(self) -> Verdict:
        """One key after the other, until one is right."""
        for key in self.keys:
            verdict = self._try(partial(self.transport.auth_publickey, self.settings.user, key))
            if not isinstance(verdict, Wrong) or (verdict.methods is not None and "publickey" not in verdict.methods):
                return verdict
        return Wrong()

    def interactive(self) -> Verdict:
        """The server's own questions, a few times over."""
        for attempt in range(1, self.settings.password_prompts + 1):
            questions = _Questions(self, attempt)
            verdict = self._try(partial(self.transport.auth_interactive, self.settings.user, questions))
            if questions.declined or not isinstance(verdict, Wrong) or verdict.methods is not None:
                return verdict
        return Wrong()

    def password(self) -> Verdict:
        """A password, a few times over."""
        for attempt in range(1, self.settings.password_prompts + 1):
            secret = self.secret(SecretQuestion(SecretKind.PASSWORD, self.settings.hostname, self.settings.user, attempt=attempt))
            if secret is None:
                return Wrong()
            verdict = self._one_password(secret)
            del secret
            if not isinstance(verdict, Wrong) or verdict.methods is not None:
                return verdict
        return Wrong()

    def _one_password(self, secret: str) -> Verdict:
        verdict = self._try(lambda: self.transport.auth_password(self.settings.user, secret, fallback=False))
        _wipe(self.transport)
        return verdict

    def secret(self, question: SecretQuestion) -> str | None:
        """The user's answer; notes that somebody was asked, and whether they declined."""
        answer = self.ask(question)
        self.asked = True
        self.declined = self.declined or answer is None
        return answer

    def _try(self, call: Callable[[], list[str]]) -> Verdict:
        verdict = _verdict(call)
        if not self.transport.active:
            if self.declined:
                raise self._failed(JumpCode.AUTH_CANCELLED, ", ".join(self.allowed))
            self.transport.join(LAST_WORDS_S)
            self.transport.failure = self.transport.failure or self.transport.saved_exception
            raise self._failed(JumpCode.AUTH_ENDED, why_ended(self.transport))
        return verdict

    def _failed(self, code: JumpCode, what: str) -> Exception:
        return lost(code, self.settings.name, user=self.settings.user, detail=what or detail("no-methods"))

    def _key_order(self) -> Iterator[paramiko.PKey]:
        """The agent's keys that the configuration names, its others, then key files; those with a passphrase last."""
        named = {blob for file in self.settings.identity_files if (blob := public_blob(file))}
        yield from (key for key in self.agent if key.asbytes() in named)
        if not self.settings.identities_only:
            yield from (key for key in self.agent if key.asbytes() not in named)
        held = {key.asbytes() for key in self.agent}
        locked = []
        for file in self.settings.identity_files:
            key = load(file, None)
            if key is Locked.PASSPHRASE:
                locked.append(file)
            elif not isinstance(key, Locked) and key.asbytes() not in held:
                yield from with_certificate(key)
        for file in locked:
            if public_blob(file) not in held:
                yield from self._unlocked(file)

    def _unlocked(self, file: Path) -> Iterator[paramiko.PKey]:
        for attempt in range(1, PASSPHRASE_TRIES + 1):
            question = SecretQuestion(SecretKind.PASSPHRASE, self.settings.hostname, self.settings.user, str(file), attempt=attempt)
            secret = self.secret(question)
            if secret is None:
                return
            key = load(file, secret.encode("utf-8"))
            del secret
            if not isinstance(key, Locked):
                yield from with_certificate(key)
                return


WAYS: dict[str, Callable[[_Login], Verdict]] = {
    "publickey": _Login.publickey,
    "keyboard-interactive": _Login.interactive,
    "password": _Login.password,
}


class _Questions:
    """paramiko's handler of keyboard-interactive: one answer for each prompt."""

    def __init__(self, login: _Login, attempt: int) -> None:
        self.login = login
        self.attempt = attempt
        self.declined = False

    def __call__(self, title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
        """The answers. The title and instructions stand before the first prompt."""
        before = " ".join(part.strip() for part in (title, instructions) if part.strip())
        answers = []
        settings = self.login.settings
        for prompt, echo in prompts:
            text = f"{before} {prompt}".strip()
            before = ""
            answer = self.login.secret(SecretQuestion(SecretKind.INTERACTIVE, settings.hostname, settings.user, text, echo, self.attempt))
            if answer is None:
                self.declined = True
                raise Declined
            answers.append(answer)
        return answers


def _verdict(call: Callable[[], list[str]]) -> Verdict:
    """What paramiko says, by return or by exception."""
    try:
        further = call()
    except paramiko.BadAuthenticationType as error:
        return Wrong(tuple(error.allowed_types))
    except (paramiko.SSHException, OSError, EOFError, ValueError):  # ValueError: a key that cannot sign
        return Wrong()
    return Further(tuple(further)) if further else Done()


def agent_keys(settings: HostSettings) -> tuple[paramiko.PKey, ...]:
    """The keys of the agent that the settings name; none where it does not answer."""
    if settings.identity_agent is None or "publickey" not in settings.methods:
        return ()
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(AGENT_S)
    try:
        connection.connect(settings.identity_agent)
        agent = AgentSSH()
        agent._connect(connection)  # type: ignore[attr-defined]  # Agent itself looks at SSH_AUTH_SOCK alone
        return tuple(agent.get_keys())
    except (OSError, paramiko.SSHException, ValueError):
        connection.close()
        return ()


class Locked(Enum):
    """Why there is no key."""

    PASSPHRASE = "passphrase"  # noqa: S105 - a reason, not a secret
    """It needs one."""
    UNUSABLE = "unusable"
    """No file, no key that is understood, or the passphrase is wrong."""


def load(file: Path, passphrase: bytes | None) -> paramiko.PKey | Locked:
    """The private key in the file."""
    try:
        if file.stat().st_size > LARGEST_KEY:
            return Locked.UNUSABLE
        return paramiko.PKey.from_path(file, passphrase)  # type: ignore[arg-type]  # cryptography wants bytes
    except TypeError:  # cryptography's way of saying that it is encrypted
        return Locked.PASSPHRASE
    except (OSError, ValueError, UnknownKeyType, paramiko.SSHException):
        return Locked.UNUSABLE


def with_certificate(key: paramiko.PKey) -> Iterator[paramiko.PKey]:
    """The key with its certificate, where one lies beside it, and then plain."""
    if key.public_blob is not None:
        yield key
        key = copy.copy(key)
        key.public_blob = None
    yield key


def public_blob(file: Path) -> bytes | None:
    """The public half: of FILE.pub, or of FILE itself where that is a public key."""
    for name in (file.with_name(f"{file.name}.pub"), file):
        with suppress(OSError, IndexError, binascii.Error, ValueError):
            with name.open("rb") as stream:
                fields = stream.read(LARGEST_KEY).split()
            if fields[0].startswith((b"ssh-", b"ecdsa-", b"sk-")):
                return base64.b64decode(fields[1], validate=True)
    return None
