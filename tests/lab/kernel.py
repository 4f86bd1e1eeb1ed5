"""The few kernel doors that the lab needs and Python 3.11 does not open: namespaces, mounts, offloads, connection tracking.

Everything here acts on the calling *thread*; callers use a thread of their own for it (``in_thread``). Failures raise OSError with the
name of the call. Sources: unshare(2), setns(2), mount(2), prctl(2), ethtool(8)'s legacy ioctls, linux/netfilter/nfnetlink_conntrack.h.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

CLONE_FS = 0x0000_0200
CLONE_NEWNS = 0x0002_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 0x2, 0x4, 0x1000, 0x4000, 0x4_0000, 2
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)
_OFFLOADS = {"tx": 0x17, "sg": 0x19, "tso": 0x1F, "gso": 0x24, "gro": 0x2C}
"""ETHTOOL_STXCSUM and its fellows (linux/ethtool.h)."""
_SIOCETHTOOL, _SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8946, 0x8913, 0x8914, 1


def _call(name: str, *args: object) -> None:
    if getattr(_libc, name)(*args) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def unshare(flags: int) -> None:
    """Leave the namespaces named by CLONE_* flags for new ones."""
    _call("unshare", flags)


def setns(fd: int, kind: int) -> None:
    """Enter the namespace behind a file descriptor; ``kind`` is its CLONE_NEW* flag."""
    _call("setns", fd, kind)


def mount(source: str, target: Path | str, kind: str = "none", flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    _call("mount", source.encode(), str(target).encode(), kind.encode(), ctypes.c_ulong(flags), data.encode())


def bind(source: Path | str, target: Path | str) -> None:
    """Show ``source`` at ``target``; both must exist."""
    mount(str(source), target, flags=MS_BIND)


def unmount(target: Path | str) -> None:
    """Detach a mount, busy or not."""
    _call("umount2", str(target).encode(), MNT_DETACH)


def die_with_parent(signal: int) -> None:
    """Have the kernel send ``signal`` to this process when the thread that forked it ends."""
    _call("prctl", PR_SET_PDEATHSIG, signal, 0, 0, 0)


def in_thread(work: Callable[[], T]) -> T:
    """Run ``work`` in a thread of its own, which may change namespace; its result, or its exception, comes back."""
    kept: list[T] = []
    wrong: list[BaseException] = []

    def body() -> None:
        try:
            kept.append(work())
        except BaseException as error:
            wrong.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join()
    if wrong:
        raise wrong[0]
    return kept[0]


def interface_up(name: str) -> None:
    """Set IFF_UP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack("16sH22x", name.encode(), 0)
        (flags,) = struct.unpack_from("16xH", fcntl.ioctl(handle, _SIOCGIFFLAGS, request))
        fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), flags | _IFF_UP))


def offloads_off(name: str) -> None:
    """Have every frame on the link be what a real wire would carry: finished checksums, no frame above the MTU."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        for command in _OFFLOADS.values():
            value = (ctypes.c_uint32 * 2)(command, 0)
            request = struct.pack("16sP", name.encode(), ctypes.addressof(value)).ljust(40, b"\0")
            fcntl.ioctl(handle, _SIOCETHTOOL, request)


def forget_connections() -> None:
    """Empty the connection tracking table of the current network namespace (ctnetlink: IPCTNL_MSG_CT_DELETE without a tuple)."""
    netlink_netfilter, ctnetlink_delete, request_ack = 12, (1 << 8) | 2, 0x1 | 0x4
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, netlink_netfilter) as handle:
        handle.settimeout(2)
        handle.send(struct.pack("=IHHIIBBH", 20, ctnetlink_delete, request_ack, 1, 0, socket.AF_UNSPEC, 0, 0))
        answer = handle.recv(4096)
        (code,) = struct.unpack_from("=i", answer, 16)
        if code != 0:
            raise OSError(-code, f"conntrack: {os.strerror(-code)}")
