"""The Site tab: what this computer says of itself, and what is asked of the local network, each by a key."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from guide_stage import LOGGER, opened, row, shows, site, visit
from stage import screen, until
from textual import events
from textual.pilot import Pilot

from aetui.observations import Interface, LinkSeen, NtpSeen, Outcome
from aetui.packet.client import Failure
from aetui.packet.messages import Neighbour, Offer
from aetui.reach import OuterSide
from aetui.screens.guide_room import Room
from aetui.screens.learnt import By, Learnt, Public, here
from aetui.screens.site_facts import facts
from aetui.screens.site_look import Own

LOOKED = "right to"
MOXA, ACQUISUITE = "00:90:e8:01:02:03", "00:1e:c6:0a:0b:0c"
ROUTER = Offer("192.168.50.1", "02:00:5e:10:32:01", "192.168.50.77", "192.168.50.1", ("192.168.50.1",))
STRANGER = Offer("192.168.50.9", "02:00:5e:00:00:09", "192.168.9.5", "192.168.9.1")


@dataclass
class Wire:
    """A packet helper that has the right, and what it would see."""

    offers: tuple[Offer, ...] | Failure = (ROUTER,)
    neighbours: tuple[Neighbour, ...] = ()
    asked: list[str] = field(default_factory=list)
    held: asyncio.Event | None = None

    async def dhcp_offers(self, interface: str, wait_s: float = 3.0) -> tuple[Offer, ...] | Failure:
        self.asked.append(f"dhcp {interface}")
        return self.offers

    async def arp(self, interface: str, network: str, wait_s: float = 1.0, *, probe: bool = False) -> tuple[Neighbour, ...]:
        self.asked.append(f"arp {network}{' probe' if probe else ''}")
        if self.held is not None:
            await self.held.wait()
        return tuple(one for one in self.neighbours if "/" in network or one.address == network)


async def equip(pilot: Pilot[Any], wire: Wire) -> None:
    """Give the opened tab the right to send raw packets."""
    await shows(pilot, LOOKED)
    look = site(pilot).look
    assert look is not None
    await until(pilot, lambda: not look.doing)
    assert look.room.world is not None
    look.room.world.eyes = replace(look.room.world.eyes, packets=wire, why_not=None)


async def test_this_computers_own_place_is_read_and_its_network_is_not_asked() -> None:
    async with opened("site", "healthy") as pilot:
        said = await shows(pilot, LOOKED, "✓ Fine")
        for text in ("192.168.50.20/24, handed out by DHCP", "192.168.50.1, answers", "none is set", "none is up"):
            assert text in said
        look = site(pilot).look
        assert look is not None
        assert (look.dhcp, look.around, look.held) == (None, None, None)


async def test_the_public_address_is_shown_with_who_says_so_and_the_guide_knows_it_too() -> None:
    async with opened("site", "healthy") as pilot:
        await shows(pilot, "✓ ok Public address", "the demo's outside sees it so")
        look = site(pilot).look
        assert look is not None and look.reading is not None
        address = look.reading.address
        await pilot.press("5")
        await shows(pilot, "Which equipment is it about?")
        await pilot.press("enter")
        await shows(pilot, "What is the trouble?")
        walker = visit(pilot).walker
        assert walker is not None and walker.known["public"] == address


async def test_what_another_tab_learns_of_the_public_address_is_shown_here_and_counts_by_who_said_it() -> None:
    async with opened("site", "healthy") as pilot:
        await shows(pilot, "✓ ok Public address")
        look = site(pilot).look
        assert look is not None and look.own is not None and look.own.nat is not None
        look.own = replace(look.own, nat=replace(look.own.nat, public=None, outer=()))
        learnt = look.learnt = Learnt()
        learnt.type(here("healthy"), "203.0.113.9")
        await pilot.press("5", "6")
        await shows(pilot, "? unknown Public address 203.0.113.9: as it was typed")
        learnt.tell(here("healthy"), Public("203.0.113.10", By.OUTSIDE, "office"))
        await pilot.press("5", "6")
        await shows(pilot, "✓ ok Public address 203.0.113.10: office sees it so")
        look.own = replace(look.own, nat=replace(look.own.nat, outer=(OuterSide("upnp", "192.168.1.2", "success"),)))
        await pilot.press("5", "6")
        await shows(pilot, "! See below", "! warning Public address 203.0.113.10; another router stands between")
        learnt = look.learnt = Learnt()
        await pilot.press("5", "6")
        await shows(pilot, "! warning Public address not known: another router stands between")


async def test_an_address_that_was_typed_in_the_inbound_tab_is_known_to_the_others_and_a_jump_host_that_tells_none_takes_what_is_known() -> None:
    async with opened("inbound", "healthy") as pilot:
        await shows(pilot, "Three ways to test a port forward")
        await pilot.press("t")
        await shows(pilot, "From outside,")
        await pilot.press("p")
        await shows(pilot, "The site's public address, and its ports", "Known so far")
        await pilot.press(*"203.0.113.9", "enter")
        learnt = pilot.app.learnt  # type: ignore[attr-defined]
        await until(pilot, lambda: learnt.public(here("healthy")) == Public("203.0.113.9", By.TYPED))
        outside = pilot.app.screen_stack[0].view.outside  # type: ignore[attr-defined]
        learnt.tell(here("healthy"), Public("203.0.113.10", By.ROUTER))
        assert outside.known() == "203.0.113.10"


async def test_an_address_that_was_learnt_on_another_network_is_forgotten() -> None:
    async with opened("site", "healthy") as pilot:
        await shows(pilot, "✓ ok Public address")
        look = site(pilot).look
        assert look is not None and look.own is not None and look.own.link is not None
        look.learnt.tell(here("healthy"), Public("203.0.113.10", By.OUTSIDE, "office"))
        look.own = replace(look.own, link=replace(look.own.link, gateway="10.7.7.1"))
        await pilot.press("r")
        await shows(pilot, "✓ ok Public address", "the demo's outside sees it so")


async def test_what_was_found_on_another_network_is_forgotten_and_a_gateway_that_was_silent_once_is_no_other_one() -> None:
    async with opened("site", "healthy") as pilot:
        await equip(pilot, Wire(neighbours=(Neighbour("192.168.50.7", MOXA),)))
        look = site(pilot).look
        assert look is not None
        for key, found in (("d", lambda: look.dhcp), ("w", lambda: look.around)):
            await pilot.press(key)
            await until(pilot, lambda found=found: found() is not None and not look.doing)  # type: ignore[misc]
        assert look.own is not None and look.own.link is not None
        look.own = replace(look.own, link=replace(look.own.link, gateway_mac=None))
        await pilot.press("r")
        await until(pilot, lambda: not look.doing)
        assert look.dhcp is not None and look.around is not None
        look.own = replace(look.own, link=replace(look.own.link, gateway="10.7.7.1"))
        await pilot.press("r")
        await shows(pilot, "press d: who hands out addresses here?", "press w: asks")
        assert "192.168.50.7" not in screen(pilot.app)


async def test_a_silent_gateway_is_what_stands_on_top() -> None:
    async with opened("site", "gateway-silent") as pilot:
        await shows(pilot, "✗ Trouble", "✗ failed Gateway 192.168.50.1, does not answer")


async def test_a_wrong_clock_is_told_with_its_direction_and_stands_on_top() -> None:
    async with opened("site", "clock-wrong") as pilot:
        await shows(pilot, "✗ failed Clock wrong: 400 days behind", "✗ Trouble Clock: wrong")


async def test_no_gateway_is_what_stands_on_top() -> None:
    async with opened("site", "no-gateway") as pilot:
        await shows(pilot, "✗ Trouble Gateway: none: nothing outside this network can be reached")


async def test_what_is_odd_in_a_row_is_said_on_top() -> None:
    async with opened("site", "healthy") as pilot:
        await shows(pilot, LOOKED, "✓ Fine")
        look = site(pilot).look
        assert look is not None and look.own is not None and look.own.link is not None
        tunnel = Interface("tun0", True, None, None, ("10.8.0.2/24",), kind="vpn")
        look.own = replace(look.own, link=replace(look.own.link, interfaces=(*look.own.link.interfaces, tunnel)))
        site(pilot).draw()
        await shows(pilot, "! See below VPN: tun0 is up")


async def test_the_dhcp_server_and_its_offer_are_shown() -> None:
    wire = Wire()
    async with opened("site", "healthy") as pilot:
        await equip(pilot, wire)
        await pilot.press("d")
        await shows(pilot, "✓ ok DHCP servers 192.168.50.1 offers 192.168.50.77", "hardware address 02:00:5e:10:32:01")
        assert row(pilot) == "ask:dhcp"
        assert wire.asked == ["dhcp eth0"]


async def test_a_second_dhcp_server_is_trouble() -> None:
    async with opened("site", "healthy") as pilot:
        await equip(pilot, Wire(offers=(ROUTER, STRANGER)))
        await pilot.press("d")
        await shows(pilot, "✗ Trouble", "2 servers answer: there should be one")
        await pilot.press("question_mark")
        await shows(pilot, "192.168.50.9 offers 192.168.9.5")


async def test_nobody_who_offers_is_a_warning() -> None:
    async with opened("site", "healthy") as pilot:
        await equip(pilot, Wire(offers=()))
        await pilot.press("d")
        await shows(pilot, "! warning DHCP servers nobody offered an address within 3 s")


async def test_without_the_right_the_command_that_grants_it_is_named() -> None:
    async with opened("site", "healthy") as pilot:
        await equip(pilot, Wire(offers=Failure("Raw packets need a right. To grant it: sudo aetui")))
        look = site(pilot).look
        assert look is not None
        look.launch = lambda: replace(pilot.app.launch, demo=None)  # type: ignore[attr-defined]
        await pilot.press("d")
        await shows(pilot, "– not run DHCP servers", "To grant it: sudo aetui")


async def test_known_equipment_stands_on_top_of_who_is_here() -> None:
    neighbours = (Neighbour("192.168.50.1", "02:00:5e:10:32:01"), Neighbour("192.168.50.7", MOXA), Neighbour("192.168.50.8", ACQUISUITE))
    wire = Wire(neighbours=neighbours)
    async with opened("site", "healthy") as pilot:
        await equip(pilot, wire)
        await pilot.press("w")
        said = await shows(pilot, "devices on 192.168.50.0/24: 3", "may be Moxa", "may be AcquiSuite")
        assert wire.asked == ["arp 192.168.50.0/24"], "one question to this network, nothing beyond it"
        assert said.index("192.168.50.7") < said.index("the gateway")
        assert row(pilot) == "device:192.168.50.7"


@pytest.mark.parametrize(
    ("neighbours", "said"),
    [
        ((), "✓ free Is it free? 192.168.50.30 is free: nobody answers for it"),
        ((Neighbour("192.168.50.30", MOXA),), f"✗ taken Is it free? 192.168.50.30 is taken, {MOXA}, Moxa"),
    ],
    ids=["free", "taken"],
)
async def test_a_planned_address_is_asked_for_as_the_equipment_would(neighbours: tuple[Neighbour, ...], said: str) -> None:
    wire = Wire(neighbours=neighbours)
    async with opened("site", "healthy") as pilot:
        await equip(pilot, wire)
        await pilot.press("f")
        await shows(pilot, "Type an address of 192.168.50.0/24")
        await pilot.press(*"192.168.50.300", "enter")
        await shows(pilot, "'192.168.50.300' is not an address")
        await pilot.press("backspace", "enter")
        await shows(pilot, said)
        assert wire.asked == ["arp 192.168.50.30 probe"]
        assert "Trouble" not in screen(pilot.app), "an address that is taken is an answer, not a fault of this network"


async def test_what_is_typed_and_taken_in_one_packet_of_a_slow_line_is_taken_whole() -> None:
    async with opened("site", "healthy") as pilot:
        await equip(pilot, Wire())
        await pilot.press("f")
        await shows(pilot, "Type an address of")
        for key in (*"192.168.50.77", "enter"):
            pilot.app.post_message(events.Key({".": "full_stop"}.get(key, key), key if len(key) == 1 else None))
        await shows(pilot, "192.168.50.77 is free")


async def test_the_embedded_site_answers_what_needs_no_right_and_says_the_rest() -> None:
    async with opened("site", "healthy") as pilot:
        await shows(pilot, LOOKED)
        await pilot.press("d")
        await shows(pilot, "the demo has none to ask", "The demo has no wire to ask on.")
        await pilot.press("f")
        await shows(pilot, "Type an address of")
        await pilot.press(*LOGGER, "enter")
        await shows(pilot, f"✗ taken Is it free? {LOGGER} is taken")


async def test_what_is_being_asked_is_stopped_and_the_rest_stays() -> None:
    wire = Wire(neighbours=(Neighbour("192.168.50.7", MOXA),))
    async with opened("site", "healthy") as pilot:
        await equip(pilot, wire)
        await pilot.press("w")
        await shows(pilot, "devices on 192.168.50.0/24: 1", "192.168.50.7")
        wire.held = asyncio.Event()
        await pilot.press("w")
        await shows(pilot, "· Looking Asking every address of 192.168.50.0/24 once, slowly")
        await pilot.press("ctrl+c")
        await shows(pilot, "Stopped. What had been found before stays.", "192.168.50.20/24", "192.168.50.7")
        look = site(pilot).look
        assert look is not None and not look.doing


async def test_a_fault_is_gone_with_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    async def torn(_interface: str, _wait_s: float = 3.0) -> tuple[Offer, ...]:
        raise ZeroDivisionError("torn")

    wire = Wire()
    monkeypatch.setattr(wire, "dhcp_offers", torn)
    async with opened("site", "healthy") as pilot:
        await equip(pilot, wire)
        await pilot.press("d")
        await shows(pilot, "✗ Cannot look", "ZeroDivisionError torn", "Press r")
        await pilot.press("r")
        await shows(pilot, "✓ Fine")


async def test_nothing_is_said_to_be_stopped_while_the_place_to_look_from_is_being_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    held = asyncio.Event()

    async def slowly(self: Room, *given: Any) -> object:
        await held.wait()
        return await open_(self, *given)

    open_ = Room.open
    monkeypatch.setattr(Room, "open", slowly)
    async with opened("site", "healthy") as pilot:
        await until(pilot, lambda: site(pilot).look is not None and site(pilot).look.doing == "look")  # type: ignore[union-attr]
        assert not site(pilot).interrupt()
        await pilot.press("c")
        assert "Stopped" not in screen(pilot.app)
        assert not site(pilot).check_action("site_stop", ())
        held.set()
        await shows(pilot, LOOKED, "✓ Fine")


async def test_what_was_stopped_is_not_said_of_another_demo_site() -> None:
    wire = Wire(held=asyncio.Event())
    async with opened("site", "healthy") as pilot:
        await equip(pilot, wire)
        await pilot.press("w")
        await shows(pilot, "· Looking Asking every address")
        await pilot.press("c")
        await shows(pilot, "Stopped. What had been found before stays.")
        await pilot.press("1")
        pilot.app.relaunch(demo="gateway-silent")  # type: ignore[attr-defined]
        await pilot.press("6")
        await shows(pilot, "✗ failed Gateway 192.168.50.1, does not answer")
        assert "Stopped" not in screen(pilot.app)


def test_hostile_names_of_the_system_are_made_displayable() -> None:
    link = LinkSeen(
        (Interface("\x1b[31meth", True, True, None, ("10.0.0.2/24",)), Interface("t\u202eun", True, True, None, ("10.9.0.1/24",), kind="vpn")),
        "\x1b[31meth", "10.0.0.2", None, None, None, (), proxies=(("HTTP_PROXY", "http://\x1b]0;x\x07"),),
    )  # fmt: skip
    text = " ".join(fact.text for fact in facts(Own(link)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\x07" not in text


@pytest.mark.parametrize(
    ("offset_ms", "said"),
    [(40.0, "right to 0.1 s"), (-90_000.0, "wrong: 90.0 s ahead"), (600_000.0, "wrong: 10 min behind"), (86_400_000.0, "wrong: 24.0 h behind"),
     (34_560_000_000.0, "wrong: 400 days behind")],
)
def test_a_clock_is_told_in_units_that_people_use(offset_ms: float, said: str) -> None:
    link = LinkSeen((), None, None, None, None, None, ())
    clock = NtpSeen("192.0.2.1", Outcome.OPEN, offset_ms=offset_ms)
    assert said in [fact.text for fact in facts(Own(link, (), clock, clock_asked=True))]
