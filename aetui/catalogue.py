"""What each piece of equipment needs: assets/catalogue.toml, and a user's own file over it, as frozen records.

Loading is strict (``strict.DataError``: one line with file, key and fault). Nothing here is judged or planned; see ``plan``.
Every entry cites the section of the requirement document that it comes from.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path

from aetui.records import Requirement
from aetui.strict import DataError, Table, parse_toml, read_toml

LARGEST_RANGE = 64
"""Addresses that one ``[[range]]`` may hold: each is probed."""

SERVICES = ("tcp", "http", "https", "ftp", "ssh")
"""Keys of an endpoint that hold TCP ports, by what is spoken there."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """A piece of equipment that a site may have."""

    key: str
    title: str
    does: str
    section: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """One port of an endpoint and the protocol spoken there; ``ntp`` is UDP, every other TCP."""

    speaks: str
    port: int
    requirement: Requirement


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host, or a range's addresses, that equipment reaches out to."""

    host: str
    """A name, a literal address, or a network in CIDR form."""
    addresses: tuple[str, ...]
    """As documented; for a network, all its addresses."""
    equipment: tuple[str, ...]
    services: tuple[Service, ...]
    section: str
    why: str
    breaks: str
    group: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def literal(self) -> bool:
        """True where no name needs to be resolved."""
        return "/" in self.host or is_address(self.host)


@dataclass(frozen=True, slots=True)
class Inbound:
    """A port at which the equipment must be reachable from outside."""

    equipment: tuple[str, ...]
    service: str
    """``rdp`` or ``telnet``."""
    port: int
    section: str
    why: str
    breaks: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opinion:
    """A resolver outside the site that may be asked for a second opinion on names."""

    address: str
    name: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that the files say."""

    version: str
    document: str
    sha256: str
    equipment: dict[str, Equipment]
    endpoints: tuple[Endpoint, ...]
    inbound: tuple[Inbound, ...]
    opinions: tuple[Opinion, ...]
    changes: tuple[str, ...] = ()
    """What a user's own file changed, a sentence each; empty where there is none."""

    def endpoints_of(self, keys: Iterable[str]) -> tuple[Endpoint, ...]:
        """The endpoints that any of these needs, in the files' order."""
        wanted = set(keys)
        return tuple(e for e in self.endpoints if wanted & set(e.equipment))

    def inbound_of(self, keys: Iterable[str]) -> tuple[Inbound, ...]:
        """The inbound ports that any of these needs."""
        wanted = set(keys)
        return tuple(e for e in self.inbound if wanted & set(e.equipment))

    def nearest(self, key: str) -> str | None:
        """The known key that an unknown one most likely means."""
        found = difflib.get_close_matches(key.lower(), self.equipment, n=1, cutoff=0.4)
        return found[0] if found else None


def is_address(text: str) -> bool:
    """True for a literal IPv4 or IPv6 address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def load(own: Path | None = None) -> Catalogue:
    """The shipped catalogue, with a user's own file over it. Raises DataError."""
    data = files("aetui.assets").joinpath("catalogue.toml").read_bytes()
    shipped = parse(parse_toml(data, "catalogue.toml"), hashlib.sha256(data).hexdigest())
    return shipped if own is None else overlay(shipped, read_toml(own), own)


def parse(table: Table, digest: str) -> Catalogue:
    """A whole catalogue file. Raises DataError."""
    catalogue = Catalogue(
        version=table.text("version"),
        document=table.text("document"),
        sha256=digest,
        equipment={key: _equipment(key, entry) for key, entry in table.named("equipment")},
        endpoints=(*map(_endpoint, table.tables("endpoint")), *map(_range, table.tables("range"))),
        inbound=tuple(map(_inbound, table.tables("inbound"))),
        opinions=tuple(map(_opinion, table.tables("opinion"))),
    )
    table.done()
    _known_equipment(catalogue, table.file)
    return catalogue


def overlay(base: Catalogue, table: Table, own: Path) -> Catalogue:
    """A user's file over a catalogue: an entry for a host and an equipment takes the place of the one that is there, any other is added."""
    equipment = {key: _equipment(key, entry) for key, entry in table.named("equipment")}
    endpoints = (*map(_endpoint, table.tables("endpoint")), *map(_range, table.tables("range")))
    inbound = tuple(map(_inbound, table.tables("inbound")))
    opinions = tuple(map(_opinion, table.tables("opinion")))
    removed = tuple(map(_removal, table.tables("remove")))
    table.done()
    changes = [f"equipment {key} {'replaced' if key in base.equipment else 'added'}" for key in equipment]
    kept = base.endpoints
    for host, keys in removed:
        if not any(e.host == host for e in kept):
            raise DataError(table.file, "remove", f"{host!r} is not in the catalogue")
        kept = tuple(_without(kept, host, keys or tuple(base.equipment)))
        changes.append(f"{host} removed")
    for entry in endpoints:
        there = any(e.host == entry.host and set(e.equipment) & set(entry.equipment) for e in kept)
        kept = (*_without(kept, entry.host, entry.equipment), entry)
        changes.append(f"{entry.host} {'replaced' if there else 'added'} for {', '.join(entry.equipment)}")
    changes += [f"inbound port {i.port} added for {', '.join(i.equipment)}" for i in inbound]
    changes += [f"second-opinion resolver {o.address} added" for o in opinions]
    merged = replace(
        base,
        sha256=hashlib.sha256(base.sha256.encode() + own.read_bytes()).hexdigest(),
        equipment=base.equipment | equipment,
        endpoints=kept,
        inbound=base.inbound + inbound,
        opinions=opinions + base.opinions,
        changes=tuple(changes),
    )
    _known_equipment(merged, table.file)
    return merged


def _without(entries: Iterable[Endpoint], host: str, keys: tuple[str, ...]) -> Iterator[Endpoint]:
    for entry in entries:
        left = tuple(k for k in entry.equipment if entry.host != host or k not in keys)
        if left:
            yield replace(entry, equipment=left)


def _known_equipment(catalogue: Catalogue, file: str) -> None:
    for kind, entries in (("endpoint", catalogue.endpoints), ("inbound", catalogue.inbound)):
        for entry in entries:
            for key in entry.equipment:
                if key not in catalogue.equipment:
                    raise DataError(file, f"{kind}.equipment", f"{key!r} is no equipment of the catalogue")


def _equipment(key: str, table: Table) -> Equipment:
    entry = Equipment(key, table.text("title"), table.text("does"), table.text("section", "own file"), table.texts("notes", ()))
    table.done()
    return entry


def _services(table: Table) -> tuple[Service, ...]:
    requirement = table.choice("requirement", Requirement, Requirement.HARD)
    found = [Service(speaks, port, requirement) for speaks in SERVICES for port in table.ports(speaks)]
    if table.flag("ntp"):
        found.append(Service("ntp", 123, requirement))
    found += [Service("tcp", port, Requirement.STATED) for port in table.ports("stated")]
    if not found:
        table.fail("https", f"is missing: an endpoint needs at least one of {', '.join((*SERVICES, 'ntp', 'stated'))}")
    return tuple(found)


def _endpoint(table: Table) -> Endpoint:
    host = table.text("host")
    _host_name(table, host)
    return _entry(table, host, (host,) if is_address(host) else table.addresses("addresses"))


def _host_name(table: Table, host: str) -> None:
    labels = host.rstrip(".").split(".")
    fine = all(label and len(label) <= 63 and label.replace("-", "").replace("_", "").isalnum() and label.isascii() for label in labels)
    if not is_address(host) and (not fine or len(host) > 253):
        table.fail("host", f"{host!r} is neither a host name nor an IP address")


def _range(table: Table) -> Endpoint:
    network: IPv4Network | IPv6Network = table.network("network")
    if network.num_addresses > LARGEST_RANGE:
        table.fail("network", f"{network} holds more than {LARGEST_RANGE} addresses")
    return _entry(table, str(network), tuple(map(str, network)))


def _entry(table: Table, host: str, addresses: tuple[str, ...]) -> Endpoint:
    entry = Endpoint(
        host=host,
        addresses=addresses,
        equipment=table.texts("equipment"),
        services=_services(table),
        section=table.text("section", "own file"),
        why=table.text("why", "Named in the user's own file."),
        breaks=table.text("breaks", "Not said in the user's own file."),
        group=table.optional("group"),
        notes=table.texts("notes", ()),
    )
    if not entry.equipment:
        table.fail("equipment", "must name at least one piece of equipment")
    table.done()
    return entry


def _inbound(table: Table) -> Inbound:
    service = table.text("service")
    if service not in {"rdp", "telnet"}:
        table.fail("service", f"{service!r} is neither rdp nor telnet")
    entry = Inbound(
        table.texts("equipment"),
        service,
        table.integer("port", 1, 65535),
        table.text("section", "own file"),
        table.text("why", "Named in the user's own file."),
        table.text("breaks", "Not said in the user's own file."),
        table.texts("notes", ()),
    )
    table.done()
    return entry


def _removal(table: Table) -> tuple[str, tuple[str, ...]]:
    entry = table.text("host"), table.texts("equipment", ())
    table.done()
    return entry


def _opinion(table: Table) -> Opinion:
    address = table.text("address")
    if not is_address(address):
        table.fail("address", f"{address!r} is not an IP address")
    entry = Opinion(address, table.text("name", address))
    table.done()
    return entry
