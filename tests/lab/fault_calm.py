"""What a healthy site may look like: changes that stop no logger, and must not alarm anybody."""

from __future__ import annotations

from contextlib import AbstractContextManager

from . import wire
from .breaking import FROM_SITE, configured, filtered, rules, together
from .fault import NAMES_WORK, OTHERS, TLS_OK, Begin, Fault, Symptoms
from .fault_transport import drop, line
from .network import Lab
from .topology import SECOND_RESOLVER, THIRD_RESOLVER, TIME_HOSTS

RESOLVERS = f"{{ {SECOND_RESOLVER}, {THIRD_RESOLVER} }}"
TIME_SERVERS = "{ " + ", ".join(TIME_HOSTS.values()) + " }"
ROUTERS = ("router", "isp1", "isp2")


def _calm(name: str, about: str, begin: Begin, spares: Symptoms | None = None) -> Fault:
    return Fault(name, about, begin, {}, {**OTHERS, **NAMES_WORK, "tls www.alsoenergy.com": TLS_OK, **(spares or {})})


def _path_of_1400(lab: Lab) -> AbstractContextManager[object]:
    ends = (("isp1", "north"), ("isp2", "south"))
    return together(*(configured(lab, node, [f"link set {end} mtu 1400"], [f"link set {end} mtu 1500"]) for node, end in ends))


def _routers_say(statement: str) -> Begin:
    return lambda lab: together(*(filtered(lab, node, statement, hooks=("output",)) for node in ROUTERS))


FTP_HELPER = """ct helper alg { type "ftp" protocol tcp
 }
 chain tracked { type filter hook prerouting priority 0
 tcp dport 21 ct helper set "alg"
 }"""


CALM: tuple[Fault, ...] = (
    _calm("distance-100", "A line of 100 ms each way.", line(wire.long(100))),
    _calm("distance-50-jitter", "A line of 50 ms each way, and up to 20 more.", line(wire.Line(50, 50, jitter_ms=20))),
    _calm("mtu-1400-told", "Packets above 1400 bytes are too big, and the routers say so.", _path_of_1400),
    _calm(
        "second-opinion-blocked",
        "Only the site's own resolver may be asked.",
        drop(f"{FROM_SITE} ip daddr {RESOLVERS}"),
        {f"dns www.alsoenergy.com {SECOND_RESOLVER}": "silent"},
    ),
    _calm(
        "routers-say-nothing",
        "No router answers pings, or says that a packet's time ran out.",
        _routers_say("icmp type { echo-reply, time-exceeded } drop"),
    ),
    _calm(
        "routers-say-little",
        "Routers say once a second that a packet's time ran out.",
        _routers_say("icmp type time-exceeded limit rate over 1/second burst 1 packets drop"),
    ),
    _calm(
        "time-servers-have-no-web",
        "The web ports of the time servers are dropped; nobody needs them.",
        drop(f"ip daddr {TIME_SERVERS} tcp dport {{ 80, 443 }}"),
    ),
    _calm(
        "ftp-helper",
        "The site's router understands FTP, so that active transfers work too.",
        lambda lab: rules(lab, "router", FTP_HELPER),
        {f"ftp {mode} smaftpdm.alsoenergy.com": "1 file" for mode in ("port", "pasv", "epsv")},
    ),
)
"""Healthy variations."""
