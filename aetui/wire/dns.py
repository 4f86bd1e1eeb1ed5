"""DNS questions and answers, over dnspython's ``dns.message`` (RFC 1035, RFC 3596, RFC 2181 section 5.2).

Builds a question for one name and type, tells whether a datagram answers it, and reads the answer: response code, CNAME chain, addresses.
``parse`` never raises on bytes; an answer that cannot be used says so in ``note``. dnspython is imported on first use. Not here: sending,
retries, which resolver to believe.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dns.message
    import dns.name
    import dns.rrset

MOST_ADDRESSES = 32
"""Addresses kept of one answer."""
MOST_ALIASES = 16
"""CNAMEs followed."""

_HEADER = struct.Struct(">HHHHHH")
_RESPONSE, _TRUNCATED, _AUTHORITATIVE, _CODE = 0x8000, 0x0200, 0x0400, 0x000F
_MAY_LEAVE_OUT_QUESTION = frozenset({1, 2, 4, 5})
"""FORMERR, SERVFAIL, NOTIMP and REFUSED may come without the question."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one answer says."""

    rcode: str
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """CNAME targets in order, without the final dot."""
    ttl: int | None = None
    """Seconds; the lowest of the chain."""
    authoritative: bool = False
    truncated: bool = False
    note: str | None = None
    """``loop``, ``malformed`` or ``limit`` where the answer is not one to use."""


def query(name: str, kind: str, ident: int) -> bytes:
    """A recursive question of class IN. Raises ValueError where ``name`` can stand in no question (empty, or over-long labels)."""
    import dns.exception
    import dns.message

    try:
        message = dns.message.make_query(name.rstrip(".") + ".", kind, id=ident)
        return message.to_wire()
    except (dns.exception.DNSException, UnicodeError) as problem:
        raise ValueError(f"not a name that can be asked for: {name[:80]!r}") from problem


def framed(message: bytes) -> bytes:
    """The message as TCP carries it: two octets of length before it (RFC 1035 section 4.2.2)."""
    return struct.pack(">H", len(message)) + message


def answers(data: bytes, asked: bytes) -> bool:
    """True where the datagram is a response to the query ``asked``: same id, same question (case aside)."""
    if len(data) < _HEADER.size:
        return False
    ident, flags, questions, *_ = _HEADER.unpack(data[: _HEADER.size])
    if ident != _HEADER.unpack(asked[: _HEADER.size])[0] or not flags & _RESPONSE:
        return False
    if not questions:
        return flags & _CODE in _MAY_LEAVE_OUT_QUESTION
    mine = asked[_HEADER.size :]
    theirs = data[_HEADER.size : _HEADER.size + len(mine)]
    return questions == 1 and theirs[:-4].lower() == mine[:-4].lower() and theirs[-4:] == mine[-4:]


def parse(data: bytes, asked: bytes) -> Parsed | None:
    """The answer to the query ``asked``; None where the bytes are no answer to it."""
    if not answers(data, asked):
        return None
    flags = _HEADER.unpack(data[: _HEADER.size])[1]
    truncated = bool(flags & _TRUNCATED)
    authoritative = bool(flags & _AUTHORITATIVE)
    message = _read(data)
    if message is None:
        note = None if truncated else "malformed"
        return Parsed(_code(flags & _CODE), authoritative=authoritative, truncated=truncated, note=note)
    return _chain(message, _question(asked), Parsed(_code(int(message.rcode())), authoritative=authoritative, truncated=truncated))


def _read(data: bytes) -> dns.message.Message | None:
    import dns.message

    try:
        return dns.message.from_wire(data, ignore_trailing=True, one_rr_per_rrset=False)
    except Exception:
        # dnspython promises DNSException; hostile octets also reach int(), struct and codecs inside it.
        return None


def _code(number: int) -> str:
    import dns.rcode

    return dns.rcode.to_text(dns.rcode.Rcode.make(number))


def _question(asked: bytes) -> dns.rrset.RRset:
    import dns.message

    return dns.message.from_wire(asked).question[0]


def _chain(message: dns.message.Message, question: dns.rrset.RRset, base: Parsed) -> Parsed:
    """Follow the aliases from the question's name to its addresses."""
    import dns.rdatatype

    aliases = _by_owner(message, dns.rdatatype.CNAME)
    found = _by_owner(message, question.rdtype)
    name, seen, path, ttls, note = question.name, {question.name}, list[str](), list[int](), None
    while name not in found and name in aliases:
        step = aliases[name]
        name = step[0].target
        ttls.append(step.ttl)
        path.append(name.to_text(omit_final_dot=True))
        if name in seen or len(path) >= MOST_ALIASES:
            note = "loop" if name in seen else "limit"
            break
        seen.add(name)
    records = found.get(name) if note is None else None
    addresses = _addresses(records) if records else []
    if records:
        ttls.append(records.ttl)
    return Parsed(
        base.rcode,
        tuple(addresses[:MOST_ADDRESSES]),
        tuple(path),
        min(ttls, default=None),
        base.authoritative,
        base.truncated,
        note or ("limit" if len(addresses) > MOST_ADDRESSES else None),
    )


def _by_owner(message: dns.message.Message, kind: int) -> Mapping[dns.name.Name, dns.rrset.RRset]:
    import dns.rdataclass

    wanted = (rrset for rrset in message.answer if rrset.rdtype == kind and rrset.rdclass == dns.rdataclass.IN and len(rrset))
    return {rrset.name: rrset for rrset in wanted}


def _addresses(records: dns.rrset.RRset) -> list[str]:
    return [ipaddress.ip_address(record.address).compressed for record in records]
