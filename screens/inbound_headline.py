"""The two lines and the line under them that say how things stand on the Inbound tab: what was proved, or what to do next; and whether a
port is exposed. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from aetui.diagnosis.inbound import NAMES
from aetui.display import displayable
from aetui.explain import OWNERS
from aetui.inbound.ports import Opened
from aetui.observations import Outcome
from aetui.records import Confidence, Owner, Severity
from aetui.screens.inbound_outside import Jump, Outside, Result
from aetui.screens.inbound_rows import CLOCK, GOOD
from aetui.screens.inbound_site import Entry, Site
from aetui.screens.inbound_words import say
from aetui.screens.verdict import Headline
from aetui.screens.words import and_list
from aetui.wire.realm import Realm, realm

LONGEST = 400


def headline(site: Site, outside: Outside) -> Headline:
    """How things stand, the news first: what is being done, what was seen from outside, what was heard here, what to do."""
    if outside.busy:
        return _busy(outside)
    if outside.fault:
        return Headline("fail", say("headline", "fault_word"), (outside.fault,))
    result, heard = outside.result, site.heard
    if heard is not None and site.is_open and (result is None or _is_news(site, heard, result)):
        return _heard(site, heard)
    if result is not None:
        return _result(result)
    return _site(site)


def _busy(outside: Outside) -> Headline:
    question = outside.question
    way = question.way if question is not None else None
    if outside.step == "opening":
        sentence = say("headline", "opening_jump", name=_names(way)) if isinstance(way, Jump) else say("headline", "opening_here")
        return Headline("running", say("headline", "opening_word"), (sentence,))
    public = outside.at
    vantage = _names(way) if isinstance(way, Jump) else say("outside", "here")
    return Headline(
        "running", say("headline", "knocking_word"), (say("headline", "knocking", public=displayable(public, 60), vantage=vantage),)
    )


def _names(way: Jump) -> str:
    return and_list([displayable(name, 60) for name in way.names])


def _heard(site: Site, heard: Entry) -> Headline:
    knock = heard.knock
    values = {"at": knock.at.astimezone().strftime(CLOCK), "peer": displayable(knock.peer, 60), "port": site.label(knock.port)}
    if realm(knock.peer) is Realm.PUBLIC or site.is_demo:
        return Headline("pass", say("headline", "proved_word"), (say("headline", "proved", **values),))
    return Headline("unknown", say("headline", "private_word"), (say("headline", "private", **values),))


def _is_news(site: Site, heard: Entry, result: Result) -> bool:
    """A later knock with our code says more than a test from outside, unless that has shown the port to work, and perhaps more besides."""
    shown = {site.label(one.target.own_port) for one in result.seen.outside if one.target.id in _working(result)}
    return heard.knock.at.timestamp() > result.at.timestamp() and site.label(heard.knock.port) not in shown


def _result(result: Result) -> Headline:
    standing, word = _verdict(result)
    if not result.findings:
        return Headline(standing, word, (say("headline", "unclear"),))
    return Headline(standing, word, tuple(displayable(sentence, LONGEST) for sentence in _sentences(result)))


def _verdict(result: Result) -> tuple[str, str]:
    worst = result.findings[0].severity if result.findings else None
    if worst is Severity.FAIL:
        return "fail", say("headline", "blocked_word")
    if worst is None or not result.determined:
        return "unknown", say("headline", "unclear_word")
    if worst is Severity.WARN and not _works(result):
        return "warn", say("headline", "warned_word")
    proved = any(one.cause == "forward-confirmed" for one in result.findings)
    return "pass" if worst is Severity.INFO else "warn", say("headline", "confirmed_word" if proved else "answers_word")


def _works(result: Result) -> bool:
    """True where every port that was knocked at works, whatever is to be remarked besides."""
    works = _working(result)
    return all(one.target.id in works for one in result.seen.outside)


def _working(result: Result) -> set[str]:
    return {identity for one in result.findings if one.cause in GOOD for identity in one.explains}


def _good(result: Result) -> str:
    """One sentence for ports that all work in the same way."""
    good = [one for one in result.findings if one.cause in GOOD]
    first, ids = good[0], {identity for one in good for identity in one.explains}
    reached = {one.target.id: one for one in result.seen.outside if one.target.id in ids and one.tcp.outcome is Outcome.OPEN}.values()
    services = and_list(list(dict.fromkeys(NAMES.get(one.speaks, one.speaks) for one in reached)))
    key = "confirmed" if first.cause == "forward-confirmed" else "answers"
    ports = _listed([one.target.port for one in reached])
    return say("headline", key if len(reached) > 1 else f"{key}_one", ports=ports, public=displayable(result.public, 60), services=services)


def _sentences(result: Result) -> Iterator[str]:
    findings = result.findings
    first = findings[0]
    good, remarks = [one for one in findings if one.cause in GOOD], [one for one in findings if one.cause not in GOOD]
    sure = all(one.confidence is Confidence.CERTAIN or one.cause == "service-confirmed" for one in good)
    if sure and len({one.cause for one in good}) == 1 and _works(result):
        yield _good(result)
        yield from (one.summary for one in remarks)
        return
    yield first.summary
    if first.severity is Severity.FAIL and first.owner is not Owner.UNKNOWN:
        yield say("headline", "owner", owner=OWNERS[first.owner])
    if len(findings) > 1:
        yield say("headline", "more", count=len(findings) - 1) if len(findings) > 2 else say("headline", "more_one")


def _site(site: Site) -> Headline:
    if site.listener is None:
        return Headline("planned", say("headline", "start_word"), (say("headline", "start"),))
    if not any(isinstance(port.outcome, Opened) for port in site.ports):
        return Headline("fail", say("headline", "failed_word"), (say("headline", "failed"),))
    if not site.is_open:
        return Headline("planned", say("headline", "start_word"), (say("headline", "over"),))
    return Headline("running", say("headline", "waiting_word"), (_waiting(site),))


def _waiting(site: Site) -> str:
    count = site.total
    if not count:
        return say("headline", "waiting", code=site.code)
    return say("headline", "knocked" if count != 1 else "knocked_one", count=f"{count:,}", code=site.code)


def exposure(site: Site) -> tuple[str, str]:
    """The line that says whether a port is exposed, and its ink."""
    wanted = _listed(site.settings.ports)
    if site.listener is None:
        return say("exposure", "closed", ports=wanted, minutes=f"{site.settings.minutes:g}"), "bar"
    if site.is_open:
        return _open(site), "warn"
    if not any(port.is_open for port in site.ports):
        return say("exposure", "none"), "fail"
    assert site.stopped is not None
    at, knocks = site.closed_at, f"{site.stopped.knocks:,}"
    return say("exposure", site.stopped.reason, at=_clock(at), knocks=knocks, ports=wanted), "bar"


def _open(site: Site) -> str:
    if site.listener is not None and site.listener.shut:
        return say("exposure", "shut")
    ports = _listed([port.wanted for port in site.ports if port.is_open])
    allow = ", ".join(map(str, site.settings.allow))
    return say("exposure", "limited" if allow else "open", ports=ports, at=_clock(site.closes_at), allow=allow)


def _listed(ports: Sequence[int]) -> str:
    return f"{'ports' if len(ports) > 1 else 'port'} {and_list([str(port) for port in ports])}"


def _clock(at: datetime | None) -> str:
    return at.strftime("%H:%M") if at is not None else "?"
