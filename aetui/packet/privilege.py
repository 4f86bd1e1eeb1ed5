"""Rights of a process on Linux: what it has, and giving them up for good. prctl(2), capabilities(7), credentials(7).

``drop`` leaves a process with no capability in effect and none that it could take up but those it is told to keep, none in its bounding
set, no way to gain one by executing a file, and the identity of the user who called sudo, or nobody's where root itself called. It raises
OSError where the kernel refuses any step, except changing to an identity that this user namespace does not have: there uid 0 is the
invoking user already.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ctypes

CAP_SETGID, CAP_SETUID, CAP_NET_BIND_SERVICE, CAP_NET_RAW = 6, 7, 10, 13
"""Bit numbers (linux/capability.h)."""
NOBODY = 65534
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_SET_DUMPABLE, _PR_CAP_AMBIENT = 1, 8, 24, 38, 4, 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAP = Path("/proc/sys/kernel/cap_last_cap")
_SYS_CAPSET = {"x86_64": 126, "aarch64": 91, "armv7l": 185, "armv6l": 185, "i686": 185, "riscv64": 91, "ppc64le": 184, "s390x": 185}


class Identity(NamedTuple):
    """Who a process is to be."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    """Further groups."""


def effective() -> int:
    """This process's effective capabilities, 0 where the system tells of none."""
    return _status("CapEff")


def may_send_raw() -> bool:
    """True where this process may open raw sockets."""
    return bool(effective() >> CAP_NET_RAW & 1)


def may_open_low() -> bool:
    """True where this process may listen on ports under 1024."""
    return bool(effective() >> CAP_NET_BIND_SERVICE & 1)


def invoker(environment: Mapping[str, str]) -> Identity | None:
    """Who called sudo, from the environment that sudo made; root's own id is nobody to go back to."""
    try:
        uid, gid = int(environment["SUDO_UID"]), int(environment["SUDO_GID"])
    except (KeyError, ValueError):
        return None
    return Identity(uid, gid) if 0 < uid < 2**32 - 1 and 0 <= gid < 2**32 - 1 else None


def die_with_parent(number: int, parent: int) -> None:
    """Have the kernel end this process when its parent ends. Raises OSError where the parent (its pid) has gone already."""
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        raise ProcessLookupError(errno.ESRCH, "the parent has gone")


def keep_only_identity_rights(*kept: int) -> None:
    """Everything goes but the right to change identity, which ``drop`` needs, and ``kept``; those are held in reserve, not in effect."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(_last_capability() + 1):
        with suppress(OSError):  # without CAP_SETPCAP the bounding set stays; with no_new_privs nothing can be drawn from it
            _prctl(_PR_CAPBSET_DROP, capability)
    _capset(0, _status("CapPrm") & _mask(CAP_SETUID, CAP_SETGID, *kept))


def drop(wanted: Identity | None, *kept: int) -> None:
    """The rest: identity, groups, and every capability but ``kept``, for good."""
    permitted = _status("CapPrm")
    if os.geteuid() == 0 and permitted >> CAP_SETUID & 1 and permitted >> CAP_SETGID & 1:
        _capset(permitted, permitted)
        _prctl(_PR_SET_KEEPCAPS, 1)  # or the change of identity takes them all
        _become(wanted or Identity(NOBODY, NOBODY))
        _prctl(_PR_SET_KEEPCAPS, 0)
    _capset(0, permitted & _mask(*kept))
    _prctl(_PR_SET_DUMPABLE, 0)


@contextmanager
def in_effect(capability: int) -> Iterator[None]:
    """Take up a capability that was kept, for the length of a ``with``; without it nothing changes."""
    held = _status("CapPrm")
    _capset(held & _mask(capability), held)
    try:
        yield
    finally:
        _capset(0, held)


def kept(capability: int) -> bool:
    """True where this process may take it up."""
    return bool(_status("CapPrm") >> capability & 1)


def give_up_root(environment: MutableMapping[str, str]) -> Identity | None:
    """Under sudo, once the helper's process is there: become the invoking user for good, with the user's groups and home folder, so that
    files are the user's own. A user who may not read this program's files cannot run it: root's identity without a single right stands in.
    None where there is nothing to give up.
    """
    wanted = invoker(environment)
    if wanted is None or os.geteuid() != 0:
        return None
    person, home = _at_home(wanted)
    readable = _may_read(person, _made_of())
    keep_only_identity_rights()
    if readable:
        drop(person)
        environment.update(home)
    else:
        _capset(0, 0)
    _prctl(_PR_SET_DUMPABLE, 1)  # nothing is left that would have to be kept from its user
    return wanted


def _made_of() -> tuple[Path, ...]:
    """What is still to be loaded lies in these: this program, Python's own library, the libraries beside; each a file and its folder."""
    import importlib.util

    here, own = Path(__file__), Path(os.__file__)
    found = importlib.util.find_spec("textual")
    beside = Path(found.origin) if found is not None and found.origin else here
    return (here, here.parents[2], own, own.parent, beside, beside.parents[1])


def _may_read(wanted: Identity, places: Iterable[Path]) -> bool:
    """Tried as that user, who this process is for a moment, in groups too: root's own would open what the user's do not."""
    ours = os.getgroups()
    try:
        _join(wanted.groups)
        os.setegid(wanted.gid)
        os.seteuid(wanted.uid)
        return all(os.access(place, os.R_OK, effective_ids=True) for place in places)
    except OSError:
        return False
    finally:
        os.seteuid(0)
        os.setegid(0)
        _join(ours)


def _join(groups: Sequence[int]) -> None:
    with suppress(PermissionError):  # a user namespace that denies setgroups has no groups to lose
        os.setgroups(groups)


def _at_home(wanted: Identity) -> tuple[Identity, dict[str, str]]:
    """With the groups that the system has on record, and what HOME, USER and LOGNAME are then. Without a record it stays as sudo said."""
    import pwd

    try:
        found = pwd.getpwuid(wanted.uid)
    except KeyError:
        return wanted, {}
    groups = tuple(os.getgrouplist(found.pw_name, wanted.gid))
    return Identity(wanted.uid, wanted.gid, groups), {"HOME": found.pw_dir, "USER": found.pw_name, "LOGNAME": found.pw_name}


def _mask(*capabilities: int) -> int:
    return sum(1 << one for one in set(capabilities))


def _become(wanted: Identity) -> None:
    try:
        _join(wanted.groups)
        os.setresgid(wanted.gid, wanted.gid, wanted.gid)
        os.setresuid(wanted.uid, wanted.uid, wanted.uid)
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: this user namespace has no such identity
            raise


def _status(field: str) -> int:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1], 16)
    return 0


def _last_capability() -> int:
    with suppress(OSError, ValueError):
        return int(_LAST_CAP.read_text(encoding="ascii"))
    return 63


@cache
def _libc() -> ctypes.CDLL:
    """Loaded by who gives something up: to look at what this process may do takes none of it."""
    import ctypes

    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, first: int) -> None:
    import ctypes

    zero = ctypes.c_ulong(0)
    if _libc().prctl(option, ctypes.c_ulong(first), zero, zero, zero) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _capset(effective_set: int, permitted: int) -> None:
    """Set the effective and permitted sets, and an empty inheritable one."""
    import ctypes

    libc, low, high = _libc(), 0xFFFFFFFF, 32
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0))
    first = struct.pack("=III", effective_set & low, permitted & low, 0)
    data = ctypes.create_string_buffer(first + struct.pack("=III", effective_set >> high, permitted >> high, 0))
    number = _SYS_CAPSET.get(os.uname().machine)
    done = libc.capset(header, data) if hasattr(libc, "capset") or number is None else libc.syscall(number, header, data)
    if done != 0:
        raise OSError(ctypes.get_errno(), "capset")
