"""Rules about the line itself: packets too large for it, delay and loss. Pure.

Sources: RFC 2923 (path MTU black holes), RFC 6298 (first packets sent again).
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from aetui.diagnosis.transport import packet_outcome
from aetui.diagnosis.view import Row, View
from aetui.observations import Ended, Outcome, SeriesSeen, TcpSeen
from aetui.records import Finding, Said, Severity

SLOW_MS = 600.0
"""Round trip above which a logger's own time-outs come near."""

LOSSY_SHARE = 0.05
"""Share of first packets lost above which a line is worse than a logger needs."""

FIRST_RESEND_MS = 900.0
"""A first packet is sent again after a second (RFC 6298 section 2): on a slower line that says nothing of loss."""

FULL_SIZE = 1460
"""Segment size of an exchange that sets none: a full Ethernet frame's."""

SEVERAL = 4


def mtu_blackhole(view: View) -> Iterator[Finding]:
    """A conversation stalls with full-size segments and lives with small ones."""
    holes = []
    for row in view.failing("tls", "http"):
        series = view.series("mss", row.host, row.check.port)
        if series is not None and _small_lives(series, is_lossy(view)):
            holes.append((row, series))
    if not holes:
        return
    mtu = next((s.path_mtu for _, s in holes if s.path_mtu), None)
    said = [
        Said("stalls-full-size", {"host": row.host, "port": str(row.check.port), "small": str(_largest(series))})
        for row, series in holes[:3]
    ]
    likewise = [row for row in view.failing("tls", "http") if _stalled(row)]
    rows = dict.fromkeys([*(row.id for row, _ in holes), *(row.id for row in likewise)])
    yield Finding(
        "mtu-blackhole",
        view.below(rows),
        evidence=tuple(said),
        facts={"mtu": str(mtu) if mtu else "less than 1500"},
    )


def _small_lives(series: SeriesSeen, doubtful: bool) -> bool:
    """Every exchange up to a size lives and every larger one stalls; on a line that loses packets, several of each."""
    lived = [t.tcp.mss or FULL_SIZE for t in series.trials if t.ended in {Ended.DONE, Ended.CLOSED}]
    stalled = [t.tcp.mss or FULL_SIZE for t in series.trials if t.ended is Ended.SILENT]
    if not lived or not stalled or max(lived) >= min(stalled):
        return False
    return not doubtful or min(len(lived), len(stalled)) >= SEVERAL


def _largest(series: SeriesSeen) -> int:
    return max(t.tcp.mss or 0 for t in series.trials if t.ended is Ended.DONE or t.ended is Ended.CLOSED)


def _stalled(row: Row) -> bool:
    seen = row.result.observation
    return getattr(seen, "ended", None) is Ended.SILENT


def round_trips(view: View) -> list[float]:
    """The kernel's round trips of every connect that opened, in milliseconds; of those alone that took one try, where there are any.

    A first packet that was lost and sent again makes its round trip look a second longer.
    """
    opened = [seen for _, seen in view.tcp if seen.outcome is Outcome.OPEN and seen.rtt_ms is not None]
    clean = [seen for seen in opened if not seen.resent]
    trips = [seen.rtt_ms for seen in clean or opened if seen.rtt_ms is not None]
    return [min(trips)] if trips and is_lossy(view) else trips


def slow(view: View) -> Iterator[Finding]:
    """It works, with round trips near a logger's own time-outs."""
    trips = round_trips(view)
    if trips and median(trips) >= SLOW_MS:
        figure = f"{median(trips):.0f}"
        yield Finding(
            "slow",
            tuple(row.id for row, s in view.tcp if s.outcome is Outcome.OPEN),
            severity=Severity.WARN,
            evidence=(Said("round-trip", {"median": figure, "worst": f"{max(trips):.0f}", "count": str(len(trips))}),),
            facts={"median": figure},
        )


def loss(view: View) -> tuple[int, int]:
    """First packets lost and sent, over every connect that opened and the series made for it."""
    trials: list[TcpSeen] = [seen for _, seen in view.tcp]
    for result in view.state.results.values():
        if isinstance(result.observation, SeriesSeen) and result.observation.purpose == "loss":
            trials += [t.tcp for t in result.observation.trials]
    opened = [t for t in trials if t.outcome is Outcome.OPEN and t.resent is not None]
    if min((t.rtt_ms for t in opened if t.rtt_ms is not None), default=0.0) >= FIRST_RESEND_MS:
        return 0, len(opened)
    lost = sum(t.resent or 0 for t in opened)
    return lost, lost + len(opened)


def is_lossy(view: View) -> bool:
    """True where first packets were lost more often than a logger should have to bear."""
    lost, sent = loss(view)
    return lost >= 3 and lost / sent >= LOSSY_SHARE


def lossy(view: View) -> Iterator[Finding]:
    """Packets are lost on the way; what stayed silent may have been lost too, and is not called filtered."""
    if not is_lossy(view):
        return
    lost, sent = loss(view)
    share = f"{100 * lost / sent:.0f}"
    doubtful = [row for row in view.failing("tcp", "ntp", "tls", "http", "dns", "ssh", "ftp") if _by_chance(row, lost / sent)]
    rows = view.below(row.id for row in doubtful)
    yield Finding(
        "lossy",
        rows,
        severity=Severity.WARN,
        evidence=(Said("lost", {"lost": str(lost), "sent": str(sent), "share": share}),),
        facts={"share": share},
    )


_PACKETS = {"tcp": 4, "ntp": 1, "dns": 1, "tls": 3, "http": 3, "ssh": 3, "ftp": 3}
"""Packets that one silent attempt of a kind sent at the least, the kernel's own repetitions included."""


TOO_UNLIKELY = 1e-4
"""Silence that loss alone would bring about less often than this is no accident."""


def _by_chance(row: Row, share: float) -> bool:
    silent = packet_outcome(row)[0] is Outcome.FILTERED or _stalled(row) or row.reading.cause in {"dns-unreachable", "ftp-data-blocked"}
    tried = max(1, row.result.attempts) * _PACKETS.get(row.check.kind, 1)
    return bool(silent and min(share * 1.5, 0.95) ** tried > TOO_UNLIKELY)


RULES = (mtu_blackhole, lossy)
LATE = (slow,)
