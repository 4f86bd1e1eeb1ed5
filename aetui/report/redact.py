"""Addresses and names of a site replaced by placeholders, the same thing always by the same one, in every form of a session's report.
Pure.

What stays is what says nothing about the site: the requirement document's hosts and addresses, the public resolvers of the catalogue,
loopback and the like. What goes: every other IP address (``lan-address-1``, ``carrier-address-1``, ``public-address-1``: which kind it
is matters to a reader), MAC addresses, host names, the site's and the vantage's names, names in certificates that no public root
vouches for, and the note. Numbers are given in the order in which a session's own record names things, so that page, ticket and table
of one session agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from typing import Any, TypeVar

from aetui.catalogue import Catalogue
from aetui.entries import Kept
from aetui.observations import Certificate, RdpSeen, TlsSeen
from aetui.records import VantageInfo
from aetui.report.json import plain, vantage_json

T = TypeVar("T")

NOTE = "(left out)"
"""In place of a note, which may say anything."""

SHORTEST_NAME = 3
"""Characters; a shorter name is found everywhere and tells nothing."""

_MAC = r"(?<![0-9A-Fa-f:-])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:-])"
_IPV4 = r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\d)"
_IPV6 = r"(?<![0-9A-Za-z:.])(?=[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{2,39}(?![0-9A-Za-z:])"
_NAME = r"(?<![\w.-])(?:[A-Za-z0-9_][A-Za-z0-9_-]{0,62}\.)+[A-Za-z][A-Za-z0-9-]{1,23}(?![\w-])"
_PATTERN = re.compile(f"(?P<mac>{_MAC})|(?P<four>{_IPV4})|(?P<six>{_IPV6})|(?P<name>{_NAME})")

_CARRIER = IPv4Network("100.64.0.0/10")
_DOCUMENTATION = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))


class Redactor:
    """The placeholders of one session."""

    def __init__(self, kept: Kept, catalogue: Catalogue) -> None:
        self._names = {host.lower() for host in _documented(catalogue)}
        self._kept = {address for e in catalogue.endpoints for address in e.addresses} | {o.address for o in catalogue.opinions}
        self._given: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._done: dict[str, str] = {}
        self._note = kept.about.note
        ordinary = self._names | {word.lower() for key, one in catalogue.equipment.items() for word in (key, one.title)} | _ORDINARY
        spoken = {name.strip() for name in _spoken(kept)}
        said = sorted({name for name in spoken if len(name) >= SHORTEST_NAME and name.lower() not in ordinary}, key=len, reverse=True)
        self._spoken = re.compile("|".join(map(re.escape, said)), re.IGNORECASE) if said else None
        self._prime(kept)

    def text(self, text: str) -> str:
        """One text with everything replaced."""
        if text not in self._done:
            self._done[text] = self._fresh(text)
        return self._done[text]

    def _fresh(self, text: str) -> str:
        if self._note and self._note in text:
            text = text.replace(self._note, NOTE)
        if self._spoken is not None:
            text = self._spoken.sub(lambda found: self._placeholder("name", found.group().lower()), text)
        return _PATTERN.sub(self._replaced, text)

    def tree(self, value: T) -> T:
        """The same record, mapping or sequence with every text in it replaced; keys and enumerations stay."""
        walked: Any = self._walk(value)
        return walked  # type: ignore[no-any-return]

    def _walk(self, value: Any) -> Any:
        if type(value) is str:
            return self.text(value)
        if is_dataclass(value) and not isinstance(value, type):
            return type(value)(**{f.name: self._walk(getattr(value, f.name)) for f in fields(value)})
        if isinstance(value, Mapping):
            return {key: item if key in _FIXED else self._walk(item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return type(value)(self._walk(item) for item in value)
        return value

    def _prime(self, kept: Kept) -> None:
        """Number everything in the order of the session's own record."""
        self._walk(vantage_json(kept.state.vantage))
        for identity, result in kept.state.results.items():
            self._walk([identity, result.address, plain(result.observation)])
        for found in (*kept.traces, *kept.knocks, *kept.inbound, *kept.walk):
            self._walk(plain(found))

    def _replaced(self, found: re.Match[str]) -> str:
        return _KINDS[found.lastgroup or "name"](self, found.group())

    def _mac(self, text: str) -> str:
        return self._placeholder("mac", text.lower().replace("-", ":"))

    def _address(self, text: str) -> str:
        try:
            address = ip_address(text)
        except ValueError:
            return text
        if str(address) in self._kept or address.is_loopback or address.is_unspecified or address.is_multicast or text == "255.255.255.255":
            return text
        return self._placeholder(_scope(address), str(address))

    def _name(self, text: str) -> str:
        return text if text.lower().rstrip(".") in self._names else self._placeholder("name", text.lower())

    def _placeholder(self, kind: str, thing: str) -> str:
        key = f"{kind} {thing}"
        if key not in self._given:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._given[key] = f"{kind}-{self._counts[kind]}"
        return self._given[key]


_KINDS: Mapping[str, Callable[[Redactor, str], str]] = {
    "mac": Redactor._mac, "four": Redactor._address, "six": Redactor._address, "name": Redactor._name,
}  # fmt: skip

_FIXED = frozenset({"schema", "version", "started", "cause", "sha256"})
"""Keys of a JSON report whose values are codes and times."""


def _scope(address: IPv4Address | IPv6Address) -> str:
    if address.is_link_local:
        return "link-address"
    if isinstance(address, IPv4Address) and address in _CARRIER:
        return "carrier-address"
    documentation = isinstance(address, IPv4Address) and any(address in network for network in _DOCUMENTATION)
    return "lan-address" if address.is_private and not documentation else "public-address"


def _documented(catalogue: Catalogue) -> Iterator[str]:
    for endpoint in catalogue.endpoints:
        yield endpoint.host


_ORDINARY = frozenset(
    {"local", "localhost", "this computer", "this machine", "support", "admin", "administrator", "test", "hello", "login", "password"}
)
"""What a machine or a person may be called and still tells nothing; as words of a report they must stay."""


def _spoken(kept: Kept) -> Iterator[str]:
    """Names that have not the form of a host name: the site's, those of vantages and of people, what machines call themselves, and those in
    certificates of this network's own.
    """
    yield kept.about.name
    for where in _vantages(kept):
        if where.kind != "demo":
            yield from (where.name, *where.name.split("@"))
    for done in kept.inbound:
        for reached in (*done.seen.outside, *done.seen.inside):
            yield reached.identity or ""
    for knock in (*(entry.knock for entry in kept.knocks), *(knock for done in kept.inbound for knock in done.seen.knocks)):
        yield knock.evidence.get("cookie", "").rpartition("=")[2]
    products = {value.lower() for finding in kept.state.diagnosis.findings for value in finding.facts.values()}
    for certificate in _own_certificates(kept):
        for part in f"{certificate.subject},{certificate.issuer}".split(","):
            value = part.partition("=")[2].strip()
            if value.lower() not in products:
                yield value


def _vantages(kept: Kept) -> Iterator[VantageInfo]:
    yield kept.state.vantage
    if kept.state.beside_vantage is not None:
        yield kept.state.beside_vantage
    for done in kept.inbound:
        yield from (reached.vantage for reached in (*done.seen.outside, *done.seen.inside))


def _own_certificates(kept: Kept) -> Iterator[Certificate]:
    for result in kept.state.results.values():
        match result.observation:
            case TlsSeen(chain=chain, logger=word) if word is None or not word.trusted:
                yield from chain
            case RdpSeen(certificate=certificate) if certificate is not None:
                yield certificate
            case _:
                pass
