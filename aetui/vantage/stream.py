"""A connected TCP socket as a ``Stream``: reads and writes that wait until a deadline, and never raise anything but StreamEnded.

The socket is non-blocking and belongs to the stream. ``close`` sends a FIN in the background; with ``abort`` it resets instead, which
frees the five-tuple at once (a probe with a fixed source port must connect again from it). A read or write that is cancelled closes the
stream, since whoever waited for it is gone; one that meets its deadline leaves it open.
"""

from __future__ import annotations

import asyncio
import errno as e
import socket
import struct

from aetui.observations import Ended
from aetui.vantage.base import StreamEnded
from aetui.vantage.outcomes import symbol
from aetui.vantage.waiting import Parked, Waits, wake

ABORT = struct.pack("ii", 1, 0)
"""struct linger: on, zero seconds: close sends a reset."""
ENDINGS = {
    e.ECONNRESET: Ended.RESET,
    e.ECONNABORTED: Ended.RESET,
    e.ECONNREFUSED: Ended.RESET,
    e.EPIPE: Ended.RESET,
    e.ENOTCONN: Ended.RESET,
    e.EBADF: Ended.CLOSED,
}
"""Of a stream by errno; anything else (ETIMEDOUT, EHOSTUNREACH …) means that nothing more came from there."""


class SocketStream:
    """See the module's text. ``failed`` is the errno of a connection that was reset as soon as it was made."""

    def __init__(self, sock: socket.socket, waits: Waits, *, abort: bool = False, failed: int = 0) -> None:
        self._sock = sock
        self._waits = waits
        self._abort = abort
        self._failed = failed
        self._parked: Parked = set()

    async def read(self, most: int, deadline: float) -> bytes:
        """See ``Stream``. A deadline that has passed is silence, even where bytes wait: who reads on against it must come to an end."""
        self._check()
        try:
            return await self._waits.recv(self._sock, most, deadline, self._parked)
        except OSError as error:
            raise self._ending(error) from None
        except asyncio.CancelledError:
            self.close()
            raise

    async def write(self, data: bytes, deadline: float) -> None:
        """See ``Stream``."""
        self._check()
        try:
            await self._waits.send(self._sock, data, deadline, self._parked)
        except OSError as error:
            raise self._ending(error) from None
        except asyncio.CancelledError:
            self.close()
            raise

    def close(self) -> None:
        """See ``Stream``. Reads and writes under way end as CLOSED."""
        if self._sock.fileno() < 0:
            return
        if self._parked:
            wake(self._sock, self._parked)
        if self._abort:
            abort(self._sock)
        self._sock.close()

    def _check(self) -> None:
        if self._sock.fileno() < 0:
            raise StreamEnded(Ended.CLOSED, "EBADF")
        if self._failed:
            raise self._ending(OSError(self._failed, ""))

    def _ending(self, error: OSError) -> StreamEnded:
        """The system's error in our terms. TimeoutError without errno is our own deadline."""
        number = error.errno or 0
        return StreamEnded(ENDINGS.get(number, Ended.SILENT), symbol(number))


def abort(sock: socket.socket) -> None:
    """Have the coming close send a reset."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    except OSError:  # already gone, which is what we want
        return
