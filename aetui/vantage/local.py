"""The local vantage: probes from this machine, over its own sockets, without privilege, IPv4 and IPv6.

Linux tells most: the ICMP error behind a failure and its sender, round trip and resent SYNs. macOS and Windows lack the error queue and
the kernel's counts; their capabilities say so, and outcomes there rest on errno alone. This module joins the parts; each lives in a
module of its own name.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

from aetui.observations import ArpSeen, LinkSeen
from aetui.packet.client import PacketHelper, missing
from aetui.records import VantageInfo
from aetui.vantage import accepting, arp, asking, connecting, machine, rights
from aetui.vantage.base import PLAIN, Acceptor, Answer, Capability, Connection, Shape
from aetui.vantage.names import Names
from aetui.vantage.neighbour import AskGateway, ask_gateway
from aetui.vantage.resolvers import configured
from aetui.vantage.waiting import Waits, waits

EVERYWHERE = frozenset({Capability.TCP, Capability.UDP, Capability.LINK, Capability.ACCEPT, Capability.SYSTEM_NAMES})
MORE = {
    "linux": frozenset({Capability.ICMP, Capability.SEGMENT, Capability.TCP_INFO}),
    "darwin": frozenset({Capability.SEGMENT}),
}
"""By sys.platform. Windows takes a TTL and no segment size, so it has no SEGMENT."""


class LocalVantage:
    """See ``Vantage``. ``gateway`` is what the survey uses to learn whether the gateway is there: the one thing that it sends. ``helper``
    is the program's packet helper, its owner's to close.
    """

    def __init__(self, *, gateway: AskGateway = ask_gateway, helper: PacketHelper | None = None) -> None:
        self._ask_gateway = gateway
        self._helper = helper
        self._info = VantageInfo("local", socket.gethostname() or "this machine")
        self._waits: Waits | None = None
        self._names = Names()

    @property
    def info(self) -> VantageInfo:
        """See ``Vantage``."""
        return self._info

    @property
    def capabilities(self) -> frozenset[Capability]:
        """See ``Vantage``."""
        raw = frozenset({Capability.ARP}) if self._info.privileged and sys.platform == "linux" else frozenset()
        return EVERYWHERE | MORE.get(sys.platform, frozenset()) | raw

    def lacks(self, capability: Capability) -> str | None:
        """Why a capability is not there for lack of a right, with the command that grants it; None for any other reason."""
        if capability is not Capability.ARP:
            return None
        return self._helper.lacking() if self._helper is not None else missing()

    async def who_has(self, address: str, interface: str, deadline: float) -> ArpSeen:
        """Ask the local network for an address, through the packet helper."""
        return await arp.who_has(address, interface, deadline, self._helper)

    @property
    def resolvers(self) -> tuple[str, ...]:
        """See ``Vantage``."""
        return self._info.resolvers

    async def open(self, deadline: float) -> None:
        """See ``Vantage``; this machine can always be had. Raises the process's limit of open files to what it may have.

        Where looking round takes longer than the deadline, ``info`` stays without gateway and resolvers.
        """
        rights.raise_file_limit()
        self._waits = waits()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                self._info = await asyncio.to_thread(_look_round, self._info.name, self._raw_packets)

    def _raw_packets(self) -> bool:
        return rights.raw_packets() or (self._helper is not None and self._helper.lacking() is None)

    async def close(self) -> None:
        """See ``Vantage``. Streams belong to whoever has them."""

    async def connect(self, address: str, port: int, deadline: float, shape: Shape = PLAIN) -> Connection:
        """See ``Vantage``."""
        return await connecting.connect(self._waits or waits(), address, port, deadline, shape)

    async def ask(
        self, address: str, port: int, payload: bytes, deadline: float, accept: Callable[[bytes], bool], source_port: int = 0
    ) -> Answer:
        """See ``Vantage``."""
        return await asking.ask(self._waits or waits(), address, port, payload, deadline, accept=accept, source_port=source_port)

    async def listen(self, deadline: float, family: str = "ipv4") -> Acceptor | None:
        """See ``Vantage``."""
        return accepting.listen(self._waits or waits(), family)

    async def lookup(self, name: str, deadline: float) -> tuple[str, ...] | None:
        """See ``Vantage``. None too where the library gave no answer by the deadline."""
        return await self._names.lookup(name, deadline)

    async def survey(self, deadline: float) -> LinkSeen | None:
        """See ``Vantage``. Takes up to four seconds where the gateway is silent."""
        return await machine.survey(deadline, self.resolvers, self._ask_gateway)


def _look_round(name: str, privileged: Callable[[], bool]) -> VantageInfo:
    place = machine.place()
    return VantageInfo(
        kind="local",
        name=name,
        interface=place.route.interface if place.route else None,
        address=place.address or place.address6,
        gateway=place.route.gateway if place.route else None,
        resolvers=configured(),
        privileged=privileged(),
        ipv6=place.route6 is not None and machine.reaches_the_world(place.address6),
    )
