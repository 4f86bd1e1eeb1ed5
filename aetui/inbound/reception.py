"""The listener's connections: taken in, read to their first words, answered once, recorded, closed. Every resource has a bound.

Works on plain sockets and the loop's readiness calls: most callers have said what they speak by the time they are taken, so a knock costs
one read and one answer, and no task, no stream, no buffer beyond ``classify.LOOKED_AT`` bytes. A turn lasts ``Limits.turn_s`` at
the most and is followed by ``Limits.rounds`` rounds for others, so that a flood leaves the loop to a console's keys. Where it is full,
the oldest caller makes room: it is recorded with what it has said, so no knock is lost.

Single-threaded; all methods are called in the loop's thread. Not here: what is said (``manners``), which ports (``ports``), for how long
(``listener``).
"""

from __future__ import annotations

import asyncio
import errno
import selectors
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import cast

from aetui.inbound.gate import Gate
from aetui.inbound.knocklog import Batch, KnockLog
from aetui.inbound.manners import Caller, greets, reply
from aetui.reach import Knock, Token
from aetui.wire import classify, telnet

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one listener."""

    connections: int = 1024
    """Open at once, from everybody."""
    per_peer: int = 64
    """Open at once from one address that no allow-list names."""
    accepts: int = 8
    """Taken at once, for each listening socket."""
    turn_s: float = 0.002
    """Longest time of one turn; then the loop is left to others (a console's keys)."""
    rounds: int = 32
    """Rounds of the loop that others get after a turn: a key goes through two dozen from the terminal to its effect on the screen. A round in
    which nobody has anything to do costs ten microseconds."""
    greet_s: float = 1.0
    """Silence after which a caller at a telnet port is greeted."""
    silent_s: float = 5.0
    """Silence after which a caller is let go."""
    whole_s: float = 10.0
    """Longest life of a connection, however slowly it speaks."""
    linger_s: float = 1.0
    """Wait for the caller to close after its answer, so that the answer is not lost to a reset."""
    drain: int = 64 * 1024
    """Bytes read and dropped meanwhile."""
    sweep_s: float = 0.25
    """How often the above are looked at."""
    notify_s: float = 0.1
    """Shortest time between two batches."""
    rest_s: float = 0.5
    """Pause in taking callers where the process has no file descriptor left."""


_FIRST_BYTES = 64
_MARK = 8
"""Bytes of a token that are kept: of every carrier they end before the challenge."""
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class _Open:
    """One connection."""

    __slots__ = ("at", "began", "data", "drained", "ending", "greeted", "known", "peer", "peer_port", "port", "sock", "watched")

    def __init__(self, sock: socket.socket, peer: str, peer_port: int, *, port: int, began: float, known: bool) -> None:
        self.sock, self.peer, self.peer_port, self.port, self.began, self.known = sock, peer, peer_port, port, began, known
        self.at = datetime.now(UTC)
        self.data = b""
        self.drained = 0
        self.greeted = self.watched = False
        self.ending: float | None = None
        """When it is closed at the latest, once it is answered."""


class Reception:
    """Takes the connections of all ports of one listener."""

    def __init__(self, gate: Gate, heard: Callable[[Batch], None], allow: Sequence[Network] = (), limits: Limits | None = None) -> None:
        self.log = KnockLog()
        self._gate, self._heard, self._allow, self._limits = gate, heard, tuple(allow), limits or Limits()
        self._loop = asyncio.get_running_loop()
        self._ready = selectors.DefaultSelector()
        self._loop.add_reader(self._ready.fileno(), self._turn)
        self._listening: list[socket.socket] = []
        self._open: dict[_Open, None] = {}
        self._by_peer: dict[str, dict[_Open, None]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._notifier: asyncio.TimerHandle | None = None
        self._notified = 0.0
        self._closed = False
        self._known = lru_cache(maxsize=2048)(self._is_known)

    def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Take callers of these listening, non-blocking sockets; they are ours to close from now on."""
        self._listening += sockets
        for sock in sockets:
            self._ready.register(sock, selectors.EVENT_READ, sock.getsockname()[1])
        if self._sweeper is None:
            self._sweep()

    def close(self) -> None:
        """Record and close everything, and hand on the last batch. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._ready.fileno())
        for one in list(self._open):
            self._finish(one)
        for listening in self._listening:
            listening.close()
        self._ready.close()
        for timer in (self._sweeper, self._notifier):
            if timer is not None:
                timer.cancel()
        if self.log.waiting:
            self._heard(self.log.take())

    @property
    def open(self) -> int:
        """Connections open now."""
        return len(self._open)

    def _is_known(self, peer: str) -> bool:
        address = ip_address(peer)
        return any(address.version == net.version and address in net for net in self._allow)

    def _turn(self) -> None:
        """Serve those who are ready, for a bounded time, and step back for some rounds; the rest come first in the next turn."""
        self._serve_ready()
        if not self._closed:
            self._loop.remove_reader(self._ready.fileno())
            self._step_back(self._limits.rounds)

    def _step_back(self, rounds: int) -> None:
        if self._closed:
            return
        if rounds:
            self._loop.call_soon(self._step_back, rounds - 1)
        else:
            self._loop.add_reader(self._ready.fileno(), self._turn)

    def _serve_ready(self) -> None:
        until = self._loop.time() + self._limits.turn_s
        for key, _ in self._ready.select(0):
            if isinstance(key.data, _Open):
                if key.data.watched:  # not closed by an earlier one of this turn
                    self._read(key.data)
            else:
                self._accept(cast("socket.socket", key.fileobj), key.data)
            if self._loop.time() >= until:
                return

    def _accept(self, listening: socket.socket, port: int) -> None:
        for _ in range(self._limits.accepts):
            try:
                sock, name = listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as problem:
                if problem.errno in _EXHAUSTED:
                    self._rest(listening, port)
                return
            self._take(sock, name[0].partition("%")[0], name[1], port)

    def _rest(self, listening: socket.socket, port: int) -> None:
        self._ready.unregister(listening)

        def resume() -> None:
            if not self._closed:
                self._ready.register(listening, selectors.EVENT_READ, port)

        self._loop.call_later(self._limits.rest_s, resume)

    def _take(self, sock: socket.socket, peer: str, peer_port: int, port: int) -> None:
        known = bool(self._allow) and self._known(peer)
        if self._allow and not known:
            sock.close()
            self._record(Knock(datetime.now(UTC), peer, peer_port, port, "nothing", refused="not-allowed"), known=False)
            return
        sock.setblocking(False)
        self._make_room(peer, known)
        one = _Open(sock, peer, peer_port, port=port, began=self._loop.time(), known=known)
        self._open[one] = None
        self._by_peer.setdefault(peer, {})[one] = None
        self._read(one)

    def _make_room(self, peer: str, known: bool) -> None:
        mine = self._by_peer.get(peer)
        if mine is not None and not known and len(mine) >= self._limits.per_peer:
            self._finish(next(iter(mine)), crowded=True)
        if len(self._open) >= self._limits.connections:
            self._finish(next(iter(self._open)), crowded=True)

    def _read(self, one: _Open) -> None:
        try:
            data = one.sock.recv(classify.LOOKED_AT)
        except (BlockingIOError, InterruptedError):
            self._watch(one)
            return
        except OSError:
            data = b""
        if not data:
            self._finish(one)
        elif one.ending is not None:
            one.drained += len(data)
            if one.drained > self._limits.drain:
                self._close(one)
        else:
            one.data += data
            spoken = classify.client(one.data)
            if spoken.settled or len(one.data) >= classify.LOOKED_AT:
                self._answer(one, spoken)
            else:
                self._watch(one)

    def _answer(self, one: _Open, spoken: classify.Spoken) -> None:
        said = reply(spoken, one.data, Caller(one.peer, one.port, one.known, one.greeted), self._gate)
        self._record(_knock(one, spoken, said.token), one.known)
        if said.send and self._send(one, said.send):
            self._end(one)
        else:
            self._close(one)

    def _end(self, one: _Open) -> None:
        """Say that we have said all, and wait a little for the caller to go."""
        one.ending = self._loop.time() + self._limits.linger_s
        try:
            one.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(one)
        else:
            self._watch(one)

    def _send(self, one: _Open, data: bytes) -> bool:
        """True where the system took all of it; these are under a hundred bytes, and the buffer is empty."""
        try:
            return one.sock.send(data) == len(data)
        except OSError:
            return False

    def _watch(self, one: _Open) -> None:
        if not one.watched:
            one.watched = True
            self._ready.register(one.sock, selectors.EVENT_READ, one)

    def _finish(self, one: _Open, crowded: bool = False) -> None:
        """Close; what was not answered yet is recorded with what it has said."""
        if one.ending is None:
            spoken = classify.client(one.data)
            token = Token.WRONG if spoken.speaks == "aetui" else Token.NONE
            self._record(_knock(one, spoken, token, crowded), one.known)
        self._close(one)

    def _close(self, one: _Open) -> None:
        if one.watched:
            one.watched = False
            self._ready.unregister(one.sock)
        one.sock.close()
        self._open.pop(one, None)
        mine = self._by_peer.get(one.peer)
        if mine is not None:
            mine.pop(one, None)
            if not mine:
                del self._by_peer[one.peer]

    def _sweep(self) -> None:
        now = self._loop.time()
        for one in list(self._open):
            self._look_at(one, now)
        self._sweeper = self._loop.call_later(self._limits.sweep_s, self._sweep)

    def _look_at(self, one: _Open, now: float) -> None:
        age, limits = now - one.began, self._limits
        if one.ending is not None:
            if now >= one.ending:
                self._close(one)
        elif age >= limits.whole_s or (not one.data and not one.greeted and age >= limits.silent_s):
            if one.greeted:
                self._send(one, telnet.farewell())
            self._finish(one)
        elif not one.data and not one.greeted and age >= limits.greet_s and greets(one.port):
            one.greeted = self._send(one, telnet.GREETING)

    def _record(self, knock: Knock, known: bool) -> None:
        self.log.add(knock, known)
        if self._notifier is None:
            wait = max(0.0, self._notified + self._limits.notify_s - self._loop.time())
            self._notifier = self._loop.call_later(wait, self._notify)

    def _notify(self) -> None:
        self._notifier, self._notified = None, self._loop.time()
        self._heard(self.log.take())


def _knock(one: _Open, spoken: classify.Spoken, token: Token, crowded: bool = False) -> Knock:
    kept = _MARK if spoken.speaks == "aetui" else _FIRST_BYTES
    refused = "crowded" if crowded else None
    return Knock(one.at, one.peer, one.peer_port, one.port, spoken.speaks, one.data[:kept], token, spoken.evidence, refused)
