"""The console's end of the helper's pipe: bytes out without waiting, bytes and opened sockets in. asyncio, all calls in the loop's
thread.

Descriptors come beside the bytes of the reply that tells of them, in order (SCM_RIGHTS, unix(7)); they are close-on-exec here. The end
of the other side, however it came, is told once by ``over``.
"""

from __future__ import annotations

import array
import asyncio
import socket
from collections.abc import Callable

READ = 65536
MOST_SOCKETS = 8
"""Descriptors that may come with one read; the helper sends one with each reply."""
_KEEP = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class Pipe:
    """See the module. ``heard`` gets what came in one read."""

    def __init__(self, sock: socket.socket, heard: Callable[[bytes, list[int]], None], over: Callable[[], None]) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._heard, self._over = heard, over
        self._left = bytearray()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self._readable)

    @property
    def closed(self) -> bool:
        """True once nothing goes out or in any more."""
        return self._sock.fileno() < 0

    def write(self, data: bytes) -> None:
        """Send in order; what the other side does not take yet is kept. Nothing happens once it is closed."""
        if self.closed:
            return
        if not self._left:
            data = data[self._send(data) :]
        if data and not self.closed:
            if not self._left:
                self._loop.add_writer(self._sock, self._writable)
            self._left += data

    def close(self) -> None:
        """Give it back; safe to call twice. ``over`` is not called."""
        if not self.closed:
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
            self._sock.close()
            self._left.clear()

    def _send(self, data: bytes | bytearray) -> int:
        try:
            return self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self._end()
            return len(data)

    def _writable(self) -> None:
        del self._left[: self._send(self._left)]
        if not self._left and not self.closed:
            self._loop.remove_writer(self._sock)

    def _readable(self) -> None:
        try:
            data, control, _, _ = self._sock.recvmsg(READ, socket.CMSG_SPACE(MOST_SOCKETS * 4), _KEEP)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data, control = b"", []
        if data:
            self._heard(data, _descriptors(control))
        else:
            self._end()

    def _end(self) -> None:
        if not self.closed:
            self.close()
            self._over()


def _descriptors(control: list[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return found.tolist()
