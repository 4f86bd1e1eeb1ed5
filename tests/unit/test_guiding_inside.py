"""What a guide makes of a knock at the equipment, over the local network and from outside: only what was heard is judged by it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from fake_vantage import FakeVantage

from aetui.catalogue import load as load_catalogue
from aetui.causes import load_causes
from aetui.guide.distance import led
from aetui.guide.library import load
from aetui.guide.records import Inside, Nat
from aetui.guiding import inbound
from aetui.observations import Icmp, Interface, LinkSeen, Outcome, TcpSeen
from aetui.reach import InboundSeen, NatSeen, OuterSide, Reached, Standing, Target
from aetui.records import Status, VantageInfo
from aetui.vantage.base import Connection

GUIDE = load(load_catalogue()).guides["pm2000"]
NEAR, FAR = "192.168.50.30", "10.20.0.5"
CARD = Interface("eth0", True, True, "02:00:00:00:00:20", ("192.168.50.20/24",))
HERE = LinkSeen((CARD,), "eth0", "192.168.50.20", "192.168.50.1", None, True, ("192.168.50.1",))


class Rejecting(FakeVantage):
    """Something says no, by ICMP."""

    sender = "192.168.50.1"

    async def connect(self, address: str, port: int, *_: Any, **__: Any) -> Connection:
        return Connection(TcpSeen(address, port, Outcome.REJECTED, icmp=Icmp(3, 13, self.sender)), None)


def world(here: FakeVantage) -> Any:
    return SimpleNamespace(here=here, causes=load_causes())


SILENCE = {
    "in this computer's own network: the device's": (HERE, NEAR, "silent", Status.FAIL, ("service-down",)),
    "beyond it: nobody knows whose": (HERE, FAR, "no-way", Status.UNKNOWN, ()),
    "seen from a jump host, which tells of no network: the device's": (None, FAR, "silent", Status.FAIL, ("service-down",)),
}


@pytest.mark.parametrize("name", SILENCE)
async def test_silence_is(name: str) -> None:
    link, address, sign, status, causes = SILENCE[name]
    seen = await inbound.run_inside(world(FakeVantage(seen=link)), Inside(address, "3389"))
    assert (seen.signs, seen.status, seen.causes) == ((sign,), status, causes)


@pytest.mark.parametrize(("sender", "sign"), [("192.168.50.1", "no-way"), (NEAR, "refuses")], ids=["a device on the way", "the equipment"])
async def test_no_is_said_by(sender: str, sign: str) -> None:
    here = Rejecting(seen=HERE)
    here.sender = sender
    seen = await inbound.run_inside(world(here), Inside(NEAR, "3389"))
    assert seen.signs == (sign,) and (sender in seen.lines[0])


# -------------------------------------------------------------------------------------------------------------- from outside
PUBLIC = Target("203.0.113.9", 3389, 3389, "rdp")
JUMP = VantageInfo("jump", "office")
BEHIND = NatSeen("192.168.50.1", None, (OuterSide("upnp", "192.168.1.2", "success"),), "203.0.113.9")


def _knocked(outcome: Outcome, speaks: str) -> InboundSeen:
    outside = Reached(PUBLIC, JUMP, Standing.OUTSIDE, TcpSeen(PUBLIC.address, 3389, outcome), speaks)
    inside = Reached(Target(NEAR, 3389, 3389, "rdp"), JUMP, Standing.INSIDE, TcpSeen(NEAR, 3389, Outcome.OPEN), "rdp")
    return InboundSeen((outside,), (inside,), BEHIND)


BEFORE = {
    "support gets in all the same": (_knocked(Outcome.OPEN, "rdp"), "remote.limits"),
    "nothing gets in": (_knocked(Outcome.FILTERED, "nothing"), "remote.two-routers"),
}


@pytest.mark.parametrize("name", BEFORE)
def test_a_second_router_before_the_sites_own_is_the_verdict_only_where_not(name: str) -> None:
    what, onward = BEFORE[name]
    outside = SimpleNamespace(causes=load_causes(), keep=lambda found: None, session=SimpleNamespace(at=lambda: 0.0))
    seen = inbound._confirmed(outside, what)
    step = GUIDE.steps["remote.confirm"]
    assert "double-nat" in seen.causes
    assert led(step.on, step.otherwise, seen.keys) == onward  # type: ignore[union-attr]


# ----------------------------------------------------------------------------------------------------------------------- NAT
THROUGH_A_VPN = NatSeen("192.168.50.1", None, (OuterSide("upnp", "203.0.113.9", "success"),), "198.51.100.77")
SEEN_AS = {
    "the router has the site's address, the outside sees a VPN's": ("203.0.113.9", ()),
    "the router has another than the site's": ("203.0.113.8", ("carrier-nat",)),
    "nobody told the site's address": ("", ("carrier-nat",)),
}


@pytest.mark.parametrize("name", SEEN_AS)
async def test_another_nat_before_the_router_is_told_where(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    public, causes = SEEN_AS[name]

    async def told(*_: Any, **__: Any) -> NatSeen:
        return THROUGH_A_VPN

    monkeypatch.setattr(inbound, "_nat", told)
    nobody = SimpleNamespace(here=FakeVantage(seen=HERE), causes=load_causes(), outside=None)
    assert (await inbound.run_nat(nobody, Nat("3389", public), "")).causes == causes


def test_the_guide_tells_the_sites_address_to_the_step_that_asks_the_router() -> None:
    assert GUIDE.steps["remote.nat"].action == Nat("{public_port}", "{public}")  # type: ignore[union-attr]
