"""The jump vantage against SSH servers that refuse, fall silent, lie, ask and die, and against what is no SSH server at all."""

from __future__ import annotations

import asyncio
import logging
import threading
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import paramiko
import pytest
from jump_hostile import CODE, SECRET, Hostile, Script, Scripted, hostile, kexinit, raw
from paramiko.message import Message

from aetui.observations import Ended, Outcome
from aetui.vantage import hop, link
from aetui.vantage.asker import Accept, SecretKind
from aetui.vantage.base import StreamEnded
from aetui.vantage.jump import REPLACEMENTS, JumpVantage
from aetui.vantage.reason import FORBIDDEN
from aetui.vantage.sshconfig import SshConfig
from aetui.vantage.sshtransport import WINDOW
from aetui.vantage.trouble import JumpCode, JumpLost

PATIENCE = 10.0
SHORT = 0.3


def soon(seconds: float = PATIENCE) -> float:
    return asyncio.get_running_loop().time() + seconds


async def until(condition: object) -> None:
    """Wait for something that a thread does."""
    assert callable(condition)
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def opened(server: Hostile, folder: Path, asker: Scripted | None = None) -> AsyncIterator[JumpVantage]:
    vantage = JumpVantage("hop", asker or Scripted(), server.config(folder))
    await vantage.open(soon())
    try:
        yield vantage
    finally:
        await vantage.close()


async def trouble(config: SshConfig, asker: Scripted | None = None, seconds: float = PATIENCE) -> JumpLost:
    vantage = JumpVantage("hop", asker or Scripted(), config)
    with pytest.raises(JumpLost) as caught:
        await vantage.open(soon(seconds))
    await until(lambda: not ours())
    return caught.value


def ours() -> list[str]:
    """Threads of the jump vantage that live."""
    return [t.name for t in threading.enumerate() if t.name.startswith("aetui-jump")]


REFUSALS = {
    "refused": ((2, "Connection refused"), Outcome.REFUSED, "ECONNREFUSED", "Connection refused"),
    "timed out": ((2, "Connection timed out"), Outcome.FILTERED, "ETIMEDOUT", "Connection timed out"),
    "no route": ((2, "No route to host"), Outcome.UNREACHABLE, "EHOSTUNREACH", "No route to host"),
    "forbidden": ((1, "open failed"), Outcome.FAILED, FORBIDDEN, "administratively prohibited: open failed"),
    "unknown words": ((2, "Tunnel gesperrt"), Outcome.FAILED, None, "Tunnel gesperrt"),
    "no text": ((2, ""), Outcome.FAILED, None, None),
    "bytes that are no text": ((2, "\udcff\udcfe refused"), Outcome.REFUSED, "ECONNREFUSED", "\ufffd\ufffd refused"),
}


@pytest.mark.parametrize("rule", REFUSALS)
async def test_a_refusal_keeps_its_words(tmp_path: Path, rule: str) -> None:
    refusal, outcome, errno, reason = REFUSALS[rule]
    async with hostile(Script(refusal=refusal)) as server, opened(server, tmp_path) as vantage:
        seen = (await vantage.connect("192.0.2.1", 80, soon())).seen
        assert (seen.outcome, seen.errno, seen.reason) == (outcome, errno, reason)


async def test_each_of_many_refusals_at_once_is_its_own(tmp_path: Path) -> None:
    async with hostile(Script(hold=True)) as server, opened(server, tmp_path) as vantage:
        silent = asyncio.create_task(vantage.connect("192.0.2.1", 1, soon(60)))
        await until(lambda: server.script.held)
        server.script.refusal = (2, "Connection refused")
        refused = await vantage.connect("192.0.2.1", 2, soon())
        server.script.refusal = (1, "no")
        forbidden = await vantage.connect("192.0.2.1", 3, soon())
        assert (refused.seen.outcome, forbidden.seen.errno) == (Outcome.REFUSED, FORBIDDEN)
        assert not silent.done()
        silent.cancel()


async def test_an_open_that_is_never_answered_is_filtered_and_the_connection_is_replaced(tmp_path: Path) -> None:
    async with hostile() as server, opened(server, tmp_path) as vantage:
        running = (await vantage.connect("192.0.2.1", 7, soon())).stream
        assert running is not None
        server.script.hold = True
        assert (await vantage.connect("192.0.2.1", 80, soon(SHORT))).seen.outcome is Outcome.FILTERED
        await until(lambda: len(server.script.transports) == 2 and server.script.transports[1].authenticated)
        await until(lambda: vantage._replacing is not None and vantage._replacing.done())
        server.script.hold = False
        assert (await vantage.connect("192.0.2.1", 81, soon())).seen.outcome is Outcome.OPEN
        assert len(server.script.transports[1]._channels) == 1  # type: ignore[attr-defined]
        # what runs on the old connection goes on, and the old connection ends with it
        server.script.channels[0].send(b"still here")
        assert await running.read(100, soon()) == b"still here"
        assert server.script.transports[0].active  # type: ignore[attr-defined]
        running.close()
        await until(lambda: not server.script.transports[0].is_active())


async def test_a_late_success_is_closed_and_harms_nothing(tmp_path: Path) -> None:
    async with hostile(Script(hold=True)) as server, opened(server, tmp_path) as vantage:
        vantage._replaced = REPLACEMENTS  # so that the same connection is used on
        assert (await vantage.connect("192.0.2.1", 80, soon(SHORT))).seen.outcome is Outcome.FILTERED
        server.script.hold = False
        server.script.held.pop()()
        assert (await vantage.connect("192.0.2.1", 81, soon())).seen.outcome is Outcome.OPEN
        await until(lambda: len(server.script.transports[0]._channels) == 1)  # type: ignore[attr-defined]
        assert server.script.opened == [("192.0.2.1", 80), ("192.0.2.1", 81)]
        assert len(server.script.transports) == 1


async def test_a_cancelled_connect_s_late_success_is_closed(tmp_path: Path) -> None:
    async with hostile(Script(hold=True)) as server, opened(server, tmp_path) as vantage:
        task = asyncio.create_task(vantage.connect("192.0.2.1", 80, soon(60)))
        await until(lambda: server.script.held)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.script.held.pop()()
        await until(lambda: server.script.opened)
        await until(lambda: len(server.script.transports[0]._channels) == 0)  # type: ignore[attr-defined]


async def test_a_connection_for_which_the_user_was_asked_is_not_replaced(tmp_path: Path) -> None:
    asker = Scripted(secrets=(SECRET, SECRET))
    async with hostile(Script(methods=("password",), hold=True)) as server, opened(server, tmp_path, asker) as vantage:
        assert (await vantage.connect("192.0.2.1", 80, soon(SHORT))).seen.outcome is Outcome.FILTERED
        assert vantage._replacing is None
        assert len(asker.asked) == 1


async def test_a_replacement_with_another_key_is_not_taken(tmp_path: Path) -> None:
    async with hostile(Script(hold=True)) as server, opened(server, tmp_path) as vantage:
        server.script.key = paramiko.ECDSAKey.generate()
        assert (await vantage.connect("192.0.2.1", 80, soon(SHORT))).seen.outcome is Outcome.FILTERED
        await until(lambda: vantage._replacing is not None and vantage._replacing.done())
        server.script.hold = False
        assert (await vantage.connect("192.0.2.1", 81, soon())).seen.outcome is Outcome.OPEN
        await until(lambda: server.script.transports[0].is_active() and not server.script.transports[1].is_active())


async def test_a_jump_host_that_dies_is_one_clear_trouble_everywhere(tmp_path: Path) -> None:
    async with hostile() as server, opened(server, tmp_path) as vantage:
        stream = (await vantage.connect("192.0.2.1", 80, soon())).stream
        assert stream is not None
        reading = asyncio.create_task(stream.read(10, soon(60)))
        server.script.hold = True
        connecting = asyncio.create_task(vantage.connect("192.0.2.1", 81, soon(60)))
        await until(lambda: server.script.held)
        server.script.transports[0].close()
        for task in (reading, connecting):
            with pytest.raises(JumpLost) as caught:
                await task
            assert caught.value.trouble.code is JumpCode.DIED
        with pytest.raises(JumpLost) as again:
            await vantage.connect("192.0.2.1", 82, soon())
        assert again.value.trouble is caught.value.trouble
        with pytest.raises(JumpLost):
            await stream.write(b"x", soon())


async def test_a_jump_host_that_falls_silent_is_stalled_and_no_port_is_called_filtered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "STALLED_S", 0.5)
    monkeypatch.setattr(link, "FRESH_S", 0.0)
    async with hostile() as server, opened(server, tmp_path) as vantage:
        server.script.transports[0]._handler_table.clear()  # type: ignore[attr-defined]
        server.script.transports[0]._parse_global_request = lambda _: None  # type: ignore[attr-defined]
        server.script.transports[0]._handler_table[80] = lambda _: None  # type: ignore[attr-defined]
        server.script.transports[0]._handler_table[90] = lambda _: None  # type: ignore[attr-defined]
        with pytest.raises(JumpLost) as caught:
            await vantage.connect("192.0.2.1", 80, soon(SHORT))
        assert caught.value.trouble.code is JumpCode.STALLED


async def test_data_beyond_the_window_ends_the_connection(tmp_path: Path) -> None:
    async with hostile() as server, opened(server, tmp_path) as vantage:
        stream = (await vantage.connect("192.0.2.1", 80, soon())).stream
        assert stream is not None
        await until(lambda: server.script.channels)
        channel = server.script.channels[0]

        def flood() -> None:
            for _ in range(4 * WINDOW // 32768):
                message = Message()
                message.add_byte(b"\x5e")  # SSH_MSG_CHANNEL_DATA
                message.add_int(channel.remote_chanid)  # type: ignore[attr-defined]
                message.add_string(bytes(32768))
                server.script.transports[0]._send_user_message(message)  # type: ignore[attr-defined]

        with suppress(EOFError):  # the connection ends under it
            await asyncio.to_thread(flood)
        await until(lambda: vantage._links[0].lost is not None)
        lost = vantage._links[0].lost
        assert lost is not None
        assert (lost.trouble.code, lost.trouble.facts["detail"]) == (JumpCode.DIED, "it broke the SSH protocol")


async def test_a_stream_that_is_closed_from_afar_takes_no_more(tmp_path: Path) -> None:
    async with hostile() as server, opened(server, tmp_path) as vantage:
        stream = (await vantage.connect("192.0.2.1", 80, soon())).stream
        assert stream is not None
        await until(lambda: server.script.channels)
        server.script.channels[0].close()
        assert await stream.read(10, soon()) == b""
        with pytest.raises(StreamEnded) as caught:
            for _ in range(100):  # its end of file comes a moment before the end of the channel
                await stream.write(b"x", soon())
                await asyncio.sleep(0.02)
        assert caught.value.ended is Ended.CLOSED


async def test_where_commands_are_forbidden_there_are_no_resolvers_and_it_says_so(tmp_path: Path) -> None:
    async with hostile() as server, opened(server, tmp_path) as vantage:
        assert vantage.resolvers == ()
        assert vantage.info.missing == ("resolvers", "names", "address")
        assert await vantage.run(("true",), soon()) is None
        assert await vantage.client_address() is None
        assert await vantage.lookup("localhost", soon()) is None


# ------------------------------------------------------------------------------------------------------------ what is no SSH server

OLD = {
    "key exchange": (kexinit(kex="diffie-hellman-group1-sha1,diffie-hellman-group14-sha1"), "diffie-hellman-group14-sha1"),
    "host key type": (kexinit(keys="ssh-rsa,ssh-dss"), "ssh-rsa"),
    "cipher": (kexinit(ciphers_in="arcfour,blowfish-cbc"), "arcfour"),
    "MAC": (kexinit(macs_out="hmac-ripemd160"), "hmac-ripemd160"),
    "SSH protocol version": (b"SSH-1.5-Cisco-1.25\r\n", "SSH-1.5-Cisco-1.25"),
}


def config_for(port: int, folder: Path, more: str = "") -> SshConfig:
    file = folder / "config"
    file.write_text(f"Host hop\n HostName 127.0.0.1\n Port {port}\n UserKnownHostsFile {folder}/known_hosts\n IdentityAgent none\n{more}\n")
    return SshConfig((file,), home=folder)


@pytest.mark.parametrize("kind", OLD)
async def test_a_jump_host_that_is_too_old_is_told_so_by_the_name_of_the_algorithm(tmp_path: Path, kind: str) -> None:
    says, algorithm = OLD[kind]
    async with raw(says) as port:
        error = await trouble(config_for(port, tmp_path))
    assert error.trouble.code is JumpCode.TOO_OLD
    assert error.trouble.facts["kind"] == kind
    assert algorithm in str(error)


STRANGERS: dict[str, tuple[bytes, bool, bytes, JumpCode, str]] = {
    "a web server": (b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", True, b"", JumpCode.NOT_SSH, "HTTP/1.1 400"),
    "a banner without end": (b"", False, b"A" * 4096, JumpCode.NOT_SSH, "AAAA"),
    "lines without end": (b"", False, b"login: \r\n" * 512, JumpCode.NOT_SSH, "login:"),
    "a telnet server": (b"\xff\xfd\x18\xff\xfd\x20login: ", False, b"", JumpCode.NOT_SSH, "login:"),
    "one that hangs up": (b"", True, b"", JumpCode.HANDSHAKE, "hung up"),
    "one that says nothing": (b"", False, b"", JumpCode.SILENT, "says nothing"),
    "one that stops after its identification": (b"SSH-2.0-x\r\n", False, b"", JumpCode.HANDSHAKE, "no answer in time"),
    "one that hangs up after its identification": (b"SSH-2.0-x\r\n", True, b"", JumpCode.HANDSHAKE, "The SSH handshake"),
    "one that sends junk": (b"SSH-2.0-x\r\n" + b"\xff" * 64, False, b"", JumpCode.HANDSHAKE, "broke the SSH protocol"),
    "one that announces a packet of 2 GB": (b"SSH-2.0-x\r\n\x7f\xff\xff\xfc" + bytes(64), False, b"", JumpCode.HANDSHAKE, "broke"),
    "one that colours the terminal": (b"\x1b[31m\x1b]0;x\x07 no\r\n", True, b"", JumpCode.NOT_SSH, "\\x1b[31m"),
}


@pytest.mark.parametrize("who", STRANGERS)
async def test_what_is_no_ssh_server_is_told_as_what_it_is(tmp_path: Path, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    says, closes, forever, code, words = STRANGERS[who]
    monkeypatch.setattr(hop, "HANDSHAKE_S", 1.0)
    async with raw(says, closes=closes, forever=forever) as port:
        error = await trouble(config_for(port, tmp_path))
    assert error.trouble.code is code
    assert words in str(error)
    assert str(error).isprintable()


async def test_a_port_where_nobody_listens_is_unreachable(tmp_path: Path) -> None:
    async with raw(b"") as port:
        pass
    error = await trouble(config_for(port, tmp_path))
    assert (error.trouble.code, error.trouble.facts["detail"]) == (JumpCode.UNREACHABLE, "Connection refused")


async def test_the_deadline_of_an_opening_names_the_step(tmp_path: Path) -> None:
    async with raw(b"SSH-2.0-x\r\n") as port:
        error = await trouble(config_for(port, tmp_path), seconds=SHORT)
    assert (error.trouble.code, error.trouble.facts["detail"]) == (JumpCode.DEADLINE, "the handshake did not finish")


async def test_a_bad_configuration_is_a_trouble(tmp_path: Path) -> None:
    error = await trouble(config_for(22, tmp_path, " ProxyJump hop"))
    assert error.trouble.code is JumpCode.CONFIG
    assert "circle" in str(error)


# ------------------------------------------------------------------------------------------------------------ host keys and secrets


async def test_an_unknown_key_is_asked_about_and_refused(tmp_path: Path) -> None:
    asker = Scripted(Accept.REFUSE)
    async with hostile() as server:
        error = await trouble(server.config(tmp_path), asker)
        assert error.trouble.code is JumpCode.KEY_REFUSED
        assert asker.keys[0].host == f"[127.0.0.1]:{server.port}"
        assert asker.keys[0].fingerprint == server.script.key.fingerprint
        assert server.script.got == []


async def test_an_unknown_key_accepted_once_is_not_written_down(tmp_path: Path) -> None:
    asker = Scripted(Accept.ONCE)
    async with hostile() as server:
        for _ in range(2):
            async with opened(server, tmp_path, asker):
                pass
    assert len(asker.keys) == 2
    assert not (tmp_path / "known_hosts").exists()


async def test_an_unknown_key_that_was_added_is_not_asked_about_again_and_another_is_refused(tmp_path: Path) -> None:
    asker = Scripted(Accept.ADD)
    async with hostile() as server:
        for _ in range(2):
            async with opened(server, tmp_path, asker):
                pass
        assert len(asker.keys) == 1
        server.script.key = paramiko.ECDSAKey.generate()
        server.script.got.clear()
        error = await trouble(server.config(tmp_path), asker)
        assert error.trouble.code is JumpCode.KEY_CHANGED
        assert f"{tmp_path}/known_hosts line 1" in str(error)
        assert server.script.got == []
    assert len(asker.keys) == 1


async def test_a_password_is_asked_for_and_a_wrong_one_again(tmp_path: Path) -> None:
    asker = Scripted(secrets=("wrong", SECRET))
    async with hostile(Script(methods=("password",))) as server, opened(server, tmp_path, asker) as vantage:
        assert [(q.kind, q.user, q.attempt) for q in asker.asked] == [(SecretKind.PASSWORD, "joe", 1), (SecretKind.PASSWORD, "joe", 2)]
        assert (await vantage.connect("192.0.2.1", 80, soon())).seen.outcome is Outcome.OPEN


async def test_the_server_s_own_questions_are_asked(tmp_path: Path) -> None:
    asker = Scripted(secrets=(SECRET, CODE))
    async with hostile(Script(methods=("keyboard-interactive",))) as server, opened(server, tmp_path, asker):
        assert [(q.kind, q.echo) for q in asker.asked] == [(SecretKind.INTERACTIVE, False), (SecretKind.INTERACTIVE, True)]
        assert asker.asked[0].text == "joe@127.0.0.1: Two steps Look at your token. Password:"
        assert "\\x1b[2J" in asker.asked[1].text


async def test_two_factors_in_turn(tmp_path: Path) -> None:
    asker = Scripted(secrets=(SECRET, SECRET, CODE))
    script = Script(methods=("password", "keyboard-interactive"), factors=("password", "keyboard-interactive"))
    async with hostile(script) as server, opened(server, tmp_path, asker):
        assert server.script.got == ["none", "password", "keyboard-interactive"]


async def test_wrong_passwords_are_a_failed_login(tmp_path: Path) -> None:
    async with hostile(Script(methods=("password",))) as server:
        error = await trouble(server.config(tmp_path), Scripted(secrets=("a", "b", "c", "d")))
        assert (error.trouble.code, error.trouble.facts["detail"]) == (JumpCode.AUTH_FAILED, "password")
        assert server.script.got.count("password") == 3


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
async def test_no_answer_is_told_as_that(tmp_path: Path, method: str) -> None:
    async with hostile(Script(methods=(method,))) as server:
        error = await trouble(server.config(tmp_path), Scripted())
    assert error.trouble.code is JumpCode.AUTH_CANCELLED


async def test_a_server_that_hangs_up_at_the_login_is_told(tmp_path: Path) -> None:
    async with hostile(Script(disconnect_at_login=True)) as server:
        error = await trouble(server.config(tmp_path))
    assert error.trouble.code is JumpCode.AUTH_ENDED


async def test_the_user_s_time_does_not_count(tmp_path: Path) -> None:
    asker = Scripted(secrets=(SECRET,), gate=asyncio.Event())
    async with hostile(Script(methods=("password",))) as server:
        vantage = JumpVantage("hop", asker, server.config(tmp_path))
        opening = asyncio.create_task(vantage.open(soon(3.0)))
        await until(lambda: asker.asked)
        await asyncio.sleep(3.2)
        assert not opening.done()
        assert asker.gate is not None
        asker.gate.set()
        await opening
        await vantage.close()


async def test_an_opening_is_cancelled_at_once_while_the_user_thinks(tmp_path: Path) -> None:
    asker = Scripted(gate=asyncio.Event())
    async with hostile(Script(methods=("password",))) as server:
        vantage = JumpVantage("hop", asker, server.config(tmp_path))
        opening = asyncio.create_task(vantage.open(soon()))
        await until(lambda: asker.asked)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await until(lambda: not ours())


async def test_cancelling_in_the_very_moment_of_a_question_leaves_nothing_behind(tmp_path: Path) -> None:
    async with hostile(Script(methods=("password",))) as server:
        for _ in range(15):
            asker = Scripted(gate=asyncio.Event())
            opening = asyncio.create_task(JumpVantage("hop", asker, server.config(tmp_path)).open(soon()))
            while not asker.asked:
                await asyncio.sleep(0)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
        await until(lambda: not ours())


class Everything(logging.Handler):
    """Keeps what is logged, arguments and tracebacks too."""

    def __init__(self) -> None:
        super().__init__(0)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record) + repr(record.args))


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
async def test_no_secret_is_logged_shown_or_kept(tmp_path: Path, method: str, right: bool, capfd: pytest.CaptureFixture[str]) -> None:
    everything = Everything()
    loggers = [logging.getLogger(), logging.getLogger("paramiko")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(everything)
        logger.setLevel(1)
    wrong = "Tr0ub4dor-secret"
    asker = Scripted(secrets=(SECRET, CODE) if right else (wrong,) * 6)
    said: list[str] = []
    try:
        async with hostile(Script(methods=(method,))) as server:
            vantage = JumpVantage("hop", asker, server.config(tmp_path))
            try:
                await vantage.open(soon())
                handler = vantage._links[0].transport.auth_handler
                assert handler is not None
                said += [repr(vars(handler)), repr(vars(vantage._links[0].transport)), repr(vars(vantage)), repr(vantage.info)]
            except JumpLost as error:
                said += [repr(error), repr(error.trouble)]
                said += traceback.TracebackException.from_exception(error, capture_locals=True).format()
            await vantage.close()
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(everything)
            logger.setLevel(level)
    out, err = capfd.readouterr()
    ours_ = [line for line in said if "Scripted" not in line]  # the test's own asker holds its answers
    text = "\n".join([*ours_, *everything.lines, out, err])
    assert everything.lines
    assert asker.asked
    for secret in (SECRET, CODE, wrong):
        assert secret not in text
    assert (out, err) == ("", "")
