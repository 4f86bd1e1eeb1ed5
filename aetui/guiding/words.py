"""The wizard's own words: assets/guide.toml by table and key, filled with displayable values. Pure but for reading that file once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from aetui.display import displayable
from aetui.strict import parse_toml

LONGEST_VALUE = 600
"""Characters of one value: a whole sentence of a guide may be one."""
TABLES = ("wrong", "seen", "public", "ftp", "outcomes", "statuses", "verdicts", "lines")


@cache
def phrases() -> Mapping[str, Mapping[str, str]]:
    """Every sentence. Raises DataError where the file is wrong."""
    table = parse_toml(files("aetui.assets").joinpath("guide.toml").read_bytes(), "guide.toml")
    found = {name: table.table(name).strings() for name in TABLES}
    table.done()
    return found


def say(table: str, key: str, **values: str) -> str:
    """One sentence; the values are made displayable."""
    return phrases()[table][key].format_map({name: displayable(value, LONGEST_VALUE) for name, value in values.items()})


def time_off(offset_ms: float) -> str:
    """How far a clock is off, in the unit that people would use."""
    seconds = max(0.1, abs(offset_ms) / 1000)
    hours = seconds / 3600
    if hours < 2:
        return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.0f} days"


def seen(key: str, **values: str) -> str:
    """One line of what a check saw."""
    return say("seen", key, **values)
