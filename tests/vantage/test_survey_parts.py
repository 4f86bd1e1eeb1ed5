"""The parts of the survey: resolvers, proxies, kinds of interface, where the address came from, rights."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.observations import Interface
from aetui.vantage import proxies, resolvers
from aetui.vantage.interfaces import kind_by_name, kind_of, state_of, with_prefix
from aetui.vantage.machine import best_address, dhcp, interface_of, reaches_the_world
from aetui.vantage.rights import effective


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nameserver 192.168.50.1\nnameserver 1.1.1.1\n", ("192.168.50.1", "1.1.1.1")),
        ("# nameserver 9.9.9.9\n; nameserver 8.8.8.8\nsearch site.example\noptions edns0\nnameserver\t10.0.0.1 # ours\n", ("10.0.0.1",)),
        ("nameserver 10.0.0.1\nnameserver 10.0.0.1\n", ("10.0.0.1",)),
        ("nameserver fe80::1%eth0\nnameserver 2001:db8::53\n", ("fe80::1%eth0", "2001:db8::53")),
        ("nameserver\nnameserver not-an-address\nnameserver \x1b[31m\n", ()),
        ("", ()),
    ],
)
def test_resolv_conf(text: str, found: tuple[str, ...]) -> None:
    assert resolvers.parse(text) == found


@pytest.mark.parametrize(
    ("named", "behind", "found"),
    [
        ("nameserver 127.0.0.53\n", "nameserver 192.168.50.1\n", ("192.168.50.1",)),
        ("nameserver 127.0.0.53\n", None, ("127.0.0.53",)),
        ("nameserver 10.0.0.1\n", "nameserver 192.168.50.1\n", ("10.0.0.1",)),
        (None, "nameserver 192.168.50.1\n", ()),
    ],
)
def test_behind_systemd_resolved_stand_the_real_ones(tmp_path: Path, named: str | None, behind: str | None, found: tuple[str, ...]) -> None:
    conf, upstream = tmp_path / "resolv.conf", tmp_path / "upstream.conf"
    for path, text in ((conf, named), (upstream, behind)):
        if text is not None:
            path.write_text(text)
    assert resolvers.configured(conf, upstream) == found


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://proxy.site:3128", "http://proxy.site:3128"),
        ("http://user:secret@proxy.site:3128", "http://proxy.site:3128"),
        ("HTTP://user:se@cr/et@proxy.site:3128/", "HTTP://proxy.site:3128/"),
        ("user:secret@proxy.site:3128", "proxy.site:3128"),
        ("socks5h://user@[fd00::1]:1080", "socks5h://[fd00::1]:1080"),
        ("localhost,.site.example", "localhost,.site.example"),
    ],
)
def test_a_proxy_is_shown_without_credentials(value: str, shown: str) -> None:
    assert proxies.without_credentials(value) == shown


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_password_survives(user: str, password: str) -> None:
    assert proxies.without_credentials(f"http://{user}:{password}@proxy:3128") == "http://proxy:3128"


def test_the_environments_proxies_are_named_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("https_proxy", "http://me:pw@proxy:8080")
    monkeypatch.setenv("no_proxy", "localhost")
    assert proxies.configured() == (("https", "http://proxy:8080"), ("no", "localhost"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("eth0", "wired"), ("enp3s0", "wired"), ("Ethernet", "wired"), ("en0", "wired"),
        ("wlan0", "wireless"), ("wlp2s0", "wireless"), ("Wi-Fi", "wireless"), ("WLAN", "wireless"),
        ("tun0", "vpn"), ("wg0", "vpn"), ("utun3", "vpn"), ("tailscale0", "vpn"),
        ("docker0", "virtual"), ("veth12ab", "virtual"), ("vEthernet (WSL)", "virtual"), ("ppp0", "virtual"),
        ("lo", "loopback"), ("lo0", "loopback"), ("Loopback Pseudo-Interface 1", "loopback"),
    ],
)  # fmt: skip
def test_the_kind_of_an_interface_by_its_name(name: str, kind: str) -> None:
    assert kind_by_name(name) == kind


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"type": "1\n", "device/x": ""}, "wired"),
        ({"type": "1\n", "device/x": "", "wireless/x": ""}, "wireless"),
        ({"type": "1\n", "device/x": "", "phy80211/x": ""}, "wireless"),
        ({"type": "65534\n", "tun_flags": "0x1001\n"}, "vpn"),
        ({"type": "65534\n", "uevent": "DEVTYPE=wireguard\nINTERFACE=wg0\n"}, "vpn"),
        ({"type": "1\n", "device/x": "", "uevent": "DEVTYPE=wwan\n"}, "wireless"),
        ({"type": "1\n", "uevent": "DEVTYPE=bridge\n"}, "virtual"),
        ({"type": "1\n"}, "virtual"),
        ({"type": "772\n"}, "loopback"),
        ({}, "wired"),
    ],
)
def test_the_kind_of_an_interface_by_the_kernels_word(tmp_path: Path, files: dict[str, str], kind: str) -> None:
    for name, text in files.items():
        path = tmp_path / "eth7" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert kind_of("eth7", tmp_path) == kind


@pytest.mark.parametrize(
    ("flags", "running", "platform", "state"),
    [
        ("up,broadcast,running,multicast", True, "linux", (True, True)),
        ("up,broadcast,multicast", False, "linux", (True, False)),
        ("broadcast,multicast", False, "linux", (False, None)),
        ("", True, "win32", (True, True)),
        ("", False, "win32", (False, None)),
        ("up,broadcast", True, "darwin", (True, None)),
    ],
)
def test_up_and_carrier_are_two_things(flags: str, running: bool, platform: str, state: tuple[bool, bool | None]) -> None:
    assert state_of(flags, running, platform) == state


@pytest.mark.parametrize(
    ("family", "address", "netmask", "text"),
    [
        (socket.AF_INET, "192.168.50.20", "255.255.255.0", "192.168.50.20/24"),
        (socket.AF_INET, "10.0.0.1", None, "10.0.0.1"),
        (socket.AF_INET6, "fe80::1%eth0", "ffff:ffff:ffff:ffff::", "fe80::1/64"),
        (17, "aa:bb:cc:dd:ee:ff", None, None),
        (socket.AF_INET, "nonsense", "255.0.0.0", None),
    ],
)
def test_an_address_with_its_prefix(family: int, address: str, netmask: str | None, text: str | None) -> None:
    assert with_prefix(family, address, netmask) == text


@pytest.mark.parametrize(
    ("name", "address", "lifetimes", "managed", "leases", "told"),
    [
        ("given for a time", "10.0.0.5", {"10.0.0.5": True}, False, "", True),
        ("permanent under a manager", "10.0.0.5", {"10.0.0.5": False}, True, "", False),
        ("permanent, nobody manages", "10.0.0.5", {"10.0.0.5": False}, False, "", None),
        ("a lease names it", "10.0.0.5", {"10.0.0.5": False}, False, "lease {\n  fixed-address 10.0.0.5;\n}", True),
        ("a lease names another", "10.0.0.5", {"10.0.0.5": False}, False, "lease {\n  fixed-address 10.0.0.55;\n}", None),
        ("no address", None, {}, True, "", None),
        ("the kernel did not tell", "10.0.0.5", {}, True, "", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_where_the_address_came_from(
    name: str, address: str | None, lifetimes: dict[str, bool], managed: bool, leases: str, told: bool | None
) -> None:
    assert dhcp(address, lifetimes, managed, leases) is told


LO = Interface("lo", True, True, None, ("127.0.0.1/8",), kind="loopback")
DOCKER = Interface("docker0", True, False, None, ("172.17.0.1/16",), kind="virtual")
ETH = Interface("eth0", True, True, None, ("fe80::1/64", "169.254.7.8/16"), kind="wired")


def test_without_a_default_route_the_cables_own_address_is_shown_before_a_virtual_one() -> None:
    assert best_address(None, (LO, DOCKER, ETH)) == "169.254.7.8"
    assert best_address("10.0.0.5", (LO, DOCKER, ETH)) == "10.0.0.5"
    assert best_address(None, (LO,)) is None


def test_the_interface_of_an_address() -> None:
    assert interface_of("172.17.0.1", (LO, DOCKER, ETH)) == "docker0"
    assert interface_of("10.0.0.1", (LO, DOCKER, ETH)) is None
    assert interface_of(None, (LO,)) is None


@pytest.mark.parametrize(
    ("address", "world"),
    [(None, False), ("fe80::1", False), ("fd00::1", False), ("::1", False), ("2001:db8::1", True), ("2a00:1450::5", True)],
)
def test_ipv6_reaches_the_world_with_a_global_address(address: str | None, world: bool) -> None:
    assert reaches_the_world(address) is world


@pytest.mark.parametrize(
    ("status", "capabilities"), [("Name:\tx\nCapEff:\t0000000000002000\n", 1 << 13), ("CapEff:\t0000000000000000\n", 0), ("", 0)]
)
def test_effective_capabilities(status: str, capabilities: int) -> None:
    assert effective(status) == capabilities
