"""Host keys against known_hosts: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. Reads files and adds one line; knows nothing of connections.

``KnownHosts(files).judge(name, key)`` gives one of ``Known``, ``Unknown``, ``Changed``, ``Revoked`` or ``AuthorityOnly``, the bad ones
with file and line. Hashed names, ``[host]:port``, wildcards, negation and the two markers are understood; lines that are none of these
are passed over, as OpenSSH does. A host of which only another type of key is on record counts as changed: the recorded types are asked
for first (``types``), so an honest host shows one of them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aetui.vantage.sshfile import matches

LARGEST = 8 << 20
"""Bytes of one known_hosts file that are read at the most."""
REVOKED = "@revoked"
AUTHORITY = "@cert-authority"
HASHED = "|1|"
"""HMAC-SHA1 of the name, salt and hash in base64."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key as it goes over the wire (RFC 4253 section 6.6)."""

    type: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """``SHA256:`` and unpadded base64, as OpenSSH prints it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a known_hosts file."""

    file: Path
    number: int
    marker: str
    names: str
    key: HostKey

    def covers(self, name: str) -> bool:
        """True where the line's names hold for this one (in lower case)."""
        if self.names.startswith(HASHED):
            return _hash_covers(self.names, name)
        return matches(self.names.lower().split(","), name)


@dataclass(frozen=True, slots=True)
class Known:
    """The key on record."""

    line: Line


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing is on record."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Another key is on record."""

    line: Line


@dataclass(frozen=True, slots=True)
class Revoked:
    """This key must never be accepted."""

    line: Line


@dataclass(frozen=True, slots=True)
class AuthorityOnly:
    """Only a certificate authority is on record for the host."""

    line: Line


Judgement = Known | Unknown | Changed | Revoked | AuthorityOnly


class KnownHosts:
    """What the files hold at the moment of asking."""

    def __init__(self, files: tuple[Path, ...]) -> None:
        self._lines = [line for file in files for line in read(file)]

    def types(self, name: str) -> tuple[str, ...]:
        """Types of the plain keys on record for the host, in the files' order."""
        return tuple(dict.fromkeys(line.key.type for line in self._plain(name)))

    def judge(self, name: str, key: HostKey) -> Judgement:
        """How the key stands for the host named as in ``HostSettings.known_as``."""
        covering = [line for line in self._lines if line.covers(name.lower())]
        for line in self._lines:
            if line.marker == REVOKED and line.key.blob == key.blob and (line in covering or line.covers(bare(name))):
                return Revoked(line)
        plain = self._plain(name)
        for line in plain:
            if line.key.blob == key.blob:
                return Known(line)
        if plain:
            return Changed(next((line for line in plain if line.key.type == key.type), plain[0]))
        return self._otherwise(name, key, covering)

    def _otherwise(self, name: str, key: HostKey, covering: list[Line]) -> Judgement:
        """With nothing on record under the name with its port, OpenSSH takes the same key under the bare name."""
        for line in self._plain(bare(name)):
            if line.key.blob == key.blob:
                return Known(line)
        authority = next((line for line in covering if line.marker == AUTHORITY), None)
        return AuthorityOnly(authority) if authority else Unknown()

    def _plain(self, name: str) -> list[Line]:
        return [line for line in self._lines if not line.marker and line.covers(name.lower())]


def bare(name: str) -> str:
    """The host of ``[host]:port``, in lower case; any other name as it is."""
    host, bracket, _ = name.lower().removeprefix("[").rpartition("]:")
    return host if bracket and name.startswith("[") else name.lower()


def read(file: Path) -> Iterator[Line]:
    """The lines that are well formed. A file that is not there has none."""
    try:
        with file.open("rb") as stream:
            text = stream.read(LARGEST)
    except OSError:
        return
    for number, raw in enumerate(text.split(b"\n"), 1):
        line = parse(raw.decode("utf-8", "replace"), file, number)
        if line is not None:
            yield line


def parse(text: str, file: Path, number: int) -> Line | None:
    """One line, or None for a comment or what is no known_hosts line."""
    fields = text.split()
    marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
    if len(fields) < 3 or fields[0].startswith("#") or marker not in {"", REVOKED, AUTHORITY}:
        return None
    try:
        blob = base64.b64decode(fields[2], validate=True)
    except (binascii.Error, ValueError):
        return None
    length = int.from_bytes(blob[:4], "big")
    if blob[4 : 4 + length] != fields[1].encode("utf-8"):
        return None
    return Line(file, number, marker, fields[0], HostKey(fields[1], blob))


def _hash_covers(names: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in names.removeprefix(HASHED).split("|"))
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode("utf-8"), "sha1").digest(), digest)


def hashed(name: str, salt: bytes | None = None) -> str:
    """The name as HashKnownHosts writes it."""
    salt = salt or os.urandom(20)
    digest = hmac.new(salt, name.encode("utf-8"), "sha1").digest()
    return f"{HASHED}{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def add(file: Path, name: str, key: HostKey, *, hash_names: bool = False) -> None:
    """Append the key; file and folder are made for the user alone where they are missing. Raises OSError where that cannot be done."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = f"{hashed(name) if hash_names else name} {key.type} {base64.b64encode(key.blob).decode()}\n".encode()
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with open(descriptor, "rb+", buffering=0) as stream:  # noqa: PTH123 - a descriptor, not a path
        size = stream.seek(0, os.SEEK_END)
        if size:
            stream.seek(-1, os.SEEK_END)
            line = line if stream.read(1) == b"\n" else b"\n" + line
        stream.write(line)
