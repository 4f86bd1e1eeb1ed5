"""A few pictures of the console as plain text. AETUI_SNAPSHOTS=write writes them anew; look at the difference before committing it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from stage import World, connect, console, finished, names, screen, until

from aetui.observations import DnsSeen, Outcome
from aetui.records import Check

FOLDER = Path(__file__).with_name("snapshots")


def no_name(check: Check, _time: int) -> DnsSeen:
    return names(check, outcome=Outcome.FILTERED, addresses=())


WORLDS = {
    "ready": {},
    "dropped": {"tcp:maki.alsoenergy.com:443": connect(Outcome.FILTERED), "tcp:streamer.alsoenergy.com:80": connect(Outcome.REFUSED)},
    "dns-dead": {"dns:": no_name, "canary:": no_name},
}

PICTURES = [
    ("ready-80x24", "ready", (80, 24), (), "utf-8"),
    ("dropped-80x24", "dropped", (80, 24), (), "utf-8"),
    ("dns-dead-80x24-ascii", "dns-dead", (80, 24), ("right",), "ascii"),
    ("dropped-120x40", "dropped", (120, 40), (), "utf-8"),
    ("why-80x24", "dropped", (80, 24), ("question_mark",), "utf-8"),
    ("equipment-120x40", "ready", (120, 40), ("e",), "utf-8"),
]


@pytest.mark.parametrize(("name", "world", "size", "keys", "encoding"), PICTURES, ids=[p[0] for p in PICTURES])
async def test_it_looks_as_it_did(name: str, world: str, size: tuple[int, int], keys: tuple[str, ...], encoding: str) -> None:
    app = console(World(WORLDS[world]), encoding=encoding)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await finished(pilot)
        await pilot.press(*keys)
        await until(pilot, lambda: len(screen(app).splitlines()) == size[1])
        await pilot.pause()
        seen = re.sub(r" *\d+ ms", lambda m: "? ms".rjust(len(m[0])), screen(app)) + "\n"
    assert all(len(line) <= size[0] for line in seen.splitlines())
    kept = FOLDER / f"{name}.txt"
    if os.environ.get("AETUI_SNAPSHOTS") == "write":
        kept.write_text(seen, "utf-8")
    assert seen == kept.read_text("utf-8")
