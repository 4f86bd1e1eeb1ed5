"""The series probe over a vantage in memory: what it tries, and the path MTU that it finds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest
from fake_vantage import EVERYTHING, FakeVantage, MockStream

from aetui.observations import Ended, Outcome, SeriesSeen
from aetui.probes import series
from aetui.probes.base import Given, Settings
from aetui.probes.common import ProbeMisusedError
from aetui.records import Check
from aetui.vantage.base import Capability, Shape

FOUR, SIX, HOST = "192.0.2.1", "2001:db8::1", "logger.example"


async def measured(vantage: FakeVantage, port: int | None = 443, address: str = FOUR, **about: str) -> SeriesSeen:
    check = Check("s", "series", HOST, port, about=about)
    result = await series.measure(check, Given((address,)), vantage, Settings(), math.inf)
    assert isinstance(result.observation, SeriesSeen)
    return result.observation


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(series.asyncio, "sleep", sleep)
    return waits


async def test_loss_connects_as_often_as_asked_spread_out_and_closes_each(slept: list[float]) -> None:
    streams = [MockStream() for _ in range(4)]
    seen = await measured(FakeVantage({(FOUR, 443): [*streams, Outcome.FILTERED]}), purpose="loss", count="5")
    assert [trial.tcp.outcome for trial in seen.trials] == [Outcome.OPEN] * 4 + [Outcome.FILTERED]
    assert slept == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert all(stream.closed for stream in streams)
    assert (seen.purpose, seen.path_mtu) == ("loss", None)


async def test_ttl_connects_once_at_each(slept: list[float]) -> None:
    vantage = FakeVantage({(FOUR, 443): lambda shape: MockStream() if shape.ttl >= 3 else Outcome.UNREACHABLE})
    seen = await measured(vantage, purpose="ttl", ttls="1,2,3")
    assert [(t.tcp.ttl, t.tcp.outcome) for t in seen.trials] == [(1, Outcome.UNREACHABLE), (2, Outcome.UNREACHABLE), (3, Outcome.OPEN)]


async def test_beyond_connects_to_every_target_and_needs_no_address() -> None:
    vantage = FakeVantage({("192.0.2.9", 443): MockStream(), (SIX, 80): MockStream()})
    check = Check("beyond", "series", about={"purpose": "beyond", "targets": f"192.0.2.9:443, [{SIX}]:80,192.0.2.8:443"})
    seen = (await series.measure(check, Given(), vantage, Settings(), math.inf)).observation
    assert isinstance(seen, SeriesSeen)
    told = [(t.tcp.address, t.tcp.port, t.tcp.outcome) for t in seen.trials]
    assert told == [("192.0.2.9", 443, Outcome.OPEN), (SIX, 80, Outcome.OPEN), ("192.0.2.8", 443, Outcome.FILTERED)]


def passes_up_to(largest: int, plain: int = 1460) -> Callable[[Shape], MockStream]:
    """A path on which exchanges with larger segments stall."""
    return lambda shape: MockStream(then=Ended.CLOSED if (shape.mss or plain) <= largest else Ended.SILENT)


@pytest.mark.parametrize("mss", [537, 700, 1160, 1360, 1400, 1452, 1459])
async def test_the_path_mtu_of_a_black_hole_is_found_exactly(mss: int) -> None:
    vantage = FakeVantage({(FOUR, 443): passes_up_to(mss)})
    seen = await measured(vantage, purpose="mss")
    assert seen.path_mtu == mss + 40
    assert len(seen.trials) <= 2 + 3 * series.AT_A_TIME
    assert [t.tcp.mss for t in seen.trials[:2]] == [None, series.SMALLEST_MSS]


async def test_the_sixth_version_has_longer_headers() -> None:
    seen = await measured(FakeVantage({(SIX, 443): passes_up_to(1220, 1440)}), address=SIX, purpose="mss")
    assert seen.path_mtu == 1280


async def test_a_lost_exchange_among_many_does_not_hide_the_limit() -> None:
    lost = iter([True])

    def path(shape: Shape) -> MockStream:
        if shape.mss and shape.mss > 600 and next(lost, False):
            return MockStream(then=Ended.SILENT)
        return passes_up_to(1360)(shape)

    assert (await measured(FakeVantage({(FOUR, 443): path}), purpose="mss")).path_mtu == 1400


async def test_a_search_that_runs_out_of_time_claims_no_mtu() -> None:
    check = Check("s", "series", HOST, 443, about={"purpose": "mss"})
    soon = asyncio.get_running_loop().time() + series.SHORTEST_STALL_S / 2
    seen = (await series.measure(check, Given((FOUR,)), FakeVantage({(FOUR, 443): passes_up_to(1360)}), Settings(), soon)).observation
    assert isinstance(seen, SeriesSeen)
    assert (seen.path_mtu, len(seen.trials)) == (None, 2)


@pytest.mark.parametrize(
    ("path", "trials"),
    [
        pytest.param(passes_up_to(1460), 2, id="nothing stalls"),
        pytest.param(passes_up_to(100), 2, id="the smallest stalls too"),
        pytest.param(Outcome.FILTERED, 2, id="nothing opens"),
    ],
)
async def test_without_a_black_hole_no_mtu_is_claimed(path: object, trials: int) -> None:
    seen = await measured(FakeVantage({(FOUR, 443): path}), purpose="mss")
    assert (seen.path_mtu, len(seen.trials)) == (None, trials)


@pytest.mark.parametrize(
    ("port", "about", "begins"),
    [(80, {}, b"GET /"), (443, {}, b"\x16\x03"), (8443, {"exchange": "http"}, b"GET /"), (80, {"exchange": "tls"}, b"\x16\x03")],
)
async def test_the_exchange_fits_the_port_and_http_fills_a_segment(port: int, about: dict[str, str], begins: bytes) -> None:
    streams = [MockStream(), MockStream()]
    await measured(FakeVantage({(FOUR, port): list(streams)}), port, purpose="mss", **about)
    for stream in streams:
        assert stream.sent.startswith(begins)
        assert stream.closed
        assert begins != b"GET /" or len(stream.sent) > 1500


@pytest.mark.parametrize("purpose", ["mss", "ttl"])
async def test_a_vantage_that_cannot_shape_segments_tries_nothing(purpose: str) -> None:
    vantage = FakeVantage(capabilities=EVERYTHING - {Capability.SEGMENT})
    seen = await measured(vantage, purpose=purpose, ttls="1")
    assert (seen.trials, vantage.connected) == ((), [])


async def test_an_unknown_purpose_is_our_own_bug() -> None:
    with pytest.raises(ProbeMisusedError, match="no series"):
        await measured(FakeVantage(), purpose="luck")


async def test_cancelling_ends_every_connect_at_once() -> None:
    class Silent(FakeVantage):
        async def connect(self, *args: object, **more: object) -> None:  # type: ignore[override]
            await asyncio.Event().wait()

    task = asyncio.ensure_future(measured(Silent(), purpose="loss"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) > series.COUNT
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
