"""From outside: the demo's five scenarios, a real OpenSSH jump host with everything that it asks, the other half, corrections, trouble."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from holdups import HoldUps
from inbound_stage import (
    LOOPBACK,
    QuietLocal,
    detail,
    exposure,
    fill,
    free_ports,
    inbound,
    keys,
    listed,
    opened,
    page,
    row,
    summary,
    tab,
    view,
)
from stage import screen, until
from textual.widgets import Input

from aetui.observations import Outcome, TcpSeen
from aetui.records import VantageInfo
from aetui.screens import inbound_site, inbound_view
from aetui.screens.inbound_outside import Here, Jump, OnSite, Outside, Question
from aetui.screens.inbound_site import Settings, Site
from aetui.screens.learnt import here
from aetui.screens.reader import Reader
from aetui.screens.widgets.rows import Rows
from aetui.store.jumphosts import remember, remembered
from aetui.vantage.asker import Accept, HostKeyQuestion, SecretKind, SecretQuestion
from aetui.vantage.base import PLAIN, Capability, Connection, Shape, VantageLost
from aetui.wire import x224

sys.path.append(str(Path(__file__).parents[1] / "vantage"))
sys.path.append(str(Path(__file__).parents[1] / "unit"))
from fake_vantage import MockStream
from jump_sshd import generate, sshd

PUBLIC = "192.31.196.200"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A home of the test's own, and nothing but loopback."""
    monkeypatch.setattr(inbound_site, "EVERYWHERE", LOOPBACK)
    monkeypatch.setattr(inbound_view, "local_vantage", QuietLocal)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AETUI_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


# ------------------------------------------------------------------------------------------------------------------- in the demo
SCENARIOS = [
    ("healthy", "✓ Equipment answers", "works", "The equipment answers from outside: port 3389."),
    ("forward-missing", "✗ Does not work", "failed", "The router does not pass the port on: ports 3389 and 23."),
    ("forward-refused", "✗ Does not work", "failed", "The connection is refused: ports 3389 and 23."),
    ("forward-elsewhere", "✗ Does not work", "failed", "The forward leads to the wrong place: port 3389."),
    ("service-down", "✗ Does not work", "failed", "The equipment itself does not answer: ports 3389 and 23."),
]


@pytest.mark.parametrize(("scenario", "word", "sign", "title"), SCENARIOS, ids=[s[0] for s in SCENARIOS])
async def test_each_demo_site_is_told_by_its_cause_with_owner_remedy_and_evidence(scenario: str, word: str, sign: str, title: str) -> None:
    async with inbound(demo=scenario) as (app, pilot):
        await pilot.press("t")
        await until(pilot, lambda: view(app).outside.result is not None and not view(app).outside.busy)
        await until(pilot, lambda: summary(app).startswith(word))
        assert sign in row(app, title)
        assert "What was seen" in detail(app)
        if sign == "failed":
            assert "Who mends it" in detail(app)
            assert "\n1. " in detail(app)
            assert "Who mends it" in summary(app)
        await pilot.press("question_mark")
        assert isinstance(app.screen, Reader)
        for label in ("What it means", "How we know", "What was seen", "Who mends it", "What to do", "Cause "):
            assert label in page(app)


async def test_in_the_demo_the_forward_leads_to_the_open_listener_and_is_proved_by_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(scenario: str, listener: object) -> None:
        """Strangers come sooner or later than the question ends, and are warned of on top."""

    monkeypatch.setattr(inbound_site, "_call", nobody)
    async with inbound(demo="healthy") as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: "EXPOSED" in exposure(app))
        await pilot.press("t")
        await until(pilot, lambda: "lead to the listener on site: its answer to our code came back" in summary(app))
        await until(pilot, lambda: "The listener's answer came back" in detail(app))
        assert tab(app).query_one(Rows).key == "finding:0", "what is new stands on top, and is what the details say"
        assert "The port forward works: port 23." in row(app, "port 23.")
        tab(app).query_one(Rows).select("finding:0")
        await until(pilot, lambda: "Arrived at      port 3389, from 192.52.193.242" in detail(app))
        assert any(knock.token == "matched" for knock in view(app).site.listener.knocks)  # type: ignore[union-attr]


async def test_strangers_among_the_knocks_are_warned_of_beside_the_forward_that_works() -> None:
    async with inbound(demo="healthy") as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: "SSH" in row(app, "203.0.113.80") and "web" in row(app, "zgrab"))
        await pilot.press("t")
        await until(pilot, lambda: summary(app).startswith("! Forward works From outside, ports 3389 and 23"))
        assert row(app, "Anybody can reach the port: ports").startswith("! warning")
        tab(app).query_one(Rows).select("finding:0")
        await until(pilot, lambda: "203.0.113.80" in detail(app))
        assert "\n1. Have the forward limited" in detail(app), "what to do"
        assert "Who mends it" in detail(app)
        await until(pilot, lambda: sum("the other half" in line for line in listed(app)) > 2)
        assert summary(app).startswith("! Forward works From outside"), "a later knock at a port that was shown to work takes no warning away"


async def test_a_missing_forward_is_found_while_the_listener_is_open() -> None:
    async with inbound(demo="forward-missing") as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: "EXPOSED" in exposure(app))
        await pilot.press("t")
        await until(pilot, lambda: summary(app).startswith("✗ Does not work"))
        assert "shut port 23: silence" in "\n".join(" ".join(line.split()) for line in listed(app))


async def test_an_answer_on_a_mapped_port_is_asked_for_by_correcting_the_address() -> None:
    async with inbound(demo="healthy") as (app, pilot):
        await pilot.press("t")
        await until(pilot, lambda: view(app).outside.result is not None)
        await until(pilot, lambda: "p Address" in keys(app))
        await pilot.press("p")
        await until(pilot, lambda: app.screen.query(Input))
        await fill(pilot, "ports", "53389:3389")
        await fill(pilot, "public", "not an address")
        await pilot.press("enter")
        assert "'not an address' is no address or name." in screen(app)
        await fill(pilot, "public", PUBLIC)
        await pilot.press("enter")
        await until(pilot, lambda: row(app, "port 53389, inside 3389: refused"))
        question = view(app).outside.question
        assert question is not None
        assert (question.public, question.forwards) == (PUBLIC, ((53389, 3389),))
        await pilot.press("r")
        await until(pilot, lambda: not view(app).outside.busy)
        assert view(app).outside.question == question, "once more is the same question"


async def test_the_other_half_knocks_from_here_with_the_code_that_the_site_shows() -> None:
    async with inbound(demo="healthy") as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: app.screen.query(Input))
        await fill(pilot, "place", f"{PUBLIC}:3389")
        await fill(pilot, "code", "wrong")
        await pilot.press("enter")
        assert "'wrong' is no code: it has 8 letters and digits" in " ".join(screen(app).split())
        await fill(pilot, "code", "7k3m q9xd")
        await pilot.press("enter")
        await until(pilot, lambda: view(app).outside.result is not None and not view(app).outside.busy)
        assert view(app).outside.question == Question(Here(), PUBLIC, ((3389, 3389),), code="7K3M-Q9XD")
        await until(pilot, lambda: "The equipment answers from outside: port 3389." in row(app, "works"))
        assert "PM2000" in detail(app)


async def test_a_test_that_runs_is_stopped_by_a_key() -> None:
    async with inbound(demo="forward-missing") as (app, pilot):
        await pilot.press("t")
        await until(pilot, lambda: summary(app).startswith("· Knocking"))
        assert "c Stop" in keys(app)
        await pilot.press("c")
        await until(pilot, lambda: not view(app).outside.busy)
        assert view(app).outside.result is None
        await pilot.press("t")
        await until(pilot, lambda: summary(app).startswith("· "))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not view(app).outside.busy)
        assert not app._exit


# ------------------------------------------------------------------------------------------------------- with a real jump host
def at_home(folder: Path, text: str) -> None:
    """An ssh configuration in the test's home."""
    (folder / ".ssh").mkdir(exist_ok=True)
    (folder / ".ssh" / "config").write_text(text)


async def test_through_a_real_jump_host_everything_is_asked_on_screen_and_the_code_comes_back(tmp_path: Path) -> None:
    """An unknown host key, a key's passphrase, no public address told: each is asked; then the token goes through SSH and back."""
    (port,) = free_ports(1)
    async with sshd(tmp_path, known=False) as server:
        for name in ("id", "id.pub"):
            (tmp_path / name).unlink()
        generate(tmp_path / "id", passphrase="open sesame")
        (tmp_path / "authorized_keys").write_text((tmp_path / "id.pub").read_text())
        at_home(tmp_path, server.config_text("site-noc"))
        async with inbound() as (app, pilot):
            await opened(pilot, [port])
            await pilot.press("t")
            await until(pilot, lambda: "site-noc" in screen(app))
            assert "in the ssh configuration" in screen(app)
            await pilot.press("t")
            await until(pilot, lambda: "A host key that is not known" in screen(app))
            assert "SHA256:" in screen(app)
            await pilot.press("down", "enter")
            await until(pilot, lambda: "Passphrase of the key" in screen(app))
            await pilot.press(*("space" if c == " " else c for c in "open sesame"))
            assert "sesame" not in screen(app)
            await pilot.press("enter")
            await until(pilot, lambda: "✓ works" in screen(app))
            assert remembered() == ("site-noc",)
            await pilot.press("enter")
            await until(pilot, lambda: "Type it" in screen(app) or "The site's public address, and its ports" in screen(app))
            await fill(pilot, "public", LOOPBACK)
            await pilot.press("enter")
            await until(pilot, lambda: view(app).outside.result is not None and not view(app).outside.busy)
            reached = view(app).outside.result.seen.outside  # type: ignore[union-attr]
            assert [(one.target.port, one.token.value, one.vantage.kind) for one in reached] == [(port, "matched", "jump")]
            assert "nobody outside can reach this address" in row(app, f"port {port}:"), "loopback proves nothing of the outside, and it is said"
            await until(pilot, lambda: row(app, "✓ our code"))
            assert all("sesame" not in str(value) for value in vars(view(app).outside).values())


async def test_a_jump_host_that_cannot_be_had_is_one_sentence_and_can_be_forgotten(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    at_home(tmp_path, f"Host dead\n  HostName {LOOPBACK}\n  Port {port}\n\nHost *.lab\n  User x\n")
    remember(f"tech@{LOOPBACK}:{port}")
    async with inbound() as (app, pilot):
        await pilot.press("t")
        await until(pilot, lambda: "dead" in screen(app))
        assert "*.lab" not in screen(app), "patterns are no hosts"
        await pilot.press("t")
        await until(pilot, lambda: "✗ failed" in screen(app))
        assert f"cannot be reached on port {port}: Connection refused." in " ".join(screen(app).split())
        await pilot.press("x")
        await until(pilot, lambda: "tech@" not in screen(app))
        assert remembered() == ()
        await pilot.press("enter")
        await until(pilot, lambda: summary(app).startswith("✗ Not tested"))
        assert row(app, "failed").startswith("✗ failed The jump host 127.0.0.1 cannot be reached")
        tab(app).query_one(Rows).select("fault")
        await until(pilot, lambda: "T chooses or tries another jump host" in detail(app))


async def test_another_jump_host_is_named_and_tried_at_once(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with inbound() as (app, pilot):
        await pilot.press("t")
        await until(pilot, lambda: "No jump host is known." in screen(app))
        await pilot.press("a")
        await until(pilot, lambda: app.screen.query(Input))
        await fill(pilot, "name", "-oProxyCommand")
        await pilot.press("enter")
        assert "is no jump host" in screen(app)
        await fill(pilot, "name", f"tech@{LOOPBACK}:{port}")
        await pilot.press("enter")
        await until(pilot, lambda: "✗ failed" in screen(app))
        assert remembered() == (), "only one that works is remembered"


async def test_a_lost_jump_host_says_why_and_is_opened_anew_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    class Lost(QuietLocal):
        async def open(self, deadline: float) -> None:
            made.append("opened")
            raise VantageLost("the jump host broke: [/] \x1b[2J")

    monkeypatch.setattr(inbound_view, "jump_vantage", lambda name, asker: Lost())
    async with inbound() as (app, pilot):
        for time in (1, 2):
            assert view(app).outside.ask(Question(Jump("noc")), None, view(app).on_site)
            await until(pilot, lambda: not view(app).outside.busy)
            assert len(made) == time
        assert "the jump host broke: [/] \\x1b[2J" in summary(app)
        assert not app._exit


async def test_the_questions_of_a_jump_host_go_through_the_screen_and_no_answer_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[object] = []

    def make(name: str, asker: object) -> object:
        class Asks(QuietLocal):
            async def open(self, deadline: float) -> None:
                answers.append(await asker.host_key(HostKeyQuestion(name, "ssh-ed25519", "SHA256:2f9c")))  # type: ignore[attr-defined]
                answers.append(await asker.secret(SecretQuestion(SecretKind.PASSWORD, name, getpass.getuser())))  # type: ignore[attr-defined]
                raise VantageLost("enough")

        return Asks()

    monkeypatch.setattr(inbound_view, "jump_vantage", make)
    async with inbound() as (app, pilot):
        view(app).outside.ask(Question(Jump("noc")), None, view(app).on_site)
        await until(pilot, lambda: "SHA256:2f9c" in screen(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"hunter2", "enter")
        await until(pilot, lambda: not view(app).outside.busy)
        assert answers == [Accept.ONCE, "hunter2"]
        assert "hunter2" not in repr(vars(view(app).outside)) + repr(vars(tab(app)))


def reaching(outcomes: dict[str, Outcome]) -> Callable[..., object]:
    """Jump hosts at public addresses of their own, from each of which the site's ports do the same."""

    def make(name: str, asker: object) -> object:
        class Far(QuietLocal):
            @property
            def info(self) -> VantageInfo:
                return VantageInfo("jump", name, address=f"203.0.113.{len(name)}")

            @property
            def capabilities(self) -> frozenset[Capability]:
                return frozenset({Capability.TCP})

            async def connect(self, address: str, port: int, deadline: float, shape: Shape = PLAIN) -> Connection:
                stream = MockStream([x224.confirm(x224.Confirm(failure=5))]) if outcomes[name] is Outcome.OPEN else None
                return Connection(TcpSeen(address, port, outcomes[name]), stream)

        return Far()

    return make


SEVERAL = [
    ("both get in", {"noc": Outcome.OPEN, "branch": Outcome.OPEN}, "", "! warning Anybody can reach the port: port 3389."),
    ("one does not", {"noc": Outcome.OPEN, "branch": Outcome.FILTERED}, "", "The forward lets in some addresses alone: port 3389."),
    ("neither does", {"noc": Outcome.FILTERED, "branch": Outcome.FILTERED}, "", "✗ shut port 3389, from branch: silence"),
    ("one alone was meant to", {"noc": Outcome.OPEN, "branch": Outcome.OPEN}, "203.0.113.3", "! warning Anybody can reach the port: port 3389."),
    ("both were meant to", {"noc": Outcome.OPEN, "branch": Outcome.OPEN}, "203.0.113.0/24", "✓ works The equipment answers from outside: port 3389."),
]


@pytest.mark.parametrize(("outcomes", "meant", "said"), [row[1:] for row in SEVERAL], ids=[row[0] for row in SEVERAL])
async def test_several_jump_hosts_are_marked_and_knock_at_once(
    outcomes: dict[str, Outcome], meant: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    at_home(tmp_path, "Host noc\n  HostName 203.0.113.3\n\nHost branch\n  HostName 203.0.113.6\n")
    monkeypatch.setattr(inbound_view, "jump_vantage", reaching(outcomes))
    async with inbound() as (app, pilot):
        await pilot.press("t")
        await until(pilot, lambda: "branch" in screen(app))
        await pilot.press("space")
        assert "+" in next(line for line in screen(app).splitlines() if "noc" in line)
        await pilot.press("space", "space", "down", "enter")  # away, and there again
        await until(pilot, lambda: view(app).outside.needs_address or "Type it" in screen(app) or bool(app.screen.query("#field-public")))
        await fill(pilot, "public", PUBLIC)
        await fill(pilot, "ports", "3389")
        await fill(pilot, "meant", meant)
        await pilot.press("enter")
        await until(pilot, lambda: view(app).outside.result is not None and not view(app).outside.busy)
        await until(pilot, lambda: "Seen from noc and branch" in "\n".join(listed(app)))
        assert row(app, said.split(" ", 2)[2] if said[0] in "!✗✓" else said), "\n".join(listed(app))
        assert remembered()[:2] == ("noc", "branch")
        assert len(view(app).outside.result.seen.outside) == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(("name", "made"), [("noc", "JumpVantage"), ("ssh:noc", "SystemSshVantage")])
def test_a_name_says_by_which_ssh_a_jump_host_is_reached(name: str, made: str) -> None:
    from aetui.vantage.asker import TerminalAsker

    assert type(inbound_view.jump_vantage(name, TerminalAsker())).__name__ == made


async def test_leaving_gives_the_jump_host_back(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    class Held(QuietLocal):
        async def close(self) -> None:
            closed.append("closed")
            await super().close()

    monkeypatch.setattr(inbound_view, "jump_vantage", lambda name, asker: Held())
    async with inbound() as (app, pilot):
        await view(app).outside.open("noc")
        assert remembered() == ("noc",)
        await pilot.press("q")
    await asyncio.sleep(0)
    assert closed == ["closed"]


# ------------------------------------------------------------------------------------------------- what goes wrong, and what lasts
async def test_a_fault_of_ours_is_said_in_one_sentence_and_the_console_ends_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(QuietLocal):
        async def open(self, deadline: float) -> None:
            raise ValueError("odd [/] \x1b[2J")

    remember("noc")
    monkeypatch.setattr(inbound_view, "jump_vantage", lambda name, asker: Odd())
    async with inbound() as (app, pilot):
        view(app).outside.ask(Question(Jump("noc")), None, view(app).on_site)
        await until(pilot, lambda: not view(app).outside.busy and "ValueError" in summary(app))
        assert "odd [/] \\x1b[2J" in summary(app)
        await pilot.press("T")
        await until(pilot, lambda: "noc" in screen(app))
        await pilot.press("t")
        await until(pilot, lambda: "✗ failed" in screen(app) and "ValueError" in screen(app))
        await pilot.press("escape", "q")
        await until(pilot, lambda: not app.is_running)
    assert app.return_code == 0


class Slow(QuietLocal):
    """Takes its time to be given back, whoever asks for less."""

    async def close(self) -> None:
        end = asyncio.get_running_loop().time() + 1.0
        while asyncio.get_running_loop().time() < end:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("what", ["a jump host", "a question", "a listener"])
async def test_the_end_waits_for_nothing_that_takes_long(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    outside, site = Outside(lambda: None, lambda name: Slow(), Slow), Site(lambda: None)
    if what == "a jump host":
        await outside.open("noc")
    elif what == "a question":
        outside.ask(Question(Here(), LOOPBACK, ((free_ports(1)[0],) * 2,)), None, OnSite())
        await asyncio.sleep(0.05)
    else:
        monkeypatch.setattr(inbound_site.HalfOpenWatch, "stop", Slow.close)
        site.settings = Settings(ports=tuple(free_ports(1)))
        await site.open()
    loop = asyncio.get_running_loop()
    with HoldUps() as held:
        began = loop.time()
        await asyncio.gather(outside.close(), site.end())
        took = loop.time() - began
    assert took - held.seconds < 0.6
    await asyncio.sleep(1.2)


class Seeing(QuietLocal):
    """A jump host that sees the site at a public address, until its line drops."""

    dropped = False

    def __init__(self) -> None:
        super().__init__()
        self.closed = 0

    async def client_address(self) -> str:
        if self.dropped:
            raise VantageLost("the line dropped")
        return PUBLIC

    async def close(self) -> None:
        self.closed += 1
        await super().close()


async def test_what_a_jump_host_saw_once_is_not_told_again_by_every_repaint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound_view, "jump_vantage", lambda name, asker: Seeing())
    async with inbound() as (app, pilot):
        await view(app).outside.open("noc")
        known = app.learnt.public(here(None))
        assert known is not None
        assert (known.address, known.place) == (PUBLIC, "noc")
        app.learnt.forget(here(None))
        tab(app).draw()
        assert app.learnt.public(here(None)) is None, "the computer is in another network"
        view(app).outside.question = Question(Jump("noc"))
        await pilot.press("p")
        await until(pilot, lambda: app.screen.query(Input))
        assert PUBLIC not in screen(app)
        await view(app).outside.open("noc")
        assert app.learnt.public(here(None)) == known, "seen anew"


async def test_a_jump_host_whose_line_dropped_is_opened_anew_when_it_is_tried() -> None:
    made: list[Seeing] = []

    def make(name: str) -> Seeing:
        made.append(Seeing())
        return made[-1]

    outside = Outside(lambda: None, make, QuietLocal)
    first = await outside.open("noc")
    assert await outside.open("noc") is first
    made[0].dropped = True
    assert await outside.open("noc") is made[1]
    assert [one.closed for one in made] == [1, 0]
    assert (outside.seen_as, outside.host) == (PUBLIC, "noc")
    await outside.close()
    assert [one.closed for one in made] == [1, 1]


class Nameless(Seeing):
    """Knows no name."""

    async def lookup(self, name: str, deadline: float) -> tuple[str, ...]:
        return ()


async def test_a_name_that_leads_nowhere_costs_nobody_the_jump_host() -> None:
    made: list[Seeing] = []

    def make(name: str) -> Seeing:
        made.append(Nameless())
        return made[-1]

    outside = Outside(lambda: None, make, Nameless)
    assert outside.ask(Question(Jump("noc"), "nowhere.example"), None, OnSite())
    async with asyncio.timeout(10):
        while outside.busy:
            await asyncio.sleep(0.01)
    assert "nowhere.example leads to no address" in outside.fault
    assert await outside.open("noc") is made[0], "a password would have to be typed again"
    await outside.close()
    assert [one.closed for one in made] == [1]


async def test_the_cursor_stays_where_the_person_put_it_when_a_try_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    go = asyncio.Event()

    class Waits(QuietLocal):
        async def open(self, deadline: float) -> None:
            await go.wait()

    for name in ("third", "second", "first"):
        remember(name)
    monkeypatch.setattr(inbound_view, "jump_vantage", lambda name, asker: Waits())
    async with inbound() as (app, pilot):
        await pilot.press("t")
        await until(pilot, lambda: "third" in screen(app))
        await pilot.press("t")
        await until(pilot, lambda: view(app) and "trying" in screen(app))
        await pilot.press("down")
        rows = app.screen.query_one(Rows)
        assert rows.key == "second"
        go.set()
        await until(pilot, lambda: "✓ works" in screen(app))
        assert rows.key == "second"


async def test_another_demo_site_chosen_in_another_tab_leaves_nothing_of_the_one_before() -> None:
    async with inbound(demo="healthy") as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: "EXPOSED" in exposure(app) and view(app).site.entries)
        await pilot.press("t")
        await until(pilot, lambda: view(app).outside.result is not None and not view(app).outside.busy)
        inbound_tab, site = tab(app), view(app).site
        listener = site.listener
        assert listener is not None
        await pilot.press("1")
        app.relaunch(demo="forward-missing")
        await pilot.press("3")
        await until(pilot, lambda: app.screen is inbound_tab)
        await until(pilot, lambda: "Nothing is open" in exposure(app))
        assert summary(app).startswith("· Not tested")
        assert (view(app).outside.result, site.entries, site.knocks, site.ports) == (None, (), (), ())
        assert (await listener.stopped()).reason == "asked"
        assert "3 Inbound " in screen(app).splitlines()[0]
        await pilot.press("s")
        await until(pilot, lambda: "EXPOSED" in exposure(app))
        await pilot.press("t")
        await until(pilot, lambda: summary(app).startswith("✗ Does not work"))
