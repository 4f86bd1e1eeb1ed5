"""A server that repeats the login in its replies does not get it into what is seen, kept or reported."""

from __future__ import annotations

import pytest

from aetui.observations import Ended, FtpSeen, FtpTransfer
from aetui.probes.base import Credentials
from aetui.probes.ftp import discreet

LOGIN = Credentials("uploader-7", "correct horse")


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("227 Entering Passive Mode (1,2,3,4,5,6)", "227 Entering Passive Mode (1,2,3,4,5,6)"),
        ("227 correct horse, here you are", "227"),
        ("425 not for uploader-7", "425"),
        (None, None),
    ],
)
def test_of_a_reply_that_repeats_the_login_the_code_is_left(said: str | None, left: str | None) -> None:
    seen = FtpSeen(Ended.DONE, "220 hi", (), "230 ok", (FtpTransfer("pasv", Ended.DONE, said, listing=said),))
    (transfer,) = discreet(seen, LOGIN).transfers
    assert (transfer.reply, transfer.listing) == (left, left)


def test_strange_bytes_that_repeat_the_login_are_not_kept() -> None:
    assert discreet(FtpSeen(Ended.GARBLED, first_bytes=b"\x00correct horse"), LOGIN).first_bytes == b""
    assert discreet(FtpSeen(Ended.GARBLED, first_bytes=b"\x00\x01"), LOGIN).first_bytes == b"\x00\x01"


def test_without_a_login_nothing_is_changed() -> None:
    seen = FtpSeen(Ended.GARBLED, first_bytes=b"correct horse")
    assert discreet(seen, None) is seen
