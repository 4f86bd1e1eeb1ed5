"""Default routes from what Linux, macOS and Windows show, recorded, and from nonsense."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.vantage.routes import Default, parse_linux4, parse_linux6, parse_macos, parse_windows

HEAD4 = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
ON_LINK4 = "eth0\t0032A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
NOWHERE6 = "00000000000000000000000000000000"
FD09_2 = "fd090000000000000000000000000002"
FE80_1 = "fe800000000000000000000000000001"


@pytest.mark.skipif(sys.byteorder != "little", reason="recorded on a little-endian machine, whose order the kernel uses")
@pytest.mark.parametrize(
    ("name", "lines", "route"),
    [
        ("one gateway", "eth0\t00000000\t0132A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n", Default("eth0", "192.168.50.1")),
        (
            "the lowest metric counts",
            "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\neth0\t00000000\t0132A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
            Default("eth0", "192.168.50.1"),
        ),
        ("a link without a gateway", "ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", Default("ppp0", None)),
        ("one that rejects", "*\t00000000\t00000000\t0200\t0\t0\t0\t00000000\t0\t0\t0\n", None),
        ("half the world is no default", "tun0\t00000000\t0108000A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n", None),
        ("one that is down", "eth0\t00000000\t0132A8C0\t0002\t0\t0\t100\t00000000\t0\t0\t0\n", None),
        ("none", "", None),
        ("nonsense", "what\tis\tthis\n\n\t\n", None),
    ],
    ids=lambda value: value if isinstance(value, str) and "\t" not in value else "",
)
def test_the_ipv4_table(name: str, lines: str, route: Default | None) -> None:
    assert parse_linux4(HEAD4 + ON_LINK4 + lines) == route


@pytest.mark.parametrize(
    ("name", "lines", "route"),
    [
        ("a router", f"{NOWHERE6} 00 {NOWHERE6} 00 {FE80_1} 00000400 00000001 00000000 00450003     eth0\n", Default("eth0", "fe80::1")),
        (
            "the lowest metric counts",
            f"{NOWHERE6} 00 {NOWHERE6} 00 {FE80_1} 00000400 00000001 00000000 00450003 wlan0\n"
            f"{NOWHERE6} 00 {NOWHERE6} 00 {FD09_2} 00000064 00000001 00000000 00000003 eth0\n",
            Default("eth0", "fd09::2"),
        ),
        ("the kernel's own reject on lo", f"{NOWHERE6} 00 {NOWHERE6} 00 {NOWHERE6} ffffffff 00000001 00000000 00200200       lo\n", None),
        ("no gateway", f"{NOWHERE6} 00 {NOWHERE6} 00 {NOWHERE6} 00000400 00000001 00000000 00000001 tun0\n", Default("tun0", None)),
        ("a prefix is no default", f"{NOWHERE6} 03 {NOWHERE6} 00 {FD09_2} 00000400 00000001 00000000 00000003 eth0\n", None),
        ("none", "", None),
        ("nonsense", "zz 00\nfe 1 2 3 4 5 6 7 8 9\n", None),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_the_ipv6_table(name: str, lines: str, route: Default | None) -> None:
    assert parse_linux6(lines) == route


MACOS = """Routing tables

Internet:
Destination        Gateway            Flags               Netif Expire
default            192.168.50.1       UGScg                 en0
default            link#12            UCSIg            bridge100      !
127                127.0.0.1          UCS                   lo0
"""
MACOS6 = """Internet6:
Destination                             Gateway                                 Flags               Netif Expire
default                                 fe80::1%en0                             UGcg                  en0
"""
WINDOWS = """IPv4-Routentabelle
===========================================================================
Aktive Routen:
     Netzwerkziel    Netzwerkmaske          Gateway    Schnittstelle Metrik
          0.0.0.0          0.0.0.0     10.8.0.1         10.8.0.20     75
          0.0.0.0          0.0.0.0     192.168.50.1    192.168.50.20     25
        127.0.0.0        255.0.0.0   Auf Verbindung         127.0.0.1    331
"""


def test_macos_table() -> None:
    assert parse_macos(MACOS) == Default("en0", "192.168.50.1")
    assert parse_macos(MACOS6) == Default("en0", "fe80::1")
    assert parse_macos("") is None


def test_windows_table_in_any_language() -> None:
    assert parse_windows(WINDOWS) == Default(None, "192.168.50.1")
    assert parse_windows("") is None


@given(st.text(max_size=300))
def test_no_text_breaks_a_parser(text: str) -> None:
    for parser in (parse_linux4, parse_linux6, parse_macos, parse_windows):
        found = parser(text)
        assert found is None or isinstance(found, Default)
