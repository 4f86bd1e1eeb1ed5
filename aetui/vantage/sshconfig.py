"""What the user's ssh configuration says of a jump host: ssh_config(5), as frozen ``HostSettings``, and the chain of hosts to go through.

``SshConfig().chain("site-noc")`` gives the hops in order, the named host last; ``hosts()`` the concrete names for a list. Reads the
user's and then the system's file, as OpenSSH does. Understood: Host, Match (not exec), Include, HostName, User, Port, IdentityFile,
IdentitiesOnly, IdentityAgent, ProxyJump, ProxyCommand, UserKnownHostsFile, GlobalKnownHostsFile, HashKnownHosts, HostKeyAlias,
ConnectTimeout, PubkeyAuthentication, PasswordAuthentication, KbdInteractiveAuthentication, PreferredAuthentications,
NumberOfPasswordPrompts and the tokens of these; ``${NAME}`` too. Anything else is passed over. Faults raise ``ConfigFault``. Needs no SSH
library, so that a list of hosts costs nothing.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from aetui.vantage import sshfile
from aetui.vantage.sshfile import ConfigFault, Reading

DEFAULT_PORT = 22
CONNECT_TIMEOUT_S = 15.0
"""Seconds for the TCP connection to a jump host where ConnectTimeout does not say."""
MOST_HOPS = 8
"""Jump hosts in one chain."""
PASSWORD_PROMPTS = 3
"""OpenSSH's NumberOfPasswordPrompts."""
METHODS = ("publickey", "keyboard-interactive", "password")
"""Ways of logging in, in OpenSSH's order."""
IDENTITIES = ("id_rsa", "id_ecdsa", "id_ed25519")
"""Key files tried where no IdentityFile is set, in OpenSSH's order."""
KNOWN_HOSTS = ("known_hosts", "known_hosts2")
SYSTEM = Path("/etc/ssh")

_TARGET = re.compile(r"(?:(?P<user>[^@\s]+)@)?(?:\[(?P<literal>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^@\s:\[\]/]+))(?::(?P<port>\d{1,5}))?")
_NAME = re.compile(r"[^\s,*?!|#@\[\]\x00-\x1f]+")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_TOKEN = re.compile(r"%(.)")
_SPECIAL = frozenset(" \t\"'`$\\;&<>|(){}*?")


@dataclass(frozen=True, slots=True)
class Target:
    """``[user@]host[:port]`` as written."""

    host: str
    user: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class HostSettings:
    """Everything that is needed to reach one host and to log in there."""

    name: str
    """As the user wrote it."""
    hostname: str
    port: int
    user: str
    identity_files: tuple[Path, ...] = ()
    identities_only: bool = False
    identity_agent: str | None = None
    """The agent's socket; None where there is none."""
    proxy_jump: tuple[Target, ...] = ()
    proxy_command: str | None = None
    user_known_hosts: tuple[Path, ...] = ()
    system_known_hosts: tuple[Path, ...] = ()
    hash_known_hosts: bool = False
    host_key_alias: str | None = None
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    methods: tuple[str, ...] = METHODS
    password_prompts: int = PASSWORD_PROMPTS
    passed_over: tuple[str, ...] = ()
    """Lines of the configuration that were not judged (``Match exec``)."""

    @property
    def known_as(self) -> str:
        """The name in known_hosts: the alias, or the address, in ``[host]:port`` form off port 22."""
        if self.host_key_alias:
            return self.host_key_alias
        return self.hostname if self.port == DEFAULT_PORT else f"[{self.hostname}]:{self.port}"


def target(text: str) -> Target:
    """Read ``[user@]host[:port]``, ``[user@][IPv6]:port`` or the same as ``ssh://``. Raises ConfigFault on anything else."""
    found = _TARGET.fullmatch(text.removeprefix("ssh://").rstrip("/"))
    port = int(found["port"]) if found and found["port"] else None
    if found is None or (found["host"] or found["literal"]).startswith("-") or (port is not None and not 0 < port < 65536):
        raise ConfigFault(f"'{text}' is not [user@]host[:port]")
    return Target(found["host"] or found["literal"], found["user"], port)


class SshConfig:
    """The user's and the system's ssh configuration."""

    def __init__(
        self, files: tuple[Path, ...] | None = None, home: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.home = home or Path.home()
        self.files = files if files is not None else (self.home / ".ssh" / "config", SYSTEM / "ssh_config")
        self.environment = os.environ if environment is None else environment

    def hosts(self) -> tuple[str, ...]:
        """Names of the user's file that stand for one host: no wildcard, no negation, in the order of the file."""
        if not self.files:
            return ()
        return tuple(p for p in sshfile.host_patterns(self.files[0]) if not set(p) & set("*?!"))

    def chain(self, text: str) -> tuple[HostSettings, ...]:
        """The hops to the host, itself last. Raises ConfigFault on a circle or a value that makes no sense."""
        return self._chain(target(text), ())

    def _chain(self, to: Target, above: tuple[Target, ...]) -> tuple[HostSettings, ...]:
        if to in above or len(above) >= MOST_HOPS:
            raise ConfigFault(f"ProxyJump of {to.host} goes in a circle, or through more than {MOST_HOPS} hosts")
        settings = self.settings(to)
        if not settings.proxy_jump:
            return (settings,)
        first, *others = settings.proxy_jump
        # As 'ssh -J a,b': only the first hop's own ProxyJump counts, each other one is reached through the hop before it.
        later = (replace(self.settings(hop), proxy_jump=(), proxy_command=None) for hop in others)
        return (*self._chain(first, (*above, to)), *later, settings)

    def settings(self, to: Target) -> HostSettings:
        """What holds for this one host."""
        reading = Reading(to.host, to.user)
        for file in self.files:
            read = sshfile.read(file, to.host, to.user)
            reading.passed_over += read.passed_over
            for key, values in read.values.items():
                for value in values:
                    reading.take(key, value)
        return _Meaning(reading, to, self).settings()


class _Meaning:
    """Turns the values that hold into settings: defaults, tokens, types."""

    def __init__(self, reading: Reading, to: Target, config: SshConfig) -> None:
        self.reading = reading
        self.to = to
        self.home = config.home
        self.environment = config.environment
        self.port = to.port or self.number("port", DEFAULT_PORT, 1, 65535)
        self.user = to.user or reading.first("user") or getpass.getuser()
        self.hostname = to.host
        self.hostname = (self.tokens(named, "h") if (named := reading.first("hostname")) else to.host).lower()
        for name in (self.hostname, reading.first("hostkeyalias") or "x"):
            if name.startswith("-") or not _NAME.fullmatch(name):
                raise ConfigFault(f"'{displayed(name)}' is no host name")

    def settings(self) -> HostSettings:
        """All of it."""
        jump, command = self.proxy()
        ssh = self.home / ".ssh"
        return HostSettings(
            name=self.to.host,
            hostname=self.hostname,
            port=self.port,
            user=self.user,
            identity_files=tuple(self.identities()),
            identities_only=self.yes("identitiesonly", default=False),
            identity_agent=self.agent(),
            proxy_jump=jump,
            proxy_command=command,
            user_known_hosts=self.paths("userknownhostsfile", tuple(ssh / name for name in KNOWN_HOSTS)),
            system_known_hosts=self.paths("globalknownhostsfile", tuple(SYSTEM / f"ssh_{name}" for name in KNOWN_HOSTS)),
            hash_known_hosts=self.yes("hashknownhosts", default=False),
            host_key_alias=self.reading.first("hostkeyalias"),
            connect_timeout_s=float(self.number("connecttimeout", round(CONNECT_TIMEOUT_S), 1, 3600)),
            methods=self.methods(),
            password_prompts=self.number("numberofpasswordprompts", PASSWORD_PROMPTS, 0, 10),
            passed_over=tuple(self.reading.passed_over),
        )

    def number(self, key: str, default: int, least: int, most: int) -> int:
        """A number in its range. OpenSSH's 'none' is the default."""
        text = self.reading.first(key)
        if text is None or text.lower() == "none":
            return default
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ConfigFault(f"{key} '{text}' for {self.to.host} is no number from {least} to {most}")
        return int(text)

    def yes(self, key: str, *, default: bool) -> bool:
        """yes or no; anything else is the default."""
        return {"yes": True, "true": True, "no": False, "false": False}.get((self.reading.first(key) or "").lower(), default)

    def methods(self) -> tuple[str, ...]:
        """Ways of logging in that are not switched off, in the preferred order."""
        preferred = [name.strip() for name in (self.reading.first("preferredauthentications") or ",".join(METHODS)).split(",")]
        off = {
            "publickey": "pubkeyauthentication",
            "password": "passwordauthentication",
            "keyboard-interactive": "kbdinteractiveauthentication",
        }
        return tuple(name for name in preferred if name in off and self.yes(off[name], default=True))

    def proxy(self) -> tuple[tuple[Target, ...], str | None]:
        """ProxyJump or ProxyCommand, whichever stands first; OpenSSH lets the earlier one win."""
        for key in self.reading.values:
            value = self.reading.first(key) or ""
            if key == "proxyjump":
                if value.lower() == "none":
                    return (), None
                return tuple(target(self.tokens(hop.strip(), "hnpr")) for hop in value.split(",")), None
            if key == "proxycommand":
                return (), None if value.lower() == "none" else self.tokens(value, "hnpr", for_shell=True)
        return (), None

    def identities(self) -> list[Path]:
        """Key files, those named before the usual ones; 'none' is no file at all."""
        named = [name for name in self.reading.values.get("identityfile", []) if name.lower() != "none"]
        if named or "identityfile" in self.reading.values:
            return [self.path(name) for name in named]
        return [self.home / ".ssh" / name for name in IDENTITIES]

    def agent(self) -> str | None:
        """The agent's socket: IdentityAgent, or SSH_AUTH_SOCK."""
        named = self.reading.first("identityagent")
        if named is None or named == "SSH_AUTH_SOCK":
            return self.environment.get("SSH_AUTH_SOCK") or None
        if named.lower() == "none":
            return None
        if named.startswith("$") and not named.startswith("${"):
            return self.environment.get(named[1:]) or None
        return str(self.path(named))

    def paths(self, key: str, default: tuple[Path, ...]) -> tuple[Path, ...]:
        """Files of a list; 'none' is no file."""
        value = self.reading.first(key)
        if value is None:
            return default
        return () if value.lower() == "none" else tuple(self.path(name) for name in value.split())

    def path(self, name: str) -> Path:
        """A file name with tokens, variables and ``~`` put in."""
        full = self.tokens(self.variables(name), "hnprdiLlu")
        return self.home / full[2:] if full.startswith("~/") else Path(full)

    def variables(self, text: str) -> str:
        """``${NAME}`` put in; OpenSSH makes an unset one an error, and so does this."""

        def value(found: re.Match[str]) -> str:
            if found[1] not in self.environment:
                raise ConfigFault(f"'{text}' for {self.to.host}: the environment has no {found[1]}")
            return self.environment[found[1]]

        return _VARIABLE.sub(value, text)

    def tokens(self, text: str, allowed: str, *, for_shell: bool = False) -> str:
        """TOKENS of ssh_config(5), those that this keyword allows, and ``%%``. What goes to a shell holds nothing that it would read."""
        local = socket.gethostname()
        table = {
            "%": "%",
            "h": self.hostname,
            "n": self.to.host,
            "p": str(self.port),
            "r": self.user,
            "d": str(self.home),
            "u": getpass.getuser(),
            "i": str(os.getuid()),
            "l": local,
            "L": local.partition(".")[0],
        }

        def value(found: re.Match[str]) -> str:
            if found[1] != "%" and found[1] not in allowed:
                raise ConfigFault(f"'{text}' for {self.to.host}: unknown token {found[0]}")
            inserted = table[found[1]]
            if for_shell and (set(inserted) & _SPECIAL or inserted.startswith("-")):
                raise ConfigFault(f"'{displayed(inserted)}' must not stand in a ProxyCommand")
            return inserted

        return _TOKEN.sub(value, text)


def displayed(text: str) -> str:
    """Short and printable, for a fault's words."""
    return text.encode("ascii", "backslashreplace").decode("ascii")[:60]
