"""Starting the helper's process, and what must be there for it. Nothing of asyncio and no record is imported, so that a command can do
it before it loads anything else: the helper loads its library while the command loads the rest.

``missing`` says why there can be no helper here, with the command that grants the right. ``spawn`` takes a few ms; OSError goes up.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_KEPT = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "SUDO_UID", "SUDO_GID", "SYSTEMROOT")
"""What the helper may know of the environment; no folder of the user's, so that it reads and writes none."""
_NOWHERE = "/dev/null/none"


class Spawned(NamedTuple):
    """A helper that was started, and our end of its pipe."""

    process: subprocess.Popen[bytes]
    pipe: socket.socket
    raw: bool = True
    """It was given the right to raw packets; without it, it opens low ports alone."""

    def end(self) -> None:
        """Kill it; its end is waited for by whoever has the time."""
        self.pipe.close()
        with suppress(PermissionError):  # it has not dropped root's identity yet, as we have: it ends by the pipe's end
            self.process.kill()


def alone(*, wanted: bool = True) -> Spawned | None:
    """Under sudo, be the user who called it from now on: the helper, started before where it is ``wanted``, is alone in having a right. None
    where none was started. Raises OSError where the kernel does not let go of a right.
    """
    from aetui.packet import privilege

    if os.geteuid() != 0 or privilege.invoker(os.environ) is None:
        return None
    made = None
    if wanted and (privilege.may_send_raw() or privilege.may_open_low()):
        with suppress(OSError):
            made = spawn()
    try:
        privilege.give_up_root(os.environ)
    except OSError:
        if made is not None:
            made.end()
        raise
    return made


def missing() -> str | None:
    """What is lacking for raw packets here, with the command that grants it; None where nothing is. Nothing is started."""
    if sys.platform != "linux":
        return "Raw packets are sent on Linux only; everything else works without them."
    from aetui.packet.privilege import may_send_raw

    if may_send_raw():
        return None
    return f"Raw packets need a right (CAP_NET_RAW) that this user does not have. To grant it: {grant()}"


NO_RAW = "Raw packets need a right (CAP_NET_RAW) that root itself does not have here: as a rule a container without it."
NO_PORTS = "Ports under 1024 need a right (CAP_NET_BIND_SERVICE) that the packet helper was not given."


def grant() -> str:
    """The command that runs this very call with the right."""
    import shlex

    program = Path(sys.argv[0])
    called = [str(program.resolve())] if program.name == "aetui" else [sys.executable, "-m", "aetui"]
    return shlex.join(["sudo", *called, *sys.argv[1:]])


def spawn() -> Spawned:
    """The helper, with one end of a pipe. Nothing in the call is anybody's but our own."""
    from aetui.packet.privilege import may_send_raw

    ours, theirs = socket.socketpair()
    nowhere = subprocess.DEVNULL
    argv = [sys.executable, "-P", "-S", "-m", "aetui.packet"]
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            argv, stdin=theirs.fileno(), stdout=nowhere, stderr=nowhere, env=_environment(), start_new_session=True
        )
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    return Spawned(process, ours, may_send_raw())


def _environment() -> dict[str, str]:
    """What the helper is given: enough to find its own code and scapy's (without ``site``, which may run anything), and no folder of anybody's."""
    found = importlib.util.find_spec("scapy")
    beside = [str(Path(found.origin).parents[1])] if found is not None and found.origin else []
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        **dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), _NOWHERE),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).resolve().parents[2]), *beside]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AETUI_PARENT": str(os.getpid()),
    }
