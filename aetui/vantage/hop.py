"""One jump host from nothing to a ``Link``: the way there, the SSH handshake, its host key, the login.

Every step has its own trouble (``trouble.JumpCode``), so that the user is told which one failed. The user's time at a prompt does not
count against the deadline. Imports paramiko: import this module only where a connection is being made. Not here: the configuration,
streams, replacing a link.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError, Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from paramiko.ssh_exception import IncompatiblePeer

from aetui.vantage import hostkeys, sshauth, way
from aetui.vantage.asker import Accept, Asker, HostKeyQuestion, SecretQuestion
from aetui.vantage.hostkeys import AuthorityOnly, Changed, HostKey, Known, KnownHosts, Revoked
from aetui.vantage.link import Link, why_ended
from aetui.vantage.offload import offload
from aetui.vantage.sshconfig import HostSettings
from aetui.vantage.sshtransport import BridgedTransport
from aetui.vantage.trouble import JumpCode, JumpLost, detail, lost, words

HANDSHAKE_S = 15.0
"""Seconds from the open byte stream to agreed keys."""
END_S = 1.0
"""Seconds that an opening which failed waits for its connection to end."""
FIRST_BYTES = 80
"""Characters of what is no SSH identification that the sentence shows."""

PROPOSALS = (
    ("kex_algo_list", "preferred_kex", "key exchange"),
    ("server_key_algo_list", "preferred_keys", "host key type"),
    ("client_encrypt_algo_list", "preferred_ciphers", "cipher"),
    ("server_encrypt_algo_list", "preferred_ciphers", "cipher"),
    ("client_mac_algo_list", "preferred_macs", "MAC"),
    ("server_mac_algo_list", "preferred_macs", "MAC"),
    ("client_compress_algo_list", "preferred_compression", "compression"),
    ("server_compress_algo_list", "preferred_compression", "compression"),
)
"""Names of the lists of a KEXINIT (RFC 4253 section 7.1), ours, and the word for the kind; in the order in which they must agree."""


MARKERS = ("ext-info-", "kex-strict-")
"""Names in the list of key exchanges that are none (RFC 8308 section 2.1)."""


class Closable(Protocol):
    """What is under a transport and must end with it."""

    async def close(self) -> None:
        """End it."""


@dataclass(slots=True)
class Clock:
    """The deadline of an opening, which stands still while the user is asked."""

    limit: asyncio.Timeout

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """No time passes inside."""
        loop = asyncio.get_running_loop()
        when = self.limit.when()
        left = None if when is None else when - loop.time()
        with suppress(RuntimeError):  # it has just run out
            self.limit.reschedule(None)
        try:
            yield
        finally:
            with suppress(RuntimeError):
                self.limit.reschedule(None if left is None else loop.time() + left)

    @property
    def deadline(self) -> float:
        """When it runs out, as things stand."""
        return self.limit.when() or asyncio.get_running_loop().time() + HANDSHAKE_S


@dataclass(slots=True)
class Opener:
    """Opens hops for one vantage, and remembers which unknown keys the user accepted for now."""

    asker: Asker
    accepted: dict[str, HostKey] = field(default_factory=dict)
    stage: str = "connect"
    """Where the opening stands, a key of assets/jump.toml's details: what a deadline that ran out is told with."""

    async def open(self, settings: HostSettings, via: Link | None, clock: Clock) -> tuple[Link, Closable | None]:
        """The link and what must be closed after it. Raises JumpLost; nothing is left open then."""
        self.stage = "connect"
        proxy = None
        if via is not None:
            sock: Any = await way.channel(via, settings, clock.deadline)
        elif settings.proxy_command:
            proxy = await way.ProxyProcess.start(settings.proxy_command)
            sock = proxy.sock
        else:
            sock = await way.tcp(settings)
        transport = BridgedTransport(sock, f"aetui-jump-read {settings.name}")
        try:
            return await self._over(transport, settings, via, clock), proxy
        except BaseException as error:
            with suppress(TimeoutError):  # over another hop the goodbye may have to wait; the thread sees it off
                async with asyncio.timeout(END_S):
                    await offload(transport.end, f"aetui-jump-close {settings.name}")
            if proxy is not None:
                complaint = await proxy.why() if isinstance(error, JumpLost) and error.trouble.code is JumpCode.HANDSHAKE else ""
                await proxy.close()
                if complaint:
                    raise lost(JumpCode.PROXY_COMMAND, settings.hostname, detail=complaint) from None
            raise

    async def _over(self, transport: BridgedTransport, settings: HostSettings, via: Link | None, clock: Clock) -> Link:
        known = KnownHosts((*settings.user_known_hosts, *settings.system_known_hosts))
        prefer(transport, known.types(settings.known_as) or known.types(hostkeys.bare(settings.known_as)))
        self.stage = "handshake"
        await handshake(transport, settings)
        self.stage = "login"
        await self._check_key(transport, known, settings, clock)
        asked = await self._login(transport, settings, clock)
        return Link(transport, settings.name, via, asked=asked)

    async def _check_key(self, transport: BridgedTransport, known: KnownHosts, settings: HostSettings, clock: Clock) -> None:
        name = settings.known_as
        raw = transport.get_remote_server_key()
        key = HostKey(raw.get_name(), raw.asbytes())
        judged = known.judge(name, key)
        if isinstance(judged, Known):
            return
        if isinstance(judged, (Changed, Revoked, AuthorityOnly)):
            raise _bad_key(BAD[type(judged)], settings, key, str(judged.line.file), str(judged.line.number))
        if name in self.accepted:
            if self.accepted[name] == key:
                return
            raise _bad_key(JumpCode.KEY_CHANGED, settings, key)
        async with clock.stopped():
            choice = await self.asker.host_key(HostKeyQuestion(name, key.type, key.fingerprint))
        if choice is Accept.REFUSE:
            raise _bad_key(JumpCode.KEY_REFUSED, settings, key)
        self.accepted[name] = key
        if choice is Accept.ADD and settings.user_known_hosts:
            with suppress(OSError):  # accepted all the same; it is asked about again next time
                hostkeys.add(settings.user_known_hosts[0], name, key, hash_names=settings.hash_known_hosts)

    async def _login(self, transport: BridgedTransport, settings: HostSettings, clock: Clock) -> bool:
        loop = asyncio.get_running_loop()
        questions: set[Future[str | None]] = set()
        over = threading.Event()

        async def asked(question: SecretQuestion) -> str | None:
            async with clock.stopped():
                return await self.asker.secret(question)

        def ask(question: SecretQuestion) -> str | None:
            answer = asyncio.run_coroutine_threadsafe(asked(question), loop)
            questions.add(answer)
            if over.is_set():  # looked at after adding, as the other side sets it before looking through: one of the two cancels
                answer.cancel()
            try:
                return answer.result()
            except CancelledError:
                return None
            finally:
                questions.discard(answer)

        try:
            return await offload(lambda: sshauth.login(transport, settings, ask), f"aetui-jump-login {settings.name}")
        finally:
            over.set()
            for answer in tuple(questions):
                answer.cancel()


BAD = {Changed: JumpCode.KEY_CHANGED, Revoked: JumpCode.KEY_REVOKED, AuthorityOnly: JumpCode.KEY_AUTHORITY}


def _bad_key(code: JumpCode, settings: HostSettings, key: HostKey, file: str = "", line: str = "") -> JumpLost:
    where = words()["detail"]["file-line"].format(file=file, line=line) if file else detail("this-session")
    return lost(code, settings.known_as, key_type=key.type, fingerprint=key.fingerprint, file=file, line=line, where=where)


def prefer(transport: BridgedTransport, types: tuple[str, ...]) -> None:
    """Ask for the types of host key that are on record first, as OpenSSH does; an RSA key is signed with either SHA-2."""
    wanted = [a for t in types for a in (("rsa-sha2-512", "rsa-sha2-256") if t == "ssh-rsa" else (t,))]
    options = transport.get_security_options()
    options.key_types = sorted(options.key_types, key=lambda name: wanted.index(name) if name in wanted else len(wanted))


class _Bell:
    """Enough of a threading.Event for paramiko to ring the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.rung = asyncio.Event()

    def set(self) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.rung.set)


async def handshake(transport: BridgedTransport, settings: HostSettings) -> None:
    """Identification and key exchange. Raises JumpLost."""
    bell = _Bell()
    transport.banner_timeout = 2 * HANDSHAKE_S
    transport.on_end = bell.set
    transport.start_client(event=bell)  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            await bell.rung.wait()
    except TimeoutError:
        raise _silent(transport, settings) from None
    if not (transport.active and transport.initial_kex_done):
        transport.join(sshauth.LAST_WORDS_S)
        raise handshake_trouble(transport, settings)


def _silent(transport: BridgedTransport, settings: HostSettings) -> JumpLost:
    if transport.remote_version:
        return lost(JumpCode.HANDSHAKE, settings.hostname, detail=detail("timed-out"))
    if transport.packetizer.preface:  # type: ignore[attr-defined]
        return _not_ssh(transport, settings)
    return lost(JumpCode.SILENT, settings.hostname, port=settings.port)


def _not_ssh(transport: BridgedTransport, settings: HostSettings) -> JumpLost:
    first: bytes = transport.packetizer.preface  # type: ignore[attr-defined]
    said = first[:FIRST_BYTES].decode("utf-8", "replace").strip()
    return lost(JumpCode.NOT_SSH, settings.hostname, port=settings.port, detail=f"'{said}'")


def handshake_trouble(transport: BridgedTransport, settings: HostSettings) -> JumpLost:
    """Why the handshake failed."""
    error = transport.failure or transport.saved_exception
    if isinstance(error, IncompatiblePeer):
        kind, offered = missing(transport)
        return lost(JumpCode.TOO_OLD, settings.hostname, kind=kind, detail=offered)
    if not transport.remote_version and transport.packetizer.preface:  # type: ignore[attr-defined]
        return _not_ssh(transport, settings)
    if not transport.remote_version:
        return lost(JumpCode.HANDSHAKE, settings.hostname, detail=detail("hung-up"))
    return lost(JumpCode.HANDSHAKE, settings.hostname, detail=why_ended(transport))


def missing(transport: BridgedTransport) -> tuple[str, str]:
    """The first kind of algorithm on which there is no agreement, and what the far side offers of it."""
    for theirs, ours, kind in PROPOSALS:
        offered = transport.offered.get(theirs)
        names = [name for name in offered or () if not name.startswith(MARKERS)]
        if offered is not None and not set(names) & set(getattr(transport, ours)):
            return kind, ", ".join(names)
    return "SSH protocol version", transport.remote_version
