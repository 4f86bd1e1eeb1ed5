"""What aetui must make of every fault: its causes in order, and exactly the rows that each explains.

Rows are named by patterns of check ids, joined by spaces: ``tcp:*:443`` those rows, with ``>`` behind it also every row that needs them, with ``-``
before it not those. ``*`` is every row of the equipment, an empty text none. A warning's rows are not failed; everything that no pattern names must pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch

from .diagnosing import Told


@dataclass(frozen=True)
class Expected:
    """One finding that must come out."""

    cause: str
    rows: str
    severity: str = "fail"


STREAMER = "tcp:streamer.alsoenergy.com:*>"
MAKI = "dns:maki.alsoenergy.com>"
SHARED_ADDRESS = "tcp:dataobvius.alsoenergy.com:*> tcp:maki.alsoenergy.com:*> tcp:moxa.alsoenergy.com:*> tcp:servlet.alsoenergy.com:*>"
TALKS = "http:streamer.alsoenergy.com:* tls:streamer.alsoenergy.com:443"
ALSOENERGY = "dns:*.alsoenergy.com>"
BEYOND_NAMES = "* -dns:*"
INTERCEPTED = (Expected("tls-intercepted", "tls:* http:*:443"),)
FTP_DATA = (Expected("ftp-data-blocked", "ftp:*"),)
REJECTED, UNREACHABLE, DROPPED = (Expected("rejected", STREAMER),), (Expected("unreachable", STREAMER),), (Expected("filtered", STREAMER),)
NO_DNS = (Expected("dns-unreachable", "*"),)
HIDDEN = (Expected("dns-filtered", MAKI),)
HARMLESS: tuple[Expected, ...] = ()

EXPECTED: Mapping[str, tuple[Expected, ...]] = {
    # this machine
    "link-down": (Expected("no-link", "*"),),
    "cable-out": (Expected("no-link", "*"),),
    "no-address": (Expected("no-address", "*"),),
    "link-local-only": (Expected("no-address", "*"),),
    "no-gateway": (Expected("no-gateway", BEYOND_NAMES),),
    "gateway-silent": (Expected("gateway-unreachable", "*"),),
    "gateway-absent": (Expected("gateway-unreachable", BEYOND_NAMES),),
    "gateway-wrong": (Expected("no-internet", BEYOND_NAMES),),
    "address-conflict": (Expected("address-conflict", "", "warn"),),
    "own-firewall-drop": (Expected("local-firewall", "*"),),
    "own-firewall-reject": (Expected("local-firewall", "tcp:*>"),),
    "own-firewall-prohibits": (Expected("local-firewall", "tcp:*:443>"),),
    "own-firewall-udp": (Expected("local-firewall", "ntp:*"),),
    "clock-slow-1h": (Expected("clock-wrong", "", "warn"),),
    "clock-slow-1h-fresh-certificates": (Expected("clock-wrong", "tls:*"),),
    "clock-fast-1h": (Expected("clock-wrong", "", "warn"),),
    "clock-fast-years": (Expected("clock-wrong", "", "warn"),),
    # names
    "dns-silent": NO_DNS,
    "dns-port-unreachable": NO_DNS,
    "dns-absent": NO_DNS,
    "dns-elsewhere": NO_DNS,
    "dns-none": NO_DNS,
    "dns-outside-dropped": NO_DNS,
    "dns-outside-prohibited": NO_DNS,
    "dns-upstream-silent": NO_DNS,
    "dns-first-of-two-silent": (Expected("dns-unreachable", "", "warn"),),
    "dns-refuses": (Expected("dns-failing", "*"),),
    "dns-fails": (Expected("dns-failing", "*"),),
    "dns-knows-nothing": (Expected("dns-filtered", "*"),),
    "dns-name-filtered": HIDDEN,
    "dns-domain-filtered": (Expected("dns-filtered", ALSOENERGY),),
    "dns-name-missing": (Expected("dns-name-missing", MAKI),),
    "dns-changed": HARMLESS,
    "dns-sinkhole-0.0.0.0": HIDDEN,
    "dns-sinkhole-127.0.0.1": HIDDEN,
    "dns-sinkhole-192.168.50.1": HIDDEN,
    "dns-sinkhole-10.10.34.36": HIDDEN,
    "dns-block-page": HIDDEN,
    "dns-hijacked": (Expected("dns-hijacked", "*"),),
    "dns-hijacked-everywhere": (Expected("dns-hijacked", "*"),),
    "dns-rewrites-missing": (Expected("dns-hijacked", "", "warn"),),
    "dns-udp-only": HARMLESS,
    "dns-tcp-only": (Expected("filtered", "dns:*"),),
    # transport
    "drop-everything": (Expected("no-internet", BEYOND_NAMES),),
    "drop-443": (Expected("filtered", "tcp:*:443>"),),
    "drop-80": (Expected("filtered", "tcp:*:80>"),),
    "drop-21": (Expected("filtered", "tcp:*:21>"),),
    "drop-2022": (Expected("filtered", "tcp:*:2022>", "warn"),),
    "drop-2022-at-isp1": (Expected("filtered", "tcp:*:2022>", "warn"),),
    "drop-2022-at-isp2": (Expected("filtered", "tcp:*:2022>", "warn"),),
    "drop-address": (Expected("filtered", SHARED_ADDRESS),),
    "drop-one-port-of-one-server": (Expected("filtered", "tcp:streamer.alsoenergy.com:443>"),),
    "drop-answers": DROPPED,
    "drop-all-but-web": (Expected("filtered", "tcp:*:21>"), Expected("ntp-no-reply", "ntp:*"), Expected("filtered", "tcp:*:2022>", "warn")),
    "drop-kiosk-range": HARMLESS,
    "reject-net-unreachable-at-router": UNREACHABLE,
    "reject-host-unreachable-at-router": UNREACHABLE,
    "reject-prot-unreachable-at-router": REJECTED,
    "reject-port-unreachable-at-router": REJECTED,
    "reject-net-prohibited-at-router": REJECTED,
    "reject-host-prohibited-at-router": REJECTED,
    "reject-admin-prohibited-at-router": REJECTED,
    "reject-admin-prohibited-at-isp1": REJECTED,
    "reject-net-unreachable-at-isp1": UNREACHABLE,
    "reject-host-unreachable-at-isp1": UNREACHABLE,
    "reject-port-unreachable-at-isp1": REJECTED,
    "reject-admin-prohibited-at-isp2": REJECTED,
    "reject-everything": (Expected("rejected", BEYOND_NAMES),),
    "reject-443": (Expected("rejected", "tcp:*:443>"),),
    "route-unreachable": UNREACHABLE,
    "route-prohibited": REJECTED,
    "route-blackhole": DROPPED,
    "route-loop": UNREACHABLE,
    "reset-by-server": (Expected("refused", "tcp:streamer.alsoenergy.com:443>"),),
    "reset-by-router": REJECTED,
    "reset-by-isp": (Expected("refused", "tcp:*:2022>", "warn"),),
    "server-silent": DROPPED,
    "server-mute": (Expected("filtered", TALKS),),
    "server-hangs-up": (Expected("wrong-service", TALKS),),
    "cloud-down": (Expected("filtered", "tcp:*>"),),
    "isp-silent": (Expected("no-internet", "*"),),
    "isp-no-route": (Expected("no-internet", "*"),),
    "isp-unreachable": (Expected("no-internet", "*"),),
    "mtu-1400": (Expected("mtu-blackhole", "tls:* http:*:443"),),
    "mtu-1480": (Expected("mtu-blackhole", "tls:* http:*:443"),),
    "delay-800": (Expected("slow", "tcp:*", "warn"),),
    # content
    "tls-intercepted-fortinet": INTERCEPTED,
    "tls-intercepted-zscaler": INTERCEPTED,
    "tls-intercepted-umbrella": INTERCEPTED,
    "tls-intercepted-sophos": INTERCEPTED,
    "tls-intercepted-customer": INTERCEPTED,
    "tls-intercepted-trusted-customer": INTERCEPTED,
    "tls-intercepted-trusted-zscaler": INTERCEPTED,
    "tls-intercepted-one-server": (Expected("tls-untrusted", "tls:streamer.alsoenergy.com:443"),),
    "tls-expired": (Expected("tls-expired", "tls:streamer.alsoenergy.com:443"),),
    "tls-not-yet-valid": (Expected("tls-expired", "tls:streamer.alsoenergy.com:443"),),
    "tls-wrong-name": (Expected("tls-name-mismatch", "tls:streamer.alsoenergy.com:443"),),
    "tls-self-signed": (Expected("tls-untrusted", "tls:streamer.alsoenergy.com:443"),),
    "tls-private-issuer": (Expected("tls-untrusted", "tls:streamer.alsoenergy.com:443"),),
    "tls-reset-after-hello": (Expected("tls-blocked", "tls:*>"),),
    "tls-drop-after-hello": (Expected("tls-blocked", "tls:*>"),),
    "tls-reset-one-name": (Expected("tls-blocked", TALKS.replace("streamer", "moxa")),),
    "tls-drop-one-name": (Expected("tls-blocked", TALKS),),
    "tls-is-not-spoken": (Expected("wrong-service", "tls:streamer.alsoenergy.com:443>"),),
    "block-page-http": (Expected("http-blocked", "http:streamer.alsoenergy.com:80"),),
    "block-page-https": (Expected("http-blocked", TALKS),),
    "proxy-required": (Expected("proxy-required", BEYOND_NAMES),),
    "proxy-wants-login": (Expected("proxy-required", BEYOND_NAMES),),
    "proxy-407": (Expected("proxy-required", "http:*:80"),),
    "proxy-transparent": HARMLESS,
    "http-503": (Expected("http-error", "http:streamer.alsoenergy.com:*"),),
    "wrong-service-2022": (Expected("wrong-service", "ssh:*", "warn"),),
    "wrong-service-21": (Expected("wrong-service", "ftp:*"),),
    "wrong-service-80": (Expected("wrong-service", "http:streamer.alsoenergy.com:80"),),
    "ntp-dropped": (Expected("ntp-no-reply", "ntp:*"),),
    "ntp-dropped-at-isp": (Expected("ntp-no-reply", "ntp:*"),),
    "ntp-prohibited": (Expected("rejected", "ntp:*"),),
    "ntp-nobody-there": (Expected("refused", "ntp:*"),),
    "ntp-kiss-rate": (Expected("ntp-bad-answer", "ntp:*"),),
    "ntp-kiss-deny": (Expected("ntp-bad-answer", "ntp:*"),),
    "ntp-unsynchronised": (Expected("ntp-bad-answer", "ntp:*"),),
    "ntp-leap-alarm": (Expected("ntp-bad-answer", "ntp:*"),),
    "ntp-not-our-question": (Expected("ntp-bad-answer", "ntp:*"),),
    "ntp-one-lies": (Expected("ntp-bad-answer", "ntp:time.nist.gov:123"),),
    "ntp-one-silent": (Expected("ntp-no-reply", "ntp:time.nist.gov:123"),),
    "ftp-data-dropped": FTP_DATA,
    "ftp-data-rejected": FTP_DATA,
    "ftp-227-private": (Expected("ftp-data-blocked", "ftp:*", "warn"),),
    "ftp-epsv-refused": HARMLESS,
    "ftp-no-passive": FTP_DATA,
    "ftp-login-refused": HARMLESS,
    "ftp-silent": (Expected("filtered", "ftp:*"),),
    # two at once
    "ntp-dropped+dns-name-missing": (Expected("dns-name-missing", MAKI), Expected("ntp-no-reply", "ntp:*")),
    "ntp-dropped+drop-2022": (Expected("ntp-no-reply", "ntp:*"), Expected("filtered", "tcp:*:2022>", "warn")),
    "ftp-data-dropped+drop-2022-at-isp1": (Expected("ftp-data-blocked", "ftp:*"), Expected("filtered", "tcp:*:2022>", "warn")),
    "dns-sinkhole-0.0.0.0+reset-by-server": (Expected("dns-filtered", MAKI), Expected("refused", "tcp:streamer.alsoenergy.com:443>")),
    "tls-expired+ntp-kiss-deny": (Expected("tls-expired", "tls:streamer.alsoenergy.com:443"), Expected("ntp-bad-answer", "ntp:*")),
    "reject-admin-prohibited-at-router+dns-name-filtered": (Expected("dns-filtered", MAKI), Expected("rejected", STREAMER)),
    "block-page-http+ntp-prohibited": (Expected("rejected", "ntp:*"), Expected("http-blocked", "http:streamer.alsoenergy.com:80")),
    "tls-intercepted-customer+ntp-dropped": (*INTERCEPTED, Expected("ntp-no-reply", "ntp:*")),
}

PORTALS: Mapping[str, str] = {
    "portal-redirects-tls-drop": "http:*:80 tcp:*:443> ntp:*",
    "portal-redirects-tls-reset": "http:*:80 tcp:*:443> ntp:*",
    "portal-redirects-tls-certificate": "http:*:80",
    "portal-answers-200-tls-drop": "http:*:80",
    "portal-answers-200-tls-certificate": "http:*:80",
    "portal-answers-511-tls-drop": "http:*:80",
    "portal-by-names": "http:*:80",
}
"""Portals: these rows at the least; one portal may hold back whatever else it likes."""

SLOWEST = "delay-1600"
"""A line on which an FTP session, of many round trips, cannot be finished within the run's time: those rows stay untold."""

LOSS = ("loss-30", "loss-30-random", "loss-30-outward")
"""Lines that lose packets: what chance spares differs from run to run, and nothing may be called anything but lost."""


def ids(pattern: str, told: Told) -> set[str]:
    """The rows that a pattern names."""
    found: set[str] = set()
    for word in pattern.split():
        bare = word.strip("->")
        named = {i for i in told.statuses if fnmatch(i, bare)}
        if word.startswith("-"):
            found -= named
            continue
        found |= below(named, told) if word.endswith(">") else named
    return found


def below(named: set[str], told: Told) -> set[str]:
    """These rows and every one that needs them."""
    found = set(named)
    while more := {i for i, above in told.above.items() if above in found} - found:
        found |= more
    return found
