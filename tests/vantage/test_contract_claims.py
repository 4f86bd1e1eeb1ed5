"""What a vantage claims it must be able to show: the suite skips by capability, and these tests keep a skip from hiding a gap."""

from __future__ import annotations

import pytest
from vantage_world import NEEDED, World

from aetui.vantage.base import Capability


@pytest.mark.parametrize("capability", sorted(NEEDED))
async def test_a_claimed_capability_has_its_peers(world: World, capability: Capability) -> None:
    if capability in world.vantage.capabilities:
        assert NEEDED[capability] <= set(world.places)


async def test_every_vantage_reaches_tcp(world: World) -> None:
    assert Capability.TCP in world.vantage.capabilities


async def test_system_names_has_names_to_look_up(world: World) -> None:
    if Capability.SYSTEM_NAMES in world.vantage.capabilities:
        assert any(world.names.values())
        assert any(addresses == () for addresses in world.names.values())


async def test_info_names_its_kind_and_repeats_the_resolvers(world: World) -> None:
    assert world.vantage.info.kind in {"local", "jump", "demo"}
    assert world.vantage.info.name
    assert world.vantage.info.resolvers == world.vantage.resolvers
