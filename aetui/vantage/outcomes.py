"""How an attempt ended, from errno and the ICMP error behind it: two tables and the rule that joins them. Pure.

ICMP goes before errno, since the same errno stands for different things: ECONNREFUSED is a reset or an ICMP port unreachable,
EHOSTUNREACH anything from a dead neighbour to an administrator's prohibition. An ICMP error that this machine sent to itself is either
its own neighbour search that failed, or its own firewall. Sources: RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1, RFC 4443 section 3, and
what Linux was seen to do.
"""

from __future__ import annotations

import errno as e

from aetui.observations import Icmp, Outcome

ICMP4 = {
    (3, 0): Outcome.UNREACHABLE,  # net
    (3, 1): Outcome.UNREACHABLE,  # host
    (3, 2): Outcome.REJECTED,  # protocol
    (3, 3): Outcome.REJECTED,  # port
    (3, 4): Outcome.UNREACHABLE,  # fragmentation needed
    (3, 5): Outcome.UNREACHABLE,  # source route failed
    (3, 6): Outcome.UNREACHABLE,  # net unknown
    (3, 7): Outcome.UNREACHABLE,  # host unknown
    (3, 8): Outcome.UNREACHABLE,  # source host isolated
    (3, 9): Outcome.REJECTED,  # net prohibited
    (3, 10): Outcome.REJECTED,  # host prohibited
    (3, 11): Outcome.UNREACHABLE,  # net unreachable for this type of service
    (3, 12): Outcome.UNREACHABLE,  # host unreachable for this type of service
    (3, 13): Outcome.REJECTED,  # communication prohibited by filtering
    (3, 14): Outcome.REJECTED,  # precedence violation
    (3, 15): Outcome.REJECTED,  # precedence cutoff
    (11, 0): Outcome.UNREACHABLE,  # TTL exceeded in transit
    (11, 1): Outcome.UNREACHABLE,  # reassembly time exceeded
}
"""ICMP type and code."""
ICMP6 = {
    (1, 0): Outcome.UNREACHABLE,  # no route
    (1, 1): Outcome.REJECTED,  # administratively prohibited
    (1, 2): Outcome.UNREACHABLE,  # beyond scope of source address
    (1, 3): Outcome.UNREACHABLE,  # address
    (1, 4): Outcome.REJECTED,  # port
    (1, 5): Outcome.REJECTED,  # source address failed ingress or egress policy
    (1, 6): Outcome.REJECTED,  # reject route
    (2, 0): Outcome.UNREACHABLE,  # packet too big
    (3, 0): Outcome.UNREACHABLE,  # hop limit exceeded
    (3, 1): Outcome.UNREACHABLE,  # reassembly time exceeded
    (4, 1): Outcome.REJECTED,  # next header not recognised: no such protocol there
}
"""ICMPv6 type and code."""
NEIGHBOUR = {4: (3, 1), 6: (1, 3)}
"""By IP version: what Linux tells its own sockets when ARP or neighbour discovery found nobody, with its own address as the sender."""

AT_ONCE = {
    e.ENETUNREACH: Outcome.NO_ROUTE,  # no route, or no default route
    e.EHOSTUNREACH: Outcome.NO_ROUTE,  # a route of the kind "unreachable"
    e.EINVAL: Outcome.NO_ROUTE,  # a route of the kind "blackhole"; a link-local address without its interface
    e.ENETDOWN: Outcome.NO_ROUTE,
    e.EAFNOSUPPORT: Outcome.NO_ROUTE,  # IPv6 is switched off
    e.EADDRNOTAVAIL: Outcome.NO_ROUTE,  # no own address of this family to send from
    e.EPERM: Outcome.DENIED,  # the local firewall
    e.EACCES: Outcome.DENIED,  # a route of the kind "prohibit", a security module, Windows' firewall
}
"""What the system's call itself said, before anything could have come back."""
LATER = {
    e.ECONNREFUSED: Outcome.REFUSED,
    e.ECONNRESET: Outcome.REFUSED,
    e.ETIMEDOUT: Outcome.FILTERED,
    e.ENETUNREACH: Outcome.UNREACHABLE,
    e.EHOSTUNREACH: Outcome.UNREACHABLE,
    e.EPERM: Outcome.DENIED,
    e.EACCES: Outcome.DENIED,
    getattr(e, "EHOSTDOWN", -1): Outcome.NO_NEIGHBOUR,  # macOS' word for a neighbour that does not answer
}
"""What came back, where no ICMP error is known."""


def symbol(error: int) -> str | None:
    """The errno's name without Windows' prefix (``ECONNREFUSED``), ``E123`` for one without a name, None for 0."""
    return e.errorcode.get(error, f"E{error}").removeprefix("WSA") if error else None


def classify(error: int, icmp: Icmp | None, *, at_once: bool, ours: bool = False) -> Outcome:
    """How an attempt ended that failed with ``error``.

    ``at_once``: the system's call said so itself, before anything was sent. ``ours``: this machine sent the ICMP error, not the target.
    """
    if icmp is not None and ours:
        version = 6 if ":" in icmp.sender else 4
        return Outcome.NO_NEIGHBOUR if (icmp.type, icmp.code) == NEIGHBOUR[version] else Outcome.DENIED
    if icmp is not None:
        return (ICMP6 if ":" in icmp.sender else ICMP4).get((icmp.type, icmp.code), Outcome.FAILED)
    if at_once and error in AT_ONCE:
        return AT_ONCE[error]
    return LATER.get(error, Outcome.FAILED)
