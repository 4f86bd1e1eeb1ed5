"""The listener's lines and the outside half's result, as JSON (CONTRACT, ``aetui.confirm/1``) and as plain lines for people. Pure.

Text from the network stands in JSON as it came (JSON escapes it); in lines for people it has passed ``displayable``. The words are in
assets/listen.toml.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from aetui import __version__
from aetui.causes import Words, describe, fill
from aetui.diagnosis import exposure
from aetui.diagnosis.inbound import NAMES
from aetui.display import displayable
from aetui.explain import OWNERS
from aetui.inbound import ports
from aetui.observations import Outcome
from aetui.reach import InboundSeen, Knock, NatSeen, Reached, Standing, Token
from aetui.records import Finding, Severity, VantageInfo
from aetui.report.json import finding_json, plain, timestamp, vantage_json
from aetui.strict import parse_toml
from aetui.wire.realm import Realm, realm

SCHEMA = "aetui.confirm/1"
WIDTH = 100

_OUTCOMES: Mapping[Outcome, str] = {
    Outcome.OPEN: "open",
    Outcome.REFUSED: "refused",
    Outcome.REJECTED: "rejected",
    Outcome.FILTERED: "filtered",
    Outcome.UNREACHABLE: "unreachable",
    Outcome.NO_NEIGHBOUR: "unreachable",
}
"""The report's five; None stands for a vantage that could not try."""


@cache
def phrases() -> Mapping[str, Mapping[str, str]]:
    """assets/listen.toml by table and key. Raises DataError where the file is wrong."""
    table = parse_toml(files("aetui.assets").joinpath("listen.toml").read_bytes(), "listen.toml")
    found = {name: table.table(name).strings() for name in ("listen", "reason", "said", "token", "refused", "confirm")}
    table.done()
    return found


def port_finding(outcome: ports.Outcome) -> Finding | None:
    """Why a port did not open, as a finding; None where it did, or where no cause covers it."""
    match outcome:
        case ports.PortTaken():
            return exposure.port_in_use(outcome.port, outcome.holder.process, outcome.holder.pid)
        case ports.RightMissing():
            return exposure.port_forbidden(outcome.port, outcome.remedy[0], outcome.instead)
        case ports.Opened() | ports.Unusable():
            return None


# ----------------------------------------------------------------------------------------------------------------------- JSON
def knock_json(knock: Knock) -> dict[str, Any]:
    """One knock as the listener's JSON line."""
    line = {
        "event": "knock", "at": timestamp(knock.at), "peer": knock.peer, "port": knock.port, "speaks": knock.speaks,
        "first_bytes": knock.first_bytes.hex(), "token": knock.token.value, "peer_port": knock.peer_port, "evidence": dict(knock.evidence),
    }  # fmt: skip
    return line | ({"refused": knock.refused} if knock.refused else {})


def confirm_json(seen: InboundSeen, vantage: VantageInfo, findings: Sequence[Finding], words: Words) -> dict[str, Any]:
    """The whole result."""
    return {
        "schema": SCHEMA,
        "version": __version__,
        "vantage": vantage_json(vantage),
        "targets": [reached_json(reached) for reached in seen.outside],
        "inside": [reached_json(reached) for reached in seen.inside],
        "nat": nat_json(seen.nat) if seen.nat is not None else None,
        "half_open": [plain(one) for one in seen.half_open],
        "diagnosis": [finding_json(finding, words) for finding in findings],
    }


def reached_json(reached: Reached) -> dict[str, Any]:
    """One target."""
    arrival = reached.arrival
    return {
        "address": reached.target.address,
        "port": reached.target.port,
        "inside_port": reached.target.own_port,
        "expected": reached.target.expected,
        "from": reached.vantage.name,
        "standing": reached.standing.value,
        "outcome": _OUTCOMES.get(reached.tcp.outcome),
        "speaks": reached.speaks,
        "identity": reached.identity,
        "token": reached.token.value,
        "arrived": {"port": arrival.port, "peer": arrival.peer} if arrival is not None else None,
        "passed_on": reached.passed_on,
        "elapsed_ms": round(reached.elapsed_ms, 1),
        "observed": {"tcp": plain(reached.tcp), "rdp": plain(reached.rdp), "telnet": plain(reached.telnet)},
    }


def nat_json(seen: NatSeen) -> dict[str, Any]:
    """What the router tells of its outer side."""
    return {
        "gateway": seen.gateway, "own": seen.own, "public": seen.public, "outer": [plain(side) for side in seen.outer],
        "forwards": [plain(forward) for forward in seen.forwards] if seen.listed else None, "hops": list(seen.hops),
    }  # fmt: skip


# ----------------------------------------------------------------------------------------------------------------- for people
def say(table: str, key: str, **values: str) -> str:
    """One sentence of assets/listen.toml, its values made displayable."""
    return fill(phrases()[table][key], values)


def knock_line(knock: Knock) -> str:
    """One knock in one line."""
    time = knock.at.astimezone().strftime("%H:%M:%S")
    return displayable(say("listen", "knock", time=time, peer=knock.peer, port=str(knock.port), said=said_of(knock)), 240)


def said_of(knock: Knock) -> str:
    """What it spoke, and what became of it."""
    words = phrases()
    extras = [words["token"].get(knock.token.value, ""), words["refused"].get(knock.refused or "", ""), *_evidence(knock)]
    return "; ".join([words["said"][knock.speaks], *filter(None, extras)])


def _evidence(knock: Knock) -> Iterator[str]:
    for key in ("scanner", "cookie", "sni", "request", "banner", "options"):
        if key in knock.evidence:
            yield f"{key} {displayable(knock.evidence[key], 60)}"


def confirm_lines(seen: InboundSeen, findings: Sequence[Finding], words: Words) -> list[str]:
    """The result for a terminal: the findings first, then what each knock saw."""
    page = [line for finding in findings for line in _finding(finding, words)]
    if not findings:
        page = [say("confirm", "undetermined")]
    page += [*(line for reached in seen.outside for line in _wrapped(looked(reached), ""))]
    return page + [line for reached in seen.inside for line in _wrapped(_inside_row(reached), "")]


def _finding(finding: Finding, words: Words) -> Iterator[str]:
    told = describe(words, finding)
    mark = {Severity.FAIL: "FAILED", Severity.WARN: "warning", Severity.INFO: "ok"}[told.severity]
    yield from _wrapped(f"{mark}: {told.title}. {told.summary}", "")
    yield f"   {told.cause}, {told.confidence.value}"
    for said in told.evidence:
        yield from _wrapped(f"seen: {said}", "   ")
    if told.severity is not Severity.INFO:
        yield f"   who mends it: {OWNERS[told.owner]}"
        for step in told.remedy:
            yield from _wrapped(f"- {step}", "   ")
    yield ""


def _wrapped(line: str, indent: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, initial_indent=indent, subsequent_indent=indent + "   ", break_on_hyphens=False)


def learned(reached: Reached) -> bool:
    """False where a knock says nothing, for a reason on the side of whoever knocked."""
    return reached.tcp.outcome in _OUTCOMES


def worthless(reached: Reached) -> str:
    """Why a knock proves nothing of the way from outside: ``private`` where no outsider can reach that address, ``hairpin`` where the test
    stood inside; empty where it does prove something."""
    if reached.standing is not Standing.INSIDE:
        return ""
    return "hairpin" if realm(reached.target.address) is Realm.PUBLIC else "private"


def looked(reached: Reached) -> str:
    """One knock from outside in one sentence."""
    place = {"address": reached.target.address, "port": str(reached.target.port), "vantage": reached.vantage.name}
    if why := worthless(reached):
        return say("confirm", why, **place)
    if reached.tcp.outcome not in _OUTCOMES:
        return say("confirm", "own-trouble", why=reached.tcp.reason or reached.tcp.errno or reached.tcp.outcome.value, **place)
    return say("confirm", "row", outcome=reached.tcp.outcome.value, said=found_there(reached), **place)


def _inside_row(reached: Reached) -> str:
    values = {"address": reached.target.address, "port": str(reached.target.port), "outcome": reached.tcp.outcome.value}
    return say("confirm", "inside", said=found_there(reached), **values)


def found_there(reached: Reached) -> str:
    """What answered."""
    words = phrases()
    if reached.speaks == "nothing":
        return words["confirm"]["silent-open"] if reached.tcp.outcome is Outcome.OPEN else "—"
    said = [NAMES.get(reached.speaks, words["said"]["unknown"]), reached.identity or ""]
    if reached.token is not Token.NONE:
        said.append(words["token"][reached.token.value])
    return ", ".join(filter(None, said))
