"""A helper that has the right to low ports and none to raw packets: it serves ports, says what it has not, and refuses it."""

from __future__ import annotations

import errno
import socket
import sys
import threading

import pytest

from aetui.packet import helper, privilege
from aetui.packet.messages import DiscoverDhcp, Frames, OpenTrace, Ready, Refused, Reply, ScanArp, decode_reply, encode
from aetui.packet.sockets import NONE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the helper is Linux's")


@pytest.mark.parametrize("low", [True, False])
def test_without_raw_sockets_there_is_a_helper_where_low_ports_can_be_had(low: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(helper, "open_all", refuse)
    monkeypatch.setattr(privilege, "kept", lambda capability: low and capability == privilege.CAP_NET_BIND_SERVICE)
    if low:
        assert helper._opened() is NONE
    else:
        with pytest.raises(PermissionError):
            helper._opened()


def test_it_says_what_it_has_not_and_refuses_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privilege, "kept", lambda capability: True)
    ours, theirs = socket.socketpair()
    serving = threading.Thread(target=helper.Helper(theirs, NONE).serve)
    serving.start()
    ours.settimeout(5)
    asked = (OpenTrace(1, "192.0.2.1", "tcp", 443), OpenTrace(2, "2001:db8::1", "icmp", 0), ScanArp(3, "lo", "127.0.0.1", 0.1), DiscoverDhcp(4, "lo", 0.1))
    ours.sendall(b"".join(encode(one) for one in asked))
    frames, told = Frames(), list[Reply]()
    while len(told) < 1 + len(asked):
        told += [decode_reply(body) for body in frames.feed(ours.recv(65536))]
    ours.close()
    serving.join(5)
    theirs.close()
    assert isinstance(told[0], Ready)
    assert told[0].lacking == ("raw", "ipv6", "link")
    assert [(type(one), getattr(one, "id", 0)) for one in told[1:]] == [(Refused, number) for number in (1, 2, 3, 4)]
