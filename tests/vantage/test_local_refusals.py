"""Every refusal that Linux can tell apart, made by nftables and routes in namespaces of their own, and the survey of a changing link."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import aetui

PROGRAM = Path(__file__).with_name("refusals_in_namespaces.py")
ALLOWED = sys.platform == "linux" and subprocess.run(["unshare", "-Urnm", "true"], capture_output=True, check=False).returncode == 0
pytestmark = [pytest.mark.lab, pytest.mark.skipif(not ALLOWED, reason="user namespaces are not allowed here")]

ROUTER, ROUTER6 = "10.9.0.2", "fd09::2"
OWN, OWN6 = "10.9.0.1", "fd09::1"
FAR = "10.8.0.2"

# case, outcome, errno, ICMP type, code and sender
REFUSALS = [
    ("tcp reset", "refused", "ECONNREFUSED", None),
    ("tcp closed", "refused", "ECONNREFUSED", None),
    ("tcp drop", "filtered", None, None),
    ("tcp net-unreachable", "unreachable", "ENETUNREACH", (3, 0, ROUTER)),
    ("tcp host-unreachable", "unreachable", "EHOSTUNREACH", (3, 1, ROUTER)),
    ("tcp prot-unreachable", "rejected", "ENOPROTOOPT", (3, 2, ROUTER)),
    ("tcp port-unreachable", "rejected", "ECONNREFUSED", (3, 3, ROUTER)),
    ("tcp net-prohibited", "rejected", "ENETUNREACH", (3, 9, ROUTER)),
    ("tcp host-prohibited", "rejected", "EHOSTUNREACH", (3, 10, ROUTER)),
    ("tcp admin-prohibited", "rejected", "EHOSTUNREACH", (3, 13, ROUTER)),
    ("tcp6 no-route", "unreachable", "ENETUNREACH", (1, 0, ROUTER6)),
    ("tcp6 admin-prohibited", "rejected", "EACCES", (1, 1, ROUTER6)),
    ("tcp6 addr-unreachable", "unreachable", "EHOSTUNREACH", (1, 3, ROUTER6)),
    ("tcp6 port-unreachable", "rejected", "ECONNREFUSED", (1, 4, ROUTER6)),
    ("tcp6 policy-fail", "rejected", "EACCES", (1, 5, ROUTER6)),
    ("tcp6 reject-route", "rejected", "EACCES", (1, 6, ROUTER6)),
    ("udp closed", "rejected", "ECONNREFUSED", (3, 3, FAR)),
    ("udp drop", "filtered", None, None),
    ("udp net-unreachable", "unreachable", "ENETUNREACH", (3, 0, ROUTER)),
    ("udp host-unreachable", "unreachable", "EHOSTUNREACH", (3, 1, ROUTER)),
    ("udp port-unreachable", "rejected", "ECONNREFUSED", (3, 3, ROUTER)),
    ("udp net-prohibited", "rejected", "ENETUNREACH", (3, 9, ROUTER)),
    ("udp host-prohibited", "rejected", "EHOSTUNREACH", (3, 10, ROUTER)),
    ("udp admin-prohibited", "rejected", "EHOSTUNREACH", (3, 13, ROUTER)),
    ("tcp own drop", "denied", None, None),
    ("tcp own reject", "denied", "ECONNREFUSED", (3, 3, OWN)),
    ("tcp own admin-prohibited", "denied", "EHOSTUNREACH", (3, 13, OWN)),
    ("tcp6 own drop", "denied", None, None),
    ("tcp6 own reject", "denied", "ECONNREFUSED", (1, 4, OWN6)),
    ("tcp6 own admin-prohibited", "denied", "EACCES", (1, 1, OWN6)),
    ("udp own drop", "denied", "EPERM", None),
    ("udp own reject", "denied", "EPERM", (3, 3, OWN)),
    ("udp own admin-prohibited", "denied", "EPERM", (3, 13, OWN)),
    ("tcp ttl 1", "unreachable", "EHOSTUNREACH", (11, 0, ROUTER)),
    ("tcp6 ttl 1", "unreachable", "EHOSTUNREACH", (3, 0, ROUTER6)),
    ("tcp ttl 2", "open", None, None),
    ("tcp dead behind router", "unreachable", "EHOSTUNREACH", (3, 1, ROUTER)),
    ("tcp6 dead behind router", "unreachable", "EHOSTUNREACH", (1, 3, ROUTER6)),
    ("tcp dead neighbour", "no-neighbour", "EHOSTUNREACH", (3, 1, OWN)),
    ("tcp6 dead neighbour", "no-neighbour", "EHOSTUNREACH", (1, 3, OWN6)),
    ("udp dead neighbour", "no-neighbour", "EHOSTUNREACH", (3, 1, OWN)),
    ("tcp no route", "no-route", "ENETUNREACH", None),
    ("udp no route", "no-route", "ENETUNREACH", None),
    ("tcp6 no route", "no-route", "ENETUNREACH", None),
    ("tcp unreachable route", "no-route", "EHOSTUNREACH", None),
    ("tcp blackhole route", "no-route", "EINVAL", None),
    ("udp blackhole route", "no-route", "EINVAL", None),
    ("tcp link-local without interface", "no-route", "EINVAL", None),
    ("tcp prohibit route", "denied", "EACCES", None),
    ("tcp open", "open", None, None),
    ("tcp6 open", "open", None, None),
    ("tcp big segments", "filtered", None, None),
    ("tcp small segments", "open", None, None),
]


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What the program in the namespaces printed."""
    environment = os.environ | {"PYTHONPATH": str(Path(aetui.__file__).parents[1])}
    command = ["unshare", "-Urnm", "--kill-child", sys.executable, str(PROGRAM)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("case", "outcome", "errno", "icmp"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_each_refusal_is_told_apart(
    told: dict[str, Any], case: str, outcome: str, errno: str | None, icmp: tuple[int, int, str] | None
) -> None:
    seen = told["probes"][case]
    told_icmp = seen["icmp"] and (seen["icmp"]["type"], seen["icmp"]["code"], seen["icmp"]["sender"])
    assert (seen["outcome"], seen["errno"], told_icmp) == (outcome, errno, icmp)


def test_a_lost_syn_is_counted(told: dict[str, Any]) -> None:
    lossy = told["probes"]["tcp lossy"]
    assert lossy["outcome"] == "open"
    assert lossy["resent"] >= 1
    assert lossy["took"] > 0.9


def test_silence_says_how_often_the_syn_was_sent_again(told: dict[str, Any]) -> None:
    assert told["probes"]["tcp drop"]["resent"] >= 2


def test_an_icmp_error_that_passes_does_not_end_an_open_stream(told: dict[str, Any]) -> None:
    assert told["soft"] == ["silent", "closed by the peer"]


def test_a_fixed_source_port_can_be_used_again_at_once(told: dict[str, Any]) -> None:
    assert [seen["outcome"] for seen in told["probes"]["tcp same source port twice"]] == ["open", "open"]


def test_the_shape_and_the_own_address_stand_in_the_record(told: dict[str, Any]) -> None:
    assert (told["probes"]["tcp ttl 1"]["ttl"], told["probes"]["tcp small segments"]["mss"]) == (1, 536)
    assert told["probes"]["tcp open"]["local"] == OWN


def test_without_a_default_route_there_is_no_gateway(told: dict[str, Any]) -> None:
    link, info = (told["surveys"]["no gateway"][part] for part in ("link", "info"))
    assert (link["gateway"], link["gateway_answers"], link["default_interface"], link["address"]) == (None, None, None, OWN)
    assert (info["gateway"], info["ipv6"], info["privileged"]) == (None, False, True)


def test_a_living_gateway_answers_and_has_a_mac(told: dict[str, Any]) -> None:
    link = told["surveys"]["gateway"]["link"]
    assert (link["gateway"], link["gateway6"], link["default_interface"]) == (ROUTER, ROUTER6, "v0")
    assert (link["address"], link["address6"], link["gateway_answers"]) == (OWN, OWN6, True)
    assert len(link["gateway_mac"]) == 17


def test_a_dead_gateway_is_told_as_silent(told: dict[str, Any]) -> None:
    link = told["surveys"]["dead gateway"]["link"]
    assert (link["gateway"], link["gateway_answers"], link["gateway_mac"]) == ("10.9.0.97", False, None)


def test_an_ipv6_gateway_alone_is_asked_too(told: dict[str, Any]) -> None:
    link = told["surveys"]["gateway6 alone"]["link"]
    assert (link["gateway"], link["gateway6"], link["gateway_answers"]) == (None, ROUTER6, True)


def test_a_permanent_address_may_be_either_and_one_with_a_lifetime_is_from_dhcp(told: dict[str, Any]) -> None:
    assert told["surveys"]["dead gateway"]["link"]["dhcp"] is True
    before = told["surveys"]["gateway"]["link"]
    assert before["dhcp"] is False or "whether the address came from DHCP" in before["missing"]


def test_a_cable_without_its_other_end_has_no_carrier(told: dict[str, Any]) -> None:
    before, after = (
        next(i for i in told["surveys"][case]["link"]["interfaces"] if i["name"] == "v0") for case in ("gateway", "no carrier")
    )
    assert (before["up"], before["carrier"]) == (True, True)
    assert (after["up"], after["carrier"]) == (True, False)


UNPRIVILEGED = """
import asyncio, json
from aetui.vantage.local import LocalVantage
from aetui.vantage.base import Shape

async def main():
    vantage = LocalVantage()
    loop = asyncio.get_running_loop()
    await vantage.open(loop.time() + 5)
    answer = await vantage.ask("127.0.0.1", 123, b"x", loop.time() + 1, lambda _: True, source_port=123)
    connection = await vantage.connect("127.0.0.1", 123, loop.time() + 1, Shape(source_port=123))
    link = await vantage.survey(loop.time() + 1)
    print(json.dumps([vantage.info.privileged, answer.outcome, answer.errno, connection.seen.outcome, connection.seen.errno, link.gateway]))

asyncio.run(main())
"""


def test_without_privilege_a_low_source_port_is_data() -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(aetui.__file__).parents[1])}
    command = ["unshare", "-Un", sys.executable, "-c", UNPRIVILEGED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [False, "failed", "EACCES", "failed", "EACCES", None]
