"""``HOST[:PORT]`` as people type it, taken apart. Pure; names are not looked up here.

A host is an address or a name; an IPv6 address with a port stands in brackets (RFC 3986 section 3.2.2), a bare one is a host. Digits and
dots alone are an IPv4 address or nothing. Ports are 1 to 65535.
"""

from __future__ import annotations

from ipaddress import ip_address
from re import fullmatch

_NAME = r"(?=.{1,253}$)\w[\w-]{0,62}(\.[\w-]{1,63})*\.?"
_PLACE = r"\[([^\]]*)\](?::(.*))?|([^:]*):([^:]*)"


def parts(text: str) -> tuple[str, str | None]:
    """Host and port as they stand there, neither of them judged; the port None where no colon announces one."""
    found = fullmatch(_PLACE, text)
    if found is None:
        return text, None
    bracketed, after, host, port = found.groups()
    return (host, port) if bracketed is None else (bracketed, after)


def port(text: str) -> int | None:
    """A port, whatever zeros stand before it; None for anything else."""
    digits = text.lstrip("0") if text.isascii() and text.isdigit() else ""
    return int(digits) if digits and len(digits) <= 5 and int(digits) <= 65535 else None


def is_host(text: str) -> bool:
    """True for a literal address, and for what can be a name."""
    try:
        ip_address(text)
    except ValueError:
        return fullmatch(_NAME, text) is not None and fullmatch(r"[\d.]+", text) is None
    return True


def split(text: str) -> tuple[str, int | None] | None:
    """Host and port, the port None where none is named; None where the text is no such thing."""
    host, named = parts(text)
    if not is_host(host):
        return None
    if named is None:
        return host, None
    number = port(named)
    return None if number is None else (host, number)
