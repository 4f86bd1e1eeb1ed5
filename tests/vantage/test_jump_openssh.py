"""The jump vantage against real OpenSSH servers on loopback: what they forbid, their words, their keys, chains of them, and their end."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from jump_hostile import Scripted
from jump_sshd import SSHD, Sshd, generate, sshd
from vantage_peers import Peers
from vantage_world import Kind

from aetui.observations import Outcome
from aetui.vantage import jump, link
from aetui.vantage.asker import Accept, SecretKind
from aetui.vantage.base import Capability
from aetui.vantage.jump import JumpVantage
from aetui.vantage.reason import FORBIDDEN, forbidden
from aetui.vantage.remote import LARGEST_OUTPUT
from aetui.vantage.sshconfig import SshConfig
from aetui.vantage.trouble import JumpCode, JumpLost

pytestmark = pytest.mark.skipif(not Path(SSHD).exists(), reason="no OpenSSH server")

PATIENCE = 15.0
SHORT = 0.4


def soon(seconds: float = PATIENCE) -> float:
    return asyncio.get_running_loop().time() + seconds


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


def tool(*command: str, **environment: str) -> str:
    """The output of a program that must succeed."""
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    return done.stdout


@asynccontextmanager
async def opened(config: SshConfig, asker: Scripted | None = None, name: str = "hop") -> AsyncIterator[JumpVantage]:
    vantage = JumpVantage(name, asker or Scripted(Accept.REFUSE), config)
    await vantage.open(soon())
    try:
        yield vantage
    finally:
        await vantage.close()


async def trouble(config: SshConfig, asker: Scripted | None = None) -> JumpLost:
    vantage = JumpVantage("hop", asker or Scripted(Accept.REFUSE), config)
    with pytest.raises(JumpLost) as caught:
        await vantage.open(soon())
    return caught.value


# ------------------------------------------------------------------------------------------------------------ forwarding and its words


async def test_a_refused_port_comes_in_openssh_s_own_words(tmp_path: Path) -> None:
    async with Peers() as peers, sshd(tmp_path) as server, opened(server.config()) as vantage:
        place = peers.places()[Kind.REFUSED]
        seen = (await vantage.connect(place.address, place.port, soon())).seen
        assert (seen.outcome, seen.errno, seen.reason) == (Outcome.REFUSED, "ECONNREFUSED", "Connection refused")


BARE = "ip link set lo up"
"""A network without any way out."""
LAN = f"{BARE}; ip link add v0 type veth peer name v1; ip addr add 192.0.2.1/24 dev v0; ip link set v0 up; ip link set v1 up"
"""A LAN on which nobody answers ARP."""
DARK = f"{LAN}; ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev v0"
"""A LAN on which one address swallows everything."""

QUICK = "sysctl -qw net.ipv4.tcp_syn_retries=1"

NETWORKS = {
    "no way there": (BARE, "192.0.2.9", Outcome.NO_ROUTE, "open failed"),
    "no way there, IPv6": (BARE, "2001:db8::9", Outcome.NO_ROUTE, "open failed"),
    "nobody answers ARP": (LAN, "192.0.2.9", Outcome.UNREACHABLE, "No route to host"),
    "silence": (DARK, "192.0.2.9", Outcome.FILTERED, None),
    "the kernel there gives up": (f"{DARK}; {QUICK}", "192.0.2.9", Outcome.FILTERED, "Connection timed out"),
}
"""Rule -> the jump host's network, destination, outcome, OpenSSH's words."""

needs_namespaces = pytest.mark.skipif(
    subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode != 0,
    reason="no right to make a network namespace",
)


@needs_namespaces
@pytest.mark.parametrize("rule", NETWORKS)
async def test_a_jump_host_in_a_network_of_its_own(tmp_path: Path, rule: str) -> None:
    network, address, outcome, reason = NETWORKS[rule]
    async with sshd(tmp_path) as server:
        command = f"unshare -n sh -c '{network}; exec {SSHD} -i -f {tmp_path}/sshd_config'"
        async with opened(server.config(f"  ProxyCommand {command}")) as vantage:
            seen = (await vantage.connect(address, 80, soon(2.0 if reason is None else 12.0))).seen
            assert (seen.outcome, seen.reason) == (outcome, reason)


FORBIDS = {"AllowTcpForwarding no": 2, "AllowTcpForwarding remote": 2, "PermitOpen 127.0.0.1:{echo}": 1, "DisableForwarding yes": 2}
"""sshd's setting -> how many of two destinations it forbids."""


@pytest.mark.parametrize("setting", FORBIDS)
async def test_forwarding_that_is_forbidden_says_nothing_of_the_destination(tmp_path: Path, setting: str) -> None:
    async with AsyncExitStack() as stack:
        peers = await stack.enter_async_context(Peers())
        echo, refused = peers.places()[Kind.ECHO], peers.places()[Kind.REFUSED]
        server = await stack.enter_async_context(sshd(tmp_path, setting.format(echo=echo.port)))
        vantage = await stack.enter_async_context(opened(server.config()))
        seen = [(await vantage.connect(p.address, p.port, soon())).seen for p in (echo, refused)]
        assert [s.outcome for s in seen if not forbidden(s)] == [Outcome.OPEN] * (2 - FORBIDS[setting])
        assert [(s.outcome, s.errno, s.reason) for s in seen if forbidden(s)] == [
            (Outcome.FAILED, FORBIDDEN, "administratively prohibited: open failed")
        ] * FORBIDS[setting]


async def test_after_a_silent_connect_the_connection_is_replaced_and_then_discarded(tmp_path: Path) -> None:
    async with Peers() as peers, sshd(tmp_path) as server, opened(server.config()) as vantage:
        echo, silent = peers.places()[Kind.ECHO], peers.places()[Kind.SILENT]
        running = (await vantage.connect(echo.address, echo.port, soon())).stream
        assert running is not None
        first = vantage._links[0]
        seen = await asyncio.gather(*(vantage.connect(silent.address, silent.port, soon(SHORT)) for _ in range(5)))
        assert {c.seen.outcome for c in seen} == {Outcome.FILTERED}
        await until(lambda: vantage._links[0] is not first)
        await running.write(b"on", soon())
        assert await running.read(2, soon()) == b"on"
        assert first.transport.active
        assert len(server.sessions()) == 2  # five silences, one replacement
        running.close()
        await until(lambda: not first.transport.is_alive() and len(server.sessions()) == 1)
        assert (await vantage.connect(echo.address, echo.port, soon())).seen.outcome is Outcome.OPEN


async def test_what_waits_for_its_turn_until_its_time_is_over_was_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jump, "OPENS_AT_ONCE", 1)
    async with Peers() as peers, sshd(tmp_path) as server, opened(server.config()) as vantage:
        echo, silent = peers.places()[Kind.ECHO], peers.places()[Kind.SILENT]
        holds = asyncio.create_task(vantage.connect(silent.address, silent.port, soon(3 * SHORT)))
        await asyncio.sleep(0)
        waits = await vantage.connect(echo.address, echo.port, soon(SHORT))
        assert (waits.seen.outcome, (waits.seen.reason or "")[:9]) == (Outcome.FAILED, "not tried")
        assert (await holds).seen.outcome is Outcome.FILTERED
        assert (await vantage.connect(echo.address, echo.port, soon())).seen.outcome is Outcome.OPEN


async def test_closing_ends_a_connection_that_was_replaced_and_is_still_in_use(tmp_path: Path) -> None:
    async with Peers() as peers, sshd(tmp_path) as server:
        echo, silent = peers.places()[Kind.ECHO], peers.places()[Kind.SILENT]
        async with opened(server.config()) as vantage:
            first = vantage._links[0]
            stream = (await vantage.connect(echo.address, echo.port, soon())).stream
            assert stream is not None
            await vantage.connect(silent.address, silent.port, soon(SHORT))
            await until(lambda: vantage._links[0] is not first)
            assert first.transport.active
        assert not first.transport.active
        with pytest.raises(JumpLost):
            await stream.read(1, soon())
        await until(lambda: not server.sessions() and not [t for t in threading.enumerate() if t.name.startswith("aetui-jump")])


# ------------------------------------------------------------------------------------------------------------ what it tells of itself


async def test_the_resolvers_are_the_jump_host_s_own(tmp_path: Path) -> None:
    async with sshd(tmp_path) as server, opened(server.config()) as vantage:
        named = [line.split()[1] for line in tool("cat", "/etc/resolv.conf").splitlines() if line.startswith("nameserver")]
        assert list(vantage.resolvers) == list(dict.fromkeys(named))
        assert vantage.info.address == "127.0.0.1"
        assert Capability.SYSTEM_NAMES in vantage.capabilities
        assert await vantage.client_address() == "127.0.0.1"


@pytest.mark.parametrize("setting", ["ForceCommand echo 'Welcome. 1) menu'", "ForceCommand /bin/false", "MaxSessions 0"])
async def test_where_no_command_runs_there_are_no_resolvers_and_it_says_so(tmp_path: Path, setting: str) -> None:
    async with Peers() as peers, sshd(tmp_path, setting) as server, opened(server.config()) as vantage:
        assert (vantage.resolvers, vantage.info.missing) == ((), ("resolvers", "names", "address"))
        assert vantage.capabilities == {Capability.TCP}
        place = peers.places()[Kind.ECHO]
        assert (await vantage.connect(place.address, place.port, soon())).seen.outcome is Outcome.OPEN


COMMANDS: dict[tuple[str, ...], tuple[int, bytes]] = {
    ("printf", "%s", "a b; c $HOME"): (0, b"a b; c $HOME"),
    ("sh", "-c", "echo out; echo err >&2; exit 7"): (7, b"out\n"),
    ("no-such-command",): (127, b""),
}


@pytest.mark.parametrize("argv", COMMANDS)
async def test_a_command_gives_its_status_and_output(tmp_path: Path, argv: tuple[str, ...]) -> None:
    async with sshd(tmp_path) as server, opened(server.config()) as vantage:
        assert await vantage.run(argv, soon()) == COMMANDS[argv]


async def test_a_command_s_output_is_bounded(tmp_path: Path) -> None:
    async with sshd(tmp_path) as server, opened(server.config()) as vantage:
        ran = await vantage.run(("head", "-c", str(3 * LARGEST_OUTPUT), "/dev/zero"), soon())
        assert ran is not None
        assert (ran[0], len(ran[1])) == (0, LARGEST_OUTPUT)
        endless = await vantage.run(("cat", "/dev/zero"), soon())
        assert endless is None or len(endless[1]) == LARGEST_OUTPUT


async def test_a_command_that_does_not_end_is_left_at_the_deadline(tmp_path: Path) -> None:
    async with sshd(tmp_path) as server, opened(server.config()) as vantage:
        assert await vantage.run(("sleep", "5"), soon(SHORT)) is None
        assert await vantage.run(("true",), soon()) == (0, b"")


# ------------------------------------------------------------------------------------------------------------ its end


async def test_a_session_that_is_ended_midway_is_one_clear_trouble(tmp_path: Path) -> None:
    async with Peers() as peers, sshd(tmp_path) as server, opened(server.config()) as vantage:
        place = peers.places()[Kind.ECHO]
        stream = (await vantage.connect(place.address, place.port, soon())).stream
        assert stream is not None
        for pid in server.sessions():
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(JumpLost) as caught:
            await stream.read(1, soon())
        assert caught.value.trouble.code is JumpCode.DIED
        with pytest.raises(JumpLost):
            await vantage.connect(place.address, place.port, soon())
        with pytest.raises(JumpLost):
            await vantage.run(("true",), soon())
        with pytest.raises(JumpLost):
            await vantage.client_address()


async def test_a_session_that_is_frozen_is_stalled_and_nothing_is_called_filtered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "STALLED_S", 0.5)
    monkeypatch.setattr(link, "FRESH_S", 0.0)
    async with sshd(tmp_path) as server, opened(server.config()) as vantage:
        frozen = [p for s in server.sessions() for p in (s, *children(s))]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(JumpLost) as caught:
                await vantage.connect("127.0.0.1", 9, soon(SHORT))
            assert caught.value.trouble.code is JumpCode.STALLED
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)


def children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(child) for child in found.split()]


async def test_closing_ends_every_thread_and_session(tmp_path: Path) -> None:
    async with Peers() as peers, sshd(tmp_path) as server:
        place = peers.places()[Kind.ECHO]
        async with opened(server.config()) as vantage:
            for _ in range(3):
                await vantage.connect(place.address, place.port, soon())
            assert [t for t in threading.enumerate() if t.name.startswith("aetui-jump")]
        await until(lambda: not [t for t in threading.enumerate() if t.name.startswith("aetui-jump")])
        await until(lambda: not server.sessions())
        with pytest.raises(JumpLost) as caught:
            await vantage.connect(place.address, place.port, soon())
        assert caught.value.trouble.code is JumpCode.CLOSED


# ------------------------------------------------------------------------------------------------------------ host keys


async def test_an_unknown_key_is_shown_by_openssh_s_fingerprint_and_added(tmp_path: Path) -> None:
    async with sshd(tmp_path, known=False) as server:
        printed = tool("ssh-keygen", "-l", "-f", f"{tmp_path}/host_ed25519.pub")
        asker = Scripted(Accept.ADD)
        async with opened(server.config(), asker):
            pass
        assert (asker.keys[0].fingerprint, asker.keys[0].key_type) == (printed.split()[1], "ssh-ed25519")
        assert server.known_hosts.read_text() == server.host_key_line
        async with opened(server.config(), asker):
            assert len(asker.keys) == 1


async def test_a_changed_key_is_refused_with_file_and_line(tmp_path: Path) -> None:
    async with sshd(tmp_path, known=False) as server:
        other = generate(tmp_path / "other").with_suffix(".pub").read_text().split()
        server.known_hosts.write_text(f"# mine\n[127.0.0.1]:{server.port} {other[0]} {other[1]}\n")
        error = await trouble(server.config())
    assert error.trouble.code is JumpCode.KEY_CHANGED
    assert f"{server.known_hosts} line 2" in str(error)


@pytest.mark.parametrize(("marker", "code"), [("@revoked", JumpCode.KEY_REVOKED), ("@cert-authority", JumpCode.KEY_AUTHORITY)])
async def test_marked_lines_are_respected(tmp_path: Path, marker: str, code: JumpCode) -> None:
    async with sshd(tmp_path, known=False) as server:
        server.known_hosts.write_text(f"{marker} {server.host_key_line}")
        error = await trouble(server.config(), Scripted(Accept.ONCE))
    assert error.trouble.code is code


async def test_the_type_on_record_is_asked_for_first(tmp_path: Path) -> None:
    generate(tmp_path / "host_rsa", "rsa")
    rsa = (tmp_path / "host_rsa.pub").read_text().split()
    async with sshd(tmp_path, f"HostKey {tmp_path}/host_rsa", known=False) as server:
        server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {rsa[0]} {rsa[1]}\n")
        async with opened(server.config()) as vantage:
            key = vantage._links[0].transport.host_key
            assert key is not None
            assert key.get_name() == "ssh-rsa"


async def test_hashed_and_aliased_records_are_found(tmp_path: Path) -> None:
    async with sshd(tmp_path, known=False) as server:
        server.known_hosts.write_text(server.host_key_line.replace(f"[127.0.0.1]:{server.port}", "site-noc"))
        tool("ssh-keygen", "-H", "-f", str(server.known_hosts))
        async with opened(server.config(" HostKeyAlias site-noc")):
            pass


# ------------------------------------------------------------------------------------------------------------ logging in


async def test_a_key_with_a_passphrase_is_asked_for(tmp_path: Path) -> None:
    async with sshd(tmp_path) as server:
        generate(tmp_path / "locked", passphrase="open sesame")
        shutil.copy(tmp_path / "locked.pub", tmp_path / "authorized_keys")
        asker = Scripted(secrets=("wrong", "open sesame"))
        async with opened(server.config().__class__((write(server, f"{tmp_path}/locked"),), home=tmp_path), asker):
            assert [(q.kind, q.detail, q.attempt) for q in asker.asked] == [
                (SecretKind.PASSPHRASE, f"{tmp_path}/locked", 1),
                (SecretKind.PASSPHRASE, f"{tmp_path}/locked", 2),
            ]


def write(server: Sshd, key: str, more: str = "") -> Path:
    file = server.folder / "config"
    file.write_text(server.config_text("hop", more).replace(f"{server.folder}/id\n", f"{key}\n"))
    return file


async def test_no_key_that_is_accepted_is_a_failed_login(tmp_path: Path) -> None:
    async with sshd(tmp_path) as server:
        generate(tmp_path / "stranger")
        error = await trouble(SshConfig((write(server, f"{tmp_path}/stranger"),), home=tmp_path))
    assert (error.trouble.code, error.trouble.facts["detail"]) == (JumpCode.AUTH_FAILED, "publickey")


async def test_too_many_keys_are_told_in_the_server_s_words(tmp_path: Path) -> None:
    async with sshd(tmp_path, "MaxAuthTries 2") as server:
        keys = "\n".join(f" IdentityFile {generate(tmp_path / f'k{n}')}" for n in range(4))
        error = await trouble(SshConfig((write(server, f"{tmp_path}/none", keys),), home=tmp_path))
    assert error.trouble.code is JumpCode.AUTH_ENDED
    assert "Too many authentication failures" in str(error)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """An ssh-agent with nothing in it; its socket."""
    sock = str(tmp_path / "agent.sock")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", sock], stdout=subprocess.DEVNULL)
    for _ in range(500):
        if Path(sock).exists():
            break
        threading.Event().wait(0.01)
    yield sock
    process.terminate()
    process.wait()


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
async def test_the_agent_s_keys_are_used(tmp_path: Path, agent: str, kind: str) -> None:
    async with sshd(tmp_path) as server:
        key = generate(tmp_path / "held", kind)
        shutil.copy(tmp_path / "held.pub", tmp_path / "authorized_keys")
        tool("ssh-add", "-q", str(key), SSH_AUTH_SOCK=agent)
        key.unlink()
        file = write(server, f"{tmp_path}/none")
        file.write_text(file.read_text().replace("IdentityAgent none", f"IdentityAgent {agent}"))
        async with opened(SshConfig((file,), home=tmp_path)) as vantage:
            assert vantage._links[0].transport.is_authenticated()


@pytest.mark.parametrize(("line", "works"), [("IdentityFile {folder}/held.pub\n IdentitiesOnly yes", True), ("IdentitiesOnly yes", False)])
async def test_identitiesonly_picks_the_agent_s_keys_by_name(tmp_path: Path, agent: str, line: str, works: bool) -> None:
    async with sshd(tmp_path) as server:
        key = generate(tmp_path / "held")
        shutil.copy(tmp_path / "held.pub", tmp_path / "authorized_keys")
        tool("ssh-add", "-q", str(key), SSH_AUTH_SOCK=agent)
        key.unlink()
        file = write(server, f"{tmp_path}/none", f" {line.format(folder=tmp_path)}")
        file.write_text(file.read_text().replace("IdentityAgent none", f"IdentityAgent {agent}"))
        config = SshConfig((file,), home=tmp_path)
        if works:
            async with opened(config):
                return
        assert (await trouble(config)).trouble.code is JumpCode.AUTH_FAILED


async def test_an_agent_that_does_not_answer_is_passed_over(tmp_path: Path) -> None:
    async with sshd(tmp_path) as server:
        config = server.config()
        config.files[0].write_text(config.files[0].read_text().replace("IdentityAgent none", f"IdentityAgent {tmp_path}/no.sock"))
        async with opened(config):
            pass


# ------------------------------------------------------------------------------------------------------------ chains


@asynccontextmanager
async def chain(folder: Path, length: int, settings: dict[int, str] | None = None) -> AsyncIterator[tuple[list[Sshd], SshConfig]]:
    """Servers h0, h1 … where each names the one before as its ProxyJump, and one configuration of them all."""
    async with AsyncExitStack() as stack:
        servers = []
        text = ""
        for n in range(length):
            inner = folder / f"h{n}"
            inner.mkdir()
            server = await stack.enter_async_context(sshd(inner, (settings or {}).get(n, "")))
            servers.append(server)
            text += server.config_text(f"h{n}", f"  ProxyJump h{n - 1}\n" if n else "")
        file = folder / "config"
        file.write_text(text)
        yield servers, SshConfig((file,), home=folder)


@pytest.mark.parametrize("length", [2, 3])
async def test_a_chain_of_jump_hosts(tmp_path: Path, length: int) -> None:
    async with Peers() as peers, chain(tmp_path, length) as (servers, config), opened(config, name=f"h{length - 1}") as vantage:
        place = peers.places()[Kind.ECHO]
        connection = await vantage.connect(place.address, place.port, soon())
        assert connection.stream is not None
        await connection.stream.write(b"through", soon())
        assert await connection.stream.read(7, soon()) == b"through"
        assert [len(server.sessions()) for server in servers] == [1] * length
        assert await vantage.client_address() == "127.0.0.1"


async def test_a_chain_s_last_connection_alone_is_replaced(tmp_path: Path) -> None:
    async with Peers() as peers, chain(tmp_path, 2) as (servers, config), opened(config, name="h1") as vantage:
        silent = peers.places()[Kind.SILENT]
        outer, inner = vantage._links
        assert (await vantage.connect(silent.address, silent.port, soon(SHORT))).seen.outcome is Outcome.FILTERED
        await until(lambda: vantage._links[1] is not inner and not inner.transport.is_alive())
        assert vantage._links[0] is outer
        await until(lambda: [len(server.sessions()) for server in servers] == [1, 1])


async def test_a_first_hop_that_dies_is_named(tmp_path: Path) -> None:
    async with chain(tmp_path, 2) as (servers, config), opened(config, name="h1") as vantage:
        for pid in servers[0].sessions():
            os.kill(pid, signal.SIGKILL)
        await until(lambda: vantage._links[1].lost is not None)
        with pytest.raises(JumpLost) as caught:
            await vantage.connect("127.0.0.1", 9, soon())
        assert (caught.value.trouble.code, caught.value.trouble.host) == (JumpCode.DIED, "h0")


async def test_a_first_hop_that_forbids_forwarding_is_named(tmp_path: Path) -> None:
    async with chain(tmp_path, 2, {0: "AllowTcpForwarding no"}) as (_, config):
        vantage = JumpVantage("h1", Scripted(), config)
        with pytest.raises(JumpLost) as caught:
            await vantage.open(soon())
        assert (caught.value.trouble.code, caught.value.trouble.facts["via"]) == (JumpCode.HOP_REFUSED, "h0")
        assert "administratively prohibited" in str(caught.value)


async def test_a_second_hop_that_does_not_listen_is_told_in_the_first_one_s_words(tmp_path: Path) -> None:
    async with chain(tmp_path, 2) as (servers, config):
        await servers[1].stop()
        vantage = JumpVantage("h1", Scripted(), config)
        with pytest.raises(JumpLost) as caught:
            await vantage.open(soon())
        assert (caught.value.trouble.code, caught.value.trouble.facts["detail"]) == (JumpCode.HOP_REFUSED, "Connection refused")


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh client")
async def test_a_proxycommand_carries_the_connection_and_ends_with_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with Peers() as peers, sshd(tmp_path / "a") as first, sshd(tmp_path / "b") as second:
        first.config(name="first")
        config = second.config(f"  ProxyCommand ssh -F {tmp_path}/a/config -W %h:%p first")
        async with opened(config) as vantage:
            place = peers.places()[Kind.ECHO]
            assert (await vantage.connect(place.address, place.port, soon())).seen.outcome is Outcome.OPEN
            assert await vantage.client_address() is None
            assert len(first.sessions()) == 1
        await until(lambda: not first.sessions())


async def test_a_proxycommand_that_fails_is_told_in_its_own_words(tmp_path: Path) -> None:
    async with sshd(tmp_path) as server:
        error = await trouble(server.config("  ProxyCommand sh -c 'echo no way >&2; exit 3'"))
    assert (error.trouble.code, error.trouble.facts["detail"]) == (JumpCode.PROXY_COMMAND, "no way")


async def test_a_proxycommand_that_hangs_is_ended_at_the_deadline(tmp_path: Path) -> None:
    marker = f"{os.getpid()}.5"
    async with sshd(tmp_path) as server:
        vantage = JumpVantage("hop", Scripted(), server.config(f"  ProxyCommand sleep {marker}"))
        with pytest.raises(JumpLost) as caught:
            await vantage.open(soon(SHORT))
        assert caught.value.trouble.code is JumpCode.DEADLINE
    assert f"sleep {marker}" not in tool("ps", "-eo", "args=")
