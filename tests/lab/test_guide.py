"""The guides end to end: for each remote-troubleshooting path a working site and broken ones, with real xrdp, telnetd, DHCP, FTP, router and jump host.

Each walk is the real command on the laptop; its verdict, its causes and its exit status are asserted.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

import pytest

from lab import breaking, services
from lab.guiding import Told, by_hand, hands_out_addresses, walked
from lab.network import Lab
from lab.servers import Page, web
from lab.topology import FTP_SERVER, GATEWAY, LAPTOP, LOGGER, REMOTE_ACCESS, SPARE, SUPPORT, WAN

Make = Callable[[Lab], AbstractContextManager[object]]
JUMP = ("--jump", "office")
KEYSTROKES = 9
MACHINE_S = 60.0
"""From 'support cannot reach the PM2000' to its cause."""


def rdp(lab: Lab) -> AbstractContextManager[object]:
    return services.remote_desktop(lab)


def telnet(lab: Lab) -> AbstractContextManager[object]:
    return services.telnet(lab)


def router_tells(lab: Lab) -> AbstractContextManager[object]:
    return services.universal_plug_and_play(lab)


def to(public: int, address: str, port: int, **more: str) -> Make:
    return lambda lab: services.forwarded(lab, public, address, port, **more)


def dropped(match: str, node: str = "router", *hooks: str) -> Make:
    return lambda lab: breaking.dropped(lab, match, node, hooks or ("forward",))


def pages(lab: Lab) -> AbstractContextManager[object]:
    return breaking.serving_at(lab, "logger", "pages", 80, web(80, Page(body="<title>AcquiSuite</title>")))


def nat(network: str) -> Make:
    return lambda lab: services.behind_another_nat(lab, network)


@dataclass(frozen=True)
class Case:
    """One row: which guide, what is so, what the technician knows; the verdict's title, the first causes, the exit status."""

    guide: str
    name: str
    so: tuple[Make, ...]
    verdict: str
    causes: list[str]
    status: int
    answers: dict[str, object] = field(default_factory=lambda: {"logger": LOGGER})
    arguments: tuple[str, ...] = JUMP
    says: str = ""
    """Must stand in the way or the result."""


MISSING = "DOES NOT WORK: The router does not pass the port on to the"
FINE = "WORKS: The {} gets out, and support gets in"

REMOTE = [
    Case("pm2000", "works", (rdp, to(3389, LOGGER, 3389)), FINE.format("PM2000"), ["service-confirmed certain"], 0),
    Case("pm2000", "not forwarded", (rdp,), f"{MISSING} PM2000", ["forward-missing likely"], 1, says="port 3389 answers: Remote Desktop"),
    Case("pm2000", "two routers", (rdp, nat("192.168.1"), router_tells), "DOES NOT WORK: A second router stands before this one", ["double-nat"], 1),
    Case("pm2000", "a shared line", (rdp, nat("100.64.7"), router_tells), "DOES NOT WORK: The internet line has no public address of its own", ["carrier-nat"], 1),
    Case("pm2000", "reached, and its clock is cut off", (rdp, to(3389, LOGGER, 3389), dropped("udp dport 123")),
         "DOES NOT WORK: Support gets in, but the PM2000 cannot set its clock", ["ntp-no-reply certain"], 1),
    Case("ps3000", "works by another public port", (rdp, to(53389, LOGGER, 3389)), FINE.format("PS3000"), ["service-confirmed certain"], 0,
         {"logger": LOGGER, "public_port": 53389}),
    Case("ps3000", "forwarded to an address where nobody is", (rdp, to(3389, SPARE, 3389)), "DOES NOT WORK: The forward leads to another device", ["forward-elsewhere likely"], 1),
    Case("ps3000", "the service is off", (to(3389, LOGGER, 3389),), "DOES NOT WORK: The PS3000 itself does not answer", ["service-down certain"], 1),
    Case("pl1000", "works", (telnet, to(23, LOGGER, 23)), FINE.format("PL1000"), ["service-confirmed certain"], 0),
    Case("pl1000", "the router refuses", (telnet, lambda lab: services.refused_at_router(lab, 23)), f"{MISSING} PL1000", ["forward-refused certain"], 1),
    Case("pl1000", "it is off", (to(23, SPARE, 23),), "DOES NOT WORK: The PL1000 is not on this network", ["service-down certain"], 1, {"logger": SPARE}),
    Case("moxa", "found on the network, and works", (telnet, to(23, LOGGER, 23)), FINE.format("Moxa"), ["service-confirmed certain"], 0,
         {}, says=f"One device answers on port 23: {LOGGER}"),
    Case("moxa", "the forward leads to another protocol", (telnet, rdp, to(23, LOGGER, 3389)), "DOES NOT WORK: The forward leads to another device", ["forward-elsewhere likely"], 1),
    Case("moxa", "the line is down", (telnet, dropped("ip daddr != 192.168.50.0/24")), "DOES NOT WORK: This network has no connection to the internet", ["no-internet"], 1),
]  # fmt: skip


def hold(case: Case, done: Told) -> None:
    text = f"{done.way}\n{done.result}"
    assert done.verdict.startswith(case.verdict), text
    assert [found[: len(wanted)] for found, wanted in zip(done.causes, case.causes, strict=False)] == case.causes, text
    assert done.status == case.status, text
    assert case.says in f"{done.flat_way} {done.flat}", text


def walk(lab: Lab, case: Case) -> Told:
    with ExitStack() as stack:
        for make in case.so:
            stack.enter_context(make(lab))
        return walked(lab, case.guide, *case.arguments, answers=case.answers)


@pytest.mark.parametrize("case", REMOTE, ids=lambda case: f"{case.guide}: {case.name}")
def test_a_logger_that_support_reaches_through_a_forward(lab: Lab, case: Case) -> None:
    hold(case, walk(lab, case))


OUTWARD = [
    Case("acquisuite", "works, and says why it failed once", (), "WORKS: The AcquiSuite gets out", [], 0, {"number": "error 110"}, (), "110 ETIMEDOUT"),
    Case("acquisuite", "its pages answer", (pages,), "WORKS: The AcquiSuite gets out", [], 0,
         {"trouble": "page", "its-address": LOGGER}, (), f"{LOGGER} port 80 answers: a web server"),
    Case("acquisuite", "2022 is blocked", (dropped(f"ip daddr {REMOTE_ACCESS} tcp dport 2022"),),
         "WORKS, WITH REMARKS: Data gets out; the connection to support has only a part of its ports", ["filtered"], 0, {}, ()),
    Case("acquisuite", "no upload and no support", (dropped("tcp dport { 80, 443, 2022 }"),), "DOES NOT WORK: Neither uploads nor support get out", ["filtered"], 1, {}, ()),
    Case("logmein", "works", (), "WORKS: The sample of the vendor's hosts answers", [], 0, {}, ()),
    Case("logmein", "blocked", (dropped(f"ip daddr {SUPPORT}"),), "DOES NOT WORK: None of the sample works", ["filtered"], 1, {}, ()),
    Case("minisite", "works", (), "WORKS: All six hosts answer", [], 0, {}, ()),
    Case("minisite", "its scripts are blocked", (dropped("ip daddr 151.101.2.137"),), "WORKS, WITH REMARKS: The pages load, and something beside them is blocked", ["filtered"], 0, {}, ()),
    Case("minisite", "its pages are blocked", (dropped("ip daddr 52.7.10.11"),), "DOES NOT WORK: The display's pages are blocked", ["filtered"], 1, {}, ()),
]  # fmt: skip


@pytest.mark.parametrize("case", OUTWARD, ids=lambda case: f"{case.guide}: {case.name}")
def test_equipment_that_only_goes_outward(lab: Lab, case: Case) -> None:
    hold(case, walk(lab, case))


FTP = ("--ftp-user", "anonymous")


@pytest.mark.parametrize(
    ("so", "verdict", "status"),
    [
        ((), "WORKS: Both connections work", 0),
        ((dropped(f"ip daddr {FTP_SERVER} tcp dport 50000-50100"), dropped(f"ip saddr {FTP_SERVER} tcp flags & (syn | ack) == syn", "isp1")),
         "DOES NOT WORK: The second connection, which carries the files, is blocked", 1),
        ((dropped(f"ip daddr {FTP_SERVER} tcp dport 21"),), "DOES NOT WORK: The device does not reach the FTP server", 1),
    ],
    ids=["works", "the data connection is blocked", "the control connection is blocked"],
)  # fmt: skip
def test_sma_ftp_with_a_login(lab: Lab, so: tuple[Make, ...], verdict: str, status: int) -> None:
    with ExitStack() as stack:
        for make in so:
            stack.enter_context(make(lab))
        done = walked(lab, "sma-ftp", *FTP, env={"AETUI_FTP_PASSWORD": "guest@site.example"})
    assert done.verdict.startswith(verdict) and done.status == status, done.way + done.result


def offers(**more: str) -> Make:
    return lambda lab: hands_out_addresses(lab, **more)


def stranger(lab: Lab) -> AbstractContextManager[object]:
    return hands_out_addresses(lab, "logger", "eth0", LOGGER, router=LOGGER)


KIOSK = [
    Case("kiosk", "DHCP, and everything works", (offers(),), "WORKS: All six boot steps work here", [], 0, {}, (), "DHCP: 192.168.50.1 offers 192.168.50.1"),
    Case("kiosk", "nobody hands out addresses", (), "DOES NOT WORK: The Kiosk gets no address here", ["dhcp-silent"], 1, {}, ()),
    Case("kiosk", "a stranger hands out addresses too", (offers(), stranger), "DOES NOT WORK: Two servers hand out addresses", ["dhcp-several certain"], 1, {}, ()),
    Case("kiosk", "addresses come without a name server", (offers(resolver=""),), "DOES NOT WORK: The Kiosk gets an address, but nobody to ask for names",
         ["dhcp-no-resolver certain"], 1, {}, ()),
    Case("kiosk", "its fixed address is taken", (), "DOES NOT WORK: Another device has the Kiosk's address", ["address-conflict certain"], 1,
         {"address-how": "static", "planned": LOGGER}, ()),
    Case("kiosk", "its fixed address is free, and its clock is cut off", (dropped("udp dport 123"),), "DOES NOT WORK: The Kiosk stops at boot step 4: its clock",
         ["ntp-no-reply certain"], 1, {"address-how": "static", "planned": SPARE}, (), f"{SPARE} is free"),
    Case("kiosk", "its data is blocked", (offers(), dropped("ip daddr { 172.245.215.160/27, 216.246.49.51 }")), "DOES NOT WORK: The Kiosk starts, but its data does not get out",
         ["filtered"], 1, {}, ()),
]  # fmt: skip


@pytest.mark.parametrize("case", KIOSK, ids=lambda case: case.name)
def test_the_kiosks_boot_steps_one_by_one(lab: Lab, case: Case) -> None:
    hold(case, walk(lab, case))


def test_a_new_site_says_model_by_model_what_works(lab: Lab) -> None:
    with breaking.dropped(lab, "udp dport 123"), hands_out_addresses(lab):
        done = walked(lab, "new-site", answers={"planned": SPARE})
    assert done.verdict.startswith("WORKS, WITH REMARKS: Some models will work here, others not yet"), done.way + done.result
    for text in (done.flat_way, done.flat):
        assert "PM2000: does not work here yet (time.windows.com UDP 123; time.nist.gov UDP 123)" in text
        assert "PL1000: works here" in text
    assert f"{SPARE} is free" in done.flat_way


def test_support_cannot_reach_the_pm2000_takes_nine_keystrokes_and_a_minute(lab: Lab) -> None:
    with services.remote_desktop(lab), by_hand(lab, "pm2000", *JUMP) as terminal:
        terminal.until("> ")
        terminal.type("")  # support cannot reach it
        terminal.until("The PM2000's own address")
        terminal.type(LOGGER)
        terminal.until("The public port")
        terminal.type("")  # the usual one
        terminal.until("Prove it with this computer")
        terminal.type("")  # no
        done = terminal.end()
        typed = terminal.typed.replace(LOGGER, "")
    assert done.verdict.startswith(f"{MISSING} PM2000") and done.causes[0] == "forward-missing likely" and done.status == 1, done.way + done.result
    print(f"\n{len(typed)} keystrokes beyond the address, {done.machine_s:.1f} s of machine time")
    assert len(typed) <= KEYSTROKES and done.machine_s < MACHINE_S


ADDED = ([f"addr add {LOGGER}/24 dev eth0"], [f"addr del {LOGGER}/24 dev eth0"])
CHANGED = (
    [f"addr del {LAPTOP}/24 dev eth0", f"addr add {LOGGER}/24 dev eth0", f"route replace default via {GATEWAY}"],
    [f"addr del {LOGGER}/24 dev eth0", f"addr add {LAPTOP}/24 dev eth0", f"route replace default via {GATEWAY}"],
)
LAN_ALONE = (dropped("tcp dport 3389 ip saddr != 192.168.50.0/24", "logger", "input"), "The forward works; the PM2000 is what does not answer it", "forward-confirmed certain")
LOST = (dropped('oifname "wan" tcp sport 3389'), "The port is forwarded, and no answer comes back", "forward-unanswered certain")
IN_ITS_PLACE = [
    ("the logger lets in its own network alone, and its address is a second one", LAN_ALONE, ADDED),
    ("the same, and its address takes the place of the one on which the jump host's connection hung", LAN_ALONE, CHANGED),
    ("the answers get lost", LOST, ADDED),
]


@pytest.mark.parametrize(("so", "takes"), [row[1:] for row in IN_ITS_PLACE], ids=[row[0] for row in IN_ITS_PLACE])
def test_the_laptop_in_the_loggers_place_shows_that_the_forward_leads_there(lab: Lab, so: tuple[Make, str, str], takes: tuple[list[str], list[str]]) -> None:
    """To the outside it looks as if there were no forward."""
    fault, verdict, cause = so
    with ExitStack() as stack:
        for make in (rdp, to(3389, LOGGER, 3389), fault):
            stack.enter_context(make(lab))
        terminal = stack.enter_context(by_hand(lab, "pm2000", *JUMP, "--public", WAN))
        terminal.until("> ")
        for shown, text in (("own address", LOGGER), ("The public port", ""), ("Prove it", "")):
            terminal.type("" if shown == "own address" else text if shown != "The public port" else LOGGER)
            terminal.until(shown)
        terminal.type("yes")
        terminal.until("Take the PM2000's place")
        with breaking.logger_off(lab):
            with breaking.configured(lab, "laptop", *takes):
                lab["router"].ip("neigh flush all")
                terminal.type("")
                done = terminal.end()
    assert done.verdict.startswith(f"DOES NOT WORK: {verdict}"), done.way + done.result
    assert cause in done.causes and done.status == 1


def test_without_the_right_the_equipment_is_found_by_knocking_and_what_is_lost_is_said(lab: Lab) -> None:
    import os

    from aetui.lan.look import Eyes, around, held, place
    from aetui.packet.client import PacketHelper
    from aetui.vantage.local import LocalVantage

    def look() -> object:
        import asyncio

        from aetui.packet.privilege import Identity, drop

        drop(Identity(os.getuid(), os.getgid()))

        async def go() -> object:
            helper, vantage = PacketHelper(), LocalVantage()
            await vantage.open(asyncio.get_running_loop().time() + 10)
            try:
                eyes = Eyes(vantage, helper)
                return await place(eyes), await around(eyes, (23, 3389)), await held(eyes, SPARE), await held(eyes, LOGGER), await held(eyes, "10.9.9.9")
            finally:
                await helper.close()

        return asyncio.run(go())

    with services.telnet(lab):
        seen, found, spare, logger, far = lab.inside("laptop", look)  # type: ignore[misc]
    assert seen.offers is None and "sudo" in seen.lacking and seen.link.address == LAPTOP
    assert found.lacking and {d.address: d.open_ports for d in found.devices}[LOGGER] == (23,)
    assert {d.address: d.mac for d in found.devices}[LOGGER], "the ARP table gave its hardware address"
    assert (spare.held, logger.held, far.held) == ("free", "taken", "elsewhere")
