"""Rules about packets: what refuses, rejects or swallows them, and how far they get. Pure.

Rows that fail alike are one finding where one thing explains them: a port that fails for every host, an address that fails on every port, or one
host. Sources: RFC 792 and RFC 1812 section 5.2.7 (ICMP), RFC 9293 section 3.5.2 (reset), RFC 2923 (path MTU black holes).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from aetui.diagnosis.differential import works_elsewhere
from aetui.diagnosis.view import Row, View
from aetui.observations import Icmp, NtpSeen, Outcome, SeriesSeen, TcpSeen
from aetui.records import Confidence, Finding, Owner, Said

ELSEWHERE = "elsewhere"


BEHIND_GATEWAY = 2
"""TTL with which a packet gets past the site's router and no further."""

MOST_HOSTS_NAMED = 4

EVERYWHERE = "every TCP port to every host"

ICMP_WORDS = {
    (3, 0): "network unreachable",
    (3, 1): "host unreachable",
    (3, 2): "protocol unreachable",
    (3, 3): "port unreachable",
    (3, 9): "network administratively prohibited",
    (3, 10): "host administratively prohibited",
    (3, 13): "communication administratively prohibited",
    (11, 0): "time exceeded on the way",
}


def packet_outcome(row: Row) -> tuple[Outcome | None, Icmp | None]:
    """How a row's packets fared, for the kinds that send any themselves."""
    seen = row.result.observation
    return (seen.outcome, seen.icmp) if isinstance(seen, TcpSeen | NtpSeen) else (None, None)


def no_internet(view: View) -> Iterator[Finding]:
    """The gateway answers and nothing beyond it does, on any port."""
    link, beyond = view.link, view.beyond
    if beyond is None or not beyond.trials or view.outside_answers or not view.settled(("tcp", "ntp", "dns")):
        return
    if link is not None and link.gateway_answers is False and not view.gateway_heard:
        return
    if any(_prohibited(t.tcp.icmp) for t in beyond.trials) or any(t.tcp.outcome is Outcome.DENIED for t in beyond.trials):
        return
    rows = [row.id for row in view.failing()]
    if not rows:
        return
    waiting = view.below(rows)
    gateway = (link.gateway if link else view.state.vantage.gateway) or "of this network"
    targets = ", ".join(f"{t.tcp.address}:{t.tcp.port}" for t in beyond.trials)
    said = [Said("nothing-beyond", {"targets": targets})]
    if view.gateway_heard:
        said.insert(0, Said("gateway-answers", {"gateway": gateway}))
    icmp = next((t.tcp.icmp for t in beyond.trials if t.tcp.icmp is not None), None)
    if icmp is not None:
        said.append(icmp_said(icmp))
    yield Finding(
        "no-internet",
        ("beyond", *waiting),
        follows=waiting,
        evidence=tuple(said),
        facts={"gateway": gateway, "count": str(len(waiting))},
        confidence=Confidence.CERTAIN if view.gateway_heard else Confidence.LIKELY,
        owner=Owner.ISP if icmp is not None and icmp.sender != gateway else None,
    )


def _prohibited(icmp: Icmp | None) -> bool:
    return icmp is not None and (icmp.type, icmp.code) in {(3, 2), (3, 3), (3, 9), (3, 10), (3, 13)}


def icmp_said(icmp: Icmp) -> Said:
    """The sentence for one ICMP error."""
    words = ICMP_WORDS.get((icmp.type, icmp.code), f"ICMP type {icmp.type} code {icmp.code}")
    return Said("icmp", {"type": str(icmp.type), "code": str(icmp.code), "sender": icmp.sender, "words": words})


# ------------------------------------------------------------------------------------------------------------- alike rows
def _scope(rows: Iterable[Row], everyone: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Rows that fail alike, parted by what one thing would explain: a port for all hosts, then an address, then a host."""
    left = {row.id: row for row in rows}
    for network in {row.check.about["network"] for row in left.values() if "/" in row.check.about.get("network", "")}:
        mine = [row for row in left.values() if row.check.about.get("network") == network]
        ports = " and ".join(f"TCP {port}" for port in sorted({row.check.port or 0 for row in mine}))
        yield f"{ports} to every address of {network}", mine
        for row in mine:
            del left[row.id]
    for port in sorted({row.check.port or 0 for row in left.values()}):
        mine = [row for row in left.values() if row.check.port == port]
        others = [row for row in everyone if row.check.port == port]
        if len(mine) == len(others) and len({row.host for row in mine}) > 1:
            yield f"{'UDP' if mine[0].check.transport == 'udp' else 'TCP'} {port} to every host", mine
            for row in mine:
                del left[row.id]
    by_address: dict[str, list[Row]] = defaultdict(list)
    for row in left.values():
        by_address[row.address or row.host].append(row)
    for address, mine in by_address.items():
        yield _what(address, mine), mine


def _what(address: str, rows: list[Row]) -> str:
    names = list(dict.fromkeys(row.host for row in rows))
    ports = " and ".join(f"{'UDP' if row.check.transport == 'udp' else 'TCP'} {row.check.port}" for row in _first_by_port(rows))
    if len(names) == 1:
        return f"{ports} to {names[0]}"
    named = ", ".join(names[:MOST_HOSTS_NAMED]) + (" and more" if len(names) > MOST_HOSTS_NAMED else "")
    return f"{ports} to {address} ({named})"


def _first_by_port(rows: list[Row]) -> list[Row]:
    return list({row.check.port: row for row in reversed(rows)}.values())[::-1]


def _one_for_all(rows: list[Row], everyone: list[Row]) -> bool:
    """True where these are all the TCP rows there are, over several hosts and ports."""
    tcp = [row for row in everyone if row.check.kind == "tcp"]
    same = {row.id for row in tcp} <= {row.id for row in rows}
    return same and len({row.host for row in tcp}) > 1 and len({row.check.port for row in tcp}) > 1


def _groups(view: View, cause: str, apart: Callable[[Row], str] = lambda _row: "") -> Iterator[tuple[str, list[Row]]]:
    """The unexplained rows of one cause: parted by ``apart`` (who said no), then by scope."""
    everyone = view.rows("tcp", "ntp")
    kinds: dict[str, list[Row]] = defaultdict(list)
    for row in view.failing("tcp", "ntp", cause=cause):
        kinds[apart(row)].append(row)
    for rows in kinds.values():
        if _one_for_all(rows, everyone):
            yield EVERYWHERE if all(row.check.kind == "tcp" for row in rows) else f"{EVERYWHERE}, and UDP 123", rows
        else:
            yield from _scope(rows, everyone)


def _seen_said(rows: list[Row]) -> Iterator[Said]:
    for row in rows[:3]:
        waited = f"{row.result.elapsed_ms / 1000:.1f}"
        facts = {
            "host": row.host,
            "port": str(row.check.port),
            "address": row.address,
            "seconds": waited,
            "attempts": str(row.result.attempts),
        }
        outcome, icmp = packet_outcome(row)
        yield Said(f"seen-{outcome.value if outcome else 'failed'}", facts)
        if icmp is not None:
            yield icmp_said(icmp)


def _works(view: View, rows: list[Row]) -> list[Said]:
    """What does get through beside it: the sign that this is about a port or a host, not the line."""
    hosts, ports = {row.host for row in rows}, {row.check.port for row in rows}
    passing = view.passing("tcp", "ntp")
    beside = next((r for r in passing if r.host in hosts and r.check.port not in ports), None) or next(
        (r for r in passing if r.check.port in ports), None
    )
    return [Said("works-beside", {"host": beside.host, "port": str(beside.check.port)})] if beside else []


def _sender(row: Row) -> str:
    icmp = packet_outcome(row)[1]
    return icmp.sender if icmp is not None else ""


def rejected(view: View) -> Iterator[Finding]:
    """An ICMP prohibition, its sender named; or a reset that came from nearer than the server."""
    for what, rows in _groups(view, "rejected", _sender):
        sender = _sender(rows[0])
        link = view.link
        owner = Owner.SITE_IT if link is not None and sender == link.gateway else None
        icmp = packet_outcome(rows[0])[1]
        words = ICMP_WORDS.get((icmp.type, icmp.code), "prohibited") if icmp else "prohibited"
        yield Finding(
            "rejected",
            view.below(r.id for r in rows),
            evidence=(*_seen_said(rows), *_works(view, rows)),
            facts={"what": what, "sender": sender or "a device on the way", "words": words},
            owner=owner,
        )


def refused(view: View) -> Iterator[Finding]:
    """A reset. Where its distance shows that it came from nearer than the server it was somebody else's; else it is taken for the server's own."""
    for what, rows in _groups(view, "refused", lambda row: _reset_origin(view, row)):
        origin = _reset_origin(view, rows[0])
        below, said = view.below(r.id for r in rows), (*_seen_said(rows), *_works(view, rows))
        if not origin and what == EVERYWHERE:
            facts = {"what": what, "sender": "a device on the way", "words": "resets in the name of every server"}
            yield Finding("rejected", below, evidence=said, confidence=Confidence.LIKELY, facts=facts)
            continue
        if not origin:
            yield Finding("refused", below, evidence=said, confidence=Confidence.LIKELY, facts={"what": what})
            continue
        if origin == ELSEWHERE:
            facts = {"what": what, "sender": "a device on this side", "words": "a reset that the server did not send"}
            yield Finding("rejected", below, evidence=said, facts=facts)
            continue
        confidence, hops, distance, beside = origin.split()
        near = Said("reset-too-near", {"host": rows[0].host, "hops": hops, "distance": distance, "beside": beside})
        facts = {"what": what, "sender": "a device on the way", "words": "a forged reset"}
        yield Finding("rejected", below, evidence=(near, *said), facts=facts, confidence=Confidence(confidence))


def _reset_origin(view: View, row: Row) -> str:
    """Empty where nothing speaks against the server; ``elsewhere`` where it takes connections from another vantage; else four words.

    They are: how sure, the reset's TTL, the TTL of what it was compared with, and that host. Another port of the same host is proof. Where it
    has none that works, a reset from right behind the gateway, while servers elsewhere are further away, is taken for the gateway's.
    """
    ports = [r.check.port for r in view.rows("tcp") if r.host == row.host]
    if works_elsewhere(view, row):
        return ELSEWHERE
    reset = next(filter(None, (_nearest(view.series("ttl", row.host, port), Outcome.REFUSED) for port in ports)), None)
    if reset is None:
        return ""
    opens = {r.host: ttl for r in view.passing("tcp") if (ttl := _nearest(view.series("ttl", r.host, r.check.port), Outcome.OPEN))}
    if row.host in opens:
        return f"certain {reset} {opens[row.host]} {row.host}" if reset < opens[row.host] else ""
    other = min(opens, key=lambda host: opens[host], default=None)
    near = other is not None and reset <= BEHIND_GATEWAY < opens[other]
    return f"likely {reset} {opens[other]} {other}" if other is not None and near else ""


def _nearest(series: SeriesSeen | None, outcome: Outcome) -> int | None:
    """The smallest TTL at which an outcome was met."""
    found = [t.tcp.ttl for t in series.trials if t.tcp.outcome is outcome and t.tcp.ttl] if series else []
    return min(found, default=None)


def unreachable(view: View) -> Iterator[Finding]:
    """ICMP from a router: it has no way there."""
    for what, rows in _groups(view, "unreachable", _sender):
        yield Finding(
            "unreachable",
            view.below(r.id for r in rows),
            evidence=(*_seen_said(rows), *_works(view, rows)),
            facts={"what": what, "sender": _sender(rows[0]) or "a router on the way"},
        )


def filtered(view: View) -> Iterator[Finding]:
    """Silence, in every attempt; and not for mere loss."""
    for what, rows in _groups(view, "filtered"):
        yield Finding("filtered", view.below(r.id for r in rows), evidence=(*_seen_said(rows), *_works(view, rows)), facts={"what": what})


def local_routes(view: View) -> Iterator[Finding]:
    """This machine has no way there, or its next hop does not answer. Where other things get out, that is about these places alone."""
    gateway = (view.link.gateway if view.link else view.state.vantage.gateway) or "of this network"
    for cause in ("no-gateway", "gateway-unreachable"):
        if view.outside_answers or (cause == "no-gateway" and view.link is not None and view.link.gateway is not None):
            for what, rows in _groups(view, cause):
                facts = {"what": what, "sender": "this machine"}
                yield Finding(
                    "unreachable", view.below(r.id for r in rows), evidence=tuple(_seen_said(rows)), facts=facts, owner=Owner.TECHNICIAN
                )
        elif rows := view.failing("tcp", "ntp", cause=cause):
            yield Finding(cause, view.below(r.id for r in rows), evidence=tuple(_seen_said(rows)), facts={"gateway": gateway})


def web_works(view: View) -> bool:
    """True where any direct connection to a web port opens."""
    return any(row.check.port in {80, 443} for row in view.passing("tcp"))


ROOTS = (no_internet,)
RULES = (local_routes, rejected, refused, unreachable, filtered)
