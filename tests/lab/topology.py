"""Who stands where: the addresses, names and links of the lab, as data. No process and no socket here.

    laptop .20 ─┐
                ├─ router ══ wire ══ isp1 ─ isp2 … ispN ─┬─ cloud (every documented address)
    logger .30 ─┘  (NAT)                                 └─ jump

The site's LAN is 192.168.50.0/24, the router's outer address 73.15.200.2, transit links lie in 203.0.113.0/24. The documented addresses
are those of the requirement document; the others (time servers, CDNs, remote support) are made up, public, and mean something only in
here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LAPTOP, LOGGER, GATEWAY, LAN = "192.168.50.20", "192.168.50.30", "192.168.50.1", "192.168.50.0/24"
SPARE = "192.168.50.99"
"""An address of the LAN that nobody has."""
WAN, WAN_GATEWAY = "73.15.200.2", "73.15.200.1"
JUMP = "203.0.113.250"
SECOND_RESOLVER, THIRD_RESOLVER = "9.9.9.9", "1.1.1.1"
LAN6, LAPTOP6, GATEWAY6 = "2600:50:0:1::/64", "2600:50:0:1::20", "2600:50:0:1::1"
MOST_HOPS = 48

KIOSK_ALIVE = ("172.245.215.161", "172.245.215.170", "172.245.215.185", "216.246.49.51")
"""The rest of 172.245.215.160/27 is routed here and silent."""
TIME_HOSTS = {"time.windows.com": "20.101.57.9", "time.nist.gov": "132.163.97.1"}
SUPPORT = "64.74.17.10"
SUPPORT_DOMAINS = (
    "logmein.com",
    "logmeinrescue.com",
    "logmeinrescue-enterprise.com",
    "logmeininc.com",
    "logmein123.com",
    "123rescue.com",
    "logme.in",
    "gotoassist.com",
    "fastsupport.com",
    "goto.com",
    "goto-rtc.com",
    "jive.com",
    "getgo.com",
    "cdngetgo.com",
    "gotomeeting.com",
    "expertcity.com",
    "support.me",
    "join.me",
    "hamachi.cc",
    "internapcdn.net",
    "logmein-gateway.com",
    "logmeinusercontent.com",
)
HOSTS: dict[str, str] = {
    "www.alsoenergy.com": "204.232.231.197",
    "alsoenergy.com": "204.232.231.197",
    "maki.alsoenergy.com": "146.20.187.118",
    "moxa.alsoenergy.com": "146.20.187.118",
    "servlet.alsoenergy.com": "146.20.187.118",
    "dataobvius.alsoenergy.com": "146.20.187.118",
    "makirt.alsoenergy.com": "104.239.186.186",
    "streamer.alsoenergy.com": "74.205.11.149",
    "smaftpdm.alsoenergy.com": "146.20.122.22",
    "ptsmaftp.alsoenergy.com": "146.20.122.22",
    "hmi.alsoenergy.com": "52.7.10.11",
    "apps.alsoenergy.com": "52.7.10.12",
    "pubdisplay.alsoenergy.com": "52.7.10.13",
    "buildingmanageronline.com": "67.51.237.194",
    "www.buildingmanageronline.com": "67.51.237.194",
    "ra.buildingmanageronline.com": "67.51.237.194",
    "code.jquery.com": "151.101.2.137",
    "fonts.gstatic.com": "142.250.72.3",
    "fonts.googleapis.com": "142.250.72.10",
    **TIME_HOSTS,
}
IPV6_HOSTS = {
    "www.alsoenergy.com": "2600:c0de::197",
    "code.jquery.com": "2600:c0de::137",
    "fonts.gstatic.com": "2600:c0de::3",
    "fonts.googleapis.com": "2600:c0de::10",
    "time.windows.com": "2600:c0de::9",
}
FTP_SERVER, REMOTE_ACCESS = HOSTS["smaftpdm.alsoenergy.com"], HOSTS["ra.buildingmanageronline.com"]
FTP_DATA_PORTS = (50000, 50100)

CERTIFICATES: dict[str, tuple[str, ...]] = {
    "alsoenergy": ("alsoenergy.com", "*.alsoenergy.com"),
    "bmo": ("buildingmanageronline.com", "*.buildingmanageronline.com"),
    "jquery": ("*.jquery.com", "jquery.com"),
    "google": ("*.gstatic.com", "*.googleapis.com", "*.google.com"),
    "support": tuple(name for domain in SUPPORT_DOMAINS for name in (domain, f"*.{domain}")),
    "kiosk": KIOSK_ALIVE,
}
"""One certificate a key, for these names (addresses where the equipment uses an address)."""

WEB = frozenset({a for h, a in HOSTS.items() if h not in TIME_HOSTS and a != FTP_SERVER} | {SUPPORT, *KIOSK_ALIVE})
OPEN_TCP: frozenset[tuple[str, int]] = frozenset(
    {(address, port) for address in WEB for port in (80, 443)}
    | {(FTP_SERVER, 21), (REMOTE_ACCESS, 2022), (SECOND_RESOLVER, 53), (THIRD_RESOLVER, 53)}
)
"""What the cloud answers; every other TCP port there resets, as a server without that service does."""
OPEN_UDP: frozenset[tuple[str, int]] = frozenset(
    {(address, 123) for address in (*TIME_HOSTS.values(), *KIOSK_ALIVE)} | {(SECOND_RESOLVER, 53), (THIRD_RESOLVER, 53)}
)
CLOUD = tuple(sorted({*HOSTS.values(), SUPPORT, *KIOSK_ALIVE, SECOND_RESOLVER, THIRD_RESOLVER}))


@dataclass(frozen=True, slots=True)
class Link:
    """A cable: node and interface at each end, with the addresses there ('' for none; a bridge port where ``bridge`` names one)."""

    near: tuple[str, str, str]
    far: tuple[str, str, str]
    bridges: tuple[str, str] = ("", "")
    addresses6: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Shape:
    """What is to be built."""

    hops: int = 2
    """ISP and transit routers between the site's router and the cloud, 2 to 48."""
    ipv6: bool = False
    """The site has global IPv6 too."""
    links: tuple[Link, ...] = field(init=False)
    nodes: tuple[str, ...] = field(init=False)
    routes: dict[str, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        if not 2 <= self.hops <= MOST_HOPS:
            raise ValueError(f"hops must be 2 to {MOST_HOPS}, not {self.hops}")
        object.__setattr__(self, "links", _links(self.hops))
        object.__setattr__(self, "nodes", ("laptop", "logger", "router", "wire", *self.transit, "cloud", "jump"))
        object.__setattr__(self, "routes", _routes(self.hops))

    @property
    def transit(self) -> tuple[str, ...]:
        """The routers beyond the site's, in order from the site."""
        return tuple(f"isp{n}" for n in range(1, self.hops + 1))

    def hop_addresses(self) -> tuple[str, ...]:
        """What a trace from the laptop should show, the cloud's answer excepted."""
        return (GATEWAY, WAN_GATEWAY, *(_transit(n)[1] for n in range(1, self.hops)))


def _transit(number: int) -> tuple[str, str]:
    """Addresses of the link beyond ISP router ``number``: its own end and the far one."""
    return f"203.0.113.{4 * number + 1}", f"203.0.113.{4 * number + 2}"


def _transit6(number: int) -> tuple[str, str]:
    return f"2600:7:{number:x}::1", f"2600:7:{number:x}::2"


def _links(hops: int) -> tuple[Link, ...]:
    site = (
        Link(("laptop", "eth0", f"{LAPTOP}/24"), ("router", "lan1", ""), ("", "lan"), (f"{LAPTOP6}/64", "")),
        Link(("logger", "eth0", f"{LOGGER}/24"), ("router", "lan2", ""), ("", "lan")),
        Link(("router", "wan", f"{WAN}/30"), ("wire", "w0", ""), ("", "cord"), ("2600:7::2/64", "")),
        Link(("isp1", "south", f"{WAN_GATEWAY}/30"), ("wire", "w1", ""), ("", "cord"), ("2600:7::1/64", "")),
    )
    ends = [*(f"isp{n}" for n in range(1, hops + 1)), "cloud"]
    transit = tuple(
        Link(
            (ends[n - 1], "north", f"{_transit(n)[0]}/30"),
            (ends[n], "south", f"{_transit(n)[1]}/30"),
            addresses6=(f"{_transit6(n)[0]}/64", f"{_transit6(n)[1]}/64"),
        )
        for n in range(1, hops + 1)
    )
    return (*site, *transit, Link((f"isp{hops}", "side", "203.0.113.249/29"), ("jump", "eth0", f"{JUMP}/29")))


def _routes(hops: int) -> dict[str, tuple[str, ...]]:
    """Static routes of each node, as ``ip route add`` takes them; a word with a colon in it is IPv6."""
    routes = {
        "laptop": (f"default via {GATEWAY}", f"default via {GATEWAY6}"),
        "logger": (f"default via {GATEWAY}",),
        "router": (f"default via {WAN_GATEWAY}", "default via 2600:7::1"),
        "jump": ("default via 203.0.113.249",),
        "cloud": (f"default via {_transit(hops)[0]}", f"default via {_transit6(hops)[0]}"),
    }
    for n in range(1, hops + 1):
        north, north6 = _transit(n)[1], _transit6(n)[1]
        south = (
            ()
            if n == 1
            else (
                "73.15.200.0/24 via " + _transit(n - 1)[0],
                f"{LAN6} via {_transit6(n - 1)[0]}",
                f"2600:7::/64 via {_transit6(n - 1)[0]}",
            )
        )
        back = () if n <= 2 else tuple(f"203.0.113.{4 * k}/30 via {_transit(n - 1)[0]}" for k in range(1, n - 1))
        back6 = () if n <= 2 else tuple(f"2600:7:{k:x}::/64 via {_transit6(n - 1)[0]}" for k in range(1, n - 1))
        first = (f"{LAN6} via 2600:7::2",) if n == 1 else ()
        routes[f"isp{n}"] = (f"default via {north}", f"default via {north6}", *south, *back, *back6, *first)
    return routes
