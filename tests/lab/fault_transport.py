"""Faults of the way there: drops, rejects, resets, routing, servers and clouds that are down, segment size, distance and loss."""

from __future__ import annotations

from contextlib import AbstractContextManager

from . import wire
from .breaking import FROM_SITE, ICMP_CODES, configured, dropped, filtered, redirected, rejected, reset
from .fault import MAKI, NAMES_WORK, OTHERS, STREAMER, WWW, WWW_IS_THERE, Begin, Fault
from .network import Lab
from .servers import hangs_up, mute
from .topology import GATEWAY, HOSTS, KIOSK_ALIVE, REMOTE_ACCESS, WAN_GATEWAY

LAST_ISP = "203.0.113.6"
"""The second ISP router's own address, of a lab with two."""
ALSO = ", ".join(sorted({address for name, address in HOSTS.items() if name.endswith(("alsoenergy.com", "buildingmanageronline.com"))}))
HTTPS, HTTP = f"tcp {WWW}:443", f"tcp {WWW}:80"
TO_STREAMER = f"ip daddr {STREAMER} tcp dport {{ 80, 443 }}"
STREAMER_443 = f"tcp {STREAMER}:443"
RA_2022 = f"tcp {REMOTE_ACCESS}:2022"


def drop(match: str, node: str = "router", hook: str = "forward") -> Begin:
    return lambda lab: dropped(lab, match, node, (hook,))


def _reset(match: str, node: str = "router", hook: str = "forward") -> Begin:
    return lambda lab: reset(lab, match, node, (hook,))


def line(how: wire.Line) -> Begin:
    """The site's WAN is such a line."""
    return lambda lab: wire.laid(lab, how)


def _icmp(kind: str, node: str, sender: str) -> Fault:
    """One server prohibited or unreachable, by an ICMP code, at one place."""
    where = "the site's router" if node == "router" else "an ISP's router"
    return Fault(
        f"reject-{kind}-at-{node}",
        f"{where.capitalize()} rejects one server with ICMP {kind} (3/{ICMP_CODES[kind]}).",
        lambda lab: rejected(lab, TO_STREAMER, kind, node),
        {STREAMER_443: f"icmp 3/{ICMP_CODES[kind]} from {sender}"},
        OTHERS,
    )


def _route(node: str, route: str) -> Begin:
    return lambda lab: configured(lab, node, [f"route add {route}"], [f"route del {route}"])


def _no_uplink(lab: Lab) -> AbstractContextManager[object]:
    return configured(lab, "router", ["route del default"], [f"route add default via {WAN_GATEWAY}"])


def _answered_by(name: str, match: str) -> Begin:
    """The cloud's servers accept and then do as ``name`` says."""
    return lambda lab: redirected(lab, "cloud", match, name, {"mute": mute, "hangs-up": hangs_up}[name])


def _small_path(size: int) -> Begin:
    """Full-size packets vanish at the ISP, both ways, and nobody says so."""
    return lambda lab: filtered(lab, "isp1", f"meta length > {size} drop")


def _server_moved_away(lab: Lab) -> AbstractContextManager[object]:
    return configured(lab, "cloud", [f"addr del {STREAMER}/32 dev lo"], [f"addr add {STREAMER}/32 dev lo"])


def random_loss(percent: int, node: str = "isp1") -> Begin:
    """So many of a hundred packets are lost at a router, either way, by chance."""
    return lambda lab: filtered(lab, node, f"numgen random mod 100 < {percent} drop")


FAULTS: tuple[Fault, ...] = (
    Fault(
        "drop-everything",
        "The site's router passes nothing on.",
        drop(FROM_SITE),
        {HTTPS: "silent", "ntp 20.101.57.9": "silent"},
        {"tcp 192.168.50.1:53": "open"},
    ),
    Fault(
        "drop-443",
        "The site's router drops port 443.",
        drop("tcp dport 443"),
        {HTTPS: "silent", f"tcp {MAKI}:443": "silent"},
        {HTTP: "open", **NAMES_WORK},
    ),
    Fault("drop-80", "The site's router drops port 80.", drop("tcp dport 80"), {HTTP: "silent"}, {HTTPS: "open"}),
    Fault(
        "drop-21",
        "The site's router drops port 21.",
        drop("tcp dport 21"),
        {"ftp pasv smaftpdm.alsoenergy.com": "silent after nothing"},
        WWW_IS_THERE,
    ),
    Fault(
        "drop-2022", "The site's router drops port 2022.", drop("tcp dport 2022"), {RA_2022: "silent"}, {f"tcp {REMOTE_ACCESS}:443": "open"}
    ),
    Fault(
        "drop-2022-at-isp1",
        "The first ISP router drops port 2022.",
        drop("tcp dport 2022", "isp1"),
        {RA_2022: "silent"},
        {f"tcp {REMOTE_ACCESS}:443": "open"},
    ),
    Fault(
        "drop-2022-at-isp2",
        "A later ISP router drops port 2022.",
        drop("tcp dport 2022", "isp2"),
        {RA_2022: "silent"},
        {f"tcp {REMOTE_ACCESS}:443": "open"},
    ),
    Fault(
        "drop-address",
        "The site's router drops one address.",
        drop(f"ip daddr {MAKI}"),
        {f"tcp {MAKI}:443": "silent"},
        {**WWW_IS_THERE, STREAMER_443: "open"},
    ),
    Fault(
        "drop-one-port-of-one-server",
        "The site's router drops port 443 of one server.",
        drop(f"ip daddr {STREAMER} tcp dport 443"),
        {STREAMER_443: "silent"},
        OTHERS,
    ),
    Fault(
        "drop-answers",
        "The ISP drops one server's answers on their way back.",
        drop(f"ip saddr {STREAMER}", "isp1"),
        {STREAMER_443: "silent"},
        OTHERS,
    ),
    Fault(
        "drop-all-but-web",
        "The site's router passes 80 and 443 alone.",
        drop(f"{FROM_SITE} meta l4proto {{ tcp, udp }} th dport != {{ 80, 443 }}"),
        {RA_2022: "silent", "ntp time.nist.gov": "silent", "ftp pasv smaftpdm.alsoenergy.com": "silent after nothing"},
        {**WWW_IS_THERE, **NAMES_WORK},
    ),
    Fault(
        "drop-kiosk-range",
        "The site's router drops the Kiosk's range.",
        drop("ip daddr 172.245.215.160/27"),
        {f"tcp {KIOSK_ALIVE[0]}:443": "silent"},
        {"tcp 216.246.49.51:443": "open"},
    ),
    *(_icmp(kind, "router", GATEWAY) for kind in ICMP_CODES),
    *(_icmp(kind, "isp1", WAN_GATEWAY) for kind in ("admin-prohibited", "net-unreachable", "host-unreachable", "port-unreachable")),
    _icmp("admin-prohibited", "isp2", LAST_ISP),
    Fault(
        "reject-everything",
        "The site's router prohibits everything.",
        lambda lab: rejected(lab, FROM_SITE, "admin-prohibited"),
        {HTTPS: f"icmp 3/13 from {GATEWAY}", "ntp 20.101.57.9": f"icmp 3/13 from {GATEWAY}"},
        {"tcp 192.168.50.1:53": "open"},
    ),
    Fault(
        "reject-443",
        "The site's router prohibits port 443.",
        lambda lab: rejected(lab, "tcp dport 443", "port-unreachable"),
        {HTTPS: f"icmp 3/3 from {GATEWAY}"},
        {HTTP: "open"},
    ),
    Fault(
        "route-unreachable",
        "The ISP has an unreachable route to one server.",
        _route("isp1", f"unreachable {STREAMER}"),
        {STREAMER_443: f"icmp 3/1 from {WAN_GATEWAY}"},
        OTHERS,
    ),
    Fault(
        "route-prohibited",
        "The ISP has a prohibiting route to one server.",
        _route("isp2", f"prohibit {STREAMER}"),
        {STREAMER_443: f"icmp 3/13 from {LAST_ISP}"},
        OTHERS,
    ),
    Fault(
        "route-blackhole",
        "The ISP has a black hole route to one server.",
        _route("isp1", f"blackhole {STREAMER}"),
        {STREAMER_443: "silent"},
        OTHERS,
    ),
    Fault(
        "route-loop",
        "Two routers of the ISP send one server's packets to each other.",
        _route("isp2", f"{STREAMER} via 203.0.113.5"),
        {STREAMER_443: f"icmp 11/0 from {WAN_GATEWAY}"},
        OTHERS,
    ),
    Fault(
        "reset-by-server",
        "Nothing listens on one server's port 443.",
        _reset(f"ip daddr {STREAMER} tcp dport 443", "cloud", "input"),
        {STREAMER_443: "reset"},
        OTHERS,
    ),
    Fault(
        "reset-by-router",
        "The site's router resets connections to one server, in its name.",
        _reset(TO_STREAMER),
        {STREAMER_443: "reset"},
        OTHERS,
    ),
    Fault(
        "reset-by-isp",
        "An ISP's router resets connections to port 2022.",
        _reset("tcp dport 2022", "isp2"),
        {RA_2022: "reset"},
        {f"tcp {REMOTE_ACCESS}:443": "open"},
    ),
    Fault("server-silent", "One server is down.", _server_moved_away, {STREAMER_443: "silent"}, OTHERS),
    Fault(
        "server-mute",
        "One server accepts and never says a word.",
        _answered_by("mute", TO_STREAMER),
        {STREAMER_443: "open", "tls streamer.alsoenergy.com": "silent"},
        OTHERS,
    ),
    Fault(
        "server-hangs-up",
        "One server accepts, and closes at the first word.",
        _answered_by("hangs-up", TO_STREAMER),
        {"http streamer.alsoenergy.com": "closed", "tls streamer.alsoenergy.com": "closed"},
        OTHERS,
    ),
    Fault(
        "cloud-down",
        "Every server of the vendor is silent.",
        drop(f"ip daddr {{ {ALSO} }}", "cloud", "input"),
        {HTTPS: "silent", STREAMER_443: "silent"},
        {"tcp 151.101.2.137:443": "open", **NAMES_WORK},
    ),
    Fault(
        "isp-silent",
        "The gateway answers, and nothing beyond it does.",
        drop('iifname "south"', "isp1", "prerouting"),
        {HTTPS: "silent", "dns www.alsoenergy.com": "silent", f"tcp {WAN_GATEWAY}:9": "silent"},
        {"tcp 192.168.50.1:53": "open"},
    ),
    Fault(
        "isp-no-route",
        "The gateway has lost its own way out, and says so.",
        _no_uplink,
        {HTTPS: f"icmp 3/0 from {GATEWAY}"},
        {"tcp 192.168.50.1:53": "open"},
    ),
    Fault(
        "isp-unreachable",
        "The ISP's router answers net unreachable to everything.",
        lambda lab: rejected(lab, 'iifname "south"', "net-unreachable", "isp1"),
        {HTTPS: f"icmp 3/0 from {WAN_GATEWAY}"},
        {"tcp 192.168.50.1:53": "open"},
    ),
    Fault(
        "mtu-1400",
        "Packets above 1400 bytes vanish.",
        _small_path(1400),
        {"tls www.alsoenergy.com": "silent"},
        {**WWW_IS_THERE, **NAMES_WORK, "http maki.alsoenergy.com": "200 maki.alsoenergy.com"},
    ),
    Fault(
        "mtu-1480",
        "Packets above 1480 bytes vanish.",
        _small_path(1480),
        {"tls www.alsoenergy.com": "silent"},
        {**WWW_IS_THERE, **NAMES_WORK},
    ),
    Fault("loss-30", "Of a hundred packets either way, thirty are lost.", line(wire.long(0, 30)), {"share 20.101.57.9": "some of 60"}),
    Fault("loss-30-random", "The same at a router, by chance and not by seed.", random_loss(30), {"share 20.101.57.9": "some of 60"}),
    Fault(
        "loss-30-outward",
        "Of a hundred packets outward, thirty are lost.",
        line(wire.Line(outward_loss=30)),
        {"share 20.101.57.9": "some of 60"},
    ),
    Fault(
        "delay-800",
        "Every answer takes 800 ms: 400 each way.",
        line(wire.long(400)),
        {f"rtt {WWW}:443": "at least 0.8 s"},
        {"share 20.101.57.9": "all of 60"},
    ),
    Fault("delay-1600", "Every answer takes 1.6 s: 800 ms each way.", line(wire.long(800)), {f"rtt {WWW}:443": "at least 1.6 s"}),
)
"""Single faults of transport."""
