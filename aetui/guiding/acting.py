"""One action of a guide run to what it saw. What goes wrong with the network, or with a place outside, is data; what goes wrong with this
site's vantage is ``unknown`` with the reason, so that a guide can be taken up again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from aetui.entries import TraceDone
from aetui.guide import records
from aetui.guide.errnos import decode
from aetui.guide.records import Action, Decode, Seen, Trace
from aetui.guiding import inbound, outbound, place, public
from aetui.guiding.words import seen
from aetui.guiding.world import World
from aetui.probes.common import clock, since
from aetui.records import Severity, Status
from aetui.vantage.base import VantageLost

OUTSIDE = "outside"
"""Name under which a guide knows the place outside."""


async def act(world: World, action: Action, known: Mapping[str, str]) -> Seen:
    """Run it. Raises only CancelledError."""
    began = clock()
    try:
        result = await _RUNNERS[type(action)](world, action, known.get(OUTSIDE, ""))
    except VantageLost as lost:
        result = Seen(Status.UNKNOWN, lines=(seen("lost", why=str(lost)),))
    return replace(result, elapsed_ms=since(began))


async def run_trace(world: World, action: Trace) -> Seen:
    """The path, and the hop at which a port dies."""
    from aetui.path.run import trace

    local = world.here.info.kind == "local"
    found = await trace(action.host, int(action.port), vantage=None if local else world.here)
    world.keep(TraceDone(world.session.at(), found))
    last = next((hop.address for hop in reversed(found.hops) if hop.address is not None), None)
    told = found.diagnosis
    lines = [seen("reached", host=action.host, port=action.port)] if found.reached else []
    lines += [seen("hop", address=last)] if last and not found.reached else []
    if found.problem is not None:
        return Seen(Status.UNKNOWN, (), told, lines=tuple(lines))
    status = Status.FAIL if any(entry.severity is Severity.FAIL for entry in told) else Status.WARN if told else Status.PASS
    return Seen(status, ("reached",) if found.reached else (), told, {"dies": "" if found.reached else last or ""}, tuple(lines))


async def run_decode(action: Decode) -> Seen:
    """What an error number means."""
    entry = decode(action.number)
    if entry is None:
        said = seen("unknown-number", number=action.number)
        return Seen(Status.UNKNOWN, facts={"meaning": said}, lines=(said,))
    said = seen("number", number=str(entry.number), symbol=entry.symbol, meaning=entry.meaning)
    return Seen(Status.PASS, (entry.kind,), facts={"meaning": said}, lines=(said,))


_RUNNERS: Mapping[type[Action], Callable[[World, Any, str], Awaitable[Seen]]] = {
    records.Plan: lambda world, action, _: outbound.run_plan(world, action),
    records.Models: lambda world, action, _: outbound.run_models(world, action),
    records.Inside: lambda world, action, _: inbound.run_inside(world, action),
    records.Public: public.run,
    records.Confirm: inbound.run_confirm,
    records.Listen: inbound.run_listen,
    records.Nat: inbound.run_nat,
    records.Lan: place.run_lan,
    records.Find: lambda world, action, _: place.run_find(world, action),
    records.Free: lambda world, action, _: place.run_free(world, action),
    records.Trace: lambda world, action, _: run_trace(world, action),
    records.Decode: lambda _, action, __: run_decode(action),
}
