"""Two sessions compared: what is fixed, broken and changed is told, what only wobbles is not, and the rest is counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from kept_sessions import alone, catalogue, kept, look, trace

from aetui.cli.main import Exit, main
from aetui.entries import Kept
from aetui.events import Result
from aetui.observations import DnsSeen, TcpSeen, TlsSeen
from aetui.records import Requirement, Severity, Status, VantageInfo
from aetui.report.diff import Difference, against, compare
from aetui.report.difflines import as_json, lines
from aetui.state import State

ONE = ("pm2000",)


def with_results(one: Kept, change: Callable[[Result], Result]) -> Kept:
    """The same session, seen a little otherwise."""
    state = one.state
    copy = State(
        state.session, state.started, state.vantage, state.equipment, state.deadline_s, state.checks,
        {i: change(r) for i, r in state.results.items()}, set(), state.diagnosis, state.ended, state.elapsed_ms,
    )  # fmt: skip
    return replace(one, state=copy)


def seen(kind: type, **fields: object) -> Callable[[Result], Result]:
    """Every observation of that kind with other fields."""

    def change(result: Result) -> Result:
        observation = result.observation
        return replace(result, observation=replace(observation, **fields)) if type(observation) is kind else result  # type: ignore[type-var]

    return change


def whats(told: Difference) -> set[str]:
    return {change.what for change in told.changed}


def test_a_session_does_not_differ_from_itself() -> None:
    told = compare(kept("healthy", ONE), kept("healthy", ONE))
    assert not any((told.fixed, told.broken, told.otherwise, told.changed, told.gone, told.new, told.left, told.added))
    assert told.unchanged == len(list(kept("healthy", ONE).state.required()))
    assert next(lines(told)) == f"Nothing differs in {told.unchanged} checks."


def test_what_fails_now_is_broken_and_the_other_way_round_fixed() -> None:
    healthy, dropped = kept("healthy", ONE), kept("port-dropped", ONE)
    there, back = compare(healthy, dropped), compare(dropped, healthy)
    assert {m.id for m in there.broken} == {f"{kind}:streamer.alsoenergy.com:443" for kind in ("tcp", "tls", "http")}
    assert {m.id for m in back.fixed} == {m.id for m in there.broken}
    assert (there.fixed, back.broken) == ((), ())
    assert (there.new, back.gone) == (("filtered",), ("filtered",))
    assert there.unchanged == back.unchanged
    assert "-> fail (no answer)" in "\n".join(lines(there))


def test_what_could_not_be_tested_behind_a_fault_is_fixed_with_it() -> None:
    told = compare(kept("dns-dead", ONE), kept("healthy", ONE))
    assert len(told.fixed) > 30
    assert not told.otherwise


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (seen(TcpSeen, rtt_ms=900.0), "delay"),
        (seen(TcpSeen, rtt_ms=70.0), None),
        (seen(DnsSeen, answers=()), None),
    ],
)
def test_a_delay_has_changed_where_it_is_far_from_what_it_was(change: Callable[[Result], Result], what: str | None) -> None:
    base = with_results(kept("healthy", ONE), seen(TcpSeen, rtt_ms=40.0))
    told = compare(base, with_results(base, change))
    assert whats(told) == ({what} if what else set())
    assert not told.broken


def test_another_address_and_another_issuer_are_told() -> None:
    def other(result: Result) -> Result:
        match result.observation:
            case DnsSeen(name="www.alsoenergy.com", answers=answers) as dns:
                return replace(result, observation=replace(dns, answers=tuple(replace(a, addresses=("203.0.113.50",)) for a in answers)))
            case TlsSeen(server_name="www.alsoenergy.com", chain=chain) as tls:
                return replace(result, observation=replace(tls, chain=(replace(chain[0], issuer="CN=Other\x1b[2J"), *chain[1:])))
            case _:
                return result

    told = compare(kept("healthy", ONE), with_results(kept("healthy", ONE), other))
    assert {(c.id, c.what, c.after) for c in told.changed} == {
        ("dns:www.alsoenergy.com", "address", "203.0.113.50"),
        ("tls:www.alsoenergy.com:443", "issuer", "CN=Other\\x1b[2J"),
    }


def test_another_path_and_another_end_of_it_are_told() -> None:
    before = kept("healthy", ONE)
    longer = trace(14)
    hops = (longer.trace.hops[0], replace(longer.trace.hops[1], address="10.99.0.1"), *longer.trace.hops[2:])
    told = compare(before, replace(before, traces=(replace(longer, trace=replace(longer.trace, hops=hops)),)))
    assert {(c.what, c.before, c.after) for c in told.changed} == {
        ("path", "hop 2: 10.2.0.1", "10.99.0.1"),
        ("dies", "after hop 9", "after hop 11"),
    }


def test_a_port_that_was_tried_from_outside_is_compared_like_a_check() -> None:
    missing, there = alone("look"), replace(alone("look"), inbound=(look("service-confirmed", Severity.INFO),))
    told = compare(missing, there)
    assert [(m.id, m.before, m.after) for m in told.fixed] == [("outside:rdp:203.0.113.7:3389", Status.FAIL, Status.PASS)]
    assert (told.gone, told.new) == (("forward-missing",), ("service-confirmed",))
    assert [m.id for m in compare(there, missing).broken] == ["outside:rdp:203.0.113.7:3389"]
    assert (compare(missing, missing).unchanged, compare(missing, missing).same) == (1, ("forward-missing",))


def test_of_several_tries_the_latest_is_compared_and_another_machine_behind_the_port_is_told() -> None:
    one = replace(alone("look"), inbound=(look(), look("service-confirmed", Severity.INFO)))
    done = look("service-confirmed", Severity.INFO)
    printer = replace(done.seen.outside[0], identity="a printer")
    other = replace(one, inbound=(replace(done, seen=replace(done.seen, outside=(printer,))),))
    told = compare(one, other)
    assert not told.fixed
    assert [(c.what, c.after) for c in told.changed] == []
    named = replace(done.seen.outside[0], identity="PM2000")
    before = replace(one, inbound=(replace(done, seen=replace(done.seen, outside=(named,))),))
    assert [(c.what, c.before, c.after) for c in compare(before, other).changed] == [("answers", "rdp, PM2000", "rdp, a printer")]


@pytest.mark.parametrize(("factor", "changes"), [(1.0, []), (1.2, []), (20.0, ["delay"])])
def test_a_longer_way_to_a_target_that_is_reached_is_told(factor: float, changes: list[str]) -> None:
    def reached(times: float) -> Kept:
        done = trace()
        hops = done.trace.hops[:9]
        rtt = hops[-1].rtt
        assert rtt is not None
        last = replace(hops[-1], rtt=replace(rtt, median=rtt.median * times))
        return replace(kept(), traces=(replace(done, trace=replace(done.trace, reached=True, dies_after=None, hops=(*hops[:-1], last))),))

    assert [c.what for c in compare(reached(1.0), reached(factor)).changed] == changes


def test_two_vantages_are_said_to_be_two_and_their_own_addresses_are_no_change() -> None:
    here = kept("healthy", ONE)
    state = replace(here.state, vantage=VantageInfo("jump", "noc", address="10.0.0.1"))
    told = compare(here, replace(here, state=state))
    assert told.vantages
    assert not told.changed
    assert "Made from two places" in "\n".join(lines(told))


def test_another_gateway_of_the_same_machine_is_a_change() -> None:
    here = kept("healthy", ONE)
    state = replace(here.state, vantage=replace(here.state.vantage, gateway="192.168.50.254"))
    (change,) = compare(here, replace(here, state=state)).changed
    assert (change.what, change.before, change.after) == ("gateway", "192.168.50.1", "192.168.50.254")


def test_checks_of_one_session_alone_are_listed_and_not_judged() -> None:
    told = compare(kept("healthy", ONE), kept("healthy", ("pm2000", "sma-ftp")))
    assert "ftp:smaftpdm.alsoenergy.com:21" in told.added
    assert not told.fixed
    assert not compare(kept("healthy", ("pm2000", "sma-ftp")), kept("healthy", ONE), partial=True).left


def test_a_comparison_is_json_for_scripts() -> None:
    document = json.loads(json.dumps(as_json(compare(kept("healthy", ONE), kept("port-dropped", ONE)))))
    assert (document["schema"], document["kind"]) == ("aetui.diff/1", "sessions")
    assert document["broken"][0]["after"] == "fail"


# ------------------------------------------------------------------------------------------------------------------- catalogue
def test_a_session_of_today_needs_nothing_that_was_not_tested() -> None:
    told = against(kept("healthy", ONE), catalogue())
    assert (told.needed, told.dropped, told.moved) == ((), (), ())
    assert told.unchanged


def test_a_catalogue_that_has_changed_is_told_need_by_need() -> None:
    shipped = catalogue()
    endpoints = []
    for endpoint in shipped.endpoints:
        if endpoint.host == "maki.alsoenergy.com":
            continue
        services = endpoint.services
        if endpoint.host == "www.alsoenergy.com":
            services = tuple(replace(s, requirement=Requirement.SOFT) for s in services)
        name = "new.alsoenergy.com" if endpoint.host == "moxa.alsoenergy.com" else endpoint.host
        addresses = ("203.0.113.9",) if endpoint.host == "makirt.alsoenergy.com" else endpoint.addresses
        endpoints.append(replace(endpoint, host=name, services=services, addresses=addresses))
    told = against(kept("healthy", ONE), replace(shipped, endpoints=tuple(endpoints)))
    assert "tcp:new.alsoenergy.com:443" in told.needed
    assert {"tcp:maki.alsoenergy.com:443", "tcp:moxa.alsoenergy.com:443"} <= set(told.dropped)
    assert {(c.id, c.before, c.after) for c in told.moved if c.what == "documented"} == {
        ("dns:makirt.alsoenergy.com", "104.239.186.186", "203.0.113.9")
    }
    assert ("tcp:www.alsoenergy.com:80", "hard", "soft") in {(c.id, c.before, c.after) for c in told.moved if c.what == "requirement"}


# ----------------------------------------------------------------------------------------------------------------- the commands
@pytest.fixture
def home(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETUI_HOME", f"{tmp_path}/home")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.usefixtures("home")
def test_two_sessions_by_the_command_and_only_what_failed_again(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "pm2000", "--demo", "port-dropped", "--save", "--site", "Before"])
    status, out, _ = said(capsys, "check", "--failed-of", "Before", "--demo", "healthy", "--save", "--site", "After")
    assert status == Exit.READY
    assert "3 fixed, 0 broken" in out
    assert "maki.alsoenergy.com" not in out, "what held is not made again"
    assert said(capsys, "diff", "Before", "After")[0] == Exit.READY
    status, out, _ = said(capsys, "diff", "After", "Before")
    assert status == Exit.FAILED
    assert out.startswith("0 fixed, 3 broken")
    status, out, _ = said(capsys, "diff", "Before", "--catalogue", "--json")
    assert (status, json.loads(out)["kind"]) == (Exit.READY, "catalogue")
    for twice in (["diff", "After"], ["diff", "Before", "After", "--catalogue"]):
        status, out, err = said(capsys, *twice)
        assert (status, out, err.count("\n")) == (Exit.USAGE, "", 1), "a comparison that is none does not say that nothing differs"
    status, _, err = said(capsys, "check", "--failed-of", "After", "--demo")
    assert (status, "everything that was tested" in err) == (Exit.USAGE, True)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("arguments", [["diff"], ["diff", "nope"], ["check", "--failed-of", "nope"], ["check"]])
def test_a_wrong_call_is_one_sentence_and_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = said(capsys, *arguments)
    assert (status, out, err.count("\n")) == (Exit.USAGE, "", 1)


def test_the_embedded_site_shows_what_a_comparison_looks_like(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = said(capsys, "diff", "--demo", "port-dropped")
    assert status == Exit.FAILED
    assert "Broken:" in out
