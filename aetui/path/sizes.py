"""What size of packet gets through, from recorded sweeps of one size each: pure. Says which size to try next, and what they come to.

A router that cannot pass a size says so, with the size that it takes: that is a step (RFC 1191, RFC 8201). Where small packets are
answered from further on and large ones from nowhere and nobody says so, they vanish: a black hole after the last hop that full-size
packets reach (RFC 2923); the largest size that does pass is then found by halving. Only hops that answer can be judged: where none does,
nothing is concluded.
"""

from __future__ import annotations

from aetui.path import fold
from aetui.path.records import Hop, Mtu, Recording, ReplyKind

FULL = 1500
"""The size to start with: Ethernet's."""
LEAST = {4: 576, 6: 1280}
"""What every network must carry (RFC 791's reassembly size, in practice; RFC 8200 section 5)."""
MOST_STEPS = 8
"""Routers believed one after another before the path is taken for a liar."""
EXACT = 4
"""Bytes between a size that passes and one that does not at which halving stops."""
_TOO_BIG = frozenset({(3, 4), (2, 0)})


class Search:
    """Ask ``wanted`` for a size, sweep the path with it, give the recording to ``take``; ``found`` once nothing is wanted any more."""

    def __init__(self, version: int, full: int = FULL) -> None:
        self._least = LEAST[version]
        self._passes, self._fails = self._least, full
        self._small: int | None = None
        """The furthest TTL that answered packets of the least size."""
        self._reached = 0
        """The furthest TTL that answered packets of the largest size that no router has named too big."""
        self._steps: list[tuple[str, int]] = []
        self._halving = False
        self.wanted: int | None = self._least
        self.found: Mtu | None = None

    def take(self, recording: Recording) -> None:
        """What the sweep of the wanted size showed."""
        size, got = self.wanted or 0, furthest(recording)
        if self._small is None:
            self._small, self.wanted = got, self._fails if got is not None else None
        elif self._halving:
            self._halve(size, passed=got is not None and got >= self._small)
        elif (step := too_big(recording)) is not None and self._least <= step[1] < size and len(self._steps) < MOST_STEPS:
            self._steps.append(step)
            self.wanted = self._fails = step[1]
        elif got is not None and got >= self._small:
            self._end(Mtu(size, tuple(self._steps)))
        else:
            self._halving, self._reached = True, got or 0
            self._halve(size, passed=False)

    def _halve(self, size: int, *, passed: bool) -> None:
        self._passes, self._fails = (size, self._fails) if passed else (self._passes, size)
        if self._fails - self._passes > EXACT:
            self.wanted = (self._passes + self._fails) // 2
        else:
            self._end(Mtu(self._passes, tuple(self._steps), black_hole_after=self._reached))

    def _end(self, found: Mtu) -> None:
        self.found, self.wanted = found, None


def furthest(recording: Recording) -> int | None:
    """The highest TTL from which packets of this size were answered, or None for none."""
    arrived = [hop.ttl for hop in fold.hops(recording) if hop.reply is not ReplyKind.SILENT and not _is_too_big(hop)]
    return max(arrived, default=None)


def too_big(recording: Recording) -> tuple[str, int] | None:
    """The router that said 'too big', and the size that it takes."""
    heard = (shot.heard.icmp for shot in recording.shots if shot.heard and shot.heard.icmp)
    return next(((icmp.sender, icmp.mtu) for icmp in heard if (icmp.type, icmp.code) in _TOO_BIG and icmp.mtu), None)


def _is_too_big(hop: Hop) -> bool:
    return hop.icmp is not None and (hop.icmp.type, hop.icmp.code) in _TOO_BIG
