"""Makes the Path tab's traces, one at a time, and keeps what the tab draws: the trace as it stands, what is being done, what went wrong.

Knows no widget. The engine is imported in a thread when the first trace is asked for; vantage and packet helper stay open for the next.
``changed`` is called for every state: as a rule once a round when live. A failed trace is ``trace.problem``; a vantage that cannot be
had is one line in ``fault``. Cancelling ends all probes at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING

from aetui.screens.launch import Launch
from aetui.screens.packets import Packets
from aetui.screens.path_aim import Aim
from aetui.screens.runner import one_line

if TYPE_CHECKING:
    from aetui.observations import TcpSeen
    from aetui.path.engines import Engines
    from aetui.path.records import Trace
    from aetui.path.run import Options, Run
    from aetui.vantage.asker import Asker
    from aetui.vantage.base import Vantage


class Phase(StrEnum):
    """What is being done."""

    IDLE = "idle"
    """Nothing has been asked for."""
    OPENING = "opening"
    """The vantage is being made ready, the name looked up."""
    TRACING = "tracing"
    """The path fills in."""
    LIVE = "live"
    """It stands; a round a second follows."""
    PAUSED = "paused"
    ENDED = "ended"
    """Stopped, or done, or not possible."""


class Tracing:
    """See the module. ``engines`` replaces what sends the probes."""

    def __init__(
        self,
        changed: Callable[[], None],
        packets: Packets,
        asker: Asker | None = None,
        engines: Callable[[], Engines] | None = None,
        keep: Callable[[Trace], None] = lambda _trace: None,
    ) -> None:
        self.changed = changed
        self.keep = keep
        """Given each trace once: when its first path stands, or when it is stopped before."""
        self._kept = False
        self.aim: Aim | None = None
        self.trace: Trace | None = None
        self.turn = 0
        """Number of the round that ``trace`` ends with."""
        self.phase = Phase.IDLE
        self.fault = ""
        self._packets = packets
        self._asker = asker
        self._make = engines
        self._run: Run | None = None
        self._task: asyncio.Task[None] | None = None
        self._engines: Engines | None = None
        self._vantage: Vantage | None = None
        self._place: tuple[str | None, str] | None = None

    @property
    def busy(self) -> bool:
        """True until the first path stands."""
        return self.phase in {Phase.OPENING, Phase.TRACING}

    @property
    def going(self) -> bool:
        """True while there is something to stop."""
        return self.busy or self.phase in {Phase.LIVE, Phase.PAUSED}

    # ------------------------------------------------------------------------------------------------------------------ orders
    async def start(self, aim: Aim, launch: Launch, known: Sequence[TcpSeen] = ()) -> None:
        """Trace this, in place of what is being traced; ``known`` are the connects that a run has seen."""
        await self.end()
        self.aim, self.trace, self.fault, self.phase = aim, None, "", Phase.OPENING
        self._kept = False
        self._task = asyncio.create_task(self._serve(aim, launch, known), name="aetui-path")
        self.changed()

    def pause(self) -> None:
        """Send nothing more until ``resume``; what is known stays."""
        if self._run is not None and self.phase is Phase.LIVE:
            self._run.hold()
            self._to(Phase.PAUSED)

    def resume(self) -> None:
        """Go on with the rounds."""
        if self._run is not None and self.phase is Phase.PAUSED:
            self._run.go_on()
            self._to(Phase.LIVE)

    def stop(self) -> None:
        """End the trace; what it found stays."""
        if self._task is not None:
            self._task.cancel()

    async def end(self) -> None:
        """As ``stop``; returns when what it found has been kept."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        """End everything and give the vantage back."""
        await self.end()
        await self._leave()

    # ---------------------------------------------------------------------------------------------------------------- at work
    def _to(self, phase: Phase) -> None:
        self.phase = phase
        self.changed()

    async def _serve(self, aim: Aim, launch: Launch, known: Sequence[TcpSeen]) -> None:
        try:
            await asyncio.to_thread(import_module, "aetui.path.run")
            await self._go_to(launch)
            if self._vantage is not None and self._vantage.info.kind == "jump":
                await self._from_jump(aim, self._vantage)
            else:
                await self._follow(aim, known)
        except Exception as error:
            self.fault = one_line(error)
        finally:
            self._run = None
            self._write_down()
            if self._task is asyncio.current_task():
                self._to(Phase.ENDED)

    async def _follow(self, aim: Aim, known: Sequence[TcpSeen]) -> None:
        """As it fills in, then live, until cancelled."""
        from aetui.path.run import Run

        run = self._run = Run(aim.host, aim.port, _options(aim), vantage=self._vantage, known=known, engines=self._engines)
        async with aclosing(run.grow()) as states:
            async for state in states:
                self.trace, self.turn = state, run.round
                if self.busy:
                    self.phase = Phase.LIVE if run.live else Phase.TRACING
                if run.live:
                    self._write_down()
                self.changed()

    def _write_down(self) -> None:
        if not self._kept and self.trace is not None and self.trace.hops:
            self._kept = True
            self.keep(self.trace)

    async def _from_jump(self, aim: Aim, vantage: Vantage) -> None:
        """By the jump host's own tools, once."""
        from aetui.path.run import trace_from_jump

        self._to(Phase.TRACING)
        self.trace = await trace_from_jump(aim.host, aim.port, _options(aim), vantage)

    # --------------------------------------------------------------------------------------------------------------- where from
    async def _go_to(self, launch: Launch) -> None:
        """Have vantage and engines for where the console looks from."""
        place = (launch.demo, "" if launch.demo is not None else launch.vantage)
        if place == self._place:
            return
        await self._leave()
        engines = await asyncio.to_thread(import_module, "aetui.path.engines")
        if self._make is not None:
            self._engines = self._make()
        elif place == (None, "local"):
            self._engines = engines.Engines(helper=await self._packets.ready())
        else:
            self._vantage = await self._open(launch)
            self._engines = engines.Engines(self._vantage)
        self._place = place

    async def _open(self, launch: Launch) -> Vantage:
        preparing = await asyncio.to_thread(import_module, "aetui.prepare")
        vantage: Vantage = preparing.make_vantage(
            preparing.Request(launch.equipment, vantage=launch.vantage, demo=launch.demo), self._asker,
            preparing.load(launch.own_catalogue or preparing.own_catalogue()),
        )  # fmt: skip
        try:
            await vantage.open(asyncio.get_running_loop().time() + preparing.OPENING_S)
        except BaseException:
            await vantage.close()
            raise
        return vantage

    async def _leave(self) -> None:
        engines, vantage = self._engines, self._vantage
        self._engines = self._vantage = self._place = None
        if engines is not None:
            await engines.close()
        if vantage is not None:
            await vantage.close()


def _options(aim: Aim) -> Options:
    from aetui.path.records import Proto
    from aetui.path.run import Options

    return Options(proto=Proto(aim.proto), compare=aim.compare, multipath=aim.branches, names=True, mtu=aim.sizes)
