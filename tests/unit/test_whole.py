"""Whose router is asked: this machine's own says nothing of a site that the machine is not at."""

from __future__ import annotations

import asyncio

import pytest

from aetui.inbound import whole
from aetui.inbound.confirm import Surroundings, Wanted, inside_targets, targets
from aetui.observations import Outcome, TcpSeen
from aetui.reach import NatSeen
from aetui.records import VantageInfo
from aetui.vantage.base import PLAIN, Capability, Connection
from aetui.vantage.local import LocalVantage

SITE, HOME, LOGGER = "198.51.100.2", "203.0.113.77", "192.168.50.30"
NAT = NatSeen("192.168.1.1", "192.168.1.5")


class Jump(LocalVantage):
    """A jump host at which everything is refused."""

    info = VantageInfo("jump", "office", address="203.0.113.250")
    capabilities = frozenset({Capability.TCP})

    def __init__(self, seen_as):
        super().__init__()
        self._seen_as = seen_as

    async def client_address(self):
        return self._seen_as

    async def connect(self, address, port, deadline, shape=PLAIN):
        return Connection(TcpSeen(address, port, Outcome.REFUSED), None)


class Here(Jump):
    """This machine."""

    info = VantageInfo("local", "laptop", address="192.168.1.5", gateway="192.168.1.1")


ROWS = [
    ("the outside sees us at the site's address", SITE, (), (), True),
    ("the outside sees us elsewhere", HOME, (), (), False),
    ("the outside sees us elsewhere, and the logger is asked through a VPN", HOME, (LOGGER,), (), False),
    ("nobody tells how we are seen, and the logger is asked", None, (LOGGER,), (), True),
    ("nobody tells how we are seen", None, (), (), False),
    ("the outside sees us behind another line, and our listener stands there", HOME, (), (3389,), True),
]


@pytest.mark.parametrize(("seen_as", "inside", "listening", "asked"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
async def test_the_router_is_asked_where_this_machine_is_at_the_site(seen_as, inside, listening, asked, monkeypatch):
    async def router(*_, **__):
        return NAT

    monkeypatch.setattr(whole, "look_at_router", router)
    wanted = targets([(SITE, 3389)], {})
    wanted = Wanted(wanted, inside_targets([(address, None) for address in inside], wanted))
    around = Surroundings(inside=Here(None), listening=listening)
    seen = await whole.look(Jump(seen_as), wanted, asyncio.get_running_loop().time() + 20, around)
    assert seen.nat == (NAT if asked else None)
    assert [reached.target.address for reached in seen.inside] == list(inside)
