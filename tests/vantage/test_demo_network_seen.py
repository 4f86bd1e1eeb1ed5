"""What probes see over the demo vantage: a scenario's network stands before the true servers, and addresses are the documented ones."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import warnings
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address

import dns.message
import pytest
from holdups import HoldUps

from aetui.demo import loading
from aetui.demo.scenario import Scenario, UnknownScenarioError
from aetui.observations import Ended, Icmp, Outcome
from aetui.records import Transport
from aetui.strict import parse_toml
from aetui.vantage.base import Shape, Stream, StreamEnded, VantageLost
from aetui.vantage.demo import DemoVantage

PATIENCE, SHORT, PROMPT = 10.0, 0.2, 0.1
WWW, STREAMER, FTP, LOGGER, RESOLVER, TIME, OWN, HERE, PUBLIC = (
    "204.232.231.197",
    "74.205.11.149",
    "146.20.122.22",
    "192.168.50.60",
    "192.168.50.1",
    "192.52.193.11",
    "192.168.50.20",
    "192.52.193.242",
    "192.31.196.200",
)
GET = b"GET / HTTP/1.1\r\nHost: www.alsoenergy.com\r\n\r\n"
QUERY = dns.message.make_query("www.alsoenergy.com", "A").to_wire()


def soon(seconds: float = PATIENCE) -> float:
    return asyncio.get_running_loop().time() + seconds


def soon_for(outcome: Outcome) -> float:
    """Little time where silence is expected, which takes all of it; a busy machine must not make silence of an answer."""
    return soon(SHORT if outcome is Outcome.FILTERED else PATIENCE)


def made(text: str) -> Scenario:
    return loading.compose("made", parse_toml(f'title = "T"\nsentence = "S"\n{text}'.encode(), "made.toml"), loading.ground())


def to(address: str, does: str) -> Scenario:
    return made(f'[line]\nout_ms = 0\nback_ms = 0\n[[rules]]\nto = ["{address}"]\n{does}\n')


@contextlib.asynccontextmanager
async def opened(scenario: Scenario | str = "healthy") -> AsyncIterator[DemoVantage]:
    vantage = DemoVantage(scenario)
    await vantage.open(soon())
    try:
        yield vantage
    finally:
        await vantage.close()


async def open_stream(vantage: DemoVantage, address: str, port: int, shape: Shape | None = None) -> Stream:
    connection = await vantage.connect(address, port, soon(), shape or Shape())
    assert connection.stream is not None, connection.seen
    return connection.stream


async def to_the_end(stream: Stream) -> bytes:
    parts = []
    while part := await stream.read(65536, soon()):
        parts.append(part)
    stream.close()
    return b"".join(parts)


# ------------------------------------------------------------------------------------------------------------- TCP outcomes
SEEN = {
    "open": ('does = "drop"\nports = ["1"]', 443, Outcome.OPEN, None, None),
    "dropped": ('does = "drop"', 443, Outcome.FILTERED, None, None),
    "refused": ('does = "refuse"', 443, Outcome.REFUSED, "ECONNREFUSED", None),
    "refused, since nothing listens": ('does = "drop"\nports = ["1"]', 8080, Outcome.REFUSED, "ECONNREFUSED", None),
    "prohibited": ('does = "reject"', 443, Outcome.REJECTED, "EHOSTUNREACH", Icmp(3, 13, RESOLVER)),
    "port unreachable": ('does = "reject"\nicmp = "port"\nat = 3', 443, Outcome.REJECTED, "ECONNREFUSED", Icmp(3, 3, "192.31.196.14")),
    "net unreachable": ('does = "reject"\nicmp = "net"\nat = 2', 443, Outcome.UNREACHABLE, "ENETUNREACH", Icmp(3, 0, "192.31.196.1")),
    "denied here": ('does = "deny"', 443, Outcome.DENIED, "EPERM", None),
}


@pytest.mark.parametrize(("does", "port", "outcome", "errno", "icmp"), SEEN.values(), ids=SEEN)
async def test_a_connect(does: str, port: int, outcome: Outcome, errno: str | None, icmp: Icmp | None) -> None:
    async with opened(to(WWW, does)) as vantage:
        connection = await vantage.connect(WWW, port, soon_for(outcome))
        seen = connection.seen
        assert (seen.address, seen.port, seen.local) == (WWW, port, OWN)
        assert (seen.outcome, seen.errno, seen.icmp) == (outcome, errno, icmp)
        assert (connection.stream is not None) is (outcome is Outcome.OPEN)
        assert (seen.rtt_ms is not None) is (outcome is Outcome.OPEN)


NOWHERE = {
    "no link": ("link = false", Outcome.NO_ROUTE, "ENETUNREACH", None),
    "no gateway": ('gateway = ""', Outcome.NO_ROUTE, "ENETUNREACH", None),
    "no address": ('address = ""', Outcome.NO_ROUTE, "ENETUNREACH", None),
    "a silent gateway": ("gateway_answers = false", Outcome.NO_NEIGHBOUR, "EHOSTUNREACH", Icmp(3, 1, OWN)),
}


@pytest.mark.parametrize(("text", "outcome", "errno", "icmp"), NOWHERE.values(), ids=NOWHERE)
async def test_a_machine_without_a_way(text: str, outcome: Outcome, errno: str, icmp: Icmp | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.vantage.demo.NEIGHBOUR_S", 0.01)
    async with opened(made(f"[here]\n{text}")) as vantage:
        seen = (await vantage.connect(WWW, 443, soon())).seen
        assert (seen.outcome, seen.errno, seen.icmp) == (outcome, errno, icmp)
        answer = await vantage.ask(TIME, 123, b"x" * 48, soon(), lambda _: True)
        assert (answer.outcome, answer.errno, answer.icmp) == (outcome, errno, icmp)


async def test_a_silent_neighbour_is_filtered_where_the_deadline_comes_first() -> None:
    async with opened("gateway-silent") as vantage:
        assert (await vantage.connect(WWW, 443, soon(SHORT))).seen.outcome is Outcome.FILTERED


async def test_no_loopback_address_is_ever_told() -> None:
    async with opened() as vantage:
        for address, port in ((WWW, 443), (WWW, 9), (LOGGER, 23)):
            connection = await vantage.connect(address, port, soon())
            assert "127.0.0.1" not in repr(connection.seen)
            if connection.stream is not None:
                connection.stream.close()
        link = await vantage.survey(soon())
        assert link is not None
        assert not ip_address(link.address or "").is_loopback
        acceptor = await vantage.listen(soon())
        assert acceptor is not None
        assert acceptor.address == OWN
        acceptor.close()


# ------------------------------------------------------------------------------------------------------------ what TTLs show
async def test_each_ttl_short_of_the_server_shows_its_hop_and_a_silent_one_none() -> None:
    async with opened(made("[line]\nout_ms = 0\nback_ms = 0")) as vantage:
        hops = []
        for ttl in range(1, 8):
            connection = await vantage.connect(WWW, 443, soon(SHORT if ttl == 4 else PATIENCE), Shape(ttl=ttl))
            assert connection.seen.ttl == ttl
            hops.append(connection.seen.icmp.sender if connection.seen.icmp else connection.seen.outcome.value)
            if connection.stream is not None:
                connection.stream.close()
        assert hops == [RESOLVER, "192.31.196.1", "192.31.196.14", "filtered", "192.175.48.9", "192.175.48.34", "open"]


async def test_a_port_that_dies_at_a_hop_is_silent_behind_it() -> None:
    async with opened(to(WWW, 'does = "drop"\nports = ["443"]\nat = 2')) as vantage:
        for ttl, outcome in ((1, Outcome.UNREACHABLE), (2, Outcome.UNREACHABLE), (3, Outcome.FILTERED)):
            assert (await vantage.connect(WWW, 443, soon_for(outcome), Shape(ttl=ttl))).seen.outcome is outcome


async def test_a_proxy_on_the_way_answers_too_early() -> None:
    async with opened(to(WWW, 'does = "serve"\nservice = "http"\nat = 2')) as vantage:
        assert (await vantage.connect(WWW, 80, soon(), Shape(ttl=2))).seen.outcome is Outcome.UNREACHABLE
        stream = await open_stream(vantage, WWW, 80, Shape(ttl=3))
        stream.close()


# --------------------------------------------------------------------------------------------------- what lines do to bytes
async def test_a_round_trip_takes_the_lines_delay_and_a_neighbour_none() -> None:
    loop = asyncio.get_running_loop()
    async with opened(made("[line]\nout_ms = 60\nback_ms = 60")) as vantage:
        began = loop.time()
        stream = await open_stream(vantage, WWW, 80)
        connected = loop.time() - began
        await stream.write(GET, soon())
        assert (await stream.read(12, soon())) == b"HTTP/1.1 200"
        assert connected >= 0.12
        assert loop.time() - began >= 0.24
        stream.close()
        near = await vantage.connect(LOGGER, 23, soon())
        assert near.seen.rtt_ms is not None
        assert near.seen.rtt_ms < 120
        assert near.stream is not None
        near.stream.close()


async def test_a_deadline_shorter_than_the_round_trip_is_silence() -> None:
    async with opened(made("[line]\nout_ms = 500\nback_ms = 500")) as vantage:
        assert (await vantage.connect(WWW, 80, soon(SHORT))).seen.outcome is Outcome.FILTERED
        assert (await vantage.connect(WWW, 9, soon(SHORT))).seen.outcome is Outcome.FILTERED
        assert (await vantage.ask(RESOLVER, 53, QUERY, soon(), lambda _: True)).outcome is Outcome.OPEN
        assert (await vantage.ask("9.9.9.9", 53, QUERY, soon(SHORT), lambda _: True)).outcome is Outcome.FILTERED


async def test_lost_packets_show_as_syns_sent_again_and_as_silence() -> None:
    async with opened(made("[line]\nout_ms = 0\nback_ms = 0\nloss = 1")) as vantage:
        assert (await vantage.connect(WWW, 80, soon(SHORT))).seen.outcome is Outcome.FILTERED
        assert (await vantage.ask("9.9.9.9", 53, QUERY, soon(SHORT), lambda _: True)).outcome is Outcome.FILTERED


async def test_a_syn_sent_again_is_counted_and_costs_no_round_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.vantage.demo.FIRST_RESEND_S", 0.01)
    async with opened(made("[line]\nout_ms = 0\nback_ms = 0\nloss = 0.3")) as vantage:
        counts = []
        for _ in range(10):
            connection = await vantage.connect(WWW, 80, soon())
            counts.append((connection.seen.resent, connection.seen.rtt_ms is None))
            if connection.stream is not None:
                connection.stream.close()
        assert any(resent for resent, _ in counts)
        assert all(bool(resent) is unknown for resent, unknown in counts)


MSS = [(None, False), (1460, False), (1361, False), (1360, True), (536, True)]


@pytest.mark.parametrize(("mss", "passes"), MSS)
async def test_beyond_the_paths_mtu_full_segments_vanish(mss: int | None, passes: bool) -> None:
    async with opened("mtu-blackhole") as vantage:
        stream = await open_stream(vantage, WWW, 80, Shape(mss=mss))
        await stream.write(GET, soon())
        if passes:
            assert (await to_the_end(stream)).startswith(b"HTTP/1.1 200")
            return
        with pytest.raises(StreamEnded) as caught:
            await stream.read(1, soon(SHORT))
        assert caught.value.ended is Ended.SILENT
        stream.close()


CENSORED = {
    "reset by name": ('names = ["alsoenergy"]\nresets = true', Ended.RESET),
    "silenced by name": ('names = ["alsoenergy"]', Ended.SILENT),
    "silenced always": ("", Ended.SILENT),
    "another name passes": ('names = ["jquery"]\nresets = true', None),
}


@pytest.mark.parametrize(("how", "ended"), CENSORED.values(), ids=CENSORED)
async def test_a_connection_that_dies_of_what_it_says(how: str, ended: Ended | None) -> None:
    async with opened(to(WWW, f'does = "censor"\n{how}')) as vantage:
        stream = await open_stream(vantage, WWW, 80)
        await stream.write(GET, soon())
        if ended is None:
            assert (await to_the_end(stream)).startswith(b"HTTP/1.1 200")
            return
        with pytest.raises(StreamEnded) as caught:
            await stream.read(1, soon(SHORT if ended is Ended.SILENT else PATIENCE))
        assert caught.value.ended is ended
        stream.close()


async def test_what_vanishes_on_the_way_out_fills_the_senders_buffer() -> None:
    async with opened("mtu-blackhole") as vantage:
        stream = await open_stream(vantage, WWW, 80)
        with pytest.raises(StreamEnded) as caught:
            await stream.write(bytes(4 * 1024 * 1024), soon(SHORT))
        assert caught.value.ended is Ended.SILENT
        stream.close()


async def test_a_peer_that_never_stops_is_made_to_wait() -> None:
    async with opened("hostile") as vantage:
        stream = await open_stream(vantage, WWW, 80)
        await stream.write(GET, soon())
        got = 0
        while got < 8 * 1024 * 1024:
            got += len(await stream.read(65536, soon()))
            assert len(stream._buffer) <= 1024 * 1024  # type: ignore[attr-defined]
        stream.close()


# ---------------------------------------------------------------------------------------------------------------- datagrams
ASKED = {
    "answered": ('does = "drop"\nports = ["1"]', Outcome.OPEN, None, None),
    "dropped": ('does = "drop"', Outcome.FILTERED, None, None),
    "refused": ('does = "refuse"', Outcome.REJECTED, "ECONNREFUSED", Icmp(3, 3, RESOLVER)),
    "prohibited": ('does = "reject"\nby = "192.168.50.3"', Outcome.REJECTED, "EHOSTUNREACH", Icmp(3, 13, "192.168.50.3")),
    "denied here": ('does = "deny"', Outcome.DENIED, "EPERM", None),
}


@pytest.mark.parametrize(("does", "outcome", "errno", "icmp"), ASKED.values(), ids=ASKED)
async def test_a_datagram(does: str, outcome: Outcome, errno: str | None, icmp: Icmp | None) -> None:
    async with opened(to(RESOLVER, does)) as vantage:
        answer = await vantage.ask(RESOLVER, 53, QUERY, soon_for(outcome), lambda _: True)
        assert (answer.outcome, answer.errno, answer.icmp) == (outcome, errno, icmp)
        assert (answer.reply is not None) is (outcome is Outcome.OPEN)


async def test_a_datagram_to_a_closed_port_of_a_server() -> None:
    async with opened() as vantage:
        answer = await vantage.ask(WWW, 53, QUERY, soon(), lambda _: True)
        assert (answer.outcome, answer.icmp) == (Outcome.REJECTED, Icmp(3, 3, WWW))


@pytest.mark.parametrize(("port", "outcome"), [(123, Outcome.FAILED), (1023, Outcome.FAILED), (1024, Outcome.OPEN), (40123, Outcome.OPEN)])
async def test_a_source_port_under_1024_takes_a_right_that_nobody_has_here(port: int, outcome: Outcome) -> None:
    async with opened() as vantage:
        answer = await vantage.ask(RESOLVER, 53, QUERY, soon(), lambda _: True, port)
        assert answer.outcome is outcome
        assert (answer.errno, answer.source_port) == (("EACCES", None) if outcome is Outcome.FAILED else (None, port))


# -------------------------------------------------------------------------------------------------------- names and machines
NAMES = {
    "a host": ("healthy", "www.alsoenergy.com", (WWW,)),
    "an address": ("healthy", "192.0.2.1", ("192.0.2.1",)),
    "nobody": ("healthy", "no-such-name.example", ()),
    "a lie": ("dns-hijacked", "no-such-name.example", ("192.52.193.80",)),
    "a failing server": ("dns-failing", "www.alsoenergy.com", ()),
    "a packet that refers to itself": ("hostile", "makirt.alsoenergy.com", ()),
    "aliases in a ring": ("hostile", "moxa.alsoenergy.com", ()),
    "a machine without resolvers": ("no-address", "www.alsoenergy.com", ()),
}


@pytest.mark.parametrize(("name", "host", "addresses"), NAMES.values(), ids=NAMES)
async def test_the_machines_own_lookup(name: str, host: str, addresses: tuple[str, ...]) -> None:
    async with opened(name) as vantage:
        assert await vantage.lookup(host, soon()) == addresses


async def test_a_lookup_ends_at_the_deadline() -> None:
    async with opened("dns-dead") as vantage:
        deadline = soon(SHORT)
        assert await vantage.lookup("www.alsoenergy.com", deadline) == ()
        assert asyncio.get_running_loop().time() >= deadline - 0.01


SURVEYS = {
    "a sound site": ("healthy", OWN, RESOLVER, True, True, True),
    "no link": ("no-link", None, None, None, False, True),
    "an address of its own making": ("no-address", "169.254.77.12", None, None, True, True),
    "no gateway": ("no-gateway", OWN, None, None, True, False),
    "a silent gateway": ("gateway-silent", OWN, RESOLVER, False, True, False),
}


@pytest.mark.parametrize(("name", "address", "gateway", "answers", "carrier", "dhcp"), SURVEYS.values(), ids=SURVEYS)
async def test_the_survey(name: str, address: str | None, gateway: str | None, answers: bool | None, carrier: bool, dhcp: bool) -> None:
    async with opened(name) as vantage:
        link = await vantage.survey(soon())
        assert link is not None
        assert (link.address, link.gateway, link.gateway_answers, link.dhcp) == (address, gateway, answers, dhcp)
        assert [i.carrier for i in link.interfaces if i.kind == "wired"] == [carrier]
        assert bool(link.gateway_mac) is bool(answers)


async def test_proxies_of_the_environment_are_told() -> None:
    async with opened("proxy-required") as vantage:
        link = await vantage.survey(soon())
        assert link is not None
        assert dict(link.proxies)["https_proxy"] == "http://proxy.site.example:3128"


# ------------------------------------------------------------------------------------------------------------------ inbound
async def active(vantage: DemoVantage, wait_s: float = PATIENCE) -> tuple[bytes, bytes]:
    """An active FTP transfer by hand, its data connection waited for so long: what came over it, and the last reply."""
    control = await open_stream(vantage, FTP, 21)
    acceptor = await vantage.listen(soon())
    assert acceptor is not None
    where = ",".join([*acceptor.address.split("."), str(acceptor.port >> 8), str(acceptor.port & 255)])
    for line in ("USER demo", "PASS demo", f"PORT {where}"):
        await control.read(4096, soon())
        await control.write(line.encode() + b"\r\n", soon())
    await control.read(4096, soon())
    await control.write(b"LIST\r\n", soon())
    data = await acceptor.accept(soon(wait_s))
    got = b"" if data is None else await to_the_end(data)
    said = await control.read(4096, soon())
    control.close()
    acceptor.close()
    return got, said


async def test_an_active_transfer_comes_in() -> None:
    async with opened() as vantage:
        got, _ = await active(vantage)
        assert b"readme.txt" in got


async def test_an_active_transfer_that_is_blocked_does_not() -> None:
    async with opened("ftp-data-blocked") as vantage:
        got, said = await active(vantage, 0.5)
        assert got == b""
        assert b"226" not in said


async def test_there_is_no_ipv6_to_listen_on() -> None:
    async with opened() as vantage:
        assert await vantage.listen(soon(), "ipv6") is None


async def test_a_server_of_ones_own_can_be_published() -> None:
    async with opened() as vantage:
        server = await asyncio.start_server(lambda _, writer: (writer.write(b"ours"), writer.close())[0], "127.0.0.1", 0)
        async with server:
            vantage.site.publish(PUBLIC, 53389, Transport.TCP, server.sockets[0].getsockname()[1])
            assert await to_the_end(await open_stream(vantage, PUBLIC, 53389)) == b"ours"


# ------------------------------------------------------------------------------------------------------------- from outside
@contextlib.asynccontextmanager
async def both(name: str) -> AsyncIterator[tuple[DemoVantage, DemoVantage]]:
    async with opened(name) as inside:
        outside = inside.outside()
        await outside.open(soon())
        try:
            yield inside, outside
        finally:
            await outside.close()


async def sees(vantage: DemoVantage, address: str, port: int, outcome: Outcome) -> bool:
    connection = await vantage.connect(address, port, soon_for(outcome))
    if connection.stream is not None:
        connection.stream.close()
    return connection.seen.outcome is outcome


BOTH: dict[str, tuple[str, str, int, Outcome, Outcome]] = {
    "a server that is down is down for both": ("server-down", STREAMER, 443, Outcome.FILTERED, Outcome.FILTERED),
    "a site's firewall is the site's alone": ("port-dropped", STREAMER, 443, Outcome.FILTERED, Outcome.OPEN),
    "the logger itself is out of reach": ("healthy", LOGGER, 3389, Outcome.OPEN, Outcome.FILTERED),
    "its forward is not": ("healthy", PUBLIC, 3389, Outcome.OPEN, Outcome.OPEN),
    "a missing forward is silent": ("forward-missing", PUBLIC, 3389, Outcome.FILTERED, Outcome.FILTERED),
    "a refused one is refused": ("forward-refused", PUBLIC, 23, Outcome.REFUSED, Outcome.REFUSED),
    "a stopped service is refused inside": ("service-down", LOGGER, 3389, Outcome.REFUSED, Outcome.FILTERED),
}


@pytest.mark.parametrize(("name", "address", "port", "inside_sees", "outside_sees"), BOTH.values(), ids=BOTH)
async def test_from_inside_and_outside(name: str, address: str, port: int, inside_sees: Outcome, outside_sees: Outcome) -> None:
    async with both(name) as (inside, outside):
        assert await sees(inside, address, port, inside_sees)
        assert await sees(outside, address, port, outside_sees)


async def test_the_outside_says_who_it_is_and_leaves_the_site_running() -> None:
    async with both("healthy") as (inside, outside):
        assert (outside.info.kind, outside.info.address) == ("demo", HERE)
        assert outside.info.name != inside.info.name
        assert outside.roots == inside.roots
        await outside.close()
        assert await sees(inside, WWW, 443, Outcome.OPEN)


# --------------------------------------------------------------------------------------------------------------------- life
async def test_what_it_says_of_itself() -> None:
    async with opened() as vantage:
        info = vantage.info
        assert (info.kind, info.name, info.interface, info.address, info.gateway) == ("demo", "healthy", "eth0", OWN, RESOLVER)
        assert (info.resolvers, info.privileged, info.ipv6) == ((RESOLVER,), False, False)


def test_an_unknown_scenario_is_told_at_once() -> None:
    with pytest.raises(UnknownScenarioError, match="did you mean healthy"):
        DemoVantage("helthy")


async def test_a_closed_vantage_is_lost_and_can_be_opened_again() -> None:
    vantage = DemoVantage("healthy")
    with pytest.raises(VantageLost):
        await vantage.connect(WWW, 443, soon())
    for _ in range(2):
        await vantage.open(soon())
        assert await sees(vantage, WWW, 443, Outcome.OPEN)
        await vantage.close()
    with pytest.raises(VantageLost):
        await vantage.ask(RESOLVER, 53, QUERY, soon(), lambda _: True)


WAITS: dict[str, Callable[[DemoVantage], object]] = {
    "a dropped connect": lambda v: v.connect(STREAMER, 443, soon(60)),
    "a connect on a slow line": lambda v: v.connect(WWW, 443, soon(60)),
    "an unanswered datagram": lambda v: v.ask(STREAMER, 443, b"x", soon(60), lambda _: True),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
async def test_cancelled_it_ends_at_once_and_leaves_no_socket(wait: Callable[[DemoVantage], object]) -> None:
    loop = asyncio.get_running_loop()
    scenario = made('[line]\nout_ms = 10\nback_ms = 3000\n[[rules]]\nto = ["streamer.alsoenergy.com"]\ndoes = "drop"')
    async with opened(scenario) as vantage:
        task = asyncio.ensure_future(wait(vantage))  # type: ignore[call-overload]
        await asyncio.sleep(0.1)
        with HoldUps() as held:
            began = loop.time()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            took = loop.time() - began
        assert took - held.seconds < PROMPT


def test_closing_in_the_midst_of_everything_leaves_nothing_behind() -> None:
    async def main() -> None:
        vantage = DemoVantage("healthy")
        await vantage.open(soon())
        streams = [await open_stream(vantage, WWW, port) for port in (80, 443, 80)]
        await streams[0].write(GET, soon())
        await streams[1].write(b"\x16\x03\x01", soon())
        await vantage.listen(soon())
        waiting = [
            asyncio.create_task(streams[2].read(1, soon(60))),
            asyncio.create_task(vantage.connect("192.52.193.99", 1, soon(60))),
            asyncio.create_task(vantage.ask(TIME, 123, b"too short", soon(60), lambda _: True)),
        ]
        await asyncio.sleep(0.05)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await vantage.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(main())
        gc.collect()


async def test_the_outside_is_lost_with_the_site() -> None:
    async with opened() as inside:
        outside = inside.outside()
        await outside.open(soon())
        await inside.close()
        with pytest.raises(VantageLost):
            await outside.connect(WWW, 443, soon())
        await outside.close()


async def test_the_same_losses_every_time() -> None:
    async def seen() -> list[bool]:
        async with opened("lossy-line") as vantage:
            return [vantage._lost(vantage.scenario.line) for _ in range(50)]

    assert await seen() == await seen()
