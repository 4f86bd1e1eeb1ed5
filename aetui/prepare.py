"""From what a user asked for to a session that is ready to run: vantage opened, catalogue read, plan made.

The command line, the console and the tests all come through here, so that they differ only in the vantage that goes in and in who listens.
Raises ``Refused`` with one clear sentence where the request itself is wrong; ``VantageLost`` where the vantage cannot be had.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from aetui.catalogue import Catalogue, load
from aetui.plan import Options, matches, plan
from aetui.probes import warm
from aetui.probes.base import Credentials, Settings
from aetui.records import Check
from aetui.session import DEADLINE_S, UNANSWERED_S, Listener, Session
from aetui.vantage.base import Vantage

if TYPE_CHECKING:
    from aetui.packet.client import PacketHelper
    from aetui.vantage.asker import Asker

OPENING_S = 20.0
"""Longest wait for a vantage to be ready: an SSH login with a person typing a password takes its time."""

LONGEST_DEADLINE_S = 600.0
"""No run needs more; a larger value is a slip of the finger."""


class Refused(Exception):
    """The request cannot be carried out as it stands; the text says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asked for."""

    equipment: tuple[str, ...]
    vantage: str = "local"
    demo: str | None = None
    """A scenario of the embedded site, in place of any vantage."""
    only: tuple[str, ...] = ()
    stated: bool = False
    deadline_s: float = DEADLINE_S
    own_catalogue: Path | None = None
    roots: Path | None = None
    opinions: tuple[str, ...] = ()
    ftp_login: Credentials | None = None
    """For every FTP host of the equipment."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A session ready to run, and what it was made from."""

    session: Session
    vantage: Vantage
    catalogue: Catalogue
    helper: PacketHelper | None = None
    """The program's packet helper, where it has one."""

    @asynccontextmanager
    async def awaiting_silence(self) -> AsyncIterator[None]:
        """While the session runs: what tells at which hop a port dies is loaded and started before the silence is over, not after it, when
        little of the run's time is left. What goes wrong with that is told by whoever traces then."""
        ahead = asyncio.create_task(self._make_ready())
        try:
            yield
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    async def _make_ready(self) -> None:
        await asyncio.sleep(UNANSWERED_S)
        locating = await asyncio.to_thread(import_module, "aetui.locating")
        await locating.make_ready(self.session, self.helper)


def own_catalogue() -> Path | None:
    """The user's own catalogue file where there is one: AETUI_CATALOGUE, else catalogue.toml in the configuration folder."""
    named = os.environ.get("AETUI_CATALOGUE")
    if named:
        return Path(named)
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    default = folder / "aetui" / "catalogue.toml"
    with suppress(PermissionError):  # a folder that this user may not enter holds nothing of this user's
        return default if default.is_file() else None
    return None


def known(catalogue: Catalogue, equipment: tuple[str, ...]) -> None:
    """Refuse equipment that the catalogue does not have, with the nearest name."""
    for key in equipment:
        if key not in catalogue.equipment:
            near = catalogue.nearest(key)
            hint = f"; did you mean {near}?" if near else f"; known are {', '.join(catalogue.equipment)}"
            raise Refused(f"unknown equipment '{key[:40]}'{hint}")


def _roots(named: Path | None) -> Path | None:
    path = named or (Path(os.environ["AETUI_CA_BUNDLE"]) if os.environ.get("AETUI_CA_BUNDLE") else None)
    if path is not None:
        try:
            if b"-----BEGIN CERTIFICATE-----" not in path.read_bytes():
                raise Refused(f"{path}: holds no certificate in PEM form")
        except OSError as error:
            raise Refused(f"{path}: {error.strerror or 'cannot be read'}") from None
    return path


def check_request(request: Request) -> Catalogue:
    """Everything that can be refused before any packet is sent. Raises Refused or ``strict.DataError``."""
    catalogue = load(request.own_catalogue)
    if not request.equipment:
        raise Refused(f"name the EQUIPMENT: {', '.join(catalogue.equipment)}")
    known(catalogue, request.equipment)
    if not 0.1 <= request.deadline_s <= LONGEST_DEADLINE_S:
        raise Refused(f"a deadline of {request.deadline_s:g} s is not between 0.1 and {LONGEST_DEADLINE_S:g}")
    _roots(request.roots)
    return catalogue


def make_vantage(
    request: Request, asker: Asker | None = None, catalogue: Catalogue | None = None, helper: PacketHelper | None = None
) -> Vantage:
    """The vantage that a request names, not opened yet; the embedded site serves the catalogue's hosts. ``helper`` is the program's own
    packet helper, where it has one. Raises Refused.
    """
    if request.demo is not None:
        from aetui.demo.places import from_catalogue
        from aetui.demo.scenario import UnknownScenarioError
        from aetui.demo.scenario import load as load_scenario
        from aetui.vantage.demo import DemoVantage

        try:
            scenario = load_scenario(request.demo)
            return DemoVantage(scenario, from_catalogue(scenario, catalogue))
        except UnknownScenarioError as error:
            raise Refused(str(error)) from None
    if request.vantage == "local":
        from aetui.vantage.local import LocalVantage

        return LocalVantage(helper=helper)
    from aetui.vantage.choose import make, parse

    try:
        return make(parse(request.vantage), asker)
    except ValueError as error:
        raise Refused(str(error)) from None


def _settings(request: Request, vantage: Vantage, checks: tuple[Check, ...]) -> Settings:
    login = request.ftp_login
    credentials = {check.host: login for check in checks if check.kind == "ftp" and check.host} if login else {}
    settings = Settings(roots=_roots(request.roots), credentials=credentials)
    return replace(
        settings,
        roots=settings.roots or getattr(vantage, "roots", None),
        machine_roots=getattr(vantage, "machine_roots", None),
    )


def _checks(request: Request, catalogue: Catalogue, vantage: Vantage) -> tuple[Check, ...]:
    options = Options(stated=request.stated or bool(request.only), nonce=f"x{secrets.token_hex(8)}", opinions=request.opinions)
    everything = plan(catalogue, request.equipment, vantage.info, options)
    needed = [check for check in everything if check.equipment]
    for one in request.only:
        if not matches(needed, one):
            raise Refused(f"--only '{one[:60]}' names no check of {', '.join(request.equipment)}")
    return plan(catalogue, request.equipment, vantage.info, replace(options, only=request.only)) if request.only else everything


@asynccontextmanager
async def prepare(
    request: Request,
    listeners: tuple[Listener, ...] = (),
    asker: Asker | None = None,
    vantage: Vantage | None = None,
    helper: PacketHelper | None = None,
) -> AsyncIterator[Prepared]:
    """A session for a request, its vantage open for as long as the context lasts. A vantage that is given is used in place of the request's."""
    catalogue = check_request(request)
    vantage = vantage or make_vantage(request, asker, catalogue, helper)
    try:
        await vantage.open(asyncio.get_running_loop().time() + OPENING_S)
        checks = _checks(request, catalogue, vantage)
        settings = _settings(request, vantage, checks)
        await asyncio.to_thread(warm, settings)
        session = Session(vantage, checks, request.equipment, settings, request.deadline_s, listeners)
        yield Prepared(session, vantage, catalogue, helper)
    finally:
        await vantage.close()
