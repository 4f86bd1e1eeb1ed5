"""Reading an internet gateway device over a vantage: its outer address and the forwards that it lists.

Every request is a connection of its own, bounded in bytes and time; whatever is not answered stays unknown. Read-only.
Sources: UPnP Device Architecture 1.1 sections 2 and 3, WANIPConnection:1 (``wire.upnp``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from aetui.observations import Ended
from aetui.probes.common import within
from aetui.probes.hearing import ask
from aetui.reach import Forward, OuterSide
from aetui.vantage.base import Vantage
from aetui.wire import upnp
from aetui.wire.ssdp import Location

REQUEST_S = 3.0
"""Longest time of one request."""
MOST_FORWARDS = 64
"""Entries that are read; a home router keeps a handful."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """What it told."""

    outer: OuterSide
    forwards: tuple[Forward, ...] = field(default=())
    listed: bool = False
    """True where it answered the question for its forwards, of the ports in question at the least."""


async def read(vantage: Vantage, description: Location, deadline: float, ports: Sequence[int] | None = ()) -> Gateway | None:
    """Ask for everything, or for the outer address alone where ``ports`` is None; None where there is no WAN connection service."""
    document = await _http(vantage, description, upnp.request(description), deadline)
    services = upnp.parse_description(document, description) if document else ()
    for service in services:
        outer = await _outer(vantage, service, deadline)
        if outer is not None and ports is None:
            return Gateway(outer)
        if outer is not None and ports is not None:
            forwards = await _forwards(vantage, service, deadline, ports)
            return Gateway(outer, forwards or (), listed=forwards is not None)
    return None


async def _outer(vantage: Vantage, service: upnp.Service, deadline: float) -> OuterSide | None:
    reply = await _call(vantage, service, "GetExternalIPAddress", {}, deadline)
    if reply is None:
        return None
    if reply.error is not None:
        return OuterSide("upnp", None, f"error {reply.error}")
    return OuterSide("upnp", _address(reply.values.get("NewExternalIPAddress", "")), "success")


def _address(text: str) -> str | None:
    from ipaddress import ip_address

    try:
        address = ip_address(text)
    except ValueError:
        return None
    return None if address.is_unspecified else str(address)


async def _forwards(vantage: Vantage, service: upnp.Service, deadline: float, ports: Sequence[int]) -> tuple[Forward, ...] | None:
    """What it lists, of these ports at the least; None where it does not tell of them. A list that breaks off says nothing of what is not in it."""
    listed, whole = await _all(vantage, service, deadline)
    left = [port for port in ports if not any(one.outside_port == port and one.protocol == "tcp" for one in listed)]
    if whole or (listed and not left):
        return listed
    more = await _some(vantage, service, deadline, left)
    return (*listed, *more) if more is not None else None


async def _all(vantage: Vantage, service: upnp.Service, deadline: float) -> tuple[tuple[Forward, ...], bool]:
    """The list, and True where this is the whole of it."""
    found: list[Forward] = []
    for index in range(MOST_FORWARDS):
        reply = await _call(vantage, service, "GetGenericPortMappingEntry", {"NewPortMappingIndex": str(index)}, deadline)
        if reply is None or reply.error is not None:
            return tuple(found), reply is not None and reply.error in (upnp.PAST_THE_END, upnp.NO_SUCH_ENTRY)
        mapping = upnp.parse_mapping(reply.values)
        if mapping is not None:
            found.append(_forward(mapping))
    return tuple(found), False


async def _some(vantage: Vantage, service: upnp.Service, deadline: float, ports: Sequence[int]) -> tuple[Forward, ...] | None:
    """The entries for these ports; None where the gateway has no such question, or does not answer it for TCP of each."""
    found: list[Forward] = []
    answered: set[int] = set()
    for port, protocol in product(ports, ("TCP", "UDP")):
        asked = {"NewRemoteHost": "", "NewExternalPort": str(port), "NewProtocol": protocol}
        reply = await _call(vantage, service, "GetSpecificPortMappingEntry", asked, deadline)
        if protocol == "TCP" and reply is not None and reply.error in (None, upnp.NO_SUCH_ENTRY):
            answered.add(port)
        mapping = upnp.parse_mapping(reply.values, port, protocol) if reply is not None and reply.error is None else None
        if mapping is not None:
            found.append(_forward(mapping))
    return tuple(found) if answered.issuperset(ports) and ports else None


def _forward(mapping: upnp.PortMapping) -> Forward:
    return Forward(
        mapping.outside_port, mapping.inside_address, mapping.inside_port, mapping.protocol, mapping.enabled, mapping.source,
        mapping.description,
    )  # fmt: skip


async def _call(vantage: Vantage, service: upnp.Service, action: str, arguments: Mapping[str, str], deadline: float) -> upnp.Reply | None:
    body = upnp.call(service.type, action, arguments)
    document = await _http(vantage, service.control, upnp.request(service.control, action, body, service.type), deadline)
    return upnp.parse_reply(document) if document else None


async def _http(vantage: Vantage, location: Location, request: bytes, deadline: float) -> bytes | None:
    """The body of the answer; of a SOAP fault too, which comes with status 500."""
    limit = within(REQUEST_S, deadline)
    connection = await vantage.connect(location.host, location.port, limit)
    if connection.stream is None:
        return None
    try:
        heard = await ask(connection.stream, request, limit, upnp.http_whole, upnp.LONGEST)
    finally:
        connection.stream.close()
    answer = upnp.http_body(heard.data) if heard.ended in (Ended.DONE, Ended.CLOSED, Ended.LIMIT) else None
    return answer[1] if answer is not None and answer[0] in (200, 500) else None
