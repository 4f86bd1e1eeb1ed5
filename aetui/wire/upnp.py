"""UPnP's read-only half: a gateway's description, the HTTP around it, and the three questions that change nothing.

``parse_description`` finds the control URLs of WAN connection services; ``call`` and ``parse_reply`` make and read SOAP. XML is read with
expat: a document type, an entity, more than ``MOST_ELEMENTS`` or ``DEEPEST`` are refused, and nothing is ever fetched. Nothing here
raises on what came.

Sources: UPnP Device Architecture 1.1 sections 2 and 3; WANIPConnection:1 sections 2.4.14 (GetGenericPortMappingEntry), 2.4.15
(GetSpecificPortMappingEntry) and 2.4.18 (GetExternalIPAddress). Not here: AddPortMapping and DeletePortMapping, on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin
from xml.parsers import expat
from xml.sax.saxutils import escape

from aetui.wire.ssdp import Location, parse_location

SERVICES = (
    "urn:schemas-upnp-org:service:WANIPConnection:2",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
)
"""In the order in which they are asked."""
LONGEST = 128 * 1024
"""Bytes of a description or an answer that are read."""
MOST_ELEMENTS = 4000
DEEPEST = 40
NO_SUCH_ENTRY = 714
"""Error of GetSpecificPortMappingEntry where there is none."""
PAST_THE_END = 713
"""Error of GetGenericPortMappingEntry behind the last one."""


class _RefusedError(Exception):
    """The document is not one that we read."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a gateway and where it is asked."""

    type: str
    control: Location


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: output arguments, or the error."""

    values: Mapping[str, str]
    error: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PortMapping:
    """One forward as the gateway lists it."""

    outside_port: int
    inside_address: str
    inside_port: int
    protocol: str
    """``tcp`` or ``udp``."""
    enabled: bool = True
    source: str = ""
    """The only address that it lets in; empty for any."""
    description: str = ""
    """Foreign text."""


def request(location: Location, action: str | None = None, body: bytes = b"", service: str = "") -> bytes:
    """The HTTP request: a GET, or the POST of a SOAP action."""
    host = f"[{location.host}]" if ":" in location.host else location.host
    head = [f"{'POST' if action else 'GET'} {location.path} HTTP/1.1", f"Host: {host}:{location.port}", "Connection: close"]
    if action:
        head += ['Content-Type: text/xml; charset="utf-8"', f'SOAPAction: "{service}#{action}"', f"Content-Length: {len(body)}"]
    return "\r\n".join(head).encode("ascii") + b"\r\n\r\n" + body


def call(service: str, action: str, arguments: Mapping[str, str] | None = None) -> bytes:
    """The SOAP envelope of one action."""
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in (arguments or {}).items())
    return (
        '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
        ' s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
        f'<u:{action} xmlns:u="{service}">{inner}</u:{action}></s:Body></s:Envelope>'
    ).encode()


def http_body(data: bytes) -> tuple[int, bytes] | None:
    """Status and body of a whole HTTP response, chunks joined; None where these bytes are none."""
    head, found, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = lines[0].split(None, 2)
    if not found or len(status) < 2 or not status[0].startswith("HTTP/") or not (status[1].isascii() and status[1].isdigit()):
        return None
    chunked = any(line.lower().replace(" ", "") == "transfer-encoding:chunked" for line in lines[1:])
    return int(status[1][:3]), _unchunk(body) if chunked else body


def http_whole(data: bytes) -> bool:
    """True where a response says its length and all of it is here; without a length its end is the close."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip() == b"content-length":
            return value.strip().isdigit() and len(body) >= int(value.strip()[:9])
        if name.strip() == b"transfer-encoding":
            return body.endswith(b"0\r\n\r\n")
    return False


def _unchunk(body: bytes) -> bytes:
    whole = bytearray()
    while body:
        size, _, body = body.partition(b"\r\n")
        try:
            length = int(size.split(b";")[0].strip() or b"0", 16)
        except ValueError:
            break
        if not 0 < length <= LONGEST:
            break
        whole += body[:length]
        body = body[length + 2 :]
    return bytes(whole)


def parse_description(document: bytes, fetched: Location) -> tuple[Service, ...]:
    """The WAN connection services, best first. Control URLs elsewhere than on the host that gave the description are left out."""
    leaves = _leaves(document)
    if leaves is None:
        return ()
    base = next((text for path, text in leaves if path[-1] == "URLBase" and text), fetched.url)
    found: list[Service] = []
    kind = ""
    for path, text in leaves:
        if path[-1] == "serviceType":
            kind = text
        elif path[-1] == "controlURL" and kind in SERVICES:
            control = _joined(base, text)
            if control is not None and control.host == fetched.host:
                found.append(Service(kind, control))
            kind = ""
    return tuple(sorted(found, key=lambda service: SERVICES.index(service.type)))


def _joined(base: str, url: str) -> Location | None:
    try:
        return parse_location(urljoin(base, url))
    except ValueError:
        return None


def parse_reply(document: bytes) -> Reply | None:
    """A SOAP answer or fault; None where the document is neither."""
    leaves = _leaves(document)
    if not leaves:
        return None
    values = {path[-1]: text for path, text in leaves}
    if "errorCode" in values:
        code = values["errorCode"]
        return Reply({}, int(code) if code.isascii() and code.isdigit() and len(code) < 6 else 0, values.get("errorDescription", ""))
    return Reply(values) if any("Body" in path for path, _ in leaves) else None


def parse_mapping(values: Mapping[str, str], outside_port: int | None = None, protocol: str | None = None) -> PortMapping | None:
    """The entry that GetGenericPortMappingEntry, or GetSpecificPortMappingEntry with what was asked, gave; None where it makes no sense."""
    port = outside_port if outside_port is not None else _port(values.get("NewExternalPort"))
    inside, address = _port(values.get("NewInternalPort")), values.get("NewInternalClient", "")
    spoken = (protocol or values.get("NewProtocol", "")).lower()
    if port is None or inside is None or not address or spoken not in ("tcp", "udp"):
        return None
    return PortMapping(
        port, address, inside, spoken, values.get("NewEnabled", "1").lower() not in ("0", "false", "no"),
        values.get("NewRemoteHost", ""), values.get("NewPortMappingDescription", ""),
    )  # fmt: skip


def _port(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 5 and 0 <= int(text) <= 65535 else None


class _Leaves:
    """Collects the text of elements that have no children, each with its path of local names."""

    def __init__(self) -> None:
        self.found: list[tuple[tuple[str, ...], str]] = []
        self._path: list[str] = []
        self._text = ""
        self._count = 0
        self._leaf = False

    def start(self, name: str, _attributes: object) -> None:
        self._count += 1
        self._path.append(name.rpartition(":")[2])
        if self._count > MOST_ELEMENTS or len(self._path) > DEEPEST:
            raise _RefusedError("too large")
        self._text, self._leaf = "", True

    def data(self, text: str) -> None:
        if len(self._text) < 2048:
            self._text += text

    def end(self, _name: str) -> None:
        if self._leaf:
            self.found.append((tuple(self._path), self._text.strip()))
        self._path.pop()
        self._leaf = False


def _refuse(*_: object) -> None:
    raise _RefusedError("a document type or an entity")


def _leaves(document: bytes) -> list[tuple[tuple[str, ...], str]] | None:
    parser, leaves = expat.ParserCreate(), _Leaves()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = leaves.start, leaves.end, leaves.data
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(document[:LONGEST].rstrip(b"\0 \r\n\t"), True)
    except (expat.ExpatError, _RefusedError, ValueError, LookupError):
        return None
    return leaves.found
