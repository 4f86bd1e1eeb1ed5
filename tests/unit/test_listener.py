"""The listener on real sockets: what each kind of caller gets, what is recorded of it, and that every bound holds."""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
import struct
import subprocess
import sys
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.inbound import gate, knocklog, manners, ports
from aetui.inbound.listener import Listener, Stopped
from aetui.inbound.reception import Limits
from aetui.reach import Knock, Token
from aetui.wire import classify, telnet, token, x224

HOST = "127.0.0.1"
CODE = "7K3M-Q9XD"
KEY = token.Key.of(CODE)


class Heard:
    """Collects knocks and lets a test wait for them."""

    def __init__(self):
        self.knocks, self.missed = [], 0
        self._more = asyncio.Event()

    def __call__(self, batch):
        self.knocks += batch.knocks
        self.missed += batch.missed
        self._more.set()

    async def wait(self, count):
        async with asyncio.timeout(20):
            while len(self.knocks) < count:
                self._more.clear()
                await self._more.wait()
        return self.knocks


@asynccontextmanager
async def listening(port=0, **options):
    heard = Heard()
    listener = Listener([port], heard, code=CODE, address=options.pop("address", HOST), **options)
    (outcome,) = await listener.open()
    assert isinstance(outcome, ports.Opened)
    try:
        yield listener, outcome.port, heard
    finally:
        listener.stop()


async def call(port, data, host=HOST, source=None):
    """Say something, and hear the listener out."""
    reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0) if source else None)
    try:
        writer.write(data)
        return await asyncio.wait_for(reader.read(-1), 20)
    except ConnectionError:
        return b""
    finally:
        writer.close()


NO_CERTIFICATE = x224.Confirm(failure=3, reference=x224.LISTENER_REFERENCE)
TLS_WANTED = x224.Confirm(failure=1, reference=x224.LISTENER_REFERENCE)

DECLINED = telnet.GREETING + b"\xff\xfc\x03\xff\xfe\x18"

CALLERS = [
    ("Remote Desktop is refused as a server without certificate does", x224.request(cookie="anna"), x224.confirm(NO_CERTIFICATE), "rdp"),
    ("Remote Desktop without TLS is told to use it", x224.request(x224.Protocols(0)), x224.confirm(TLS_WANTED), "rdp"),
    ("an old client is disconnected in its own words", x224.request(None), x224.disconnect(x224.LISTENER_REFERENCE), "rdp"),
    ("a telnet client is declined and told why", b"\xff\xfd\x03\xff\xfb\x18", DECLINED + telnet.farewell(), "telnet"),
    ("SSH gets nothing", b"SSH-2.0-x\r\n", b"", "ssh"),
    ("HTTP gets nothing", b"GET / HTTP/1.0\r\n\r\n", b"", "http"),
    ("garbage gets nothing", bytes(range(200, 232)), b"", "unknown"),
    ("a wrong token gets nothing", token.frame(token.hello(token.Key.of("0000-0000"))), b"", "aetui"),
    ("a pretended token gets nothing", x224.request(cookie="aetui1.abc"), b"", "aetui"),
]


@pytest.mark.parametrize(("data", "answer", "speaks"), [row[1:] for row in CALLERS], ids=[row[0] for row in CALLERS])
async def test_each_caller_gets_its_own_protocols_refusal_or_nothing(data, answer, speaks):
    async with listening() as (_, port, heard):
        assert await call(port, data) == answer
        (knock,) = await heard.wait(1)
    assert (knock.speaks, knock.port, knock.peer, knock.refused) == (speaks, port, HOST, None)
    assert data.startswith(knock.first_bytes) and knock.first_bytes


CARRIERS = [
    ("plain", token.frame),
    ("in an RDP cookie", lambda said: x224.request(cookie=token.as_cookie(said))),
    ("as telnet refusals", token.as_refusals),
]


@pytest.mark.parametrize("carry", [row[1] for row in CARRIERS], ids=[row[0] for row in CARRIERS])
async def test_a_right_token_is_answered_with_where_it_arrived(carry):
    said = token.hello(KEY)
    async with listening() as (_, port, heard):
        answer = await call(port, carry(said))
        assert token.parse_answer(KEY, said, answer) == token.Arrived(port, HOST)
        (knock,) = await heard.wait(1)
    assert (knock.speaks, knock.token) == ("aetui", Token.MATCHED)
    assert said.challenge[:4] not in knock.first_bytes and said.proof[:4] not in knock.first_bytes


async def test_a_recorded_token_is_worth_nothing():
    said = token.hello(KEY)
    async with listening() as (_, port, heard):
        assert await call(port, token.frame(said)) != b""
        assert await call(port, token.frame(said)) == b""
        assert [knock.token for knock in await heard.wait(2)] == [Token.MATCHED, Token.WRONG]


async def test_after_a_few_wrong_tokens_an_address_is_not_looked_at_and_others_are():
    wrong = token.Key.of("0000-0000")
    async with listening() as (_, port, _heard):
        for _ in range(gate.PEER_TRIES):
            assert await call(port, token.frame(token.hello(wrong))) == b""
        assert await call(port, token.frame(token.hello(KEY))) == b""
        assert await call(port, token.frame(token.hello(KEY)), source="127.0.0.2") != b""


def test_when_the_code_is_being_guessed_only_the_allow_list_is_still_looked_at():
    judge = gate.Gate(CODE, KEY)
    for number in range(gate.ALL_TRIES):
        judge.judge(None, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 23, known=False)
    assert judge.shut
    assert judge.judge(token.hello(KEY), "198.51.100.9", 23, known=False).token is Token.WRONG
    assert judge.judge(token.hello(KEY), "198.51.100.9", 23, known=True).token is Token.MATCHED
    assert len(judge._wrong) <= gate.MOST_PEERS


async def test_a_token_in_pieces_is_waited_for():
    said = token.hello(KEY)
    raw = token.frame(said)
    async with listening() as (_, port, _heard):
        reader, writer = await asyncio.open_connection(HOST, port)
        for at in range(0, len(raw), 9):
            writer.write(raw[at : at + 9])
            await writer.drain()
            await asyncio.sleep(0)
        assert token.parse_answer(KEY, said, await reader.read(-1)) is not None
        writer.close()


async def test_half_a_token_is_a_wrong_one():
    async with listening() as (_, port, heard):
        _, writer = await asyncio.open_connection(HOST, port)
        writer.write(token.frame(token.hello(KEY))[:40])
        writer.write_eof()
        (knock,) = await heard.wait(1)
        writer.close()
    assert (knock.speaks, knock.token) == ("aetui", Token.WRONG)


def free_port_ending(ending):
    for port in range(20_000 + int(ending), 60_000, 100):
        with socket.socket() as sock:
            try:
                sock.bind((HOST, port))
            except OSError:
                continue
            return port
    raise AssertionError("no such port is free")


QUICK = Limits(greet_s=0.05, silent_s=0.1, whole_s=0.4, linger_s=0.1, sweep_s=0.02, notify_s=0.0)


async def test_a_silent_caller_at_a_telnet_port_is_greeted_and_taken_leave_of():
    async with listening(free_port_ending("23"), limits=QUICK) as (_, port, heard):
        assert await call(port, b"") == telnet.GREETING + telnet.farewell()
        assert [knock.speaks for knock in await heard.wait(1)] == ["nothing"]


async def test_a_caller_who_waited_for_the_greeting_is_known_by_its_answer():
    async with listening(free_port_ending("23"), limits=QUICK) as (_, port, heard):
        reader, writer = await asyncio.open_connection(HOST, port)
        assert await reader.readexactly(3) == telnet.GREETING
        writer.write(b"\xff\xfe\x03")
        assert await reader.read(-1) == telnet.farewell()
        assert [knock.speaks for knock in await heard.wait(1)] == ["telnet"]
        writer.close()


async def test_a_silent_caller_elsewhere_is_let_go_with_nothing():
    async with listening(free_port_ending("89"), limits=QUICK) as (_, port, heard):
        assert await call(port, b"") == b""
        assert [knock.speaks for knock in await heard.wait(1)] == ["nothing"]


async def test_a_slow_sender_is_cut_off_and_recorded_with_what_it_said():
    async with listening(limits=QUICK) as (_, port, heard):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"GET /slow HTTP/1.1\r\n")
        assert await reader.read(-1) == b""
        (knock,) = await heard.wait(1)
        writer.close()
    assert knock.speaks == "http" and knock.evidence["request"] == "GET /slow HTTP/1.1"


async def test_a_reset_is_a_knock_too():
    async with listening() as (_, port, heard):
        sock = socket.create_connection((HOST, port))
        sock.send(b"\x03\x00")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        assert len(await heard.wait(1)) == 1


async def test_a_caller_that_never_stops_sending_is_dropped():
    async with listening(limits=Limits(drain=10_000, linger_s=10.0)) as (_, port, heard):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(x224.request())
        await reader.readexactly(19)
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(20):
                while True:
                    writer.write(b"x" * 4096)
                    await writer.drain()
        await heard.wait(1)
        writer.transport.abort()


async def test_where_it_is_full_the_oldest_makes_room_and_no_knock_is_lost():
    async with listening(limits=Limits(connections=8, per_peer=100, notify_s=0.0)) as (listener, port, heard):
        pairs = [await asyncio.open_connection(HOST, port) for _ in range(30)]
        knocks = await heard.wait(22)
        assert listener.connections <= 8
        assert {knock.refused for knock in knocks} == {"crowded"}
        listener.stop()
        assert len(await heard.wait(30)) == 30
        for _, writer in pairs:
            writer.close()


async def test_one_address_cannot_take_all_the_room():
    async with listening(limits=Limits(connections=50, per_peer=5, notify_s=0.0)) as (listener, port, heard):
        pairs = [await asyncio.open_connection(HOST, port) for _ in range(20)]
        await heard.wait(15)
        assert listener.connections == 5
        other = await asyncio.open_connection(HOST, port, local_addr=("127.0.0.2", 0))
        said = token.hello(KEY)
        other[1].write(token.frame(said))
        assert token.parse_answer(KEY, said, await other[0].read(-1)) is not None
        for _, writer in [*pairs, other]:
            writer.close()


async def test_who_is_not_on_the_allow_list_is_closed_unread_and_counted():
    allow = (ip_network("127.0.0.8/29"),)
    async with listening(allow=allow) as (_, port, heard):
        assert await call(port, token.frame(token.hello(KEY))) == b""
        assert await call(port, x224.request(), source="127.0.0.9") == x224.confirm(NO_CERTIFICATE)
        first, second = await heard.wait(2)
    assert (first.refused, first.speaks, first.token) == ("not-allowed", "nothing", Token.NONE)
    assert (second.refused, second.speaks) == (None, "rdp")


async def test_ipv6_callers_are_served():
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    said = token.hello(KEY)
    async with listening(address="::1") as (_, port, heard):
        answer = await call(port, token.frame(said), host="::1")
        assert token.parse_answer(KEY, said, answer) == token.Arrived(port, "::1")
        assert (await heard.wait(1))[0].peer == "::1"


async def test_it_closes_by_itself_when_its_time_is_over():
    async with listening(minutes=0.001) as (listener, port, _):
        stopped = await listener.stopped()
        assert (stopped.reason, stopped.knocks) == ("time", 0)
        with pytest.raises(ConnectionError):
            await asyncio.open_connection(HOST, port)


async def test_stopping_hangs_up_on_everybody_records_them_and_can_be_done_twice():
    async with listening() as (listener, port, heard):
        reader, _writer = await asyncio.open_connection(HOST, port)
        await call(port, token.frame(token.hello(KEY)))  # the one before it is in, then
        listener.stop("hangup")
        listener.stop("asked")
        assert await listener.stopped() == Stopped("hangup", 2)
        assert await reader.read(-1) == b""
        assert len(heard.knocks) == 2
        _writer.close()


@pytest.mark.parametrize("minutes", [0, -1, 24 * 60 + 1])
def test_an_endless_or_empty_time_is_refused(minutes):
    with pytest.raises(ValueError, match="minutes"):
        Listener([0], lambda batch: None, minutes=minutes)


async def test_a_taken_port_names_its_holder():
    async with listening() as (_, port, _heard):
        outcome = ports.open_port(port, HOST)
    assert isinstance(outcome, ports.PortTaken)
    assert (outcome.port, outcome.holder.pid) == (port, os.getpid())
    assert outcome.holder.process


async def test_of_several_ports_the_free_ones_open():
    async with listening() as (_, taken, _heard):
        listener = Listener([taken, 0], lambda batch: None, address=HOST, code=CODE)
        first, second = await listener.open()
        listener.stop()
    assert isinstance(first, ports.PortTaken) and isinstance(second, ports.Opened)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody without rights")
def test_a_low_port_without_the_right_says_how_to_get_it_and_what_to_use_instead():
    program = (
        "import os\n"
        "from aetui.inbound.ports import open_port\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "print(open_port(23, '127.0.0.1'))"
    )
    here = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=here)
    assert done.stdout.startswith("RightMissing(port=23, first=1024")
    assert "sysctl net.ipv4.ip_unprivileged_port_start=23" in done.stdout and "setcap cap_net_bind_service=+ep" in done.stdout
    assert "instead=10023" in done.stdout


async def test_running_out_of_descriptors_is_a_pause_and_not_a_spin():
    async with listening(limits=Limits(rest_s=60.0)) as (listener, port, heard):
        reception = listener._reception
        real, calls = reception._listening[0], 0

        class Exhausted:
            def accept(self):
                nonlocal calls
                calls += 1
                raise OSError(24, "Too many open files")

            def fileno(self):
                return real.fileno()

        reception._ready.unregister(real)
        reception._ready.register(Exhausted(), selectors.EVENT_READ, port)
        _, writer = await asyncio.open_connection(HOST, port)
        for _ in range(50):
            await asyncio.sleep(0)
        assert calls == 1
        reception._ready.register(real, selectors.EVENT_READ, port)
        writer.close()
        assert len(await heard.wait(1)) == 1


async def test_between_two_turns_of_a_flood_others_get_many_rounds_of_the_loop(monkeypatch):
    async with listening(limits=Limits(turn_s=0.0, rounds=32)) as (listener, port, _):
        reception = listener._reception
        turns, serve = [], reception._serve_ready
        monkeypatch.setattr(reception, "_serve_ready", lambda: (turns.append(1), serve()))
        callers = [socket.create_connection((HOST, port)) for _ in range(100)]  # taken by the system: the loop has not run yet
        for _ in range(3 * 32):
            await asyncio.sleep(0)
        assert 1 <= len(turns) <= 4, "a key goes through two dozen rounds; none of them may cost a turn"
        for caller in callers:
            caller.close()
        async with asyncio.timeout(20):
            while listener.total < 100:
                await asyncio.sleep(0.01)


def knock(number, **changes):
    return Knock(**{"at": None, "peer": "10.0.0.1", "peer_port": number, "port": 23, "speaks": "nothing", **changes})


def test_a_flood_cannot_push_out_or_thin_what_matters():
    log = knocklog.KnockLog()
    for number in range(50):
        log.add(knock(number), known=True)
    for number in range(5_000):
        log.add(knock(number), known=False)
    log.add(knock(1, token=Token.MATCHED, speaks="aetui"), known=False)
    batch = log.take()
    assert log.total == 5_051 and sum(log.by_kind.values()) == 5_051
    assert len(batch.knocks) == 51 + knocklog.BATCH and batch.missed == 5_000 - knocklog.BATCH
    assert len(log.knocks) == knocklog.LONGEST + 51
    assert log.take() == knocklog.Batch((), 0)
    assert log.knocks[0].peer_port == 0 and log.knocks[-1].token is Token.MATCHED


CALLER = manners.Caller("10.0.0.1", 23, known=False, greeted=False)
FIXED = {x224.confirm(NO_CERTIFICATE), x224.confirm(TLS_WANTED), x224.disconnect(x224.LISTENER_REFERENCE), b""}


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff", b"\xff\xfd", b"\x03\x00\x00\x13", token.HELLO_MAGIC, x224.request()]))
def test_nothing_that_was_sent_is_ever_sent_back(data, prefix):
    said = prefix + data
    sent = manners.reply(classify.client(said), said, CALLER, gate.Gate(CODE, KEY)).send
    if sent in FIXED:
        return
    *verbs, last = telnet.Reader().feed(sent)
    assert last == telnet.Text(telnet.farewell())
    assert all(isinstance(verb, telnet.Verb) for verb in verbs)
