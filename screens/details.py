"""What the details and the explanation of a row say: a scene and a row's key go in, paragraphs come out. Pure.

``details`` is what was seen, the most useful first: on a small screen only the first lines show. ``explanation`` is what stands behind
'?': what is required there, by whom, why and where that is written; for a finding what it means, how we know, and who mends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aetui.display import displayable
from aetui.explain import OWNERS, load_kinds
from aetui.records import Diagnosed, Owner
from aetui.screens.outbound_rows import check_id, not_green
from aetui.screens.scene import HERE, Scene, finding_key
from aetui.screens.skin import SIGNS
from aetui.screens.widgets.page import GAP, Para
from aetui.screens.words import known, say, took

if TYPE_CHECKING:
    from aetui.catalogue import Catalogue, Endpoint
    from aetui.causes import Words
    from aetui.events import Result
    from aetui.records import Check

LONGEST = 600
"""Characters of one fact that are shown in the details."""

MOST_NAMED = 6
"""Checks that a finding names before it counts the rest."""

PHASES = ("dns", "connect", "tls", "first_byte")

Facts = Callable[["Result"], Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where words and facts come from, beside the scene."""

    catalogue: Catalogue | None = None
    words: Words | None = None
    facts: Facts = lambda _result: ()


def title(scene: Scene, key: str) -> str:
    """What the details are headed with."""
    one = _finding(scene, key)
    if one is not None:
        return one.title
    identity = check_id(key)
    if identity is not None:
        return scene.full_name(identity)
    return scene.host_title(key.removeprefix("host:")) if key.startswith("host:") else ""


def details(scene: Scene, key: str, sources: Sources) -> tuple[Para, ...]:
    """What was seen."""
    one = _finding(scene, key)
    if one is not None:
        return tuple(_of_finding(scene, one))
    identity = check_id(key)
    if identity is not None and identity in scene.state.checks:
        return tuple(_of_check(scene, identity, sources))
    host = key.removeprefix("host:")
    return tuple(_of_host(scene, host)) if key.startswith("host:") and host in scene.hosts else ()


def explanation(scene: Scene, key: str, sources: Sources) -> tuple[Para, ...]:
    """What is required, why, and what it means."""
    one = _finding(scene, key)
    if one is not None:
        return tuple(_why_finding(one, sources))
    identity = check_id(key)
    if identity is not None and identity in scene.state.checks:
        return tuple(_why_check(scene, identity, sources))
    host = key.removeprefix("host:")
    checks = [scene.state.checks[i] for i in scene.hosts.get(host, ())]
    return tuple(_why_host(scene, host, checks, sources))


def _finding(scene: Scene, key: str) -> Diagnosed | None:
    return None if check_id(key) else next((one for one in scene.diagnosed if finding_key(one) == key), None)


# ---------------------------------------------------------------------------------------------------------------------- findings
def _of_finding(scene: Scene, one: Diagnosed) -> Iterator[Para]:
    yield Para(one.summary, "strong")
    yield Para(who(one), "plain", f"{say('labels', 'owner')}  ")
    for number, step in enumerate(one.remedy, 1):
        yield Para(step, "plain", f"{number}. ", "key")
    yield GAP
    yield from _listed("evidence", one.evidence)
    yield from _labelled("breaks", one.breaks)
    yield from _concerned(scene, one)


def who(one: Diagnosed) -> str:
    """Who mends it, and how sure that is."""
    owner = OWNERS[one.owner]
    return f"{owner}  ({known('confidence', one.confidence.value)})" if one.owner is not Owner.UNKNOWN else owner


def _listed(label: str, sentences: Sequence[str]) -> Iterator[Para]:
    if sentences:
        yield Para(say("labels", label), "head")
        for sentence in sentences:
            yield Para(sentence, "plain", "• ")
        yield GAP


def _labelled(label: str, text: str) -> Iterator[Para]:
    if text:
        yield Para(say("labels", label), "head")
        yield Para(text)
        yield GAP


def _concerned(scene: Scene, one: Diagnosed) -> Iterator[Para]:
    names = [scene.full_name(identity) for identity in one.explains if identity in scene.state.checks]
    if names:
        yield Para(say("labels", "concerns"), "head")
        for name in names[:MOST_NAMED]:
            yield Para(name, "plain", "• ")
        if len(names) > MOST_NAMED:
            yield Para(say("labels", "more", count=len(names) - MOST_NAMED), "muted", "  ")


def _why_finding(one: Diagnosed, sources: Sources) -> Iterator[Para]:
    yield Para(one.summary, "strong")
    yield GAP
    cause = sources.words.causes.get(one.cause) if sources.words else None
    if cause is not None:
        yield from _labelled("meaning", cause.meaning)
        yield from _labelled("how", cause.how)
    yield from _listed("evidence", one.evidence)
    yield from _labelled("owner", who(one))
    if one.remedy:
        yield Para(say("labels", "remedy"), "head")
        for number, step in enumerate(one.remedy, 1):
            yield Para(step, "plain", f"{number}. ", "key")
        yield GAP
    yield from _labelled("breaks", one.breaks)
    yield Para(say("labels", "code", code=one.cause, severity=known("severities", one.severity.value)), "muted")


# ------------------------------------------------------------------------------------------------------------------------ checks
def _of_check(scene: Scene, identity: str, sources: Sources) -> Iterator[Para]:
    check, result = scene.state.checks[identity], scene.state.results.get(identity)
    sign = SIGNS[scene.standing(identity)]
    yield Para(displayable(scene.said(identity), LONGEST) or sign.word, "strong", f"{sign.text}  ", sign.ink)
    if result is not None and result.reason:
        yield Para(displayable(result.reason, LONGEST), "plain")
    found = scene.finding_of(identity)
    if found is not None:
        yield Para(found.title, "plain", f"{say('labels', 'see')}  ")
    yield Para(_needed_by(scene, check), "plain", f"{say('labels', 'needed')}  ")
    if result is None:
        return
    if result.phases_ms:
        yield Para(phases(result), "plain", f"{say('labels', 'phases')}  ")
    if result.attempts > 1:
        yield Para(say("labels", "attempts", count=result.attempts), "plain", f"{say('labels', 'tries')}  ")
    facts = [(label, value) for label, value in sources.facts(result) if value]
    if facts:
        yield GAP
        yield Para(say("labels", "facts"), "head")
    width = min(22, max((len(label) for label, _ in facts), default=0))
    for label, value in facts:
        yield Para(displayable(value, LONGEST), "plain", f"{displayable(label, 40).ljust(width)}  ")
    yield Para(identity_of(check), "muted")


def identity_of(check: Check) -> str:
    """The check's id, as reports and ``--only`` have it."""
    return say("labels", "id", id=displayable(check.id))


def phases(result: Result) -> str:
    """How the time was spent, step by step."""
    return " · ".join(f"{say('phases', phase)} {took(result.phases_ms[phase])}" for phase in PHASES if phase in result.phases_ms)


def _needed_by(scene: Scene, check: Check) -> str:
    if not check.equipment:
        return say("requirement", "own")
    return f"{scene.equipment(check.equipment)}: {say('requirement', check.requirement.value)}"


def _why_check(scene: Scene, identity: str, sources: Sources) -> Iterator[Para]:
    check = scene.state.checks[identity]
    yield from _purpose(check)
    entries = endpoints(check, sources.catalogue)
    yield from _requirement(scene, check, entries)
    for endpoint in entries:
        yield from _endpoint(endpoint)
    found = scene.finding_of(identity)
    if found is not None:
        yield from _labelled("see", found.summary)
    yield Para(identity_of(check), "muted")


def _purpose(check: Check) -> Iterator[Para]:
    if own := known("does", check.about.get("purpose", "")):
        yield from _labelled("proves", own)
    elif (kind := load_kinds().get(check.kind)) is not None:
        words = kind.filled(check.host or "", str(check.port or ""))
        yield from _labelled("proves", words.does)
        yield from _labelled("passes", words.passes)


def _requirement(scene: Scene, check: Check, entries: Sequence[Endpoint]) -> Iterator[Para]:
    yield Para(say("labels", "required"), "head")
    yield Para(_needed_by(scene, check))
    if check.group:
        yield Para(say("labels", "group"))
    if check.source:
        yield Para(displayable(check.source, LONGEST), "plain", f"{say('labels', 'section')}  ")
    documented = dict.fromkeys(address for entry in entries if not entry.literal for address in entry.addresses)
    if documented:
        yield Para(displayable(", ".join(documented), LONGEST), "plain", f"{say('labels', 'documented')}  ")
    yield GAP


def endpoints(check: Check, catalogue: Catalogue | None) -> tuple[Endpoint, ...]:
    """The catalogue's entries that a check comes from."""
    if catalogue is None or check.host is None:
        return ()
    mine = catalogue.endpoints_of(check.equipment)
    return tuple(e for e in mine if e.host == check.host or ("/" in e.host and check.host in e.addresses))


def _endpoint(endpoint: Endpoint) -> Iterator[Para]:
    yield from _labelled("why", displayable(endpoint.why, LONGEST))
    yield from _labelled("breaks", displayable(endpoint.breaks, LONGEST))
    yield from _listed("notes", [displayable(note, LONGEST) for note in endpoint.notes])


# ------------------------------------------------------------------------------------------------------------------------- hosts
def _of_host(scene: Scene, host: str) -> Iterator[Para]:
    ids = scene.hosts[host]
    bad = not_green(scene, ids)
    for identity in bad or ids:
        sign = SIGNS[scene.standing(identity)]
        yield Para(f"{scene.name(identity)}: {scene.said(identity) or sign.word}", "plain", f"{sign.text}  ", sign.ink)
    if host != HERE:
        keys = dict.fromkeys(key for identity in ids for key in scene.state.checks[identity].equipment)
        yield Para(scene.equipment(keys), "plain", f"{say('labels', 'needed')}  ")


def _why_host(scene: Scene, host: str, checks: Sequence[Check], sources: Sources) -> Iterator[Para]:
    if host == HERE:
        yield Para(say("places", "here_why"))
        return
    if checks:
        yield from _requirement(scene, checks[0], endpoints(checks[0], sources.catalogue))
        ports = dict.fromkeys(f"{check.transport.upper()} {check.port}" for check in checks if check.transport and check.port)
        yield from _labelled("ports", ", ".join(ports))
        for endpoint in endpoints(checks[-1], sources.catalogue):
            yield from _endpoint(endpoint)
