"""What a hostile local network may answer: however much it is, one reply holds it."""

from __future__ import annotations

import pytest

from aetui.packet import lan
from aetui.packet.messages import ArpHeard, DhcpOffers, DiscoverDhcp, Neighbour, Offer, Reply, ScanArp, decode_reply, encode
from aetui.packet.sockets import NONE

FLOOD = 5000


def _mac(frame: bytes) -> str:
    return "ff:ff:" + ":".join(f"{byte:02x}" for byte in frame)


def _offer(frame: bytes) -> Offer:
    """The longest words that there are."""
    address = "255.255.255.254"
    return Offer(address, _mac(frame), address, address, (address,) * 8, address, 2**32 - 1, "\U0010ffff" * 255)


def test_a_flood_of_neighbours_and_offers_fits_into_one_reply_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan, "_frames", lambda _: [(number.to_bytes(4, "big"), "") for number in range(FLOOD)])
    monkeypatch.setattr(lan.scapyroom, "read_arp", lambda frame: (Neighbour("192.168.100.100", _mac(frame)), ""))
    monkeypatch.setattr(lan.scapyroom, "read_offer", lambda frame, *_: _offer(frame))
    told: list[Reply] = []
    asking = lan.Lan(NONE, told.append)
    asking._scan = lan._Scan(ScanArp(1, "eth0", "192.168.100.0/22", 0.0), "", "", iter(()), 0.0, ends=0.0)
    asking._discovery = lan._Discovery(DiscoverDhcp(2, "eth0", 0.0), 0, 0.0)
    asking.arp_readable()
    asking.dhcp_readable()
    asking.tick()
    neighbours, offers = (decode_reply(encode(reply)[4:]) for reply in told)
    assert isinstance(neighbours, ArpHeard)
    assert isinstance(offers, DhcpOffers)
    assert (len(neighbours.neighbours), len(offers.offers)) == (lan.MOST_NEIGHBOURS, lan.MOST_OFFERS)
