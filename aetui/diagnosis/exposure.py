"""Rules about who else gets in: ``exposed``, and what keeps the listener from opening a port. Pure.

``exposed`` is claimed where a source that nobody named was seen to get in, where the router itself lists the forward as open to all, or
where every one of several outside addresses got in. One vantage that gets in says nothing of others: it may be the one that is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aetui.diagnosis import nat
from aetui.observations import Outcome
from aetui.reach import InboundSeen, Reached, Standing, Target
from aetui.records import Confidence, Finding, Said, Severity
from aetui.wire.realm import Realm, realm

_WORKING = frozenset({"forward-confirmed", "service-confirmed", "forward-elsewhere"})


def findings(seen: InboundSeen, found: Sequence[Finding]) -> Iterator[Finding]:
    """One warning a port that lets anybody in."""
    working = {id for finding in found if finding.cause in _WORKING for id in finding.explains}
    strangers = _strangers(seen)
    told: set[int] = set()
    for target in dict.fromkeys(reached.target for reached in seen.outside):
        views = [r for r in seen.outside if r.target == target and r.standing is not Standing.INSIDE]
        finding = _of_target(target, views, seen, strangers) if target.id in working else None
        if finding is not None:
            told.add(target.own_port)
            yield finding
    for port, peers in strangers.items():
        if port not in told:
            yield _exposed((), {"address": "this site", "port": str(port)}, Confidence.CERTAIN, _knocked(port, peers))


def _of_target(target: Target, views: Sequence[Reached], seen: InboundSeen, strangers: dict[int, list[str]]) -> Finding | None:
    values = {"address": target.address, "port": str(target.port)}
    port = target.own_port
    if port in strangers:
        return _exposed((target.id,), values, Confidence.CERTAIN, _knocked(port, strangers[port]))
    forward = nat.open_to_all(seen.nat, target)
    if forward is not None:
        said = Said("router-lists-open", {"outside_port": str(forward.outside_port), "inside_address": forward.inside_address})
        return _exposed((target.id,), values, Confidence.CERTAIN, said)
    places = {_address(view) for view in views}
    if len(places) > 1 and all(view.tcp.outcome is Outcome.OPEN for view in views):
        names = ", ".join(view.vantage.name for view in views)
        return _exposed((target.id,), values, Confidence.LIKELY, Said("all-got-in", {"vantages": names}))
    return None


def _address(view: Reached) -> str:
    return view.arrival.peer if view.arrival is not None else view.vantage.address or view.vantage.name


def _strangers(seen: InboundSeen) -> dict[int, list[str]]:
    """Public addresses that knocked and that neither the allow-list nor the confirmation accounts for, by port."""
    ours = {_address(view) for view in seen.outside}
    proved = {knock.peer for knock in seen.knocks if knock.token.value == "matched"}
    found: dict[int, list[str]] = {}
    for knock in seen.knocks:
        allowed = bool(seen.allowed) and knock.refused != "not-allowed"
        if realm(knock.peer) is Realm.PUBLIC and knock.peer not in ours | proved and not allowed:
            peers = found.setdefault(knock.port, [])
            if knock.peer not in peers:
                peers.append(knock.peer)
    return found


def _knocked(port: int, peers: Sequence[str]) -> Said:
    return Said("strangers", {"port": str(port), "count": str(len(peers)), "peers": ", ".join(peers[:4])})


def _exposed(explains: tuple[str, ...], values: dict[str, str], confidence: Confidence, said: Said) -> Finding:
    return Finding("exposed", explains, severity=Severity.WARN, confidence=confidence, evidence=(said,), facts=values)


def port_in_use(port: int, process: str | None, pid: int | None) -> Finding:
    """The listener's port is taken; ``process`` is None where this user may not see whose it is."""
    said = Said("holder", {"process": process, "pid": str(pid)}) if process is not None else Said("holder-hidden")
    values = {"port": str(port), "process": process or "another program"}
    return Finding("port-in-use", (f"listen:{port}",), evidence=(said,), facts=values)


def port_forbidden(port: int, command: str, instead: int) -> Finding:
    """The listener may not open a low port."""
    said = Said("high-port", {"instead": str(instead), "port": str(port)}) if instead else Said("no-high-port")
    values = {"what": f"Listening on port {port}", "command": command}
    return Finding("privilege-missing", (f"listen:{port}",), evidence=(said,), facts=values)
