"""Silence inside is the equipment's own only where the test stood on its network."""

from __future__ import annotations

import pytest
from fake_vantage import FakeVantage

from aetui.inbound.inside import ask
from aetui.observations import Interface, LinkSeen, Outcome
from aetui.probes.common import clock
from aetui.reach import Target

CARD = Interface("eth0", True, True, "02:00:00:00:00:20", ("192.168.50.20/24",))
HERE = LinkSeen((CARD,), "eth0", "192.168.50.20", "192.168.50.1", None, True, ())
NO_NETWORK = LinkSeen((), None, None, None, None, None, ())

ROWS = [
    ("192.168.50.30", Outcome.FILTERED, HERE, False),
    ("192.168.60.30", Outcome.FILTERED, HERE, True),
    ("192.168.50.255", Outcome.FILTERED, HERE, True),
    ("192.168.60.30", Outcome.REFUSED, HERE, False),
    ("192.168.60.30", Outcome.FILTERED, NO_NETWORK, False),
    ("192.168.60.30", Outcome.FILTERED, None, False),
    ("fd00::30", Outcome.FILTERED, HERE, False),
]


@pytest.mark.parametrize(("address", "outcome", "link", "afar"), ROWS)
async def test_silence_from_another_network_is_marked(address: str, outcome: Outcome, link: LinkSeen | None, afar: bool) -> None:
    vantage = FakeVantage(connects={(address, 3389): outcome}, seen=link)
    reached = await ask(vantage, Target(address, 3389, 3389, "rdp"), clock() + 5)  # type: ignore[arg-type]
    assert (reached.tcp.outcome, reached.afar) == (outcome, afar)
