"""What to ask of the owner of a firewall: from a session's faults, or everything that its equipment needs. Pure.

One ``Ask`` is one line of a request: which way, which protocol and ports, to whom by name and by address, why, who asked, and what was
seen. Which causes ask for what is data (assets/requests/_asks.toml). Names and addresses are the catalogue's, and what trustworthy
answers of this session said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from ipaddress import ip_address, ip_interface

from aetui.catalogue import Catalogue, Endpoint, Inbound, Service, is_address
from aetui.describe import row_line
from aetui.display import displayable
from aetui.entries import Kept
from aetui.observations import DnsSeen, FtpSeen, LinkSeen
from aetui.reach import Target
from aetui.records import Check, Diagnosed, Requirement, Severity, Status
from aetui.state import State
from aetui.strict import parse_toml
from aetui.tally import PROVED, tally_of

FTP_DATA = "1024-65535"
"""Where a passive FTP server may listen (RFC 959 names none; RFC 6056's range is a habit, not a rule)."""

UNKNOWN_SOURCE = "0.0.0.0/0"
"""Where the place of the test tells no network of its own."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One line of a request."""

    kind: str
    """``allow``, ``ftp`` (allow, for FTP's data), ``dns-here`` (a DNS server on the site's own network), ``exempt`` or ``forward``."""
    protocol: str
    ports: str
    """One port, or ``low-high``."""
    target: str
    """A host name, an address, or a network."""
    documented: tuple[str, ...] = ()
    """Addresses of the requirement document."""
    seen: tuple[str, ...] = ()
    """Further addresses that the name had in this session."""
    why: str = ""
    asked: str = ""
    """Which equipment, and where its need is written."""
    evidence: str = ""
    number: int = 0
    inside: str = ""
    """Of a forward: the equipment's own port, where it is another than the public one."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """All known addresses; a network counts as one."""
        return (self.target,) if "/" in self.target or is_address(self.target) else self.documented + self.seen

    @property
    def own_port(self) -> str:
        """The port at the equipment's end."""
        return self.inside or self.ports

    @property
    def floating(self) -> bool:
        """True for a name without a documented address: its owner moves it about."""
        return self.kind == "allow" and not self.documented and self.target not in self.addresses

    @property
    def direction(self) -> str:
        """``inbound`` or ``outbound``, as seen from the site."""
        return "inbound" if self.kind == "forward" else "outbound"


@dataclass(frozen=True, slots=True)
class Asked:
    """A whole request."""

    asks: tuple[Ask, ...]
    source: str
    """Network in CIDR form that the equipment stands in."""
    source_known: bool
    later: int
    """Needs that could not be tested, and are not in it."""
    when: str
    """When it was tested: UTC, to the minute."""
    other_faults: bool = False
    """True where something failed that is no matter of a firewall's rules."""
    tested: bool = True
    """False where the session holds neither checks nor looks from outside: knocks and paths say nothing of what is needed."""

    nameless: bool = False
    """True where names have to be looked up and no server for them is known."""

    @property
    def nothing(self) -> str:
        """Why it asks for nothing: a key of the words of both request and letter."""
        return "nothing_here" if self.other_faults else "nothing" if self.tested else "nothing_tested"


@cache
def tables() -> Mapping[str, Mapping[str, str]]:
    """assets/requests/_asks.toml."""
    table = parse_toml(files("aetui.assets").joinpath("requests", "_asks.toml").read_bytes(), "requests/_asks.toml")
    found = {name: table.table(name).strings() for name in ("cause", "word")}
    table.done()
    return found


def word(key: str, **values: object) -> str:
    """One sentence of the ``[word]`` table, filled."""
    return tables()["word"][key].format_map({name: str(value) for name, value in values.items()})


def asked(kept: Kept, catalogue: Catalogue, everything: bool = False) -> Asked:
    """The request: every need where ``everything`` is wanted, else those that a fault of this session keeps from working."""
    gathering = _Gathering(kept, catalogue, everything)
    found = tuple(replace(ask, number=number) for number, ask in enumerate(_merged(gathering.asks()), 1))
    network = source(kept.state)
    return Asked(
        found,
        network or UNKNOWN_SOURCE,
        network is not None,
        0 if everything else gathering.later(),
        gathering.when,
        gathering.faulty(),
        bool(kept.inbound) or any(True for _ in kept.state.required()),
        gathering.names_wanted() and not gathering.resolvers(),
    )


def source(state: State) -> str | None:
    """The network that the test was made from; None where it is not known."""
    for result in state.results.values():
        if isinstance(result.observation, LinkSeen):
            link = result.observation
            for interface in link.interfaces:
                for address in interface.addresses:
                    if link.address is not None and address.split("/")[0] == link.address:
                        return str(ip_interface(address).network)
    return None


def _merged(found: Iterable[Ask]) -> Iterator[Ask]:
    """Each line once; who asked for it is put together."""
    known: dict[tuple[str, str, str, str], Ask] = {}
    for ask in found:
        key = (ask.kind, ask.protocol, ask.ports, ask.target)
        there = known.get(key)
        if there is None:
            known[key] = ask
        elif ask.asked not in there.asked:
            known[key] = replace(there, asked=f"{there.asked}; {ask.asked}")
    yield from known.values()


class _Gathering:
    """One request in the making."""

    def __init__(self, kept: Kept, catalogue: Catalogue, everything: bool) -> None:
        self.state = kept.state
        self.kept = kept
        self.catalogue = catalogue
        self.everything = everything
        self.beside = tally_of(kept).findings()
        """What was concluded beside the checks, as it stands now."""
        self.when = f"{kept.state.started:%Y-%m-%d %H:%M}"
        self.wanted: dict[str, frozenset[str]] = {}
        """By check id: what its cause asks for."""
        self.cause: dict[str, str] = {}
        for finding in kept.state.diagnosis.findings:
            if finding.severity is not Severity.INFO:
                for identity in finding.explains:
                    self.wanted[identity] = self.wanted.get(identity, frozenset()) | frozenset(
                        tables()["cause"].get(finding.cause, "").split()
                    )
                    self.cause.setdefault(identity, finding.cause)

    def asks(self) -> Iterator[Ask]:
        """DNS first, then the hosts in the catalogue's order, time among them, then what comes in."""
        yield from self._dns()
        for endpoint in self.catalogue.endpoints_of(self.state.equipment):
            for service in endpoint.services:
                if service.requirement is not Requirement.STATED:
                    yield from self._service(endpoint, service)
        yield from self._inbound()

    def later(self) -> int:
        """Required checks with neither a result that holds nor a line of their own."""
        left = {c.id for c in self.state.required() if self._open(c.id)}
        covered = {identity for identity, wanted in self.wanted.items() if wanted & {"allow", "exempt", "ftp"}}
        return len({self._place(identity) for identity in left - covered} - {self._place(identity) for identity in covered})

    def faulty(self) -> bool:
        """True where anything failed, whoever mends it."""
        checks = [finding.severity for finding in self.state.diagnosis.findings]
        return Severity.FAIL in {*checks, *(entry.severity for entry in self.beside)}

    def _open(self, identity: str) -> bool:
        """True where it is not known whether a check holds; one that another of its either-or group stands in for is settled."""
        reading = self.state.reading(identity)
        settled = reading.because is not None and self.state.reading(reading.because).status is Status.PASS
        return reading.status in {Status.SKIP, Status.UNKNOWN} and not settled

    def _place(self, identity: str) -> tuple[str | None, int | None]:
        check = self.state.checks[identity]
        return check.host, check.port

    def _service(self, endpoint: Endpoint, service: Service) -> Iterator[Ask]:
        checks = [c for c in self.state.checks.values() if self._of(c, endpoint) and c.port == service.port]
        wanted = frozenset[str]().union(*(self.wanted.get(c.id, frozenset()) for c in checks))
        protocol = "udp" if service.speaks == "ntp" else "tcp"
        ask = Ask(
            "allow", protocol, str(service.port), endpoint.host, () if endpoint.literal else endpoint.addresses, self._seen(endpoint), endpoint.why,
            self._asker(endpoint.equipment, endpoint.section), self._evidence(checks),
        )  # fmt: skip
        if self.everything or "allow" in wanted:
            yield ask
        if service.speaks == "ftp" and (self.everything or wanted & {"allow", "ftp"}):
            yield replace(ask, kind="ftp", ports=FTP_DATA, why=word("ftp_why"), evidence=self._transfers(checks))
        if service.speaks == "https" and (self.everything or "exempt" in wanted):
            handshakes = [check for check in checks if check.kind == "tls"]
            yield replace(ask, kind="exempt", why=word("exempt_why"), evidence=self._evidence(handshakes))

    @staticmethod
    def _of(check: Check, endpoint: Endpoint) -> bool:
        return check.host == endpoint.host or check.about.get("network") == endpoint.host

    def _seen(self, endpoint: Endpoint) -> tuple[str, ...]:
        """What the name led to in this session, where its answer is one to trust."""
        identity = f"dns:{endpoint.host}"
        result = self.state.results.get(identity)
        if result is None or not isinstance(result.observation, DnsSeen) or self.state.reading(identity).status is not Status.PASS:
            return ()
        return tuple(a for a in result.observation.addresses if a not in endpoint.addresses and is_address(a))

    def _asker(self, keys: Iterable[str], section: str) -> str:
        titles = [self.catalogue.equipment[k].title for k in self.state.equipment if k in keys and k in self.catalogue.equipment]
        return word("asked", equipment=", ".join(titles), source=word("document", document=self.catalogue.document, section=section))

    def _evidence(self, checks: list[Check]) -> str:
        for check in checks:
            if check.id in self.cause:
                line = row_line(self.state, check.id)
                return word("seen", cause=self.cause[check.id], line=line, when=self.when)
        for check in checks:
            if self.state.reading(check.id).status is Status.PASS:
                return word("fine", line=row_line(self.state, check.id), when=self.when)
        return word("unseen")

    def _names(self) -> list[Check]:
        return [check for check in self.state.required() if check.kind == "dns"]

    def names_wanted(self) -> bool:
        """True where a server for names is to be asked for."""
        names = self._names()
        return bool(names) and (self.everything or any("dns" in self.wanted.get(check.id, frozenset()) for check in names))

    def resolvers(self) -> tuple[str, ...]:
        """Addresses of the servers for names that are not on the machine itself, where no firewall stands before them."""
        return tuple(r for r in self.state.vantage.resolvers if is_address(r) and not ip_address(r).is_loopback)

    def _dns(self) -> Iterator[Ask]:
        if not self.names_wanted():
            return
        names, here = self._names(), source(self.state)
        titles = [self.catalogue.equipment[k].title for k in self.state.equipment if k in self.catalogue.equipment]
        for resolver in self.resolvers():
            address = ip_address(resolver)
            near = address.is_link_local or (here is not None and address in ip_interface(here).network)
            for protocol in ("udp", "tcp"):
                yield Ask(
                    "dns-here" if near else "allow", protocol, "53", resolver, why=word("dns_why"), evidence=self._evidence(names),
                    asked=word("asked", equipment=", ".join(titles), source="RFC 7766"),
                )  # fmt: skip

    def _transfers(self, checks: list[Check]) -> str:
        """What was seen of FTP's data connections: a control connection that works says nothing of them."""
        for check in checks:
            result = self.state.results.get(check.id)
            if result is not None and isinstance(result.observation, FtpSeen) and result.observation.transfers:
                return self._evidence([check])
        return word("unseen")

    def _inbound(self) -> Iterator[Ask]:
        """The forwards that the equipment needs; those that were tried and failed where no equipment was named."""
        tried = tuple(dict.fromkeys(r.target for done in self.kept.inbound for r in done.seen.outside))
        entries = tuple(self.catalogue.inbound_of(self.state.equipment))
        for entry in entries:
            for target, failed in self._wanted(entry, tried):
                public = str(target.port) if target is not None else str(entry.port)
                yield Ask(
                    "forward", "tcp", public, displayable(entry.service), why=entry.why, evidence=self._forwarded(failed, target),
                    asked=self._asker(entry.equipment, entry.section), inside=str(entry.port) if public != str(entry.port) else "",
                )  # fmt: skip
        for target in () if entries else tried:
            failed = self._failed(target)
            if failed is not None:
                known = next((e for e in self.catalogue.inbound_of(tuple(self.catalogue.equipment)) if e.port == target.own_port), None)
                yield Ask(
                    "forward", "tcp", str(target.port), displayable(target.expected or "tcp"), why=known.why if known else word("forward_why"),
                    evidence=self._forwarded(failed, target), asked=word("tried"),
                    inside=str(target.own_port) if target.own_port != target.port else "",
                )  # fmt: skip

    def _wanted(self, entry: Inbound, tried: Iterable[Target]) -> Iterator[tuple[Target | None, Diagnosed | None]]:
        """Where a need is to be asked for, with what failed there: each target that was tried for it and failed; without any, the need
        itself where everything is wanted, or where a forward failed that no look tells more of.
        """
        targets = [target for target in tried if target.own_port == entry.port]
        failed = [(target, found) for target in targets if (found := self._failed(target)) is not None]
        loose = None if targets else self._loose(entry.service, tried)
        if failed:
            yield from failed
        elif self.everything or loose is not None:
            yield targets[0] if targets else None, loose

    def _forwards(self) -> Iterator[Diagnosed]:
        return (entry for entry in self.beside if tables()["cause"].get(entry.cause) == "forward")

    def _failed(self, target: Target) -> Diagnosed | None:
        """What keeps a target from being reached that a forward mends."""
        return next((entry for entry in self._forwards() if target.id in entry.explains), None)

    def _loose(self, service: str, tried: Iterable[Target]) -> Diagnosed | None:
        """A forward that failed for a service at a target that is not known here, as in a guide; one that names no target may be any."""
        known = {target.id for target in tried}
        for entry in self._forwards():
            services = {identity.partition(":")[0] for identity in entry.explains if identity not in known}
            if services & {service, "tcp"} or not entry.explains:
                return entry
        return None

    def _forwarded(self, failed: Diagnosed | None, target: Target | None) -> str:
        """What was seen of a forward."""
        if failed is not None:
            return word("seen", cause=failed.cause, line=failed.summary.rstrip("."), when=self.when)
        held = [entry for entry in self.beside if target is not None and entry.cause in PROVED and target.id in entry.explains]
        return word("fine", line=held[0].summary.rstrip("."), when=self.when) if held else word("unseen")
