"""What a probe saw: one frozen record a protocol, raw facts only. Meaning is given by ``diagnosis``, never here.

Text that came from the network stands here as it came (decoded with replacement); ``display.displayable`` is applied wherever it is shown.
Addresses are text in canonical form. A field that is None was not observed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """How an attempt to reach a port ended, by errno first and by the error queue where the system has one."""

    OPEN = "open"
    REFUSED = "refused"
    """A reset, or ECONNREFUSED with no ICMP behind it."""
    REJECTED = "rejected"
    """ICMP says prohibited (3/9, 3/10, 3/13) or port or protocol unreachable (3/2, 3/3)."""
    UNREACHABLE = "unreachable"
    """ICMP says no way (3/0, 3/1, 3/5-3/8, 3/11, 3/12), or time exceeded (11/0)."""
    FILTERED = "filtered"
    """Silence until the deadline."""
    NO_ROUTE = "no-route"
    """This machine has no way there: ENETUNREACH at once, nothing sent."""
    NO_NEIGHBOUR = "no-neighbour"
    """The next hop, on this link, answers no ARP: EHOSTUNREACH reported by this machine itself."""
    DENIED = "denied"
    """This machine refused to send (EPERM, EACCES)."""
    FAILED = "failed"
    """Anything else; the errno says what."""


class Ended(StrEnum):
    """How a conversation on an open stream stopped."""

    DONE = "done"
    """It went as the protocol has it."""
    CLOSED = "closed"
    """The peer closed it early."""
    RESET = "reset"
    SILENT = "silent"
    """Nothing came until the deadline."""
    GARBLED = "garbled"
    """Something came that this protocol does not have."""
    LIMIT = "limit"
    """The peer sent more than we are willing to read."""
    DECLINED = "declined"
    """The peer understood, and said no in the protocol's own words."""


@dataclass(frozen=True, slots=True)
class Icmp:
    """An ICMP or ICMPv6 error about one of our packets (RFC 792, RFC 4443)."""

    type: int
    code: int
    sender: str
    mtu: int | None = None
    """Next-hop MTU of a 3/4 (RFC 1191)."""


@dataclass(frozen=True, slots=True)
class TcpSeen:
    """One connect to one address."""

    address: str
    port: int
    outcome: Outcome
    errno: str | None = None
    """Symbol (``ECONNREFUSED``), independent of the system's wording."""
    icmp: Icmp | None = None
    local: str | None = None
    """Own address used."""
    rtt_ms: float | None = None
    """The kernel's first estimate (TCP_INFO), where it gives one."""
    resent: int | None = None
    """SYNs sent again before the answer (TCP_INFO), a sign of loss."""
    reason: str | None = None
    """The far side's own words, where the vantage is a jump host (OpenSSH's text)."""
    ttl: int | None = None
    """TTL that we sent with, where the check set one."""
    mss: int | None = None
    """Segment size that we announced, where the check set one."""


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """One resolver's answer to one question."""

    resolver: str
    type: str
    """A or AAAA."""
    transport: str
    """udp or tcp: the one that answered, or the last tried."""
    outcome: Outcome
    """OPEN where a well-formed answer came; otherwise how the asking failed."""
    rcode: str | None = None
    """NOERROR, NXDOMAIN, SERVFAIL, REFUSED …; None without an answer."""
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """CNAME targets in order."""
    ttl: int | None = None
    authoritative: bool = False
    truncated: bool = False
    """The UDP answer was cut short, and TCP was asked."""
    icmp: Icmp | None = None
    elapsed_ms: float = 0.0
    note: str | None = None
    """``loop``, ``malformed`` or ``limit`` where the answer is not one to use; ``bad-name`` where the name cannot be asked for."""
    asked: int = 1
    """Questions sent in all, over UDP and TCP, until this answer or the end of patience."""


@dataclass(frozen=True, slots=True)
class DnsSeen:
    """Every configured resolver's answer for one name, and what this machine's own lookup said."""

    name: str
    answers: tuple[DnsAnswer, ...]
    system: tuple[str, ...] | None = None
    """getaddrinfo's addresses (hosts file, split DNS); None where not asked."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses a logger would get: those of the first resolver that gives any, IPv4 first."""
        for resolver in dict.fromkeys(a.resolver for a in self.answers):
            mine = [a for a in self.answers if a.resolver == resolver]
            found = [x for kind in ("A", "AAAA") for a in mine if a.type == kind for x in a.addresses]
            if found:
                return tuple(dict.fromkeys(found))
        return ()


@dataclass(frozen=True, slots=True)
class Verification:
    """One store's word on a chain."""

    trusted: bool
    code: int = 0
    """OpenSSL's X509_V_ERR number, 0 for none."""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The fields of one certificate that a reading needs (RFC 5280)."""

    subject: str
    issuer: str
    """RFC 4514 text."""
    not_before: datetime
    not_after: datetime
    names: tuple[str, ...]
    """dNSName and iPAddress entries, at most 64."""
    sha256: str
    self_signed: bool = False
    names_total: int = 0


@dataclass(frozen=True, slots=True)
class TlsSeen:
    """One handshake with the production name (RFC 8446, RFC 5246, SNI by RFC 6066)."""

    server_name: str
    ended: Ended
    """DONE where the handshake finished, trusted or not."""
    stage: str
    """``hello-sent`` (nothing came back), ``server-hello`` (something did), ``certificate``, ``finished``."""
    version: str | None = None
    cipher: str | None = None
    alert: str | None = None
    chain: tuple[Certificate, ...] = ()
    """Leaf first, as sent, at most 10."""
    logger: Verification | None = None
    """Against the roots that a logger trusts."""
    machine: Verification | None = None
    """Against this machine's own store."""
    logger_at_network_time: Verification | None = None
    """As ``logger``, with the clock that network time gives, where ours is known to be off."""
    name_matches: bool | None = None
    verified_at: datetime | None = None
    """This machine's clock (UTC) when the chain was verified."""
    received: int = 0
    """Bytes that came from the peer."""
    first_bytes: bytes = b""
    """Where the peer did not speak TLS: up to 64 bytes of what it said."""
    logger_when_valid: Verification | None = None
    """As ``logger``, at a moment within the dates of every certificate sent, where dates are what ``logger`` found at fault."""


@dataclass(frozen=True, slots=True)
class HttpSeen:
    """One GET and its answer (RFC 9110, RFC 9112)."""

    url: str
    ended: Ended
    status: int | None = None
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """As they came, names in lower case, at most 64."""
    location: str | None = None
    body: bytes = b""
    """The first 4 KiB."""
    title: str | None = None
    date_offset_ms: float | None = None
    """The Date header minus our clock at its arrival; the header counts whole seconds."""
    received: int = 0
    first_bytes: bytes = b""
    """Where the peer did not speak HTTP: up to 64 bytes."""

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next((value for key, value in self.headers if key == name.lower()), None)


@dataclass(frozen=True, slots=True)
class NtpSeen:
    """One SNTP exchange (RFC 4330, RFC 5905)."""

    address: str
    outcome: Outcome
    stratum: int | None = None
    leap: int | None = None
    mode: int | None = None
    refid: str | None = None
    kiss: str | None = None
    """The code of a kiss-of-death (RFC 5905 section 7.4)."""
    origin_echoed: bool | None = None
    offset_ms: float | None = None
    """Server's clock minus ours."""
    delay_ms: float | None = None
    icmp: Icmp | None = None
    stray: int = 0
    """Datagrams that were no answer to our question."""
    source_port: int | None = None
    errno: str | None = None
    """Symbol, where the system gave one; ``EAGAIN`` where nothing was sent because the server had been asked too recently."""


@dataclass(frozen=True, slots=True)
class FtpTransfer:
    """One try at a data connection."""

    mode: str
    """``pasv``, ``epsv`` or ``port``."""
    ended: Ended
    reply: str | None = None
    """The server's reply to the mode command."""
    address: str | None = None
    """The address in the 227, before any correction."""
    port: int | None = None
    connect: TcpSeen | None = None
    received: int = 0
    corrected: TcpSeen | None = None
    """The connect to the control connection's own address, where a 227 named another one; as many clients do."""
    listing: str | None = None
    """The server's last reply to the listing that was to come over this connection."""


@dataclass(frozen=True, slots=True)
class FtpSeen:
    """A control connection and what it allowed (RFC 959, RFC 2389, RFC 2428)."""

    ended: Ended
    banner: str | None = None
    features: tuple[str, ...] = ()
    login: str | None = None
    """The reply to the credentials, where the user gave some; the credentials themselves are never kept."""
    transfers: tuple[FtpTransfer, ...] = ()
    first_bytes: bytes = b""


@dataclass(frozen=True, slots=True)
class BannerSeen:
    """What a port said by itself: SSH's identification line, or whatever came."""

    ended: Ended
    banner: str | None = None
    software: str | None = None
    first_bytes: bytes = b""


@dataclass(frozen=True, slots=True)
class RdpSeen:
    """One RDP negotiation, without a login (MS-RDPBCGR 2.2.1.1, 2.2.1.2)."""

    ended: Ended
    answered: bool = False
    """Any connection confirm or negotiation failure: a real RDP server."""
    protocol: str | None = None
    """``rdp``, ``tls``, ``nla`` …, as the server chose."""
    failure: str | None = None
    certificate: Certificate | None = None
    first_bytes: bytes = b""


@dataclass(frozen=True, slots=True)
class TelnetSeen:
    """A telnet greeting, every option declined (RFC 854, RFC 855)."""

    ended: Ended
    options: tuple[str, ...] = ()
    text: str = ""
    login_prompt: bool = False
    first_bytes: bytes = b""


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface of this machine."""

    name: str
    up: bool
    carrier: bool | None
    mac: str | None
    addresses: tuple[str, ...]
    """With prefix length: ``192.168.50.20/24``."""
    mtu: int | None = None
    speed_mbps: int | None = None
    kind: str = "wired"
    """``wired``, ``wireless``, ``vpn``, ``virtual`` or ``loopback``."""


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """This machine's own place in the network."""

    interfaces: tuple[Interface, ...]
    default_interface: str | None
    address: str | None
    gateway: str | None
    gateway_mac: str | None
    gateway_answers: bool | None
    """True where ARP or anything else from it was seen, False where it was asked and silent, None where not known."""
    resolvers: tuple[str, ...]
    gateway6: str | None = None
    address6: str | None = None
    dhcp: bool | None = None
    proxies: tuple[tuple[str, str], ...] = ()
    """Proxy settings of the environment, name and value without credentials: seen and reported, never used by probes."""
    platform: str = ""
    missing: tuple[str, ...] = ()
    """What this system could not tell."""


@dataclass(frozen=True, slots=True)
class ArpSeen:
    """Who answers for an address on the local network (RFC 826; asked as RFC 5227 section 2.1.1 has it, from no address)."""

    address: str
    interface: str
    own: tuple[str, ...] = ()
    """MAC addresses of this machine."""
    answered: tuple[str, ...] | None = None
    """MAC addresses that answered; None where the question could not be asked."""
    why: str | None = None
    """Why it could not."""

    @property
    def others(self) -> tuple[str, ...]:
        """Those that are not this machine's."""
        return tuple(mac for mac in self.answered or () if mac.lower() not in {own.lower() for own in self.own})


@dataclass(frozen=True, slots=True)
class Trial:
    """One connect of a series: at a segment size, at a TTL, or one of many for loss and delay."""

    tcp: TcpSeen
    ended: Ended | None = None
    """How the exchange after it went, where there was one."""
    elapsed_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class SeriesSeen:
    """Several connects to one port that together say what one cannot (segment size, loss and delay, TTL)."""

    purpose: str
    """``mss``, ``ttl``, ``loss`` or ``beyond``."""
    trials: tuple[Trial, ...]
    path_mtu: int | None = None


Observation = (
    TcpSeen | DnsSeen | TlsSeen | HttpSeen | NtpSeen | FtpSeen | BannerSeen | RdpSeen | TelnetSeen | LinkSeen | SeriesSeen | ArpSeen
)
