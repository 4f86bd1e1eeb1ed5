"""The ftp probe: by table over peers in memory, and against a small real server on loopback."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

import pytest
from fake_vantage import FakeVantage, MockAcceptor, MockStream

from aetui.observations import Ended, FtpSeen, FtpTransfer, Outcome
from aetui.probes import ftp, tcp
from aetui.probes.base import Credentials, Given, Settings
from aetui.records import Check
from aetui.vantage.local import LocalVantage

HOST, PEER = "ftp.example", "192.0.2.21"
LOGIN = Settings(credentials={HOST: Credentials("bob", "s3cret")})
FEAT = b"211-Features:\r\n EPSV\r\n UTF8\r\n211 End\r\n"
LISTED = [b"150 Here it comes.\r\n", b"226 Done.\r\n"]
SERVER: Mapping[str, list[bytes]] = {
    "FEAT": [FEAT],
    "USER bob": [b"331 Password please.\r\n"],
    "PASS s3cret": [b"230 Welcome.\r\n"],
    "PASV": [b"227 Entering Passive Mode (192,0,2,21,4,1).\r\n"],
    "EPSV": [b"229 Entering Extended Passive Mode (|||1026|)\r\n"],
    "PORT 192,0,2,20,4,1": [b"200 PORT accepted.\r\n"],
    "LIST": LISTED,
    "QUIT": [b"221 Bye.\r\n"],
}


def server(greeting: bytes = b"220 ready\r\n", **changed: bytes | Ended) -> MockStream:
    """A control connection; ``changed`` by verb, several replies to LIST being sent one a LIST."""

    def on(line: bytes) -> Iterator[bytes | Ended]:
        words = line.decode().strip()
        verb = words.split()[0]
        if verb in changed:
            said = changed[verb]
            return iter([said])
        return iter(SERVER.get(words, [b"500 What?\r\n"]))

    return MockStream([greeting], Ended.SILENT, on)


def listing() -> MockStream:
    return MockStream([b"-rw-r--r-- 1 a b 3 Jan 1 00:00 x.csv\r\n"])


def vantage(**changed: object) -> FakeVantage:
    connects: dict[tuple[str, int], object] = {(PEER, 1025): listing(), (PEER, 1026): listing()}
    return FakeVantage({**connects, **changed.pop("connects", {})}, acceptor=MockAcceptor(listing()), **changed)  # type: ignore[dict-item, arg-type]


async def measured(stream: MockStream, over: FakeVantage | None = None, settings: Settings = LOGIN) -> FtpSeen:
    check = Check("f", "ftp", HOST, 21)
    result = await ftp.measure(check, Given((PEER,), stream), over or vantage(), settings, math.inf)
    assert isinstance(result.observation, FtpSeen)
    assert stream.closed
    return result.observation


def by_mode(seen: FtpSeen) -> dict[str, FtpTransfer]:
    return {transfer.mode: transfer for transfer in seen.transfers}


async def test_without_credentials_nothing_but_features_is_asked_for() -> None:
    stream = server()
    seen = await measured(stream, settings=Settings(credentials={"other.example": Credentials("bob", "s3cret")}))
    assert seen == FtpSeen(Ended.DONE, "220 ready", ("EPSV", "UTF8"))
    assert stream.sent == b"FEAT\r\nQUIT\r\n"


async def test_with_them_every_kind_of_data_connection_carries_a_listing() -> None:
    stream = server()
    seen = await measured(stream)
    assert (seen.ended, seen.login) == (Ended.DONE, "230 Welcome.")
    assert [(t.mode, t.ended, t.received, t.listing) for t in seen.transfers] == [
        (mode, Ended.DONE, 38, "226 Done.") for mode in ("pasv", "epsv", "port")
    ]
    pasv, epsv, port = seen.transfers
    assert (pasv.address, pasv.port, pasv.corrected) == (PEER, 1025, None)
    assert (epsv.address, epsv.port, epsv.connect and epsv.connect.address) == (None, 1026, PEER)
    assert (port.address, port.port, port.connect) == ("192.0.2.20", 1025, None)
    assert stream.sent.endswith(b"QUIT\r\n")
    assert b"STOR" not in stream.sent
    assert b"AUTH" not in stream.sent


async def test_a_vantage_that_takes_no_connection_in_tries_no_active_mode() -> None:
    quiet = vantage()
    quiet.acceptor = None
    assert set(by_mode(await measured(server(), quiet))) == {"pasv", "epsv"}


@pytest.mark.parametrize(
    ("outcome", "ended"),
    [(Outcome.FILTERED, Ended.SILENT), (Outcome.REFUSED, Ended.RESET), (Outcome.REJECTED, Ended.CLOSED)],
)
async def test_a_data_connection_that_does_not_open_is_told_apart_from_those_that_do(outcome: Outcome, ended: Ended) -> None:
    seen = await measured(server(), vantage(connects={(PEER, 1025): outcome}))
    transfers = by_mode(seen)
    assert (transfers["pasv"].ended, transfers["pasv"].received, transfers["pasv"].listing) == (ended, 0, None)
    assert transfers["pasv"].connect is not None
    assert transfers["pasv"].connect.outcome is outcome
    assert (transfers["epsv"].ended, transfers["port"].ended, seen.ended) == (Ended.DONE, Ended.DONE, Ended.DONE)


async def test_an_address_that_nobody_can_reach_is_recorded_and_the_peer_s_own_is_tried_as_well() -> None:
    stream = server(PASV=b"227 Entering Passive Mode (10,0,0,5,4,1).\r\n")
    pasv = by_mode(await measured(stream))["pasv"]
    assert (pasv.address, pasv.port, pasv.ended, pasv.received) == ("10.0.0.5", 1025, Ended.DONE, 38)
    assert pasv.connect is not None
    assert pasv.corrected is not None
    assert (pasv.connect.address, pasv.connect.outcome) == ("10.0.0.5", Outcome.FILTERED)
    assert (pasv.corrected.address, pasv.corrected.outcome) == (PEER, Outcome.OPEN)


async def test_another_address_that_works_needs_no_correction() -> None:
    stream = server(PASV=b"227 Entering Passive Mode (192,0,2,99,4,1).\r\n")
    pasv = by_mode(await measured(stream, vantage(connects={("192.0.2.99", 1025): listing()})))["pasv"]
    assert (pasv.address, pasv.ended, pasv.corrected) == ("192.0.2.99", Ended.DONE, None)


@pytest.mark.parametrize(
    ("verb", "reply", "mode", "ended", "text"),
    [
        ("PASV", b"502 Not here.\r\n", "pasv", Ended.DECLINED, "502 Not here."),
        ("PASV", b"227 ****\r\n", "pasv", Ended.GARBLED, "227 ****"),
        ("EPSV", b"500 What?\r\n", "epsv", Ended.DECLINED, "500 What?"),
        ("EPSV", b"229 no port\r\n", "epsv", Ended.GARBLED, "229 no port"),
        ("PORT", b"500 Illegal PORT command.\r\n", "port", Ended.DECLINED, "500 Illegal PORT command."),
    ],
)
async def test_a_mode_that_the_server_will_not_have(verb: str, reply: bytes, mode: str, ended: Ended, text: str) -> None:
    seen = await measured(server(**{verb: reply}))
    assert (by_mode(seen)[mode].ended, by_mode(seen)[mode].reply) == (ended, text)
    assert len(seen.transfers) == 3


async def test_a_listing_that_the_server_declines() -> None:
    seen = await measured(server(LIST=b"550 No.\r\n"))
    assert {(t.ended, t.listing) for t in seen.transfers} == {(Ended.DECLINED, "550 No.")}


async def test_an_active_connection_that_never_comes_is_silence_with_the_server_s_word_for_it() -> None:
    changing = iter([b"150 a\r\n226 b\r\n", b"150 a\r\n226 b\r\n", b"425 Failed to establish connection.\r\n"])
    stream = server()
    on = stream.on
    assert on is not None
    stream.on = lambda line: [next(changing)] if line == b"LIST\r\n" else on(line)
    quiet = vantage()
    quiet.acceptor = MockAcceptor(None)
    port = by_mode(await measured(stream, quiet))["port"]
    assert (port.ended, port.listing) == (Ended.SILENT, "425 Failed to establish connection.")
    assert quiet.acceptor.closed


async def test_a_listing_that_stalls_or_breaks_is_told_with_what_came() -> None:
    connects = {(PEER, 1025): MockStream([b"abc"], Ended.SILENT), (PEER, 1026): MockStream([b"ab"], Ended.RESET)}
    transfers = by_mode(await measured(server(), vantage(connects=connects)))
    told = {mode: (t.ended, t.received, t.listing) for mode, t in transfers.items()}
    assert told == {
        "pasv": (Ended.SILENT, 3, "226 Done."),
        "epsv": (Ended.RESET, 2, "226 Done."),
        "port": (Ended.DONE, 38, "226 Done."),
    }


async def test_a_listing_without_end_is_left() -> None:
    flood = MockStream([b"x" * 16384] * 100)
    transfers = by_mode(await measured(server(), vantage(connects={(PEER, 1025): flood})))
    assert transfers["pasv"].ended is Ended.LIMIT
    assert flood.closed
    assert len(flood.script) > 50


@pytest.mark.parametrize("ended", [Ended.RESET, Ended.SILENT])
async def test_a_control_connection_cut_at_pasv_ends_the_visit_and_says_where(ended: Ended) -> None:
    seen = await measured(server(PASV=ended))
    assert (seen.ended, seen.login) == (ended, "230 Welcome.")
    assert [(t.mode, t.ended, t.reply) for t in seen.transfers] == [("pasv", ended, None)]


@pytest.mark.parametrize(
    ("stream", "ended", "banner", "strange"),
    [
        pytest.param(server(b"421 Too many users.\r\n"), Ended.DECLINED, "421 Too many users.", b"", id="a server that is full"),
        pytest.param(server(b"220-a\r\n b\r\n220 c\r\n"), Ended.DONE, "220 a  b c", b"", id="a greeting of many lines"),
        pytest.param(server(b"120 Soon.\r\n220 now\r\n"), Ended.DONE, "220 now", b"", id="a server that asks for patience"),
        pytest.param(server(b"220 ****\r\n"), Ended.DONE, "220 ****", b"", id="a greeting that something on the way has masked"),
        pytest.param(MockStream([b"SSH-2.0-x\r\n"]), Ended.GARBLED, None, b"SSH-2.0-x\r\n", id="SSH"),
        pytest.param(MockStream([b"220-\r\n" + b"x" * 90_000]), Ended.LIMIT, None, b"", id="a greeting without end"),
        pytest.param(MockStream(then=Ended.SILENT), Ended.SILENT, None, b"", id="silence"),
        pytest.param(MockStream(then=Ended.CLOSED), Ended.CLOSED, None, b"", id="a close"),
        pytest.param(MockStream(then=Ended.RESET), Ended.RESET, None, b"", id="a reset"),
        pytest.param(server(FEAT=Ended.RESET), Ended.RESET, "220 ready", b"", id="a reset after FEAT"),
    ],
)
async def test_greetings(stream: MockStream, ended: Ended, banner: str | None, strange: bytes) -> None:
    seen = await measured(stream, settings=Settings())
    assert (seen.ended, seen.banner, seen.first_bytes) == (ended, banner, strange)


@pytest.mark.parametrize(
    ("credentials", "changed", "login", "sent"),
    [
        pytest.param(Credentials("bob", "wrong"), {"PASS": b"530 Incorrect.\r\n"}, "530 Incorrect.", b"PASS wrong", id="declined"),
        pytest.param(Credentials("bob", "s3cret"), {"USER": b"230 In already.\r\n"}, "230 In already.", b"USER bob", id="no password"),
        pytest.param(Credentials("bob", "s3cret"), {"PASS": b"530 not s3cret\r\n"}, "530", b"PASS s3cret", id="a reply that repeats it"),
        pytest.param(Credentials("bob", "s3cret"), {"PASS": b"530 no bob here\r\n"}, "530", b"PASS s3cret", id="or the name"),
        pytest.param(Credentials("bob\r\nDELE x", "y"), {}, ftp.NOT_SENDABLE, b"QUIT", id="a name that cannot be sent"),
    ],
)
async def test_logins(credentials: Credentials, changed: dict[str, bytes], login: str, sent: bytes) -> None:
    stream = server(**changed)
    seen = await measured(stream, settings=Settings(credentials={HOST: credentials}))
    assert seen.login == login
    assert sent in stream.sent
    assert b"DELE" not in stream.sent
    assert "s3cret" not in repr(seen)


async def test_active_mode_by_the_family_of_the_control_connection() -> None:
    asked: list[str] = []

    class Six(FakeVantage):
        async def listen(self, deadline: float, family: str = "ipv4") -> MockAcceptor | None:
            asked.append(family)
            return MockAcceptor(listing(), "2001:db8::20")

    stream = server()
    check = Check("f", "ftp", HOST, 21, about={"family": "ipv6"})
    await ftp.measure(check, Given(("2001:db8::21",), stream), Six(), LOGIN, math.inf)
    assert asked == ["ipv6"]
    assert b"EPRT |2|2001:db8::20|1025|" in stream.sent


@asynccontextmanager
async def real_server() -> AsyncIterator[int]:
    """A small FTP server on loopback: PASV, EPSV and PORT with real data connections."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
        listeners: list[asyncio.Server] = []

        async def passive() -> int:
            nonlocal data
            future = data = asyncio.get_running_loop().create_future()
            listener = await asyncio.start_server(lambda _, w: future.set_result(w), "127.0.0.1", 0)
            listeners.append(listener)
            port: int = listener.sockets[0].getsockname()[1]
            return port

        writer.write(b"220 small\r\n")
        while line := (await reader.readline()).decode().strip():
            verb, _, argument = line.partition(" ")
            if verb == "PASV":
                port = await passive()
                writer.write(f"227 ok (127,0,0,1,{port >> 8},{port & 255})\r\n".encode())
            elif verb == "EPSV":
                writer.write(f"229 ok (|||{await passive()}|)\r\n".encode())
            elif verb == "PORT":
                *octets, high, low = argument.split(",")
                _, sender = await asyncio.open_connection(".".join(octets), int(high) << 8 | int(low))
                data = asyncio.get_running_loop().create_future()
                data.set_result(sender)
                writer.write(b"200 ok\r\n")
            elif verb == "LIST":
                writer.write(b"150 comes\r\n")
                sender = await data
                sender.write(b"file\r\n" * 1000)
                sender.close()
                writer.write(b"226 done\r\n")
            elif verb == "QUIT":
                break
            else:
                writer.write({"USER": b"331 p\r\n", "PASS": b"230 in\r\n"}.get(verb, b"502 no\r\n"))
        for listener in listeners:
            listener.close()
        writer.close()
        over.set()

    over = asyncio.Event()
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await over.wait()


async def test_against_a_real_server_every_kind_of_transfer_arrives() -> None:
    over, deadline = LocalVantage(), asyncio.get_running_loop().time() + 10
    loopback = "127.0.0.1"
    async with real_server() as port:
        opened = await tcp.measure(Check("t", "tcp", loopback, port), Given(), over, LOGIN, deadline)
        settings = Settings(credentials={loopback: Credentials("a", "b")})
        given = Given(opened.addresses, opened.stream)
        result = await ftp.measure(Check("f", "ftp", loopback, port), given, over, settings, deadline)
    seen = result.observation
    assert isinstance(seen, FtpSeen)
    assert (seen.ended, seen.banner) == (Ended.DONE, "220 small")
    assert [(t.mode, t.ended, t.received) for t in seen.transfers] == [(mode, Ended.DONE, 6000) for mode in ("pasv", "epsv", "port")]
