"""Why a jump host cannot be used: a closed vocabulary, one sentence a code from assets/jump.toml, and the exception that carries it.

``JumpLost`` is the one exception of the jump vantage that a session sees (it is a ``VantageLost``). Details are made displayable here,
since banners and reasons come from the far side; no secret is ever a detail. Not here: outcomes of a single connect, see ``reason``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from aetui.display import displayable
from aetui.vantage.base import VantageLost

LONGEST_DETAIL = 300
"""Characters of one foreign detail in a sentence; a list of algorithms is the longest that occurs."""


class JumpCode(StrEnum):
    """What went wrong with a jump host."""

    CONFIG = "config"
    """The ssh configuration is wrong: unreadable, Include or ProxyJump in a circle, a bad value."""
    NAME_UNKNOWN = "name-unknown"
    UNREACHABLE = "unreachable"
    """No TCP connection to it."""
    HOP_REFUSED = "hop-refused"
    """The jump host before it does not open the channel."""
    PROXY_COMMAND = "proxy-command"
    SILENT = "silent"
    """TCP opens, and no SSH identification comes."""
    NOT_SSH = "not-ssh"
    TOO_OLD = "too-old"
    """No algorithm in common; the detail names what the jump host offers."""
    KEY_CHANGED = "key-changed"
    KEY_REVOKED = "key-revoked"
    KEY_AUTHORITY = "key-authority"
    """Only a @cert-authority line covers it."""
    KEY_REFUSED = "key-refused"
    """Unknown, and nobody accepted it."""
    HANDSHAKE = "handshake"
    AUTH_FAILED = "auth-failed"
    AUTH_ENDED = "auth-ended"
    """It hung up during the login."""
    AUTH_CANCELLED = "auth-cancelled"
    """A password or passphrase was asked for and none was given."""
    DEADLINE = "deadline"
    DIED = "died"
    """It was open and broke."""
    STALLED = "stalled"
    """It was open and answers no keepalive."""
    CLOSED = "closed"
    """We closed it ourselves."""
    SYSTEM_SSH = "system-ssh"
    """The system's ssh program, used in place of the built-in one, failed."""


@dataclass(frozen=True, slots=True)
class JumpTrouble:
    """One trouble with its sentence, ready to show."""

    code: JumpCode
    host: str
    sentence: str
    facts: Mapping[str, str]
    """The displayable values in the sentence, by name."""


class JumpLost(VantageLost):
    """The jump host cannot be had, or is gone; ``trouble`` says why, and ``str()`` is its sentence."""

    def __init__(self, trouble: JumpTrouble) -> None:
        super().__init__(trouble.sentence)
        self.trouble = trouble


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """assets/jump.toml."""
    tables: Mapping[str, Mapping[str, str]] = tomllib.loads(files("aetui.assets").joinpath("jump.toml").read_text("utf-8"))
    return tables


def detail(key: str) -> str:
    """The words of assets/jump.toml that stand in for a detail nobody gave."""
    return words()["detail"][key]


def lost(code: JumpCode, host: str, **facts: object) -> JumpLost:
    """The exception for this trouble; ``facts`` fill the sentence's braces."""
    shown = {name: displayable(str(value), LONGEST_DETAIL) for name, value in {"host": host, **facts}.items()}
    return JumpLost(JumpTrouble(code, shown["host"], words()["trouble"][code].format_map(shown), shown))
