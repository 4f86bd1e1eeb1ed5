"""Scenarios of the embedded site: what a site's network does wrong, as frozen records read strictly from assets/scenarios/*.toml.

``names`` lists them, ``load`` gives one with the site's own data (``_site.toml``) underneath. Errors: ``strict.DataError`` (one line:
file, key, fault), ``UnknownScenarioError`` with the nearest name. No socket, no certificate, no clock: those are in ``site`` and
``vantage.demo``. Reading is in ``loading``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aetui.records import Transport


class UnknownScenarioError(LookupError):
    """No scenario has this name; the text is the one line that a user needs."""


# -------------------------------------------------------------------------------------------- what a network does with a packet
@dataclass(frozen=True, slots=True)
class Drop:
    """Nothing comes back."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """A reset to TCP, an ICMP port unreachable to UDP."""


@dataclass(frozen=True, slots=True)
class Reject:
    """An ICMP error (RFC 792, type 3) from a named device."""

    code: int
    by: str | None = None
    """Its sender; None for the device at the rule's own hop."""


@dataclass(frozen=True, slots=True)
class Deny:
    """This machine itself refuses to send."""


@dataclass(frozen=True, slots=True)
class Serve:
    """Something else answers in the server's place."""

    service: str


@dataclass(frozen=True, slots=True)
class Censor:
    """The connection opens; what the client then says is read on the way, and the connection dies of it."""

    names: tuple[str, ...] = ()
    """Only where the first bytes hold one of these; empty for always."""
    resets: bool = False
    """A reset to the client; otherwise silence."""


Action = Drop | Refuse | Reject | Deny | Serve | Censor


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that the network does to some of the traffic. The first rule that fits counts."""

    to: tuple[str, ...]
    """Hosts, addresses, networks, or a word: ``internet``, ``lan``, ``here`` (this machine, from outside)."""
    action: Action
    ports: tuple[tuple[int, int], ...] = ((1, 65535),)
    """Ranges, both ends included."""
    transport: Transport | None = None
    at: int | None = None
    """The hop that does it, 1 being the gateway; None for the gateway, or for the server itself where ``everywhere``."""
    everywhere: bool = False
    """True where it holds from outside the site too."""


# -------------------------------------------------------------------------------------------------------------- what answers
@dataclass(frozen=True, slots=True)
class Leaf:
    """How a server's certificate is made."""

    authority: str = ""
    """Who issues it; empty for one of the public ones."""
    name: str = ""
    """The only name in it; empty for the name that the client asked for."""
    days_before: float = 30.0
    """Valid since so many days."""
    days_after: float = 90.0
    """Valid for so many more; negative for one that has run out."""
    more_names: int = 0
    """Made-up names besides."""
    self_signed: bool = False


@dataclass(frozen=True, slots=True)
class Web:
    """HTTP/1.1, over TLS where there is a certificate."""

    status: int = 200
    reason: str = "OK"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    """Empty for the host's own page."""
    endless: bool = False
    """One header without end."""
    leaf: Leaf | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """A DNS server. By default it knows every host of the site."""

    rcode: str | None = None
    """The only answer it gives."""
    everything: str | None = None
    """An address for every name, existing or not."""
    instead: Mapping[str, str] = field(default_factory=dict)
    """By host name or ``*.domain``: an address, or one of ``servicing.ANSWERS``."""
    truncates: bool = False
    """Says over UDP that TCP must be asked."""


@dataclass(frozen=True, slots=True)
class Clock:
    """An NTP server."""

    stratum: int = 2
    kiss: str | None = None
    """Kiss code (RFC 5905 section 7.4); the stratum is then 0."""
    leap: int = 0
    echoes: bool = True
    """False for an answer that is not to the question asked."""


@dataclass(frozen=True, slots=True)
class Files:
    """An FTP server with the login demo, demo."""

    banner: str = "220 FTP server ready."
    passive_address: str | None = None
    """What the 227 reply names in place of the true address."""
    extended: bool = True
    """False where EPSV is refused."""
    endless: bool = False
    """The greeting never ends."""


@dataclass(frozen=True, slots=True)
class Banner:
    """Says one thing and waits: an SSH server as far as a banner goes."""

    text: str = "SSH-2.0-OpenSSH_9.2p1\r\n"


@dataclass(frozen=True, slots=True)
class Telnet:
    """Telnet options, then a login prompt."""

    prompt: str = "Moxa login: "


@dataclass(frozen=True, slots=True)
class Desktop:
    """Remote Desktop as far as its negotiation and the TLS behind it."""

    computer: str = "PM2000"


Service = Web | Names | Clock | Files | Banner | Telnet | Desktop


# ------------------------------------------------------------------------------------------------------------------- the site
@dataclass(frozen=True, slots=True)
class Place:
    """A host, its addresses and what it offers there."""

    host: str
    addresses: tuple[str, ...]
    ports: Mapping[int, str] = field(default_factory=dict)
    """Service names by port."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One router on the way out."""

    address: str
    name: str = ""
    silent: bool = False
    """Tells nobody when a TTL runs out there."""


@dataclass(frozen=True, slots=True)
class Here:
    """The machine that the probes run on and its place in the network."""

    interface: str
    address: str | None
    """With prefix length."""
    gateway: str | None
    resolvers: tuple[str, ...]
    mac: str = "02:00:5e:10:32:14"
    gateway_mac: str = "02:00:5e:10:32:01"
    gateway_answers: bool = True
    link: bool = True
    dhcp: bool | None = True
    proxies: tuple[tuple[str, str], ...] = ()
    speed_mbps: int = 100


@dataclass(frozen=True, slots=True)
class Line:
    """The way between here and everything beyond the gateway."""

    out_ms: float = 4.0
    back_ms: float = 4.0
    loss: float = 0.0
    """Share of packets lost, each way, 0 to 1."""
    mtu: int = 1500
    """Larger packets vanish and nobody is told."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority: a root and the name that it issues under."""

    root: str
    issuer: str
    organization: str
    public: bool = False
    """In the roots that a logger trusts."""
    machine: bool = False
    """In this machine's own store, besides the public ones."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One site with what is wrong there."""

    name: str
    title: str
    sentence: str
    causes: tuple[str, ...]
    """The distinct causes that a right diagnosis of this machine's own run names, the root first."""
    causes_outside: tuple[str, ...]
    """The same where an outside vantage was asked too."""
    judged: bool
    """False where only robustness is shown and no cause is promised."""
    equipment: tuple[str, ...]
    """What to check to see it."""
    here: Here
    outside: Here
    """A jump host in another network."""
    line: Line
    hops: tuple[Hop, ...]
    places: tuple[Place, ...]
    """Those of the site itself; the catalogue's hosts come to them."""
    addresses: Mapping[str, tuple[str, ...]]
    """Made-up addresses of hosts whose address no document gives, and the few of a range that answer."""
    services: Mapping[str, Service]
    authorities: Mapping[str, Authority]
    rules: tuple[Rule, ...]
    clock_ahead_s: float = 0.0
    """How far network time is ahead of this machine's clock."""


def names() -> list[tuple[str, str]]:
    """Every scenario's name and title: ``healthy`` first, then by name."""
    from aetui.demo.loading import every_name, read

    return [(name, read(name).title) for name in every_name()]


def load(name: str) -> Scenario:
    """One scenario, whole. Raises UnknownScenarioError, or strict.DataError where a file is wrong."""
    import difflib

    from aetui.demo.loading import every_name, read

    known = every_name()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise UnknownScenarioError(f"no scenario is called {name!r}; {hint}")
    return read(name)
