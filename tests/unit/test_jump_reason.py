"""What a jump host's refusal means, and the words of its troubles."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aetui.vantage
from aetui.observations import Outcome, TcpSeen
from aetui.vantage.asker import Accept, HostKeyQuestion, NoAsker, SecretKind, SecretQuestion
from aetui.vantage.base import VantageLost
from aetui.vantage.choose import BadVantage, VantageSpec, make, parse
from aetui.vantage.jump import JumpVantage
from aetui.vantage.reason import AT_ONCE_MS, FORBIDDEN, OpenRefused, forbidden, outcome
from aetui.vantage.remote import About, parse_about, parse_getent
from aetui.vantage.trouble import JumpCode, detail, lost, words

LATER = AT_ONCE_MS + 200

REASONS = {
    "OpenSSH, refused": (2, "Connection refused", 1, (Outcome.REFUSED, "ECONNREFUSED")),
    "OpenSSH, timed out": (2, "Connection timed out", 130_000, (Outcome.FILTERED, "ETIMEDOUT")),
    "musl, timed out": (2, "Operation timed out", 130_000, (Outcome.FILTERED, "ETIMEDOUT")),
    "OpenSSH, no route": (2, "No route to host", 3000, (Outcome.UNREACHABLE, "EHOSTUNREACH")),
    "musl, no route": (2, "Host is unreachable", 3000, (Outcome.UNREACHABLE, "EHOSTUNREACH")),
    "no way there, at once": (2, "Network is unreachable", 1, (Outcome.NO_ROUTE, "ENETUNREACH")),
    "no way there, a router said": (2, "Network is unreachable", LATER, (Outcome.UNREACHABLE, "ENETUNREACH")),
    "its own firewall": (2, "Operation not permitted", 1, (Outcome.DENIED, "EPERM")),
    "no IPv6 there": (2, "Cannot assign requested address", 1, (Outcome.NO_ROUTE, "EADDRNOTAVAIL")),
    "unknown host": (2, "Name or service not known", 1, (Outcome.FAILED, "EAI_NONAME")),
    "older OpenSSH, prefixed": (2, "connect failed: Connection refused", 1, (Outcome.REFUSED, "ECONNREFUSED")),
    "OpenSSH, connect(2) failed at once": (2, "open failed", 1, (Outcome.NO_ROUTE, None)),
    "no words at all": (2, "", 1, (Outcome.FAILED, None)),
    "words of another kind": (2, "computer says no", 1, (Outcome.FAILED, None)),
    "forbidden": (1, "open failed", 1, (Outcome.FAILED, FORBIDDEN)),
    "forbidden, in words that mislead": (1, "Connection refused", 1, (Outcome.FAILED, FORBIDDEN)),
    "no such channel": (3, "unknown channel type", 1, (Outcome.FAILED, "SSH_OPEN_UNKNOWN_CHANNEL_TYPE")),
    "out of channels": (4, "timed out", 1, (Outcome.FAILED, "SSH_OPEN_RESOURCE_SHORTAGE")),
    "a code of its own": (99, "Connection refused", 1, (Outcome.REFUSED, "ECONNREFUSED")),
}


@pytest.mark.parametrize("rule", REASONS)
def test_reason_to_outcome(rule: str) -> None:
    code, text, elapsed, means = REASONS[rule]
    assert outcome(OpenRefused(code, text), elapsed) == means


def test_the_round_trip_to_the_jump_host_is_not_the_router_s() -> None:
    assert outcome(OpenRefused(2, "Network is unreachable"), 600, 590) == (Outcome.NO_ROUTE, "ENETUNREACH")


@given(st.integers(0, 2**32 - 1), st.text(max_size=100), st.floats(0, 1e6))
def test_any_refusal_has_an_outcome_and_never_an_open_one(code: int, text: str, elapsed: float) -> None:
    means, _ = outcome(OpenRefused(code, text), elapsed)
    assert means is not Outcome.OPEN


WORDS = {
    (2, "Connection refused"): "Connection refused",
    (1, "open failed"): "administratively prohibited: open failed",
    (4, ""): "resource shortage",
    (2, ""): None,
}


@pytest.mark.parametrize("refusal", WORDS)
def test_the_far_side_s_words_are_kept(refusal: tuple[int, str]) -> None:
    assert OpenRefused(*refusal).words == WORDS[refusal]


def test_forbidden_is_told_apart_from_refused() -> None:
    assert forbidden(TcpSeen("192.0.2.1", 80, Outcome.FAILED, FORBIDDEN))
    assert not forbidden(TcpSeen("192.0.2.1", 80, Outcome.REFUSED, "ECONNREFUSED"))


def test_every_trouble_has_one_sentence_and_no_other_is_there() -> None:
    assert set(words()["trouble"]) == set(JumpCode)


def test_every_detail_is_used_and_every_used_one_is_there() -> None:
    code = "".join(file.read_text() for file in Path(aetui.vantage.__file__).parent.glob("*.py"))
    assert set(re.findall(r'detail\("([a-z-]+)"\)', code)) | set(re.findall(r'stage(?:: str)? = "([a-z]+)"', code)) | {"file-line"} == set(
        words()["detail"]
    )
    assert set(re.findall(r'\["reason"\]\["([a-z-]+)"\]', code)) == set(words()["reason"])


def facts_given() -> dict[str, set[str]]:
    """Names of the facts in each call of ``lost(JumpCode.X, host, …)``, from the source."""
    given_: dict[str, set[str]] = {}
    for file in Path(aetui.vantage.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "lost" and isinstance(node.args[0], ast.Attribute):
                found = {"host", *(k.arg for k in node.keywords if k.arg)}
                code = JumpCode[node.args[0].attr]
                given_[code] = given_.get(code, found) & found
    return given_


@pytest.mark.parametrize("code", sorted(facts_given()))
def test_a_sentence_asks_for_no_more_than_it_is_given(code: str) -> None:
    named = {name for _, name, _, _ in string.Formatter().parse(words()["trouble"][code]) if name}
    assert named <= facts_given()[code]


def test_a_trouble_is_a_lost_vantage_with_one_displayable_sentence() -> None:
    error = lost(JumpCode.NOT_SSH, "h\x1b[31m", port=22, detail="\x1b]0;x\x07[/]{host}\n")
    assert isinstance(error, VantageLost)
    assert error.trouble.code is JumpCode.NOT_SSH
    assert str(error) == error.trouble.sentence
    assert str(error).isprintable()
    assert "{host}" in str(error)


VANTAGES = {
    "local": VantageSpec("local"),
    "jump:noc": VantageSpec("jump", "noc"),
    "jump:joe@h:23": VantageSpec("jump", "joe@h:23"),
    "ssh:noc": VantageSpec("ssh", "noc"),
}


@pytest.mark.parametrize("text", VANTAGES)
def test_vantage_is_read_and_written(text: str) -> None:
    assert parse(text) == VANTAGES[text]
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", ["", "Local", "jump", "jump:", "jump: noc", "demo", "jump:-oX", "ssh:", "telnet:noc", "jump:h:0"])
def test_what_is_no_vantage_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadVantage, match=re.escape(repr(text))):
        parse(text)


def test_a_jump_vantage_is_made_without_opening_anything() -> None:
    made = make(parse("jump:noc"))
    assert isinstance(made, JumpVantage)
    assert (made.info.kind, made.info.name, made.resolvers) == ("jump", "noc", ())


ABOUTS = {
    "Debian": (
        "# c\nnameserver 192.0.2.53\nnameserver 2001:DB8::53%eth0\nsearch x\n\n203.0.113.9 50512 192.0.2.1 22\n/usr/bin/getent\n",
        About(("192.0.2.53", "2001:db8::53"), "203.0.113.9", "192.0.2.1", True),
    ),
    "a stub resolver": ("nameserver 127.0.0.53\n\n::ffff:203.0.113.9 1 ::1 22\n", About(("127.0.0.53",), "203.0.113.9", "::1", False)),
    "a menu in place of a shell": ("Welcome to SW-1\n1) show version\n2) exit\n> ", About()),
    "cut in the middle": ("nameserver 192.0.2.", About()),
    "nothing": ("", About()),
    "twice the same": ("nameserver 192.0.2.53\nnameserver 192.0.2.53\n", About(("192.0.2.53",))),
}


@pytest.mark.parametrize("rule", ABOUTS)
def test_what_a_jump_host_tells_of_itself(rule: str) -> None:
    text, about = ABOUTS[rule]
    assert parse_about(text) == about


@given(st.text(max_size=300))
def test_any_output_is_read(text: str) -> None:
    assert all(parse_about(text).resolvers)
    assert all(parse_getent(text))


def test_getent_s_addresses_once_each() -> None:
    text = "192.0.2.1       STREAM www\n192.0.2.1       DGRAM\n2001:db8::1    STREAM\n"
    assert parse_getent(text) == ("192.0.2.1", "2001:db8::1")


async def test_where_nobody_can_be_asked_keys_are_refused_and_there_is_no_secret() -> None:
    assert await NoAsker().host_key(HostKeyQuestion("h", "ssh-ed25519", "SHA256:x")) is Accept.REFUSE
    assert await NoAsker().secret(SecretQuestion(SecretKind.PASSWORD, "h", "joe")) is None


@pytest.mark.parametrize("kind", SecretKind)
def test_a_question_is_displayable(kind: SecretKind) -> None:
    question = SecretQuestion(kind, "h\x1b", "jo\ne", "Pass\x07word: ")
    assert question.text.isprintable()
    assert "jo" in question.text or kind in {SecretKind.PASSPHRASE, SecretKind.FTP_USER}


def test_a_missing_detail_is_a_bug_at_once() -> None:
    with pytest.raises(KeyError):
        detail("no-such")
