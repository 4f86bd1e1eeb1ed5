"""Host keys against known_hosts files; what OpenSSH's ssh-keygen finds and writes is the measure."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetui.vantage import hostkeys
from aetui.vantage.hostkeys import AuthorityOnly, Changed, HostKey, Judgement, Known, KnownHosts, Revoked, Unknown

needs_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen to compare with")


def key(seed: str, kind: str = "ssh-ed25519") -> HostKey:
    name = kind.encode()
    body = seed.encode().ljust(32, b".")
    return HostKey(kind, len(name).to_bytes(4, "big") + name + len(body).to_bytes(4, "big") + body)


MINE, OTHER, RSA = key("mine"), key("other"), key("rsa", "ssh-rsa")


def text(of: HostKey) -> str:
    return f"{of.type} {base64.b64encode(of.blob).decode()}"


def judged(tmp_path: Path, lines: str, name: str = "h", shown: HostKey = MINE) -> Judgement:
    file = tmp_path / "known_hosts"
    file.write_text(lines)
    return KnownHosts((file,)).judge(name, shown)


M, X, R = text(MINE), text(OTHER), text(RSA)
T = b"\0\0\0\1t"
HASHED = hostkeys.hashed("h")

CASES: dict[str, tuple[str, str, type[object], int | None]] = {
    "the key on record": (f"h {M}\n", "h", Known, 1),
    "with a comment after it": (f"h {M} root@h since 2020\n", "h", Known, 1),
    "one of several names": (f"a,h,10.0.0.1 {M}\n", "h", Known, 1),
    "names in any case": (f"H.Example {M}\n", "h.example", Known, 1),
    "a pattern": (f"*.site,!x.site {M}\n", "a.site", Known, 1),
    "a pattern that excludes it": (f"*.site,!x.site {M}\n", "x.site", Unknown, None),
    "a hashed name": (f"{HASHED} {M}\n", "h", Known, 1),
    "a hashed name of another": (f"{hostkeys.hashed('g')} {M}\n", "h", Unknown, None),
    "with its port": (f"[h]:2222 {M}\n", "[h]:2222", Known, 1),
    "the same key under the bare name": (f"h {M}\n", "[h]:2222", Known, 1),
    "another key under the bare name says nothing": (f"h {X}\n", "[h]:2222", Unknown, None),
    "a port is no bare name": (f"[h]:2222 {M}\n", "h", Unknown, None),
    "nothing": ("", "h", Unknown, None),
    "another host's": (f"g {M}\n", "h", Unknown, None),
    "another key": (f"g {M}\n\nh {X}\n", "h", Changed, 3),
    "one of two keys on record": (f"h {X}\nh {M}\n", "h", Known, 2),
    "another type alone": (f"h {R}\n", "h", Changed, 1),
    "the line of the same type is named": (f"h {R}\nh {X}\n", "h", Changed, 2),
    "revoked": (f"h {M}\n@revoked * {M}\n", "h", Revoked, 2),
    "revoked for the bare name": (f"[h]:22 {M}\n@revoked h {M}\n", "[h]:22", Revoked, 2),
    "another key revoked": (f"h {M}\n@revoked * {X}\n", "h", Known, 1),
    "revoked for another host": (f"h {M}\n@revoked g {M}\n", "h", Known, 1),
    "an authority alone": (f"@cert-authority *.site {X}\n", "a.site", AuthorityOnly, 1),
    "an authority is no plain key": (f"@cert-authority * {M}\n", "h", AuthorityOnly, 1),
    "an authority and the key": (f"@cert-authority * {X}\nh {M}\n", "h", Known, 2),
    "an unknown marker is passed over": (f"@strange h {X}\n", "h", Unknown, None),
    "a comment": (f"# h {X}\n", "h", Unknown, None),
    "a line without a key": ("h ssh-ed25519\n", "h", Unknown, None),
    "a key that is no base64": ("h ssh-ed25519 A*A=\n", "h", Unknown, None),
    "a key of another type than said": (f"h ssh-rsa {M.split()[1]}\n", "h", Unknown, None),
    "an old RSA1 line": ("h 1024 35 1234567890\n", "h", Unknown, None),
    "a broken hash": (f"|1|x|y {X}\n", "h", Unknown, None),
    "no newline at the end": (f"h {M}", "h", Known, 1),
    "windows line ends": (f"h {M}\r\n", "h", Known, 1),
}
"""Rule -> file, name, judgement, line."""


@pytest.mark.parametrize("rule", CASES)
def test_a_key_is_judged(tmp_path: Path, rule: str) -> None:
    lines, name, kind, number = CASES[rule]
    found = judged(tmp_path, lines, name)
    assert type(found) is kind
    assert getattr(getattr(found, "line", None), "number", None) == number


def test_two_files_are_one_record(tmp_path: Path) -> None:
    user, system = tmp_path / "user", tmp_path / "system"
    system.write_text(f"h {X}\n")
    found = KnownHosts((user, system)).judge("h", MINE)
    assert isinstance(found, Changed)
    assert (found.line.file, found.line.number) == (system, 1)


def test_the_types_on_record_come_in_order(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"h {R}\ng {M}\nh {M}\nh {X}\n@revoked h {text(key('x', 'ecdsa-sha2-nistp256'))}\n")
    assert KnownHosts((file,)).types("h") == ("ssh-rsa", "ssh-ed25519")


def test_a_key_that_was_added_is_known(tmp_path: Path) -> None:
    file = tmp_path / ".ssh" / "known_hosts"
    hostkeys.add(file, "[h]:23", MINE)
    hostkeys.add(file, "g", MINE, hash_names=True)
    found = KnownHosts((file,))
    assert isinstance(found.judge("[h]:23", MINE), Known)
    assert isinstance(found.judge("g", MINE), Known)
    assert "g" not in file.read_text().splitlines()[1].split()[0].split("|")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_adding_keeps_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"g {X}")
    hostkeys.add(file, "h", MINE)
    assert file.read_text() == f"g {X}\nh {M}\n"


@needs_keygen
def test_openssh_finds_what_was_added(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "k")], check=True)
    kind, blob = (tmp_path / "k.pub").read_text().split()[:2]
    real = HostKey(kind, base64.b64decode(blob))
    file = tmp_path / "known_hosts"
    for name, hash_names in (("plain", False), ("[off]:23", False), ("hashed", True)):
        hostkeys.add(file, name, real, hash_names=hash_names)
        assert subprocess.run(["ssh-keygen", "-F", name, "-f", str(file)], stdout=subprocess.DEVNULL, check=False).returncode == 0
    subprocess.run(["ssh-keygen", "-H", "-f", str(file)], check=True, capture_output=True)
    assert all(isinstance(KnownHosts((file,)).judge(name, real), Known) for name in ("plain", "[off]:23", "hashed"))


@needs_keygen
def test_the_fingerprint_is_openssh_s(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(tmp_path / "k")], check=True)
    kind, blob = (tmp_path / "k.pub").read_text().split()[:2]
    printed = subprocess.run(["ssh-keygen", "-l", "-f", str(tmp_path / "k.pub")], capture_output=True, text=True, check=True).stdout
    assert HostKey(kind, base64.b64decode(blob)).fingerprint == printed.split()[1]


@given(st.text(max_size=200))
def test_any_line_is_read_or_passed_over(line: str) -> None:
    found = hostkeys.parse(line, Path("f"), 1)
    assert found is None or found.covers("h") in {True, False}


@given(st.binary(max_size=64), st.from_regex(r"\A[a-z0-9.-]{1,20}\Z"), st.binary(min_size=20, max_size=20))
def test_a_hashed_name_covers_itself_alone(body: bytes, name: str, salt: bytes) -> None:
    line = hostkeys.parse(f"{hostkeys.hashed(name, salt)} {text(HostKey('t', T + body))}", Path("f"), 1)
    assert line is not None
    assert line.covers(name)
    assert not line.covers(name + "x")
