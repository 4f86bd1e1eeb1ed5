"""A chain of routers between a client and a server: namespaces in a row, built in one go, with faults put in at a position.

Node 0 is the client, nodes 1…N the routers, node N+1 the server. Link i joins node i to node i+1 with 10.9.i.1 on the left and 10.9.i.2
on the right (fd09:0:0:i::1 and ::2), so that hop k answers as 10.9.(k-1).2. Routers answer every expired packet, unless told to be slow
at it. Needs the surroundings that ``tests.lab.enter`` makes. ``close`` gives everything back.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from . import kernel

T = TypeVar("T")

_SYSCTL = {
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv4/icmp_ratelimit": "0",
    "net/ipv6/icmp/ratelimit": "0",
    "net/ipv4/icmp_msgs_per_sec": "10000",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv4/fib_multipath_hash_policy": "1",
    "net/ipv6/fib_multipath_hash_policy": "1",
    "net/ipv6/conf/all/dad_transmits": "0",
    "net/ipv6/conf/default/dad_transmits": "0",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv4/ping_group_range": "0 0",
}


def left(link: int) -> str:
    """Address of the nearer end of a link."""
    return f"10.9.{link}.1"


def right(link: int) -> str:
    """Address of the farther end of a link: how hop ``link + 1`` answers."""
    return f"10.9.{link}.2"


def right6(link: int) -> str:
    """As ``right``, IPv6."""
    return f"fd09:0:0:{link:x}::2"


class Chain:
    """``routers`` routers in a row."""

    def __init__(self, routers: int, prefix: str = "q") -> None:
        self.routers = routers
        self.server = routers + 1
        self.target = right(routers)
        self.target6 = right6(routers)
        self._prefix = prefix
        self._extra: list[str] = []
        self._running: list[subprocess.Popen[bytes]] = []
        self._servers: list[socket.socket] = []
        self._build()

    def name(self, node: int | str) -> str:
        """The namespace of a node."""
        return f"{self._prefix}{node}" if isinstance(node, int) else node

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
        _ip(lines=[f"netns add {name}"])
        self._extra.append(name)
        self.batch(name, "link set lo up")
        self._set(name)
        return name

    def listen(self, node: int | str, port: int, family: socket.AddressFamily = socket.AF_INET) -> None:
        """Accept connections on a port, say nothing, and close them when they end."""
        self._servers.append(self.inside(node, lambda: _listener(port, family)))

    def close(self) -> None:
        """Stop what was started and remove the namespaces."""
        for server in self._servers:
            server.shutdown(socket.SHUT_RDWR)
            server.close()
        names = [self.name(node) for node in range(self.server + 1)] + self._extra
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
            yield f"addr add {left(node)}/24 dev east{node}"
            yield f"addr add fd09:0:0:{node:x}::1/64 dev east{node} nodad"
            yield f"link set east{node} up"
            yield f"route add default via {right(node)}"
            yield f"route add default via {right6(node)}"
        if node > 0:
            yield f"addr add {right(node - 1)}/24 dev west{node}"
            yield f"addr add {right6(node - 1)}/64 dev west{node} nodad"
            yield f"link set west{node} up"
        if node > 1:
            yield f"route add 10.9.0.0/24 via {left(node - 1)}"
            yield f"route add fd09:0:0:0::/64 via fd09:0:0:{node - 1:x}::1"
        if node == self.server:
            yield f"route add default via {left(node - 1)}"
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
def chain(routers: int) -> Iterator[Chain]:
    """A chain for the duration of a ``with``."""
    made = Chain(routers)
    try:
        yield made
    finally:
        made.close()


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
