"""What a machine would be told of a packet's fate: outcome, errno and ICMP error, as Linux reports them. Pure.

The errno of each ICMP code is what Linux gives (``icmp_err_convert``); a neighbour that does not answer is told by this machine to itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from aetui.demo.network import Expire, Fate, NoNeighbour, NoRoute
from aetui.demo.scenario import Deny, Refuse, Reject
from aetui.observations import Icmp, Outcome
from aetui.records import Transport
from aetui.vantage.outcomes import ICMP4

ERRNO = {0: "ENETUNREACH", 2: "ENOPROTOOPT", 3: "ECONNREFUSED", 9: "ENETUNREACH"}
"""By ICMP code of type 3; EHOSTUNREACH for the others."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How an attempt failed."""

    outcome: Outcome
    errno: str | None = None
    icmp: Icmp | None = None


SILENCE = Failure(Outcome.FILTERED)


def failure(fate: Fate, transport: Transport, own: str | None) -> Failure | None:
    """The failure that a fate amounts to, or None where something answers. ``own`` is this machine's address."""
    sender = fate.sender or ""
    match fate.doing:
        case NoRoute():
            return Failure(Outcome.NO_ROUTE, "ENETUNREACH")
        case NoNeighbour():
            return Failure(Outcome.NO_NEIGHBOUR, "EHOSTUNREACH", Icmp(3, 1, own or "0.0.0.0"))
        case Deny():
            return Failure(Outcome.DENIED, "EPERM")
        case Expire(hop=hop):
            return SILENCE if hop.silent else Failure(Outcome.UNREACHABLE, "EHOSTUNREACH", Icmp(11, 0, hop.address))
        case Refuse() if transport is Transport.UDP:
            return Failure(Outcome.REJECTED, "ECONNREFUSED", Icmp(3, 3, sender))
        case Reject(code=code):
            return Failure(ICMP4[3, code], ERRNO.get(code, "EHOSTUNREACH"), Icmp(3, code, sender))
    return None
