"""The outside half against real sockets: our own listener, services of every kind, and a vantage that only pretends to be elsewhere."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from aetui.inbound import knocking, standing
from aetui.inbound.confirm import Surroundings, Wanted, confirm, determined, inside_targets, targets
from aetui.inbound.listener import Listener
from aetui.inbound.reception import Limits
from aetui.observations import Outcome, TcpSeen
from aetui.reach import Arrival, NatSeen, OuterSide, Reached, Standing, Target, Token
from aetui.records import VantageInfo
from aetui.vantage.base import PLAIN, Connection
from aetui.vantage.local import LocalVantage
from aetui.wire import telnet, token, x224

HOST, PUBLIC, CODE = "127.0.0.1", "198.51.100.2", "7K3M-Q9XD"
OFFICE = VantageInfo("jump", "office", address="203.0.113.250")


class Elsewhere(LocalVantage):
    """Knocks at public addresses; loopback ports stand behind them."""

    def __init__(self, behind, info=OFFICE, seen_as=None):
        super().__init__()
        self._behind, self._told, self._seen_as, self.connects = behind, info, seen_as, 0

    @property
    def info(self):
        return self._told

    async def client_address(self):
        return self._seen_as

    async def connect(self, address, port, deadline, shape=PLAIN):
        self.connects += 1
        behind = self._behind.get((address, port), Outcome.FILTERED)
        if isinstance(behind, Outcome):
            return Connection(TcpSeen(address, port, behind), None)
        connection = await super().connect(HOST, behind, deadline, shape)
        return Connection(TcpSeen(address, port, connection.seen.outcome), connection.stream)


@asynccontextmanager
async def listening(code=CODE, **options):
    listener = Listener([0], lambda batch: None, code=code, address=HOST, **options)
    (opened,) = await listener.open()
    try:
        yield listener, opened.port
    finally:
        listener.stop()


@asynccontextmanager
async def service(play):
    """A server that plays one part, and what it was sent."""
    sent, playing = bytearray(), []

    async def handle(reader, writer):
        playing.append(asyncio.current_task())
        try:
            await play(reader, writer, sent)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1], sent
        await asyncio.gather(*playing)


def speaking(first=b"", after=b"", close=False):
    """Says ``first``, hears something, says ``after``, and listens on or closes."""

    async def play(reader, writer, sent):
        writer.write(first)
        while data := await reader.read(4096):
            sent += data
            writer.write(after)
            if close:
                return

    return play


async def knocked(behind, expected, code=None, info=OFFICE, port=3389):
    vantage = Elsewhere({(PUBLIC, port): behind}, info)
    deadline = asyncio.get_running_loop().time() + 20
    target = Target(PUBLIC, port, port, expected)
    reached = await knocking.knock(vantage, target, Standing.OUTSIDE, deadline, knocking.derive(code) if code else None)
    return reached, vantage


EXPECTED = ["rdp", "telnet", None]


@pytest.mark.parametrize("expected", EXPECTED)
async def test_a_token_comes_back_over_one_connection_whatever_is_expected(expected):
    async with listening() as (_, port):
        reached, vantage = await knocked(port, expected, CODE)
    assert (reached.token, reached.speaks, reached.arrival) == (Token.MATCHED, "aetui", Arrival(port, HOST))
    assert vantage.connects == 1


@pytest.mark.parametrize("expected", ["rdp", None])
async def test_a_listener_that_knows_another_code_is_told_from_a_real_service(expected):
    async with listening("0000-0000") as (_, port):
        reached, _ = await knocked(port, expected, CODE)
    assert (reached.token, reached.speaks) == (Token.WRONG, "aetui")


async def test_a_listener_is_known_without_a_code_and_nothing_is_proved():
    async with listening() as (_, port):
        reached, _ = await knocked(port, "rdp")
    assert (reached.token, reached.speaks, reached.arrival) == (Token.NONE, "aetui", None)


CONFIRM = x224.confirm(x224.Confirm(failure=5))
SERVICES = [
    ("Remote Desktop", "rdp", speaking(after=CONFIRM), "rdp", None),
    ("telnet", "telnet", speaking(b"\xff\xfd\x18\r\nMoxa login: "), "telnet", "Moxa login:"),
    ("telnet where nobody knows", None, speaking(b"\xff\xfd\x18\r\nMoxa login: "), "telnet", "Moxa login:"),
    ("Remote Desktop where nobody knows", None, speaking(after=CONFIRM, close=True), "rdp", None),
    ("SSH in Remote Desktop's place", "rdp", speaking(b"SSH-2.0-dropbear\r\n"), "ssh", "SSH-2.0-dropbear"),
    ("a web server", "rdp", speaking(after=b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n"), "http", "nginx"),
    ("FTP in telnet's place", "telnet", speaking(b"220 ProFTPD ready\r\n", close=True), "unknown", "220 ProFTPD ready"),
    ("TLS in Remote Desktop's place", "rdp", speaking(after=b"\x15\x03\x01\x00\x02\x02\x0a"), "tls", None),
]


@pytest.mark.parametrize("coded", [False, True], ids=["without a code", "with a code"])
@pytest.mark.parametrize(("expected", "play", "speaks", "identity"), [row[1:] for row in SERVICES], ids=[row[0] for row in SERVICES])
async def test_what_answers_is_identified_with_and_without_a_token(expected, play, speaks, identity, coded, monkeypatch):
    monkeypatch.setattr(knocking, "ANSWER_S", 1.0)
    monkeypatch.setattr(knocking, "UNKNOWN_S", 0.5)
    async with service(play) as (port, _):
        reached, _ = await knocked(port, expected, CODE if coded else None)
    assert (reached.speaks, reached.token) == (speaks, Token.NONE)
    assert identity is None or (reached.identity or "").startswith(identity)


@pytest.mark.parametrize("coded", [False, True], ids=["without a code", "with a code"])
@pytest.mark.parametrize("expected", ["telnet", None])
async def test_no_letter_is_typed_at_a_telnet_server_however_slow_it_is(expected, coded, monkeypatch):
    monkeypatch.setattr(knocking, "ANSWER_S", 0.2)
    monkeypatch.setattr(knocking, "UNKNOWN_S", 0.2)
    async with service(speaking()) as (port, sent):
        reached, _ = await knocked(port, expected, CODE if coded else None)
    assert reached.speaks == "nothing"
    said = bytes(sent).removesuffix(x224.request()) if expected is None else bytes(sent)
    items = telnet.Reader().feed(said)
    assert all(isinstance(item, telnet.Verb) and item.verb == telnet.WONT for item in items)
    assert len(items) == (token.HELLO_LENGTH if coded else 0)


@pytest.mark.parametrize("outcome", [Outcome.FILTERED, Outcome.REFUSED, Outcome.UNREACHABLE, Outcome.FAILED])
async def test_a_port_that_does_not_open_is_asked_once(outcome):
    reached, vantage = await knocked(outcome, "rdp", CODE)
    assert (reached.tcp.outcome, reached.speaks, reached.token, vantage.connects) == (outcome, "nothing", Token.NONE, 1)


async def test_a_whole_confirmation_brings_both_halves_together():
    async with listening() as (listener, port), service(speaking(after=CONFIRM)) as (logger, _):
        outside = Elsewhere({(PUBLIC, 53389): port})
        here = Elsewhere({("192.168.50.30", 3389): logger}, VantageInfo("local", "laptop", address="192.168.50.20"))
        wanted = Wanted(targets([(PUBLIC, 53389)], {53389: 3389}), (Target("192.168.50.30", 3389, 3389, "rdp"),), CODE)
        deadline = asyncio.get_running_loop().time() + 20
        seen = await confirm(outside, wanted, deadline, Surroundings(inside=here, listening=(3389,)))
        assert listener.total == 1
    (reached,), (inside,) = seen.outside, seen.inside
    assert (reached.target.expected, reached.token, reached.standing) == ("rdp", Token.MATCHED, Standing.OUTSIDE)
    assert (inside.speaks, inside.standing) == ("rdp", Standing.INSIDE)
    assert determined(seen)


TARGETS = [
    ("no port is both of the equipment's", [(PUBLIC, None)], {}, [(3389, 3389, "rdp"), (23, 23, "telnet")]),
    ("a port is itself", [(PUBLIC, 23)], {}, [(23, 23, "telnet")]),
    ("an unknown port expects nothing", [(PUBLIC, 8023)], {}, [(8023, 8023, None)]),
    ("a forward changes the port", [(PUBLIC, 53389)], {53389: 3389}, [(53389, 3389, "rdp")]),
    ("a forward alone is the port", [(PUBLIC, None)], {2323: 23}, [(2323, 23, "telnet")]),
    ("what is named twice is knocked at once", [(PUBLIC, 23), (PUBLIC, None)], {}, [(23, 23, "telnet"), (3389, 3389, "rdp")]),
]


@pytest.mark.parametrize(("places", "forwards", "expected"), [row[1:] for row in TARGETS], ids=[row[0] for row in TARGETS])
def test_targets(places, forwards, expected):
    assert [(target.port, target.inside_port, target.expected) for target in targets(places, forwards)] == expected


def test_the_equipment_is_asked_at_its_own_ports():
    wanted = targets([(PUBLIC, 53389)], {53389: 3389})
    assert [(t.address, t.port, t.expected) for t in inside_targets([("192.168.50.30", None)], wanted)] == [("192.168.50.30", 3389, "rdp")]
    assert [t.port for t in inside_targets([("192.168.50.30", 13389)], wanted)] == [13389]
    assert [t.port for t in inside_targets([("192.168.50.30", None), ("192.168.50.30", 3389)], wanted)] == [3389]


def nat(*outer, public=None):
    return NatSeen("192.168.50.1", "192.168.50.20", tuple(OuterSide("upnp", address, "success") for address in outer), public)


LAPTOP = VantageInfo("local", "laptop", address="192.168.50.20")
SERVER = VantageInfo("local", "server", address="203.0.113.9")
CLOUD = VantageInfo("jump", "cloud", address="10.0.3.4")
OUT, IN, UNKNOWN = Standing.OUTSIDE, Standing.INSIDE, Standing.UNKNOWN

BEFORE = [
    ("a public machine", SERVER, PUBLIC, None, None, OUT),
    ("the target itself", VantageInfo("local", "router", address=PUBLIC), PUBLIC, None, None, IN),
    ("a private target is no test from outside", SERVER, "192.168.50.30", None, None, IN),
    ("a carrier's address is none either", SERVER, "100.64.0.9", None, None, IN),
    ("loopback is none either", SERVER, "127.0.0.1", None, None, IN),
    ("behind the router that has the target's address", LAPTOP, PUBLIC, nat(PUBLIC), None, IN),
    ("behind the site, as a jump host sees it", LAPTOP, PUBLIC, nat("10.0.0.1", public=PUBLIC), None, IN),
    ("behind another public router", LAPTOP, PUBLIC, nat("203.0.113.77"), None, OUT),
    ("behind a router that tells nothing", LAPTOP, PUBLIC, nat(), None, UNKNOWN),
    ("behind a router that was not asked", LAPTOP, PUBLIC, None, None, UNKNOWN),
    ("behind two routers", LAPTOP, PUBLIC, nat("10.0.0.1"), None, UNKNOWN),
    ("a public jump host", OFFICE, PUBLIC, None, None, OUT),
    ("a jump host in a cloud, which sees us from a public address", CLOUD, PUBLIC, None, PUBLIC, OUT),
    ("a jump host that sees us from a private address", CLOUD, PUBLIC, None, "192.168.50.20", UNKNOWN),
    ("a jump host that does not tell", CLOUD, PUBLIC, None, None, UNKNOWN),
]


@pytest.mark.parametrize(("vantage", "address", "seen", "seen_as", "expected"), [row[1:] for row in BEFORE], ids=[row[0] for row in BEFORE])
def test_where_a_vantage_stands(vantage, address, seen, seen_as, expected):
    assert standing.before(vantage, address, seen, seen_as) is expected


AFTER = [
    ("no token, nothing new", UNKNOWN, LAPTOP, None, UNKNOWN),
    ("it arrived from a public address", UNKNOWN, LAPTOP, "203.0.113.77", OUT),
    ("it arrived from the LAN", UNKNOWN, LAPTOP, "192.168.50.1", IN),
    ("it arrived from the LAN after all", OUT, SERVER, "192.168.50.1", IN),
    ("hairpin stays hairpin", IN, LAPTOP, "203.0.113.77", IN),
    ("a router that hides every source", OUT, OFFICE, "192.168.50.1", OUT),
    ("a jump host on the same LAN", UNKNOWN, VantageInfo("jump", "nas", address="192.168.50.7"), "192.168.50.7", IN),
    ("a jump host of unknown place, and a router that hides", UNKNOWN, CLOUD, "192.168.50.1", UNKNOWN),
]


@pytest.mark.parametrize(("known", "vantage", "peer", "expected"), [row[1:] for row in AFTER], ids=[row[0] for row in AFTER])
def test_where_it_stood_after_the_listener_told_whence_it_came(known, vantage, peer, expected):
    assert standing.after(known, vantage, Arrival(3389, peer) if peer else None) is expected


@pytest.mark.parametrize(
    ("outcome", "stood", "expected"),
    [(Outcome.OPEN, OUT, True), (Outcome.FILTERED, UNKNOWN, True), (Outcome.OPEN, IN, False), (Outcome.FAILED, OUT, False)],
)
def test_a_result_is_determined_where_every_target_was_looked_at_from_outside(outcome, stood, expected):
    from aetui.reach import InboundSeen

    target = Target(PUBLIC, 23)
    reached = Reached(target, OFFICE, stood, TcpSeen(PUBLIC, 23, outcome))
    assert determined(InboundSeen((reached,))) is expected
    beside = Reached(target, CLOUD, OUT, TcpSeen(PUBLIC, 23, Outcome.OPEN))
    assert determined(InboundSeen((reached, beside))), "another place has looked"
    elsewhere = Reached(Target(PUBLIC, 3389), CLOUD, OUT, TcpSeen(PUBLIC, 3389, Outcome.OPEN))
    assert determined(InboundSeen((reached, elsewhere))) is expected, "at another target"
    assert not determined(InboundSeen())


async def test_of_several_places_the_first_that_sees_us_at_a_public_address_tells_it():
    from aetui.cli.confirm import _seen_as

    here, private, tells = LocalVantage(), Elsewhere({}, seen_as="192.168.1.9"), Elsewhere({}, seen_as=PUBLIC)
    assert await _seen_as((here, private, tells)) == PUBLIC
    assert await _seen_as((here, private)) is None


async def test_a_jump_host_in_a_cloud_is_asked_how_it_sees_us():
    async with listening(limits=Limits()) as (_, port):
        vantage = Elsewhere({(PUBLIC, 3389): port}, CLOUD, seen_as=PUBLIC)
        wanted = Wanted(targets([(PUBLIC, 3389)], {}), (), CODE)
        seen = await confirm(vantage, wanted, asyncio.get_running_loop().time() + 20)
    # the listener saw loopback, which no outsider comes from; a jump host's standing rests on how it sees us
    assert seen.outside[0].standing is Standing.OUTSIDE
