"""The lab as a whole: ``with Lab() as lab`` builds every machine, starts the daemons, and gives all of it back at the end.

Needs the surroundings of ``enter``. Several labs live side by side, in one process or in several. Nothing in it knows aetui.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

from . import daemons, kernel, pki, topology
from .nodes import Node, Process
from .topology import Link, Shape

P = ParamSpec("P")
T = TypeVar("T")
_numbers = count()

SETTINGS: dict[str, str | int] = {
    "net/ipv4/conf/all/rp_filter": 0,
    "net/ipv4/conf/default/rp_filter": 0,
    "net/ipv4/tcp_no_metrics_save": 1,
    "net/ipv4/icmp_ratemask": 0,
    "net/ipv4/icmp_msgs_per_sec": 10000,
    "net/ipv6/conf/all/accept_dad": 0,
    "net/ipv6/conf/default/accept_dad": 0,
    "net/ipv6/icmp/ratelimit": 0,
}
"""Every node: no memory from one test to the next, and as many ICMP errors as are asked for."""

OWN_NAME = "router.site"
"""A name that the site's resolver always knows by itself."""
BRIDGING = ("router", "wire")
"""Set up last, in this order: a bridge's port can be told to forward (state 3) once its far end is up; left alone it takes a second."""

STANDING = r"""
printf 'link show\naddr show\nroute show table all\nrule show\n-6 route show table all\n' | ip -o -batch - |
sed -E 's/^[0-9]+: //; s/NO-CARRIER,|,LOWER_UP//g; s/ (qlen [0-9]+|state [A-Z]+|[a-z]+_lft [0-9]+sec)//g' | sort
nft list ruleset"""
"""A machine's settings in words; without numbers and order of interfaces, and what the kernel finds out a second later."""

SITE_RULES = """
table ip site {
    chain outward { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }
    chain through { type filter hook forward priority filter;
        iifname "wan" ct state established,related accept
        iifname "wan" ct status dnat accept
        iifname "wan" drop
    }
    chain own { type filter hook input priority filter;
        iifname "wan" ct state established,related accept
        iifname "wan" ip protocol icmp accept
        iifname "wan" ct status dnat accept
        iifname "wan" drop
    }
}
"""
"""An ordinary small router: hides the site behind one address, lets answers in, and says nothing to strangers."""


def _cloud_rules() -> str:
    def pairs(of: frozenset[tuple[str, int]]) -> str:
        return ", ".join(f"{address} . {port}" for address, port in sorted(of))

    low, high = topology.FTP_DATA_PORTS
    return f"""
table ip services {{
    set open_tcp {{ type ipv4_addr . inet_service; elements = {{ {pairs(topology.OPEN_TCP)} }} }}
    set open_udp {{ type ipv4_addr . inet_service; elements = {{ {pairs(topology.OPEN_UDP)} }} }}
    chain own {{ type filter hook input priority filter;
        iifname "lo" accept
        ct state established,related accept
        ct status dnat accept
        ip daddr . tcp dport @open_tcp accept
        ip daddr . udp dport @open_udp accept
        ip daddr {topology.FTP_SERVER} tcp dport {low}-{high} accept
        meta l4proto tcp reject with tcp reset
        udp dport 123 drop
    }}
}}
"""


class Lab:
    """A network with a site, an ISP, a cloud and a jump host. ``hops`` and ``ipv6`` as in ``topology.Shape``."""

    def __init__(self, hops: int = 2, ipv6: bool = False) -> None:
        self.shape = Shape(hops, ipv6)
        self.label = f"lab{os.getpid()}x{next(_numbers)}"
        self.home = Path(tempfile.mkdtemp(prefix=f"{self.label}-", dir="/run/lab"))
        self.nodes: dict[str, Node] = {}
        self.authority = pki.PublicAuthority()
        self.roots = self.home / "roots.pem"
        """The roots that a logger trusts."""
        self.site_resolver: Process | None = None

    # -- life

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process, give back every namespace and file. Safe to call twice."""
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Node.close, self.nodes.values()))
        self.nodes.clear()
        shutil.rmtree(self.home, ignore_errors=True)

    def _build(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            certificates = pool.submit(self._certificates)
            for name in self.shape.nodes:
                self.nodes[name] = Node(name, f"{self.label}-{name}", self.home / name)
            list(pool.map(Node.furnish, self.nodes.values()))
            links = [self._link_line(link) for link in self.shape.links]
            subprocess.run(["ip", "-batch", "-"], input="\n".join(links), text=True, check=True, capture_output=True)
            list(pool.map(self._furnish, [n for n in self.shape.nodes if n not in BRIDGING]))
            for name in BRIDGING:
                self._furnish(name)
            certificates.result()
            self._start()

    def _certificates(self) -> None:
        pki.bundle(self.roots, self.authority.root)
        where = self.home / "certificates"
        where.mkdir()
        for key, names in topology.CERTIFICATES.items():
            (where / f"{key}.pem").write_bytes(self.authority.issuing.leaf(names))
        for key in ("user", "jump", "remote"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", str(self.home / f"ssh_{key}")]
            subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def _link_line(self, link: Link) -> str:
        (near, near_if, _), (far, far_if, _) = link.near, link.far
        return f"link add {near_if} netns {self[near].label} type veth peer name {far_if} netns {self[far].label}"

    def _furnish(self, name: str) -> None:
        node = self[name]
        ends = self._ends(name)
        off = {f"net/ipv6/conf/{which}/disable_ipv6": int(not self.shape.ipv6) for which in ("all", "default")}
        routing = {"net/ipv4/ip_forward": 1, "net/ipv6/conf/all/forwarding": 1} if name == "router" or name in self.shape.transit else {}
        node.sysctl({**SETTINGS, **off, **routing})
        lines = [f"link add {bridge} type bridge" for bridge in dict.fromkeys(b for _, _, b, _ in ends if b)]
        lines += self._extra(name)
        for interface, address, bridge, six in ends:
            lines += [f"link set {interface} master {bridge}"] if bridge else []
            lines += [f"addr add {address} dev {interface}"] if address else []
            lines += [f"addr add {six} dev {interface} nodad"] if six and self.shape.ipv6 else []
            lines += [f"link set {interface} up"]
            lines += [f"link set {interface} type bridge_slave state 3"] if bridge else []
        lines += [f"route add {route}" for route in self.shape.routes.get(name, ()) if self.shape.ipv6 or "::" not in route]
        node.ip(*lines)
        node.offloads_off(*(interface for interface, *_ in ends))
        rules = {"router": SITE_RULES, "cloud": _cloud_rules()}.get(name)
        if rules:
            node.nft(rules)

    def _ends(self, name: str) -> list[tuple[str, str, str, str]]:
        """Interface, address, bridge and IPv6 address of every cable's end at a node."""
        sides = [side for link in self.shape.links for side in zip((link.near, link.far), link.bridges, link.addresses6, strict=True)]
        return [(interface, address, bridge, six) for (node, interface, address), bridge, six in sides if node == name]

    def _extra(self, name: str) -> list[str]:
        six = self.shape.ipv6
        match name:
            case "router":
                return [
                    f"addr add {topology.GATEWAY}/24 dev lan",
                    *([f"addr add {topology.GATEWAY6}/64 dev lan nodad"] if six else []),
                    "link set lan up",
                ]
            case "wire":
                return ["link set cord up"]
            case "cloud":
                return [f"addr add {a}/32 dev lo" for a in topology.CLOUD] + (
                    [f"addr add {a}/128 dev lo" for a in topology.IPV6_HOSTS.values()] if six else []
                )
            case _:
                return []

    def _start(self) -> None:
        cloud, jump = self["cloud"], self["jump"]
        for name, resolver in (("laptop", topology.GATEWAY), ("logger", topology.GATEWAY), ("jump", topology.SECOND_RESOLVER)):
            self[name].resolver(resolver)
        self._account(jump)
        self._account(cloud)
        public = daemons.dnsmasq(
            cloud, "public-dns", [topology.SECOND_RESOLVER, topology.THIRD_RESOLVER], daemons.zone(cloud.home, self.shape.ipv6)
        )
        self.start_site_resolver()
        web = daemons.nginx(cloud, self.home / "certificates", self.shape.ipv6)
        ftp = daemons.vsftpd(cloud)
        clock = daemons.chronyd(cloud)
        remote = daemons.sshd(cloud, "remote-sshd", 2022, self.home / "ssh_remote")
        outside = daemons.sshd(jump, "sshd", 22, self.home / "ssh_jump")
        (jump.home / "sshd.authorized_keys").write_bytes((self.home / "ssh_user.pub").read_bytes())
        asked = daemons.dns_question("www.alsoenergy.com")
        cloud.await_(public, daemons.udp_answers(topology.SECOND_RESOLVER, 53, asked))
        cloud.await_(web, daemons.tcp_open("127.0.0.1", 443))
        cloud.await_(ftp, daemons.tcp_open("127.0.0.1", 21))
        cloud.await_(clock, daemons.udp_answers("127.0.0.1", 123, daemons.NTP_QUESTION))
        cloud.await_(remote, daemons.tcp_open("127.0.0.1", 2022))
        jump.await_(outside, daemons.tcp_open("127.0.0.1", 22))
        self.await_site_resolver()
        if self.shape.ipv6:  # the kernel takes a bridge for ready to speak IPv6 a second or two later
            address = topology.IPV6_HOSTS["www.alsoenergy.com"]
            self["laptop"].await_(web, daemons.tcp_open(address, 443))

    def _account(self, node: Node) -> None:
        """Give a node the account that its sshd runs as."""
        home = node.home / "tech"
        home.mkdir()
        passwd = node.home / "passwd"
        passwd.write_text(f"tech:x:1000:1000:Technician:{home}:/bin/bash\n" + Path("/etc/passwd").read_text())
        node.within(lambda: kernel.bind(passwd, "/etc/passwd"))

    # -- services that come and go

    def await_site_resolver(self) -> None:
        """Wait until the laptop gets an answer from the site's resolver."""
        if self.site_resolver is not None:
            self["laptop"].await_(self.site_resolver, daemons.udp_answers(topology.GATEWAY, 53, daemons.dns_question(OWN_NAME)))

    def start_site_resolver(self, *settings: str) -> Process:
        """(Re)start the resolver of the site's router; it asks the second resolver about everything unless ``settings`` say otherwise."""
        router = self["router"]
        if self.site_resolver is not None:
            router.stop(self.site_resolver)
        own = f"host-record={OWN_NAME},{topology.GATEWAY}"
        upstream = settings or (f"server={topology.SECOND_RESOLVER}",)
        listen = [topology.GATEWAY, *([topology.GATEWAY6] if self.shape.ipv6 else [])]
        self.site_resolver = daemons.dnsmasq(router, "site-dns", listen, [own, *upstream])
        return self.site_resolver

    def settle(self) -> None:
        """Forget what the last experiment left in kernels and daemons: tracked connections, neighbours, learned MTUs, open questions."""
        self.start_site_resolver()

        def forget(node: Node) -> None:
            node.within(kernel.forget_connections)
            node.ip("neigh flush all", "route flush cache")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(forget, self.nodes.values()))
        self.await_site_resolver()

    def standing(self) -> dict[str, str]:
        """What every machine is set to now: links, addresses, routes, firewall, resolvers, daemons. Equal before and after whoever tidies up."""

        def of(node: Node) -> str:
            told = node.run(["sh", "-c", STANDING], timeout=20, check=True).stdout
            daemons_there = sorted(process.name for process in node.processes if process.running())
            return "\n".join([told.strip(), node.resolv.read_text().strip(), *(f"runs {name}" for name in daemons_there)])

        with ThreadPoolExecutor(4) as pool:
            return dict(zip(self.nodes, pool.map(of, self.nodes.values()), strict=True))

    # -- use

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def env(self) -> dict[str, str]:
        """What a program in the lab needs to take the lab's root for a public one, both as a logger and as this machine."""
        return {"AETUI_CA_BUNDLE": str(self.roots), "SSL_CERT_FILE": str(self.roots)}

    def run(
        self, node: str, argv: Sequence[str], env: Mapping[str, str] | None = None, timeout: float = 60, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in a node to its end (``Node.run``), with the lab's environment."""
        return self[node].run(argv, {**self.env(), **(env or {})}, timeout, **options)

    def popen(self, node: str, argv: Sequence[str], env: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[Any]:
        """Start a program in a node (``Node.popen``), with the lab's environment."""
        return self[node].popen(argv, {**self.env(), **(env or {})}, **options)

    def inside(self, node: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a node (``Node.inside``), with the lab's environment."""

        def body() -> T:
            os.environ.update(self.env())
            return work(*args, **kwargs)

        return self[node].inside(body)

    def logs(self) -> str:
        """The end of every daemon's log, for a failure's message."""
        parts = []
        for node in self.nodes.values():
            for log in sorted(node.home.glob("*.log")):
                with suppress(OSError):
                    parts.append(f"--- {node.name}/{log.stem}\n{log.read_text(errors='replace')[-800:]}")
        return "\n".join(parts)
