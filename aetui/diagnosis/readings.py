"""How one result reads by itself: a status and a first cause, before any other result is looked at. A function a kind, in a table. Pure.

The first cause is the weaker one where the observation allows several; the rules that see the whole run may find a root behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from aetui.diagnosis.pages import login_page, product_page
from aetui.events import Result
from aetui.observations import (
    BannerSeen,
    DnsAnswer,
    DnsSeen,
    Ended,
    FtpSeen,
    FtpTransfer,
    HttpSeen,
    LinkSeen,
    NtpSeen,
    Observation,
    Outcome,
    RdpSeen,
    TcpSeen,
    TelnetSeen,
    TlsSeen,
)
from aetui.records import Status

LARGEST_DELAY_MS = 5000.0
"""A time answer that took longer than this is no measure of a clock."""

PORT_UNREACHABLE = (3, 3)
"""ICMP; from the server itself it is what a reset is to TCP: nothing listens there (RFC 1122 section 4.1.3.1)."""

NO_SUCH_ADDRESS = "EAI_ADDRFAMILY"
"""A host without an address of the family that the check is about: nothing was sent, and nothing is wrong."""

NOT_YET_VALID, EXPIRED = 9, 10
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""


@dataclass(frozen=True, slots=True)
class Tentative:
    """A reading that the rules may change."""

    status: Status
    cause: str | None = None


PASS = Tentative(Status.PASS)
UNKNOWN = Tentative(Status.UNKNOWN)
SKIP = Tentative(Status.SKIP)


def fail(cause: str) -> Tentative:
    """A failure with its first cause."""
    return Tentative(Status.FAIL, cause)


def read(result: Result) -> Tentative:
    """One result by itself. What was not run is skipped where something stands before it, else unknown."""
    seen = result.observation
    if seen is None:
        return SKIP if result.not_run in {"needs", "vantage", "privilege", "not-asked"} else UNKNOWN
    return _READERS.get(type(seen), _other)(result, seen)


TCP_CAUSES: Mapping[Outcome, str] = {
    Outcome.REFUSED: "refused",
    Outcome.REJECTED: "rejected",
    Outcome.UNREACHABLE: "unreachable",
    Outcome.FILTERED: "filtered",
    Outcome.NO_ROUTE: "no-gateway",
    Outcome.NO_NEIGHBOUR: "gateway-unreachable",
    Outcome.DENIED: "local-firewall",
}


def _tcp(_result: Result, seen: Observation) -> Tentative:
    assert isinstance(seen, TcpSeen)
    if seen.outcome is Outcome.OPEN:
        return PASS
    if seen.errno == NO_SUCH_ADDRESS:
        return SKIP
    cause = TCP_CAUSES.get(seen.outcome)
    return fail(cause) if cause else UNKNOWN


def is_sinkhole(address: str) -> bool:
    """True for an address that no public service can have."""
    parsed = ip_address(address)
    return not parsed.is_global or parsed.is_multicast


def _denied_by_first(seen: DnsSeen) -> bool:
    """True where the first resolver that answers knows no address: a logger takes its word and asks nobody else."""
    first = next((a.resolver for a in seen.answers if _says(a)), None)
    mine = [a for a in seen.answers if a.resolver == first]
    return first is not None and not any(a.addresses for a in mine) and any(a.type == "A" and _says(a) for a in mine)


def _says(answer: DnsAnswer) -> bool:
    """True for a resolver's word on a name: its addresses, or that there are none."""
    return answer.outcome is Outcome.OPEN and answer.rcode in {"NOERROR", "NXDOMAIN"}


def _dns(result: Result, seen: Observation) -> Tentative:
    assert isinstance(seen, DnsSeen)
    if result.check.about.get("purpose") == "canary":
        if seen.addresses:
            return fail("dns-hijacked") if result.check.id.endswith(":com") else UNKNOWN  # a vendor may answer for every name of its own
        return PASS if any(a.outcome is Outcome.OPEN for a in seen.answers) else UNKNOWN
    documented = set(filter(None, result.check.about.get("documented", "").split(",")))
    if seen.addresses and _denied_by_first(seen):
        return fail("dns-filtered")
    if seen.addresses:
        lies = [a for a in seen.addresses if is_sinkhole(a) and a not in documented]
        return fail("dns-filtered") if lies else PASS
    answered = [a for a in seen.answers if a.outcome is Outcome.OPEN]
    if not seen.answers:
        return UNKNOWN
    if any(a.rcode == "NXDOMAIN" or (a.type == "A" and _says(a)) for a in answered):
        return fail("dns-name-missing")
    errors = [a for a in answered if not _says(a)]
    return fail("dns-failing") if errors else fail("dns-unreachable")


def _tls(_result: Result, seen: Observation) -> Tentative:
    assert isinstance(seen, TlsSeen)
    if seen.ended is Ended.DONE:
        return _chain(seen)
    if seen.ended is Ended.GARBLED:
        return fail("wrong-service")
    return fail("tls-blocked")


def _chain(seen: TlsSeen) -> Tentative:
    word = seen.logger
    if word is None:
        return UNKNOWN
    if word.trusted:
        return PASS if seen.name_matches else fail("tls-name-mismatch")
    if word.code in {NOT_YET_VALID, EXPIRED} and (seen.logger_when_valid is None or seen.logger_when_valid.trusted):
        return fail("tls-expired")
    if seen.machine is not None and seen.machine.trusted:
        return fail("tls-intercepted")
    return fail("tls-untrusted")


def _http(result: Result, seen: Observation) -> Tentative:
    assert isinstance(seen, HttpSeen)
    if seen.ended is Ended.GARBLED:
        return fail("wrong-service")
    if seen.status is None:
        return fail("http-blocked") if seen.ended is Ended.RESET else fail("filtered")
    if seen.status == 407:
        return fail("proxy-required")
    if login_page(result.check.host or "", seen):
        return fail("captive-portal")
    if product_page(seen) is not None:
        return fail("http-blocked")
    return fail("http-error") if seen.status >= 500 else PASS


def _ntp(_result: Result, seen: Observation) -> Tentative:
    assert isinstance(seen, NtpSeen)
    if seen.outcome is Outcome.FILTERED:
        return fail("ntp-no-reply")
    if seen.icmp is not None and (seen.icmp.type, seen.icmp.code) == PORT_UNREACHABLE and seen.icmp.sender == seen.address:
        return fail("refused")
    if seen.outcome is not Outcome.OPEN:
        return fail(TCP_CAUSES[seen.outcome]) if seen.outcome in TCP_CAUSES else UNKNOWN
    good = seen.origin_echoed and not seen.kiss and seen.leap != 3 and seen.stratum is not None and 0 < seen.stratum < 16
    return PASS if good else fail("ntp-bad-answer")


def _ftp(result: Result, seen: Observation) -> Tentative:
    assert isinstance(seen, FtpSeen)
    if seen.ended is Ended.GARBLED:
        return fail("wrong-service")
    if seen.banner is None:
        return fail("filtered") if seen.ended is Ended.SILENT else fail("wrong-service")
    if seen.banner.startswith("4"):
        return UNKNOWN  # the FTP server itself, too busy to say more (RFC 959 section 4.2.1): the way there is open
    if not seen.banner.startswith(("220", "120")):
        return fail("wrong-service")
    if any(map(carried, seen.transfers)) or _refused_login(seen):
        return PASS
    if any(t.mode in {"pasv", "epsv"} and t.ended is not Ended.SILENT for t in seen.transfers):
        return fail("ftp-data-blocked")
    return UNKNOWN if seen.transfers or (result.cut and seen.ended is Ended.SILENT) else PASS


def carried(way: FtpTransfer) -> bool:
    """True where a data connection opened and worked; a server that then refuses to list anything has one all the same."""
    opened = any(seen is not None and seen.outcome is Outcome.OPEN for seen in (way.connect, way.corrected))
    refused = way.ended is Ended.DECLINED and (way.listing or "").startswith("5")
    return way.ended is Ended.DONE or (opened and refused)


def _refused_login(seen: FtpSeen) -> bool:
    return (seen.login or "").startswith(("4", "5"))


def _ssh(_result: Result, seen: Observation) -> Tentative:
    assert isinstance(seen, BannerSeen)
    if seen.banner is not None and seen.banner.startswith("SSH-"):
        return PASS
    return fail("filtered") if seen.ended is Ended.SILENT else fail("wrong-service")


def _rdp(_result: Result, seen: Observation) -> Tentative:
    assert isinstance(seen, RdpSeen)
    return PASS if seen.answered else fail("wrong-service")


def _telnet(_result: Result, seen: Observation) -> Tentative:
    assert isinstance(seen, TelnetSeen)
    return PASS if seen.options or seen.login_prompt else fail("wrong-service")


def _link(_result: Result, seen: Observation) -> Tentative:
    assert isinstance(seen, LinkSeen)
    return PASS if seen.address or seen.address6 else UNKNOWN


def _other(_result: Result, _seen: Observation) -> Tentative:
    return PASS


_READERS: Mapping[type, Callable[[Result, Observation], Tentative]] = {
    TcpSeen: _tcp,
    DnsSeen: _dns,
    TlsSeen: _tls,
    HttpSeen: _http,
    NtpSeen: _ntp,
    FtpSeen: _ftp,
    BannerSeen: _ssh,
    RdpSeen: _rdp,
    TelnetSeen: _telnet,
    LinkSeen: _link,
}
