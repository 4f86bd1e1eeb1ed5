"""Asking the equipment over the local network: one knock, and whether it got as far as the equipment. Not here: judging."""

from __future__ import annotations

from dataclasses import replace

from aetui.inbound.knocking import knock
from aetui.lan.look import SURVEY_S
from aetui.lan.records import fits, networks
from aetui.observations import Outcome
from aetui.probes.common import clock
from aetui.reach import Reached, Standing, Target
from aetui.vantage.base import Vantage


async def ask(vantage: Vantage, target: Target, deadline: float) -> Reached:
    """Knock at the equipment's own port."""
    return await placed(vantage, await knock(vantage, target, Standing.INSIDE, deadline))


async def placed(vantage: Vantage, reached: Reached) -> Reached:
    """The same, with ``afar`` set where silence may be that of something on the way. An address of its own network a machine finds, or knows
    that nobody has it."""
    if reached.tcp.outcome is not Outcome.FILTERED or ":" in reached.target.address:
        return reached
    link = await vantage.survey(clock() + SURVEY_S)
    places = networks(link) if link is not None else ()
    return replace(reached, afar=bool(places) and not any(fits(reached.target.address, own) for _, own in places))
