"""What strangers send to the listener, or say when we knock, is shown as text on every page of the Inbound tab and never obeyed."""

from __future__ import annotations

import pytest
from inbound_stage import LOOPBACK, QuietLocal, call, detail, free_ports, inbound, listed, opened, page, row, summary, tab, view
from stage import screen, until
from test_console_hostile import HOSTILE, clean

from aetui.observations import Ended, Outcome, RdpSeen, TcpSeen, TelnetSeen
from aetui.reach import InboundSeen, Reached, Standing, Target
from aetui.records import VantageInfo
from aetui.screens import inbound_site, inbound_view
from aetui.screens.inbound_outside import Jump, Question, Result
from aetui.screens.widgets.rows import Rows
from aetui.vantage.base import VantageLost
from aetui.wire import x224


@pytest.fixture(autouse=True)
def on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound_site, "EVERYWHERE", LOOPBACK)
    monkeypatch.setattr(inbound_view, "local_vantage", QuietLocal)


def ways(text: str) -> list[bytes]:
    """A caller's bytes, the text in every place that a row or the details show."""
    raw = text.encode("utf-8", "replace")[:500]
    line = raw.replace(b"\r", b"").replace(b"\n", b"")
    name = line[:60] or b"x"
    return [
        raw + bytes(40),
        b"SSH-2.0-" + line + b"\r\n",
        b"GET /" + line + b" HTTP/1.1\r\nHost: " + line + b"\r\nUser-Agent: " + line + b"\r\n\r\n",
        b"\xff\xfb\x18" + raw,
        x224.request(cookie="x" * len(name)).replace(b"x" * len(name), name),
    ]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_a_caller_sends_is_text_in_the_list_the_details_and_the_page(text: str) -> None:
    (port,) = free_ports(1)
    async with inbound(size=(120, 40)) as (app, pilot):
        await opened(pilot, [port])
        for said in ways(text):
            await call(port, said)
        await until(pilot, lambda: len(view(app).site.entries) == 5)
        await until(pilot, lambda: sum("127.0.0.1" in line for line in listed(app)) == 5)
        assert clean(screen(app))
        rows = tab(app).query_one(Rows)
        for entry in view(app).site.entries:
            rows.select(f"knock:{entry.serial}")
            await pilot.pause()
            assert clean(detail(app))
            await pilot.press("enter")
            assert clean(page(app))
            assert clean(screen(app))
            await pilot.press("escape")
        assert not app._exit


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_answers_from_outside_is_text(text: str) -> None:
    async with inbound(size=(120, 40)) as (app, pilot):
        info = VantageInfo("jump", text)
        tcp = TcpSeen("203.0.113.7", 3389, Outcome.OPEN, reason=text)
        shut = TcpSeen("203.0.113.7", 23, Outcome.FAILED, reason=text)
        rdp = RdpSeen(Ended.DONE, True, text)
        telnet = TelnetSeen(Ended.DONE, (text,), text, True, text.encode("utf-8", "replace"))
        seen = InboundSeen(
            (
                Reached(Target("203.0.113.7", 3389, 3389, "rdp"), info, Standing.OUTSIDE, tcp, "rdp", text, text, rdp=rdp),
                Reached(Target("203.0.113.7", 23, 23, "telnet"), info, Standing.OUTSIDE, shut, "telnet", text, telnet=telnet),
                Reached(Target("203.0.113.7", 80), info, Standing.OUTSIDE, tcp, "http", text),
            )
        )
        await show(app, seen, text)
        await until(pilot, lambda: row(app, "port 23:"))
        assert clean(screen(app))
        for number in range(3):
            for kind in ("target", "finding"):
                if tab(app).query_one(Rows).select(f"{kind}:{number}"):
                    await pilot.pause()
                    assert clean(detail(app))
                    await pilot.press("question_mark")
                    assert clean(screen(app))
                    await pilot.press("escape")
        assert not app._exit


async def show(app: object, seen: InboundSeen, name: str) -> None:
    """Put a result on the screen, as the outside half would."""
    from aetui.causes import describe, load_causes
    from aetui.diagnosis.inbound import diagnose
    from aetui.display import displayable

    outside = view(app).outside  # type: ignore[arg-type]
    findings = tuple(describe(load_causes(), finding) for finding in diagnose(seen))
    outside.result = Result(Question(Jump(name)), name, displayable(name, 60), seen, findings, True, outside.now())
    tab(app).draw()  # type: ignore[arg-type]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_why_a_jump_host_is_lost_is_text(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lost(QuietLocal):
        async def open(self, deadline: float) -> None:
            raise VantageLost(text)

    monkeypatch.setattr(inbound_view, "jump_vantage", lambda name, asker: Lost())
    async with inbound() as (app, pilot):
        view(app).outside.ask(Question(Jump(text)), None, view(app).on_site)
        await until(pilot, lambda: not view(app).outside.busy and summary(app).startswith("✗"))
        assert clean(screen(app))
        assert not app._exit
