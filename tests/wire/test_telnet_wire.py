"""Telnet's commands, in any slices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.wire import telnet
from aetui.wire.telnet import Command, Decliner, Reader, Subnegotiation, Text, Verb

ROWS = [
    ("a busybox greeting", b"\xff\xfd\x01\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03", (Verb(253, 1), Verb(253, 31), Verb(251, 1), Verb(251, 3))),
    ("doubled IAC is data", b"a\xff\xffb", (Text(b"a\xffb"),)),
    ("CR NUL is CR", b"a\r\0b\r\nc", (Text(b"a\rb\r\nc"),)),
    ("a subnegotiation keeps its doubled IAC", b"\xff\xfa\x18\x01\xff\xff\xff\xf0x", (Subnegotiation(24, b"\x01\xff"), Text(b"x"))),
    ("a missing SE ends at the next command", b"\xff\xfa\x18\x01\xff\xfb\x01", (Subnegotiation(24, b"\x01"), Verb(251, 1))),
    ("a command of its own", b"x\xff\xf1y", (Text(b"x"), Command(241), Text(b"y"))),
]


def joined(items):
    """Texts that stand side by side are one: slices must not matter."""
    out = []
    for item in items:
        if isinstance(item, Text) and out and isinstance(out[-1], Text):
            out[-1] = Text(out[-1].data + item.data)
        else:
            out.append(item)
    return tuple(out)


@pytest.mark.parametrize(("data", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_commands_are_read(data, expected):
    assert joined(Reader().feed(data)) == expected
    reader = Reader()
    assert joined(item for byte in data for item in reader.feed(bytes((byte,)))) == expected


def test_a_subnegotiation_without_end_is_kept_to_its_bound():
    reader = Reader()
    assert reader.feed(b"\xff\xfa\x18" + b"x" * 100_000) == ()
    (sub,) = reader.feed(b"\xff\xf0")
    assert len(sub.data) == telnet.LONGEST_SUBNEGOTIATION


ANSWERS = [
    ("DO is declined", b"\xff\xfd\x18", b"\xff\xfc\x18"),
    ("WILL is declined", b"\xff\xfb\x18", b"\xff\xfe\x18"),
    ("the server may echo and suppress go-ahead", b"\xff\xfb\x01\xff\xfb\x03", b"\xff\xfd\x01\xff\xfd\x03"),
    ("refusals need no answer", b"\xff\xfc\x18\xff\xfe\x18", b""),
    ("the same request twice is answered once", b"\xff\xfd\x18\xff\xfd\x18", b"\xff\xfc\x18"),
    ("text is never answered", b"login: ", b""),
]


@pytest.mark.parametrize(("data", "expected"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_every_option_is_declined_once(data, expected):
    assert Decliner().answer(Reader().feed(data)) == expected


def test_two_decliners_fall_silent():
    one, other, said = Decliner(), Decliner(), b"".join(bytes((255, v, o)) for v in (251, 253) for o in range(256))
    for _ in range(8):
        said = one.answer(Reader().feed(said))
        one, other = other, one
    assert said == b""


PROMPTS = [
    ("Moxa login: ", True),
    ("\r\nDebian GNU/Linux 12\r\nhost login: ", True),
    ("login:", True),
    ("Username: ", True),
    ("User Name : ", True),
    ("Password:", True),
    ("Last login: Tue Nov 3\r\n# ", False),
    ("login: \r\nWelcome", False),
    ("Please log in at the web page\r\n", False),
    ("", False),
]


@pytest.mark.parametrize(("text", "expected"), PROMPTS)
def test_a_login_prompt_is_what_waits_for_a_name(text, expected):
    assert telnet.login_prompt(text) is expected


ITEMS = st.lists(
    st.binary(min_size=1, max_size=20).map(Text)
    | st.builds(Verb, st.sampled_from(sorted(telnet.VERBS)), st.integers(0, 255))
    | st.builds(Subnegotiation, st.integers(0, 255), st.binary(max_size=40))
    | st.sampled_from([241, 242, 243, 246, 249]).map(Command),
    max_size=12,
)


@given(ITEMS, st.integers(1, 7))
def test_items_survive_the_round_trip_in_any_slices(items, size):
    raw, reader = telnet.encode(items), Reader()
    read = [item for at in range(0, len(raw), size) for item in reader.feed(raw[at : at + size])]
    assert joined(read) == joined(items)


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_raise_or_answer_without_bound(data):
    reader, decliner = Reader(), Decliner()
    assert len(decliner.answer(reader.feed(data))) <= 3 * telnet.MOST_ANSWERS


@given(st.text(max_size=300))
def test_no_text_makes_the_prompt_reader_raise(text):
    assert telnet.login_prompt(text) in (True, False)
