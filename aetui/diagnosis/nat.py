"""Rules about the depth of NAT, on what the site's own router says of its outer side, compared with how others see the site. Pure.

``double-nat`` and ``carrier-nat`` are claimed on deterministic evidence alone: the router's own word of its outer address. Hops of a path
support them and never make them: providers use private and 100.64/10 addresses on links that translate nothing. A private 'outer' address
is never taken for the public one. Sources: RFC 1918, RFC 6598, RFC 6886 section 3.2, WANIPConnection:1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from aetui.reach import NO_ADDRESS, PROTOCOLS, Forward, NatSeen, OuterSide, Target
from aetui.records import Confidence, Finding, Said, Severity
from aetui.wire.realm import Realm, realm

EXPLAINED = frozenset({"forward-missing", "forward-refused"})
"""Causes that another NAT before the router accounts for."""
CONTRADICTS_MISSING = frozenset({"router-lists"})
"""Evidence that the forward is there after all, so that something else drops."""


def findings(
    seen: NatSeen | None, explains: Sequence[Finding] = (), working: bool = False, knocked: Collection[str] = ()
) -> tuple[Finding, ...]:
    """The one finding about NAT, if any. ``explains`` are findings that it accounts for; ``working`` where a forward works all the same;
    ``knocked`` are the addresses that were knocked at."""
    if seen is None:
        return ()
    told = [side for side in seen.outer if side.address is not None]
    if any(side.address in (seen.public, *knocked) and realm(side.address or "") is Realm.PUBLIC for side in told):
        return ()  # it has the public address itself; where the outside sees us at another, a second line or a VPN of this machine's is in use
    ids = tuple(dict.fromkeys(id for finding in explains for id in finding.explains))
    severity = Severity.INFO if working else Severity.FAIL if ids else Severity.WARN
    for side in told:
        judged = _judged(side, seen.public)
        if judged is not None:
            cause, confidence = judged
            outer = str(side.address)
            said = tuple(_evidence(side, seen))
            values = {"outer": outer, "public": seen.public or "?", "gateway": seen.gateway or "?"}
            return (Finding(cause, ids, severity=severity, confidence=confidence, evidence=said, facts=values),)
    untold = None if told else _untold(seen)
    return (replace(untold, explains=ids, severity=severity),) if untold is not None else ()


def _untold(seen: NatSeen) -> Finding | None:
    """A router that has no outer address to tell, on a line that works, and private or a carrier's addresses beyond it.

    Newer routers' software keeps a private outer address to itself: UPnP gives none and NAT-PMP calls it a network failure. Only with the
    next hop's address beside it is that taken for another NAT.
    """
    mute = [side for side in seen.outer if (side.source, side.result) in NO_ADDRESS]
    beyond = next((hop for hop in seen.hops[1:] if hop), "") if seen.hops[:1] == (seen.gateway,) else ""
    cause = {Realm.CARRIER: "carrier-nat", Realm.PRIVATE: "double-nat"}.get(realm(beyond))
    if not mute or seen.public is None or cause is None:
        return None
    protocol = " and ".join(dict.fromkeys(PROTOCOLS[side.source] for side in mute))
    said = (Said("router-no-outer", {"gateway": seen.gateway or "?", "protocol": protocol, "public": seen.public}), *_hops(seen))
    values = {"outer": f"in the network of {beyond}", "public": seen.public, "gateway": seen.gateway or "?"}
    return Finding(cause, (), confidence=Confidence.LIKELY, evidence=said, facts=values)


def _judged(side: OuterSide, public: str | None) -> tuple[str, Confidence] | None:
    where = realm(side.address or "")
    if where is Realm.CARRIER:
        return "carrier-nat", Confidence.CERTAIN
    if where is Realm.PRIVATE:
        return "double-nat", Confidence.CERTAIN
    if where is Realm.PUBLIC and public is not None and public != side.address:
        return "carrier-nat", Confidence.LIKELY  # or a second line out, or a VPN that this machine uses
    return None


def _evidence(side: OuterSide, seen: NatSeen) -> Iterator[Said]:
    values = {"gateway": seen.gateway or "?", "outer": side.address or "?", "protocol": PROTOCOLS[side.source]}
    yield Said("router-outer", values)
    if seen.public is not None:
        yield Said("seen-as", {"public": seen.public})
    yield from _hops(seen)


def _hops(seen: NatSeen) -> Iterator[Said]:
    for hop in seen.hops:
        if hop != seen.gateway and realm(hop) in (Realm.CARRIER, Realm.PRIVATE):
            yield Said("hop-carrier" if realm(hop) is Realm.CARRIER else "hop-private", {"hop": hop})


def listed(seen: NatSeen | None, target: Target) -> tuple[Said, ...]:
    """What the router's own list says of a target's port; () where it gives no list."""
    if seen is None or not seen.listed:
        return ()
    here = [forward for forward in seen.forwards if forward.outside_port == target.port]
    if here:
        return tuple(_said(forward) for forward in _tcp_first(here))
    inside = target.own_port
    elsewhere = next((f for f in seen.forwards if f.inside_port == inside and f.protocol == "tcp"), None)
    return (Said("router-lists-other-port", _values(elsewhere)),) if elsewhere is not None else (Said("router-lists-none"),)


def _tcp_first(forwards: Sequence[Forward]) -> Sequence[Forward]:
    tcp = [forward for forward in forwards if forward.protocol == "tcp"]
    return tcp or forwards[:1]


def _said(forward: Forward) -> Said:
    if forward.protocol != "tcp":
        return Said("router-lists-udp", _values(forward))
    if not forward.enabled:
        return Said("router-lists-off", _values(forward))
    return Said("router-lists-limited" if _limited(forward) else "router-lists", _values(forward))


def _limited(forward: Forward) -> bool:
    return forward.source not in ("", "0.0.0.0", "::")


def open_to_all(seen: NatSeen | None, target: Target) -> Forward | None:
    """The listed forward of a target that lets any source in, or None."""
    if seen is None or not seen.listed:
        return None
    return next((f for f in seen.forwards if f.outside_port == target.port and f.protocol == "tcp" and f.enabled and not _limited(f)), None)


def _values(forward: Forward) -> dict[str, str]:
    return {
        "outside_port": str(forward.outside_port),
        "inside_address": forward.inside_address,
        "inside_port": str(forward.inside_port),
        "source": forward.source,
    }
