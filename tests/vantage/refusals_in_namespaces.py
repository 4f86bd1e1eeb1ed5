"""A program, not a test: under ``unshare -Urnm`` it builds a little network of its own, probes every kind of refusal through the local
vantage, surveys the link as it changes, and prints one JSON object, case by case. ``test_local_refusals.py`` runs it and asserts on it.

    this namespace 10.9.0.1 fd09::1 --- 10.9.0.2 fd09::2 router 10.8.0.1 fd08::1 --- 10.8.0.2 fd08::2 far
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict

from aetui.vantage.base import PLAIN, Shape, StreamEnded
from aetui.vantage.local import LocalVantage

FAR, FAR6 = "10.8.0.2", "fd08::2"
ECHO, LOSSY, SMALL = 7000, 7001, 7002
"""Ports that are open: the second loses every first SYN, the third every SYN that does not announce 536 bytes."""
REJECTS = {
    "reset": (801, "reject with tcp reset"),
    "drop": (802, "drop"),
    "net-unreachable": (810, "reject with icmp type net-unreachable"),
    "host-unreachable": (811, "reject with icmp type host-unreachable"),
    "prot-unreachable": (812, "reject with icmp type prot-unreachable"),
    "port-unreachable": (813, "reject with icmp type port-unreachable"),
    "net-prohibited": (819, "reject with icmp type net-prohibited"),
    "host-prohibited": (820, "reject with icmp type host-prohibited"),
    "admin-prohibited": (823, "reject with icmp type admin-prohibited"),
}
REJECTS6 = {
    "no-route": (830, "reject with icmpv6 type no-route"),
    "admin-prohibited": (831, "reject with icmpv6 type admin-prohibited"),
    "addr-unreachable": (833, "reject with icmpv6 type addr-unreachable"),
    "port-unreachable": (834, "reject with icmpv6 type port-unreachable"),
    "policy-fail": (835, "reject with icmpv6 type policy-fail"),
    "reject-route": (836, "reject with icmpv6 type reject-route"),
}
OWN = {
    "drop": (901, "drop"),
    "reject": (902, "reject"),
    "admin-prohibited": (903, "reject with icmpx type admin-prohibited"),
}
BOTH = "meta l4proto { tcp, udp } th"
WAIT_S = 6.0
"""Deadline of a probe: longer than a neighbour takes to be given up (3 s)."""


def run(command: str) -> None:
    subprocess.run(command, shell=True, check=True)


def build() -> None:
    for command in (
        "mount -t tmpfs tmpfs /run && ip link set lo up && ip netns add router && ip netns add far",
        "ip link add v0 type veth peer name v1 netns router && ip -n router link add r0 type veth peer name f0 netns far",
        "ip addr add 10.9.0.1/24 dev v0 && ip addr add fd09::1/64 dev v0 nodad && ip link set v0 up",
        "ip -n router addr add 10.9.0.2/24 dev v1 && ip -n router addr add fd09::2/64 dev v1 nodad && ip -n router link set v1 up",
        "ip -n router addr add 10.8.0.1/24 dev r0 && ip -n router addr add fd08::1/64 dev r0 nodad && ip -n router link set r0 up",
        "ip -n far addr add 10.8.0.2/24 dev f0 && ip -n far addr add fd08::2/64 dev f0 nodad && ip -n far link set f0 up",
        "ip netns exec router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
        "ip netns exec router sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0",
        "ip -n far route add default via 10.8.0.1 && ip -n far -6 route add default via fd08::1",
        "ip route add 10.8.0.0/24 via 10.9.0.2 && ip -6 route add fd08::/64 via fd09::2",
        "ip route add unreachable 10.30.1.0/24 && ip route add prohibit 10.30.2.0/24 && ip route add blackhole 10.30.3.0/24",
    ):
        run(command)
    forward = [f"meta nfproto ipv4 {'tcp' if name == 'reset' else BOTH} dport {port} {rule}" for name, (port, rule) in REJECTS.items()]
    forward += [f"meta nfproto ipv6 tcp dport {port} {rule}" for port, rule in REJECTS6.values()]
    forward += [f"tcp dport {LOSSY} tcp flags syn / syn,ack numgen inc mod 2 0 drop"]
    forward += [f"tcp dport {SMALL} tcp flags syn / syn,ack tcp option maxseg size != 536 drop"]
    rules("router", "forward", forward)
    rules(None, "output", [f"{BOTH} dport {port} {rule}" for port, rule in OWN.values()])


def rules(namespace: str | None, hook: str, lines: list[str], table: str = "t") -> None:
    body = "\n".join(lines)
    text = f"table inet {table} {{ chain c {{ type filter hook {hook} priority 0;\n{body}\n}}\n}}\n"
    command = ["nft", "-f", "-"]
    subprocess.run(["ip", "netns", "exec", namespace, *command] if namespace else command, input=text, text=True, check=True)


SERVER = """
import contextlib, socket, threading
def serve(port):
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    def loop():
        while True:
            taken, _ = listener.accept()
            with contextlib.suppress(OSError): taken.recv(1)
            taken.close()
    threading.Thread(target=loop).start()
for port in (7000, 7001, 7002): serve(port)
print("ready", flush=True)
"""


async def probe_all() -> dict[str, object]:
    vantage = LocalVantage()
    loop = asyncio.get_running_loop()
    await vantage.open(loop.time() + 5)

    async def tcp(address: str, port: int, shape: Shape = PLAIN) -> object:
        began = loop.time()
        connection = await vantage.connect(address, port, began + WAIT_S, shape)
        if connection.stream is not None:
            connection.stream.close()
        return asdict(connection.seen) | {"took": loop.time() - began}

    async def udp(address: str, port: int) -> object:
        return asdict(await vantage.ask(address, port, b"x", loop.time() + WAIT_S, lambda _: True)) | {"reply": None}

    async def twice() -> object:
        shape = Shape(source_port=40123)
        return [await tcp(FAR, ECHO, shape), await tcp(FAR, ECHO, shape)]

    cases = {f"tcp {name}": tcp(FAR, port) for name, (port, _) in REJECTS.items()}
    cases |= {f"tcp6 {name}": tcp(FAR6, port) for name, (port, _) in REJECTS6.items()}
    cases |= {f"udp {name}": udp(FAR, port) for name, (port, _) in REJECTS.items() if name != "reset"}
    cases |= {f"tcp own {name}": tcp(FAR, port) for name, (port, _) in OWN.items()}
    cases |= {f"tcp6 own {name}": tcp(FAR6, port) for name, (port, _) in OWN.items()}
    cases |= {f"udp own {name}": udp(FAR, port) for name, (port, _) in OWN.items()}
    cases |= {
        "tcp open": tcp(FAR, ECHO),
        "tcp6 open": tcp(FAR6, ECHO),
        "tcp closed": tcp(FAR, 1),
        "udp closed": udp(FAR, 1),
        "tcp lossy": tcp(FAR, LOSSY),
        "tcp big segments": tcp(FAR, SMALL),
        "tcp small segments": tcp(FAR, SMALL, Shape(mss=536)),
        "tcp ttl 1": tcp(FAR, ECHO, Shape(ttl=1)),
        "tcp ttl 2": tcp(FAR, ECHO, Shape(ttl=2)),
        "tcp6 ttl 1": tcp(FAR6, ECHO, Shape(ttl=1)),
        "tcp dead behind router": tcp("10.8.0.99", 80),
        "tcp6 dead behind router": tcp("fd08::99", 80),
        "tcp dead neighbour": tcp("10.9.0.99", 80),
        "tcp6 dead neighbour": tcp("fd09::99", 80),
        "udp dead neighbour": udp("10.9.0.98", 80),
        "tcp no route": tcp("10.77.0.1", 80),
        "udp no route": udp("10.77.0.1", 80),
        "tcp6 no route": tcp("fd77::1", 80),
        "tcp unreachable route": tcp("10.30.1.1", 80),
        "tcp prohibit route": tcp("10.30.2.1", 80),
        "tcp blackhole route": tcp("10.30.3.1", 80),
        "udp blackhole route": udp("10.30.3.1", 80),
        "tcp link-local without interface": tcp("fe80::1", 80),
        "tcp same source port twice": twice(),
    }
    found = dict(zip(cases, await asyncio.gather(*cases.values()), strict=True))
    await vantage.close()
    return found


async def soft_errors() -> list[str]:
    """An ICMP error in the middle of a connection, that goes away again: how the two reads end."""
    vantage = LocalVantage()
    loop = asyncio.get_running_loop()
    await vantage.open(loop.time() + 5)
    connection = await vantage.connect(FAR, ECHO, loop.time() + WAIT_S)
    stream = connection.stream
    assert stream is not None
    rules("router", "forward", [f"tcp dport {ECHO} reject with icmp type host-unreachable"], "soft")
    await stream.write(b"x", loop.time() + 1)
    ends = []
    for change in ("true", "ip netns exec router nft delete table inet soft"):
        run(change)
        try:
            ends.append((await stream.read(1, loop.time() + (1 if change == "true" else WAIT_S))).decode() or "closed by the peer")
        except StreamEnded as ended:
            ends.append(str(ended))
    stream.close()
    await vantage.close()
    return ends


async def surveys() -> dict[str, object]:
    """The link as it is, then behind a gateway that answers, then behind one that does not, then with no carrier."""
    found: dict[str, object] = {}
    loop = asyncio.get_running_loop()
    for name, change in {
        "no gateway": "true",
        "gateway": "ip route add default via 10.9.0.2 && ip -6 route add default via fd09::2",
        "dead gateway": "ip route replace default via 10.9.0.97 && ip addr change 10.9.0.1/24 dev v0 valid_lft 3600 preferred_lft 3600",
        "gateway6 alone": "ip route del default",
        "no carrier": "ip -n router link set v1 down; "  # the kernel tells of it within a second
        "for i in $(seq 100); do ip -o link show v0 | grep -q 'state UP' || break; sleep 0.05; done",
    }.items():
        run(change)
        vantage = LocalVantage()
        await vantage.open(loop.time() + 5)
        link = await vantage.survey(loop.time() + 5)
        assert link is not None
        found[name] = {"info": asdict(vantage.info), "link": asdict(link)}
        await vantage.close()
    return found


def main() -> None:
    build()
    server = subprocess.Popen(["ip", "netns", "exec", "far", sys.executable, "-c", SERVER], stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        server.stdout.readline()
        found = {"probes": asyncio.run(probe_all()), "soft": asyncio.run(soft_errors()), "surveys": asyncio.run(surveys())}
    finally:
        server.kill()
        server.communicate()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
