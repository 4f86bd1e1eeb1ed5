"""Which engine traces: the packet helper where this user may, plain sockets otherwise, a vantage's own connects where one is given.

Engines live as long as this object, so that a console starts the helper once. ``remark`` says why the better engine was not used.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from aetui.path.engine import Engine
from aetui.path.records import Flow, Problem

if TYPE_CHECKING:
    from aetui.packet.client import PacketHelper
    from aetui.vantage.base import Vantage


class Choice(StrEnum):
    """What the user asked for."""

    AUTO = "auto"
    SCAPY = "scapy"
    SOCKET = "socket"


class Engines:
    """All of them, each loaded and made when first needed. A ``helper`` that is given is its owner's to close."""

    def __init__(self, vantage: Vantage | None = None, helper: PacketHelper | None = None) -> None:
        self._helper = helper
        self.remark: Problem | None = None
        self._over = _over(vantage) if vantage is not None and vantage.info.kind != "local" else None
        self._raw: Engine | None = None
        self._plain: Engine | None = None

    @property
    def socket(self) -> Engine:
        """The engine of plain sockets."""
        if self._plain is None:
            from aetui.path.socket_engine import SocketEngine

            self._plain = SocketEngine()
        return self._plain

    async def choose(self, choice: Choice, flow: Flow) -> Engine | Problem:
        """The engine for a flow, or why there is none. A problem of the helper is the answer only where nothing else was allowed."""
        if self._over is not None:
            return self._over
        if choice is Choice.SOCKET:
            return self.socket
        raw = await self.raw()
        if isinstance(raw, Problem):
            self.remark = raw
            return raw if choice is Choice.SCAPY else self.socket
        return raw

    async def raw(self) -> Engine | Problem:
        """The engine of raw packets, its helper started; or what is missing for it."""
        from aetui.packet.client import missing
        from aetui.path.scapy_engine import ScapyEngine

        if self._raw is None:
            lacking = missing() if self._helper is None else self._helper.lacking()
            if lacking is not None:
                return Problem("helper", lacking)
            self._raw = ScapyEngine(self._helper)
        return self._raw

    async def close(self) -> None:
        """Stop the helper."""
        for engine in (self._raw, self._plain, self._over):
            if engine is not None:
                await engine.close()
        self._raw = None


def _over(vantage: Vantage) -> Engine:
    from aetui.path.vantage_engine import VantageEngine

    return VantageEngine(vantage)
