"""Raw facts of a result in plain words, for a person: the line of a table row, and the facts of a details pane. Pure.

Everything that came from the network passes ``displayable`` here. No judgement: what a fact means is the diagnosis' to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from aetui.display import displayable
from aetui.events import Result
from aetui.observations import (
    ArpSeen,
    BannerSeen,
    DnsSeen,
    Ended,
    FtpSeen,
    HttpSeen,
    Icmp,
    LinkSeen,
    NtpSeen,
    Observation,
    Outcome,
    RdpSeen,
    SeriesSeen,
    TcpSeen,
    TelnetSeen,
    TlsSeen,
)  # fmt: skip
from aetui.records import Status
from aetui.state import State

Facts = Iterator[tuple[str, str]]

NOT_RUN: Mapping[str, str] = {
    "needs": "not run: what it needs failed",
    "deadline": "not run: the time was up",
    "cancelled": "not run: stopped",
    "vantage": "cannot be tested from here",
    "privilege": "not run: a right is missing",
    "vantage-lost": "not run: the way there was lost",
    "not-asked": "not asked for",
}

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.OPEN: "open", Outcome.REFUSED: "refused", Outcome.REJECTED: "rejected", Outcome.UNREACHABLE: "unreachable",
    Outcome.FILTERED: "no answer", Outcome.NO_ROUTE: "no route from here", Outcome.NO_NEIGHBOUR: "no such device on the network",
    Outcome.DENIED: "this machine refused to send", Outcome.FAILED: "failed",
}  # fmt: skip

RCODES: Mapping[str, str] = {"NOERROR": "no address", "NXDOMAIN": "no such name (NXDOMAIN)", "REFUSED": "the DNS server declines (REFUSED)"}
"""Answers without an address; others are called as RFC 1035 section 4.1.1 and RFC 2136 section 2.2 call them."""

ENDINGS: Mapping[Ended, str] = {
    Ended.DONE: "done", Ended.CLOSED: "closed by the other side", Ended.RESET: "reset", Ended.SILENT: "no answer",
    Ended.GARBLED: "something else answered", Ended.LIMIT: "answer without end", Ended.DECLINED: "declined",
}  # fmt: skip


def row_line(state: State, identity: str) -> str:
    """A few words on what was seen: the last column of a table."""
    result = state.results.get(identity)
    if result is None:
        return "running" if identity in state.running else "waiting"
    if result.observation is None:
        return _not_run(state, result)
    return displayable(_LINES[type(result.observation)](result.observation), 120)


def row_said(state: State, identity: str) -> str:
    """The same beside a check's status: what was seen of a skipped check is no reason for it, and does not count."""
    seen, result = row_line(state, identity), state.results.get(identity)
    idle = result is not None and result.observation is not None and state.reading(identity).status is Status.SKIP
    return f"{seen}; does not count" if idle else seen


def _not_run(state: State, result: Result) -> str:
    because = state.reading(result.check.id).because
    if result.not_run == "needs" and because:
        return f"waits for {because}"
    words = NOT_RUN.get(result.not_run or "", "not run")
    return f"{words} ({displayable(result.reason)})" if result.reason else words


def row_text(state: State, identity: str) -> str:
    """The status word and the line, as one text."""
    return f"{state.reading(identity).status.value} {row_line(state, identity)}"


def observation_facts(result: Result) -> list[tuple[str, str]]:
    """Labels and values of everything that was seen, displayable."""
    facts = [("address", result.address or "")] if result.address else []
    if result.observation is not None:
        facts += list(_FACTS[type(result.observation)](result.observation))
    if result.attempts > 1:
        facts.append(("attempts", str(result.attempts)))
    if result.observation is not None:
        facts.append(("took", f"{result.elapsed_ms:.0f} ms"))
    return [(displayable(label, 80), displayable(value)) for label, value in facts if value]


def icmp_text(icmp: Icmp | None) -> str:
    """Who said what by ICMP; empty where nobody did."""
    return f"type {icmp.type} code {icmp.code} from {icmp.sender}" if icmp else ""


def _tcp_line(seen: Observation) -> str:
    assert isinstance(seen, TcpSeen)
    words = OUTCOMES[seen.outcome]
    if seen.icmp is not None:
        return f"{words} by {seen.icmp.sender}"
    return f"{words}, {seen.rtt_ms:.0f} ms" if seen.outcome is Outcome.OPEN and seen.rtt_ms is not None else words


def _tcp_facts(seen: Observation) -> Facts:
    assert isinstance(seen, TcpSeen)
    yield "outcome", OUTCOMES[seen.outcome]
    yield "error", seen.errno or ""
    yield "ICMP", icmp_text(seen.icmp)
    yield "reason", seen.reason or ""
    yield "round trip", f"{seen.rtt_ms:.1f} ms" if seen.rtt_ms is not None else ""
    yield "sent again", f"{seen.resent} times" if seen.resent else ""
    yield "from", seen.local or ""


def _dns_line(seen: Observation) -> str:
    assert isinstance(seen, DnsSeen)
    if seen.addresses:
        return ", ".join(seen.addresses[:3])
    codes = dict.fromkeys(a.rcode or OUTCOMES[a.outcome] for a in seen.answers)
    return " / ".join(RCODES.get(code, code) for code in codes) or "no DNS server to ask"


def _dns_facts(seen: Observation) -> Facts:
    assert isinstance(seen, DnsSeen)
    for answer in seen.answers:
        words = ", ".join(answer.addresses) or answer.rcode or OUTCOMES[answer.outcome]
        extras = [answer.transport.upper(), f"{answer.elapsed_ms:.0f} ms"] + (["authoritative"] if answer.authoritative else [])
        yield f"{answer.resolver} {answer.type}", f"{words} ({', '.join([*extras, *filter(None, [answer.note])])})"
        if answer.aliases:
            yield "by way of", " > ".join(answer.aliases)
    if seen.system is not None:
        yield "this machine's own lookup", ", ".join(seen.system) or "nothing"


def _tls_line(seen: Observation) -> str:
    assert isinstance(seen, TlsSeen)
    if seen.ended is not Ended.DONE:
        return f"{ENDINGS[seen.ended]} after {seen.stage}"
    issuer = seen.chain[0].issuer if seen.chain else "no certificate"
    return f"{seen.version}, issued by {_organisation(issuer)}"


def _organisation(issuer: str) -> str:
    parts = dict(part.split("=", 1) for part in issuer.split(",") if "=" in part)
    return parts.get("O") or parts.get("CN") or issuer


def _tls_facts(seen: Observation) -> Facts:
    assert isinstance(seen, TlsSeen)
    yield "handshake", ENDINGS[seen.ended] if seen.ended is not Ended.DONE else f"{seen.version}, {seen.cipher}"
    yield "name asked for", seen.server_name
    yield "got as far as", seen.stage if seen.ended is not Ended.DONE else ""
    yield "alert", seen.alert or ""
    for place, certificate in enumerate(seen.chain[:3]):
        yield "certificate" if place == 0 else "signed by", f"{certificate.subject} (issuer {certificate.issuer})"
    if seen.chain:
        leaf = seen.chain[0]
        yield "valid", f"{leaf.not_before:%Y-%m-%d} to {leaf.not_after:%Y-%m-%d}"
        yield "for names", ", ".join(leaf.names[:4]) + (f" and {leaf.names_total - 4} more" if leaf.names_total > 4 else "")
        yield "fingerprint", leaf.sha256
    for label, word in (("a logger's roots", seen.logger), ("this machine's store", seen.machine)):
        yield label, ("trusted" if word.trusted else f"not trusted: {word.message}") if word else ""
    yield "first bytes", repr(seen.first_bytes[:32]) if seen.first_bytes else ""


def _http_line(seen: Observation) -> str:
    assert isinstance(seen, HttpSeen)
    if seen.status is None:
        return ENDINGS[seen.ended]
    return f"{seen.status} {seen.reason}" + (f" to {seen.location}" if seen.location else "")


def _http_facts(seen: Observation) -> Facts:
    assert isinstance(seen, HttpSeen)
    yield "asked for", seen.url
    yield "answer", f"{seen.status} {seen.reason}" if seen.status is not None else ENDINGS[seen.ended]
    yield "leads to", seen.location or ""
    yield "title", seen.title or ""
    for name in ("server", "via", "proxy-authenticate", "content-type", "date"):
        yield name, seen.header(name) or ""
    yield "first bytes", repr(seen.first_bytes[:32]) if seen.first_bytes else ""


def _ntp_line(seen: Observation) -> str:
    assert isinstance(seen, NtpSeen)
    if seen.outcome is not Outcome.OPEN:
        return OUTCOMES[seen.outcome]
    if seen.kiss:
        return f"refuses service ({seen.kiss})"
    return f"stratum {seen.stratum}, clock off by {_offset(seen)}"


def _offset(seen: NtpSeen) -> str:
    if seen.offset_ms is None:
        return "?"
    return f"{seen.offset_ms:+.0f} ms" if abs(seen.offset_ms) < 10_000 else f"{seen.offset_ms / 1000:+.0f} s"


def _ntp_facts(seen: Observation) -> Facts:
    assert isinstance(seen, NtpSeen)
    yield "answer", OUTCOMES[seen.outcome]
    yield "stratum", "" if seen.stratum is None else str(seen.stratum)
    yield "clock there minus here", _offset(seen) if seen.outcome is Outcome.OPEN else ""
    yield "round trip", f"{seen.delay_ms:.1f} ms" if seen.delay_ms is not None else ""
    yield "kiss-of-death", seen.kiss or ""
    yield "to our question", "" if seen.origin_echoed is None else "yes" if seen.origin_echoed else "no"
    yield "ICMP", icmp_text(seen.icmp)
    yield "other datagrams", str(seen.stray) if seen.stray else ""


def _ftp_line(seen: Observation) -> str:
    assert isinstance(seen, FtpSeen)
    ways = [f"{t.mode.upper()} {'works' if t.ended is Ended.DONE else 'fails'}" for t in seen.transfers]
    return ", ".join(ways) or seen.banner or ENDINGS[seen.ended]


def _ftp_facts(seen: Observation) -> Facts:
    assert isinstance(seen, FtpSeen)
    yield "greeting", seen.banner or ENDINGS[seen.ended]
    yield "features", ", ".join(seen.features)
    yield "login", seen.login or ""
    for way in seen.transfers:
        where = f" at {way.address}:{way.port}" if way.port else ""
        yield way.mode.upper(), f"{'works' if way.ended is Ended.DONE else ENDINGS[way.ended]}{where}; {way.reply or 'no reply'}"
    if not seen.transfers:
        yield "data connection", "not tested: no login was given"


def _banner_line(seen: Observation) -> str:
    assert isinstance(seen, BannerSeen)
    return seen.banner or ENDINGS[seen.ended]


def _banner_facts(seen: Observation) -> Facts:
    assert isinstance(seen, BannerSeen)
    yield "greeting", seen.banner or ENDINGS[seen.ended]
    yield "software", seen.software or ""
    yield "first bytes", repr(seen.first_bytes[:32]) if seen.first_bytes and not seen.banner else ""


def _rdp_line(seen: Observation) -> str:
    assert isinstance(seen, RdpSeen)
    return f"Remote Desktop, {seen.protocol or 'answered'}" if seen.answered else ENDINGS[seen.ended]


def _rdp_facts(seen: Observation) -> Facts:
    assert isinstance(seen, RdpSeen)
    yield "Remote Desktop", "answers" if seen.answered else ENDINGS[seen.ended]
    yield "security", seen.protocol or seen.failure or ""
    yield "certificate", seen.certificate.subject if seen.certificate else ""
    yield "first bytes", repr(seen.first_bytes[:32]) if seen.first_bytes and not seen.answered else ""


def _telnet_line(seen: Observation) -> str:
    assert isinstance(seen, TelnetSeen)
    return "telnet, login prompt" if seen.login_prompt else "telnet" if seen.options else ENDINGS[seen.ended]


def _telnet_facts(seen: Observation) -> Facts:
    assert isinstance(seen, TelnetSeen)
    yield "telnet", "answers" if seen.options or seen.login_prompt else ENDINGS[seen.ended]
    yield "options", ", ".join(seen.options)
    yield "text", seen.text


def _link_line(seen: Observation) -> str:
    assert isinstance(seen, LinkSeen)
    if seen.address is None:
        return "no usable address"
    return f"{seen.default_interface or '?'} {seen.address}, gateway {seen.gateway or 'none'}"


def _link_facts(seen: Observation) -> Facts:
    assert isinstance(seen, LinkSeen)
    for interface in seen.interfaces:
        state = "up" if interface.up and interface.carrier is not False else "up, no carrier" if interface.up else "down"
        yield f"{interface.name} ({interface.kind})", f"{state}, {', '.join(interface.addresses) or 'no address'}"
    yield "gateway", f"{seen.gateway or 'none'}{_answers(seen)}"
    yield "DNS servers", ", ".join(seen.resolvers) or "none"
    yield "address by", {True: "DHCP", False: "fixed setting", None: ""}[seen.dhcp]
    for name, value in seen.proxies:
        yield f"proxy setting {name}", f"{value} (seen, not used by the tests)"
    yield "not known", ", ".join(seen.missing)


def _answers(seen: LinkSeen) -> str:
    return {True: f", answers ({seen.gateway_mac or 'MAC unknown'})", False: ", does not answer", None: ""}[seen.gateway_answers]


def _arp_line(seen: Observation) -> str:
    assert isinstance(seen, ArpSeen)
    if seen.answered is None:
        return seen.why or "not asked"
    return f"also used by {', '.join(seen.others)}" if seen.others else "used by nobody else"


def _arp_facts(seen: Observation) -> Facts:
    assert isinstance(seen, ArpSeen)
    yield "address", f"{seen.address} on {seen.interface}"
    yield "answered", ", ".join(seen.answered or ()) or seen.why or "nobody"


def _series_line(seen: Observation) -> str:
    assert isinstance(seen, SeriesSeen)
    opened = sum(t.tcp.outcome is Outcome.OPEN for t in seen.trials)
    return f"{opened} of {len(seen.trials)} connects opened" + (f", path carries {seen.path_mtu} bytes" if seen.path_mtu else "")


def _series_facts(seen: Observation) -> Facts:
    assert isinstance(seen, SeriesSeen)
    for trial in seen.trials[:24]:
        shape = f" ttl {trial.tcp.ttl}" if trial.tcp.ttl else f" segments of {trial.tcp.mss}" if trial.tcp.mss else ""
        how = f", then {ENDINGS[trial.ended]}" if trial.ended else ""
        yield f"{trial.tcp.address}:{trial.tcp.port}{shape}", f"{OUTCOMES[trial.tcp.outcome]}{how}"
    yield "path MTU", f"{seen.path_mtu} bytes" if seen.path_mtu else ""


_LINES: Mapping[type, Callable[[Observation], str]] = {
    TcpSeen: _tcp_line, DnsSeen: _dns_line, TlsSeen: _tls_line, HttpSeen: _http_line, NtpSeen: _ntp_line, FtpSeen: _ftp_line,
    BannerSeen: _banner_line, RdpSeen: _rdp_line, TelnetSeen: _telnet_line, LinkSeen: _link_line, SeriesSeen: _series_line, ArpSeen: _arp_line,
}  # fmt: skip
_FACTS: Mapping[type, Callable[[Observation], Facts]] = {
    TcpSeen: _tcp_facts, DnsSeen: _dns_facts, TlsSeen: _tls_facts, HttpSeen: _http_facts, NtpSeen: _ntp_facts, FtpSeen: _ftp_facts,
    BannerSeen: _banner_facts, RdpSeen: _rdp_facts, TelnetSeen: _telnet_facts, LinkSeen: _link_facts, SeriesSeen: _series_facts, ArpSeen: _arp_facts,
}  # fmt: skip
