"""Runs sessions for the console, one at a time, and keeps what the tabs draw: the state, the diagnosis to show, what is being done,
what to say.

Knows no widget. A vantage is opened once for a choice of equipment and stays open for what is run again; ``close`` ends every probe
within ``CLOSING_S``. While only part of the checks is run again the diagnosis of the last whole picture stays, so that the screen does
not jump. What goes wrong with the vantage or with a file is one line in ``fault``. ``changed`` is called for every event: whoever draws
must coalesce.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from aetui.screens.launch import Launch
from aetui.screens.words import say

if TYPE_CHECKING:
    from aetui.catalogue import Catalogue
    from aetui.packet.client import PacketHelper
    from aetui.prepare import Prepared
    from aetui.records import Diagnosed, Diagnosis
    from aetui.session import Session
    from aetui.state import State
    from aetui.vantage.asker import Asker

WAIT_EVERY_S = 5.0
"""Seconds between two tries of ``wait``: NIST's time servers refuse a client that asks more than once in four."""

WAIT_LIMIT_S = 30 * 60.0
"""Seconds after which ``wait`` stops by itself."""

CLOSING_S = 0.1
"""Seconds that ``close`` waits for the end of what it cancelled."""

Prepare = Callable[[Launch], AbstractAsyncContextManager["Prepared"]]
Packets = Callable[[], Awaitable["PacketHelper"]]
Keep = Callable[[Launch, "Prepared"], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Whole:
    """Every check is run."""


@dataclass(frozen=True, slots=True)
class Again:
    """Some checks are run again."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """One check is run again and again until it holds."""

    id: str
    began: datetime
    ends: datetime
    tries: int = 0
    last: datetime | None = None


Job = Whole | Again | Wait


@dataclass(frozen=True, slots=True)
class Opened:
    """What was waited for has come, or has not: the last word of a ``Wait``."""

    id: str
    at: datetime
    tries: int
    waited_s: float
    held: bool
    """False where the limit came first."""


@asynccontextmanager
async def engine(launch: Launch, asker: Asker | None = None, packets: Packets | None = None) -> AsyncIterator[Prepared]:
    """The real engine, opened for a launch; loaded in a thread the first time, so that the screen stays alive. ``packets`` gives the
    console's packet helper.
    """
    module = await asyncio.to_thread(import_module, "aetui.prepare")
    request = module.Request(
        equipment=launch.equipment,
        vantage=launch.vantage,
        demo=launch.demo,
        own_catalogue=launch.own_catalogue or module.own_catalogue(),
        roots=launch.roots,
        only=launch.only,
        **({} if launch.deadline_s is None else {"deadline_s": launch.deadline_s}),
    )
    helper = await packets() if packets is not None and launch.demo is None and launch.vantage == "local" else None
    async with module.prepare(request, asker=asker, helper=helper) as prepared:
        yield prepared


class Runner:
    """One console's engine room."""

    def __init__(
        self,
        changed: Callable[[], None],
        ring: Callable[[], None] = lambda: None,
        prepare: Prepare | None = None,
        now: Callable[[], datetime] = datetime.now,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self.changed = changed
        self.ring = ring
        self.prepare = prepare or engine
        self.now = now
        self.sleep = sleep
        self.keep: Keep = lambda _launch, _prepared: nullcontext()
        """Writes down what a vantage's sessions do."""
        self.launch: Launch | None = None
        self.catalogue: Catalogue | None = None
        self.state: State | None = None
        self.job: Job | None = None
        self.preparing = False
        self.fault = ""
        self.opened: Opened | None = None
        self.finished: datetime | None = None
        """When the last whole run ended, by this machine's clock."""
        self._held: Diagnosis | None = None
        self._queue: asyncio.Queue[Job] = asyncio.Queue()
        self._server: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._current: asyncio.Task[None] | None = None

    # ----------------------------------------------------------------------------------------------------------- what is shown
    @property
    def busy(self) -> bool:
        """True while something runs or is being made ready."""
        return self.preparing or self.job is not None

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What the rules say; during a partial run, what they said before it."""
        if self._held is not None:
            return self._held
        return self.state.diagnosis if self.state is not None else None

    # ------------------------------------------------------------------------------------------------------------------ orders
    async def run(self, launch: Launch) -> None:
        """Open the vantage of this launch and run every check."""
        async with self._turn:  # two that come together are run one after the other, and the first is ended
            await self._run(launch)

    async def _run(self, launch: Launch) -> None:
        await self.close()
        self.launch, self.state, self.catalogue = launch, None, None
        self.fault, self.opened, self.preparing = "", None, True
        self._queue = asyncio.Queue()
        self._queue.put_nowait(Whole())
        self._server = asyncio.create_task(self._serve(launch), name="aetui-session")
        self.changed()

    def order(self, job: Job) -> bool:
        """Do this on the open vantage; False where there is none or it is busy."""
        if self._server is None or self._server.done() or self.busy:
            return False
        self._queue.put_nowait(job)
        self.job = job
        self.opened = None
        self.changed()
        return True

    def whole(self) -> bool:
        """Everything once more, on the vantage that is open."""
        return self.order(Whole())

    def again(self, ids: Iterable[str]) -> bool:
        """These checks once more."""
        return self.order(Again(tuple(ids)))

    def wait(self, identity: str) -> bool:
        """One check, until it holds or the limit comes."""
        now = self.now()
        return self.order(Wait(identity, now, now + timedelta(seconds=WAIT_LIMIT_S)))

    def stop(self) -> None:
        """End what runs; the vantage stays open."""
        if self._current is not None:
            self._current.cancel()
        elif self.preparing and self._server is not None:
            self._server.cancel()

    async def close(self) -> None:
        """End everything and give the vantage back."""
        server, self._server = self._server, None
        if server is not None and not server.done():
            server.cancel()
            await asyncio.wait({server}, timeout=CLOSING_S)
        self.job, self.preparing, self._held = None, False, None

    # ---------------------------------------------------------------------------------------------------------------- at work
    async def _serve(self, launch: Launch) -> None:
        try:
            async with self.prepare(launch) as prepared:
                await asyncio.to_thread(import_module, "aetui.store")
                with self.keep(launch, prepared):
                    self._ready(prepared)
                    while True:
                        await self._one(prepared, await self._queue.get())
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.fault = one_line(error)
        finally:
            if asyncio.current_task() is self._server:
                self.preparing, self.job = False, None
                self.changed()

    def _ready(self, prepared: Prepared) -> None:
        self.preparing = False
        self.catalogue = prepared.catalogue
        session = prepared.session
        self.state = session.state
        session.listeners = (*session.listeners, lambda _event: self.changed())

    async def _one(self, prepared: Prepared, job: Job) -> None:
        """One job, as a task of its own that ``stop`` can cancel."""
        self.job = job
        task = self._current = asyncio.create_task(self._do(prepared, job))
        try:
            await asyncio.wait({task})
        finally:
            self._current = None
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            self.job, self._held = None, None
            self.changed()
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error

    async def _do(self, prepared: Prepared, job: Job) -> None:
        session = prepared.session
        match job:
            case Whole():
                async with prepared.awaiting_silence():
                    await session.run()
                self.finished = self.now()
                await _locate(prepared)
            case Again():
                self._held = session.state.diagnosis
                async with prepared.awaiting_silence():
                    await session.again(job.ids)
                await _locate(prepared)
            case Wait():
                await self._wait(session, job)

    async def _wait(self, session: Session, job: Wait) -> None:
        while True:
            self._held = session.state.diagnosis
            self.job = job = replace(job, tries=job.tries + 1, last=self.now())
            self.changed()
            await session.again((job.id,))
            held = session.state.reading(job.id).status.value in {"pass", "warn"}
            now = self.now()
            if held or now + timedelta(seconds=WAIT_EVERY_S) > job.ends:
                self.opened = Opened(job.id, now, job.tries, (now - job.began).total_seconds(), held)
                self.ring()
                return
            self._held = None
            self.changed()
            await self.sleep(WAIT_EVERY_S)


async def _locate(prepared: Prepared) -> None:
    """Tell the diagnosis where the ports that fail die, as ``aetui check`` does."""
    if any(finding.cause in {"filtered", "rejected", "unreachable"} for finding in prepared.session.state.diagnosis.findings):
        locating = await asyncio.to_thread(import_module, "aetui.locating")
        await locating.locate_failures(prepared.session, prepared.helper)


def one_line(error: Exception) -> str:
    """What a refused request, a lost vantage or a wrong file says; anything else is a fault of ours, and said to be one."""
    from aetui.prepare import Refused
    from aetui.strict import DataError
    from aetui.vantage.base import VantageLost

    if isinstance(error, (Refused, DataError, VantageLost)):
        return " ".join(str(error).split())
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return say("verdict", "own_fault", kind=type(error).__name__, text=" ".join(str(error).split()))


def describe_all(diagnosis: Diagnosis) -> tuple[Diagnosed, ...]:
    """The findings with their words."""
    causes = import_module("aetui.causes")
    words = causes.load_causes()
    return tuple(causes.describe(words, finding) for finding in diagnosis.findings)
