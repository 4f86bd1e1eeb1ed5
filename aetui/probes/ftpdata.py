"""One listing over one kind of FTP data connection: PASV, EPSV or active (RFC 959 section 3.2, RFC 2428).

Takes a logged-in control connection and gives a ``FtpTransfer`` for each kind asked for. Where the control connection itself ends on the
way, ``lost`` says how and nothing more may be asked. Nothing is uploaded.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aetui.observations import Ended, FtpTransfer, Outcome, TcpSeen
from aetui.probes.common import PIECE
from aetui.probes.ftpcontrol import STEP_S, Control
from aetui.vantage.base import Acceptor, Connection, Stream, StreamEnded, Vantage
from aetui.wire import ftp

DATA_S = 2.5
"""Longest wait for a data connection or a piece of a listing: three that stay silent, one after the other, fit into a run's usual ten
seconds, and a line of 800 ms each way still passes."""

MOST_LISTING = 256 * 1024
"""Octets read of one listing."""

_NOT_CONNECTED = {Outcome.FILTERED: Ended.SILENT, Outcome.REFUSED: Ended.RESET}
"""A data connection that did not open, in the words of ``FtpTransfer.ended``; any other outcome is CLOSED."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """How a listing went."""

    ended: Ended
    received: int = 0
    reply: str | None = None


class Data:
    """The data connections of one control connection."""

    def __init__(self, control: Control, vantage: Vantage, peer: str | None) -> None:
        self.control = control
        self.vantage = vantage
        self.peer = peer
        self.lost: Ended | None = None
        """How the control connection ended, where it did during a transfer."""

    async def pasv(self) -> FtpTransfer:
        """PASV: to the address of the 227 as written; where that fails and is not the peer's, to the peer's."""
        reply = await self._mode("PASV")
        place = ftp.passive(reply) if reply else None
        if reply is None or place is None:
            return self._no_mode("pasv", reply)
        address, port = place
        named = await self._connect(address, port)
        corrected = await self._connect(self.peer, port) if named.stream is None and self.peer not in (None, address) else None
        return await self._over("pasv", reply, (address, port), named, corrected)

    async def epsv(self) -> FtpTransfer:
        """EPSV: no address on the wire, so nothing on the way can rewrite it."""
        reply = await self._mode("EPSV")
        port = ftp.extended_passive(reply) if reply else None
        if reply is None or port is None or self.peer is None:
            return self._no_mode("epsv", reply)
        return await self._over("epsv", reply, (None, port), await self._connect(self.peer, port))

    async def active(self) -> FtpTransfer | None:
        """PORT or EPRT: the server connects to us. None where this vantage takes no connection in."""
        family = "ipv6" if self.peer and ":" in self.peer else "ipv4"
        acceptor = await self.vantage.listen(self.control.step(DATA_S), family)
        if acceptor is None:
            return None
        try:
            return await self._accepted(acceptor)
        finally:
            acceptor.close()

    async def _accepted(self, acceptor: Acceptor) -> FtpTransfer:
        address, port = acceptor.address, acceptor.port
        reply = await self._say(ftp.active(address, port))
        if reply is None or not reply.positive:
            return FtpTransfer("port", self._declined(reply), reply.text if reply else None, address, port)
        stream, first = await asyncio.gather(acceptor.accept(self.control.step(DATA_S)), self._say(ftp.command("LIST"), DATA_S))
        listed = _Listed(Ended.SILENT, reply=first.text if first else None) if stream is None else await self._receive(stream, first)
        return FtpTransfer("port", listed.ended, reply.text, address, port, received=listed.received, listing=listed.reply)

    async def _over(
        self, mode: str, reply: ftp.Reply, place: tuple[str | None, int], named: Connection, corrected: Connection | None = None
    ) -> FtpTransfer:
        """The listing over whichever connection opened."""
        stream = named.stream or (corrected.stream if corrected else None)
        listed = await self._list(stream) if stream else _Listed(_not_connected(named.seen))
        return FtpTransfer(
            mode,
            listed.ended,
            reply.text,
            *place,
            connect=named.seen,
            received=listed.received,
            corrected=corrected.seen if corrected else None,
            listing=listed.reply,
        )

    async def _list(self, stream: Stream) -> _Listed:
        try:
            first = await self._say(ftp.command("LIST"))
        except BaseException:
            stream.close()
            raise
        return await self._receive(stream, first)

    async def _receive(self, stream: Stream, first: ftp.Reply | None) -> _Listed:
        """Read the listing, then the reply that closes it, which comes however the listing went."""
        try:
            if first is None or not (first.preliminary or first.positive):
                return _Listed(self._declined(first), 0, first.text if first else None)
            ended, received = await self._read(stream)
        finally:
            stream.close()
        last = await self._last(first)
        if ended is Ended.DONE and not (last and last.positive):
            ended = self._declined(last)
        return _Listed(ended, received, (last or first).text)

    async def _read(self, stream: Stream) -> tuple[Ended, int]:
        """How the data ended, and how many octets came."""
        received = 0
        try:
            while data := await stream.read(PIECE, self.control.step(DATA_S)):
                received += len(data)
                if received > MOST_LISTING:
                    return Ended.LIMIT, received
        except StreamEnded as end:
            return end.ended, received
        return Ended.DONE, received

    async def _connect(self, address: str | None, port: int) -> Connection:
        return await self.vantage.connect(address or "", port, self.control.step(DATA_S))

    async def _mode(self, verb: str) -> ftp.Reply | None:
        return await self._say(ftp.command(verb))

    async def _say(self, line: bytes, longest_s: float = STEP_S) -> ftp.Reply | None:
        """A command and the next reply; None, with ``lost`` set, where the control connection ended."""
        try:
            await self.control.send(line)
            return await self.control.reply(longest_s)
        except StreamEnded as end:
            self.lost = end.ended
            return None

    async def _last(self, first: ftp.Reply) -> ftp.Reply | None:
        try:
            return await self.control.last_reply(first)
        except StreamEnded as end:
            self.lost = end.ended
            return None

    def _no_mode(self, mode: str, reply: ftp.Reply | None) -> FtpTransfer:
        understood = reply is not None and not reply.positive
        ended = self._declined(reply) if understood or reply is None else Ended.GARBLED
        return FtpTransfer(mode, ended, reply.text if reply else None)

    def _declined(self, reply: ftp.Reply | None) -> Ended:
        """A negative reply is DECLINED; none at all is how the control connection ended."""
        return Ended.DECLINED if reply else self.lost or Ended.CLOSED


def _not_connected(seen: TcpSeen) -> Ended:
    return _NOT_CONNECTED.get(seen.outcome, Ended.CLOSED)
