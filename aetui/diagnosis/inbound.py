"""Rules about a port forward: what both halves of an inbound check saw -> why the equipment can, or cannot, be reached from outside. Pure.

One finding a target at most: the token came back, the service answers, or the one thing that stands in the way, judged by what the
equipment itself answers over the LAN where that was asked. What was seen from behind the site's own router never counts as seen from
outside. Findings come root first; NAT and exposure are judged in ``diagnosis.nat`` and ``diagnosis.exposure``. Sources: CONTRACT's
inbound causes; RFC 792; RFC 9293.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from enum import Enum

from aetui.diagnosis import exposure, nat, silence
from aetui.observations import Ended, Outcome
from aetui.reach import OWN_TROUBLE, HalfOpen, InboundSeen, Reached, Standing, Target, Token
from aetui.records import Confidence, Finding, Said, Severity

SERVICES = {"rdp": "Remote Desktop", "telnet": "telnet"}
NAMES = {**SERVICES, "ssh": "SSH", "http": "a web server", "tls": "TLS", "aetui": "an aetui listener", "nothing": "nothing"}
"""As people call what speaks there."""

SEARCHED_MS = 2500.0
"""A 'no route to host' that took longer came from a router that asked for the host by ARP first (three requests, a second apart)."""

_NAMES_WHAT_ANSWERS = frozenset({"forward-elsewhere", "wrong-service"})
_BETWEEN = {"port": " and port ", "inside_port": " and port ", "service": " and "}
"""Between several values in one sentence, which says 'port' before the first."""
_ROOTS = ("port-in-use", "double-nat", "carrier-nat", "service-down")


class Equipment(Enum):
    """What the equipment itself says, asked over the LAN."""

    ANSWERS = 1
    """With what is expected there, or it is our own listener."""
    ANOTHER = 2
    """Another protocol than expected."""
    DEAD = 3
    """Nothing: refused, silent, not there."""
    UNKNOWN = 4
    """It was not asked, or could not be."""


def diagnose(seen: InboundSeen) -> tuple[Finding, ...]:
    """All findings, the root first."""
    found = [finding for reached in main_views(seen) if (finding := of_target(reached, seen)) is not None]
    explained, knocked = [f for f in found if f.cause in nat.EXPLAINED], {reached.target.address for reached in seen.outside}
    deep = nat.findings(seen.nat, explained, _any_works(found), knocked)
    swallowed = {id for finding in deep if finding.severity is Severity.FAIL for id in finding.explains}
    left = [f for f in found if not (f.cause in nat.EXPLAINED and swallowed.issuperset(f.explains))]
    everything = [*deep, *_joined(left), *exposure.findings(seen, found), *exposure.limits(seen, found)]
    return tuple(sorted(everything, key=_rank))


def _joined(found: Iterable[Finding]) -> Iterator[Finding]:
    """Ports of one address that fail for one cause are one finding."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in found:
        alike = finding.severity is Severity.FAIL
        place = finding.facts.get("inside_address", finding.facts["address"])
        key = (finding.cause, finding.confidence, place, finding.facts["said"] if finding.cause in _NAMES_WHAT_ANSWERS else "")
        groups.setdefault(key if alike else (*key, finding.explains), []).append(finding)
    for first, *others in groups.values():
        yield _merged(first, others) if others else first


def _merged(first: Finding, others: Sequence[Finding]) -> Finding:
    everyone = (first, *others)
    values = {key: between.join(dict.fromkeys(each.facts[key] for each in everyone)) for key, between in _BETWEEN.items()}
    evidence = tuple({(said.key, tuple(said.values.items())): said for each in everyone for said in each.evidence}.values())
    explains = tuple(dict.fromkeys(id for each in everyone for id in each.explains))
    return replace(first, explains=explains, evidence=evidence, facts={**first.facts, **values})


def main_views(seen: InboundSeen) -> tuple[Reached, ...]:
    """One knock a target: the best of all vantages that stand outside, the first one's where they are alike."""
    best: dict[Target, Reached] = {}
    for reached in seen.outside:
        known = best.get(reached.target)
        if reached.standing is not Standing.INSIDE and (known is None or _weight(reached) > _weight(known)):
            best[reached.target] = reached
    return tuple(best.values())


def _weight(reached: Reached) -> int:
    if reached.token is Token.MATCHED:
        return 3
    if reached.tcp.outcome is Outcome.OPEN:
        return 2
    return 0 if reached.tcp.outcome in OWN_TROUBLE else 1


def _rank(finding: Finding) -> tuple[int, int]:
    """What matters most, first; of what fails, the roots. A second router that the forward gets through all the same is a remark."""
    root = finding.cause in _ROOTS
    return finding.severity.rank, int(root if finding.severity is Severity.INFO else not root)


def _any_works(found: Iterable[Finding]) -> bool:
    return any(finding.cause in ("forward-confirmed", "service-confirmed") for finding in found)


def inside_of(seen: InboundSeen, target: Target) -> Reached | None:
    """The same equipment asked over the LAN, by its own port."""
    return next((reached for reached in seen.inside if reached.target.port == target.own_port), None)


def equipment(seen: InboundSeen, target: Target) -> Equipment:
    """What stands at the forward's end, as far as the LAN tells."""
    inside = inside_of(seen, target)
    if inside is None:
        return Equipment.ANSWERS if target.own_port in seen.listening else Equipment.UNKNOWN
    if inside.tcp.outcome in OWN_TROUBLE - {Outcome.NO_NEIGHBOUR} or stopped(inside):
        return Equipment.UNKNOWN
    if inside.tcp.outcome is not Outcome.OPEN or inside.speaks == "nothing":
        return Equipment.DEAD
    wanted = (target.expected, "aetui") if target.expected else (inside.speaks,)
    return Equipment.ANSWERS if inside.speaks in wanted else Equipment.ANOTHER


def stopped(inside: Reached) -> str:
    """Where a knock inside got no further than something before the equipment, which is then not judged: what is said of it. Empty where it
    was the equipment that was heard, or not heard."""
    icmp = inside.tcp.icmp
    if inside.tcp.outcome is Outcome.REJECTED and icmp is not None and icmp.sender != inside.target.address:
        return "turned-away"
    return "afar" if inside.tcp.outcome is Outcome.FILTERED and inside.afar else ""


def of_target(reached: Reached, seen: InboundSeen) -> Finding | None:
    """What holds for one target; None where the vantage itself was in the way."""
    if reached.tcp.outcome in OWN_TROUBLE:
        return None
    thing = equipment(seen, reached.target)
    if reached.tcp.outcome is Outcome.OPEN:
        finding = _open(reached, seen, thing)
    elif thing in (Equipment.DEAD, Equipment.ANOTHER):
        finding = _of_the_equipment(reached, seen, thing)
    else:
        finding = _SHUT[reached.tcp.outcome](reached, seen, thing)
    return _weaker(finding) if reached.standing is Standing.UNKNOWN else finding


def _weaker(finding: Finding) -> Finding:
    """The vantage may stand behind the very router in question."""
    confidence = Confidence.LIKELY if finding.confidence is Confidence.CERTAIN else Confidence.POSSIBLE
    return replace(finding, confidence=confidence, evidence=(*finding.evidence, Said("vantage-unknown")))


def _made(cause: str, reached: Reached, *said: Said, confidence: Confidence, severity: Severity = Severity.FAIL) -> Finding:
    return Finding(cause, (reached.target.id,), severity=severity, confidence=confidence, evidence=said, facts=facts(reached))


def _elsewhere(reached: Reached, *said: Said, to: str, confidence: Confidence) -> Finding:
    return replace(_made("forward-elsewhere", reached, *said, confidence=confidence), facts={**facts(reached), "said": to})


def facts(reached: Reached) -> dict[str, str]:
    """The values that the causes' sentences are filled from."""
    target, arrival = reached.target, reached.arrival
    service = SERVICES.get(target.expected or reached.speaks, "the expected service")
    return {
        "address": target.address,
        "port": str(target.port),
        "inside_port": str(arrival.port if arrival else target.own_port),
        "service": service,
        "said": NAMES.get(reached.speaks, "an unknown protocol"),
        "vantage": reached.vantage.name,
    }


# --------------------------------------------------------------------------------------------------------- the port is open
def _open(reached: Reached, seen: InboundSeen, thing: Equipment) -> Finding:
    if reached.token is Token.MATCHED:
        return _token_back(reached, seen)
    if reached.speaks == "aetui":
        return _other_listener(reached)
    if reached.speaks == "nothing":
        return _mute(reached, seen, thing)
    wanted = reached.speaks == reached.target.expected if reached.target.expected else reached.speaks in SERVICES
    return _expected(reached, seen, thing) if wanted else _something_else(reached, seen, thing)


def _token_back(reached: Reached, seen: InboundSeen) -> Finding:
    said = list(exposure.untested(reached, seen))
    if reached.arrival is not None:
        said.insert(0, Said("token-back", {"port": str(reached.arrival.port), "peer": reached.arrival.peer}))
    return _made("forward-confirmed", reached, *said, confidence=Confidence.CERTAIN, severity=Severity.INFO)


def _other_listener(reached: Reached) -> Finding:
    if reached.token is Token.WRONG:
        to = "an aetui listener with another code"
        return _elsewhere(reached, Said("listener-other-code"), to=to, confidence=Confidence.POSSIBLE)
    return _made("forward-confirmed", reached, Said("listener-no-code"), confidence=Confidence.LIKELY, severity=Severity.INFO)


def _expected(reached: Reached, seen: InboundSeen, thing: Equipment) -> Finding:
    inside = inside_of(seen, reached.target)
    said = [_answered("answered-outside", reached)]
    if inside is not None and thing is not Equipment.ANSWERS and thing is not Equipment.UNKNOWN:
        to = f"{NAMES[reached.speaks]} on another machine"
        return _elsewhere(reached, *said, _inside_said(inside), to=to, confidence=Confidence.LIKELY)
    limits = exposure.untested(reached, seen)
    if inside is None or inside.fingerprint is None or reached.fingerprint is None:
        return _made("service-confirmed", reached, *said, *limits, confidence=Confidence.CERTAIN, severity=Severity.INFO)
    if inside.fingerprint == reached.fingerprint:
        same = Said("same-machine", {"inside": inside.target.address})
        return _made("service-confirmed", reached, *said, same, *limits, confidence=Confidence.CERTAIN, severity=Severity.INFO)
    other = Said("another-machine", {"outside": _name(reached), "inside": _name(inside)})
    sure = Confidence.CERTAIN if reached.speaks == "rdp" else Confidence.LIKELY
    return _elsewhere(reached, *said, other, to=f"{NAMES[reached.speaks]} on another machine", confidence=sure)


def _name(reached: Reached) -> str:
    """What a machine calls itself, or how its certificate or greeting begins when it calls itself nothing."""
    return reached.identity or f"{NAMES[reached.speaks]} with fingerprint {(reached.fingerprint or '')[:16]}"


def _something_else(reached: Reached, seen: InboundSeen, thing: Equipment) -> Finding:
    inside = inside_of(seen, reached.target)
    said = [_answered("answered-outside", reached)]
    if inside is not None:
        said.append(_inside_said(inside))
    if thing is Equipment.ANOTHER and inside is not None and inside.speaks == reached.speaks:
        values = {"host": inside.target.address, "port": str(inside.target.port)}
        return replace(_made("wrong-service", reached, *said, confidence=Confidence.LIKELY), facts={**facts(reached), **values})
    known = reached.target.expected is not None or thing is Equipment.ANSWERS
    return _made("forward-elsewhere", reached, *said, confidence=Confidence.CERTAIN if known else Confidence.POSSIBLE)


def _mute(reached: Reached, seen: InboundSeen, thing: Equipment) -> Finding:
    """It takes the connection and says nothing: a device in between, or a service that hangs."""
    if thing in (Equipment.DEAD, Equipment.ANOTHER):
        return _of_the_equipment(reached, seen, thing)
    sure = Confidence.LIKELY if thing is Equipment.ANSWERS else Confidence.POSSIBLE
    said = (Said("open-and-mute"), *_inside(seen, reached.target))
    return _elsewhere(reached, *said, to="something that takes the connection and says nothing", confidence=sure)


# ------------------------------------------------------------------------------------------------------ the port is not open
def _of_the_equipment(reached: Reached, seen: InboundSeen, thing: Equipment) -> Finding:
    """The LAN shows the fault already; the forward cannot be judged before it is mended."""
    inside = inside_of(seen, reached.target)
    assert inside is not None
    said = (_inside_said(inside), _outside_said(reached))
    place = {"host": inside.target.address, "inside_address": inside.target.address, "inside_port": str(inside.target.port)}
    cause = "service-down" if thing is Equipment.DEAD else "wrong-service"
    values = {**facts(reached), **place, "said": NAMES.get(inside.speaks, "an unknown protocol")}
    values |= {"port": str(inside.target.port)} if cause == "wrong-service" else {}
    return Finding(cause, (reached.target.id,), evidence=said, facts=values)


def _silent(reached: Reached, seen: InboundSeen, thing: Equipment) -> Finding:
    arrived = silence.half_open(reached, seen)
    if arrived is not None or any(each.passed_on for each in silence.views(reached, seen)):
        return _unanswered(reached, seen, thing, arrived)
    listed = nat.listed(seen.nat, reached.target)
    sure = Confidence.LIKELY if thing is Equipment.ANSWERS else Confidence.POSSIBLE
    if any(said.key in nat.CONTRADICTS_MISSING for said in listed):
        sure = Confidence.POSSIBLE
    here = inside_of(seen, reached.target) is None and reached.target.own_port in seen.listening
    left = silence.possibilities(reached, seen, listed, equipment=not here)
    said = (*_everywhere(reached, seen), *_inside(seen, reached.target), *listed, *_neighbours(reached, seen), *left)
    return _made("forward-missing", reached, *said, confidence=sure)


def _unanswered(reached: Reached, seen: InboundSeen, thing: Equipment, arrived: HalfOpen | None) -> Finding:
    """A packet was seen to arrive at the forward's end, or the router was heard to pick it up for handing on; it does so before it looks at
    who may come in (Linux: the TTL goes before the rules for what is forwarded), so the latter proves less."""
    if arrived is None:
        return _picked_up(reached, seen, thing)
    ours = silence.ours(arrived, reached, seen)
    sign = Said("half-open" if ours else "half-open-other", {"peer": arrived.peer, "port": str(arrived.port)})
    said = (*_everywhere(reached, seen), sign, *_inside(seen, reached.target), Said("left-way-back"))
    return _made("forward-unanswered", reached, *said, confidence=Confidence.CERTAIN if ours else Confidence.LIKELY)


def _picked_up(reached: Reached, seen: InboundSeen, thing: Equipment) -> Finding:
    listed = nat.listed(seen.nat, reached.target)
    limited = any(each.key == "router-lists-limited" for each in listed)
    sure = Confidence.LIKELY if thing is Equipment.ANSWERS and not limited else Confidence.POSSIBLE
    left = (*silence.kept_out(reached, seen, listed), Said("left-behind"))
    said = (*_everywhere(reached, seen), Said("passed-on", _place(reached)), *_inside(seen, reached.target), *listed, *left)
    return _made("forward-unanswered", reached, *said, confidence=sure)


def _everywhere(reached: Reached, seen: InboundSeen) -> tuple[Said, ...]:
    """What every vantage saw of a target that none of them got in at."""
    others = (each for each in silence.views(reached, seen) if each is not reached and each.tcp.outcome not in OWN_TROUBLE)
    return (_outside_said(reached), *(_outside_said(each) for each in others))


def _refused(reached: Reached, seen: InboundSeen, thing: Equipment) -> Finding:
    said = (_outside_said(reached), *_inside(seen, reached.target), *nat.listed(seen.nat, reached.target))
    icmp = reached.tcp.icmp
    if icmp is not None and icmp.sender != reached.target.address:  # the provider's router, the site's by another address, or one beside us
        another = Said("refused-by-another", {"sender": icmp.sender, "address": reached.target.address})
        return _made("forward-refused", reached, *said, another, confidence=Confidence.POSSIBLE)
    sure = Confidence.CERTAIN if thing is Equipment.ANSWERS else Confidence.POSSIBLE
    return _made("forward-refused", reached, *said, confidence=sure)


def _unreachable(reached: Reached, seen: InboundSeen, thing: Equipment) -> Finding:
    """The router's own 'host unreachable' comes from behind the forward; anybody else's is routing.

    A jump host hands on no ICMP. There the time tells: a router that looks for a dead host asks for three seconds before it gives up, and any
    other refusal comes at once.
    """
    icmp = reached.tcp.icmp
    said = (_outside_said(reached), *_inside(seen, reached.target), *nat.listed(seen.nat, reached.target))
    behind = icmp.sender == reached.target.address if icmp is not None else reached.elapsed_ms >= SEARCHED_MS
    if not behind:
        sender = icmp.sender if icmp is not None else "a router on the way"
        values = {**facts(reached), "what": f"{reached.target.address}:{reached.target.port}", "sender": sender}
        sure = Confidence.LIKELY if icmp is not None else Confidence.POSSIBLE
        return replace(_made("unreachable", reached, *said, confidence=sure), facts=values)
    sure = Confidence.LIKELY if thing is Equipment.ANSWERS else Confidence.POSSIBLE
    return _elsewhere(reached, Said("dead-end"), *said, to="an address where no device answers", confidence=sure)


_SHUT: dict[Outcome, Callable[[Reached, InboundSeen, Equipment], Finding]] = {
    Outcome.FILTERED: _silent,
    Outcome.REFUSED: _refused,
    Outcome.REJECTED: _refused,
    Outcome.UNREACHABLE: _unreachable,
}


# -------------------------------------------------------------------------------------------------------------- the evidence
def _answered(key: str, reached: Reached) -> Said:
    identity = reached.identity or NAMES.get(reached.speaks, "an unknown protocol")
    said = NAMES.get(reached.speaks, "an unknown protocol")
    return Said(key, {"vantage": reached.vantage.name, "said": said, "identity": identity, **_place(reached)})


def _place(reached: Reached) -> dict[str, str]:
    return {"address": reached.target.address, "port": str(reached.target.port)}


def _outside_said(reached: Reached) -> Said:
    icmp, reason = reached.tcp.icmp, reached.tcp.reason
    values = {"vantage": reached.vantage.name, "outcome": reached.tcp.outcome.value, **_place(reached)}
    if icmp is not None:
        return Said("outside-icmp", {**values, "sender": icmp.sender, "type": str(icmp.type), "code": str(icmp.code)})
    if reason:
        return Said("outside-reason", {**values, "reason": reason})
    return Said("outside-open" if reached.tcp.outcome is Outcome.OPEN else f"outside-{reached.tcp.outcome.value}", values)


def _inside(seen: InboundSeen, target: Target) -> tuple[Said, ...]:
    inside = inside_of(seen, target)
    if inside is not None:
        return (_inside_said(inside),)
    port = target.own_port
    return (Said("inside-listener", {"port": str(port)}),) if port in seen.listening else (Said("inside-not-asked"),)


def _inside_said(inside: Reached) -> Said:
    values = {**_place(inside), "outcome": inside.tcp.outcome.value, "said": NAMES.get(inside.speaks, "an unknown protocol")}
    if way := stopped(inside):
        icmp = inside.tcp.icmp
        return Said(f"inside-{way}", {**values, "sender": icmp.sender if icmp is not None else ""})
    if inside.tcp.outcome is not Outcome.OPEN:
        untold = inside.tcp.outcome in OWN_TROUBLE - {Outcome.NO_NEIGHBOUR}
        return Said("inside-no-way" if untold else f"inside-{inside.tcp.outcome.value}", values)
    if inside.speaks == "nothing":
        mute = (inside.rdp or inside.telnet) is None or (inside.telnet is not None and inside.telnet.ended is Ended.SILENT)
        return Said("inside-mute" if mute else "inside-open", values)
    return Said("inside-answers", values)


def _neighbours(reached: Reached, seen: InboundSeen) -> tuple[Said, ...]:
    """Another port of the same address works: the address is the right one, and no carrier's NAT is in the way."""
    works = [
        other.target.port
        for other in main_views(seen)
        if other.target.address == reached.target.address and other.tcp.outcome is Outcome.OPEN and other.target != reached.target
    ]
    return (Said("other-port-open", {"address": reached.target.address, "ports": ", ".join(map(str, works))}),) if works else ()
