"""The tcp, link and ssh probes over a vantage in memory, and the registry."""

from __future__ import annotations

import math
import subprocess
import sys
from ast import literal_eval

import pytest
from fake_vantage import FakeVantage, MockStream

from aetui.observations import BannerSeen, Ended, LinkSeen, Outcome, TcpSeen
from aetui.probes import PROBES, common, link, ssh, tcp
from aetui.probes.base import Given, Settings
from aetui.records import Check
from aetui.vantage.base import Shape

FOUR, SIX = "192.0.2.1", "2001:db8::1"


@pytest.mark.parametrize(
    ("host", "about", "given", "address"),
    [
        pytest.param("logger.example", {}, (FOUR, SIX), FOUR, id="the first address given"),
        pytest.param("logger.example", {"family": "ipv6"}, (FOUR, SIX), SIX, id="the first of the family asked for"),
        pytest.param("logger.example", {"family": "ipv6"}, (FOUR,), None, id="none of the family asked for"),
        pytest.param("logger.example", {"address": "192.0.2.9"}, (FOUR,), "192.0.2.9", id="the address that the check names"),
        pytest.param("192.0.2.8", {}, (), "192.0.2.8", id="a host that is an address"),
        pytest.param("fe80::1%eth0", {}, (), "fe80::1%eth0", id="a scoped one too"),
    ],
)
async def test_one_address_an_attempt(host: str, about: dict[str, str], given: tuple[str, ...], address: str | None) -> None:
    stream = MockStream()
    vantage = FakeVantage({(address or "", 443): stream})
    result = await tcp.measure(Check("t", "tcp", host, 443, about=about), Given(given), vantage, Settings(), math.inf)
    assert isinstance(result.observation, TcpSeen)
    if address is None:
        assert (result.observation.outcome, result.observation.errno, vantage.connected) == (Outcome.FAILED, "EAI_ADDRFAMILY", [])
    else:
        assert vantage.connected == [(address, 443, Shape())]
        assert (result.address, result.addresses, result.stream) == (address, (address,), stream)


async def test_what_did_not_open_carries_nothing_over() -> None:
    vantage = FakeVantage({(FOUR, 443): Outcome.REFUSED})
    result = await tcp.measure(Check("t", "tcp", FOUR, 443), Given(), vantage, Settings(), math.inf)
    assert (result.addresses, result.stream, result.address) == ((), None, FOUR)
    assert "connect" in result.phases_ms


async def test_the_check_s_shape_reaches_the_vantage() -> None:
    vantage = FakeVantage()
    about = {"ttl": "3", "mss": "536", "source_port": "123"}
    await tcp.measure(Check("t", "tcp", FOUR, 443, about=about), Given(), vantage, Settings(), math.inf)
    assert vantage.connected == [(FOUR, 443, Shape(3, 536, 123))]


async def test_link_tells_what_the_vantage_sees_and_says_what_it_cannot() -> None:
    seen = LinkSeen((), "eth0", FOUR, "192.0.2.254", None, None, ())
    check = Check("link", "link")
    assert (await link.measure(check, Given(), FakeVantage(seen=seen), Settings(), math.inf)).observation == seen
    nothing = (await link.measure(check, Given(), FakeVantage(), Settings(), math.inf)).observation
    assert isinstance(nothing, LinkSeen)
    assert nothing.missing


@pytest.mark.parametrize(
    ("stream", "ended", "banner", "software", "strange"),
    [
        pytest.param(MockStream([b"SSH-2.0-Open", b"SSH_9\r\n"]), Ended.DONE, "SSH-2.0-OpenSSH_9", "OpenSSH_9", b"", id="in two pieces"),
        pytest.param(MockStream([b"hi\r\nSSH-2.0-x\r\n"]), Ended.DONE, "SSH-2.0-x", "x", b"", id="after a line"),
        pytest.param(MockStream([b"220 ftp\r\n"], Ended.SILENT), Ended.GARBLED, "220 ftp", None, b"220 ftp\r\n", id="FTP, then silence"),
        pytest.param(MockStream([b"\x16\x03\x03"]), Ended.GARBLED, None, None, b"\x16\x03\x03", id="TLS"),
        pytest.param(MockStream([b"x" * 2000]), Ended.LIMIT, None, None, b"x" * 64, id="a line without end"),
        pytest.param(MockStream(), Ended.CLOSED, None, None, b"", id="a close"),
        pytest.param(MockStream(then=Ended.SILENT), Ended.SILENT, None, None, b"", id="silence"),
        pytest.param(MockStream(then=Ended.RESET), Ended.RESET, None, None, b"", id="a reset"),
    ],
)
async def test_ssh(stream: MockStream, ended: Ended, banner: str | None, software: str | None, strange: bytes) -> None:
    result = await ssh.measure(Check("s", "ssh", "h", 2022), Given(stream=stream), FakeVantage(), Settings(), math.inf)
    assert result.observation == BannerSeen(ended, banner, software, strange)
    assert (stream.sent, stream.closed) == (b"", True)


async def test_a_probe_without_what_it_needs_is_our_own_bug() -> None:
    with pytest.raises(common.ProbeMisusedError):
        await ssh.measure(Check("s", "ssh", "h", 2022), Given(), FakeVantage(), Settings(), math.inf)
    with pytest.raises(common.ProbeMisusedError):
        await tcp.measure(Check("t", "tcp", FOUR), Given(), FakeVantage(), Settings(), math.inf)


def test_the_registry_names_every_kind_and_loads_none() -> None:
    program = (
        "import sys, aetui.probes as p; print(sorted(p.PROBES)); "
        "print([m for m in ('dns', 'OpenSSL', 'paramiko', 'cryptography', 'certifi', 'scapy') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.splitlines()
    kinds = ["dns", "ftp", "http", "link", "ntp", "rdp", "series", "ssh", "tcp", "telnet", "tls"]
    assert set(kinds) <= set(literal_eval(told[0]))
    assert told[1] == "[]"


@pytest.mark.parametrize("kind", PROBES)
async def test_every_entry_of_the_registry_can_be_loaded(kind: str) -> None:
    """An entry called with a check that lacks everything either measures something or says what it lacks: never that it is not there."""
    try:
        result = await PROBES[kind].measure(Check("x", kind), Given(), FakeVantage(), Settings(), math.inf)
    except (common.ProbeMisusedError, KeyError):
        return
    assert result.observation is not None
