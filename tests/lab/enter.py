"""Run a command where labs can be built: ``python -m tests.lab.enter [--rootless] COMMAND…``; its exit status is the command's.

The command runs as a child of process 1 of new network, mount and process namespaces (and of a user namespace where the caller is not
root). Whatever it starts ends when it ends, however it ends: the kernel kills the whole process namespace, and interfaces, firewalls and
mounts go with it. Status 2 with one line on standard error where this system does not allow it. Nothing outside is touched.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from . import kernel

MARK = "AETUI_LAB"
"""Set to 1 in the environment inside."""


def inside() -> bool:
    """True where ``main`` has made the surroundings that a lab needs."""
    return os.environ.get(MARK) == "1"


def _separate(rootless: bool) -> None:
    """Leave the host's namespaces. An ordinary user becomes uid 0 of a user namespace that holds nothing else."""
    apart = kernel.CLONE_NEWNET | kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWUTS
    uid, gid = os.geteuid(), os.getegid()
    if not rootless:
        kernel.unshare(apart)
        return
    kernel.unshare(apart | kernel.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def _furnish() -> None:
    """Mounts and loopback of the new namespaces; runs as process 1."""
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("proc", "/proc", "proc")
    kernel.mount("tmpfs", "/run", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755")
    for name in ("netns", "sshd", "lab"):
        Path("/run", name).mkdir()
    kernel.interface_up("lo")


def _first_process(command: Sequence[str]) -> int:
    """Be process 1: run the command, collect every orphan, and end with the command's status."""
    _furnish()
    child = os.fork()
    if child == 0:
        os.environ[MARK] = "1"
        try:
            os.execvp(command[0], list(command))
        except OSError as error:
            print(f"{command[0]}: {error.strerror}", file=sys.stderr)
            os._exit(127)
    for ignored in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _frame: os.kill(child, number))
    while True:
        ended, status = os.wait()
        if ended == child:
            return _status(status)


def _status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def main(arguments: Sequence[str]) -> int:
    """Enter and run; returns the exit status."""
    rootless = os.geteuid() != 0
    if arguments[:1] == ["--rootless"]:
        rootless, arguments = True, arguments[1:]
    if not arguments:
        print("usage: python -m tests.lab.enter [--rootless] COMMAND…", file=sys.stderr)
        return 2
    try:
        _separate(rootless)
    except OSError as error:
        print(f"no lab here: {error.strerror}; it takes root, or a kernel that lets users make namespaces", file=sys.stderr)
        return 2
    first = os.fork()
    if first == 0:
        kernel.die_with_parent(signal.SIGKILL)
        status = 2
        try:
            status = _first_process(arguments)
        except OSError as error:
            print(f"no lab here: {error}", file=sys.stderr)
        finally:
            os._exit(status)
    for ignored in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(ignored, signal.SIG_IGN)
    for passed_on in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(passed_on, lambda number, _frame: _pass_on(first, number))
    return _status(os.waitpid(first, 0)[1])


def _pass_on(process: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM if number == signal.SIGHUP else number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
