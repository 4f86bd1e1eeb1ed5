"""SSH identification lines, what may stand before them, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.wire import ssh

LINES = [b"SSH-2.0-OpenSSH_9.2 Debian\r\n", b"hello\r\n", b"SSH-", b"\n", b"\r", b"2.0-x", b"\x00", b"\x1b[2J", b"a" * 300]
PIECES = st.lists(st.sampled_from(LINES))


def read(data: bytes) -> ssh.IdentificationParser:
    parser = ssh.IdentificationParser()
    parser.feed(data)
    return parser


@pytest.mark.parametrize(
    ("data", "protocol", "software", "comments"),
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", "2.0", "OpenSSH_9.2", "", id="plain"),
        pytest.param(b"SSH-2.0-dropbear_2022.83 x y\n", "2.0", "dropbear_2022.83", "x y", id="comments, bare line feed"),
        pytest.param(b"Welcome\r\nto us\r\nSSH-1.99-Cisco-1.25\r\n", "1.99", "Cisco-1.25", "", id="lines before it"),
    ],
)
def test_identifications(data: bytes, protocol: str, software: str, comments: str) -> None:
    found = read(data).identification
    assert found is not None
    assert (found.protocol, found.software, found.comments, found.usable) == (protocol, software, comments, True)


def test_protocol_1_is_identified_and_not_usable() -> None:
    found = read(b"SSH-1.5-old\n").identification
    assert found is not None
    assert not found.usable


@pytest.mark.parametrize(
    ("data", "state"),
    [
        pytest.param(b"SSH-2.0-x", "more", id="no line end yet"),
        pytest.param(b"220 ftp\r\n", "more", id="another line may be followed by it"),
        pytest.param(b"\x16\x03\x01\x00", "garbled", id="TLS"),
        pytest.param(b"\xff\xfd\x01", "garbled", id="telnet"),
        pytest.param(b"SSH-2.0\r\n", "garbled", id="no software"),
        pytest.param(b"SSH-2.0-" + b"x" * 300, "limit", id="longer than 255"),
        pytest.param(b"y" * 1100, "limit", id="a line without end"),
        pytest.param(b"y\n" * 100, "limit", id="lines without end"),
        pytest.param((b"y" * 1000 + b"\n") * 20, "limit", id="more than 16 KiB"),
    ],
)
def test_states(data: bytes, state: str) -> None:
    assert read(data).state.value == state


def test_the_longest_allowed_line_is_read() -> None:
    line = b"SSH-2.0-" + b"x" * 245 + b"\r\n"
    assert len(line) == ssh.LONGEST_IDENTIFICATION
    assert read(line).identification is not None


def test_a_line_that_was_never_finished_is_kept() -> None:
    parser = read(b"login: ")
    parser.finish()
    assert parser.before == ["login: "]


@given(PIECES, st.lists(st.integers(1, 50)))
def test_how_the_bytes_were_cut_changes_nothing(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces)
    parser, at = ssh.IdentificationParser(), 0
    for cut in [*cuts, len(data)]:
        parser.feed(data[at : at + cut])
        at += cut
    whole = read(data)
    assert (parser.state, parser.identification, parser.before) == (whole.state, whole.identification, whole.before)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_no_bytes_raise(pieces: list[bytes]) -> None:
    parser = ssh.IdentificationParser()
    for piece in pieces:
        parser.feed(piece)
    parser.finish()
    assert len(parser.before) <= ssh.MOST_LINES + 1
    assert (parser.identification is not None) == (parser.state is ssh.State.DONE)
