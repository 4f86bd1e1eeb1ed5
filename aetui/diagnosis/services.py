"""Rules about other services: time, files, and ports that say nothing or the wrong thing. Pure.

Sources: RFC 5905 (kiss-of-death), RFC 959 and RFC 2428 (FTP).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from aetui.diagnosis.readings import carried
from aetui.diagnosis.tls import other_name_lives
from aetui.diagnosis.view import Row, View, named
from aetui.observations import Ended, FtpSeen, FtpTransfer, HttpSeen, NtpSeen, TlsSeen
from aetui.records import Confidence, Finding, Said, Severity

PASSIVE = frozenset({"pasv", "epsv"})
"""The ways of transfer in which the client opens the data connection, as it must behind NAT."""


def time_service(view: View) -> Iterator[Finding]:
    """UDP 123 is silent, or what answers is no answer to be used."""
    silent = view.failing("ntp", cause="ntp-no-reply")
    if silent:
        said = tuple(
            Said("ntp-silent", {"host": row.host, "address": row.address, "attempts": str(row.result.attempts)}) for row in silent[:3]
        )
        yield Finding("ntp-no-reply", tuple(row.id for row in silent), evidence=said, facts={"hosts": named(silent)})
    bad: dict[str, list[Row]] = defaultdict(list)
    for row, seen in view.ntp:
        if row.id not in view.explained and row.reading.cause == "ntp-bad-answer":
            bad[_bad_time(seen)].append(row)
    for what, rows in bad.items():
        said = tuple(Said("ntp-bad", {"host": row.host, "what": what}) for row in rows)
        yield Finding("ntp-bad-answer", tuple(row.id for row in rows), evidence=said, facts={"host": named(rows), "what": what})


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
            facts={"host": named(row for row, _ in mine), "dead": modes},
            severity=Severity.WARN if alive else Severity.FAIL,
        )


def _ways_tried(view: View, row: Row) -> list[FtpTransfer]:
    """The transfers that say something: not those that a lossy line or the run's end may have cut, nor those of a login that was refused."""
    seen = row.result.observation
    if not isinstance(seen, FtpSeen) or (seen.login or "").startswith(("4", "5")):
        return []
    lossy = any(finding.cause == "lossy" for finding in view.findings)
    last = seen.transfers[-1] if row.result.cut and seen.transfers else None
    return [t for t in seen.transfers if carried(t) or not (lossy or (t.ended is Ended.SILENT and t is last))]


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
        if any(other_name_lives(view.seen(f"tls:{host}:{row.check.port}:sni", TlsSeen)) for row in rows):
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
        facts = {"host": named(rows), "port": str(port), "said": words}
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
        what = f"what was said over the open port {', '.join(sorted({str(r.check.port) for r in rows}))} to {named(rows)}"
        yield Finding("filtered", view.below(row.id for row in rows), evidence=said, confidence=Confidence.LIKELY, facts={"what": what})


MUTE = (mute_servers,)
RULES = (time_service, files, wrong_services, silent_services)
