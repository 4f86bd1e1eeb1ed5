"""What the Outbound tab draws from, and the plain questions that its list, its details and its summary ask of it. Pure.

A ``Scene`` is one look at a session: the state, the diagnosis to show (which during a partial run is the last whole one), the findings
with their words. Every text that a scene gives out is displayable already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from aetui.display import displayable
from aetui.records import Check, Diagnosed, Diagnosis, Reading, Status
from aetui.screens.words import known, say
from aetui.state import State

HERE = ""
"""Host of what concerns this computer itself."""

WORST_FIRST = ("fail", "running", "planned", "warn", "unknown", "skip", "waits", "moot", "pass")
"""Which of several standings a line speaks of: a failure is told at once, anything milder when all is in."""


@dataclass(frozen=True)
class Scene:
    """One look at a session."""

    state: State
    diagnosis: Diagnosis
    diagnosed: tuple[Diagnosed, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    """Equipment keys to what people call them."""
    ranges: Mapping[str, str] = field(default_factory=dict)
    """Address of a documented range to the range."""
    seen: Callable[[str], str] = lambda _identity: ""
    """What was seen by a check, in a few words."""

    def standing(self, identity: str) -> str:
        """Key of ``skin.SIGNS`` for one check."""
        if identity in self.state.running:
            return "running"
        if identity not in self.state.results and self.state.ended is None:
            return "planned"
        reading = self.reading(identity)
        if reading is None:
            return "planned" if self.state.ended is None else "unknown"
        if reading.status is not Status.SKIP:
            return reading.status.value
        result = self.state.results.get(identity)
        return "moot" if result is not None and result.observation is not None else "waits" if reading.because else "skip"

    def reading(self, identity: str) -> Reading | None:
        """How the rules read a check, where they have read it."""
        return self.diagnosis.readings.get(identity)

    @cached_property
    def hosts(self) -> Mapping[str, tuple[str, ...]]:
        """Ids of the checks, by the host that they stand under, in plan order; this computer's own first."""
        found: dict[str, list[str]] = {}
        for check in self.state.checks.values():
            found.setdefault(self.host_of(check), []).append(check.id)
        return {host: tuple(ids) for host, ids in sorted(found.items(), key=lambda item: item[0] != HERE)}

    def host_of(self, check: Check) -> str:
        """The host that a check stands under: its range for an address of one, nothing for what no equipment needs."""
        if not check.equipment or check.host is None:
            return HERE
        return self.ranges.get(check.host, check.host)

    def host_title(self, host: str) -> str:
        """What a host is called on the screen."""
        return say("places", "here") if host == HERE else displayable(host, 60)

    def host_note(self, host: str) -> str:
        """What has to be said beside a host's name: for a range, that one address is enough."""
        count = sum(1 for network in self.ranges.values() if network == host)
        return say("places", "range", count=count) if count else ""

    def together(self, ids: Iterable[str]) -> str:
        """The standing of several checks as one: in an either-or group the best counts, otherwise the worst."""
        groups: dict[str, list[str]] = {}
        single: list[str] = []
        for identity in ids:
            group = self.state.checks[identity].group
            (groups.setdefault(group, []) if group and self.in_range(identity) else single).append(self.standing(identity))
        single += ["pass" if "pass" in standings else worst(standings) for standings in groups.values()]
        return worst(single)

    def in_range(self, identity: str) -> bool:
        """True for one address of a documented range."""
        return self.state.checks[identity].host in self.ranges

    def name(self, identity: str) -> str:
        """What a check's row is called; where it stands under no host, with the host that it is about."""
        check = self.state.checks.get(identity)
        if check is None:
            return displayable(identity, 60)
        purpose = check.about.get("purpose", "")
        values = {
            "port": check.port or "",
            "host": displayable(check.host or "", 60),
            "under": displayable((check.host or "").partition(".")[2], 40),
            "resolver": displayable(check.about.get("resolver", "?"), 45),
        }
        text = known("kinds", purpose) or known("kinds", check.kind, check.kind)
        if check.host is not None and self.host_of(check) == HERE and "{host}" not in text and purpose != "canary":
            text = f"{text} of {{host}}"
        return text.format(**values) + (" IPv6" if identity.endswith(":ipv6") else "")

    def full_name(self, identity: str) -> str:
        """The row's name with its host: ``TCP 443 of www.alsoenergy.com``."""
        check = self.state.checks.get(identity)
        if check is None or check.host is None or self.host_of(check) == HERE:
            return self.name(identity)
        return f"{self.name(identity)} of {displayable(check.host, 60)}"

    def said(self, identity: str) -> str:
        """What was seen, or why nothing was."""
        result = self.state.results.get(identity)
        if result is None:
            return ""
        reading = self.reading(identity)
        if result.not_run is not None:
            because = reading.because if reading else None
            what = self.full_name(because) if because else self._needed(identity)
            return known("not_run", result.not_run, "not run").format(what=what)
        seen = self.seen(identity)
        return known("not_run", "moot").format(seen=seen) if self.standing(identity) == "moot" else seen

    def impossible(self, identity: str) -> bool:
        """True for what this vantage cannot run however often it is tried."""
        result = self.state.results.get(identity)
        return result is not None and result.not_run in {"vantage", "privilege", "not-asked"}

    def _needed(self, identity: str) -> str:
        needs = self.state.checks[identity].needs
        return self.full_name(needs) if needs else "what comes before it"

    def finding_of(self, identity: str) -> Diagnosed | None:
        """The first finding that explains a check."""
        return next((one for one in self.diagnosed if identity in one.explains), None)

    def equipment(self, keys: Iterable[str]) -> str:
        """Equipment as people call it."""
        from aetui.screens.words import and_list

        return and_list([displayable(self.titles.get(key, key), 60) for key in keys])

    @property
    def required(self) -> tuple[str, ...]:
        """Ids of the checks that equipment needs."""
        return tuple(check.id for check in self.state.required())


def worst(standings: Iterable[str]) -> str:
    """The one of several standings that a line speaks of."""
    there = set(standings)
    return next((one for one in WORST_FIRST if one in there), "planned")


def finding_key(one: Diagnosed) -> str:
    """A finding's key in the list: stable while the run goes on."""
    return f"finding:{one.cause}:{one.explains[0] if one.explains else ''}"
