"""What only sockets of this machine show: descriptors that run out, closing under a wait, an early reset, lookups that hang."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import aetui
from aetui.observations import Ended, Outcome
from aetui.vantage import names
from aetui.vantage.accepting import listen
from aetui.vantage.asking import ask
from aetui.vantage.base import Shape, StreamEnded
from aetui.vantage.connecting import connect, resolve
from aetui.vantage.local import LocalVantage
from aetui.vantage.names import Names
from aetui.vantage.stream import SocketStream
from aetui.vantage.waiting import Complete, Ready, Waits

PATIENCE = 10.0
WAITS = pytest.mark.parametrize("waits", [Ready(), Complete()], ids=["ready", "complete"])


def soon(seconds: float = PATIENCE) -> float:
    return asyncio.get_running_loop().time() + seconds


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as sock:
        yield sock


@pytest.mark.parametrize("address", ["www.alsoenergy.com", "10.0.0", "", "1.2.3.4 ", "::g"])
def test_a_name_is_a_bug_and_never_looked_up(address: str) -> None:
    with pytest.raises(ValueError, match="not a literal address"):
        resolve(address, 80)


def test_a_link_local_address_names_its_interface() -> None:
    assert resolve("fe80::1%lo", 80)[1] == ("fe80::1", 80, 0, socket.if_nametoindex("lo" if sys.platform == "linux" else "lo0"))
    assert resolve("fe80::1%7", 80)[1] == ("fe80::1", 80, 0, 7)
    assert resolve("fe80::1%no-such-interface", 80)[1] == ("fe80::1", 80, 0, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
async def test_running_out_of_descriptors_is_data(listener: socket.socket) -> None:
    import resource

    loop_needs_it = socket.socket()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (loop_needs_it.fileno(), hard))  # every lower number is taken or soon will be
    held: list[SocketStream] = []
    outcomes: list[tuple[Outcome, str | None]] = []
    try:
        for _ in range(loop_needs_it.fileno() + 1):
            connection = await connect(Ready(), "127.0.0.1", listener.getsockname()[1], soon())
            outcomes.append((connection.seen.outcome, connection.seen.errno))
            if connection.stream is None:
                break
            assert isinstance(connection.stream, SocketStream)
            held.append(connection.stream)
        answer = await ask(Ready(), "127.0.0.1", 9, b"x", soon(), accept=lambda _: True)
        acceptor = listen(Ready(), "ipv4")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        loop_needs_it.close()
        for stream in held:
            stream.close()
    assert outcomes[-1] == (Outcome.FAILED, "EMFILE")
    assert (answer.outcome, answer.errno) == (Outcome.FAILED, "EMFILE")
    assert acceptor is None


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
async def test_opening_raises_the_limit_of_open_files_as_far_as_it_may() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, hard, 256), hard))
    vantage = LocalVantage()
    await vantage.open(soon())
    await vantage.close()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@WAITS
async def test_a_source_port_that_is_taken_is_data(waits: Waits, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))
        answer = await ask(waits, "127.0.0.1", port, b"x", soon(), accept=lambda _: True, source_port=taken.getsockname()[1])
    assert (answer.outcome, answer.errno) == (Outcome.FAILED, "EADDRINUSE")
    connection = await connect(waits, "127.0.0.1", port, soon(), Shape(source_port=port))
    assert (connection.seen.outcome, connection.seen.errno) == (Outcome.FAILED, "EADDRINUSE")


async def test_a_reset_right_after_the_handshake_is_an_open_port_whose_stream_is_reset(listener: socket.socket) -> None:
    """The loop sleeps while the peer takes the connection and resets it, so the connect finds both at once."""
    task = asyncio.create_task(connect(Ready(), "127.0.0.1", listener.getsockname()[1], soon()))
    await asyncio.sleep(0)  # the SYN is out; what follows happens before the loop looks again
    taken, _ = listener.accept()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    taken.close()
    connection = await task
    assert connection.seen.outcome is Outcome.OPEN
    assert connection.stream is not None
    with pytest.raises(StreamEnded) as caught:
        await connection.stream.read(1, soon())
    assert (caught.value.ended, caught.value.errno) == (Ended.RESET, "ECONNRESET")
    connection.stream.close()


@pytest.mark.parametrize("what", [lambda s: s.read(1, soon()), lambda s: s.write(bytes(1 << 26), soon())], ids=["read", "write"])
async def test_closing_a_stream_ends_the_wait_on_it(listener: socket.socket, what: Callable[[SocketStream], asyncio.Future[bytes]]) -> None:
    connection = await connect(Ready(), "127.0.0.1", listener.getsockname()[1], soon())
    assert isinstance(connection.stream, SocketStream)
    waiting = asyncio.ensure_future(what(connection.stream))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    connection.stream.close()
    again = socket.socket()  # most likely takes the number just freed; the ended wait must not touch it
    again.setblocking(False)
    asyncio.get_running_loop().add_reader(again, int)
    with pytest.raises(StreamEnded) as caught:
        await waiting
    assert caught.value.ended is Ended.CLOSED
    assert asyncio.get_running_loop().remove_reader(again)
    again.close()


async def test_a_cancelled_read_closes_the_stream(listener: socket.socket) -> None:
    connection = await connect(Ready(), "127.0.0.1", listener.getsockname()[1], soon())
    assert connection.stream is not None
    reading = asyncio.ensure_future(connection.stream.read(1, soon()))
    await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    taken, _ = listener.accept()
    with taken:
        taken.settimeout(PATIENCE)
        assert taken.recv(1) == b""


async def test_a_read_whose_deadline_has_passed_is_silent_even_where_bytes_wait(listener: socket.socket) -> None:
    """Else a peer that always has something to say would keep a probe reading for ever."""
    connection = await connect(Ready(), "127.0.0.1", listener.getsockname()[1], soon())
    assert connection.stream is not None
    taken, _ = listener.accept()
    with taken:
        taken.sendall(b"here")
        with pytest.raises(StreamEnded) as caught:
            await connection.stream.read(1, soon(-0.001))
        assert caught.value.ended is Ended.SILENT
        assert await connection.stream.read(4, soon()) == b"here"
    connection.stream.close()


async def test_a_wait_that_is_over_leaves_no_timer_behind(listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    before = sum(not timer.cancelled() for timer in loop._scheduled)  # type: ignore[attr-defined]
    for _ in range(5):
        connection = await connect(Ready(), "127.0.0.1", listener.getsockname()[1], soon(3600))
        assert connection.stream is not None
        connection.stream.close()
    assert sum(not timer.cancelled() for timer in loop._scheduled) == before  # type: ignore[attr-defined]


async def test_a_plain_close_is_polite_and_one_with_a_fixed_source_port_resets(listener: socket.socket) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for shape, polite in ((Shape(), True), (Shape(source_port=port), False), (Shape(source_port=port), False)):
        connection = await connect(Ready(), "127.0.0.1", listener.getsockname()[1], soon(), shape)
        taken, _ = listener.accept()
        assert connection.stream is not None
        connection.stream.close()
        with taken:
            taken.settimeout(PATIENCE)
            if polite:
                assert taken.recv(1) == b""
            else:
                with pytest.raises(ConnectionResetError):
                    taken.recv(1)


async def test_a_flood_of_strays_ends_at_the_deadline() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooder:
        flooder.bind(("127.0.0.1", 0))
        stop = threading.Event()

        def flood() -> None:
            _, victim = flooder.recvfrom(10)
            while not stop.is_set():
                flooder.sendto(b"stray", victim)

        thread = threading.Thread(target=flood)
        thread.start()
        try:
            answer = await ask(Ready(), "127.0.0.1", flooder.getsockname()[1], b"x", soon(0.2), accept=lambda _: False)
        finally:
            stop.set()
            thread.join()
    assert answer.outcome is Outcome.FILTERED
    assert answer.stray > 0


async def test_a_datagram_from_elsewhere_is_no_answer() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        asked.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        asking = asyncio.create_task(ask(Ready(), "127.0.0.1", asked.getsockname()[1], b"x", soon(0.3), accept=lambda _: True))
        await asyncio.sleep(0.05)
        _, asker = asked.recvfrom(10)
        other.sendto(b"forged", asker)
        answer = await asking
    assert (answer.outcome, answer.reply, answer.stray) == (Outcome.FILTERED, None, 0)


async def test_a_lookup_that_hangs_is_not_known_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(names, "addresses", lambda _: release.wait(PATIENCE) and ())
    looking = Names()
    assert await looking.lookup("name.example", soon(0.05)) is None
    hung = [asyncio.create_task(looking.lookup("name.example", soon(60))) for _ in range(names.MOST_THREADS - 1)]
    await asyncio.sleep(0)
    assert await looking.lookup("one too many", soon(60)) is None
    release.set()
    assert await asyncio.gather(*hung) == [()] * len(hung)


async def test_a_finished_lookup_makes_room_for_the_next() -> None:
    looking = Names()
    for _ in range(names.MOST_THREADS + 1):
        assert await looking.lookup("127.0.0.1", soon()) == ("127.0.0.1",)


HANGS = """
import asyncio, time
from aetui.vantage import names
names.addresses = lambda name: time.sleep(60)

async def main():
    print(await names.Names().lookup("x.example", asyncio.get_running_loop().time() + 0.1))

asyncio.run(main())
"""


def test_a_lookup_that_hangs_does_not_hold_up_the_end_of_the_program() -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(aetui.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", HANGS], env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "None\n", "")


async def test_a_cancelled_accept_closes_the_port() -> None:
    acceptor = listen(Ready(), "ipv4")
    assert acceptor is not None
    accepting = asyncio.ensure_future(acceptor.accept(soon()))
    await asyncio.sleep(0.01)
    accepting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await accepting
    with socket.socket() as sock:
        assert sock.connect_ex(("127.0.0.1", acceptor.port)) != 0


async def test_ipv6_can_be_listened_on_too() -> None:
    acceptor = listen(Ready(), "ipv6")
    if acceptor is None:
        pytest.skip("no IPv6 on this machine")
    assert ":" in acceptor.address
    acceptor.close()
