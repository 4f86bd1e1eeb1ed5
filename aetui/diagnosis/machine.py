"""Rules about this machine: its link, address, gateway, own firewall and clock. Read before all others. Pure.

Sources: RFC 3927 (169.254/16), RFC 4330 and RFC 5905 (time), RFC 9110 section 6.6.1 (Date).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_interface
from statistics import median

from aetui.diagnosis.readings import LARGEST_DELAY_MS
from aetui.diagnosis.view import Row, View
from aetui.observations import ArpSeen, DnsSeen, Interface, NtpSeen, Outcome, TcpSeen, TlsSeen
from aetui.records import Confidence, Finding, Owner, Said, Severity, Status

CLOCK_LIMIT_MS = 60_000.0
"""A local clock that is off by more than this is wrong."""

AGREE_MS = 30_000.0
"""Sources of time that differ by less than this agree."""


def _all_failing(view: View) -> list[str]:
    """What fails, and the names for which there was nobody to ask."""
    unasked = [row.id for row, seen in view.names if not seen.answers and not seen.addresses and row.id not in view.explained]
    return list(dict.fromkeys([*unasked, *(row.id for row in view.failing())]))


def _root(view: View, cause: str, *evidence: Said, **facts: str) -> Finding:
    """A finding that everything that fails waits for."""
    others = view.below(_all_failing(view))
    waiting = [c.id for c in view.state.required() if (r := view.state.results.get(c.id)) is not None and r.not_run == "needs"]
    everything = tuple(dict.fromkeys((*others, *waiting)))
    return Finding(cause, ("link", *everything), follows=everything, evidence=evidence, facts=facts)


def _ports(interfaces: tuple[Interface, ...]) -> list[Interface]:
    """The sockets of this machine: bridges, tunnels and the like count only where it has nothing else, as in a virtual machine."""
    sockets = [i for i in interfaces if i.kind not in {"loopback", "virtual", "vpn"}]
    return sockets or [i for i in interfaces if i.kind != "loopback"]


def no_link(view: View) -> Iterator[Finding]:
    """No interface is up with a carrier."""
    link = view.link
    if link is None or view.outside_answers:
        return
    ports = _ports(link.interfaces)
    if not any(i.up and i.carrier is not False for i in ports):
        names = ", ".join(f"{i.name} {'up, no carrier' if i.up else 'down'}" for i in ports) or "none found"
        yield _root(view, "no-link", Said("interfaces", {"interfaces": names}), interfaces=names)


def usable(address: str) -> bool:
    """True for an IPv4 or global IPv6 address that can be spoken from."""
    parsed = ip_interface(address)
    return not (parsed.ip.is_link_local or parsed.ip.is_loopback or parsed.ip.is_unspecified)


def no_address(view: View) -> Iterator[Finding]:
    """A link, and no usable address: none at all, or only a self-assigned one."""
    link = view.link
    if link is None or "link" in view.explained or view.outside_answers or (link.address and usable(link.address)):
        return
    ports = [i for i in _ports(link.interfaces) if i.up and i.carrier is not False]
    addresses = [a for i in ports for a in i.addresses]
    if not ports or any(usable(a) for a in addresses):
        return
    own = next((a for a in addresses if a.startswith("169.254.")), None)
    said = Said("self-assigned", {"address": own, "interface": ports[0].name}) if own else Said("no-address", {"interface": ports[0].name})
    yield _root(view, "no-address", said, interface=ports[0].name)


def address_conflict(view: View) -> Iterator[Finding]:
    """Another MAC address answers for this machine's own address. What fails beside it fails because of it, as far as anybody can tell."""
    for result in view.state.results.values():
        seen = result.observation
        if isinstance(seen, ArpSeen) and seen.others and "link" not in view.explained:
            rows = view.below(row.id for row in view.failing())
            facts = {"address": seen.address, "mac": ", ".join(seen.others)}
            said = Said("also-answers", {**facts, "interface": seen.interface})
            severity = Severity.FAIL if rows else Severity.WARN
            yield Finding("address-conflict", (result.check.id, *rows), follows=rows, severity=severity, evidence=(said,), facts=facts)


def missing_right(view: View) -> Iterator[Finding]:
    """Something is wrong, and a check that might say more could not run for lack of a right."""
    lacking = [r for r in view.state.results.values() if r.not_run == "privilege" and r.reason]
    if lacking and any(finding.severity is not Severity.INFO for finding in view.findings):
        facts = {"what": ", ".join(r.check.id for r in lacking), "command": lacking[0].reason or ""}
        yield Finding("privilege-missing", tuple(r.check.id for r in lacking), severity=Severity.INFO, facts=facts)


def no_gateway(view: View) -> Iterator[Finding]:
    """An address, and no default route."""
    link = view.link
    if link is None or "link" in view.explained or link.default_interface or link.gateway or link.gateway6:
        return
    if any(usable(a) for i in _ports(link.interfaces) for a in i.addresses) and _all_failing(view):
        yield _root(view, "no-gateway", Said("no-default-route", {"address": link.address or "?"}))


def gateway_unreachable(view: View) -> Iterator[Finding]:
    """The gateway answers no ARP, and nothing came back from behind it either."""
    link = view.link
    if link is None or "link" in view.explained or link.gateway is None or link.gateway_answers is not False or view.outside_answers:
        return
    if view.gateway_heard:
        return
    said = Said("gateway-no-arp", {"gateway": link.gateway, "interface": link.default_interface or "?"})
    yield _root(view, "gateway-unreachable", said, gateway=link.gateway)


def _denied(row: Row) -> bool:
    seen = row.result.observation
    match seen:
        case TcpSeen() | NtpSeen():
            return seen.outcome is Outcome.DENIED
        case DnsSeen():
            return bool(seen.answers) and all(a.outcome is Outcome.DENIED for a in seen.answers)
        case _:
            return False


def local_firewall(view: View) -> Iterator[Finding]:
    """This machine's own firewall refused to send."""
    rows = [row for row in view.failing() if _denied(row)]
    if rows:
        ports = ", ".join(sorted({f"{row.check.transport or 'udp'} {row.check.port or 53}" for row in rows}))
        yield Finding(
            "local-firewall", view.below(row.id for row in rows), evidence=(Said("denied", {"ports": ports}),), facts={"ports": ports}
        )


def time_offsets(view: View) -> dict[str, float]:
    """The clocks that time servers showed, by host, in milliseconds against ours; only answers fit to judge a clock by."""
    return {
        row.host: seen.offset_ms
        for row, seen in view.ntp
        if row.reading.status is Status.PASS and seen.offset_ms is not None and (seen.delay_ms or 0.0) <= LARGEST_DELAY_MS
    }


def date_offsets(view: View) -> dict[str, float]:
    """The clocks that web servers showed, by host, in milliseconds against ours."""
    return {row.host: seen.date_offset_ms for row, seen in view.http if seen.date_offset_ms is not None}


def clock_offset(view: View) -> float | None:
    """What our clock is off by, where at least two sources of time agree on it, or one has nobody to contradict it; else None."""
    times, dates = time_offsets(view), date_offsets(view)
    values = [*times.values(), *([median(dates.values())] if dates else [])]
    if not times and len(dates) < 2:
        return None
    middle = median(values)
    return middle if values and all(abs(v - middle) <= AGREE_MS for v in values) else None


def clock_wrong(view: View) -> Iterator[Finding]:
    """Every source of time agrees that our clock is off; certificates that only seem out of date are explained by it."""
    if not view.settled(("ntp",)):
        return
    offset = clock_offset(view)
    if offset is None or abs(offset) <= CLOCK_LIMIT_MS:
        return
    rows = [row.id for row, seen in view.tls if row.reading.cause == "tls-expired" and valid_at(seen, offset)]
    sources = sorted(time_offsets(view)) or sorted(date_offsets(view))
    lone = len(sources) < 2 and not (time_offsets(view) and date_offsets(view))
    said = Said("clock-offset", {"offset": _span(offset), "sources": ", ".join(sources), "direction": "slow" if offset > 0 else "fast"})
    yield Finding(
        "clock-wrong",
        tuple(rows),
        severity=Severity.FAIL if rows else Severity.WARN,
        confidence=Confidence.LIKELY if lone else Confidence.CERTAIN,
        evidence=(said,),
        facts={"offset": _span(offset), "direction": "slow" if offset > 0 else "fast"},
        owner=Owner.TECHNICIAN,
    )


def valid_at(seen: TlsSeen, offset: float) -> bool:
    """True where the chain's dates hold at the time that the network tells, and only our clock makes them fail."""
    if seen.verified_at is None or not seen.chain:
        return False
    then = seen.verified_at + timedelta(milliseconds=offset)
    return all(c.not_before <= then <= c.not_after for c in seen.chain)


def lying_clock(view: View) -> Iterator[Finding]:
    """A time server contradicts the web servers' clocks, or, where no page told a time, every other time server."""
    times, dates = time_offsets(view), date_offsets(view)
    liars = []
    for row in (row for row, _ in view.ntp if row.host in times and row.id not in view.explained):
        others = [median(dates.values())] if dates else [v for host, v in times.items() if host != row.host]
        if others and abs(times[row.host]) > CLOCK_LIMIT_MS and all(abs(v) <= AGREE_MS for v in others):
            liars.append(row)
    if liars:
        said = tuple(Said("time-contradicts", {"host": row.host, "offset": _span(times[row.host])}) for row in liars)
        hosts = " and ".join(row.host for row in liars)
        yield Finding("ntp-bad-answer", tuple(row.id for row in liars), evidence=said, facts={"host": hosts, "what": "a wrong time"})


def _span(milliseconds: float) -> str:
    seconds = round(abs(milliseconds) / 1000)
    if seconds < 120:
        return f"{seconds} s"
    minutes, hours = seconds / 60, seconds / 3600
    return f"{minutes:.0f} min" if minutes < 120 else f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.0f} days"


RULES = (no_link, no_address, address_conflict, no_gateway, gateway_unreachable, local_firewall, clock_wrong, lying_clock)
LATE = (missing_right,)
