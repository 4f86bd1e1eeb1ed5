"""``aetui listen`` and ``aetui confirm`` as scripts meet them: their JSON against the published schemas, their exit status, their refusals."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from aetui.causes import load_causes
from aetui.cli.main import main
from aetui.diagnosis.inbound import diagnose
from aetui.inbound.ports import Holder, PortTaken, RightMissing, Unusable
from aetui.observations import Outcome, TcpSeen
from aetui.reach import Arrival, Forward, InboundSeen, Knock, NatSeen, OuterSide, Reached, Standing, Target, Token
from aetui.records import VantageInfo
from aetui.report.inbound import confirm_json, confirm_lines, knock_json, knock_line, port_finding, worthless
from aetui.store.history import opened


def schema(name: str) -> Any:
    return json.loads(files("aetui.assets").joinpath(name).read_text())


LISTEN, CONFIRM = schema("listen.schema.json"), schema("confirm.schema.json")
SCENARIOS = [
    ("healthy", 0, {"service-confirmed"}),
    ("forward-missing", 1, {"forward-missing"}),
    ("forward-refused", 1, {"forward-refused"}),
    ("forward-elsewhere", 1, {"forward-elsewhere"}),
    ("service-down", 1, {"service-down"}),
]


@pytest.mark.parametrize(("scenario", "status", "causes"), SCENARIOS, ids=[row[0] for row in SCENARIOS])
def test_the_embedded_site_is_confirmed_by_schema(scenario, status, causes, capsys):
    assert main(["confirm", "--demo", scenario, "--json"]) == status
    result = json.loads(capsys.readouterr().out)
    jsonschema.validate(result, CONFIRM)
    assert {entry["cause"] for entry in result["diagnosis"]} == causes
    assert result["vantage"]["kind"] == "demo" and len(result["targets"]) == len(result["inside"]) == 2


def test_a_named_port_and_a_map_are_what_is_knocked_at(capsys):
    assert main(["confirm", "192.31.196.200:3389", "--inside", "192.168.50.60:3389", "--demo", "--json"]) == 0
    assert [target["port"] for target in json.loads(capsys.readouterr().out)["targets"]] == [3389]
    main(["confirm", "192.31.196.200", "--map", "53389:3389", "--demo", "--json"])
    (target,) = json.loads(capsys.readouterr().out)["targets"]
    assert (target["port"], target["inside_port"], target["expected"], target["outcome"]) == (53389, 3389, "rdp", "refused")


def test_a_person_gets_the_causes_first_and_every_knock(capsys):
    assert main(["confirm", "--demo", "forward-missing"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("FAILED: The router does not pass the port on.")
    assert "who mends it: the site's IT" in out and "inside the site: open, Remote Desktop" in out


REFUSALS = [
    ("no address and no jump host", ["confirm"], "name the site's public address"),
    ("a port that is none", ["confirm", "192.0.2.1:0"], "not a port"),
    ("a port out of range", ["confirm", "192.0.2.1:65536"], "not a port"),
    ("an unclosed bracket", ["confirm", "[2001:db8::1"], "nor [ADDRESS]:PORT"),
    ("numbers that are no address", ["confirm", "300.1.1.1:3389"], "not an address or name"),
    ("a trace from a vantage that is none", ["trace", "192.0.2.1", "--from", "moon"], "no vantage"),
    ("a trace to numbers that are no address", ["trace", "300.1.1.1"], "no HOST[:PORT]"),
    ("a code that is none", ["confirm", "192.0.2.1", "--code", "short"], "no code"),
    ("a map that is none", ["confirm", "192.0.2.1", "--map", "3389"], "OUTSIDE:INSIDE"),
    ("a map of a port that is not knocked at", ["confirm", "192.0.2.1:3389", "--map", "53389:3389"], "name PUBLIC:53389"),
    ("a vantage that is none", ["confirm", "192.0.2.1", "--from", "moon"], "no vantage"),
    ("a vantage beside the embedded site", ["confirm", "--demo", "--from", "local"], "--demo has a vantage of its own"),
    ("a scenario that is none", ["confirm", "--demo=helthy"], "healthy"),
    ("an inside that is a name", ["confirm", "192.0.2.1", "--inside", "logger"], "not an IP address"),
    ("a listener's port that is none", ["listen", "x"], "not a port"),
    ("a listener for no time", ["listen", "--for", "0"], "more than 0"),
    ("a listener without end", ["listen", "--for", "99999"], "1440"),
    ("a listener for something that is no number", ["listen", "--for", "nan"], "more than 0"),
    ("a source that is none", ["confirm", "192.0.2.1", "--meant-for", "support"], "not an address or network"),
    ("a network that is none", ["listen", "--allow", "home"], "not an address or network"),
    ("a scenario that is none, listening", ["listen", "--demo=helthy"], "healthy"),
]


@pytest.mark.parametrize(("arguments", "says"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_a_wrong_call_is_one_sentence_and_status_2(arguments, says, capsys):
    try:
        status = main(arguments)
    except SystemExit as end:
        status = end.code
    told = capsys.readouterr()
    assert status == 2 and told.out == ""
    assert says in told.err and len(told.err.strip().splitlines()) == 1
    with opened() as history:
        assert history.count() == 0, "nothing has happened"


@contextmanager
def listening(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", "aetui", "listen", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def event(process: subprocess.Popen[str], wanted: str) -> Any:
    assert process.stdout is not None
    for raw in process.stdout:
        line = json.loads(raw)
        jsonschema.validate(line, LISTEN)
        if line["event"] == wanted:
            return line
    raise AssertionError(process.stderr.read() if process.stderr else wanted)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_the_embedded_listener_is_knocked_at_and_the_token_comes_back():
    with listening("--demo", "--json") as process:
        assert event(process, "listening")["address"] == "127.0.0.1"
        spoken = [event(process, "knock")["speaks"] for _ in range(4)]
        assert spoken == ["rdp", "telnet", "http", "ssh"]
        assert event(process, "knock")["token"] == "matched"
        process.send_signal(signal.SIGINT)
        assert event(process, "stopped")["reason"] == "interrupted"
        assert process.wait(20) == 130


def test_nobody_comes_through_a_forward_that_is_missing():
    with listening("--demo", "forward-missing", "--for", "0.05", "--json") as process:
        assert event(process, "stopped") == {"event": "stopped", "reason": "time", "knocks": 0}
        assert process.wait(20) == 0


ENDS = [(signal.SIGTERM, "asked", 0), (signal.SIGHUP, "hangup", 0)]


@pytest.mark.parametrize(("number", "reason", "status"), ENDS, ids=[row[1] for row in ENDS])
def test_a_signal_closes_the_ports_and_says_so(number, reason, status):
    port = free_port()
    with listening(str(port), "--json") as process:
        event(process, "listening")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
            process.send_signal(number)
            assert event(process, "stopped") == {"event": "stopped", "reason": reason, "knocks": 1}
            assert caller.recv(10) == b""
        assert process.wait(20) == status
    with pytest.raises(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=10):
        pass


def test_where_nobody_reads_its_output_any_more_it_closes():
    port = free_port()
    with listening(str(port), "--json") as process:
        event(process, "listening")
        assert process.stdout is not None
        process.stdout.close()
        with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
            caller.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert caller.recv(10) == b""
        assert process.wait(30) == 0


def test_a_taken_port_names_its_holder_and_fails_where_no_other_opens():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with listening(str(port), "--json") as process:
            line = event(process, "not-listening")
            assert (line["cause"], line["port"]) == ("port-in-use", port)
            assert str(os.getpid()) in line["diagnosis"]["evidence"][0]
            assert process.wait(20) == 1


def test_for_people_the_code_and_the_warning_come_first():
    with listening("--demo", "--for", "0.01") as process:
        out, _ = process.communicate(timeout=30)
    assert "Code for the outside half:" in out and "exposed" in out and "Closed (its time was over)" in out


OUTCOMES = [
    (PortTaken(3389, Holder("xrdp", 77, "root")), "port-in-use"),
    (PortTaken(3389, Holder(None)), "port-in-use"),
    (RightMissing(23, 1024, ("sudo x",), 10023), "privilege-missing"),
    (Unusable(23, "EADDRNOTAVAIL"), None),
]


@pytest.mark.parametrize(("outcome", "cause"), OUTCOMES)
def test_why_a_port_did_not_open(outcome, cause):
    finding = port_finding(outcome)
    assert (finding.cause if finding else None) == cause


HOSTILE = "\x1b[2J[/][@click=quit]\u202e\r\nx"


def hostile_knock() -> Knock:
    evidence = {"cookie": HOSTILE, "scanner": HOSTILE, "request": HOSTILE}
    return Knock(datetime.now(UTC), "192.0.2.66", 40000, 3389, "rdp", HOSTILE.encode(), Token.WRONG, evidence, "crowded")


def test_nothing_that_a_caller_said_reaches_a_terminal_raw():
    line = knock_line(hostile_knock())
    assert line.isprintable() and "\\x1b" in line
    jsonschema.validate(knock_json(hostile_knock()), LISTEN)


def test_nothing_that_a_service_said_reaches_a_terminal_raw():
    target = Target("198.51.100.2", 23, 23, "telnet")
    vantage = VantageInfo("jump", HOSTILE, address="203.0.113.250")
    reached = Reached(
        target, vantage, Standing.OUTSIDE, TcpSeen(target.address, 23, Outcome.OPEN, reason=HOSTILE), "telnet", HOSTILE, "a" * 64, Token.NONE,
        Arrival(23, "203.0.113.250"),
    )  # fmt: skip
    nat = NatSeen("192.168.50.1", "192.168.50.20", (OuterSide("upnp", "10.0.0.1", "success"),), None, (Forward(23, HOSTILE, 23, "tcp"),), True)
    seen = InboundSeen((reached,), (reached,), nat)
    found, words = diagnose(seen), load_causes()
    assert all(line.isprintable() for line in confirm_lines(seen, found, words))
    jsonschema.validate(json.loads(json.dumps(confirm_json(seen, vantage, found, words))), CONFIRM)


PROVES_NOTHING = [
    ("the test stood inside", "198.51.100.2", Standing.INSIDE, "hairpin", "the test stood inside the site"),
    ("nobody outside can reach the address", "192.168.50.30", Standing.INSIDE, "private", "nobody outside can reach"),
    ("nobody knows where the test stood", "198.51.100.2", Standing.UNKNOWN, "", "silence"),
]


@pytest.mark.parametrize(("address", "standing", "why", "says"), [row[1:] for row in PROVES_NOTHING], ids=[row[0] for row in PROVES_NOTHING])
def test_why_a_knock_proves_nothing_is_said_as_it_is(address, standing, why, says):
    from aetui.guiding.inbound import _outside_line
    from aetui.screens.inbound_rows import reached_said

    vantage = VantageInfo("jump", "office", address="203.0.113.250")
    reached = Reached(Target(address, 23, 23, "telnet"), vantage, standing, TcpSeen(address, 23, Outcome.FILTERED))
    assert worthless(reached) == why
    (told,) = [line for line in confirm_lines(InboundSeen((reached,)), (), load_causes()) if line.startswith(address)]
    assert (says in told) is (why != "") and ("inside the site" in told) is (why == "hairpin")
    for line in (_outside_line(reached), reached_said(reached)):
        assert ("obody outside can reach" in line) is (why == "private") and ("proves nothing" in line) is (why == "hairpin")


def test_neither_command_loads_a_screen_or_a_packet_library():
    program = (
        "import sys, aetui.cli.main as m\n"
        "m.main(['confirm', '--demo', '--json'])\n"
        "print(sorted({'textual', 'rich', 'scapy', 'paramiko'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr.strip().splitlines()[-1] == "[]"
