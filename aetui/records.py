"""The types that cross floors, and nothing else: no I/O, no logic beyond derivation from own fields.

Admission rule: a type is here when two floors need it. What a probe saw is in ``observations``; what happens while a session runs is in
``events``. Times are milliseconds unless the name says otherwise; deadlines are absolute readings of the event loop's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """How a check stands. Unknown is not false; skip is never a pass."""

    PASS = "pass"  # noqa: S105  (no password)
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    UNKNOWN = "unknown"


class Requirement(StrEnum):
    """What the catalogue says: hard must hold, soft should, stated is in the document and not judged."""

    HARD = "hard"
    SOFT = "soft"
    STATED = "stated"


class Transport(StrEnum):
    """The transport protocol of a check."""

    TCP = "tcp"
    UDP = "udp"


class Severity(StrEnum):
    """How much a finding matters to the verdict."""

    FAIL = "fail"
    WARN = "warn"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for what matters most; by it findings are sorted."""
        return [*Severity].index(self)


class Confidence(StrEnum):
    """How far the observation determines the cause."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Owner(StrEnum):
    """Who can mend it."""

    SITE_IT = "site-it"
    ISP = "isp"
    VENDOR = "vendor"
    TECHNICIAN = "technician"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """The one answer of a run."""

    READY = "ready"
    DEGRADED = "degraded"
    BLOCKED = "blocked"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to measure, as the plan wrote it down. The session gives it to the probe named by ``kind``."""

    id: str
    """Stable: ``kind:host:port``, for example ``tcp:www.alsoenergy.com:443``. Never reused for another meaning."""
    kind: str
    """Key into ``probes.PROBES``."""
    host: str | None = None
    """The name that the equipment uses, or a literal address where the document gives one."""
    port: int | None = None
    transport: Transport | None = None
    equipment: tuple[str, ...] = ()
    """Equipment keys that need it; empty for what the diagnosis itself needs."""
    requirement: Requirement = Requirement.STATED
    group: str | None = None
    """Either-or: one pass in the group satisfies all of it."""
    needs: str | None = None
    """Id of the check whose result (address, open stream) this one continues; it runs only when that one carried something over."""
    tries: int = 1
    """Attempts in all where the observation is silence. The first goes alone, the others together; each is counted in the report."""
    source: str = ""
    """Section of the requirement document, or the standard, that it comes from."""
    about: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Further parameters of the probe, by the names in its docstring."""

    @property
    def required(self) -> bool:
        """True where the verdict depends on it."""
        return self.requirement is Requirement.HARD


@dataclass(frozen=True, slots=True)
class VantageInfo:
    """Where the probes run from, as the report says it."""

    kind: str
    """``local``, ``jump`` or ``demo``."""
    name: str
    interface: str | None = None
    address: str | None = None
    gateway: str | None = None
    resolvers: tuple[str, ...] = ()
    privileged: bool = False
    ipv6: bool = False
    """True where a global IPv6 address and a default route are there."""
    missing: tuple[str, ...] = ()
    """What this vantage could not tell of itself (``resolvers``, ``names``, ``address``): not known, which is not the same as none."""


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of evidence: a key of assets/causes.toml's ``[evidence]`` table and the values that fill it."""

    key: str
    values: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule concluded: a cause, what it explains, and why we say so. Words are added by ``causes.describe``."""

    cause: str
    explains: tuple[str, ...]
    """Ids of the checks that this cause accounts for, failed and skipped alike."""
    follows: tuple[str, ...] = ()
    """Those of ``explains`` that fail only because of the first of them: they read as skipped."""
    severity: Severity = Severity.FAIL
    confidence: Confidence = Confidence.CERTAIN
    evidence: tuple[Said, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Values for the cause's own sentences (resolver, issuer, host …)."""
    owner: Owner | None = None
    """Where the observation says more than the cause's usual owner."""


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """A finding with its words: one entry of the report's ``diagnosis``."""

    cause: str
    severity: Severity
    confidence: Confidence
    title: str
    summary: str
    evidence: tuple[str, ...]
    explains: tuple[str, ...]
    owner: Owner
    remedy: tuple[str, ...]
    breaks: str
    """What the logger loses while it stays."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How one check stands once the whole run has been considered."""

    status: Status
    cause: str | None = None
    because: str | None = None
    """Id of the check, or of a finding's first explained check, that kept this one from running or from meaning anything."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything the rules say of one state."""

    readings: Mapping[str, Reading]
    findings: tuple[Finding, ...]
    verdict: Verdict
