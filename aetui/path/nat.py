"""How often addresses or ports were translated on the way: pure, from what routers quote of our packets and from the realms that the
path crosses.

A correct translator puts the original back into the quotes that it forwards, so quotes prove translations but do not disprove them; a
path that starts at a private address and crosses into another realm was translated at least once for each crossing. The larger count is
given: it is a least, never a most. A time-exceeded from the target's own address means that the target forwards: a port forward stands
there.
"""

from __future__ import annotations

from collections.abc import Sequence

from aetui.path.places import Realm, realm
from aetui.path.records import Flow, Hop, ReplyKind
from aetui.wire.icmp import Quoted

_Tuple = tuple[str, int | None, str, int | None]
_OUTWARD = {Realm.PRIVATE: 0, Realm.CARRIER: 1, Realm.PUBLIC: 2}


def count(hops: Sequence[Hop], flow: Flow, own: str | None) -> int:
    """Translations seen at least."""
    return max(rewritten(hops, flow, own), crossings(hops, own)) + (1 if forwarded_at(hops, flow.address) is not None else 0)


def rewritten(hops: Sequence[Hop], flow: Flow, own: str | None) -> int:
    """Changes of the five-tuple from quote to quote, as the path goes on."""
    seen: set[_Tuple] = set()
    current: _Tuple | None = None
    for hop in hops:
        if hop.quoted is None:
            continue
        now = _tuple(hop.quoted)
        if now != current and not _ours(hop.quoted, flow, own):
            seen.add(now)
        current = now
    return len(seen)


def crossings(hops: Sequence[Hop], own: str | None) -> int:
    """Realms entered outward, where this machine's own address is in an inner one."""
    if own is None:
        return 0
    level, crossed = _OUTWARD[realm(own)], 0
    for hop in hops:
        if hop.address is not None and hop.reply is ReplyKind.TIME_EXCEEDED and _OUTWARD[realm(hop.address)] > level:
            level, crossed = _OUTWARD[realm(hop.address)], crossed + 1
    return crossed


def forwarded_at(hops: Sequence[Hop], target: str) -> int | None:
    """TTL of the first hop at which the target's own address says 'time exceeded', or None."""
    return next((hop.ttl for hop in hops if hop.address == target and hop.reply is ReplyKind.TIME_EXCEEDED), None)


def _tuple(quoted: Quoted) -> _Tuple:
    return quoted.source, quoted.source_port, quoted.destination, quoted.destination_port


def _ours(quoted: Quoted, flow: Flow, own: str | None) -> bool:
    """True where nothing that we know of was changed."""
    ports = (quoted.source_port in {None, flow.source_port} or not flow.source_port) and quoted.destination_port in {None, flow.port}
    return ports and quoted.destination == flow.address and own in {None, quoted.source}
