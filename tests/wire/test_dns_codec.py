"""DNS: what answers our question, what it says, and what an answer cannot do to us."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.wire import dns as codec

NAME = "logger.example.com"
ASKED = codec.query(NAME, "A", 4711)
LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=63)


def answer(*records: str, asked: bytes = ASKED, rcode: str = "NOERROR", flags: int = 0) -> bytes:
    """A response that carries records such as ``a.example. 60 A 192.0.2.1``."""
    message = dns.message.make_response(dns.message.from_wire(asked))
    message.flags |= flags
    message.set_rcode(dns.rcode.from_text(rcode))
    for record in records:
        name, ttl, kind, *rest = record.split()
        message.answer.append(dns.rrset.from_text(name, int(ttl), "IN", kind, " ".join(rest)))
    return message.to_wire(max_size=65535)


def said(*records: str, **how: object) -> codec.Parsed:
    parsed = codec.parse(answer(*records, **how), ASKED)  # type: ignore[arg-type]
    assert parsed is not None
    return parsed


def test_a_query_asks_one_question_recursively_in_class_in() -> None:
    message = dns.message.from_wire(ASKED)
    assert message.id == 4711
    assert message.flags & dns.flags.RD
    assert [str(q) for q in message.question] == ["logger.example.com. IN A"]


@pytest.mark.parametrize("name", ["a" * 64 + ".com", "a..b", ".".join(["a" * 60] * 5)])
def test_a_name_that_cannot_be_asked_for_is_an_error_of_ours(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        codec.query(name, "A", 1)


@pytest.mark.parametrize(
    ("records", "addresses", "aliases", "ttl", "note"),
    [
        pytest.param([f"{NAME}. 60 A 192.0.2.1", f"{NAME}. 60 A 192.0.2.2"], ("192.0.2.1", "192.0.2.2"), (), 60, None, id="two addresses"),
        pytest.param(
            [f"{NAME}. 300 CNAME b.example.", "b.example. 20 CNAME c.example.", "c.example. 90 A 192.0.2.3"],
            ("192.0.2.3",),
            ("b.example", "c.example"),
            20,
            None,
            id="aliases are followed, the lowest TTL counts",
        ),
        pytest.param(
            ["c.example. 90 A 192.0.2.3", f"{NAME}. 300 CNAME c.example."], ("192.0.2.3",), ("c.example",), 90, None, id="in any order"
        ),
        pytest.param([f"{NAME}. 5 CNAME b.example."], (), ("b.example",), 5, None, id="an alias that leads nowhere"),
        pytest.param([f"{NAME}. 5 CNAME {NAME}."], (), (NAME,), 5, "loop", id="an alias of itself"),
        pytest.param(
            [f"{NAME}. 5 CNAME b.example.", f"b.example. 5 CNAME {NAME}."],
            (),
            ("b.example", NAME),
            5,
            "loop",
            id="two that point at each other",
        ),
        pytest.param(["other.example. 5 A 192.0.2.9"], (), (), None, None, id="an address for another name is none for ours"),
        pytest.param([], (), (), None, None, id="nothing"),
    ],
)
def test_answers(records: list[str], addresses: tuple[str, ...], aliases: tuple[str, ...], ttl: int | None, note: str | None) -> None:
    parsed = said(*records)
    assert (parsed.addresses, parsed.aliases, parsed.ttl, parsed.note, parsed.rcode) == (addresses, aliases, ttl, note, "NOERROR")


def test_a_chain_without_end_is_cut() -> None:
    links = [f"{NAME}. 5 CNAME n0.example.", *(f"n{n}.example. 5 CNAME n{n + 1}.example." for n in range(40))]
    assert (said(*links).note, len(said(*links).aliases)) == ("limit", codec.MOST_ALIASES)


def test_addresses_without_end_are_cut() -> None:
    parsed = said(*(f"{NAME}. 5 A 10.0.{n // 250}.{n % 250}" for n in range(3000)))
    assert (len(parsed.addresses), parsed.note) == (codec.MOST_ADDRESSES, "limit")


@pytest.mark.parametrize("rcode", ["NXDOMAIN", "SERVFAIL", "REFUSED"])
def test_the_response_code_is_told(rcode: str) -> None:
    assert said(rcode=rcode).rcode == rcode


def test_authority_and_truncation_are_told() -> None:
    assert said(flags=dns.flags.AA).authoritative
    assert said(flags=dns.flags.TC).truncated


def test_a_truncated_answer_cut_in_the_middle_of_a_record_is_truncated_and_not_malformed() -> None:
    parsed = codec.parse(answer(f"{NAME}. 60 A 192.0.2.1", flags=dns.flags.TC)[:-3], ASKED)
    assert parsed is not None
    assert (parsed.truncated, parsed.note) == (True, None)


def test_an_answer_cut_without_saying_so_is_malformed() -> None:
    parsed = codec.parse(answer(f"{NAME}. 60 A 192.0.2.1")[:-3], ASKED)
    assert parsed is not None
    assert parsed.note == "malformed"


def test_addresses_of_the_sixth_version_are_compressed() -> None:
    asked = codec.query(NAME, "AAAA", 1)
    parsed = codec.parse(answer(f"{NAME}. 60 AAAA 2001:0db8:0:0:0:0:0:1", asked=asked), asked)
    assert parsed is not None
    assert parsed.addresses == ("2001:db8::1",)


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        pytest.param(answer(), True, id="our id and question"),
        pytest.param(answer(asked=codec.query(NAME.upper(), "A", 4711)), True, id="case does not matter"),
        pytest.param(answer(asked=codec.query(NAME, "A", 4712)), False, id="another id"),
        pytest.param(answer(asked=codec.query("other.example.com", "A", 4711)), False, id="another name"),
        pytest.param(answer(asked=codec.query(NAME, "AAAA", 4711)), False, id="another type"),
        pytest.param(ASKED, False, id="a question is no answer"),
        pytest.param(b"\x12\x67\x80\x05" + bytes(8), True, id="REFUSED without the question"),
        pytest.param(b"\x12\x67\x80\x00" + bytes(8), False, id="NOERROR without the question"),
        pytest.param(answer()[:11], False, id="short"),
    ],
)
def test_what_answers_our_question(data: bytes, is_one: bool) -> None:
    assert codec.answers(data, ASKED) is is_one
    assert (codec.parse(data, ASKED) is not None) is is_one


def test_tcp_puts_the_length_first() -> None:
    assert codec.framed(ASKED) == len(ASKED).to_bytes(2, "big") + ASKED


@given(st.lists(LABELS, min_size=1, max_size=4), st.sampled_from(["A", "AAAA"]), st.integers(0, 65535))
def test_every_query_is_answered_by_its_own_response(labels: list[str], kind: str, ident: int) -> None:
    asked = codec.query(".".join(labels), kind, ident)
    parsed = codec.parse(answer(asked=asked), asked)
    assert parsed == codec.Parsed("NOERROR")


@given(st.binary(max_size=200))
def test_no_bytes_raise(tail: bytes) -> None:
    codec.parse(tail, ASKED)
    parsed = codec.parse(ASKED[:2] + b"\x81" + tail, ASKED)
    assert parsed is None or isinstance(parsed.rcode, str)
    parsed = codec.parse(ASKED[:2] + b"\x80\x00\x00\x01\xff\xff\xff\xff\xff\xff" + ASKED[12:] + tail, ASKED)
    assert parsed is not None
