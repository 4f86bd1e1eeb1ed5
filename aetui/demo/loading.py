"""Reads assets/scenarios/*.toml strictly into ``scenario`` records: ``_site.toml`` first, then the scenario's own file over it.

A scenario's ``[here]`` and ``[line]`` change single keys of the site's; its services, authorities, places and addresses come to the site's.
Errors: ``strict.DataError``, one line naming file, key and fault. Each file is read once a process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from ipaddress import ip_interface, ip_network

from aetui.demo import scenario as records
from aetui.demo.servicing import READERS
from aetui.records import Transport
from aetui.strict import Table, parse_toml

SITE = "_site"
"""The file that all scenarios stand on."""
FIRST = "healthy"
WORDS = frozenset({"internet", "lan", "here"})
MOST_HOPS = 30
PROHIBITED = {"net": 0, "host": 1, "protocol": 2, "port": 3, "net-prohibited": 9, "host-prohibited": 10, "prohibited": 13}
"""ICMP codes of type 3 by the words that a rule uses (RFC 792, RFC 1122, RFC 1812)."""


class Does(StrEnum):
    """What a rule may do."""

    DROP = "drop"
    REFUSE = "refuse"
    REJECT = "reject"
    DENY = "deny"
    SERVE = "serve"
    CENSOR = "censor"


@dataclass(frozen=True, slots=True)
class Ground:
    """What ``_site.toml`` gives to every scenario."""

    here: records.Here
    outside: records.Here
    line: records.Line
    hops: tuple[records.Hop, ...]
    places: tuple[records.Place, ...]
    addresses: Mapping[str, tuple[str, ...]]
    services: Mapping[str, records.Service]
    authorities: Mapping[str, records.Authority]


@cache
def every_name() -> tuple[str, ...]:
    """Names of the scenarios, ``healthy`` first."""
    found = (entry.name for entry in (files("aetui.assets") / "scenarios").iterdir())
    named = {name.removesuffix(".toml") for name in found if name.endswith(".toml") and not name.startswith("_")}
    return tuple(sorted(named, key=lambda name: (name != FIRST, name)))


@cache
def read(name: str) -> records.Scenario:
    """One scenario of the assets. The name must be one of ``every_name``."""
    return compose(name, parse_toml(_bytes(name), f"{name}.toml"), ground())


@cache
def ground() -> Ground:
    """The site's own data."""
    return site(parse_toml(_bytes(SITE), f"{SITE}.toml"))


def _bytes(name: str) -> bytes:
    return (files("aetui.assets") / "scenarios" / f"{name}.toml").read_bytes()


def site(table: Table) -> Ground:
    """The ground from its table."""
    nowhere = records.Here("", None, None, ())
    made = Ground(
        here=_here(table.table("here"), nowhere),
        outside=_here(table.table("outside"), nowhere),
        line=_line(table.table("line"), records.Line()),
        hops=tuple(_hop(item) for item in table.tables("hops")),
        places=tuple(_place(item) for item in table.tables("places")),
        addresses=_addresses(table.table("addresses")),
        services=_services(table.table("services")),
        authorities=_authorities(table.table("authorities")),
    )
    _known_services(table, made.places, made.services)
    table.done()
    if not made.here.interface or not made.outside.interface:
        table.fail("here", "the site and the outside need an interface each")
    return made


def compose(name: str, table: Table, base: Ground) -> records.Scenario:
    """A scenario from its own table, on the ground given."""
    services = {**base.services, **_services(table.table("services"))}
    places = base.places + tuple(_place(item) for item in table.tables("places"))
    causes = table.texts("causes", ())
    made = records.Scenario(
        name=name,
        title=table.text("title"),
        sentence=table.text("sentence"),
        causes=causes,
        causes_outside=table.texts("causes_outside", causes),
        judged=table.flag("judged", True),
        equipment=table.texts("equipment", ("pm2000",)),
        here=_here(table.table("here"), base.here),
        outside=base.outside,
        line=_line(table.table("line"), base.line),
        hops=tuple(_hop(item) for item in table.tables("hops")) or base.hops,
        places=places,
        addresses={**base.addresses, **_addresses(table.table("addresses"))},
        services=services,
        authorities={**base.authorities, **_authorities(table.table("authorities"))},
        rules=tuple(_rule(item, services) for item in table.tables("rules")),
        clock_ahead_s=table.number("clock_ahead_s", -1e9, 1e9, 0.0),
    )
    _known_services(table, places, services)
    _known_authorities(table, made)
    _hops_hold(table, made)
    _known_targets(table, made)
    table.done()
    return made


# -------------------------------------------------------------------------------------------------------------- single tables
def _here(table: Table, base: records.Here) -> records.Here:
    made = records.Here(
        interface=table.text("interface", base.interface),
        address=_interface(table, "address", base.address),
        gateway=_address(table, "gateway", base.gateway),
        resolvers=table.addresses("resolvers") if "resolvers" in table else base.resolvers,
        mac=table.text("mac", base.mac),
        gateway_mac=table.text("gateway_mac", base.gateway_mac),
        gateway_answers=table.flag("gateway_answers", base.gateway_answers),
        link=table.flag("link", base.link),
        dhcp=table.flag("dhcp", bool(base.dhcp)),
        proxies=tuple(table.table("proxies").strings().items()) if "proxies" in table else base.proxies,
        speed_mbps=table.integer("speed_mbps", 1, 400_000, base.speed_mbps),
    )
    table.done()
    return made


def _interface(table: Table, key: str, default: str | None) -> str | None:
    """``address/prefix``; an empty text says that there is none."""
    if key not in table:
        return default
    text = table.text(key, "")
    if not text:
        return None
    try:
        ip_interface(text)
    except ValueError:
        table.fail(key, f"{text!r} is not an address with its prefix length")
    return text if "/" in text else table.fail(key, f"{text!r} lacks its prefix length")


def _address(table: Table, key: str, default: str | None) -> str | None:
    if key not in table:
        return default
    text = table.text(key, "")
    try:
        return str(ip_interface(text).ip) if text else None
    except ValueError:
        table.fail(key, f"{text!r} is not an IP address")


def _line(table: Table, base: records.Line) -> records.Line:
    made = records.Line(
        out_ms=table.number("out_ms", 0, 60_000, base.out_ms),
        back_ms=table.number("back_ms", 0, 60_000, base.back_ms),
        loss=table.number("loss", 0, 1, base.loss),
        mtu=table.integer("mtu", 576, 9000, base.mtu),
    )
    table.done()
    return made


def _hop(table: Table) -> records.Hop:
    made = records.Hop(_required_address(table, "address"), table.text("name", ""), table.flag("silent"))
    table.done()
    return made


def _required_address(table: Table, key: str) -> str:
    found = _address(table, key, None)
    return found or table.fail(key, "is missing")


def _place(table: Table) -> records.Place:
    host, addresses = table.text("host"), table.addresses("addresses")
    if not addresses:
        table.fail("addresses", "is missing")
    ports: dict[int, str] = {}
    services = table.table("ports")
    for key, service in services.strings().items():
        if not key.isdigit() or not 1 <= int(key) <= 65535:
            services.fail(key, "is not a port (1 to 65535)")
        ports[int(key)] = service
    table.done()
    return records.Place(host, addresses, ports)


def _addresses(table: Table) -> dict[str, tuple[str, ...]]:
    return {host: table.addresses(host) for host in table.left()}


def _authorities(table: Table) -> dict[str, records.Authority]:
    made = {}
    for name, item in table.named():
        made[name] = records.Authority(
            item.text("root"), item.text("issuer"), item.text("organization"), item.flag("public"), item.flag("machine")
        )
        item.done()
    return made


def _services(table: Table) -> dict[str, records.Service]:
    made: dict[str, records.Service] = {}
    for name, item in table.named():
        kind = item.text("kind")
        if kind not in READERS:
            item.fail("kind", f"{kind!r} is none of {', '.join(READERS)}")
        made[name] = READERS[kind](item)
        item.done()
    return made


# ---------------------------------------------------------------------------------------------------------------------- rules
def _rule(table: Table, services: Mapping[str, records.Service]) -> records.Rule:
    does = table.choice("does", Does)
    made = records.Rule(
        to=_targets(table),
        action=ACTIONS[does](table),
        ports=_ports(table),
        transport=table.choice("transport", Transport) if "transport" in table else None,
        at=table.integer("at", 0, MOST_HOPS) if "at" in table else None,
        everywhere=table.flag("everywhere"),
    )
    if isinstance(made.action, records.Serve) and made.action.service not in services:
        table.fail("service", f"no service is called {made.action.service!r}")
    table.done()
    return made


def _targets(table: Table) -> tuple[str, ...]:
    targets = table.texts("to")
    if not targets:
        table.fail("to", "names nothing")
    for target in targets:
        if target[0].isdigit() and not _is_network(target):
            table.fail("to", f"{target!r} is neither a host, an address, a network nor one of {', '.join(sorted(WORDS))}")
    return targets


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _ports(table: Table) -> tuple[tuple[int, int], ...]:
    ranges = []
    for text in table.texts("ports", ("1-65535",)):
        first, dash, last = text.partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal()) or not 1 <= int(first) <= int(last) <= 65535:
            table.fail("ports", f"{text!r} is not a port, nor a range such as 1024-65535")
        ranges.append((int(first), int(last)))
    return tuple(ranges)


def _reject(table: Table) -> records.Reject:
    word = table.text("icmp", "prohibited")
    if word not in PROHIBITED:
        table.fail("icmp", f"{word!r} is none of {', '.join(PROHIBITED)}")
    return records.Reject(PROHIBITED[word], _address(table, "by", None))


ACTIONS: Mapping[Does, Callable[[Table], records.Action]] = {
    Does.DROP: lambda _: records.Drop(),
    Does.REFUSE: lambda _: records.Refuse(),
    Does.REJECT: _reject,
    Does.DENY: lambda _: records.Deny(),
    Does.SERVE: lambda table: records.Serve(table.text("service")),
    Does.CENSOR: lambda table: records.Censor(table.texts("names", ()), table.flag("resets")),
}


# ---------------------------------------------------------------------------------------------------- what must hold across tables
def _known_services(table: Table, places: tuple[records.Place, ...], services: Mapping[str, records.Service]) -> None:
    for place in places:
        for port, service in place.ports.items():
            if service not in services:
                table.fail(f"places.{place.host}.ports.{port}", f"no service is called {service!r}")


def _known_authorities(table: Table, made: records.Scenario) -> None:
    for name, service in made.services.items():
        leaf = service.leaf if isinstance(service, records.Web) else None
        if leaf and leaf.authority and leaf.authority not in made.authorities:
            table.fail(f"services.{name}.authority", f"no authority is called {leaf.authority!r}")


@cache
def _catalogued() -> frozenset[str]:
    from aetui import catalogue

    return frozenset(endpoint.host for endpoint in catalogue.load().endpoints)


def _known_targets(table: Table, made: records.Scenario) -> None:
    known = {*WORDS, *made.addresses, *(place.host for place in made.places), *_catalogued()}
    for number, rule in enumerate(made.rules, 1):
        for target in rule.to:
            if target not in known and not _is_network(target):
                table.fail(f"rules[{number}].to", f"no host is called {target!r}")


def _hops_hold(table: Table, made: records.Scenario) -> None:
    for number, rule in enumerate(made.rules, 1):
        if rule.at is not None and rule.at > len(made.hops) + 1:
            table.fail(f"rules[{number}].at", f"there are only {len(made.hops)} hops and the server behind them")
