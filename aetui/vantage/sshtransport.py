"""paramiko's transport and channel, made fit for many quick connects from an event loop: the one file that knows paramiko's insides.

What is different from paramiko's own, and why:

- A channel is opened without a thread that waits: ``begin`` sends the request, and the answer is called back. The reason text of a
  refusal, which paramiko drops (and whose exception, one field for all channels, it hands to whoever looks first), comes with it.
- A channel that is being opened is held here: paramiko keeps it weakly, and a late success for one already collected leaves the far
  side's half open for good.
- A channel tells of data, end and window by callback, and can tell the peer's end from the loss of the whole transport.
- Packets, the identification and unread data are bounded; the far side is not trusted to keep to its window.
- The handshake has no timer thread of its own: who opened the transport closes it at the deadline.

Callbacks come in the transport's thread and must not block. Imports paramiko: import this module only where SSH is being spoken.
Source: RFC 4253, RFC 4254; paramiko 5.1.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import paramiko
from paramiko.common import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_SUCCESS,
    MSG_CHANNEL_WINDOW_ADJUST,
    cMSG_CHANNEL_OPEN,
    cMSG_CHANNEL_REQUEST,
    cMSG_CHANNEL_WINDOW_ADJUST,
    cMSG_GLOBAL_REQUEST,
)
from paramiko.message import Message
from paramiko.packet import Packetizer

from aetui.vantage.reason import OpenRefused

WINDOW = 512 * 1024
"""Bytes that the far side may send on one channel before we have read them: the bound of memory a channel."""
LONGEST_PACKET = 256 * 1024
"""Bytes of one SSH packet; OpenSSH's own bound (PACKET_MAX_SIZE)."""
LONGEST_PREFACE = 16 * 1024
"""Bytes that a server may say before and with its identification (RFC 4253 section 4.2: other lines may come first)."""
TICK_S = 0.5
"""Seconds after which a transport's thread looks whether it has been closed; closing wakes it anyway where there is a socket."""

logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False  # it logs errors that are ours to tell; without a handler Python prints them

Opened = Callable[["BridgedChannel | OpenRefused | None"], None]
"""Called once with the open channel, the refusal, or None where the transport was lost."""


class BoundedPacketizer(Packetizer):
    """Reads no more than is reasonable."""

    preface = b""
    """What came before the end of the identification, at most LONGEST_PREFACE."""

    def start_handshake(self, timeout: float) -> None:
        """No timer: it would be a thread that outlives a failed handshake."""

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """As paramiko's, for packets of a length that occurs."""
        if not 0 <= n <= LONGEST_PACKET:
            raise paramiko.SSHException("packet length out of range")
        return super().read_all(n, check_rekey)

    def _read_timeout(self, timeout: float) -> bytes:
        part: bytes = super()._read_timeout(timeout)  # type: ignore[misc]  # not in the stubs; used by readline alone
        self.preface += part
        if len(self.preface) > LONGEST_PREFACE:
            raise paramiko.SSHException("preface too long")
        return part


class BridgedChannel(paramiko.Channel):
    """A channel that calls back. ``gone`` is True once the transport, not the peer, ended it."""

    transport: Any
    _check_add_window: Callable[[int], int]
    _set_transport: Callable[[paramiko.Transport], None]
    _set_window: Callable[[int, int], None]

    def __init__(self, chanid: int) -> None:
        super().__init__(chanid)
        self.gone = False
        self.exec_accepted: bool | None = None
        self.on_change: Callable[[], None] = _nothing

    def take(self, most: int) -> tuple[bytes, int]:
        """Up to ``most`` bytes that are there (b"" for none) and the bytes of window to give back (0 for none yet)."""
        data: bytes = self.in_buffer.read(most, 0.0) if len(self.in_buffer) else b""
        return data, self._check_add_window(len(data)) if data else 0

    def give_window(self, size: int) -> None:
        """Let the far side send as much more. Blocks while the link is congested."""
        message = Message()
        message.add_byte(cMSG_CHANNEL_WINDOW_ADJUST)
        message.add_int(self.remote_chanid)
        message.add_int(size)
        self.transport._send_user_message(message)

    def request_exec(self, command: str) -> None:
        """Ask for a command to be run; ``exec_accepted`` tells the answer."""
        message = Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(self.remote_chanid)
        message.add_string("exec")
        message.add_boolean(True)
        message.add_string(command)
        self.transport._send_user_message(message)

    def _feed(self, m: Any) -> None:
        super()._feed(m)  # type: ignore[misc]
        if len(self.in_buffer) > 2 * WINDOW:
            raise paramiko.SSHException("window overrun")
        self.on_change()

    def _feed_extended(self, m: Any) -> None:
        super()._feed_extended(m)  # type: ignore[misc]
        if len(self.in_stderr_buffer) > 2 * WINDOW:
            raise paramiko.SSHException("window overrun")

    def _request_success(self, m: Any) -> None:
        self.exec_accepted = True
        self.on_change()

    def _request_failed(self, m: Any) -> None:
        self.exec_accepted = False
        self._handle_eof(m)  # nothing will come; paramiko's own way here sends from this thread

    def _handle_eof(self, m: Any) -> None:
        super()._handle_eof(m)  # type: ignore[misc]
        self.on_change()

    def _window_adjust(self, m: Any) -> None:
        super()._window_adjust(m)  # type: ignore[misc]
        self.on_change()

    def _set_closed(self) -> None:
        super()._set_closed()  # type: ignore[misc]
        self.on_change()

    def _unlink(self) -> None:
        self.gone = self.gone or not self.closed
        super()._unlink()  # type: ignore[misc]


class BridgedTransport(paramiko.Transport):
    """A client transport whose channels are ``BridgedChannel``. ``on_end`` is called once, when its thread has come to its end."""

    active: bool
    host_key: Any
    sock: Any
    _channels: Any
    _next_channel: Callable[[], int]
    _send_user_message: Callable[[Message], None]
    _really_parse_kex_init: Callable[[Message], dict[str, list[str]]]
    _active_check_timeout = TICK_S
    _channel_handler_table = paramiko.Transport._channel_handler_table | {  # type: ignore[attr-defined]
        # paramiko's table names its own class's functions, so that a subclass of Channel would not be heard
        MSG_CHANNEL_SUCCESS: BridgedChannel._request_success,
        MSG_CHANNEL_FAILURE: BridgedChannel._request_failed,
        MSG_CHANNEL_DATA: BridgedChannel._feed,
        MSG_CHANNEL_EXTENDED_DATA: BridgedChannel._feed_extended,
        MSG_CHANNEL_WINDOW_ADJUST: BridgedChannel._window_adjust,
        MSG_CHANNEL_EOF: BridgedChannel._handle_eof,
    }

    def __init__(self, sock: Any, name: str) -> None:
        super().__init__(sock, packetizer_class=BoundedPacketizer)
        self.name = name
        self.on_end: Callable[[], None] = _nothing
        self.on_answer: Callable[[], None] = _nothing
        self.farewell: str | None = None
        """The far side's own words at a disconnect."""
        self.offered: dict[str, list[str]] = {}
        """The algorithms that the far side offers, by the name in its KEXINIT."""
        self.failure: Exception | None = None
        self.auth_timeout = None  # type: ignore[assignment]  # the opening's own deadline closes it
        self.clear_to_send_timeout = 3600.0  # likewise: a stalled re-key is a stalled link
        self._opening: dict[int, tuple[BridgedChannel, Opened]] = {}

    def begin(self, kind: str, opened: Opened, destination: tuple[str, int] | None = None) -> None:
        """Ask for a channel; ``opened`` is told. Blocks while the link is congested. ``destination`` is for ``direct-tcpip``."""
        message = Message()
        with self.lock:
            chanid = self._next_channel()
            channel = BridgedChannel(chanid)
            message.add_byte(cMSG_CHANNEL_OPEN)
            message.add_string(kind)
            message.add_int(chanid)
            message.add_int(WINDOW)
            message.add_int(self.default_max_packet_size)
            if destination is not None:
                message.add_string(destination[0])
                message.add_int(destination[1])
                message.add_string("127.0.0.1")  # originator: OpenSSH only logs it (RFC 4254 section 7.2)
                message.add_int(0)
            self._channels.put(chanid, channel)
            self._opening[chanid] = (channel, opened)
            self.channels_seen[chanid] = True
            channel._set_transport(self)
            channel._set_window(WINDOW, self.default_max_packet_size)
        try:
            self._send_user_message(message)
        except (EOFError, OSError, paramiko.SSHException):
            self.end()
        if not self.active:
            self._abandon(chanid)

    def ping(self) -> None:
        """Ask for any answer at all; ``on_answer`` is called when it comes. Blocks while the link is congested."""
        message = Message()
        message.add_byte(cMSG_GLOBAL_REQUEST)
        message.add_string("keepalive@openssh.com")
        message.add_boolean(True)
        self._send_user_message(message)

    def run(self) -> None:
        """paramiko's loop; then everyone who waits is told, of the end first."""
        super().run()
        self.failure = self.saved_exception
        self.on_end()
        for chanid in tuple(self._opening):
            self._abandon(chanid)

    def end(self) -> None:
        """Close it from any thread. A socket is shut down first, which wakes the reading thread at once."""
        if isinstance(self.sock, socket.socket):
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)
        self.close()
        self.sock.close()

    def _abandon(self, chanid: int) -> None:
        waiting = self._opening.pop(chanid, None)
        if waiting:
            waiting[1](None)

    def _parse_channel_open_success(self, m: Any) -> None:
        super()._parse_channel_open_success(m)  # type: ignore[misc]
        m.rewind()
        waiting = self._opening.pop(m.get_int(), None)
        if waiting:
            waiting[1](waiting[0])

    def _parse_channel_open_failure(self, m: Any) -> None:
        chanid, code, text = m.get_int(), m.get_int(), m.get_binary()
        self._channels.delete(chanid)
        waiting = self._opening.pop(chanid, None)
        if waiting:
            waiting[1](OpenRefused(code, text[:1024].decode("utf-8", "replace")))

    def _parse_request_success(self, m: Any) -> None:
        super()._parse_request_success(m)  # type: ignore[misc]
        self.on_answer()

    def _parse_request_failure(self, m: Any) -> None:
        super()._parse_request_failure(m)  # type: ignore[misc]
        self.on_answer()

    def _parse_disconnect(self, m: Any) -> None:
        m.get_int()
        self.farewell = m.get_binary()[:1024].decode("utf-8", "replace")

    def _verify_key(self, host_key: bytes, sig: bytes) -> None:
        before = self.host_key
        super()._verify_key(host_key, sig)  # type: ignore[misc]
        if before is not None and before.asbytes() != self.host_key.asbytes():
            raise paramiko.SSHException("host key changed at a re-key")

    def _parse_kex_init(self, m: Any) -> None:
        if not self.offered:
            self.offered = self._really_parse_kex_init(Message(m.asbytes()))
        super()._parse_kex_init(m)  # type: ignore[misc]


def _nothing() -> None:
    pass
