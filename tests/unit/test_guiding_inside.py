"""What a guide makes of a knock at the equipment over the local network: only the equipment itself is judged by it, nothing on the way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from fake_vantage import FakeVantage

from aetui.causes import load_causes
from aetui.guide.records import Inside
from aetui.guiding import inbound
from aetui.observations import Icmp, Interface, LinkSeen, Outcome, TcpSeen
from aetui.records import Status
from aetui.vantage.base import Connection

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
