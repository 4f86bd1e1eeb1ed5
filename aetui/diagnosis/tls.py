"""Rules about secure connections: cut off, opened on the way, or with a certificate at fault. Pure.

Sources: RFC 5280, RFC 6125 (names), RFC 6066 (SNI).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from aetui.diagnosis.pages import issuer_product
from aetui.diagnosis.view import Row, View, named
from aetui.observations import Ended, HttpSeen, TlsSeen
from aetui.records import Confidence, Finding, Owner, Said, Status


def handshake_blocked(view: View) -> Iterator[Finding]:
    """TCP opens, and the handshake is reset or dropped after the client's hello."""
    rows = [(row, seen) for row, seen in view.tls if row.id not in view.explained and row.reading.cause == "tls-blocked"]
    if not rows:
        return
    by_name = {row.host: other for row, _ in rows if (other := view.seen(f"tls:{row.host}:{row.check.port}:sni", TlsSeen)) is not None}
    for by_its_name in (True, False):
        mine = [(row, seen) for row, seen in rows if other_name_lives(by_name.get(row.host)) is by_its_name]
        if mine:
            said = [Said("hello-lost", {"host": r.host, "how": _how(s), "stage": s.stage}) for r, s in mine[:3]]
            said += [Said("other-name-lives", {"host": r.host, "other": by_name[r.host].server_name}) for r, _ in mine[:1] if by_its_name]
            likewise = _cut_requests(view, {row.host for row, _ in mine})
            said += [Said("request-lost", {"host": row.host, "port": str(row.check.port)}) for row in likewise[:1]]
            yield Finding(
                "tls-blocked",
                view.below(row.id for row in (*(row for row, _ in mine), *likewise)),
                evidence=tuple(said),
                facts={
                    "hosts": named(row for row, _ in mine),
                    "how": _how(mine[0][1]),
                    "by": "by its name" if by_its_name else "whatever the name",
                },
                confidence=Confidence.CERTAIN if by_its_name else Confidence.LIKELY,
            )


def _cut_requests(view: View, hosts: set[str]) -> list[Row]:
    """Plain requests to the same hosts that met the same end: the filter reads those too."""
    return [
        row for row in view.failing("http") if row.host in hosts and isinstance(s := row.result.observation, HttpSeen) and s.status is None
    ]


def other_name_lives(seen: TlsSeen | None) -> bool:
    """True where a handshake under another name, at the same address, got an answer."""
    return seen is not None and (seen.ended is Ended.DONE or seen.alert is not None or seen.received > 0)


def _how(seen: TlsSeen) -> str:
    return {Ended.RESET: "reset", Ended.CLOSED: "closed", Ended.SILENT: "met with silence"}.get(seen.ended, "broken off")


def intercepted(view: View) -> Iterator[Finding]:
    """A certificate of no public root: a known product's, one that this machine's own store trusts, or one issuer's for unrelated hosts."""
    rows = [(row, seen) for row, seen in view.tls if row.id not in view.explained and untrusted(row, seen)]
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
                facts={"issuer": issuer, "product": product or "an inspecting device", "hosts": named(row for row, _ in mine)},
                confidence=Confidence.CERTAIN if product or trusted_here else Confidence.LIKELY,
                owner=Owner.SITE_IT,
            )


def untrusted(row: Row, seen: TlsSeen) -> bool:
    """True for a chain of no public root; one that is merely out of date is not, unless a known product issued it."""
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
        facts = {"hosts": named(row for row, _ in mine), "issuer": mine[0][1].chain[0].issuer if mine[0][1].chain else "?"}
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


CUT = (handshake_blocked,)
RULES = (intercepted, certificates)
