"""The Guide and Site tabs as plain text. AETUI_SNAPSHOTS=write writes them anew; look at the difference before committing it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from guide_stage import LOGGER, opened, shows
from stage import screen

FOLDER = Path(__file__).with_name("snapshots")

Steps = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
"""What to wait for, then the keys to press."""

TO_THE_PORT: Steps = (
    (("Which equipment is it about?",), ("enter",)),
    (("What is the trouble?",), ("enter",)),
    (("The PM2000's own address",), (*LOGGER, "enter")),
)
TO_THE_VERDICT: Steps = (*TO_THE_PORT, (("The public port",), ("enter",)), (("Prove it",), ("enter",)), (("The verdict, after",), ()))

PICTURES: list[tuple[str, str, str, str, Steps]] = [
    ("guide-choose-80x24", "guide", "forward-missing", "utf-8", ((("Which equipment", "PM2000"), ()),)),
    ("guide-question-80x24-ascii", "guide", "forward-missing", "ascii", (*TO_THE_PORT, (("The public port",), ()))),
    ("guide-verdict-80x24", "guide", "forward-missing", "utf-8", TO_THE_VERDICT),
    ("site-80x24", "site", "healthy", "utf-8", ((("right to",), ()),)),
    ("site-no-address-80x24-ascii", "site", "no-address", "ascii", ((("not known: no time server answered",), ()),)),
]


@pytest.mark.parametrize(("name", "tab", "demo", "encoding", "steps"), PICTURES, ids=[p[0] for p in PICTURES])
async def test_it_looks_as_it_did(name: str, tab: str, demo: str, encoding: str, steps: Steps) -> None:
    async with opened(tab, demo, encoding) as pilot:
        for texts, keys in steps:
            await shows(pilot, *texts)
            await pilot.press(*keys)
        await pilot.pause()
        seen = re.sub(r"right to \d+\.\d s", "right to ?.? s", screen(pilot.app)) + "\n"
    lines = seen.splitlines()[1:]
    assert all(len(text) <= 80 for text in lines)
    assert encoding == "utf-8" or seen.isascii()
    body = "\n".join(lines) + "\n"
    kept = FOLDER / f"{name}.txt"
    if os.environ.get("AETUI_SNAPSHOTS") == "write":
        kept.write_text(body, "utf-8")
    assert body == kept.read_text("utf-8")
