"""Starting: what is loaded before the first paint, which terminals are refused, and the embedded site played for real."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from stage import finished, idle, listed, screen, summary, tab, until

from aetui.screens.app import AetuiApp
from aetui.screens.launch import Launch
from aetui.screens.picker import Picker
from aetui.screens.tabs import TABS

ROOT = Path(__file__).parents[2]
HEAVY = ("paramiko", "scapy", "dns", "OpenSSL", "cryptography", "psutil", "aetui.session", "aetui.probes", "aetui.prepare", "aetui.causes")


def python(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run some code in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environ}, cwd=ROOT
    )


def test_nothing_of_the_engine_is_loaded_for_the_first_paint() -> None:
    code = (
        "import sys\n"
        "from aetui.screens.app import AetuiApp\n"
        "from aetui.screens.tabs import TABS\n"
        "AetuiApp(); TABS[0].load()\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("term", "arguments"), [("dumb", ()), ("", ()), ("dumb", ("--demo",))], ids=["dumb", "no TERM", "dumb, with the demo"])
def test_a_dumb_terminal_is_refused_in_one_line_that_names_the_command_without_a_screen(term: str, arguments: tuple[str, ...]) -> None:
    """Standard streams are a real terminal here: only TERM is wrong."""
    done = in_a_terminal(arguments, TERM=term)
    assert done == (2, "aetui: the console needs a full-screen terminal; `aetui check EQUIPMENT` does the same in plain lines\r\n")


def test_without_a_terminal_the_console_is_refused() -> None:
    done = python("from aetui.cli.main import entry; import sys; sys.argv = ['aetui', '--demo']; entry()", TERM="xterm")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "aetui check" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--demo", "helthy"), "no scenario is called 'helthy'; did you mean healthy?"),
        (("--equipment", "pm200"), "unknown equipment 'pm200'; did you mean pm2000?"),
        (("--from", "moon"), "'moon' is no vantage"),
        (("--deadline", "0"), "a deadline of 0 s is not between"),
        (("--catalogue", "/nonexistent.toml"), "/nonexistent.toml"),
    ],
    ids=lambda v: v[0] if isinstance(v, tuple) else "",
)
def test_a_wrong_call_is_one_sentence_and_no_screen(arguments: tuple[str, ...], said: str) -> None:
    status, text = in_a_terminal(arguments if "--demo" in arguments else (*arguments, "--demo"), TERM="xterm-256color")
    assert status == 2
    assert said in text
    assert text.count("\n") == 1
    assert "\x1b" not in text


def in_a_terminal(arguments: tuple[str, ...], **environ: str) -> tuple[int, str]:
    """Exit status and output of ``aetui`` on a pseudo-terminal."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, "-m", "aetui", *arguments], {**os.environ, **environ})
    said = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        said += piece
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said.decode()


# ---------------------------------------------------------------------------------------------------------------- for real
@pytest.mark.parametrize(
    ("scenario", "word", "row"),
    [("healthy", "Ready", "✓ ok       www.alsoenergy.com"), ("port-refused", "Blocked", "Refused: nothing listens there")],
)
async def test_the_embedded_site_is_checked_over_real_sockets(scenario: str, word: str, row: str) -> None:
    app = AetuiApp(Launch(equipment=("pm2000",), demo=scenario), encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        await finished(pilot)
        assert word in summary(app)
        assert any(row in each for each in listed(app))
        assert f"demo site: {scenario}" in screen(app)
        assert app.runner.state is not None
        before = app.runner.state.session
        await pilot.press("r")
        await until(pilot, lambda: app.runner.state is not None and app.runner.state.session != before and idle(app))
        assert word in summary(app)


def test_only_tabs_that_can_be_opened_are_listed() -> None:
    assert [one.load().TAB for one in TABS] == [one.name for one in TABS]
    assert len({one.key for one in TABS}) == len({one.name for one in TABS}) == len(TABS)


async def test_the_first_question_waits_until_its_tab_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = threading.Event()

    def slowly(name: str) -> ModuleType:
        elsewhere.wait(20)
        return import_module(name)

    monkeypatch.setattr("aetui.screens.outbound.import_module", slowly)
    app = AetuiApp(Launch(demo="healthy"), encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        outbound = tab(app)
        await pilot.press("4")
        await until(pilot, lambda: app.current_mode == "history")
        elsewhere.set()
        await until(pilot, lambda: outbound.view is not None)
        await pilot.pause()
        assert not isinstance(app.screen, Picker)
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, Picker))
        await pilot.press("escape", "4", "1")
        await pilot.pause()
        assert not isinstance(app.screen, Picker), "asked once, not at every visit"


async def test_the_first_question_can_be_left_for_another_tab_by_its_number() -> None:
    app = AetuiApp(Launch(demo="healthy"), encoding="utf-8")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Picker))
        assert "5 opens the guide" in screen(app)
        await pilot.press("5")
        await until(pilot, lambda: app.current_mode == "guide")
        assert not isinstance(app.screen, Picker)
        await pilot.press("1")
        await pilot.pause()
        assert app.screen is tab(app), "the question is over, not waiting there"
