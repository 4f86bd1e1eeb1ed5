"""What several commands take as arguments, read: ports, places, networks, vantages. Each raises argparse's error with one sentence."""

from __future__ import annotations

import argparse
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from aetui import hostport


def port(text: str) -> int:
    """1 to 65535."""
    found = hostport.port(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is not a port (1 to 65535)")
    return found


def place(text: str) -> tuple[str, int | None]:
    """``HOST``, ``HOST:PORT``, ``[IPV6]:PORT`` or a bare IPv6 address."""
    host, named = hostport.parts(text)
    if not hostport.is_host(host):
        raise argparse.ArgumentTypeError(f"'{text[:60]}' is not an address or name, nor [ADDRESS]:PORT")
    return host, None if named is None else port(named)


def network(text: str) -> IPv4Network | IPv6Network:
    """An address or a network in CIDR form."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text[:60]}' is not an address or network (192.0.2.0/24)") from None


def literal(text: str) -> tuple[str, int | None]:
    """As ``place``, for what has to be an address: nobody is asked about names there."""
    host, named = place(text)
    try:
        ip_address(host)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text[:60]}' is not an IP address") from None
    return host, named


def vantage(text: str) -> str:
    """``local``, ``jump:NAME`` or ``ssh:NAME``, as it was typed. For this machine itself nothing is loaded."""
    if text == "local":
        return text
    from aetui.vantage.choose import BadVantage, parse

    try:
        parse(text)
    except BadVantage as bad:
        raise argparse.ArgumentTypeError(str(bad)) from None
    return text


def beside(text: str) -> str:
    """A second vantage: as ``vantage``, or ``outside`` of the embedded site."""
    return text if text == "outside" else vantage(text)
