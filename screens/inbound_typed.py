"""What a person types about ports and addresses, read: ports, port maps, allow-lists, minutes, places, codes. Pure.

Every reader raises ``Typo`` with one sentence from assets/console-inbound.toml; what was typed is shown through ``displayable``.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from re import fullmatch

from aetui import hostport
from aetui.display import displayable
from aetui.inbound.listener import LONGEST_MINUTES
from aetui.screens.inbound_words import say
from aetui.store.jumphosts import is_name
from aetui.wire.token import CODE_LENGTH, normalise

MOST_PORTS = 16
"""Ports that are listened on, or knocked at, at once."""


class Typo(ValueError):
    """What was typed cannot be read; the text says what is wanted."""


def _wrong(key: str, text: str, **more: object) -> Typo:
    if not text.strip():
        return Typo(say("typos", "empty"))
    return Typo(say("typos", key, text=displayable(text, 60), **more))


def _parts(text: str) -> list[str]:
    return text.replace(",", " ").split()


def port(text: str) -> int:
    """1 to 65535."""
    found = hostport.port(text)
    if found is None:
        raise _wrong("port", text)
    return found


def ports(text: str) -> tuple[int, ...]:
    """One port or several."""
    found = tuple(dict.fromkeys(port(part) for part in _parts(text)))
    if not 1 <= len(found) <= MOST_PORTS:
        raise _wrong("ports", text, most=MOST_PORTS)
    return found


def forwards(text: str) -> tuple[tuple[int, int], ...]:
    """``3389 53389:3389``: public ports with the inner ones; empty for none."""
    found: dict[int, int] = {}
    for part in _parts(text):
        outer, colon, inner = part.partition(":")
        found[port(outer)] = port(inner) if colon else port(outer)
    if len(found) > MOST_PORTS:
        raise _wrong("ports", text, most=MOST_PORTS)
    return tuple(found.items())


def minutes(text: str) -> float:
    """More than 0, at most a day."""
    found = float(text) if fullmatch(r"\d{1,5}(\.\d{1,3})?", text) else 0.0
    if not 0 < found <= LONGEST_MINUTES:
        raise _wrong("minutes", text, most=f"{LONGEST_MINUTES:g}")
    return found


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Addresses and networks; empty for none."""
    return tuple(dict.fromkeys(_network(part) for part in _parts(text)))


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise _wrong("network", text) from None


def address(text: str) -> str:
    """A literal address."""
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError:
        raise _wrong("address", text) from None


def host(text: str) -> str:
    """A literal address or a name."""
    plain = text.strip("[]")
    if not hostport.is_host(plain):
        raise _wrong("host", text)
    return plain


def place(text: str) -> tuple[str, int | None]:
    """``HOST``, ``HOST:PORT``, ``[IPV6]:PORT`` or a bare IPv6 address."""
    named, outer = hostport.parts(text)
    return host(named), None if outer is None else port(outer)


def jump_name(text: str) -> str:
    """A Host of the ssh configuration or ``user@host[:port]``, with ``jump:`` before it or not, or with ``ssh:`` for the system's own ssh."""
    name = text.removeprefix("jump:")
    if not is_name(name):
        raise _wrong("name", name)
    return name


def code(text: str) -> str | None:
    """The listener's code, however it was typed; None for none."""
    if not text:
        return None
    found = normalise(text)
    if found is None:
        raise _wrong("code", text, length=CODE_LENGTH)
    return found
