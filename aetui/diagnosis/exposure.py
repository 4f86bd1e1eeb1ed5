"""Rules about who else gets in: ``exposed`` and ``forward-limited``, and what keeps the listener from opening a port. Pure.

``exposed`` is claimed for certain where the router itself lists the forward as open to all, or where unrelated sources that nobody
announced, or that the person did not name among those who may, got in; it is likely where one such source did, since it proves that one
address gets in and not that all do, or where every one of several outside addresses got in. One vantage that gets in says nothing of
others: it may be the one that is allowed (``untested`` says so). ``forward-limited`` is claimed where one outside address got in and
another did not. Addresses are unrelated where they lie in different /16 (IPv6: /32).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network

from aetui.diagnosis import nat
from aetui.observations import Outcome
from aetui.reach import InboundSeen, Reached, Standing, Target, Token
from aetui.records import Confidence, Finding, Said, Severity
from aetui.wire.realm import Realm, realm

_WORKING = frozenset({"forward-confirmed", "service-confirmed", "forward-elsewhere"})
_KEPT_OUT = {Outcome.FILTERED: "silence", Outcome.REFUSED: "a reset", Outcome.REJECTED: "turned away"}
_RELATED = {4: 16, 6: 32}
"""Bits that addresses of one owner have in common."""


def findings(seen: InboundSeen, found: Sequence[Finding]) -> Iterator[Finding]:
    """Ports that let anybody in; those of one address that are known by the same sign are one warning."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in _findings(seen, found):
        groups.setdefault((finding.facts["address"], finding.confidence, finding.evidence[0].key), []).append(finding)
    yield from (_merged(group) for group in groups.values())


def _merged(group: Sequence[Finding]) -> Finding:
    ports = " and port ".join(dict.fromkeys(each.facts["port"] for each in group))
    evidence = tuple({(said.key, *said.values.items()): said for each in group for said in each.evidence}.values())
    explains = tuple(id for each in group for id in each.explains)
    return replace(group[0], explains=explains, evidence=evidence, facts={**group[0].facts, "port": ports})


def _findings(seen: InboundSeen, found: Sequence[Finding]) -> Iterator[Finding]:
    strangers = _strangers(seen)
    told: set[int] = set()
    for target in _working(seen, found):
        finding = _of_target(target, _views(seen, target), seen, strangers)
        if finding is not None:
            told.add(target.own_port)
            yield finding
    for port, peers in strangers.items():
        if port not in told:
            yield _by_strangers((), {"address": "this site", "port": str(port)}, port, peers)


def limits(seen: InboundSeen, found: Sequence[Finding]) -> Iterator[Finding]:
    """One remark a port that lets some addresses in and others not."""
    for target in _working(seen, found):
        inn = next((view for view in _views(seen, target) if view.tcp.outcome is Outcome.OPEN), None)
        out = [view for view in _views(seen, target) if view.tcp.outcome in _KEPT_OUT]
        if inn is None or not out or all(_address(view) == _address(inn) for view in out):
            continue
        values = {"address": target.address, "port": str(target.port), "let_in": _address(inn), "kept_out": _address(out[0])}
        said = [Said("let-in", {**values, "vantage": inn.vantage.name, "peer": _address(inn)})]
        said += [Said("kept-out", {"vantage": v.vantage.name, "peer": _address(v), "outcome": _KEPT_OUT[v.tcp.outcome]}) for v in out]
        severity, sure = Severity.INFO, Confidence.LIKELY  # what the other stands behind may drop the port on its way out
        yield Finding("forward-limited", (target.id,), severity=severity, confidence=sure, evidence=tuple(said), facts=values)


def untested(reached: Reached, seen: InboundSeen) -> tuple[Said, ...]:
    """Where one address alone was tried, and nothing tells of others: what its getting in may mean."""
    alone = len({_address(view) for view in _views(seen, reached.target)}) == 1
    known = (
        seen.meant or (seen.nat is not None and nat.open_to_all(seen.nat, reached.target)) or reached.target.own_port in _strangers(seen)
    )
    return (Said("one-source", {"peer": _address(reached)}),) if alone and not known else ()


def _working(seen: InboundSeen, found: Sequence[Finding]) -> Iterator[Target]:
    working = {id for finding in found if finding.cause in _WORKING for id in finding.explains}
    yield from (target for target in dict.fromkeys(reached.target for reached in seen.outside) if target.id in working)


def _views(seen: InboundSeen, target: Target) -> list[Reached]:
    return [view for view in seen.outside if view.target == target and view.standing is not Standing.INSIDE]


def _of_target(target: Target, views: Sequence[Reached], seen: InboundSeen, strangers: dict[int, list[str]]) -> Finding | None:
    values = {"address": target.address, "port": str(target.port)}
    port = target.own_port
    inn = [view for view in views if view.tcp.outcome is Outcome.OPEN]
    uninvited = [view for view in inn if seen.meant and _is_public(_address(view)) and not _among(_address(view), seen.meant)]
    if uninvited:
        came = [*map(_address, uninvited), *strangers.get(port, ())]
        by = dict.fromkeys((_address(view), view.vantage.name) for view in uninvited)
        evidence = [Said("not-meant", {"peer": peer, "vantage": name, "meant": ", ".join(seen.meant)}) for peer, name in by]
        evidence += [_came(port, strangers[port])] if port in strangers else []
        return _exposed((target.id,), values, _sure(came), *evidence)
    if port in strangers:
        return _by_strangers((target.id,), values, port, strangers[port])
    forward = nat.open_to_all(seen.nat, target)
    if forward is not None:
        said = Said("router-lists-open", {"outside_port": str(forward.outside_port), "inside_address": forward.inside_address})
        sure = Confidence.CERTAIN if len(inn) == len(views) else Confidence.LIKELY
        return _exposed((target.id,), values, sure, said)
    if len({_address(view) for view in views}) > 1 and len(inn) == len(views) and not seen.meant:
        names = ", ".join(f"{view.vantage.name} ({_address(view)})" for view in views)
        sure = (
            Confidence.LIKELY if sum(map(_is_public, {_address(view) for view in views})) > 1 else Confidence.POSSIBLE
        )  # one NAT may hide both
        return _exposed((target.id,), values, sure, Said("all-got-in", {"vantages": names}))
    return None


def _address(view: Reached) -> str:
    """The address from which a vantage knocked, as the listener saw it or else as the vantage says."""
    if view.arrival is not None and _is_public(view.arrival.peer):
        return view.arrival.peer
    return view.vantage.address or view.vantage.name


def _is_public(address: str) -> bool:
    return realm(address) is Realm.PUBLIC


def _among(address: str, networks: Sequence[str]) -> bool:
    one = ip_address(address)
    return any(one.version == net.version and one in net for net in (ip_network(text, strict=False) for text in networks))


def _strangers(seen: InboundSeen) -> dict[int, list[str]]:
    """Public addresses that knocked and that neither the allow-list, nor the person's word, nor the confirmation accounts for, by port."""
    ours = {_address(view) for view in seen.outside} | {knock.peer for knock in seen.knocks if knock.token is Token.MATCHED}
    found: dict[int, list[str]] = {}
    for knock in seen.knocks:
        allowed = bool(seen.allowed) and knock.refused != "not-allowed"
        if _is_public(knock.peer) and knock.peer not in ours and not allowed and not _among(knock.peer, seen.meant):
            peers = found.setdefault(knock.port, [])
            if knock.peer not in peers:
                peers.append(knock.peer)
    return found


def _by_strangers(explains: tuple[str, ...], values: dict[str, str], port: int, peers: Sequence[str]) -> Finding:
    return _exposed(explains, values, _sure(peers), _came(port, peers))


def _came(port: int, peers: Sequence[str]) -> Said:
    key = "strangers" if _sure(peers) is Confidence.CERTAIN else "stranger"
    return Said(key, {"port": str(port), "count": str(len(peers)), "peers": ", ".join(peers[:4])})


def _sure(peers: Iterable[str]) -> Confidence:
    """One unannounced address may be the person at the other end of the phone, or one more that the forward names; unrelated ones are not."""
    return Confidence.CERTAIN if len({_owner(peer) for peer in peers}) > 1 else Confidence.LIKELY


def _owner(peer: str) -> str:
    return str(ip_network(f"{peer.partition('%')[0]}/{_RELATED[ip_address(peer).version]}", strict=False))


def _exposed(explains: tuple[str, ...], values: dict[str, str], confidence: Confidence, *said: Said) -> Finding:
    return Finding("exposed", explains, severity=Severity.WARN, confidence=confidence, evidence=said, facts=values)


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
