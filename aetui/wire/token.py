"""The token by which the two halves of a confirmation know each other: a short spoken code, a challenge, a proof and an answer.

The listener shows a code of eight characters; the outside half is told it. Both derive one key from it. In one round trip:

    outside -> listener   HELLO  = challenge (32 random bytes) + HMAC(key, "outside" + challenge)
    listener -> outside   ANSWER = port, peer as the listener saw them + HMAC(key, "listener" + challenge + port + peer)

The code never crosses the wire. Why it is built so:

- The listener speaks second, and only to a right proof: one who does not know the code gets a closed connection and no HMAC, so the
  listener is no oracle for guessing the code offline. What guesses are made online is limited by ``inbound.gate`` (a code has 2^40
  values).
- Whoever sees a HELLO (on the wire, or because the forward leads to a stranger's machine) can try codes against it offline. That costs
  him a scrypt each (16 MiB, tens of milliseconds): 2^39 of them on average, for a code that lives as long as its listener, minutes. What
  it would buy is a false ``forward-confirmed``: nothing else is protected by it. A PAKE would take that away too, at the price of another
  round trip and of a library that says of itself that it runs in variable time; not worth it here.
- The HELLO is proved over a fresh challenge, and the gate takes each challenge once, so a recorded HELLO is worth nothing.
- The answer binds port and peer, so nobody on the way can change what the outside half learns: at which port its connection arrived, and
  from where.

The HELLO rides in what the port's own protocol ignores, so that a real service in the listener's place is identified by the same
connection and never sees typed text: in the cookie of an RDP connection request (servers must ignore it, MS-RDPBCGR 3.3.5.3.1), and as
refusals of telnet options (RFC 854 has them ignored where nothing is to refuse; they are three-byte commands to the simplest of telnet
servers).

Sources: RFC 2104 (HMAC), RFC 7914 (scrypt), Crockford's base 32 for the alphabet. Not here: sockets, clocks, the limits on tries.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field

from aetui.wire import telnet

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, to be read from a screen and said over a phone."""
CODE_LENGTH = 8
"""Characters: 40 bits."""
COST = 2**14
"""scrypt's N, with r = 8 and p = 1: 16 MiB and some tens of milliseconds, once a code."""

CHALLENGE = 32
PROOF = 32
HELLO_MAGIC = b"aetui/1?"
ANSWER_MAGIC = b"aetui/1!"
HELLO_LENGTH = len(HELLO_MAGIC) + CHALLENGE + PROOF
ANSWER_LENGTH = len(ANSWER_MAGIC) + 2 + 16 + PROOF
COOKIE_PREFIX = "aetui1."
"""How an RDP cookie that carries a HELLO begins."""

_SALT = b"aetui token 1"
_MISHEARD = str.maketrans({"O": "0", "I": "1", "L": "1"})
_TELNET_STEP = bytes((telnet.IAC, telnet.WONT))
_TELNET_LENGTH = 3 * HELLO_LENGTH


def new_code() -> str:
    """A random code, in two groups: ``7K3M-Q9XD``."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def normalise(code: str) -> str | None:
    """A code as people type it (case, spaces, dashes, O for 0) in its one form, or None where it cannot be one."""
    letters = "".join(c for c in code.upper() if not c.isspace() and c != "-").translate(_MISHEARD)
    if len(letters) != CODE_LENGTH or any(c not in ALPHABET for c in letters):
        return None
    return f"{letters[:4]}-{letters[4:]}"


@dataclass(frozen=True, slots=True)
class Key:
    """What both halves derive from the code; never shown, logged or journalled."""

    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, code: str) -> Key:
        """Derive it; takes tens of milliseconds of one processor. ValueError where ``code`` is none."""
        normal = normalise(code)
        if normal is None:
            raise ValueError(f"a code is {CODE_LENGTH} characters of {ALPHABET}")
        return cls(hashlib.scrypt(normal.encode("ascii"), salt=_SALT, n=COST, r=8, p=1, maxmem=64 * 2**20, dklen=32))

    def mac(self, role: bytes, *parts: bytes) -> bytes:
        """HMAC-SHA256 over the role and parts of fixed length."""
        return hmac.new(self.secret, role + b"\0" + b"".join(parts), hashlib.sha256).digest()


@dataclass(frozen=True, slots=True)
class Hello:
    """What the outside half sends."""

    challenge: bytes
    proof: bytes = field(repr=False)

    def right(self, key: Key) -> bool:
        """True where the sender knows the code; takes the same time either way."""
        return hmac.compare_digest(self.proof, key.mac(b"outside", self.challenge))


@dataclass(frozen=True, slots=True)
class Arrived:
    """Where the listener says that the connection arrived."""

    port: int
    peer: str
    """Address, as the listener saw it: after every NAT on the way."""


def hello(key: Key) -> Hello:
    """A new challenge with its proof."""
    challenge = secrets.token_bytes(CHALLENGE)
    return Hello(challenge, key.mac(b"outside", challenge))


def frame(said: Hello) -> bytes:
    """The HELLO in its plain form."""
    return HELLO_MAGIC + said.challenge + said.proof


def parse_frame(data: bytes) -> Hello | None:
    """A HELLO from the beginning of ``data``, or None."""
    if len(data) < HELLO_LENGTH or not data.startswith(HELLO_MAGIC):
        return None
    body = data[len(HELLO_MAGIC) : HELLO_LENGTH]
    return Hello(body[:CHALLENGE], body[CHALLENGE:])


def as_cookie(said: Hello) -> str:
    """The HELLO as the identifier of an RDP cookie."""
    return COOKIE_PREFIX + base64.urlsafe_b64encode(said.challenge + said.proof).decode("ascii")


def parse_cookie(cookie: str) -> Hello | None:
    """A HELLO from an RDP cookie, or None."""
    text = cookie.removeprefix(COOKIE_PREFIX)
    if text == cookie or len(text) != 88 or not text.isascii():
        return None
    try:
        body = base64.b64decode(text, altchars=b"-_", validate=True)
    except ValueError:
        return None
    return Hello(body[:CHALLENGE], body[CHALLENGE:]) if len(body) == CHALLENGE + PROOF else None


def as_refusals(said: Hello) -> bytes:
    """The HELLO as telnet refusals: one ``IAC WONT x`` a byte."""
    return b"".join(_TELNET_STEP + bytes((byte,)) for byte in frame(said))


def parse_refusals(data: bytes) -> Hello | None:
    """A HELLO from telnet refusals at the beginning of ``data``, or None."""
    return parse_frame(data[2:_TELNET_LENGTH:3]) if begins_refusals(data) and len(data) >= _TELNET_LENGTH else None


def begins_refusals(data: bytes) -> bool:
    """True where ``data`` is the beginning of a HELLO in telnet refusals (the magic's bytes as far as they are here)."""
    wanted = b"".join(_TELNET_STEP + bytes((byte,)) for byte in HELLO_MAGIC)
    return bool(data) and (data.startswith(wanted) or wanted.startswith(data))


def answer(key: Key, said: Hello, arrived: Arrived) -> bytes:
    """What the listener answers to a right HELLO."""
    place = _place(arrived)
    return ANSWER_MAGIC + place + key.mac(b"listener", said.challenge, place)


def parse_answer(key: Key, said: Hello, data: bytes) -> Arrived | None:
    """Where we arrived, if the answer is complete and was made for our challenge by one who knows the code; else None."""
    if len(data) < ANSWER_LENGTH or not data.startswith(ANSWER_MAGIC):
        return None
    place, proof = data[len(ANSWER_MAGIC) : ANSWER_LENGTH - PROOF], data[ANSWER_LENGTH - PROOF : ANSWER_LENGTH]
    if not hmac.compare_digest(proof, key.mac(b"listener", said.challenge, place)):
        return None
    address = ipaddress.IPv6Address(place[2:])
    return Arrived(int.from_bytes(place[:2], "big"), str(address.ipv4_mapped or address))


def _place(arrived: Arrived) -> bytes:
    address = ipaddress.ip_address(arrived.peer.partition("%")[0])
    packed = address.packed if address.version == 6 else b"\0" * 10 + b"\xff\xff" + address.packed
    return arrived.port.to_bytes(2, "big") + packed
