"""One knock at one target from any vantage: connect, identify what answers, exchange the token. Over the LAN it asks the equipment the
same way.

What is sent first depends on what is expected, so that one connection and one round trip settle the usual case, and never a letter is
typed: an RDP connection request where RDP is expected; refusals of telnet options, or nothing, where telnet is or where nobody knows. The
token rides in these (``wire.token``). Only where that brings nothing is the target asked again, without the token, by an RDP request and
then by an HTTP one. RDP is never logged in to, telnet never answered but with refusals.

Never raises for what the network does but ``VantageLost``. Not here: what it means (``diagnosis.inbound``), several targets (``confirm``).
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from typing import Protocol

from aetui.observations import Ended, RdpSeen, TelnetSeen
from aetui.probes import rdp, telnet
from aetui.probes.common import clock, since, within
from aetui.probes.hearing import Heard, ask, hear
from aetui.reach import Arrival, Reached, Standing, Target, Token
from aetui.vantage.base import Connection, Stream, Vantage
from aetui.wire import classify, token, x224
from aetui.wire import telnet as telnet_wire

CONNECT_S = 5.0
"""Longest wait for a connection: a router that looks for a dead host needs more than 3 s to say so."""
ANSWER_S = 5.0
"""Longest wait for the first answer where a service is expected."""
UNKNOWN_S = 2.0
"""Longest wait for one to speak first where nobody knows what stands there."""
WHOLE_S = 20.0
"""Longest time of one knock with everything that may follow it."""

EXPECTED = {3389: "rdp", 23: "telnet"}
"""What stands on the equipment's own ports."""


def expected_at(port: int) -> str | None:
    """The service expected at the equipment's own port."""
    return EXPECTED.get(port)


@dataclass(frozen=True, slots=True)
class _Said:
    """What one connection brought."""

    connection: Connection
    heard: Heard
    rdp: RdpSeen | None = None
    telnet: TelnetSeen | None = None

    @property
    def spoken(self) -> classify.Spoken:
        return classify.server(self.heard.data)


Key = asyncio.Future[token.Key]
"""Deriving it takes tens of milliseconds, and is waited for only once the connection is there."""


def derive(code: str) -> Key:
    """Begin to derive the key of a code, in a thread. The result may be waited for by any number of knocks."""
    return asyncio.ensure_future(asyncio.to_thread(token.Key.of, code))


async def knock(vantage: Vantage, target: Target, standing: Standing, deadline: float, key: Key | None = None) -> Reached:
    """Knock once. ``deadline`` bounds everything; ``key`` where a token is to be exchanged."""
    began = clock()
    knocker = _Knocker(vantage, target, within(WHOLE_S, deadline), key)
    said, proof = await knocker.run()
    return replace(_reached(vantage, target, standing, said, proof), elapsed_ms=since(began))


class Attempt(Protocol):
    """One connection in one protocol; ``present`` where the token goes with it."""

    async def __call__(self, *, present: bool = True) -> _Said:
        """Make it."""


@dataclass(frozen=True, slots=True)
class _Proof:
    token: Token = Token.NONE
    arrival: Arrival | None = None


class _Knocker:
    def __init__(self, vantage: Vantage, target: Target, deadline: float, key: Key | None) -> None:
        self.vantage, self.target, self.deadline, self.key = vantage, target, deadline, key
        self._said: token.Hello | None = None

    async def _hello(self, present: bool) -> token.Hello | None:
        """What to present, where a token is to be presented at all."""
        if self.key is None or not present:
            return None
        if self._said is None:
            self._said = token.hello(await asyncio.shield(self.key))
        return self._said

    async def run(self) -> tuple[_Said, _Proof]:
        """The first connection, and where it brought nothing the next ones."""
        first = await (self._rdp() if self.target.expected == "rdp" else self._telnet())
        proof = self._proof(first.heard.data)
        if proof.token is Token.MATCHED or first.connection.stream is None:
            return first, proof
        if first.heard.data:
            return first, _Proof(Token.WRONG if self._listens(first) else Token.NONE)
        return await self._again(first)

    async def _again(self, first: _Said) -> tuple[_Said, _Proof]:
        """Nothing came: ask without a token, in another protocol; a listener that did not know our code shows itself so."""
        before = first
        for attempt in self._attempts():
            if clock() >= self.deadline or (attempt == self._http and not self._may_type(before)):
                break
            before = await attempt(present=False)
            if before.heard.data:
                return before, _Proof(Token.WRONG if self._listens(before) else Token.NONE)
        return first, _Proof()

    def _attempts(self) -> tuple[Attempt, ...]:
        if self.target.expected == "telnet":
            return (self._telnet,) if self.key is not None else ()
        return (self._rdp, self._http) if self.key is not None or self.target.expected is None else (self._http,)

    def _may_type(self, before: _Said) -> bool:
        """A silent telnet server may still be about to ask for a name, and a request line would be taken for one."""
        return self.target.expected == "rdp" or before.heard.ended is not Ended.SILENT

    def _listens(self, said: _Said) -> bool:
        """True where a listener of ours answered that did not take our token."""
        return self.key is not None and said.spoken.speaks == "aetui"

    def _proof(self, data: bytes) -> _Proof:
        if self.key is None or self._said is None:
            return _Proof()
        arrived = token.parse_answer(self.key.result(), self._said, data)
        if arrived is not None:
            return _Proof(Token.MATCHED, Arrival(arrived.port, arrived.peer))
        return _Proof()

    async def _connect(self) -> Connection:
        return await self.vantage.connect(self.target.address, self.target.port, within(CONNECT_S, self.deadline))

    async def _rdp(self, *, present: bool = True) -> _Said:
        connection = await self._connect()
        if connection.stream is None:
            return _Said(connection, Heard(b"", Ended.SILENT))
        stream, limit = connection.stream, within(ANSWER_S, self.deadline)
        try:
            hello = await self._hello(present)
            cookie = token.as_cookie(hello) if hello is not None else None
            heard = await ask(stream, x224.request(cookie=cookie), limit, _settled)
            seen = None
            if classify.server(heard.data).speaks == "rdp":
                seen = await rdp.look_further(stream, self.target.address, heard, self.deadline)
            return _Said(connection, heard, rdp=seen)
        finally:
            stream.close()

    async def _telnet(self, *, present: bool = True) -> _Said:
        connection = await self._connect()
        if connection.stream is None:
            return _Said(connection, Heard(b"", Ended.SILENT))
        stream = connection.stream
        patience = ANSWER_S if self.target.expected == "telnet" else UNKNOWN_S
        try:
            limit = within(patience, self.deadline)
            heard = await self._greeting(stream, await self._hello(present), limit)
            if classify.server(heard.data).speaks != "telnet":
                return _Said(connection, heard)
            return await self._talk(connection, stream, heard)
        finally:
            stream.close()

    async def _greeting(self, stream: Stream, hello: token.Hello | None, limit: float) -> Heard:
        if hello is None:
            return await hear(stream, limit, _settled)
        return await ask(stream, token.as_refusals(hello), limit, _settled)

    async def _talk(self, connection: Connection, stream: Stream, heard: Heard) -> _Said:
        seen = await telnet.talk(stream, within(ANSWER_S, self.deadline), heard.data)
        if telnet_wire.FAREWELL in seen.text:  # our own listener says so when it takes its leave
            heard = Heard(heard.data + telnet_wire.farewell(), heard.ended)
        return _Said(connection, heard, telnet=seen)

    async def _http(self, *, present: bool = True) -> _Said:
        connection = await self._connect()
        if connection.stream is None:
            return _Said(connection, Heard(b"", Ended.SILENT))
        try:
            question = f"GET / HTTP/1.0\r\nHost: {self.target.address}\r\n\r\n".encode("ascii")
            heard = await ask(connection.stream, question, within(UNKNOWN_S, self.deadline), _settled)
            return _Said(connection, heard)
        finally:
            connection.stream.close()


def _settled(data: bytes) -> bool:
    return classify.server(data).settled


def _reached(vantage: Vantage, target: Target, standing: Standing, said: _Said, proof: _Proof) -> Reached:
    spoken = said.spoken
    identity, fingerprint = _identity(said, spoken)
    return Reached(
        target,
        vantage.info,
        standing,
        said.connection.seen,
        spoken.speaks if said.connection.stream is not None else "nothing",
        identity,
        fingerprint,
        proof.token,
        proof.arrival,
        said.rdp,
        said.telnet,
    )


def _identity(said: _Said, spoken: classify.Spoken) -> tuple[str | None, str | None]:
    """What the peer calls itself, and a fingerprint that is the same wherever one asks from."""
    if said.rdp is not None and said.rdp.certificate is not None:
        certificate = said.rdp.certificate
        return _common_name(certificate.subject) or next(iter(certificate.names), None), certificate.sha256
    if said.telnet is not None and said.telnet.login_prompt:
        text = said.telnet.text
        return text.rstrip().rsplit("\n", 1)[-1].strip(), hashlib.sha256(_greeting(text)).hexdigest()
    named = next((spoken.evidence[key] for key in ("server", "banner", "status") if key in spoken.evidence), None)
    return named, None


def _greeting(text: str) -> bytes:
    """A telnet greeting without digits: clocks and terminal numbers in it change from one caller to the next."""
    return "".join(c for c in text if not c.isdigit()).strip().encode()


def _common_name(subject: str) -> str | None:
    """CN of an RFC 4514 name."""
    for part in subject.split(","):
        key, _, value = part.partition("=")
        if key.strip().upper() == "CN":
            return value.strip()
    return None
