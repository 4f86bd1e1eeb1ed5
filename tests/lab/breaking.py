"""The verbs of breaking a lab: context managers that do one thing to it and undo exactly that. Faults are sentences made of them.

Firewall changes are tables of their own, so that undoing is deleting them and any number may hold at once. ``match`` is nft's own
expression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import count
from pathlib import Path

from . import daemons
from .network import Lab
from .nodes import Process
from .servers import Server
from .topology import GATEWAY

_numbers = count(1)
_ports = count()
FIRST_PORT, PORTS = 20000, 8000
"""Where the lab's own servers listen."""
FROM_SITE = 'iifname "lan"'
ANY_53 = "meta l4proto { tcp, udp } th dport 53"
ICMP_CODES: dict[str, int] = {
    "net-unreachable": 0,
    "host-unreachable": 1,
    "prot-unreachable": 2,
    "port-unreachable": 3,
    "net-prohibited": 9,
    "host-prohibited": 10,
    "admin-prohibited": 13,
}
"""nft's words for ICMP type 3, and their codes (RFC 792, RFC 1122, RFC 1812)."""


@contextmanager
def rules(lab: Lab, node: str, chains: str, family: str = "ip") -> Iterator[None]:
    """A firewall table of its own on a node."""
    table = f"{family} broken{next(_numbers)}"
    lab[node].nft(f"table {table} {{\n{chains}\n}}\n")
    try:
        yield
    finally:
        lab[node].nft(f"delete table {table}\n")


def filtered(lab: Lab, node: str, *statements: str, hooks: Sequence[str] = ("forward",)) -> AbstractContextManager[None]:
    """Filter statements at the given hooks, before the lab's own rules; a connection that is already known is judged anew."""
    body = "\n".join(f"        {s}" for s in statements)
    chains = "\n".join(f"    chain at_{hook} {{ type filter hook {hook} priority -10;\n{body}\n    }}" for hook in hooks)
    return rules(lab, node, chains)


def dropped(lab: Lab, match: str, node: str = "router", hooks: Sequence[str] = ("forward",)) -> AbstractContextManager[None]:
    """Silence for what matches."""
    return filtered(lab, node, f"{match} drop", hooks=hooks)


def rejected(lab: Lab, match: str, icmp: str, node: str = "router", hooks: Sequence[str] = ("forward",)) -> AbstractContextManager[None]:
    """An ICMP error of ``ICMP_CODES`` for what matches."""
    return filtered(lab, node, f"{match} reject with icmp type {icmp}", hooks=hooks)


def reset(lab: Lab, match: str, node: str = "router", hooks: Sequence[str] = ("forward",)) -> AbstractContextManager[None]:
    """A TCP reset for what matches; at the router it bears the server's address."""
    return filtered(lab, node, f"{match} meta l4proto tcp reject with tcp reset", hooks=hooks)


@contextmanager
def serving(lab: Lab, node: str, name: str, make: Callable[[int], Server]) -> Iterator[int]:
    """One of the lab's own servers on a port of its own, which is given back."""
    port = FIRST_PORT + next(_ports) % PORTS
    process = lab[node].serve(f"{name}-{port}", make(port))
    try:
        yield port
    finally:
        lab[node].stop(process)


@contextmanager
def serving_at(lab: Lab, node: str, name: str, port: int, server: Server) -> Iterator[None]:
    """One of the lab's own servers on a given port."""
    process = lab[node].serve(f"{name}-{port}", server)
    try:
        yield
    finally:
        lab[node].stop(process)


@contextmanager
def running(lab: Lab, node: str, start: Callable[[], Process], ready: Callable[[], bool]) -> Iterator[None]:
    """A real daemon for a while."""
    process = start()
    lab[node].await_(process, ready)
    try:
        yield
    finally:
        lab[node].stop(process)


@contextmanager
def redirected(lab: Lab, node: str, match: str, name: str, make: Callable[[int], Server]) -> Iterator[int]:
    """What matches on its way into ``node`` is answered by one of the lab's own servers there."""
    with serving(lab, node, name, make) as port, sent_to_port(lab, node, match, port):
        yield port


def sent_to_port(lab: Lab, node: str, match: str, port: int, same_address: bool = False) -> AbstractContextManager[None]:
    """What matches on its way into ``node`` goes to another port there; ``same_address`` where the server looks at its own address."""
    verdict = f"dnat to :{port}" if same_address else f"redirect to :{port}"
    return rules(lab, node, f"    chain first {{ type nat hook prerouting priority -110;\n        {match} {verdict}\n    }}")


@contextmanager
def resolver_says(lab: Lab, *settings: str) -> Iterator[None]:
    """The site's resolver runs with these dnsmasq settings beside its upstream; without any it knows nobody to ask."""
    lab.start_site_resolver(*settings)
    lab.await_site_resolver()
    try:
        yield
    finally:
        lab.start_site_resolver()
        lab.await_site_resolver()


@contextmanager
def public_resolvers_say(lab: Lab, *settings: str) -> Iterator[None]:
    """The resolvers outside, whom the site's own asks too, run with these dnsmasq settings (``daemons.zone``)."""
    cloud, port = lab["cloud"], FIRST_PORT + next(_ports) % PORTS
    process = daemons.dnsmasq(cloud, f"other-dns-{port}", ["0.0.0.0"], settings, port)
    cloud.await_(process, daemons.udp_answers("127.0.0.1", port, daemons.dns_question("www.alsoenergy.com")))
    try:
        with sent_to_port(lab, "cloud", ANY_53, port):
            yield
    finally:
        cloud.stop(process)


@contextmanager
def configured(lab: Lab, node: str, do: Sequence[str], undo: Sequence[str]) -> Iterator[None]:
    """Lines of ``ip`` on a node, and those that put it right again."""
    try:
        lab[node].ip(*do)
        yield
    finally:
        lab[node].ip(*undo)


@contextmanager
def logger_off(lab: Lab) -> Iterator[None]:
    """The logger without its network. A link that goes down takes the routes through it along, and the switch's port rests a while."""
    with configured(lab, "logger", ["link set eth0 down"], ["link set eth0 up", f"route replace default via {GATEWAY}"]):
        yield
    lab["router"].ip("link set lan2 type bridge_slave state 3", "neigh flush all")


@contextmanager
def nameservers(lab: Lab, *addresses: str, node: str = "laptop") -> Iterator[None]:
    """Other resolvers in a node's /etc/resolv.conf."""
    before = lab[node].resolv.read_text()
    lab[node].resolver(*addresses)
    try:
        yield
    finally:
        lab[node].resolv.write_text(before)


@contextmanager
def together(*parts: AbstractContextManager[object]) -> Iterator[None]:
    """All of them, in order, undone in reverse."""
    with ExitStack() as stack:
        for part in parts:
            stack.enter_context(part)
        yield


def scratch(lab: Lab, name: str) -> Path:
    """A new directory in the lab's own home."""
    path = lab.home / f"{name}{next(_numbers)}"
    path.mkdir()
    return path
