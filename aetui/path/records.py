"""What a trace is: the probes that were sent, what was heard of each, and the path folded from them. No I/O, no judgement.

Times are milliseconds from the trace's first probe; TTLs count from 1, the first router. Addresses are text in canonical form. A
``Recording`` is all that was observed and is what analysis and tests work from; a ``Trace`` is what the command's JSON says (schema
``aetui.trace/1``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aetui.observations import Icmp, Outcome
from aetui.records import Diagnosed
from aetui.wire.icmp import Quoted


class Proto(StrEnum):
    """What the probes are."""

    TCP = "tcp"
    UDP = "udp"
    ICMP = "icmp"


class Method(StrEnum):
    """Which engine sent them."""

    SCAPY = "scapy"
    """The packet helper: raw packets."""
    SOCKET = "socket"
    """Plain sockets and their error queue: no privilege."""
    VANTAGE = "vantage"
    """Connects with a TTL over a vantage (the embedded site)."""
    REMOTE = "remote"
    """A jump host's own traceroute or tracepath, read."""


class ReplyKind(StrEnum):
    """What came back for one TTL; the words are the report's."""

    TIME_EXCEEDED = "time-exceeded"
    SYN_ACK = "syn-ack"
    RST = "rst"
    UNREACHABLE = "unreachable"
    """An ICMP error other than time exceeded; its code says which."""
    ANSWER = "answer"
    """The target itself: an echo reply, or a datagram."""
    SILENT = "silent"


FINAL = frozenset({ReplyKind.SYN_ACK, ReplyKind.RST, ReplyKind.UNREACHABLE, ReplyKind.ANSWER})
"""After one of these nothing lies beyond."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One reply to one probe."""

    kind: ReplyKind
    sender: str
    rtt_ms: float
    icmp: Icmp | None = None
    reply_ttl: int | None = None
    """TTL with which the reply arrived here: how far it travelled back."""
    quoted: Quoted | None = None
    """Our packet as the sender saw it; None where the engine cannot know."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One probe sent, and its reply where one came."""

    ttl: int
    sent_ms: float
    heard: Heard | None = None
    round: int = 0
    flow: int = 0
    """0 is the trace's own flow; others were varied on purpose (multipath, or the first sweep of the socket engine)."""


@dataclass(frozen=True, slots=True)
class Flow:
    """The fields that load balancers hash, kept constant through a trace, and the size of each probe."""

    address: str
    port: int | None
    proto: Proto
    source_port: int = 0
    """0: one is chosen. For ICMP it is the echo identifier."""
    size: int = 0
    """Bytes of IP packet, header included, of UDP and ICMP probes, with don't-fragment set; 0 for the least that will do."""

    @property
    def version(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.address else 4


@dataclass(frozen=True, slots=True)
class Problem:
    """Why probes could not be sent as asked: a code of assets/path.toml's ``[problem]`` table and the values for its sentence."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything that one trace observed."""

    target: str
    flow: Flow
    method: Method
    shots: tuple[Shot, ...] = ()
    own: str | None = None
    """This machine's address on the way there."""
    last: int = 30
    """The highest TTL that would have been tried."""
    problem: Problem | None = None
    complete_ms: float | None = None
    """When the first complete path stood: every hop answered, or given up."""


@dataclass(frozen=True, slots=True)
class Rtt:
    """Round trips of one hop, milliseconds. Jitter is the mean difference between neighbours (RFC 3550's idea, without its smoothing)."""

    min: float
    median: float
    max: float
    last: float
    jitter: float


@dataclass(frozen=True, slots=True)
class Hop:
    """One TTL of a path."""

    ttl: int
    address: str | None
    reply: ReplyKind
    icmp: Icmp | None = None
    sent: int = 0
    received: int = 0
    rtt: Rtt | None = None
    samples: tuple[float | None, ...] = ()
    """The latest round trips in order, None for a lost one: what a sparkline draws."""
    others: tuple[str, ...] = ()
    """Further addresses that answered at this TTL, over other flows or at other times."""
    reply_ttl: int | None = None
    quoted: Quoted | None = None
    name: str | None = None
    lost: float = 0.0
    """Share of the packets that are really lost on the way here, 0 to 1, where they are: not what it leaves unanswered by itself."""
    notes: tuple[str, ...] = ()
    """Codes of assets/path.toml's ``[note]`` table."""


@dataclass(frozen=True, slots=True)
class Mtu:
    """What size gets through."""

    path: int
    """The largest IP packet known to pass, bytes."""
    steps: tuple[tuple[str, int], ...] = ()
    """Routers that said 'too big', in order, with the size that they allow."""
    black_hole_after: int | None = None
    """TTL of the last hop that full-size packets reach, where they then vanish without a word."""
    by_segment: int | None = None
    """The largest packet with which an exchange over the traced port itself ends, where larger ones stall."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The trace to a TCP port that works, which the failing one is held against."""

    port: int | None
    outcome: Outcome
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """A path with its reading."""

    target: str
    address: str
    port: int | None
    proto: Proto
    method: Method
    reached: bool
    outcome: Outcome
    """OPEN, REFUSED, REJECTED, FILTERED or UNREACHABLE."""
    hops: tuple[Hop, ...]
    rejected_by: str | None = None
    dies_after: int | None = None
    suspects: tuple[str, ...] = ()
    compared_with: Compared | None = None
    working: tuple[Hop, ...] = ()
    """Hops of the trace that it is compared with."""
    verdict: str = ""
    """The sentence on top."""
    diagnosis: tuple[Diagnosed, ...] = ()
    notes: tuple[str, ...] = ()
    """What is odd about the whole path, by code."""
    nat: int = 0
    """Translations of address or port seen on the way."""
    mtu: Mtu | None = None
    problem: Problem | None = None
    complete_ms: float | None = None
    remark: Problem | None = None
    """What was tried first and could not be had: the better engine, as a rule."""
