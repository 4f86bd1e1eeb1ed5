"""SSDP: the search for an internet gateway, and what answers it.

Takes and gives datagrams (UDP 1900, multicast 239.255.255.250 or straight to the gateway); never raises on what came. A LOCATION is given
only where it is plain ``http`` with a literal IPv4 or IPv6 address; the caller fetches it only from the host that answered, so that a
datagram from a stranger cannot make us knock somewhere else. Source: UPnP Device Architecture 1.1, sections 1.3.2 and 1.3.3. Not here:
notifications.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

PORT = 1900
GROUP = "239.255.255.250"
GATEWAYS = ("urn:schemas-upnp-org:device:InternetGatewayDevice:1", "urn:schemas-upnp-org:device:InternetGatewayDevice:2")
LONGEST = 4096
"""Bytes of an answer that are read."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a device description is to be had."""

    host: str
    """Literal address."""
    port: int
    path: str

    @property
    def url(self) -> str:
        """As the answer had it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{self.path}"


@dataclass(frozen=True, slots=True)
class Found:
    """One answer to a search."""

    location: Location
    target: str
    """What kind of device or service answered (ST)."""
    server: str = ""
    """Its own description; foreign text."""


def search(target: str, host: str = GROUP, wait_s: int = 1) -> bytes:
    """The M-SEARCH datagram. ``wait_s`` (MX, 1-5) spreads multicast answers and is left out where one host is asked."""
    lines = ["M-SEARCH * HTTP/1.1", f"HOST: {host}:{PORT}", 'MAN: "ssdp:discover"', f"ST: {target}"]
    if host == GROUP:
        lines.insert(3, f"MX: {wait_s}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def parse(data: bytes) -> Found | None:
    """An answer that names a device with a usable location, or None."""
    lines = data[:LONGEST].decode("latin-1").split("\r\n")
    status = lines[0].split(None, 2)
    if len(status) < 2 or not status[0].startswith("HTTP/1.") or status[1] != "200":
        return None
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:64])}
    location = parse_location(headers.get("location", ""))
    return Found(location, headers.get("st", ""), headers.get("server", "")) if location else None


def parse_location(url: str) -> Location | None:
    """An ``http`` URL with a literal address, or None."""
    try:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.username is not None:
            return None
        host, port = str(ip_address(parts.hostname)), parts.port or 80
    except ValueError:
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Location(host, port, path) if _plain(path) else None


def _plain(path: str) -> bool:
    """No character that could end a request line."""
    return path.startswith("/") and len(path) <= 1024 and all("!" <= c <= "~" for c in path)
