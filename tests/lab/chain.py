"""A chain of routers between a client and a server: namespaces in a row, built in one go, with faults put in at a position.

Node 0 is the client, nodes 1…N the routers, node N+1 the server. Link i joins node i to node i+1 with 10.9.i.1 on the left and 10.9.i.2
on the right (fd09:0:0:i::1 and ::2), so that hop k answers as 10.9.(k-1).2. Routers answer every expired packet, unless told to be slow
at it. Needs the surroundings that ``tests.lab.enter`` makes. ``close`` gives everything back.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from ipaddress import IPv6Address
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from . import kernel

T = TypeVar("T")

# Policy 3 with the fields of the five-tuple: policy 1 would trust the hash that the sending socket left on the packet, which no wire carries.
_SYSCTL = {
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv4/icmp_ratelimit": "0",
    "net/ipv6/icmp/ratelimit": "0",
    "net/ipv4/icmp_msgs_per_sec": "10000",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv4/fib_multipath_hash_policy": "3",
    "net/ipv6/fib_multipath_hash_policy": "3",
    "net/ipv4/fib_multipath_hash_fields": "55",
    "net/ipv6/fib_multipath_hash_fields": "55",
    "net/ipv6/conf/all/dad_transmits": "0",
    "net/ipv6/conf/default/dad_transmits": "0",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv4/ping_group_range": "0 0",
}


class Chain:
    """``routers`` routers in a row."""

    def __init__(self, routers: int, prefix: str = "q", nets: Mapping[int, str] = MappingProxyType({})) -> None:
        self.routers = routers
        self.server = routers + 1
        self._nets = nets
        self.target = self.right(routers)
        self.target6 = self.right6(routers)
        self._prefix = prefix
        self._extra: list[str] = []
        self._running: list[subprocess.Popen[bytes]] = []
        self._servers: list[socket.socket] = []
        self._build()

    def net(self, link: int) -> str:
        """The first three bytes of a link's addresses."""
        return self._nets.get(link, f"10.9.{link}")

    def left(self, link: int) -> str:
        """Address of the nearer end of a link."""
        return f"{self.net(link)}.1"

    def right(self, link: int) -> str:
        """Address of the farther end of a link: how hop ``link + 1`` answers."""
        return f"{self.net(link)}.2"

    @staticmethod
    def right6(link: int) -> str:
        """As ``right``, IPv6."""
        return str(IPv6Address(f"fd09:0:0:{link:x}::2"))

    def label(self, node: int | str) -> str:
        """What a node is called in the names of links."""
        return f"{self._prefix}{node}" if isinstance(node, int) else node

    def name(self, node: int | str) -> str:
        """The namespace of a node: nobody else's, for several processes build their chains side by side."""
        return f"{self.label(node)}-{os.getpid()}"

    def inside(self, node: int | str, work: Callable[[], T]) -> T:
        """Run ``work`` with the node's network; sockets that it opens stay there."""
        path = Path("/run/netns", self.name(node))

        def entered() -> T:
            fd = os.open(path, os.O_RDONLY)
            try:
                kernel.setns(fd, kernel.CLONE_NEWNET)
            finally:
                os.close(fd)
            return work()

        return kernel.in_thread(entered)

    def run(self, node: int | str, *argv: str, given: str | None = None) -> str:
        """A command in the node; its output."""
        done = subprocess.run(["ip", "netns", "exec", self.name(node), *argv], input=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{argv}: {done.stderr}"
        return done.stdout

    def batch(self, node: int | str, *lines: str) -> None:
        """``ip`` commands in the node."""
        _ip("-n", self.name(node), lines=lines)

    def nft(self, node: int | str, rules: str) -> None:
        """Load an nftables ruleset in the node, in place of what is there."""
        self.run(node, "nft", "-f", "-", given="flush ruleset\n" + rules)

    def sysctl(self, node: int | str, key: str, value: str) -> None:
        """Set one value under /proc/sys, as the node sees it."""
        self.inside(node, lambda: Path("/proc/sys", key).write_text(value))

    def node(self, name: str) -> str:
        """A further namespace, outside the row; its links are the caller's."""
        _ip(lines=[f"netns add {self.name(name)}"])
        self._extra.append(name)
        self.batch(name, "link set lo up")
        self._set(name)
        return name

    def link(self, first: int | str, second: int | str, net: str) -> None:
        """A further link, ``net``.1 at the first node and ``net``.2 at the second; its ends are called ``toNODE``."""
        one, two = self.label(first), self.label(second)
        _ip(lines=[f"link add to{two} netns {self.name(first)} type veth peer name to{one} netns {self.name(second)}"])
        self.batch(first, f"addr add {net}.1/24 dev to{two}", f"link set to{two} up")
        self.batch(second, f"addr add {net}.2/24 dev to{one}", f"link set to{one} up")

    def stretch(self, each_way_ms: float) -> None:
        """Put a long line between the client and the first router, until ``close``."""
        wire = self.node(f"{self._prefix}wire")
        self.batch(0, "link del east0")
        _ip(lines=[
            f"link add east0 netns {self.name(0)} type veth peer name near netns {self.name(wire)}",
            f"link add far netns {self.name(wire)} type veth peer name west1 netns {self.name(1)}",
        ])  # fmt: skip
        self.batch(wire, "link set near up", "link set far up")
        self.batch(0, *(line for line in self._addresses(0) if "lo " not in line))
        self.batch(1, *(line for line in self._addresses(1) if "west1" in line))
        for node, name in ((0, "east0"), (1, "west1"), (wire, "near"), (wire, "far")):
            self.inside(node, lambda name=name: kernel.offloads_off(name))
        argv = ["ip", "netns", "exec", self.name(wire), sys.executable, "-m", "tests.lab.stretch", str(each_way_ms)]
        self._running.append(subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]))
        assert self._running[-1].stdout is not None
        assert self._running[-1].stdout.readline() == b"ready\n"

    @contextmanager
    def fault(self, node: int | str, ruleset: str) -> Iterator[None]:
        """Rules in a node for the duration of a ``with``."""
        self.nft(node, ruleset)
        try:
            yield
        finally:
            self.nft(node, "")

    def listen(self, node: int | str, port: int, family: socket.AddressFamily = socket.AF_INET) -> None:
        """Accept connections on a port, say nothing, and close them when they end."""
        self._servers.append(self.inside(node, lambda: _listener(port, family)))

    def settle(self) -> None:
        """Wait until every node knows its neighbours, so that the first packet is as quick as any other."""
        for target in (self.target, self.target6):
            self.inside(0, lambda target=target: _answers(target))

    def close(self) -> None:
        """Stop what was started and remove the namespaces."""
        for process in self._running:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        for server in self._servers:
            server.shutdown(socket.SHUT_RDWR)
            server.close()
        names = [self.name(node) for node in (*range(self.server + 1), *self._extra)]
        _ip(lines=[f"netns del {name}" for name in names])

    def _build(self) -> None:
        lines = [f"netns add {self.name(node)}" for node in range(self.server + 1)]
        lines += [
            f"link add east{link} netns {self.name(link)} type veth peer name west{link + 1} netns {self.name(link + 1)}"
            for link in range(self.routers + 1)
        ]
        _ip(lines=lines)
        for node in range(self.server + 1):
            self._set(node)
            self.batch(node, *self._addresses(node))

    def _addresses(self, node: int) -> Iterator[str]:
        yield "link set lo up"
        if node <= self.routers:
            yield f"addr add {self.left(node)}/24 dev east{node}"
            yield f"addr add fd09:0:0:{node:x}::1/64 dev east{node} nodad"
            yield f"link set east{node} up"
            yield f"route add default via {self.right(node)}"
            yield f"route add default via {self.right6(node)}"
        if node > 0:
            yield f"addr add {self.right(node - 1)}/24 dev west{node}"
            yield f"addr add {self.right6(node - 1)}/64 dev west{node} nodad"
            yield f"link set west{node} up"
        if node > 1:
            yield from (f"route add {self.net(link)}.0/24 via {self.left(node - 1)}" for link in range(node - 1))
            yield f"route add fd09:0:0:0::/64 via fd09:0:0:{node - 1:x}::1"
        if node == self.server:
            yield f"route add default via {self.left(node - 1)}"
            yield f"route add default via fd09:0:0:{node - 1:x}::1"

    def _set(self, node: int | str) -> None:
        def write() -> None:
            for key, value in _SYSCTL.items():
                path = Path("/proc/sys", key)
                if path.exists():
                    path.write_text(value)

        self.inside(node, write)


def rules(hook: str, *lines: str, family: str = "inet", kind: str = "filter", priority: int = 0) -> str:
    """One nftables chain on a hook."""
    body = "\n".join(lines)
    return f"table {family} {hook}{kind} {{\nchain here {{\ntype {kind} hook {hook} priority {priority};\n{body}\n}}\n}}\n"


@contextmanager
def chain(routers: int, prefix: str = "q", nets: Mapping[int, str] = MappingProxyType({})) -> Iterator[Chain]:
    """A chain for the duration of a ``with``."""
    made = Chain(routers, prefix, nets)
    try:
        yield made
    finally:
        made.close()


def _answers(target: str) -> None:
    """Send datagrams to a closed port until its refusal comes back."""
    with socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect((target, 9))
        asking.settimeout(0.2)
        for _ in range(50):
            with suppress(TimeoutError, OSError):
                asking.send(b"")
                try:
                    asking.recv(1)
                except ConnectionRefusedError:
                    return
    raise AssertionError(f"{target} does not answer")


def _listener(port: int, family: socket.AddressFamily) -> socket.socket:
    server = socket.create_server(("", port), family=family, backlog=64)

    def serve() -> None:
        while True:
            try:
                taken, _ = server.accept()
            except OSError:
                return
            taken.close()

    threading.Thread(target=serve, daemon=True).start()
    return server


def _ip(*options: str, lines: Iterator[str] | list[str] | tuple[str, ...] = ()) -> None:
    done = subprocess.run(["ip", *options, "-batch", "-"], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
