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


def seen(key: str, **values: str) -> str:
    """One line of what a check saw."""
    return say("seen", key, **values)
