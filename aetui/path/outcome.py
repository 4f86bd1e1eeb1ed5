"""How a trace ended, who said no, and between which two hops a port dies: pure, from the hops of the trace and of one to a port that
works.

TTLs alone cannot tell the hop that drops from the one after it: Linux answers an expired packet before its forward rules see it, others
drop first and stay silent. So ``suspects`` are the last hop that answered on this port and the next that the comparison shows, and only
an ICMP sender is certain. A reset or an accepted connection at fewer hops than the server is known to stand at came from something on
the way. Codes: RFC 792, RFC 1812 section 5.2.7.1, RFC 4443 section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aetui.observations import Outcome
from aetui.path.records import FINAL, Hop, Proto, Recording, ReplyKind
from aetui.path.returns import travelled
from aetui.path.steadiness import loop

_REJECTED = frozenset({(4, 3, 2), (4, 3, 3), (4, 3, 9), (4, 3, 10), (4, 3, 13), (6, 1, 1), (6, 1, 4), (6, 1, 5), (6, 1, 6)})
"""Somebody decided against the packet, or nobody takes it; every other unreachable is a want of routing."""
_PORT_CLOSED = frozenset({(4, 3, 3), (6, 1, 4)})


@dataclass(frozen=True, slots=True)
class Ending:
    """What the hops say of the end of the path."""

    outcome: Outcome
    reached: bool
    rejected_by: str | None = None
    dies_after: int | None = None
    suspects: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    marked: int | None = None
    """TTL of the hop that the notes speak of."""


def ending(recording: Recording, hops: Sequence[Hop], compared: Sequence[Hop] = ()) -> Ending:
    """The end of the path; ``compared`` are the hops of a trace to a port of the same host that works, or ()."""
    final = next((hop for hop in hops if hop.reply in FINAL), None)
    if final is None:
        return _unfinished(recording, hops, compared)
    if final.reply is ReplyKind.UNREACHABLE:
        return _icmp(recording, final, hops)
    early = _too_early(final, compared)
    if final.reply is ReplyKind.RST:
        return _reset(final, hops, compared, early)
    if early:
        return Ending(Outcome.OPEN, False, suspects=_address_at(final.ttl, compared), notes=("transparent-proxy",), marked=final.ttl)
    return Ending(Outcome.OPEN, reached=True)


def last_answering(hops: Sequence[Hop], before: int | None = None) -> Hop | None:
    """The furthest hop on the way that answered, at a TTL below ``before`` where that is given."""
    on_the_way = [hop for hop in hops if hop.reply is ReplyKind.TIME_EXCEEDED and (before is None or hop.ttl < before)]
    return on_the_way[-1] if on_the_way else None


def _unfinished(recording: Recording, hops: Sequence[Hop], compared: Sequence[Hop]) -> Ending:
    last = last_answering(hops)
    if recording.problem is not None:
        return Ending(Outcome.UNREACHABLE, reached=False)
    if last is not None and loop(hops):
        return Ending(Outcome.UNREACHABLE, reached=False, dies_after=last.ttl, suspects=loop(hops), notes=("loop",), marked=last.ttl)
    if last is not None and last.ttl >= recording.last:
        return Ending(Outcome.UNREACHABLE, reached=False, dies_after=last.ttl, notes=("too-long",))
    return Ending(Outcome.FILTERED, False, None, last.ttl if last else None, _suspects(last, compared))


def _icmp(recording: Recording, final: Hop, hops: Sequence[Hop]) -> Ending:
    icmp = final.icmp
    code = (recording.flow.version, icmp.type, icmp.code) if icmp else (0, 0, 0)
    sender = final.address or ""
    own, target = sender == recording.own, sender == recording.flow.address
    if target and code in _PORT_CLOSED and recording.flow.proto is not Proto.TCP:
        return Ending(Outcome.REFUSED, reached=True)
    last = last_answering(hops, final.ttl)
    dies_after = last.ttl if last else None
    if own:
        return Ending(Outcome.UNREACHABLE, reached=False, notes=("no-neighbour",), marked=final.ttl)
    outcome = Outcome.REJECTED if code in _REJECTED else Outcome.UNREACHABLE
    return Ending(outcome, target, sender if outcome is Outcome.REJECTED else None, dies_after, (sender,))


def _reset(final: Hop, hops: Sequence[Hop], compared: Sequence[Hop], early: bool) -> Ending:
    server = next((hop for hop in compared if hop.reply in {ReplyKind.SYN_ACK, ReplyKind.RST}), None)
    ways_back = (travelled(server.reply_ttl) if server is not None else None, travelled(final.reply_ttl))
    foreign = None not in ways_back and ways_back[0] != ways_back[1]
    if not early and not foreign:
        return Ending(Outcome.REFUSED, reached=True, notes=_suspiciously_near(final, hops), marked=final.ttl)
    last = last_answering(hops, final.ttl)
    suspects = _nearest_first(final, hops, _suspects(last, compared))
    return Ending(Outcome.REJECTED, False, None, last.ttl if last else None, suspects, ("middlebox",), final.ttl)


def _too_early(final: Hop, compared: Sequence[Hop]) -> bool:
    """True where the working port's server stands further away than what answered here: a router is met there, and no probe merely lost."""
    server = next((hop for hop in compared if hop.reply in FINAL), None)
    passed = any(hop.ttl >= final.ttl for hop in compared if hop.reply is ReplyKind.TIME_EXCEEDED)
    return server is not None and final.ttl < server.ttl and passed


def _suspiciously_near(final: Hop, hops: Sequence[Hop]) -> tuple[str, ...]:
    """A reset that travelled no further back than the last router's answer, on a path whose way back is as long as the way there."""
    last = last_answering(hops, final.ttl)
    if last is None or last.ttl != final.ttl - 1 or travelled(last.reply_ttl) != last.ttl:
        return ()
    return ("reset-too-near",) if travelled(final.reply_ttl) == last.ttl else ()


def _suspects(last: Hop | None, compared: Sequence[Hop]) -> tuple[str, ...]:
    after = last.ttl if last else 0
    onward = next((hop.address for hop in compared if hop.ttl > after and hop.address), None)
    named = [last.address if last else None, onward]
    return tuple(dict.fromkeys(address for address in named if address))


def _nearest_first(final: Hop, hops: Sequence[Hop], suspects: tuple[str, ...]) -> tuple[str, ...]:
    """Those first whose own answers came back over as many hops as the reset did."""
    alike = {hop.address for hop in hops if hop.reply is ReplyKind.TIME_EXCEEDED and travelled(hop.reply_ttl) == travelled(final.reply_ttl)}
    return tuple(sorted(suspects, key=lambda address: address not in alike)) if final.reply_ttl is not None else suspects


def _address_at(ttl: int, compared: Sequence[Hop]) -> tuple[str, ...]:
    return tuple(hop.address for hop in compared if hop.ttl == ttl and hop.address)
