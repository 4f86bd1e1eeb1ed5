"""The console on a real site: the program at a terminal on the laptop, with real xrdp, telnetd, DHCP, UPnP and jump host, and the true packet
helper.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest

from lab import breaking, services
from lab.consoling import Console, at_console, machine_s, to_the_verdict
from lab.faults import BY_NAME
from lab.guiding import hands_out_addresses
from lab.network import Lab
from lab.topology import GATEWAY, LAN, LAPTOP, LOGGER, SPARE, WAN

KEYSTROKES, MACHINE_S = 9, 60.0
MOXA, ACQUISUITE = "00:90:e8:01:02:03", "00:1e:c6:0a:0b:0c"
POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
"""A user without the right to send raw packets, whoever runs the tests."""
LOOKED = "right to"


@contextmanager
def hardware(lab: Lab, mac: str) -> Iterator[None]:
    """The logger with another maker's network socket."""
    before = re.search(r"link/ether (\S+)", lab["logger"].run(["ip", "link", "show", "eth0"]).stdout)
    assert before is not None
    with breaking.configured(lab, "logger", [f"link set eth0 address {mac}"], [f"link set eth0 address {before[1]}"]):
        lab["laptop"].ip("neigh flush all")
        yield
    lab["laptop"].ip("neigh flush all")
    lab["router"].ip("neigh flush all")


# ------------------------------------------------------------------------------------------------------------------------ the guide
def test_support_cannot_reach_the_pm2000_a_missing_forward_by_nine_keys_and_in_a_minute(lab: Lab) -> None:
    with services.remote_desktop(lab), at_console(lab, "--no-save") as console:
        to_the_verdict(console)
        console.shows("Prove it with this computer in the PM2000's place?")
        console.press("enter")
        console.shows("✗ Does not work: The router does not pass the port on to the PM2000", "What was found")
        pressed = list(console.pressed)
        seconds = machine_s(console)
    print(f"\n{len(pressed)} keystrokes beyond address and name ({' '.join(pressed)}), {seconds:.1f} s of machine time")
    assert len(pressed) <= KEYSTROKES
    assert seconds < MACHINE_S


def test_a_working_forward_is_said_to_work_and_the_jump_host_is_offered_the_next_time(lab: Lab) -> None:
    with services.remote_desktop(lab), services.forwarded(lab, 3389, LOGGER, 3389), at_console(lab, "--no-save") as console:
        to_the_verdict(console)
        console.shows("Who is let in?")
        console.press("home", "enter")
        console.shows("✓ Works: The PM2000 gets out, and support gets in")
        console.press("6")
        console.shows(LOOKED, f"✓ ok Public address {WAN}: office sees it so")
        console.press("5", "r")
        console.shows("What is the trouble?")
        console.press("enter")
        console.shows("The PM2000's own address")
        console.name(LOGGER)
        console.shows("The public port")
        console.press("enter")
        console.shows("Somebody must knock from outside")
        console.press("enter")
        console.shows("The jump host", "Enter alone takes office")
        console.press("enter")
        console.shows("Who is let in?")


def test_a_telnet_logger_is_found_on_the_network_by_its_maker_with_the_true_helper(lab: Lab) -> None:
    with ExitStack() as stack:
        for one in (services.telnet(lab), hardware(lab, MOXA), services.refused_at_router(lab, 23)):
            stack.enter_context(one)
        console = stack.enter_context(at_console(lab, "--no-save"))
        console.shows("What does the site have?")
        console.press("5")
        console.shows("Which equipment is it about?")
        console.press("down", "down", "down", "enter")
        console.shows("What is the trouble?", "Moxa")
        console.press("enter")
        console.shows("The Moxa's own address")
        console.press("enter")
        console.shows("Look for it?")
        console.press("enter")
        console.shows("Is this the Moxa?", f"{LOGGER} (Moxa")
        console.press("enter")
        console.shows("The public port", "answers: telnet")
        console.press("enter")
        console.shows("Somebody must knock from outside")
        console.press("enter")
        console.shows("The jump host")
        console.name("office")
        console.shows("Prove it with this computer in the Moxa's place?")
        console.press("enter")
        console.shows("✗ Does not work: The router does not pass the port on to the Moxa")


def test_a_walk_is_taken_up_by_the_next_console_after_the_last_one_was_killed(lab: Lab) -> None:
    with services.remote_desktop(lab):
        with at_console(lab) as console:
            to_the_verdict(console)
        with at_console(lab) as console:
            console.shows("What does the site have?")
            console.press("5")
            console.shows("Left before its end: go on from there", "PM2000, step")
            console.press("enter")
            console.shows("Taken up again where it was left")
            console.shows("Prove it with this computer in the PM2000's place?")


# --------------------------------------------------------------------------------------------------------------------- the Site tab
@contextmanager
def at_site(lab: Lab, *before: str) -> Iterator[Console]:
    """The console with its Site tab open, having looked."""
    with at_console(lab, "--no-save", before=before) as console:
        console.shows("What does the site have?")
        console.press("6")
        console.shows(LOOKED)
        yield console


def test_what_this_computer_says_of_itself(lab: Lab) -> None:
    with at_site(lab) as console:
        said = console.shows("not known: the router does not tell it")
    for text in (f"{LAPTOP}/24", f"{GATEWAY}, answers", f"DNS servers {GATEWAY}", "Proxy none is set", "VPN none is up"):
        assert text in said


def of_the_laptop(*do: str, undo: tuple[str, ...]) -> Callable[[Lab], AbstractContextManager[object]]:
    return lambda lab: breaking.configured(lab, "laptop", list(do), list(undo))


@contextmanager
def by_a_proxy(lab: Lab) -> Iterator[Mapping[str, str]]:
    yield {"https_proxy": "http://tech:geheim@192.168.50.1:3128"}


MACHINE: list[tuple[str, Callable[[Lab], AbstractContextManager[object]], str]] = [
    ("an address for a time", of_the_laptop(f"addr change {LAPTOP}/24 dev eth0 valid_lft 3600 preferred_lft 3600",
     undo=(f"addr change {LAPTOP}/24 dev eth0 valid_lft forever preferred_lft forever",)), f"{LAPTOP}/24, handed out by DHCP"),
    ("a tunnel", of_the_laptop("tuntap add dev tun7 mode tun", "addr add 10.9.0.1/24 dev tun7", "link set tun7 up", undo=("tuntap del dev tun7 mode tun",)),
     "! warning VPN tun7 is up"),
    ("a proxy", by_a_proxy, "! warning Proxy https: http://192.168.50.1:3128"),
    ("a wrong clock", BY_NAME["clock-slow-1h"].on, "✗ failed Clock wrong: 60 min behind"),
    ("no cable", BY_NAME["link-down"].on, "✗ failed"),
    ("no way out", BY_NAME["no-gateway"].on, "✗ failed Gateway none: nothing outside this network can be reached"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "said"), [row[1:] for row in MACHINE], ids=[row[0] for row in MACHINE])
def test_what_is_odd_about_this_computer_is_seen(lab: Lab, make: Callable[[Lab], AbstractContextManager[object]], said: str) -> None:
    with make(lab) as more, at_console(lab, "--no-save", env=more if isinstance(more, Mapping) else None) as console:
        console.shows("What does the site have?")
        console.press("6")
        seen = console.shows(said)
        assert "geheim" not in seen


@contextmanager
def by_nat_pmp_alone(lab: Lab) -> Iterator[None]:
    """A router that answers no search."""
    with services.universal_plug_and_play(lab), breaking.dropped(lab, "udp dport 1900", "router", ["input"]):
        yield


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (services.universal_plug_and_play, f"✓ ok Public address {WAN}: the router says so (UPnP)"),
        (by_nat_pmp_alone, f"✓ ok Public address {WAN}: the router says so (NAT-PMP)"),
    ],
    ids=["by UPnP", "by NAT-PMP"],
)
def test_the_router_tells_the_public_address(lab: Lab, make: Callable[[Lab], AbstractContextManager[object]], said: str) -> None:
    with make(lab), at_site(lab) as console:
        console.shows(said)


def test_a_router_behind_another_one_names_no_address_and_none_is_claimed(lab: Lab) -> None:
    with services.behind_another_nat(lab, "192.168.1"), services.universal_plug_and_play(lab), at_site(lab) as console:
        console.shows("? unknown Public address not known: the router names none")
        console.press(*["down"] * 7)
        console.shows("as many do that stand behind another router")


@pytest.mark.parametrize(
    ("servers", "said"),
    [
        ((hands_out_addresses,), f"✓ ok DHCP servers {GATEWAY} offers 192.168.50.1"),
        ((hands_out_addresses, lambda lab: hands_out_addresses(lab, "logger", "eth0", LOGGER, router=LOGGER)), "2 servers answer: there should be one"),
        ((lambda lab: hands_out_addresses(lab, resolver=""),), "✗ failed DHCP servers"),
        ((), "! warning DHCP servers nobody offered an address within 3 s"),
    ],
    ids=["one", "a stranger too", "one without a name server", "none"],
)
def test_who_hands_out_addresses_is_asked_with_the_true_helper(lab: Lab, servers: tuple[Callable[[Lab], AbstractContextManager[object]], ...], said: str) -> None:
    with ExitStack() as stack:
        for make in servers:
            stack.enter_context(make(lab))
        console = stack.enter_context(at_site(lab))
        console.press("d")
        console.shows(said)


@pytest.mark.parametrize(("mac", "model"), [(MOXA, "may be Moxa"), (ACQUISUITE, "may be AcquiSuite")], ids=["Moxa", "AcquiSuite"])
def test_who_is_here_is_told_by_maker_with_the_equipment_marked(lab: Lab, mac: str, model: str) -> None:
    with services.telnet(lab), hardware(lab, mac), at_site(lab) as console:
        console.press("w")
        said = console.shows(f"devices on {LAN}", LOGGER, model, "answers on 23")
        assert mac in said
        assert said.index(LOGGER) < said.index("the gateway"), "known equipment first"


def test_a_planned_address_is_probed_as_the_equipment_would(lab: Lab) -> None:
    with at_site(lab) as console:
        for address, said in ((SPARE, f"✓ free Is it free? {SPARE} is free"), (LOGGER, f"✗ taken Is it free? {LOGGER} is taken"), ("10.1.2.3", "10.1.2.3 cannot be used on this network")):
            console.press("f")
            console.shows("The planned address")
            console.press(*["backspace"] * 15)
            console.name(address)
            console.shows(said)


def test_without_the_right_each_question_says_what_is_lost_and_the_command_and_does_the_rest(lab: Lab) -> None:
    with services.telnet(lab), at_site(lab, *POWERLESS) as console:
        console.press("d")
        console.shows("– not run DHCP servers could not be asked: see below", "sudo")
        console.press("f")
        console.shows("The planned address")
        console.name(SPARE)
        console.shows(f"✓ free Is it free? {SPARE} is free", "Found without it: by a connection to port 80")
        console.press("w")
        console.shows(f"devices on {LAN}", LOGGER, "answers on 23")
        console.press("home", "down", "down", "down", "down", "down", "down", "down", "down", "down")
        console.shows("Found without it: by trying the ports 3389, 23, 80")
