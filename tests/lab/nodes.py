"""One machine of the lab: a network namespace and a mount namespace with its own /etc/resolv.conf, and the processes that run there.

Both namespaces are held by file descriptors, and bound at /run/netns/NAME for ``ip netns`` while the node lives. Interpreter-free ways
in, the cheapest first: ``within`` (a thread; sockets only, since /proc/self belongs to the process), ``inside`` and ``serve`` (a fork),
``run`` and ``popen`` (another program). A daemon that does not come up raises LabError with the end of its log.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, ParamSpec, TypeVar

import psutil

from . import kernel

P = ParamSpec("P")
T = TypeVar("T")
START_S = 10.0
"""Longest wait for a daemon to come up, on a busy machine."""
STOP_S = 2.0
"""Longest wait after SIGTERM before SIGKILL."""
NETNS = Path("/run/netns")


class LabError(Exception):
    """The lab itself is broken: a tool failed or a daemon did not come up."""


def _lives_in(group: int, process: psutil.Process) -> bool:
    """True where this is a process of a group that is no zombie."""
    with suppress(psutil.Error, ProcessLookupError):
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    return False


class Process:
    """A process, and whatever it started, that runs in a node until stopped."""

    def __init__(self, pid: int, name: str, log: Path, popen: subprocess.Popen[bytes] | None = None) -> None:
        self.pid, self.name, self.log, self._popen = pid, name, log, popen
        self._status: int | None = None

    def running(self) -> bool:
        """True while it has not ended."""
        if self._popen is not None:
            return self._popen.poll() is None
        if self._status is None:
            with suppress(ChildProcessError):
                ended, status = os.waitpid(self.pid, os.WNOHANG)
                self._status = os.waitstatus_to_exitcode(status) if ended else None
        return self._status is None

    def stop(self, first: signal.Signals = signal.SIGTERM) -> None:
        """End it and its group, politely first."""
        self.signal(first)
        deadline = time.monotonic() + STOP_S
        while self.running():
            if time.monotonic() > deadline:
                self.signal(signal.SIGKILL)
            time.sleep(0.002)
        self.signal(signal.SIGKILL)
        while self._leaves() and time.monotonic() < deadline + STOP_S:
            time.sleep(0.002)

    def _leaves(self) -> bool:
        """True while something that it started is not dead yet: a child of a resolver, for one, has the resolver's listening sockets too."""
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        return any(_lives_in(self.pid, process) for process in psutil.process_iter())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; no error where it has gone."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def tail(self) -> str:
        """The end of its log."""
        with suppress(OSError):
            return self.log.read_text(errors="replace")[-2000:]
        return ""


class Node:
    """A machine of the lab. ``name`` is its role; ``label`` is unique on this system. Usable once furnished."""

    def __init__(self, name: str, label: str, home: Path) -> None:
        self.name, self.label, self.home = name, label, home
        self.processes: list[Process] = []
        home.mkdir()
        self.resolv = home / "resolv.conf"
        self.resolv.write_text("# no resolver\n")
        self._net = kernel.in_thread(self._make_net)
        self._mnt = -1

    def furnish(self) -> None:
        """Make the mount namespace; it shows the network namespaces that have a name by now."""
        self._mnt = kernel.in_thread(self._make_mnt)

    def _make_net(self) -> int:
        kernel.unshare(kernel.CLONE_NEWNET)
        (NETNS / self.label).touch()
        kernel.bind("/proc/thread-self/ns/net", NETNS / self.label)
        kernel.interface_up("lo")
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def _make_mnt(self) -> int:
        kernel.unshare(kernel.CLONE_NEWNS)
        kernel.setns(self._net, kernel.CLONE_NEWNET)
        kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.bind(self.resolv, "/etc/resolv.conf")
        with suppress(OSError):  # a container may hide parts of its own /sys and then allows no other
            kernel.mount("sysfs", "/sys", "sysfs")
        return os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)

    def _enter(self) -> None:
        kernel.unshare(kernel.CLONE_FS)
        kernel.setns(self._mnt, kernel.CLONE_NEWNS)
        kernel.setns(self._net, kernel.CLONE_NEWNET)

    # -- ways in

    def within(self, work: Callable[[], T]) -> T:
        """Run ``work`` in a thread that stands in this node: its sockets, /proc/sys and mounts are the node's."""

        def body() -> T:
            self._enter()
            return work()

        return kernel.in_thread(body)

    def inside(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``work`` in a forked process that stands wholly in this node: gives back its picklable result, or raises its error.

        Bounded by the caller's own timeout: the child dies with the caller.
        """
        reader, writer = os.pipe()
        child = self._fork()
        if child == 0:
            os.close(reader)
            _report(writer, lambda: work(*args, **kwargs))
        os.close(writer)
        try:
            with os.fdopen(reader, "rb") as pipe:
                said = pipe.read()
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            raise
        finally:
            _, status = os.waitpid(child, 0)
        if not said:
            raise LabError(f"the process in {self.name} ended with {os.waitstatus_to_exitcode(status)} and no result")
        good, value = pickle.loads(said)
        if not good:
            raise value
        result: T = value
        return result

    def _fork(self) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of threads; the child touches none of theirs
            child = os.fork()
        if child == 0:
            kernel.die_with_parent(signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
                signal.signal(number, signal.SIG_DFL)
            self._enter()
        return child

    def serve(self, name: str, work: Callable[[Callable[[], None]], None]) -> Process:
        """Run one of the lab's own servers in this node; ``work`` calls the function that it is given once it listens."""
        reader, writer = os.pipe()
        log = self.home / f"{name}.log"
        child = self._fork()
        if child == 0:
            os.close(reader)
            status = 1
            try:
                with log.open("ab", buffering=0) as sink:
                    os.dup2(sink.fileno(), 1)
                    os.dup2(sink.fileno(), 2)
                work(lambda: os.close(writer) if os.write(writer, b"+") else None)
                status = 0
            except BaseException:
                os.write(2, traceback.format_exc().encode())
            finally:
                os._exit(status)
        os.close(writer)
        process = Process(child, name, log)
        self.processes.append(process)
        with os.fdopen(reader, "rb") as pipe:
            ready = bool(select.select([pipe], [], [], START_S)[0]) and pipe.read(1) == b"+"
        if not ready:
            self.stop(process)
            raise LabError(f"{name} in {self.name} did not come up:\n{process.tail()}")
        return process

    def command(self, argv: Sequence[str], cwd: Path | None = None) -> list[str]:
        """The command line that runs ``argv`` in this node; needs ``namespaces`` passed on."""
        return [
            "nsenter",
            f"--net=/proc/self/fd/{self._net}",
            f"--mount=/proc/self/fd/{self._mnt}",
            f"--wd={cwd or Path.cwd()}",
            "--",
            *argv,
        ]

    @property
    def namespaces(self) -> tuple[int, int]:
        """File descriptors that ``command`` refers to."""
        return self._net, self._mnt

    def popen(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | None = None, **options: Any
    ) -> subprocess.Popen[Any]:
        """Start a program here, as subprocess.Popen does; ``env`` is added to our own environment."""
        whole = {**os.environ, **(env or {})}
        return subprocess.Popen(self.command(argv, cwd), env=whole, pass_fds=self.namespaces, **options)

    def run(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
        input: str | None = None,
        check: bool = False,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program here to its end, output captured as text. ``timeout`` in seconds; raises as subprocess.run does."""
        return subprocess.run(
            self.command(argv, cwd), env={**os.environ, **(env or {})}, pass_fds=self.namespaces, timeout=timeout, check=check,
            capture_output=True, text=True, **({"stdin": subprocess.DEVNULL} if input is None else {"input": input}),
        )  # fmt: skip

    def daemon(self, name: str, argv: Sequence[str], stdin: IO[bytes] | None = None) -> Process:
        """Start a program that stays; ``settled`` or ``answers`` says when it is there."""
        log = self.home / f"{name}.log"
        with log.open("ab") as sink:
            popen = self.popen(argv, cwd=self.home, stdin=stdin or subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True)
        process = Process(popen.pid, name, log, popen)
        self.processes.append(process)
        return process

    def await_(self, process: Process, ready: Callable[[], bool]) -> Process:
        """Wait until ``ready``, asked in this node, is true of a process."""
        if not self.within(lambda: self.await_true(ready, process.running)):
            self.stop(process)
            raise LabError(f"{process.name} in {self.name} did not come up:\n{process.tail()}")
        return process

    def await_true(self, ready: Callable[[], bool], going: Callable[[], bool] = lambda: True) -> bool:
        """Ask ``ready`` until it is true; False where ``going`` no longer is, or after START_S."""
        deadline = time.monotonic() + START_S
        while going() and time.monotonic() < deadline:
            if ready():
                return True
            time.sleep(0.005)
        return False

    def stop(self, process: Process) -> None:
        """End one process of this node."""
        process.stop()
        if process in self.processes:
            self.processes.remove(process)

    # -- settings

    def tool(self, argv: Sequence[str], script: str) -> None:
        """Run ``ip`` or ``nft`` with a script; LabError with the tool's words where it fails."""
        done = self.run(argv, input=script)
        if done.returncode:
            raise LabError(f"{' '.join(argv)} in {self.name}: {done.stderr.strip()}\n{script}")

    def ip(self, *lines: str) -> None:
        """Run lines of ``ip``, without the word ip."""
        self.tool(["ip", "-batch", "-"], "\n".join(lines) + "\n")

    def nft(self, rules: str) -> None:
        """Load rules; all or none."""
        self.tool(["nft", "-f", "-"], rules)

    def sysctl(self, values: Mapping[str, str | int]) -> None:
        """Set values by their dotted names; those that this kernel keeps for the whole machine are left as they are."""

        def body() -> None:
            for key, value in values.items():
                path = Path("/proc/sys", *key.split("/")) if "/" in key else Path("/proc/sys", key.replace(".", "/"))
                with suppress(FileNotFoundError, PermissionError):
                    path.write_text(f"{value}\n")

        self.within(body)

    def offloads_off(self, *interfaces: str) -> None:
        """See ``kernel.offloads_off``."""

        def body() -> None:
            for interface in interfaces:
                kernel.offloads_off(interface)

        self.within(body)

    def resolver(self, *addresses: str) -> None:
        """Write /etc/resolv.conf; the same file stays mounted."""
        self.resolv.write_text("".join(f"nameserver {a}\n" for a in addresses) or "# no resolver\n")

    def close(self) -> None:
        """End every process and give the namespaces back."""
        for process in self.processes[::-1]:
            process.signal(signal.SIGTERM)
        for process in self.processes[::-1]:
            process.stop()
        self.processes.clear()
        for namespace in (self._mnt, self._net):
            if namespace >= 0:
                os.close(namespace)
        with suppress(OSError):  # mounted twice where two labs made /run/netns a mount at one moment
            for _ in range(4):
                kernel.unmount(NETNS / self.label)
        with suppress(OSError):  # still busy: it goes with the process that entered
            (NETNS / self.label).unlink()


def _report(writer: int, work: Callable[[], object]) -> None:
    """Run ``work`` and send what became of it; never returns."""
    status = 1
    try:
        try:
            said = pickle.dumps((True, work()))
        except BaseException as error:
            said = _failure(error)
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(said)
        status = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _failure(error: BaseException) -> bytes:
    where = "".join(traceback.format_exception(error))
    error.add_note(f"in the lab:\n{where}")
    try:
        pickle.loads(said := pickle.dumps((False, error)))
    except Exception:
        return pickle.dumps((False, LabError(where)))
    return said
