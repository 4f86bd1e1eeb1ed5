"""The outside half: knock at a site's public address through a jump host, or from this computer, and read what came of it. Knows no
widget.

One question at a time, as a task that ``stop`` ends. The connection to a jump host stays open between questions, so that nobody has to
type a password twice; ``close`` gives it back. What the asker is told (passwords) never comes through here. Trouble with the jump host
or with a name, and a fault of ours, is one sentence in ``fault``. ``changed`` is called at every step.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING

from aetui.causes import describe, load_causes
from aetui.diagnosis.inbound import diagnose
from aetui.display import displayable
from aetui.inbound.confirm import Surroundings, Wanted, determined, inside_targets, public_address, targets
from aetui.inbound.knocking import derive
from aetui.inbound.whole import look
from aetui.screens.inbound_words import say
from aetui.screens.runner import CLOSING_S, one_line
from aetui.screens.words import and_list
from aetui.vantage.base import Vantage, VantageLost

if TYPE_CHECKING:
    from aetui.reach import InboundSeen, Knock
    from aetui.records import Diagnosed

OPENING_S = 60.0
"""Longest time until a jump host is there, besides the time that a person takes to answer."""
WHOLE_S = 30.0
"""Longest time of everything after that."""
LOOKUP_S = 5.0
"""Longest time for the address of a host name."""
LONGEST_FAULT = 600


@dataclass(frozen=True, slots=True)
class Jump:
    """Knock through a jump host, and at the same time through others, from whose addresses it is tried whether just anybody gets in."""

    name: str
    others: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (self.name, *self.others)


@dataclass(frozen=True, slots=True)
class Here:
    """Knock from this computer, which is somewhere else than the site."""


Way = Jump | Here


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be confirmed."""

    way: Way
    public: str = ""
    """Address or name; empty to take what the jump host sees."""
    forwards: tuple[tuple[int, int], ...] = ()
    """Public ports with the equipment's own; empty for both usual ones."""
    inside: tuple[str, ...] = ()
    """The equipment's own addresses, to ask over the LAN."""
    meant: tuple[str, ...] = ()
    """Addresses and networks that alone should be let in; empty where nobody said."""
    code: str | None = None


@dataclass(frozen=True, slots=True)
class OnSite:
    """What the on-site half knows meanwhile."""

    knocks: Callable[[], tuple[Knock, ...]] = tuple
    listening: tuple[int, ...] = ()
    allowed: tuple[str, ...] = ()
    leads: dict[int, int] = field(default_factory=dict)
    """Where the demo's forwards lead: the port that was asked for -> the loopback port."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a question."""

    question: Question
    public: str
    vantage: str
    """Name of the vantage, displayable."""
    seen: InboundSeen
    findings: tuple[Diagnosed, ...]
    determined: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Stage:
    """The vantages of one question, open."""

    outside: Vantage
    here: Vantage
    demo: DemoStage | None = None
    others: tuple[Vantage, ...] = ()
    """More places outside."""


@dataclass(frozen=True, slots=True)
class DemoStage:
    """What the made-up site gives of itself."""

    public: str
    logger: str


class Outside:
    """One console's outside half. ``jump`` makes the vantage of a jump host, ``local`` this computer's; neither is open yet.
    ``worked`` is told the name of every jump host that could be opened, ``keep`` every result."""

    def __init__(
        self,
        changed: Callable[[], None],
        jump: Callable[[str], Vantage],
        local: Callable[[], Vantage],
        worked: Callable[[str], None] = lambda _name: None,
        now: Callable[[], datetime] = datetime.now,
        keep: Callable[[Result], None] = lambda _result: None,
    ) -> None:
        self.changed, self.jump, self.local, self.worked, self.now, self.keep = changed, jump, local, worked, now, keep
        self.question: Question | None = None
        """The last one, running or not."""
        self.step = ""
        """What is being done: ``opening``, ``knocking``; empty where nothing is."""
        self.at = ""
        """The public address that is being knocked at."""
        self.fault = ""
        self.result: Result | None = None
        self.seen_as: str | None = None
        """The site's public address as the jump host that was used last sees it."""
        self.learnt: Callable[[str, str], None] = lambda _address, _host: None
        """Told that address whenever a jump host says it, with the host's name, displayable."""
        self.known: Callable[[], str | None] = lambda: None
        """The site's public address as another tab has learnt it, for a jump host that does not tell."""
        self.needs_address = False
        """True where nobody told the public address, and the person has to."""
        self._held: dict[str, Vantage] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """True while a question runs."""
        return bool(self.step)

    @property
    def host(self) -> str:
        """Name of the jump host that was used last; empty for none."""
        return displayable(next(reversed(self._held), ""), 60)

    # ------------------------------------------------------------------------------------------------------------------ orders
    def ask(self, question: Question, demo: str | None, on_site: OnSite) -> bool:
        """Begin; False where one runs already."""
        if self.busy:
            return False
        self.question, self.fault, self.needs_address = question, "", False
        self.step, self.at = "opening", question.public
        self._task = asyncio.create_task(self._run(question, demo, on_site), name="aetui-confirm")
        self.changed()
        return True

    def stop(self) -> None:
        """End the question that runs."""
        if self._task is not None:
            self._task.cancel()

    def forget(self) -> None:
        """Begin anew: no question, no result."""
        self.stop()
        self.question = self.result = self.seen_as = None
        self.fault, self.needs_address = "", False

    async def close(self) -> None:
        """End everything and give the jump host back; what takes longer than ``CLOSING_S`` ends by itself."""
        self.stop()
        ends = [self._let_go(), *([asyncio.wait({self._task}, timeout=CLOSING_S)] if self._task is not None else [])]
        await asyncio.gather(*ends)

    async def open(self, name: str) -> Vantage:
        """The jump host, open; the one that is open already where there is one and its line still holds. Raises VantageLost."""
        vantage = self._held.get(name)
        if vantage is not None:
            try:
                return await self._used(name, vantage)
            except VantageLost:
                await self._let_go(name)
        vantage = self.jump(name)
        await vantage.open(asyncio.get_running_loop().time() + OPENING_S)
        self._held[name] = vantage
        self.worked(name)
        return await self._used(name, vantage)

    async def _used(self, name: str, vantage: Vantage) -> Vantage:
        """Ask it how it sees us; it is then the one that was used last."""
        self.seen_as = await public_address(vantage)
        if self._held.pop(name, None) is not None:
            self._held[name] = vantage
        if self.seen_as is not None:
            self.learnt(self.seen_as, self.host)
        return vantage

    async def _let_go(self, *names: str) -> None:
        """Close these jump hosts, or all; what takes longer than ``CLOSING_S`` ends by itself."""
        gone = [self._held.pop(name) for name in names or tuple(self._held)]
        self.seen_as = None
        if gone:
            closing = asyncio.gather(*(vantage.close() for vantage in gone), return_exceptions=True)
            await asyncio.wait({closing}, timeout=CLOSING_S)

    # ---------------------------------------------------------------------------------------------------------------- at work
    async def _run(self, question: Question, demo: str | None, on_site: OnSite) -> None:
        try:
            async with self._stage(question, demo, on_site) as stage:
                await self._confirm(question, stage, on_site)
        except Exception as error:
            self.fault = fault_of(error)
        finally:
            self.step = ""
            self.changed()

    @asynccontextmanager
    async def _stage(self, question: Question, demo: str | None, on_site: OnSite) -> AsyncIterator[Stage]:
        async with AsyncExitStack() as stack:
            if demo is not None:
                yield await _demo_stage(demo, on_site, stack)
            elif isinstance(question.way, Jump):
                others = [await self.open(name) for name in question.way.others]
                outside = await self.open(question.way.name)
                yield Stage(outside, await opened(self.local(), stack), others=tuple(others))
            else:
                here = await opened(self.local(), stack)
                yield Stage(here, here)

    async def _confirm(self, question: Question, stage: Stage, on_site: OnSite) -> None:
        public = (
            question.public or (stage.demo.public if stage.demo else None) or await public_address(stage.outside) or self._heard(question)
        )
        if public is None:
            self.needs_address = True
            self.fault = say("outside", "untold")
            return
        self.step, self.at = "knocking", public
        self.changed()
        deadline = asyncio.get_running_loop().time() + WHOLE_S
        wanted = await self._wanted(question, public, stage, deadline)
        around = Surroundings(listening=on_site.listening, allowed=on_site.allowed, inside=stage.here, others=stage.others)
        seen = replace(await look(stage.outside, wanted, deadline, around), knocks=on_site.knocks())
        if stage.demo is not None:
            from aetui.demo.forwarding import told

            seen = told(seen, on_site.leads)
        words = load_causes()
        findings = tuple(describe(words, finding) for finding in diagnose(seen))
        name = say("outside", "demo") if stage.demo else and_list([vantage_name(one) for one in (stage.outside, *stage.others)])
        self.result = Result(question, wanted.targets[0].address, name, seen, findings, determined(seen), self.now())
        self.keep(self.result)

    def _heard(self, question: Question) -> str | None:
        """What another tab has learnt of this site, where this computer is at it."""
        return self.known() if isinstance(question.way, Jump) else None

    async def _wanted(self, question: Question, public: str, stage: Stage, deadline: float) -> Wanted:
        key = derive(question.code) if question.code is not None else None
        address = await _literal(public, stage, deadline)
        places: list[tuple[str, int | None]] = [(address, outer) for outer, _ in question.forwards] or [(address, None)]
        chosen = targets(places, dict(question.forwards))
        inside = question.inside or ((stage.demo.logger,) if stage.demo else ())
        return Wanted(chosen, inside_targets([(one, None) for one in inside], chosen), key=key, meant=question.meant)


def fault_of(error: Exception) -> str:
    """What went wrong, in one displayable sentence."""
    return displayable(one_line(error), LONGEST_FAULT)


def vantage_name(vantage: Vantage) -> str:
    """What a vantage is called on the screen."""
    return say("outside", "here") if vantage.info.kind == "local" else displayable(vantage.info.name, 60)


async def opened(vantage: Vantage, stack: AsyncExitStack) -> Vantage:
    """Open it, to be closed with the stack."""
    stack.push_async_callback(vantage.close)
    await vantage.open(asyncio.get_running_loop().time() + OPENING_S)
    return vantage


async def _literal(public: str, stage: Stage, deadline: float) -> str:
    """The address of a host name, by the vantage that knocks or else by this computer."""
    with suppress(ValueError):
        return str(ip_address(public))
    limit = min(deadline, asyncio.get_running_loop().time() + LOOKUP_S)
    for vantage in dict.fromkeys((stage.outside, stage.here)):
        found = await vantage.lookup(public, limit)
        if found:
            return found[0]
    raise VantageLost(say("outside", "no_address", name=displayable(public, 80)))


async def _demo_stage(scenario: str, on_site: OnSite, stack: AsyncExitStack) -> Stage:
    """The made-up site: knock from its outside, ask its logger."""
    from aetui.demo import forwarding
    from aetui.vantage.demo import DemoVantage

    inside = DemoVantage(scenario)
    forwarding.lead(inside.site, on_site.leads)
    await opened(inside, stack)
    outside = await opened(inside.outside(), stack)
    return Stage(outside, inside, DemoStage(forwarding.public_address(inside.site), forwarding.logger_address(inside.site)))
