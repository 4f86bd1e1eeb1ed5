"""Running checks from the console: what is shown while they run and after, what is run again, and how everything stops."""

from __future__ import annotations

import asyncio

import pytest
from stage import World, connect, console, detail, finished, idle, listed, names, screen, selected, summary, until

from aetui.observations import DnsSeen, NtpSeen, Outcome
from aetui.prepare import Refused
from aetui.records import Check
from aetui.strict import DataError
from aetui.vantage.base import VantageLost

SILENT = connect(Outcome.FILTERED)
NO_TIME = NtpSeen("192.0.2.7", Outcome.FILTERED)
DROPPED = "tcp:maki.alsoenergy.com:443"


def no_name(check: Check, _time: int) -> DnsSeen:
    """A DNS server that is dead."""
    return names(check, outcome=Outcome.FILTERED, addresses=())


async def test_a_healthy_site_is_ready_and_every_host_has_its_line() -> None:
    app = console(World())
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        assert summary(app).startswith("✓ Ready Everything that PM2000 needs gets through")
        rows = listed(app)
        assert any("✓ ok" in row and "www.alsoenergy.com" in row and "name ✓  80 ✓  443 ✓" in row for row in rows)
        assert any("time.nist.gov" in row and "name ✓  123 ✓" in row for row in rows)


async def test_rows_fill_in_while_checks_run() -> None:
    world = World(held=asyncio.Event())
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: any("· checking www.alsoenergy.com" in row for row in listed(app)))
        assert "· Checking" in summary(app)
        assert "of 44 checks done" in summary(app)
        assert world.held is not None
        world.held.set()
        await finished(pilot)
        assert not any("checking" in row for row in listed(app))


async def test_a_dropped_port_is_one_finding_on_top_with_its_rows_folded_under_it() -> None:
    app = console(World({DROPPED: SILENT}))
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        assert summary(app).startswith("✗ Blocked Nothing comes back: TCP 443 to maki.alsoenergy.com")
        rows = listed(app)
        assert "What was found" in rows[0]
        assert "✗ failed" in rows[1]
        assert "3 checks" in rows[1]
        assert selected(app) == f"finding:filtered:{DROPPED}", "the root is what is selected when nobody has moved"
        assert "Who mends it  the site's IT" in detail(app)
        await pilot.press("right")
        assert "TCP 443 of maki.alsoenergy.com" in listed(app)[2]
        assert "– waits" in listed(app)[3]
        await pilot.press("left")
        assert "Checks by host" in listed(app)[2]


async def test_a_dead_dns_server_makes_the_rest_wait_and_never_fail() -> None:
    app = console(World({"dns:": no_name, "canary:": no_name}))
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        assert "The DNS server 192.168.50.1 does not answer" in summary(app)
        failed = [row for row in listed(app) if "✗ failed" in row]
        assert len(failed) == 2, "the finding, and this computer's own line"
        assert sum("– waits" in row for row in listed(app)) == 8


async def test_equipment_is_picked_by_keys_alone_and_the_run_starts() -> None:
    world = World()
    app = console(world, equipment=())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "What does the site have?" in screen(app))
        await pilot.press("space", "down", "down", "down", "down", "down", "space", "enter")
        await finished(pilot)
        assert world.launches[0].equipment == ("pm2000", "kiosk")
        assert "PM2000 and Kiosk" in summary(app)
        await pilot.press("e")
        await until(pilot, lambda: "[x] PM2000" in screen(app))
        await pilot.press("escape")
        assert len(world.launches) == 1, "going back changes nothing"


async def test_one_row_is_run_again_with_its_chain_and_nothing_else() -> None:
    world = World({DROPPED: SILENT})
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        before = world.asked.copy()
        world.seen = {}
        await pilot.press("a")
        await until(pilot, lambda: idle(app) and "Ready" in summary(app))
        again = {i for i, n in world.asked.items() if n != before[i]}
        assert again == {"dns:maki.alsoenergy.com", DROPPED, "tls:maki.alsoenergy.com:443", "http:maki.alsoenergy.com:443"}


async def test_only_what_failed_is_run_again() -> None:
    world = World({DROPPED: SILENT, "ntp:time.nist.gov:123": NO_TIME})
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        before = world.asked.copy()
        world.seen = {}
        await pilot.press("f")
        await until(pilot, lambda: idle(app) and "Ready" in summary(app))
        again = {i.split(":")[1] for i, n in world.asked.items() if n != before[i]}
        assert again == {"maki.alsoenergy.com", "time.nist.gov"}


async def test_a_failed_finding_stays_on_the_screen_while_its_row_is_run_again() -> None:
    world = World({DROPPED: SILENT})
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        world.held = asyncio.Event()
        await pilot.press("a")
        await until(pilot, lambda: "Checking" in summary(app))
        assert "What was found" in listed(app)[0]
        world.held.set()
        await finished(pilot)


async def test_stopping_closes_what_runs_and_says_so() -> None:
    app = console(World(held=asyncio.Event()))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Checking" in summary(app))
        await until(pilot, lambda: app.runner.state is not None and app.runner.state.running)
        await pilot.press("c")
        await finished(pilot)
        assert "Not determined" in summary(app)
        assert "Stopped before the end" in summary(app)
        assert app.runner.state is not None
        assert {r.not_run for r in app.runner.state.results.values() if r.observation is None} >= {"cancelled"}


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_quitting_ends_every_probe_and_gives_the_vantage_back(key: str) -> None:
    world = World(held=asyncio.Event())
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.runner.state is not None and app.runner.state.running)
        await pilot.press(key)
        await until(pilot, lambda: app._exit)
    assert world.closed
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "aetui-session"]
    assert app.return_code == 0


async def test_ctrl_c_stops_what_runs_first_and_leaves_only_then() -> None:
    world = World(held=asyncio.Event())
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.runner.state is not None and app.runner.state.running)
        await pilot.press("ctrl+c")
        await finished(pilot)
        assert not app._exit
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app._exit)


@pytest.mark.parametrize(
    "error",
    [VantageLost("the jump host does not answer"), Refused("unknown equipment 'pm200'"), DataError("own.toml", "host", "is missing")],
    ids=["a vantage that cannot be had", "a refused request", "a wrong file"],
)
async def test_what_keeps_a_run_from_starting_is_one_clear_line(error: Exception) -> None:
    app = console(World(unopened=error))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Cannot go on" in summary(app))
        assert summary(app) == f"✗ Cannot go on {error}"
        assert not app.runner.busy


async def test_a_fault_of_our_own_is_said_to_be_one_and_the_console_stays() -> None:
    def wrong(_check: Check, _time: int) -> DnsSeen:
        raise ZeroDivisionError("[/] by zero")

    world = World({"dns:": wrong})
    app = console(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Cannot go on" in summary(app))
        assert "a fault of aetui itself: ZeroDivisionError [/] by zero" in summary(app)
        world.seen = {}
        await pilot.press("r")
        await until(pilot, lambda: idle(app) and "Ready" in summary(app))


async def test_a_vantage_lost_on_the_way_ends_the_run_and_says_so() -> None:
    app = console(World(lost="connection closed"))
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        assert "The connection that the checks ran over was lost." in summary(app)
        await pilot.press("x")
        assert any("not run: the connection was lost" in row for row in listed(app))
