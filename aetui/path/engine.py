"""The seam between the tracer and whatever sends probes: an engine opens a channel for one flow, and the channel tells a sink what it
hears.

Engines judge nothing, retry nothing and keep no time beyond the round trip of each probe. What cannot be sent is told by ``failed``,
once, as data; an engine raises only for our own bugs. All calls are on the event loop's thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aetui.path.records import Flow, Heard, Method, Problem


class Sink(Protocol):
    """Where a channel reports. ``serial`` is the number given with ``send``."""

    def heard(self, serial: int, heard: Heard) -> None:
        """A reply to that probe; a second one to the same probe is ignored by the sink."""

    def failed(self, problem: Problem) -> None:
        """Probes of this flow cannot be sent, or no longer."""


class Channel(Protocol):
    """Sends the probes of one flow."""

    @property
    def own(self) -> str | None:
        """This machine's address on the way there, where known."""

    @property
    def unclaimed(self) -> int:
        """Replies about this flow that quote too little to tell which probe they answer; one at a time they can be told."""

    def send(self, serial: int, ttl: int, *, alone: bool = False) -> None:
        """One probe, at once; ``alone`` where no other is in flight, so that whatever comes answers this one."""

    def close(self) -> None:
        """Give everything back; safe to call twice."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How a sweep over this engine's channels has to behave."""

    window: int | None = None
    """Probes in flight at most, None for all."""
    ahead: int | None = None
    """How far beyond the furthest answer a probe may be sent, None for any."""
    burst: int | None = None
    """Probes sent in one go at most."""
    spread_first: bool = False
    """The constant flow goes one TTL at a time; a sweep over varied flows before it shows the path's shape at once."""


class Engine(Protocol):
    """One way of sending probes."""

    @property
    def method(self) -> Method:
        """What the report calls it."""

    def manners(self, flow: Flow) -> Manners:
        """What a sweep of this flow must heed."""

    async def open(self, flow: Flow, sink: Sink, *, spread: bool = False) -> Channel | Problem:
        """A channel for the flow; with ``spread`` each probe takes a flow of its own. A Problem where that cannot be."""

    async def close(self) -> None:
        """Give everything back; safe to call twice."""
