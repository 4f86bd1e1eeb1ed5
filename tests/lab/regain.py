"""A process that gives up its rights as the packet helper does, and then tries every way back; prints what worked, as JSON. Run by
test_packet_helper.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from aetui.packet import privilege
from aetui.packet.sockets import open_all

MAPPED = "4294967295" in Path("/proc/self/uid_map").read_text()
"""All identities are there: not in a user namespace of one."""
libc = ctypes.CDLL(None, use_errno=True)


def _check(code: int) -> None:
    if code != 0:
        raise OSError(ctypes.get_errno(), "refused")


def _execute(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, check=False)
    if done.returncode != 0:
        raise PermissionError(done.stderr.decode())


def _take_up(number: int) -> None:
    privilege._capset(1 << number, 1 << number)


OTHERS = [number for number in range(privilege._last_capability() + 1) if number != privilege.CAP_NET_BIND_SERVICE]
"""Every capability that this kernel knows, but the one that is kept."""
WAYS: dict[str, Callable[[], object]] = {
    "raw ipv4": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "raw ipv6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
    "packet": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0),
    **{f"capset {number}": partial(_take_up, number) for number in OTHERS},
    "ambient": lambda: _check(libc.prctl(47, 2, 13, 0, 0)),
    "new privileges": lambda: _check(libc.prctl(38, 0, 0, 0, 0)),
    "securebits": lambda: _check(libc.prctl(28, 0, 0, 0, 0)),
    "network namespace": lambda: _check(libc.unshare(0x40000000)),
    "mount": lambda: _check(libc.mount(b"none", b"/run", b"tmpfs", 0, None)),
    "hostname": lambda: _check(libc.sethostname(b"x", 1)),
    "a raw socket by executing": lambda: _execute(sys.executable, "-c", "import socket; socket.socket(2, 3, 1)"),
    "setpriv": lambda: _execute("setpriv", "--ambient-caps", "+net_raw", "--inh-caps", "+net_raw", "true"),
}
if MAPPED:
    WAYS |= {
        "setuid": lambda: os.setuid(0),
        "setresuid": lambda: os.setresuid(0, 0, 0),
        "setgid": lambda: os.setgid(0),
        "groups": lambda: os.setgroups([0]),
        "shadow": lambda: Path("/etc/shadow").read_text(),
        "low port as things stand": lambda: socket.create_server(("127.0.0.1", 7)),
        "chroot": lambda: os.chroot("/"),
    }


def main() -> None:
    """Drop, try, tell."""
    sockets = open_all()
    privilege.keep_only_identity_rights(privilege.CAP_NET_BIND_SERVICE)
    privilege.drop(privilege.invoker(os.environ), privilege.CAP_NET_BIND_SERVICE)
    worked, refused = [], []
    for name, way in WAYS.items():
        try:
            way()
            worked.append(name)
        except OSError:
            refused.append(name)
    with privilege.in_effect(privilege.CAP_NET_BIND_SERVICE):
        socket.create_server(("127.0.0.1", 7)).close()
    kept = sockets.send4.fileno() >= 0 and privilege.effective() == 0
    print(json.dumps({"worked": worked, "refused": refused, "identity": [os.getuid(), os.getgid()], "mapped": MAPPED, "kept": kept}))


main()
