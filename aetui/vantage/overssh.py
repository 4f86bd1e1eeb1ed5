"""What every vantage behind an SSH connection has in common, whoever speaks the SSH: TCP alone, and what the jump host tells of itself.

No datagrams, no ICMP, no segment shaping, no listening, no look at the jump host's interfaces. Whoever inherits says what the jump host
told (``_about``), who it is (``_info``) and how many connects may wait for it at one time (``_slots``); makes these, and runs commands there.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from aetui.observations import LinkSeen, Outcome, TcpSeen
from aetui.records import VantageInfo
from aetui.vantage import remote
from aetui.vantage.base import PLAIN, Acceptor, Answer, Capability, Connection, Shape
from aetui.vantage.trouble import words


def unshaped(shape: Shape) -> None:
    """Raise ValueError for a shape that a jump host's own connects cannot have."""
    if shape.ttl is not None or shape.mss is not None:
        raise ValueError("a jump host shapes no segments; ask capabilities first")


class OverSsh(ABC):
    """See the module."""

    _about: remote.About
    _info: VantageInfo
    _slots: asyncio.Semaphore

    @abstractmethod
    def check(self) -> None:
        """Raise JumpLost where the jump host is gone."""

    @abstractmethod
    async def _connect(self, address: str, port: int, deadline: float) -> Connection:
        """One connect from there."""

    async def connect(self, address: str, port: int, deadline: float, shape: Shape = PLAIN) -> Connection:
        """As base.Vantage. Raises JumpLost; ``seen.reason`` has the jump host's own words. What could not even begin in time is FAILED: nothing
        was learned of the target."""
        unshaped(shape)
        self.check()
        if deadline <= asyncio.get_running_loop().time():
            return Connection(TcpSeen(address, port, Outcome.FILTERED), None)
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError:
            return Connection(TcpSeen(address, port, Outcome.FAILED, reason=words()["reason"]["crowded"]), None)
        try:
            return await self._connect(address, port, deadline)
        finally:
            self._slots.release()

    @abstractmethod
    async def run(self, argv: Sequence[str], deadline: float) -> tuple[int, bytes] | None:
        """Exit status and standard output (64 KiB at most) of a command on the jump host; None where it runs none, or not in time."""

    @property
    def info(self) -> VantageInfo:
        """As base.Vantage."""
        return self._info

    @property
    def capabilities(self) -> frozenset[Capability]:
        """As base.Vantage; SYSTEM_NAMES where the jump host has getent and runs it."""
        return frozenset({Capability.TCP, Capability.SYSTEM_NAMES} if self._about.getent else {Capability.TCP})

    @property
    def resolvers(self) -> tuple[str, ...]:
        """As base.Vantage: the jump host's own, asked through ``connect`` (a loopback one means the jump host itself)."""
        return self._about.resolvers

    async def ask(
        self, address: str, port: int, payload: bytes, deadline: float, accept: Callable[[bytes], bool], source_port: int = 0
    ) -> Answer:
        """Not over SSH: FAILED."""
        return Answer(Outcome.FAILED, errno="EPROTONOSUPPORT")

    async def listen(self, deadline: float, family: str = "ipv4") -> Acceptor | None:
        """None: nothing is opened on a jump host."""
        return None

    async def lookup(self, name: str, deadline: float) -> tuple[str, ...] | None:
        """As base.Vantage, by ``getent ahosts`` there; None where there is none."""
        if not self._about.getent or not remote.HOST_NAME.fullmatch(name):
            return None
        ran = await self.run(("getent", "ahosts", name), deadline)
        return remote.parse_getent(ran[1].decode("utf-8", "replace")) if ran and ran[0] in remote.GETENT_ANSWERS else None

    async def survey(self, deadline: float) -> LinkSeen | None:
        """None: a jump host's own interfaces are not looked at."""
        return None
