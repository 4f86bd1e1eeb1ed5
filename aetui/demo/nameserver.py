"""The DNS servers of the embedded site, over UDP and TCP (RFC 1035, RFC 7766): true to their zone, or as wrong as the scenario says.

Importing this module loads ``dns.message``.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping
from ipaddress import ip_address
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.rrset

from aetui.demo.scenario import Names
from aetui.demo.serving import Handler

TTL = 300
RCODES = frozenset({"NXDOMAIN", "SERVFAIL", "REFUSED"})

Zone = Mapping[str, tuple[str, ...]]
"""Addresses by host name, in lower case."""


class Resolver:
    """Answers questions from a zone, by the behaviour given."""

    def __init__(self, behaviour: Names, zone: Zone, reverse: Mapping[str, str]) -> None:
        self._behaviour = behaviour
        self._zone = zone
        self._reverse = {dns.reversename.from_address(address).to_text().lower(): name for address, name in reverse.items()}

    def answer(self, wire: bytes, over_udp: bool) -> bytes | None:
        """The reply to one query, or None where it was none."""
        try:
            query = dns.message.from_wire(wire)
        except (dns.exception.DNSException, ValueError):
            return None
        if len(query.question) != 1 or query.flags & dns.flags.QR:
            return None
        if self._behaviour.truncates and over_udp:
            return self._truncated(query)
        return self._reply(query)

    def _truncated(self, query: dns.message.Message) -> bytes:
        reply = dns.message.make_response(query, recursion_available=True)
        reply.flags |= dns.flags.TC
        return reply.to_wire()

    def _reply(self, query: dns.message.Message) -> bytes:
        question = query.question[0]
        name = question.name.to_text().rstrip(".").lower()
        said = self._behaviour.rcode or self._instead(name)
        if said == "POINTERS":
            return _pointers(query)
        reply = dns.message.make_response(query, recursion_available=True)
        if said in RCODES:
            reply.set_rcode(dns.rcode.from_text(said))
        elif said == "LOOP":
            _ring(reply, question.name)
        elif said != "EMPTY":
            self._fill(reply, question, name, (said,) if said else self._zone.get(name))
        return reply.to_wire()

    def _instead(self, name: str) -> str | None:
        instead = self._behaviour.instead
        parents = (f"*.{name.split('.', n)[n]}" for n in range(1, name.count(".") + 1))
        return next((instead[key] for key in (name, *parents) if key in instead), self._behaviour.everything)

    def _fill(self, reply: dns.message.Message, question: dns.rrset.RRset, name: str, addresses: tuple[str, ...] | None) -> None:
        if question.rdtype == dns.rdatatype.PTR:
            pointed = self._reverse.get(question.name.to_text().lower())
            found = [pointed + "."] if pointed else None
        elif addresses is None:
            found = None
        else:
            version = {dns.rdatatype.A: 4, dns.rdatatype.AAAA: 6}.get(question.rdtype)
            found = [address for address in addresses if ip_address(address).version == version]
        if found is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif found:
            reply.answer.append(dns.rrset.from_text_list(question.name, TTL, "IN", dns.rdatatype.to_text(question.rdtype), found))


def _ring(reply: dns.message.Message, name: dns.name.Name) -> None:
    """Two aliases, each of the other."""
    other = dns.name.from_text("ring.invalid.")
    reply.answer.append(dns.rrset.from_text(name, TTL, "IN", "CNAME", other.to_text()))
    reply.answer.append(dns.rrset.from_text(other, TTL, "IN", "CNAME", name.to_text()))


def _pointers(query: dns.message.Message) -> bytes:
    """An answer whose owner name is a compression pointer to itself (RFC 1035 section 4.1.4 forbids it)."""
    empty = dns.message.make_response(query, recursion_available=True).to_wire()
    here = len(empty)
    header = empty[:6] + struct.pack("!HHH", 1, 0, 0)
    return header + empty[12:] + struct.pack("!HHHIH4s", 0xC000 | here, 1, 1, TTL, 4, bytes(4))


class DatagramResolver(asyncio.DatagramProtocol):
    """A resolver over UDP."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own class does not inherit from it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer."""
        reply = self._resolver.answer(data, over_udp=True)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)


def stream_resolver(resolver: Resolver) -> Handler:
    """A resolver over TCP: each message after its length (RFC 7766 section 8)."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            reply = resolver.answer(await reader.readexactly(length), over_udp=False)
            if reply is None:
                return
            writer.write(struct.pack("!H", len(reply)) + reply)
            await writer.drain()

    return handle
