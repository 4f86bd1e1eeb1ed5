"""A request in a firewall's own words: ``Asked`` and a product's templates (assets/requests/*.toml) give what its owner can paste.
Pure.

Where a product takes host names it gets them; where it does not it gets addresses, and a comment says so. Every value that goes into a
line is an address or a name of strict form, or has been reduced to plain characters, so that nothing from outside can end a comment or
a quotation. Lines that still hold a placeholder (an address that only the site knows) are commented out: nothing is ever opened to
everybody.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from ipaddress import ip_network

from aetui.catalogue import Catalogue, is_address
from aetui.display import displayable
from aetui.entries import Kept
from aetui.report.asks import UNKNOWN_SOURCE, Ask, Asked, word
from aetui.strict import Table, parse_toml

PRODUCTS = ("generic", "csv", "nftables", "iptables", "cisco-asa", "fortigate", "palo-alto", "windows")

UNKNOWN_SUPPORT = "SUPPORT-ADDRESS"

PLACEHOLDERS = ("LOGGER-ADDRESS", UNKNOWN_SUPPORT, "PUBLIC-ADDRESS", "YOUR-PROFILE")
"""Words in a line that stand for what only the site knows."""

SHORT = 120
"""Characters of a description within a rule; ASA remarks, PAN-OS and FortiOS take at least as many."""

HEADER = ("number", "action", "direction", "protocol", "ports", "source", "host", "addresses", "why", "asked_by", "evidence")


@dataclass(frozen=True, slots=True)
class Site:
    """What only a user can say, for the lines about inbound ports."""

    equipment: str
    name: str
    source: str | None = None
    """Address or network of the equipment, in place of the network that the test was made from."""
    logger: str | None = None
    support: tuple[str, ...] = ()
    """Networks of the support team."""
    public: str | None = None
    """The site's address as seen from outside."""


@dataclass(frozen=True, slots=True)
class Product:
    """One product's templates, each a block of lines."""

    title: str
    names: bool
    """True where it takes host names."""
    comment: str
    quote: str
    """What stands around its texts: a quotation mark, or ``none``."""
    blocks: Mapping[str, tuple[str, ...]]


BLOCKS = (
    "head", "allow", "allow6", "dns_here", "exempt", "ftp", "forward", "define_name", "define_address", "define_network", "define_service",
)  # fmt: skip


@cache
def product(name: str) -> Product:
    """A product by its name. Raises DataError where its file is wrong."""
    file = f"requests/{name}.toml"
    table = parse_toml(files("aetui.assets").joinpath("requests", f"{name}.toml").read_bytes(), file)
    found = _product(table)
    table.done()
    return found


def _product(table: Table) -> Product:
    title, names, comment, quote = table.text("title"), table.flag("names"), table.text("comment"), table.text("quote")
    return Product(title, names, comment, quote, {key: table.lines(key) for key in BLOCKS})


def site_of(kept: Kept, catalogue: Catalogue, source: str | None = None, logger: str | None = None, support: tuple[str, ...] = ()) -> Site:
    """What is known of a kept session's site; a forward is of IPv4, and so are the addresses here."""
    titles = [catalogue.equipment[k].title for k in kept.state.equipment if k in catalogue.equipment]
    own = [r.target.address for done in kept.inbound for r in done.seen.inside if ":" not in r.target.address]
    outer = [r.target.address for done in kept.inbound for r in done.seen.outside if ":" not in r.target.address]
    equipment = ", ".join(titles) or word("equipment")
    return Site(
        equipment,
        displayable(kept.about.name) or word("unnamed"),
        source,
        logger or (own[-1] if own else None),
        support,
        outer[-1] if outer else None,
    )


def request(asked: Asked, site: Site, name: str) -> str:
    """The whole text for one of ``PRODUCTS``."""
    if name == "csv":
        return _csv(asked, site)
    return "\n".join(_Writing(asked, site, product(name), generic=name == "generic").lines()) + "\n"


def plain(text: str) -> str:
    """Text for a comment or between double quotation marks: printable ASCII without anything that a shell or a parser takes for more.
    Apostrophes stay.
    """
    flat = re.sub(r"[\"`\\$;{}<>|&\x00-\x1f\x7f]", " ", text.encode("ascii", "replace").decode("ascii"))
    return " ".join(flat.split())


class _Writing:
    """One text in the making."""

    def __init__(self, asked: Asked, site: Site, product: Product, generic: bool) -> None:
        self.asked = asked
        self.site = site
        self.product = product
        self.generic = generic
        self.defined: set[tuple[str, ...]] = set()

    def lines(self) -> Iterator[str]:
        """Head, then every line of the request, then what was left out."""
        if self.asked.asks:
            yield from self._block("head", self._site())
            yield self._comment(f"{self._source()}: {word(self._whence())}")
            for ask in self.asked.asks:
                yield from self._ask(ask)
        elif not self.asked.nameless:
            yield self._comment(word(self.asked.nothing))
        if self.asked.nameless:
            yield self._comment(word("nameless"))
        if self.asked.later:
            yield ""
            yield self._comment(word("later", count=self.asked.later))

    def _ask(self, ask: Ask) -> Iterator[str]:
        if not self.generic:
            yield ""
            yield self._comment(f"{ask.number}. {_action(ask)} {ask.direction} {ask.protocol} {ask.ports}, {ask.target}: {ask.why}")
            yield self._comment(f"   asked by {ask.asked}; seen: {ask.evidence}")
        if ":" in ask.target and not self.generic and (self.product.names or ask.kind == "dns-here"):
            yield self._comment(word("ipv6", target=ask.target))
        else:
            yield from _WRITERS[ask.kind](self, ask)

    def _allow(self, ask: Ask) -> Iterator[str]:
        if self.generic or self.product.names:
            yield from self._define(ask)
            yield from self._block("allow", self._values(ask, ask.target))
            return
        if ask.target not in ask.addresses:
            documented, seen = (", ".join(a) or word("none") for a in (ask.documented, ask.seen))
            yield self._comment(word("addresses", documented=documented, seen=seen, when=self.asked.when))
        if ask.floating:
            yield self._comment(word("floating", target=ask.target))
        if not ask.addresses:
            yield self._comment(word("no_address", target=ask.target))
        for address in ask.addresses:
            yield from self._block("allow6" if ":" in address else "allow", self._values(ask, address))

    def _ftp(self, ask: Ask) -> Iterator[str]:
        yield from self._block("ftp", self._values(ask, ask.target))
        yield from self._allow(ask)

    def _dns_here(self, ask: Ask) -> Iterator[str]:
        note = self._comment(word("dns_here"))
        yield from () if self.generic else (note,)
        yield from self._block("dns_here", self._values(ask, ask.target))
        yield from (f"   note:     {word('dns_here')}",) if self.generic else ()

    def _exempt(self, ask: Ask) -> Iterator[str]:
        if self.product.names and not self.generic:
            yield from self._define(ask)
        yield from self._block("exempt", self._values(ask, ask.target))

    def _forward(self, ask: Ask) -> Iterator[str]:
        for support in self._supports(ask.number):
            values = self._values(ask, ask.target) | support
            for port in dict.fromkeys((ask.ports, ask.own_port)):
                yield from self._once("define_service", ask.protocol, port, values=values | {"ports": port})
            yield from self._block("forward", values)

    def _supports(self, number: int) -> Iterator[dict[str, str]]:
        """The support team's networks, each with the name that its own rule has; for a reader all in one."""
        if self.generic:
            yield {"support": ", ".join(self.site.support) or UNKNOWN_SUPPORT}
            return
        for place, network in enumerate(self.site.support or ("",), 1):
            yield _support(network) | {"each": str(number) if place == 1 else f"{number}-{place}"}

    def _define(self, ask: Ask) -> Iterator[str]:
        kind = "define_network" if "/" in ask.target else "define_address" if is_address(ask.target) else "define_name"
        values = self._values(ask, ask.target)
        yield from self._once(kind, ask.target, values=values)
        if ask.kind != "exempt":
            yield from self._once("define_service", ask.protocol, ask.ports, values=values)

    def _once(self, block: str, *key: str, values: Mapping[str, str]) -> Iterator[str]:
        if (block, *key) not in self.defined:
            self.defined.add((block, *key))
            yield from self._block(block, values)

    def _block(self, key: str, values: Mapping[str, str]) -> Iterator[str]:
        lines = [line.format_map(values) for line in self.product.blocks[key]]
        idle = not self.generic and any(placeholder in line for line in lines for placeholder in PLACEHOLDERS)
        yield from (self._comment(line) if idle else line for line in lines)

    def _comment(self, text: str) -> str:
        indent = " " * (len(text) - len(text.lstrip(" ")))
        return self.product.comment.format(text=indent + plain_comment(text))

    def _text(self, text: str, longest: int = 400) -> str:
        """Words for this text: as they are for a reader, without anything that a parser takes for more in a rule."""
        if self.generic:
            return displayable(text, longest)
        return plain(text)[:longest].strip().replace("'", "''" if self.product.quote == "'" else "'")

    def _whence(self) -> str:
        """What the source is: a key of the ``[word]`` table."""
        if self._source() == UNKNOWN_SOURCE:
            return "unknown_source"
        if self.site.source:
            return "given_source"
        return "own_network" if self.asked.source_known else "own_address"

    def _source(self) -> str:
        return _source(self.asked, self.site)

    def _site(self) -> dict[str, str]:
        network = ip_network(self._source(), strict=False)
        return {
            "equipment": self._text(self.site.equipment), "site": self._text(self.site.name), "source": self._source(),
            "source_address": str(network.network_address), "source_mask": str(network.netmask), "title": self.product.title,
        }  # fmt: skip

    def _values(self, ask: Ask, address: str) -> dict[str, str]:
        low, _, high = ask.ports.partition("-")
        network = ip_network(address, strict=False) if "/" in address else None
        return self._site() | {
            "number": str(ask.number), "direction": ask.direction, "protocol": ask.protocol, "PROTOCOL": ask.protocol.upper(), "ports": ask.ports,
            "ports_colon": ask.ports.replace("-", ":"), "ports_asa": f"range {low} {high}" if high else f"eq {low}", "target": ask.target,
            "address": address, "addresses": ", ".join(ask.addresses) or word("none"), "slug": re.sub(r"[^A-Za-z0-9.-]", "-", ask.target)[:48],
            "network_address": str(network.network_address) if network else "", "network_mask": str(network.netmask) if network else "",
            "why": self._text(ask.why), "asked": self._text(ask.asked), "evidence": self._text(ask.evidence), "inside": ask.own_port,
            "short": self._text(f"{ask.target}: {ask.why}", SHORT), "logger": self.site.logger or "LOGGER-ADDRESS",
            "public": self.site.public or "PUBLIC-ADDRESS",
        }  # fmt: skip


_WRITERS: Mapping[str, Callable[[_Writing, Ask], Iterator[str]]] = {
    "allow": _Writing._allow, "ftp": _Writing._ftp, "dns-here": _Writing._dns_here, "exempt": _Writing._exempt, "forward": _Writing._forward,
}  # fmt: skip


def _source(asked: Asked, site: Site) -> str:
    """Where the equipment stands: as the user says, else the network that was tested from, else the equipment's own address."""
    return site.source or (asked.source if asked.source_known or site.logger is None else site.logger)


def plain_comment(text: str) -> str:
    """Text for the rest of a line; inside a comment quotation marks do no harm, line ends would."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _support(network: str) -> dict[str, str]:
    if network:
        parsed = ip_network(network, strict=False)
        return {"support": str(parsed), "support_address": str(parsed.network_address), "support_mask": str(parsed.netmask)}
    return dict.fromkeys(("support", "support_address", "support_mask"), UNKNOWN_SUPPORT)


def _action(ask: Ask) -> str:
    return {"exempt": "EXEMPT from TLS inspection", "forward": "FORWARD"}.get(ask.kind, "ALLOW")


def _host(ask: Ask, site: Site) -> str:
    if ask.kind == "forward":
        return f"{site.logger or word('the_equipment')} port {ask.own_port}"
    return "" if is_address(ask.target) or "/" in ask.target else ask.target


def _csv(asked: Asked, site: Site) -> str:
    from aetui.report.csv import cell

    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(HEADER)
    for ask in asked.asks:
        away = ", ".join(site.support) or "support team"
        row = (
            ask.number, _action(ask).lower(), ask.direction, ask.protocol, ask.ports, away if ask.kind == "forward" else _source(asked, site),
            _host(ask, site), " ".join(ask.addresses), ask.why, ask.asked, ask.evidence,
        )  # fmt: skip
        writer.writerow([cell(value) for value in row])
    return stream.getvalue()
