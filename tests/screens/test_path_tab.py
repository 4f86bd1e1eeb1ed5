"""The Path tab by its keys: over engines in memory, and over the embedded site."""

from __future__ import annotations

import asyncio
import re
import threading
from importlib import import_module
from pathlib import Path as File
from types import ModuleType
from typing import Any

import pytest
from path_stage import (
    HOPS,
    TARGET,
    Net,
    PathTab,
    Phase,
    Simulated,
    detail,
    hops,
    opened,
    tab,
    target,
    titles,
    traced,
    verdict,
)  # fmt: skip
from rich.cells import cell_len
from stage import World, connect, finished, screen, until
from test_console_hostile import HOSTILE, clean
from textual.widgets import Input

from aetui.observations import Outcome
from aetui.path.records import Problem, Proto
from aetui.screens.app import AetuiApp
from aetui.screens.launch import Launch
from aetui.screens.path_aim import Aim
from aetui.screens.path_entry import TargetSheet
from aetui.screens.picker import Picker
from aetui.screens.reader import Reader
from aetui.screens.runner import Runner
from aetui.screens.widgets.bars import KeyBar
from aetui.screens.widgets.page import Page
from aetui.screens.widgets.rows import Rows
from aetui.screens.words import tables
from aetui.store import opened as history


def dropped() -> Net:
    return Net({2022: Simulated(HOPS[:3], end=None), 443: Simulated(HOPS), 80: Simulated(HOPS)})


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No round after the second unless a test wants some; no waiting for what is silent in memory."""
    monkeypatch.setattr("aetui.path.tracer.ROUND_S", 3600.0)
    monkeypatch.setattr("aetui.path.schedule.WAIT_S", 0.1)
    monkeypatch.setattr("aetui.path.run.REDRAWN_S", 0.0)
    monkeypatch.setattr("aetui.path.run.LIVE_S", 0.0)


def page(app: AetuiApp) -> str:
    return "\n".join(f"{para.lead}{para.text}" for para in app.screen.query_one(Page).paras)


def keys(app: AetuiApp) -> str:
    return app.screen.query_one(KeyBar).lines[0].text


def received(app: AetuiApp, ttl: int = 1) -> int:
    trace = tab(app).tracing.trace  # type: ignore[union-attr]
    return trace.hops[ttl - 1].received if trace is not None and len(trace.hops) >= ttl else 0


# ------------------------------------------------------------------------------------------------------------------- what is seen
async def test_silence_names_the_hop_and_the_next_beside_the_port_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(dropped(), monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await traced(pilot, Aim("logger.example", 2022))
        assert verdict(app).startswith(
            "✗ Dropped Silence after hop 3: 198.51.100.1 or the one after it, 198.51.100.5, drops TCP port 2022."
        )
        assert "TCP 2022 beside 443" in target(app)
        assert re.search(r"TCP 2022 +TCP 443", titles(app))
        rows = hops(app)
        assert re.search(r"1 +192\.168\.50\.1 +same +own router +0%", rows[0])
        assert re.search(r"2 +100\.64\.0\.1 +same +carrier NAT", rows[1])
        assert re.search(r"▶ +3 ✗ 198\.51\.100\.1 +same +last answer, ISP|▶ +3 ✗ 198\.51\.100\.1 +same +last answer", rows[2])
        assert re.search(r"4 +\* +\* +silent", rows[3])
        assert re.search(r"5 ✗ +198\.51\.100\.5", rows[4])
        assert re.search(r"6 +203\.0\.113\.9 ✓", rows[5])
        assert "The last hop that answers on TCP port 2022." in detail(app)
        assert "It is likely the internet provider's device." in detail(app)


async def test_an_open_port_is_green_and_compared_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(Net({443: Simulated(HOPS)}), monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await traced(pilot, Aim("logger.example", 443))
        assert verdict(app) == "✓ Open logger.example answers on TCP port 443, 6 hops away."
        assert re.search(r"Address .* loss +min +med +max +jit last Latest", titles(app))
        assert re.search(r"6 ✓ 203\.0\.113\.9 +open", hops(app)[5])


async def test_a_problem_is_said_in_words_and_ends_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(Net({443: Simulated(HOPS, problem=Problem("no-route", "ENETUNREACH"))}), monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await traced(pilot, Aim("logger.example", 443), Phase.ENDED)
        assert verdict(app) == "? No trace The trace could not be made: this machine has no route there (ENETUNREACH)."
        assert not hops(app)
        assert "Go on" not in keys(app)
        assert "Pause" not in keys(app)


async def test_the_page_behind_the_question_mark_says_what_to_do_and_what_is_lost_without_the_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = dropped()
    net.remark = Problem("helper", "raw packets need a right. To grant it: sudo aetui")
    app = opened(net, monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await traced(pilot, Aim("logger.example", 2022))
        await pilot.press("question_mark")
        assert isinstance(app.screen, Reader)
        for said in (
            "Hop 3, 198.51.100.1, is the last that answers",
            "Ask whoever runs 198.51.100.1",
            "To grant it: sudo aetui",
            "Who mends it",
        ):
            assert said in page(app)


async def test_enter_opens_the_details_on_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(dropped(), monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await traced(pilot, Aim("logger.example", 2022))
        await pilot.press("home", "enter")
        assert isinstance(app.screen, Reader)
        assert "This machine's own router." in page(app)


# --------------------------------------------------------------------------------------------------------------------------- live
async def test_live_rounds_go_on_rest_while_paused_and_go_on_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.path.tracer.ROUND_S", 0.01)
    net = Net({443: Simulated(HOPS)})
    app = opened(net, monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await traced(pilot, Aim("logger.example", 443))
        await until(pilot, lambda: received(app) >= 4, "rounds")
        assert " p Pause " in keys(app)
        await pilot.press("p")
        assert target(app).endswith(" paused ")
        assert " l Go on " in keys(app)
        await pilot.pause(0.1)
        sent = len(net.by_port[443].sent)
        await pilot.pause(0.1)
        assert len(net.by_port[443].sent) == sent
        before = received(app)
        await pilot.press("l")
        await until(pilot, lambda: received(app) >= before + 3, "rounds after the pause")
        await pilot.press("c")
        await until(pilot, lambda: tab(app).tracing.phase is Phase.ENDED, "the end")  # type: ignore[union-attr]
        assert verdict(app).startswith("✓ Open"), "what was found stays"
        assert net.by_port[443].open_now == 0


async def test_a_round_repaints_rows_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.path.tracer.ROUND_S", 0.05)
    app = opened(Net({443: Simulated(HOPS)}), monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await traced(pilot, Aim("logger.example", 443))
        await until(pilot, lambda: received(app) >= 3, "rounds")
        asked: dict[str, list[Any]] = {}
        for widget in tab(app).query("Lines"):
            real = widget.refresh

            def refresh(*regions: Any, widget: Any = widget, real: Any = real, **how: Any) -> Any:
                asked.setdefault(widget.id, []).append(regions)
                return real(*regions, **how)

            monkeypatch.setattr(widget, "refresh", refresh)
        start = received(app)
        await until(pilot, lambda: received(app) >= start + 3, "more rounds")
        assert set(asked) <= {"hops", "hop-details"}
        assert all(region.height == 1 for regions in asked["hops"] for region in regions)
        assert all(regions for regions in asked["hops"]), "never the whole list"


async def test_ctrl_c_stops_the_trace_before_it_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net({443: Simulated(HOPS)})
    app = opened(net, monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await traced(pilot, Aim("logger.example", 443))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: tab(app).tracing.phase is Phase.ENDED, "the end")  # type: ignore[union-attr]
        assert not app._exit
        assert net.by_port[443].open_now == 0


async def test_leaving_the_console_ends_every_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net({443: Simulated(HOPS)})
    app = opened(net, monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await traced(pilot, Aim("logger.example", 443))
        await pilot.press("q")
    assert net.by_port[443].open_now == 0


@pytest.mark.parametrize("ran", [True, False], ids=["in the run's session", "in one of its own"])
async def test_leaving_the_console_during_a_first_trace_keeps_what_it_found(ran: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.path.schedule.WAIT_S", 3600.0)
    app = opened(dropped(), monkeypatch, **({} if ran else {"equipment": ()}))
    async with app.run_test(size=(80, 24)) as pilot:
        if ran:
            await finished(pilot)
        app.trace(Aim("logger.example", 2022))
        await until(pilot, lambda: isinstance(app.screen_stack[0], PathTab) and tab(app).tracing is not None and received(app, 3), "some hops")
        assert tab(app).tracing.busy  # type: ignore[union-attr]
        await pilot.press("q")
    with history() as kept:
        (done,) = kept.open().traces
    assert [hop.address for hop in done.trace.hops][:3] == HOPS[:3]


async def test_keys_are_answered_while_the_packet_helper_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(Net({443: Simulated(HOPS)}), monkeypatch)
    begun = asyncio.Event()

    async def start(_helper: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("aetui.packet.client.missing", lambda: None)
    monkeypatch.setattr("aetui.packet.client.PacketHelper.start", start)
    async with app.run_test(size=(80, 24)) as pilot:
        app.trace(Aim("logger.example", 443))
        await until(pilot, begun.is_set, "the helper's start")
        await until(pilot, lambda: isinstance(app.screen, PathTab) and tab(app).tracing is not None)
        await pilot.press("t")
        assert isinstance(app.screen, TargetSheet)
        await pilot.press("escape")
        await until(pilot, lambda: verdict(app).startswith("✓ Open"), "a trace all the same")


# ----------------------------------------------------------------------------------------------------------------- from Outbound
async def test_from_a_failed_row_of_outbound_one_key_opens_its_path_and_a_port_that_worked_is_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = "tcp:ra.buildingmanageronline.com:2022"

    def seen(check: Any, _time: int) -> Any:
        from dataclasses import replace

        outcome = Outcome.FILTERED if check.id == lost else Outcome.OPEN
        return replace(connect(outcome), address=TARGET, port=check.port)

    net = dropped()
    app = opened(net, monkeypatch, world=World({"tcp:": seen}), equipment=("acquisuite",))
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        outbound = app.screen
        await pilot.press("x")
        assert outbound.query_one(Rows).select(lost)
        await pilot.pause()
        assert " t Trace " in keys(app)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, PathTab) and "Dropped" in verdict(app), "the verdict")
        assert "ra.buildingmanageronline.com (203.0.113.9) · TCP 2022 beside 443" in target(app)
        assert {flow.port for flow in net.asked} == {2022, 443}
        await pilot.press("1")
        outbound.query_one(Rows).select("tcp:ra.buildingmanageronline.com:443")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, PathTab) and "✓ Open" in verdict(app), "another row's verdict")


async def test_a_run_of_the_console_tells_where_a_blocked_port_dies() -> None:
    runner = Runner(lambda: None)
    await runner.run(Launch(("pm2000",), demo="port-dropped"))
    try:
        async with asyncio.timeout(60):
            while runner.fault == "" and (runner.busy or runner.finished is None):
                await asyncio.sleep(0.05)
        assert runner.diagnosis is not None
        told = [said.key for finding in runner.diagnosis.findings for said in finding.evidence]
        assert "path-own-router" in told
        assert {"path-between", "path-after"} & set(told)
    finally:
        await runner.close()


async def test_a_row_without_a_port_has_nothing_to_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(dropped(), monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        app.screen.query_one(Rows).select("host:")
        await pilot.pause()
        assert " t Trace " not in keys(app)
        await pilot.press("t")
        assert not isinstance(app.screen, PathTab)


# ---------------------------------------------------------------------------------------------------------------------- by its keys
async def test_without_a_target_one_is_asked_for_and_the_first_closed_port_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({"tcp:maki.alsoenergy.com:443": connect(Outcome.FILTERED)})
    app = opened(Net({443: Simulated(HOPS)}), monkeypatch, world=world)
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, TargetSheet), "the sheet")
        field = app.screen.query_one("#target-input", Input)
        assert field.value == "maki.alsoenergy.com:443"
        field.value = "maki:"
        await pilot.press("enter")
        assert "no HOST:PORT" in screen(app)
        field.value = "other.example:443"
        await pilot.press("down", "down", "down")
        assert "[TCP]" in screen(app)
        await pilot.press("enter")
        await until(pilot, lambda: "✓ Open other.example" in verdict(app), "the verdict")


async def test_the_first_question_waits_until_its_tab_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = threading.Event()

    def slowly(name: str) -> ModuleType:
        elsewhere.wait(20)
        return import_module(name)

    monkeypatch.setattr("aetui.screens.path.import_module", slowly)
    app = opened(Net({443: Simulated(HOPS)}), monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, PathTab), "the tab")
        path = tab(app)
        await pilot.press("4")
        await until(pilot, lambda: app.current_mode == "history")
        elsewhere.set()
        await until(pilot, lambda: path.tracing is not None)
        await until(pilot, lambda: all(worker.is_finished for worker in app.workers if worker.node is path), "all is loaded")
        assert not isinstance(app.screen, TargetSheet)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, TargetSheet), "the sheet")
        await pilot.press("escape", "4", "2")
        await pilot.pause()
        assert app.screen is path, "asked once, not at every visit"


async def test_enter_waits_for_the_keys_that_were_typed_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(Net({443: Simulated(HOPS)}), monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, TargetSheet), "the sheet")
        for key in (*"pasted", "enter"):
            app.simulate_key(key)
        await until(pilot, lambda: "✓ Open pasted answers" in verdict(app), "the verdict")


async def test_the_sheet_gives_protocol_and_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net({None: Simulated(HOPS), 443: Simulated(HOPS), 80: Simulated(HOPS)})
    app = opened(net, monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, TargetSheet), "the sheet")
        await pilot.press(*"logger", "tab", *"80", "enter")
        await until(pilot, lambda: "✓ Open logger" in verdict(app), "the verdict")
        await until(pilot, lambda: "TCP 443 beside 80" in target(app), "the comparison")
        await pilot.press("t", "up", "enter")
        await until(pilot, lambda: {flow.proto for flow in net.asked} >= {Proto.ICMP}, "a ping")
        await until(pilot, lambda: "· ping " in target(app), "a ping on the screen")


async def test_columns_change_and_details_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(dropped(), monkeypatch, {"192.168.50.1": "router.lan"})
    async with app.run_test(size=(80, 24)) as pilot:
        await traced(pilot, Aim("logger.example", 2022))
        await until(pilot, lambda: "router.lan" in hops(app)[0] or "own router" in hops(app)[0])
        await pilot.press("v")
        assert "min" in titles(app)
        assert "TCP 443" not in titles(app)
        await pilot.press("v")
        assert "router.lan" in hops(app)[0]
        await pilot.press("v")
        before = tab(app).query_one(Rows).size.height
        await pilot.press("z")
        await pilot.pause()
        assert tab(app).query_one(Rows).size.height == before + 6


async def test_every_key_of_the_tab_is_in_help_and_palette_and_at_most_eight_are_in_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(dropped(), monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await traced(pilot, Aim("logger.example", 2022))
        shown = re.findall(r" (\S+) [A-Z]", keys(app))
        assert len(shown) <= 8
        assert keys(app).rstrip().endswith("q Quit")
        part = next(part for part in tables()["help"] if part["title"] == "Path")
        written = " ".join(key for key, _ in part["lines"])
        for binding in PathTab.BINDINGS:
            key = binding.key_display or binding.key  # type: ignore[union-attr]
            assert key in written.replace(",", " ").split(), binding
            assert binding.action in tables()["commands"]  # type: ignore[union-attr]


# ---------------------------------------------------------------------------------------------------------------- text from outside
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hops_name_is_text_everywhere(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(dropped(), monkeypatch, dict.fromkeys(filter(None, HOPS), text))
    async with app.run_test(size=(120, 40)) as pilot:
        await traced(pilot, Aim("logger.example", 2022))
        for press in ("v", "v", "v", "home", "enter", "escape", "question_mark", "escape"):
            await pilot.press(press)
            assert clean(screen(app))
            assert all(cell_len(line) <= 120 for line in screen(app).splitlines())
        assert not app._exit


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_target_is_text_everywhere(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(dropped(), monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await traced(pilot, Aim(text, 2022))
        assert clean(screen(app))
        await pilot.press("question_mark")
        assert clean(screen(app))
        await pilot.press("escape", "t")
        assert isinstance(app.screen, TargetSheet)


# ----------------------------------------------------------------------------------------------------------------------- the skins
@pytest.mark.parametrize("press", ["home", "v", "enter", "question_mark", "h", "t"])
async def test_without_utf8_every_cell_is_ascii_and_sparklines_are_digits(press: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(dropped(), monkeypatch, encoding="ascii")
    async with app.run_test(size=(120, 40)) as pilot:
        await traced(pilot, Aim("logger.example", 2022))
        await until(pilot, lambda: received(app) == 2, "two rounds")
        if press == "home":
            assert re.search(r"0% .* 11$", screen(app).splitlines()[5].rstrip())
        await pilot.press(press)
        await pilot.pause()
        assert not {c for c in screen(app) if not c.isascii()}


SNAPSHOTS = File(__file__).with_name("snapshots")


@pytest.mark.parametrize(
    ("name", "size", "press", "encoding"),
    [("path-80x24", (80, 24), (), "utf-8"), ("path-80x24-ascii", (80, 24), ("v",), "ascii"), ("path-120x40", (120, 40), (), "utf-8")],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_it_looks_as_it_did(
    name: str, size: tuple[int, int], press: tuple[str, ...], encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    app = opened(dropped(), monkeypatch, {"198.51.100.1": "core1.isp.example"}, encoding=encoding)
    async with app.run_test(size=size) as pilot:
        await traced(pilot, Aim("logger.example", 2022))
        await until(pilot, lambda: received(app) == 2 and received(app, 3) == 2, "two rounds")
        await pilot.press("p", *press)
        await pilot.pause()
        seen = "\n".join(screen(app).splitlines()[1:]) + "\n"
    assert all(len(line) <= size[0] for line in seen.splitlines())
    kept = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("AETUI_SNAPSHOTS") == "write":
        kept.write_text(seen, "utf-8")
    assert seen == kept.read_text("utf-8")


# --------------------------------------------------------------------------------------------------------------- the embedded site
@pytest.mark.parametrize(
    ("scenario", "aim", "word", "said", "marked"),
    [
        ("healthy", Aim("maki.alsoenergy.com", 443), "Open", "answers on TCP port 443, 7 hops away.", {7}),
        ("port-dropped", Aim("streamer.alsoenergy.com", 443), "Dropped", "drops TCP port 443", {1}),
        (
            "port-rejected",
            Aim("streamer.alsoenergy.com", 443),
            "Rejected",
            "prohibited by a rule. It is likely the site's own router.",
            {1, 2},
        ),
        ("port-dropped-beyond", Aim("makirt.alsoenergy.com", 443), "Dropped", "Silence after hop 3", {3, 5}),
        ("support-port-dropped", Aim("ra.buildingmanageronline.com", 2022), "Dropped", "drops TCP port 2022", {1}),
    ],
)
async def test_the_demo_shows_where_its_scenarios_port_dies(
    scenario: str, aim: Aim, word: str, said: str, marked: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aetui.path.schedule.WAIT_S", 1.0)
    app = AetuiApp(Launch(demo=scenario), encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Picker), "the first question")
        await pilot.press("escape")
        await traced(pilot, aim)
        assert word in verdict(app)
        assert said in verdict(app)
        assert {int(row[2:5]) for row in hops(app) if row[5:7].strip() in {"✗", "✓"}} >= marked
        assert target(app).endswith(" demo · live ")
