"""The listener on site: opens ports for a set time, shows every knock, answers a right token, and closes by itself.

``open`` gives, port by port, what became of it (``ports.Outcome``; ``helper`` is asked for what this process may not open); where at
least one opened, the listener runs until its time is over, ``stop`` is called, or its owner goes. Each port is served from the moment
it is open, while the next one is still asked for. ``heard`` is called in the loop's thread with a ``Batch``, at most ten times a second,
and must not block.

What it sends is in ``manners``, its bounds are in ``reception.Limits``, the code is judged in ``gate``. While it is open, the ports are
exposed to whoever can reach this machine: the caller says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aetui.inbound import ports
from aetui.inbound.gate import Gate
from aetui.inbound.knocklog import Batch
from aetui.inbound.reception import Limits, Network, Reception
from aetui.reach import Knock
from aetui.vantage.rights import raise_file_limit

DEFAULT_PORTS = (3389, 23)
"""Remote Desktop for PM2000 and PS3000, telnet for PL1000 and Moxa."""
DEFAULT_MINUTES = 15.0
LONGEST_MINUTES = 24 * 60.0
CLOSED_MEANWHILE = "ECANCELED"
"""Why a port is not open whose listener was stopped while it was being opened."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why and after how many knocks it closed."""

    reason: str
    """``time``, ``asked``, ``hangup`` or ``interrupted``."""
    knocks: int


class Listener:
    """One listener; used once."""

    def __init__(
        self,
        wanted: Sequence[int],
        heard: Callable[[Batch], None],
        *,
        minutes: float = DEFAULT_MINUTES,
        allow: Sequence[Network] = (),
        code: str | None = None,
        address: str | None = None,
        limits: Limits | None = None,
        helper: ports.Opener | None = None,
    ) -> None:
        if not 0 < minutes <= LONGEST_MINUTES:
            raise ValueError(f"minutes is more than 0 and at most {LONGEST_MINUTES:g}")
        self._wanted, self._heard, self._minutes = tuple(wanted), heard, minutes
        self._allow, self._code, self._address, self._limits = tuple(allow), code, address, limits
        self._helper = helper
        self._gate: Gate | None = None
        self._reception: Reception | None = None
        self._closer: asyncio.TimerHandle | None = None
        self._stopped: asyncio.Future[Stopped] | None = None
        self.opened: tuple[ports.Opened, ...] = ()

    async def open(self) -> tuple[ports.Outcome, ...]:
        """Open what can be opened. The code is there afterwards, and does not change while it runs. Where it is stopped meanwhile, no port
        is open afterwards."""
        loop = asyncio.get_running_loop()
        self._stopped = loop.create_future()
        raise_file_limit()
        try:
            self._gate = await asyncio.to_thread(Gate.opened, self._code)
            if not self._stopped.done():
                self._reception = Reception(self._gate, self._heard, self._allow, self._limits)
                self._closer = loop.call_later(self._minutes * 60, self.stop, "time")
            outcomes = await self._open_all(self._stopped)
        except BaseException:  # cancelled: nobody is left to close it
            self.stop()
            raise
        if not self._stopped.done():
            return outcomes
        self.opened = ()
        return tuple(ports.Unusable(port, CLOSED_MEANWHILE) for port in self._wanted)

    async def _open_all(self, stopped: asyncio.Future[Stopped]) -> tuple[ports.Outcome, ...]:
        """What became of each, in the order in which they are wanted. The low ones come first: the helper may take its time over them, and
        meanwhile no other port is to be exposed of which nobody has been told."""
        found: dict[int, ports.Outcome] = {}
        for at in sorted(range(len(self._wanted)), key=lambda at: self._wanted[at]):
            found[at] = await self._open(self._wanted[at], stopped)
        return tuple(found[at] for at in range(len(self._wanted)))

    async def _open(self, port: int, stopped: asyncio.Future[Stopped]) -> ports.Outcome:
        if stopped.done():
            return ports.Unusable(port, CLOSED_MEANWHILE)
        outcome = await ports.open_port_by(self._helper, port, self._address)
        if not isinstance(outcome, ports.Opened):
            return outcome
        if stopped.done() or self._reception is None:  # it was closed while the helper was asked
            ports.close(outcome.sockets)
            return ports.Unusable(port, CLOSED_MEANWHILE)
        self.opened = (*self.opened, outcome)
        self._reception.serve(outcome.sockets)
        return outcome

    async def add(self, port: int) -> ports.Outcome:
        """Open one more port while it runs; code, allow-list and time stay as they are."""
        if self._reception is None or self._stopped is None or self._stopped.done():
            raise RuntimeError("the listener is not open")
        return await self._open(port, self._stopped)

    def stop(self, reason: str = "asked") -> None:
        """Close everything now, what is just being opened included. Safe to call twice, and before ``open``."""
        if self._stopped is None or self._stopped.done():
            return
        if self._closer is not None:
            self._closer.cancel()
        if self._reception is not None:
            self._reception.close()
        self._stopped.set_result(Stopped(reason, self.total))

    async def stopped(self) -> Stopped:
        """Wait until it has closed. Being cancelled does not close it."""
        if self._stopped is None:
            raise RuntimeError("the listener is not open")
        return await asyncio.shield(self._stopped)

    @property
    def code(self) -> str:
        """What the outside half must be told. For the owner's eyes: it goes to nobody over the network."""
        if self._gate is None:
            raise RuntimeError("the listener is not open")
        return self._gate.code

    @property
    def shut(self) -> bool:
        """True where so many wrong tokens came that only the allow-list's are still looked at."""
        return self._gate is not None and self._gate.shut

    @property
    def knocks(self) -> tuple[Knock, ...]:
        """Those still remembered, oldest first."""
        return self._reception.log.knocks if self._reception is not None else ()

    @property
    def total(self) -> int:
        """All of them, remembered or not."""
        return self._reception.log.total if self._reception is not None else 0

    @property
    def counts(self) -> Mapping[tuple[int, str], int]:
        """All of them by port and by what they spoke, exact."""
        return self._reception.log.by_kind if self._reception is not None else {}

    @property
    def connections(self) -> int:
        """Open now."""
        return self._reception.open if self._reception is not None else 0
