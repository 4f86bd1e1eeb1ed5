"""Services that some experiments want beside the standing ones: remote desktop, telnet, port forwards, and routers that tell of them.

Each is a context manager, real daemons all. Inbound means: from ``jump`` to the site's outer address, ``topology.WAN``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from . import daemons, kernel, servers
from .breaking import configured, filtered, redirected, rules, running, serving_at, together
from .network import Lab
from .pki import self_signed
from .topology import GATEWAY, WAN, WAN_GATEWAY

SECOND_NAT = "203.0.113.5"
"""The public address of a site ``behind_another_nat``: the first ISP router's own."""


@contextmanager
def remote_desktop(lab: Lab, node: str = "logger", port: int = 3389) -> Iterator[None]:
    """A real xrdp. It negotiates and shows its certificate; nobody can log in."""
    home = lab[node].home
    settings = Path("/etc/xrdp/xrdp.ini").read_text()
    key, certificate = _certificate(lab, node)
    for name, value in {
        "port": f"tcp://0.0.0.0:{port}",
        "certificate": certificate,
        "key_file": key,
        "LogFile": f"{home}/xrdp-own.log",
    }.items():
        settings = re.sub(rf"(?m)^{name}=.*$", f"{name}={value}", settings)
    conf = home / f"xrdp-{port}.ini"
    conf.write_text(settings)
    start = running(
        lab, node, lambda: lab[node].daemon(f"xrdp-{port}", ["xrdp", "-n", "-c", str(conf)]), daemons.tcp_open("127.0.0.1", port)
    )
    with start:
        yield


def _certificate(lab: Lab, node: str) -> tuple[Path, Path]:
    """xrdp wants key and certificate apart."""
    whole = self_signed([f"{node}.site"], f"CN=PM2000-{node.upper()}").decode()
    cut = whole.index("-----BEGIN CERTIFICATE")
    key, certificate = lab[node].home / "rdp-key.pem", lab[node].home / "rdp-certificate.pem"
    key.write_text(whole[:cut])
    certificate.write_text(whole[cut:])
    return key, certificate


def telnet(lab: Lab, node: str = "logger", port: int = 23) -> AbstractContextManager[None]:
    """A real telnetd behind a small inetd; it asks for a login and gives none."""
    return serving_at(lab, node, "telnetd", port, servers.inetd(port, ["/usr/sbin/telnetd", "-h"]))


@contextmanager
def forwarded(lab: Lab, public: int, to: str, port: int, sources: str = "", protocol: str = "tcp", node: str = "router") -> Iterator[None]:
    """The site's router forwards a public port to ``to:port`` on the LAN; ``sources`` (CIDR) may use it alone. What it tracked before is
    forgotten: a caller who comes by a port that he had in an earlier experiment would be led to where that one's forward went."""
    who = f"ip saddr {sources} " if sources else ""
    chain = f'chain inward {{ type nat hook prerouting priority -100;\n iifname "wan" {who}{protocol} dport {public} dnat to {to}:{port}\n }}'
    with rules(lab, node, chain):
        lab[node].within(kernel.forget_connections)
        yield


def answered_by_router(lab: Lab, public: int) -> AbstractContextManager[int]:
    """The router takes a public port for itself: its own web pages, for remote management."""
    page = servers.Page(
        "401 Unauthorized", "<title>Router login</title>", {"Server": "httpd", "WWW-Authenticate": 'Basic realm="RT-AC68U"'}
    )
    return redirected(lab, "router", f'iifname "wan" tcp dport {public}', "management", lambda port: servers.web(port, page))


def refused_at_router(lab: Lab, public: int) -> AbstractContextManager[None]:
    """The router resets strangers who knock at a public port, where it is otherwise silent."""
    return filtered(lab, "router", f'iifname "wan" tcp dport {public} reject with tcp reset', hooks=("input",))


@contextmanager
def universal_plug_and_play(lab: Lab, settings: Mapping[str, str] | None = None) -> Iterator[None]:
    """A real miniupnpd on the router: IGD on the LAN, NAT-PMP and PCP on 5351; it reports the address of the WAN interface.

    ``settings`` are of miniupnpd.conf, and come before ours.
    """
    node = lab["router"]
    options = {
        "ext_ifname": "wan",
        "listening_ip": "lan",
        "enable_natpmp": "yes",
        "enable_upnp": "yes",
        "port": "5000",
        "system_uptime": "yes",
        "uuid": "00000000-0000-4000-8000-00000000ae01",
        "lease_file": f"{node.home}/upnp.leases",
        "secure_mode": "yes",
        "upnp_table_name": "site_upnp",
        "upnp_nat_table_name": "site_upnp",
        "upnp_forward_chain": "forwards",
        "upnp_nat_chain": "inward_upnp",
        "upnp_nat_postrouting_chain": "outward_upnp",
        **(settings or {}),
    }
    conf = node.home / "miniupnpd.conf"
    conf.write_text("".join(f"{key}={value}\n" for key, value in options.items()) + "allow 1024-65535 0.0.0.0/0 1024-65535\n")
    table = """table inet site_upnp {
    chain forward { type filter hook forward priority -5; jump forwards
    }
    chain forwards {
    }
    chain inward { type nat hook prerouting priority -100; jump inward_upnp
    }
    chain inward_upnp {
    }
    chain outward { type nat hook postrouting priority 100; jump outward_upnp
    }
    chain outward_upnp {
    }
}
"""
    node.nft(table)
    try:
        with running(
            lab,
            "router",
            lambda: node.daemon("miniupnpd", ["miniupnpd", "-d", "-f", str(conf), "-P", f"{node.home}/upnp.pid"]),
            daemons.tcp_open(GATEWAY, 5000),
        ):
            yield
    finally:
        node.nft("delete table inet site_upnp\n")


def behind_another_nat(lab: Lab, network: str = "192.168.1") -> AbstractContextManager[None]:
    """The router's own outer address is ``network``.2, and the ISP hides it again behind ``SECOND_NAT``: 192.168.1 or 100.64.7, say."""
    own = f"{network}.2/24"
    hiding = f"""chain outward {{ type nat hook postrouting priority 100
 oifname "north" ip saddr {network}.0/24 masquerade
 }}
 chain own {{ type filter hook input priority -10
 iifname "north" ct state new meta l4proto {{ tcp, udp }} drop
 }}"""
    return together(
        configured(lab, "isp1", [f"addr add {network}.1/24 dev south"], [f"addr del {network}.1/24 dev south"]),
        rules(lab, "isp1", hiding),
        configured(
            lab,
            "router",
            ["addr flush dev wan", f"addr add {own} dev wan", f"route replace default via {network}.1"],
            ["addr flush dev wan", f"addr add {WAN}/30 dev wan", f"route replace default via {WAN_GATEWAY}"],
        ),
    )
