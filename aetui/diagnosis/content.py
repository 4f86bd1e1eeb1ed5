"""Rules about what answers: certificates, pages, proxies, time and files. Pure.

A foreign page or certificate is told by evidence from several hosts, or by a sign that is deterministic alone. Sources: RFC 5280, RFC 6125 (names),
RFC 6066 (SNI), RFC 6585 (511), RFC 9110 (407, Via), RFC 5905 (kiss-of-death), RFC 959 and RFC 2428 (FTP).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from aetui.diagnosis.pages import asks_login, issuer_product, leads_away, login_page, product_page, says_blocked
from aetui.diagnosis.readings import carried
from aetui.diagnosis.transport import BEHIND_GATEWAY, web_works
from aetui.diagnosis.view import Row, View
from aetui.observations import Ended, FtpSeen, FtpTransfer, HttpSeen, NtpSeen, Outcome, TlsSeen
from aetui.records import Confidence, Finding, Owner, Said, Severity, Status

PASSIVE = frozenset({"pasv", "epsv"})
"""The ways of transfer in which the client opens the data connection, as it must behind NAT."""

SAME_BODY_BYTES = 48
"""Shorter bodies are alike by accident."""


# --------------------------------------------------------------------------------------------------------- captive portal
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
        and view.readings[other.check.needs or ""].status is Status.PASS
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
    proved = [
        row
        for row, _ in pairs
        if view.readings.get(f"tls:{row.host}:443") is not None and view.readings[f"tls:{row.host}:443"].status is Status.PASS
    ]
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


# ------------------------------------------------------------------------------------------------------------------- http
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
    foreign = [row.id for row, seen in view.tls if row.host in hosts and row.id not in view.explained and _untrusted(row, seen)]
    yield Finding(
        "http-blocked",
        (*found, *foreign),
        evidence=tuple(said),
        facts={"product": product or "a filter", "hosts": _hosts(r for r, _, _ in found.values())},
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
    vouched = row.check.needs is not None and row.check.needs.startswith("tls:") and view.readings[row.check.needs].status is Status.PASS
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


# -------------------------------------------------------------------------------------------------------------------- tls
def handshake_blocked(view: View) -> Iterator[Finding]:
    """TCP opens, and the handshake is reset or dropped after the client's hello."""
    rows = [(row, seen) for row, seen in view.tls if row.id not in view.explained and row.reading.cause == "tls-blocked"]
    if not rows:
        return
    by_name = {row.host: other for row, _ in rows if (other := view.seen(f"tls:{row.host}:{row.check.port}:sni", TlsSeen)) is not None}
    for named in (True, False):
        mine = [(row, seen) for row, seen in rows if _other_name_lives(by_name.get(row.host)) is named]
        if mine:
            said = [Said("hello-lost", {"host": r.host, "how": _how(s), "stage": s.stage}) for r, s in mine[:3]]
            said += [Said("other-name-lives", {"host": r.host, "other": by_name[r.host].server_name}) for r, _ in mine[:1] if named]
            likewise = _cut_requests(view, {row.host for row, _ in mine})
            said += [Said("request-lost", {"host": row.host, "port": str(row.check.port)}) for row in likewise[:1]]
            yield Finding(
                "tls-blocked",
                view.below(row.id for row in (*(row for row, _ in mine), *likewise)),
                evidence=tuple(said),
                facts={
                    "hosts": _hosts(row for row, _ in mine),
                    "how": _how(mine[0][1]),
                    "by": "by its name" if named else "whatever the name",
                },
                confidence=Confidence.CERTAIN if named else Confidence.LIKELY,
            )


def _cut_requests(view: View, hosts: set[str]) -> list[Row]:
    """Plain requests to the same hosts that met the same end: the filter reads those too."""
    return [
        row for row in view.failing("http") if row.host in hosts and isinstance(s := row.result.observation, HttpSeen) and s.status is None
    ]


def _other_name_lives(seen: TlsSeen | None) -> bool:
    return seen is not None and (seen.ended is Ended.DONE or seen.alert is not None or seen.received > 0)


def _how(seen: TlsSeen) -> str:
    return {Ended.RESET: "reset", Ended.CLOSED: "closed", Ended.SILENT: "met with silence"}.get(seen.ended, "broken off")


def intercepted(view: View) -> Iterator[Finding]:
    """A certificate of no public root: a known product's, one that this machine's own store trusts, or one issuer's for unrelated hosts."""
    rows = [(row, seen) for row, seen in view.tls if row.id not in view.explained and _untrusted(row, seen)]
    issuers: dict[str, list[tuple[Row, TlsSeen]]] = defaultdict(list)
    for row, seen in rows:
        issuers[seen.chain[0].issuer if seen.chain else ""].append((row, seen))
    for issuer, mine in issuers.items():
        product = issuer_product(" ".join([issuer, *(c.issuer for _, s in mine for c in s.chain)]))
        trusted_here = any(s.machine is not None and s.machine.trusted for _, s in mine)
        shared = len({_documented(view, row) for row, _ in mine}) > 1 and not all(s.chain and s.chain[0].self_signed for _, s in mine)
        if product or trusted_here or shared:
            said = [Said("issuer", {"host": row.host, "issuer": issuer}) for row, _ in mine[:3]]
            said += [Said("machine-trusts")] if trusted_here else []
            said += [Said("same-issuer", {"count": str(len(mine)), "issuer": issuer})] if shared else []
            yield Finding(
                "tls-intercepted",
                tuple(dict.fromkeys((*(row.id for row, _ in mine), *_served_by(view, mine)))),
                follows=tuple(_served_by(view, mine)),
                evidence=tuple(said),
                facts={"issuer": issuer, "product": product or "an inspecting device", "hosts": _hosts(row for row, _ in mine)},
                confidence=Confidence.CERTAIN if product or trusted_here else Confidence.LIKELY,
                owner=Owner.SITE_IT,
            )


def _untrusted(row: Row, seen: TlsSeen) -> bool:
    return (
        row.reading.cause in {"tls-untrusted", "tls-intercepted", "tls-expired"}
        and bool(seen.chain)
        and (row.reading.cause != "tls-expired" or issuer_product(seen.chain[0].issuer) is not None)
    )


def _served_by(view: View, mine: list[tuple[Row, TlsSeen]]) -> list[str]:
    """What came over a connection that is not the server's own: it says nothing of the server, whatever it was."""
    ids = {row.id for row, _ in mine}
    return [row.id for row in view.rows("http") if row.check.needs in ids and row.id not in view.explained]


def _documented(view: View, row: Row) -> str:
    check = view.state.checks.get(f"dns:{row.host}")
    return (check.about.get("documented") if check else None) or row.host


def certificates(view: View) -> Iterator[Finding]:
    """The certificate's own fault, the clock having been judged first."""
    causes: dict[tuple[str, str], list[tuple[Row, TlsSeen]]] = defaultdict(list)
    for row, seen in view.tls:
        cause = row.reading.cause
        if (
            row.id not in view.explained
            and row.reading.status is Status.FAIL
            and cause in {"tls-expired", "tls-name-mismatch", "tls-untrusted"}
        ):
            causes[cause, seen.chain[0].sha256 if seen.chain else row.host].append((row, seen))
    for (cause, _), mine in causes.items():
        said = [_certificate_said(cause, row, seen) for row, seen in mine[:3]]
        facts = {"hosts": _hosts(row for row, _ in mine), "issuer": mine[0][1].chain[0].issuer if mine[0][1].chain else "?"}
        yield Finding(cause, tuple(row.id for row, _ in mine), evidence=tuple(said), facts=facts)


def _certificate_said(cause: str, row: Row, seen: TlsSeen) -> Said:
    leaf = seen.chain[0] if seen.chain else None
    if leaf is None:
        return Said("no-certificate", {"host": row.host})
    facts = {
        "host": row.host,
        "issuer": leaf.issuer,
        "from": f"{leaf.not_before:%Y-%m-%d}",
        "until": f"{leaf.not_after:%Y-%m-%d}",
        "names": ", ".join(leaf.names[:3]) or "none",
        "why": seen.logger.message if seen.logger else "",
    }
    return Said(f"certificate-{cause.removeprefix('tls-')}", facts)


# ------------------------------------------------------------------------------------------------------- time, files, else
def time_service(view: View) -> Iterator[Finding]:
    """UDP 123 is silent, or what answers is no answer to be used."""
    silent = view.failing("ntp", cause="ntp-no-reply")
    if silent:
        said = tuple(
            Said("ntp-silent", {"host": row.host, "address": row.address, "attempts": str(row.result.attempts)}) for row in silent[:3]
        )
        yield Finding("ntp-no-reply", tuple(row.id for row in silent), evidence=said, facts={"hosts": _hosts(silent)})
    bad: dict[str, list[Row]] = defaultdict(list)
    for row, seen in view.ntp:
        if row.id not in view.explained and row.reading.cause == "ntp-bad-answer":
            bad[_bad_time(seen)].append(row)
    for what, rows in bad.items():
        said = tuple(Said("ntp-bad", {"host": row.host, "what": what}) for row in rows)
        yield Finding("ntp-bad-answer", tuple(row.id for row in rows), evidence=said, facts={"host": _hosts(rows), "what": what})


def _bad_time(seen: NtpSeen) -> str:
    if seen.kiss:
        return f"kiss-of-death {seen.kiss}"
    if not seen.origin_echoed:
        return "an answer that is not to our question"
    return "a server without time of its own" if seen.leap == 3 or seen.stratum in {0, 16} else "an unusable answer"


def files(view: View) -> Iterator[Finding]:
    """The control connection works; the data connection does not. A way that works beside one that does not is a warning."""
    alike: dict[tuple[str, bool], list[tuple[Row, list[FtpTransfer]]]] = defaultdict(list)
    for row in view.rows("ftp"):
        tried = _ways_tried(view, row) if row.id not in view.explained else []
        dead = [t.mode.upper() for t in tried if not carried(t) or _cut_off(t)]
        alive = any(map(carried, tried))
        if any(t.mode in PASSIVE and _cut_off(t) for t in tried) or (tried and not alive):
            alike[", ".join(dead), alive].append((row, tried))
    for (modes, alive), mine in alike.items():
        yield Finding(
            "ftp-data-blocked",
            tuple(row.id for row, _ in mine),
            evidence=tuple(_way_said(way) for way in mine[0][1]),
            facts={"host": _hosts(row for row, _ in mine), "dead": modes},
            severity=Severity.WARN if alive else Severity.FAIL,
        )


def _ways_tried(view: View, row: Row) -> list[FtpTransfer]:
    """The transfers that say something: not those that a lossy line or the run's end may have cut, nor those of a login that was refused."""
    seen = row.result.observation
    if not isinstance(seen, FtpSeen) or (seen.login or "").startswith(("4", "5")):
        return []
    lossy = any(finding.cause == "lossy" for finding in view.findings)
    last = seen.transfers[-1] if row.result.cut and seen.transfers else None
    return [t for t in seen.transfers if not (t.ended is Ended.SILENT and (lossy or t is last))]


def _cut_off(way: FtpTransfer) -> bool:
    """True where the server offered a data connection and it came to nothing, or only at another address than it offered."""
    return way.port is not None and (not carried(way) or way.corrected is not None)


def _way_said(way: FtpTransfer) -> Said:
    how = "fails" if not carried(way) else "works only at another address than it names" if way.corrected else "works"
    return Said(
        "ftp-way",
        {"mode": way.mode.upper(), "how": how, "address": way.address or "?", "port": str(way.port or "?"), "reply": way.reply or ""},
    )


def mute_servers(view: View) -> Iterator[Finding]:
    """Every port of a host opens, and none of them then says a word, or each hangs up."""
    talks: dict[str, list[Row]] = defaultdict(list)
    for row in view.rows("tls", "http", "ftp", "ssh"):
        talks[row.host].append(row)
    for host, rows in talks.items():
        if any(_other_name_lives(view.seen(f"tls:{host}:{row.check.port}:sni", TlsSeen)) for row in rows):
            continue
        for ended, cause, key in ((Ended.SILENT, "filtered", "open-then-silent"), (Ended.CLOSED, "wrong-service", "hangs-up")):
            mute = [
                row
                for row in rows
                if row.id not in view.explained and getattr(row.result.observation, "ended", None) is ended and _no_word(row)
            ]
            if len(mute) == len(rows) > 1:
                said = tuple(Said(key, {"host": host, "port": str(row.check.port)}) for row in mute)
                what = f"what was said over the open ports of {host}"
                facts = {"what": what, "host": host, "port": " and ".join(str(row.check.port) for row in mute), "said": "nothing at all"}
                yield Finding(cause, view.below(row.id for row in mute), evidence=said, facts=facts, confidence=Confidence.LIKELY)


def _no_word(row: Row) -> bool:
    seen = row.result.observation
    return not getattr(seen, "received", 0) and not getattr(seen, "banner", None)


def wrong_services(view: View) -> Iterator[Finding]:
    """The port speaks another protocol than it should; or says nothing by itself, and answers to another protocol."""
    silent = [row for row in view.failing("ssh", "ftp", cause="filtered") if _answers_http(view, row)]
    alike: dict[tuple[int | None, str], list[Row]] = defaultdict(list)
    for row in (*view.failing(cause="wrong-service"), *silent):
        alike[row.check.port, _words(view, row)].append(row)
    for (port, words), rows in alike.items():
        facts = {"host": _hosts(rows), "port": str(port), "said": words}
        yield Finding("wrong-service", view.below(row.id for row in rows), evidence=(Said("wrong-words", facts),), facts=facts)


def _words(view: View, row: Row) -> str:
    """The first that a wrong service said."""
    other = _answers_http(view, row)
    if other is not None:
        return f"HTTP {other.status} {other.reason}"
    seen = row.result.observation
    first = getattr(seen, "banner", None) or getattr(seen, "first_bytes", b"").decode("utf-8", "replace")
    return str(first)[:60] or "nothing that it should"


def _answers_http(view: View, row: Row) -> HttpSeen | None:
    other = view.seen(f"http:{row.host}:{row.check.port}:else", HttpSeen)
    return other if other is not None and other.status is not None else None


def silent_services(view: View) -> Iterator[Finding]:
    """The port opens and then says nothing."""
    rows = view.failing("http", "ssh", "ftp", cause="filtered")
    if rows:
        said = tuple(Said("open-then-silent", {"host": row.host, "port": str(row.check.port)}) for row in rows[:3])
        what = f"what was said over the open port {', '.join(sorted({str(r.check.port) for r in rows}))} to {_hosts(rows)}"
        yield Finding("filtered", view.below(row.id for row in rows), evidence=said, confidence=Confidence.LIKELY, facts={"what": what})


def _hosts(rows: Iterator[Row] | list[Row]) -> str:
    found = list(dict.fromkeys(row.host for row in rows))
    return ", ".join(found[:4]) + (f" and {len(found) - 4} more" if len(found) > 4 else "")


ROOTS = (captive_portal,)
PROXY = (proxy_required,)
RULES = (
    mute_servers,
    handshake_blocked,
    blocked_pages,
    intercepted,
    certificates,
    server_errors,
    time_service,
    files,
    wrong_services,
    silent_services,
)
