"""The matrix of inbound causes: real router, real xrdp, real telnetd, real miniupnpd, real OpenSSH jump host; each row asserted from both halves.

The site's half stands on the laptop, knocks through the jump host and asks the logger over the LAN; the outside half stands on the jump host and
knows nothing of the inside. Columns: what is so, the arguments of both, causes by the site's half, causes by the outside half.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

import pytest

from aetui.wire import natpmp
from lab import breaking, servers, services
from lab.confirming import CODE, Told, listening, outside_half, site_half
from lab.network import Lab
from lab.topology import GATEWAY, JUMP, LAPTOP, LOGGER, SPARE, WAN

Make = Callable[[Lab], AbstractContextManager[object]]
RDP, TELNET = f"{WAN}:3389", f"{WAN}:23"
INSIDE = ("--inside", LOGGER)


@dataclass(frozen=True)
class Case:
    """One row."""

    name: str
    so: tuple[Make, ...]
    arguments: tuple[str, ...]
    site: list[str]
    outside: list[str]
    inside: tuple[str, ...] = INSIDE
    evidence: str = ""
    """Must be said by the site's half."""
    public: str = WAN
    weaker: tuple[str, ...] = ()
    """What the site's half may say instead where the moment showed less: a search for a device that another packet began ends sooner."""


def rdp(lab: Lab) -> AbstractContextManager[object]:
    return services.remote_desktop(lab)


def telnet(lab: Lab) -> AbstractContextManager[object]:
    return services.telnet(lab)


def router_tells(address: str) -> Make:
    """An older router, which tells its outer address by NAT-PMP whatever it is (miniupnpd keeps a private one to itself)."""
    answer = natpmp.response(natpmp.OuterAddress(0, 1, address))
    server = servers.udp_server(natpmp.PORT, lambda asked: answer if asked == natpmp.ADDRESS_REQUEST else None)
    return lambda lab: breaking.serving_at(lab, "router", "nat-pmp", natpmp.PORT, server)


def router_keeps_to_itself(lab: Lab) -> AbstractContextManager[object]:
    """As newer software does where its outer address is private."""
    return services.universal_plug_and_play(lab)


def to(public: int, address: str, port: int, **more: str) -> Make:
    return lambda lab: services.forwarded(lab, public, address, port, **more)


def laptop_rdp(lab: Lab) -> AbstractContextManager[object]:
    return services.remote_desktop(lab, "laptop")


def laptop_web(lab: Lab) -> AbstractContextManager[object]:
    return breaking.serving_at(lab, "laptop", "web", 8080, servers.web(8080, servers.Page()))


def mute(lab: Lab) -> AbstractContextManager[object]:
    return breaking.redirected(lab, "router", 'iifname "wan" tcp dport 3389', "mute", servers.mute)


def listener(lab: Lab) -> AbstractContextManager[object]:
    return listening(lab, 3389, 23)


def other_listener(lab: Lab) -> AbstractContextManager[object]:
    return listening(lab, 3389, code="0000-0000")


def nat(network: str) -> Make:
    return lambda lab: services.behind_another_nat(lab, network)


def logger_drops(match: str) -> Make:
    return lambda lab: breaking.dropped(lab, match, "logger", ("input",))


def router_drops(match: str) -> Make:
    return lambda lab: breaking.dropped(lab, match)


def other_gateway(lab: Lab) -> AbstractContextManager[object]:
    """The logger answers by a router that is not there."""
    return breaking.configured(lab, "logger", [f"route replace default via {SPARE}"], [f"route replace default via {GATEWAY}"])


CONFIRMED, MISSING = ["service-confirmed certain"], ["forward-missing likely"]
EXPOSED = ["exposed likely", *CONFIRMED]
UNKNOWN_MISSING, UNANSWERED = ["forward-missing possible"], ["forward-unanswered possible"]

CASES = [
    Case("Remote Desktop forwarded right", (rdp, to(3389, LOGGER, 3389)), (RDP,), CONFIRMED, CONFIRMED, evidence="same machine"),
    Case("telnet forwarded right", (telnet, to(23, LOGGER, 23)), (TELNET,), CONFIRMED, CONFIRMED, evidence="same machine"),
    Case("both, without a port named", (rdp, telnet, to(3389, LOGGER, 3389), to(23, LOGGER, 23)), (WAN,), CONFIRMED * 2, CONFIRMED * 2),
    Case("forwarded to the listener", (listener, to(3389, LAPTOP, 3389)), (RDP, "--code", CODE),
         ["forward-confirmed certain"], ["forward-confirmed certain"], (), "arrived at its port 3389, from 203.0.113.250"),
    Case("telnet's port forwarded to the listener", (listener, to(23, LAPTOP, 23)), (TELNET, "--code", CODE),
         ["forward-confirmed certain"], ["forward-confirmed certain"], (), "arrived at its port 23"),
    Case("an unknown port forwarded to the listener", (listener, to(8080, LAPTOP, 3389)), (f"{WAN}:8080", "--code", CODE),
         ["forward-confirmed certain"], ["forward-confirmed certain"], (), "arrived at its port 3389"),
    Case("the listener knows another code", (other_listener, to(3389, LAPTOP, 3389)), (RDP, "--code", CODE),
         ["forward-elsewhere possible"], ["forward-elsewhere possible"], (), "does not know this code"),
    Case("the listener, and nobody told the code", (listener, to(3389, LAPTOP, 3389)), (RDP,),
         ["forward-confirmed likely"], ["forward-confirmed likely"], ()),
    Case("not forwarded", (rdp,), (RDP,), MISSING, UNKNOWN_MISSING, evidence="port 3389 answers: Remote Desktop"),
    Case("forwarded to a host that runs a web server", (rdp, laptop_web, to(3389, LAPTOP, 8080)), (RDP,),
         ["forward-elsewhere certain"], ["forward-elsewhere certain"]),
    Case("forwarded to another host's Remote Desktop", (rdp, laptop_rdp, to(3389, LAPTOP, 3389)), (RDP,),
         ["forward-elsewhere certain"], CONFIRMED, evidence="two machines"),
    Case("Remote Desktop forwarded where telnet should be", (rdp, telnet, to(23, LOGGER, 3389)), (TELNET,),
         ["forward-elsewhere likely"], ["forward-elsewhere possible"]),
    Case("forwarded to a dead host", (rdp, to(3389, SPARE, 3389)), (RDP,),
         ["forward-elsewhere likely"], ["forward-elsewhere possible"], evidence="no device answers", weaker=("unreachable possible",)),
    Case("the service is stopped", (to(3389, LOGGER, 3389),), (RDP,), ["service-down certain"], ["forward-refused possible"]),
    Case("the logger's own firewall drops", (rdp, to(3389, LOGGER, 3389), logger_drops("tcp dport 3389")), (RDP,),
         ["service-down certain"], UNANSWERED, evidence="silence, as from a firewall of its own"),
    Case("the logger's own firewall lets only the LAN in", (rdp, to(3389, LOGGER, 3389), logger_drops("tcp dport 3389 ip saddr != 192.168.50.0/24")),
         (RDP,), MISSING, UNANSWERED, evidence="firewall lets in the local network alone"),
    Case("the logger's gateway is another than this router", (rdp, to(3389, LOGGER, 3389), other_gateway), (RDP,), MISSING, UNANSWERED,
         evidence="its gateway is another than this router"),
    Case("the logger is off", (to(3389, SPARE, 3389),), (RDP,), ["service-down certain"], ["forward-elsewhere possible"], ("--inside", SPARE)),
    Case("the router answers the port itself", (rdp, lambda lab: services.answered_by_router(lab, 3389)), (RDP,),
         ["forward-elsewhere certain"], ["forward-elsewhere certain"], evidence="a web server (httpd)"),
    Case("something takes the connection and says nothing", (rdp, mute), (RDP,),
         ["forward-elsewhere likely"], ["forward-elsewhere possible"], evidence="says nothing"),
    Case("the router refuses", (rdp, lambda lab: services.refused_at_router(lab, 3389)), (RDP,),
         ["forward-refused certain"], ["forward-refused possible"]),
    Case("the ISP drops the port", (rdp, to(3389, LOGGER, 3389), lambda lab: breaking.dropped(lab, "tcp dport 3389", "isp1")), (RDP,),
         MISSING, UNKNOWN_MISSING),
    Case("the ISP prohibits the port", (rdp, to(3389, LOGGER, 3389), lambda lab: breaking.rejected(lab, "tcp dport 3389", "admin-prohibited", "isp1")),
         (RDP,), ["unreachable possible"], ["forward-refused possible"]),
    Case("the router drops behind its own forward", (rdp, to(3389, LOGGER, 3389), router_drops('iifname "wan" tcp dport 3389')), (RDP,),
         MISSING, UNANSWERED),
    Case("forwarded for all, and a rule lets other sources alone through",
         (rdp, to(3389, LOGGER, 3389), router_drops('iifname "wan" tcp dport 3389 ip saddr != 9.9.9.0/24')), (RDP,), MISSING, UNANSWERED,
         evidence="lets in other source addresses alone"),
    Case("the router drops the answers", (rdp, to(3389, LOGGER, 3389), router_drops('oifname "wan" tcp sport 3389')), (RDP,), MISSING, UNANSWERED),
    Case("the ISP drops one port of two", (rdp, telnet, to(3389, LOGGER, 3389), to(23, LOGGER, 23),
                                           lambda lab: breaking.dropped(lab, "tcp dport 3389", "isp1")), (WAN,),
         ["forward-missing likely", "service-confirmed certain"], ["forward-missing possible", "service-confirmed certain"],
         evidence=f"Other ports of {WAN} answer"),
    Case("only other sources are let in", (rdp, to(3389, LOGGER, 3389, sources="9.9.9.0/24")), (RDP,), MISSING, UNKNOWN_MISSING),
    Case("only our source is let in", (rdp, to(3389, LOGGER, 3389, sources="203.0.113.250/32")), (RDP,), CONFIRMED, CONFIRMED),
    Case("support alone was meant to be let in, and another address is", (rdp, to(3389, LOGGER, 3389)), (RDP, "--meant-for", "9.9.9.0/24"),
         EXPOSED, EXPOSED, evidence=f"{JUMP} got in"),
    Case("support alone was meant to be let in, and the listener is reached by another", (listener, to(3389, LAPTOP, 3389)),
         (RDP, "--code", CODE, "--meant-for", "9.9.9.0/24"), ["exposed likely", "forward-confirmed certain"],
         ["exposed likely", "forward-confirmed certain"], (), f"{JUMP} got in"),
    Case("who was meant to be let in is", (rdp, to(3389, LOGGER, 3389, sources=f"{JUMP}/32")), (RDP, "--meant-for", f"{JUMP}/32"), CONFIRMED, CONFIRMED),
    Case("two routers", (rdp, nat("192.168.1"), router_tells("192.168.1.2")), (f"{services.SECOND_NAT}:3389",),
         ["double-nat certain"], UNKNOWN_MISSING, evidence="outer address is 192.168.1.2", public=services.SECOND_NAT),
    Case("a carrier's NAT", (rdp, nat("100.64.7"), router_tells("100.64.7.2")), (f"{services.SECOND_NAT}:3389",),
         ["carrier-nat certain"], UNKNOWN_MISSING, evidence="outer address is 100.64.7.2", public=services.SECOND_NAT),
    Case("two routers, and ours keeps it to itself", (rdp, nat("192.168.1"), router_keeps_to_itself), (f"{services.SECOND_NAT}:3389",),
         ["double-nat likely"], UNKNOWN_MISSING, evidence="second private address, 192.168.1.1", public=services.SECOND_NAT),
    Case("a carrier's NAT, and our router keeps it to itself", (rdp, nat("100.64.7"), router_keeps_to_itself), (f"{services.SECOND_NAT}:3389",),
         ["carrier-nat likely"], UNKNOWN_MISSING, evidence="100.64.7.1, an address that providers use", public=services.SECOND_NAT),
    Case("two routers that tell nothing", (rdp, nat("192.168.1")), (f"{services.SECOND_NAT}:3389",), MISSING, UNKNOWN_MISSING),
    Case("forwarded on another port, asked at the usual one", (rdp, to(53389, LOGGER, 3389)), (RDP,), MISSING, UNKNOWN_MISSING),
    Case("forwarded on another port, and named", (rdp, to(53389, LOGGER, 3389)), (WAN, "--map", "53389:3389"), CONFIRMED, CONFIRMED),
    Case("forwarded for UDP alone", (rdp, to(3389, LOGGER, 3389, protocol="udp")), (RDP,), MISSING, UNKNOWN_MISSING),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_fault_has_its_cause_from_both_halves(lab: Lab, case: Case) -> None:
    with ExitStack() as stack:
        for make in case.so:
            stack.enter_context(make(lab))
        lab["router"].run(["ip", "neigh", "flush", "all"])  # a router that still remembers a dead host says so sooner
        halves = site_half(lab, *case.arguments, *case.inside), outside_half(lab, *case.arguments)
        site, outside = (half.told() for half in halves)
    expected = list(case.weaker) if case.weaker and site.causes == list(case.weaker) else case.site
    assert (site.causes, outside.causes) == (expected, case.outside), f"{site.complaint}\n{site.result}\n{outside.complaint}\n{outside.result}"
    assert expected is not case.site or case.evidence in site.evidence
    assert site.status == _status(site) and outside.status == _status(outside)


def _status(told: Told) -> int:
    return 1 if any(entry["severity"] == "fail" for entry in told.result["diagnosis"]) else 0
