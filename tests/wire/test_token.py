"""The token: who knows the code, and what others learn."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aetui.wire import telnet, token, x224
from aetui.wire.token import Arrived, Hello, Key

KEY = Key.of("7K3M-Q9XD")
OTHER = Key.of("7K3M-Q9XE")
PLACE = Arrived(3389, "203.0.113.7")


def test_a_code_is_eight_letters_nobody_misreads():
    codes = {token.new_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(token.normalise(code) == code and not set(code) & set("ILOU") for code in codes)


TYPED = [
    ("7k3mq9xd", "7K3M-Q9XD"),
    (" 7K3M Q9XD ", "7K3M-Q9XD"),
    ("7K3M-Q9X", None),
    ("7K3M-Q9XDD", None),
    ("7K3M-Q9XU", None),
    ("oooo-llii", "0000-1111"),
    ("", None),
    ("７K3MQ9XD", None),
]


@pytest.mark.parametrize(("typed", "code"), TYPED)
def test_a_code_is_taken_as_people_type_it(typed, code):
    assert token.normalise(typed) == code


def test_a_key_needs_a_code_and_never_shows_itself():
    with pytest.raises(ValueError, match="code"):
        Key.of("short")
    assert KEY.secret.hex() not in repr(KEY) and str(KEY.secret) not in repr(KEY)


def test_both_halves_of_one_code_agree():
    said = token.hello(KEY)
    assert said.right(KEY)
    assert token.parse_answer(KEY, said, token.answer(KEY, said, PLACE)) == PLACE


def test_one_who_does_not_know_the_code_proves_nothing():
    said = token.hello(OTHER)
    assert not said.right(KEY)
    assert token.parse_answer(KEY, said, token.answer(OTHER, said, PLACE)) is None


def test_an_answer_to_another_challenge_is_none():
    assert token.parse_answer(KEY, token.hello(KEY), token.answer(KEY, token.hello(KEY), PLACE)) is None


def test_the_answer_cannot_be_turned_into_a_hello():
    said = token.hello(KEY)
    proof = token.answer(KEY, said, PLACE)[-32:]
    assert not Hello(said.challenge, proof).right(KEY)


@pytest.mark.parametrize("index", range(token.ANSWER_LENGTH))
def test_no_byte_of_the_answer_can_be_changed_on_the_way(index):
    said = token.hello(KEY)
    raw = bytearray(token.answer(KEY, said, PLACE))
    raw[index] ^= 1
    assert token.parse_answer(KEY, said, bytes(raw)) is None


def test_the_cookie_is_one_that_a_real_rdp_client_could_send():
    said = token.hello(KEY)
    packet = x224.parse_request(x224.request(cookie=token.as_cookie(said)))
    assert isinstance(packet, x224.Request)
    assert packet.cookie is not None and token.parse_cookie(packet.cookie) == said


def test_the_refusals_are_nothing_but_three_byte_commands():
    said = token.hello(KEY)
    raw = token.as_refusals(said)
    assert all(isinstance(item, telnet.Verb) and item.verb == telnet.WONT for item in telnet.Reader().feed(raw))
    assert telnet.Decliner().answer(telnet.Reader().feed(raw)) == b""
    assert token.parse_refusals(raw) == said


ADDRESSES = st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).filter(lambda a: a.ipv4_mapped is None).map(str)


@given(st.integers(0, 65535), ADDRESSES)
@settings(max_examples=50)
def test_where_it_arrived_survives_the_round_trip(port, peer):
    said = token.hello(KEY)
    assert token.parse_answer(KEY, said, token.answer(KEY, said, Arrived(port, peer))) == Arrived(port, peer)


def test_a_mapped_or_scoped_peer_is_told_as_people_know_it():
    said = token.hello(KEY)
    assert token.parse_answer(KEY, said, token.answer(KEY, said, Arrived(23, "::ffff:10.0.0.1"))) == Arrived(23, "10.0.0.1")
    assert token.parse_answer(KEY, said, token.answer(KEY, said, Arrived(23, "fe80::1%eth0"))) == Arrived(23, "fe80::1")


@given(st.binary(min_size=64, max_size=64))
def test_every_carrier_gives_back_what_it_took(body):
    said = Hello(body[:32], body[32:])
    assert token.parse_frame(token.frame(said)) == said
    assert token.parse_cookie(token.as_cookie(said)) == said
    assert token.parse_refusals(token.as_refusals(said)) == said


@given(st.binary(max_size=300), st.text(max_size=200))
def test_no_bytes_make_the_readers_raise(data, text):
    said = Hello(b"c" * 32, b"p" * 32)
    for prefix in (b"", token.HELLO_MAGIC, token.ANSWER_MAGIC, b"\xff\xfc"):
        token.parse_frame(prefix + data)
        token.parse_refusals(prefix + data)
        assert token.parse_answer(KEY, said, prefix + data) is None
    token.parse_cookie(text)
    token.parse_cookie(token.COOKIE_PREFIX + text)
