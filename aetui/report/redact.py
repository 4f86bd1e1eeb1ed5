"""Addresses and names of a site replaced by placeholders, the same thing always by the same one, in every form of a session's report.
Pure.

What stays is what says nothing about the site: the requirement document's hosts and addresses, the public resolvers of the catalogue,
loopback and the like, and codes, whatever anybody calls himself: a user 'rdp' or 'fail' takes no word of a schema away. What goes: every
other IP address (``lan-address-1``, ``carrier-address-1``, ``public-address-1``: which kind it is matters to a reader), MAC addresses,
host names, the site's and the vantage's names, names in certificates that no public root vouches for, and the note. Numbers are given in
the order in which a session's own record names things, so that page, ticket and table of one session agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from typing import Any, TypeVar

from aetui.catalogue import Catalogue
from aetui.diagnosis.inbound import NAMES
from aetui.display import displayable
from aetui.entries import Kept
from aetui.observations import Certificate, Outcome, RdpSeen, TlsSeen
from aetui.path.records import Proto, ReplyKind
from aetui.reach import PROTOCOLS, Standing, Token
from aetui.records import Confidence, Owner, Requirement, Severity, Status, Transport, VantageInfo, Verdict
from aetui.report.content import LONGEST_NOTE
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
        self._note = _words({kept.about.note, displayable(kept.about.note), displayable(kept.about.note, LONGEST_NOTE)} - {""})
        ordinary = self._names | {word.lower() for key, one in catalogue.equipment.items() for word in (key, one.title)} | _ORDINARY
        spoken = {name.strip() for name in _spoken(kept)}
        self._spoken = _words({name for name in spoken if len(name) >= SHORTEST_NAME and name.lower() not in ordinary}, stay=self._names)
        self._prime(kept)

    def text(self, text: str) -> str:
        """One text with everything replaced."""
        if text not in self._done:
            self._done[text] = self._fresh(text)
        return self._done[text]

    def _fresh(self, text: str) -> str:
        if self._note is not None:
            text = self._note.sub(NOTE, text)
        if self._spoken is not None:
            text = self._spoken.sub(self._called, text)
        return _PATTERN.sub(self._replaced, text)

    def _called(self, found: re.Match[str]) -> str:
        return found.group() if found["stays"] else self._placeholder("name", found.group().lower())

    def identity(self, text: str) -> str:
        """The id of a check or a target: its kind stays, and what it is about is replaced."""
        kind, colon, rest = text.partition(":")
        return f"{kind}{colon}{self.text(rest)}" if _CODE.fullmatch(kind) else self.text(text)

    def _bytes(self, text: str) -> str:
        """Bytes in hexadecimal digits: left out where they spell what is replaced."""
        if not _HEX.fullmatch(text):
            return self.text(text)
        heard = bytes.fromhex(text).decode("latin-1")
        return text if self.text(heard) == heard else ""

    def tree(self, value: T) -> T:
        """The same record, mapping or sequence with every text in it replaced; keys and enumerations stay."""
        walked: Any = self._walk(value)
        return walked  # type: ignore[no-any-return]

    def _walk(self, value: Any, turn: Callable[[str], str] | None = None) -> Any:
        """``turn`` is what becomes of a text."""
        if type(value) is str:
            return (turn or self.text)(value)
        if is_dataclass(value) and not isinstance(value, type):
            return type(value)(**{f.name: self._named(f.name, getattr(value, f.name)) for f in fields(value)})
        if isinstance(value, Mapping):
            return {key: self._named(key, item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return type(value)(self._walk(item, turn) for item in value)
        return value

    def _named(self, name: str, value: Any) -> Any:
        """The value of a field."""
        if name in _FIXED or (type(value) is str and value in _SAID.get(name, ())):
            return value
        return self._walk(value, self.identity if name in _IDENTITIES else self._bytes if name == "first_bytes" else None)

    def _prime(self, kept: Kept) -> None:
        """Number everything in the order of the session's own record."""
        self._walk(vantage_json(kept.state.vantage))
        for identity, result in kept.state.results.items():
            self._walk([self.identity(identity), result.address, plain(result.observation)])
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

_FIXED = frozenset(
    {
        "schema", "version", "started", "sha256", "session", "command", "equipment", "guide", "step", "signs", "purpose", "at", "when",
        "status", "kind", "key", "state", "code", "speaks", "outcome", "severity", "confidence", "owner", "transport", "event", "token", "proto",
        "protocol", "requirement", "standing", "not_run", "ended", "stage", "method", "mode", "type", "rcode", "expected", "refused", "result",
        "cause", "overall",
    }
)  # fmt: skip
"""Fields of a report whose values are codes and times."""

_SAID: Mapping[str, frozenset[str]] = {
    "verdict": frozenset(Verdict), "reply": frozenset(ReplyKind), "source": frozenset(PROTOCOLS),
}  # fmt: skip
"""Fields whose values are codes here and sentences there, and the codes."""

_IDENTITIES = frozenset({"id", "because", "needs", "group", "explains"})
"""Fields that name checks and targets."""

_CODE = re.compile(r"[a-z0-9-]+")
_HEX = re.compile(r"(?:[0-9a-f]{2})+")


def _words(found: Iterable[str], stay: Iterable[str] = ()) -> re.Pattern[str] | None:
    """Any of these where they stand as words of their own, the longest first; None of none. What is to ``stay`` is found as ``stays``. A
    word may follow an escape that stands for a character that cannot be shown.
    """
    listed = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
    kept = "|".join(map(re.escape, sorted(stay, key=len, reverse=True))) or "(?!)"
    return re.compile(rf"(?P<stays>(?<![\w.-])(?:{kept})(?![\w-]))|{_BEGIN}(?:{listed}){_END}", re.IGNORECASE) if listed else None


_BEGIN = r"(?:(?<![^\W_])|(?<=\\[nrt])|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4}))"
_END = r"(?![^\W_])"


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


_CODES = {
    str(code)
    for codes in (Status, Verdict, Severity, Confidence, Owner, Requirement, Transport, Outcome, Token, Standing, ReplyKind, Proto, NAMES)
    for code in codes
}
_ORDINARY = frozenset(
    {
        *_CODES,
        "local",
        "localhost",
        "this computer",
        "this machine",
        "support",
        "admin",
        "administrator",
        "test",
        "hello",
        "login",
        "password",
    }
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
