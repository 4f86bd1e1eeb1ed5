"""Faults of the laptop itself, its cable, its address, its gateway, its own firewall, and its clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

from . import servers
from .breaking import configured, filtered, redirected, rules, scratch, together
from .fault import NAMES_WORK, WWW, WWW_IS_THERE, Begin, Fault
from .network import Lab
from .topology import GATEWAY, LAPTOP, LOGGER, SPARE, TIME_HOSTS

HTTPS = f"tcp {WWW}:443"
_ADDRESS, _ROUTE = f"addr replace {LAPTOP}/24 dev eth0", f"route replace default via {GATEWAY}"
_FORGET = "neigh flush dev eth0"


def _laptop(*do: str, undo: tuple[str, ...] = (_ADDRESS, _ROUTE)) -> Begin:
    return lambda lab: configured(lab, "laptop", do, undo)


@contextmanager
def _cable_out(lab: Lab) -> Iterator[None]:
    with configured(lab, "router", ["link set lan1 down"], ["link set lan1 up", "link set lan1 type bridge_slave state 3"]):
        # the kernel tells of a lost carrier at most once a second (link watch)
        lab["laptop"].await_true(lambda: "NO-CARRIER" in lab["laptop"].run(["ip", "-o", "link", "show", "eth0"]).stdout)
        yield


def _gateway_silent(lab: Lab) -> AbstractContextManager[object]:
    mute = rules(
        lab,
        "router",
        "    chain in { type filter hook input priority 0; drop; }\n    chain out { type filter hook output priority 0; drop; }".replace(
            "; }", "\n }"
        ),
        "arp",
    )
    return together(mute, configured(lab, "router", ["neigh flush all"], []), configured(lab, "laptop", [_FORGET], [_FORGET]))


def _own(statement: str) -> Begin:
    return lambda lab: filtered(lab, "laptop", f'oifname "eth0" {statement}', hooks=("output",))


def clock_off(ahead_s: float, fresh_certificates: bool = False) -> Begin:
    """Time servers and web servers agree on a time ``ahead_s`` from this machine's: which is to say that this clock is wrong by as much.

    ``fresh_certificates``: they were issued ten minutes ago by the servers' clock.
    """

    def begin(lab: Lab) -> AbstractContextManager[object]:
        issuing, page = lab.authority.issuing, servers.Page(ahead_s=ahead_s)
        start = issuing.now + timedelta(seconds=ahead_s) - timedelta(minutes=10) if fresh_certificates else None

        def make(name: str) -> bytes:
            return issuing.leaf([name], start)

        return together(
            redirected(lab, "cloud", "udp dport 123", "clock", lambda port: servers.ntp(port, servers.Clock(ahead_s))),
            redirected(lab, "cloud", "tcp dport 80", "dated", lambda port: servers.web(port, page)),
            redirected(
                lab, "cloud", "tcp dport 443", "dated-tls", lambda port: servers.secure_web(port, scratch(lab, "dated"), make, page)
            ),
        )

    return begin


def _time_hosts(answer: str) -> dict[str, str]:
    return {f"ntp {host}": answer for host in TIME_HOSTS}


FAULTS: tuple[Fault, ...] = (
    Fault(
        "link-down",
        "The laptop's interface is switched off.",
        _laptop("link set eth0 down", undo=("link set eth0 up", _ADDRESS, _ROUTE)),
        {HTTPS: "ENETUNREACH", "dns www.alsoenergy.com": "ENETUNREACH"},
    ),
    Fault(
        "cable-out",
        "The cable has no carrier; the interface is up and keeps its address.",
        _cable_out,
        {HTTPS: "silent", "dns www.alsoenergy.com": "silent"},
    ),
    Fault(
        "no-address",
        "The interface is up and has no IPv4 address.",
        _laptop("addr flush dev eth0"),
        {HTTPS: "ENETUNREACH", "dns www.alsoenergy.com": "ENETUNREACH"},
    ),
    Fault(
        "link-local-only",
        "DHCP failed: the only address is in 169.254/16.",
        _laptop("addr flush dev eth0", "addr add 169.254.77.12/16 dev eth0", undo=("addr flush dev eth0", _ADDRESS, _ROUTE)),
        {HTTPS: "ENETUNREACH", "dns www.alsoenergy.com": "ENETUNREACH"},
    ),
    Fault("no-gateway", "There is no default route.", _laptop("route del default"), {HTTPS: "ENETUNREACH"}, NAMES_WORK),
    Fault("gateway-silent", "The gateway answers no ARP.", _gateway_silent, {HTTPS: "silent", "dns www.alsoenergy.com": "silent"}),
    Fault(
        "gateway-absent",
        "The default route points at an address that nobody has.",
        _laptop(f"route replace default via {SPARE}", undo=(_ROUTE, _FORGET)),
        {HTTPS: "silent"},
        NAMES_WORK,
    ),
    Fault(
        "gateway-wrong",
        "The default route points at a neighbour that is no router.",
        _laptop(f"route replace default via {LOGGER}", undo=(_ROUTE, _FORGET)),
        {HTTPS: "silent"},
        NAMES_WORK,
    ),
    Fault(
        "address-conflict",
        "Another machine of the LAN has the laptop's address too.",
        lambda lab: configured(lab, "logger", [f"addr add {LAPTOP}/32 dev eth0"], [f"addr del {LAPTOP}/32 dev eth0"]),
        {f"arp {LAPTOP}": "answered"},
    ),
    Fault(
        "own-firewall-drop",
        "This machine's firewall drops what it sends.",
        _own("drop"),
        {HTTPS: "silent", "dns www.alsoenergy.com": "EPERM"},
    ),
    Fault(
        "own-firewall-reject",
        "This machine's firewall rejects every connection that it opens.",
        _own("meta l4proto tcp reject"),
        {HTTPS: f"icmp 3/3 from {LAPTOP}"},
        NAMES_WORK,
    ),
    Fault(
        "own-firewall-prohibits",
        "This machine's firewall prohibits port 443.",
        _own("tcp dport 443 reject with icmp type admin-prohibited"),
        {HTTPS: f"icmp 3/13 from {LAPTOP}"},
        {f"tcp {WWW}:80": "open"},
    ),
    Fault(
        "own-firewall-udp",
        "This machine's firewall drops the network time that it asks for.",
        _own("udp dport 123 drop"),
        _time_hosts("EPERM"),
        WWW_IS_THERE,
    ),
    Fault("clock-slow-1h", "This machine's clock is an hour slow.", clock_off(3600), _time_hosts("stratum 2 offset 60 min"), NAMES_WORK),
    Fault(
        "clock-slow-1h-fresh-certificates",
        "This machine's clock is an hour slow, and the servers' certificates were issued ten minutes ago.",
        clock_off(3600, True),
        {
            **_time_hosts("stratum 2 offset 60 min"),
            "tls www.alsoenergy.com": "untrusted from Lab Public Server CA 2: certificate is not yet valid",
        },
        NAMES_WORK,
    ),
    Fault("clock-fast-1h", "This machine's clock is an hour fast.", clock_off(-3600), _time_hosts("stratum 2 offset -60 min"), NAMES_WORK),
    Fault(
        "clock-fast-years",
        "This machine's clock is three years fast.",
        clock_off(-3 * 365 * 86400),
        _time_hosts("stratum 2 offset -1576800 min"),
        NAMES_WORK,
    ),
)
"""Single faults of this machine."""
