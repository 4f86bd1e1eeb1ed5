"""A trace as JSON, as lines, as a command, and as what a diagnosis gains from it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

import jsonschema
import pytest
from path_recordings import Case, cases

from aetui.causes import load_causes, sentence
from aetui.cli import trace as command
from aetui.observations import Outcome, TcpSeen
from aetui.path import words
from aetui.path.analysis import Surroundings, read, suspects_places
from aetui.path.feed import check_id, locate
from aetui.path.places import Place
from aetui.path.publish import to_json
from aetui.path.records import Mtu, Problem, Proto, Trace
from aetui.path.run import Options, trace_from_jump
from aetui.path.show import lines, remark
from aetui.records import Diagnosis, Finding, Owner, Verdict
from aetui.vantage.base import Connection, VantageInfo
from aetui.vantage.reason import FORBIDDEN

SCHEMA = json.loads(files("aetui.assets").joinpath("trace.schema.json").read_text())
CASES = cases()


def _trace(case: Case) -> Trace:
    around = Surroundings(case.gateway, case.toward_site)
    found = read(case.recording, case.compared, around)
    return words.diagnose(found, suspects_places(found, around), toward_site=case.toward_site)


def _named(rule: str) -> Trace:
    return _trace(next(case for case in CASES if rule in case.name))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_trace_is_valid_by_the_published_schema(case: Case) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(to_json(_trace(case)))))


def test_the_schema_refuses_what_it_does_not_know() -> None:
    document = to_json(_trace(CASES[0]))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "outcome": "perhaps"}, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "extra": 1}, SCHEMA)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_trace_can_be_shown_as_lines(case: Case) -> None:
    shown = list(lines(_trace(case)))
    assert shown[0].startswith(_trace(case).verdict)
    assert all(line == line.rstrip() and line.isprintable() for line in shown)


def test_the_lines_show_where_a_port_dies_beside_the_one_that_works() -> None:
    shown = "\n".join(lines(_named("the comparison names the next hop too")))
    assert "It is likely the internet provider's device." in shown.splitlines()[0]
    assert "<- the last that answers" in shown
    assert "by TCP port 443, which works:" in shown


def test_a_port_named_to_compare_with_is_not_said_to_work_where_it_does_not() -> None:
    found = _named("the comparison names the next hop too")
    neighbour = _named("a neighbour of the host shows the next router")
    assert found.compared_with is not None
    closed = replace(found, compared_with=replace(found.compared_with, outcome=Outcome.REFUSED))
    for one, heading in (
        (replace(found, proto=Proto.UDP), "by TCP port 443, which works:"),
        (closed, "by TCP port 443, which ends as refused:"),
        (neighbour, "by TCP port 443 of 203.0.113.77, which works:"),
    ):
        assert f"     {heading}" in list(lines(one))


def test_beside_the_path_stands_only_what_it_does_not_show_itself() -> None:
    shown = list(lines(_named("the next suspect is the next hop that the comparison shows, beyond")))
    after = shown[shown.index("     by TCP port 443, which works:") + 1 :]
    assert [line.split()[:2] for line in after[:2]] == [["3", "198.51.100.5"], ["4", "203.0.113.9"]]


def test_hostile_names_are_harmless_everywhere() -> None:
    found = _named("a port that answers is open")
    evil = "\x1b]0;x\x07[/]\u202eevil"
    named = replace(found, target=evil, hops=tuple(replace(hop, name=evil) for hop in found.hops))
    for text in (json.dumps(to_json(named), ensure_ascii=False), "\n".join(lines(words.diagnose(named)))):
        assert "\x1b" not in text
        assert "\u202e" not in text


@pytest.mark.parametrize("code", sorted(words.table()["problem"]))
def test_every_problem_is_a_sentence(code: str) -> None:
    text = words.problem_words(Problem(code, "detail"))
    assert "{" not in text
    told = remark(replace(_named("a port that answers is open"), remark=Problem(code, "detail")))
    assert told.endswith("detail") if code == "helper" else told == text


@pytest.mark.parametrize(
    ("why", "ends"),
    [
        ("it was ended by signal 9.", "The packet helper cannot be used: it was ended by signal 9."),
        ("Raw packets need a right (CAP_NET_RAW).", "rewritten on the way. Raw packets need a right (CAP_NET_RAW)."),
    ],
)
def test_why_plain_sockets_were_used_is_whole_sentences(why: str, ends: str) -> None:
    assert words.remark_words(Problem("helper", why)).endswith(ends)


def test_every_place_has_its_words_and_an_owner() -> None:
    for place in Place:
        text, owner = words.whose_words(place)
        assert text.endswith(".")
        assert isinstance(owner, Owner)


def test_a_black_hole_is_told_with_its_size() -> None:
    found = words.diagnose(replace(_named("a port that answers is open"), mtu=Mtu(1300, (), 2)))
    assert [entry.cause for entry in found.diagnosis] == ["mtu-blackhole"]
    assert "1300" in found.diagnosis[0].summary
    assert any("After hop 2 packets of more than 1300 bytes vanish" in line for line in lines(found))


# -------------------------------------------------------------------------------------------------- the diagnosis
def _diagnosis(cause: str, explains: str) -> Diagnosis:
    return Diagnosis({}, (Finding(cause, (explains,)),), Verdict.BLOCKED)


@pytest.mark.parametrize(
    ("rule", "cause", "owner", "said"),
    [
        ("the comparison names the next hop too", "filtered", Owner.ISP, "198.51.100.1 or the one after it, 198.51.100.5"),
        ("the next suspect is the next hop", "filtered", Owner.SITE_IT, "192.168.50.1 is likely the site's own router"),
        ("a prohibition names its sender", "rejected", Owner.ISP, "is turned away at hop 2 by 198.51.100.1"),
        ("a reset closer than the server stands", "rejected", Owner.ISP, "is reset after hop 2 by something on the way: 198.51.100.1 or"),
        ("routers that pass packets round and round", "unreachable", Owner.ISP, "goes round between 198.51.100.1, 198.51.100.5 and"),
        ("no route is a want of routing, not policy", "unreachable", Owner.ISP, "ends after hop 1: 198.51.100.1 says that it has no way on"),
        (
            "the next suspect is the next hop that the comparison shows, beyond",
            "filtered",
            Owner.SITE_IT,
            "192.168.50.1 is likely the site's own router",
        ),
    ],
)
def test_a_finding_is_told_where(rule: str, cause: str, owner: Owner, said: str) -> None:
    found = _named(rule)
    identity = check_id(found)
    assert identity is not None
    located = locate(_diagnosis(cause, identity), [found]).findings[0]
    assert located.owner is owner
    assert said in " ".join(sentence(load_causes(), one) for one in located.evidence)


def test_findings_of_other_checks_and_other_causes_stay_as_they_are() -> None:
    found = _named("the comparison names the next hop too")
    for diagnosis in (_diagnosis("filtered", "tcp:other:1"), _diagnosis("tls-blocked", check_id(found) or "")):
        assert locate(diagnosis, [found]) == diagnosis


# ------------------------------------------------------------------------------------------------------ from a jump host
class Elsewhere:
    """A jump host with tracepath alone, whose connect to the port ends as it is told to."""

    info = VantageInfo("jump", "noc")

    def __init__(self, seen: TcpSeen) -> None:
        self._seen = seen

    async def run(self, argv: Sequence[str], deadline: float) -> tuple[int, bytes] | None:
        if argv[0] != "tracepath":
            return 127, b""
        return 0, b" 1:  10.9.0.2  0.1ms\n 2:  10.9.1.2  0.2ms\n 3:  no reply\n"

    async def connect(self, address: str, port: int, deadline: float) -> Connection:
        return Connection(self._seen, None)


async def _from_there(outcome: Outcome, errno: str | None = None, reason: str | None = None) -> Trace:
    there = Elsewhere(TcpSeen("203.0.113.9", 3389, outcome, errno, reason=reason))
    return await trace_from_jump("203.0.113.9", 3389, Options(), there)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcome", "errno", "reason", "detail"),
    [
        (Outcome.FAILED, FORBIDDEN, "administratively prohibited: open failed", "administratively prohibited: open failed"),
        (Outcome.DENIED, "EPERM", "Operation not permitted", "Operation not permitted"),
        (Outcome.NO_ROUTE, "ENETUNREACH", None, "ENETUNREACH"),
        (Outcome.FAILED, None, None, "failed"),
    ],
)
async def test_a_jump_hosts_own_refusal_says_nothing_of_the_port(outcome: Outcome, errno: str | None, reason: str | None, detail: str) -> None:
    found = await _from_there(outcome, errno, reason)
    assert found.problem == Problem("remote-connect", detail)
    assert (found.diagnosis, found.suspects, found.dies_after, found.rejected_by, found.reached) == ((), (), None, None, False)
    assert [hop.address for hop in found.hops][:2] == ["10.9.0.2", "10.9.1.2"], "what was seen of the way stays"
    assert command._status(found) == 3
    assert detail in found.verdict
    assert remark(found) == ""
    assert locate(_diagnosis("filtered", check_id(found) or ""), [found]) == _diagnosis("filtered", check_id(found) or "")
    jsonschema.validate(json.loads(json.dumps(to_json(found))), SCHEMA)


class Arriving(Elsewhere):
    """A jump host whose plain traceroute arrives."""

    async def run(self, argv: Sequence[str], deadline: float) -> tuple[int, bytes] | None:
        within_s = deadline - asyncio.get_running_loop().time()
        assert within_s > int(argv[argv.index("-m") + 1]), "each hop may be silent for a second, one after another"
        if set(argv) & {"-T", "-I"}:
            return 1, b""
        return 0, b" 1  10.9.0.2  0.1 ms\n 2  203.0.113.9  0.2 ms\n"


@pytest.mark.parametrize(
    ("proto", "port", "status", "said"),
    [
        (Proto.UDP, 123, 3, "nothing is known of UDP port 123."),
        (Proto.UDP, None, 0, "203.0.113.9 is reached, 2 hops away; nothing listens on traceroute's UDP ports there."),
        (Proto.ICMP, 443, 0, "203.0.113.9 is reached, 2 hops away; nothing listens on traceroute's UDP ports there."),
        (Proto.TCP, 443, 0, "203.0.113.9 answers on TCP port 443, 2 hops away."),
    ],
)
async def test_a_jump_hosts_own_ports_say_nothing_of_the_one_that_was_asked_for(proto: Proto, port: int | None, status: int, said: str) -> None:
    there = Arriving(TcpSeen("203.0.113.9", 443, Outcome.OPEN))
    found = await trace_from_jump("203.0.113.9", port, Options(proto=proto), there)  # type: ignore[arg-type]
    assert found.verdict.endswith(said)
    assert [hop.address for hop in found.hops] == ["10.9.0.2", "203.0.113.9"]
    assert command._status(found) == status
    assert ("not by ping" in remark(found)) == (proto is Proto.ICMP)


class Rooted(Elsewhere):
    """A jump host whose traceroute may send SYNs; it stands behind private addresses of nobody knows whom."""

    async def run(self, argv: Sequence[str], deadline: float) -> tuple[int, bytes] | None:
        return 0, b" 1  10.9.0.2  0.1 ms\n 2  10.9.1.2  0.2 ms\n 3  *\n"


async def test_a_private_address_beside_a_jump_host_is_not_said_to_be_the_sites() -> None:
    there = Rooted(TcpSeen("203.0.113.9", 3389, Outcome.FILTERED))
    found = await trace_from_jump("203.0.113.9", 3389, Options(), there)  # type: ignore[arg-type]
    assert (found.outcome, found.suspects, found.hops[1].notes) == (Outcome.FILTERED, ("10.9.1.2",), ("private",))
    assert (found.diagnosis[0].summary, found.diagnosis[0].owner) == (found.verdict, Owner.UNKNOWN)


@pytest.mark.parametrize("outcome", [Outcome.UNREACHABLE, Outcome.FILTERED])
async def test_where_nobody_is_suspected_nobody_is_to_be_asked(outcome: Outcome) -> None:
    found = await _from_there(outcome, "EHOSTUNREACH", "No route to host")
    assert (found.problem, found.suspects, command._status(found)) == (None, (), 1)
    assert [(entry.cause, entry.remedy) for entry in found.diagnosis] == [(outcome.value, ())]


def test_no_cause_stands_without_its_evidence_and_the_lines_show_it() -> None:
    vanishing = words.diagnose(replace(_named("a port that answers is open"), mtu=Mtu(1300, (), 2)))
    for found in (vanishing, *(trace for trace in map(_trace, CASES) if trace.diagnosis)):
        shown = "\n".join(lines(found))
        for entry in found.diagnosis:
            assert entry.evidence or entry.cause == "refused"
            assert all(f"  {sentence}" in shown for sentence in entry.evidence)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_remedy_names_somebody_unknown(case: Case) -> None:
    assert not [step for entry in _trace(case).diagnosis for step in entry.remedy if "?" in step]


# ---------------------------------------------------------------------------------------------------- the command
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("example.com", ("example.com", None)),
        ("example.com:2022", ("example.com", 2022)),
        ("203.0.113.9:80", ("203.0.113.9", 80)),
        ("2001:db8::9", ("2001:db8::9", None)),
        ("[2001:db8::9]", ("2001:db8::9", None)),
        ("[2001:db8::9]:443", ("2001:db8::9", 443)),
        ("example.com:", None),
        ("example.com:0", None),
        ("example.com:65536", None),
        ("example.com:http", None),
        ("[2001:db8::9", None),
        ("[2001:db8::9]443", None),
        ("", None),
        (":80", None),
        ("a b", None),
    ],
)
def test_a_target_is_taken_apart(text: str, expected: tuple[str, int | None] | None) -> None:
    assert command.split(text) == expected
