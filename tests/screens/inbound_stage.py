"""What the Inbound tab's tests stand on: the console on that tab, real callers on loopback, and ways to look at what it shows."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from stage import World, screen, until
from textual.pilot import Pilot

from aetui.reach import Knock
from aetui.records import VantageInfo
from aetui.screens.app import AetuiApp
from aetui.screens.inbound import Inbound
from aetui.screens.inbound_view import View
from aetui.screens.launch import Launch
from aetui.screens.widgets.bars import KeyBar
from aetui.screens.widgets.lines import Lines
from aetui.screens.widgets.page import Page
from aetui.screens.widgets.rows import Rows
from aetui.vantage.local import LocalVantage
from aetui.wire import token, x224

LOOPBACK = "127.0.0.1"
RDP = x224.request(cookie="support")
TELNET = b"\xff\xfb\x18\xff\xfd\x03"
SPOKEN = {
    "Remote Desktop: support": RDP,
    "telnet: WILL TTYPE, DO SGA": TELNET,
    "SSH: SSH-2.0-Go": b"SSH-2.0-Go\r\n",
    "web: zgrab": b"GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla/5.0 zgrab/0.x\r\n\r\n",
    "not known": b"\x01\x02\x03" + bytes(40),
}
"""What the list says of a caller, and what the caller sent."""


class QuietLocal(LocalVantage):
    """This computer, without a router that could be asked: nothing leaves loopback."""

    @property
    def info(self) -> VantageInfo:
        return VantageInfo("local", "this computer", "lo", "192.168.50.20", None, ())


@asynccontextmanager
async def inbound(
    *, demo: str | None = None, size: tuple[int, int] = (80, 24), encoding: str = "utf-8"
) -> AsyncIterator[tuple[AetuiApp, Pilot[Any]]]:
    """The console with the Inbound tab open and loaded."""
    app = AetuiApp(Launch(demo=demo), prepare=World().prepare, encoding=encoding)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "What does the site have?" in screen(app))
        await pilot.press("escape", "3")
        await until(pilot, lambda: isinstance(app.screen, Inbound) and app.screen.view is not None)
        await until(pilot, lambda: "Nothing is open" in screen(app))
        yield app, cast("Pilot[Any]", pilot)


def tab(app: AetuiApp) -> Inbound:
    """The tab, whatever page lies over it."""
    return next(one for one in app.screen_stack if isinstance(one, Inbound))


def view(app: AetuiApp) -> View:
    """What it draws from."""
    found = tab(app).view
    assert found is not None
    return found


def summary(app: AetuiApp) -> str:
    """The two lines on top, as one sentence."""
    return " ".join(" ".join(line.text.split()) for line in tab(app).query_one("#summary", Lines).lines).strip()


def exposure(app: AetuiApp) -> str:
    """The line that says whether a port is exposed."""
    return tab(app).query_one("#exposure", Lines).lines[0].text.strip()


def listed(app: AetuiApp) -> list[str]:
    """The list's rows as text."""
    return [line.text.rstrip() for line in tab(app).query_one(Rows).lines]


def row(app: AetuiApp, part: str) -> str:
    """The first row that says this; empty where none does."""
    said = (" ".join(text.removeprefix("▶").split()) for text in listed(app))
    return next((text for text in said if part in text), "")


def detail(app: AetuiApp) -> str:
    """What the details say."""
    return "\n".join(f"{para.lead}{para.text}" for para in tab(app).query_one("#details", Page).paras)


def page(app: AetuiApp) -> str:
    """What the page over the tab says."""
    return "\n".join(f"{para.lead}{para.text}" for para in app.screen.query_one(Page).paras)


def keys(app: AetuiApp) -> str:
    """The bar of keys."""
    return app.screen.query_one(KeyBar).lines[0].text.rstrip()


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody has now."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


async def call(port: int, said: bytes) -> bytes:
    """One caller: connects, says this, reads until it is let go."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(said)
        if not said:
            writer.write_eof()
        async with asyncio.timeout(10):
            return await reader.read(-1)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def present(port: int, code: str) -> bytes:
    """The other half's call with a code, as an RDP client brings it."""
    key = await asyncio.to_thread(token.Key.of, code)
    return await call(port, x224.request(cookie=token.as_cookie(token.hello(key))))


async def opened(pilot: Pilot[Any], ports: list[int], more: Callable[[], None] = lambda: None) -> None:
    """Type these ports into the settings and open them."""
    app = cast("AetuiApp", pilot.app)
    more()
    await pilot.press("e")
    await until(pilot, lambda: "Minutes" in screen(app))
    await fill(pilot, "ports", " ".join(map(str, ports)))
    await pilot.press("enter")
    await until(pilot, lambda: view(app).site.is_open and "EXPOSED" in exposure(app))


async def fill(pilot: Pilot[Any], key: str, text: str) -> None:
    """Type into one line of a form, over what is there."""
    from textual.widgets import Input

    field = pilot.app.screen.query_one(f"#field-{key}", Input)
    field.focus()
    field.value = ""
    await pilot.pause()
    await pilot.press(*(NAMED.get(c, c) for c in text))
    assert field.value == text


NAMED = {
    " ": "space",
    ".": "full_stop",
    ":": "colon",
    "/": "slash",
    "-": "minus",
    "@": "at",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
}


def knocks(app: AetuiApp) -> list[Knock]:
    """Those in the list, the newest first."""
    return [entry.knock for entry in view(app).site.entries]
