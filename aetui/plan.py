"""From equipment to ordered checks: catalogue, options and what the vantage can do go in, ``Check`` records come out. Pure.

Check ids are promises: ``kind:host:port``; the same id always means the same measurement. Where several pieces of equipment need one thing it is
one check that names them all, under the strictest requirement. What the rules ask for later, in the light of what was seen, is in ``followup``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from aetui.catalogue import Catalogue, Endpoint, Service
from aetui.records import Check, Requirement, Transport, VantageInfo

SILENT_TRIES = 3
"""Attempts of one check where the answer is silence: the first alone, the others together, so that plain loss is not taken for a filter."""

NTP_TRIES = 2
"""A time server must not be asked often: NIST refuses a client that asks more than once in four seconds."""

CANARY_LABELS = {"com": "{nonce}-no-such-name.com", "own": "{nonce}.alsoenergy.com"}
"""Names that cannot exist, by the suffix of their check's id: one under a public suffix, one under the vendor's."""

BEYOND_TARGETS = 3
"""Documented addresses that are tried without any name, to tell a dead resolver from a dead line."""

_STRICTNESS = {Requirement.STATED: 0, Requirement.SOFT: 1, Requirement.HARD: 2}
_PORT_CHAINS: Mapping[str, tuple[str, ...]] = {"tcp": (), "http": ("http",), "https": ("tls", "http"), "ftp": ("ftp",), "ssh": ("ssh",)}


@dataclass(frozen=True, slots=True)
class Options:
    """What the user chose that changes the plan."""

    only: tuple[str, ...] = ()
    """Check ids, or prefixes of them up to a colon; empty for all."""
    stated: bool = False
    """Probe what the document states and a logger does not depend on, too."""
    nonce: str = "aetui"
    """Random label of this run, for names that cannot exist: letters and digits."""
    opinions: tuple[str, ...] = ()
    """Resolvers that the user names for a second opinion."""


@dataclass(frozen=True, slots=True)
class Need:
    """A service of an endpoint as the plan sees it."""

    endpoint: Endpoint
    service: Service
    equipment: tuple[str, ...] = field(default=())


def plan(catalogue: Catalogue, equipment: Collection[str], info: VantageInfo, options: Options | None = None) -> tuple[Check, ...]:
    """Every check that this equipment needs, prerequisites before dependants."""
    chosen = options or Options()
    found: dict[str, Check] = {}
    for check in _all(catalogue, tuple(equipment), info, chosen):
        there = found.get(check.id)
        found[check.id] = check if there is None else _merge(there, check)
    return tuple(_selected(found, chosen.only))


def _all(catalogue: Catalogue, equipment: tuple[str, ...], info: VantageInfo, options: Options) -> Iterator[Check]:
    yield Check("link", "link")
    if info.kind == "local" and info.address and info.interface and ":" not in info.address:
        yield Check(
            f"conflict:{info.address}", "arp", about={"address": info.address, "interface": info.interface}, source="RFC 5227 section 2.1.1"
        )
    yield from _canaries(info.resolvers, options.nonce)
    endpoints = catalogue.endpoints_of(equipment)
    opinions = tuple(dict.fromkeys((*options.opinions, *(o.address for o in catalogue.opinions))))
    targets = [a for e in endpoints if "/" not in e.host for a in e.addresses[:1] if any(s.speaks == "https" for s in e.services)]
    targets = list(dict.fromkeys(targets))[:BEYOND_TARGETS]
    if targets:
        yield Check("beyond", "series", about={"purpose": "beyond", "targets": ",".join(f"{a}:443" for a in targets)})
    for endpoint in endpoints:
        keys = tuple(k for k in equipment if k in endpoint.equipment)
        for service in endpoint.services:
            if service.requirement is not Requirement.STATED or options.stated:
                yield from _service(Need(endpoint, service, keys), info, opinions)


def _canaries(resolvers: Iterable[str], nonce: str) -> Iterator[Check]:
    for resolver in resolvers:
        for suffix, name in CANARY_LABELS.items():
            yield Check(
                f"canary:{resolver}:{suffix}",
                "dns",
                host=name.format(nonce=nonce),
                about={"resolver": resolver, "purpose": "canary", "type": "A"},
                source="RFC 1034 section 4.3.1",
            )


def _service(need: Need, info: VantageInfo, opinions: Iterable[str]) -> Iterator[Check]:
    endpoint, service = need.endpoint, need.service
    if endpoint.literal:
        for address in endpoint.addresses:
            yield from _port(need, address, None, {"address": address, "network": endpoint.host})
        return
    name = _check(
        need,
        f"dns:{endpoint.host}",
        "dns",
        endpoint.host,
        about={"documented": ",".join(endpoint.addresses), "opinions": ",".join(opinions)},
    )
    yield name
    yield from _port(need, endpoint.host, name.id, {})
    if info.ipv6 and service.speaks != "ntp":
        sixth = replace(service, requirement=min(service.requirement, Requirement.SOFT, key=_STRICTNESS.__getitem__))
        yield from _port(replace(need, service=sixth), endpoint.host, name.id, {"family": "ipv6"})


def _port(need: Need, host: str, parent: str | None, about: Mapping[str, str]) -> Iterator[Check]:
    service, suffix = need.service, ":ipv6" if about.get("family") == "ipv6" else ""
    if service.speaks == "ntp":
        yield _check(need, f"ntp:{host}:{service.port}", "ntp", host, parent, Transport.UDP, NTP_TRIES, about)
        return
    above = f"tcp:{host}:{service.port}{suffix}"
    yield _check(need, above, "tcp", host, parent, Transport.TCP, SILENT_TRIES, about)
    for kind in _PORT_CHAINS[service.speaks]:
        check = _check(need, f"{kind}:{host}:{service.port}{suffix}", kind, host, above, Transport.TCP, 1, about)
        yield check
        above = check.id


def _check(
    need: Need,
    identity: str,
    kind: str,
    host: str,
    parent: str | None = None,
    transport: Transport | None = None,
    tries: int = 1,
    about: Mapping[str, str] | None = None,
) -> Check:
    group = need.endpoint.group
    return Check(
        id=identity,
        kind=kind,
        host=host,
        port=need.service.port if transport else None,
        transport=transport,
        equipment=need.equipment,
        requirement=need.service.requirement,
        group=f"{group}:{need.service.port if transport else kind}" if group else None,
        needs=parent,
        tries=tries,
        source=need.endpoint.section,
        about=dict(about or {}),
    )


def _merge(one: Check, other: Check) -> Check:
    """The same measurement for more equipment; a group holds only while all who need it say so."""
    return replace(
        one,
        equipment=tuple(dict.fromkeys(one.equipment + other.equipment)),
        requirement=max(one.requirement, other.requirement, key=_STRICTNESS.__getitem__),
        group=one.group if one.group == other.group else None,
        source=one.source if other.source in one.source else f"{one.source}; {other.source}",
        about={**other.about, **one.about},
    )


def _selected(found: Mapping[str, Check], only: tuple[str, ...]) -> Iterator[Check]:
    if not only:
        yield from found.values()
        return
    wanted: set[str] = {"link"}
    for check in found.values():
        if any(check.id == one or check.id.startswith(f"{one.rstrip(':')}:") for one in only):
            wanted.update(_ancestry(found, check.id))
    yield from (check for check in found.values() if check.id in wanted or (not check.equipment and len(wanted) > 1))


def _ancestry(found: Mapping[str, Check], identity: str | None) -> Iterator[str]:
    while identity is not None:
        yield identity
        identity = found[identity].needs


def matches(checks: Iterable[Check], only: str) -> bool:
    """True where an ``--only`` value names at least one of these checks that equipment needs."""
    prefix = only.rstrip(":")
    return any(check.id == prefix or check.id.startswith(f"{prefix}:") for check in checks)
