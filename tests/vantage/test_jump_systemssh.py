"""The jump host by the system's ssh: what its master says is read right, and its troubles are told."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jump_hostile import kexinit, raw
from jump_sshd import SSHD, Sshd, sshd
from vantage_peers import Peers
from vantage_world import Kind

from aetui.observations import Outcome
from aetui.vantage import systemssh
from aetui.vantage.reason import OpenRefused, forbidden
from aetui.vantage.systemssh import Master, SystemSshVantage
from aetui.vantage.trouble import JumpCode, JumpLost

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None or not Path(SSHD).exists(), reason="no OpenSSH")

PATIENCE = 20.0


def soon(seconds: float = PATIENCE) -> float:
    return asyncio.get_running_loop().time() + seconds


def of(server: Sshd, more: str = "") -> SystemSshVantage:
    config = server.config(more)
    return SystemSshVantage("hop", config, ("ssh", "-F", str(config.files[0])))


@asynccontextmanager
async def opened(server: Sshd) -> AsyncIterator[SystemSshVantage]:
    vantage = of(server)
    await vantage.open(soon())
    try:
        yield vantage
    finally:
        await vantage.close()


def heard(*lines: str) -> Master:
    master = Master()
    for line in lines:
        master.take(line)
    return master


def test_a_failure_goes_to_the_destination_that_had_the_channel() -> None:
    master = heard(
        "debug1: channel_connect_stdio_fwd: 192.0.2.1:80",
        "debug1: channel 2: new stdio-forward [stdio-forward] (inactive timeout: 0)",
        "debug1: channel_connect_stdio_fwd 2001:db8::1:443",
        "debug1: channel 4: new [stdio-forward]",
        "channel 4: open failed: administratively prohibited: open failed",
        "channel 2: open failed: connect failed: Connection refused",
    )
    assert list(master.failures["192.0.2.1:80"]) == [OpenRefused(2, "Connection refused")]
    assert list(master.failures["2001:db8::1:443"]) == [OpenRefused(1, "open failed")]


def test_what_is_said_of_a_forward_that_nobody_waits_for_is_not_the_next_one_s() -> None:
    master = heard("debug1: channel_connect_stdio_fwd: 192.0.2.1:80", "debug1: channel 2: new [stdio-forward]")
    master.forget("192.0.2.1:80")
    for line in ("debug1: channel_connect_stdio_fwd: 192.0.2.1:80", "debug1: channel 3: new [stdio-forward]"):
        master.take(line)
    master.take("channel 2: open failed: connect failed: Connection timed out")
    assert "192.0.2.1:80" not in master.failures
    master.take("channel 3: open failed: connect failed: Connection refused")
    assert list(master.failures["192.0.2.1:80"]) == [OpenRefused(2, "Connection refused")]


def test_the_words_that_are_no_debugging_are_kept() -> None:
    master = heard("OpenSSH_9.2p1", "debug1: x", "Permission denied (publickey).", "debug1: Entering interactive session.")
    assert (list(master.said), master.ready) == (["Permission denied (publickey)."], True)


@given(st.lists(st.text(max_size=80), max_size=20))
def test_any_line_is_taken(lines: list[str]) -> None:
    heard(*lines)


async def test_refusals_at_once_each_have_their_own_words(tmp_path: Path) -> None:
    async with Peers() as peers:
        refused, echo = peers.places()[Kind.REFUSED], peers.places()[Kind.ECHO]
        async with sshd(tmp_path, f"PermitOpen 127.0.0.1:{refused.port}") as server, opened(server) as vantage:
            seen = await asyncio.gather(*(vantage.connect(p.address, p.port, soon()) for p in (refused, echo) * 3))
            assert [(c.seen.outcome, c.seen.reason) for c in seen[::2]] == [(Outcome.REFUSED, "Connection refused")] * 3
            assert all(forbidden(c.seen) for c in seen[1::2])


async def test_what_it_tells_of_itself_is_as_by_the_built_in_ssh(tmp_path: Path) -> None:
    async with sshd(tmp_path) as server, opened(server) as vantage:
        assert (vantage.info.kind, vantage.info.address, vantage.info.missing) == ("jump", "127.0.0.1", ())
        assert await vantage.client_address() == "127.0.0.1"
        assert await vantage.run(("sh", "-c", "echo $((6 * 7)); exit 3"), soon()) == (3, b"42\n")


async def test_a_master_that_is_ended_is_one_clear_trouble(tmp_path: Path) -> None:
    async with Peers() as peers, sshd(tmp_path) as server, opened(server) as vantage:
        place = peers.places()[Kind.ECHO]
        stream = (await vantage.connect(place.address, place.port, soon())).stream
        assert stream is not None
        for pid in server.sessions():
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(JumpLost) as caught:
            await stream.read(1, soon())
            await vantage.connect(place.address, place.port, soon())
        assert caught.value.trouble.code is JumpCode.DIED
        with pytest.raises(JumpLost):
            await vantage.client_address()


async def test_what_waits_for_its_turn_until_its_time_is_over_was_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemssh, "OPENS_AT_ONCE", 1)
    async with Peers() as peers, sshd(tmp_path) as server, opened(server) as vantage:
        echo, silent = peers.places()[Kind.ECHO], peers.places()[Kind.SILENT]
        holds = asyncio.create_task(vantage.connect(silent.address, silent.port, soon(2.0)))
        await asyncio.sleep(0)
        waits = await vantage.connect(echo.address, echo.port, soon(0.5))
        assert not holds.done(), "it waits no longer than it was told to"
        assert (waits.seen.outcome, (waits.seen.reason or "")[:9]) == (Outcome.FAILED, "not tried")
        assert (await holds).seen.outcome is Outcome.FILTERED


async def test_a_frozen_session_is_stalled_and_nothing_is_called_filtered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemssh, "SIGN_OF_LIFE_S", 1.0)
    async with sshd(tmp_path) as server, opened(server) as vantage:
        frozen = server.sessions()
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(JumpLost) as caught:
                await vantage.connect("127.0.0.1", 9, soon(1.0))
            assert caught.value.trouble.code is JumpCode.STALLED
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)


async def failing(vantage: SystemSshVantage, seconds: float = PATIENCE) -> JumpLost:
    with pytest.raises(JumpLost) as caught:
        await vantage.open(soon(seconds))
    return caught.value


async def test_a_login_that_is_refused_is_told_in_openssh_s_words(tmp_path: Path) -> None:
    async with sshd(tmp_path) as server:
        (tmp_path / "authorized_keys").write_text("")
        error = await failing(of(server))
    assert error.trouble.code is JumpCode.SYSTEM_SSH
    assert "Permission denied (publickey)" in str(error)


async def test_a_host_key_that_is_not_known_is_refused(tmp_path: Path) -> None:
    async with sshd(tmp_path, known=False) as server:
        error = await failing(of(server))
    assert "Host key verification failed" in str(error)


async def test_what_it_cannot_agree_on_is_named(tmp_path: Path) -> None:
    async with raw(kexinit(kex="diffie-hellman-group1-sha1")) as port:
        server = Sshd(tmp_path, port)
        error = await failing(of(server))
    assert "diffie-hellman-group1-sha1" in str(error)


async def test_one_that_says_nothing_ends_at_the_deadline(tmp_path: Path) -> None:
    async with raw(b"") as port:
        error = await failing(of(Sshd(tmp_path, port)), 0.5)
    assert error.trouble.code is JumpCode.DEADLINE


async def test_without_the_program_it_says_so() -> None:
    error = await failing(SystemSshVantage("hop", program=("no-such-ssh",)))
    assert (error.trouble.code, error.trouble.facts["detail"]) == (JumpCode.SYSTEM_SSH, "no-such-ssh: not found")


async def test_closing_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    async with Peers() as peers, sshd(tmp_path) as server:
        place = peers.places()[Kind.ECHO]
        async with opened(server) as vantage:
            await vantage.connect(place.address, place.port, soon())
            assert vantage._folder is not None
            folder = vantage._folder.name
        with pytest.raises(JumpLost):
            await vantage.connect(place.address, place.port, soon())
        assert not os.path.exists(folder)  # noqa: PTH110
        assert not vantage._forwards
