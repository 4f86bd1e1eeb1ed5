"""What a jump host's refusal to open a ``direct-tcpip`` channel means: code, text and time taken -> outcome. Pure.

The codes are RFC 4254 section 5.1. OpenSSH puts ``strerror`` of its own connect into the text (channels.c, channel_post_connecting), so
code 2 stands for refused, timed out and unreachable alike and only the text tells them apart; musl and the BSDs word some of it
differently. An unknown text stays FAILED with the text kept. A jump host sees errno alone, never the ICMP message: 'No route to host' can
be a router's prohibition too, and the weaker reading, unreachable, is given.
"""

from __future__ import annotations

from dataclasses import dataclass

from aetui.observations import Outcome, TcpSeen

PROHIBITED = 1
"""SSH_OPEN_ADMINISTRATIVELY_PROHIBITED."""
CONNECT_FAILED = 2
"""SSH_OPEN_CONNECT_FAILED."""
UNKNOWN_CHANNEL_TYPE = 3
"""SSH_OPEN_UNKNOWN_CHANNEL_TYPE."""
RESOURCE_SHORTAGE = 4
"""SSH_OPEN_RESOURCE_SHORTAGE."""

FORBIDDEN = "SSH_OPEN_ADMINISTRATIVELY_PROHIBITED"
"""``TcpSeen.errno`` where the jump host forbids forwarding, to this destination or at all: says nothing of the destination."""

AT_ONCE_MS = 30.0
"""Beyond one round trip to the jump host: an error sooner than this came from the jump host's own routing table, not from a router."""

TEXTS: tuple[tuple[str, Outcome, str], ...] = (
    ("refused", Outcome.REFUSED, "ECONNREFUSED"),
    ("timed out", Outcome.FILTERED, "ETIMEDOUT"),
    ("timeout", Outcome.FILTERED, "ETIMEDOUT"),
    ("no route to host", Outcome.UNREACHABLE, "EHOSTUNREACH"),
    ("host is unreachable", Outcome.UNREACHABLE, "EHOSTUNREACH"),
    ("host is down", Outcome.UNREACHABLE, "EHOSTDOWN"),
    ("network is unreachable", Outcome.UNREACHABLE, "ENETUNREACH"),
    ("network unreachable", Outcome.UNREACHABLE, "ENETUNREACH"),
    ("network is down", Outcome.NO_ROUTE, "ENETDOWN"),
    ("operation not permitted", Outcome.DENIED, "EPERM"),
    ("permission denied", Outcome.DENIED, "EACCES"),
    ("address family not supported", Outcome.NO_ROUTE, "EAFNOSUPPORT"),
    ("cannot assign requested address", Outcome.NO_ROUTE, "EADDRNOTAVAIL"),
    ("can't assign requested address", Outcome.NO_ROUTE, "EADDRNOTAVAIL"),
    ("name or service not known", Outcome.FAILED, "EAI_NONAME"),
    ("unknown host", Outcome.FAILED, "EAI_NONAME"),
    ("name does not resolve", Outcome.FAILED, "EAI_NONAME"),
    ("nodename nor servname", Outcome.FAILED, "EAI_NONAME"),
    ("no address associated", Outcome.FAILED, "EAI_NONAME"),
    ("temporary failure in name resolution", Outcome.FAILED, "EAI_AGAIN"),
    ("connection reset", Outcome.REFUSED, "ECONNRESET"),
)
"""Fragment of the text in lower case, outcome, errno. The first that occurs decides; ``ENETUNREACH`` is settled by the time taken."""

AT_ONCE = "open failed"
"""OpenSSH's text where its connect(2) failed at once, whatever the errno (no route, no such family, own firewall): nothing was sent."""

CODES = {
    PROHIBITED: (FORBIDDEN, "administratively prohibited"),
    UNKNOWN_CHANNEL_TYPE: ("SSH_OPEN_UNKNOWN_CHANNEL_TYPE", "unknown channel type"),
    RESOURCE_SHORTAGE: ("SSH_OPEN_RESOURCE_SHORTAGE", "resource shortage"),
}
"""Codes that speak of the jump host itself, whatever its text says: errno symbol, and the words that OpenSSH's client has for the code."""


@dataclass(frozen=True, slots=True)
class OpenRefused:
    """A channel that the far side did not open: RFC 4254's reason code and its own text."""

    code: int
    text: str

    @property
    def words(self) -> str | None:
        """The reason as OpenSSH's client prints it; None where the far side gave none."""
        if self.code in CODES:
            return f"{CODES[self.code][1]}: {self.text}" if self.text else CODES[self.code][1]
        return self.text or None


def outcome(refused: OpenRefused, elapsed_ms: float, round_trip_ms: float = 0.0) -> tuple[Outcome, str | None]:
    """Outcome and errno symbol of a refused open that took ``elapsed_ms``, over a link of ``round_trip_ms``."""
    if refused.code in CODES:
        return Outcome.FAILED, CODES[refused.code][0]
    said = refused.text.lower()
    if said == AT_ONCE:
        return Outcome.NO_ROUTE, None
    for fragment, meaning, errno in TEXTS:
        if fragment in said:
            if errno == "ENETUNREACH" and elapsed_ms - round_trip_ms <= AT_ONCE_MS:
                return Outcome.NO_ROUTE, errno
            return meaning, errno
    return Outcome.FAILED, None


def forbidden(seen: TcpSeen) -> bool:
    """True where the jump host forbade the forwarding: nothing was learned of the destination."""
    return seen.errno == FORBIDDEN
