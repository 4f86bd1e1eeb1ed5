"""Builds States for the tests of rules: a healthy run of real equipment, and what a row changes in it.

``World`` plans like a session does, answers every check as a healthy site would, lets the rows change single answers, and leaves out what then
could not have run. Nothing here judges: ``diagnosed`` asks the rules and holds what is true of every diagnosis.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from aetui.catalogue import Catalogue, load
from aetui.causes import describe, load_causes
from aetui.diagnosis import diagnose
from aetui.display import displayable
from aetui.events import Result
from aetui.observations import (
    ArpSeen,
    BannerSeen,
    Certificate,
    DnsAnswer,
    DnsSeen,
    Ended,
    FtpSeen,
    FtpTransfer,
    HttpSeen,
    Icmp,
    Interface,
    LinkSeen,
    NtpSeen,
    Observation,
    Outcome,
    SeriesSeen,
    TcpSeen,
    TlsSeen,
    Trial,
    Verification,
)  # fmt: skip
from aetui.plan import Options, plan
from aetui.records import Check, Diagnosis, Finding, Severity, Status, VantageInfo
from aetui.state import State

OWN_MAC, OTHER_MAC = "02:00:00:00:00:20", "02:00:00:00:00:66"
GATEWAY, OWN, OUTSIDE = "192.168.50.1", "192.168.50.20", "9.9.9.9"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WWW, MAKI, MAKIRT, STREAMER = (f"{label}.alsoenergy.com" for label in ("www", "maki", "makirt", "streamer"))
NIST, WINDOWS = "time.nist.gov", "time.windows.com"
FREE = {NIST: "132.163.97.1", WINDOWS: "168.61.215.74"}
"""Addresses of hosts for which no document gives one."""

Make = Callable[[Check, str], Observation]
"""A check and the address at which it is tried, to what was seen."""
Change = tuple[str, Make | Observation | str | None]
"""Ids (a pattern) and what is seen there in place of the healthy answer; None where no result came yet, a word where it was not run."""


# ------------------------------------------------------------------------------------------------------------ what a probe may see
def tcp(outcome: Outcome = Outcome.OPEN, icmp: Icmp | None = None, rtt: float = 20.0, resent: int = 0) -> Make:
    """One connect."""
    is_open = outcome is Outcome.OPEN
    return lambda check, address: TcpSeen(
        address, check.port or 0, outcome, icmp=icmp, local=OWN, rtt_ms=rtt if is_open else None, resent=resent if is_open else None
    )


def icmp(kind: int, code: int, sender: str = GATEWAY) -> Icmp:
    """An ICMP error."""
    return Icmp(kind, code, sender)


def says_icmp(kind: int, code: int, sender: str = GATEWAY) -> Make:
    """A connect, or a time question, that an ICMP error ends, by the rules of ``Outcome``."""
    outcome = Outcome.REJECTED if (kind, code) in {(3, 2), (3, 3), (3, 9), (3, 10), (3, 13)} else Outcome.UNREACHABLE

    def make(check: Check, address: str) -> Observation:
        if check.kind == "ntp":
            return NtpSeen(address, outcome, icmp=Icmp(kind, code, sender or address))
        return TcpSeen(address, check.port or 0, outcome, icmp=Icmp(kind, code, sender or address), local=OWN)

    return make


SILENCE, RESET, DENIED = tcp(Outcome.FILTERED), tcp(Outcome.REFUSED), tcp(Outcome.DENIED)


def name(
    *addresses: str, rcode: str = "NOERROR", outcome: Outcome = Outcome.OPEN, by: str = GATEWAY, transport: str = "udp", **more: object
) -> Make:
    """One resolver's answer to the A question."""
    code = rcode if outcome is Outcome.OPEN else None
    answer = DnsAnswer(by, "A", transport, outcome, code, addresses, **more)  # type: ignore[arg-type]
    return lambda check, _address: DnsSeen(check.host or "", (answer,))


def names(*answers: Make) -> Make:
    """The answers of several resolvers, in their order."""

    def make(check: Check, address: str) -> Observation:
        seen = [answer(check, address) for answer in answers]
        return DnsSeen(check.host or "", tuple(a for s in seen if isinstance(s, DnsSeen) for a in s.answers))

    return make


def mute(by: str = GATEWAY) -> Make:
    """A resolver that gives no answer at all."""
    return name(outcome=Outcome.FILTERED, by=by)


GONE = name(rcode="NXDOMAIN")
NOBODY_TO_ASK: Make = lambda check, _address: DnsSeen(check.host or "", ())  # noqa: E731


def certificate(
    host: str, issuer: str, days: tuple[float, float] = (-30, 90), names: tuple[str, ...] = (), own: bool = False
) -> Certificate:
    """A leaf, valid from and until so many days from ``NOW``."""
    first, last = (NOW + timedelta(days=d) for d in days)
    return Certificate(f"CN={host}", issuer, first, last, names or (host,), f"{host} {issuer}".encode().hex()[:64], own)


def tls(
    trusted: bool = True, code: int = 20, issuer: str = "CN=Public CA 2,O=Public Trust", here: bool | None = None, matches: bool = True,
    days: tuple[float, float] = (-30, 90), names: tuple[str, ...] = (), own: bool = False, at: datetime = NOW, when_valid: bool | None = None,
) -> Make:  # fmt: skip
    """A handshake that finished. ``code`` is OpenSSL's where the logger's roots do not trust it; ``here`` what this machine's own say."""

    def make(check: Check, address: str) -> Observation:
        host = check.host or ""
        word = Verification(True) if trusted else Verification(False, code, "not trusted")
        machine = None if here is None else Verification(here)
        later = None if when_valid is None else Verification(when_valid, 0 if when_valid else 20)
        chain = (certificate(host, issuer, days, names, own),)
        return TlsSeen(
            host, Ended.DONE, "finished", "TLSv1.3", "TLS_AES_256_GCM_SHA384", None, chain, word, machine, name_matches=matches, verified_at=at,
            received=3000, logger_when_valid=later,
        )  # fmt: skip

    return make


def cut(ended: Ended = Ended.RESET, stage: str = "hello-sent", received: int = 0, alert: str | None = None) -> Make:
    """A handshake that did not finish."""
    return lambda check, _address: TlsSeen(check.host or "", ended, stage, received=received, alert=alert)


SITE_PAGE = b"<html><title>It works</title><body>The page of this host and of no other.</body></html>"
LOGIN_PAGE = b"<html><title>Guest</title><body><form><input name=room><input type='password' name=code></form></body></html>"


def http(
    status: int | None = 200, body: bytes = SITE_PAGE, to: str | None = None, ended: Ended = Ended.DONE, headers: Mapping[str, str] | None = None,
    date: float | None = 0.0,
) -> Make:  # fmt: skip
    """A page."""

    def make(check: Check, _address: str) -> Observation:
        found = tuple((headers or {}).items()) + ((("location", to),) if to else ())
        got = status is not None
        return HttpSeen(
            f"http://{check.host}/", ended, status, "", found, to, body if got else b"", "A title" if got else None, date if got else None,
            len(body) if got else 0,
        )  # fmt: skip

    return make


def ntp(offset_s: float = 0.0, **more: object) -> Make:
    """An answer of a time server."""
    given: dict[str, object] = {"stratum": 2, "leap": 0, "mode": 4, "origin_echoed": True, "offset_ms": offset_s * 1000, "delay_ms": 30.0}
    return lambda _check, address: NtpSeen(address, Outcome.OPEN, **{**given, **more})  # type: ignore[arg-type]


def no_time(outcome: Outcome = Outcome.FILTERED) -> Make:
    """A time server that gives no answer."""
    return lambda _check, address: NtpSeen(address, outcome)


def ftp(*transfers: FtpTransfer, ended: Ended = Ended.DONE, banner: str | None = "220 ready", login: str | None = None) -> Make:
    """A control connection."""
    return lambda _check, _address: FtpSeen(ended, banner, (), login or ("230 Welcome." if transfers else None), transfers)


def way(mode: str, ended: Ended = Ended.DONE, **more: object) -> FtpTransfer:
    """A data connection that the server offered on port 50000."""
    return FtpTransfer(mode, ended, "227 Entering", **{"port": 50000, **more})  # type: ignore[arg-type]


def banner(text: str | None = "SSH-2.0-x", ended: Ended = Ended.DONE, first: bytes = b"") -> Make:
    """What a port said by itself."""
    return lambda _check, _address: BannerSeen(ended, text, None, first or (text or "").encode())


def port_of_machine(
    identity: str = "eth0", up: bool = True, carrier: bool | None = True, addresses: tuple[str, ...] = (f"{OWN}/24",), kind: str = "wired"
) -> Interface:
    """A network interface."""
    return Interface(identity, up, carrier, None, addresses, kind=kind)


def arp(*answered: str) -> Make:
    """Who answers for this machine's own address."""
    return lambda check, _address: ArpSeen(check.about["address"], "eth0", (OWN_MAC,), answered)


def link(*ports: Interface, gateway: str | None = GATEWAY, answers: bool | None = True, **more: object) -> LinkSeen:
    """This machine's own place. Without ports: one that is as it should be."""
    found = ports or (port_of_machine(),)
    own = next((a.partition("/")[0] for p in found for a in p.addresses if p.up and p.carrier is not False), None)
    given: dict[str, object] = {
        "default_interface": found[0].name if gateway else None, "address": own, "gateway_mac": "02:00:00:00:00:01" if answers else None,
        "resolvers": (GATEWAY,),
    }  # fmt: skip
    loopback = Interface("lo", True, None, None, ("127.0.0.1/8",), kind="loopback")
    return LinkSeen((loopback, *found), gateway=gateway, gateway_answers=answers, **{**given, **more})  # type: ignore[arg-type]


def series(purpose: str, *trials: tuple[Outcome, Mapping[str, object]], path_mtu: int | None = None) -> Make:
    """Several connects; each with the fields of ``TcpSeen`` (and ``ended`` of ``Trial``) that matter."""

    def make(check: Check, address: str) -> Observation:
        made = []
        for outcome, more in trials:
            fields = dict(more)
            ended = fields.pop("ended", None)
            place = fields.pop("address", address or "192.0.2.1")
            made.append(Trial(TcpSeen(place, check.port or 443, outcome, local=OWN, **fields), ended))  # type: ignore[arg-type]
        return SeriesSeen(purpose, tuple(made), path_mtu)

    return make


def beyond(outcome: Outcome = Outcome.FILTERED, said: Icmp | None = None) -> Make:
    """The connects to documented addresses."""

    def make(check: Check, _address: str) -> Observation:
        places = [place.rpartition(":")[::2] for place in check.about["targets"].split(",")]
        return SeriesSeen("beyond", tuple(Trial(TcpSeen(a, int(p), outcome, icmp=said, local=OWN)) for a, p in places))

    return make


_HEALTHY: Mapping[str, Make] = {
    "arp": lambda check, _address: ArpSeen(check.about["address"], check.about["interface"], (), ()),
    "link": lambda _check, _address: link(), "tcp": tcp(), "tls": tls(), "http": http(), "ntp": ntp(), "ftp": ftp(), "ssh": banner(),
    "series": beyond(Outcome.OPEN),
}  # fmt: skip


# ------------------------------------------------------------------------------------------------------------------- the world
@dataclass
class World:
    """A run of this equipment: healthy but for the changes, of which the last that fits counts."""

    changes: list[Change] = field(default_factory=list)
    equipment: tuple[str, ...] = ("pm2000",)
    resolvers: tuple[str, ...] = (GATEWAY,)
    kind: str = "local"
    ipv6: bool = False
    added: list[tuple[Check, Make]] = field(default_factory=list)
    attempts: int = 3
    cut: bool = False
    catalogue: Catalogue = field(default_factory=load)

    def state(self) -> State:
        """The folded state."""
        info = VantageInfo(self.kind, "test", "eth0", OWN, GATEWAY, self.resolvers, ipv6=self.ipv6)
        checks = [*plan(self.catalogue, self.equipment, info, Options(nonce="xq")), *(check for check, _ in self.added)]
        state = State("s", NOW, info, self.equipment, 10.0, {check.id: check for check in checks}, ended="done")
        made = {check.id: make for check, make in self.added}
        for check in checks:
            result = self._result(state, check, made.get(check.id))
            if result is not None:
                state.results[check.id] = result
        return state

    def _result(self, state: State, check: Check, made: Make | None) -> Result | None:
        above = state.results.get(check.needs or "")
        if check.needs and (above is None or not _carries(above)):
            return None if above is None else Result(check, None, not_run="needs")
        address = (above.address if above is not None else None) or check.about.get("address")
        if above is not None and isinstance(above.observation, DnsSeen):
            sixth = check.about.get("family") == "ipv6"
            address = next((a for a in above.observation.addresses if not sixth or ":" in a), None)
            if address is None:
                return Result(check, TcpSeen("", check.port or 0, Outcome.FAILED, "EAI_ADDRFAMILY"), attempts=1)
        seen: Make | Observation | str | None = made or _HEALTHY.get(check.kind) or self._healthy_name
        for pattern, change in self.changes:
            if fnmatchcase(check.id, pattern):
                seen = change
        if seen is None or isinstance(seen, str):
            return None if seen is None else Result(check, None, not_run=seen)
        observation = seen(check, address or "") if callable(seen) else seen
        return Result(
            check,
            observation,
            address,
            4000.0 if _silent(observation) else 20.0,
            cut=self.cut,
            attempts=self.attempts if _silent(observation) else 1,
        )

    def _healthy_name(self, check: Check, address: str) -> Observation:
        if check.about.get("purpose") == "canary":
            return name(rcode="NXDOMAIN", by=check.about["resolver"])(check, address)
        documented = check.about.get("documented", "").split(",")[0] or FREE.get(check.host or "", "192.52.193.9")
        return (
            names(*(name(documented, by=resolver) for resolver in self.resolvers))(check, address)
            if self.resolvers
            else NOBODY_TO_ASK(check, address)
        )


def _carries(result: Result) -> bool:
    seen = result.observation
    match seen:
        case DnsSeen():
            return bool(seen.addresses)
        case TcpSeen():
            return seen.outcome is Outcome.OPEN
        case TlsSeen():
            return seen.ended is Ended.DONE
    return False


def _silent(seen: Observation) -> bool:
    return getattr(seen, "outcome", None) is Outcome.FILTERED or getattr(seen, "ended", None) is Ended.SILENT


# ------------------------------------------------------------------------------------------------------- what the rules wish for
def opinion(host: str, *addresses: str, rcode: str = "NOERROR", by: str = OUTSIDE, outcome: Outcome = Outcome.OPEN) -> tuple[Check, Make]:
    """What a resolver outside says of a name."""
    check = Check(f"opinion:{by}:{host}", "dns", host=host, about={"resolver": by, "purpose": "opinion", "type": "A"})
    return check, name(*addresses, rcode=rcode, by=by, outcome=outcome)


def other_name(host: str, seen: Make, port: int = 443) -> list[tuple[Check, Make]]:
    """A handshake at the same address with another name."""
    connect = Check(f"tcp:{host}:{port}:sni", "tcp", host, port, about={"address": "192.0.2.1"})
    return [
        (connect, tcp()),
        (Check(f"tls:{host}:{port}:sni", "tls", host, port, needs=connect.id, about={"server_name": "example.com"}), seen),
    ]


def ttls(host: str, port: int, *trials: tuple[Outcome, int]) -> tuple[Check, Make]:
    """A port tried with these TTLs."""
    check = Check(f"ttl:{host}:{port}", "series", host, port, about={"purpose": "ttl"})
    return check, series("ttl", *((outcome, {"ttl": ttl}) for outcome, ttl in trials))


def segments(host: str, port: int, plain: Ended, small: Ended, mtu: int | None = 1400) -> tuple[Check, Make]:
    """A port tried with segments as the system would have them, and with the smallest."""
    check = Check(f"mss:{host}:{port}", "series", host, port, about={"purpose": "mss"})
    return check, series("mss", (Outcome.OPEN, {"ended": plain}), (Outcome.OPEN, {"ended": small, "mss": 536}), path_mtu=mtu)


def losses(host: str, port: int, resent: Iterable[int]) -> tuple[Check, Make]:
    """Many connects, with how often each first packet was sent again."""
    check = Check(f"loss:{host}:{port}", "series", host, port, about={"purpose": "loss"})
    return check, series("loss", *((Outcome.OPEN, {"resent": n, "rtt_ms": 40.0}) for n in resent))


def through_proxy(host: str, status: int | None) -> tuple[Check, Make]:
    """The host asked for through the configured proxy."""
    return Check(f"proxy:{host}:443", "proxy", host, 443, about={"proxy": "http://proxy.site.example:3128"}), http(status)


def instead_of_silence(host: str, port: int, seen: Make) -> list[tuple[Check, Make]]:
    """A port that says nothing by itself, asked as a web server would be."""
    connect = Check(f"tcp:{host}:{port}:else", "tcp", host, port, about={"address": "192.0.2.1"})
    return [(connect, tcp()), (Check(f"http:{host}:{port}:else", "http", host, port, needs=connect.id), seen)]


# --------------------------------------------------------------------------------------------------------------------- sets of ids
def chain(host: str, port: int = 443) -> set[str]:
    """A web port's rows, from the connect up."""
    kinds = ("tcp", "tls", "http") if port == 443 else ("tcp", "http")
    return {f"{kind}:{host}:{port}" for kind in kinds}


def host_rows(host: str) -> set[str]:
    """Every row of a web host."""
    return {f"dns:{host}", *chain(host, 80), *chain(host, 443)}


def required(equipment: tuple[str, ...] = ("pm2000",), *kinds: str) -> set[str]:
    """Every row that this equipment needs, of these kinds where some are named."""
    info = VantageInfo("local", "test", resolvers=(GATEWAY,))
    return {c.id for c in plan(load(), equipment, info) if c.equipment and (not kinds or c.kind in kinds)}


CANARIES = {f"canary:{GATEWAY}:com", f"canary:{GATEWAY}:own"}


# --------------------------------------------------------------------------------------------------------------------- the verdict
@dataclass(frozen=True)
class Want:
    """One finding, exactly. ``follows`` is compared only where it is given."""

    cause: str
    explains: frozenset[str] | set[str]
    severity: str = "fail"
    confidence: str = "certain"
    follows: frozenset[str] | set[str] | None = None
    owner: str | None = None


@dataclass(frozen=True)
class Case:
    """A row of a table: a rule in one sentence, the world, and the findings in their order."""

    rule: str
    world: World
    want: tuple[Want, ...] = ()
    unknown: frozenset[str] | set[str] = frozenset()
    """Rows that must read as unknown."""

    def __str__(self) -> str:
        return self.rule.replace(" ", "-")


def diagnosed(state: State) -> Diagnosis:
    """What the rules say, holding what is true of every diagnosis."""
    found = diagnose(state)
    told = {f.cause for f in found.findings}
    for finding in found.findings:
        _has_its_words(finding)
        assert finding.explains == tuple(dict.fromkeys(finding.explains)), "a row is explained once"
        assert set(finding.explains) <= set(state.checks), "only planned checks are explained"
        assert set(finding.follows) <= set(finding.explains)
    for check in state.required():
        reading = found.readings.get(check.id)
        if reading is None:
            assert check.id not in state.results
        elif reading.status is Status.FAIL:
            assert reading.cause in told, f"{check.id} fails for {reading.cause} and no finding says so"
        elif reading.status is Status.PASS:
            assert state.results[check.id].observation is not None, f"{check.id} was not run and passes"
    for identity, reading in found.readings.items():
        assert reading.because is None or reading.because in state.checks, f"{identity} waits for {reading.because}, which is no check"
        assert reading.because != identity
    return found


def _has_its_words(finding: Finding) -> None:
    words = load_causes()
    cause = words.causes[finding.cause]
    for text in (cause.summary, *cause.remedy):
        _filled(text, finding.facts, finding.cause)
    for said in finding.evidence:
        _filled(words.evidence[said.key], said.values, said.key)
    told = describe(words, finding)
    for text in (told.summary, *told.evidence, *told.remedy):
        assert displayable(text, 4000) == text


def _filled(text: str, values: Mapping[str, str], where: str) -> None:
    for _, key, _, _ in string.Formatter().parse(text):
        assert key is None or values.get(key, "") not in {"?", None}, f"{where}: nothing fills {{{key}}} of '{text}'"
        assert key is None or key in values, f"{where}: {{{key}}} of '{text}' is not given"


def holds(case: Case) -> None:
    """The findings are exactly those wanted, in order; every other required row passes or is satisfied, and the verdict fits."""
    state = case.world.state()
    found = diagnosed(state)
    got = [(f.cause, f.severity.value, f.confidence.value) for f in found.findings]
    wanted = [(w.cause, w.severity, w.confidence) for w in case.want]
    assert got == wanted, f"{got} in place of {wanted}: {[f.explains for f in found.findings]}"
    for finding, want in zip(found.findings, case.want, strict=True):
        more, less = set(finding.explains) - set(want.explains), set(want.explains) - set(finding.explains)
        assert not more and not less, f"{want.cause} explains too much {sorted(more)}, too little {sorted(less)}"
        assert want.follows is None or set(finding.follows) == set(want.follows), f"{want.cause}: {sorted(finding.follows)}"
        assert want.owner is None or (finding.owner or load_causes().causes[finding.cause].owner).value == want.owner
    told = {i for f in found.findings if f.severity is not Severity.INFO for i in f.explains}
    for check in state.required():
        status = found.readings[check.id].status if check.id in found.readings else Status.UNKNOWN
        if check.id in case.unknown:
            assert status is Status.UNKNOWN, check.id
        elif check.id not in told and check.id in state.results:
            above = found.readings.get(check.needs or "")
            nobody = getattr(state.results[check.id].observation, "errno", None) == "EAI_ADDRFAMILY"
            waits = above is not None and above.status in {Status.UNKNOWN, Status.SKIP}
            assert status is Status.PASS or (status is Status.SKIP and (check.group or nobody or waits)), (
                f"{check.id} reads {status} and nothing explains it"
            )


def with_equipment(world: World, *equipment: str) -> World:
    """The same for other equipment."""
    return replace(world, equipment=equipment)
