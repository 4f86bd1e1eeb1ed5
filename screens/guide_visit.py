"""One visit with the guide: which guides there are, the walk, its checks as they run, and the journal. Knows no widget; ``changed`` is
called for everything that happens.

Checks run by themselves when the walk comes to them; every answer and result is in the history before the next step is shown. Real walks
are saved unless the launch says otherwise, walks through the embedded site only where it asks for it; those are kept for as long as the
console runs. Given what a guide knows before its first step: ``interpreter`` fills the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING

from aetui.catalogue import Catalogue, load
from aetui.display import displayable
from aetui.entries import About
from aetui.guide.interpreter import Answer, Found, Taken, Wrong
from aetui.guide.library import Library, own_folder
from aetui.guide.library import load as load_guides
from aetui.guide.records import Check, Guide, Question, Seen
from aetui.guiding import login
from aetui.guiding.journal import StoreKeeper
from aetui.guiding.walker import Walker
from aetui.guiding.words import say
from aetui.prepare import own_catalogue
from aetui.screens.guide_earlier import Earlier, earlier, next_title
from aetui.screens.guide_room import Room, request_of
from aetui.screens.learnt import Learnt, here
from aetui.screens.runner import one_line
from aetui.store.jumphosts import is_name, remember, remembered
from aetui.store.place import StoreError
from aetui.strict import DataError

if TYPE_CHECKING:
    from aetui.guiding.world import World
    from aetui.inbound.public import Reading
    from aetui.screens.launch import Launch
    from aetui.store import Journal

MOST_HEARD = 40
"""Lines of a running check that are kept."""


class Visit:
    """See the module."""

    def __init__(
        self, room: Room, launch: Callable[[], Launch], name: Callable[[], str], changed: Callable[[], None], learnt: Learnt | None = None
    ) -> None:
        self.room, self.launch, self.changed = room, launch, changed
        self.name = name
        """What the site is called now; displayable."""
        self.learnt = learnt or Learnt()
        self.catalogue: Catalogue | None = None
        self.library: Library | None = None
        self.earlier: tuple[Earlier, ...] = ()
        self.looked_for = name()
        """The site whose walks those are."""
        self.guide: Guide | None = None
        """Being walked, or being made ready for it."""
        self.walker: Walker | None = None
        self.fault = ""
        self.trouble = ""
        """Why the walk is not saved, where it was to be."""
        self.wrong: Wrong | None = None
        """What is wrong with the last answer."""
        self.heard: list[str] = []
        """What must be seen while a check still runs; displayable."""
        self.began = 0.0
        self.resumed = 0
        self.demo: str | None = None
        """The embedded site that is walked on; None for a real one."""
        self._kept: dict[tuple[str, str | None], Earlier] = {}
        self._running: asyncio.Task[Seen] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._journal: Journal | None = None

    # ----------------------------------------------------------------------------------------------------------- what is shown
    @property
    def running(self) -> bool:
        """True while a check runs."""
        return self._running is not None

    @property
    def elapsed_s(self) -> float:
        """How long the check has been running."""
        return monotonic() - self.began

    @property
    def why_not(self) -> str:
        """What keeps the visit from going on; one line."""
        return self.fault or self.room.fault

    @property
    def saving(self) -> bool:
        """True where the walk is in the history."""
        return self._journal is not None and self._journal.saving

    @property
    def seen(self) -> tuple[tuple[str, Seen], ...]:
        """The checks since a person's last step, with their titles."""
        taken = self.walker.walk.taken if self.walker is not None else ()
        first = len(taken)
        while first and isinstance(taken[first - 1], Found):
            first -= 1
        return self._seen_from(first)

    @property
    def seen_so_far(self) -> tuple[tuple[str, Seen], ...]:
        """Every check of the walk."""
        return self._seen_from(0)

    def _seen_from(self, first: int) -> tuple[tuple[str, Seen], ...]:
        if self.walker is None:
            return ()
        pairs = zip(self.walker.trodden[first:], self.walker.walk.taken[first:], strict=True)
        return tuple((at.title, each.seen) for at, each in pairs if isinstance(each, Found))

    # ---------------------------------------------------------------------------------------------------------------- choosing
    async def load(self) -> None:
        """Read the guides, and which walks were left."""
        try:
            self.catalogue, self.library = await asyncio.to_thread(_read, self.launch())
        except DataError as wrong:
            self.fault = displayable(str(wrong), 400)
        await self.look_back()

    async def look_back(self) -> None:
        """Which walks can be taken up again."""
        if self.library is not None:
            launch, site = self.launch(), self.name()
            found = await asyncio.to_thread(earlier, self.library, _given(launch.demo), demo=launch.demo is not None, site=site)
            self.looked_for = site
            kept = [each for (_, demo), each in self._kept.items() if demo == launch.demo]
            newest = {each.guide.key: each for each in sorted((*found, *kept), key=lambda each: each.left)}
            self.earlier = tuple(sorted(newest.values(), key=lambda each: each.left, reverse=True))
        self.changed()

    async def begin(self, guide: Guide, taken: tuple[Taken, ...] = ()) -> None:
        """Walk a guide, from the beginning or from what is known already."""
        await self.leave()
        assert self.catalogue is not None
        self.guide, self.fault, self.resumed = guide, "", 0
        self.changed()
        launch, catalogue = self.launch(), self.catalogue
        self.demo = launch.demo
        await asyncio.to_thread(import_module, "aetui.store")
        self._journal = self._open_journal(launch, catalogue)
        request = request_of(launch, guide.equipment or tuple(catalogue.equipment))
        world = await self.room.open(request, (self._journal,) if self._journal is not None else ())
        if world is not None and self.guide is guide:
            world.tell = self._hear
            if self._journal is not None:
                world.keep = self._journal.keep
            world.learn = partial(self._learn, here(launch.demo, launch.vantage))
            self._walk(guide, world, taken)
        self.changed()

    def _open_journal(self, launch: Launch, catalogue: Catalogue) -> Journal | None:
        if not (launch.save if launch.save is not None else launch.demo is None):
            return None
        from aetui import __version__
        from aetui.store import Journal

        said = About("guide", self.name(), "", __version__, catalogue.version, catalogue.sha256, catalogue.changes)
        return Journal(said, self._trouble)

    def _walk(self, guide: Guide, world: World, taken: tuple[Taken, ...]) -> None:
        given = self._given() | {"vantage": displayable(world.here.info.name)}
        keeper = StoreKeeper(self._journal, world.session.at) if self._journal is not None else None
        self.walker = Walker(guide, given, keeper)
        if taken:
            self.resumed = self.walker.take_up(taken)
        self._advance()

    def _given(self) -> dict[str, str]:
        """What is known before the first step: what another tab has learnt too."""
        known = self.learnt.public(here(self.demo, self.launch().vantage))
        hosts = remembered() if self.demo is None else ()
        return _given(self.demo) | {
            "public": known.address if known is not None else "",
            "jump_host": displayable(hosts[0]) if hosts else "",
        }

    def _learn(self, where: str, reading: Reading) -> None:
        """The other tabs know it from now on; a jump host that worked is offered the next time."""
        self.learnt.read(where, reading)
        name = self.walker.known.get("outside", "") if self.walker is not None and reading.opened and self.demo is None else ""
        if is_name(name):
            with suppress(StoreError):
                remember(name)

    def refresh(self) -> None:
        """Another tab may have learnt something meanwhile."""
        if self.walker is not None and self.walker.learn("public", self._given()["public"]):
            self.changed()

    def _tell(self) -> None:
        """A public address that was typed is known to the other tabs."""
        assert self.walker is not None
        last = self.walker.walk.taken[-1]
        step = self.walker.guide.steps.get(last.step)
        if isinstance(last, Answer) and isinstance(step, Question) and step.saves == "public":
            self.learnt.type(here(self.demo, self.launch().vantage), last.text)

    async def leave(self) -> None:
        """Back to the choice of guides; the walk is kept."""
        self.stop()
        if self._asking is not None:
            self._asking.cancel()
        walker, self.walker, guide, self.guide = self.walker, None, self.guide, None
        self.wrong, self.heard, self.trouble, self.fault = None, [], "", "" if self.library is not None else self.fault
        if walker is not None and guide is not None:
            self._keep(guide, walker)
        self.room.fault = ""
        await self.room.close()
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _keep(self, guide: Guide, walker: Walker) -> None:
        """What the history does not hold is remembered while the console runs."""
        here, taken = (guide.key, self.demo), walker.walk.taken
        self._kept.pop(here, None)
        if taken and walker.conclusion is None and not self.saving:
            self._kept[here] = Earlier(guide, taken, datetime.now(UTC), "", next_title(guide, taken, _given(self.demo)))

    # ----------------------------------------------------------------------------------------------------------------- walking
    def answer(self, text: str) -> bool:
        """What a person typed or chose; False where it does not fit (``wrong`` says why). A login is asked for first."""
        if self.walker is not None and self.walker.means_login(text):
            self._asking = asyncio.create_task(self._log_in(self.walker, text), name="aetui-guide-login")
            return True
        return self._took(self.walker.answer(text) if self.walker is not None else Wrong("not-now"))

    async def _log_in(self, walker: Walker, text: str) -> None:
        """Have the login typed; the walk takes that there was one."""
        world, asker = self.room.world, self.room.asker
        if world is not None and asker is not None and await login.obtain(world, asker) and walker is self.walker:
            self._took(walker.answer(text))

    def go_on(self) -> bool:
        """An instruction was followed."""
        return self._took(self.walker.go_on() if self.walker is not None else Wrong("not-now"))

    def back(self) -> bool:
        """Before the last step that a person took; False at the beginning."""
        if self.walker is None:
            return False
        self.stop()
        went = self.walker.back()
        self.wrong = None
        if went:
            self._advance()
        self.changed()
        return went

    def stop(self) -> None:
        """End the check that runs; nothing is taken from it."""
        if self._running is not None:
            self._running.cancel()
            self._running = None
            self.changed()

    def check(self) -> None:
        """Run this step's check, which was stopped."""
        self._advance()

    def _took(self, wrong: Wrong | None) -> bool:
        self.wrong = wrong
        if wrong is None:
            self.resumed = 0
            self._tell()
            self._advance()
        self.changed()
        return wrong is None

    def _advance(self) -> None:
        """Run what the machine can find out by itself."""
        walker, world = self.walker, self.room.world
        if walker is None or world is None or self._running is not None or not isinstance(walker.showing.step, Check):
            return
        self.heard, self.began = [], monotonic()
        self._running = task = asyncio.create_task(walker.run(world), name="aetui-guide-check")
        task.add_done_callback(self._ran)
        self.changed()

    def _ran(self, task: asyncio.Task[Seen]) -> None:
        if task is not self._running:
            return
        self._running = None
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self.fault = one_line(error)
        elif not task.cancelled():
            self._advance()
        self.changed()

    def _hear(self, text: str) -> None:
        self.heard = [*self.heard, text][-MOST_HEARD:]
        self.changed()

    def _trouble(self, why: str) -> None:
        self.trouble = displayable(why, 300)
        self.changed()


def _given(demo: str | None) -> dict[str, str]:
    """What a guide knows before its first step: the embedded site has a place outside of its own."""
    return {"outside": say("public", "demo") if demo is not None else "", "public": "", "ftp_login": ""}


def _read(launch: Launch) -> tuple[Catalogue, Library]:
    catalogue = load(launch.own_catalogue or own_catalogue())
    return catalogue, load_guides(catalogue, own_folder())
