"""What the made-up machine knows of its own place: its link, and names by its own resolver library."""

from __future__ import annotations

from ipaddress import ip_address

from aetui.demo.scenario import Here
from aetui.observations import Interface, LinkSeen, Outcome
from aetui.vantage.base import Vantage

DNS_PORT = 53
SHARE = 0.5
"""Of the time that is left, for each resolver but the last."""


def link(here: Here, own: str | None) -> LinkSeen:
    """The survey of a scenario's machine."""
    gateway = here.gateway if here.link else None
    ethernet = Interface(
        here.interface,
        up=here.link,
        carrier=here.link,
        mac=here.mac,
        addresses=(here.address,) if here.address and here.link else (),
        mtu=1500,
        speed_mbps=here.speed_mbps if here.link else None,
    )
    loopback = Interface("lo", True, None, None, ("127.0.0.1/8",), 65536, None, "loopback")
    return LinkSeen(
        interfaces=(loopback, ethernet),
        default_interface=here.interface if gateway else None,
        address=own if here.link else None,
        gateway=gateway,
        gateway_mac=here.gateway_mac if gateway and here.gateway_answers else None,
        gateway_answers=here.gateway_answers if gateway else None,
        resolvers=here.resolvers,
        dhcp=here.dhcp,
        proxies=here.proxies,
        platform="demo",
    )


async def lookup(vantage: Vantage, name: str, deadline: float) -> tuple[str, ...]:
    """IPv4 addresses of a name from the vantage's resolvers in order; () for none."""
    import asyncio

    import dns.exception
    import dns.message
    import dns.rcode
    import dns.rdatatype

    if _literal(name):
        return (name,)
    query = dns.message.make_query(name, "A")
    loop = asyncio.get_running_loop()
    for resolver in vantage.resolvers:
        last = resolver == vantage.resolvers[-1]
        until = deadline if last else loop.time() + (deadline - loop.time()) * SHARE
        answer = await vantage.ask(resolver, DNS_PORT, query.to_wire(), until, lambda wire: wire[:2] == query.to_wire()[:2])
        if answer.outcome is not Outcome.OPEN or answer.reply is None:
            continue
        try:
            reply = dns.message.from_wire(answer.reply, ignore_trailing=True)
        except (dns.exception.DNSException, ValueError):
            continue
        if reply.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
            return tuple(item.to_text() for rrset in reply.answer if rrset.rdtype == dns.rdatatype.A for item in rrset)
    return ()


def _literal(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
