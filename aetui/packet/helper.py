"""The packet helper's life: open what it needs, give up every right but that of opening low ports, load scapy, then answer requests until
the pipe closes. Where raw sockets are refused and that right is there, it opens low ports alone, and needs no scapy.

Standard input is one end of a socket pair, and the only way in and out: standard output and error lead nowhere. It ends when the pipe
does, when its parent does (PR_SET_PDEATHSIG), or at a frame that cannot be read. One thread; a console that does not read makes it
wait, not grow.
"""

from __future__ import annotations

import errno
import gc
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial

from aetui.packet import privilege, scapyroom
from aetui.packet.lan import Lan
from aetui.packet.messages import (
    CloseTrace,
    DiscoverDhcp,
    Frames,
    Listen,
    Listening,
    Malformed,
    OpenTrace,
    Ready,
    Refused,
    Reply,
    Request,
    ScanArp,
    SendProbe,
    decode_request,
    encode,
)
from aetui.packet.ports import Ports
from aetui.packet.privilege import CAP_NET_BIND_SERVICE
from aetui.packet.sockets import NONE, Sockets, open_all
from aetui.packet.tracing import Tracing

DONE, NO_RIGHT, NO_SCAPY, BAD_FRAME = 0, 3, 4, 5
"""Exit statuses; ``client`` puts words to them."""
_READ = 65536


def main() -> int:
    """Be the helper; the exit status."""
    gc.disable()  # nothing that is made until the loop runs is ever thrown away
    parent = int(os.environ.get("AETUI_PARENT", "0"))
    pipe = socket.socket(fileno=os.dup(0))
    try:
        privilege.die_with_parent(signal.SIGKILL, parent)
        sockets = _opened()
        privilege.keep_only_identity_rights(CAP_NET_BIND_SERVICE)
    except OSError:
        return NO_RIGHT
    try:
        if sockets is not NONE:
            scapyroom.load()
    except ImportError:
        return NO_SCAPY
    privilege.drop(privilege.invoker(os.environ), CAP_NET_BIND_SERVICE)
    privilege.die_with_parent(signal.SIGKILL, parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.enable()
    return Helper(pipe, sockets).serve()


def _opened() -> Sockets:
    try:
        return open_all()
    except OSError:
        if not privilege.kept(CAP_NET_BIND_SERVICE):
            raise
        return NONE


class Helper:
    """The loop."""

    def __init__(self, pipe: socket.socket, sockets: Sockets) -> None:
        self._pipe = pipe
        self._sockets = sockets
        self._frames = Frames()
        self._tracing = Tracing(sockets, self.tell)
        self._lan = Lan(sockets, self.tell)
        self._ports = Ports()
        self._selector = selectors.DefaultSelector()
        self._handlers: dict[type[Request], Callable[..., None]] = {
            OpenTrace: self._open,
            SendProbe: self._tracing.send,
            CloseTrace: self._close,
            DiscoverDhcp: self._lan.discover,
            ScanArp: self._lan.scan,
            Listen: self._listen,
        }

    def tell(self, reply: Reply) -> None:
        """Send one reply; waits while the console does not read."""
        self._pipe.sendall(encode(reply))

    def serve(self) -> int:
        """Until the pipe closes."""
        self._watch()
        try:
            ports = () if privilege.kept(CAP_NET_BIND_SERVICE) else ("ports",)
            self.tell(Ready((*self._sockets.lacking, *ports), os.getuid()))
            while True:
                wake = self._lan.wake()
                ready = self._selector.select(None if wake is None else max(0.0, wake - time.monotonic()))
                for key, _ in sorted(ready, key=lambda one: one[0].fileobj is self._pipe):
                    if key.data() is False:
                        return DONE
                self._lan.tick()
        except (BrokenPipeError, ConnectionResetError):
            return DONE
        except Malformed:
            return BAD_FRAME

    def _watch(self) -> None:
        self._selector.register(self._pipe, selectors.EVENT_READ, self._requests)
        readers = {
            "icmp4": self._tracing.icmp4,
            "tcp4": self._tracing.tcp4,
            "icmp6": self._tracing.icmp6,
            "tcp6": self._tracing.tcp6,
            "arp": self._lan.arp_readable,
            "dhcp": self._lan.dhcp_readable,
        }
        for name, reader in readers.items():
            source: socket.socket | None = getattr(self._sockets, name)
            if source is not None:
                self._selector.register(source, selectors.EVENT_READ, reader)

    def _requests(self) -> bool:
        data = self._pipe.recv(_READ)
        for body in self._frames.feed(data):
            try:
                request = decode_request(body)
            except Malformed as wrong:
                self.tell(Refused(-1, str(wrong)))
                continue
            self._handlers[type(request)](request)
        return bool(data)

    def _open(self, request: OpenTrace) -> None:
        self._tracing.open(request)
        held = self._tracing.held().get(request.id)
        if held is not None and request.proto == "udp" and held not in self._selector.get_map():
            self._selector.register(held, selectors.EVENT_READ, partial(self._tracing.datagram, request.id))

    def _listen(self, request: Listen) -> None:
        try:
            opened = self._ports.open(request)
        except OSError as error:
            self.tell(Refused(request.id, error.strerror or "cannot listen", errno.errorcode.get(error.errno or 0, "EIO")))
            return
        with opened:
            frame = encode(Listening(request.id))
            sent = socket.send_fds(self._pipe, [frame], [opened.fileno()])
            self._pipe.sendall(frame[sent:])

    def _close(self, request: CloseTrace) -> None:
        held = self._tracing.held().get(request.flow)
        if held is not None and held.fileno() in self._selector.get_map():
            self._selector.unregister(held)
        self._tracing.close(request)


def run() -> None:
    """The program: nothing that goes wrong is printed, and the status says what it was."""
    sys.exit(main())
