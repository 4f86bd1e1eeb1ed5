"""Rules about pages: login pages, block pages, proxies, and servers in trouble. Pure.

A foreign page is told by evidence from several hosts, or by a sign that is deterministic alone. Sources: RFC 6585 (511), RFC 9110 (407, Via).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from aetui.diagnosis.pages import asks_login, leads_away, login_page, product_page, says_blocked
from aetui.diagnosis.tls import untrusted
from aetui.diagnosis.transport import BEHIND_GATEWAY, web_works
from aetui.diagnosis.view import Row, View, named
from aetui.observations import HttpSeen, Outcome
from aetui.records import Confidence, Finding, Said, Status

SAME_BODY_BYTES = 48
"""Shorter bodies are alike by accident."""


def captive_portal(view: View) -> Iterator[Finding]:
    """A login page answers for hosts that are not its own."""
    alone = [(row, seen) for row, seen in view.http if row.id not in view.explained and login_page(row.host, seen)]
    alike = _alike(view)
    pages = {row.id: (row, seen) for row, seen in (*alone, *alike)}
    if not pages:
        return
    hosts = {row.host for row, _ in pages.values()}
    proved = any(row.reading.status is Status.PASS for row, _ in view.tls)
    other = [
        row.id
        for row in view.failing("tls", "tcp", "ntp", "ftp", "ssh")
        if not proved or (row.host in hosts and row.check.kind in {"tls", "tcp"})
    ]
    other += [row.id for row, _ in view.http if row.check.needs in other and row.id not in pages and row.id not in view.explained]
    first, seen = next(iter(pages.values()))
    said = [*(_page_said(row, s) for row, s in list(pages.values())[:3]), *_too_near(view, (row for row, _ in pages.values()))]
    product = product_page(seen)
    where = leads_away(first.host, seen) or product or "a login page"
    hijack = [i for r in view.state.vantage.resolvers for c, s in view.canaries(r) if s.addresses for i in (c.id,)]
    names = [row.id for row, dns in view.names if hijack and row.id not in view.explained and set(dns.addresses) & _made_up(view)]
    rows = (*pages, *names, *other)
    yield Finding(
        "captive-portal",
        tuple(dict.fromkeys((*rows, *view.below(rows), *hijack))),
        follows=(*names, *other, *hijack),
        evidence=tuple(said),
        confidence=Confidence.CERTAIN if alone else Confidence.LIKELY,
        facts={"where": where, "count": str(len(hosts))},
    )


def _made_up(view: View) -> set[str]:
    return {a for r in view.state.vantage.resolvers for _, seen in view.canaries(r) for a in seen.addresses}


def _alike(view: View) -> list[tuple[Row, HttpSeen]]:
    """Plain answers of several unrelated servers that are one and the same foreign page: same way out, or same login form."""
    groups: dict[str, list[tuple[Row, HttpSeen]]] = defaultdict(list)
    for row, seen in view.http:
        if row.id in view.explained or row.check.needs is None or row.check.needs.startswith("tls:"):
            continue
        away = leads_away(row.host, seen)
        if away is not None:
            if not _confirmed(view, row, away):
                groups[f"away {away}"].append((row, seen))
        elif seen.status is not None and seen.status < 400 and len(seen.body) >= SAME_BODY_BYTES and asks_login(seen):
            groups[f"body {seen.status} {seen.title}"].append((row, seen))
    return [pair for pairs in groups.values() if _unrelated(view, pairs) and not _own(view, pairs) for pair in pairs]


def _confirmed(view: View, row: Row, away: str) -> bool:
    """True where the same host sends its visitors to the same place over a connection that its certificate vouches for."""
    return any(
        other.host == row.host
        and leads_away(other.host, seen) == away
        and (other.check.needs or "").startswith("tls:")
        and view.holds(other.check.needs)
        for other, seen in view.http
    )


def _unrelated(view: View, pairs: list[tuple[Row, HttpSeen]]) -> bool:
    """Different servers, by their documented addresses; a hijacked name's own address says nothing."""
    places = set()
    for row, _ in pairs:
        check = view.state.checks.get(f"dns:{row.host}")
        places.add((check.about.get("documented") if check else None) or row.host)
    return len(places) > 1 or (len(pairs) == 1 and asks_login(pairs[0][1]))


def _own(view: View, pairs: list[tuple[Row, HttpSeen]]) -> bool:
    """True where every one of these hosts proves itself over TLS and serves the like there: then it is the servers' own page."""
    proved = [row for row, _ in pairs if view.holds(f"tls:{row.host}:443")]
    if len(proved) < len(pairs):
        return False
    secure = {row.host: seen for row, seen in view.http if row.check.needs == f"tls:{row.host}:443"}
    return all(_same_page(secure.get(row.host), seen) for row, seen in pairs)


def _same_page(one: HttpSeen | None, other: HttpSeen) -> bool:
    """True for two answers with one body, or, as forms hold a secret of each visit, one title."""
    return one is not None and (
        one.body == other.body or (one.title is not None and one.title == other.title and one.status == other.status)
    )


def _page_said(row: Row, seen: HttpSeen) -> Said:
    facts = {
        "host": row.host,
        "port": str(row.check.port),
        "status": str(seen.status),
        "to": seen.location or "",
        "title": seen.title or "no title",
    }
    return Said("redirected" if seen.location else "page", facts)


def blocked_pages(view: View) -> Iterator[Finding]:
    """A filter's block page, the product named where it can be."""
    rows = [
        (row, seen, product_page(seen)) for row, seen in view.http if row.id not in view.explained and row.reading.cause == "http-blocked"
    ]
    plain = [(row, seen, None) for row, seen in view.http if row.id not in view.explained and _blocked_words(view, row, seen)]
    found = {row.id: (row, seen, product) for row, seen, product in (*plain, *rows)}
    if not found:
        return
    product = next((p for _, _, p in found.values() if p), None)
    said = [
        _page_said(row, seen) if seen.status is not None else Said("reset-after-request", {"host": row.host})
        for row, seen, _ in list(found.values())[:3]
    ]
    said += _too_near(view, (row for row, _, _ in found.values()))
    only_resets = all(seen.status is None for _, seen, _ in found.values())
    hosts = {row.host for row, seen, _ in found.values() if seen.status is not None}
    foreign = [row.id for row, seen in view.tls if row.host in hosts and row.id not in view.explained and untrusted(row, seen)]
    yield Finding(
        "http-blocked",
        (*found, *foreign),
        evidence=tuple(said),
        facts={"product": product or "a filter", "hosts": named(r for r, _, _ in found.values())},
        confidence=Confidence.CERTAIN if product else Confidence.POSSIBLE if only_resets else Confidence.LIKELY,
    )


def _too_near(view: View, rows: Iterator[Row]) -> list[Said]:
    """Where a host's port already opens with a TTL that ends at the gateway, something on the way answers for it."""
    for row in rows:
        series = view.series("ttl", row.host, row.check.port)
        opens = [t.tcp.ttl for t in series.trials if t.tcp.outcome is Outcome.OPEN and t.tcp.ttl] if series else []
        if opens and min(opens) < BEHIND_GATEWAY:
            return [Said("answers-too-near", {"host": row.host, "port": str(row.check.port), "hops": str(min(opens))})]
    return []


def _blocked_words(view: View, row: Row, seen: HttpSeen) -> bool:
    """The words of a block page, on a connection that no certificate vouches for."""
    vouched = row.check.needs is not None and row.check.needs.startswith("tls:") and view.holds(row.check.needs)
    return not vouched and seen.status is not None and says_blocked(seen)


def proxy_required(view: View) -> Iterator[Finding]:
    """407; or direct traffic fails while a configured proxy lets the same host through."""
    asked = [(row, seen) for row, seen in view.http if row.id not in view.explained and seen.status == 407]
    if asked:
        said = (*(_page_said(row, seen) for row, seen in asked[:2]), *_too_near(view, (row for row, _ in asked)))
        yield Finding("proxy-required", tuple(row.id for row, _ in asked), evidence=said, facts={"proxy": "a proxy in the way"})
    through = [
        r
        for r in view.state.results.values()
        if r.check.kind == "proxy" and isinstance(s := r.observation, HttpSeen) and s.status in {200, 407}
    ]
    rows = view.failing("tcp", "tls")
    if through and rows and not web_works(view):
        result = through[0]
        seen = result.observation
        assert isinstance(seen, HttpSeen)
        said = (
            Said(
                "proxy-answers",
                {"proxy": result.check.about.get("proxy", "?"), "host": result.check.host or "?", "status": str(seen.status)},
            ),
        )
        everything = view.failing() if not view.outside_answers else [row for row in rows if row.check.port in {80, 443}]
        waiting = view.below(row.id for row in everything)
        yield Finding("proxy-required", waiting, evidence=said, facts={"proxy": result.check.about.get("proxy", "?")})


def server_errors(view: View) -> Iterator[Finding]:
    """The true server answers 5xx."""
    rows = [(row, seen) for row, seen in view.http if row.id not in view.explained and row.reading.cause == "http-error"]
    for host in dict.fromkeys(row.host for row, _ in rows):
        mine = [(row, seen) for row, seen in rows if row.host == host]
        facts = {"host": host, "status": " and ".join(dict.fromkeys(str(seen.status) for _, seen in mine))}
        yield Finding(
            "http-error", tuple(row.id for row, _ in mine), evidence=tuple(_page_said(row, seen) for row, seen in mine), facts=facts
        )


ROOTS = (captive_portal,)
PROXY = (proxy_required,)
BLOCKED = (blocked_pages,)
RULES = (server_errors,)
