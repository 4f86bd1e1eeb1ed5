"""The inbound checks of a guide: the equipment inside, the site's public address, the knock from outside, our own listener, the depth of
NAT.

Nothing is logged in to. ``diagnosis.inbound`` says what was seen means; here it is put into a guide's terms. A place outside that is lost
on the way is 'unknown', and is opened anew the next time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from aetui.causes import describe
from aetui.diagnosis import inbound
from aetui.diagnosis import nat as nat_rules
from aetui.entries import InboundDone, Knocked
from aetui.guide.records import Confirm, Inside, Listen, Nat, Seen
from aetui.guiding.words import say, seen
from aetui.guiding.world import World
from aetui.inbound import confirm as confirming
from aetui.inbound import nat, whole
from aetui.inbound.inside import ask as ask_inside
from aetui.inbound.inside import placed
from aetui.inbound.knocking import ANSWER_S, CONNECT_S, expected_at
from aetui.inbound.knocklog import Batch, Share
from aetui.inbound.listener import Listener
from aetui.inbound.ports import Outcome
from aetui.observations import Outcome as Ended
from aetui.probes.common import clock
from aetui.probes.hearing import ask
from aetui.reach import InboundSeen, NatSeen, Reached, Standing, Target, Token
from aetui.records import Confidence, Diagnosed, Finding, Severity, Status
from aetui.report.inbound import port_finding, worthless
from aetui.vantage.base import Vantage, VantageLost
from aetui.wire import classify
from aetui.wire.realm import Realm, realm

INSIDE_S = 12.0
"""Longest look at one port of the local network, everything that may follow the connect included."""
OUTSIDE_S = 30.0
"""Longest look from outside."""
NAT_S = 8.0
LISTEN_MINUTES = 10.0
"""How long a colleague on the phone is waited for."""
LOOPBACK = "127.0.0.1"
WEB = {80: "http"}
"""Equipment's own pages."""
SSH_PORT = 22

_SIGNS = {
    Ended.REFUSED: "refuses", Ended.REJECTED: "refuses", Ended.FILTERED: "silent", Ended.NO_NEIGHBOUR: "nobody", Ended.UNREACHABLE: "no-way",
}  # fmt: skip


# ------------------------------------------------------------------------------------------------------------------ inside
async def run_inside(world: World, action: Inside) -> Seen:
    """One knock over the local network."""
    port = int(action.port)
    target = Target(action.address, port, port, expected_at(port) or WEB.get(port))
    if target.expected in WEB.values():
        reached = await placed(world.here, await _web(world.here, target))
    else:
        reached = await ask_inside(world.here, target, clock() + INSIDE_S)
    stopper = inbound.stopped(reached)
    sign = "no-way" if stopper else _sign(reached)
    values = {
        "address": action.address, "port": action.port, "said": inbound.NAMES.get(reached.speaks, "an unknown protocol"),
        "identity": f" ({reached.identity})" if reached.identity else "", "why": reached.tcp.errno or reached.tcp.outcome.value,
        "expected": inbound.NAMES.get(target.expected or "", "what was expected"),
        "sender": reached.tcp.icmp.sender if reached.tcp.icmp is not None else "",
    }  # fmt: skip
    told = tuple(describe(world.causes, finding) for finding in _inside_findings(reached, sign))
    status = Status.PASS if sign == "answers" else Status.UNKNOWN if sign == "no-way" else Status.FAIL
    return Seen(status, (sign,), told, {"identity": reached.identity or ""}, (seen(stopper or sign, **values),))


async def _web(vantage: Vantage, target: Target) -> Reached:
    """The equipment's own pages: one request for the headers alone, nothing else is typed."""
    connection = await vantage.connect(target.address, target.port, clock() + CONNECT_S)
    data = b""
    if connection.stream is not None:
        try:
            question = f"HEAD / HTTP/1.0\r\nHost: {target.address}\r\n\r\n".encode("ascii")
            data = (await ask(connection.stream, question, clock() + ANSWER_S, lambda heard: classify.server(heard).settled)).data
        finally:
            connection.stream.close()
    spoken = classify.server(data)
    speaks = spoken.speaks if connection.stream is not None else "nothing"
    return Reached(target, vantage.info, Standing.INSIDE, connection.seen, speaks, spoken.evidence.get("server"))


def _sign(reached: Reached) -> str:
    if reached.tcp.outcome is not Ended.OPEN:
        return _SIGNS.get(reached.tcp.outcome, "no-way")
    if reached.speaks == "nothing":
        return "mute"
    return "answers" if reached.target.expected in {None, reached.speaks} or reached.speaks == "aetui" else "another"


def _inside_findings(reached: Reached, sign: str) -> tuple[Finding, ...]:
    """What stands in the way inside; the site's own network has been crossed, so it is the equipment."""
    if sign in {"answers", "no-way"} or reached.target.expected in WEB.values():
        return ()  # its own pages are not what support needs
    facts = {**inbound.facts(reached), "inside_address": reached.target.address}
    explains = (reached.target.id,)
    if sign == "another":
        facts |= {"what": reached.target.id, "host": reached.target.address}
        return (Finding("wrong-service", explains, confidence=Confidence.CERTAIN, facts=facts),)
    return (Finding("service-down", explains, confidence=Confidence.CERTAIN, facts=facts),)


# ----------------------------------------------------------------------------------------------------------------- outside
def demo_public(world: World) -> str:
    """The made-up site's own."""
    return _demo_address(world, outside=True)


def demo_logger(world: World) -> str:
    """Where the made-up site's logger stands."""
    return _demo_address(world, outside=False)


def _demo_address(world: World, *, outside: bool) -> str:
    from aetui.demo.callers import LOGGER, SITE
    from aetui.vantage.demo import DemoVantage

    assert isinstance(world.here, DemoVantage)
    wanted = SITE if outside else LOGGER
    return next(place.addresses[0] for place in world.here.site.places if place.host == wanted)


async def run_confirm(world: World, action: Confirm, outside: str) -> Seen:
    """The knock from outside, the equipment asked inside, and the router asked meanwhile."""
    place = await world.outside.at(outside) if outside else None
    if place is None:
        return _no_place(world)
    target = Target(action.public, int(action.public_port), int(action.port), expected_at(int(action.port)))
    inside = (Target(action.inside, int(action.port), int(action.port), target.expected),) if action.inside else ()
    wanted = confirming.Wanted((target,), inside)
    around = confirming.Surroundings(inside=world.here)
    until = clock() + OUTSIDE_S
    try:
        knocked, deep = await asyncio.gather(confirming.confirm(place, wanted, until, around), _nat(world, place, target.port))
    except VantageLost as lost:
        await world.outside.forget(outside)
        return Seen(Status.UNKNOWN, ("no-place",), lines=(seen("lost", why=str(lost)),))
    return _confirmed(world, replace(knocked, nat=deep))


def _no_place(world: World) -> Seen:
    return Seen(Status.UNKNOWN, ("no-place",), lines=(seen("no-place", why=world.outside.why or "none was named."),))


def _confirmed(world: World, what: InboundSeen) -> Seen:
    found = inbound.diagnose(what)
    told = _told(world, found)
    world.keep(InboundDone(world.session.at(), what, told))
    signs = ("inside-view",) if what.outside and all(r.standing is Standing.INSIDE for r in what.outside) else ()
    return Seen(_status(told, confirming.determined(what)), signs, told, lines=tuple(_outside_line(r) for r in what.outside))


def _told(world: World, findings: Sequence[Finding]) -> tuple[Diagnosed, ...]:
    return tuple(describe(world.causes, finding) for finding in findings)


def _status(told: Sequence[Diagnosed], determined: bool) -> Status:
    severities = {entry.severity for entry in told}
    if Severity.FAIL in severities:
        return Status.FAIL
    if not determined or not told:
        return Status.UNKNOWN
    return Status.WARN if Severity.WARN in severities else Status.PASS


def _outside_line(reached: Reached) -> str:
    values = {"vantage": reached.vantage.name, "address": reached.target.address, "port": str(reached.target.port)}
    if why := worthless(reached):
        return seen(why, **values)
    said = "" if reached.speaks == "nothing" else f", {inbound.NAMES.get(reached.speaks, 'an unknown protocol')}"
    return seen("outside", outcome=say("outcomes", reached.tcp.outcome.value), said=said, **values)


# --------------------------------------------------------------------------------------------------------------------- NAT
async def _nat(world: World, place: Vantage | None, *ports: int) -> NatSeen:
    public = await confirming.public_address(place) if place is not None else None
    info = place.info if place is not None else None
    towards = (info.address, SSH_PORT) if info is not None and info.kind == "jump" and info.address else None
    return await nat.look(world.here, clock() + NAT_S, public=public, towards=towards, ports=ports)


async def run_nat(world: World, action: Nat, outside: str) -> Seen:
    """The router's own word, compared with how the place outside sees us, where there is one."""
    place = await world.outside.at(outside) if outside else None
    try:
        deep = await _nat(world, place, int(action.port))
    except VantageLost:
        await world.outside.forget(outside)
        deep = await _nat(world, None, int(action.port))
    told = _told(world, nat_rules.findings(deep, knocked=(action.public,) if action.public else ()))
    if not deep.outer and not deep.listed:
        return Seen(Status.UNKNOWN, ("mute-router",), told, lines=(seen("mute-router"),))
    here = [forward for forward in deep.forwards if forward.outside_port == int(action.port)]
    lines = [seen("outer", source=side.source, outer=side.address) for side in deep.outer if side.address]
    lines += [
        seen(
            "forward", outside_port=str(f.outside_port), inside_address=f.inside_address, inside_port=str(f.inside_port),
            source=f", for {f.source} alone" if f.source else "",
        )
        for f in here
    ]  # fmt: skip
    lines += [seen("no-forward", port=action.port)] if deep.listed and not here else []
    sign = "listed" if here else "not-listed"
    return Seen(Status.WARN if told else Status.PASS, (sign,) if deep.listed else (), told, lines=tuple(lines))


# ---------------------------------------------------------------------------------------------------------------- listening
async def run_listen(world: World, action: Listen, outside: str) -> Seen:
    """Our listener in the equipment's place, and a knock from outside; without a place outside, a colleague is waited for."""
    heard = _Heard(world)
    demo = world.demo is not None
    listener = Listener(
        [0 if demo else int(action.port)], heard, minutes=LISTEN_MINUTES, address=LOOPBACK if demo else None, helper=world.helper
    )
    outcomes = await listener.open()
    try:
        if not listener.opened:
            return _not_opened(world, action, outcomes)
        return await _outcome(world, action, outside, listener, heard)
    finally:
        listener.stop()


class _Heard:
    """What the listener heard. A flood is told and kept up to a bound, and looked at to its end."""

    def __init__(self, world: World) -> None:
        self._world, self._share = world, Share()
        self.count = 0
        self.from_outside = False
        self.proved = asyncio.Event()
        """Set once somebody knew the code."""

    def __call__(self, batch: Batch) -> None:
        self.count += len(batch.knocks) + batch.missed
        self.from_outside = self.from_outside or any(realm(each.peer) is Realm.PUBLIC for each in batch.knocks)
        if any(each.token is Token.MATCHED for each in batch.knocks):
            self.proved.set()
        taken = tuple(filter(self._share.takes, batch.knocks))
        self._world.keep(*(Knocked(self._world.session.at(), each) for each in taken))
        for each in taken:
            self._world.tell(seen("knock", peer=each.peer, said=inbound.NAMES.get(each.speaks, each.speaks)))


async def _outcome(world: World, action: Listen, outside: str, listener: Listener, heard: _Heard) -> Seen:
    if world.demo is not None:
        from aetui.demo.callers import call

        await call(world.demo, [opened.port for opened in listener.opened], listener.code)
        return _by_knocks(action, heard)
    await world.outside.forget(outside)  # this computer's address has just been changed: a connection made from the old one is dead
    place = await world.outside.at(outside) if outside else None
    if place is None:
        world.tell(seen("tell-partner", public=action.public, public_port=action.public_port, code=listener.code))
        stopped = asyncio.ensure_future(listener.stopped())
        proved = asyncio.ensure_future(heard.proved.wait())
        try:
            await asyncio.wait((stopped, proved), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopped, proved):
                task.cancel()
        return _by_knocks(action, heard)
    target = Target(action.public, int(action.public_port), int(action.port), expected_at(int(action.port)))
    around = confirming.Surroundings(listening=(int(action.port),), inside=world.here)
    try:
        what = await whole.look(place, confirming.Wanted((target,), (), listener.code), clock() + OUTSIDE_S, around)
    except VantageLost as lost:
        await world.outside.forget(outside)
        return Seen(Status.UNKNOWN, lines=(seen("lost", why=str(lost)),))
    return _confirmed(world, what)


def _by_knocks(action: Listen, heard: _Heard) -> Seen:
    """What came to the listener, where nobody of ours knocked."""
    if heard.proved.is_set():
        return Seen(Status.PASS, ("knock-proved",), lines=(seen("knocks", count=str(heard.count), port=action.port),))
    if heard.from_outside:
        return Seen(Status.WARN, ("knock-seen",), lines=(seen("knocks", count=str(heard.count), port=action.port),))
    return Seen(Status.FAIL, ("knock-none",), lines=(seen("knock-none", port=action.port),))


def _not_opened(world: World, action: Listen, outcomes: Sequence[Outcome]) -> Seen:
    found = [finding for outcome in outcomes if (finding := port_finding(outcome)) is not None]
    return Seen(Status.UNKNOWN, (), _told(world, found), lines=(seen("not-opened", port=action.port),))
