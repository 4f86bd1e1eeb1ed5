"""Text from the network is shown and never obeyed: no markup, no escape codes, no bidi, no flood, wherever the console shows it."""

from __future__ import annotations

import pytest
from stage import HEALTHY, World, certificate, console, detail, finished, names, screen, tab, until

from aetui.observations import BannerSeen, Ended, HttpSeen, Observation, TlsSeen, Verification
from aetui.prepare import Refused
from aetui.records import Check
from aetui.screens.app import AetuiApp
from aetui.screens.asking import ScreenAsker
from aetui.screens.widgets.rows import Rows
from aetui.vantage.asker import HostKeyQuestion, SecretKind, SecretQuestion

HOSTILE = {
    "a closing tag": "[/] ready",
    "a link that acts": "[@click=app.quit]press me[/]",
    "a style that is none": "[nonsense on nothing]x[/nonsense]",
    "escape codes": "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "another direction": "\u202egnp.exe\u2066",
    "carriage returns": "ok\r\nPASS\r",
    "wide and combining": "\uff21" * 30 + "e\u0301\u0301\u0301\u0301\u0301\u0301",
    "ten thousand": "A" * 10_000,
    "not a character": "\ud800\udfff\ufffe",
}
RAW = set("\x1b\x07\x9b\r\u202e\u2066\ud800\udfff\ufffe")


def world(text: str) -> World:
    """Everything that a peer can say says it."""

    def tls(check: Check, _time: int) -> Observation:
        leaf = certificate(f"CN={text},O={text}", (text,))
        return TlsSeen(check.host or "", Ended.DONE, "finished", text, text, text, (leaf,), Verification(False, 20, text), None, None, True)

    def http(check: Check, _time: int) -> Observation:
        headers = (("server", text), ("location", text))
        return HttpSeen(f"http://{check.host}/", Ended.DONE, 200, text, headers, text, text.encode("utf-8", "replace"), text)

    def dns(check: Check, _time: int) -> Observation:
        return HEALTHY["dns"](check) if check.about.get("purpose") == "canary" else names(check)

    banner = BannerSeen(Ended.GARBLED, text, text, text.encode("utf-8", "replace"))
    return World({"tls:": tls, "http:": http, "ssh:": banner, "dns:": dns})


def clean(text: str) -> bool:
    """True where nothing raw is on the screen."""
    return not RAW & set(text)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_peers_say_is_shown_as_text_on_every_page(text: str) -> None:
    app = console(world(text), equipment=("acquisuite",))
    async with app.run_test(size=(120, 40)) as pilot:
        await finished(pilot)
        await pilot.press("x")
        assert clean(screen(app))
        scene = tab(app).view.scene  # type: ignore[union-attr]
        rows = tab(app).query_one(Rows)
        for identity in [i for i in scene.state.checks if i.startswith(("tls:www", "http:www", "ssh:"))]:
            if not rows.select(identity):
                continue
            await pilot.pause()
            assert clean(detail(app))
            for page in ("enter", "question_mark"):
                await pilot.press(page)
                assert clean(screen(app))
                await pilot.press("escape")
        assert not app._exit


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_reason_why_nothing_could_be_started_is_text(text: str) -> None:
    app = console(World(unopened=Refused(f"no: {text}")))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Cannot go on" in screen(app))
        assert clean(screen(app))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_a_jump_host_asks_is_text(text: str) -> None:
    app = AetuiApp(prepare=World().prepare, encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "What does the site have?" in screen(app))
        asker = ScreenAsker(app)
        for asked in (
            asker.secret(SecretQuestion(SecretKind.INTERACTIVE, text, text, text)),
            asker.host_key(HostKeyQuestion(text, text, "SHA256:abc")),
        ):
            worker = app.run_worker(asked, exit_on_error=False)
            await pilot.pause(0.05)
            assert clean(screen(app))
            await pilot.press("escape")
            await worker.wait()
