"""A jump host's questions are asked on the screen; going back declines, and what was typed is handed on once."""

from __future__ import annotations

import pytest
from stage import World, screen, until
from textual.widgets import Input

from aetui.screens.app import AetuiApp
from aetui.screens.asking import ScreenAsker
from aetui.vantage.asker import Accept, HostKeyQuestion, SecretKind, SecretQuestion

KEY = HostKeyQuestion("site-a", "ssh-ed25519", "SHA256:2f9c")
PASSWORD = SecretQuestion(SecretKind.PASSWORD, "site-a", "tech")


@pytest.mark.parametrize(
    ("keys", "answer"),
    [(("enter",), Accept.REFUSE), (("down", "enter"), Accept.ONCE), (("down", "down", "enter"), Accept.ADD), (("escape",), Accept.REFUSE)],
    ids=["refusing comes first", "once", "and remember", "going back refuses"],
)
async def test_an_unknown_host_key_is_shown_with_its_fingerprint_and_asked_about(keys: tuple[str, ...], answer: Accept) -> None:
    app = AetuiApp(prepare=World().prepare, encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "What does the site have?" in screen(app))
        worker = app.run_worker(ScreenAsker(app).host_key(KEY))
        await until(pilot, lambda: "SHA256:2f9c" in screen(app))
        assert "site-a" in screen(app)
        await pilot.press(*keys)
        assert await worker.wait() is answer


async def test_a_password_is_not_shown_and_is_handed_on() -> None:
    app = AetuiApp(prepare=World().prepare, encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "What does the site have?" in screen(app))
        worker = app.run_worker(ScreenAsker(app).secret(PASSWORD))
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"hunter2")
        assert "hunter2" not in screen(app)
        assert not app.screen.query_one(Input).cursor_blink
        await pilot.press("enter")
        assert await worker.wait() == "hunter2"


async def test_declining_a_password_gives_nothing() -> None:
    app = AetuiApp(prepare=World().prepare, encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "What does the site have?" in screen(app))
        worker = app.run_worker(ScreenAsker(app).secret(PASSWORD))
        await until(pilot, lambda: app.screen.query(Input))
        await pilot.press("escape")
        assert await worker.wait() is None
