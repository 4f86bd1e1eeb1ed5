
"""The closed vocabulary: every cause of the contract has all its words, and no rule says anything that has none."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import aetui
from aetui import diagnosis
from aetui.causes import Words, fill, load_causes
from aetui.display import displayable

OUTBOUND = ["no-link", "no-address", "address-conflict", "no-gateway", "gateway-unreachable", "local-firewall", "clock-wrong", "privilege-missing", "dns-unreachable", "dns-failing", "dns-name-missing", "dns-filtered", "dns-hijacked", "dns-changed", "refused", "rejected", "filtered", "unreachable", "no-internet", "mtu-blackhole", "slow", "lossy", "server-down", "tls-blocked", "tls-intercepted", "tls-expired", "tls-name-mismatch", "tls-untrusted", "captive-portal", "http-blocked", "proxy-required", "http-error", "ntp-no-reply", "ntp-bad-answer", "ftp-data-blocked", "wrong-service"]
INBOUND = ["forward-confirmed", "service-confirmed", "forward-missing", "forward-refused", "forward-elsewhere", "service-down", "double-nat", "carrier-nat", "port-in-use", "exposed", "forward-limited", "forward-unanswered"]
CODE = re.compile(r"^[a-z]+(-[a-z]+)+$|^(refused|rejected|filtered|unreachable|slow|lossy|exposed)$")
RULES = sorted(Path(diagnosis.__file__).parent.glob("*.py"))
FIELDS = ("title", "summary", "meaning", "how", "breaks")


@pytest.fixture(scope="module")
def words() -> Words:
    return load_causes()


def test_every_cause_of_the_contract_is_there(words: Words) -> None:
    assert set(words.causes) >= {*OUTBOUND, *INBOUND}


@pytest.mark.parametrize("code", [*OUTBOUND, *INBOUND])
def test_a_cause_has_all_its_words_and_they_can_be_shown(words: Words, code: str) -> None:
    cause = words.causes[code]
    assert cause.remedy and all(cause.remedy)
    for text in (*(getattr(cause, field) for field in FIELDS), *cause.remedy):
        assert text == text.strip() == displayable(text, 2000)
        assert text[0].isupper() or text.startswith("{"), f"{code}: '{text}' does not begin a sentence"
    for text in (cause.summary, cause.meaning, cause.how, cause.breaks):
        assert text.endswith("."), f"{code}: '{text}' is no sentence"
    assert not placeholders(cause.title) and not placeholders(cause.meaning) and not placeholders(cause.how) and not placeholders(cause.breaks)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_placeholders_are_plain_names(words: Words) -> None:
    for text in (*words.evidence.values(), *(t for c in words.causes.values() for t in (c.summary, *c.remedy))):
        assert all(re.fullmatch(r"[a-z_]+", name) for name in placeholders(text)), text


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_no_rule_names_an_unknown_cause(words: Words, path: Path) -> None:
    for code, line in _named(ast.parse(path.read_text("utf-8"))):
        assert code in words.causes, f"{path.name}:{line}: {code!r} is no cause"


def _named(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Texts that stand where a cause does: first of ``Finding`` and ``fail``, after ``cause=``, beside ``.cause ==`` and ``.cause in``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = {"Finding": 0, "fail": 0, "_root": 1}.get(node.func.id)
            given = [node.args[place]] if place is not None and len(node.args) > place else []
            given += [k.value for k in node.keywords if k.arg == "cause"]
            yield from _texts(given)
        elif (isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute) and node.left.attr == "cause") or (isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and node.left.id == "cause"):
            yield from _texts(node.comparators)


def _texts(nodes: list[ast.expr]) -> Iterator[tuple[str, int]]:
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and CODE.match(part.value):
                yield part.value, part.lineno


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_every_sentence_of_evidence_that_a_rule_uses_is_there(words: Words, path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Said" and node.args:
            for key in _keys(node.args[0]):
                assert any(re.fullmatch(key, known) for known in words.evidence), f"{path.name}:{node.lineno}: no sentence {key!r}"


def _keys(node: ast.expr) -> list[str]:
    """The keys that an argument may be: a text, either side of a choice, a pattern for one put together; nothing for a name."""
    match node:
        case ast.Constant(value=str(text)):
            return [re.escape(text)]
        case ast.IfExp():
            return [*_keys(node.body), *_keys(node.orelse)]
        case ast.JoinedStr():
            return ["".join(re.escape(str(v.value)) if isinstance(v, ast.Constant) else ".+" for v in node.values)]
        case _:
            return []


def test_no_sentence_of_evidence_is_without_a_rule(words: Words) -> None:
    patterns: list[str] = []
    for path in Path(aetui.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                patterns.append(re.escape(node.value))
            elif isinstance(node, ast.JoinedStr):
                patterns += _keys(node)
    unused = [key for key in words.evidence if not any(re.fullmatch(p, key) for p in patterns if p != ".+")]
    assert not unused


@pytest.mark.parametrize(
    ("template", "told"),
    [("by {who}.", "by Zscaler Inc."), ("by {who}. Next.", "by Zscaler Inc. Next."), ("by {who}...", "by Zscaler Inc...."), ("{who} did.", "Zscaler Inc. did.")],
)  # fmt: skip
def test_a_name_that_ends_in_a_full_stop_ends_its_sentence(template: str, told: str) -> None:
    assert fill(template, {"who": "Zscaler Inc."}) == told


def test_unknown_codes_are_led_to_the_nearest(words: Words) -> None:
    assert words.nearest("dns-unreachabel") == "dns-unreachable"
    assert words.nearest("tls intercepted") == "tls-intercepted"
    assert words.nearest("zzzzzz") is None


def test_every_cause_that_a_rule_can_name_is_named_by_one(words: Words) -> None:
    named = {code for path in RULES for code, _ in _named(ast.parse(path.read_text("utf-8")))}
    assert not set(OUTBOUND) - named
