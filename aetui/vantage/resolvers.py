"""The DNS servers that this machine is configured to ask, as addresses, in order.

POSIX: resolv.conf(5). Where it names systemd-resolved's own stub alone, the servers behind it are read, since those are what a logger on
this site would be given. Windows: the registry and the adapters, through dnspython. Addresses only; search domains and options are not
here.
"""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path

from aetui.vantage.routes import read

RESOLV_CONF = Path("/etc/resolv.conf")
BEHIND_THE_STUB = Path("/run/systemd/resolve/resolv.conf")
STUBS = frozenset({"127.0.0.53", "127.0.0.54"})
"""systemd-resolved's stub listeners."""


def parse(text: str) -> tuple[str, ...]:
    """The ``nameserver`` lines of a resolv.conf, each address once; lines that hold no address are passed over."""
    found: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver" and _is_address(words[1]):
            found.append(words[1])
    return tuple(dict.fromkeys(found))


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True


def configured(conf: Path = RESOLV_CONF, behind: Path = BEHIND_THE_STUB) -> tuple[str, ...]:
    """This machine's resolvers; () where it has none. Blocks for the time of reading a file."""
    if sys.platform == "win32":
        return _of_windows()
    named = parse(read(conf))
    return parse(read(behind)) or named if named and STUBS.issuperset(named) else named


def _of_windows() -> tuple[str, ...]:
    import dns.resolver

    try:
        return tuple(str(server) for server in dns.resolver.Resolver(configure=True).nameservers)
    except (dns.resolver.NoResolverConfiguration, OSError):
        return ()
