"""Rules about names: resolvers that are dead, failing or lying, and names that are missing. Pure.

A resolver is judged by all its answers, the names that cannot exist among them (RFC 2308 for what an absent name looks like). A name is judged
against resolvers outside the site where one could be asked; where none could, that is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from aetui.diagnosis.readings import is_sinkhole
from aetui.diagnosis.transport import icmp_said
from aetui.diagnosis.view import Row, View
from aetui.observations import DnsAnswer, DnsSeen, Outcome
from aetui.records import Confidence, Finding, Owner, Said, Severity

FAILING_CODES = frozenset({"SERVFAIL", "REFUSED", "FORMERR", "NOTIMP", "NOTAUTH"})


def _by_resolver(view: View) -> dict[str, list[DnsAnswer]]:
    sorted_answers: dict[str, list[DnsAnswer]] = defaultdict(list)
    for answer in view.answers:
        sorted_answers[answer.resolver].append(answer)
    return sorted_answers


def _usable(answers: list[DnsAnswer]) -> bool:
    return any(a.outcome is Outcome.OPEN and a.rcode in {"NOERROR", "NXDOMAIN"} for a in answers)


def _anchors(view: View, resolver: str) -> list[str]:
    return [check.id for check, _ in view.canaries(resolver)]


def resolver_dead(view: View) -> Iterator[Finding]:
    """Configured resolvers that give no answer at all; a warning where another one does the work."""
    everyone = _by_resolver(view)
    dead = [resolver for resolver, answers in everyone.items() if not any(a.outcome is Outcome.OPEN for a in answers)]
    if not dead or not view.settled(("dns",)):
        return
    others = [resolver for resolver, answers in everyone.items() if _usable(answers)]
    rows = [row.id for row in view.failing("dns", cause="dns-unreachable")] if not others else []
    if not others and not rows:
        return
    waiting = view.below(rows)
    said: list[Said] = []
    for resolver in dead:
        said.append(Said("resolver-silent", {"resolver": resolver, "asked": str(sum(max(1, a.asked) for a in everyone[resolver]))}))
        icmp = next((a.icmp for a in everyone[resolver] if a.icmp is not None), None)
        said += [icmp_said(icmp)] if icmp is not None else []
    if others:
        said.append(Said("other-resolver-works", {"resolver": ", ".join(others)}))
    yield Finding(
        "dns-unreachable",
        (*(i for resolver in dead for i in _anchors(view, resolver)), *waiting),
        follows=waiting,
        facts={"resolver": " and ".join(dead), "count": str(len(waiting)), "others": ", ".join(others)},
        evidence=tuple(said),
        severity=Severity.WARN if others else Severity.FAIL,
    )


def no_resolver(view: View) -> Iterator[Finding]:
    """No DNS server is set at all."""
    if view.state.vantage.resolvers or view.state.vantage.kind == "jump" or (view.link is not None and view.link.resolvers):
        return
    if "link" in view.explained or "resolvers" in view.state.vantage.missing:
        return
    rows = [row.id for row in view.rows("dns") if row.id not in view.explained and not _answers(row)]
    if rows:
        waiting = view.below(rows)
        facts = {"resolver": "(none is set)", "count": str(len(waiting)), "others": ""}
        yield Finding("dns-unreachable", ("link", *waiting), follows=waiting, evidence=(Said("no-resolver-set"),), facts=facts)


def udp_dropped(view: View) -> Iterator[Finding]:
    """A resolver that answers over TCP alone: loggers ask over UDP."""
    for resolver, answers in _by_resolver(view).items():
        answered = [a for a in answers if a.outcome is Outcome.OPEN]
        by_tcp = [a for a in answered if a.transport == "tcp" and not a.truncated and a.asked > 1]
        if not answered or len(by_tcp) < len(answered) or not view.settled(("dns",)):
            continue
        rows = [row.id for row in view.rows("dns") if row.id not in view.explained and {a.resolver for a in _answers(row)} == {resolver}]
        if rows:
            said = (Said("udp-silent", {"resolver": resolver, "asked": str(len(by_tcp))}),)
            yield Finding("filtered", tuple(rows), evidence=said, facts={"what": f"UDP 53 to the DNS server {resolver}"})


def resolver_failing(view: View) -> Iterator[Finding]:
    """It answers, and only with errors, for names that must exist."""
    rows = [row for row in view.failing("dns") if row.reading.cause == "dns-failing"]
    if not rows:
        return
    codes = sorted({a.rcode for row in rows for a in _answers(row) if a.rcode in FAILING_CODES and a.rcode})
    resolver = next((a.resolver for row in rows for a in _answers(row)), "?")
    everything = not view.passing("dns")
    waiting = view.below(row.id for row in rows)
    anchors = tuple(_anchors(view, resolver)) if everything else ()
    said = Said("resolver-errors", {"resolver": resolver, "codes": ", ".join(codes), "names": _list(row.host for row in rows)})
    yield Finding(
        "dns-failing",
        (*anchors, *waiting),
        follows=waiting if anchors else (),
        evidence=(said,),
        confidence=Confidence.CERTAIN if everything else Confidence.LIKELY,
        facts={"resolver": resolver, "codes": ", ".join(codes), "names": _list(row.host for row in rows)},
    )


def _answers(row: Row) -> tuple[DnsAnswer, ...]:
    seen = row.result.observation
    return seen.answers if isinstance(seen, DnsSeen) else ()


def _addresses(row: Row) -> tuple[str, ...]:
    seen = row.result.observation
    return seen.addresses if isinstance(seen, DnsSeen) else ()


def hijacked(view: View) -> Iterator[Finding]:
    """Names that cannot exist resolve too. Required names that lead to the same place are explained; where none does it is a warning."""
    for resolver in view.state.vantage.resolvers:
        lies = {a for check, seen in view.canaries(resolver) if check.id.endswith(":com") for a in seen.addresses}
        if not lies or set(_anchors(view, resolver)) & view.explained:
            continue
        names = [row for row in view.rows("dns") if row.id not in view.explained and lies & set(_addresses(row))]
        rows = list(dict.fromkeys(i for row in names for i in (row.id, *_fed_by(view, row.id))))
        anchors = _anchors(view, resolver)
        made_up = next(seen.name for check, seen in view.canaries(resolver) if seen.addresses)
        said = Said("canary-resolves", {"name": made_up, "addresses": ", ".join(sorted(lies)), "resolver": resolver})
        yield Finding(
            "dns-hijacked",
            (*anchors, *rows),
            follows=tuple(i for i in rows if not i.startswith("dns:")),
            evidence=(said,),
            facts={"resolver": resolver, "addresses": ", ".join(sorted(lies)), "count": str(len(names))},
            severity=Severity.FAIL if names else Severity.WARN,
        )


def _fed_by(view: View, identity: str) -> Iterator[str]:
    """Every check further down the chain that a wrong address makes meaningless, run or not."""
    for check in view.state.checks.values():
        if check.equipment and identity in view.above(check.id):
            yield check.id


def filtered_names(view: View) -> Iterator[Finding]:
    """An address that no public service can have, or 'no such name' where a resolver outside says otherwise."""
    sinks = [row for row in view.failing("dns") if row.reading.cause == "dns-filtered"]
    if sinks:
        yield _filtered(view, sinks, [_lie(row) for row in sinks])
    gone = [row for row in view.failing("dns", cause="dns-name-missing") if _opposed(view, row)]
    if gone:
        said = [
            Said(
                "opinion-differs",
                {"host": row.host, "resolver": view.opinions(row.host)[0].resolver, "addresses": ", ".join(_opposed(view, row))},
            )
            for row in gone
        ]
        yield _filtered(view, gone, said)


def _lie(row: Row) -> Said:
    if any(map(is_sinkhole, _addresses(row))):
        return Said("sinkhole", {"host": row.host, "addresses": ", ".join(_addresses(row))})
    others = next((a.resolver for a in _answers(row) if a.addresses), "?")
    return Said("opinion-differs", {"host": row.host, "resolver": others, "addresses": ", ".join(_addresses(row))})


def _opposed(view: View, row: Row) -> list[str]:
    return sorted({a for answer in view.opinions(row.host) for a in answer.addresses if not is_sinkhole(a)})


def _filtered(view: View, rows: list[Row], said: list[Said]) -> Finding:
    fed = [i for row in rows for i in _fed_by(view, row.id)]
    resolver = next((a.resolver for row in rows for a in _answers(row)), "?")
    return Finding(
        "dns-filtered",
        (*(row.id for row in rows), *fed),
        follows=tuple(fed),
        evidence=tuple(said[:4]),
        facts={"names": _list(row.host for row in rows), "resolver": resolver},
    )


def redirected_names(view: View) -> Iterator[Finding]:
    """Several names with different documented addresses lead to one undocumented place, and the name fails there: a block page's address."""
    places: dict[str, list[Row]] = defaultdict(list)
    for row in view.rows("dns"):
        documented = _documented(row)
        for address in _addresses(row)[:1]:
            if row.id not in view.explained and documented and address not in documented:
                places[address].append(row)
    for address, rows in places.items():
        documented = {row.check.about.get("documented", "") for row in rows}
        failing = [row for row in view.failing("tls", "http", "tcp") if row.host in {r.host for r in rows}]
        if len(documented) < 2 or not any(row.check.kind == "tls" for row in failing):
            continue
        fed = [i for row in rows for i in _fed_by(view, row.id)]
        said = Said("one-place", {"hosts": _list(r.host for r in rows), "address": address})
        resolver = next((a.resolver for row in rows for a in _answers(row)), "?")
        yield Finding(
            "dns-filtered",
            (*(row.id for row in rows), *fed),
            follows=tuple(fed),
            evidence=(said,),
            confidence=Confidence.LIKELY,
            facts={"names": _list(row.host for row in rows), "resolver": resolver},
        )


def misled_names(view: View) -> Iterator[Finding]:
    """A public address that is not the documented one, that resolvers outside do not know, and at which the name fails.

    Large services give every asker other addresses: unless the outside knows the documented one, what answers must be a stranger, too.
    """
    rows = []
    for row in suspicious_names(view):
        outside = {a for answer in view.opinions(row.host) for a in answer.addresses}
        if (
            row.id not in view.explained
            and outside
            and not outside & set(_addresses(row))
            and (outside & _documented(row) or _stranger(view, row))
        ):
            rows.append(row)
    if rows:
        said = [Said("leads-elsewhere", {"host": row.host, "address": ", ".join(_addresses(row))}) for row in rows]
        said += [
            Said(
                "opinion-differs",
                {"host": r.host, "resolver": view.opinions(r.host)[0].resolver, "addresses": ", ".join(_opposed(view, r))},
            )
            for r in rows
        ]
        yield _filtered(view, rows, said)


def _documented(row: Row) -> set[str]:
    return set(filter(None, row.check.about.get("documented", "").split(",")))


def _stranger(view: View, row: Row) -> bool:
    """True where what answers at a name's address shows that it is not the host: a certificate that does not hold, a foreign page."""
    fed, foreign = set(_fed_by(view, row.id)), {"tls-untrusted", "tls-name-mismatch", "tls-intercepted", "http-blocked", "captive-portal"}
    return any(r.id in fed and r.reading.cause in foreign for r in view.failing("tls", "http"))


def suspicious_names(view: View) -> list[Row]:
    """Names with an undocumented address at which something fails."""
    found = []
    for row in view.rows("dns"):
        documented = _documented(row)
        if documented and _addresses(row) and not documented & set(_addresses(row)):
            fed = set(_fed_by(view, row.id))
            if any(r.id in fed for r in view.failing("tcp", "tls", "http", "ssh", "ftp")):
                found.append(row)
    return found


def missing_names(view: View) -> Iterator[Finding]:
    """No such name, and nobody outside says otherwise."""
    rows = view.failing("dns", cause="dns-name-missing")
    for asked in (True, False):
        mine = [row for row in rows if bool(view.opinions(row.host)) is asked]
        if not mine:
            continue
        said = [Said("no-such-name", {"host": row.host, "resolver": _answers(row)[0].resolver, "code": _code(row)}) for row in mine[:4]]
        said.append(Said("opinion-agrees", {"resolver": view.opinions(mine[0].host)[0].resolver}) if asked else Said("no-opinion"))
        yield Finding(
            "dns-name-missing",
            view.below(row.id for row in mine),
            evidence=tuple(said),
            facts={"host": _list(row.host for row in mine)},
            confidence=Confidence.CERTAIN if asked else Confidence.POSSIBLE,
            owner=Owner.VENDOR if asked else Owner.SITE_IT,
        )


def _code(row: Row) -> str:
    return next((a.rcode for a in _answers(row) if a.rcode), "?")


def unanswered_names(view: View) -> Iterator[Finding]:
    """Names to which a resolver that is alive gave no answer."""
    rows = view.failing("dns", cause="dns-unreachable")
    if rows:
        resolver = _answers(rows[0])[0].resolver if _answers(rows[0]) else "?"
        below = view.below(row.id for row in rows)
        yield Finding(
            "dns-unreachable",
            below,
            confidence=Confidence.LIKELY,
            evidence=(Said("name-unanswered", {"host": _list(row.host for row in rows), "resolver": resolver}),),
            facts={"resolver": resolver, "count": str(len(below)), "others": ""},
        )


def changed_addresses(view: View) -> Iterator[Finding]:
    """Information: another public address than the documented one, at which all is well."""
    changed = []
    for row in view.passing("dns"):
        documented = _documented(row)
        ipv4 = [a for a in _addresses(row) if ":" not in a]
        if documented and ipv4 and row.id not in view.explained and not documented & set(ipv4):
            changed.append((row, documented, ipv4))
    if changed:
        said = tuple(
            Said("address-changed", {"host": r.host, "now": ", ".join(now), "documented": ", ".join(sorted(d))})
            for r, d, now in changed[:6]
        )
        yield Finding(
            "dns-changed",
            tuple(row.id for row, _, _ in changed),
            severity=Severity.INFO,
            evidence=said,
            facts={"hosts": _list(row.host for row, _, _ in changed)},
        )


def _list(names: Iterator[str] | list[str]) -> str:
    found = list(dict.fromkeys(names))
    return ", ".join(found[:4]) + (f" and {len(found) - 4} more" if len(found) > 4 else "")


ROOTS = (no_resolver, resolver_dead, udp_dropped, resolver_failing)
RULES = (hijacked, filtered_names, misled_names, redirected_names, missing_names)
AFTER_LINE = (unanswered_names,)
"""Silence that loss explains is not the resolver's."""
LATE = (changed_addresses,)
