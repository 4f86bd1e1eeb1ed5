"""The trace command against the embedded site: real sockets on loopback, a network that is data, and the same reading."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from aetui.cli.main import main

SCHEMA = json.loads(files("aetui.assets").joinpath("trace.schema.json").read_text())
STREAMER = "streamer.alsoenergy.com"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETUI_HOME", str(tmp_path))


def _traced(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    status = main(["trace", *arguments, "--json"])
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    return status, document


def test_a_healthy_site_is_traced_to_its_server(capsys: pytest.CaptureFixture[str]) -> None:
    status, found = _traced(capsys, f"{STREAMER}:443", "--demo", "healthy")
    assert (status, found["outcome"], found["reached"], found["dies_after"]) == (0, "open", True, None)


@pytest.mark.parametrize(
    ("scenario", "target", "expected"),
    [
        ("port-dropped", f"{STREAMER}:443", ("filtered", 1, None)),
        ("port-dropped-beyond", "makirt.alsoenergy.com:443", ("filtered", 3, None)),
        ("port-rejected", f"{STREAMER}:443", ("rejected", 1, "192.168.50.1")),
        ("port-refused", "makirt.alsoenergy.com:443", ("refused", None, None)),
    ],
)
def test_each_way_to_fail_is_told_with_its_place(
    capsys: pytest.CaptureFixture[str], scenario: str, target: str, expected: tuple[str, int | None, str | None]
) -> None:
    status, found = _traced(capsys, target, "--demo", scenario)
    assert (status, (found["outcome"], found["dies_after"], found["rejected_by"])) == (1, expected)


def test_in_lines_the_verdict_stands_on_top_with_whose_device_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", f"{STREAMER}:443", "--demo", "port-dropped"]) == 1
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("Silence after hop 1: 192.168.50.1 or the one after it, ")
    assert first.endswith("It is likely the site's own router.")


@pytest.mark.parametrize("proto", ["udp", "icmp"])
def test_what_the_site_cannot_trace_is_said_and_undetermined(capsys: pytest.CaptureFixture[str], proto: str) -> None:
    status, found = _traced(capsys, STREAMER, "--proto", proto, "--demo", "healthy")
    assert (status, found["problem"]) == (3, {"code": "tcp-only", "detail": ""})


def test_a_name_that_does_not_resolve_is_undetermined(capsys: pytest.CaptureFixture[str]) -> None:
    status, found = _traced(capsys, f"{STREAMER}:443", "--demo", "dns-dead")
    assert status == 3
    assert found["problem"] is not None


def test_rounds_are_counted_in_every_hop(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.path.tracer.ROUND_S", 0.0)
    monkeypatch.setattr("aetui.path.schedule.GRACE_LEAST_S", 1.0)  # an answer that a busy machine delays is not asked for again
    _, found = _traced(capsys, f"{STREAMER}:443", "--demo", "healthy", "--rounds", "3")
    hops = found["hops"]
    assert isinstance(hops, list)
    assert {hop["sent"] for hop in hops if hop["address"]} == {3}


@pytest.mark.parametrize(
    "arguments",
    [
        ["example.com:http"],
        ["example.com", "--compare", "0"],
        ["example.com", "--rounds", "0"],
        ["192.0.2.1:7", "--proto", "icmp"],
    ],
    ids=["a port that is none", "a comparison that is none", "no rounds", "a ping to a port"],
)
def test_a_wrong_call_is_one_sentence(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(["trace", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1


def test_a_lost_probe_is_lost_and_not_a_round_trip_of_a_second(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aetui.path.tracer.ROUND_S", 0.0)
    _, found = _traced(capsys, f"{STREAMER}:443", "--demo", "lossy-line", "--rounds", "20")
    hops = found["hops"]
    assert isinstance(hops, list)
    assert sum(hop["sent"] - hop["received"] for hop in hops if hop["address"]) > 0
    assert max(hop["rtt_ms"]["max"] for hop in hops if hop["address"]) < 1000


@pytest.mark.parametrize(("scenario", "told"), [("healthy", "measured from this machine's own network only"), ("no-gateway", "")])
def test_sizes_that_were_asked_for_and_cannot_be_told_are_said_not_to_be_known(
    capsys: pytest.CaptureFixture[str], scenario: str, told: str
) -> None:
    main(["trace", f"{STREAMER}:443", "--mtu", "--demo", scenario])
    said = capsys.readouterr().err
    assert told in said if told else not said
