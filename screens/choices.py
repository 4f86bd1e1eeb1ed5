"""The console's pickers, filled from the catalogue and from the embedded site's scenarios."""

from __future__ import annotations

from collections.abc import Callable

from aetui.catalogue import load
from aetui.display import displayable
from aetui.prepare import own_catalogue
from aetui.screens.launch import Launch
from aetui.screens.picker import Entry, Picker
from aetui.screens.words import say


def equipment_picker(launch: Launch, leave: Callable[[str], None]) -> Picker:
    """Every piece of equipment of the catalogue, the one in use marked. Raises DataError where the user's own file is wrong."""
    catalogue = load(launch.own_catalogue or own_catalogue())
    entries = [Entry(one.key, displayable(one.title, 40), displayable(one.does, 160)) for one in catalogue.equipment.values()]
    return Picker(say("pickers", "equipment"), say("pickers", "equipment_help"), entries, launch.equipment, several=True, leave=leave)


def scenario_picker(launch: Launch) -> Picker:
    """Every scenario of the embedded site, the one in use first under the cursor."""
    from aetui.demo.scenario import names

    entries = [Entry(name, name, title) for name, title in names()]
    return Picker(say("pickers", "scenario"), say("pickers", "scenario_help"), entries, (launch.demo or "",))
