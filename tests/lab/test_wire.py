"""The line in user space: what it loses is what it was told to, what it forbids it forbids, and it goes without a trace."""

from __future__ import annotations

import socket
import struct
import time

import pytest

from lab import wire
from lab.network import Lab
from lab.nodes import LabError
from lab.symptoms import see

SERVER = "20.101.57.9"


def answered(asked: int) -> list[int]:
    """Which of so many numbered questions of network time are answered, in order of arrival."""
    with socket.socket(type=socket.SOCK_DGRAM) as handle:
        handle.connect((SERVER, 123))
        for number in range(asked):
            handle.send(b"\x23" + bytes(39) + struct.pack("!Q", number))
            time.sleep(0.001)
        handle.settimeout(1.0)
        seen: list[int] = []
        try:
            while len(seen) < asked:
                seen.append(struct.unpack_from("!Q", handle.recv(128), 24)[0])
        except TimeoutError:
            pass
        return seen


def test_a_line_without_loss_delivers_all_in_order(lab: Lab) -> None:
    with wire.laid(lab, wire.long(50)):
        assert lab.inside("laptop", answered, 200) == list(range(200))
        assert lab.inside("laptop", see, "rtt 204.232.231.197:443") == "at least 0.0 s"


def test_a_line_loses_about_the_share_that_it_was_told_to(lab: Lab) -> None:
    with wire.laid(lab, wire.Line(outward_loss=40, seed=7)):
        assert 150 < len(lab.inside("laptop", answered, 400)) < 330


def test_loss_of_everything_is_silence_and_ends_with_the_line(lab: Lab) -> None:
    with wire.laid(lab, wire.Line(inward_loss=100)):
        assert lab.inside("laptop", see, "tcp 204.232.231.197:443") == "silent"
    assert lab.inside("laptop", see, "tcp 204.232.231.197:443") == "open"


def test_jitter_lets_packets_overtake_each_other_and_loses_none(lab: Lab) -> None:
    with wire.laid(lab, wire.Line(20, 20, jitter_ms=40)):
        seen = lab.inside("laptop", answered, 150)
    assert sorted(seen) == list(range(150))
    assert seen != sorted(seen)


def test_a_second_line_is_refused(lab: Lab) -> None:
    with wire.laid(lab, wire.long(1)), pytest.raises(LabError), wire.laid(lab, wire.long(1)):
        pass


def test_a_censor_stops_what_it_objects_to_and_nothing_else(lab: Lab) -> None:
    with wire.laid(lab, wire.Line(censor=wire.Censor("reset", words=(b"moxa.alsoenergy.com",)))):
        assert lab.inside("laptop", see, "tls moxa.alsoenergy.com") == "ECONNRESET"
        assert lab.inside("laptop", see, "tls maki.alsoenergy.com").startswith("trusted by")
        assert lab.inside("laptop", see, "https maki.alsoenergy.com").startswith("200")
