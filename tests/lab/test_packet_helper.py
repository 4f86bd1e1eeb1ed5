"""The packet helper: what it keeps of its rights, what it withstands, and that it never outlives who started it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from aetui.packet import messages, ports, privilege
from aetui.packet.client import Failure, PacketHelper
from aetui.packet.messages import OpenTrace, Refused, ScanArp, encode
from aetui.path.engine import Channel
from aetui.path.engines import Engines
from aetui.path.records import Flow, Method, Problem
from aetui.path.run import Options, trace
from lab.chain import Chain

pytestmark = pytest.mark.usefixtures("surroundings")

LOOPBACK = OpenTrace(0, "127.0.0.1", "tcp", 9)
MAPPED = "4294967295" in Path("/proc/self/uid_map").read_text()
"""All identities are there: not in a user namespace of one."""
REGAIN = Path(__file__).with_name("regain.py")


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _pid(helper: PacketHelper) -> int:
    assert helper._process is not None
    return helper._process.pid


def _over(pid: int) -> bool:
    """True once a process has ended, waited for or not; it may end while it is looked at."""
    try:
        return _status(pid)["State"].startswith("Z")
    except OSError:
        return True


async def _until(condition: object, within_s: float = 5.0) -> None:
    """Wait for a condition that only the kernel can announce."""
    async with asyncio.timeout(within_s):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_the_helper_keeps_the_right_to_low_ports_in_reserve_and_no_other() -> None:
    helper = PacketHelper()
    try:
        assert await helper.start() is None
        status = _status(_pid(helper))
        assert [int(status[f"Cap{name}"], 16) for name in ("Inh", "Prm", "Eff", "Amb")] == [0, 1 << privilege.CAP_NET_BIND_SERVICE, 0, 0]
        assert status["NoNewPrivs"] == "1"
        assert int(status["CapBnd"], 16) == 0
        assert status["Uid"].split() == (["65534"] * 4 if MAPPED else ["0"] * 4)
    finally:
        await helper.close()


@pytest.mark.parametrize("sudo", [False, True], ids=["root itself", "a user by sudo"])
def test_every_way_back_to_a_right_is_shut(sudo: bool) -> None:
    environment = {**os.environ, **({"SUDO_UID": "1234", "SUDO_GID": "1235"} if sudo else {})}
    if not sudo:
        environment.pop("SUDO_UID", None)
    done = subprocess.run([sys.executable, str(REGAIN)], capture_output=True, text=True, check=True, env=environment)
    told = json.loads(done.stdout)
    assert told["worked"] == []
    assert len(told["refused"]) >= 50
    assert told["kept"], "what it holds still works, and the one right goes out of effect again"
    if told["mapped"]:
        assert told["identity"] == ([1234, 1235] if sudo else [65534, 65534])


async def test_a_low_port_is_opened_by_the_helper_and_accepts_here() -> None:
    helper = PacketHelper()
    try:
        for address, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
            opened = await helper.listen(address, 23)
            assert isinstance(opened, socket.socket), opened
            with opened:
                assert (opened.family, opened.getsockname()[:2], opened.get_inheritable()) == (family, (address, 23), False)
                with socket.create_connection((address, 23), 2):
                    opened.accept()[0].close()
    finally:
        await helper.close()


async def test_sockets_of_several_requests_reach_the_one_who_asked() -> None:
    helper = PacketHelper()
    try:
        opened = await asyncio.gather(*(helper.listen("127.0.0.1", port) for port in range(601, 617)))
        assert [one.getsockname()[1] for one in opened if isinstance(one, socket.socket)] == list(range(601, 617))
        for one in opened:
            assert isinstance(one, socket.socket)
            one.close()
    finally:
        await helper.close()


async def test_a_low_port_that_is_taken_or_not_ours_is_refused_with_the_systems_word() -> None:
    helper = PacketHelper()
    try:
        first = await helper.listen("127.0.0.1", 23)
        assert isinstance(first, socket.socket)
        with first:
            again, elsewhere = await helper.listen("127.0.0.1", 23), await helper.listen("192.0.2.1", 23)
        assert isinstance(again, Refused)
        assert isinstance(elsewhere, Refused)
        assert (again.errno, elsewhere.errno) == ("EADDRINUSE", "EADDRNOTAVAIL")
    finally:
        await helper.close()


async def test_the_helper_opens_low_ports_only_and_no_more_than_a_few() -> None:
    helper = PacketHelper()
    try:
        assert await helper.start() is None
        high = await helper._ask(77, messages.Listen(77, "127.0.0.1", 8080), socket.socket, 0.5)
        assert isinstance(high, Failure), "it is not even answered: the request is malformed"
        for _ in range(ports.MOST):
            opened = await helper.listen("127.0.0.1", 23)
            assert isinstance(opened, socket.socket)
            opened.close()
        last = await helper.listen("127.0.0.1", 23)
        assert isinstance(last, Refused)
        assert last.why == "too many ports were opened"
    finally:
        await helper.close()


async def test_a_probe_is_heard_on_loopback() -> None:
    helper, heard = PacketHelper(), asyncio.get_running_loop().create_future()
    try:
        opened = await helper.open_trace(LOOPBACK, heard.set_result, lambda _: None)
        assert not isinstance(opened, Failure | Refused)
        opened.send(1, 64)
        reply = await asyncio.wait_for(heard, 5)
        assert (reply.kind, reply.sender, reply.serial, reply.reply_ttl) == ("rst", "127.0.0.1", 1, 64)
    finally:
        await helper.close()


async def test_requests_of_several_callers_run_side_by_side() -> None:
    helper = PacketHelper()
    try:
        opened = await asyncio.gather(*(helper.open_trace(LOOPBACK, lambda _: None, lambda _: None) for _ in range(20)))
        ports = {one.source_port for one in opened if not isinstance(one, Failure | Refused)}
        assert len(ports) == 20
    finally:
        await helper.close()


async def test_more_traces_than_allowed_are_refused_and_closing_makes_room() -> None:
    helper = PacketHelper()
    try:
        opened = [await helper.open_trace(LOOPBACK, lambda _: None, lambda _: None) for _ in range(65)]
        assert isinstance(opened[-1], Refused)
        assert not isinstance(opened[0], Failure | Refused)
        opened[0].close()
        assert not isinstance(await helper.open_trace(LOOPBACK, lambda _: None, lambda _: None), Failure | Refused)
    finally:
        await helper.close()


async def test_a_flood_of_requests_is_bounded_and_the_helper_still_answers() -> None:
    helper, heard = PacketHelper(), []
    try:
        opened = await helper.open_trace(LOOPBACK, heard.append, lambda _: None)
        assert not isinstance(opened, Failure | Refused)
        before = int(_status(_pid(helper))["VmRSS"].split()[0])
        for serial in range(20_000):
            opened.send(serial, 1)
            if serial % 500 == 0:
                await _until(lambda: helper._pipe is not None and not helper._pipe._left)
        again = await helper.open_trace(LOOPBACK, lambda _: None, lambda _: None)
        assert not isinstance(again, Failure | Refused)
        assert int(_status(_pid(helper))["VmRSS"].split()[0]) - before < 16 * 1024
    finally:
        await helper.close()


async def test_a_request_that_means_nothing_is_refused_and_the_helper_goes_on() -> None:
    helper = PacketHelper()
    try:
        assert await helper.start() is None
        assert helper._pipe is not None
        for body in (b"{}", b"[]", b"\xff", b'{"is":"OpenTrace","id":"x"}', b'{"is":"Exec","argv":["id"]}'):
            helper._pipe.write(struct.pack("!I", len(body)) + body)
        assert not isinstance(await helper.open_trace(LOOPBACK, lambda _: None, lambda _: None), Failure | Refused)
    finally:
        await helper.close()


@pytest.mark.parametrize("proto", ["tcp", "udp", "icmp"])
async def test_a_number_that_is_taken_is_refused_and_the_helper_goes_on(proto: str) -> None:
    helper = PacketHelper()
    try:
        assert await helper.start() is None
        assert helper._pipe is not None
        for _ in range(2):
            helper._pipe.write(encode(OpenTrace(77, "127.0.0.1", proto, 0 if proto == "icmp" else 9)))
        assert not isinstance(await helper.open_trace(LOOPBACK, lambda _: None, lambda _: None), Failure | Refused)
    finally:
        await helper.close()


async def test_a_frame_that_claims_too_much_ends_the_helper_in_one_clear_line() -> None:
    helper, lost = PacketHelper(), asyncio.get_running_loop().create_future()
    try:
        await helper.open_trace(LOOPBACK, lambda _: None, lost.set_result)
        assert helper._pipe is not None
        helper._pipe.write(struct.pack("!I", messages.LARGEST + 1))
        assert await asyncio.wait_for(lost, 5) == "it was sent something that it does not understand."
    finally:
        await helper.close()


async def test_a_killed_helper_is_one_clear_line_and_the_next_request_has_a_new_one() -> None:
    helper, lost = PacketHelper(), asyncio.get_running_loop().create_future()
    try:
        await helper.open_trace(LOOPBACK, lambda _: None, lost.set_result)
        first = _pid(helper)
        os.kill(first, signal.SIGKILL)
        assert await asyncio.wait_for(lost, 5) == "it was ended by signal 9."
        assert not isinstance(await helper.open_trace(LOOPBACK, lambda _: None, lambda _: None), Failure | Refused)
        assert _pid(helper) != first
    finally:
        await helper.close()


async def test_the_helper_dies_with_a_parent_that_is_killed() -> None:
    program = (
        "import asyncio, sys\nfrom aetui.packet.client import PacketHelper\n"
        "async def go():\n h = PacketHelper()\n assert await h.start() is None\n print(h._process.pid, flush=True)\n"
        " await asyncio.sleep(60)\n"
        "asyncio.run(go())"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    helper = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    await _until(lambda: _over(helper))


async def test_nothing_is_ever_written_to_the_terminal() -> None:
    ours, theirs = socket.socketpair()
    environment = {**os.environ, "AETUI_PARENT": str(os.getpid()), "HOME": "/dev/null/none"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "aetui.packet",
        stdin=theirs.fileno(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
    )
    theirs.close()
    ours.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(ours, encode(OpenTrace(1, "192.0.2.1", "tcp", 443)) + encode(ScanArp(2, "lo", "127.0.0.1", 0.0)))
    frames, replies = messages.Frames(), []
    while len(replies) < 3:
        replies += frames.feed(await asyncio.wait_for(loop.sock_recv(ours, 65536), 10))
    ours.close()
    printed, _ = await asyncio.wait_for(process.communicate(), 5)
    assert printed == b""
    assert process.returncode == 0


async def test_without_the_right_the_answer_is_a_sentence_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.packet.privilege.may_send_raw", lambda: False)
    monkeypatch.setattr("sys.argv", ["/opt/x/aetui", "trace", "203.0.113.9:443"])
    failed = await PacketHelper().start()
    assert isinstance(failed, Failure)
    assert failed.why.endswith("sudo /opt/x/aetui trace 203.0.113.9:443")


class _Dying:
    """An engine whose helper dies with the first probe."""

    method = Method.SCAPY

    def __init__(self, real: object) -> None:
        self._real = real

    def manners(self, flow: Flow) -> object:
        return self._real.manners(flow)  # type: ignore[attr-defined]

    async def open(self, flow: Flow, sink: object, *, spread: bool = False) -> Channel | Problem:
        opened: Channel | Problem = await self._real.open(flow, sink)  # type: ignore[attr-defined]
        os.kill(_pid(self._real._helper), signal.SIGKILL)  # type: ignore[attr-defined]
        return opened

    async def close(self) -> None:
        await self._real.close()  # type: ignore[attr-defined]


async def test_when_the_helper_dies_plain_sockets_go_on_and_say_why() -> None:
    engines = Engines()
    real = await engines.raw()
    engines._raw = _Dying(real)  # type: ignore[assignment]
    server = socket.create_server(("127.0.0.1", 0))
    try:
        found = await trace("127.0.0.1", server.getsockname()[1], Options(), engines=engines)
    finally:
        server.close()
        await engines.close()
    assert (found.method, found.outcome.value, found.reached) == (Method.SOCKET, "open", True)
    assert found.remark == Problem("helper", "it was ended by signal 9.")


def test_a_process_under_sudo_gives_up_root_once_the_helper_runs() -> None:
    program = (
        "import asyncio, os\nfrom aetui.packet import privilege\nfrom aetui.packet.client import PacketHelper, Failure\n"
        "from aetui.packet.messages import OpenTrace, Refused\n"
        "async def go():\n h = PacketHelper()\n assert await h.start() is None\n gone = privilege.give_up_root(os.environ)\n"
        " opened = await h.open_trace(OpenTrace(0, '127.0.0.1', 'tcp', 9), print, lambda _: None)\n"
        " print(os.getresuid(), privilege.effective(), isinstance(opened, Failure | Refused))\n await h.close()\nasyncio.run(go())"
    )
    environment = {**os.environ, "SUDO_UID": "1234", "SUDO_GID": "1235"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    as_caller = ["setpriv", "--reuid", "1234", "--regid", "1235", "--clear-groups", "cat", os.__file__]
    readable = MAPPED and subprocess.run(as_caller, capture_output=True, check=False).returncode == 0
    assert done.stdout.strip() == ("(1234, 1234, 1234) 0 False" if readable else "(0, 0, 0) 0 False"), "no right is left in either case"


@pytest.mark.skipif(not MAPPED, reason="the caller's identity is not there")
@pytest.mark.parametrize(("groups", "readable"), [((), False), ((1236,), False), ((0,), True)])
def test_what_a_user_may_read_is_asked_in_that_users_own_groups(groups: tuple[int, ...], readable: bool, tmp_path: Path) -> None:
    place = Path("/run") / tmp_path.name
    place.mkdir()
    (place / "library.py").touch()
    place.chmod(0o550)
    program = (
        "import os\nfrom pathlib import Path\nfrom aetui.packet.privilege import Identity, _may_read\nos.setgroups([0, 4321])\n"
        f"print(_may_read(Identity(1234, 1235, {groups}), [Path({str(place)!r}) / 'library.py']))\n"
        "print(os.getresuid(), os.getresgid(), sorted(os.getgroups()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [str(readable), "(0, 0, 0) (0, 0, 0) [0, 4321]"], done.stderr


# ------------------------------------------------------------------------------------------------ the local network
@pytest.fixture
def lan(surroundings: None) -> Chain:
    made = Chain(1, prefix="h")
    yield made  # type: ignore[misc]
    made.close()


def test_an_arp_scan_finds_the_neighbours_of_its_own_network_only(lan: Chain) -> None:
    async def go() -> tuple[object, object, object]:
        helper = PacketHelper()
        try:
            found = await helper.arp("east0", "10.9.0.0/29", 0.3)
            one = await helper.arp("east0", "10.9.0.2", 0.3, probe=True)
            other = await helper.arp("east0", "10.9.1.0/29", 0.3)
            return found, one, other
        finally:
            await helper.close()

    found, one, other = lan.inside(0, lambda: asyncio.run(go()))
    assert isinstance(found, tuple)
    assert [neighbour.address for neighbour in found] == ["10.9.0.2"]
    assert isinstance(one, tuple)
    assert one == found
    assert isinstance(other, Refused)


@pytest.mark.skipif(not MAPPED, reason="dnsmasq wants groups that this user namespace does not have")
def test_every_dhcp_server_that_offers_is_listed(lan: Chain) -> None:
    lan.batch(1, "addr add 10.9.0.3/24 dev west1")
    servers = [
        subprocess.Popen(
            ["ip", "netns", "exec", lan.name(1), "dnsmasq", "-k", "-u", "root", "-p", "0", "-C", "/dev/null", "--pid-file=",
             "--interface=west1",
             "--dhcp-range=10.9.0.100,10.9.0.110,255.255.255.0,1h", "--dhcp-leasefile=/dev/null", "--dhcp-option=6,10.9.0.53", "--no-ping",
             "--log-facility=-", "--log-dhcp"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
    ]  # fmt: skip
    try:
        assert servers[0].stderr is not None
        while b"DHCP, IP range" not in servers[0].stderr.readline():
            assert servers[0].poll() is None

        async def go() -> object:
            helper = PacketHelper()
            try:
                return await helper.dhcp_offers("east0", 1.0)
            finally:
                await helper.close()

        offers = lan.inside(0, lambda: asyncio.run(go()))
        assert isinstance(offers, tuple)
        assert len(offers) == 1
        assert (offers[0].resolvers, offers[0].mask) == (("10.9.0.53",), "255.255.255.0")
        assert offers[0].address.startswith("10.9.0.1")
    finally:
        for server in servers:
            server.kill()
            server.wait()
            assert server.stderr is not None
            server.stderr.close()
