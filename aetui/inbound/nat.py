"""How deep the NAT is: what the gateway says of its outer side and of the forwards that it keeps, by UPnP IGD, NAT-PMP and PCP, all at
once.

Read-only: no mapping is made, changed or deleted (the codecs cannot even say so). What nobody tells stays None or empty. Needs a vantage
with UDP; the multicast search, for gateways that answer no direct one, is sent only from this machine itself (``kind`` local).

Sources: RFC 6886 section 3.2, RFC 6887 section 14.1, UPnP Device Architecture 1.1 sections 1.3.2 and 2, WANIPConnection:1. Not here:
judging.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from aetui.inbound import igd
from aetui.probes.common import clock, together, within
from aetui.reach import NatSeen, OuterSide
from aetui.vantage.base import Capability, Shape, Vantage
from aetui.wire import natpmp, pcp, ssdp
from aetui.wire.realm import Realm, realm

PORT_CONTROL_S = 1.0
"""Longest wait for NAT-PMP and PCP; the gateway is one hop away."""
SEARCH_S = 1.5
"""Longest wait for an answer to the search, with MX 1."""
WHOLE_S = 8.0
"""Longest time of everything here."""
HOP_S = 1.5
"""Longest wait for a router's 'time exceeded'."""
TIME_EXCEEDED = 11
"""ICMP type (RFC 792)."""
FIRST_HOPS = 3
"""Hops that are looked at: our router, and what stands before it."""


async def look(
    vantage: Vantage, deadline: float, *, public: str | None = None, towards: tuple[str, int] | None = None, ports: Sequence[int] = (),
    forwards: bool = True,
) -> NatSeen:  # fmt: skip
    """Ask the vantage's own gateway.

    ``public`` is how a host outside sees us; ``towards`` is an address and port out there, for the first hops of the way; ``ports`` are those
    whose forwards are looked for; ``forwards`` False leaves the gateway's list of them unread.
    """
    own, gateway = vantage.info.address, vantage.info.gateway
    seen = NatSeen(gateway, own, public=public_or_none(public))
    if Capability.UDP not in vantage.capabilities or gateway is None or own is None or ":" in gateway:
        return seen
    deadline = within(WHOLE_S, deadline)
    asked = [_nat_pmp(vantage, gateway, deadline), _pcp(vantage, gateway, own, deadline)]
    sides, gateway_says, hops = await asyncio.gather(
        together(asked), _upnp(vantage, gateway, own, deadline, ports if forwards else None), _hops(vantage, towards, deadline)
    )
    outer = tuple(side for side in (gateway_says.outer if gateway_says else None, *sides) if side is not None)
    listed = gateway_says is not None and gateway_says.listed
    kept = gateway_says.forwards if gateway_says else ()
    return NatSeen(gateway, own, outer, public_or_none(public), kept, listed, hops)


def public_or_none(address: str | None) -> str | None:
    """The address if it is a public one: a private 'outer' address is never taken for the site's public one."""
    return address if address is not None and realm(address) is Realm.PUBLIC else None


async def _hops(vantage: Vantage, towards: tuple[str, int] | None, deadline: float) -> tuple[str, ...]:
    """The first hops, '' for a silent one: connects whose TTL runs out there (RFC 792). () where the vantage cannot do that."""
    if towards is None or not {Capability.SEGMENT, Capability.ICMP} <= vantage.capabilities:
        return ()
    limit = within(HOP_S, deadline)
    tries = await together([vantage.connect(*towards, limit, Shape(ttl=ttl)) for ttl in range(1, FIRST_HOPS + 1)])
    for connection in tries:
        if connection.stream is not None:
            connection.stream.close()
    expired = [c.seen.icmp.sender if c.seen.icmp is not None and c.seen.icmp.type == TIME_EXCEEDED else "" for c in tries]
    return tuple(expired)


async def _nat_pmp(vantage: Vantage, gateway: str, deadline: float) -> OuterSide | None:
    limit = within(PORT_CONTROL_S, deadline)
    answer = await vantage.ask(gateway, natpmp.PORT, natpmp.ADDRESS_REQUEST, limit, lambda data: natpmp.parse(data) is not None)
    said = natpmp.parse(answer.reply) if answer.reply else None
    if said is None:
        return None
    return OuterSide("nat-pmp", said.address, natpmp.RESULTS.get(said.result, str(said.result)))


async def _pcp(vantage: Vantage, gateway: str, own: str, deadline: float) -> OuterSide | None:
    limit = within(PORT_CONTROL_S, deadline)
    answer = await vantage.ask(gateway, pcp.PORT, pcp.announce(own), limit, lambda data: pcp.parse(data) is not None)
    said = pcp.parse(answer.reply) if answer.reply else None
    if said is None or said.version == 0:
        return None  # a NAT-PMP gateway, which is asked in its own words
    return OuterSide("pcp", None, pcp.RESULTS.get(said.result, str(said.result)))


async def _upnp(vantage: Vantage, gateway: str, own: str, deadline: float, ports: Sequence[int] | None) -> igd.Gateway | None:
    found = await _search(vantage, gateway, own, within(SEARCH_S, deadline))
    if found is None:
        return None
    return await igd.read(vantage, found.location, deadline, ports)


async def _search(vantage: Vantage, gateway: str, own: str, deadline: float) -> ssdp.Found | None:
    """The gateway's answer to a direct search or to a multicast one, whichever comes first; answers of others do not count."""
    searches = [asyncio.ensure_future(_ask_directly(vantage, gateway, target, deadline)) for target in ssdp.GATEWAYS]
    if vantage.info.kind == "local":
        searches.append(asyncio.ensure_future(_ask_everybody(gateway, own, deadline)))
    try:
        for done in asyncio.as_completed(searches):
            found = await done
            if found is not None:
                return found
        return None
    finally:
        for search in searches:
            search.cancel()
        await asyncio.gather(*searches, return_exceptions=True)


async def _ask_directly(vantage: Vantage, gateway: str, target: str, deadline: float) -> ssdp.Found | None:
    answer = await vantage.ask(gateway, ssdp.PORT, ssdp.search(target, gateway), deadline, lambda data: _of(gateway, data) is not None)
    return _of(gateway, answer.reply) if answer.reply else None


def _of(gateway: str, data: bytes) -> ssdp.Found | None:
    """An answer whose description lies on the gateway itself."""
    found = ssdp.parse(data)
    return found if found is not None and found.location.host == gateway else None


async def _ask_everybody(gateway: str, own: str, deadline: float) -> ssdp.Found | None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
            sock.bind((own, 0))
            for target in ssdp.GATEWAYS:
                sock.sendto(ssdp.search(target), (ssdp.GROUP, ssdp.PORT))
            while clock() < deadline:
                async with asyncio.timeout_at(deadline):
                    data, sender = await loop.sock_recvfrom(sock, ssdp.LONGEST)
                found = _of(gateway, data)
                if found is not None and sender[0] == gateway:
                    return found
        except (OSError, TimeoutError):
            return None
    return None
