"""What a command does with root's rights that were lent to it: nothing where there is nobody to be, and nothing at all where they cannot be
given up.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aetui.cli import common, console
from aetui.cli.main import main
from aetui.packet import privilege, spawning


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(privilege, "may_send_raw", lambda: True)


@pytest.mark.parametrize(
    "sudo", [None, {"SUDO_UID": "0", "SUDO_GID": "0"}, {"SUDO_UID": "x", "SUDO_GID": "1"}], ids=["no sudo", "root's own", "nonsense"]
)
def test_where_there_is_nobody_to_be_nothing_is_started_and_nothing_given_up(
    sudo: dict[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
        if sudo:
            monkeypatch.setenv(name, sudo[name])
    monkeypatch.setattr(spawning, "spawn", lambda: pytest.fail("it was started"))
    monkeypatch.setattr(privilege, "keep_only_identity_rights", lambda *kept: pytest.fail("something was given up"))
    assert common.shed() is None


def test_a_helper_that_cannot_be_started_keeps_nobody_root(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    given_up: list[object] = []
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "1235")
    monkeypatch.setattr(spawning, "spawn", refuse)
    monkeypatch.setattr(privilege, "give_up_root", given_up.append)
    assert common.shed() is None
    assert given_up


@pytest.mark.parametrize(
    ("raw", "low", "started"),
    [(True, True, True), (True, False, True), (False, True, True), (False, False, False)],
    ids=["both", "raw packets", "low ports", "neither"],
)
def test_a_helper_is_started_where_it_has_either_right(raw: bool, low: bool, started: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    made = object()
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "1235")
    monkeypatch.setattr(privilege, "may_send_raw", lambda: raw)
    monkeypatch.setattr(privilege, "may_open_low", lambda: low)
    monkeypatch.setattr(spawning, "spawn", lambda: made)
    monkeypatch.setattr(privilege, "give_up_root", lambda environment: None)
    assert common.shed() is (made if started else None)


@pytest.mark.parametrize(
    ("call", "spawns"),
    [(common.shed, True), (lambda: main(["history"]), False), (lambda: main(["listen", "23"]), True), (lambda: main([]), True)],
    ids=["shed", "a command that wants no right", "listen", "the console"],
)
def test_where_the_kernel_does_not_let_go_nothing_is_done_and_the_helper_ends(
    call: Callable[[], object], spawns: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Made:
        ended = False

        def end(self) -> None:
            self.ended = True

    made = Made()

    def refuse(environment: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "1235")
    monkeypatch.setattr(spawning, "spawn", lambda: made)
    monkeypatch.setattr(privilege, "give_up_root", refuse)
    monkeypatch.setattr(console, "_terminal", lambda: "")
    monkeypatch.setattr("aetui.cli.listen._holders", lambda wanted: {})
    with pytest.raises(SystemExit) as ended:
        call()
    assert (ended.value.code, made.ended) == (3, spawns)
    said = "aetui: root's rights could not be given up (Operation not permitted), and nothing is done with them; call aetui without sudo.\n"
    assert capsys.readouterr() == ("", said)
