"""What the details and the explanation of an Inbound row say: the two halves and a row's key go in, paragraphs come out. Pure.

``details`` is what was seen, the most useful first: on a small screen only the first lines show. ``explanation`` is what stands behind
'?': for a finding what it means, how we know, and who mends it; for the rest the details.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aetui.causes import describe, load_causes
from aetui.diagnosis.exposure import port_forbidden, port_in_use
from aetui.display import displayable
from aetui.explain import OWNERS
from aetui.inbound.ports import Opened, PortTaken, RightMissing
from aetui.reach import Knock, Reached, Token
from aetui.records import Diagnosed, Owner, Severity
from aetui.report.inbound import phrases, worthless
from aetui.screens.inbound_code import code_page
from aetui.screens.inbound_outside import Outside, Result
from aetui.screens.inbound_rows import (
    CLOCK,
    GOOD,
    knock_state,
    lost_peers,
    numbered,
    port_state,
    reached_said,
    reached_state,
    service,
    sign,
)
from aetui.screens.inbound_site import Port, Site
from aetui.screens.inbound_words import known, say, tables
from aetui.screens.widgets.page import GAP, Para
from aetui.screens.words import say as general
from aetui.screens.words import took

LONGEST = 400
"""Characters of one foreign text in the details."""
LABEL = 16
"""Columns of a fact's label."""


def title(site: Site, outside: Outside, key: str) -> str:
    """What the details are headed with."""
    kind, number = numbered(key)
    result = outside.result
    match kind:
        case "code":
            return general_code()
        case "fault":
            return say("headline", "fault_word")
        case "port":
            return say("target", "title", port=number)
        case "lost":
            return say("target", "lost_title", port=number)
        case "way":
            return str(tables()["ways"][key.removeprefix("way:")][1])
        case "finding" if result is not None and number < len(result.findings):
            return result.findings[number].title
        case "target" | "inside" if (reached := _reached(outside, key)) is not None:
            return say("target", "on", address=reached.target.address, port=reached.target.port)
        case "knock" if (knock := _knock(site, number)) is not None:
            return f"{knock.at.astimezone().strftime(CLOCK)}  {displayable(knock.peer, 60)}"
        case _:
            return ""


def general_code() -> str:
    """Heading of the code."""
    return say("details", "code_title")


def details(site: Site, outside: Outside, key: str, width: int) -> tuple[Para, ...]:
    """What is known of a row."""
    return tuple(_details(site, outside, key, width))


def _details(site: Site, outside: Outside, key: str, width: int) -> Iterator[Para]:
    kind, number = numbered(key)
    result = outside.result
    if kind == "code" and site.code:
        yield from _code(site, width)
    elif kind == "fault":
        yield Para(outside.fault, "strong")
        yield Para(say("details", "fault"), "muted")
    elif kind == "lost" and (port := next((one for one in site.ports if one.wanted == number), None)) is not None:
        yield Para(say("details", "lost", port=number), "strong")
        yield Para(say("details", "lost_why"))
        yield from (_fact("from", peer) for peer in lost_peers(site, port))
    elif kind == "way":
        yield from _way(site, key.removeprefix("way:"))
    elif kind == "port" and (port := next((one for one in site.ports if one.wanted == number), None)) is not None:
        yield from _port(site, port)
    elif kind == "finding" and result is not None and number < len(result.findings):
        yield from finding(result.findings[number])
        yield from _what_answered(result, result.findings[number])
    elif (reached := _reached(outside, key)) is not None:
        yield from _of_reached(reached, inside=kind == "inside")
    elif kind == "knock" and (knock := _knock(site, number)) is not None:
        yield from _of_knock(site, knock, width)


def explanation(site: Site, outside: Outside, key: str, width: int) -> tuple[Para, ...]:
    """What a row means."""
    kind, number = numbered(key)
    result = outside.result
    if kind == "finding" and result is not None and number < len(result.findings):
        return tuple(_why_finding(result.findings[number]))
    return details(site, outside, key, width)


def _reached(outside: Outside, key: str) -> Reached | None:
    kind, number = numbered(key)
    if outside.result is None or kind not in {"target", "inside"}:
        return None
    seen = outside.result.seen
    group = seen.outside if kind == "target" else seen.inside
    return group[number] if 0 <= number < len(group) else None


def _knock(site: Site, number: int) -> Knock | None:
    return next((entry.knock for entry in site.entries if entry.serial == number), None)


# ------------------------------------------------------------------------------------------------------------- code, ways, ports
def _code(site: Site, width: int) -> Iterator[Para]:
    yield from code_page(site.code, width)
    yield Para(say("details", "code_how", code=site.code))
    yield Para(say("details", "code_console"), "muted")
    yield Para(say("details", "code_once"), "muted")


def _way(site: Site, way: str) -> Iterator[Para]:
    key, _, does = tables()["ways"][way]
    wanted = general_list(site.settings.ports)
    yield Para(does.format(ports=wanted, minutes=f"{site.settings.minutes:g}"))
    yield GAP
    yield Para(say("details", "way_start", letter=key), "muted")


def general_list(ports: Sequence[int]) -> str:
    """Ports as people list them."""
    from aetui.screens.words import and_list

    return and_list([str(port) for port in ports])


def _port(site: Site, port: Port) -> Iterator[Para]:
    state = sign(port_state(site, port))
    outcome = port.outcome
    if isinstance(outcome, Opened):
        yield Para(say("details", "port_open") if site.is_open else _closed(site), "strong", f"{state.text}  ", state.ink)
        yield Para(say("details", "port_demo", port=outcome.port) if site.is_demo else service(port))
        if port.stands_for:
            yield Para(say("details", "port_instead", low=port.stands_for, port=port.wanted))
        yield _fact("listens", ", ".join(outcome.addresses))
        yield _fact("count", _counts(site, outcome.port))
        allow = ", ".join(map(str, site.settings.allow))
        yield Para(say("details", "allow", allow=allow) if allow else say("details", "any"))
        return
    yield from _not_open(outcome, f"{state.text}  ", state.ink)


def _closed(site: Site) -> str:
    return say("details", "port_closed", at=site.closed_at.strftime(CLOCK) if site.closed_at else "?")


def _counts(site: Site, port: int) -> str:
    counts = site.listener.counts if site.listener is not None else {}
    kinds = [f"{phrases()['said'][speaks]} {number}" for (at, speaks), number in sorted(counts.items()) if at == port]
    return ", ".join(kinds) or "0"


def _not_open(outcome: object, lead: str, ink: str) -> Iterator[Para]:
    match outcome:
        case PortTaken():
            yield from _taken(outcome, lead, ink)
        case RightMissing():
            yield from _forbidden(outcome, lead, ink)
        case _:
            yield Para(say("details", "port_unusable", errno=getattr(outcome, "errno", "?")), "strong", lead, ink)


def _taken(outcome: PortTaken, lead: str, ink: str) -> Iterator[Para]:
    holder = outcome.holder
    told = describe(load_causes(), port_in_use(outcome.port, holder.process, holder.pid))
    yield Para(told.summary, "strong", lead, ink)
    if holder.process is not None:
        said = say("details", "holder", process=displayable(holder.process, 60), pid=holder.pid, user=displayable(holder.user or "?", 40))
        yield _fact("process", said)
    else:
        yield from map(Para, told.evidence)
    for number, step in enumerate(told.remedy, 1):
        yield Para(step, "plain", f"{number}. ", "key")


def _forbidden(outcome: RightMissing, lead: str, ink: str) -> Iterator[Para]:
    told = describe(load_causes(), port_forbidden(outcome.port, outcome.remedy[0], outcome.instead))
    yield Para(told.summary, "strong", lead, ink)
    if outcome.instead:
        yield Para(say("details", "port_i", instead=outcome.instead), "head")
    yield from map(Para, told.evidence)
    yield Para(say("details", "commands"))
    for command in outcome.remedy:
        yield Para(command, "plain", "$ ", "key")


def _fact(key: str, value: str) -> Para:
    return Para(displayable(value, LONGEST), "plain", f"{say('facts', key).ljust(LABEL)}")


# ---------------------------------------------------------------------------------------------------------------------- findings
def finding(one: Diagnosed) -> Iterator[Para]:
    """A finding: what it is, who mends it and how, what was seen."""
    yield Para(one.summary, "strong")
    if one.severity is not Severity.INFO:
        yield Para(_who(one), "plain", f"{general('labels', 'owner')}  ")
    for number, step in enumerate(one.remedy, 1):
        yield Para(step, "plain", f"{number}. ", "key")
    yield GAP
    yield from _evidence(one)
    if one.severity is not Severity.INFO:
        yield Para(general("labels", "breaks"), "head")
        yield Para(one.breaks)


def _what_answered(result: Result, one: Diagnosed) -> Iterator[Para]:
    """The facts of the ports of which a finding says that they work: they have no rows of their own."""
    if one.cause not in GOOD:
        return
    for reached in (*result.seen.outside, *result.seen.inside):
        inside = reached in result.seen.inside
        ours = any(target.target.own_port == reached.target.own_port for target in result.seen.outside if target.target.id in one.explains)
        if ours if inside else reached.target.id in one.explains:
            place = say("target", "inside" if inside else "on", address=reached.target.address, port=reached.target.port)
            yield Para(place, "head")
            yield from _of_reached(reached, inside)
            yield GAP


def _who(one: Diagnosed) -> str:
    owner = OWNERS[one.owner]
    return f"{owner}  ({general('confidence', one.confidence.value)})" if one.owner is not Owner.UNKNOWN else owner


def _evidence(one: Diagnosed) -> Iterator[Para]:
    if one.evidence:
        yield Para(general("labels", "evidence"), "head")
        for sentence in one.evidence:
            yield Para(sentence, "plain", "• ")
        yield GAP


def _why_finding(one: Diagnosed) -> Iterator[Para]:
    yield Para(one.summary, "strong")
    yield GAP
    cause = load_causes().causes[one.cause]
    for label, text in (("meaning", cause.meaning), ("how", cause.how)):
        yield Para(general("labels", label), "head")
        yield Para(text)
        yield GAP
    yield from _evidence(one)
    yield Para(general("labels", "owner"), "head")
    yield Para(_who(one))
    yield GAP
    yield Para(general("labels", "remedy"), "head")
    for number, step in enumerate(one.remedy, 1):
        yield Para(step, "plain", f"{number}. ", "key")
    yield GAP
    yield Para(general("labels", "code", code=one.cause, severity=general("severities", one.severity.value)), "muted")


# ---------------------------------------------------------------------------------------------------------------- from outside
def _of_reached(reached: Reached, inside: bool) -> Iterator[Para]:
    state = sign(reached_state(reached, inside))
    yield Para(reached_said(reached, inside), "strong", f"{state.text}  ", state.ink)
    yield from (_fact(key, value) for key, value in _facts(reached, inside) if value)


def _facts(reached: Reached, inside: bool) -> Iterator[tuple[str, str]]:
    tcp, icmp = reached.tcp, reached.tcp.icmp
    yield "outcome", tcp.outcome.value
    yield "icmp", f"type {icmp.type}, code {icmp.code}, from {icmp.sender}" if icmp is not None else ""
    yield "errno", tcp.errno or ""
    yield "reason", tcp.reason or ""
    yield "identity", reached.identity or ""
    yield "fingerprint", reached.fingerprint or ""
    if reached.rdp is not None:
        yield "negotiated", reached.rdp.protocol or reached.rdp.failure or ""
    if reached.telnet is not None:
        yield "options", ", ".join(reached.telnet.options[:12])
        yield "greeting", " ".join(reached.telnet.text.split())
    yield "token", say("token", reached.token.value) if reached.token is not Token.NONE else ""
    if reached.arrival is not None:
        yield "arrived", say("facts", "arrival", port=reached.arrival.port, peer=reached.arrival.peer)
    yield "inside_port", str(reached.target.own_port) if reached.target.own_port != reached.target.port else ""
    yield "standing", "" if inside or worthless(reached) == "private" else say("standing", reached.standing.value)
    yield "took", took(reached.elapsed_ms) if reached.elapsed_ms else ""


# ----------------------------------------------------------------------------------------------------------------------- knocks
def _of_knock(site: Site, knock: Knock, width: int) -> Iterator[Para]:
    state = sign(knock_state(knock))
    yield Para(_means(knock), "strong", f"{state.text}  ", state.ink)
    port = site.label(knock.port)
    yield _fact("from", f"{knock.peer} port {knock.peer_port}")
    yield _fact("at", str(port) if port == knock.port else f"{port} ({knock.port})")
    yield _fact("when", knock.at.astimezone().strftime("%Y-%m-%d %H:%M:%S"))
    yield _fact("spoke", phrases()["said"][knock.speaks])
    for key, value in knock.evidence.items():
        label = known("evidence", key, displayable(key, LABEL - 2))
        yield Para(displayable(value, LONGEST), "plain", label.ljust(LABEL))
    if knock.speaks == "aetui":
        yield _fact("token", say("token", knock.token.value))
    yield _fact("refused", say("refused", knock.refused or "none"))
    yield from _bytes(knock.first_bytes, width)


def _means(knock: Knock) -> str:
    if knock.refused == "not-allowed":
        return say("means", "kept-out")
    return say("means", "aetui-wrong" if knock.token is Token.WRONG else knock.speaks)


def _bytes(data: bytes, width: int) -> Iterator[Para]:
    """Hexadecimal and ASCII side by side, 16 or 8 bytes a line."""
    if data:
        yield Para(say("facts", "bytes"), "muted")
    step = 16 if width >= 4 * 16 + 3 else 8
    for at in range(0, len(data), step):
        piece = data[at : at + step]
        text = "".join(chr(byte) if 0x20 < byte < 0x7F else "." for byte in piece)
        yield Para("", "plain", f"  {piece.hex(' ').ljust(3 * step)} {text}", "plain")
