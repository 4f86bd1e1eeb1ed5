"""The listener's judgement of tokens: right or wrong, each challenge once, and so few tries that the short code cannot be guessed.

A code has 2^40 values. ``PEER_TRIES`` wrong tokens from one address, or ``ALL_TRIES`` from anywhere, and further ones are not looked at:
the chance of a guess over a listener's life stays under 1 in 10^8. Addresses on the allow-list are not stopped by what others tried.
Nothing here tells a wrong sender anything: the caller closes the connection, whether the token was wrong, used before, or not looked at.

Pure but for the key derivation of ``Gate.opened``. Not here: sockets, frames (``wire.token``).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from aetui.reach import Token
from aetui.wire import token

PEER_TRIES = 20
"""Enough for a person who mistypes a code a few times: every run presents it once a port."""
ALL_TRIES = 10_000
MOST_PEERS = 4096
"""Addresses whose tries are remembered; the one that tried longest ago is forgotten first."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one token."""

    token: Token
    answer: bytes = b""
    """To send where it matched; empty otherwise."""


class Gate:
    """One listener's, for all its ports."""

    def __init__(self, code: str, key: token.Key) -> None:
        self.code = code
        self._key = key
        self._used: set[bytes] = set()
        self._wrong: OrderedDict[str, int] = OrderedDict()
        self._all_wrong = 0

    @classmethod
    def opened(cls, code: str | None = None) -> Gate:
        """With a new code, or the one given; derives the key, which takes tens of milliseconds. ValueError for what is no code."""
        code = token.normalise(code) if code is not None else token.new_code()
        if code is None:
            raise ValueError("not a code")
        return cls(code, token.Key.of(code))

    @property
    def shut(self) -> bool:
        """True where so many wrong tokens came that only those on the allow-list are still looked at."""
        return self._all_wrong >= ALL_TRIES

    def judge(self, said: token.Hello | None, peer: str, port: int, known: bool) -> Judged:
        """One token from ``peer`` at our ``port``; ``known`` where the allow-list names it. None stands for one that was malformed."""
        if self._wrong.get(peer, 0) >= PEER_TRIES or (self.shut and not known):
            return Judged(Token.WRONG)
        if said is None or said.challenge in self._used or not said.right(self._key):
            self._count(peer)
            return Judged(Token.WRONG)
        self._used.add(said.challenge)
        return Judged(Token.MATCHED, token.answer(self._key, said, token.Arrived(port, peer)))

    def _count(self, peer: str) -> None:
        self._all_wrong += 1
        self._wrong[peer] = self._wrong.pop(peer, 0) + 1
        if len(self._wrong) > MOST_PEERS:
            self._wrong.popitem(last=False)
