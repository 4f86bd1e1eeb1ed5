"""Under sudo: whoever calls aetui so is themselves again before anything is looked at, and one helper has what rights are needed.

A sudo-like call: started as root, with the identity of the caller in SUDO_UID and SUDO_GID. Where that user may not read this
interpreter's files, root's identity without any right stands in; then the other interpreter of this system is tried as well.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from bench.first_paint import Terminal

from lab.chain import Chain, chain

pytestmark = pytest.mark.usefixtures("surroundings")

CALLER, GROUP = 1234, 1235
MAPPED = "4294967295" in Path("/proc/self/uid_map").read_text()
ROOT = Path(__file__).parents[2]
WITHIN_S = 20.0


def _readable(python: str) -> bool:
    """The caller may read what this interpreter is made of, and it has what is needed."""
    if not MAPPED:
        return False
    made_of = "import os, textual, scapy, aetui.prepare as p; print(os.__file__, textual.__file__, scapy.__file__, p.__file__)"
    files = subprocess.run([python, "-c", made_of], capture_output=True, text=True, check=False, env=_environment(Path("/")))
    as_caller = ["setpriv", "--reuid", str(CALLER), "--regid", str(GROUP), "--clear-groups", "cat", *files.stdout.split()]
    return files.returncode == 0 and subprocess.run(as_caller, capture_output=True, check=False).returncode == 0


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "SSH_CONNECTION"}}
    packages = os.pathsep.join([str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))])
    return {
        **kept, "SUDO_UID": str(CALLER), "SUDO_GID": str(GROUP), "AETUI_HOME": str(home), "HOME": str(home), "PYTHONPATH": packages,
        "PYTHONDONTWRITEBYTECODE": "1", "TERM": "xterm-256color", "LANG": "C.UTF-8",
    }  # fmt: skip


@pytest.fixture(scope="module")
def python(surroundings: None) -> str:
    """An interpreter that the caller may run, where there is one."""
    others = [
        found for name in (f"python3.{sys.version_info.minor}", "python3") if (found := shutil.which(name, path="/usr/bin:/usr/local/bin"))
    ]
    return next((one for one in (sys.executable, *others) if _readable(one)), sys.executable)


@pytest.fixture
def home(tmp_path: Path, python: str) -> Path:
    """The caller's own place for the history."""
    place = Path("/run") / tmp_path.name
    place.mkdir(exist_ok=True)
    if _readable(python):
        os.chown(place, CALLER, GROUP)
    return place


@pytest.fixture(scope="module")
def path(surroundings: None) -> Iterator[Chain]:
    with chain(2, "s") as made:
        made.listen(made.server, 443)
        made.settle()
        yield made


def _call(made: Chain, python: str, home: Path, *arguments: str, within: Sequence[str] = ()) -> Sequence[str]:
    given = [f"{name}={value}" for name, value in _environment(home).items() if os.environ.get(name) != value]
    return ["/usr/bin/env", "-C", str(ROOT), *given, "ip", "netns", "exec", made.name(0), *within, python, "-m", "aetui", *arguments]


def _identity(pid: int) -> tuple[int, int]:
    """Uid and permitted capabilities."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^Uid:\s+(\d+)", status, re.MULTILINE)[1]), int(re.search(r"^CapPrm:\s+(\w+)", status, re.MULTILINE)[1], 16)  # type: ignore[index]


def _children(pid: int) -> list[int]:
    return [int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()]


def _until(condition: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < ends, what
        time.sleep(0.02)


def _expected(python: str) -> int:
    return CALLER if _readable(python) else 0


def _knocks(made: Chain, port: int) -> bool:
    def knock() -> bool:
        with socket.socket() as one:
            one.settimeout(2)
            return one.connect_ex((made.left(0), port)) == 0

    return made.inside(1, knock)


def test_a_trace_is_by_raw_packets_and_its_history_is_the_callers_own(path: Chain, python: str, home: Path) -> None:
    done = subprocess.run(_call(path, python, home, "trace", f"{path.target}:443", "--json"), capture_output=True, text=True, check=False)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert (found["method"], found["outcome"], len(found["hops"])) == ("scapy", "open", 3)
    kept = list(home.iterdir())
    assert kept
    assert {one.stat().st_uid for one in kept} == {_expected(python)}


def test_listen_opens_a_low_port_after_root_is_given_up(path: Chain, python: str, home: Path) -> None:
    running = subprocess.Popen(_call(path, python, home, "listen", "23", "3389", "--json"), stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    try:
        told = [json.loads(running.stdout.readline()) for _ in range(4)]
        assert [(one["event"], one["port"], one["address"]) for one in told] == [
            ("listening", 23, "0.0.0.0"), ("listening", 23, "::"), ("listening", 3389, "0.0.0.0"), ("listening", 3389, "::"),
        ]  # fmt: skip
        assert _identity(running.pid) == (_expected(python), 0)
        assert _children(running.pid) == [], "the helper has done its work"
        assert _knocks(path, 23)
        assert json.loads(running.stdout.readline())["port"] == 23
    finally:
        running.terminate()
        running.wait()
        running.stdout.close()


NO_RAW_PACKETS = ("setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw")
"""Root as a container has it."""


def test_listen_opens_a_low_port_where_root_itself_has_no_raw_packets(path: Chain, python: str, home: Path) -> None:
    running = subprocess.Popen(_call(path, python, home, "listen", "23", "--json", within=NO_RAW_PACKETS), stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    try:
        told = [json.loads(running.stdout.readline()) for _ in range(2)]
        assert [(one["event"], one.get("port"), one.get("address")) for one in told] == [("listening", 23, "0.0.0.0"), ("listening", 23, "::")]
        assert _identity(running.pid) == (_expected(python), 0)
        assert _knocks(path, 23)
    finally:
        running.terminate()
        running.wait()
        running.stdout.close()


def test_a_trace_there_is_by_plain_sockets_and_does_not_advise_what_was_done(path: Chain, python: str, home: Path) -> None:
    call = _call(path, python, home, "trace", f"{path.target}:443", "--json", within=NO_RAW_PACKETS)
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert (found["method"], found["outcome"]) == ("socket", "open")
    assert "root itself" in done.stderr
    assert "sudo" not in done.stderr


def test_libraries_that_the_caller_may_not_read_leave_root_its_name_and_no_right(python: str, tmp_path: Path) -> None:
    """As with a virtual environment in root's own folder, which root's group may read."""
    if not _readable(python):
        pytest.skip("no interpreter here is the caller's to read")
    place = Path("/run") / tmp_path.name / "site" / "textual"
    place.mkdir(parents=True)
    (place / "__init__.py").write_text("")
    program = (
        "import os, sys\nos.setgroups([0])\nfrom aetui.packet import privilege\nprivilege.give_up_root(os.environ)\n"
        "print(os.getuid(), privilege.effective())"
    )
    environment = _environment(Path("/run"))
    environment["PYTHONPATH"] = os.pathsep.join([str(place.parent), environment["PYTHONPATH"]])
    for mode, uid in ((0o755, CALLER), (0o550, 0)):
        place.parent.chmod(mode)
        done = subprocess.run([python, "-c", program], capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
        assert (done.stdout.split(), done.stderr) == ([str(uid), "0"], "")


def test_a_low_port_that_somebody_elses_program_has_is_taken_by_a_named_one(path: Chain, python: str, home: Path) -> None:
    with path.inside(0, lambda: socket.create_server(("", 23))):
        done = subprocess.run(_call(path, python, home, "listen", "23"), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert str(os.getpid()) in done.stderr


def test_the_history_is_the_callers_own_for_every_command(path: Chain, python: str, home: Path) -> None:
    done = subprocess.run(_call(path, python, home, "history"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {one.stat().st_uid for one in home.iterdir()} == {_expected(python)}


def test_the_console_asks_listens_and_traces_through_one_helper(path: Chain, python: str, home: Path) -> None:
    terminal = Terminal([*_call(path, python, home, "--no-mouse", "--equipment", "pl1000")])
    try:
        terminal.until(b"Blocked")
        assert _identity(terminal.child) == (_expected(python), 0)
        helpers = _children(terminal.child)
        assert len(helpers) == 1
        for typed, shown in ((b"3", b"Listen"), (b"s", b"EXPOSED"), (b"2", b"Protocol"), (f"{path.target}:443\r".encode(), b"live")):
            terminal.sent = b""
            terminal.type(typed)
            terminal.until(shown)
        assert b"scapy" in terminal.sent
        assert _knocks(path, 23)
        assert _children(terminal.child) == helpers, "every tab uses the one that there is"
        terminal.type(b"q")
        terminal.ended()
    finally:
        terminal.close()
    _until(lambda: not Path(f"/proc/{helpers[0]}").exists(), "the helper's end")
    checks = {check["id"]: check for check in _report(path, python, home)["checks"]}
    assert checks[f"conflict:{path.left(0)}"]["status"] == "pass"


def test_the_helper_ends_with_a_console_that_is_killed(path: Chain, python: str, home: Path) -> None:
    terminal = Terminal([*_call(path, python, home, "--no-mouse")])
    try:
        terminal.until(b"Enter")
        (helper,) = _children(terminal.child)
    finally:
        terminal.close()
    _until(lambda: not Path(f"/proc/{helper}").exists(), "the helper's end")


def _report(made: Chain, python: str, home: Path) -> dict[str, Any]:
    """The last session's."""
    done = subprocess.run(_call(made, python, home, "report", "--format", "json"), capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
