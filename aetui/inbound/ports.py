"""Opening a port to listen on, and saying exactly why it could not be opened.

``open_port`` gives listening sockets (IPv4, and IPv6 of its own where the machine has it), or ``PortTaken``, ``RightMissing`` or
``Unusable``: data, never an exception. ``open_port_by`` has the packet helper open what this process may not. The holder of a taken port is
named by psutil where the system lets this user see it. Not here: what is done with connections.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aetui.packet.messages import BACKLOG, LAST_LOW_PORT, Refused

HIGHER = 10_000
"""Added to a port under 1024 for the high port that is offered in its place."""

_UNPRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
_WILDCARDS = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a port."""

    process: str | None
    """Its program's name; None where this user may not see it."""
    pid: int | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class PortTaken:
    """Another program listens there already."""

    port: int
    holder: Holder


@dataclass(frozen=True, slots=True)
class RightMissing:
    """Ports under ``first`` need a right that this user does not have."""

    port: int
    first: int
    remedy: tuple[str, ...]
    """Commands, each by itself enough."""
    instead: int
    """A port that needs no right, for a forward from the wanted one."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """The system refuses for another reason, or the listener was closed meanwhile."""

    port: int
    errno: str
    """By name; ``ECANCELED`` for the latter."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Sockets that listen, non-blocking."""

    port: int
    sockets: tuple[socket.socket, ...]
    addresses: tuple[str, ...]


Outcome = Opened | PortTaken | RightMissing | Unusable


def open_port(port: int, address: str | None = None) -> Outcome:
    """Listen on ``port`` (0 for one that the system picks) of every address, or of the one given."""
    opened: list[socket.socket] = []
    for family, host in _places(address):
        try:
            opened.append(_listening(family, host, opened[0].getsockname()[1] if opened and not port else port))
        except OSError as problem:
            if opened and problem.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                continue  # no IPv6 on this machine
            close(opened)
            return _why(port, problem)
    names = tuple(str(sock.getsockname()[0]) for sock in opened)
    return Opened(opened[0].getsockname()[1], tuple(opened), names)


def taken_by(port: int) -> Holder | None:
    """Who has a port, on any address; None where it is free. Nothing listens there for a moment either: nobody can get in."""
    for family, host in _places(None):
        try:
            _bound(family, host, port).close()
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                return holder(port)
    return None


class Opener(Protocol):
    """Who may open a port under 1024 for us (``packet.client.PacketHelper``)."""

    async def listen(self, address: str, port: int) -> socket.socket | Refused | object:
        """A listening socket, what the system said, or anything else for no answer."""


async def open_port_by(helper: Opener | None, port: int, address: str | None = None) -> Outcome:
    """As ``open_port``; where the right is missing here, through the helper, if there is one that has it."""
    outcome = open_port(port, address)
    if not isinstance(outcome, RightMissing) or helper is None or port > LAST_LOW_PORT:
        return outcome
    opened: list[socket.socket] = []
    try:
        for _, host in _places(address):
            got = await helper.listen(host, port)
            if isinstance(got, socket.socket):
                opened.append(got)
            elif not (opened and isinstance(got, Refused) and got.errno in {"EAFNOSUPPORT", "EADDRNOTAVAIL"}):
                close(opened)
                number = getattr(errno, got.errno or "", errno.EACCES) if isinstance(got, Refused) else errno.EACCES
                return _why(port, OSError(number, "refused"))
    except BaseException:  # cancelled while the next one was asked for
        close(opened)
        raise
    return Opened(port, tuple(opened), tuple(str(sock.getsockname()[0]) for sock in opened))


def close(sockets: Iterable[socket.socket]) -> None:
    """Close all of them."""
    for sock in sockets:
        sock.close()


def _places(address: str | None) -> list[tuple[socket.AddressFamily, str]]:
    if address is not None:
        return [(socket.AF_INET6 if ":" in address else socket.AF_INET, address)]
    return list(_WILDCARDS.items()) if socket.has_ipv6 else [(socket.AF_INET, _WILDCARDS[socket.AF_INET])]


def _listening(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    sock = _bound(family, host, port)
    try:
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def _why(port: int, problem: OSError) -> Outcome:
    if problem.errno == errno.EADDRINUSE:
        return PortTaken(port, holder(port))
    if problem.errno in (errno.EACCES, errno.EPERM):
        first = _first_free_port()
        return RightMissing(port, first, remedies(port), port + HIGHER if port + HIGHER < 65536 else 0)
    return Unusable(port, errno.errorcode.get(problem.errno or 0, "EIO"))


def _first_free_port() -> int:
    try:
        return int(_UNPRIVILEGED.read_text("utf-8"))
    except (OSError, ValueError):
        return 1024


def remedies(port: int) -> tuple[str, ...]:
    """The commands that grant the right, the narrowest first; on other systems than Linux only the last."""
    again = f"sudo {Path(sys.argv[0]).name or 'aetui'} listen {port}"
    if not sys.platform.startswith("linux"):
        return (again,)
    return (
        f"sudo sysctl net.ipv4.ip_unprivileged_port_start={port}",
        f"sudo setcap cap_net_bind_service=+ep {os.path.realpath(sys.executable)}",  # setcap takes no symbolic link
        again,
    )


def holder(port: int) -> Holder:
    """Who listens on a TCP port of this machine, as far as this user may see."""
    import psutil

    try:
        mine = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port]
        pid = next((c.pid for c in mine if c.pid is not None), None)
        if pid is None:
            return Holder(None)
        process = psutil.Process(pid)
        return Holder(process.name(), pid, process.username())
    except (psutil.Error, OSError):
        return Holder(None)
