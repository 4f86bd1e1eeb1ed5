"""On site: ports opened and closed by keys, knocks from real callers as they come, a taken port, a missing right, a flood."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import re
import socket
import struct
import threading
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import cast

import pytest
from inbound_stage import (
    LOOPBACK,
    SPOKEN,
    call,
    detail,
    exposure,
    free_ports,
    inbound,
    keys,
    listed,
    opened,
    page,
    present,
    row,
    summary,
    tab,
    view,
)
from stage import screen, until

from aetui.inbound import passing
from aetui.inbound import ports as ports_module
from aetui.inbound.knocklog import Batch
from aetui.inbound.reception import Limits
from aetui.reach import Knock
from aetui.screens import frame, inbound_site
from aetui.screens import inbound as inbound_screen
from aetui.screens.inbound_form import Form
from aetui.screens.inbound_site import Settings, Site
from aetui.screens.outbound import Outbound
from aetui.screens.widgets.rows import Rows


@pytest.fixture(autouse=True)
def on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test opens a port that anybody else could reach."""
    monkeypatch.setattr(inbound_site, "EVERYWHERE", LOOPBACK)


def answers(port: int) -> bool:
    """True where somebody takes connections there."""
    with socket.socket() as sock:
        return sock.connect_ex((LOOPBACK, port)) == 0


async def test_before_anything_is_open_the_tab_says_so_and_names_three_ways() -> None:
    async with inbound() as (app, _pilot):
        assert summary(app).startswith("· Not tested")
        assert exposure(app) == "Nothing is open on this computer. s opens ports 3389 and 23 for 15 min."
        assert [text.split()[0] for text in listed(app)[1:]] == ["▶", "t", "o"]
        assert "stands in the logger's place" in detail(app)


async def test_open_ports_are_called_exposed_until_a_time_and_closed_by_a_key() -> None:
    one, two = free_ports(2)
    async with inbound() as (app, pilot):
        await opened(pilot, [one, two])
        assert re.fullmatch(rf"EXPOSED to anybody: ports {one} and {two}\. Closes at \d\d:\d\d, or now with c\.", exposure(app))
        assert "3 Inbound!" in screen(app).splitlines()[0]
        assert answers(one) and answers(two)
        await pilot.press("c")
        await until(pilot, lambda: "EXPOSED" not in exposure(app))
        assert re.match(r"Closed at \d\d:\d\d\. \d knocks\.", exposure(app))
        assert "3 Inbound " in screen(app).splitlines()[0]
        assert not answers(one) and not answers(two)
        assert view(app).site.code == ""


async def test_the_code_stands_large_and_in_words() -> None:
    async with inbound() as (app, pilot):
        await opened(pilot, free_ports(1))
        code = view(app).site.code
        assert code in row(app, "code")
        assert sum("█" in line for line in screen(app).splitlines()) == 5
        assert f"aetui confirm PUBLIC-ADDRESS --code {code}" in detail(app)
        await pilot.press("enter")
        assert code in page(app)


@pytest.mark.parametrize(("said", "sent"), SPOKEN.items(), ids=SPOKEN.keys())
async def test_a_knock_is_shown_as_it_comes_with_what_it_spoke(said: str, sent: bytes) -> None:
    (port,) = free_ports(1)
    async with inbound() as (app, pilot):
        await opened(pilot, [port], lambda: setattr(view(app).site, "limits", Limits(silent_s=0.2, whole_s=0.5)))
        await call(port, sent)
        await until(pilot, lambda: said in row(app, "127.0.0.1"))
        assert re.search(rf"\d\d:\d\d:\d\d 127\.0\.0\.1 {port} ", row(app, "127.0.0.1"))
        await pilot.press("end")
        assert sent[:8].hex(" ") in detail(app)
        assert "1 knock" in row(app, f"open {port}")


async def test_a_token_with_our_code_rings_and_says_what_a_private_source_proves() -> None:
    (port,) = free_ports(1)
    async with inbound() as (app, pilot):
        rings = []
        view(app).site.rang = lambda: rings.append(1)
        await opened(pilot, [port])
        await call(port, SPOKEN["Remote Desktop: support"])
        await until(pilot, lambda: "none" in summary(app) or "without our code" in summary(app))
        assert await present(port, view(app).site.code) != b""
        await until(pilot, lambda: "✓ our code" in row(app, "the other half"))
        assert rings == [1]
        assert "Heard inside" in summary(app)
        assert "no proof of the way from the internet" in summary(app)
        assert await present(port, "0000-0000") == b""
        await until(pilot, lambda: "! bad code" in row(app, "bad code"))


async def test_an_address_that_is_not_let_in_is_closed_unread_and_shown() -> None:
    (port,) = free_ports(1)
    async with inbound() as (app, pilot):
        view(app).site.settings = Settings(allow=(ip_network("203.0.113.0/24"),))
        await opened(pilot, [port])
        assert exposure(app).endswith("Let in: 203.0.113.0/24")
        assert await call(port, b"") == b""
        await until(pilot, lambda: "kept out" in row(app, "127.0.0.1"))
        await pilot.press("end")
        assert "not on the allow-list" in detail(app)


async def test_another_port_is_opened_without_a_new_code() -> None:
    one, two = free_ports(2)
    async with inbound() as (app, pilot):
        await opened(pilot, [one])
        code = view(app).site.code
        await pilot.press("n", *str(one), "enter")
        await until(pilot, lambda: f"Port {one} is open already." in screen(app))
        await pilot.press(*["backspace"] * 5, *str(two), "enter")
        await until(pilot, lambda: f"open {two}" in row(app, str(two)))
        await until(pilot, lambda: tab(app).query_one(Rows).key == f"port:{two}")
        assert view(app).site.code == code
        assert await present(two, code) != b""


async def test_a_port_that_is_just_being_opened_is_not_asked_for_again_and_stays_among_the_open_ones() -> None:
    one, two = free_ports(2)
    site = Site(lambda: None)
    site.settings = Settings(ports=(one,))
    await site.open()
    assert site.listener is not None
    add, answer = site.listener.add, asyncio.Event()

    async def slow(port: int) -> object:
        outcome = await add(port)
        await answer.wait()
        return outcome

    site.listener.add = slow  # type: ignore[assignment,method-assign]
    try:
        first = asyncio.create_task(site.add(two))
        await asyncio.sleep(0)
        again = asyncio.create_task(site.add(two))
        await asyncio.sleep(0)
        answer.set()
        assert await first is not None and await again is None
        assert [(port.wanted, port.is_open) for port in site.ports] == [(one, True), (two, True)]
    finally:
        await site.end()


async def test_a_taken_port_names_who_has_it_and_the_others_open() -> None:
    (port,) = free_ports(1)
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]
        async with inbound() as (app, pilot):
            await opened(pilot, [taken, port])
            assert f"process {os.getpid()}" in row(app, f"✗ taken {taken}")
            tab(app).query_one(Rows).select(f"port:{taken}")
            await until(pilot, lambda: f"process {os.getpid()}" in detail(app))
            assert f"port {port}." in exposure(app)


def without_the_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let low ports be refused, as they are to a plain user."""
    listening = ports_module._listening

    def refuse(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
        if port < 1024 and port:
            raise PermissionError(errno.EACCES, "Permission denied")
        return listening(family, host, port)

    monkeypatch.setattr(ports_module, "_listening", refuse)
    monkeypatch.setattr("aetui.packet.client.missing", lambda: "a plain user has no helper.")


async def test_a_low_port_without_the_right_has_its_remedy_and_a_high_port_by_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_right(monkeypatch)
    (port,) = free_ports(1)
    high = 10_023
    monkeypatch.setattr(ports_module, "HIGHER", high - 23)
    async with inbound() as (app, pilot):
        await opened(pilot, [port, 23])
        code = view(app).site.code
        assert row(app, "no right") == f"✗ no right 23 needs a right; i opens {high} in its place"
        tab(app).query_one(Rows).select("port:23")
        await until(pilot, lambda: "sudo sysctl net.ipv4.ip_unprivileged_port_start=23" in detail(app))
        assert "i High port" in keys(app)
        await pilot.press("i")
        await until(pilot, lambda: "no right" not in "\n".join(listed(app)))
        assert row(app, str(high)) == f"! open {high} 0 knocks in place of 23; forward 23 to {high}"
        assert view(app).site.code == code
        assert view(app).site.forwards == {port: port, 23: high}


async def test_where_no_port_opens_nothing_is_called_open_and_the_high_ones_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_right(monkeypatch)
    async with inbound() as (app, pilot):
        view(app).site.settings = Settings(ports=(23,))
        await pilot.press("s")
        await until(pilot, lambda: "No port could be opened" in exposure(app))
        assert summary(app).startswith("✗ Not open")
        await pilot.press("i")
        await until(pilot, lambda: "EXPOSED to anybody: port 10023." in exposure(app))
        assert view(app).site.forwards == {23: 10_023}


async def test_it_closes_by_itself_when_its_time_is_over() -> None:
    (port,) = free_ports(1)
    async with inbound() as (app, pilot):
        await opened(pilot, [port], lambda: setattr(view(app).site, "settings", Settings(minutes=0.02)))
        await until(pilot, lambda: "the time was over" in exposure(app))
        assert not answers(port)
        assert row(app, str(port)).startswith("– closed")


async def test_an_answer_that_gets_lost_is_told_at_its_port_while_nobody_is_outside_to_tell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    table = tmp_path / "tcp"
    own, peer = (f"{struct.unpack('=I', socket.inet_aton(address))[0]:08X}" for address in (LOOPBACK, "203.0.113.250"))  # as the kernel prints it
    table.write_text(f"  sl  head\n   0: {own}:{port:04X} {peer}:C350 03 00000000:00000000 01:00000064 00000000  0 0 0 1 0\n")
    monkeypatch.setattr(passing, "_TABLES", (table,))
    monkeypatch.setattr(passing, "HELD_S", 0.1)
    async with inbound() as (app, pilot):
        await opened(pilot, [port])
        await until(pilot, lambda: "! lost" in row(app, "not finished"))
        assert "203.0.113.250" in row(app, "not finished")
        tab(app).query_one(Rows).select(f"lost:{port}")
        await until(pilot, lambda: "gateway is another" in detail(app))
        await pilot.press("c")
        await until(pilot, lambda: not view(app).site.is_open)


async def test_leaving_the_console_closes_the_ports() -> None:
    (port,) = free_ports(1)
    async with inbound() as (app, pilot):
        await opened(pilot, [port])
        site = view(app).site
        await pilot.press("1")
        assert isinstance(app.screen, Outbound)
        assert "3 Inbound!" in screen(app).splitlines()[0], "an open port is marked on every tab"
        assert answers(port), "another tab leaves it open"
        await pilot.press("q")
    assert site.stopped is not None
    assert not answers(port)


async def test_ctrl_c_closes_the_ports_before_it_leaves() -> None:
    (port,) = free_ports(1)
    async with inbound() as (app, pilot):
        await opened(pilot, [port])
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not view(app).site.is_open)
        assert not answers(port)
        assert not app._exit
        await pilot.press("ctrl+c")
        assert app._exit


async def test_two_keys_in_one_packet_go_two_lines_of_a_page_that_is_filled_in() -> None:
    async with inbound(demo="healthy") as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: "Minutes" in screen(app))
        form = cast("Form[Settings]", app.screen)
        form.action_go(1)
        form.action_go(1)
        await pilot.pause()
        assert form.focused is form.query_one("#field-allow")


class Flood:
    """Callers without end, from a thread of their own, until told to stop."""

    def __init__(self, port: int) -> None:
        self.port, self.made = port, 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self.over.is_set():
            with socket.socket() as sock:
                sock.settimeout(5)
                try:
                    sock.connect((LOOPBACK, self.port))
                    sock.sendall(SPOKEN["Remote Desktop: support"])
                except OSError:
                    continue
            self.made += 1

    def __enter__(self) -> Flood:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


async def test_keys_are_answered_and_repaints_coalesced_while_a_flood_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    async with inbound() as (app, pilot):
        await opened(pilot, [port])
        monkeypatch.setattr(frame, "PAINT_EVERY_S", 0.25)
        monkeypatch.setattr(inbound_screen, "FLOOD_PACE_S", 0.25)
        screen_, drawn = tab(app), []
        draw = screen_.draw
        monkeypatch.setattr(screen_, "draw", lambda: (drawn.append(asyncio.get_running_loop().time()), draw()))
        rows = screen_.query_one(Rows)
        with Flood(port) as flood:
            await until(pilot, lambda: flood.made > 500)
            selected = rows.key
            for _ in range(4):
                await pilot.press("down")
                assert rows.key != selected, "the key was answered while knocks came"
                selected = rows.key
            await pilot.press("h")
            assert "Help" in screen(app).splitlines()[0]
            await pilot.press("escape")
            await until(pilot, lambda: flood.made > 1500)
        gaps = [later - earlier for earlier, later in itertools.pairwise(drawn)]
        assert gaps
        assert min(gaps) >= 0.2, "at most four repaints a second"
        assert len(view(app).site.entries) <= inbound_site.SHOWN
        await until(pilot, lambda: view(app).site.count(port) >= flood.made)
        screen_.draw()
        assert f"{view(app).site.count(port)} knocks" in row(app, f"open {port}")


async def test_while_more_comes_than_is_listed_the_list_is_drawn_less_often() -> None:
    (port,) = free_ports(1)
    async with inbound() as (app, pilot):
        await opened(pilot, [port])
        knock = Knock(datetime.now(UTC), LOOPBACK, 1, port, "nothing")
        assert tab(app).pace_s == frame.PAINT_EVERY_S
        view(app).site._take(Batch((knock,), 500))
        assert tab(app).pace_s == inbound_screen.FLOOD_PACE_S > frame.PAINT_EVERY_S
        view(app).site._take(Batch((knock,)))
        assert tab(app).pace_s == frame.PAINT_EVERY_S, "and at once again when it is over"


async def test_a_knock_with_our_code_stays_in_the_list_under_a_flood_and_what_is_left_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound_site, "SHOWN", 20)
    (port,) = free_ports(1)
    async with inbound() as (app, pilot):
        await opened(pilot, [port])
        await present(port, view(app).site.code)
        with Flood(port) as flood:
            await until(pilot, lambda: flood.made > 200)
        await until(pilot, lambda: view(app).site.hidden == view(app).site.total - 21 >= flood.made - 20)
        tab(app).draw()
        assert listed(app)[-1].startswith("  ✓ our code")
        assert f"{view(app).site.hidden:,} more only counted" in "\n".join(listed(app))


async def test_the_list_of_knocks_is_emptied_and_the_counts_stay() -> None:
    (port,) = free_ports(1)
    async with inbound() as (app, pilot):
        await opened(pilot, [port])
        await call(port, SPOKEN["SSH: SSH-2.0-Go"])
        await until(pilot, lambda: row(app, "SSH"))
        await pilot.press("x")
        await until(pilot, lambda: "Nobody has knocked yet." in "\n".join(listed(app)) or not row(app, "SSH"))
        assert "1 knock" in row(app, f"open {port}")
