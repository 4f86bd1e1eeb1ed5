"""The README's pictures of the console, made from the embedded site: ``python tests/pictures.py [NAME…]``. Writes assets/pictures/*.svg."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from aetui.cli.main import main
from aetui.screens.app import AetuiApp
from aetui.screens.launch import Launch
from aetui.screens.skin import COLOURED

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "pictures"
SIZE = (96, 28)
LONGEST_S = 30.0

PICTURES = {
    "outbound": ("dns-hijacked", ("pm2000",), (), "Blocked"),
    "path": ("support-port-dropped", ("acquisuite",), ("2", *"ra.buildingmanageronline.com:2022", "enter"), "All 7 probes were answered"),
    "inbound": ("forward-missing", ("pm2000",), ("3", "t"), "Does not work"),
    "guide": ("forward-missing", ("pm2000",), ("5", "enter"), "What is the trouble?"),
    "history": ("healthy", ("pm2000",), ("4",), "6 sessions"),
}
"""File, scenario, equipment, keys, and what it shows when it is worth a picture."""

EARLIER = (
    ("check", "pm2000", "--demo", "dns-dead", "--site", "Hilltop", "--note", "first visit"),
    ("check", "pm2000", "acquisuite", "--demo", "tls-intercepted", "--site", "Mill Road"),
    ("confirm", "--demo", "forward-missing", "--site", "Hilltop"),
    ("check", "kiosk", "--demo", "healthy", "--site", "Town Hall"),
    ("trace", "www.alsoenergy.com:443", "--demo", "healthy", "--site", "Mill Road"),
    ("check", "pm2000", "--demo", "healthy", "--site", "Hilltop", "--note", "resolver mended"),
)
"""What the history holds in its picture."""


async def picture(name: str) -> None:
    """Drive the console, and keep what it shows."""
    scenario, equipment, keys, shown = PICTURES[name]
    app = AetuiApp(Launch(equipment=equipment, demo=scenario, save=False))
    app.theme = COLOURED
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(2.0)
        for key in keys:
            await pilot.press({".": "full_stop", ":": "colon"}.get(key, key))
            await pilot.pause(0.1 if len(key) == 1 else 0.5)
        async with asyncio.timeout(LONGEST_S):
            while not any(shown in strip.text for strip in app.screen._compositor.render_strips()):
                await pilot.pause(0.2)
        await pilot.pause(1.0)
        (FOLDER / f"{name}.svg").write_text(app.export_screenshot(title=f"aetui --demo {scenario}"))


def lived(home: str) -> None:
    """A history with something in it."""
    os.environ["AETUI_HOME"] = home
    for command in EARLIER:
        with redirect_stdout(io.StringIO()):
            main([*command, "--save"])


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        lived(home)
        for each in sys.argv[1:] or PICTURES:
            asyncio.run(picture(each))
            print(f"{each}.svg")
