"""What the listener says to each kind of caller: the protocol's own refusal, the token's answer, or nothing. Pure.

Nothing that a caller sent is ever sent back: an RDP client gets a negotiation failure made from two constants, a telnet client refusals
of the options it named and one fixed line. Everything else, and a wrong token, gets a closed connection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aetui.inbound.gate import Gate
from aetui.reach import Token
from aetui.wire import telnet, x224
from aetui.wire.classify import Spoken

TELNET_PORT_ENDING = "23"
"""On ports that end so (23, 2323, 10023) a silent caller is greeted: some telnet clients wait to be spoken to."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is answered."""

    peer: str
    port: int
    known: bool
    """The allow-list names it."""
    greeted: bool
    """It was sent the telnet greeting already."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What to send before closing, and what became of a token."""

    send: bytes = b""
    token: Token = Token.NONE


def reply(spoken: Spoken, data: bytes, caller: Caller, gate: Gate) -> Reply:
    """The end of the conversation with one caller, from all that it said."""
    speak = _REPLIES.get(spoken.speaks)
    return speak(spoken, data, caller, gate) if speak else Reply()


def greets(port: int) -> bool:
    """True where a silent caller is to be greeted."""
    return str(port).endswith(TELNET_PORT_ENDING)


def _token(spoken: Spoken, _data: bytes, caller: Caller, gate: Gate) -> Reply:
    judged = gate.judge(spoken.hello, caller.peer, caller.port, caller.known)
    return Reply(judged.answer, judged.token)


def _rdp(_spoken: Spoken, data: bytes, _caller: Caller, _gate: Gate) -> Reply:
    asked = x224.parse_request(data)
    return Reply(x224.refusal(asked)) if isinstance(asked, x224.Request) else Reply()


def _telnet(_spoken: Spoken, data: bytes, caller: Caller, _gate: Gate) -> Reply:
    greeting = b"" if caller.greeted else telnet.GREETING
    return Reply(greeting + telnet.Decliner().answer(telnet.Reader().feed(data)) + telnet.farewell())


_REPLIES: dict[str, Callable[[Spoken, bytes, Caller, Gate], Reply]] = {"aetui": _token, "rdp": _rdp, "telnet": _telnet}
