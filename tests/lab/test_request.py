"""A router that denies all, the rules that aetui writes for it, and what is open afterwards: everything that was asked for, and nothing
else.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import topology
from lab.network import Lab

EQUIPMENT = ("pm2000", "acquisuite", "sma-ftp")
MOST_ROUNDS = 3
"""Names first, then what could not be tested without them."""
HOSTS = ("www", "maki", "moxa", "servlet", "dataobvius", "makirt", "streamer", "smaftpdm", "ptsmaftp")
ASKED_TCP = frozenset(
    {(topology.HOSTS[f"{name}.alsoenergy.com"], port) for name in HOSTS[:7] for port in (80, 443)}
    | {(topology.HOSTS["buildingmanageronline.com"], port) for port in (80, 443, 2022)}
    | {(topology.FTP_SERVER, 21)}
)
ASKED_UDP = frozenset((address, 123) for address in topology.TIME_HOSTS.values())
PORTS = (21, 22, 23, 25, 53, 79, 80, 81, 123, 442, 443, 444, 2021, 2022, 2023, 3389, 8080, 8443)


@dataclass(frozen=True)
class Firewall:
    """A kind of firewall on the router: how it denies all, and how rules are loaded."""

    name: str
    deny: Callable[[Lab], AbstractContextManager[None]]
    load: Callable[[Lab, Path], None]


DENY_NFT = """
table inet filter {
    chain forward { type filter hook forward priority 10; policy drop; ct state established,related accept; }
    chain input { type filter hook input priority 10; policy drop; ct state established,related accept; iifname "lo" accept; }
}
"""


@contextmanager
def deny_by_nft(lab: Lab) -> Iterator[None]:
    lab["router"].nft(DENY_NFT)
    try:
        yield
    finally:
        lab["router"].nft("delete table inet filter\n")


@contextmanager
def deny_by_iptables(lab: Lab) -> Iterator[None]:
    for chain in ("FORWARD", "INPUT"):
        for rule in ("-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", "-i lo -j ACCEPT"):
            lab.run("router", ["iptables", "-A", chain, *rule.split()], check=True)
        lab.run("router", ["iptables", "-P", chain, "DROP"], check=True)
    try:
        yield
    finally:
        lab["router"].nft("delete table ip filter\n")


def load_nft(lab: Lab, rules: Path) -> None:
    lab.run("router", ["nft", "-f", str(rules)], check=True)


def load_sh(lab: Lab, rules: Path) -> None:
    lab.run("router", ["sh", "-e", str(rules)], check=True)


FIREWALLS = (Firewall("nftables", deny_by_nft, load_nft), Firewall("iptables", deny_by_iptables, load_sh))


@pytest.fixture(params=FIREWALLS, ids=lambda firewall: firewall.name)
def firewall(request: pytest.FixtureRequest) -> Firewall:
    found: Firewall = request.param
    return found


@dataclass
class Technician:
    """Somebody on the laptop, with a home."""

    lab: Lab
    home: Path

    def run(self, *arguments: str) -> tuple[int, str]:
        env = {**self.lab.env(), "AETUI_HOME": str(self.home), "HOME": str(self.home), "AETUI_FTP_PASSWORD": "aetui@lab"}
        done = self.lab.run("laptop", [sys.executable, "-m", "aetui", *arguments], env=env, timeout=60)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout

    def check(self) -> tuple[str, set[str]]:
        """The verdict, and the ids of required checks that do not hold."""
        _, out = self.run("check", *EQUIPMENT, "--json", "--ftp-user", "anonymous")
        report = json.loads(out)
        return report["verdict"], {c["id"] for c in report["checks"] if c["requirement"] == "hard" and c["status"] != "pass"}

    def rules(self, firewall: Firewall, *options: str) -> Path:
        path = self.home / f"rules-{len(list(self.home.iterdir()))}"
        status, _ = self.run("request", "--for", firewall.name, *options, "--output", str(path))
        assert status == 0
        return path


@pytest.fixture
def technician(lab: Lab, tmp_path: Path) -> Technician:
    return Technician(lab, tmp_path)


def reached_tcp(targets: list[tuple[str, int]]) -> set[tuple[str, int]]:
    """Of these, all from which anything comes back, an answer or a reset."""

    def reached(target: tuple[str, int]) -> bool:
        with socket.socket() as handle:
            handle.settimeout(2.0)
            try:
                handle.connect(target)
            except ConnectionRefusedError:
                return True
            except OSError:
                return False
            return True

    with ThreadPoolExecutor(400) as pool:
        return {target for target, there in zip(targets, pool.map(reached, targets), strict=True) if there}


def answered_time(targets: list[str]) -> set[str]:
    """Of these, all that answer a question for the time."""

    def answered(target: str) -> bool:
        with socket.socket(type=socket.SOCK_DGRAM) as handle:
            handle.settimeout(2.0)
            handle.connect((target, 123))
            handle.send(b"\x23" + bytes(47))
            try:
                return bool(handle.recv(128))
            except OSError:
                return False

    with ThreadPoolExecutor(16) as pool:
        return {target for target, there in zip(targets, pool.map(answered, targets), strict=True) if there}


def assert_only_what_was_asked_is_open(lab: Lab, node: str, tcp: frozenset[tuple[str, int]], udp: frozenset[tuple[str, int]]) -> None:
    everywhere = [(address, port) for address in topology.CLOUD for port in PORTS]
    data = {(topology.FTP_SERVER, port) for port in PORTS if port >= 1024} if tcp else set()
    assert lab.inside(node, reached_tcp, everywhere) == tcp | data
    clocks = sorted({address for address, _ in topology.OPEN_UDP})
    assert lab.inside(node, answered_time, clocks) == {address for address, port in udp}


def test_from_what_failed_to_a_site_that_is_ready_with_nothing_else_open(technician: Technician, firewall: Firewall) -> None:
    lab = technician.lab
    with firewall.deny(lab):
        verdict, failing = technician.check()
        assert verdict == "blocked"
        assert_only_what_was_asked_is_open(lab, "laptop", frozenset(), frozenset())
        for _ in range(MOST_ROUNDS):
            firewall.load(lab, technician.rules(firewall))
            verdict, failing = technician.check()
            if verdict == "ready":
                break
        assert (verdict, failing) == ("ready", set())
        assert_only_what_was_asked_is_open(lab, "laptop", ASKED_TCP, ASKED_UDP)


def test_everything_asked_for_beforehand_makes_a_closed_router_ready_at_once(technician: Technician, firewall: Firewall) -> None:
    lab = technician.lab
    assert technician.check()[0] == "ready"
    rules = technician.rules(firewall, "--all", "--source", topology.LAPTOP)
    with firewall.deny(lab):
        firewall.load(lab, rules)
        assert technician.check() == ("ready", set())
        assert_only_what_was_asked_is_open(lab, "laptop", ASKED_TCP, ASKED_UDP)
        assert_only_what_was_asked_is_open(lab, "logger", frozenset(), frozenset())


def test_a_forward_lets_in_the_support_team_and_nobody_else(technician: Technician, firewall: Firewall) -> None:
    lab = technician.lab
    technician.check()
    mine = ("--all", "--logger", topology.LOGGER, "--support", f"{topology.JUMP}/32")
    rules = technician.rules(firewall, *mine)
    stranger = [(topology.WAN, port) for port in (22, 23, 80, 3388, 3389, 3390)]
    server = lab.popen("logger", [sys.executable, "-m", "http.server", "3389", "--bind", topology.LOGGER])
    try:
        with firewall.deny(lab):
            firewall.load(lab, rules)
            await_port(lab)
            assert lab.inside("jump", reached_tcp, stranger) == {(topology.WAN, 3389)}
            assert lab.inside("cloud", reached_tcp, stranger) == set()
    finally:
        server.terminate()
        server.wait()
        if firewall.name == "nftables":
            lab["router"].nft("delete table ip aetui\n")
        else:
            lab["router"].nft("delete table ip nat\n")


def await_port(lab: Lab) -> None:
    """Wait until the logger's own port answers on the LAN's other end."""
    end = time.monotonic() + 30.0
    while time.monotonic() < end:
        if lab.inside("logger", reached_tcp, [(topology.LOGGER, 3390)]) and _listens(lab):
            return
    raise AssertionError("the logger's service did not start")


def _listens(lab: Lab) -> bool:
    return bool(lab.inside("logger", opened, (topology.LOGGER, 3389)))


def opened(target: tuple[str, int]) -> bool:
    with socket.socket() as handle:
        handle.settimeout(1.0)
        return handle.connect_ex(target) == 0
