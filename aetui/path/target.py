"""``HOST[:PORT]`` as people type it, taken apart. Pure; names are not looked up here."""

from __future__ import annotations


def split(text: str) -> tuple[str, int | None] | None:
    """Host and port, the port None where none is named; None where the text is none. A bare IPv6 address is a host."""
    host, port = text, ""
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            return None
        port = rest[1:] if rest else ""
        if rest == ":":
            return None
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
        if not port:
            return None
    if not host or any(c.isspace() for c in host) or (port and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535)):
        return None
    return host, int(port) if port else None
