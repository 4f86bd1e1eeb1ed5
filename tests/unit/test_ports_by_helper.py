"""A low port through the packet helper: who is asked, what each answer comes to, and that what is shared is nobody's to close."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Mapping

import pytest

from aetui.inbound import ports
from aetui.inbound.ports import Opened, PortTaken, RightMissing, Unusable, open_port_by
from aetui.packet.client import Failure
from aetui.packet.messages import ArpHeard, Neighbour, Refused
from aetui.packet.spawning import NO_PORTS
from aetui.vantage import arp


class Helper:
    """Answers by address: a socket where it says None."""

    def __init__(self, answers: Mapping[str, object] = {}) -> None:
        self.answers = answers
        self.asked: list[tuple[str, int]] = []
        self.made: list[socket.socket] = []
        self.closed = False

    async def listen(self, address: str, port: int) -> object:
        self.asked.append((address, port))
        answer = self.answers.get(address)
        if answer is None:
            self.made.append(socket.create_server(("127.0.0.1", 0)))
            return self.made[-1]
        return answer

    async def arp(self, interface: str, network: str, wait_s: float = 1.0, *, probe: bool = False) -> object:
        return ArpHeard(1, (Neighbour(network, "02:00:00:00:00:07"),)).neighbours

    async def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def plain_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Low ports are refused here, as they are to a plain user."""

    def refuse(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(ports, "_listening", refuse)


NO_RIGHT = Refused(1, "Permission denied", "EACCES")


@pytest.mark.parametrize(
    ("answers", "kind", "made"),
    [
        ({}, Opened, 2),
        ({"::": Refused(1, "no IPv6", "EAFNOSUPPORT")}, Opened, 1),
        ({"::": Refused(1, "no such address", "EADDRNOTAVAIL")}, Opened, 1),
        ({"0.0.0.0": Refused(1, "taken", "EADDRINUSE")}, PortTaken, 0),
        ({"::": Refused(1, "taken", "EADDRINUSE")}, PortTaken, 1),
        ({"0.0.0.0": NO_RIGHT}, RightMissing, 0),
        ({"0.0.0.0": Refused(1, "too many ports were opened", "EMFILE")}, Unusable, 0),
        ({"0.0.0.0": Failure("it was ended by signal 9.")}, RightMissing, 0),
        ({"0.0.0.0": Failure(NO_PORTS)}, RightMissing, 0),
    ],
)
async def test_each_answer_of_the_helper_has_its_outcome(answers: Mapping[str, object], kind: type, made: int) -> None:
    helper = Helper(answers)
    outcome = await open_port_by(helper, 23)  # type: ignore[arg-type]
    assert type(outcome) is kind
    assert len(helper.made) == made
    if isinstance(outcome, Opened):
        assert outcome.sockets == tuple(helper.made)
    else:
        assert all(one.fileno() < 0 for one in helper.made), "what was opened before is closed"
    for one in helper.made:
        one.close()


@pytest.mark.parametrize(("helper", "port"), [(None, 23), (Helper(), 3389)])
async def test_without_a_helper_that_may_the_remedy_is_said_and_nobody_asked(helper: Helper | None, port: int) -> None:
    outcome = await open_port_by(helper, port)  # type: ignore[arg-type]
    assert isinstance(outcome, RightMissing)
    assert "setcap" in " ".join(outcome.remedy) or "sudo" in " ".join(outcome.remedy)
    assert helper is None or helper.asked == []


@pytest.mark.parametrize("family", ["ipv4", "ipv6", None])
def test_a_port_is_known_to_be_taken_and_nobody_can_get_in_meanwhile(family: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"ipv4": ("127.0.0.1", socket.AF_INET), "ipv6": ("::1", socket.AF_INET6), None: ("127.0.0.1", socket.AF_INET)}[family]
    with socket.create_server((place[0], 0), family=place[1]) as server:
        port = server.getsockname()[1]
        if family is None:
            server.close()
        monkeypatch.setattr(socket.socket, "listen", lambda *given: pytest.fail("it listened"))
        found = ports.taken_by(port)
    assert (found.pid if found else None) == (os.getpid() if family else None)


async def test_what_was_opened_is_closed_where_the_wait_for_the_next_one_is_cancelled() -> None:
    class SlowForTheSecond(Helper):
        async def listen(self, address: str, port: int) -> object:
            if self.made:
                await asyncio.Event().wait()
            return await super().listen(address, port)

    helper = SlowForTheSecond()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(open_port_by(helper, 23), 0.1)  # type: ignore[arg-type]
    assert [one.fileno() for one in helper.made] == [-1]


async def test_the_conflict_question_leaves_a_shared_helper_open() -> None:
    helper = Helper()
    seen = await arp.who_has("192.0.2.7", "lo", asyncio.get_running_loop().time() + 5, helper)  # type: ignore[arg-type]
    assert (seen.why, seen.answered, helper.closed) == (None, ("02:00:00:00:00:07",), False)
