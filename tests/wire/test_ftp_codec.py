"""FTP: replies of one line and of many, their bounds, and what PASV, EPSV and FEAT carry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.wire import ftp

PIECES = [b"220 hi\r\n", b"211-a\r\n b\r\n211 c\r\n", b"2", b"150", b" ", b"-", b"\r\n", b"x", b"\xff", b"999 \n"]


def parsed(data: bytes) -> tuple[list[ftp.Reply], ftp.Problem | None]:
    parser = ftp.ReplyParser()
    return parser.feed(data), parser.problem


@pytest.mark.parametrize(
    ("data", "replies"),
    [
        pytest.param(b"220 ready\r\n", [ftp.Reply(220, ("ready",))], id="one line"),
        pytest.param(b"220 ready\n", [ftp.Reply(220, ("ready",))], id="a bare line feed is taken"),
        pytest.param(b"226\r\n", [ftp.Reply(226, ("",))], id="a code alone"),
        pytest.param(b"211-Features:\r\n UTF8\r\n211 End\r\n", [ftp.Reply(211, ("Features:", " UTF8", "End"))], id="many lines"),
        pytest.param(b"220-a\r\n220-b\r\n220 c\r\n", [ftp.Reply(220, ("a", "b", "c"))], id="the code on every line"),
        pytest.param(b"220-a\r\n230 b\r\n220 c\r\n", [ftp.Reply(220, ("a", "230 b", "c"))], id="another code inside is text"),
        pytest.param(b"331 x\r\n230 y\r\n", [ftp.Reply(331, ("x",)), ftp.Reply(230, ("y",))], id="two replies at once"),
        pytest.param(b"220 unfinished", [], id="no line end, no reply"),
    ],
)
def test_replies(data: bytes, replies: list[ftp.Reply]) -> None:
    assert parsed(data) == (replies, None)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"SSH-2.0-x\r\n", ftp.Problem.GARBLED, id="another protocol's line"),
        pytest.param(b"SSH", ftp.Problem.GARBLED, id="its beginning is enough"),
        pytest.param(b"\x15\x03\x01", ftp.Problem.GARBLED, id="binary"),
        pytest.param(b"620 no such kind\r\n", ftp.Problem.GARBLED, id="codes go from 1 to 5"),
        pytest.param(b"220 " + b"a" * 3000, ftp.Problem.LIMIT, id="a line without end"),
        pytest.param(b"220-\r\n" + b" x\r\n" * 200, ftp.Problem.LIMIT, id="lines without end"),
        pytest.param(b"220-\r\n" + (b"y" * 2000 + b"\r\n") * 20, ftp.Problem.LIMIT, id="a reply without end"),
    ],
)
def test_a_peer_that_is_none_or_never_ends_is_heard_no_further(data: bytes, problem: ftp.Problem) -> None:
    parser = ftp.ReplyParser()
    assert parser.feed(data) == []
    assert parser.problem is problem
    assert parser.feed(b"\r\n220 now polite\r\n") == []


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        pytest.param("227 Entering Passive Mode (10,0,0,5,4,1).", ("10.0.0.5", 1025), id="in brackets"),
        pytest.param("227 =10,0,0,5,4,1", ("10.0.0.5", 1025), id="without brackets"),
        pytest.param("227 (256,0,0,5,4,1)", None, id="no octet above 255"),
        pytest.param("227 (10,0,0,5,0,0)", None, id="no port 0"),
        pytest.param("227 (10,0,0,5,4)", None, id="five numbers"),
        pytest.param("227 (110,0,0,5,4,1,9)", ("110.0.0.5", 1025), id="the first six of seven"),
        pytest.param("200 (10,0,0,5,4,1)", None, id="another code"),
    ],
)
def test_pasv(reply: str, place: tuple[str, int] | None) -> None:
    assert ftp.passive(ftp.Reply(int(reply[:3]), (reply[4:],))) == place


@pytest.mark.parametrize(
    ("text", "port"),
    [("Extended (|||50000|)", 50000), ("(!!!7!)", 7), ("(|||0|)", None), ("(|||65536|)", None), ("(||50000|)", None), ("50000", None)],
)
def test_epsv(text: str, port: int | None) -> None:
    assert ftp.extended_passive(ftp.Reply(229, (text,))) == port
    assert ftp.extended_passive(ftp.Reply(227, (text,))) is None


def test_features_are_the_lines_between() -> None:
    assert ftp.features(ftp.Reply(211, ("Features:", " EPSV", " SIZE", "End"))) == ("EPSV", "SIZE")
    assert ftp.features(ftp.Reply(500, ("what?",))) == ()


@pytest.mark.parametrize(
    ("address", "port", "line"),
    [("192.0.2.7", 1025, b"PORT 192,0,2,7,4,1\r\n"), ("2001:db8::7", 1025, b"EPRT |2|2001:db8::7|1025|\r\n")],
)
def test_active_mode_by_family(address: str, port: int, line: bytes) -> None:
    assert ftp.active(address, port) == line


@pytest.mark.parametrize("argument", ["bob\r\nDELE x", "a\nb", "\0", "x\x7f"])
def test_an_argument_cannot_smuggle_a_second_command(argument: str) -> None:
    assert not ftp.sendable(argument)
    with pytest.raises(ValueError, match="control characters"):
        ftp.command("USER", argument)


@given(st.lists(st.sampled_from(PIECES)), st.lists(st.integers(1, 40)))
def test_how_the_bytes_were_cut_changes_nothing(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces)
    parser, replies, at = ftp.ReplyParser(), [], 0
    for cut in [*cuts, len(data)]:
        replies += parser.feed(data[at : at + cut])
        at += cut
    assert (replies, parser.problem) == parsed(data)


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=50), min_size=1, max_size=20))
def test_a_reply_written_is_read_back(lines: list[str]) -> None:
    *before, last = lines
    data = "".join(f"250-{line}\r\n" for line in before) + f"250 {last}\r\n"
    assert parsed(data.encode()) == ([ftp.Reply(250, tuple(lines))], None)


@given(st.lists(st.binary(max_size=400), max_size=20))
def test_no_bytes_raise(pieces: list[bytes]) -> None:
    parser = ftp.ReplyParser()
    for piece in pieces:
        for reply in parser.feed(piece):
            ftp.passive(reply)
            ftp.extended_passive(reply)
            assert len(ftp.features(reply)) <= ftp.MOST_FEATURES
            assert 100 <= reply.code <= 599
