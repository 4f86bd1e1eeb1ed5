"""What a guide's checks are run with: the session on this site, places outside, the packet helper. Opened once a visit, given back in the
end.

Raises ``prepare.Refused`` and ``strict.DataError`` for what is wrong with the request, ``VantageLost`` where this site's vantage cannot
be had. A place outside that cannot be had is data: ``Outside.why``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from aetui.catalogue import Catalogue
from aetui.causes import Words, load_causes
from aetui.entries import InboundDone, Knocked, TraceDone
from aetui.lan.look import Eyes
from aetui.prepare import Request, prepare
from aetui.probes.base import Credentials, Settings
from aetui.session import Listener, Session
from aetui.vantage.asker import Asker
from aetui.vantage.base import Vantage, VantageLost

if TYPE_CHECKING:
    from aetui.inbound.public import Reading
    from aetui.packet.client import PacketHelper

Beside = InboundDone | Knocked | TraceDone
JUMP = "jump:"
_ELSEWHERE = "raw packets are sent from this computer itself only."
_WHY_NOT = {"demo": "the demo sends no raw packets."}
JUMP_OPENING_S = 60.0
"""Longest wait for a jump host: a passphrase may be asked for."""


class Outside:
    """Places outside, opened when first needed and kept."""

    def __init__(self, inside: Vantage, asker: Asker | None = None) -> None:
        self._inside = inside
        self._asker = asker
        self._open: dict[str, Vantage] = {}
        self.why = ""
        """Why the last one asked for could not be had."""

    async def at(self, name: str) -> Vantage | None:
        """The vantage of that name (``jump:NAME``, ``ssh:NAME`` or a bare NAME; any in the embedded site); None where it cannot be had."""
        if name not in self._open:
            try:
                vantage = self._make(name)
                await vantage.open(asyncio.get_running_loop().time() + JUMP_OPENING_S)
            except (VantageLost, ValueError) as error:
                self.why = str(error)
                return None
            self._open[name] = vantage
        return self._open[name]

    def _make(self, name: str) -> Vantage:
        from aetui.vantage.choose import KINDS, make, parse
        from aetui.vantage.demo import DemoVantage

        if isinstance(self._inside, DemoVantage):
            return self._inside.outside()
        return make(parse(name if name.partition(":")[0] in KINDS else f"{JUMP}{name}"), self._asker)

    async def forget(self, name: str) -> None:
        """Let a place go that is lost; it is opened anew when it is needed again."""
        vantage = self._open.pop(name, None)
        if vantage is not None:
            await vantage.close()

    async def close(self) -> None:
        """All of them."""
        for name in tuple(self._open):
            await self.forget(name)


class Keep(Protocol):
    """Takes what belongs into a session's journal, all that came together at once."""

    def __call__(self, *found: Beside) -> None:
        """Write it down."""


@dataclass(slots=True)
class World:
    """Everything that an action may use."""

    session: Session
    catalogue: Catalogue
    outside: Outside
    eyes: Eyes
    causes: Words = field(default_factory=load_causes)
    demo: str | None = None
    helper: PacketHelper | None = None
    """The program's packet helper, for a port under 1024."""
    keep: Keep = lambda *found: None
    """Gets what is found beside the session's own events, for its journal: knocks, inbound looks, traces."""
    tell: Callable[[str], None] = lambda line: None
    """Gets a line that a person must see while a check still runs (the listener's code)."""
    learn: Callable[[Reading], None] = lambda reading: None
    """Gets what was told of the site's public address."""

    _settings: Settings | None = None
    """Those of the request, while a login that was typed is used beside them."""

    def log_in(self, login: Credentials) -> None:
        """Use a login that somebody typed at every FTP server of the catalogue, until ``log_out`` or the end of the visit."""
        self.log_out()
        hosts = [each.host for each in self.catalogue.endpoints if any(service.speaks == "ftp" for service in each.services)]
        self._settings = self.session.settings
        self.session.settings = replace(self._settings, credentials={**self._settings.credentials, **dict.fromkeys(hosts, login)})

    def log_out(self) -> None:
        """Forget it."""
        if self._settings is not None:
            self.session.settings, self._settings = self._settings, None

    @property
    def here(self) -> Vantage:
        """The vantage at the site."""
        return self.session.vantage


@asynccontextmanager
async def opened(
    request: Request, listeners: tuple[Listener, ...] = (), asker: Asker | None = None, helper: PacketHelper | None = None
) -> AsyncIterator[World]:
    """A world for as long as the context lasts; its session has begun and holds no check yet. ``helper`` is its owner's to close."""
    own = helper is None
    helper = helper or _helper()
    async with prepare(request, listeners, asker, helper=helper) as prepared:
        session = prepared.session
        session.checks = ()
        outside = Outside(session.vantage, asker)
        try:
            await session.run()
            yield World(session, prepared.catalogue, outside, _eyes(session.vantage, helper), demo=request.demo, helper=helper)
        finally:
            await outside.close()
            if own:
                await helper.close()


def _helper() -> PacketHelper:
    """A packet helper, which the first request starts."""
    from aetui.packet.client import PacketHelper

    return PacketHelper()


def _eyes(vantage: Vantage, helper: PacketHelper) -> Eyes:
    """With the packet helper, where this machine itself is the vantage and may have one."""
    if vantage.info.kind != "local":
        return Eyes(vantage, None, _WHY_NOT.get(vantage.info.kind, _ELSEWHERE))
    lacking = helper.lacking()
    return Eyes(vantage, helper if lacking is None else None, lacking)
