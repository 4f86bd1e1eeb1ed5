"""What the two halves of an inbound check saw: knocks at our listener, and what answered at a site's address. Raw facts, no judgement.

Shared by ``inbound`` (which fills them in), ``diagnosis`` (which reads them), screens and reports. Text from the network stands here as
it came; ``display.displayable`` is applied wherever it is shown. Addresses are text in canonical form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from aetui.observations import Outcome, RdpSeen, TcpSeen, TelnetSeen
from aetui.records import VantageInfo

OWN_TROUBLE = frozenset({Outcome.NO_ROUTE, Outcome.NO_NEIGHBOUR, Outcome.DENIED, Outcome.FAILED})
"""Outcomes that speak of the vantage and not of the target; NO_NEIGHBOUR of both where the target stands on the vantage's own network."""


class Token(StrEnum):
    """How an exchange of the token ended."""

    MATCHED = "matched"
    """Both halves know the same code."""
    WRONG = "wrong"
    """A token was presented, and the other half does not know its code."""
    NONE = "none"
    """No token was presented, or nothing there knows of tokens."""


class Standing(StrEnum):
    """Where a vantage stands as seen from the site whose address it knocks at."""

    OUTSIDE = "outside"
    INSIDE = "inside"
    """Behind the same router: what it sees of the public address proves nothing (hairpin)."""
    UNKNOWN = "unknown"
    """Behind a router of its own that does not tell its outer address."""


@dataclass(frozen=True, slots=True)
class Knock:
    """One connection to our listener, from its beginning to its end."""

    at: datetime
    """UTC, when it was taken."""
    peer: str
    peer_port: int
    port: int
    speaks: str
    """``rdp``, ``telnet``, ``ssh``, ``http``, ``tls``, ``aetui``, ``unknown`` or ``nothing``."""
    first_bytes: bytes = b""
    """Up to 64; of a token only its mark, so that a log gives nobody a challenge to work on."""
    token: Token = Token.NONE
    evidence: Mapping[str, str] = field(default_factory=dict)
    """Cookie, SNI, request line, known scanner. Foreign text."""
    refused: str | None = None
    """``not-allowed`` where the source is not on the allow-list: closed unread. ``crowded`` where it had to make room for others."""


@dataclass(frozen=True, slots=True)
class Target:
    """One port to knock at."""

    address: str
    port: int
    inside_port: int | None = None
    """The equipment's own port, where a forward changes it."""
    expected: str | None = None
    """``rdp`` or ``telnet``; None where any service may stand there."""

    @property
    def id(self) -> str:
        """By which findings name it: ``rdp:203.0.113.7:3389``."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.expected or 'tcp'}:{host}:{self.port}"

    @property
    def own_port(self) -> int:
        """The equipment's own port."""
        return self.inside_port or self.port


@dataclass(frozen=True, slots=True)
class Arrival:
    """What our listener, proved by the token, says of a connection: where it came in and from where, after every NAT."""

    port: int
    peer: str


@dataclass(frozen=True, slots=True)
class Reached:
    """One knock at one target from one vantage, and what answered."""

    target: Target
    vantage: VantageInfo
    standing: Standing
    tcp: TcpSeen
    speaks: str = "nothing"
    """As ``Knock.speaks``; ``aetui`` for a listener of ours, whether it knew the code or not."""
    identity: str | None = None
    """Which machine or program it says it is: certificate's host name, prompt, banner. Foreign text."""
    fingerprint: str | None = None
    """SHA-256 of its certificate, or of its greeting where it has none."""
    token: Token = Token.NONE
    arrival: Arrival | None = None
    rdp: RdpSeen | None = None
    telnet: TelnetSeen | None = None
    elapsed_ms: float = 0.0
    passed_on: bool = False
    """True where the router that has the address was heard to hand the port on: a connect whose TTL ran out there came back as 'time
    exceeded'."""
    afar: bool = False
    """True where a knock inside met silence, and the target lies in no network of the vantage's own: something between may have kept it."""


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """A connection that came in at one of this machine's ports and whose beginner never heard our answer."""

    peer: str
    port: int


@dataclass(frozen=True, slots=True)
class OuterSide:
    """What one protocol says of the gateway's outer side."""

    source: str
    """``upnp``, ``nat-pmp`` or ``pcp``."""
    address: str | None
    """The outer address; None where it tells none."""
    result: str
    """``success`` or the protocol's own error by name."""


PROTOCOLS = {"upnp": "UPnP", "nat-pmp": "NAT-PMP", "pcp": "PCP"}
"""What the sources of an outer side are called."""

NO_ADDRESS = frozenset({("upnp", "success"), ("nat-pmp", "success"), ("nat-pmp", "network-failure")})
"""Answers without an address that say: I have none (RFC 6886 section 3.5)."""


@dataclass(frozen=True, slots=True)
class Forward:
    """One port forward as the gateway lists it. Forwards made by hand are on many routers not listed."""

    outside_port: int
    inside_address: str
    inside_port: int
    protocol: str
    """``tcp`` or ``udp``."""
    enabled: bool = True
    source: str = ""
    """The only source that it lets in; empty for any."""
    description: str = ""
    """Foreign text."""


@dataclass(frozen=True, slots=True)
class NatSeen:
    """How deep the NAT is, as far as anything tells."""

    gateway: str | None = None
    own: str | None = None
    outer: tuple[OuterSide, ...] = ()
    public: str | None = None
    """How a host outside sees us; None where nobody outside was asked."""
    forwards: tuple[Forward, ...] = ()
    listed: bool = False
    """True where the gateway answered the question for its forwards; without it ``forwards`` says nothing."""
    hops: tuple[str, ...] = ()
    """First hops of a trace, where there is one."""


@dataclass(frozen=True, slots=True)
class InboundSeen:
    """Everything that one inbound check saw."""

    outside: tuple[Reached, ...] = ()
    inside: tuple[Reached, ...] = ()
    """The same equipment asked over the LAN."""
    nat: NatSeen | None = None
    knocks: tuple[Knock, ...] = ()
    listening: tuple[int, ...] = ()
    """Ports on which our own listener is known to be open at the forward's end."""
    allowed: tuple[str, ...] = ()
    """The listener's allow-list; empty for any source."""
    half_open: tuple[HalfOpen, ...] = ()
    """Those at the forward's end, as far as this machine is it."""
    meant: tuple[str, ...] = ()
    """Addresses and networks that alone are meant to be let in, by the person's word; empty where nobody said."""
