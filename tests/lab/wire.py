"""A long line, in user space: holds every frame back, loses some, and may look into them, between the site's router and its ISP.

Kernels without netem can do it too. The two ends are interfaces of the ``wire`` node, joined by a bridge until a ``Line`` takes over.
Delay is in milliseconds each way and holds within a few of them at some thousand frames a second; loss is a percentage of the frames of
one direction, drawn from a seeded generator. ARP and IPv6 neighbour discovery pass at once and are never lost: they belong to the link,
not to the distance. Bounded: a queue of ``MOST_FRAMES``, and an end after ``LIFETIME_S`` or with its parent. Ends of the cable must not
offload (``kernel.offloads_off``).
"""

from __future__ import annotations

import os
import random
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from heapq import heappop, heappush

from .network import Lab
from .nodes import LabError

MOST_FRAMES = 50_000
LIFETIME_S = 900.0
_ETH_ALL, _SOL_PACKET, _IGNORE_OUTGOING, _RCVBUFFORCE = 3, 263, 23, 33
_BATCH = 64
"""Frames taken from one end before the clock is looked at again."""


@dataclass(frozen=True, slots=True)
class Censor:
    """A firewall that reads what passes outward: TLS hellos (``hello``) or anything with one of ``words`` in it."""

    action: str
    """``drop``, or ``reset``: an RST in the server's name, and the frame is dropped."""
    hello: bool = False
    """Every TLS ClientHello."""
    words: tuple[bytes, ...] = ()
    """Bytes that give a packet away, such as a server name in a ClientHello."""

    def objects(self, payload: bytes) -> bool:
        """True where this TCP payload must not pass."""
        is_hello = payload[:1] == b"\x16" and payload[5:6] == b"\x01"
        return (self.hello and is_hello) or (bool(self.words) and any(word in payload for word in self.words))


@dataclass(frozen=True, slots=True)
class Line:
    """How the line behaves. Outward is from the site to the ISP."""

    outward_ms: float = 0.0
    inward_ms: float = 0.0
    outward_loss: float = 0.0
    inward_loss: float = 0.0
    jitter_ms: float = 0.0
    """Up to so much more, drawn evenly; frames may overtake each other."""
    seed: int = 1
    censor: Censor | None = None


def long(ms: float, loss: float = 0.0) -> Line:
    """The same delay and loss each way."""
    return Line(ms, ms, loss, loss)


@contextmanager
def laid(lab: Lab, line: Line) -> Iterator[None]:
    """Have the site's WAN be this line for a while. One at a time."""
    node = lab["wire"]
    if any(process.name == "line" for process in node.processes):
        raise LabError("the wire carries a line already; give one Line all that it should do")
    node.ip("link set w0 nomaster", "link set w1 nomaster")
    try:
        process = node.serve("line", lambda ready: _Relay(line, "w0", "w1").run(ready))
        try:
            yield
        finally:
            node.stop(process)
    finally:
        node.ip(*(f"link set {end} {how}" for end in ("w0", "w1") for how in ("master cord", "type bridge_slave state 3")))


class _Relay:
    """Frames come in at either end, wait in a heap for their time, and go out at the other."""

    def __init__(self, line: Line, near: str, far: str) -> None:
        self.line = line
        self.near, self.far = _packet_socket(near), _packet_socket(far)
        self.waiting: list[tuple[float, int, socket.socket, bytes]] = []
        self.random = random.Random(line.seed)
        """Drawn from once a frame that may be lost: the same frames in the same order fare the same."""
        self.number = 0
        self.ways = {
            self.near: (self.far, line.outward_ms / 1000, line.outward_loss / 100),
            self.far: (self.near, line.inward_ms / 1000, line.inward_loss / 100),
        }

    def run(self, ready: Callable[[], None]) -> None:
        """Relay until the lifetime is over."""
        with suppress(OSError):
            os.nice(-10)
        end = time.monotonic() + LIFETIME_S
        ready()
        while (now := time.monotonic()) < end:
            pause = max(0.0, self.waiting[0][0] - now) if self.waiting else 1.0
            for source in select.select([self.near, self.far], [], [], pause)[0]:
                self._take(source)
            self._give()

    def _take(self, source: socket.socket) -> None:
        target, delay, loss = self.ways[source]
        now, jitter = time.monotonic(), self.line.jitter_ms / 1000
        for _ in range(_BATCH):
            try:
                frame = source.recv(65536)
            except OSError:
                return
            if _of_the_link(frame):
                _send(target, frame)
                continue
            if loss and self.random.random() < loss:
                continue
            if source is self.near and self.line.censor is not None and self._censored(frame, self.line.censor, now):
                continue
            self._hold(now + delay + (self.random.random() * jitter if jitter else 0.0), target, frame)

    def _hold(self, due: float, target: socket.socket, frame: bytes) -> None:
        if len(self.waiting) < MOST_FRAMES:
            self.number += 1
            heappush(self.waiting, (due, self.number, target, frame))

    def _give(self) -> None:
        now = time.monotonic()
        while self.waiting and self.waiting[0][0] <= now:
            _, _, target, frame = heappop(self.waiting)
            _send(target, frame)

    def _censored(self, frame: bytes, censor: Censor, now: float) -> bool:
        payload = _tcp_payload(frame)
        if not payload or not censor.objects(payload):
            return False
        if censor.action == "reset":
            self._hold(now, self.near, _reset_for(frame, len(payload)))
        return True


def _packet_socket(interface: str) -> socket.socket:
    handle = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_ALL))
    handle.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
    for option in (socket.SO_RCVBUF, _RCVBUFFORCE):
        with suppress(OSError):
            handle.setsockopt(socket.SOL_SOCKET, option, 1 << 23)
    handle.bind((interface, 0))
    handle.setblocking(False)
    return handle


def _send(target: socket.socket, frame: bytes) -> None:
    with suppress(OSError):  # a full or absent link loses frames, as links do
        target.send(frame)


def _of_the_link(frame: bytes) -> bool:
    kind = frame[12:14]
    return kind == b"\x08\x06" or (kind == b"\x86\xdd" and frame[20:21] == b"\x3a" and 133 <= frame[54] <= 137)


def _tcp_payload(frame: bytes) -> bytes:
    """The TCP payload of an IPv4 frame, or nothing."""
    if frame[12:14] != b"\x08\x00" or frame[23:24] != b"\x06":
        return b""
    tcp = 14 + (frame[14] & 15) * 4
    length = struct.unpack_from("!H", frame, 16)[0]
    return frame[tcp + (frame[tcp + 12] >> 4) * 4 : 14 + length]


def _sum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def _reset_for(frame: bytes, length: int) -> bytes:
    """The RST that the server would send in answer to this frame (RFC 9293 section 3.5.2)."""
    tcp = 14 + (frame[14] & 15) * 4
    source, target = frame[26:30], frame[30:34]
    from_port, to_port, sequence, acknowledged = struct.unpack_from("!HHII", frame, tcp)
    head = struct.pack("!HHIIBBHHH", to_port, from_port, acknowledged, (sequence + length) & 0xFFFFFFFF, 5 << 4, 0x14, 0, 0, 0)
    check = _sum(target + source + struct.pack("!HH", 6, len(head)) + head)
    head = head[:16] + struct.pack("!H", check) + head[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0x4000, 64, 6, 0, target, source)
    ip = ip[:10] + struct.pack("!H", _sum(ip)) + ip[12:]
    return frame[6:12] + frame[:6] + b"\x08\x00" + ip + head
