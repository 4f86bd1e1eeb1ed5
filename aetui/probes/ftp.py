"""An FTP control connection and, with a login that the user gave, its data connections, each kind told apart (RFC 959, RFC 2389, RFC
2428).

Without credentials for the host: greeting and FEAT, then QUIT. With them: USER and PASS, and one real LIST over each kind of data
connection. The address of a 227 is recorded as the server wrote it and tried as written; where that fails and the control connection's
own is another, that one is tried too, as many clients would. No AUTH is tried, and no login but the one given; user name and password
appear in no record. A reply is waited for 4 s at most, a data connection 2.5 s. ``about['address']`` names the peer where the check
before did not carry it over.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from aetui.observations import Ended, FtpSeen, FtpTransfer
from aetui.probes.base import Credentials, Given, Measured, Settings
from aetui.probes.common import stream_of, target
from aetui.probes.ftpcontrol import Control
from aetui.probes.ftpdata import Data
from aetui.records import Check
from aetui.vantage.base import Capability, StreamEnded, Vantage
from aetui.wire import ftp

LONGEST_BANNER = 1024
"""Characters kept of a greeting."""
NOT_SENDABLE = "not sent: the name or the password holds characters that FTP cannot carry"
"""In place of a reply to a login that was not tried."""

_READY, _SOON, _NEEDS_PASSWORD = 220, 120, 331


async def measure(check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
    """Greeting, features, and what a login allows."""
    stream, peer = stream_of(check, given), target(check, given)
    control = Control(stream, deadline)
    visit = _Visit(control, Data(control, vantage, peer))
    try:
        ended = await visit.run(settings.credentials.get(check.host or ""), Capability.ACCEPT in vantage.capabilities)
    except StreamEnded as end:
        ended = end.ended
    finally:
        stream.close()
    seen = FtpSeen(ended, visit.banner, visit.features, visit.login, tuple(visit.transfers), control.strange_bytes)
    return Measured(discreet(seen, settings.credentials.get(check.host or "")), address=peer)


def discreet(seen: FtpSeen, login: Credentials | None) -> FtpSeen:
    """The same without any text in which the server repeats the login: of a reply its code is left, of strange bytes nothing."""
    if login is None:
        return seen
    secrets = tuple(filter(None, (login.user, login.password)))

    def quiet(text: str | None) -> str | None:
        return text[:3] if text and any(secret in text for secret in secrets) else text

    told = any(secret.encode() in seen.first_bytes for secret in secrets)
    transfers = tuple(replace(t, reply=quiet(t.reply), listing=quiet(t.listing)) for t in seen.transfers)
    return replace(seen, transfers=transfers, first_bytes=b"" if told else seen.first_bytes)


class _Visit:
    """What one visit to a server has shown so far."""

    def __init__(self, control: Control, data: Data) -> None:
        self.control = control
        self.data = data
        self.banner: str | None = None
        self.features: tuple[str, ...] = ()
        self.login: str | None = None
        self.transfers: list[FtpTransfer] = []

    async def run(self, credentials: Credentials | None, accepts: bool) -> Ended:
        """The whole visit; StreamEnded where the control connection breaks before the transfers."""
        greeting = await self.control.reply()
        if greeting.code == _SOON:
            greeting = await self.control.last_reply(greeting)
        self.banner = f"{greeting.code} {' '.join(greeting.lines)}"[:LONGEST_BANNER].rstrip()
        if greeting.code != _READY:
            return Ended.DECLINED
        self.features = ftp.features(await self.control.ask("FEAT"))
        if credentials and await self._log_in(credentials):
            await self._transfer(accepts)
        if self.data.lost is None:
            with suppress(StreamEnded):
                await self.control.send(ftp.command("QUIT"))
        return self.data.lost or Ended.DONE

    async def _log_in(self, credentials: Credentials) -> bool:
        if not ftp.sendable(credentials.user + credentials.password):
            self.login = NOT_SENDABLE
            return False
        reply = await self.control.ask("USER", credentials.user)
        if reply.code == _NEEDS_PASSWORD:
            reply = await self.control.ask("PASS", credentials.password)
        told = any(secret and secret in reply.text for secret in (credentials.user, credentials.password))
        self.login = str(reply.code) if told else reply.text
        return reply.positive

    async def _transfer(self, accepts: bool) -> None:
        """Each kind in turn, as long as the control connection lives and time is left: only the last may have been cut short."""
        for attempt in (self.data.pasv, self.data.epsv, self.data.active) if accepts else (self.data.pasv, self.data.epsv):
            if self.data.lost is None and not self.control.late and (transfer := await attempt()):
                self.transfers.append(transfer)
