"""What the rules look at: a state, sorted for asking, and which of its rows have been explained already.

Rules are read root first. A rule asks for rows that fail and that nothing before it has explained, and yields findings; the reader takes each in,
so that a later rule sees only what is left. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address
from typing import TypeVar

from aetui.diagnosis.readings import Tentative, read
from aetui.events import Result
from aetui.observations import DnsAnswer, DnsSeen, HttpSeen, LinkSeen, NtpSeen, Observation, Outcome, SeriesSeen, TcpSeen, TlsSeen
from aetui.records import Check, Finding, Severity, Status
from aetui.state import State

SHORTEST_SILENCE_MS = 2000.0
"""A resolver's silence is an answer once it has lasted so long."""

T = TypeVar("T", bound=Observation)


@dataclass(frozen=True, slots=True)
class Row:
    """A check that equipment needs, with what was seen and how that reads by itself."""

    check: Check
    result: Result
    reading: Tentative

    @property
    def id(self) -> str:
        """The check's id."""
        return self.check.id

    @property
    def host(self) -> str:
        """The check's host."""
        return self.check.host or ""

    @property
    def address(self) -> str:
        """The address that was tried."""
        return self.result.address or ""


@dataclass
class View:
    """One state under the rules' eyes."""

    state: State
    readings: dict[str, Tentative] = field(default_factory=dict)
    satisfied: dict[str, str] = field(default_factory=dict)
    """Members of an either-or group that need not hold, by the member that does."""
    explained: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    _below: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        """Read every result by itself."""
        for check in self.state.checks.values():
            if check.needs:
                self._below[check.needs].append(check.id)
        for result in self.state.results.values():
            self.readings[result.check.id] = read(result)
        self._read_groups()

    def _read_groups(self) -> None:
        """One pass in a group satisfies all of it; while members are out, those that fail say nothing yet."""
        groups: dict[str, list[str]] = defaultdict(list)
        for check in self.state.checks.values():
            if check.group:
                groups[check.group].append(check.id)
        for members in groups.values():
            holds = next((i for i in members if i in self.readings and self.readings[i].status is Status.PASS), None)
            for identity in members:
                if identity not in self.readings or self.readings[identity].status is not Status.FAIL:
                    continue
                if holds is not None:
                    self.satisfied[identity] = holds
                    self.readings[identity] = Tentative(Status.SKIP)
                elif any(i not in self.readings for i in members):
                    self.readings[identity] = Tentative(Status.UNKNOWN)

    def take(self, finding: Finding) -> None:
        """Accept a finding: what it explains is no longer open to other rules."""
        self.findings.append(finding)
        if finding.severity is not Severity.INFO:
            self.explained.update(finding.explains)

    # ------------------------------------------------------------------------------------------------------------ rows
    def rows(self, *kinds: str) -> list[Row]:
        """The rows of these kinds (all where none is named) that equipment needs and that were measured, explained or not."""
        return [row for row in self._measured if not kinds or row.check.kind in kinds]

    @cached_property
    def _measured(self) -> list[Row]:
        results = self.state.results
        return [
            Row(check, results[check.id], self.readings[check.id])
            for check in self.state.checks.values()
            if check.equipment and check.id in results and results[check.id].observation is not None
        ]

    def failing(self, *kinds: str, cause: str | None = None) -> list[Row]:
        """As ``rows``: those that fail by themselves and that no finding explains yet."""
        return [
            row
            for row in self.rows(*kinds)
            if row.reading.status is Status.FAIL and row.id not in self.explained and cause in {None, row.reading.cause}
        ]

    def passing(self, *kinds: str) -> list[Row]:
        """As ``rows``: those that hold by themselves."""
        return [row for row in self.rows(*kinds) if row.reading.status is Status.PASS]

    def holds(self, identity: str | None) -> bool:
        """True where a check has been measured and holds by itself."""
        tentative = self.readings.get(identity or "")
        return tentative is not None and tentative.status is Status.PASS

    def below(self, identities: Iterable[str]) -> tuple[str, ...]:
        """These checks and all that could not run because of them."""
        found: dict[str, None] = {}
        for identity in identities:
            found[identity] = None
            waiting = [i for i in self._below.get(identity, ()) if (r := self.state.results.get(i)) is not None and r.not_run == "needs"]
            found.update(dict.fromkeys(self.below(waiting)))
        return tuple(found)

    def above(self, identity: str) -> Iterator[str]:
        """What a check needs, the nearest first."""
        check = self.state.checks.get(identity)
        while check is not None and check.needs:
            yield check.needs
            check = self.state.checks.get(check.needs)

    def settled(self, kinds: Iterable[str]) -> bool:
        """True once every planned check of these kinds has its result."""
        wanted = set(kinds)
        return all(c.id in self.state.results for c in self.state.checks.values() if c.kind in wanted)

    # ---------------------------------------------------------------------------------------------------- observations
    def seen(self, identity: str, kind: type[T]) -> T | None:
        """A check's observation, where it is of this kind."""
        result = self.state.results.get(identity)
        seen = result.observation if result is not None else None
        return seen if isinstance(seen, kind) else None

    @cached_property
    def link(self) -> LinkSeen | None:
        """This machine's own place."""
        return self.seen("link", LinkSeen)

    @cached_property
    def tcp(self) -> list[tuple[Row, TcpSeen]]:
        """Every measured connect that equipment needs."""
        return [(row, seen) for row in self.rows("tcp") if isinstance(seen := row.result.observation, TcpSeen)]

    @cached_property
    def tls(self) -> list[tuple[Row, TlsSeen]]:
        """Every measured handshake."""
        return [(row, seen) for row in self.rows("tls") if isinstance(seen := row.result.observation, TlsSeen)]

    @cached_property
    def http(self) -> list[tuple[Row, HttpSeen]]:
        """Every measured request."""
        return [(row, seen) for row in self.rows("http") if isinstance(seen := row.result.observation, HttpSeen)]

    @cached_property
    def ntp(self) -> list[tuple[Row, NtpSeen]]:
        """Every measured time exchange."""
        return [(row, seen) for row in self.rows("ntp") if isinstance(seen := row.result.observation, NtpSeen)]

    @cached_property
    def names(self) -> list[tuple[Row, DnsSeen]]:
        """Every name that equipment needs, as asked of the site's own resolvers."""
        return [(row, seen) for row in self.rows("dns") if isinstance(seen := row.result.observation, DnsSeen)]

    @cached_property
    def answers(self) -> list[DnsAnswer]:
        """Every answer of every configured resolver, canaries included; a silence that the run's end cut short is none."""
        resolvers = set(self.state.vantage.resolvers)
        return [
            answer
            for result in self.state.results.values()
            if isinstance(result.observation, DnsSeen)
            for answer in result.observation.answers
            if answer.resolver in resolvers
            and not (result.cut and answer.outcome is Outcome.FILTERED and answer.elapsed_ms < SHORTEST_SILENCE_MS)
        ]

    def canaries(self, resolver: str) -> list[tuple[Check, DnsSeen]]:
        """The names that cannot exist, as this resolver answered them."""
        return [
            (check, seen)
            for check in self.state.checks.values()
            if check.about.get("purpose") == "canary"
            and check.about.get("resolver") == resolver
            and (seen := self.seen(check.id, DnsSeen)) is not None
        ]

    def opinions(self, host: str, beside: bool = True) -> list[DnsAnswer]:
        """What resolvers outside the site say of a name, asked from here and, unless told otherwise, from the second vantage."""
        asked = [r for r in self.state.results.values() if r.check.about.get("purpose") == "opinion" and r.check.host == host]
        there = self.state.beside.get(f"dns:{host}") if beside else None
        asked += [there] if there is not None else []
        return [
            answer
            for result in asked
            if isinstance(result.observation, DnsSeen)
            for answer in result.observation.answers
            if answer.outcome is Outcome.OPEN
        ]

    def series(self, prefix: str, host: str, port: int | None) -> SeriesSeen | None:
        """A series made for one port."""
        return self.seen(f"{prefix}:{host}:{port}", SeriesSeen)

    @cached_property
    def beyond(self) -> SeriesSeen | None:
        """The connects to documented addresses, made without any name."""
        return self.seen("beyond", SeriesSeen)

    @cached_property
    def gateway_heard(self) -> bool:
        """True where the gateway has answered anything: on the link, or as a DNS server."""
        gateway = self.link.gateway if self.link else self.state.vantage.gateway
        asked = any(answer.outcome is Outcome.OPEN and answer.resolver == gateway for answer in self.answers)
        return asked or (self.link is not None and self.link.gateway_answers is True)

    @cached_property
    def outside_answers(self) -> bool:
        """True where anything beyond the gateway has answered anything at all."""
        gateway = self.link.gateway if self.link else self.state.vantage.gateway
        heard = {Outcome.OPEN, Outcome.REFUSED}
        trials = [t.tcp for t in self.beyond.trials] if self.beyond else []
        for tcp in (*trials, *(seen for _, seen in self.tcp)):
            if tcp.outcome in heard or (
                tcp.outcome is Outcome.REJECTED and tcp.icmp is not None and tcp.icmp.sender not in {gateway, tcp.local}
            ):
                return True
        if any(seen.outcome is Outcome.OPEN for _, seen in self.ntp):
            return True
        if any(answer.outcome is Outcome.OPEN and ip_address(answer.resolver).is_global for answer in self.answers):
            return True
        return any(self.opinions(row.host, beside=False) for row, _ in self.names)


MOST_NAMED = 4
"""Hosts that a sentence names before it counts the rest."""


def named(rows: Iterable[Row]) -> str:
    """The hosts of some rows, for a sentence."""
    found = list(dict.fromkeys(row.host for row in rows))
    return ", ".join(found[:MOST_NAMED]) + (f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else "")
