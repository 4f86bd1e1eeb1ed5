"""Faults of the Domain Name System: the resolver silent, refusing, failing, lying, and what only looks like it."""

from __future__ import annotations

from contextlib import AbstractContextManager

from . import daemons, servers
from .breaking import (
    ANY_53,
    FROM_SITE,
    configured,
    dropped,
    filtered,
    nameservers,
    public_resolvers_say,
    redirected,
    rejected,
    resolver_says,
    scratch,
    sent_to_port,
    together,
)
from .fault import MAKI, NAMES_WORK, WWW, WWW_IS_THERE, Begin, Fault
from .network import Lab
from .topology import GATEWAY, HOSTS, SECOND_RESOLVER, SPARE

UPSTREAM = f"server={SECOND_RESOLVER}"
SILENT_OUTSIDE = "172.245.215.190"
"""A public address that answers nothing."""
BLOCK_PAGE = "146.112.61.106"
"""Where a filtering resolver sends people; the cloud answers there while such a fault lasts."""
MOVED = HOSTS["pubdisplay.alsoenergy.com"]
Q, QT, Q_MAKI, RANDOM = "dns www.alsoenergy.com", "dns-tcp www.alsoenergy.com", "dns maki.alsoenergy.com", "dns does-not-exist-9184.com"
SECOND_KNOWS = {f"{Q} {SECOND_RESOLVER}": f"NOERROR {WWW}"}
SECOND_KNOWS_MAKI = {f"{Q_MAKI} {SECOND_RESOLVER}": f"NOERROR {MAKI}"}
PAGE = servers.Page("403 Forbidden", "<title>This site is blocked.</title><p>{host} is blocked by Cisco Umbrella.", {"Server": "openresty"})


def _at_resolver(match: str, verdict: str) -> Begin:
    return lambda lab: filtered(lab, "router", f"{FROM_SITE} {match} {verdict}", hooks=("input",))


def _code(code: int) -> Begin:
    return lambda lab: redirected(lab, "router", f"ip daddr {GATEWAY} {ANY_53}", "dns", lambda port: servers.dns(port, code))


def _lies(*settings: str) -> Begin:
    return lambda lab: resolver_says(lab, UPSTREAM, *settings)


def _outside_resolver(lab: Lab, block: AbstractContextManager[None]) -> AbstractContextManager[object]:
    return together(nameservers(lab, SECOND_RESOLVER), block)


def _page_server(lab: Lab) -> AbstractContextManager[object]:
    """A filter's page at BLOCK_PAGE."""
    return together(
        configured(lab, "cloud", [f"addr add {BLOCK_PAGE}/32 dev lo"], [f"addr del {BLOCK_PAGE}/32 dev lo"]),
        redirected(lab, "cloud", f"ip daddr {BLOCK_PAGE} tcp dport 80", "page", lambda port: servers.web(port, PAGE)),
    )


def _block_page(lab: Lab) -> AbstractContextManager[object]:
    return together(_page_server(lab), resolver_says(lab, UPSTREAM, f"address=/maki.alsoenergy.com/{BLOCK_PAGE}"))


def _hijack(lab: Lab) -> AbstractContextManager[object]:
    return together(_page_server(lab), resolver_says(lab, f"address=/#/{BLOCK_PAGE}"))


def _hijack_everywhere(lab: Lab) -> AbstractContextManager[object]:
    return together(resolver_says(lab, f"address=/#/{GATEWAY}"), sent_to_port(lab, "router", f"{FROM_SITE} {ANY_53}", 53))


def _rewriting(lab: Lab) -> AbstractContextManager[object]:
    return together(_page_server(lab), resolver_says(lab, *daemons.zone(scratch(lab, "zone"), unknown=BLOCK_PAGE)))


def _changed(name: str, address: str | None) -> Begin:
    return lambda lab: public_resolvers_say(lab, *daemons.zone(scratch(lab, "zone"), changed={name: address}))


def _sinkhole(address: str) -> Fault:
    return Fault(
        f"dns-sinkhole-{address}",
        f"The resolver says {address} for one name.",
        _lies(f"address=/maki.alsoenergy.com/{address}"),
        {Q_MAKI: f"NOERROR {address}"},
        {**NAMES_WORK, **SECOND_KNOWS_MAKI},
    )


FAULTS: tuple[Fault, ...] = (
    Fault(
        "dns-silent",
        "The site's resolver says nothing.",
        _at_resolver(ANY_53, "drop"),
        {Q: "silent", QT: "silent"},
        {**SECOND_KNOWS, **WWW_IS_THERE},
    ),
    Fault(
        "dns-port-unreachable",
        "Nothing listens on the resolver's port 53, and it says so.",
        _at_resolver(ANY_53, "reject with icmp type port-unreachable"),
        {Q: f"icmp 3/3 from {GATEWAY}"},
        SECOND_KNOWS,
    ),
    Fault(
        "dns-absent",
        "The configured resolver is an address of the LAN that nobody has.",
        lambda lab: nameservers(lab, SPARE),
        {Q: "silent"},
        SECOND_KNOWS,
    ),
    Fault(
        "dns-elsewhere",
        "The configured resolver is outside, and silent.",
        lambda lab: nameservers(lab, SILENT_OUTSIDE),
        {Q: "silent"},
        SECOND_KNOWS,
    ),
    Fault("dns-none", "No resolver is configured.", nameservers, {}, {**SECOND_KNOWS, **WWW_IS_THERE}),
    Fault(
        "dns-first-of-two-silent",
        "The first of two resolvers is silent; the second answers.",
        lambda lab: nameservers(lab, SPARE, GATEWAY),
        {Q: "silent"},
        {f"{Q} {GATEWAY}": f"NOERROR {WWW}"},
    ),
    Fault(
        "dns-outside-dropped",
        "The resolver is an outside one, and the site's firewall drops port 53.",
        lambda lab: _outside_resolver(lab, dropped(lab, ANY_53)),
        {Q: "silent"},
        {f"{Q} {GATEWAY}": f"NOERROR {WWW}", **WWW_IS_THERE},
    ),
    Fault(
        "dns-outside-prohibited",
        "The resolver is an outside one, and the site's firewall prohibits port 53.",
        lambda lab: _outside_resolver(lab, rejected(lab, ANY_53, "admin-prohibited")),
        {Q: f"icmp 3/13 from {GATEWAY}"},
        WWW_IS_THERE,
    ),
    Fault("dns-refuses", "The resolver refuses every question.", _code(5), {Q: "REFUSED", QT: "REFUSED"}, SECOND_KNOWS),
    Fault("dns-fails", "The resolver fails at every question.", _code(2), {Q: "SERVFAIL", QT: "SERVFAIL"}, SECOND_KNOWS),
    Fault(
        "dns-upstream-silent",
        "The site's resolver is there, and hears nothing from its own.",
        lambda lab: resolver_says(lab, f"server={SILENT_OUTSIDE}"),
        {Q: "silent"},
        SECOND_KNOWS,
    ),
    Fault(
        "dns-knows-nothing",
        "No name exists at this resolver, real ones neither.",
        lambda lab: resolver_says(lab, "address=/#/"),
        {Q: "NXDOMAIN"},
        SECOND_KNOWS,
    ),
    Fault(
        "dns-name-filtered",
        "One name does not exist at this resolver.",
        _lies("address=/maki.alsoenergy.com/"),
        {Q_MAKI: "NXDOMAIN"},
        {**NAMES_WORK, **SECOND_KNOWS_MAKI},
    ),
    Fault(
        "dns-domain-filtered",
        "A whole domain does not exist at this resolver.",
        _lies("address=/alsoenergy.com/"),
        {Q: "NXDOMAIN", "dns makirt.alsoenergy.com": "NXDOMAIN"},
        {"dns code.jquery.com": f"NOERROR {HOSTS['code.jquery.com']}", **SECOND_KNOWS},
    ),
    Fault(
        "dns-name-missing",
        "One name exists nowhere.",
        _changed("maki.alsoenergy.com", None),
        {Q_MAKI: "NXDOMAIN", f"{Q_MAKI} {SECOND_RESOLVER}": "NXDOMAIN"},
        NAMES_WORK,
    ),
    Fault(
        "dns-changed",
        "One name has another public address, everywhere, and the server answers there.",
        _changed("streamer.alsoenergy.com", MOVED),
        {"dns streamer.alsoenergy.com": f"NOERROR {MOVED}", "https streamer.alsoenergy.com": "200 streamer.alsoenergy.com"},
        NAMES_WORK,
    ),
    *map(_sinkhole, ("0.0.0.0", "127.0.0.1", "192.168.50.1", "10.10.34.36")),
    Fault(
        "dns-block-page",
        "The resolver gives a filter's own address for one name; a page there says so.",
        _block_page,
        {Q_MAKI: f"NOERROR {BLOCK_PAGE}", "http maki.alsoenergy.com": "403 This site is blocked."},
        {**NAMES_WORK, **SECOND_KNOWS_MAKI},
    ),
    Fault(
        "dns-hijacked",
        "Every name leads to one place, those that cannot exist too.",
        _hijack,
        {Q: f"NOERROR {BLOCK_PAGE}", RANDOM: f"NOERROR {BLOCK_PAGE}"},
        SECOND_KNOWS,
    ),
    Fault(
        "dns-hijacked-everywhere",
        "The router answers in every resolver's name, and leads every name to itself.",
        _hijack_everywhere,
        {Q: f"NOERROR {GATEWAY}", f"{Q} {SECOND_RESOLVER}": f"NOERROR {GATEWAY}"},
        WWW_IS_THERE,
    ),
    Fault(
        "dns-rewrites-missing",
        "Names that do not exist lead to a page; real ones are right.",
        _rewriting,
        {RANDOM: f"NOERROR {BLOCK_PAGE}"},
        NAMES_WORK,
    ),
    Fault("dns-udp-only", "The resolver's TCP port is dropped.", _at_resolver("tcp dport 53", "drop"), {QT: "silent"}, NAMES_WORK),
    Fault(
        "dns-tcp-only", "The resolver's UDP port is dropped.", _at_resolver("udp dport 53", "drop"), {Q: "silent"}, {QT: f"NOERROR {WWW}"}
    ),
)
"""Single faults of names."""
